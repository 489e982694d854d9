using Millrace.Memory;

namespace Millrace.Fuzz;

/// <summary>
/// The validator of sets of integers, and what may be done with a set that passed. Promises: it never throws; what
/// passes is in order and each integer is found; an integer goes in and comes out again, and the others stay.
/// </summary>
public sealed class IntSetTarget : FuzzTarget
{
    /// <summary>The target's name.</summary>
    public const string TargetName = "intset";

    private readonly byte[] _room;

    /// <summary>A target with a buffer of its own.</summary>
    public IntSetTarget()
    {
        _room = new byte[8 * MaxInputBytes];

        // The code is loaded here and not in the first execution, whose memory is measured.
        IntSet.WriteEmpty(_room);
    }

    /// <inheritdoc/>
    public override string Name => TargetName;

    /// <inheritdoc/>
    public override string Assembly => "Millrace.Memory";

    /// <inheritdoc/>
    public override string[] SourceFiles => ["IntSet.cs"];

    /// <inheritdoc/>
    public override int MaxInputBytes => 256;

    /// <inheritdoc/>
    public override IReadOnlyList<byte[]> Tokens { get; } =
    [
        .. new[]
        {
            "02000000", "04000000", "08000000", "01000000", "00000020", "ffffffff", "0100", "ff7f", "0080", "ffff",
            "00800000", "ffffff7f", "00000080", "0000008000000000", "ffffffffffffff7f", "0000000000000080",
        }.Select(Convert.FromHexString),
    ];

    /// <inheritdoc/>
    public override long AllocationLimit(int inputBytes) => 16 * 1024;

    /// <inheritdoc/>
    public override void Run(ReadOnlySpan<byte> input)
    {
        bool shallow = IntSet.IsValid(input, deep: false);
        if (!IntSet.IsValid(input, deep: true))
            return;
        Promise(shallow, "the deep look passed what the shallow one did not");
        Promise(IntSet.TotalBytes(input) == input.Length, "the size is not that of the bytes");
        int count = IntSet.Count(input);
        for (int index = 0; index < count; index++)
        {
            long value = IntSet.Get(input, index);
            Promise(index == 0 || IntSet.Get(input, index - 1) < value, "the integers are not in order");
            Promise(IntSet.Contains(input, value), "an integer was not found");
        }

        Promise(IntSet.Contains(input, IntSet.Random(input, (ulong)input[^1] << 56)), "drawn from nowhere");
        long edge = 1L << (input[^1] % 64);
        CheckChange(input, input[0] % 2 == input[^1] % 2 ? edge : -edge);
        CheckChange(input, IntSet.Get(input, input[^1] % count));
    }

    private static void Promise(bool kept, string sentence)
    {
        if (!kept)
            throw new BrokenPromiseException(sentence);
    }

    private void CheckChange(ReadOnlySpan<byte> input, long value)
    {
        input.CopyTo(_room);
        int size = IntSet.SizeAfterInsert(input, value);
        bool isNew = IntSet.Insert(_room.AsSpan(0, size), value);
        Promise(isNew != IntSet.Contains(input, value), "inserted twice, or not at all");
        Promise(IntSet.IsValid(_room.AsSpan(0, size), deep: true), "an insertion made something that does not pass");
        for (int index = 0; index < IntSet.Count(input); index++)
            Promise(IntSet.Contains(_room, IntSet.Get(input, index)), "an insertion lost an integer");
        size = IntSet.Remove(_room.AsSpan(0, size), value);
        Promise(!IntSet.Contains(_room, value), "a removed integer is still there");
        Promise(IntSet.Remove(_room, value) == size, "removed twice");
        Promise(IntSet.Count(_room) == IntSet.Count(input) - (isNew ? 0 : 1), "another count");
        Promise(
            IntSet.Count(_room) == 0 || IntSet.IsValid(_room.AsSpan(0, size), deep: true),
            "a removal made something that does not pass");
    }
}
