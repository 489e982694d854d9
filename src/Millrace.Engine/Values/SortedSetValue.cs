using System.Diagnostics;
using System.Runtime.InteropServices;
using Millrace.Memory;

namespace Millrace.Engine.Values;

/// <summary>How a sorted set is stored.</summary>
public enum SortedSetEncoding
{
    /// <summary>A listpack in the entry (<see cref="SortedSetPack"/>).</summary>
    Packed = 0,

    /// <summary>A table and a tree (<see cref="LargeSortedSet"/>).</summary>
    Large = 1,
}

/// <summary>
/// Where a member is in a sorted set, or that it is not there. Valid until the set is changed.
/// </summary>
[StructLayout(LayoutKind.Auto)]
public readonly struct SortedSetPlace
{
    internal SortedSetPlace(bool isFound, double score, int at, BlockRef block, ulong hash)
    {
        IsFound = isFound;
        Score = score;
        At = at;
        Block = block;
        Hash = hash;
    }

    /// <summary>Whether the member is there.</summary>
    public bool IsFound { get; }

    /// <summary>Its score.</summary>
    public double Score { get; }

    /// <summary>Packed: its offset in the listpack.</summary>
    internal int At { get; }

    /// <summary>Large: its block.</summary>
    internal BlockRef Block { get; }

    /// <summary>Large: the hash of its text, whether it is there or not.</summary>
    internal ulong Hash { get; }
}

/// <summary>
/// Sorted sets: members with scores, read and changed in either of their two forms.
/// </summary>
/// <remarks>
/// <code>
///   value area   Packed   a listpack: SortedSetPack
///                Large    two references: LargeSortedSet
/// </code>
/// A packed set becomes large, and never packed again, when it would hold more members, or a longer one, than
/// <see cref="EncodingLimits"/> allow. Walks and ranges are in <see cref="SortedSetCursor"/> and
/// <see cref="SortedSetRanges"/>. The names that clients see are Redis's: listpack, skiplist.
/// A change may move the entry; each returns the entry as it is then. A set that has lost its last member is removed
/// with its key, and what is returned is missing.
/// </remarks>
public static class SortedSetValue
{
    /// <summary>Large sets with more members are freed in slices.</summary>
    private const int MaxFreedAtOnce = 64;

    /// <summary>The number of members. O(1).</summary>
    public static long Count(in Entry entry)
    {
        Debug.Assert(entry.Type == ValueType.SortedSet, "sorted sets only");
        return IsLarge(entry)
            ? LargeSortedSet.OrderOf(entry.Heap, entry.Value).Count
            : SortedSetPack.Count(entry.Value);
    }

    /// <summary>Looks a member up. O(1), packed O(members).</summary>
    public static SortedSetPlace Find(Unit unit, in Entry entry, ReadOnlySpan<byte> member)
    {
        if (IsLarge(entry))
        {
            var hash = unit.Keyspace.HashOf(member);
            var block = Large(unit, entry).Find(hash, member);
            return block.IsNull
                ? new SortedSetPlace(false, 0, -1, block, hash)
                : new SortedSetPlace(true, ScoredMember.Score(entry.Heap, block), -1, block, hash);
        }

        var pack = entry.Value;
        var at = SortedSetPack.Find(pack, member);
        return at < 0 ? default : new SortedSetPlace(true, SortedSetPack.ScoreAt(pack, at), at, default, 0);
    }

    /// <summary>The rank of a member that was found, from 0 at the lowest score. O(log n), packed O(members).</summary>
    public static long RankOf(in Entry entry, in SortedSetPlace place) =>
        IsLarge(entry)
            ? LargeSortedSet.OrderOf(entry.Heap, entry.Value).RankOf(place.Score, place.Block)
            : SortedSetPack.RankOf(entry.Value, place.At);

    /// <summary>The text of a member that a walk met. Requires: the set was not changed since.</summary>
    /// <param name="entry">The set's entry.</param>
    /// <param name="mark">The member.</param>
    /// <param name="scratch">At least 20 bytes, for members that are stored as integers.</param>
    /// <returns>A view of the set, or of <paramref name="scratch"/>.</returns>
    public static ReadOnlySpan<byte> TextOf(in Entry entry, SortedSetMark mark, Span<byte> scratch) =>
        IsLarge(entry)
            ? ScoredMember.Text(entry.Heap, BlockRef.FromValue(mark.Value))
            : Listpack.Get(entry.Value, (int)mark.Value).Text(scratch);

    /// <summary>The score of a member that a walk met. Requires: the set was not changed since.</summary>
    public static double ScoreOf(in Entry entry, SortedSetMark mark) =>
        IsLarge(entry)
            ? ScoredMember.Score(entry.Heap, BlockRef.FromValue(mark.Value))
            : SortedSetPack.ScoreAt(entry.Value, (int)mark.Value);

