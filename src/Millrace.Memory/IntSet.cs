using System.Buffers.Binary;
using System.Diagnostics;

namespace Millrace.Memory;

/// <summary>
/// A set of integers in one piece of memory, in order: the packed form of small sets of integers, byte for byte that of
/// Redis 7.2, because it travels in RDB files and in DUMP.
/// </summary>
/// <remarks>
/// <code>
///   +-------------------+---------------+---------+-- ... --+---------+
///   | bytes per integer | integers      | least   |         | greatest|
///   | 4, LE: 2, 4 or 8  | 4, LE         | LE      |         | LE      |
///   +-------------------+---------------+---------+-- ... --+---------+
///   0                   4               8
/// </code>
/// <para>
/// Invariants: ascending, each integer once. All have the width that the widest needed when it came; a set does not
/// become narrower again.
/// </para>
/// <para>
/// Memory belongs to the caller, so a change has two phases: <see cref="SizeAfterInsert"/> tells the new size, the
/// caller makes room, and the change is made in that room, which begins with the set and may be longer than it must.
/// Contains O(log n), Insert and Remove O(n) bytes moved, the rest O(1). Nothing is allocated. Untrusted bytes go
/// through <see cref="IsValid"/> first.
/// </para>
/// <para>Sources: Redis 7.2 documentation, RDB file format.</para>
/// </remarks>
public static class IntSet
{
    /// <summary>The size of a set without integers, and the bytes in front of the first.</summary>
    public const int EmptyBytes = 8;

    /// <summary>What an integer takes at least.</summary>
    public const int LeastElementBytes = sizeof(short);

    private const int CountAt = 4;

    /// <summary>Writes a set without integers. Requires: <see cref="EmptyBytes"/>.</summary>
    public static void WriteEmpty(Span<byte> room)
    {
        BinaryPrimitives.WriteInt32LittleEndian(room, sizeof(short));
        BinaryPrimitives.WriteInt32LittleEndian(room[CountAt..], 0);
    }

    /// <summary>The number of integers.</summary>
    public static int Count(ReadOnlySpan<byte> set) => BinaryPrimitives.ReadInt32LittleEndian(set[CountAt..]);

    /// <summary>The bytes that each integer takes: 2, 4 or 8.</summary>
    public static int Width(ReadOnlySpan<byte> set) => BinaryPrimitives.ReadInt32LittleEndian(set);

    /// <summary>The size of the set, its header included.</summary>
    public static int TotalBytes(ReadOnlySpan<byte> set) => EmptyBytes + (Count(set) * Width(set));

    /// <summary>The integer with that index in ascending order. Requires: 0 to Count - 1.</summary>
    public static long Get(ReadOnlySpan<byte> set, int index) => Read(set, Width(set), index);

    /// <summary>An integer of the set, each as likely as the others for a uniformly random word. Requires: not empty.
    /// </summary>
    public static long Random(ReadOnlySpan<byte> set, ulong random) =>
        Get(set, (int)Math.BigMul(random, (ulong)Count(set), out _));

    /// <summary>Whether the integer is in the set. O(log n).</summary>
    public static bool Contains(ReadOnlySpan<byte> set, long value) => Find(set, value) >= 0;

    /// <summary>The size that the set has with the integer; the present one when it is there already. O(log n).
    /// </summary>
    /// <exception cref="OverflowException">No span would hold it.</exception>
    public static int SizeAfterInsert(ReadOnlySpan<byte> set, long value)
    {
        if (Contains(set, value)) return TotalBytes(set);
        var width = Math.Max(Width(set), WidthOf(value));
        return checked(EmptyBytes + ((Count(set) + 1) * width));
    }

    /// <summary>Adds an integer; false when it is there already. Requires: room for <see cref="SizeAfterInsert"/>.
    /// O(n) bytes moved.</summary>
    public static bool Insert(Span<byte> room, long value)
    {
        var count = Count(room);
        var width = Width(room);
        if (WidthOf(value) > width)
        {
            Widen(room, count, width, value);
            return true;
        }

        var found = Find(room, value);
        if (found >= 0) return false;
        var at = EmptyBytes + (~found * width);
        room[at..(EmptyBytes + (count * width))].CopyTo(room[(at + width)..]);
        Write(room, width, ~found, value);
        BinaryPrimitives.WriteInt32LittleEndian(room[CountAt..], count + 1);
        return true;
    }

