using System.Diagnostics;
using Millrace.Memory;

namespace Millrace.Engine.Values;

/// <summary>How a hash is stored.</summary>
public enum HashEncoding
{
    /// <summary>A listpack of names and values in the entry.</summary>
    Packed = 0,

    /// <summary>A table of blocks, one per field.</summary>
    Table = 1,

    /// <summary>A listpack of names, values and deadlines in the entry.</summary>
    ExpiringPacked = 2,

    /// <summary>A table of blocks, and an index of deadlines.</summary>
    ExpiringTable = 3,
}

/// <summary>
/// Hashes: how their fields are found, changed and removed, whichever of the four forms they are stored in.
/// </summary>
/// <remarks>
/// <code>
///                    first deadline
///       Packed  ------------------------>  ExpiringPacked       OBJECT ENCODING: listpack, listpackex
///         |                                      |
///         | too many fields, or too long         |
///         v                                      v
///       Table   ------------------------>  ExpiringTable        OBJECT ENCODING: hashtable
///                    first deadline
/// </code>
/// No arrow leads back. Packed forms are <see cref="PackedHash"/>, large ones <see cref="HashFields"/>; both tell their
/// layout. A field whose deadline has passed is never shown, counted or changed here; it is removed by
/// <see cref="RemoveDue"/>, which the unit calls when it meets the key or when active expiry does.
/// Invariant: the key is in its table's index of members' deadlines, under <see cref="EarliestMs"/>, exactly when that
/// is not -1. A series of changes ends with <see cref="Settle"/>.
/// </remarks>
public static class HashValue
{
    /// <summary>The most bytes that a name and its value may take together.</summary>
    public const int MaxPairBytes = int.MaxValue - (4 * 1024 * 1024);

    /// <summary>In the place of a deadline: the field's own stays.</summary>
    public const long KeepsDeadline = -2;

    /// <summary>Up to so many fields are freed at once.</summary>
    private const int MaxFreedAtOnce = 64;

    /// <summary>Whether a name and a value are short enough to be stored.</summary>
    public static bool Fits(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value) =>
        (long)name.Length + value.Length <= MaxPairBytes;

    /// <summary>The number of fields. O(1), and O(fields that are due and not yet removed).</summary>
    public static long Count(in Entry entry, long nowMs)
    {
        switch (EncodingOf(entry))
        {
            case HashEncoding.Packed:
                return Listpack.Count(entry.Value) / 2;
            case HashEncoding.ExpiringPacked:
                return (Listpack.Count(entry.Value) / 3) - PackedHash.CountDue(entry.Value, nowMs);
            default:
                var fields = HashFields.Of(entry, null);
                return fields.Count - fields.CountDue(nowMs);
        }
    }

    /// <summary>Finds a field.</summary>
    /// <param name="unit">The unit that holds the key.</param>
    /// <param name="entry">The hash.</param>
    /// <param name="name">The field's name.</param>
    /// <param name="item">The field; valid until the next write to the partition.</param>
    public static bool TryFind(Unit unit, in Entry entry, ReadOnlySpan<byte> name, out HashItem item)
    {
        item = default;
        if (IsPacked(entry))
        {
            var width = WidthOf(entry);
            var listpack = entry.Value;
            var at = PackedHash.Find(listpack, width, name);
            if (at < 0) return false;
            item = PackedHash.Take(listpack, width, ref at);
        }
        else
        {
            if (!HashFields.Of(entry, null).TryFind(unit.Keyspace.HashOf(name), name, out var field)) return false;
            item = HashItem.Of(field);
        }

        return !item.IsDue(unit.DueMs);
    }

    /// <summary>Visits every field once. O(fields).</summary>
    public static void Walk<TVisitor>(in Entry entry, long nowMs, ref TVisitor visitor)
        where TVisitor : struct, IHashVisitor, allows ref struct
    {
        if (!IsPacked(entry))
        {
            var cursor = 0UL;
            do cursor = Scan(entry, nowMs, cursor, ref visitor);
            while (cursor != 0);
            return;
        }

        var width = WidthOf(entry);
        var listpack = entry.Value;
        for (var at = Listpack.First(listpack); at >= 0;)
        {
            var item = PackedHash.Take(listpack, width, ref at);
            if (!item.IsDue(nowMs)) visitor.Visit(item);
        }
    }

