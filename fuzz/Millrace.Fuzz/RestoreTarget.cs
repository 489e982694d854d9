using Millrace.Engine;
using Millrace.Engine.Codec;
using Millrace.Memory;

namespace Millrace.Fuzz;

/// <summary>
/// The reading of values, as RESTORE and RDB files hold them. An input is a type and a value; the checksum is made
/// right afterwards. Promises: nothing throws; the outcome depends on the bytes alone, never on how they were split;
/// what was accepted can be looked at and changed in every way, and comes back equal from what it is written as; all
/// memory is given back.
/// </summary>
public sealed class RestoreTarget : FuzzTarget
{
    /// <summary>The target's name.</summary>
    public const string TargetName = "restore";

    private const long NowMs = 1_700_000_000_000;
    private const int MostSteps = 7;

    private readonly MemorySource _source = new();
    private readonly Keyspace _keyspace;
    private readonly Unit _unit;
    private readonly SplitSource _split = new();
    private readonly byte[] _payload;
    private readonly byte[] _digest = new byte[Sha1.DigestBytes];

    /// <summary>A target with a keyspace of its own.</summary>
    public RestoreTarget()
    {
        _keyspace = new Keyspace(new KeyspaceShape(1, 1, 1), _source, new KeyHasher(1));
        _unit = new Unit(_keyspace, 1);
        _payload = new byte[MaxInputBytes + DumpFooter.Bytes];

        // The code is loaded here and not in the first execution, whose memory is measured.
        Run([0, 1, (byte)'a']);
    }

    /// <inheritdoc/>
    public override string Name => TargetName;

    /// <inheritdoc/>
    public override string Assembly => "Millrace.Engine";

    /// <inheritdoc/>
    public override string[] SourceFiles =>
    [
        "ValueCodec.cs", "ValueReader.cs", "ValueWriter.cs", "ValuePlace.cs", "StringCodec.cs", "ListCodec.cs",
        "SetCodec.cs", "SortedSetCodec.cs", "HashCodec.cs", "HashBuilder.cs", "Ziplist.cs", "Zipmap.cs",
        "SeenMembers.cs",
    ];

    /// <inheritdoc/>
    public override int MaxInputBytes => 1024;

    /// <inheritdoc/>
    public override IReadOnlyList<byte[]> Tokens { get; } =
    [
        .. new[]
        {
            "c007", "c12c01", "c270110100", "c30561", "c3054064017878e057000178", "0161", "00", "3f", "4040",
            "80000000ff", "810000010000000000", "80ffffffff", "000000000000f03f", "000000000000f87f", "fd", "fe",
            "ff", "0331", "02313a", "07070000000000ff", "0b0b0000000200016101016201ff", "0200000001000000",
            "0400000002000000", "0800000001000000", "0b0000000a000000", "0000ff", "0102", "0101", "0202", "8161",
            "816102", "f1ff7f03", "00d8b8062bbb0300", "12", "14", "16", "17", "18", "19", "0a", "0c", "0d", "0e",
            "09",
        }.Select(Convert.FromHexString),
    ];

    /// <inheritdoc/>
    public override long AllocationLimit(int inputBytes) => (64 * 1024) + (256L * inputBytes);

    /// <inheritdoc/>
    public override void Run(ReadOnlySpan<byte> input)
    {
        // The bytes themselves choose limits, format and steps, so that a crash input crashes again.
        var seed = input.IsEmpty ? 0 : input[^1] + (7 * input.Length);
        _keyspace.Encodings = seed % 3 == 0
            ? new EncodingLimits()
            : new EncodingLimits
            {
                HashEntries = seed % 4, SetEntries = seed % 5, IntSetEntries = seed % 4, SortedSetEntries = seed % 3,
                HashValueBytes = 20, SetValueBytes = 20, SortedSetValueBytes = 20,
                ListChunk = 1 + (seed % 5), ListCompressDepth = seed % 2,
            };
        _unit.TryBegin(1, NowMs, patient: true, out _);
        Compare(input, new RdbFormat(seed % 2 == 0 ? 10 : 11, seed % 5 < 3), 1 + (seed % MostSteps));
        _unit.End();
        // The table of keys, made by the first of them, stays when they are gone.
        _keyspace[0].Discard(0, NowMs);
        while (!_keyspace[0].FreeDiscarded(int.MaxValue))
        {
            // Until all of it is gone.
        }

        Promise(_keyspace.UsedBytes == 0, "memory was not given back");
        Promise(_keyspace.Blobs.LiveCount == 0, "a blob was not given back");
    }

