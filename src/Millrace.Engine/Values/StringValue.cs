using System.Buffers.Binary;
using System.Diagnostics;
using Millrace.Engine.Codec;
using Millrace.Memory;

namespace Millrace.Engine.Values;

/// <summary>How a string is stored.</summary>
public enum StringEncoding
{
    /// <summary>A canonical 64-bit integer, 8 bytes in the entry.</summary>
    Integer = 0,

    /// <summary>Up to 44 bytes, in the entry, never grown.</summary>
    Embedded = 1,

    /// <summary>Bytes in the entry, up to <see cref="StringValue.MaxInlineBytes"/>.</summary>
    Raw = 2,

    /// <summary>Bytes in a <see cref="Memory.Blob"/> of their own.</summary>
    Blob = 3,
}

/// <summary>
/// Strings: how their bytes are laid out in an entry, read and changed.
/// </summary>
/// <remarks>
/// <code>
///   value area   Integer    8 bytes, little-endian
///                Embedded   the bytes
///                Raw        the bytes
///                Blob       8 bytes Blob, 8 bytes length; the blob may be larger (growth is amortised)
/// </code>
/// A string over <see cref="MaxInlineBytes"/> is a blob, so that renaming it and growing it copies no more than it
/// must, and storing and reading it whole copies outside of the partition's lock. A blob that somebody still reads is
/// replaced by a copy before it is changed.
/// The names that clients see are Redis's: int, embstr (at most 44 bytes), raw.
/// </remarks>
public static class StringValue
{
    /// <summary>The longest string that lives in its entry.</summary>
    public const int MaxInlineBytes = 32 * 1024;

    /// <summary>The longest string that is reported as embstr.</summary>
    public const int MaxEmbeddedBytes = 44;

    /// <summary>The longest string that can be stored, whatever the server's limit says.</summary>
    public const int MaxBytes = int.MaxValue - (4 * 1024 * 1024);

    /// <summary>A string that grows takes so much more at most than it needs.</summary>
    public const int MaxSpareBytes = 1024 * 1024;

    /// <summary>Room that <see cref="Read(Heap, in Entry, Span{byte})"/> needs for the text of an integer.</summary>
    public const int ScratchBytes = 20;

    private const int BlobHeaderBytes = 16;

    /// <summary>The length of the string in bytes.</summary>
    public static int Length(in Entry entry)
    {
        Debug.Assert(entry.Type == ValueType.String, "strings only");
        switch ((StringEncoding)entry.Encoding)
        {
            case StringEncoding.Integer:
                Span<byte> scratch = stackalloc byte[ScratchBytes];
                return FormatInteger(Integer(entry), scratch);
            case StringEncoding.Blob:
                return BlobLength(entry.Value);
            default:
                return entry.ValueLength;
        }
    }

    /// <summary>
    /// The bytes of the string: a view of the entry, of its blob, or of <paramref name="scratch"/>. Valid until the
    /// next write to the partition.
    /// </summary>
    /// <param name="heap">The partition's heap.</param>
    /// <param name="entry">An entry with a string.</param>
    /// <param name="scratch">At least <see cref="ScratchBytes"/>, for integers.</param>
    public static ReadOnlySpan<byte> Read(Heap heap, in Entry entry, Span<byte> scratch)
    {
        Debug.Assert(entry.Type == ValueType.String, "strings only");
        switch ((StringEncoding)entry.Encoding)
        {
            case StringEncoding.Integer:
                return scratch[..FormatInteger(Integer(entry), scratch)];
            case StringEncoding.Blob:
                var value = entry.Value;
                return heap.Blobs.Span(Blob(value), 0, BlobLength(value));
            default:
                return entry.Value;
        }
    }

    /// <summary>
    /// The bytes of the string, as <see cref="Read(Heap, in Entry, Span{byte})"/> with the entry's own heap.
    /// </summary>
    public static ReadOnlySpan<byte> Read(in Entry entry, Span<byte> scratch) => Read(entry.Heap, entry, scratch);