    /// <summary>Visits some fields of a large hash, with the promises of <see cref="HashTable{TLayout}.Scan"/>.
    /// </summary>
    /// <returns>The next cursor, 0 at the end.</returns>
    public static ulong Scan<TVisitor>(in Entry entry, long nowMs, ulong cursor, ref TVisitor visitor)
        where TVisitor : struct, IHashVisitor, allows ref struct
    {
        var walk = new FieldWalk<TVisitor> { Heap = entry.Heap, NowMs = nowMs, Visitor = visitor };
        cursor = HashFields.Of(entry, null).Scan(cursor, ref walk);
        visitor = walk.Visitor;
        return cursor;
    }

    /// <summary>A field of a large hash chosen at random, each with the same chance; false when the one that was met is
    /// due. Requires: not packed.</summary>
    public static bool TryRandom(in Entry entry, ulong random, long nowMs, out HashItem item)
    {
        var field = HashFields.Of(entry, null).Random(random);
        item = HashItem.Of(field);
        return !field.IsDue(nowMs);
    }

    /// <summary>The field at a <see cref="HashItem.Place"/>.</summary>
    public static HashItem ItemAt(in Entry entry, ulong place) =>
        IsPacked(entry)
            ? ItemOf(entry, (int)place)
            : HashItem.Of(new HashField(entry.Heap, BlockRef.FromValue(place)));

    /// <summary>Whether the fields are in the entry itself.</summary>
    public static bool IsPacked(in Entry entry) =>
        EncodingOf(entry) is HashEncoding.Packed or HashEncoding.ExpiringPacked;

    /// <summary>
    /// Makes a hash ready to receive some fields: makes it when it is missing, and gives it its large form at once when
    /// it will need that.
    /// </summary>
    /// <param name="unit">The unit that holds the key.</param>
    /// <param name="key">The key.</param>
    /// <param name="entry">The hash, or missing.</param>
    /// <param name="fields">How many fields come.</param>
    /// <param name="longest">The length of the longest name or value among them.</param>
    /// <param name="packedBytes">What they would take in a listpack.</param>
    public static Entry Prepare(Unit unit, in Key key, in Entry entry, long fields, int longest, long packedBytes)
    {
        var limits = unit.Keyspace.Encodings;
        var isLarge = longest > limits.HashValueBytes || fields > limits.HashEntries;
        if (entry.IsMissing)
        {
            isLarge |= packedBytes > EncodingLimits.MaxPackedBytes - Listpack.EmptyBytes;
            return isLarge ? CreateTable(unit, key) : CreatePacked(unit, key, (int)packedBytes);
        }

        if (!IsPacked(entry)) return entry;
        isLarge |= Listpack.TotalBytes(entry.Value) + packedBytes > EncodingLimits.MaxPackedBytes;
        return isLarge ? ToTable(unit, key, entry) : entry;
    }

    /// <summary>Sets a field; the hash is made when it is missing.</summary>
    /// <param name="unit">The unit that holds the key.</param>
    /// <param name="key">The key.</param>
    /// <param name="entry">The hash, or missing.</param>
    /// <param name="name">The field's name. Name and value fit (<see cref="Fits"/>) and are not views of the
    /// partition.</param>
    /// <param name="value">The value.</param>
    /// <param name="deadlineMs">When the field expires in Unix milliseconds, later than now; -1 or
    /// <see cref="KeepsDeadline"/>.</param>
    /// <param name="isNew">Whether there was no such field.</param>
    /// <returns>The hash, to be settled.</returns>
    public static Entry Set(
        Unit unit,
        in Key key,
        in Entry entry,
        ReadOnlySpan<byte> name,
        ReadOnlySpan<byte> value,
        long deadlineMs,
        out bool isNew)
    {
        var hash = entry;
        if (hash.IsMissing || IsPacked(hash))
        {
            var size = hash.IsMissing
                ? (long)Listpack.SizeOf(name) + Listpack.SizeOf(value)
                : (long)name.Length + value.Length + (2 * Listpack.MaxIntegerSize);
            hash = Prepare(unit, key, hash, 1, Math.Max(name.Length, value.Length), size);
        }

        if (deadlineMs >= 0) hash = WithDeadlines(unit, key, hash);
        var before = EarliestMs(hash);
        if (IsPacked(hash))
        {
            hash = SetPacked(unit, key, hash, name, value, deadlineMs, out isNew);
            NoteEarliest(unit, key, hash, before);
            var isFull = isNew && Listpack.Count(hash.Value) / WidthOf(hash) > unit.Keyspace.Encodings.HashEntries;
            return isFull ? ToTable(unit, key, hash) : hash;
        }

        SetInTable(unit, hash, name, value, deadlineMs, out isNew);
        return NoteEarliest(unit, key, hash, before);
    }