    /// <summary>Takes out an integer if it is there. O(n) bytes moved.</summary>
    /// <returns>The new size; the same as before when it was not there.</returns>
    public static int Remove(Span<byte> set, long value)
    {
        var total = TotalBytes(set);
        var index = Find(set, value);
        return index < 0 ? total : RemoveAt(set, index);
    }

    /// <summary>Takes out the integer with that index. Requires: 0 to Count - 1. O(n) bytes moved.</summary>
    /// <returns>The new size.</returns>
    public static int RemoveAt(Span<byte> set, int index)
    {
        var total = TotalBytes(set);
        var width = Width(set);
        var at = EmptyBytes + (index * width);
        Debug.Assert(index >= 0 && at < total, "an index of the set");
        set[(at + width)..total].CopyTo(set[at..]);
        BinaryPrimitives.WriteInt32LittleEndian(set[CountAt..], Count(set) - 1);
        return total - width;
    }

    /// <summary>Whether these bytes are one set with at least one integer, as in Redis: no key holds an empty one.
    /// Never throws and never reads outside, whatever they are.</summary>
    /// <param name="untrusted">Bytes from a file or a peer, the set and nothing behind it.</param>
    /// <param name="deep">False looks at the header only, O(1), for bytes whose checksum was right. True looks at the
    /// order too, O(n).</param>
    public static bool IsValid(ReadOnlySpan<byte> untrusted, bool deep)
    {
        if (untrusted.Length < EmptyBytes) return false;
        var width = Width(untrusted);
        if (width is not (sizeof(short) or sizeof(int) or sizeof(long))) return false;
        long count = BinaryPrimitives.ReadUInt32LittleEndian(untrusted[CountAt..]);
        if (count == 0 || EmptyBytes + (count * width) != untrusted.Length) return false;
        if (!deep) return true;
        var before = Read(untrusted, width, 0);
        for (var index = 1; index < count; index++)
        {
            var value = Read(untrusted, width, index);
            if (value <= before) return false;
            before = value;
        }

        return true;
    }

    // The index of the integer, or the complement of the index at which it would be inserted.
    private static int Find(ReadOnlySpan<byte> set, long value)
    {
        var width = Width(set);
        var low = 0;
        var high = Count(set);

        // Integers often come in order.
        if (high > 0 && value > Read(set, width, high - 1)) return ~high;
        while (low < high)
        {
            var middle = (int)((uint)(low + high) / 2);
            var there = Read(set, width, middle);
            if (there == value) return middle;
            if (there < value) low = middle + 1;
            else high = middle;
        }

        return ~low;
    }

    // An integer that needs more bytes than all others is less than them or greater. From the back, so that no integer
    // is overwritten before it was moved.
    private static void Widen(Span<byte> room, int count, int width, long value)
    {
        var wider = WidthOf(value);
        var shift = value < 0 ? 1 : 0;
        for (var index = count - 1; index >= 0; index--) Write(room, wider, index + shift, Read(room, width, index));
        Write(room, wider, value < 0 ? 0 : count, value);
        BinaryPrimitives.WriteInt32LittleEndian(room, wider);
        BinaryPrimitives.WriteInt32LittleEndian(room[CountAt..], count + 1);
    }

    private static int WidthOf(long value) => value switch
    {
        >= short.MinValue and <= short.MaxValue => sizeof(short),
        >= int.MinValue and <= int.MaxValue => sizeof(int),
        _ => sizeof(long),
    };

    private static long Read(ReadOnlySpan<byte> set, int width, int index)
    {
        var at = set.Slice(EmptyBytes + (index * width), width);
        return width switch
        {
            sizeof(short) => BinaryPrimitives.ReadInt16LittleEndian(at),
            sizeof(int) => BinaryPrimitives.ReadInt32LittleEndian(at),
            _ => BinaryPrimitives.ReadInt64LittleEndian(at),
        };
    }

    private static void Write(Span<byte> set, int width, int index, long value)
    {
        var at = set.Slice(EmptyBytes + (index * width), width);
        switch (width)
        {
            case sizeof(short):
                BinaryPrimitives.WriteInt16LittleEndian(at, (short)value);
                break;
            case sizeof(int):
                BinaryPrimitives.WriteInt32LittleEndian(at, (int)value);
                break;
            default:
                BinaryPrimitives.WriteInt64LittleEndian(at, value);
                break;
        }
    }
}