    private static void Promise(bool kept, string sentence)
    {
        if (!kept) throw new BrokenPromiseException(sentence);
    }

    private void Compare(ReadOnlySpan<byte> input, RdbFormat format, int step)
    {
        input.CopyTo(_payload);
        DumpFooter.Write(input, RdbFormat.LatestVersion, _payload.AsSpan(input.Length));
        var payload = _payload.AsSpan(0, input.Length + DumpFooter.Bytes);
        var isOpen = DumpFooter.TryOpen(payload, verifies: true, out var value);
        Promise(isOpen && value.SequenceEqual(input), "the footer is right");

        var key = KeyOf("key"u8);
        var heap = _keyspace[0].Heap;
        var reader = new ValueReader(value, heap);
        var isMade = TryRead(key, ref reader, out var made);
        _split.Reset(value.ToArray(), step);
        var again = new ValueReader(_split, heap);
        var isMadeAgain = TryRead(key, ref again, out var other);
        Promise(isMade == isMadeAgain, "the outcome differs when the bytes come in pieces");
        if (!isMade) return;
        var digest = default(DataDigest);
        digest.AddValue(made);
        digest.Bytes.CopyTo(_digest);
        var otherDigest = default(DataDigest);
        otherDigest.AddValue(other);
        Promise(otherDigest.Bytes.SequenceEqual(_digest), "the value differs when the bytes come in pieces");
        new ValuePlace(_unit, key).Drop(other);
        _unit.Install(key, default, made);
        var entry = _unit.Find(key, Access.Read);
        if (entry.IsMissing) return; // a hash whose fields are all due
        CheckWritten(entry, format);
        entry = _unit.Find(key, Access.Read);
        _unit.Copy(key, entry, KeyOf("copy"u8));
        var copy = KeyOf("copy"u8);
        ValueSurvey.Run(_unit, copy);
        entry = _unit.Find(copy, Access.Peek);
        if (!entry.IsMissing) _unit.Remove(copy, entry);
        _unit.Remove(key, _unit.Find(key, Access.Peek));
    }

    private bool TryRead(in Key key, scoped ref ValueReader reader, out Entry made)
    {
        var place = new ValuePlace(_unit, key);
        made = default;
        if (!reader.TryByte(out var type) || !ValueCodec.TryRead(ref reader, (RdbType)type, place, out made))
        {
            Promise(made.IsMissing, "what was refused is nothing");
            return false;
        }

        if (reader.Left == 0) return true;
        place.Drop(made);
        made = default;
        return false;
    }

    private void CheckWritten(in Entry entry, RdbFormat format)
    {
        var heap = _keyspace[0].Heap;
        var type = ValueCodec.TypeOf(entry, format, NowMs);
        if (type == RdbType.None)
        {
            Promise(format.Version == RdbFormat.OldestVersion, "the usual version holds every value");
            return;
        }

        var digest = default(DataDigest);
        digest.AddValue(entry);
        var encoded = _unit.Encoded;
        encoded.Begin(heap, ValueCodec.ExpectedBytes(entry));
        var writer = new ValueWriter(encoded, heap, format);
        writer.Type(type);
        ValueCodec.Write(ref writer, entry, type, NowMs);
        writer.End();
        encoded.Seal(format.VersionOf(type));
        Promise(DumpFooter.TryOpen(encoded.Bytes, verifies: true, out var value), "what was sealed opens");
        var reader = new ValueReader(value, heap);
        var key = KeyOf("key"u8);
        Promise(TryRead(key, ref reader, out var made), "what was written is read");
        var back = default(DataDigest);
        back.AddValue(made);

        // Fields that are due are in the entry, but not in what is written.
        if (type is not (RdbType.HashDeadlines or RdbType.HashDeadlinesListpack))
            Promise(back.Bytes.SequenceEqual(digest.Bytes), "another value comes back than was written");
        new ValuePlace(_unit, key).Drop(made);
        encoded.Clear();
    }

    private Key KeyOf(ReadOnlySpan<byte> name) => new(0, _keyspace.HashOf(name), name);

    /// <summary>Gives bytes a few at a time.</summary>
    private sealed class SplitSource : ValueSource
    {
        private byte[] _bytes = [];
        private int _step;
        private int _at;

        public override long Left => _bytes.Length - _at;

        public override ReadOnlySpan<byte> Next()
        {
            var bytes = _bytes.AsSpan(_at, Math.Min(_step, _bytes.Length - _at));
            _at += bytes.Length;
            return bytes;
        }

        internal void Reset(byte[] bytes, int step)
        {
            _bytes = bytes;
            _step = step;
            _at = 0;
        }
    }
}
