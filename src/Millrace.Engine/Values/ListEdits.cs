using Millrace.Memory;

namespace Millrace.Engine.Values;

/// <summary>Changes in the middle of a list: replacing, inserting, removing, trimming.</summary>
/// <remarks>A list that becomes empty is removed with its key. What is given as an element must not lie in the list.
/// </remarks>
public static class ListEdits
{
    /// <summary>Replaces an element; false when there is no such index.</summary>
    /// <param name="unit">The unit.</param>
    /// <param name="key">The key.</param>
    /// <param name="entry">A list, after <see cref="ListValue.BeforeAdding"/>.</param>
    /// <param name="index">From 0; negative ones count from the tail.</param>
    /// <param name="element">The new element.</param>
    public static bool TrySet(Unit unit, in Key key, in Entry entry, long index, ListpackElement element)
    {
        var length = ListValue.Length(entry);
        if (index < 0) index += length;
        if (index < 0 || index >= length) return false;
        if (!ListValue.IsPacked(entry))
        {
            DequeEdits.Set(ListValue.Deque(entry), index, element, unit.Keyspace.ListChunks);
            ListValue.AfterRemoving(unit, key, entry);
            return true;
        }

        var place = Listpack.Seek(entry.Value, index);
        var total = entry.ValueLength + Listpack.SizeOf(element) - Listpack.SizeAt(entry.Value, place);
        var before = entry;
        if (total > entry.ValueLength) before = ListValue.Resize(unit, key, entry, total);
        Listpack.Replace(before.Value, place, element);
        if (total < before.ValueLength) ListValue.Resize(unit, key, before, total);
        return true;
    }

    /// <summary>Inserts an element beside the first one that equals <paramref name="pivot"/>; false when there is none.
    /// </summary>
    /// <param name="unit">The unit.</param>
    /// <param name="key">The key.</param>
    /// <param name="entry">A list, after <see cref="ListValue.BeforeAdding"/>.</param>
    /// <param name="pivot">What to look for.</param>
    /// <param name="isBehind">Whether behind it or in front of it.</param>
    /// <param name="element">The new element.</param>
    /// <param name="length">How long the list is afterwards.</param>
    public static bool TryInsert(
        Unit unit,
        in Key key,
        in Entry entry,
        ListpackElement pivot,
        bool isBehind,
        ListpackElement element,
        out long length)
    {
        length = 0;
        if (!ListValue.IsPacked(entry))
        {
            var deque = ListValue.Deque(entry);
            ref readonly var limits = ref unit.Keyspace.ListChunks;
            if (!DequeEdits.TryInsertBeside(deque, pivot, isBehind, element, limits)) return false;
            length = deque.Count;
            return true;
        }

        ReadOnlySpan<byte> listpack = entry.Value;
        var place = Listpack.Find(listpack, Listpack.First(listpack), pivot);
        if (place < 0) return false;
        if (isBehind) place += Listpack.SizeAt(listpack, place);
        var grown = ListValue.Resize(unit, key, entry, entry.ValueLength + Listpack.SizeOf(element));
        Listpack.Insert(grown.Value, place, element);
        length = Listpack.Count(grown.Value);
        return true;
    }

    /// <summary>Removes elements that equal one.</summary>
    /// <param name="unit">The unit.</param>
    /// <param name="key">The key.</param>
    /// <param name="entry">A list.</param>
    /// <param name="element">What to look for.</param>
    /// <param name="max">The most to remove.</param>
    /// <param name="fromTail">Whether the last ones go first.</param>
    /// <returns>How many were removed.</returns>
    public static long Remove(
        Unit unit, in Key key, in Entry entry, ListpackElement element, long max, bool fromTail)
    {
        long removed;
        var left = entry;
        if (ListValue.IsPacked(entry))
        {
            var listpack = entry.Value;
            removed = fromTail ? RemoveLast(listpack, element, max) : RemoveFirst(listpack, element, max);
            if (removed > 0) left = ListValue.Resize(unit, key, entry, Listpack.TotalBytes(listpack));
        }
        else
        {
            ref readonly var limits = ref unit.Keyspace.ListChunks;
            removed = DequeEdits.RemoveEqual(ListValue.Deque(entry), element, max, fromTail, limits);
        }

        if (removed > 0) ListValue.AfterRemoving(unit, key, left);
        return removed;
    }

    /// <summary>Keeps what lies between two ends.</summary>
    /// <param name="unit">The unit.</param>
    /// <param name="key">The key.</param>
    /// <param name="entry">A list.</param>
    /// <param name="first">How many elements to remove at the front.</param>
    /// <param name="last">How many to remove at the end; with <paramref name="first"/> at most all.</param>
    public static void Trim(Unit unit, in Key key, in Entry entry, long first, long last)
    {
        if (first + last == ListValue.Length(entry))
        {
            unit.Remove(key, entry);
            return;
        }

        if (ListValue.IsPacked(entry))
        {
            Listpack.DeleteRange(entry.Value, 0, first);
            var total = Listpack.DeleteRange(entry.Value, -last, last);
            if (total < entry.ValueLength) ListValue.Resize(unit, key, entry, total);
            return;
        }

        var deque = ListValue.Deque(entry);
        deque.DropFirst(first);
        deque.DropLast(last);
        ListValue.AfterRemoving(unit, key, entry);
    }

