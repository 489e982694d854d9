using System.Diagnostics;
using System.Runtime.InteropServices;
using Millrace.Memory;

namespace Millrace.Engine;

/// <summary>
/// The part of the keyspace that one lock guards: a heap, one table per database, and what is waiting to be freed.
/// </summary>
/// <remarks>
/// Which partition a key belongs to depends on the key alone, never on its database. Everything here is used under
/// <see cref="Lock"/>, except <see cref="Line"/>, whose counters others may read, and which they may claim, at any
/// time.
/// </remarks>
public sealed class Partition
{
    private const int SliceEntries = 16;

    private readonly KeyHasher _hasher;
    private readonly AlignedLines<PartitionLine> _lines;
    private readonly AlignedLines<UpkeepLine> _upkeep;
    private readonly KeyTable?[] _tables;
    private readonly TrackingTotals _tracking;

    internal Partition(
        int index,
        int databases,
        MemorySource source,
        KeyHasher hasher,
        AlignedLines<PartitionLine> lines,
        AlignedLines<UpkeepLine> upkeep,
        TrackingTotals tracking)
    {
        Index = index;
        Heap = new Heap(source);
        Lock = new PartitionLock(lines, index);
        _hasher = hasher;
        _lines = lines;
        _upkeep = upkeep;
        _tables = new KeyTable?[databases];
        Discards = new Discards(Heap, lines, upkeep, index);
        Awaited = new AwaitedKeys(this);
        Tracked = new TrackedKeys(source, hasher, tracking);
        _tracking = tracking;
        Line.NextDeadlineMs = long.MaxValue;
    }

    /// <summary>The position in the keyspace, and in the order of locks.</summary>
    public int Index { get; }

    /// <summary>The memory of everything in the partition.</summary>
    public Heap Heap { get; }

    /// <summary>Guards the partition.</summary>
    public PartitionLock Lock { get; }

    /// <summary>The hot words of the partition, together on one cache line.</summary>
    public ref PartitionLine Line => ref _lines[Index];

    private ref UpkeepLine Upkeep => ref _upkeep[Index % _upkeep.Count];

    /// <summary>What was taken out of use and still holds memory.</summary>
    public Discards Discards { get; }

    /// <summary>The keys that somebody watches.</summary>
    public WatchedKeys Watched { get; } = new();

    /// <summary>The keys that somebody waits for.</summary>
    public AwaitedKeys Awaited { get; }

    /// <summary>The keys that somebody tracks.</summary>
    public TrackedKeys Tracked { get; }

    /// <summary>What <see cref="MemoryBudget"/> knows of the heap's bytes; it alone writes this.</summary>
    internal long ReportedBytes { get; set; }

    /// <summary>The table of a database, or null while it has never held a key.</summary>
    public KeyTable? Table(int database) => _tables[database];

    /// <summary>The table of a database, made on first use.</summary>
    public KeyTable TableForWrite(int database) => _tables[database] ??= new KeyTable(Heap, _hasher);

    /// <summary>Exchanges two databases at a unit's time.</summary>
    internal void Swap(int first, int second, long nowMs)
    {
        if (Watched.Count > 0 && first != second)
        {
            Watched.Exchange(first, _tables[first], _tables[second], nowMs);
            Watched.Exchange(second, _tables[second], _tables[first], nowMs);
        }

        (_tables[first], _tables[second]) = (_tables[second], _tables[first]);
    }

    /// <summary>Empties a database at once; its memory is freed later in slices. Returns the number of keys
    /// removed.</summary>
    /// <param name="database">The database.</param>
    /// <param name="nowMs">The unit's time.</param>
    public long Discard(int database, long nowMs)
    {
        var table = _tables[database];
        if (table is null) return 0;
        if (Watched.Count > 0) Watched.Exchange(database, table, null, nowMs);
        _tables[database] = null;
        Discards.Add(table);
        return table.Count;
    }

    /// <summary>Frees up to <paramref name="maxEntries"/> discarded entries; true when none are left.</summary>
    public bool FreeDiscarded(int maxEntries)
    {
        if (!Discards.FreeSome(maxEntries)) return false;
        Heap.Trim();
        return true;
    }

