using System.Buffers.Binary;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;

namespace Millrace.Memory;

/// <summary>
/// A listpack: strings and integers one after the other in one piece of memory, to be walked from both ends. The packed
/// form of small lists, hashes, sets and sorted sets, byte for byte that of Redis 7.2, because it travels in RDB files
/// and in DUMP.
/// </summary>
/// <remarks>
/// <code>
///   +--------------+-----------+---------+-- ... --+---------+------+
///   | total bytes  | elements  | entry   |         | entry   | 0xFF |
///   | 4, LE        | 2, LE     |         |         |         |      |
///   +--------------+-----------+---------+-- ... --+---------+------+
///   0              4           6
///
///   elements: 65535 means that there are that many or more, or that it is not known: they are counted by walking.
///
///   entry:   | encoding, 1 or 2 or 5 bytes | data | backlen, 1 to 5 bytes |
///
///   0xxxxxxx                              integer 0 to 127
///   10llllll  text                        string of at most 63 bytes
///   110xxxxx xxxxxxxx                     integer of 13 bits, the high ones first
///   1110llll llllllll  text               string of at most 4095 bytes, the length's high bits first
///   11110000 llllllll x 4  text           string of at most 2^32-1 bytes, length LE
///   11110001 / 11110010 / 11110011 / 11110100   integer of 2, 3, 4, 8 bytes, LE
///   11111111                              the end
///
///   backlen: the bytes of encoding and data, in groups of 7 bits, the low ones in the last byte. Read from the right:
///            a byte with the high bit set has another on its left.
///
///            1 byte to 127, 2 to 16382, 3 to 2097150, 4 to 268435454, then 5 (the writer of Redis compares with less
///            where less or equal would do; what it writes is the format).
/// </code>
/// <para>
/// Memory belongs to the caller, so a change has two phases: <see cref="SizeOf(ListpackElement)"/> tells how many bytes
/// an element takes, the caller makes room, and the change is made in that room. A room begins with the listpack and is
/// long enough for the new total, which every change returns; what lies behind the total is not touched. Elements must
/// not lie in the room that they are stored to. Places are offsets of entries from the beginning of the listpack, -1
/// where there is none; a change makes places behind it stale.
/// </para>
/// <para>
/// Next, Previous, First, Last, Get, SizeAt O(1); Seek, Find, Delete O(entries walked) and the move of the tail;
/// Count O(1) below 65535 elements. Nothing is allocated. Thread-safe as far as the memory is. Untrusted bytes go
/// through <see cref="IsValid"/> with every entry first; on anything else that is no listpack the methods throw or give
/// wrong answers, but stay inside of the span.
/// </para>
/// <para>
/// Sources: listpack specification, Salvatore Sanfilippo, 2017; Redis 7.2 documentation, RDB file format.
/// </para>
/// </remarks>
public static class Listpack
{
    /// <summary>The bytes in front of the first entry, which is also its place.</summary>
    public const int HeaderBytes = 6;

    /// <summary>The size of a listpack without elements.</summary>
    public const int EmptyBytes = HeaderBytes + 1;

    /// <summary>The most bytes that an integer takes, as <see cref="SizeOf(long)"/> tells.</summary>
    public const int MaxIntegerSize = 10;

    internal const int UnknownCount = ushort.MaxValue;
    internal const byte End = 0xFF;

    private const int CountAt = 4;

    // Leads of entries. An entry belongs to the kind whose first lead is the greatest that is not above its own.
    private const byte ShortString = 0x80;
    private const byte Int13 = 0xC0;
    private const byte MediumString = 0xE0;
    private const byte LongString = 0xF0;
    private const byte Int16 = 0xF1;
    private const byte Int24 = 0xF2;
    private const byte Int32 = 0xF3;
    private const byte Int64 = 0xF4;

    private const int MaxShortString = 0x3F;
    private const int MaxMediumString = 0xFFF;
    private const int MaxInt7 = 0x7F;
    private const int MaxInt13 = 0xFFF;
    private const int MaxInt24 = 0x7F_FFFF;
    private const int MaxBacklenBytes = 5;
    private const byte MoreOnTheLeft = 0x80;

