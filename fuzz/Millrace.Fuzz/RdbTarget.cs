using System.Buffers.Binary;
using Millrace.Engine;
using Millrace.Engine.Codec;
using Millrace.Memory;
using Millrace.Persistence.Files;
using Millrace.Persistence.Rdb;

namespace Millrace.Fuzz;

/// <summary>
/// The reading of RDB files. An input is a file without its checksum, which is made right afterwards. Promises: nothing
/// throws; the outcome depends on the bytes alone, never on how they were read, nor on whether values are cut out first
/// and made elsewhere, as several threads do; memory never exceeds its limit (<see cref="MemoryLimit"/>), looked at
/// whenever bytes are read; what was loaded is saved and comes back equal; all memory is given back.
/// </summary>
public sealed class RdbTarget : FuzzTarget
{
    /// <summary>The target's name.</summary>
    public const string TargetName = "rdb";

    private const long NowMs = 1_700_000_000_000;
    private const int MostStep = 40;
    private const int Databases = 4;

    // What a table of keys takes when it is empty, and a value of no bytes.
    private const int LeastKeyspaceBytes = 8 * 1024;

    // Objects of the reader beside its buffer, and the words of a fault.
    private const int LeastManagedBytes = 8 * 1024;

    // What the source has from the system at most: it gives chunks of 2 MB, and keeps some that are free.
    private const long MostCommittedBytes = 32L * 1024 * 1024;

    private readonly MemorySource _source = new();
    private readonly Keyspace _keyspace;
    private readonly Unit _unit;
    private readonly ByteFile _saved = new();
    private long _limit;
    private long _managedBytes; // of the latest reading, beyond what every reading takes

    /// <summary>A target with a keyspace of its own.</summary>
    public RdbTarget()
    {
        _keyspace = new Keyspace(new KeyspaceShape(1, Databases, 1), _source, new KeyHasher(1));
        _unit = new Unit(_keyspace, 1);

        // The code is loaded here and not in the first execution, whose memory is measured.
        Run([.. "REDIS0011"u8, 0, 1, (byte)'a', 1, (byte)'b', 0xFF]);
    }

    /// <inheritdoc/>
    public override string Name => TargetName;

    /// <inheritdoc/>
    public override string Assembly => "Millrace.Persistence";

    /// <inheritdoc/>
    public override string[] SourceFiles =>
    [
        "RdbReader.cs", "RdbInput.cs", "RdbMagic.cs", "KeyspaceLoad.cs", "KeyspaceSave.cs", "RdbWriter.cs",
        "RdbOutput.cs", "ModuleName.cs", "ShownText.cs", "KeyFault.cs",
    ];

    /// <inheritdoc/>
    public override int MaxInputBytes => 1536;

    /// <inheritdoc/>
    public override IReadOnlyList<byte[]> Tokens { get; } =
    [
        "REDIS0001"u8.ToArray(), "REDIS0009"u8.ToArray(), "REDIS0012"u8.ToArray(), "VALKEY080"u8.ToArray(),
        .. new[]
        {
            "fe00", "fe01", "fb0100", "fa0161", "f50161", "f6", "f70061", "f8", "f800", "f9ff", "fc", "fd", "ff",
            "f4000000", "f3", "00016101", "00016201", "fc0068e5cf8b010000", "fd00000000", "0701", "16", "0c", "14",
            "8100ffffffffffffff", "80ffffffff", "c0", "c3", "0100", "0200", "0400", "0500", "0e00", "12",
        }.Select(Convert.FromHexString),
    ];

    /// <inheritdoc/>
    public override long AllocationLimit(int inputBytes) => (1024 * 1024) + (1024L * inputBytes);