    /// <summary>Whether the bytes are in a block of their own, which can be retained.</summary>
    public static bool IsLarge(in Entry entry) => (StringEncoding)entry.Encoding == StringEncoding.Blob;

    /// <summary>The block of the bytes and how many there are. Requires: large.</summary>
    public static (Blob Blob, int Length) LargeBytes(in Entry entry)
    {
        var value = entry.Value;
        return (Blob(value), BlobLength(value));
    }

    /// <summary>Retains the bytes for a reply that is filled after the unit. Requires: large.</summary>
    public static void Retain(Unit unit, in Entry entry)
    {
        var value = entry.Value;
        unit.Retained.Add(Blob(value), BlobLength(value));
    }

    /// <summary>The integer, when the string is stored as one.</summary>
    public static bool TryGetInteger(in Entry entry, out long value)
    {
        var isInteger = (StringEncoding)entry.Encoding == StringEncoding.Integer;
        value = isInteger ? Integer(entry) : 0;
        return isInteger;
    }

    /// <summary>Makes the key hold an integer; in place when it held one and its deadline stays.</summary>
    public static Entry SetInteger(Unit unit, in Key key, in Entry existing, long value, long deadlineMs)
    {
        if (!existing.IsMissing && existing.Type == ValueType.String
            && (StringEncoding)existing.Encoding == StringEncoding.Integer && existing.DeadlineMs == deadlineMs)
        {
            BinaryPrimitives.WriteInt64LittleEndian(existing.Value, value);
            return existing;
        }

        var shape = new EntryShape(ValueType.String, (int)StringEncoding.Integer, sizeof(long), deadlineMs, 0);
        var entry = unit.Store(key, existing, shape);
        BinaryPrimitives.WriteInt64LittleEndian(entry.Value, value);
        return entry;
    }

    /// <summary>Makes the key hold bytes, which must not be a view of this partition's memory.</summary>
    public static Entry SetBytes(Unit unit, in Key key, in Entry existing, ReadOnlySpan<byte> value, long deadlineMs)
    {
        if (value.Length > MaxInlineBytes) return SetBlob(unit, key, existing, value, deadlineMs);
        var encoding = value.Length <= MaxEmbeddedBytes ? StringEncoding.Embedded : StringEncoding.Raw;
        var shape = new EntryShape(ValueType.String, (int)encoding, value.Length, deadlineMs, 0);
        var entry = unit.Store(key, existing, shape);
        value.CopyTo(entry.Value);
        return entry;
    }

    /// <summary>
    /// Opens a string to be changed in place: its bytes, of this length, of which those behind the old end are
    /// undefined. A missing key is made. The deadline is kept; what was int or embstr is raw from now on.
    /// </summary>
    /// <param name="unit">The unit that holds the key's partition.</param>
    /// <param name="key">The key.</param>
    /// <param name="entry">What the key holds, a string or nothing; may move.</param>
    /// <param name="length">The length afterwards; at most <see cref="MaxBytes"/>.</param>
    /// <returns>Valid until the next write to the partition.</returns>
    public static Span<byte> Open(Unit unit, scoped in Key key, scoped ref Entry entry, int length)
    {
        if (!entry.IsMissing && TryOpenInPlace(entry, out var opened) && opened.Length == length) return opened;
        entry = Grow(unit, key, entry, entry.IsMissing ? 0 : Math.Min(Length(entry), length), length);
        return Content(unit.PartitionFor(key).Heap, entry);
    }