    /// <summary>Writes a listpack without elements. Requires: <see cref="EmptyBytes"/>.</summary>
    public static void WriteEmpty(Span<byte> room) => Finish(room, HeaderBytes, 0);

    /// <summary>The size of the listpack, header and end included.</summary>
    public static int TotalBytes(ReadOnlySpan<byte> listpack) => BinaryPrimitives.ReadInt32LittleEndian(listpack);

    /// <summary>Whether there is no element. O(1).</summary>
    public static bool IsEmpty(ReadOnlySpan<byte> listpack) => listpack[HeaderBytes] == End;

    /// <summary>The number of elements. O(1), O(n) from 65535 on.</summary>
    public static int Count(ReadOnlySpan<byte> listpack)
    {
        var count = StoredCount(listpack);
        if (count != UnknownCount) return count;
        count = 0;
        for (var at = HeaderBytes; listpack[at] != End; at += SizeAt(listpack, at)) count++;
        return count;
    }

    /// <summary>So many elements there are at most, whatever the bytes are. Requires: <see cref="EmptyBytes"/> of them.
    /// </summary>
    public static int MostElements(ReadOnlySpan<byte> untrusted)
    {
        const int leastBytes = 2;
        var count = StoredCount(untrusted);
        var most = untrusted.Length / leastBytes;
        return count == UnknownCount ? most : Math.Min(count, most);
    }

    /// <summary>The place of the first element, or -1.</summary>
    public static int First(ReadOnlySpan<byte> listpack) => IsEmpty(listpack) ? -1 : HeaderBytes;

    /// <summary>The place of the last element, or -1.</summary>
    public static int Last(ReadOnlySpan<byte> listpack) => Previous(listpack, EndOf(listpack));

    /// <summary>The place of the end mark: what is inserted there comes last.</summary>
    public static int EndOf(ReadOnlySpan<byte> listpack) => TotalBytes(listpack) - 1;

    /// <summary>The place of the element behind the one at a place, or -1.</summary>
    public static int Next(ReadOnlySpan<byte> listpack, int at)
    {
        at += SizeAt(listpack, at);
        return listpack[at] == End ? -1 : at;
    }

    /// <summary>The place of the element in front of a place, which may be the end mark's; or -1.</summary>
    public static int Previous(ReadOnlySpan<byte> listpack, int at)
    {
        if (at <= HeaderBytes) return -1;
        var encoded = ReadBacklen(listpack, at - 1);
        var previous = at - encoded - BacklenBytes(encoded);
        if (previous < HeaderBytes) ThrowDamaged();
        return previous;
    }

    /// <summary>The place of the element with that index, or -1. O(distance to the nearer end).</summary>
    /// <param name="listpack">The listpack.</param>
    /// <param name="index">From 0; negative ones count from the tail, -1 is the last.</param>
    public static int Seek(ReadOnlySpan<byte> listpack, long index)
    {
        var count = StoredCount(listpack);
        if (count != UnknownCount)
        {
            if (index < 0) index += count;
            if (index < 0 || index >= count) return -1;
            if (index > count / 2) index -= count;
        }

        if (index < 0)
        {
            var place = EndOf(listpack);
            for (; index < 0 && place >= 0; index++) place = Previous(listpack, place);
            return place;
        }

        var at = First(listpack);
        for (; index > 0 && at >= 0; index--) at = Next(listpack, at);
        return at;
    }

    /// <summary>The element at a place: a view of the listpack.</summary>
    public static ListpackElement Get(ReadOnlySpan<byte> listpack, int at) => Decode(listpack, at, out _);

    /// <summary>The element at a place: a view of the listpack. For walks: the place becomes that of the next element,
    /// or -1.</summary>
    public static ListpackElement Take(ReadOnlySpan<byte> listpack, scoped ref int at)
    {
        var element = Decode(listpack, at, out var encoded);
        at += encoded + BacklenBytes(encoded);
        if (listpack[at] == End) at = -1;
        return element;
    }

