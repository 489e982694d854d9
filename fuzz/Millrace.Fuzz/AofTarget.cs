using Millrace.Engine.Codec;
using Millrace.Memory;
using Millrace.Persistence.Aof;
using Millrace.Persistence.Files;
using Millrace.Persistence.Rdb;
using Millrace.Resp;

namespace Millrace.Fuzz;

/// <summary>
/// The reader of append-only files. "#CRC!" and a line end in an input become the checksum that is right there. What
/// begins with an RDB file is read as a server does it: that one first, whose values are cut out and dropped, then the
/// commands behind it.
/// Promises: nothing throws; the outcome depends on the bytes alone, never on how they were split; every fault lies
/// within the file; memory keeps within its limit (<see cref="MemoryLimit"/>), with what was let go meanwhile; behind
/// the tail of a file that is right or truncated the writer goes on, and what it makes is right, covered from its
/// beginning, and holds the same commands and the new one.
/// </summary>
public sealed class AofTarget : FuzzTarget
{
    /// <summary>The target's name.</summary>
    public const string TargetName = "aof";

    private const int MostSteps = 13;
    private const int BufferBytes = 64;

    // What every reading takes: the buffer in which the rest is searched for a checksum, lists, the words of a fault.
    private const int LeastBytes = 72 * 1024;
    private static readonly byte[] Ping = "*1\r\n$4\r\nPING\r\n"u8.ToArray();

    private readonly AofBatch _batch = new(hasChecksums: true, hasTimestamps: true);
    private readonly byte[] _file;
    private readonly MemorySource _source = new();
    private readonly Heap _heap;

    /// <summary>A target with buffers of its own.</summary>
    public AofTarget()
    {
        _file = new byte[(4 * MaxInputBytes) + 1024];
        _heap = new Heap(_source);

        // The code is loaded here and not in the first execution, whose memory is measured.
        Run("*1\r\n$4\r\nPING\r\n#CRC!\r\n*1\r\n$4"u8);
        Run([.. "REDIS0001"u8, 0, 1, (byte)'a', 1, (byte)'b', 0xFF, .. Ping]);
    }

    /// <inheritdoc/>
    public override string Name => TargetName;

    /// <inheritdoc/>
    public override string Assembly => "Millrace.Persistence";

    /// <inheritdoc/>
    public override string[] SourceFiles =>
        ["AofReader.cs", "AofRemains.cs", "AofAnnotation.cs", "AofTail.cs", "AofBatch.cs", "CommandBytes.cs"];

    /// <inheritdoc/>
    public override int MaxInputBytes => 512;

    /// <inheritdoc/>
    public override IReadOnlyList<byte[]> Tokens { get; } =
    [
        .. new[]
        {
            "\r\n", "#CRC!\r\n", "#CRC:0123456789abcdef 27\r\n", "#CRC:", "#TS:1700000000\r\n", "#\n", "#", "*0\r\n",
            "*1\r\n$5\r\nMULTI\r\n", "*1\r\n$4\r\nEXEC\r\n", "*1\r\n$4\r\nPING\r\n", "*2\r\n", "$0\r\n\r\n",
            "$100000\r\n", "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n", "REDIS0011", "*2147483647\r\n",
            "$2147483647\r\n", "\0", "REDIS0001\0\u0001a\u0001b\xff",
            "REDIS0011\xfe\0\0\u0001a\u0001b\xff\0\0\0\0\0\0\0\0",
        }.Select(text => System.Text.Encoding.Latin1.GetBytes(text)),
    ];

    /// <inheritdoc/>
    public override long AllocationLimit(int inputBytes) => (1024 * 1024) + (256L * inputBytes);

    /// <inheritdoc/>
    public override void Run(ReadOnlySpan<byte> input)
    {
        input.CopyTo(_file);
        if (!TryReadPreamble(input.Length, RdbInput.BufferBytes, out var start)) return;
        var length = Fill(input, start);
        var (whole, digest) = Read(start, length, length, AofReader.UsualBufferBytes / 16);
        var step = 1 + (input.IsEmpty ? 0 : input[^1] % MostSteps);
        if (start > 0) Promise(TryReadPreamble(length, step, out var again) && again == start, "a preamble ends once");
        var (split, splitDigest) = Read(start, length, step, BufferBytes);
        Promise(whole == split, $"whole it is {whole}, in steps of at most {step} it is {split}");
        Promise(digest == splitDigest, "other commands come when the bytes come in steps");
        if (whole.Fault is not (AofFault.None or AofFault.TruncatedEnd)) return;
        _batch.Resume(whole.Tail);
        Promise(_batch.TryAdd(Ping, 1), "there is room");
        _batch.Seal();
        var end = (int)whole.Tail.Offset;
        _batch.Bytes.CopyTo(_file.AsSpan(end));
        length = end + _batch.Bytes.Length;
        var (resumed, _) = Read(start, length, length, BufferBytes);
        Promise(resumed.Fault == AofFault.None, $"what was resumed is {resumed}");
        Promise(resumed.Commands == whole.Commands + 1, "what was resumed has other commands");
        Promise(resumed.Tail == _batch.Tail && resumed.Tail.UncoveredBytes == 0, "the tails differ");
        _batch.Clear();
    }

    private static void Promise(bool kept, string sentence)
    {
        if (!kept) throw new BrokenPromiseException(sentence);
    }