    /// <summary>Frees what was discarded until a time of <see cref="Stopwatch"/>, but a few entries at least.</summary>
    public void FreeDiscardedUntil(long ticks)
    {
        while (!FreeDiscarded(SliceEntries) && Stopwatch.GetTimestamp() < ticks)
        {
        }
    }

    /// <summary>Brings <see cref="PartitionLine.Listeners"/> in line with who watches, waits and tracks.</summary>
    internal void CountListeners() => Line.Listeners =
        Watched.Count + Awaited.Count + (Tracked.Count > 0 ? 1 : 0) + (_tracking.Prefixes > 0 ? 1 : 0);

    /// <summary>A key, or a member of one, has a new deadline.</summary>
    internal void NoteDeadline(long deadlineMs)
    {
        ref var line = ref Line;
        if (deadlineMs >= line.NextDeadlineMs) return;
        Volatile.Write(ref line.NextDeadlineMs, deadlineMs);
        UpkeepLine.Lower(ref Upkeep, deadlineMs);
    }

    /// <summary>Notes that an awaited key goes because its time has come; the loop that looks after the partition tells
    /// those who mind.</summary>
    internal void NoteLoss(in Key key)
    {
        var hadLost = Awaited.HasLost;
        if (Awaited.NoteLoss(key) && !hadLost) Interlocked.Increment(ref Upkeep.Lost);
    }

    /// <summary>Hands over the keys that <see cref="NoteLoss"/> has noted.</summary>
    internal void TakeLost(ReadyKeys ready)
    {
        if (Awaited.HasLost) Interlocked.Decrement(ref Upkeep.Lost);
        Awaited.TakeLost(ready);
    }

    /// <summary>Recomputes when the next key or member of this partition falls due. O(databases).</summary>
    public void RefreshNextDeadline()
    {
        var next = long.MaxValue;
        foreach (var table in _tables)
        {
            if (table is null) continue;
            if (table.Deadlines.TryFirst(out var deadline, out _)) next = Math.Min(next, (long)deadline);
            if (table.MemberDeadlines.TryFirst(out deadline, out _)) next = Math.Min(next, (long)deadline);
        }

        Volatile.Write(ref Line.NextDeadlineMs, next);
        UpkeepLine.Lower(ref Upkeep, next);
    }
}

/// <summary>
/// The words of a partition that are touched by every unit, on one 128-byte line so that partitions never share one.
/// </summary>
/// <remarks>What every unit touches comes first and fits the 64 bytes that move from core to core.</remarks>
[StructLayout(LayoutKind.Sequential)]
public struct PartitionLine
{
    /// <summary>The lock word; owned by <see cref="PartitionLock"/>.</summary>
    public int LockWord;

    /// <summary>Written by a loop that is about to take the lock, and read by nobody: the store makes the processor
    /// fetch the line for writing while the loop goes on, which a prefetch for reading does not.</summary>
    public int Claimed;

    /// <summary>The latest time, in Unix milliseconds, that a unit here has used. Never goes back.</summary>
    public long LastUnixMs;

    /// <summary>Reads that found their key.</summary>
    public long Hits;

    /// <summary>Reads that did not.</summary>
    public long Misses;

    /// <summary>The other partitions that whoever serves the waiters of this one needs.</summary>
    public ulong WaiterMask;

    /// <summary>The position in the effect log after the last block that this partition took part in.</summary>
    public long LogPosition;

    /// <summary>The earliest deadline of any key or member here in Unix milliseconds; <see cref="long.MaxValue"/> when
    /// there is none.</summary>
    public long NextDeadlineMs;

    /// <summary>Not 0: somebody watches, waits for or tracks keys here. Changes are told only then.</summary>
    public int Listeners;

    /// <summary>Not 0: something was discarded here since a unit has last freed some of it.</summary>
    public int HasUnpaidDiscards;

    /// <summary>Keys removed because their time had come, by whomever.</summary>
    public long Expired;

    /// <summary>Those of <see cref="Expired"/> that active expiry removed.</summary>
    public long ExpiredActively;

    /// <summary>Members of collections removed because their time had come, by whomever.</summary>
    public long ExpiredMembers;

    /// <summary>Keys removed to make room for others.</summary>
    public long Evicted;

    [Conditional("DEBUG")]
    internal static void AssertSize() =>
        Debug.Assert(Marshal.SizeOf<PartitionLine>() <= 128, "one line must hold it all");
}
