using System.Buffers.Binary;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using Millrace.Engine.Codec;
using Millrace.Memory;

namespace Millrace.Engine.Values;

/// <summary>How a list is stored.</summary>
public enum ListEncoding
{
    /// <summary>One listpack in the entry.</summary>
    Listpack = 0,

    /// <summary>A <see cref="PackedDeque"/>.</summary>
    Quicklist = 1,
}

/// <summary>An end of a list.</summary>
public enum ListEnd
{
    /// <summary>Where the first element is.</summary>
    Left,

    /// <summary>Where the last element is.</summary>
    Right,
}

/// <summary>
/// Lists: how they are laid out in an entry, their ends, and how they change from one encoding to the other.
/// </summary>
/// <remarks>
/// <code>
///   value area   Listpack    the listpack
///                Quicklist   8 bytes: the header of a PackedDeque in the partition's heap
/// </code>
/// A list begins as a listpack, and becomes a deque before a change that would make it longer than one chunk may be
/// (list-max-listpack-size), as Redis 7.2 estimates it: with the length of the texts. It goes back when one packed
/// chunk is left of at most half of that. No stored list is empty: whoever removes the last element removes the key,
/// which <see cref="AfterRemoving"/> does.
/// Changes in the middle are in <see cref="ListEdits"/>. What is given as an element must not lie in the list.
/// </remarks>
public static class ListValue
{
    /// <summary>So many chunks are freed with the entry; more are freed in slices.</summary>
    private const int MaxChunksAtOnce = 16;

    // Freeing a chunk is taken to cost as much as freeing so many members of other collections.
    private const int ChunkCost = 4;

    /// <summary>The number of elements.</summary>
    public static long Length(in Entry entry)
    {
        Debug.Assert(entry.Type == ValueType.List, "lists only");
        return IsPacked(entry) ? Listpack.Count(entry.Value) : Deque(entry).Count;
    }

    /// <summary>The chunks of a list, and the bytes of their content without compression; none of one that is packed.
    /// O(chunks).</summary>
    public static (long Count, long Bytes) Chunks(in Entry entry)
    {
        if (IsPacked(entry)) return default;
        var deque = Deque(entry);
        return (deque.ChunkCount, deque.ContentBytes());
    }

    /// <summary>A walk from an index on; one that is out of range gives nothing. Dispose of it.</summary>
    /// <param name="entry">A list.</param>
    /// <param name="index">From 0.</param>
    /// <param name="isBackwards">Whether the walk goes to the front.</param>
    public static ListCursor Walk(in Entry entry, long index, bool isBackwards = false) => IsPacked(entry)
        ? new ListCursor(entry.Value, index, isBackwards)
        : new ListCursor(Deque(entry), index, isBackwards);

    /// <summary>The element at an end: a view until the next change of the list.</summary>
    public static ListpackElement Peek(in Entry entry, ListEnd end)
    {
        if (!IsPacked(entry)) return end == ListEnd.Left ? Deque(entry).First() : Deque(entry).Last();
        ReadOnlySpan<byte> listpack = entry.Value;
        return Listpack.Get(listpack, end == ListEnd.Left ? Listpack.First(listpack) : Listpack.Last(listpack));
    }

    /// <summary>
    /// Prepares a list for elements that are about to be added: makes a missing one, and makes a deque of one that
    /// would be too long.
    /// </summary>
    /// <param name="unit">The unit.</param>
    /// <param name="key">The key.</param>
    /// <param name="existing">A list, or missing.</param>
    /// <param name="textBytes">The length of all texts.</param>
    /// <param name="count">How many elements.</param>
    public static Entry BeforeAdding(Unit unit, in Key key, in Entry existing, long textBytes, long count) =>
        existing.IsMissing || IsPacked(existing) ? Prepare(unit, key, existing, textBytes, count) : existing;

    /// <summary>Adds an element at an end. Requires: <see cref="BeforeAdding"/>.</summary>
    public static Entry Push(Unit unit, in Key key, in Entry entry, ListEnd end, ListpackElement element)
    {
        if (IsPacked(entry)) return PushPacked(unit, key, entry, end, element);
        var deque = Deque(entry);
        if (end == ListEnd.Left) deque.PushFirst(element, unit.Keyspace.ListChunks);
        else deque.PushLast(element, unit.Keyspace.ListChunks);
        return entry;
    }

