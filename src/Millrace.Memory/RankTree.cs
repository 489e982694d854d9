using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Millrace.Memory;

/// <summary>
/// The order of a large sorted set: elements of a score and a <see cref="ScoredMember"/>, ascending by score and, where
/// scores are equal, by the member's text. A B+tree in native memory that counts, so that it knows ranks.
/// </summary>
/// <remarks>
/// <para>
/// Scores are ordered as doubles: -inf first, inf last, -0 and 0 are equal; NaN is not allowed. Texts are ordered by
/// their bytes, unsigned, a beginning before the whole. The tree does not own the members: it refers to them, compares
/// their texts, and whoever uses it frees them when they have left it.
/// </para>
/// <para>
/// Insert, Remove, Move, CountBefore, At, From: O(log n), and a member's block is only looked at where scores are
/// equal. A walk O(1) per element, in both directions. RemoveRange: O(log n) per leaf that is touched, so O(log n + k)
/// for k elements as leaves hold 10 to 30 of them. FreeSome: O(elements freed).
/// </para>
/// <para>
/// Invariants: all leaves have the same height and are linked in both directions; the fences of an inner node are the
/// first elements below its children, except the first child; counts are exact; no node but the root is empty. 17 to 27
/// bytes per element. A handle may be copied; it is used under the heap's lock.
/// </para>
/// </remarks>
public readonly unsafe struct RankTree
{
    private readonly RankNodes _nodes;

    /// <summary>A handle to the tree that has this header.</summary>
    public RankTree(Heap heap, BlockRef header)
    {
        _nodes = new RankNodes(heap, header);
        Header = header;
    }

    /// <summary>The block that the tree is known by; never moves.</summary>
    public BlockRef Header { get; }

    /// <summary>The number of elements.</summary>
    public long Count => _nodes.Head.Count;

    /// <summary>Exact bytes of the tree without the members.</summary>
    public long AllocatedBytes
    {
        get
        {
            ref var head = ref _nodes.Head;
            var heap = _nodes.Heap;
            return heap.UsableSize(Header)
                + ((long)head.Leaves * heap.UsableSizeOf(RankLeaf.SizeBytes))
                + ((long)head.Inners * heap.UsableSizeOf(RankInner.SizeBytes));
        }
    }

    /// <summary>A tree without elements: one small block.</summary>
    public static RankTree Create(Heap heap)
    {
        ArgumentNullException.ThrowIfNull(heap);
        Debug.Assert(sizeof(RankHeader) == RankHeader.SizeBytes, "as drawn");
        var tree = new RankTree(heap, heap.Allocate(RankHeader.SizeBytes));
        tree._nodes.Head = default;
        return tree;
    }

    // SAFETY: of the members below: nodes come from RankNodes, which checks that a block is there; positions are below
    // the counts of the nodes.

    /// <summary>Adds an element. Requires: the member is not in the tree, and the score is a number.</summary>
    public void Insert(double score, BlockRef member)
    {
        Debug.Assert(!double.IsNaN(score), "NaN has no place in any order");
        ref var head = ref _nodes.Head;
        if (head.Height == 0)
        {
            head.Root = _nodes.NewLeaf().Value;
            head.Height = 1;
        }

        Span<RankStep> path = stackalloc RankStep[RankNodes.MaxHeight];
        var probe = new ElementProbe(score, ScoredMember.Text(_nodes.Heap, member), isBehind: false);
        var leaf = _nodes.Descend(ref probe, path);
        var at = RankLeaf.Elements(leaf).CountBefore(_nodes.Heap, leaf->Count, ref probe);
        _nodes.AddToCounts(path, 1);
        if (leaf->Count < RankLeaf.MaxElements) RankLeaf.Insert(leaf, at, score, member);
        else RankSplits.SplitLeaf(_nodes, path, at, score, member);
    }

    /// <summary>Removes an element; its member is not freed.</summary>
    /// <exception cref="InvalidOperationException">The member is not in the tree with this score.</exception>
    public void Remove(double score, BlockRef member)
    {
        Span<RankStep> path = stackalloc RankStep[RankNodes.MaxHeight];
        var leaf = Locate(score, member, path, out var at);
        TakeOut(path, leaf, at, 1);
    }

    /// <summary>Gives a member another score, which must be a number. In place where its neighbours allow it.</summary>
    /// <exception cref="InvalidOperationException">The member is not in the tree with the old score.</exception>
    public void Move(double oldScore, double newScore, BlockRef member)
    {
        Debug.Assert(!double.IsNaN(newScore), "NaN has no place in any order");
        Span<RankStep> path = stackalloc RankStep[RankNodes.MaxHeight];
        var leaf = Locate(oldScore, member, path, out var at);
        if (StaysAt(leaf, at, newScore, member))
        {
            RankLeaf.Elements(leaf).Set(at, newScore, member.Value);
            return;
        }

        TakeOut(path, leaf, at, 1);
        Insert(newScore, member);
    }

    /// <summary>The number of elements before a place, which is the rank of the first one that is not.</summary>
    public long CountBefore<TProbe>(ref TProbe probe)
        where TProbe : struct, IRankProbe, allows ref struct
    {
        ref var head = ref _nodes.Head;
        if (head.Count == 0) return 0;
        var rank = 0L;
        var block = new BlockRef(head.Root);
        for (var height = head.Height; height > 1; height--)
        {
            var node = _nodes.Inner(block);
            var at = RankInner.Fences(node).CountBefore(_nodes.Heap, node->Count - 1, ref probe);
            rank += RankInner.Sum(node, at);
            block = new BlockRef(RankInner.Children(node)[at]);
        }

        var leaf = _nodes.Leaf(block);
        return rank + RankLeaf.Elements(leaf).CountBefore(_nodes.Heap, leaf->Count, ref probe);
    }

    /// <summary>The rank of a member of the tree, from 0.</summary>
    public long RankOf(double score, BlockRef member)
    {
        var probe = new ElementProbe(score, ScoredMember.Text(_nodes.Heap, member), isBehind: false);
        return CountBefore(ref probe);
    }

    /// <summary>A cursor on the element with a rank; one that is on nothing when there is none.</summary>
    public RankCursor At(long rank)
    {
        if ((ulong)rank >= (ulong)_nodes.Head.Count) return default;
        Span<RankStep> path = stackalloc RankStep[RankNodes.MaxHeight];
        var leaf = _nodes.Descend(rank, path, out var at);
        return new RankCursor(_nodes, leaf, at);
    }

    /// <summary>A cursor on the first element that is not before a place; one that is on nothing when all
    /// are.</summary>
    public RankCursor From<TProbe>(scoped ref TProbe probe)
        where TProbe : struct, IRankProbe, allows ref struct
    {
        if (_nodes.Head.Count == 0) return default;
        Span<RankStep> path = stackalloc RankStep[RankNodes.MaxHeight];
        var leaf = _nodes.Descend(ref probe, path);
        var at = RankLeaf.Elements(leaf).CountBefore(_nodes.Heap, leaf->Count, ref probe);
        if (at < leaf->Count) return new RankCursor(_nodes, leaf, at);
        return leaf->Next == 0 ? default : new RankCursor(_nodes, _nodes.Leaf(new BlockRef(leaf->Next)), 0);
    }

    /// <summary>Removes elements from a rank on and hands them to a visitor, in order.</summary>
    /// <param name="first">The rank of the first, from 0.</param>
    /// <param name="count">How many. Requires: there are so many.</param>
    /// <param name="visitor">Receives each element when it has left the tree, and may free its member.</param>
    public void RemoveRange<TVisitor>(long first, long count, ref TVisitor visitor)
        where TVisitor : struct, IRankVisitor, allows ref struct
    {
        ArgumentOutOfRangeException.ThrowIfNegative(first);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, Count - first);
        Span<RankStep> path = stackalloc RankStep[RankNodes.MaxHeight];
        Span<double> scores = stackalloc double[RankLeaf.MaxElements];
        Span<BlockRef> members = stackalloc BlockRef[RankLeaf.MaxElements];
        while (count > 0)
        {
            var leaf = _nodes.Descend(first, path, out var at);
            var taken = (int)Math.Min(count, leaf->Count - at);
            var elements = RankLeaf.Elements(leaf);
            for (var i = 0; i < taken; i++)
            {
                scores[i] = elements.Score(at + i);
                members[i] = elements.Member(at + i);
            }

            TakeOut(path, leaf, at, taken);
            for (var i = 0; i < taken; i++) visitor.Visit(scores[i], members[i]);
            count -= taken;
        }
    }

    /// <summary>
    /// Forgets the first elements, about so many at most, and frees their nodes; true when none are left. The members
    /// are not looked at: they may be freed before.
    /// </summary>
    /// <remarks>
    /// Once this has begun, nothing but Count, FreeSome and Free may be used. The header stays until
    /// <see cref="Free"/>, so the call may be repeated.
    /// </remarks>
    public bool FreeSome(int max)
    {
        ref var head = ref _nodes.Head;
        Span<RankStep> path = stackalloc RankStep[RankNodes.MaxHeight];
        for (var work = 0; head.Height > 0; work += RankLeaf.MaxElements)
        {
            if (work > 0 && work >= max) return false;
            var leaf = _nodes.Descend(0, path, out _);
            head.Count -= leaf->Count;
            var level = head.Height - 1;
            _nodes.FreeLeaf(path[level].Node);
            while (--level >= 0 && _nodes.Inner(path[level].Node)->Count == 1) _nodes.FreeInner(path[level].Node);
            if (level < 0) head = default;
            else RankInner.Remove(_nodes.Inner(path[level].Node), 0);
        }

        return true;
    }

    /// <summary>
    /// Frees the whole tree, its header included; the handle is dead then. O(elements) unless it is empty.
    /// </summary>
    public void Free()
    {
        _ = FreeSome(int.MaxValue);
        _nodes.Heap.Free(Header);
    }

    /// <summary>Tests the invariants of the tree. For tests.</summary>
    internal void CheckInvariants() => RankCheck.Run(_nodes);

    // The leaf and the position of an element that is there.
    private RankLeaf* Locate(double score, BlockRef member, scoped Span<RankStep> path, out int at)
    {
        at = -1;
        if (_nodes.Head.Count == 0) ThrowMissing();
        var probe = new ElementProbe(score, ScoredMember.Text(_nodes.Heap, member), isBehind: true);
        var leaf = _nodes.Descend(ref probe, path);
        var elements = RankLeaf.Elements(leaf);
        at = elements.CountBefore(_nodes.Heap, leaf->Count, ref probe) - 1;
        if (at < 0 || elements.Member(at) != member || elements.Score(at) != score) ThrowMissing();
        return leaf;
    }

    // Takes elements of one leaf out of the tree. Of the members nothing is read.
    private void TakeOut(ReadOnlySpan<RankStep> path, RankLeaf* leaf, int at, int count)
    {
        RankLeaf.Remove(leaf, at, count);
        _nodes.AddToCounts(path, -count);
        if (at == 0 && leaf->Count > 0)
        {
            var elements = RankLeaf.Elements(leaf);
            _nodes.SetFence(path, _nodes.Head.Height - 1, elements.Score(0), elements.Member(0));
        }

        RankJoins.Shrink(_nodes, path);
    }

    // Whether an element is still between its neighbours with another score. Those in other leaves are not looked at,
    // and an element that may be a fence is not changed in place.
    private bool StaysAt(RankLeaf* leaf, int at, double score, BlockRef member)
    {
        var elements = RankLeaf.Elements(leaf);
        var probe = new ElementProbe(score, ScoredMember.Text(_nodes.Heap, member), isBehind: false);
        var isLeft = at > 0
            ? probe.IsBefore(_nodes.Heap, elements.Score(at - 1), elements.Member(at - 1))
            : leaf->Previous == 0;
        if (!isLeft) return false;
        return at < leaf->Count - 1
            ? !probe.IsBefore(_nodes.Heap, elements.Score(at + 1), elements.Member(at + 1))
            : leaf->Next == 0;
    }

    [DoesNotReturn]
    private static void ThrowMissing() =>
        throw new InvalidOperationException("The member is not in the tree with this score.");
}

