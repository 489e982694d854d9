namespace Millrace.Memory;

/// <summary>How large the chunks of a <see cref="PackedDeque"/> may be, and which of them are compressed.</summary>
/// <param name="MaxBytes">The most bytes of a packed chunk; one that holds a single element may be longer.</param>
/// <param name="MaxCount">The most elements of a packed chunk, at least 1.</param>
/// <param name="PlainBytes">Elements from this length on stand alone.</param>
/// <param name="CompressDepth">How many chunks at either end stay uncompressed; 0: none is compressed.</param>
public readonly record struct ChunkLimits(int MaxBytes, int MaxCount, long PlainBytes, int CompressDepth)
{
    /// <summary>The most bytes that <see cref="MaxBytes"/> may be.</summary>
    public const int LargestBytes = 64 * 1024;

    // Chunks that are limited by the number of their elements.
    private const int CountedBytes = 8 * 1024;
    private const int Smallest = 4 * 1024;
    private const int Levels = 5;

    /// <summary>The limits that the directives of Redis describe.</summary>
    /// <param name="chunk">list-max-listpack-size: a number of elements, or -1 to -5 for 4, 8, 16, 32 or 64 kB.</param>
    /// <param name="compressDepth">list-compress-depth.</param>
    /// <param name="plainBytes">From which length on elements stand alone; 0: those that are longer than a chunk.
    /// </param>
    public static ChunkLimits Of(int chunk, int compressDepth, long plainBytes)
    {
        var bytes = chunk < 0 ? Smallest << (int)(Math.Min(-(long)chunk, Levels) - 1) : CountedBytes;
        var count = chunk < 0 ? ushort.MaxValue - 1 : Math.Clamp(chunk, 1, ushort.MaxValue - 1);
        return new ChunkLimits(bytes, count, plainBytes > 0 ? plainBytes : bytes + 1, compressDepth);
    }

    /// <summary>Whether a packed chunk may have this size.</summary>
    public bool Allow(long bytes, long count) => bytes <= MaxBytes && count <= MaxCount;

    /// <summary>Whether an element stands alone.</summary>
    internal bool IsPlain(ListpackElement element) => element.TextLength >= PlainBytes;
}