    /// <summary>The bytes of the entry at a place, its backlen included.</summary>
    public static int SizeAt(ReadOnlySpan<byte> listpack, int at)
    {
        int lead = listpack[at];

        // Integers of 7 bits and short strings have a backlen of one byte.
        if (lead < Int13) return lead < ShortString ? 2 : lead - ShortString + 2;
        var encoded = EncodedBytes(listpack, at);
        return encoded + BacklenBytes(encoded);
    }

    /// <summary>The place of the first element with this text, or -1. O(entries walked).</summary>
    /// <param name="listpack">The listpack.</param>
    /// <param name="from">The place of the first element to compare; -1 finds nothing.</param>
    /// <param name="element">The text.</param>
    /// <param name="skip">How many elements are passed over after each compare: 1 compares fields and not values.
    /// </param>
    public static int Find(ReadOnlySpan<byte> listpack, int from, ReadOnlySpan<byte> element, int skip = 0)
    {
        var isInteger = ListpackElement.TryParseInteger(element, out var integer);
        return Find(listpack, from, element, isInteger, integer, skip);
    }

    /// <summary>The same for an element that was parsed before.</summary>
    public static int Find(ReadOnlySpan<byte> listpack, int from, ListpackElement element, int skip = 0)
    {
        Span<byte> digits = stackalloc byte[ListpackElement.MaxIntegerBytes];
        return Find(listpack, from, element.Text(digits), element.IsInteger, element.Integer, skip);
    }

    /// <summary>How many bytes this text takes in a listpack. O(1).</summary>
    /// <exception cref="OverflowException">No span would hold it.</exception>
    public static int SizeOf(ReadOnlySpan<byte> element) => SizeOf(ListpackElement.Of(element));

    /// <summary>How many bytes this integer takes in a listpack.</summary>
    public static int SizeOf(long element) => IntegerBytes(element) + 1;

    /// <summary>How many bytes this element takes in a listpack.</summary>
    /// <exception cref="OverflowException">No span would hold it.</exception>
    public static int SizeOf(ListpackElement element)
    {
        if (element.IsInteger) return SizeOf(element.Integer);
        var encoded = checked(StringPrefixBytes(element.Bytes.Length) + element.Bytes.Length);
        return checked(encoded + BacklenBytes(encoded));
    }

    /// <summary>Adds a text behind the last element. Requires: room for the new total. O(text).</summary>
    /// <returns>The new total.</returns>
    public static int Append(Span<byte> room, ReadOnlySpan<byte> element) => Append(room, ListpackElement.Of(element));

    /// <summary>Adds an integer behind the last element. Requires: room for the new total.</summary>
    /// <returns>The new total.</returns>
    public static int Append(Span<byte> room, long element) => Append(room, ListpackElement.Of(element));

    /// <summary>Adds an element behind the last one. Requires: room for the new total. O(text).</summary>
    /// <returns>The new total.</returns>
    public static int Append(Span<byte> room, ListpackElement element)
    {
        var end = EndOf(room);
        end += Write(room[end..], element);
        return Finish(room, end, CountAfterAdding(StoredCount(room), 1));
    }

    /// <summary>Adds a text in front of the first element. Requires: room for the new total. O(total).</summary>
    /// <returns>The new total.</returns>
    public static int Prepend(Span<byte> room, ReadOnlySpan<byte> element) =>
        Insert(room, HeaderBytes, ListpackElement.Of(element));

    /// <summary>Adds an integer in front of the first element. Requires: room for the new total. O(total).</summary>
    /// <returns>The new total.</returns>
    public static int Prepend(Span<byte> room, long element) => Insert(room, HeaderBytes, ListpackElement.Of(element));

    /// <summary>Adds an element in front of the first one. Requires: room for the new total. O(total).</summary>
    /// <returns>The new total.</returns>
    public static int Prepend(Span<byte> room, ListpackElement element) => Insert(room, HeaderBytes, element);

    /// <summary>Adds a text in front of the element at a place, or behind the last one at <see cref="EndOf"/>.
    /// Requires: room for the new total. O(bytes behind the place).</summary>
    /// <returns>The new total; the new element is at the place.</returns>
    public static int Insert(Span<byte> room, int at, ReadOnlySpan<byte> element) =>
        Insert(room, at, ListpackElement.Of(element));