/// <summary>
/// A place on an element of a <see cref="RankTree"/>, to be moved in both directions. Dead when the tree changes.
/// </summary>
public unsafe ref struct RankCursor
{
    // Members are fetched so many elements ahead of the walk: it reads each of them, and each is a miss.
    private const int Ahead = 4;

    private readonly RankNodes _nodes;
    private RankLeaf* _leaf;
    private int _at;

    internal RankCursor(RankNodes nodes, RankLeaf* leaf, int at)
    {
        _nodes = nodes;
        _leaf = leaf;
        _at = at;
    }

    // SAFETY: of all members: _leaf is null or a leaf of the tree, and _at is below its count.

    /// <summary>Whether it is on an element.</summary>
    public readonly bool IsValid => _leaf != null;

    /// <summary>The element's score. Requires: valid.</summary>
    public readonly double Score => RankLeaf.Elements(_leaf).Score(_at);

    /// <summary>The element's member. Requires: valid.</summary>
    public readonly BlockRef Member => RankLeaf.Elements(_leaf).Member(_at);

    /// <summary>Goes to the next element; off the tree behind the last. Requires: valid.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Next()
    {
        if (++_at == _leaf->Count)
        {
            _leaf = _leaf->Next == 0 ? null : _nodes.Leaf(new BlockRef(_leaf->Next));
            _at = 0;
        }
        else if (_at + Ahead < _leaf->Count)
        {
            _nodes.Heap.Prefetch(RankLeaf.Elements(_leaf).Member(_at + Ahead));
        }
    }

    /// <summary>Goes to the next element as <see cref="Next"/> does, for walks that read few of the members: none is
    /// fetched ahead.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Pass()
    {
        if (++_at < _leaf->Count) return;
        _leaf = _leaf->Next == 0 ? null : _nodes.Leaf(new BlockRef(_leaf->Next));
        _at = 0;
    }

    /// <summary>Goes to the element before; off the tree in front of the first. Requires: valid.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Previous()
    {
        if (--_at < 0)
        {
            _leaf = _leaf->Previous == 0 ? null : _nodes.Leaf(new BlockRef(_leaf->Previous));
            _at = _leaf == null ? 0 : _leaf->Count - 1;
        }
        else if (_at - Ahead >= 0)
        {
            _nodes.Heap.Prefetch(RankLeaf.Elements(_leaf).Member(_at - Ahead));
        }
    }
}
