using System.Runtime.InteropServices;

namespace Millrace.Memory;

/// <summary>
/// The block by which a <see cref="PackedDeque"/> is known: its counts, its two outer chunks, and where the directory
/// of those between is.
/// </summary>
/// <remarks>
/// <code>
///   byte  0  elements of all chunks           24  spine: its first used place, 28: used places
///         8  bytes of all blocks, this one    32  spine: its places; 36: inner chunks
///            included                         40  the first chunk
///        16  spine's block, 0 for none        56  the last chunk; none while there is only one chunk
/// </code>
/// </remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct DequeHeader
{
    internal const int SizeBytes = 72;

    internal long Count;
    internal long Bytes;
    internal ulong Spine;
    internal int SpineStart;
    internal int SpineCount;
    internal int SpineCapacity;
    internal int InnerChunks;
    internal DequeChunk Head;
    internal DequeChunk Tail;
}

/// <summary>A group of inner chunks, as the spine names it.</summary>
/// <remarks>
/// <code>
///   bit  0..39   the block of chunks
///       40..47   the first used place in it
///       48..55   used places: chunks
///       56..63   places
///   byte 8..15   elements of all its chunks
/// </code>
/// </remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct DequeGroup
{
    internal const int SizeBytes = 16;

    private const int StartShift = BlockRef.Bits;
    private const int CountShift = 48;
    private const int CapacityShift = 56;

    private ulong _word;

    internal DequeGroup(BlockRef block, int start, int count, int capacity, long elements)
    {
        _word = block.Value | ((ulong)capacity << CapacityShift);
        Elements = elements;
        Use(start, count);
    }

    /// <summary>The elements of all chunks.</summary>
    internal long Elements { readonly get; set; }

    internal readonly BlockRef Block => new(_word & BlockRef.Mask);

    internal readonly int Start => (byte)(_word >> StartShift);

    internal readonly int Count => (byte)(_word >> CountShift);

    internal readonly int Capacity => (int)(_word >> CapacityShift);

    /// <summary>Says which places are used.</summary>
    internal void Use(int start, int count)
    {
        const ulong Used = 0xFFFFUL << StartShift;
        _word = (_word & ~Used) | ((ulong)(byte)start << StartShift) | ((ulong)(byte)count << CountShift);
    }
}

/// <summary>Where a chunk of a <see cref="PackedDeque"/> is.</summary>
/// <param name="Group">The group's index, or <see cref="HeadGroup"/> or <see cref="TailGroup"/>.</param>
/// <param name="Slot">The chunk's index in the group.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct ChunkAt(int Group, int Slot)
{
    internal const int HeadGroup = -1;
    internal const int TailGroup = int.MaxValue;

    internal static ChunkAt Head => new(HeadGroup, 0);

    internal static ChunkAt Tail => new(TailGroup, 0);

    internal static ChunkAt None => new(int.MinValue, 0);

    internal bool IsHead => Group == HeadGroup;

    internal bool IsTail => Group == TailGroup;

    internal bool IsNone => Group == int.MinValue;
}
