using System.Diagnostics;
using Millrace.Memory;

namespace Millrace.Engine.Values;

/// <summary>
/// The fields of a small hash: a listpack that is the value area of its entry.
/// </summary>
/// <remarks>
/// <code>
///   Packed           name, value,  name, value, ...      in the order in which they came
///   ExpiringPacked   name, value, deadline,  ...         the earliest deadline first, then those without one, for
///                                                        whom it is 0
/// </code>
/// Changes are made in room that the entry has or is given; while a series of changes lasts, the value area may be
/// longer than its listpack (<see cref="Fit"/> ends that). Every operation is O(bytes of the hash).
/// </remarks>
internal static class PackedHash
{
    private const int NoDeadline = 0;

    /// <summary>How many elements stand for one field.</summary>
    public static int WidthOf(bool hasDeadlines) => hasDeadlines ? 3 : 2;

    /// <summary>The place of a field, or -1.</summary>
    public static int Find(ReadOnlySpan<byte> listpack, int width, ReadOnlySpan<byte> name) =>
        Listpack.Find(listpack, Listpack.First(listpack), name, width - 1);

    /// <summary>The field at a place, which becomes that of the next field, or -1.</summary>
    public static HashItem Take(ReadOnlySpan<byte> listpack, int width, scoped ref int at)
    {
        var place = (ulong)at;
        var name = Listpack.Take(listpack, ref at);
        var value = Listpack.Take(listpack, ref at);
        var deadline = width == 2 ? NoDeadline : Listpack.Take(listpack, ref at).Integer;
        return new HashItem(name, value, deadline == NoDeadline ? -1 : deadline, place);
    }

    /// <summary>The earliest deadline, or -1. O(1).</summary>
    public static long EarliestMs(ReadOnlySpan<byte> listpack)
    {
        var at = Listpack.First(listpack);
        return at < 0 ? -1 : Take(listpack, width: 3, ref at).DeadlineMs;
    }

    /// <summary>How many fields have a deadline before <paramref name="nowMs"/>. O(that many).</summary>
    public static int CountDue(ReadOnlySpan<byte> listpack, long nowMs)
    {
        var due = 0;
        for (var at = Listpack.First(listpack); at >= 0; due++)
        {
            if (!Take(listpack, width: 3, ref at).IsDue(nowMs)) break;
        }

        return due;
    }

    /// <summary>Whether every field has a deadline before <paramref name="nowMs"/>.</summary>
    public static bool IsAllDue(ReadOnlySpan<byte> listpack, long nowMs)
    {
        var last = Listpack.Last(listpack);
        if (last < 0) return false;
        var deadline = Listpack.Get(listpack, last).Integer;
        return deadline != NoDeadline && deadline < nowMs;
    }

    /// <summary>Gives the value of the field at a place another text.</summary>
    public static Entry SetValue(Unit unit, in Key key, in Entry entry, int at, ReadOnlySpan<byte> value)
    {
        var element = ListpackElement.Of(value);
        var valueAt = Listpack.Next(entry.Value, at);
        var grows = Listpack.SizeOf(element) - Listpack.SizeAt(entry.Value, valueAt);
        var roomy = grows > 0 ? MakeRoom(unit, key, entry, grows) : entry;
        Listpack.Replace(roomy.Value, valueAt, element);
        return roomy;
    }

    /// <summary>Adds a field. Requires: it is not there.</summary>
    public static Entry Add(
        Unit unit,
        in Key key,
        in Entry entry,
        int width,
        ReadOnlySpan<byte> name,
        ReadOnlySpan<byte> value,
        long deadlineMs)
    {
        Debug.Assert(width == 3 || deadlineMs < 0, "pairs have no place for a deadline");
        var nameElement = ListpackElement.Of(name);
        var valueElement = ListpackElement.Of(value);
        var deadline = deadlineMs < 0 ? NoDeadline : deadlineMs;
        var size = Listpack.SizeOf(nameElement) + Listpack.SizeOf(valueElement);
        if (width == 3) size += Listpack.SizeOf(deadline);
        var roomy = MakeRoom(unit, key, entry, size);
        Insert(roomy.Value, width, nameElement, valueElement, deadlineMs);
        return roomy;
    }

    /// <summary>Adds a field to a listpack in room for it. Requires: it is not there.</summary>
    public static void Insert(
        Span<byte> room, int width, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, long deadlineMs) =>
        Insert(room, width, ListpackElement.Of(name), ListpackElement.Of(value), deadlineMs);

