using Millrace.Resp;

namespace Millrace.Fuzz;

/// <summary>
/// The request parser. Promises: the outcome depends on the bytes alone, never on how they were split; every argument
/// lies within the bytes consumed; a request consumes something; what is held for an incomplete request is bounded by
/// the bytes that came.
/// </summary>
public sealed class RequestParserTarget : FuzzTarget
{
    /// <summary>The target's name.</summary>
    public const string TargetName = "request-parser";

    private const int HeldBytesPerByte = 16;
    private const int HeldBytesAtLeast = 1024;
    private const int MostSingleBytes = 64;
    private const int FewBytes = 16;

    private static readonly RequestLimits SmallLimits = new()
    {
        MaxBulkLength = 512,
        MaxInlineBytes = 64,
        MaxArguments = 24,
        MaxArgumentsUnauthenticated = 4,
        MaxBulkLengthUnauthenticated = 32,
        BigBulkBytes = 48,
    };

    private readonly SliceList _args = new();
    private readonly byte[] _buffer;
    private readonly RequestParser _parser = new();

    /// <summary>A target with buffers of its own.</summary>
    public RequestParserTarget() => _buffer = new byte[MaxInputBytes];

    /// <inheritdoc/>
    public override string Name => TargetName;

    /// <inheritdoc/>
    public override string Assembly => "Millrace.Resp";

    /// <inheritdoc/>
    public override string[] SourceFiles => ["RequestParser.cs", "InlineWords.cs", "SliceList.cs"];

    /// <inheritdoc/>
    public override int MaxInputBytes => 512;

    /// <inheritdoc/>
    public override IReadOnlyList<byte[]> Tokens { get; } =
    [
        .. new[]
        {
            "\r\n", "*1\r\n", "*3\r\n", "*0\r\n", "*-1\r\n", "*25\r\n", "$0\r\n\r\n", "$3\r\nGET\r\n", "$4\r\nPOST\r\n",
            "$-1\r\n", "$600\r\n", "$40\r\n", "POST", "Host:", "\"", "'", "\\x41", "\\n", "\\\"", "\\'", "\0",
            "*1000000000\r\n", "*9223372036854775808\r\n", "$536870913\r\n", "*1\r\n$4\r\nPING\r\n", "PING\r\n",
        }.Select(text => System.Text.Encoding.Latin1.GetBytes(text)),
    ];

    /// <inheritdoc/>
    public override long AllocationLimit(int inputBytes) => 16 * 1024 + 64L * inputBytes;

    /// <inheritdoc/>
    public override void Run(ReadOnlySpan<byte> input)
    {
        // The bytes themselves choose the limits and the steps, so that a crash input crashes again.
        uint seed = Seed(input);
        switch (seed % 4)
        {
            case 0: Compare(input, SmallLimits, authenticated: false, seed >> 2); break;
            case 1: Compare(input, SmallLimits, authenticated: true, seed >> 2); break;
            default: Compare(input, RequestLimits.Default, authenticated: true, seed >> 2); break;
        }
    }

    private void Compare(ReadOnlySpan<byte> input, RequestLimits limits, bool authenticated, uint seed)
    {
        ulong whole = Outcome(input, limits, authenticated, largestStep: input.Length, seed);
        // Steps of one byte (of short inputs), of a few, and of anything, by turns.
        int largest = (seed % 3) switch
        {
            0 when input.Length <= MostSingleBytes => 1,
            1 => FewBytes,
            _ => Math.Max(1, input.Length),
        };
        ulong split = Outcome(input, limits, authenticated, largest, seed);
        if (whole != split)
            throw new BrokenPromiseException($"the outcome differs when the bytes come in steps of at most {largest}");
    }

    /// <summary>Feeds the input in steps and condenses everything that came out into one number.</summary>
    private ulong Outcome(
        ReadOnlySpan<byte> input, RequestLimits limits, bool authenticated, int largestStep, uint seed)
    {
        input.CopyTo(_buffer);
        _parser.Reset();
        ulong outcome = 14695981039346656037;
        int at = 0;
        int visible = largestStep == input.Length ? input.Length : 0;
        while (true)
        {
            Span<byte> unread = _buffer.AsSpan(at, visible - at);
            ParseStatus status = _parser.Parse(unread, limits, authenticated, _args, out int consumed);
            if (status == ParseStatus.Error)
                return Mix(Mix(outcome, _parser.Error), _parser.SecurityAttack ? 2u : 3u);
            if (status != ParseStatus.Incomplete)
            {
                outcome = Digest(Mix(outcome, (uint)status), unread[..consumed]);
                at += consumed;
                continue;
            }
            if (consumed != 0 || _parser.HeldBytes > HeldBytesAtLeast + (HeldBytesPerByte * unread.Length))
                throw new BrokenPromiseException($"an incomplete request holds {_parser.HeldBytes} bytes");
            if (visible == input.Length)
                return Mix(outcome, (uint)at);
            seed = (seed * 1664525) + 1013904223;
            visible = Math.Min(input.Length, visible + 1 + (int)((seed >> 8) % (uint)largestStep));
        }
    }

    private ulong Digest(ulong outcome, ReadOnlySpan<byte> message)
    {
        if (message.IsEmpty)
            throw new BrokenPromiseException("a request of no bytes");
        outcome = Mix(outcome, (uint)message.Length);
        int end = 0;
        foreach (Slice slice in _args.AsSpan())
        {
            if (slice.Offset < end)
                throw new BrokenPromiseException("arguments overlap");
            end = slice.Offset + slice.Length;
            outcome = Mix(Mix(outcome, (uint)slice.Length), message.Slice(slice.Offset, slice.Length));
        }
        return outcome;
    }

    private static uint Seed(ReadOnlySpan<byte> input) => (uint)Mix(2166136261, input);

    private static ulong Mix(ulong state, uint value) => (state ^ value) * 1099511628211;

    private static ulong Mix(ulong state, ReadOnlySpan<byte> bytes)
    {
        foreach (byte one in bytes)
            state = (state ^ one) * 1099511628211;
        return state;
    }
}
