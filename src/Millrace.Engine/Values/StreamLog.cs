using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using Millrace.Memory;

namespace Millrace.Engine.Values;

/// <summary>When a node of a stream is full (<c>stream-node-max-bytes</c>, <c>stream-node-max-entries</c>).</summary>
/// <param name="MaxBytes">The bytes that a node may have before it gets no more entries; 0: as many as may be.</param>
/// <param name="MaxEntries">The most entries, deleted ones included; 0: as many as there is room for.</param>
public readonly record struct StreamNodeLimits(long MaxBytes, long MaxEntries);

/// <summary>The IDs from one to another, both included.</summary>
/// <param name="From">The smallest.</param>
/// <param name="To">The greatest.</param>
public readonly record struct StreamRange(StreamId From, StreamId To)
{
    /// <summary>All IDs.</summary>
    public static StreamRange All => new(StreamId.Min, StreamId.Max);
}

/// <summary>
/// A stream: entries in the order of their IDs in packed nodes, which an index finds, and what it remembers of those
/// that are gone.
/// </summary>
/// <remarks>
/// <para>
/// Append O(entry), and O(log nodes) when a node is begun or its block moves. Delete O(log nodes + node). A handle may
/// be copied; it is used under the partition's lock. The header never moves.
/// </para>
/// <para>
/// Invariants: the entries of a node are above its ID or equal, and below the next node's ID; no node is without
/// entries that are there; <see cref="LastId"/> is not below any entry.
/// </para>
/// </remarks>
public readonly struct StreamLog
{
    private readonly Heap _heap;

    /// <summary>The stream that has this header.</summary>
    internal StreamLog(Heap heap, BlockRef header)
    {
        _heap = heap;
        Header = header;
    }

    /// <summary>The number of entries.</summary>
    public long Length => Head.Length;

    /// <summary>The greatest ID that was ever given.</summary>
    public StreamId LastId => Head.LastId;

    /// <summary>The first entry's ID; <see cref="StreamId.Min"/> when there is none.</summary>
    public StreamId FirstId => Head.FirstId;

    /// <summary>The greatest ID that was ever deleted by name.</summary>
    public StreamId MaxDeletedId => Head.MaxDeletedId;

    /// <summary>How many entries were ever added.</summary>
    public long EntriesAdded => Head.EntriesAdded;

    /// <summary>How many nodes there are.</summary>
    public long NodeCount => Nodes.Count;

    /// <summary>How many nodes the index has that finds them.</summary>
    public long IndexNodeCount => Nodes.NodeCount;

    /// <summary>The consumer groups.</summary>
    public StreamGroups Groups => new(_heap, this);

    /// <summary>What is known of those who send messages.</summary>
    public StreamProducers Producers => new(_heap, Head.Producers);

    /// <summary>The block by which the stream is known.</summary>
    internal BlockRef Header { get; }

    internal StreamHeader Head => new(_heap.Span(Header, 0, StreamHeader.SizeBytes));

    internal RecordIndex<BlockRecord> Nodes => new(_heap, Head.Nodes);

    /// <summary>Bytes of everything but the groups. O(producers).</summary>
    internal long AllocatedBytes => _heap.UsableSize(Header) + Nodes.AllocatedBytes + Head.NodeBytes
        + (Producers.IsMissing ? 0 : Producers.AllocatedBytes);

    /// <summary>A stream without entries.</summary>
    internal static StreamLog Create(Heap heap)
    {
        var log = new StreamLog(heap, heap.Allocate(StreamHeader.SizeBytes));
        log.Head.Clear();
        var nodes = RecordIndex<BlockRecord>.Create(heap);
        var head = log.Head;
        head.Nodes = nodes.Header;
        return log;
    }

    /// <summary>The listpack in a node's block.</summary>
    internal static ReadOnlySpan<byte> Content(Heap heap, BlockRef block) =>
        heap.Span(block, 0, (int)(uint)heap.ReadHeader(block));

    /// <summary>A walk over the entries of a range.</summary>
    /// <param name="range">The IDs.</param>
    /// <param name="isBackwards">Whether it begins with the greatest ID.</param>
    /// <param name="showsDeleted">Whether entries are shown that were deleted and still take room in their node.
    /// </param>
    public StreamCursor Walk(StreamRange range, bool isBackwards = false, bool showsDeleted = false) =>
        new(_heap, Nodes, range, isBackwards, showsDeleted);

    /// <summary>Whether there is an entry with this ID.</summary>
    public bool Has(StreamId id) => Walk(new StreamRange(id, id)).TryNext();

    /// <summary>The ID of the last entry; <see cref="StreamId.Min"/> when there is none.</summary>
    public StreamId LastEntryId()
    {
        var cursor = Walk(StreamRange.All, isBackwards: true);
        return cursor.TryNext() ? cursor.Id : StreamId.Min;
    }

    /// <summary>Whether there is an entry above an ID.</summary>
    public bool HasAbove(StreamId id) => Length > 0 && LastEntryId() > id;

    /// <summary>Adds an entry. Requires: the ID is above <see cref="LastId"/>; the texts are at most
    /// <see cref="MaxTextBytes"/> long and not in the stream.</summary>
    public void Append<TFields>(in StreamNodeLimits limits, StreamId id, scoped ref TFields fields)
        where TFields : struct, IStreamFields, allows ref struct
    {
        Debug.Assert(id > LastId, "IDs ascend");
        var last = Head.LastNode;
        if (last.Block.IsNull) BeginNode(id, ref fields);
        else if (IsFull(limits, Content(_heap, last.Block), fields.TextBytes))
            BeginNodeBehind(last, id, ref fields);
        else AppendTo(last, limits, id, ref fields);
        var head = Head;
        head.Length++;
        if (head.EntriesAdded < long.MaxValue) head.EntriesAdded++;
        head.LastId = id;
        if (head.Length == 1) head.FirstId = id;
    }

    /// <summary>The most bytes that the texts of an entry may have.</summary>
    public static long MaxTextBytes => StreamNode.MaxBytes;

    /// <summary>Deletes an entry; false when there is none with this ID.</summary>
    public bool Delete(StreamId id)
    {
        var cursor = Walk(new StreamRange(id, id));
        if (!cursor.TryNext()) return false;
        DeleteAt(cursor.Node, cursor.EntryAt);
        var head = Head;
        if (id > head.MaxDeletedId) head.MaxDeletedId = id;
        head.Length--;
        if (id == head.FirstId || head.Length == 0) FindFirst();
        return true;
    }

    /// <summary>Deletes entries from the front.</summary>
    /// <returns>How many were deleted.</returns>
    public long Trim(in StreamTrim trim)
    {
        var policy = Groups.Count == 0 ? ReferencePolicy.Keep : trim.References;
        var actual = trim with { References = policy };
        var deleted = policy == ReferencePolicy.Respect ? TrimWhatNobodyNeeds(actual) : TrimFront(actual);
        if (deleted > 0) FindFirst();
        return deleted;
    }

    /// <summary>Sets what the stream remembers (XSETID). Requires: sensible values.</summary>
    public void SetMemory(StreamId lastId, long entriesAdded, StreamId maxDeletedId)
    {
        var head = Head;
        head.LastId = lastId;
        head.EntriesAdded = entriesAdded;
        head.MaxDeletedId = maxDeletedId;
    }

    /// <summary>Whether an entry of the range from an ID on may have been deleted by name, so that counting by
    /// differences is not possible.</summary>
    public bool MayHaveGaps(StreamId from)
    {
        var head = Head;
        return head.Length > 0 && !head.MaxDeletedId.IsZero && head.FirstId <= head.MaxDeletedId
            && from <= head.MaxDeletedId;
    }

    /// <summary>How many entries were added up to an ID, when that can be told.</summary>
    public bool TryCountUpTo(StreamId id, out long count)
    {
        var head = Head;
        count = head.EntriesAdded;
        if (count == 0 || (head.Length == 0 && id <= head.LastId) || id == head.LastId) return true;
        if (id > head.LastId) return false;
        if (!head.MaxDeletedId.IsZero && head.MaxDeletedId >= head.FirstId) return false;
        count -= head.Length;
        if (id == head.FirstId) count++;
        return id <= head.FirstId;
    }

    /// <summary>Where all nodes are now. O(nodes).</summary>
    internal BlockRecord[] NodesNow()
    {
        var gatherer = new Gatherer(new BlockRecord[NodeCount]);
        Nodes.VisitFrom(0, 0, ref gatherer);
        return gatherer.Nodes;
    }

    /// <summary>A copy in a heap, without the groups.</summary>
    internal StreamLog CopyTo(Heap target)
    {
        var copy = Create(target);
        var nodes = copy.Head.Nodes;
        var visitor = new Copier(_heap, target, new RecordIndex<BlockRecord>(target, nodes));
        Nodes.VisitFrom(0, 0, ref visitor);
        var bytes = _heap.Span(Header, 0, StreamHeader.SizeBytes);
        bytes.CopyTo(target.Span(copy.Header, 0, StreamHeader.SizeBytes));
        var head = copy.Head;
        head.Nodes = nodes;
        head.Groups = default;
        head.Producers = default;
        head.NodeBytes = visitor.Bytes;
        head.LastNode = visitor.Last;
        if (Producers.IsMissing) return copy;
        var producers = Producers.CopyTo(target).Header;
        head = copy.Head;
        head.Producers = producers;
        return copy;
    }

    /// <summary>What is known of producers, with limits of its own from now on.</summary>
    internal StreamProducers ProducersOrNew(ProducerLimits limits)
    {
        var known = Producers;
        if (!known.IsMissing) return known;
        var made = StreamProducers.Create(_heap, limits);
        var head = Head;
        head.Producers = made.Header;
        return made;
    }

    /// <summary>Sets for how long messages of producers are known; those that are known are forgotten when that is
    /// new.</summary>
    /// <param name="limits">For how long, and how many.</param>
    /// <param name="rest">A stream of nothing but many messages that were known, for somebody to free it in
    /// parts.</param>
    /// <returns>Whether there is such a rest.</returns>
    internal bool TryConfigure(ProducerLimits limits, out StreamLog rest)
    {
        rest = default;
        var known = ProducersOrNew(limits);
        if (limits == known.Limits || known.TryConfigure(limits)) return false;
        var head = Head;
        head.Producers = known.Successor(limits).Header;
        rest = Create(_heap);
        head = rest.Head;
        head.Producers = known.Header;
        return true;
    }

    /// <summary>Frees a part of what is known of producers; true when nothing is left.</summary>
    internal bool FreeProducers(int max)
    {
        var known = Producers;
        if (known.IsMissing) return true;
        if (!known.FreeSome(max)) return false;
        var head = Head;
        head.Producers = default;
        return true;
    }

    /// <summary>Frees some nodes; true when none are left. After that the stream is good for nothing but freeing.
    /// </summary>
    internal bool FreeNodes(int max)
    {
        var visitor = new Releaser(_heap);
        return Nodes.FreeSome(max, ref visitor);
    }

    /// <summary>Frees index and header. Requires: no nodes and no groups.</summary>
    internal void FreeEmpty()
    {
        Nodes.Free();
        _heap.Free(Header);
    }

    /// <summary>Adds a node that was read from elsewhere, behind the last one. Requires: it is sound
    /// (<see cref="StreamNodeCheck"/>).</summary>
    /// <param name="id">The ID that it stands under.</param>
    /// <param name="node">The node; not in the heap's blocks that may move.</param>
    /// <param name="live">How many entries are there.</param>
    /// <param name="last">The greatest ID of any entry, deleted ones included.</param>
    internal void AddNode(StreamId id, ReadOnlySpan<byte> node, long live, StreamId last)
    {
        var block = _heap.Allocate(node.Length);
        node.CopyTo(_heap.Span(block, 0, node.Length));
        Adopt(new BlockRecord(id.Ms, id.Seq, block));
        var head = Head;
        head.Length += live;
        head.LastId = last;
        if (head.FirstId.IsZero) FindFirst();
    }

    // What is called once too often costs little: a saver knows what it has.
    private void BeforeChange(BlockRef node)
    {
        if (_heap.Saver is { } saver) saver.SaveContent(Header, node, Content(_heap, node));
    }

    private static bool IsFull(in StreamNodeLimits limits, ReadOnlySpan<byte> node, long textBytes)
    {
        var maxBytes = limits.MaxBytes is 0 or > StreamNode.MaxBytes ? StreamNode.MaxBytes : limits.MaxBytes;
        if (node.Length + textBytes >= maxBytes) return true;
        if (limits.MaxEntries == 0) return false;
        var (live, deleted) = StreamNode.Counts(node);
        return live + deleted >= limits.MaxEntries;
    }

    private void BeginNodeBehind<TFields>(in BlockRecord last, StreamId id, scoped ref TFields fields)
        where TFields : struct, IStreamFields, allows ref struct
    {
        // The last node gets no more entries: what was room for them is given back.
        Resize(last, Content(_heap, last.Block).Length);
        BeginNode(id, ref fields);
    }

    private void BeginNode<TFields>(StreamId id, scoped ref TFields fields)
        where TFields : struct, IStreamFields, allows ref struct
    {
        var total = checked(StreamNode.HeadSize(ref fields)
            + StreamNode.EntrySize(ref fields, 0, 0, hasHeadsFields: true) + StreamNode.CountersSlack);
        var block = _heap.Allocate(total);
        var room = _heap.Span(block, 0, total);
        StreamNode.WriteHead(room, ref fields);
        StreamNode.Append(room, ref fields, 0, 0, hasHeadsFields: true);
        Adopt(new BlockRecord(id.Ms, id.Seq, block));
    }

    private void Adopt(in BlockRecord record)
    {
        if (!Nodes.Insert(record)) ThrowOutOfOrder();
        var head = Head;
        head.LastNode = record;
        head.NodeBytes += _heap.UsableSize(record.Block);
    }

    private void AppendTo<TFields>(
        in BlockRecord last, in StreamNodeLimits limits, StreamId id, scoped ref TFields fields)
        where TFields : struct, IStreamFields, allows ref struct
    {
        BeforeChange(last.Block);
        var node = Content(_heap, last.Block);
        var hasHeadsFields = StreamNode.HasFields(node, ref fields);
        var ms = unchecked((long)(id.Ms - last.High));
        var seq = unchecked((long)(id.Seq - last.Low));
        var size = StreamNode.EntrySize(ref fields, ms, seq, hasHeadsFields);
        var total = checked(node.Length + size + StreamNode.CountersSlack);
        var block = last.Block;
        if (_heap.UsableSize(block) < total)
        {
            // Grown by a half, so that a node is moved a few times only, but not beyond what it may have.
            var wanted = Math.Min(total + (total / 2L), Math.Max(total, limits.MaxBytes));
            block = Resize(last, (int)Math.Min(wanted, StreamNode.MaxBytes * 2L - 1));
        }

        StreamNode.Append(_heap.Span(block, 0, total), ref fields, ms, seq, hasHeadsFields);
    }

    // Gives a node's block another size, keeping the listpack.
    private BlockRef Resize(in BlockRecord record, int size)
    {
        BeforeChange(record.Block);
        var before = _heap.UsableSize(record.Block);
        var block = _heap.Resize(record.Block, Content(_heap, record.Block).Length, size);
        var head = Head;
        head.NodeBytes += _heap.UsableSize(block) - before;
        if (block == record.Block) return block;
        var moved = record with { Block = block };
        if (!Nodes.TryReplace(moved)) ThrowOutOfOrder();
        if (head.LastNode.Block == record.Block) head.LastNode = moved;
        return block;
    }

    private void FreeNode(in BlockRecord record)
    {
        BeforeChange(record.Block);
        var head = Head;
        head.NodeBytes -= _heap.UsableSize(record.Block);
        Nodes.Remove(record.High, record.Low);
        if (head.LastNode.Block == record.Block) head.LastNode = Nodes.TryLast(out var last) ? last : default;
        _heap.Free(record.Block);
    }

    private void DeleteAt(in BlockRecord record, int at)
    {
        var (live, deleted) = StreamNode.Counts(Content(_heap, record.Block));
        if (live == 1)
        {
            FreeNode(record);
            return;
        }

        var room = RoomToCount(record);
        StreamNode.MarkDeleted(room, at);
        StreamNode.SetCounts(room, live - 1, deleted + 1);
    }

    private Span<byte> RoomToCount(in BlockRecord record)
    {
        BeforeChange(record.Block);
        var total = Content(_heap, record.Block).Length + StreamNode.CountersSlack;
        var block = _heap.UsableSize(record.Block) < total ? Resize(record, total) : record.Block;
        return _heap.Span(block, 0, total);
    }

    private bool RemovesNode(in StreamTrim trim, in BlockRecord record, long live)
    {
        if (trim.Strategy == TrimStrategy.Length) return Head.Length - live >= trim.MaxLength;
        return LastIdOf(record) < trim.MinId;
    }

    // The ID of the last entry of a node, whether it was deleted or not.
    private StreamId LastIdOf(in BlockRecord record)
    {
        var id = new StreamId(record.High, record.Low);
        var to = StreamId.Max;
        if (id.TryNext(out var next) && Nodes.TryAtLeast(next.Ms, next.Seq, out var following))
            new StreamId(following.High, following.Low).TryPrevious(out to);
        var cursor = Walk(new StreamRange(id, to), isBackwards: true, showsDeleted: true);
        return cursor.TryNext() ? cursor.Id : id;
    }

    private long TrimFront(in StreamTrim trim)
    {
        var deleted = 0L;
        var looks = long.MaxValue;
        while (Nodes.TryFirst(out var record))
        {
            var head = Head;
            if (trim.Keeps(head.Length)) break;
            var (live, _) = StreamNode.Counts(Content(_heap, record.Block));
            if (trim.Limit > 0 && deleted + live > trim.Limit) break;
            if (!RemovesNode(trim, record, live))
            {
                if (!trim.IsApproximate) deleted += TrimNode(trim, record, ref looks);
                break;
            }

            if (trim.References == ReferencePolicy.Remove) ForgetEntries(record, live);
            FreeNode(record);
            head.Length -= live;
            deleted += live;
        }

        return deleted;
    }

    // Goes on behind entries that stay. What a group has not read ends it.
    private long TrimWhatNobodyNeeds(in StreamTrim trim)
    {
        var deleted = 0L;
        var looks = trim.Limit > 0 ? trim.Limit : long.MaxValue;
        var readByAll = Groups.ReadByAll();
        var from = StreamId.Min;
        while (looks > 0 && !trim.Keeps(Head.Length) && Nodes.TryAtLeast(from.Ms, from.Seq, out var record))
        {
            var id = new StreamId(record.High, record.Low);
            if (id > readByAll || trim.Keeps(id)) break;
            deleted += TrimNode(trim, record, ref looks);
            if (!id.TryNext(out from)) break;
        }

        return deleted;
    }

    private void ForgetEntries(in BlockRecord record, long live)
    {
        var cursor = Walk(new StreamRange(new StreamId(record.High, record.Low), StreamId.Max));
        for (; live > 0 && cursor.TryNext(); live--) Groups.Forget(cursor.Id);
    }

    // Deletes entries of a node from its front on, or all of it: its last entries may have been deleted before.
    private long TrimNode(in StreamTrim trim, in BlockRecord record, ref long looks)
    {
        BeforeChange(record.Block);
        var (live, deleted) = StreamNode.Counts(Content(_heap, record.Block));
        var node = _heap.Span(record.Block, 0, Content(_heap, record.Block).Length);
        var head = Head;
        var trimmed = 0L;
        var cursor = Walk(new StreamRange(new StreamId(record.High, record.Low), StreamId.Max));
        for (var left = live; left > 0 && looks > 0 && cursor.TryNext(); left--)
        {
            if (trim.Keeps(head.Length) || trim.Keeps(cursor.Id)) break;
            looks--;
            if (trim.References == ReferencePolicy.Respect && Groups.Need(cursor.Id)) continue;
            if (trim.References == ReferencePolicy.Remove) Groups.Forget(cursor.Id);
            StreamNode.MarkDeleted(node, cursor.EntryAt);
            head.Length--;
            trimmed++;
        }

        if (trimmed == live) FreeNode(record);
        else if (trimmed > 0) StreamNode.SetCounts(RoomToCount(record), live - trimmed, deleted + trimmed);
        return trimmed;
    }

    [DoesNotReturn]
    private static void ThrowOutOfOrder() => throw new HeapCorruptionException("Nodes of a stream are out of order.");

    private void FindFirst()
    {
        var cursor = Walk(StreamRange.All);
        var first = cursor.TryNext() ? cursor.Id : StreamId.Min;
        var head = Head;
        head.FirstId = first;
    }

    private struct Gatherer(BlockRecord[] nodes) : IRecordVisitor<BlockRecord>
    {
        private int _count;

        internal readonly BlockRecord[] Nodes => nodes;

        public bool Visit(in BlockRecord record)
        {
            nodes[_count++] = record;
            return true;
        }
    }

    private readonly struct Releaser(Heap heap) : IRecordVisitor<BlockRecord>
    {
        public bool Visit(in BlockRecord record)
        {
            heap.Free(record.Block);
            return true;
        }
    }

    private struct Copier(Heap from, Heap to, RecordIndex<BlockRecord> nodes) : IRecordVisitor<BlockRecord>
    {
        internal long Bytes { get; private set; }

        internal BlockRecord Last { get; private set; }

        public bool Visit(in BlockRecord record)
        {
            var content = Content(from, record.Block);
            var block = to.Allocate(content.Length);
            content.CopyTo(to.Span(block, 0, content.Length));
            Last = record with { Block = block };
            nodes.Insert(Last);
            Bytes += to.UsableSize(block);
            return true;
        }
    }
}