    /// <summary>Opens a string of at least some length: it grows with zero bytes where it was shorter.</summary>
    /// <param name="unit">The unit that holds the key's partition.</param>
    /// <param name="key">The key.</param>
    /// <param name="existing">What the key holds: a string, or nothing.</param>
    /// <param name="minLength">The least length afterwards; at most <see cref="MaxBytes"/>.</param>
    /// <param name="isGrown">Whether the key is new or the string longer than before.</param>
    public static Span<byte> OpenAtLeast(
        Unit unit, scoped in Key key, scoped in Entry existing, int minLength, out bool isGrown)
    {
        var oldLength = existing.IsMissing ? 0 : Length(existing);
        isGrown = existing.IsMissing || oldLength < minLength;
        var entry = existing;
        var content = Open(unit, key, ref entry, Math.Max(oldLength, minLength));
        content[oldLength..].Clear();
        return content;
    }

    /// <summary>Overwrites a string from <paramref name="offset"/> on, with zero bytes up to there where it was
    /// shorter.</summary>
    /// <returns>The length afterwards.</returns>
    public static int WriteAt(Unit unit, in Key key, in Entry existing, int offset, ReadOnlySpan<byte> bytes)
    {
        var oldLength = existing.IsMissing ? 0 : Length(existing);
        var entry = existing;
        var content = Open(unit, key, ref entry, Math.Max(oldLength, checked(offset + bytes.Length)));
        if (offset > oldLength) content[oldLength..offset].Clear();
        bytes.CopyTo(content[offset..]);
        return content.Length;
    }

    /// <summary>An entry in no table, for a string of some bytes that are written into it.</summary>
    /// <param name="place">Where it is made.</param>
    /// <param name="length">At most <see cref="MaxBytes"/>.</param>
    /// <param name="content">The bytes, undefined.</param>
    internal static Entry Make(in ValuePlace place, int length, out Span<byte> content)
    {
        if (length <= MaxInlineBytes)
        {
            var encoding = length <= MaxEmbeddedBytes ? StringEncoding.Embedded : StringEncoding.Raw;
            var inline = place.Make(ValueType.String, (int)encoding, length);
            content = inline.Value;
            return inline;
        }

        var blob = NewBlob(place.Heap, length, default);
        var entry = place.Make(ValueType.String, (int)StringEncoding.Blob, BlobHeaderBytes);
        WriteBlob(entry.Value, blob, length);
        content = place.Heap.Blobs.Span(blob, 0, length);
        return entry;
    }

    /// <summary>An entry in no table, with an integer.</summary>
    internal static Entry Make(in ValuePlace place, long integer)
    {
        var entry = place.Make(ValueType.String, (int)StringEncoding.Integer, sizeof(long));
        BinaryPrimitives.WriteInt64LittleEndian(entry.Value, integer);
        return entry;
    }

    /// <summary>The encoding's name: int, embstr or raw.</summary>
    internal static ReadOnlySpan<byte> EncodingName(in Entry entry) => (StringEncoding)entry.Encoding switch
    {
        StringEncoding.Integer => "int"u8,
        StringEncoding.Embedded => "embstr"u8,
        _ => "raw"u8,
    };

    internal static void AddTo(ref DataDigest digest, in Entry entry)
    {
        Span<byte> scratch = stackalloc byte[ScratchBytes];
        digest.Mix(Read(entry, scratch));
    }

    internal static void FreeOutside(Heap heap, in Entry entry)
    {
        if ((StringEncoding)entry.Encoding == StringEncoding.Blob) heap.Drop(Blob(entry.Value));
    }

    internal static long OutsideBytes(Heap heap, in Entry entry) =>
        (StringEncoding)entry.Encoding == StringEncoding.Blob ? heap.Blobs.UsableSize(Blob(entry.Value)) : 0;

    internal static void CopyOutside(Heap heap, in Entry entry, Heap target, in Entry copy)
    {
        if ((StringEncoding)entry.Encoding != StringEncoding.Blob) return;
        var length = BlobLength(entry.Value);
        var blob = NewBlob(target, length, heap.Blobs.Span(Blob(entry.Value), 0, length));
        WriteBlob(copy.Value, blob, length);
    }