    /// <summary>Adds an integer in front of the element at a place, or behind the last one at <see cref="EndOf"/>.
    /// Requires: room for the new total. O(bytes behind the place).</summary>
    /// <returns>The new total; the new element is at the place.</returns>
    public static int Insert(Span<byte> room, int at, long element) => Insert(room, at, ListpackElement.Of(element));

    /// <summary>Adds an element in front of the one at a place, or behind the last one at <see cref="EndOf"/>.
    /// Requires: room for the new total. O(bytes behind the place).</summary>
    /// <returns>The new total; the new element is at the place.</returns>
    public static int Insert(Span<byte> room, int at, ListpackElement element)
    {
        var end = EndOf(room);
        Debug.Assert(at >= HeaderBytes && at <= end, "a place, or the end's");
        var size = SizeOf(element);
        room[at..end].CopyTo(room[(at + size)..]);
        var written = Write(room.Slice(at, size), element);
        Debug.Assert(written == size, "SizeOf and Write agree");
        return Finish(room, end + size, CountAfterAdding(StoredCount(room), 1));
    }

    /// <summary>Puts a text where another element is. Requires: room for the old total and the new one.</summary>
    /// <returns>The new total, which may be smaller; the new element is at the place.</returns>
    public static int Replace(Span<byte> room, int at, ReadOnlySpan<byte> element) =>
        Replace(room, at, ListpackElement.Of(element));

    /// <summary>Puts an integer where another element is. Requires: room for the old total and the new one.</summary>
    /// <returns>The new total, which may be smaller; the new element is at the place.</returns>
    public static int Replace(Span<byte> room, int at, long element) => Replace(room, at, ListpackElement.Of(element));

    /// <summary>Puts an element where another is. Requires: room for the old total and the new one. O(text), and the
    /// bytes behind the place when the size changes.</summary>
    /// <returns>The new total, which may be smaller; the new element is at the place.</returns>
    public static int Replace(Span<byte> room, int at, ListpackElement element)
    {
        var end = EndOf(room);
        var before = SizeAt(room, at);
        var size = SizeOf(element);
        if (size != before) room[(at + before)..end].CopyTo(room[(at + size)..]);
        var written = Write(room.Slice(at, size), element);
        Debug.Assert(written == size, "SizeOf and Write agree");
        return Finish(room, end + size - before, StoredCount(room));
    }

    /// <summary>Takes out elements from a place on, fewer when the end comes first. O(count + bytes behind).</summary>
    /// <returns>The new total; what followed is at the place.</returns>
    public static int Delete(Span<byte> listpack, int at, int count)
    {
        Debug.Assert(at >= HeaderBytes, "a place");
        var behind = at;
        var deleted = 0;
        for (; deleted < count && listpack[behind] != End; deleted++) behind += SizeAt(listpack, behind);
        return Cut(listpack, at, behind, deleted);
    }

    /// <summary>Takes out elements from an index on, fewer when the end comes first; none when there is no such index.
    /// O(distance to the nearer end + count + bytes behind).</summary>
    /// <param name="listpack">The listpack.</param>
    /// <param name="index">From 0; negative ones count from the tail.</param>
    /// <param name="count">How many, at least 0.</param>
    /// <returns>The new total.</returns>
    public static int DeleteRange(Span<byte> listpack, long index, long count)
    {
        var at = Seek(listpack, index);
        if (at < 0 || count <= 0) return TotalBytes(listpack);
        var stored = StoredCount(listpack);
        var first = index < 0 ? index + stored : index;

        // What reaches to the tail need not be walked.
        return stored != UnknownCount && count >= stored - first
            ? Cut(listpack, at, EndOf(listpack), (int)(stored - first))
            : Delete(listpack, at, (int)Math.Min(count, int.MaxValue));
    }

    /// <summary>How many bytes two listpacks take as one.</summary>
    /// <exception cref="OverflowException">No span would hold it.</exception>
    public static int MergedBytes(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second) =>
        checked(TotalBytes(first) + TotalBytes(second) - EmptyBytes);

