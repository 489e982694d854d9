using Millrace.Memory;

namespace Millrace.Engine.Values;

/// <summary>
/// A consumer group of a stream: how far it has read, what was handed out and not acknowledged, and to whom.
/// </summary>
/// <remarks>
/// <code>
///   byte  0  the block of its name              24  entries read, or -1
///         8  the last ID that was handed out    32  the index of its pending entries
///        48  the index of deliveries by time    40  the index of its consumers
///        56  the next delivery's turn           64  how many pending entries nobody has
/// </code>
/// Invariants: each pending entry's owner is a consumer of the group, whose own index has the entry's ID, or nobody.
/// The index by time is made when somebody asks for it first, and from then on has each pending entry once.
/// </remarks>
public readonly struct StreamGroup
{
    /// <summary>The number of entries read is not known.</summary>
    public const long UnknownEntriesRead = -1;

    /// <summary>The memory that each of many entries takes which become pending: in the three indexes that have it,
    /// each of which may be half full.</summary>
    public const long MostEntryBytes = 2 * (48 + 16 + MomentBytes) * FillSlack / 8;

    private const long MomentBytes = 32;
    private const long FillSlack = 9; // eighths: inner nodes
    private const int SizeBytes = 72;
    private const int LastIdAt = 8;
    private const int EntriesReadAt = 24;
    private const int PendingAt = 32;
    private const int ConsumersAt = 40;
    private const int MomentsAt = 48;
    private const int TurnAt = 56;
    private const int UnownedAt = 64;

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

    /// <summary>How many pending entries nobody has.</summary>
    public long UnownedCount => Words.Number(UnownedAt);

    /// <summary>The turn that the next delivery gets: all that there were have lower ones.</summary>
    public long NextTurn => Words.Number(TurnAt);

    /// <summary>The most memory that <see cref="TryOldest"/> takes.</summary>
    public long MissingMomentBytes => HasMoments ? 0 : Pending.Count * (2 * MomentBytes * FillSlack / 8);

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
                + Consumers.AllocatedBytes + (HasMoments ? Moments.AllocatedBytes : 0);
            for (var i = 0L; i < ConsumerCount; i++) sum += Consumer(i).AllocatedBytes;
            return sum;
        }
    }

    private StreamWords Words => new(_heap.Span(Block, 0, SizeBytes));

    private NameIndex Consumers => new(_heap, Words.Reference(ConsumersAt));

    private bool HasMoments => !Words.Reference(MomentsAt).IsNull;

    private RecordIndex<MomentRecord> Moments => new(_heap, Words.Reference(MomentsAt));

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
            if (Pending.TryRemove(ms, seq, out var record)) RemoveMoment(record);
        }

        FreeConsumer(consumer);
    }

    /// <summary>The consumer that a pending entry was handed to, or one that is missing.</summary>
    public StreamConsumer OwnerOf(in DeliveryRecord delivery) => new(_heap, delivery.Owner);

    /// <summary>The name of the consumer that a pending entry was handed to; empty when nobody has it.</summary>
    public ReadOnlySpan<byte> OwnerName(in DeliveryRecord delivery) =>
        delivery.Owner.IsNull ? default : OwnerOf(delivery).Name;

    /// <summary>One delivery more than so many; the greatest number stays.</summary>
    public static long OneMore(long deliveries) => deliveries < long.MaxValue ? deliveries + 1 : deliveries;

    /// <summary>The pending entry whose last delivery is the longest ago; false when nothing is pending. O(log n), but
    /// O(n log n) when it is asked for the first time.</summary>
    public bool TryOldest(out DeliveryRecord delivery)
    {
        delivery = default;
        if (!HasMoments) AddMoments();
        return Moments.TryFirst(out var moment) && Pending.TryFind(moment.KeyHigh, moment.KeyLow, out delivery);
    }

    /// <summary>Notes that an entry was handed out, or handed to somebody else, with all that is told of that.
    /// </summary>
    /// <param name="id">The entry.</param>
    /// <param name="to">Who has it now; one that is missing: nobody.</param>
    /// <param name="deliveredMs">When it was handed out.</param>
    /// <param name="deliveries">How often it was.</param>
    public void Deliver(StreamId id, StreamConsumer to, long deliveredMs, long deliveries)
    {
        var record = new DeliveryRecord(id.Ms, id.Seq, deliveredMs, deliveries, to.Block, TakeTurn());
        if (Pending.Insert(record))
        {
            Enter(id, to);
        }
        else
        {
            Pending.TryFind(id.Ms, id.Seq, out var before);
            Pending.TryReplace(record);
            RemoveMoment(before);
            if (before.Owner != to.Block)
            {
                Leave(id, OwnerOf(before));
                Enter(id, to);
            }
        }

        AddMoment(record);
    }

    /// <summary>Takes in a pending entry that was read from elsewhere and that nobody has yet; false when it is there
    /// already.</summary>
    internal bool Load(StreamId id, long deliveredMs, long deliveries)
    {
        if (!Pending.Insert(new DeliveryRecord(id.Ms, id.Seq, deliveredMs, deliveries, default, TakeTurn())))
            return false;
        Words.SetNumber(UnownedAt, UnownedCount + 1);
        return true;
    }

    /// <summary>Says whose a pending entry is that belongs to nobody yet; false when there is none.</summary>
    internal bool TryGiveOwner(StreamId id, StreamConsumer consumer)
    {
        if (!Pending.TryFind(id.Ms, id.Seq, out var record) || !record.Owner.IsNull) return false;
        Pending.TryReplace(record with { Owner = consumer.Block });
        Words.SetNumber(UnownedAt, UnownedCount - 1);
        consumer.Pending.Insert(id.Ms, id.Seq);
        return true;
    }

    /// <summary>Makes a pending entry nobody's that somebody has, and that is in no order by time yet.</summary>
    internal void TakeFromOwner(in DeliveryRecord delivery)
    {
        OwnerOf(delivery).Pending.Remove(delivery.High, delivery.Low);
        Pending.TryReplace(delivery with { Owner = default });
        Words.SetNumber(UnownedAt, UnownedCount + 1);
    }

    /// <summary>Forgets that an entry is pending; false when it was not.</summary>
    public bool Acknowledge(StreamId id)
    {
        if (!Pending.TryRemove(id.Ms, id.Seq, out var record)) return false;
        RemoveMoment(record);
        Leave(id, OwnerOf(record));
        return true;
    }

    internal static StreamGroup Create(Heap heap, StreamId lastId, long entriesRead)
    {
        var group = new StreamGroup(heap, heap.Allocate(SizeBytes));
        group.Words.Clear();
        group.LastId = lastId;
        group.EntriesRead = entriesRead;
        group.Words.SetReference(PendingAt, RecordIndex<DeliveryRecord>.Create(heap).Header);
        group.Words.SetReference(ConsumersAt, NameIndex.Create(heap).Header);
        return group;
    }

    /// <summary>Frees a part of what the group owns; true when pending entries and consumers are gone. After that it is
    /// good for nothing but freeing.</summary>
    internal bool FreeSome(int max)
    {
        if (!Pending.FreeSome(max) || (HasMoments && !Moments.FreeSome(max))) return false;
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
        if (HasMoments) Moments.Free();
        Consumers.Free();
        _heap.Free(Block);
    }

    /// <summary>Gives another group a copy of consumers and pending entries. Requires: it has none.</summary>
    internal void CopyTo(StreamGroup target)
    {
        target.Words.SetNumber(TurnAt, NextTurn);
        for (var i = 0L; i < ConsumerCount; i++)
        {
            var consumer = Consumer(i);
            var copy = target.AddConsumer(consumer.Name, consumer.SeenMs);
            copy.ActiveMs = consumer.ActiveMs;
            var walk = Walk(StreamRange.All, consumer);
            while (walk.TryNext(out var one))
            {
                target.Pending.Insert(one with { Owner = copy.Block });
                copy.Pending.Insert(one.High, one.Low);
            }
        }

        if (UnownedCount > 0) CopyUnowned(target);
    }

    private void CopyUnowned(StreamGroup target)
    {
        var walk = Walk(StreamRange.All);
        while (walk.TryNext(out var one))
        {
            if (one.Owner.IsNull) target.Pending.Insert(one);
        }

        target.Words.SetNumber(UnownedAt, UnownedCount);
    }

    private long TakeTurn()
    {
        var turn = NextTurn;
        Words.SetNumber(TurnAt, turn + 1);
        return turn;
    }

    private void Enter(StreamId id, StreamConsumer owner)
    {
        if (owner.IsMissing) Words.SetNumber(UnownedAt, UnownedCount + 1);
        else owner.Pending.Insert(id.Ms, id.Seq);
    }

    private void Leave(StreamId id, StreamConsumer owner)
    {
        if (owner.IsMissing) Words.SetNumber(UnownedAt, UnownedCount - 1);
        else owner.Pending.Remove(id.Ms, id.Seq);
    }

    private void AddMoments()
    {
        var moments = RecordIndex<MomentRecord>.Create(_heap);
        Words.SetReference(MomentsAt, moments.Header);
        var visitor = new MomentMaker(moments);
        Pending.VisitFrom(0, 0, ref visitor);
    }

    private void AddMoment(in DeliveryRecord delivery)
    {
        if (HasMoments) Moments.Insert(MomentOf(delivery));
    }

    private void RemoveMoment(in DeliveryRecord delivery)
    {
        if (!HasMoments) return;
        var moment = MomentOf(delivery);
        Moments.Remove(moment.High, moment.Low);
    }

    private static MomentRecord MomentOf(in DeliveryRecord delivery) => new(
        (ulong)delivery.DeliveredMs ^ (1UL << 63), (ulong)delivery.Turn, delivery.High, delivery.Low);

    private void FreeConsumer(StreamConsumer consumer)
    {
        var name = consumer.NameBlock;
        consumer.Free();
        Consumers.Remove(name);
    }

    private StreamConsumer At(BlockRef name) => new(_heap, BlockRef.FromValue(NameIndex.Word(_heap, name)));

    private readonly struct MomentMaker(RecordIndex<MomentRecord> moments) : IRecordVisitor<DeliveryRecord>
    {
        public bool Visit(in DeliveryRecord record)
        {
            moments.Insert(MomentOf(record));
            return true;
        }
    }
}
