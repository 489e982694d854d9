using Millrace.Memory;

namespace Millrace.Engine;

/// <summary>
/// What one partition holds of one database: the entries by key, and their deadlines and those of their members in
/// order.
/// </summary>
/// <remarks>
/// A database is only a name for such tables, so FLUSHDB and SWAPDB exchange table objects and leave the old ones to be
/// freed in slices. Used under the partition's lock.
/// Invariants: an entry has a deadline exactly when <c>(deadline, hash)</c> is in the index of deadlines; members of
/// its value have some exactly when <c>(the earliest, hash of the key)</c> is in the index of members' deadlines.
/// </remarks>
public sealed class KeyTable
{
    private readonly Heap _heap;
    private WideSum _deadlineSumMs;

    /// <summary>An empty table in <paramref name="heap"/>.</summary>
    public KeyTable(Heap heap, KeyHasher hasher)
    {
        _heap = heap;
        Entries = HashTable<EntryLayout>.Create(heap, hasher);
        Deadlines = OrderedIndex.Create(heap);
        MemberDeadlines = OrderedIndex.Create(heap);
    }

    /// <summary>The entries by hash of their key.</summary>
    public HashTable<EntryLayout> Entries { get; }

    /// <summary>(deadline in Unix ms, hash of the key), ascending.</summary>
    public OrderedIndex Deadlines { get; }

    /// <summary>(earliest deadline of a key's members in Unix ms, hash of the key), ascending.</summary>
    public OrderedIndex MemberDeadlines { get; }

    /// <summary>The sum of all deadlines: with <see cref="DeadlineCount"/> it gives their exact average at any
    /// time.</summary>
    public WideSum DeadlineSumMs => _deadlineSumMs;

    /// <summary>The number of keys, expired ones that nobody has met yet included.</summary>
    public long Count => Entries.Count;

    /// <summary>The number of keys with a deadline.</summary>
    public long DeadlineCount => Deadlines.Count;

    /// <summary>The entry of <paramref name="key"/>, expired or not; missing when there is none.</summary>
    public Entry Find(ulong hash, ReadOnlySpan<byte> key)
    {
        var probe = new KeyProbe(key);
        return new Entry(_heap, Entries.Find(hash, ref probe));
    }

    /// <summary>The entry with this hash that expires at <paramref name="deadlineMs"/>.</summary>
    public Entry FindDue(ulong hash, long deadlineMs)
    {
        var probe = new DeadlineProbe(deadlineMs);
        return new Entry(_heap, Entries.Find(hash, ref probe));
    }

    /// <summary>The entry with this hash whose first member expires at <paramref name="deadlineMs"/>.</summary>
    public Entry FindMemberDue(ulong hash, long deadlineMs)
    {
        var probe = new MemberDeadlineProbe(deadlineMs);
        return new Entry(_heap, Entries.Find(hash, ref probe));
    }

    /// <summary>Notes that the earliest deadline among the members of a key has become another (-1: none).</summary>
    public void MoveMemberDeadline(ulong hash, long before, long after)
    {
        if (before >= 0) MemberDeadlines.Remove((ulong)before, hash);
        if (after >= 0) MemberDeadlines.Insert((ulong)after, hash);
    }

    /// <summary>Notes that the key of a hash has a deadline. Requires: not negative.</summary>
    public void AddDeadline(ulong hash, long deadlineMs)
    {
        if (Deadlines.Insert((ulong)deadlineMs, hash)) _deadlineSumMs.Add(deadlineMs);
    }

    /// <summary>Notes that the key of a hash has this deadline no more.</summary>
    public void RemoveDeadline(ulong hash, long deadlineMs)
    {
        if (Deadlines.Remove((ulong)deadlineMs, hash)) _deadlineSumMs.Subtract(deadlineMs);
    }

    /// <summary>Frees entries and structures a slice at a time; true when all is freed. The table is out of use
    /// before.</summary>
    internal bool FreeSome(Discards discards, int maxEntries)
    {
        if (Entries.Header.IsNull) return true;
        if (!Deadlines.FreeSome(maxEntries) || !MemberDeadlines.FreeSome(maxEntries)) return false;
        var visitor = new FreeingVisitor(discards);
        if (!Entries.FreeSome(ref visitor, maxEntries)) return false;
        Deadlines.Free();
        MemberDeadlines.Free();
        return true;
    }

    private readonly ref struct KeyProbe(ReadOnlySpan<byte> key) : IEntryProbe
    {
        private readonly ReadOnlySpan<byte> _key = key;

        public bool Matches(Heap heap, BlockRef entry) => new Entry(heap, entry).Key.SequenceEqual(_key);
    }

    private readonly struct DeadlineProbe(long deadlineMs) : IEntryProbe
    {
        public bool Matches(Heap heap, BlockRef entry) => new Entry(heap, entry).DeadlineMs == deadlineMs;
    }

    private readonly struct MemberDeadlineProbe(long deadlineMs) : IEntryProbe
    {
        public bool Matches(Heap heap, BlockRef entry) =>
            Values.Value.EarliestMemberMs(new Entry(heap, entry)) == deadlineMs;
    }

    private readonly struct FreeingVisitor(Discards discards) : IEntryVisitor
    {
        public void Visit(BlockRef entry) => Values.Value.Free(discards, new Entry(discards.Heap, entry));
    }
}

/// <summary>Tells the hash table how to find the hash of an entry again.</summary>
public readonly struct EntryLayout : IEntryLayout
{
    /// <inheritdoc/>
    public static ulong HashOf(Heap heap, BlockRef entry, KeyHasher hasher) => hasher.Hash(new Entry(heap, entry).Key);
}
