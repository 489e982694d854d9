using Millrace.Memory;

namespace Millrace.Engine.Values;

/// <summary>
/// What every type of value can do: free what it owns outside its entry, move or copy to another key, tell its size.
/// </summary>
/// <remarks>The one place that switches over value types; each case is a line that names the type's own file.</remarks>
public static class Value
{
    /// <summary>Frees an entry with everything it owns, or leaves what is large to be freed in slices. It has left its
    /// table before.</summary>
    internal static void Free(Discards discards, in Entry entry)
    {
        FreeOutside(discards, entry);
        discards.Heap.Free(entry.Block);
    }

    /// <summary>Frees what the value owns outside its entry, not the entry itself.</summary>
    internal static void FreeOutside(Discards discards, in Entry entry)
    {
        if (entry.Type == ValueType.String) StringValue.FreeOutside(discards.Heap, entry);
        else if (entry.Type == ValueType.Hash) HashValue.FreeOutside(discards, entry);
        else if (entry.Type == ValueType.List) ListValue.FreeOutside(discards, entry);
        else if (entry.Type == ValueType.Set) SetValue.FreeOutside(discards, entry);
        else if (entry.Type == ValueType.SortedSet) SortedSetValue.FreeOutside(discards, entry);
        else if (entry.Type == ValueType.Stream) StreamValue.FreeOutside(discards, entry);
    }

    /// <summary>Frees a part of a large value that was handed to <see cref="Discards"/>.</summary>
    /// <param name="heap">Where it lives.</param>
    /// <param name="type">Its type.</param>
    /// <param name="root">The block by which its type knows it.</param>
    /// <param name="side">A second block that its type has named, or null.</param>
    /// <param name="max">About how many members.</param>
    /// <returns>True when all of it is freed.</returns>
    internal static bool FreeSome(Heap heap, ValueType type, BlockRef root, BlockRef side, int max) => type switch
    {
        ValueType.Hash => HashValue.FreeSome(heap, root, side, max),
        ValueType.List when side.IsNull => ListValue.FreeSome(heap, root, max),
        ValueType.Set when side.IsNull => SetValue.FreeSome(heap, root, max),
        ValueType.SortedSet => SortedSetValue.FreeSome(heap, root, side, max),
        ValueType.Stream when side.IsNull => StreamValue.FreeSome(heap, root, max),
        _ => throw new ArgumentOutOfRangeException(
            nameof(type), $"A value of this type is freed with its entry: {root}, {heap.BlockCount}, {max}."),
    };

    /// <summary>How many members are enough for an estimate of <see cref="SizeBytes"/> (MEMORY USAGE).</summary>
    public const int UsualSamples = 5;

    /// <summary>Bytes of native memory that an entry takes with everything it owns.</summary>
    /// <param name="heap">Where it lives.</param>
    /// <param name="entry">The entry.</param>
    /// <param name="samples">How many members of a large collection are measured for the sum; 0: all, and the sum is
    /// exact.</param>
    public static long SizeBytes(Heap heap, in Entry entry, long samples = 0) =>
        heap.UsableSize(entry.Block) + entry.Type switch
        {
            ValueType.String => StringValue.OutsideBytes(heap, entry),
            ValueType.Hash => HashValue.OutsideBytes(entry, samples),
            ValueType.List => ListValue.OutsideBytes(heap, entry),
            ValueType.Set => SetValue.OutsideBytes(entry, samples),
            ValueType.SortedSet => SortedSetValue.OutsideBytes(entry, samples),
            ValueType.Stream => StreamValue.OutsideBytes(entry),
            _ => 0,
        };

    /// <summary>The length of a string in bytes, the number of a collection's members, those that are due and not yet
    /// removed included. O(1).</summary>
    public static long SizeOf(in Entry entry) => entry.Type switch
    {
        ValueType.String => StringValue.Length(entry),
        ValueType.List => ListValue.Length(entry),
        ValueType.Set => SetValue.Count(entry),
        ValueType.SortedSet => SortedSetValue.Count(entry),
        ValueType.Hash => HashValue.Count(entry, nowMs: 0),
        _ => 0,
    };

    /// <summary>The encoding's name as <c>OBJECT ENCODING</c> gives it.</summary>
    public static ReadOnlySpan<byte> EncodingName(in Entry entry) => entry.Type switch
    {
        ValueType.String => StringValue.EncodingName(entry),
        ValueType.Hash => HashValue.EncodingName(entry),
        ValueType.List => ListValue.EncodingName(entry),
        ValueType.Set => SetValue.EncodingName(entry),
        ValueType.SortedSet => SortedSetValue.EncodingName(entry),
        ValueType.Stream => "stream"u8,
        _ => "unknown"u8,
    };

    /// <summary>The earliest deadline among the members of a value, or of what a stream knows of producers, or -1.
    /// </summary>
    public static long EarliestMemberMs(in Entry entry) => entry.Type switch
    {
        ValueType.Hash => HashValue.EarliestMs(entry),
        ValueType.Stream => StreamValue.EarliestMs(entry),
        _ => -1,
    };

    /// <summary>The number of members that a value of a type with deadlines has, due ones included.</summary>
    internal static long MemberCount(in Entry entry) =>
        entry.Type == ValueType.Hash ? HashValue.Count(entry, nowMs: 0) : 0;

    /// <summary>Whether nobody may see the key any more: its deadline has passed, or that of every member of its value.
    /// </summary>
    public static bool IsExpired(in Entry entry, long nowMs) =>
        (entry.HasDeadline && entry.DeadlineMs < nowMs) || IsAllDue(entry, nowMs);

