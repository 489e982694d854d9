namespace Millrace.Memory;

/// <summary>The blocks of a heap that nobody has freed.</summary>
/// <param name="Count">How many.</param>
/// <param name="Bytes">What they take, as in <see cref="Heap.AllocatedBytes"/>.</param>
/// <param name="Sample">Some of them, lowest addresses first; only a checked heap knows them.</param>
public sealed record LeakReport(long Count, long Bytes, IReadOnlyList<LeakedBlock> Sample)
{
    /// <summary>The most blocks that <see cref="Sample"/> lists.</summary>
    public const int MaxSample = 32;
}

/// <summary>A block that nobody has freed.</summary>
/// <param name="Block">Its reference.</param>
/// <param name="SizeBytes">The size that was asked for.</param>
public readonly record struct LeakedBlock(BlockRef Block, int SizeBytes);