    internal static void MoveOutside(Heap heap, in Entry entry, Heap target)
    {
        if ((StringEncoding)entry.Encoding != StringEncoding.Blob || ReferenceEquals(heap, target)) return;
        var blob = Blob(entry.Value);
        heap.GiveUp(blob);
        target.Adopt(blob);
    }

    /// <summary>Makes the key hold bytes in its entry, without a deadline and as raw, however short they are. Requires:
    /// at most <see cref="MaxInlineBytes"/>, and no view of this partition's memory.</summary>
    internal static void SetRaw(Unit unit, in Key key, in Entry existing, ReadOnlySpan<byte> value)
    {
        var shape = new EntryShape(ValueType.String, (int)StringEncoding.Raw, value.Length, -1, 0);
        value.CopyTo(unit.Store(key, existing, shape).Value);
    }

    /// <summary>Whether two keys hold the same large value in the same block, which is so when they are one
    /// key.</summary>
    public static bool AreSameBlob(in Entry first, in Entry second) =>
        IsBlob(first) && IsBlob(second) && Blob(first.Value).Value == Blob(second.Value).Value;

    /// <summary>The blob of an entry that may be overwritten whole: its own, read by nobody else, long enough for a
    /// new length and not much too long; null otherwise.</summary>
    internal static Blob ReusableBlob(Heap heap, in Entry entry, int length)
    {
        if (!IsBlob(entry)) return default;
        var blob = Blob(entry.Value);
        var usable = heap.Blobs.UsableSize(blob);
        return usable >= length && usable / 2 <= length && !heap.Blobs.IsShared(blob) ? blob : default;
    }

    /// <summary>Makes the key hold a blob, without a deadline: one that the heap has adopted, or its own.</summary>
    internal static void SetBlob(Unit unit, in Key key, in Entry existing, Blob blob, int length)
    {
        var keeps = !existing.IsMissing && IsBlob(existing) && Blob(existing.Value).Value == blob.Value;
        var shape = new EntryShape(ValueType.String, (int)StringEncoding.Blob, BlobHeaderBytes, -1, 0);
        var entry = unit.Store(key, existing, shape, keeps ? BlobHeaderBytes : 0);
        WriteBlob(entry.Value, blob, length);
    }

    private static Entry SetBlob(Unit unit, in Key key, in Entry existing, ReadOnlySpan<byte> value, long deadlineMs)
    {
        var heap = unit.PartitionFor(key).Heap;
        if (unit.Staged.TryTake(value, out var blob)) heap.Adopt(blob);
        else blob = NewBlob(heap, value.Length, value);
        var shape = new EntryShape(ValueType.String, (int)StringEncoding.Blob, BlobHeaderBytes, deadlineMs, 0);
        var entry = unit.Store(key, existing, shape);
        WriteBlob(entry.Value, blob, value.Length);
        return entry;
    }

    private static Blob NewBlob(Heap heap, int length, ReadOnlySpan<byte> content)
    {
        var blob = heap.Blobs.Create(length);
        content.CopyTo(heap.Blobs.Span(blob, 0, content.Length));
        heap.Adopt(blob);
        return blob;
    }

    // Leaves an entry that holds `length` bytes, the first `oldLength` of them as before, the rest undefined.
    private static Entry Grow(Unit unit, in Key key, in Entry existing, int oldLength, int length)
    {
        var heap = unit.PartitionFor(key).Heap;
        var deadline = existing.IsMissing ? -1 : existing.DeadlineMs;
        if (!existing.IsMissing && (StringEncoding)existing.Encoding == StringEncoding.Blob)
        {
            OpenBlob(heap, existing.Value, oldLength, length);
            return existing;
        }

        var isInteger = !existing.IsMissing && (StringEncoding)existing.Encoding == StringEncoding.Integer;
        if (length <= MaxInlineBytes && !isInteger)
        {
            var shape = new EntryShape(ValueType.String, (int)StringEncoding.Raw, length, deadline, 0);
            return unit.Store(key, existing, shape, oldLength);
        }

        return Regrow(unit, key, existing, oldLength, length);
    }