    /// <summary>Removes elements at an end, and the key with the last of them. Requires: there are as many.</summary>
    /// <returns>Whether the key is gone.</returns>
    public static bool Drop(Unit unit, in Key key, in Entry entry, ListEnd end, long count)
    {
        if (IsPacked(entry)) return DropPacked(unit, key, entry, end, count);
        var deque = Deque(entry);
        if (count == deque.Count)
        {
            unit.Remove(key, entry);
            return true;
        }

        Cut(deque, end, count);
        PackWhenShort(unit, key, entry, deque);
        return false;
    }

    /// <summary>Takes the element at an end away and adds it at the other end. Requires: more than one element.
    /// </summary>
    /// <param name="unit">The unit.</param>
    /// <param name="key">The key.</param>
    /// <param name="entry">A list.</param>
    /// <param name="from">The end that it is taken from.</param>
    /// <param name="element">A copy of it.</param>
    public static void Rotate(Unit unit, in Key key, in Entry entry, ListEnd from, ListpackElement element)
    {
        var to = from == ListEnd.Left ? ListEnd.Right : ListEnd.Left;
        var cut = Cut(unit, key, entry, from, 1);
        var ready = BeforeAdding(unit, key, cut, element.TextLength, 1);
        AfterRemoving(unit, key, Push(unit, key, ready, to, element));
    }

    /// <summary>Removes the key of a list that became empty, and packs one that became short.</summary>
    internal static void AfterRemoving(Unit unit, in Key key, in Entry entry)
    {
        if (IsPacked(entry))
        {
            if (Listpack.IsEmpty(entry.Value)) unit.Remove(key, entry);
            return;
        }

        var deque = Deque(entry);
        if (deque.Count == 0) unit.Remove(key, entry);
        else PackWhenShort(unit, key, entry, deque);
    }

    /// <summary>Whether the list is one listpack in its entry.</summary>
    public static bool IsPacked(in Entry entry) => (ListEncoding)entry.Encoding == ListEncoding.Listpack;

    /// <summary>The encoding's name: listpack or quicklist.</summary>
    internal static ReadOnlySpan<byte> EncodingName(in Entry entry) =>
        IsPacked(entry) ? "listpack"u8 : "quicklist"u8;

    /// <summary>The deque of a list that is one.</summary>
    internal static PackedDeque Deque(in Entry entry) =>
        new(entry.Heap, BlockRef.FromValue(BinaryPrimitives.ReadUInt64LittleEndian(entry.Value)));

    /// <summary>An entry in no table, for a deque.</summary>
    internal static Entry Make(in ValuePlace place, PackedDeque deque)
    {
        var entry = place.Make(ValueType.List, (int)ListEncoding.Quicklist, sizeof(ulong));
        WriteHeader(entry, deque);
        return entry;
    }

    /// <summary>Gives a packed list's entry another length, keeping the bytes that fit.</summary>
    internal static Entry Resize(Unit unit, in Key key, in Entry entry, int length)
    {
        var shape = Shape(entry, ListEncoding.Listpack, length);
        return unit.Store(key, entry, shape, Math.Min(length, entry.ValueLength));
    }

    internal static void AddTo(ref DataDigest digest, in Entry entry)
    {
        var cursor = Walk(entry, 0);
        while (cursor.TryNext(out var element)) digest.Mix(element);
        cursor.Dispose();
    }

    internal static void FreeOutside(Discards discards, in Entry entry)
    {
        if (IsPacked(entry)) return;
        var deque = Deque(entry);
        if (deque.ChunkCount <= MaxChunksAtOnce && !discards.IsNeeded(deque.Header)) deque.Free();
        else discards.Add(ValueType.List, deque.Header);
    }

    internal static bool FreeSome(Heap heap, BlockRef root, int max)
    {
        var deque = new PackedDeque(heap, root);
        if (!deque.FreeSome(max / ChunkCost)) return false;
        deque.Free();
        return true;
    }

    internal static long OutsideBytes(Heap heap, in Entry entry)
    {
        Debug.Assert(ReferenceEquals(heap, entry.Heap), "the entry's");
        return IsPacked(entry) ? 0 : Deque(entry).AllocatedBytes;
    }

