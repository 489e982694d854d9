namespace Millrace.Memory;

/// <summary>How a <see cref="RankTree"/> shrinks: nodes that hold too little take from a neighbour or join
/// it.</summary>
/// <remarks>
/// Of two neighbours the left one keeps its first element, so only the fence between the two changes. A leaf that has
/// become empty is taken out before anything is joined.
/// </remarks>
internal static unsafe class RankJoins
{
    // SAFETY: of all members: nodes come from RankNodes, which checks them; positions are below their counts.

    /// <summary>
    /// The leaf at the end of a path has lost elements, the counts of the path say so already: takes the leaf out when
    /// it is empty, and joins nodes with their neighbours where they hold too little.
    /// </summary>
    internal static void Shrink(RankNodes nodes, ReadOnlySpan<RankStep> path)
    {
        var level = nodes.Head.Height - 1;
        var leaf = nodes.Leaf(path[level].Node);
        if (leaf->Count >= RankLeaf.MinElements) return;
        if (leaf->Count == 0)
        {
            TakeOut(nodes, path);
            return;
        }

        if (level > 0)
        {
            var parent = nodes.Inner(path[level - 1].Node);
            JoinLeaves(nodes, parent, Math.Max(path[level - 1].Child - 1, 0));
            ShrinkInner(nodes, path, level - 1);
        }
    }

    // Takes the empty leaf at the end of a path out of the tree, with the nodes above that it was the only child of.
    private static void TakeOut(RankNodes nodes, ReadOnlySpan<RankStep> path)
    {
        ref var head = ref nodes.Head;
        var level = head.Height - 1;
        var leaf = nodes.Leaf(path[level].Node);
        if (leaf->Next != 0) nodes.Leaf(new BlockRef(leaf->Next))->Previous = leaf->Previous;
        if (leaf->Previous != 0) nodes.Leaf(new BlockRef(leaf->Previous))->Next = leaf->Next;
        nodes.FreeLeaf(path[level].Node);
        while (--level >= 0 && nodes.Inner(path[level].Node)->Count == 1) nodes.FreeInner(path[level].Node);
        if (level < 0)
        {
            head = default;
            return;
        }

        var node = nodes.Inner(path[level].Node);
        if (path[level].Child == 0)
        {
            var fences = RankInner.Fences(node);
            nodes.SetFence(path, level, fences.Score(0), fences.Member(0));
        }

        RankInner.Remove(node, path[level].Child);
        ShrinkInner(nodes, path, level);
    }

    private static void ShrinkInner(RankNodes nodes, ReadOnlySpan<RankStep> path, int level)
    {
        for (; level > 0; level--)
        {
            if (nodes.Inner(path[level].Node)->Count >= RankInner.MinChildren) return;
            var parent = nodes.Inner(path[level - 1].Node);
            JoinInners(nodes, parent, Math.Max(path[level - 1].Child - 1, 0));
        }

        ref var head = ref nodes.Head;
        while (head.Height > 1 && nodes.Inner(new BlockRef(head.Root))->Count == 1)
        {
            var root = new BlockRef(head.Root);
            head.Root = RankInner.Children(nodes.Inner(root))[0];
            head.Height--;
            nodes.FreeInner(root);
        }
    }

    // Makes one leaf of two neighbours, or two evenly filled ones.
    private static void JoinLeaves(RankNodes nodes, RankInner* parent, int left)
    {
        var leftBlock = new BlockRef(RankInner.Children(parent)[left]);
        var rightBlock = new BlockRef(RankInner.Children(parent)[left + 1]);
        var a = nodes.Leaf(leftBlock);
        var b = nodes.Leaf(rightBlock);
        var total = a->Count + b->Count;
        var wanted = total <= RankLeaf.MaxElements ? total : total / 2;
        var inA = RankLeaf.Elements(a);
        var inB = RankLeaf.Elements(b);
        var moved = wanted - a->Count;
        if (moved > 0)
        {
            inB.CopyTo(inA.From(a->Count), 0, moved);
            inB.CopyTo(inB, moved, b->Count - moved);
        }
        else
        {
            inB.CopyTo(inB.From(-moved), 0, b->Count);
            inA.CopyTo(inB, wanted, -moved);
        }

        a->Count = wanted;
        b->Count = total - wanted;
        RankInner.Counts(parent)[left] = a->Count;
        RankInner.Counts(parent)[left + 1] = b->Count;
        if (b->Count > 0)
        {
            RankInner.Fences(parent).Set(left, inB.Score(0), inB.Member(0).Value);
            return;
        }

        a->Next = b->Next;
        if (a->Next != 0) nodes.Leaf(new BlockRef(a->Next))->Previous = leftBlock.Value;
        RankInner.Remove(parent, left + 1);
        nodes.FreeLeaf(rightBlock);
    }

    // The same for inner nodes: the fence between the two comes down, and another goes up.
    private static void JoinInners(RankNodes nodes, RankInner* parent, int left)
    {
        var rightBlock = new BlockRef(RankInner.Children(parent)[left + 1]);
        var a = nodes.Inner(new BlockRef(RankInner.Children(parent)[left]));
        var b = nodes.Inner(rightBlock);
        var total = a->Count + b->Count;
        var room = default(JoinRoom);
        var children = room.Children;
        var counts = room.Counts;
        var fences = new RankSlots(room.Scores, room.Members);
        var between = RankInner.Fences(parent);
        CopyOut(a, children, counts, fences);
        fences.Set(a->Count - 1, between.Score(left), between.Member(left).Value);
        CopyOut(b, children + a->Count, counts + a->Count, fences.From(a->Count));

        var wanted = total <= RankInner.MaxChildren ? total : total / 2;
        CopyIn(a, wanted, children, counts, fences);
        RankInner.Counts(parent)[left] = RankInner.Sum(a, wanted);
        if (wanted == total)
        {
            RankInner.Remove(parent, left + 1);
            nodes.FreeInner(rightBlock);
            return;
        }

        CopyIn(b, total - wanted, children + wanted, counts + wanted, fences.From(wanted));
        between.Set(left, fences.Score(wanted - 1), fences.Member(wanted - 1).Value);
        RankInner.Counts(parent)[left + 1] = RankInner.Sum(b, b->Count);
    }

    private static void CopyOut(RankInner* node, ulong* children, long* counts, RankSlots fences)
    {
        Elements.Move(RankInner.Children(node), children, node->Count);
        Elements.Move(RankInner.Counts(node), counts, node->Count);
        RankInner.Fences(node).CopyTo(fences, 0, node->Count - 1);
    }

    private static void CopyIn(RankInner* node, int count, ulong* children, long* counts, RankSlots fences)
    {
        node->Count = count;
        Elements.Move(children, RankInner.Children(node), count);
        Elements.Move(counts, RankInner.Counts(node), count);
        fences.CopyTo(RankInner.Fences(node), 0, count - 1);
    }

    // Two inner nodes side by side.
    private struct JoinRoom
    {
        internal const int MaxChildren = 2 * RankInner.MaxChildren;

        internal fixed ulong Children[MaxChildren];
        internal fixed long Counts[MaxChildren];
        internal fixed double Scores[MaxChildren];
        internal fixed ulong Members[MaxChildren];
    }
}