    /// <summary>Moves elements from an end of a list to an end of another.</summary>
    /// <param name="unit">The unit.</param>
    /// <param name="source">The key of a list.</param>
    /// <param name="sourceEntry">That list.</param>
    /// <param name="range">Which elements, and in which order they are afterwards.</param>
    /// <param name="target">The other key.</param>
    /// <param name="targetEntry">A list, or missing.</param>
    /// <param name="to">The end that they are added at.</param>
    public static void MoveRange(
        Unit unit,
        in Key source,
        in Entry sourceEntry,
        MovedRange range,
        in Key target,
        in Entry targetEntry,
        ListEnd to)
    {
        // The lists share no block, so the elements stay where they are while the other list grows.
        PushRange(unit, target, targetEntry, range.WalkFor(sourceEntry, to), range.Count, to);
        ListValue.Drop(unit, source, sourceEntry, range.From, range.Count);
    }

    /// <summary>Moves elements from an end of a list to an end of the same list.</summary>
    /// <param name="unit">The unit.</param>
    /// <param name="key">The key.</param>
    /// <param name="entry">A list.</param>
    /// <param name="range">Which elements, and in which order they are afterwards.</param>
    /// <param name="to">The end that they are added at.</param>
    public static void MoveRangeWithin(Unit unit, in Key key, in Entry entry, MovedRange range, ListEnd to)
    {
        var isWhole = range.Count == ListValue.Length(entry);
        if (!range.IsReversed && (isWhole || range.From == to)) return;

        // They go back into the list that they are read from: all of them are copied first.
        var copy = PackedDeque.Create(entry.Heap);
        ref readonly var limits = ref unit.Keyspace.ListChunks;
        var elements = range.WalkFor(entry, ListEnd.Right);
        for (var left = range.Count; left > 0 && elements.TryNext(out var element); left--)
            copy.PushLast(element, limits);
        elements.Dispose();
        var cut = ListValue.Cut(unit, key, entry, range.From, range.Count);
        var isFromEnd = to == ListEnd.Left;
        var copied = new ListCursor(copy, isFromEnd ? copy.Count - 1 : 0, isFromEnd);
        ListValue.AfterRemoving(unit, key, PushRange(unit, key, cut, copied, range.Count, to));
        copy.Free();
    }

    // Takes the cursor over. As one by one, so that the list changes its encoding where it would then.
    private static Entry PushRange(
        Unit unit, in Key key, in Entry entry, ListCursor elements, long count, ListEnd to)
    {
        var grown = entry;
        for (; count > 0 && elements.TryNext(out var element); count--)
        {
            grown = ListValue.BeforeAdding(unit, key, grown, element.TextLength, 1);
            grown = ListValue.Push(unit, key, grown, to, element);
        }

        elements.Dispose();
        return grown;
    }

    private static long RemoveFirst(Span<byte> listpack, ListpackElement element, long max)
    {
        var removed = 0L;
        var place = Listpack.First(listpack);
        while (removed < max && place >= 0)
        {
            place = place == Listpack.EndOf(listpack) ? -1 : Listpack.Find(listpack, place, element);
            if (place < 0) break;
            Listpack.Delete(listpack, place, 1);
            removed++;
        }

        return removed;
    }

    private static long RemoveLast(Span<byte> listpack, ListpackElement element, long max)
    {
        var removed = 0L;
        for (var place = Listpack.Last(listpack); removed < max && place >= 0;)
        {
            var before = Listpack.Previous(listpack, place);
            if (Listpack.Get(listpack, place).SameAs(element))
            {
                Listpack.Delete(listpack, place, 1);
                removed++;
            }

            place = before;
        }

        return removed;
    }
}

/// <summary>Elements at an end of a list that move, and their order where they arrive.</summary>
/// <param name="From">The end.</param>
/// <param name="Count">How many; there are as many.</param>
/// <param name="IsReversed">Whether the order they have is turned round.</param>
public readonly record struct MovedRange(ListEnd From, long Count, bool IsReversed)
{
    /// <summary>A walk over the elements in the order in which they arrive. Dispose of it, and take no more than
    /// <see cref="Count"/>.</summary>
    public ListCursor Walk(in Entry entry) => Walk(entry, IsReversed);

    /// <summary>The same in the order in which they have to be added one by one at an end.</summary>
    internal ListCursor WalkFor(in Entry entry, ListEnd to) => Walk(entry, IsReversed != (to == ListEnd.Left));

    private ListCursor Walk(in Entry entry, bool isBackwards)
    {
        var first = From == ListEnd.Left ? 0 : ListValue.Length(entry) - Count;
        return ListValue.Walk(entry, isBackwards ? first + Count - 1 : first, isBackwards);
    }
}
