using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Millrace.Memory;

/// <summary>A leaf of a <see cref="RankTree"/>: elements in order, scores and members side by side.</summary>
/// <remarks>
/// <code>
///   byte 0       4   8           16              24                    264                     504  512
///        +-------+---+-----------+---------------+---------------------+------------------------+---+
///        | count | 0 | next leaf | previous leaf | up to 30 scores     | as many members        | 0 |
///        |       |   | reference | reference     | double, ascending   | BlockRef to the block  |   |
///        +-------+---+-----------+---------------+---------------------+------------------------+---+
/// </code>
/// A search reads the scores, four lines at most, and follows a reference only where scores are equal.
/// </remarks>
[StructLayout(LayoutKind.Explicit, Size = SizeBytes)]
internal unsafe struct RankLeaf
{
    internal const int SizeBytes = 512;
    internal const int MaxElements = 30;
    internal const int MinElements = MaxElements / 3;

    private const int ScoresOffset = 24;
    private const int MembersOffset = ScoresOffset + (MaxElements * sizeof(double));

    [FieldOffset(0)] internal int Count;
    [FieldOffset(8)] internal ulong Next;
    [FieldOffset(16)] internal ulong Previous;

    // SAFETY: of all members: a leaf is only ever met as a pointer to a 512-byte block, counts never pass the limit
    // above, and positions are below the count, or equal to it where something is added.

    internal static RankSlots Elements(RankLeaf* leaf) =>
        new((double*)((byte*)leaf + ScoresOffset), (ulong*)((byte*)leaf + MembersOffset));

    /// <summary>Puts an element into a leaf that is not full.</summary>
    internal static void Insert(RankLeaf* leaf, int at, double score, BlockRef member)
    {
        var elements = Elements(leaf);
        elements.CopyTo(elements.From(at + 1), at, leaf->Count - at);
        elements.Set(at, score, member.Value);
        leaf->Count++;
    }

    /// <summary>Takes elements out of a leaf.</summary>
    internal static void Remove(RankLeaf* leaf, int at, int count)
    {
        var elements = Elements(leaf);
        leaf->Count -= count;
        elements.CopyTo(elements.From(at), at + count, leaf->Count - at);
    }
}

/// <summary>An inner node of a <see cref="RankTree"/>: children, how many elements are below each, and what separates
/// them.</summary>
/// <remarks>
/// <code>
///   byte 0       4   8                     264                   520               768              1016 1024
///        +-------+---+---------------------+---------------------+-----------------+-----------------+---+
///        | count | 0 | up to 32 children   | as many counts      | up to 31 scores | as many members | 0 |
///        |       |   | references          | elements below each | of the fences   | of the fences   |   |
///        +-------+---+---------------------+---------------------+-----------------+-----------------+---+
///   fence i  the first element below child i + 1, exactly: it is a live member, so that it can be compared
/// </code>
/// </remarks>
[StructLayout(LayoutKind.Explicit, Size = SizeBytes)]
internal unsafe struct RankInner
{
    internal const int SizeBytes = 1024;
    internal const int MaxChildren = 32;
    internal const int MinChildren = MaxChildren / 3;

    private const int ChildrenOffset = 8;
    private const int CountsOffset = ChildrenOffset + (MaxChildren * sizeof(ulong));
    private const int ScoresOffset = CountsOffset + (MaxChildren * sizeof(long));
    private const int MembersOffset = ScoresOffset + ((MaxChildren - 1) * sizeof(double));

    [FieldOffset(0)] internal int Count;

    // SAFETY: of all members: as for leaves, with blocks of 1024 bytes.

    internal static ulong* Children(RankInner* node) => (ulong*)((byte*)node + ChildrenOffset);

    internal static long* Counts(RankInner* node) => (long*)((byte*)node + CountsOffset);

    internal static RankSlots Fences(RankInner* node) =>
        new((double*)((byte*)node + ScoresOffset), (ulong*)((byte*)node + MembersOffset));

    /// <summary>How many elements are below the first so many children.</summary>
    internal static long Sum(RankInner* node, int children)
    {
        var counts = Counts(node);
        var sum = 0L;
        for (var i = 0; i < children; i++) sum += counts[i];
        return sum;
    }

    /// <summary>
    /// Puts a child, and the fence below it, into an inner node that is not full. Requires: not as the first.
    /// </summary>
    internal static void Insert(RankInner* node, int at, in RankChild child)
    {
        var fences = Fences(node);
        Elements.Move(Children(node) + at, Children(node) + at + 1, node->Count - at);
        Elements.Move(Counts(node) + at, Counts(node) + at + 1, node->Count - at);
        fences.CopyTo(fences.From(at), at - 1, node->Count - at);
        Children(node)[at] = child.Node.Value;
        Counts(node)[at] = child.Elements;
        fences.Set(at - 1, child.FirstScore, child.FirstMember);
        node->Count++;
    }

    /// <summary>
    /// Takes a child out of an inner node, with the fence below it (the first child: the one above it).
    /// </summary>
    internal static void Remove(RankInner* node, int at)
    {
        var fences = Fences(node);
        node->Count--;
        Elements.Move(Children(node) + at + 1, Children(node) + at, node->Count - at);
        Elements.Move(Counts(node) + at + 1, Counts(node) + at, node->Count - at);
        var fence = Math.Max(at - 1, 0);
        fences.CopyTo(fences.From(fence), fence + 1, Math.Max(node->Count - 1 - fence, 0));
    }
}

/// <summary>A child on its way into an inner node.</summary>
/// <param name="Node">The node.</param>
/// <param name="Elements">How many elements are below it.</param>
/// <param name="FirstScore">The score of the first of them.</param>
/// <param name="FirstMember">The member of the first of them.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct RankChild(BlockRef Node, long Elements, double FirstScore, ulong FirstMember);

/// <summary>Elements in order, as leaves hold them and inner nodes hold their fences: two arrays side by
/// side.</summary>
internal readonly unsafe struct RankSlots(double* scores, ulong* members)
{
    private readonly double* _scores = scores;
    private readonly ulong* _members = members;

    // SAFETY: of all members: made by the nodes above over their own arrays; positions are below what the node's count
    // allows.

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal double Score(int at) => _scores[at];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal BlockRef Member(int at) => new(_members[at]);

    internal RankSlots From(int at) => new(_scores + at, _members + at);

    internal void Set(int at, double score, ulong member)
    {
        _scores[at] = score;
        _members[at] = member;
    }

    /// <summary>Copies elements from a position on to the beginning of others; they may overlap.</summary>
    internal void CopyTo(RankSlots to, int from, int count)
    {
        Elements.Move(_scores + from, to._scores, count);
        Elements.Move(_members + from, to._members, count);
    }

    /// <summary>For how many of the first elements the probe holds. O(log count).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal int CountBefore<TProbe>(Heap heap, int count, ref TProbe probe)
        where TProbe : struct, IRankProbe, allows ref struct
    {
        var low = 0;
        var high = count;
        while (low < high)
        {
            var middle = (low + high) >> 1;
            if (probe.IsBefore(heap, _scores[middle], new BlockRef(_members[middle]))) low = middle + 1;
            else high = middle;
        }

        return low;
    }
}