    /// <summary>Removes a field; the hash has to be settled.</summary>
    /// <returns>Whether there was such a field.</returns>
    public static bool Remove(Unit unit, in Key key, in Entry entry, ReadOnlySpan<byte> name)
    {
        var before = EarliestMs(entry);
        if (IsPacked(entry))
        {
            var width = WidthOf(entry);
            var at = PackedHash.Find(entry.Value, width, name);
            if (at < 0 || ItemOf(entry, at).IsDue(unit.DueMs)) return false;
            PackedHash.RemoveAt(entry, width, at);
        }
        else
        {
            var fields = FieldsOf(unit, entry);
            var hash = unit.Keyspace.HashOf(name);
            if (!fields.TryFind(hash, name, out var field) || field.IsDue(unit.DueMs)) return false;
            fields.Remove(hash, field);
        }

        NoteEarliest(unit, key, entry, before);
        return true;
    }

    /// <summary>Gives a field another deadline (-1: none); the hash has to be settled.</summary>
    /// <returns>The hash. Nothing happens when there is no such field.</returns>
    public static Entry SetDeadline(Unit unit, in Key key, in Entry entry, ReadOnlySpan<byte> name, long deadlineMs)
    {
        if (deadlineMs < 0 && !HasDeadlines(entry)) return entry;
        var hash = WithDeadlines(unit, key, entry);
        var before = EarliestMs(hash);
        if (IsPacked(hash))
        {
            var at = PackedHash.Find(hash.Value, width: 3, name);
            if (at >= 0) hash = PackedHash.SetDeadline(unit, key, hash, at, deadlineMs);
        }
        else
        {
            var nameHash = unit.Keyspace.HashOf(name);
            var fields = FieldsOf(unit, hash);
            if (fields.TryFind(nameHash, name, out var field)) fields.SetDeadline(nameHash, field, deadlineMs);
        }

        return NoteEarliest(unit, key, hash, before);
    }

    /// <summary>Ends a series of changes: gives back room that is not needed, and removes the key when no field is
    /// left.</summary>
    /// <returns>False when the key is gone.</returns>
    public static bool Settle(Unit unit, in Key key, in Entry entry)
    {
        if (IsEmpty(entry))
        {
            unit.Remove(key, entry);
            return false;
        }

        if (IsPacked(entry)) PackedHash.Fit(unit, key, entry);
        return true;
    }

    /// <summary>The encoding's name: listpack, listpackex or hashtable.</summary>
    internal static ReadOnlySpan<byte> EncodingName(in Entry entry) => EncodingOf(entry) switch
    {
        HashEncoding.Packed => "listpack"u8,
        HashEncoding.ExpiringPacked => "listpackex"u8,
        _ => "hashtable"u8,
    };

    /// <summary>Whether fields may have deadlines.</summary>
    internal static bool HasDeadlines(in Entry entry) =>
        EncodingOf(entry) is HashEncoding.ExpiringPacked or HashEncoding.ExpiringTable;

    /// <summary>The earliest deadline of a field, or -1. O(1).</summary>
    internal static long EarliestMs(in Entry entry) => EncodingOf(entry) switch
    {
        HashEncoding.ExpiringPacked => PackedHash.EarliestMs(entry.Value),
        HashEncoding.ExpiringTable => HashFields.Of(entry, null).EarliestMs,
        _ => -1,
    };

    /// <summary>Whether every field has a deadline that has passed.</summary>
    internal static bool IsAllDue(in Entry entry, long nowMs) => EncodingOf(entry) switch
    {
        HashEncoding.ExpiringPacked => PackedHash.IsAllDue(entry.Value, nowMs),
        HashEncoding.ExpiringTable => HashFields.Of(entry, null).IsAllDue(nowMs),
        _ => false,
    };

    /// <summary>
    /// Removes fields whose time has come, the earliest first, and remembers their names where effects are recorded.
    /// The hash has to be settled.
    /// </summary>
    /// <returns>How many were removed.</returns>
    internal static int RemoveDue(Unit unit, in Key key, in Entry entry, int max, LatenessHistogram? lateness)
    {
        var before = EarliestMs(entry);
        var removed = 0;
        if (IsPacked(entry))
        {
            Span<byte> digits = stackalloc byte[ListpackElement.MaxIntegerBytes];
            for (; removed < max && before >= 0; removed++)
            {
                var at = Listpack.First(entry.Value);
                if (at < 0) break;
                var item = ItemOf(entry, at);
                if (!item.IsDue(unit.DueMs)) break;
                unit.NoteRemovedMember(key, item.Name.Text(digits), item.DeadlineMs, lateness);
                PackedHash.RemoveAt(entry, width: 3, at);
            }
        }
        else
        {
            var fields = FieldsOf(unit, entry);
            for (; removed < max && fields.TryFirstDue(unit.DueMs, out var hash, out var field); removed++)
            {
                unit.NoteRemovedMember(key, field.Name, field.DeadlineMs, lateness);
                fields.Remove(hash, field);
            }
        }

        NoteEarliest(unit, key, entry, before);
        if (removed > 0) unit.Notify(NotifyClasses.Hash, "hexpired"u8, key, IsEmpty(entry));
        return removed;
    }

