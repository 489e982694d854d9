using System.Buffers.Binary;
using System.Diagnostics;
using Millrace.Memory;

namespace Millrace.Engine;

/// <summary>The data type of a value, in the numbering that RDB files and <c>OBJECT</c> replies have in
/// common.</summary>
public enum ValueType
{
    /// <summary>A byte string or an integer.</summary>
    String = 0,

    /// <summary>A list.</summary>
    List = 1,

    /// <summary>A set.</summary>
    Set = 2,

    /// <summary>A sorted set.</summary>
    SortedSet = 3,

    /// <summary>A hash.</summary>
    Hash = 4,

    /// <summary>A stream.</summary>
    Stream = 6,
}

/// <summary>
/// A view of one entry: a key, its optional deadline and its value in one block of native memory.
/// </summary>
/// <remarks>
/// <code>
///  0        8                                                             block, little-endian
///  +--------+---------+-----------+------------+-----------+-------------+
///  | header | keyLen? | valueLen? | deadlineMs?| key bytes | value bytes |
///  +--------+---------+-----------+------------+-----------+-------------+
///             4 bytes   4 bytes     8 bytes
///
///  header bit  0..3   ValueType
///              4..7   encoding, numbered by the type (StringEncoding, ...)
///              8      a deadline is stored
///              9..15  reserved for the snapshot epoch
///             16..39  access clock: LRU seconds or LFU minutes and counter (AccessClock)
///             40..47  key length; 255: the 4-byte keyLen field holds it
///             48..63  value length; 65535: the 4-byte valueLen field holds it
/// </code>
/// A view is valid until the next write to its partition: entries move when they grow. It is never kept over an unlock.
/// </remarks>
public readonly struct Entry
{
    /// <summary>The longest key: with the longest value that lies in its entry it makes no block that is too long.
    /// Whoever takes keys from outside refuses longer ones.</summary>
    public const int MaxKeyBytes = int.MaxValue - EncodingLimits.MaxPackedBytes - MaxHeaderBytes;

    private const int MaxHeaderBytes = sizeof(ulong) + (2 * sizeof(int)) + sizeof(long) + GuardBytes;
    private const int GuardBytes = 64; // of the checked heap
    private const int TypeMask = 0xF;
    private const int EncodingShift = 4;
    private const ulong DeadlineBit = 1UL << 8;
    private const int ClockShift = 16;
    private const ulong ClockMask = 0xFFFFFFUL << ClockShift;
    private const int KeyLengthShift = 40;
    private const int ValueLengthShift = 48;
    private const int LongKey = 0xFF;
    private const int LongValue = 0xFFFF;

    private readonly Heap? _heap;
    private readonly ulong _header;

    /// <summary>A view of the entry in <paramref name="block"/>, or of nothing when the block is null.</summary>
    public Entry(Heap heap, BlockRef block)
    {
        if (block.IsNull) return;
        _heap = heap;
        Block = block;
        _header = heap.ReadHeader(block);
    }

    /// <summary>The block that holds the entry; null for a missing entry.</summary>
    public BlockRef Block { get; }

    /// <summary>The heap that the entry lives in. Requires: not missing.</summary>
    internal Heap Heap => _heap!;

    /// <summary>Whether the key was not found.</summary>
    public bool IsMissing => Block.IsNull;

    /// <summary>The value's type.</summary>
    public ValueType Type => (ValueType)(_header & TypeMask);

    /// <summary>The value's encoding, numbered by its type.</summary>
    public int Encoding => (int)(_header >> EncodingShift) & 0xF;

    /// <summary>Whether the entry has a deadline.</summary>
    public bool HasDeadline => (_header & DeadlineBit) != 0;

    /// <summary>The 24 bits of the access clock.</summary>
    public uint AccessClock => (uint)((_header & ClockMask) >> ClockShift);

    /// <summary>When the entry expires, in Unix milliseconds; -1 when it does not.</summary>
    public long DeadlineMs
    {
        get
        {
            if (!HasDeadline) return -1;
            return BinaryPrimitives.ReadInt64LittleEndian(Bytes(KeyOffset - sizeof(long), sizeof(long)));
        }
    }

    /// <summary>The key. Valid until the next write to the partition.</summary>
    public ReadOnlySpan<byte> Key => Bytes(KeyOffset, KeyLength);

    /// <summary>The value area, writable in place. Valid until the next write to the partition.</summary>
    public Span<byte> Value => Bytes(KeyOffset + KeyLength, ValueLength);

    /// <summary>The length of the key in bytes.</summary>
    public int KeyLength
    {
        get
        {
            var length = (int)(_header >> KeyLengthShift) & LongKey;
            return length != LongKey
                ? length
                : BinaryPrimitives.ReadInt32LittleEndian(Bytes(sizeof(ulong), sizeof(int)));
        }
    }

    /// <summary>The length of the value area in bytes.</summary>
    public int ValueLength
    {
        get
        {
            var length = (int)(_header >> ValueLengthShift);
            return length != LongValue
                ? length
                : BinaryPrimitives.ReadInt32LittleEndian(Bytes(ValueLengthFieldOffset, sizeof(int)));
        }
    }

    private bool IsLongKey => ((int)(_header >> KeyLengthShift) & LongKey) == LongKey;

    private bool IsLongValue => (int)(_header >> ValueLengthShift) == LongValue;

    private int ValueLengthFieldOffset => sizeof(ulong) + (IsLongKey ? sizeof(int) : 0);

    private int KeyOffset => KeyOffsetOf(_header);

    /// <summary>The bytes that an entry of this shape needs.</summary>
    public static long SizeOf(int keyLength, int valueLength, bool hasDeadline) =>
        sizeof(ulong)
        + (keyLength >= LongKey ? sizeof(int) : 0)
        + (valueLength >= LongValue ? sizeof(int) : 0)
        + (hasDeadline ? sizeof(long) : 0)
        + (long)keyLength
        + valueLength;

    /// <summary>
    /// Writes a new entry into fresh memory and returns a view of it; the value area is left for the caller to fill.
    /// Requires: a key of <see cref="MaxKeyBytes"/> at most and a value area of
    /// <see cref="EncodingLimits.MaxPackedBytes"/>, so that all of it is no longer than a block can be.
    /// </summary>
    /// <param name="heap">The partition's heap.</param>
    /// <param name="key">The key; must not point into <paramref name="heap"/>'s memory that this call could
    /// move.</param>
    /// <param name="shape">Type, encoding, value length, deadline and access clock.</param>
    public static Entry Create(Heap heap, ReadOnlySpan<byte> key, in EntryShape shape)
    {
        var hasDeadline = shape.DeadlineMs >= 0;
        Debug.Assert(SizeOf(key.Length, shape.ValueLength, hasDeadline) <= int.MaxValue, "no block is longer");
        var size = checked((int)SizeOf(key.Length, shape.ValueLength, hasDeadline));
        var block = heap.Allocate(size);
        var bytes = heap.Span(block, 0, size);
        var at = sizeof(ulong);
        if (key.Length >= LongKey)
        {
            BinaryPrimitives.WriteInt32LittleEndian(bytes[at..], key.Length);
            at += sizeof(int);
        }

        if (shape.ValueLength >= LongValue)
        {
            BinaryPrimitives.WriteInt32LittleEndian(bytes[at..], shape.ValueLength);
            at += sizeof(int);
        }

        if (hasDeadline)
        {
            BinaryPrimitives.WriteInt64LittleEndian(bytes[at..], shape.DeadlineMs);
            at += sizeof(long);
        }

        key.CopyTo(bytes[at..]);
        heap.WriteHeader(block, Header(key.Length, shape, hasDeadline));
        return new Entry(heap, block);
    }

    /// <summary>
    /// Gives an entry another shape, keeping its key and the first <paramref name="keepValueBytes"/> of its value area.
    /// In place when the layout and the size class stay; otherwise the old block is freed.
    /// </summary>
    internal static Entry Reshape(Heap heap, in Entry old, in EntryShape shape, int keepValueBytes)
    {
        var hasDeadline = shape.DeadlineMs >= 0;
        var keyLength = old.KeyLength;
        if (hasDeadline != old.HasDeadline || shape.ValueLength >= LongValue != old.IsLongValue)
            return Rebuild(heap, old, shape, keepValueBytes);

        var prefix = old.KeyOffset + keyLength;
        var size = checked((int)SizeOf(keyLength, shape.ValueLength, hasDeadline));
        var block = heap.Resize(old.Block, prefix + keepValueBytes, size);
        var bytes = heap.Span(block, 0, old.KeyOffset);
        if (shape.ValueLength >= LongValue)
            BinaryPrimitives.WriteInt32LittleEndian(bytes[old.ValueLengthFieldOffset..], shape.ValueLength);
        if (hasDeadline)
            BinaryPrimitives.WriteInt64LittleEndian(bytes[(old.KeyOffset - sizeof(long))..], shape.DeadlineMs);
        heap.WriteHeader(block, Header(keyLength, shape, hasDeadline));
        return new Entry(heap, block);
    }

    private static Entry Rebuild(Heap heap, in Entry old, in EntryShape shape, int keepValueBytes)
    {
        var made = Create(heap, old.Key, shape);
        old.Value[..keepValueBytes].CopyTo(made.Value);
        heap.Free(old.Block);
        return made;
    }

    /// <summary>
    /// The first reference in the value area of a collection that keeps its members in a hash table: the table's
    /// header. Null for everything else, and for long keys. A hint, read without the lock
    /// (<see cref="Heap.TryReadHint"/>).
    /// </summary>
    internal static BlockRef HintedTable(Heap heap, BlockRef block)
    {
        if (!heap.TryReadHint(block, 0, out var header)) return default;
        var keyLength = (int)(header >> KeyLengthShift) & LongKey;
        var hasTable = Values.Value.HasTable((ValueType)(header & TypeMask), (int)(header >> EncodingShift) & 0xF);
        if (!hasTable || keyLength == LongKey) return default;
        return heap.TryReadHint(block, KeyOffsetOf(header) + keyLength, out var word) && word >> BlockRef.Bits == 0
            ? BlockRef.FromValue(word)
            : default;
    }

    /// <summary>Stores the access clock and returns the refreshed view.</summary>
    public Entry WithAccessClock(uint clock)
    {
        _heap!.WriteHeader(Block, (_header & ~ClockMask) | ((ulong)(clock & 0xFFFFFF) << ClockShift));
        return new Entry(_heap, Block);
    }

    private static int KeyOffsetOf(ulong header) =>
        sizeof(ulong)
        + (((int)(header >> KeyLengthShift) & LongKey) == LongKey ? sizeof(int) : 0)
        + ((int)(header >> ValueLengthShift) == LongValue ? sizeof(int) : 0)
        + ((header & DeadlineBit) != 0 ? sizeof(long) : 0);

    private static ulong Header(int keyLength, in EntryShape shape, bool hasDeadline) =>
        (ulong)shape.Type
        | ((ulong)shape.Encoding << EncodingShift)
        | (hasDeadline ? DeadlineBit : 0)
        | ((ulong)(shape.AccessClock & 0xFFFFFF) << ClockShift)
        | ((ulong)Math.Min(keyLength, LongKey) << KeyLengthShift)
        | ((ulong)Math.Min(shape.ValueLength, LongValue) << ValueLengthShift);

    private Span<byte> Bytes(int offset, int length) => _heap!.Span(Block, offset, length);
}

/// <summary>What a new entry is to look like.</summary>
/// <param name="Type">The value's type.</param>
/// <param name="Encoding">The encoding, numbered by the type.</param>
/// <param name="ValueLength">Bytes of the value area.</param>
/// <param name="DeadlineMs">Unix milliseconds, or -1 for none.</param>
/// <param name="AccessClock">The initial access clock, 24 bits.</param>
public readonly record struct EntryShape(
    ValueType Type, int Encoding, int ValueLength, long DeadlineMs, uint AccessClock);
