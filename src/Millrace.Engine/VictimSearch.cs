using Millrace.Memory;

namespace Millrace.Engine;

/// <summary>
/// Finds, in a partition that is held, the entries that a policy wants to go.
/// </summary>
/// <remarks>
/// <code>
///   lru, lfu      samples of a partition -> EvictionPool -> the best, if nobody has used it since
///   random        an entry by chance
///   volatile-ttl  the first of the index of deadlines
/// </code>
/// A key's partition follows from its hash, so what is sampled in a partition taken by chance is a sample of all keys.
/// Entries with a deadline are drawn from the index of deadlines, whatever their share of all. Recency is known to the
/// second. Among entries used equally often the one that has been unused for longest goes first. One per loop.
/// </remarks>
public sealed class VictimSearch(Keyspace keyspace)
{
    private const int ChunkSamples = 16;
    private const int MinutesBits = 16;
    private const int FrequencyShift = 40;

    private readonly EvictionPool _pool = new();
    private MemoryLimits? _limits;

    /// <summary>What the samples have left.</summary>
    public EvictionPool Pool => _pool;

    /// <summary>Gets ready to search by the limits in force.</summary>
    public void Begin(MemoryLimits limits)
    {
        if (ReferenceEquals(_limits, limits)) return;
        _limits = limits;
        _pool.Clear(); // ranks of another policy mean something else
    }

    /// <summary>Offers entries of a partition, which the unit holds, to the pool: <see cref="MemoryLimits.Samples"/> of
    /// each database. Returns how many there were to be looked at.</summary>
    public long Sample(Unit unit, int index)
    {
        var looked = 0L;
        for (var database = 0; database < keyspace.Shape.Databases; database++)
        {
            if (keyspace[index].Table(database) is not { } table) continue;
            var left = Math.Min(_limits!.Samples, Candidates(table));
            looked += left;
            for (; left > 0; left -= ChunkSamples)
                SampleSome(unit, index, database, table, (int)Math.Min(left, ChunkSamples));
        }

        return looked;
    }

    /// <summary>Evicts a candidate of a held partition; false when it is gone or was used since.</summary>
    public bool TryEvict(Unit unit, in EvictionCandidate candidate)
    {
        var partition = keyspace[candidate.Partition];
        if (partition.Table(candidate.Database) is not { } table) return false;
        var probe = new CandidateProbe(keyspace.Hasher, candidate.Hash, candidate.Clock);
        var entry = new Entry(partition.Heap, table.Entries.Find(candidate.Hash, ref probe));
        if (entry.IsMissing || (_limits!.IsVolatile && !entry.HasDeadline)) return false;
        if (IsKept(partition, table, candidate.Hash, entry)) return false;
        unit.Evict(new Key(candidate.Database, candidate.Hash, entry.Key), entry);
        return true;
    }

    /// <summary>Evicts an entry of a held partition by chance; false when there is none that may go.</summary>
    public bool TryEvictAny(Unit unit, int index)
    {
        var partition = keyspace[index];
        var total = 0L;
        for (var database = 0; database < keyspace.Shape.Databases; database++)
        {
            if (partition.Table(database) is { } table) total += Candidates(table);
        }

        if (total == 0) return false;
        var drawn = (long)(unit.NextRandom64() % (ulong)total);
        for (var database = 0; database < keyspace.Shape.Databases; database++)
        {
            if (partition.Table(database) is not { } table) continue;
            drawn -= Candidates(table);
            if (drawn >= 0) continue;
            var entry = Draw(unit, partition.Heap, table);
            if (entry.IsMissing) return false;
            var key = KeyOf(partition.Heap, database, entry);
            if (IsKept(partition, table, key.Hash, entry)) return false;
            unit.Evict(key, entry);
            return true;
        }

        return false;
    }

    /// <summary>The earliest deadline of any key of a held partition; <see cref="long.MaxValue"/> when none has
    /// one.</summary>
    public long EarliestMs(int index) => EarliestMs(index, out _, out _);