    /// <summary>Adds all elements of another listpack behind the last. Requires: room for
    /// <see cref="MergedBytes"/>. O(bytes of the other).</summary>
    /// <returns>The new total.</returns>
    public static int MergeBehind(Span<byte> room, ReadOnlySpan<byte> tail)
    {
        var end = EndOf(room);
        var entries = tail[HeaderBytes..EndOf(tail)];
        entries.CopyTo(room[end..]);
        return Finish(room, end + entries.Length, CountAfterAdding(StoredCount(room), StoredCount(tail)));
    }

    /// <summary>Adds all elements of another listpack in front of the first. Requires: room for
    /// <see cref="MergedBytes"/>. O(bytes of both).</summary>
    /// <returns>The new total.</returns>
    public static int MergeInFront(Span<byte> room, ReadOnlySpan<byte> head)
    {
        var end = EndOf(room);
        var entries = head[HeaderBytes..EndOf(head)];
        room[HeaderBytes..end].CopyTo(room[(HeaderBytes + entries.Length)..]);
        entries.CopyTo(room[HeaderBytes..]);
        return Finish(room, end + entries.Length, CountAfterAdding(StoredCount(room), StoredCount(head)));
    }

    /// <summary>Whether these bytes are one listpack. Never throws, never reads outside, whatever they are.</summary>
    /// <param name="untrusted">Bytes from a file or a peer, the listpack and nothing behind it.</param>
    /// <param name="deep">False looks at the header and the end mark only, O(1), for bytes whose checksum was right.
    /// True looks at each entry, O(n): afterwards no method of this class throws.</param>
    public static bool IsValid(ReadOnlySpan<byte> untrusted, bool deep)
    {
        if (untrusted.Length < EmptyBytes || TotalBytes(untrusted) != untrusted.Length) return false;
        if (untrusted[^1] != End) return false;
        if (!deep) return true;
        var count = 0;
        var entries = untrusted[HeaderBytes..^1];
        while (!entries.IsEmpty)
        {
            if (!TryMeasure(entries, out var size)) return false;
            entries = entries[size..];
            count++;
        }

        var stored = StoredCount(untrusted);
        return stored == UnknownCount || stored == count;
    }

    /// <summary>Writes the end mark and the header. Returns the total.</summary>
    internal static int Finish(Span<byte> room, int end, int storedCount)
    {
        room[end] = End;
        BinaryPrimitives.WriteInt32LittleEndian(room, end + 1);
        BinaryPrimitives.WriteUInt16LittleEndian(room[CountAt..], (ushort)storedCount);
        return end + 1;
    }

    /// <summary>Writes the header alone, for a listpack whose entries and end mark are there.</summary>
    internal static void WriteHeader(Span<byte> room, int totalBytes, int storedCount)
    {
        BinaryPrimitives.WriteInt32LittleEndian(room, totalBytes);
        BinaryPrimitives.WriteUInt16LittleEndian(room[CountAt..], (ushort)storedCount);
    }

    internal static int StoredCount(ReadOnlySpan<byte> listpack) =>
        BinaryPrimitives.ReadUInt16LittleEndian(listpack[CountAt..]);

    /// <summary>The count to be stored after adding; either may be unknown.</summary>
    internal static int CountAfterAdding(int stored, int added) => Math.Min(stored + added, UnknownCount);

    /// <summary>Writes one entry. Returns its bytes.</summary>
    internal static int Write(Span<byte> to, ListpackElement element)
    {
        int encoded;
        if (element.IsInteger)
        {
            encoded = WriteInteger(to, element.Integer);
        }
        else
        {
            var text = element.Bytes;
            var prefix = WriteStringPrefix(to, text.Length);
            text.CopyTo(to[prefix..]);
            encoded = prefix + text.Length;
        }

        return encoded + WriteBacklen(to[encoded..], encoded);
    }