    /// <summary>Whether the deadline of every member of its value has passed, so that nothing of it is left.</summary>
    public static bool IsAllDue(in Entry entry, long nowMs) =>
        entry.Type == ValueType.Hash && HashValue.IsAllDue(entry, nowMs);

    /// <summary>Removes members whose time has come, the earliest first; the value may be without members then.
    /// </summary>
    /// <returns>How many were removed.</returns>
    internal static int RemoveDueMembers(
        Unit unit, in Key key, in Entry entry, int max, LatenessHistogram? lateness) => entry.Type switch
        {
            ValueType.Hash => HashValue.RemoveDue(unit, key, entry, max, lateness),
            ValueType.Stream => StreamValue.RemoveDue(unit, key, entry, max),
            _ => 0,
        };

    /// <summary>Ends a series of removals of members; the key goes with the last one.</summary>
    internal static void Settle(Unit unit, in Key key, in Entry entry)
    {
        if (entry.Type == ValueType.Hash) HashValue.Settle(unit, key, entry);
    }

    /// <summary>Whether values of this encoding keep their members in a hash table, to whose header the first 8 bytes
    /// of the value area refer.</summary>
    internal static bool HasTable(ValueType type, int encoding) => type switch
    {
        ValueType.Hash => (HashEncoding)encoding is HashEncoding.Table or HashEncoding.ExpiringTable,
        ValueType.Set => (SetEncoding)encoding == SetEncoding.Table,
        ValueType.SortedSet => (SortedSetEncoding)encoding == SortedSetEncoding.Large,
        _ => false,
    };

    /// <summary>The block by which what a value has outside of its entry is known; null when it has nothing, or is a
    /// string.</summary>
    public static BlockRef RootOf(in Entry entry) => entry.Type switch
    {
        ValueType.Hash when !HashValue.IsPacked(entry) => HashFields.Of(entry, null).Table,
        ValueType.Set when SetValue.EncodingOf(entry) == SetEncoding.Table => SetValue.Table(entry).Header,
        ValueType.SortedSet when SortedSetValue.IsLarge(entry) => LargeSortedSet.TableOf(entry.Value),
        ValueType.List when !ListValue.IsPacked(entry) => ListValue.Deque(entry).Header,
        ValueType.Stream => StreamValue.Log(entry).Header,
        _ => default,
    };

    /// <summary>How full the hash table of a large collection is; false when it is packed or has no table.</summary>
    public static bool TryCountSlots(in Entry entry, out long slots, out long members)
    {
        slots = members = 0;
        return (entry.Type == ValueType.Set && SetValue.TryCountSlots(entry, out slots, out members))
            || (entry.Type == ValueType.Hash && HashValue.TryCountSlots(entry, out slots, out members));
    }

    /// <summary>Adds the value to a digest, as <see cref="DataDigest"/> draws it.</summary>
    internal static void AddTo(ref DataDigest digest, in Entry entry)
    {
        if (entry.Type == ValueType.String) StringValue.AddTo(ref digest, entry);
        else if (entry.Type == ValueType.Set) SetValue.AddTo(ref digest, entry);
        else if (entry.Type == ValueType.Hash) HashValue.AddTo(ref digest, entry);
        else if (entry.Type == ValueType.List) ListValue.AddTo(ref digest, entry);
        else if (entry.Type == ValueType.SortedSet) SortedSetValue.AddTo(ref digest, entry);
        else if (entry.Type == ValueType.Stream) StreamValue.AddTo(ref digest, entry);
    }

    /// <summary>
    /// Makes an entry for <paramref name="to"/> with the value and deadline of <paramref name="entry"/>, which stays as
    /// it is. Without <paramref name="copies"/> memory outside the entry is the new entry's from then on, where both
    /// are in one heap or the value is one block, and the old one is only good for <see cref="FreeTransferred"/>.
    /// </summary>
    internal static Entry Transfer(Unit unit, in Entry entry, Heap heap, in Key to, bool copies)
    {
        var target = unit.PartitionFor(to).Heap;
        var shape = new EntryShape(entry.Type, entry.Encoding, entry.ValueLength, entry.DeadlineMs, 0);
        var made = unit.Store(to, default, shape);
        if (!copies) made = made.WithAccessClock(entry.AccessClock);
        entry.Value.CopyTo(made.Value);
        if (entry.Type == ValueType.String && copies) StringValue.CopyOutside(heap, entry, target, made);
        else if (entry.Type == ValueType.String) StringValue.MoveOutside(heap, entry, target);
        else if (copies || !ReferenceEquals(heap, target)) CopyMembers(unit, entry, target, made);
        var earliest = EarliestMemberMs(made);
        if (earliest >= 0) unit.MoveMemberDeadline(to, -1, earliest);
        return made;
    }

    /// <summary>Frees the old entry after a transfer that did not copy, and what it still owns.</summary>
    internal static void FreeTransferred(Discards discards, in Entry entry, Heap target)
    {
        if (entry.Type != ValueType.String && !ReferenceEquals(discards.Heap, target)) FreeOutside(discards, entry);
        discards.Heap.Free(entry.Block);
    }

    private static void CopyMembers(Unit unit, in Entry entry, Heap target, in Entry copy)
    {
        if (entry.Type == ValueType.Hash) HashValue.CopyOutside(entry, target, copy, unit.Keyspace.Hasher);
        else if (entry.Type == ValueType.List) ListValue.CopyOutside(entry, target, copy);
        else if (entry.Type == ValueType.Set) SetValue.CopyOutside(entry, target, copy, unit.Keyspace.Hasher);
        else if (entry.Type == ValueType.SortedSet)
            SortedSetValue.CopyOutside(entry, target, copy, unit.Keyspace.Hasher);
        else if (entry.Type == ValueType.Stream) StreamValue.CopyOutside(entry, target, copy);
    }
}
