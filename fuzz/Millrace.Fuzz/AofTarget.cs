using Millrace.Persistence.Aof;
using Millrace.Resp;

namespace Millrace.Fuzz;

/// <summary>
/// The reader of append-only files. "#CRC!" and a line end in an input become the checksum that is right there.
/// Promises: nothing throws; the outcome depends on the bytes alone, never on how they were split; every fault lies
/// within the file; behind the tail of a file that is right or truncated the writer goes on, and what it makes is
/// right, covered from its beginning, and holds the same commands and the new one.
/// </summary>
public sealed class AofTarget : FuzzTarget
{
    /// <summary>The target's name.</summary>
    public const string TargetName = "aof";

    private const int MostSteps = 13;
    private const int BufferBytes = 64;
    private static readonly byte[] Ping = "*1\r\n$4\r\nPING\r\n"u8.ToArray();

    private readonly AofBatch _batch = new(hasChecksums: true, hasTimestamps: true);
    private readonly byte[] _file;

    /// <summary>A target with buffers of its own.</summary>
    public AofTarget()
    {
        _file = new byte[(4 * MaxInputBytes) + 1024];

        // The code is loaded here and not in the first execution, whose memory is measured.
        Run("*1\r\n$4\r\nPING\r\n#CRC!\r\n*1\r\n$4"u8);
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
            "$2147483647\r\n", "\0",
        }.Select(text => System.Text.Encoding.Latin1.GetBytes(text)),
    ];

    /// <inheritdoc/>
    public override long AllocationLimit(int inputBytes) => (1024 * 1024) + (256L * inputBytes);

    /// <inheritdoc/>
    public override void Run(ReadOnlySpan<byte> input)
    {
        var length = Fill(input);
        var (whole, digest) = Read(length, new MemoryStream(_file, 0, length), AofReader.UsualBufferBytes / 16);
        var step = 1 + (input.IsEmpty ? 0 : input[^1] % MostSteps);
        var (split, splitDigest) = Read(length, new SteppedStream(_file, length, step), BufferBytes);
        Promise(whole == split, $"whole it is {whole}, in steps of at most {step} it is {split}");
        Promise(digest == splitDigest, "other commands come when the bytes come in steps");
        if (whole.Fault is not (AofFault.None or AofFault.TruncatedEnd)) return;
        _batch.Resume(whole.Tail);
        Promise(_batch.TryAdd(Ping, 1), "there is room");
        _batch.Seal();
        var end = (int)whole.Tail.Offset;
        _batch.Bytes.CopyTo(_file.AsSpan(end));
        length = end + _batch.Bytes.Length;
        var (resumed, _) = Read(length, new MemoryStream(_file, 0, length), BufferBytes);
        Promise(resumed.Fault == AofFault.None, $"what was resumed is {resumed}");
        Promise(resumed.Commands == whole.Commands + 1, "what was resumed has other commands");
        Promise(resumed.Tail == _batch.Tail && resumed.Tail.UncoveredBytes == 0, "the tails differ");
        _batch.Clear();
    }

    private static void Promise(bool kept, string sentence)
    {
        if (!kept) throw new BrokenPromiseException(sentence);
    }

    /// <summary>The file of an input; how long it is.</summary>
    private int Fill(ReadOnlySpan<byte> input)
    {
        var token = "#CRC!\r\n"u8;
        var tail = default(AofTail);
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

    private static (AofLoadResult Result, ulong Digest) Read(int length, Stream file, int bufferBytes)
    {
        var sink = new DigestingSink();
        var result = new AofReader(file, sink, bufferBytes).Read();
        Promise(result.FaultOffset >= 0 && result.FaultOffset <= length, "the fault lies outside of the file");
        Promise(result.Tail.Offset <= length, "the tail lies outside of the file");
        Promise((result.Fault == AofFault.None) == (result.Reason is null), "a fault has a reason");
        Promise(result.Describe("x").Length > 0 && sink.IsBalanced, "transactions are whole");
        return (result, sink.Digest);
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

    /// <summary>Gives bytes a few at a time.</summary>
    private sealed class SteppedStream(byte[] bytes, int length, int step) : MemoryStream(bytes, 0, length)
    {
        private readonly int _step = step;

        public override bool CanSeek => false;

        public override int Read(Span<byte> buffer) => base.Read(buffer[..Math.Min(_step, buffer.Length)]);
    }
}