    /// <inheritdoc/>
    public override void Run(ReadOnlySpan<byte> input)
    {
        // The bytes themselves choose limits, version and steps, so that a crash input crashes again.
        var seed = input.IsEmpty ? 0 : input[^1] + (7 * input.Length);
        _keyspace.Encodings = seed % 3 == 0
            ? new EncodingLimits()
            : new EncodingLimits
            {
                HashEntries = seed % 4, SetEntries = seed % 5, IntSetEntries = seed % 4, SortedSetEntries = seed % 3,
                HashValueBytes = 20, SetValueBytes = 20, SortedSetValueBytes = 20, ListChunk = 1 + (seed % 5),
            };
        Span<byte> checksum = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(checksum, Crc64.Of(input));
        byte[] file = [.. input, .. checksum];
        _limit = MemoryLimit.OfRdb(file, _keyspace[0].Heap);
        var options = new KeyspaceLoadOptions(DropsExpired: seed % 2 == 0, Replaces: seed % 5 == 0);
        var outcome = Load(file, options, RdbInput.BufferBytes, verifies: true, out var digest);
        CheckManaged(file, options);
        Empty();
        var again = Load(file, options, 1 + (seed % MostStep), verifies: true, out var digestAgain);
        Promise(outcome == again, "the outcome differs when the bytes come in pieces");
        Empty();
        var cut = Load(file, options, 1 + (seed % MostStep), verifies: true, out var digestCut, cuts: true);
        Promise(outcome.IsComplete == cut.IsComplete, "the outcome differs when values are cut out first");
        Promise(outcome.Fault.Offset == cut.Fault.Offset, "another record is wrong when values are cut out first");
        Promise(digest.Bytes.SequenceEqual(digestCut.Bytes), "the data differs when values are cut out first");
        Promise(digest.Bytes.SequenceEqual(digestAgain.Bytes), "the data differs when the bytes come in pieces");
        Promise(outcome.IsComplete || outcome.Fault.Text.Length > 0, "a fault has a text");
        Promise(outcome.EndOffset <= file.Length && outcome.Fault.Offset <= file.Length, "offsets are in the file");
        if (outcome.Fault.Kind == RdbFaultKind.Checksum)
        {
            Empty();
            Promise(
                Load(file, options, RdbInput.BufferBytes, verifies: false, out _).IsComplete,
                "only the checksum is wrong");
        }
        else if (outcome.IsComplete)
        {
            CheckSaved(seed);
        }

        Empty();
    }

    private static void Promise(bool kept, string sentence)
    {
        if (!kept) throw new BrokenPromiseException(sentence);
    }

    private RdbOutcome Load(
        byte[] file,
        KeyspaceLoadOptions options,
        int bufferBytes,
        bool verifies,
        out DataDigest digest,
        bool cuts = false)
    {
        _unit.TryBegin(1, NowMs, patient: true, out _);
        var content = new ByteFile(file, LookAtMemory);
        var load = new KeyspaceLoad(_unit, options);
        IRdbSink sink = cuts ? new CuttingSink(load, _keyspace[0].Heap) : load;
        var before = GC.GetAllocatedBytesForCurrentThread();
        var outcome = new RdbReader(new RdbInput(content, bufferBytes), sink, _keyspace[0].Heap, verifies).Read();
        _managedBytes = GC.GetAllocatedBytesForCurrentThread() - before - bufferBytes - LeastManagedBytes;
        LookAtMemory();
        digest = default;
        digest.AddAll(_keyspace);
        _unit.End();
        return outcome;
    }

    // Now and then the runtime takes some for itself; not twice.
    private void CheckManaged(byte[] file, KeyspaceLoadOptions options)
    {
        if (_managedBytes <= _limit) return;
        Empty();
        Load(file, options, RdbInput.BufferBytes, verifies: true, out _);
        Promise(_managedBytes <= _limit, $"reading takes {_managedBytes} managed bytes, {_limit} are allowed");
    }

    private void LookAtMemory()
    {
        var used = _keyspace.UsedBytes;
        Promise(used <= LeastKeyspaceBytes + _limit, $"the keyspace takes {used} bytes, {_limit} are allowed");
        Promise(_source.CommittedBytes <= MostCommittedBytes, "more is taken from the system than a file can fill");
    }