    /// <summary>Removes the field at a place.</summary>
    public static void RemoveAt(in Entry entry, int width, int at) => Listpack.Delete(entry.Value, at, width);

    /// <summary>Gives the field at a place another deadline (-1: none), and so another place. Requires: a form with
    /// deadlines.</summary>
    public static Entry SetDeadline(Unit unit, in Key key, in Entry entry, int at, long deadlineMs)
    {
        const int ScratchBytes = 256;
        var listpack = entry.Value;
        var next = at;
        var item = Take(listpack, width: 3, ref next);
        if (item.DeadlineMs == deadlineMs) return entry;

        // The texts move within the listpack that they are stored to: they are held outside meanwhile.
        var heap = entry.Heap;
        var length = item.Name.TextLength + item.Value.TextLength;
        var spill = length > ScratchBytes ? heap.Allocate(length) : default;
        Span<byte> scratch = stackalloc byte[ScratchBytes];
        var texts = spill.IsNull ? scratch[..length] : heap.Span(spill, 0, length);
        var nameLength = item.Name.CopyTo(texts);
        item.Value.CopyTo(texts[nameLength..]);
        RemoveAt(entry, width: 3, at);
        var made = Add(unit, key, entry, width: 3, texts[..nameLength], texts[nameLength..], deadlineMs);
        if (!spill.IsNull) heap.Free(spill);
        return made;
    }

    /// <summary>Gives every field a place for its deadline. Requires: pairs.</summary>
    public static Entry WithDeadlines(Unit unit, in Key key, in Entry entry, int encoding)
    {
        var heap = entry.Heap;
        var pairs = entry.Value;
        var fields = Listpack.Count(pairs) / 2;
        var total = checked(Listpack.TotalBytes(pairs) + (fields * Listpack.SizeOf(NoDeadline)));
        var copy = heap.Allocate(total);
        var builder = ListpackBuilder.Begin(heap.Span(copy, 0, total));
        for (var at = Listpack.First(pairs); at >= 0;)
        {
            var item = Take(pairs, width: 2, ref at);
            builder.Append(item.Name);
            builder.Append(item.Value);
            builder.Append(NoDeadline);
        }

        builder.Finish();
        var shape = new EntryShape(ValueType.Hash, encoding, total, entry.DeadlineMs, 0);
        var made = unit.Store(key, entry, shape);
        heap.Span(copy, 0, total).CopyTo(made.Value);
        heap.Free(copy);
        return made;
    }

    /// <summary>Makes the value area as long as its listpack.</summary>
    public static Entry Fit(Unit unit, in Key key, in Entry entry)
    {
        var total = Listpack.TotalBytes(entry.Value);
        return total == entry.ValueLength ? entry : Resize(unit, key, entry, total, total);
    }

    private static void Insert(
        Span<byte> room, int width, ListpackElement name, ListpackElement value, long deadlineMs)
    {
        if (width == 2)
        {
            Listpack.Append(room, name);
            Listpack.Append(room, value);
            return;
        }

        var at = PlaceFor(room, deadlineMs);
        Listpack.Insert(room, at, deadlineMs < 0 ? NoDeadline : deadlineMs);
        Listpack.Insert(room, at, value);
        Listpack.Insert(room, at, name);
    }

    private static Entry MakeRoom(Unit unit, in Key key, in Entry entry, int more)
    {
        var total = Listpack.TotalBytes(entry.Value);
        var needed = checked(total + more);
        return needed <= entry.ValueLength ? entry : Resize(unit, key, entry, needed, total);
    }

    private static Entry Resize(Unit unit, in Key key, in Entry entry, int length, int keepBytes)
    {
        var shape = new EntryShape(ValueType.Hash, entry.Encoding, length, entry.DeadlineMs, 0);
        return unit.Store(key, entry, shape, keepBytes);
    }

    // Where a field with this deadline (-1: none) belongs.
    private static int PlaceFor(ReadOnlySpan<byte> listpack, long deadlineMs)
    {
        var end = Listpack.EndOf(listpack);
        if (deadlineMs < 0) return end;
        for (var at = Listpack.First(listpack); at >= 0;)
        {
            var place = at;
            var other = Take(listpack, width: 3, ref at).DeadlineMs;
            if (other < 0 || other > deadlineMs) return place;
        }

        return end;
    }
}
