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