    /// <summary>Makes a key hold a sorted set without members, to which some must be added before the unit
    /// ends.</summary>
    /// <param name="unit">The unit.</param>
    /// <param name="key">The key.</param>
    /// <param name="existing">What it holds, which is given up.</param>
    /// <param name="members">How many members are expected.</param>
    /// <param name="memberBytes">The length of one of them.</param>
    public static Entry Create(Unit unit, in Key key, in Entry existing, long members, int memberBytes)
    {
        var limits = unit.Keyspace.Encodings;
        if (members > limits.SortedSetEntries || memberBytes > limits.SortedSetValueBytes)
        {
            var large = LargeSortedSet.Create(unit.PartitionFor(key).Heap, unit.Keyspace.Hasher);
            var made = unit.Store(key, existing, LargeShape(-1));
            large.WriteTo(made.Value);
            return made;
        }

        var packed = unit.Store(key, existing, PackedShape(Listpack.EmptyBytes, -1));
        Listpack.WriteEmpty(packed.Value);
        return packed;
    }

    /// <summary>Says that so many members are going to be added: a packed set that could not hold as many becomes
    /// large.</summary>
    public static Entry Expect(Unit unit, in Key key, in Entry entry, long members) =>
        IsLarge(entry) || members <= unit.Keyspace.Encodings.SortedSetEntries ? entry : Convert(unit, key, entry);

    /// <summary>Adds a member that was not found.</summary>
    /// <param name="unit">The unit.</param>
    /// <param name="key">The set's key.</param>
    /// <param name="entry">The set's entry.</param>
    /// <param name="place">What <see cref="Find"/> said of the member.</param>
    /// <param name="member">The member; must not be a view of the entry.</param>
    /// <param name="score">The score, a number.</param>
    public static Entry Add(
        Unit unit, in Key key, in Entry entry, in SortedSetPlace place, ReadOnlySpan<byte> member, double score)
    {
        Debug.Assert(!place.IsFound, "members are added once");
        if (IsLarge(entry))
        {
            Large(unit, entry).Add(place.Hash, member, score);
            return entry;
        }

        var size = SortedSetPack.SizeOf(member, score);
        if (!IsPackable(unit, entry, member.Length, size))
        {
            var converted = Convert(unit, key, entry);
            Large(unit, converted).Add(unit.Keyspace.HashOf(member), member, score);
            return converted;
        }

        var total = entry.ValueLength;
        var grown = unit.Store(key, entry, PackedShape(total + size, entry.DeadlineMs), total);
        SortedSetPack.Insert(grown.Value, member, score);
        return grown;
    }

    /// <summary>Gives a member that was found another score.</summary>
    /// <param name="unit">The unit.</param>
    /// <param name="key">The set's key.</param>
    /// <param name="entry">The set's entry.</param>
    /// <param name="place">What <see cref="Find"/> said of the member.</param>
    /// <param name="member">The member; must not be a view of the entry.</param>
    /// <param name="score">The score, a number.</param>
    public static Entry SetScore(
        Unit unit, in Key key, in Entry entry, in SortedSetPlace place, ReadOnlySpan<byte> member, double score)
    {
        if (IsLarge(entry))
        {
            Large(unit, entry).SetScore(place.Block, score);
            return entry;
        }

        var size = SortedSetPack.SizeOf(member, score);
        if ((long)entry.ValueLength + size > EncodingLimits.MaxPackedBytes)
        {
            var converted = Convert(unit, key, entry);
            Large(unit, converted).SetScore(Find(unit, converted, member).Block, score);
            return converted;
        }

        var rest = Listpack.Delete(entry.Value, place.At, 2);
        var total = rest + size;
        var changed = total == entry.ValueLength
            ? entry
            : unit.Store(key, entry, PackedShape(total, entry.DeadlineMs), rest);
        SortedSetPack.Insert(changed.Value, member, score);
        return changed;
    }

    /// <summary>Removes a member that was found.</summary>
    public static Entry Remove(Unit unit, in Key key, in Entry entry, in SortedSetPlace place)
    {
        if (!IsLarge(entry)) return Shrink(unit, key, entry, Listpack.Delete(entry.Value, place.At, 2));
        var large = Large(unit, entry);
        large.Remove(place.Hash, place.Block);
        return WithoutEmpty(unit, key, entry, large.Count);
    }

    /// <summary>Removes members from a rank on. Requires: there are so many. O(log n + count).</summary>
    public static Entry RemoveRange(Unit unit, in Key key, in Entry entry, RankRange range)
    {
        if (range.IsEmpty) return entry;
        if (!IsLarge(entry))
            return Shrink(unit, key, entry, Listpack.DeleteRange(entry.Value, range.First * 2, range.Count * 2));
        var large = Large(unit, entry);
        large.RemoveRange(unit.Keyspace.Hasher, range.First, range.Count);
        return WithoutEmpty(unit, key, entry, large.Count);
    }