    private void CheckSaved(int seed)
    {
        var usual = new RdbFormat(seed % 7 == 0 ? RdbFormat.OldestVersion : RdbFormat.UsualVersion, seed % 2 == 0);
        _unit.TryBegin(1, NowMs, patient: true, out _);
        RemoveExpired();
        var digest = default(DataDigest);
        digest.AddAll(_keyspace);
        _saved.Clear();
        var output = new RdbOutput(_saved);
        var format = KeyspaceSave.FormatFor(_keyspace, usual);
        var refused = KeyspaceSave.Write(_unit, format, new RdbContents(), output);
        output.Seal(hasChecksum: true);
        _unit.End();
        Promise(
            refused is null || format.Version == RdbFormat.OldestVersion, "the usual version holds every value");
        if (refused is not null) return;
        Empty();
        var saved = _saved.ToArray();
        _limit = Math.Max(_limit, MemoryLimit.OfRdb(saved, _keyspace[0].Heap));
        var outcome = Load(
            saved, new KeyspaceLoadOptions(DropsExpired: false), 64, verifies: true, out var back);
        Promise(outcome.IsComplete, "what was saved is loaded: " + outcome.Fault);
        Promise(back.Bytes.SequenceEqual(digest.Bytes), "other data comes back than was saved");
    }

    // What has expired is not saved.
    private void RemoveExpired()
    {
        var lateness = new LatenessHistogram();
        while (_unit.RemoveDue(0, int.MaxValue, lateness) == int.MaxValue)
        {
            // Until nothing is due.
        }
    }

    private void Empty()
    {
        for (var i = 0; i < Databases; i++) _keyspace[0].Discard(i, NowMs);
        while (!_keyspace[0].FreeDiscarded(int.MaxValue))
        {
            // Until all of it is gone.
        }

        Promise(_keyspace.UsedBytes == 0, "memory was not given back");
        Promise(_keyspace.Blobs.LiveCount == 0, "a blob was not given back");
    }

    /// <summary>Cuts each value out of the file, and has it made of what was cut.</summary>
    private sealed class CuttingSink(KeyspaceLoad load, Heap heap) : IRdbSink
    {
        private readonly CutValue _cut = new();

        public int Databases => load.Databases;

        public long MostBytes => load.MostBytes;

        public void Aux(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value) => load.Aux(name, value);

        public void Resize(int database, ulong keys, ulong deadlines) => load.Resize(database, keys, deadlines);

        public string? Function(ReadOnlySpan<byte> code) => load.Function(code);

        public RdbTaking Take(in RdbKey key, scoped ref ValueReader value)
        {
            _cut.Clear();
            var writer = new ValueWriter(_cut);
            if (!ValueCutter.TryCut(ref value, key.Type, ref writer)) return RdbTaking.Unreadable;
            writer.End();
            var reader = new ValueReader(_cut.Bytes, heap, load.MostBytes);
            var taking = load.Take(key, ref reader);
            Promise(taking != RdbTaking.Taken || reader.Left == 0, "a value is cut where it ends");

            // A collection without members is no fault; the reader that knows is another one.
            return taking == RdbTaking.Unreadable && reader.HasNoMembers ? RdbTaking.Taken : taking;
        }
    }

    /// <summary>A value that was cut out.</summary>
    private sealed class CutValue : ValueSink
    {
        private byte[] _bytes = new byte[256];
        private int _filled;

        public ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, _filled);

        public void Clear() => _filled = 0;

        public override Span<byte> Next(int filled)
        {
            _filled += filled;
            if (_bytes.Length - _filled < MinRoomBytes) Array.Resize(ref _bytes, 2 * _bytes.Length);
            return _bytes.AsSpan(_filled);
        }

        public override void End(int filled) => _filled += filled;
    }

    /// <summary>A file in memory; whoever wants to hears of each read.</summary>
    private sealed class ByteFile(byte[]? content = null, Action? reads = null) : IReadableFile, IByteTarget
    {
        private readonly MemoryStream _written = new();

        public long Length => content!.Length;

        public string? Read(long offset, Span<byte> to, out int bytes)
        {
            reads?.Invoke();
            bytes = (int)Math.Min(to.Length, Length - offset);
            content.AsSpan((int)offset, bytes).CopyTo(to);
            return null;
        }

        public DiskFault Write(ReadOnlySpan<byte> bytes)
        {
            _written.Write(bytes);
            return default;
        }

        public byte[] ToArray() => _written.ToArray();

        public void Clear() => _written.SetLength(0);

        public void Dispose() => _written.Dispose();
    }
}