    /// <summary>Evicts the key of a held partition that would expire first; false when none has a deadline.</summary>
    public bool TryEvictEarliest(Unit unit, int index)
    {
        var deadline = EarliestMs(index, out var database, out var hash);
        if (deadline == long.MaxValue) return false;
        var partition = keyspace[index];
        var table = partition.Table(database)!;
        var entry = table.FindDue(hash, deadline);
        if (!entry.IsMissing && IsKept(partition, table, hash, entry)) return false;
        if (entry.IsMissing) table.RemoveDeadline(hash, deadline);
        else unit.Evict(KeyOf(partition.Heap, database, entry), entry);
        partition.RefreshNextDeadline();
        return true;
    }

    private long EarliestMs(int index, out int earliestIn, out ulong earliestHash)
    {
        var earliest = long.MaxValue;
        (earliestIn, earliestHash) = (0, 0);
        for (var database = 0; database < keyspace.Shape.Databases; database++)
        {
            if (keyspace[index].Table(database) is not { } table
                || !table.Deadlines.TryFirst(out var deadline, out var hash)
                || (long)deadline >= earliest) continue;
            (earliest, earliestIn, earliestHash) = ((long)deadline, database, hash);
        }

        return earliest;
    }

    // It would go, and nothing would be free: a snapshot needs it for now.
    private static bool IsKept(Partition partition, KeyTable table, ulong hash, in Entry entry) =>
        partition.Discards.Saver is { } saver && saver.IsKept(table, hash, entry);

    private long Candidates(KeyTable table) => _limits!.IsVolatile ? table.DeadlineCount : table.Count;

    // The entries are fetched side by side, and looked at when they have come.
    private void SampleSome(Unit unit, int index, int database, KeyTable table, int count)
    {
        var heap = keyspace[index].Heap;
        Span<BlockRef> blocks = stackalloc BlockRef[ChunkSamples];
        for (var i = 0; i < count; i++)
        {
            blocks[i] = Draw(unit, heap, table).Block;
            heap.Prefetch(blocks[i]);
        }

        foreach (var block in blocks[..count])
        {
            var entry = new Entry(heap, block);
            if (entry.IsMissing) continue;
            var rank = RankOf(entry.AccessClock, unit.NowMs);
            if (!_pool.Wants(rank)) continue;
            var hash = EntryLayout.HashOf(heap, block, keyspace.Hasher);
            _pool.Offer(new EvictionCandidate(rank, hash, entry.AccessClock, database, index));
        }
    }

    private Entry Draw(Unit unit, Heap heap, KeyTable table)
    {
        if (!_limits!.IsVolatile) return new Entry(heap, table.Entries.RandomEntry(unit.NextRandom64()));
        return table.Deadlines.TryRandom(unit.NextRandom64(), out var deadline, out var hash)
            ? table.FindDue(hash, (long)deadline)
            : default;
    }

    // The second of the last use; or the counter, and below it the minute of the last use.
    private ulong RankOf(uint clock, long nowMs)
    {
        if (!_limits!.CountsFrequency) return (ulong)((nowMs - AccessClock.IdleMs(clock, nowMs)) / 1000);
        var minute = (ulong)(nowMs / 60_000);
        var unused = (minute - (clock >> 8)) & ((1UL << MinutesBits) - 1);
        return ((ulong)keyspace.AccessClock.Frequency(clock, nowMs) << FrequencyShift) | (minute - unused);
    }

    private Key KeyOf(Heap heap, int database, in Entry entry) =>
        new(database, EntryLayout.HashOf(heap, entry.Block, keyspace.Hasher), entry.Key);

    private readonly struct CandidateProbe(KeyHasher hasher, ulong hash, uint clock) : IEntryProbe
    {
        public bool Matches(Heap heap, BlockRef block) =>
            new Entry(heap, block).AccessClock == clock && EntryLayout.HashOf(heap, block, hasher) == hash;
    }
}
