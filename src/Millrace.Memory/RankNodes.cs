using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Millrace.Memory;

/// <summary>The block that a <see cref="RankTree"/> is known by; never moves.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct RankHeader
{
    internal const int SizeBytes = 32;

    internal ulong Root;
    internal long Count;
    internal int Leaves;
    internal int Inners;
    internal int Height;
    internal int Reserved;
}

/// <summary>One node on the way from the root to a leaf, and which of its children the way goes through.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct RankStep(BlockRef Node, int Child);

/// <summary>
/// The nodes of one <see cref="RankTree"/>: made, freed, found and counted, and the ways through them.
/// </summary>
/// <remarks>
/// A path has one step per level: path[0] is the root, path[Height - 1] the leaf, whose child is 0.
/// </remarks>
internal readonly unsafe struct RankNodes(Heap heap, BlockRef header)
{
    /// <summary>More than elements can make: nodes but the root have at least 10 children.</summary>
    internal const int MaxHeight = 16;

    private readonly BlockRef _header = header;

    internal Heap Heap { get; } = heap;

    // SAFETY: of the members below: Address has checked that a block is there, and the blocks of a tree have the size
    // of what is read through them. Nodes do not move, so pointers to them hold until the node is freed.
    internal ref RankHeader Head
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => ref *(RankHeader*)Heap.Address(_header);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal RankLeaf* Leaf(BlockRef block) => (RankLeaf*)Heap.Address(block);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal RankInner* Inner(BlockRef block) => (RankInner*)Heap.Address(block);

    internal BlockRef NewLeaf()
    {
        Debug.Assert(sizeof(RankLeaf) == RankLeaf.SizeBytes, "as drawn");
        var block = Heap.Allocate(RankLeaf.SizeBytes);
        var leaf = Leaf(block);
        leaf->Count = 0;
        leaf->Next = leaf->Previous = 0;
        Head.Leaves++;
        return block;
    }

    internal BlockRef NewInner()
    {
        Debug.Assert(sizeof(RankInner) == RankInner.SizeBytes, "as drawn");
        var block = Heap.Allocate(RankInner.SizeBytes);
        Inner(block)->Count = 0;
        Head.Inners++;
        return block;
    }

    internal void FreeLeaf(BlockRef block)
    {
        Heap.Free(block);
        Head.Leaves--;
    }

    internal void FreeInner(BlockRef block)
    {
        Heap.Free(block);
        Head.Inners--;
    }

    /// <summary>Follows the fences to the leaf where a place is. Requires: not empty.</summary>
    internal RankLeaf* Descend<TProbe>(ref TProbe probe, scoped Span<RankStep> path)
        where TProbe : struct, IRankProbe, allows ref struct
    {
        ref var head = ref Head;
        var block = new BlockRef(head.Root);
        var last = head.Height - 1;
        for (var level = 0; level < last; level++)
        {
            var node = Inner(block);
            var at = RankInner.Fences(node).CountBefore(Heap, node->Count - 1, ref probe);
            path[level] = new RankStep(block, at);
            block = new BlockRef(RankInner.Children(node)[at]);
        }

        path[last] = new RankStep(block, 0);
        return Leaf(block);
    }

    /// <summary>Follows the counts to the leaf of the element with a rank. Requires: there is one.</summary>
    /// <param name="rank">The rank, from 0.</param>
    /// <param name="path">Room for the way.</param>
    /// <param name="at">The element's position in the leaf.</param>
    internal RankLeaf* Descend(long rank, scoped Span<RankStep> path, out int at)
    {
        ref var head = ref Head;
        var block = new BlockRef(head.Root);
        var last = head.Height - 1;
        for (var level = 0; level < last; level++)
        {
            var node = Inner(block);
            var counts = RankInner.Counts(node);
            var child = 0;
            for (; child < node->Count - 1 && rank >= counts[child]; child++) rank -= counts[child];
            path[level] = new RankStep(block, child);
            block = new BlockRef(RankInner.Children(node)[child]);
        }

        path[last] = new RankStep(block, 0);
        var leaf = Leaf(block);
        if (rank >= leaf->Count) ThrowMiscounted();
        at = (int)rank;
        return leaf;
    }

    /// <summary>Corrects the counts along a path: so many elements more below each of its steps.</summary>
    internal void AddToCounts(ReadOnlySpan<RankStep> path, long elements)
    {
        ref var head = ref Head;
        for (var level = head.Height - 2; level >= 0; level--)
            RankInner.Counts(Inner(path[level].Node))[path[level].Child] += elements;
        head.Count += elements;
    }

    /// <summary>
    /// The node at a level of the path begins with another element: the fence in front of it, which may be in any of
    /// the nodes above or in none, follows.
    /// </summary>
    internal void SetFence(ReadOnlySpan<RankStep> path, int level, double score, BlockRef member)
    {
        while (--level >= 0)
        {
            var child = path[level].Child;
            if (child == 0) continue;
            RankInner.Fences(Inner(path[level].Node)).Set(child - 1, score, member.Value);
            return;
        }
    }

    [DoesNotReturn]
    private static void ThrowMiscounted() =>
        throw new HeapCorruptionException("A leaf holds fewer elements than its parent counts.");
}
