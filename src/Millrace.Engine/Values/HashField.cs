using System.Buffers.Binary;
using Millrace.Memory;

namespace Millrace.Engine.Values;

/// <summary>
/// A view of one field of a large hash: name, value and deadline in one block of native memory.
/// </summary>
/// <remarks>
/// <code>
///   short   byte 0       1              2                    long   byte 0     1              5
///           +-----------+--------------+-------------+       +-----------+--------------+--------------+--------...
///           | D 0 name  | value length | deadlineMs? |       | D 1 ----- | name length  | value length | deadlineMs?
///           +-----------+--------------+-------------+       +-----------+--------------+--------------+--------...
///             1 1  6 bit   1 byte        8 bytes               1 byte      4 bytes        4 bytes        8 bytes
///
///   then the bytes of the name, then those of the value; D: a deadline is stored; all little-endian
/// </code>
/// A name of up to 63 bytes with a value of up to 255 takes two bytes beside its text, so 16 bytes each fit into a
/// block of 40. The block is replaced, not grown, when another value needs another size. A view is valid until the next
/// write to its partition.
/// </remarks>
internal readonly struct HashField
{
    private const int DeadlineBit = 0x80;
    private const int LongBit = 0x40;
    private const int MaxShortName = 0x3F;
    private const int MaxShortValue = 0xFF;
    private const int ShortPrefix = 2;
    private const int LongPrefix = 9;

    private readonly Heap _heap;
    private readonly int _nameAt;
    private readonly int _nameLength;
    private readonly int _valueLength;

    /// <summary>A view of the field in a block.</summary>
    public HashField(Heap heap, BlockRef block)
    {
        _heap = heap;
        Block = block;
        var header = heap.ReadHeader(block);
        HasDeadline = (header & DeadlineBit) != 0;
        _nameLength = (int)header & MaxShortName;
        _valueLength = (int)(header >> 8) & MaxShortValue;
        _nameAt = ShortPrefix;
        if ((header & LongBit) != 0)
        {
            var prefix = heap.Span(block, 0, LongPrefix);
            _nameLength = BinaryPrimitives.ReadInt32LittleEndian(prefix[1..]);
            _valueLength = BinaryPrimitives.ReadInt32LittleEndian(prefix[5..]);
            _nameAt = LongPrefix;
        }

        if (HasDeadline) _nameAt += sizeof(long);
    }

    /// <summary>The block.</summary>
    public BlockRef Block { get; }

    /// <summary>Whether the field has a deadline.</summary>
    public bool HasDeadline { get; }

    /// <summary>The deadline in Unix milliseconds, or -1.</summary>
    public long DeadlineMs => HasDeadline
        ? BinaryPrimitives.ReadInt64LittleEndian(_heap.Span(Block, _nameAt - sizeof(long), sizeof(long)))
        : -1;

    /// <summary>The name.</summary>
    public ReadOnlySpan<byte> Name => _heap.Span(Block, _nameAt, _nameLength);

    /// <summary>The value.</summary>
    public ReadOnlySpan<byte> Value => _heap.Span(Block, _nameAt + _nameLength, _valueLength);

    /// <summary>The bytes that a field takes. Requires: <see cref="HashValue.Fits"/>.</summary>
    public static int SizeOf(int nameLength, int valueLength, bool hasDeadline) =>
        (IsLong(nameLength, valueLength) ? LongPrefix : ShortPrefix)
        + (hasDeadline ? sizeof(long) : 0)
        + nameLength
        + valueLength;

    /// <summary>Writes a field into a block that has room for it. The texts must not lie in that block.</summary>
    public static void Write(
        Heap heap, BlockRef block, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, long deadlineMs)
    {
        var hasDeadline = deadlineMs >= 0;
        var bytes = heap.Span(block, 0, SizeOf(name.Length, value.Length, hasDeadline));
        var flags = hasDeadline ? DeadlineBit : 0;
        int at;
        if (IsLong(name.Length, value.Length))
        {
            bytes[0] = (byte)(flags | LongBit);
            BinaryPrimitives.WriteInt32LittleEndian(bytes[1..], name.Length);
            BinaryPrimitives.WriteInt32LittleEndian(bytes[5..], value.Length);
            at = LongPrefix;
        }
        else
        {
            bytes[0] = (byte)(flags | name.Length);
            bytes[1] = (byte)value.Length;
            at = ShortPrefix;
        }

        if (hasDeadline)
        {
            BinaryPrimitives.WriteInt64LittleEndian(bytes[at..], deadlineMs);
            at += sizeof(long);
        }

        name.CopyTo(bytes[at..]);
        value.CopyTo(bytes[(at + name.Length)..]);
    }

    /// <summary>Whether the field's time has come.</summary>
    public bool IsDue(long nowMs) => HasDeadline && DeadlineMs < nowMs;

    private static bool IsLong(int nameLength, int valueLength) =>
        nameLength > MaxShortName || valueLength > MaxShortValue;
}

/// <summary>Tells the hash table how to find the hash of a field again.</summary>
internal readonly struct HashFieldLayout : IEntryLayout
{
    /// <inheritdoc/>
    public static ulong HashOf(Heap heap, BlockRef entry, KeyHasher hasher) =>
        hasher.Hash(new HashField(heap, entry).Name);
}
