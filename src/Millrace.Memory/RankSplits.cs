namespace Millrace.Memory;

/// <summary>How a <see cref="RankTree"/> grows: full nodes are split on the way up from a leaf.</summary>
/// <remarks>
/// A node at either end of the tree that overflows at its outer end is left full (or nearly so), so that elements that
/// arrive in ascending or descending order are packed densely; all others are halved.
/// Requires of all: the counts along the path include the new element already.
/// </remarks>
internal static unsafe class RankSplits
{
    // SAFETY: of all members: nodes come from RankNodes, which checks them; positions are below their counts.

    /// <summary>Puts an element into the full leaf at the end of a path.</summary>
    internal static void SplitLeaf(RankNodes nodes, ReadOnlySpan<RankStep> path, int at, double score, BlockRef member)
    {
        var oldBlock = path[nodes.Head.Height - 1].Node;
        var leaf = nodes.Leaf(oldBlock);
        var kept = at == RankLeaf.MaxElements && leaf->Next == 0 ? RankLeaf.MaxElements
            : at == 0 && leaf->Previous == 0 ? 0
            : RankLeaf.MaxElements / 2;
        var block = nodes.NewLeaf();
        var added = nodes.Leaf(block);
        added->Count = RankLeaf.MaxElements - kept;
        RankLeaf.Elements(leaf).CopyTo(RankLeaf.Elements(added), kept, added->Count);
        leaf->Count = kept;
        added->Next = leaf->Next;
        added->Previous = oldBlock.Value;
        if (added->Next != 0) nodes.Leaf(new BlockRef(added->Next))->Previous = block.Value;
        leaf->Next = block.Value;
        if (at < kept || kept == 0) RankLeaf.Insert(leaf, at, score, member);
        else RankLeaf.Insert(added, at - kept, score, member);
        var first = RankLeaf.Elements(added);
        AddChild(nodes, path, new RankChild(block, added->Count, first.Score(0), first.Member(0).Value));
    }

    // Adds a child behind the one that the path goes through, which has lost the child's elements to it, and splits
    // nodes up to the root where they are full.
    private static void AddChild(RankNodes nodes, ReadOnlySpan<RankStep> path, RankChild child)
    {
        for (var level = nodes.Head.Height - 2; level >= 0; level--)
        {
            var node = nodes.Inner(path[level].Node);
            var at = path[level].Child + 1;
            RankInner.Counts(node)[at - 1] -= child.Elements;
            if (node->Count < RankInner.MaxChildren)
            {
                RankInner.Insert(node, at, child);
                return;
            }

            child = SplitInner(nodes, node, at, child);
        }

        GrowRoot(nodes, child);
    }

    // Splits a full inner node, adds a child to one of the halves and returns the second half.
    private static RankChild SplitInner(RankNodes nodes, RankInner* node, int at, in RankChild child)
    {
        var block = nodes.NewInner();
        var added = nodes.Inner(block);
        var kept = at == RankInner.MaxChildren ? RankInner.MaxChildren - 1
            : at == 1 ? 1
            : RankInner.MaxChildren / 2;
        added->Count = RankInner.MaxChildren - kept;
        Elements.Move(RankInner.Children(node) + kept, RankInner.Children(added), added->Count);
        Elements.Move(RankInner.Counts(node) + kept, RankInner.Counts(added), added->Count);
        RankInner.Fences(node).CopyTo(RankInner.Fences(added), kept, added->Count - 1);
        var firstScore = RankInner.Fences(node).Score(kept - 1);
        var firstMember = RankInner.Fences(node).Member(kept - 1).Value;
        node->Count = kept;
        if (at <= kept) RankInner.Insert(node, at, child);
        else RankInner.Insert(added, at - kept, child);
        return new RankChild(block, RankInner.Sum(added, added->Count), firstScore, firstMember);
    }

    private static void GrowRoot(RankNodes nodes, in RankChild right)
    {
        ref var head = ref nodes.Head;
        var block = nodes.NewInner();
        var root = nodes.Inner(block);
        RankInner.Children(root)[0] = head.Root;
        RankInner.Counts(root)[0] = head.Count - right.Elements;
        root->Count = 1;
        RankInner.Insert(root, 1, right);
        head.Root = block.Value;
        head.Height++;
        if (head.Height > RankNodes.MaxHeight)
            throw new HeapCorruptionException("The tree is higher than elements can make it.");
    }
}
