using Millrace.Memory;

namespace Millrace.Engine.Values;

/// <summary>
/// A consumer of a <see cref="StreamGroup"/>.
/// </summary>
/// <remarks>
/// <code>
///   byte  0  the block of its name              16  when it last got an entry; -1: never
///         8  when it was last heard of          24  the index of the IDs that it has and has not acknowledged
/// </code>
/// Times are in Unix milliseconds.
/// </remarks>
public readonly struct StreamConsumer
{
    /// <summary>It never got an entry.</summary>
    public const long NeverActive = -1;

    private const int SizeBytes = 32;
    private const int SeenAt = 8;
    private const int ActiveAt = 16;
    private const int PendingAt = 24;

    private readonly Heap _heap;

    internal StreamConsumer(Heap heap, BlockRef block)
    {
        _heap = heap;
        Block = block;
    }

    /// <summary>Whether there is no such consumer.</summary>
    public bool IsMissing => Block.IsNull;

    /// <summary>The name. Valid until the consumer is removed.</summary>
    public ReadOnlySpan<byte> Name => NameIndex.Text(_heap, NameBlock);

    /// <summary>When it was last heard of.</summary>
    public long SeenMs
    {
        get => Words.Number(SeenAt);
        set => Words.SetNumber(SeenAt, value);
    }

    /// <summary>When it last got an entry, or <see cref="NeverActive"/>.</summary>
    public long ActiveMs
    {
        get => Words.Number(ActiveAt);
        set => Words.SetNumber(ActiveAt, value);
    }

    /// <summary>The IDs of the entries that it has and has not acknowledged.</summary>
    public OrderedIndex Pending => new(_heap, Words.Reference(PendingAt));

    internal BlockRef Block { get; }

    internal BlockRef NameBlock
    {
        get => Words.Reference(0);
        set => Words.SetReference(0, value);
    }

    internal long AllocatedBytes =>
        _heap.UsableSize(Block) + _heap.UsableSize(NameBlock) + Pending.AllocatedBytes;

    private StreamWords Words => new(_heap.Span(Block, 0, SizeBytes));

    internal static StreamConsumer Create(Heap heap, long seenMs)
    {
        var consumer = new StreamConsumer(heap, heap.Allocate(SizeBytes)) { SeenMs = seenMs, ActiveMs = NeverActive };
        consumer.Words.SetReference(PendingAt, OrderedIndex.Create(heap).Header);
        return consumer;
    }

    internal void Free()
    {
        Pending.Free();
        _heap.Free(Block);
    }
}