    /// <summary>Whether it is large.</summary>
    internal static bool IsLarge(in Entry entry) => (SortedSetEncoding)entry.Encoding == SortedSetEncoding.Large;

    /// <summary>The encoding's name: listpack or skiplist.</summary>
    internal static ReadOnlySpan<byte> EncodingName(in Entry entry) => IsLarge(entry) ? "skiplist"u8 : "listpack"u8;

    internal static void AddTo(ref DataDigest digest, in Entry entry)
    {
        Span<byte> scratch = stackalloc byte[ListpackElement.MaxIntegerBytes];
        for (var cursor = SortedSetCursor.At(entry, 0); cursor.IsValid; cursor.Next())
        {
            var one = default(DataDigest);
            one.Mix(cursor.Text(scratch));
            one.Mix(cursor.Score);
            digest.Xor(one.Bytes);
        }
    }

    internal static void FreeOutside(Discards discards, in Entry entry)
    {
        if (!IsLarge(entry)) return;
        var large = new LargeSortedSet(discards.Heap, NoHasher, entry.Value);
        Discard(discards, large);
    }

    /// <summary>Frees a set that no entry refers to, or leaves it to be freed in slices.</summary>
    internal static void Discard(Discards discards, in LargeSortedSet large)
    {
        if (large.Count > MaxFreedAtOnce || large.IsBeingSaved || !large.FreeSome(int.MaxValue))
            discards.Add(ValueType.SortedSet, large.TableHeader, large.Order.Header);
    }

    internal static bool FreeSome(Heap heap, BlockRef table, BlockRef tree, int max) =>
        new LargeSortedSet(heap, NoHasher, table, tree).FreeSome(max);

    internal static long OutsideBytes(in Entry entry, long samples) =>
        IsLarge(entry) ? new LargeSortedSet(entry.Heap, NoHasher, entry.Value).AllocatedBytes(samples) : 0;

    internal static void CopyOutside(in Entry entry, Heap target, in Entry copy, KeyHasher hasher)
    {
        if (!IsLarge(entry)) return;
        new LargeSortedSet(entry.Heap, hasher, entry.Value).CopyTo(target, hasher).WriteTo(copy.Value);
    }

    /// <summary>Whether a packed set may hold so many members and bytes, the longest member being this long.</summary>
    internal static bool IsPackable(EncodingLimits limits, long members, long memberBytes, long totalBytes) =>
        members <= limits.SortedSetEntries && memberBytes <= limits.SortedSetValueBytes
        && totalBytes <= EncodingLimits.MaxPackedBytes;

    internal static EntryShape PackedShape(int bytes, long deadlineMs) =>
        new(ValueType.SortedSet, (int)SortedSetEncoding.Packed, bytes, deadlineMs, 0);

    internal static EntryShape LargeShape(long deadlineMs) =>
        new(ValueType.SortedSet, (int)SortedSetEncoding.Large, LargeSortedSet.ValueBytes, deadlineMs, 0);

    // Whoever counts or frees hashes nothing.
    private static KeyHasher NoHasher => null!;

    private static LargeSortedSet Large(Unit unit, in Entry entry) =>
        new(entry.Heap, unit.Keyspace.Hasher, entry.Value);

    private static bool IsPackable(Unit unit, in Entry entry, int memberBytes, int addedBytes)
    {
        var members = SortedSetPack.Count(entry.Value) + 1L;
        return IsPackable(unit.Keyspace.Encodings, members, memberBytes, (long)entry.ValueLength + addedBytes);
    }

    private static Entry Convert(Unit unit, in Key key, in Entry entry)
    {
        var hasher = unit.Keyspace.Hasher;
        var large = LargeSortedSet.Create(entry.Heap, hasher);
        Span<byte> scratch = stackalloc byte[SortedSetPack.ScratchBytes];
        for (var cursor = SortedSetCursor.At(entry, 0); cursor.IsValid; cursor.Next())
        {
            var text = cursor.Text(scratch);
            large.Add(hasher.Hash(text), text, cursor.Score);
        }

        var converted = unit.Store(key, entry, LargeShape(entry.DeadlineMs));
        large.WriteTo(converted.Value);
        return converted;
    }

    // The listpack has become shorter, and the entry becomes so too.
    private static Entry Shrink(Unit unit, in Key key, in Entry entry, int total)
    {
        if (total > Listpack.EmptyBytes)
            return unit.Store(key, entry, PackedShape(total, entry.DeadlineMs), total);
        unit.Remove(key, entry);
        return default;
    }

    private static Entry WithoutEmpty(Unit unit, in Key key, in Entry entry, long count)
    {
        if (count > 0) return entry;
        unit.Remove(key, entry);
        return default;
    }
}
