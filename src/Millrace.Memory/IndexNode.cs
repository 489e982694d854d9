using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Millrace.Memory;

/// <summary>What a <see cref="RecordIndex{TRecord}"/> stores: a fixed number of bytes that know their key.</summary>
public interface IIndexRecord
{
    /// <summary>The high half of the key, compared first.</summary>
    ulong High { get; }

    /// <summary>The low half of the key.</summary>
    ulong Low { get; }
}

/// <summary>Receives the records of a <see cref="RecordIndex{TRecord}"/> in order.</summary>
/// <typeparam name="TRecord">What is stored.</typeparam>
public interface IRecordVisitor<TRecord>
    where TRecord : unmanaged, IIndexRecord
{
    /// <summary>One record; false ends the walk. Must not change the index.</summary>
    bool Visit(in TRecord record);
}

/// <summary>A key of 128 bits in unsigned order, and the record that is nothing but its key.</summary>
/// <param name="High">Compared first.</param>
/// <param name="Low">Compared when the high words are equal.</param>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct IndexKey(ulong High, ulong Low) : IIndexRecord
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal bool IsBelow(in IndexKey other) => High < other.High || (High == other.High && Low < other.Low);
}

/// <summary>A node of a <see cref="RecordIndex{TRecord}"/>.</summary>
/// <remarks>
/// <code>
///   leaf    byte 0       4          8           16                                     512
///                +-------+----------+-----------+---------------------------------------+
///                | count | 0        | next leaf | records, ascending, as many as fit    |
///                +-------+----------+-----------+---------------------------------------+
///   inner   byte 0       4          8    16                    184                504  512
///                +-------+----------+----+----------------------+-------------------+---+
///                | count | 0        | 0  | up to 21 children    | up to 20 fences   | 0 |
///                +-------+----------+----+----------------------+-------------------+---+
///   count   records of a leaf, children of an inner node
///   fence i every key below child i is smaller than it, and no key below child i + 1 is
/// </code>
/// Which of the two a node is follows from its height in the tree.
/// </remarks>
[StructLayout(LayoutKind.Explicit, Size = SizeBytes)]
internal unsafe struct IndexNode
{
    internal const int SizeBytes = 512;
    internal const int RecordBytes = SizeBytes - RecordsOffset;
    internal const int MaxChildren = 21;
    internal const int MinChildren = MaxChildren / 3;

    private const int RecordsOffset = 16;
    private const int ChildrenOffset = 16;
    private const int FencesOffset = ChildrenOffset + (MaxChildren * sizeof(ulong));

    [FieldOffset(0)] internal int Count;
    [FieldOffset(8)] internal ulong NextLeaf;

    // SAFETY: of all members: a node is only ever met as a pointer to a 512-byte block, counts never pass the limits
    // above, and positions are below the counts, or equal where something is added.

    /// <summary>The records of a leaf.</summary>
    internal static TRecord* Records<TRecord>(IndexNode* node)
        where TRecord : unmanaged, IIndexRecord =>
        (TRecord*)((byte*)node + RecordsOffset);

    /// <summary>The children of an inner node.</summary>
    internal static ulong* Children(IndexNode* node) => (ulong*)((byte*)node + ChildrenOffset);

    /// <summary>The fences of an inner node: one fewer than its children.</summary>
    internal static IndexKey* Fences(IndexNode* node) => (IndexKey*)((byte*)node + FencesOffset);

    /// <summary>How many of the ascending records have a smaller key than this one.</summary>
    internal static int CountBelow<TRecord>(TRecord* records, int count, in IndexKey key)
        where TRecord : unmanaged, IIndexRecord
    {
        var low = 0;
        var high = count;
        while (low < high)
        {
            var middle = (low + high) >> 1;
            if (new IndexKey(records[middle].High, records[middle].Low).IsBelow(key)) low = middle + 1;
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

    /// <summary>Puts a record into a leaf that is not full.</summary>
    internal static void InsertRecord<TRecord>(IndexNode* leaf, int at, in TRecord record)
        where TRecord : unmanaged, IIndexRecord
    {
        var records = Records<TRecord>(leaf);
        Elements.Move(records + at, records + at + 1, leaf->Count - at);
        records[at] = record;
        leaf->Count++;
    }

    /// <summary>Takes a record out of a leaf.</summary>
    internal static void RemoveRecord<TRecord>(IndexNode* leaf, int at)
        where TRecord : unmanaged, IIndexRecord
    {
        var records = Records<TRecord>(leaf);
        leaf->Count--;
        Elements.Move(records + at + 1, records + at, leaf->Count - at);
    }

    /// <summary>
    /// Puts a child, and the fence below it, into an inner node that is not full. Requires: not as the first.
    /// </summary>
    internal static void InsertChild(IndexNode* node, int at, in IndexKey fence, BlockRef child)
    {
        var children = Children(node);
        var fences = Fences(node);
        Elements.Move(children + at, children + at + 1, node->Count - at);
        Elements.Move(fences + at - 1, fences + at, node->Count - at);
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
        Elements.Move(children + at + 1, children + at, node->Count - at);
        var fence = Math.Max(at - 1, 0);
        Elements.Move(fences + fence + 1, fences + fence, Math.Max(node->Count - 1 - fence, 0));
    }
}
