using System.Runtime.InteropServices;

namespace Millrace.Memory;

/// <summary>What a chunk of a <see cref="PackedDeque"/> holds.</summary>
internal enum ChunkKind
{
    /// <summary>A listpack.</summary>
    Packed,

    /// <summary>The bytes of one long element.</summary>
    Plain,

    /// <summary>Four bytes with the size of a listpack, and the listpack compressed by LZF.</summary>
    Compressed,
}

/// <summary>
/// One chunk of a <see cref="PackedDeque"/>, as its header and its directory name it.
/// </summary>
/// <remarks>
/// <code>
///   bit   0..39   the block; 0: no chunk
///        40..55   elements
///        56..63   ChunkKind
///   byte  8..11   bytes of content: the listpack, the element, or the compressed listpack with its size
///        12..13   where in the block a listpack begins: what is in front of it is room for elements
///        14..15   the block's size in units of 8 bytes, where that is below 512 kB
/// </code>
/// </remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct DequeChunk
{
    internal const int SizeBytes = 16;

    /// <summary>The most room that may be left in front of a listpack.</summary>
    internal const int MaxOffset = ushort.MaxValue;

    private const int CountShift = BlockRef.Bits;
    private const int KindShift = 56;
    private const int CapacityUnit = 8;

    private ulong _word;
    private int _bytes;
    private ushort _offset;
    private readonly ushort _capacity;

    internal DequeChunk(BlockRef block, ChunkKind kind, int count, int bytes, int offset, int usableBytes)
    {
        _word = block.Value | ((ulong)count << CountShift) | ((ulong)kind << KindShift);
        _bytes = bytes;
        _offset = (ushort)offset;
        _capacity = (ushort)Math.Min(usableBytes / CapacityUnit, ushort.MaxValue);
    }

    /// <summary>How many bytes the content takes.</summary>
    internal int Bytes
    {
        readonly get => _bytes;
        set => _bytes = value;
    }

    internal readonly BlockRef Block => new(_word & BlockRef.Mask);

    internal readonly bool IsNone => (_word & BlockRef.Mask) == 0;

    internal readonly ChunkKind Kind => (ChunkKind)(_word >> KindShift);

    internal readonly bool IsPacked => Kind == ChunkKind.Packed;

    internal int Count
    {
        readonly get => (ushort)(_word >> CountShift);
        set => _word = (_word & ~((ulong)ushort.MaxValue << CountShift)) | ((ulong)(ushort)value << CountShift);
    }

    internal int Offset
    {
        readonly get => _offset;
        set => _offset = (ushort)value;
    }

    /// <summary>How many bytes of the block may be used.</summary>
    internal readonly int Capacity => _capacity * CapacityUnit;

    /// <summary>The bytes that are free behind a listpack.</summary>
    internal readonly int RoomBehind => Capacity - Offset - Bytes;
}
