namespace Millrace.Memory;

/// <summary>Tests the invariants of a <see cref="RankTree"/>, node by node. For tests.</summary>
internal unsafe ref struct RankCheck
{
    private readonly RankNodes _nodes;
    private ulong _expectedLeaf;
    private ulong _lastLeaf;
    private int _leaves;
    private int _inners;
    private double _score;
    private BlockRef _member;
    private bool _hasElement;

    private RankCheck(RankNodes nodes) => _nodes = nodes;

    // SAFETY: of all members: nodes come from RankNodes, which checks them; positions are below their counts.

    internal static void Run(RankNodes nodes)
    {
        ref var head = ref nodes.Head;
        var check = new RankCheck(nodes);
        var elements = head.Height == 0 ? 0 : check.Node(new BlockRef(head.Root), head.Height);
        if (elements != head.Count || check._leaves != head.Leaves || check._inners != head.Inners)
            throw new HeapCorruptionException($"{elements} elements; {head.Count} expected, or nodes miscounted.");
        if (check._expectedLeaf != 0) throw new HeapCorruptionException("The leaves go on behind the last.");
    }

    private long Node(BlockRef block, int height)
    {
        if (height == 1) return Leaf(block);
        _inners++;
        var node = _nodes.Inner(block);
        if (node->Count is 0 or > RankInner.MaxChildren) throw new HeapCorruptionException("A node's count is wrong.");
        var sum = 0L;
        for (var i = 0; i < node->Count; i++)
        {
            var child = new BlockRef(RankInner.Children(node)[i]);
            if (i > 0) CheckFence(node, i - 1, child, height - 1);
            var elements = Node(child, height - 1);
            var counted = RankInner.Counts(node)[i];
            if (elements != counted) throw new HeapCorruptionException($"{elements} elements, {counted} counted.");
            sum += elements;
        }

        return sum;
    }

    private readonly void CheckFence(RankInner* node, int at, BlockRef child, int height)
    {
        for (; height > 1; height--) child = new BlockRef(RankInner.Children(_nodes.Inner(child))[0]);
        var first = RankLeaf.Elements(_nodes.Leaf(child));
        var fence = RankInner.Fences(node);
        if (fence.Member(at) != first.Member(0) || !fence.Score(at).Equals(first.Score(0)))
            throw new HeapCorruptionException("A fence is not the first element behind it.");
    }

    private long Leaf(BlockRef block)
    {
        var leaf = _nodes.Leaf(block);
        if (leaf->Count is 0 or > RankLeaf.MaxElements) throw new HeapCorruptionException("A leaf's count is wrong.");
        if ((_leaves > 0 && _expectedLeaf != block.Value) || leaf->Previous != _lastLeaf)
            throw new HeapCorruptionException("The leaves are linked wrongly.");
        _leaves++;
        _expectedLeaf = leaf->Next;
        _lastLeaf = block.Value;
        var elements = RankLeaf.Elements(leaf);
        for (var i = 0; i < leaf->Count; i++)
        {
            if (_hasElement && !IsAscending(elements.Score(i), elements.Member(i)))
                throw new HeapCorruptionException("An element is out of order.");
            (_score, _member, _hasElement) = (elements.Score(i), elements.Member(i), true);
        }

        return leaf->Count;
    }

    private readonly bool IsAscending(double score, BlockRef member)
    {
        var probe = new ElementProbe(score, ScoredMember.Text(_nodes.Heap, member), isBehind: false);
        return probe.IsBefore(_nodes.Heap, _score, _member);
    }
}
