using Millrace.Memory;

namespace Millrace.Engine.Values;

/// <summary>
/// A consumer group of a stream: how far it has read, what was handed out and not acknowledged, and to whom.
/// </summary>
/// <remarks>
/// <code>
///   byte  0  the block of its name              24  entries read, or -1
///         8  the last ID that was handed out    32  the index of its pending entries
///                                               40  the index of its consumers
/// </code>
/// Invariant: each pending entry's owner is a consumer of the group, whose own index has the entry's ID.
/// </remarks>
public readonly struct StreamGroup
{
    /// <summary>The number of entries read is not known.</summary>
    public const long UnknownEntriesRead = -1;

    private const int SizeBytes = 48;
    private const int LastIdAt = 8;
    private const int EntriesReadAt = 24;
    private const int PendingAt = 32;
    private const int ConsumersAt = 40;

    private readonly Heap _heap;

    internal StreamGroup(Heap heap, BlockRef block)
    {
        _heap = heap;
        Block = block;
    }

    /// <summary>Whether there is no such group.</summary>
    public bool IsMissing => Block.IsNull;

    /// <summary>The name. Valid until the group is removed.</summary>
    public ReadOnlySpan<byte> Name => NameIndex.Text(_heap, NameBlock);

    /// <summary>The last ID that was handed out.</summary>
    public StreamId LastId
    {
        get => Words.Id(LastIdAt);
        set => Words.SetId(LastIdAt, value);
    }

    /// <summary>How many entries it has read, or <see cref="UnknownEntriesRead"/>.</summary>
    public long EntriesRead
    {
        get => Words.Number(EntriesReadAt);
        set => Words.SetNumber(EntriesReadAt, value);
    }

    /// <summary>The entries that are handed out and not acknowledged.</summary>
    public RecordIndex<DeliveryRecord> Pending => new(_heap, Words.Reference(PendingAt));

    /// <summary>A walk over the pending entries of a range.</summary>
    /// <param name="range">The IDs.</param>
    /// <param name="owner">Whose they are; one that is missing: anybody's.</param>
    public PendingWalk Walk(StreamRange range, StreamConsumer owner = default) => new(this, owner, range);

    /// <summary>How many consumers there are.</summary>
    public long ConsumerCount => Consumers.Count;

    internal BlockRef Block { get; }

    internal BlockRef NameBlock
    {
        get => Words.Reference(0);
        set => Words.SetReference(0, value);
    }

    /// <summary>Bytes of the group with its name and all that it owns. O(consumers).</summary>
    internal long AllocatedBytes
    {
        get
        {
            var sum = _heap.UsableSize(Block) + _heap.UsableSize(NameBlock) + Pending.AllocatedBytes
                + Consumers.AllocatedBytes;
            for (var i = 0L; i < ConsumerCount; i++) sum += Consumer(i).AllocatedBytes;
            return sum;
        }
    }

    private StreamWords Words => new(_heap.Span(Block, 0, SizeBytes));

    private NameIndex Consumers => new(_heap, Words.Reference(ConsumersAt));

    /// <summary>The consumer with so many names before its own. O(log n).</summary>
    public StreamConsumer Consumer(long rank) => At(Consumers.At(rank).Member);

    /// <summary>The consumer of a name, or one that is missing.</summary>
    public StreamConsumer FindConsumer(ReadOnlySpan<byte> name)
    {
        var found = Consumers.Find(name);
        return found.IsNull ? default : At(found);
    }

    /// <summary>Adds a consumer, seen now. Requires: there is none of this name.</summary>
    public StreamConsumer AddConsumer(ReadOnlySpan<byte> name, long nowMs)
    {
        var consumer = StreamConsumer.Create(_heap, nowMs);
        consumer.NameBlock = Consumers.Add(name, consumer.Block.Value);
        return consumer;
    }

    /// <summary>Removes a consumer; what it had is pending no more. O(its entries).</summary>
    public void RemoveConsumer(StreamConsumer consumer)
    {
        var ids = consumer.Pending;
        while (ids.TryFirst(out var ms, out var seq))
        {
            ids.Remove(ms, seq);
            Pending.Remove(ms, seq);
        }

        FreeConsumer(consumer);
    }

    /// <summary>The consumer that a pending entry was handed to.</summary>
    public StreamConsumer OwnerOf(in DeliveryRecord delivery) => new(_heap, delivery.Owner);

    /// <summary>One delivery more than so many; the greatest number stays.</summary>
    public static long OneMore(long deliveries) => deliveries < long.MaxValue ? deliveries + 1 : deliveries;

    /// <summary>Notes that an entry was handed out, or handed to somebody else, with all that is told of that.
    /// </summary>
    public void Deliver(StreamId id, StreamConsumer to, long deliveredMs, long deliveries)
    {
        var record = new DeliveryRecord(id.Ms, id.Seq, deliveredMs, deliveries, to.Block);
        if (Pending.Insert(record))
        {
            to.Pending.Insert(id.Ms, id.Seq);
            return;
        }

        Pending.TryFind(id.Ms, id.Seq, out var before);
        Pending.TryReplace(record);
        if (before.Owner == to.Block) return;
        OwnerOf(before).Pending.Remove(id.Ms, id.Seq);
        to.Pending.Insert(id.Ms, id.Seq);
    }

    /// <summary>Says whose a pending entry is that belongs to nobody yet; false when there is none.</summary>
    internal bool TryGiveOwner(StreamId id, StreamConsumer consumer)
    {
        if (!Pending.TryFind(id.Ms, id.Seq, out var record) || !record.Owner.IsNull) return false;
        Pending.TryReplace(record with { Owner = consumer.Block });
        consumer.Pending.Insert(id.Ms, id.Seq);
        return true;
    }

    /// <summary>Forgets that an entry is pending; false when it was not.</summary>
    public bool Acknowledge(StreamId id)
    {
        if (!Pending.TryRemove(id.Ms, id.Seq, out var record)) return false;
        OwnerOf(record).Pending.Remove(id.Ms, id.Seq);
        return true;
    }

    internal static StreamGroup Create(Heap heap, StreamId lastId, long entriesRead)
    {
        var group = new StreamGroup(heap, heap.Allocate(SizeBytes)) { LastId = lastId, EntriesRead = entriesRead };
        group.Words.SetReference(PendingAt, RecordIndex<DeliveryRecord>.Create(heap).Header);
        group.Words.SetReference(ConsumersAt, NameIndex.Create(heap).Header);
        return group;
    }

    /// <summary>Frees a part of what the group owns; true when pending entries and consumers are gone. After that it is
    /// good for nothing but freeing.</summary>
    internal bool FreeSome(int max)
    {
        if (!Pending.FreeSome(max)) return false;
        if (ConsumerCount == 0) return true;
        var consumer = Consumer(0);
        if (consumer.Pending.FreeSome(max)) FreeConsumer(consumer);
        return false;
    }

    /// <summary>Frees the group's own blocks, but for its name. Requires: <see cref="FreeSome"/> has said true.
    /// </summary>
    internal void FreeEmpty()
    {
        Pending.Free();
        Consumers.Free();
        _heap.Free(Block);
    }

    internal void CopyTo(StreamGroup target)
    {
        for (var i = 0L; i < ConsumerCount; i++)
        {
            var consumer = Consumer(i);
            var copy = target.AddConsumer(consumer.Name, consumer.SeenMs);
            copy.ActiveMs = consumer.ActiveMs;
            var walk = Walk(StreamRange.All, consumer);
            while (walk.TryNext(out var one))
                target.Deliver(new StreamId(one.High, one.Low), copy, one.DeliveredMs, one.Deliveries);
        }
    }

    private void FreeConsumer(StreamConsumer consumer)
    {
        var name = consumer.NameBlock;
        consumer.Free();
        Consumers.Remove(name);
    }

    private StreamConsumer At(BlockRef name) => new(_heap, BlockRef.FromValue(NameIndex.Word(_heap, name)));
}
