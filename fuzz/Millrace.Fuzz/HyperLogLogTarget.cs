using Millrace.Memory;

namespace Millrace.Fuzz;

/// <summary>
/// HyperLogLogs that a client has written byte by byte. Promises: nothing throws or touches what lies behind; both ways
/// of reading sparse registers agree on whether they are in order; an element that was added is there afterwards, and
/// registers in order stay so.
/// </summary>
public sealed class HyperLogLogTarget : FuzzTarget
{
    /// <summary>The target's name.</summary>
    public const string TargetName = "hyperloglog";

    private const byte Behind = 0xA5;
    private readonly byte[] _room = new byte[2 * 256];
    private readonly byte[] _loose = new byte[HyperLogLog.Registers];

    /// <summary>A target with buffers of its own.</summary>
    public HyperLogLogTarget()
    {
        // The code is loaded here and not in the first execution, whose memory is measured.
        HyperLogLog.WriteEmpty(_room);
        HyperLogLog.TryCount(_room.AsSpan(0, HyperLogLog.EmptyBytes), out _);
    }

    /// <inheritdoc/>
    public override string Name => TargetName;

    /// <inheritdoc/>
    public override string Assembly => "Millrace.Memory";

    /// <inheritdoc/>
    public override string[] SourceFiles => ["SparseRegisters.cs"];

    /// <inheritdoc/>
    public override int MaxInputBytes => 256;

    /// <inheritdoc/>
    public override IReadOnlyList<byte[]> Tokens { get; } =
    [
        .. new[] { "48594c4c01", "7fff", "7ffe", "5fff", "3f", "00", "80", "83", "ff", "fc", "4040", "7fbf" }
            .Select(Convert.FromHexString),
    ];

    /// <inheritdoc/>
    public override long AllocationLimit(int inputBytes) => 16 * 1024;

    /// <inheritdoc/>
    public override void Run(ReadOnlySpan<byte> input)
    {
        if (!HyperLogLog.IsValid(input) || HyperLogLog.IsDense(input))
            return;
        _loose.AsSpan().Clear();
        bool isInOrder = HyperLogLog.TryCount(input, out long estimate);
        Promise(isInOrder == HyperLogLog.TryMergeInto(input, _loose), "one way of reading found an order");
        Promise(!isInOrder || HyperLogLog.CountLoose(_loose) == estimate, "the estimates differ");
        for (int at = HyperLogLog.HeaderBytes; at < input.Length;)
            Promise(HyperLogLog.TryReadRun(input, ref at, out _, out _, out _), "no run where there are bytes");
        int index = ((input[^1] << 8) | input[input.Length / 2]) % HyperLogLog.Registers;
        Add(input, new RankedElement(index, 1 + (input[HyperLogLog.HeaderBytes - 2] % 32)), isInOrder);
        Add(input, HyperLogLog.Rank(input), isInOrder);
    }

    private static void Promise(bool kept, string sentence)
    {
        if (!kept)
            throw new BrokenPromiseException(sentence);
    }

    private void Add(ReadOnlySpan<byte> input, RankedElement element, bool isInOrder)
    {
        SparseAddition addition = HyperLogLog.FindInSparse(input, element);
        Promise(!isInOrder || !addition.IsCorrupted, "a register was not found");
        if (addition.IsCorrupted || addition.IsNone || addition.NeedsDense)
            return;
        int grown = input.Length + Math.Max(addition.Growth, 0);
        input.CopyTo(_room);
        _room.AsSpan(grown).Fill(Behind);
        int length = HyperLogLog.AddToSparse(_room.AsSpan(0, grown), input.Length, addition);
        Promise(length <= grown && !_room.AsSpan(grown).ContainsAnyExcept(Behind), "written behind the end");
        ReadOnlySpan<byte> after = _room.AsSpan(0, length);
        Promise(HyperLogLog.FindInSparse(after, element).IsNone, "the element is not there");
        Promise(HyperLogLog.TryCount(after, out _) == isInOrder, "the order is another");
    }
}