    // Closes the gap between two places that so many elements lay between.
    private static int Cut(Span<byte> listpack, int at, int behind, int deleted)
    {
        var end = EndOf(listpack);
        listpack[behind..end].CopyTo(listpack[at..]);
        end -= behind - at;
        var stored = StoredCount(listpack);
        if (stored != UnknownCount) stored -= deleted;
        else if (end == HeaderBytes) stored = 0;
        return Finish(listpack, end, stored);
    }

    private static int Find(
        ReadOnlySpan<byte> listpack, int from, ReadOnlySpan<byte> text, bool isInteger, long integer, int skip)
    {
        if (from < 0) return -1;
        var passOver = 0;
        for (var at = from; listpack[at] != End; at += SizeAt(listpack, at))
        {
            if (passOver > 0)
            {
                passOver--;
                continue;
            }

            if (Matches(listpack, at, text, isInteger, integer)) return at;
            passOver = skip;
        }

        return -1;
    }

    // Strings are compared by their bytes even when the text is an integer's: foreign listpacks may have such.
    private static bool Matches(
        ReadOnlySpan<byte> listpack, int at, ReadOnlySpan<byte> text, bool isInteger, long integer)
    {
        int lead = listpack[at];
        if (lead is >= ShortString and < Int13)
        {
            return lead - ShortString == text.Length && listpack.Slice(at + 1, text.Length).SequenceEqual(text);
        }

        if (lead is >= MediumString and <= LongString)
            return Decode(listpack, at, out _).Bytes.SequenceEqual(text);
        return isInteger && Decode(listpack, at, out _).Integer == integer;
    }

    private static ListpackElement Decode(ReadOnlySpan<byte> listpack, int at, out int encoded)
    {
        int lead = listpack[at];
        if (lead < ShortString)
        {
            encoded = 1;
            return ListpackElement.Of(lead);
        }

        if (lead < Int13)
        {
            encoded = lead - ShortString + 1;
            return ListpackElement.OfString(listpack.Slice(at + 1, lead - ShortString));
        }

        encoded = EncodedBytes(listpack, at);
        var entry = listpack.Slice(at, encoded);
        if (lead is >= MediumString and < LongString) return ListpackElement.OfString(entry[2..]);
        if (lead == LongString) return ListpackElement.OfString(entry[5..]);
        return ListpackElement.Of(lead switch
        {
            Int16 => BinaryPrimitives.ReadInt16LittleEndian(entry[1..]),
            Int24 => BinaryPrimitives.ReadUInt16LittleEndian(entry[1..]) | ((sbyte)entry[3] << 16),
            Int32 => BinaryPrimitives.ReadInt32LittleEndian(entry[1..]),
            Int64 => BinaryPrimitives.ReadInt64LittleEndian(entry[1..]),

            // The sign is bit 12: up to the top, and down again.
            _ => BinaryPrimitives.ReadUInt16BigEndian(entry) << 19 >> 19,
        });
    }

    // The bytes of encoding and data.
    private static int EncodedBytes(ReadOnlySpan<byte> listpack, int at)
    {
        int lead = listpack[at];
        switch (lead)
        {
            case < ShortString: return 1;
            case < Int13: return lead - ShortString + 1;
            case < MediumString: return 2;
            case < LongString: return (BinaryPrimitives.ReadUInt16BigEndian(listpack[at..]) & MaxMediumString) + 2;
            case LongString:
                var length = BinaryPrimitives.ReadUInt32LittleEndian(listpack[(at + 1)..]);
                if (length > listpack.Length) ThrowDamaged();
                return (int)length + 5;
            case Int16: return 3;
            case Int24: return 4;
            case Int32: return 5;
            case Int64: return 9;
            default:
                ThrowDamaged();
                return 0;
        }
    }