    /// <summary>The file of an input, whose commands begin there; how long it is.</summary>
    private int Fill(ReadOnlySpan<byte> input, int start)
    {
        var token = "#CRC!\r\n"u8;
        var tail = new AofTail(start, 0, 0);
        input = input[start..];
        Span<byte> line = stackalloc byte[AofAnnotation.MaxWrittenBytes];
        while (true)
        {
            var next = input.IndexOf(token);
            var plain = next < 0 ? input : input[..next];
            plain.CopyTo(_file.AsSpan((int)tail.Offset));
            tail = tail.With(plain);
            if (next < 0) return (int)tail.Offset;
            var written = AofAnnotation.WriteChecksum(tail, line);
            line[..written].CopyTo(_file.AsSpan((int)tail.Offset));
            tail = tail.Covered(written);
            input = input[(next + token.Length)..];
        }
    }

    /// <summary>Reads the RDB file that stands in front of the commands, if one does; false when that is refused.
    /// </summary>
    private bool TryReadPreamble(int length, int bufferBytes, out int start)
    {
        start = 0;
        if (!AofReader.IsRdb(_file.AsSpan(0, length))) return true;
        Promise(
            new AofReader(new MemoryStream(_file, 0, length), new DigestingSink()).Read().Fault == AofFault.RdbPreamble,
            "the reader of commands knows a preamble");
        var input = new RdbInput(new Preamble(_file, length), bufferBytes);
        var outcome = new RdbReader(input, new PreambleSink(), _heap, verifies: true).Read();
        Promise(_heap.AllocatedBytes == 0, "memory was not given back");
        start = (int)outcome.EndOffset;
        return outcome.IsComplete;
    }

    private (AofLoadResult Result, ulong Digest) Read(int start, int length, int step, int bufferBytes)
    {
        var result = Read(start, length, step, bufferBytes, out var digest, out var taken);
        long limit = LeastBytes + bufferBytes + MemoryLimit.Of(length);

        // Now and then the runtime takes some for itself; not twice.
        if (taken > limit) Read(start, length, step, bufferBytes, out _, out taken);
        Promise(taken <= limit, $"{length} bytes take {taken} bytes of memory");
        Promise(result.FaultOffset >= start && result.FaultOffset <= length, "the fault lies outside of the file");
        Promise(result.Tail.Offset >= start && result.Tail.Offset <= length, "the tail lies outside of the file");
        Promise((result.Fault == AofFault.None) == (result.Reason is null), "a fault has a reason");
        Promise(result.Describe("x").Length > 0, "a fault has words");
        return (result, digest);
    }

    private AofLoadResult Read(int start, int length, int step, int bufferBytes, out ulong digest, out long taken)
    {
        var sink = new DigestingSink();
        var file = step < length ? new SteppedStream(_file, length, step) : new MemoryStream(_file, 0, length);
        file.Position = start;
        long before = GC.GetAllocatedBytesForCurrentThread();
        var result = new AofReader(file, sink, bufferBytes).Read(start);
        taken = GC.GetAllocatedBytesForCurrentThread() - before;
        digest = sink.Digest;
        Promise(sink.IsBalanced, "transactions are whole");
        return result;
    }

    /// <summary>Condenses what is delivered into one number.</summary>
    private sealed class DigestingSink : IAofSink
    {
        private int _expected = -1;

        internal ulong Digest { get; private set; } = 14695981039346656037;

        internal bool IsBalanced => _expected == -1;

        public bool BeginTransaction(int commands)
        {
            Promise(_expected == -1, "a transaction begins within another");
            _expected = commands;
            Mix((byte)'[');
            return true;
        }

        public bool Command(Args args)
        {
            Promise(args.Count > 0 && _expected != 0, "a command that is none");
            if (_expected > 0) _expected--;
            for (var i = 0; i < args.Count; i++)
            {
                foreach (var one in args[i]) Mix(one);
                Mix((byte)' ');
            }

            return true;
        }

        public bool EndTransaction()
        {
            Promise(_expected == 0, "a transaction of other commands than it said");
            _expected = -1;
            Mix((byte)']');
            return true;
        }

        private void Mix(byte one) => Digest = (Digest ^ one) * 1099511628211;
    }

    /// <summary>Drops what an RDB file holds.</summary>
    private sealed class PreambleSink : IRdbSink
    {
        private readonly DroppedBytes _dropped = new();

        public int Databases => 16;

        public long MostBytes => long.MaxValue;

        public void Aux(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
        {
            // Nobody wants it.
        }

        public void Resize(int database, ulong keys, ulong deadlines)
        {
            // Nobody wants it.
        }

        public string? Function(ReadOnlySpan<byte> code) => null;

        public RdbTaking Take(in RdbKey key, scoped ref ValueReader value)
        {
            var writer = new ValueWriter(_dropped);
            return ValueCutter.TryCut(ref value, key.Type, ref writer) ? RdbTaking.Taken : RdbTaking.Unreadable;
        }
    }

    /// <summary>Where bytes are written that nobody wants.</summary>
    private sealed class DroppedBytes : ValueSink
    {
        private readonly byte[] _room = new byte[1024];

        public override Span<byte> Next(int filled) => _room;

        public override void End(int filled)
        {
            // They are gone.
        }
    }

    /// <summary>The file as the reader of its preamble sees it.</summary>
    private sealed class Preamble(byte[] bytes, int length) : IReadableFile
    {
        public long Length => length;

        public string? Read(long offset, Span<byte> to, out int bytesRead)
        {
            bytesRead = (int)Math.Min(to.Length, length - offset);
            bytes.AsSpan((int)offset, bytesRead).CopyTo(to);
            return null;
        }

        public void Dispose()
        {
            // The bytes are the target's.
        }
    }

    /// <summary>Gives bytes a few at a time.</summary>
    private sealed class SteppedStream(byte[] bytes, int length, int step) : MemoryStream(bytes, 0, length)
    {
        private readonly int _step = step;

        public override bool CanSeek => false;

        public override int Read(Span<byte> buffer) => base.Read(buffer[..Math.Min(_step, buffer.Length)]);
    }
}