    /// <summary>Frees the fields of a large hash, or leaves them to be freed in slices.</summary>
    internal static void AddTo(ref DataDigest digest, in Entry entry)
    {
        var fields = new FieldDigests { Digest = digest };
        Walk(entry, long.MinValue, ref fields);
        digest = fields.Digest;
    }

    internal static bool TryCountSlots(in Entry entry, out long slots, out long members)
    {
        slots = members = 0;
        if (IsPacked(entry)) return false;
        var fields = HashFields.Of(entry, null);
        (slots, members) = (fields.SlotCount, fields.Count);
        return true;
    }

    internal static void FreeOutside(Discards discards, in Entry entry)
    {
        if (IsPacked(entry)) return;
        var fields = HashFields.Of(entry, null);
        if (fields.Count <= MaxFreedAtOnce && !fields.IsBeingSaved) fields.FreeSome(int.MaxValue);
        else discards.Add(ValueType.Hash, fields.Table, fields.Index);
    }

    /// <summary>Frees a part of what was discarded; true when all of it is freed.</summary>
    internal static bool FreeSome(Heap heap, BlockRef table, BlockRef index, int max) =>
        new HashFields(heap, null, table, index).FreeSome(max);

    /// <summary>Exact bytes outside of the entry, or those that so many sampled fields suggest (0: all are
    /// measured).</summary>
    internal static long OutsideBytes(in Entry entry, long samples) =>
        IsPacked(entry) ? 0 : HashFields.Of(entry, null).SizeBytes(samples);

    /// <summary>Gives the copy of an entry fields of its own.</summary>
    internal static void CopyOutside(in Entry entry, Heap target, in Entry copy, KeyHasher hasher)
    {
        if (!IsPacked(entry)) HashFields.Of(entry, null).CopyTo(target, hasher).WriteTo(copy.Value);
    }

    private static bool IsEmpty(in Entry entry) =>
        IsPacked(entry) ? Listpack.IsEmpty(entry.Value) : HashFields.Of(entry, null).Count == 0;

    private static HashEncoding EncodingOf(in Entry entry)
    {
        Debug.Assert(entry.Type == ValueType.Hash, "hashes only");
        return (HashEncoding)entry.Encoding;
    }

    private static int WidthOf(in Entry entry) => PackedHash.WidthOf(HasDeadlines(entry));

    private static HashItem ItemOf(in Entry entry, int at) => PackedHash.Take(entry.Value, WidthOf(entry), ref at);

    private static HashFields FieldsOf(Unit unit, in Entry entry) => HashFields.Of(entry, unit.Keyspace.Hasher);

    private static Entry CreatePacked(Unit unit, in Key key, int roomBytes)
    {
        var length = Listpack.EmptyBytes + roomBytes;
        var entry = unit.Store(key, default, new EntryShape(ValueType.Hash, (int)HashEncoding.Packed, length, -1, 0));
        Listpack.WriteEmpty(entry.Value);
        return entry;
    }

    private static Entry CreateTable(Unit unit, in Key key)
    {
        var fields = HashFields.Create(unit.PartitionFor(key).Heap, unit.Keyspace.Hasher, hasIndex: false);
        return StoreFields(unit, key, default, fields, hasIndex: false);
    }

    private static Entry StoreFields(Unit unit, in Key key, in Entry entry, in HashFields fields, bool hasIndex)
    {
        var encoding = hasIndex ? HashEncoding.ExpiringTable : HashEncoding.Table;
        var deadline = entry.IsMissing ? -1 : entry.DeadlineMs;
        var shape = new EntryShape(ValueType.Hash, (int)encoding, HashFields.AreaBytes(hasIndex), deadline, 0);
        var keeps = entry.IsMissing || IsPacked(entry) ? 0 : entry.ValueLength;
        var made = unit.Store(key, entry, shape, keeps);
        fields.WriteTo(made.Value);
        return made;
    }