    // Requires: not empty. Of untrusted bytes: the size of the entry that they begin with, if it is whole and right.
    private static bool TryMeasure(ReadOnlySpan<byte> entries, out int size)
    {
        size = 0;
        int lead = entries[0];
        var prefix = lead switch
        {
            < MediumString => 1,
            < LongString => 2,
            LongString => 5,
            <= Int64 => 1,
            _ => int.MaxValue,
        };
        if (prefix > entries.Length) return false;
        if (lead == LongString && BinaryPrimitives.ReadUInt32LittleEndian(entries[1..]) > entries.Length - prefix)
            return false;
        var encoded = EncodedBytes(entries, 0);
        if (encoded >= entries.Length) return false;
        if (encoded < MoreOnTheLeft)
        {
            size = encoded + 1;
            return entries[encoded] == encoded;
        }

        Span<byte> backlen = stackalloc byte[MaxBacklenBytes];
        var backlenBytes = WriteBacklen(backlen, encoded);
        size = encoded + backlenBytes;
        return entries[encoded..].StartsWith(backlen[..backlenBytes]);
    }

    private static int StringPrefixBytes(int length) => length switch
    {
        <= MaxShortString => 1,
        <= MaxMediumString => 2,
        _ => 5,
    };

    private static int WriteStringPrefix(Span<byte> to, int length)
    {
        switch (length)
        {
            case <= MaxShortString:
                to[0] = (byte)(ShortString | length);
                return 1;
            case <= MaxMediumString:
                BinaryPrimitives.WriteUInt16BigEndian(to, (ushort)((MediumString << 8) | length));
                return 2;
            default:
                to[0] = LongString;
                BinaryPrimitives.WriteInt32LittleEndian(to[1..], length);
                return 5;
        }
    }

    private static int IntegerBytes(long value) => value switch
    {
        >= 0 and <= MaxInt7 => 1,
        >= ~MaxInt13 and <= MaxInt13 => 2,
        >= short.MinValue and <= short.MaxValue => 3,
        >= ~MaxInt24 and <= MaxInt24 => 4,
        >= int.MinValue and <= int.MaxValue => 5,
        _ => 9,
    };

    private static int WriteInteger(Span<byte> to, long value)
    {
        var bytes = IntegerBytes(value);
        switch (bytes)
        {
            case 1:
                to[0] = (byte)value;
                break;
            case 2:
                BinaryPrimitives.WriteUInt16BigEndian(to, (ushort)((Int13 << 8) | ((int)value & 0x1FFF)));
                break;
            case 3:
                to[0] = Int16;
                BinaryPrimitives.WriteInt16LittleEndian(to[1..], (short)value);
                break;
            case 4:
                to[0] = Int24;
                BinaryPrimitives.WriteInt16LittleEndian(to[1..], unchecked((short)value));
                to[3] = unchecked((byte)(value >> 16));
                break;
            case 5:
                to[0] = Int32;
                BinaryPrimitives.WriteInt32LittleEndian(to[1..], (int)value);
                break;
            default:
                to[0] = Int64;
                BinaryPrimitives.WriteInt64LittleEndian(to[1..], value);
                break;
        }

        return bytes;
    }

    private static int BacklenBytes(int encoded) => encoded switch
    {
        <= 0x7F => 1,
        < 0x3FFF => 2,
        < 0x1F_FFFF => 3,
        < 0xFFF_FFFF => 4,
        _ => 5,
    };

    private static int WriteBacklen(Span<byte> to, int encoded)
    {
        var bytes = BacklenBytes(encoded);
        for (var i = bytes - 1; i > 0; i--)
        {
            to[i] = (byte)((encoded & 0x7F) | MoreOnTheLeft);
            encoded >>= 7;
        }

        to[0] = (byte)encoded;
        return bytes;
    }

    // The backlen whose last byte is at a place.
    private static int ReadBacklen(ReadOnlySpan<byte> listpack, int at)
    {
        int last = listpack[at];
        if (last < MoreOnTheLeft) return last;
        long encoded = last & 0x7F;
        for (var shift = 7; shift < 7 * MaxBacklenBytes; shift += 7)
        {
            long group = listpack[--at];
            encoded |= (group & 0x7F) << shift;
            if (group >= MoreOnTheLeft) continue;
            if (encoded > listpack.Length) break;
            return (int)encoded;
        }

        ThrowDamaged();
        return 0;
    }

    [DoesNotReturn]
    private static void ThrowDamaged() => throw new HeapCorruptionException("A listpack holds an entry that is none.");
}