    /// <summary>Gives a copy of the entry's bytes what the list keeps outside of them, in its own heap.</summary>
    internal static void CopyOutside(in Entry entry, Heap target, in Entry copy)
    {
        if (!IsPacked(entry)) WriteHeader(copy, Deque(entry).CopyTo(target));
    }

    // The steps of the packed form stay apart from those of the deque, which are short and compiled into commands.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Entry Prepare(Unit unit, in Key key, in Entry existing, long textBytes, long count)
    {
        var entry = existing.IsMissing ? Create(unit, key) : existing;
        ReadOnlySpan<byte> listpack = entry.Value;
        ref readonly var limits = ref unit.Keyspace.ListChunks;
        return limits.Allow(listpack.Length + textBytes, Listpack.Count(listpack) + count)
            ? entry
            : ToDeque(unit, key, entry);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Entry PushPacked(Unit unit, in Key key, in Entry entry, ListEnd end, ListpackElement element)
    {
        var grown = Resize(unit, key, entry, entry.ValueLength + Listpack.SizeOf(element));
        if (end == ListEnd.Left) Listpack.Prepend(grown.Value, element);
        else Listpack.Append(grown.Value, element);
        return grown;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool DropPacked(Unit unit, in Key key, in Entry entry, ListEnd end, long count)
    {
        var isAll = count == Length(entry);
        if (isAll) unit.Remove(key, entry);
        else Cut(unit, key, entry, end, count);
        return isAll;
    }

    private static void PackWhenShort(Unit unit, in Key key, in Entry entry, PackedDeque deque)
    {
        if (deque.ChunkCount == 1) PackOneChunk(unit, key, entry, deque);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void PackOneChunk(Unit unit, in Key key, in Entry entry, PackedDeque deque)
    {
        if (!deque.IsOneListpack(out var listpack)) return;
        ref readonly var limits = ref unit.Keyspace.ListChunks;
        if (listpack.Length > limits.MaxBytes / 2 || deque.Count > limits.MaxCount / 2) return;
        var shape = Shape(entry, ListEncoding.Listpack, listpack.Length);
        listpack.CopyTo(unit.Store(key, entry, shape, sizeof(ulong)).Value);
        var discards = unit.PartitionFor(key).Discards;
        if (discards.IsNeeded(deque.Header)) discards.Add(ValueType.List, deque.Header);
        else deque.Free();
    }

    /// <summary>Removes elements at an end, all of them perhaps; the list is made good by what is added to it and
    /// <see cref="AfterRemoving"/>.</summary>
    internal static Entry Cut(Unit unit, in Key key, in Entry entry, ListEnd end, long count)
    {
        if (IsPacked(entry))
        {
            var total = Listpack.DeleteRange(entry.Value, end == ListEnd.Left ? 0 : -count, count);
            return Resize(unit, key, entry, total);
        }

        Cut(Deque(entry), end, count);
        return entry;
    }

    private static void Cut(PackedDeque deque, ListEnd end, long count)
    {
        if (end == ListEnd.Left) deque.DropFirst(count);
        else deque.DropLast(count);
    }

    private static Entry Create(Unit unit, in Key key)
    {
        var shape = new EntryShape(ValueType.List, (int)ListEncoding.Listpack, Listpack.EmptyBytes, -1, 0);
        var entry = unit.Store(key, default, shape);
        Listpack.WriteEmpty(entry.Value);
        return entry;
    }

    private static Entry ToDeque(Unit unit, in Key key, in Entry entry)
    {
        var deque = PackedDeque.Create(entry.Heap, entry.Value);
        var made = unit.Store(key, entry, Shape(entry, ListEncoding.Quicklist, sizeof(ulong)));
        WriteHeader(made, deque);
        return made;
    }

    private static EntryShape Shape(in Entry entry, ListEncoding encoding, int length) =>
        new(ValueType.List, (int)encoding, length, entry.DeadlineMs, 0);

    private static void WriteHeader(in Entry entry, PackedDeque deque) =>
        BinaryPrimitives.WriteUInt64LittleEndian(entry.Value, deque.Header.Value);
}