    // The representation changes: from integer to bytes, or from inline bytes to a blob.
    private static Entry Regrow(Unit unit, in Key key, in Entry existing, int oldLength, int length)
    {
        var heap = unit.PartitionFor(key).Heap;
        var deadline = existing.IsMissing ? -1 : existing.DeadlineMs;
        Span<byte> scratch = stackalloc byte[ScratchBytes];
        var old = existing.IsMissing ? default : Read(heap, existing, scratch);
        if (length <= MaxInlineBytes)
        {
            var raw = new EntryShape(ValueType.String, (int)StringEncoding.Raw, length, deadline, 0);
            var inline = unit.Store(key, existing, raw);
            old.CopyTo(inline.Value);
            return inline;
        }

        var blob = NewBlob(heap, length, old);
        var shape = new EntryShape(ValueType.String, (int)StringEncoding.Blob, BlobHeaderBytes, deadline, 0);
        var entry = unit.Store(key, existing, shape);
        WriteBlob(entry.Value, blob, length);
        return entry;
    }

    // Makes a blob ready to be written: long enough, and read by nobody else.
    private static void OpenBlob(Heap heap, Span<byte> value, int oldLength, int length)
    {
        var blob = Blob(value);
        var isShort = heap.Blobs.UsableSize(blob) < length;
        var spare = isShort ? Math.Min(Math.Min(length, MaxSpareBytes), int.MaxValue - length) : 0;
        if (heap.Blobs.IsShared(blob) || (isShort && !heap.TryResize(blob, length + spare)))
        {
            var old = heap.Blobs.Span(blob, 0, oldLength);
            var moved = NewBlob(heap, length + spare, old);
            heap.Drop(blob);
            blob = moved;
        }

        WriteBlob(value, blob, length);
    }

    // The bytes of a string that may be changed as it is.
    private static bool TryOpenInPlace(scoped in Entry entry, out Span<byte> bytes)
    {
        bytes = default;
        if ((StringEncoding)entry.Encoding is not (StringEncoding.Raw or StringEncoding.Blob)) return false;
        var value = entry.Value;
        if ((StringEncoding)entry.Encoding == StringEncoding.Raw)
        {
            bytes = value;
            return true;
        }

        var blob = Blob(value);
        var blobs = entry.Heap.Blobs;
        if (blobs.IsShared(blob)) return false;
        bytes = blobs.Span(blob, 0, BlobLength(value));
        return true;
    }

    private static Span<byte> Content(Heap heap, scoped in Entry entry)
    {
        var value = entry.Value;
        return (StringEncoding)entry.Encoding == StringEncoding.Blob
            ? heap.Blobs.Span(Blob(value), 0, BlobLength(value))
            : value;
    }

    private static bool IsBlob(in Entry entry) =>
        !entry.IsMissing && entry.Type == ValueType.String && (StringEncoding)entry.Encoding == StringEncoding.Blob;

    private static long Integer(in Entry entry) => BinaryPrimitives.ReadInt64LittleEndian(entry.Value);

    private static Blob Blob(ReadOnlySpan<byte> value) =>
        Memory.Blob.FromValue(BinaryPrimitives.ReadUInt64LittleEndian(value));

    private static int BlobLength(ReadOnlySpan<byte> value) =>
        checked((int)BinaryPrimitives.ReadInt64LittleEndian(value[sizeof(ulong)..]));

    private static void WriteBlob(Span<byte> value, Blob blob, int length)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(value, blob.Value);
        BinaryPrimitives.WriteInt64LittleEndian(value[sizeof(ulong)..], length);
    }

    private static int FormatInteger(long value, Span<byte> destination)
    {
        value.TryFormat(destination, out var written, provider: null);
        return written;
    }
}
