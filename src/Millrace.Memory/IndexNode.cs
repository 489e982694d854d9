using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Millrace.Memory;

/// <summary>A key of an <see cref="OrderedIndex"/>: 128 bits in unsigned order.</summary>
/// <param name="High">Compared first.</param>
/// <param name="Low">Compared when the high words are equal.</param>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct IndexKey(ulong High, ulong Low)
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal bool IsBelow(in IndexKey other) => High < other.High || (High == other.High && Low < other.Low);
}

/// <summary>A node of an <see cref="OrderedIndex"/>.</summary>
/// <remarks>
/// <code>
///   leaf    byte 0       4          8           16                                     512
///                +-------+----------+-----------+---------------------------------------+
///                | count | 0        | next leaf | up to 31 keys of 16 bytes, ascending   |
///                +-------+----------+-----------+---------------------------------------+
///   inner   byte 0       4          8    16                    184                504  512
///                +-------+----------+----+----------------------+-------------------+---+
///                | count | 0        | 0  | up to 21 children    | up to 20 fences   | 0 |
///                +-------+----------+----+----------------------+-------------------+---+
///   count   keys of a leaf, children of an inner node
///   fence i every key below child i is smaller than it, and no key below child i + 1 is
/// </code>
/// Which of the two a node is follows from its height in the tree.
/// </remarks>
[StructLayout(LayoutKind.Explicit, Size = SizeBytes)]
internal unsafe struct IndexNode
{
    internal const int SizeBytes = 512;
    internal const int LeafKeys = 31;
    internal const int MaxChildren = 21;
    internal const int MinLeafKeys = LeafKeys / 3;
    internal const int MinChildren = MaxChildren / 3;

    private const int KeysOffset = 16;
    private const int ChildrenOffset = 16;
    private const int FencesOffset = ChildrenOffset + (MaxChildren * sizeof(ulong));

    [FieldOffset(0)] internal int Count;
    [FieldOffset(8)] internal ulong NextLeaf;

    // SAFETY: of all members: a node is only ever met as a pointer to a 512-byte block, counts never pass the limits
    // above, and positions are below the counts, or equal where something is added.

    /// <summary>The keys of a leaf.</summary>
    internal static IndexKey* Keys(IndexNode* node) => (IndexKey*)((byte*)node + KeysOffset);

    /// <summary>The children of an inner node.</summary>
    internal static ulong* Children(IndexNode* node) => (ulong*)((byte*)node + ChildrenOffset);

    /// <summary>The fences of an inner node: one fewer than its children.</summary>
    internal static IndexKey* Fences(IndexNode* node) => (IndexKey*)((byte*)node + FencesOffset);

    /// <summary>How many of the ascending keys are smaller than this one.</summary>
    internal static int CountBelow(IndexKey* keys, int count, in IndexKey key)
    {
        var low = 0;
        var high = count;
        while (low < high)
        {
            var middle = (low + high) >> 1;
            if (keys[middle].IsBelow(key)) low = middle + 1;
            else high = middle;
        }

        return low;
    }

    /// <summary>The position of the child below which a key belongs.</summary>
    internal static int ChildFor(IndexNode* node, in IndexKey key)
    {
        var fences = Fences(node);
        var at = CountBelow(fences, node->Count - 1, key);
        return at < node->Count - 1 && fences[at] == key ? at + 1 : at;
    }

    /// <summary>Puts a key into a leaf that is not full.</summary>
    internal static void InsertKey(IndexNode* leaf, int at, in IndexKey key)
    {
        var keys = Keys(leaf);
        Move(keys + at, keys + at + 1, leaf->Count - at);
        keys[at] = key;
        leaf->Count++;
    }

    /// <summary>Takes a key out of a leaf.</summary>
    internal static void RemoveKey(IndexNode* leaf, int at)
    {
        var keys = Keys(leaf);
        leaf->Count--;
        Move(keys + at + 1, keys + at, leaf->Count - at);
    }

    /// <summary>
    /// Puts a child, and the fence below it, into an inner node that is not full. Requires: not as the first.
    /// </summary>
    internal static void InsertChild(IndexNode* node, int at, in IndexKey fence, BlockRef child)
    {
        var children = Children(node);
        var fences = Fences(node);
        Move(children + at, children + at + 1, node->Count - at);
        Move(fences + at - 1, fences + at, node->Count - at);
        children[at] = child.Value;
        fences[at - 1] = fence;
        node->Count++;
    }

    /// <summary>
    /// Takes a child out of an inner node, with the fence below it (the first child: the one above it).
    /// </summary>
    internal static void RemoveChild(IndexNode* node, int at)
    {
        var children = Children(node);
        var fences = Fences(node);
        node->Count--;
        Move(children + at + 1, children + at, node->Count - at);
        var fence = Math.Max(at - 1, 0);
        Move(fences + fence + 1, fences + fence, Math.Max(node->Count - 1 - fence, 0));
    }

    /// <summary>Moves elements, which may overlap, within or between nodes.</summary>
    internal static void Move<T>(T* from, T* to, int count)
        where T : unmanaged =>
        new ReadOnlySpan<T>(from, count).CopyTo(new Span<T>(to, count));
}
