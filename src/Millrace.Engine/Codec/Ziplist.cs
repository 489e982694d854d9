using System.Buffers.Binary;
using Millrace.Memory;

namespace Millrace.Engine.Codec;

/// <summary>
/// Ziplists, the packed form that listpacks took the place of in Redis 7: read only, and only as untrusted bytes.
/// </summary>
/// <remarks>
/// <code>
///   +-------------+-----------+---------+-- ... --+------+
///   | total bytes | last at   | entries | entry   | 0xFF |
///   | 4, LE       | 4, LE     | 2, LE   |         |      |
///   +-------------+-----------+---------+-- ... --+------+
///
///   entry      | size of the one in front: 1 byte, or 0xFE and 4, LE | encoding | data |
///
///   00llllll                 string of at most 63 bytes
///   01llllll llllllll        string of at most 16383 bytes, the high bits first
///   10000000 llllllll x 4    string, big-endian
///   11000000 / 11010000 / 11100000 / 11110000 / 11111110     integer of 2, 4, 8, 3, 1 bytes, LE
///   1111iiii                 0001 to 1101: the integer i - 1
/// </code>
/// O(bytes), nothing is allocated. Source: redis-rdb-tools, "Redis RDB Dump File Format", "Ziplist Encoding".
/// </remarks>
internal static class Ziplist
{
    private const int HeaderBytes = 10;
    private const int UnknownCount = ushort.MaxValue;
    private const byte End = 0xFF;
    private const byte LongPrevious = 0xFE;
    private const byte Int16 = 0xC0;
    private const byte Int32 = 0xD0;
    private const byte Int64 = 0xE0;
    private const byte Int24 = 0xF0;
    private const byte Int8 = 0xFE;
    private const byte LeastImmediate = 0xF1;
    private const byte MostImmediate = 0xFD;

    /// <summary>Whether these bytes are one ziplist, and how long a listpack with its elements is.</summary>
    internal static bool TryMeasure(ReadOnlySpan<byte> untrusted, out int count, out int listpackBytes)
    {
        count = listpackBytes = 0;
        if (untrusted.Length < HeaderBytes + 1 || untrusted[^1] != End) return false;
        if (BinaryPrimitives.ReadUInt32LittleEndian(untrusted) != untrusted.Length) return false;
        var entries = untrusted[..^1];
        var sum = (long)Listpack.EmptyBytes;
        var last = 0;
        var at = HeaderBytes;
        for (var before = 0; at < entries.Length; count++)
        {
            if (!TryTake(entries[at..], before, out var size, out var element)) return false;
            sum += Listpack.SizeOf(element);
            last = at;
            before = size;
            at += size;
        }

        // Without entries the last one is said to be where the end mark is.
        if (BinaryPrimitives.ReadUInt32LittleEndian(untrusted[4..]) != (count == 0 ? HeaderBytes : last)) return false;
        int stored = BinaryPrimitives.ReadUInt16LittleEndian(untrusted[8..]);
        listpackBytes = (int)Math.Min(sum, int.MaxValue);
        return sum <= ValueReader.MaxTextBytes && (stored == UnknownCount || stored == count);
    }

    /// <summary>Writes a listpack with its elements. Requires: <see cref="TryMeasure"/> was true, and room for as many
    /// bytes as it said.</summary>
    internal static void WriteListpack(ReadOnlySpan<byte> ziplist, Span<byte> room)
    {
        var builder = ListpackBuilder.Begin(room);
        var entries = ziplist[..^1];
        var before = 0;
        for (var at = HeaderBytes; at < entries.Length; at += before)
        {
            if (!TryTake(entries[at..], before, out before, out var element)) return;
            builder.Append(element);
        }

        builder.Finish();
    }

    // The entry that untrusted bytes begin with, if it is whole and right.
    private static bool TryTake(ReadOnlySpan<byte> entries, int before, out int size, out ListpackElement element)
    {
        element = default;
        size = 0;
        uint previous = entries[0];
        var prefix = 1;
        if (previous == LongPrevious)
        {
            prefix += sizeof(uint);
            if (entries.Length < prefix) return false;
            previous = BinaryPrimitives.ReadUInt32LittleEndian(entries[1..]);
        }

        if (previous != before || entries.Length == prefix) return false;
        var rest = entries[prefix..];
        int lead = rest[0];
        if (lead >= Int16) return TryTakeInteger(rest, lead, prefix, out size, out element);
        var lengthBytes = (lead >> 6) switch { 0 => 1, 1 => 2, _ => 5 };
        if (rest.Length < lengthBytes) return false;
        var length = lengthBytes switch
        {
            1 => (uint)lead,
            2 => (uint)BinaryPrimitives.ReadUInt16BigEndian(rest) & 0x3FFF,
            _ => BinaryPrimitives.ReadUInt32BigEndian(rest[1..]),
        };
        rest = rest[lengthBytes..];
        if (length > rest.Length) return false;
        element = ListpackElement.Of(rest[..(int)length]);
        size = prefix + lengthBytes + (int)length;
        return true;
    }

    private static bool TryTakeInteger(
        ReadOnlySpan<byte> rest, int lead, int prefix, out int size, out ListpackElement element)
    {
        element = default;
        size = 0;
        var bytes = lead switch
        {
            Int16 => 2,
            Int32 => 4,
            Int64 => 8,
            Int24 => 3,
            Int8 => 1,
            >= LeastImmediate and <= MostImmediate => 0,
            _ => -1,
        };
        if (bytes < 0 || rest.Length <= bytes) return false;
        var data = rest[1..];
        element = ListpackElement.Of(bytes switch
        {
            0 => lead - LeastImmediate,
            1 => (sbyte)data[0],
            2 => BinaryPrimitives.ReadInt16LittleEndian(data),
            3 => BinaryPrimitives.ReadUInt16LittleEndian(data) | ((sbyte)data[2] << 16),
            4 => BinaryPrimitives.ReadInt32LittleEndian(data),
            _ => BinaryPrimitives.ReadInt64LittleEndian(data),
        });
        size = prefix + 1 + bytes;
        return true;
    }
}
