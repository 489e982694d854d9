using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Millrace.Memory;

/// <summary>
/// An ordered index in native memory: records of a fixed size in the unsigned order of the 16-byte keys that they begin
/// with. A B+tree of 512-byte nodes.
/// </summary>
/// <remarks>
/// <para>
/// Insert, Remove, TryFind, TryReplace, TryAtLeast, TryAtMost O(log n), TryFirst O(1), a walk O(log n + records). Nodes
/// below a third are joined with a neighbour or filled from it; a leaf at the right end that overflows is left full, so
/// records that arrive in order are packed densely.
/// </para>
/// <para>
/// Invariants: all leaves have the same height and are linked from left to right; fences are as
/// <see cref="IndexNode"/> says; no node but the root is empty. Each key is there once. A handle may be copied; it is
/// used under the heap's lock.
/// </para>
/// </remarks>
/// <typeparam name="TRecord">What is stored: at most a quarter of a node.</typeparam>
public readonly unsafe struct RecordIndex<TRecord>
    where TRecord : unmanaged, IIndexRecord
{
    private const int MaxHeight = 24;
    private const int RandomTries = 64;

    private readonly Heap _heap;

    /// <summary>A handle to the index that has this header.</summary>
    public RecordIndex(Heap heap, BlockRef header)
    {
        _heap = heap;
        Header = header;
    }

    /// <summary>The block that the index is known by; never moves.</summary>
    public BlockRef Header { get; }

    /// <summary>The number of records.</summary>
    public long Count => Head.Count;

    /// <summary>The number of nodes.</summary>
    public int NodeCount => Head.Nodes;

    /// <summary>Exact bytes of the index.</summary>
    public long AllocatedBytes =>
        _heap.UsableSize(Header) + ((long)Head.Nodes * _heap.UsableSizeOf(IndexNode.SizeBytes));

    private static int Capacity => IndexNode.RecordBytes / sizeof(TRecord);

    private static int Minimum => Capacity / 3;

    // SAFETY: of the members below: Address has checked that a block is there, and the blocks of an index have the
    // size of what is read through them. Nodes do not move, so pointers to them hold until the node is freed.
    private ref IndexHeader Head
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => ref *(IndexHeader*)_heap.Address(Header);
    }

    /// <summary>An index without records: one small block.</summary>
    public static RecordIndex<TRecord> Create(Heap heap)
    {
        ArgumentNullException.ThrowIfNull(heap);
        Debug.Assert(sizeof(IndexNode) == IndexNode.SizeBytes, "as drawn");
        Debug.Assert(Capacity >= 4, "a leaf that is split has room for one more on either side");
        Debug.Assert(sizeof(IndexHeader) == IndexHeader.SizeBytes, "as drawn");
        var index = new RecordIndex<TRecord>(heap, heap.Allocate(IndexHeader.SizeBytes));
        index.Head = default;
        return index;
    }

    /// <summary>Adds a record; false when there is one with its key.</summary>
    public bool Insert(in TRecord record)
    {
        ref var head = ref Head;
        var key = new IndexKey(record.High, record.Low);
        if (head.Height == 0) Plant();
        Span<Step> path = stackalloc Step[MaxHeight];
        var leaf = Descend(key, path);
        var records = IndexNode.Records<TRecord>(leaf);
        var at = IndexNode.CountBelow(records, leaf->Count, key);
        if (at < leaf->Count && IsAt(records[at], key)) return false;
        if (leaf->Count < Capacity) IndexNode.InsertRecord(leaf, at, record);
        else SplitLeaf(leaf, at, record, path);
        head.Count++;
        return true;
    }

    /// <summary>Removes the record with a key; false when there is none.</summary>
    public bool Remove(ulong high, ulong low) => TryRemove(high, low, out _);

    /// <summary>Removes the record with a key and returns it; false when there is none.</summary>
    public bool TryRemove(ulong high, ulong low, out TRecord record)
    {
        ref var head = ref Head;
        record = default;
        if (head.Count == 0) return false;
        var key = new IndexKey(high, low);
        Span<Step> path = stackalloc Step[MaxHeight];
        var leaf = Descend(key, path);
        var records = IndexNode.Records<TRecord>(leaf);
        var at = IndexNode.CountBelow(records, leaf->Count, key);
        if (at == leaf->Count || !IsAt(records[at], key)) return false;
        record = records[at];
        IndexNode.RemoveRecord<TRecord>(leaf, at);
        head.Count--;
        if (leaf->Count < Minimum) Refill(path);
        return true;
    }

    /// <summary>The record with a key; false when there is none.</summary>
    public bool TryFind(ulong high, ulong low, out TRecord record) =>
        TryAtLeast(high, low, out record) && record.High == high && record.Low == low;

    /// <summary>Puts a record in the place of the one with its key; false when there is none.</summary>
    public bool TryReplace(in TRecord record)
    {
        if (Head.Count == 0) return false;
        var key = new IndexKey(record.High, record.Low);
        Span<Step> path = stackalloc Step[MaxHeight];
        var leaf = Descend(key, path);
        var records = IndexNode.Records<TRecord>(leaf);
        var at = IndexNode.CountBelow(records, leaf->Count, key);
        if (at == leaf->Count || !IsAt(records[at], key)) return false;
        records[at] = record;
        return true;
    }

    /// <summary>The record with the smallest key; false when there is none.</summary>
    public bool TryFirst(out TRecord record)
    {
        ref var head = ref Head;
        record = head.Count == 0 ? default : IndexNode.Records<TRecord>(Node(new BlockRef(head.FirstLeaf)))[0];
        return head.Count > 0;
    }

    /// <summary>The record with the greatest key; false when there is none.</summary>
    public bool TryLast(out TRecord record) => TryAtMost(ulong.MaxValue, ulong.MaxValue, out record);

    /// <summary>The record with the smallest key that is not below the given one; false when there is none.</summary>
    public bool TryAtLeast(ulong high, ulong low, out TRecord record)
    {
        record = default;
        if (Head.Count == 0) return false;
        var key = new IndexKey(high, low);
        Span<Step> path = stackalloc Step[MaxHeight];
        var leaf = Descend(key, path);
        var at = IndexNode.CountBelow(IndexNode.Records<TRecord>(leaf), leaf->Count, key);
        if (at == leaf->Count)
        {
            if (leaf->NextLeaf == 0) return false;
            leaf = Node(new BlockRef(leaf->NextLeaf));
            at = 0;
        }

        record = IndexNode.Records<TRecord>(leaf)[at];
        return true;
    }

    /// <summary>The record with the greatest key that is not above the given one; false when there is none.</summary>
    public bool TryAtMost(ulong high, ulong low, out TRecord record)
    {
        record = default;
        ref var head = ref Head;
        if (head.Count == 0) return false;
        var key = new IndexKey(high, low);
        Span<Step> path = stackalloc Step[MaxHeight];
        var leaf = Descend(key, path);
        var records = IndexNode.Records<TRecord>(leaf);
        var at = IndexNode.CountBelow(records, leaf->Count, key);
        if (at == leaf->Count || !IsAt(records[at], key)) at--;
        if (at < 0)
        {
            // Every key below this leaf is smaller: the last one of the subtree on the left.
            var level = head.Height - 2;
            while (level >= 0 && path[level].Child == 0) level--;
            if (level < 0) return false;
            var block = new BlockRef(IndexNode.Children(Node(path[level].Node))[path[level].Child - 1]);
            for (level++; level < head.Height - 1; level++)
            {
                var inner = Node(block);
                block = new BlockRef(IndexNode.Children(inner)[inner->Count - 1]);
            }

            leaf = Node(block);
            records = IndexNode.Records<TRecord>(leaf);
            at = leaf->Count - 1;
        }

        record = records[at];
        return true;
    }

    /// <summary>A record by chance, each as likely as any other; false when there is none. O(log n) expected.</summary>
    /// <remarks>
    /// A path from the root is drawn as if all nodes below it were full, and another one when it leads beside what is
    /// there: nodes that are hardly filled are met as often as full ones, and their keys must not be met more often.
    /// After many tries in vain, which takes a tree of nodes that are hardly filled, any record is good enough.
    /// </remarks>
    /// <param name="random">Any 64 bits by chance.</param>
    /// <param name="record">The record.</param>
    public bool TryRandom(ulong random, out TRecord record)
    {
        record = default;
        if (Head.Count == 0) return false;
        for (var tries = 1; !TryRandomPath(ref random, isLast: tries == RandomTries, out record); tries++)
        {
        }

        return true;
    }

    /// <summary>Visits the records from the given key on, ascending, until the visitor has enough.</summary>
    public void VisitFrom<TVisitor>(ulong high, ulong low, ref TVisitor visitor)
        where TVisitor : struct, IRecordVisitor<TRecord>, allows ref struct
    {
        if (Head.Count == 0) return;
        var from = new IndexKey(high, low);
        Span<Step> path = stackalloc Step[MaxHeight];
        var leaf = Descend(from, path);
        var at = IndexNode.CountBelow(IndexNode.Records<TRecord>(leaf), leaf->Count, from);
        while (true)
        {
            for (; at < leaf->Count; at++)
            {
                if (!visitor.Visit(IndexNode.Records<TRecord>(leaf)[at])) return;
            }

            if (leaf->NextLeaf == 0) return;
            leaf = Node(new BlockRef(leaf->NextLeaf));
            at = 0;
        }
    }

    /// <summary>
    /// Forgets the records with the smallest keys, about so many at most, and frees their nodes; true when none are
    /// left.
    /// </summary>
    /// <remarks>
    /// Once this has begun, nothing but Count, FreeSome and Free may be used. The header stays until
    /// <see cref="Free"/>, so the call may be repeated.
    /// </remarks>
    /// <param name="max">About how many.</param>
    /// <param name="visitor">Shown every record before it is forgotten; what it returns does not matter.</param>
    public bool FreeSome<TVisitor>(int max, ref TVisitor visitor)
        where TVisitor : struct, IRecordVisitor<TRecord>, allows ref struct
    {
        ref var head = ref Head;
        Span<Step> path = stackalloc Step[MaxHeight];
        for (var work = 0; head.Height > 0; work += Capacity)
        {
            if (work > 0 && work >= max) return false;
            var leaf = Descend(default, path);
            for (var i = 0; i < leaf->Count; i++) visitor.Visit(IndexNode.Records<TRecord>(leaf)[i]);
            head.Count -= leaf->Count;
            head.FirstLeaf = leaf->NextLeaf;
            var level = head.Height - 1;
            FreeNode(path[level].Node);
            while (--level >= 0 && Node(path[level].Node)->Count == 1) FreeNode(path[level].Node);
            if (level < 0) head = default;
            else IndexNode.RemoveChild(Node(path[level].Node), 0);
        }

        return true;
    }

    /// <summary>The same without a visitor.</summary>
    public bool FreeSome(int max)
    {
        var nobody = default(Nobody);
        return FreeSome(max, ref nobody);
    }

    /// <summary>
    /// Frees the whole index, its header included; the handle is dead then. O(records) unless it is empty.
    /// </summary>
    public void Free()
    {
        _ = FreeSome(int.MaxValue);
        _heap.Free(Header);
    }

    /// <summary>Tests the invariants of the tree. For tests.</summary>
    internal void CheckInvariants()
    {
        ref var head = ref Head;
        var keys = 0L;
        var nodes = 0;
        var nextLeaf = head.FirstLeaf;
        if (head.Height > 0) Check(new BlockRef(head.Root), head.Height, null, null, ref keys, ref nodes, ref nextLeaf);
        if (keys != head.Count || nodes != head.Nodes || nextLeaf != 0)
            throw new HeapCorruptionException($"{keys} keys in {nodes} nodes; {head.Count} in {head.Nodes} expected.");
    }

    private void Check(
        BlockRef block, int height, IndexKey? least, IndexKey? bound, ref long keys, ref int nodes, ref ulong nextLeaf)
    {
        var node = Node(block);
        nodes++;
        if (node->Count == 0 && nodes > 1) throw new HeapCorruptionException("An empty node.");
        if (height == 1)
        {
            if (nextLeaf != block.Value) throw new HeapCorruptionException("The leaves are linked wrongly.");
            nextLeaf = node->NextLeaf;
            keys += node->Count;
            for (var i = 0; i < node->Count; i++)
            {
                var key = KeyOf(IndexNode.Records<TRecord>(node)[i]);
                if ((i > 0 && !KeyOf(IndexNode.Records<TRecord>(node)[i - 1]).IsBelow(key))
                    || (least is { } a && key.IsBelow(a))
                    || (bound is { } b && !key.IsBelow(b)))
                    throw new HeapCorruptionException("A key is out of order.");
            }

            return;
        }

        for (var i = 0; i < node->Count; i++)
        {
            var from = i == 0 ? least : IndexNode.Fences(node)[i - 1];
            var to = i == node->Count - 1 ? bound : IndexNode.Fences(node)[i];
            Check(new BlockRef(IndexNode.Children(node)[i]), height - 1, from, to, ref keys, ref nodes, ref nextLeaf);
        }
    }

    private static IndexKey KeyOf(in TRecord record) => new(record.High, record.Low);

    private static bool IsAt(in TRecord record, in IndexKey key) => record.High == key.High && record.Low == key.Low;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private IndexNode* Node(BlockRef block) => (IndexNode*)_heap.Address(block);

    private bool TryRandomPath(ref ulong random, bool isLast, out TRecord record)
    {
        ref var head = ref Head;
        record = default;
        var node = Node(new BlockRef(head.Root));
        var room = node->Count; // all below the root share it, so there is no need to draw beside it
        for (var level = head.Height - 1; ; level--)
        {
            var at = (int)((SplitMix64.Next(ref random) >> 32) * (ulong)room >> 32);
            if (at >= node->Count)
            {
                if (!isLast) return false;
                at %= node->Count;
            }

            if (level == 0)
            {
                record = IndexNode.Records<TRecord>(node)[at];
                return true;
            }

            node = Node(new BlockRef(IndexNode.Children(node)[at]));
            room = level == 1 ? Capacity : IndexNode.MaxChildren;
        }
    }

    // Follows the fences to the leaf where a key belongs; path[0] is the root, path[Height - 1] the leaf.
    private IndexNode* Descend(in IndexKey key, Span<Step> path)
    {
        ref var head = ref Head;
        var block = new BlockRef(head.Root);
        var node = Node(block);
        for (var level = 0; level < head.Height - 1; level++)
        {
            var at = IndexNode.ChildFor(node, key);
            path[level] = new Step(block, at);
            block = new BlockRef(IndexNode.Children(node)[at]);
            node = Node(block);
        }

        path[head.Height - 1] = new Step(block, 0);
        return node;
    }

    private BlockRef NewNode()
    {
        var block = _heap.Allocate(IndexNode.SizeBytes);
        var node = Node(block);
        node->Count = 0;
        node->NextLeaf = 0;
        Head.Nodes++;
        return block;
    }

    private void FreeNode(BlockRef block)
    {
        _heap.Free(block);
        Head.Nodes--;
    }

    private void Plant()
    {
        ref var head = ref Head;
        head.Root = head.FirstLeaf = NewNode().Value;
        head.Height = 1;
    }

    // ---- splitting ----

    private void SplitLeaf(IndexNode* leaf, int at, in TRecord record, Span<Step> path)
    {
        var block = NewNode();
        var added = Node(block);
        var kept = at == Capacity && leaf->NextLeaf == 0 ? Capacity : (Capacity + 1) / 2;
        added->Count = Capacity - kept;
        var records = IndexNode.Records<TRecord>(leaf);
        Elements.Move(records + kept, IndexNode.Records<TRecord>(added), added->Count);
        leaf->Count = kept;
        added->NextLeaf = leaf->NextLeaf;
        leaf->NextLeaf = block.Value;
        if (at < kept) IndexNode.InsertRecord(leaf, at, record);
        else IndexNode.InsertRecord(added, at - kept, record);
        AddChild(Head.Height - 2, KeyOf(IndexNode.Records<TRecord>(added)[0]), block, path);
    }

    // Adds a child behind the one that the path goes through, splitting nodes up to the root where they are full.
    private void AddChild(int level, IndexKey fence, BlockRef child, Span<Step> path)
    {
        for (; level >= 0; level--)
        {
            var node = Node(path[level].Node);
            var at = path[level].Child + 1;
            if (node->Count < IndexNode.MaxChildren)
            {
                IndexNode.InsertChild(node, at, fence, child);
                return;
            }

            child = SplitInner(node, at, ref fence, child);
        }

        GrowRoot(fence, child);
    }

    // Splits a full inner node and adds a child to one of the halves; `fence` becomes the one between the halves.
    private BlockRef SplitInner(IndexNode* node, int at, ref IndexKey fence, BlockRef child)
    {
        var block = NewNode();
        var added = Node(block);
        var kept = at == IndexNode.MaxChildren ? IndexNode.MaxChildren - 1 : (IndexNode.MaxChildren + 1) / 2;
        added->Count = IndexNode.MaxChildren - kept;
        Elements.Move(IndexNode.Children(node) + kept, IndexNode.Children(added), added->Count);
        Elements.Move(IndexNode.Fences(node) + kept, IndexNode.Fences(added), added->Count - 1);
        var between = IndexNode.Fences(node)[kept - 1];
        node->Count = kept;
        if (at <= kept) IndexNode.InsertChild(node, at, fence, child);
        else IndexNode.InsertChild(added, at - kept, fence, child);
        fence = between;
        return block;
    }

    private void GrowRoot(in IndexKey fence, BlockRef right)
    {
        ref var head = ref Head;
        var block = NewNode();
        var root = Node(block);
        IndexNode.Children(root)[0] = head.Root;
        root->Count = 1;
        IndexNode.InsertChild(root, 1, fence, right);
        head.Root = block.Value;
        head.Height++;
        if (head.Height > MaxHeight) throw new HeapCorruptionException("The index is higher than keys can make it.");
    }

    // ---- joining ----

    // The leaf at the end of the path holds too little; so may its parents after that.
    private void Refill(Span<Step> path)
    {
        ref var head = ref Head;
        var isLeaf = true;
        for (var level = head.Height - 1; level > 0; level--, isLeaf = false)
        {
            if (Node(path[level].Node)->Count >= (isLeaf ? Minimum : IndexNode.MinChildren)) return;
            var parent = Node(path[level - 1].Node);
            var left = Math.Max(path[level - 1].Child - 1, 0);
            if (isLeaf) JoinLeaves(parent, left);
            else JoinInner(parent, left);
        }

        LowerRoot();
    }

    private void LowerRoot()
    {
        ref var head = ref Head;
        while (head.Height > 1 && Node(new BlockRef(head.Root))->Count == 1)
        {
            var root = new BlockRef(head.Root);
            head.Root = IndexNode.Children(Node(root))[0];
            head.Height--;
            FreeNode(root);
        }

        if (head.Count > 0) return;
        FreeNode(new BlockRef(head.Root));
        head = default;
    }

    // Makes one leaf of two neighbours, or two evenly filled ones.
    private void JoinLeaves(IndexNode* parent, int left)
    {
        var rightBlock = new BlockRef(IndexNode.Children(parent)[left + 1]);
        var a = Node(new BlockRef(IndexNode.Children(parent)[left]));
        var b = Node(rightBlock);
        var total = a->Count + b->Count;
        var wanted = total <= Capacity ? total : total / 2;
        var recordsA = IndexNode.Records<TRecord>(a);
        var recordsB = IndexNode.Records<TRecord>(b);
        var moved = wanted - a->Count;
        if (moved > 0)
        {
            Elements.Move(recordsB, recordsA + a->Count, moved);
            Elements.Move(recordsB + moved, recordsB, b->Count - moved);
        }
        else
        {
            Elements.Move(recordsB, recordsB - moved, b->Count);
            Elements.Move(recordsA + wanted, recordsB, -moved);
        }

        a->Count = wanted;
        b->Count = total - wanted;
        if (b->Count > 0)
        {
            IndexNode.Fences(parent)[left] = KeyOf(recordsB[0]);
            return;
        }

        a->NextLeaf = b->NextLeaf;
        IndexNode.RemoveChild(parent, left + 1);
        FreeNode(rightBlock);
    }

    // The same for inner nodes: the fence between the two comes down, and another goes up.
    private void JoinInner(IndexNode* parent, int left)
    {
        var rightBlock = new BlockRef(IndexNode.Children(parent)[left + 1]);
        var a = Node(new BlockRef(IndexNode.Children(parent)[left]));
        var b = Node(rightBlock);
        var total = a->Count + b->Count;
        // SAFETY: each node has at most MaxChildren children and one fence less; all copies are of what they have.
        var children = stackalloc ulong[2 * IndexNode.MaxChildren];
        var fences = stackalloc IndexKey[2 * IndexNode.MaxChildren];
        CopyOut(a, children, fences);
        fences[a->Count - 1] = IndexNode.Fences(parent)[left];
        CopyOut(b, children + a->Count, fences + a->Count);

        var wanted = total <= IndexNode.MaxChildren ? total : total / 2;
        CopyIn(a, children, fences, wanted);
        if (wanted < total)
        {
            IndexNode.Fences(parent)[left] = fences[wanted - 1];
            CopyIn(b, children + wanted, fences + wanted, total - wanted);
            return;
        }

        IndexNode.RemoveChild(parent, left + 1);
        FreeNode(rightBlock);
    }

    private static void CopyOut(IndexNode* node, ulong* children, IndexKey* fences)
    {
        Elements.Move(IndexNode.Children(node), children, node->Count);
        Elements.Move(IndexNode.Fences(node), fences, node->Count - 1);
    }

    private static void CopyIn(IndexNode* node, ulong* children, IndexKey* fences, int count)
    {
        node->Count = count;
        Elements.Move(children, IndexNode.Children(node), count);
        Elements.Move(fences, IndexNode.Fences(node), count - 1);
    }

    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Step(BlockRef Node, int Child);

    [StructLayout(LayoutKind.Sequential)]
    private struct IndexHeader
    {
        internal const int SizeBytes = 32;

        internal ulong Root;
        internal ulong FirstLeaf;
        internal long Count;
        internal int Nodes;
        internal int Height;
    }

    private readonly struct Nobody : IRecordVisitor<TRecord>
    {
        public bool Visit(in TRecord record) => true;
    }
}