    // The unit takes a key whose value area is given up out of the index of members' deadlines: it is put back.
    private static Entry ToTable(Unit unit, in Key key, in Entry entry)
    {
        var hasIndex = HasDeadlines(entry);
        var fields = HashFields.Create(entry.Heap, unit.Keyspace.Hasher, hasIndex);
        var filler = new Filler(fields, unit.Keyspace);
        var width = WidthOf(entry);
        var listpack = entry.Value;
        for (var at = Listpack.First(listpack); at >= 0;) filler.Add(PackedHash.Take(listpack, width, ref at));
        var made = StoreFields(unit, key, entry, fields, hasIndex);
        return NoteEarliest(unit, key, made, -1);
    }

    // A packed hash in which not every field, and one more, can have a deadline becomes a table.
    private static Entry WithDeadlines(Unit unit, in Key key, in Entry entry)
    {
        var hash = entry;
        if (IsPacked(hash))
        {
            var deadlines = (Listpack.Count(hash.Value) / WidthOf(hash)) + 1L;
            var mayGrow = hash.ValueLength + (deadlines * Listpack.MaxIntegerSize) <= EncodingLimits.MaxPackedBytes;
            if (!mayGrow) hash = ToTable(unit, key, hash);
        }

        if (HasDeadlines(hash)) return hash;
        if (IsPacked(hash)) return PackedHash.WithDeadlines(unit, key, hash, (int)HashEncoding.ExpiringPacked);
        var hasher = unit.Keyspace.Hasher;
        return StoreFields(unit, key, hash, HashFields.Of(hash, hasher).WithIndex(hasher), hasIndex: true);
    }

    private static Entry SetPacked(
        Unit unit,
        in Key key,
        in Entry entry,
        ReadOnlySpan<byte> name,
        ReadOnlySpan<byte> value,
        long deadlineMs,
        out bool isNew)
    {
        var width = WidthOf(entry);
        var at = PackedHash.Find(entry.Value, width, name);
        isNew = at < 0;
        if (at >= 0 && width == 2) return PackedHash.SetValue(unit, key, entry, at, value);
        if (at >= 0)
        {
            var item = ItemOf(entry, at);
            isNew = item.IsDue(unit.DueMs);
            var keeps = deadlineMs == KeepsDeadline && !isNew;
            if (keeps || item.DeadlineMs == deadlineMs) return PackedHash.SetValue(unit, key, entry, at, value);
            PackedHash.RemoveAt(entry, width, at);
        }

        return PackedHash.Add(unit, key, entry, width, name, value, Math.Max(deadlineMs, -1));
    }

    private static void SetInTable(
        Unit unit,
        in Entry entry,
        ReadOnlySpan<byte> name,
        ReadOnlySpan<byte> value,
        long deadlineMs,
        out bool isNew)
    {
        var fields = FieldsOf(unit, entry);
        var hash = unit.Keyspace.HashOf(name);
        if (!fields.TryFind(hash, name, out var field))
        {
            isNew = true;
            fields.Add(hash, name, value, Math.Max(deadlineMs, -1));
            return;
        }

        isNew = field.IsDue(unit.DueMs);
        var keeps = deadlineMs == KeepsDeadline && !isNew;
        fields.Replace(hash, field, name, value, keeps ? field.DeadlineMs : Math.Max(deadlineMs, -1));
    }

    // Tells the unit when the earliest deadline has changed.
    private static Entry NoteEarliest(Unit unit, in Key key, in Entry entry, long before)
    {
        var after = EarliestMs(entry);
        if (after != before) unit.MoveMemberDeadline(key, before, after);
        return entry;
    }

    // Moves fields from a listpack to a table.
    private readonly struct Filler(HashFields fields, Keyspace keyspace)
    {
        public void Add(scoped in HashItem item)
        {
            Span<byte> nameDigits = stackalloc byte[ListpackElement.MaxIntegerBytes];
            Span<byte> valueDigits = stackalloc byte[ListpackElement.MaxIntegerBytes];
            var name = item.Name.Text(nameDigits);
            fields.Add(keyspace.HashOf(name), name, item.Value.Text(valueDigits), item.DeadlineMs);
        }
    }

    private ref struct FieldWalk<TVisitor> : IEntryVisitor
        where TVisitor : struct, IHashVisitor, allows ref struct
    {
        public Heap Heap;
        public long NowMs;
        public TVisitor Visitor;

        public void Visit(BlockRef entry)
        {
            var field = new HashField(Heap, entry);
            if (!field.IsDue(NowMs)) Visitor.Visit(HashItem.Of(field));
        }
    }

    private struct FieldDigests : IHashVisitor
    {
        internal DataDigest Digest;

        public void Visit(scoped in HashItem item)
        {
            var one = default(DataDigest);
            one.Mix(item.Name);
            one.Mix(item.Value);
            Digest.Xor(one.Bytes);
        }
    }
}
