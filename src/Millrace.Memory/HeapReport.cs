namespace Millrace.Memory;

/// <summary>The spans of one size of blocks.</summary>
public struct SpanSum
{
    /// <summary>How many spans.</summary>
    public long Spans;

    /// <summary>Bytes of their pages.</summary>
    public long Bytes;

    /// <summary>Blocks that are in use.</summary>
    public long Used;

    /// <summary>Blocks that they have room for.</summary>
    public long Capacity;
}

/// <summary>
/// What heaps hold in spans, by the size of their blocks, and in blobs.
/// </summary>
/// <remarks>
/// A heap knows its sums, but to tell them by size somebody has to look at every span: a cache miss each. A report
/// looks at no more than it was told to of each heap, and says whether it has seen all.
/// </remarks>
/// <param name="maxPerHeap">How many spans and blobs of a heap it looks at.</param>
public sealed class HeapReport(int maxPerHeap)
{
    private readonly SortedDictionary<int, SpanSum> _sizes = [];
    private int _left;

    /// <summary>The spans by the size of their blocks in bytes, ascending.</summary>
    public IReadOnlyDictionary<int, SpanSum> Sizes => _sizes;

    /// <summary>How many blobs.</summary>
    public long Blobs { get; private set; }

    /// <summary>Bytes of their pages.</summary>
    public long BlobBytes { get; private set; }

    /// <summary>How many spans and blobs it has looked at.</summary>
    public long Looked { get; private set; }

    /// <summary>Whether there are more.</summary>
    public bool IsPartial { get; private set; }

    internal void BeginHeap() => _left = maxPerHeap;

    internal bool TryAddSpan(int blockBytes, long bytes, int used, int capacity)
    {
        if (!TryLook()) return false;
        _sizes.TryGetValue(blockBytes, out var sum);
        _sizes[blockBytes] = new SpanSum
        {
            Spans = sum.Spans + 1,
            Bytes = sum.Bytes + bytes,
            Used = sum.Used + used,
            Capacity = sum.Capacity + capacity,
        };
        return true;
    }

    internal bool TryAddBlob(long bytes)
    {
        if (!TryLook()) return false;
        Blobs++;
        BlobBytes += bytes;
        return true;
    }

    private bool TryLook()
    {
        if (_left-- <= 0)
        {
            IsPartial = true;
            return false;
        }

        Looked++;
        return true;
    }
}
