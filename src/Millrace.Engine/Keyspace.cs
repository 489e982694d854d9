using System.Numerics;
using Millrace.Engine.Codec;
using Millrace.Memory;

namespace Millrace.Engine;

/// <summary>How a keyspace is cut. Immutable.</summary>
/// <param name="Partitions">1 for a single loop, otherwise a power of two of at most 64.</param>
/// <param name="Databases">The number of databases.</param>
/// <param name="Loops">How many threads run units; with one, locks are elided.</param>
public sealed record KeyspaceShape(int Partitions, int Databases, int Loops)
{
    /// <summary>The most partitions there can be: a lock set is one 64-bit mask.</summary>
    public const int MaxPartitions = 64;

    /// <summary>The shape for a number of loops: one partition for one loop, else 64 (measured,
    /// docs/PERFORMANCE.md).</summary>
    public static KeyspaceShape For(int loops, int databases) =>
        new(loops == 1 ? 1 : MaxPartitions, databases, loops);
}

/// <summary>
/// All keys of all databases, cut into partitions by key hash. Threads share it; each command holds the partitions of
/// its keys through a <see cref="Unit"/>.
/// </summary>
public sealed class Keyspace : IDisposable
{
    private readonly Partition[] _partitions;
    private readonly AlignedLines<PartitionLine> _lines;
    private readonly AlignedLines<UpkeepLine> _upkeep;
    private readonly KeyHasher _hasher;
    private AccessClock _accessClock = new();
    private EncodingLimits _encodings = new();
    private volatile NotifyClasses _notifies;
    private ChunkLimits _listChunks = new EncodingLimits().ListChunks; // of _encodings: each push asks for them

    /// <summary>An empty keyspace.</summary>
    /// <param name="shape">Partitions, databases, loops.</param>
    /// <param name="source">Where all memory comes from; disposed by its owner after the keyspace.</param>
    /// <param name="hasher">The seeded hash of keys.</param>
    public Keyspace(KeyspaceShape shape, MemorySource source, KeyHasher hasher)
    {
        if (!BitOperations.IsPow2(shape.Partitions) || shape.Partitions > KeyspaceShape.MaxPartitions)
            throw new ArgumentOutOfRangeException(nameof(shape), "partitions must be a power of two of at most 64");
        Shape = shape;
        _hasher = hasher;
        _lines = new AlignedLines<PartitionLine>(shape.Partitions);
        _upkeep = new AlignedLines<UpkeepLine>(shape.Loops);
        for (var i = 0; i < shape.Loops; i++) _upkeep[i].SoonestMs = long.MaxValue;
        _partitions = new Partition[shape.Partitions];
        PartitionLine.AssertSize();
        for (var i = 0; i < _partitions.Length; i++)
            _partitions[i] = new Partition(i, shape.Databases, source, hasher, _lines, _upkeep, Tracking);
        Budget = new MemoryBudget(this, source);
    }

    /// <summary>Partitions, databases, loops.</summary>
    public KeyspaceShape Shape { get; }

    /// <summary>Hears that all databases are emptied; null: nobody does. Set before anything runs.</summary>
    public IFlushListener? FlushListener { get; set; }

    /// <summary>What clients track in all partitions together.</summary>
    public TrackingTotals Tracking { get; } = new();

    /// <summary>How much memory data may take, and takes.</summary>
    public MemoryBudget Budget { get; }

    /// <summary>The seeded hash of keys and of members of collections.</summary>
    public KeyHasher Hasher => _hasher;

    /// <summary>The mask of all partitions.</summary>
    public ulong AllPartitions => Shape.Partitions == 64 ? ulong.MaxValue : (1UL << Shape.Partitions) - 1;

    /// <summary>How use is recorded. Exchanged while all loops stand still.</summary>
    public AccessClock AccessClock
    {
        get => _accessClock;
        set => _accessClock = value;
    }

    /// <summary>Up to where collections are packed. Exchanged while all loops stand still.</summary>
    public EncodingLimits Encodings
    {
        get => _encodings;
        set => (_encodings, _listChunks) = (value, value.ListChunks);
    }

    /// <summary>How values are written down. Exchanged while all loops stand still.</summary>
    public RdbFormat Format { get; set; } = RdbFormat.Usual;

    /// <summary>Whether the checksum of a value that comes from outside is compared. Exchanged while all loops stand
    /// still.</summary>
    public bool VerifiesChecksums { get; set; } = true;

    /// <summary>The classes of events that units tell; none without a channel to tell them by. Exchanged while all
    /// loops stand still.</summary>
    public NotifyClasses Notifies
    {
        get => _notifies;
        set
        {
            var hasChannel = (value & (NotifyClasses.Keyspace | NotifyClasses.KeyEvent)) != 0;
            _notifies = hasChannel ? value : NotifyClasses.None;
        }
    }

    /// <summary>The limits of a list's chunks.</summary>
    public ref readonly ChunkLimits ListChunks => ref _listChunks;

    /// <summary>Exact bytes of native memory that hold data: entries, values, tables, indexes.</summary>
    public long UsedBytes
    {
        get
        {
            var sum = 0L;
            foreach (var partition in _partitions) sum += partition.Heap.AllocatedBytes;
            return sum;
        }
    }

    /// <summary>The blocks of large values.</summary>
    public Blobs Blobs => _partitions[0].Heap.Blobs;

    /// <summary>The partition at an index.</summary>
    public Partition this[int index] => _partitions[index];

    /// <summary>What there is to do in the partitions that a loop looks after. Any thread reads it, a moment
    /// old.</summary>
    public ref readonly UpkeepLine UpkeepOf(int loop) => ref _upkeep[loop];

    /// <summary>Finds the earliest deadline in a loop's partitions anew, when the one that was known has passed.
    /// O(partitions of the loop).</summary>
    public void SurveyUpkeep(int loop)
    {
        ref var line = ref _upkeep[loop];
        // Whoever notes a deadline from here on lowers the mark again, and deadlines noted before are seen below.
        Interlocked.Exchange(ref line.SoonestMs, long.MaxValue);
        for (var i = loop; i < _partitions.Length; i += Shape.Loops)
            UpkeepLine.Lower(ref line, Volatile.Read(ref _lines[i].NextDeadlineMs));
    }

    /// <summary>A client is the first to hear of all changes of some keys: every partition has to tell. All loops stand
    /// still.</summary>
    public void RecountListeners()
    {
        foreach (var partition in _partitions) partition.CountListeners();
    }

    /// <summary>The hot words of the partition at an index.</summary>
    internal ref PartitionLine LineOf(int index) => ref _lines[index];

    /// <summary>The hash that decides partition, bucket and fingerprint of a key.</summary>
    public ulong HashOf(ReadOnlySpan<byte> key) => _hasher.Hash(key);

    /// <summary>The partition of a key with this hash. The only function that knows.</summary>
    public int PartitionOf(ulong hash) => HashBits.Partition(hash) & (Shape.Partitions - 1);

    /// <summary>
    /// The lock set of a unit that writes to the partitions of <paramref name="mask"/>: with those that serving their
    /// waiters needs, and the waiters of these, and so on. Read without locks it is a guess.
    /// </summary>
    public ulong ClosureOf(ulong mask)
    {
        var closure = mask;
        for (var rest = mask; rest != 0;)
        {
            var needed = Volatile.Read(ref _lines[BitOperations.TrailingZeroCount(rest)].WaiterMask) & ~closure;
            rest = (rest & (rest - 1)) | needed;
            closure |= needed;
        }

        return closure;
    }

    /// <summary>Whether somebody holds one of the partitions that a unit takes which writes to those of a mask: it
    /// would have to wait. A guess; nobody is ever in the way of a single loop.</summary>
    public bool IsTaken(ulong mask) => FirstTaken(mask) >= 0;

    /// <summary>The first of those partitions that somebody holds, or -1.</summary>
    public int FirstTaken(ulong mask)
    {
        for (var rest = Shape.Loops > 1 ? ClosureOf(mask) : 0; rest != 0; rest &= rest - 1)
        {
            var index = BitOperations.TrailingZeroCount(rest);
            if (_partitions[index].Lock.IsTaken) return index;
        }

        return -1;
    }

    /// <summary>The sum of a counter over all partitions; a reader sees each counter at some recent moment.</summary>
    public long Sum(Func<PartitionLine, long> counter)
    {
        var sum = 0L;
        for (var i = 0; i < _partitions.Length; i++) sum += counter(_lines[i]);
        return sum;
    }

    /// <summary>The sum of a number over all partitions. All loops stand still.</summary>
    public long SumOver(Func<Partition, long> number)
    {
        var sum = 0L;
        foreach (var partition in _partitions) sum += number(partition);
        return sum;
    }

    /// <summary>Clears the statistics that <c>CONFIG RESETSTAT</c> clears. All loops stand still.</summary>
    public void ResetStatistics()
    {
        for (var i = 0; i < _partitions.Length; i++)
        {
            ref var line = ref _lines[i];
            line.Hits = line.Misses = line.Expired = line.ExpiredActively = line.ExpiredMembers = line.Evicted = 0;
            _partitions[i].Discards.Freed = 0;
        }

        Budget.ResetStatistics();
    }

    /// <summary>
    /// Has the bucket fetched in which a key would be that a request further on in the batch names. A hint: takes no
    /// lock and decides nothing, so other loops may change the table meanwhile.
    /// </summary>
    public void PrefetchBucket(int database, ulong hash) =>
        _partitions[PartitionOf(hash)].Table(database)?.Entries.PrefetchBucket(hash);

    /// <summary>Has the entries fetched that a bucket names for a hash. A hint, as <see cref="PrefetchBucket"/>; with
    /// several loops it claims the partition's line for this core, which whoever holds the lock then has to fetch
    /// back.</summary>
    public void PrefetchEntry(int database, ulong hash)
    {
        var index = PartitionOf(hash);
        if (Shape.Loops > 1) _lines[index].Claimed = 1;    // the lock: another loop may have held it last
        _partitions[index].Table(database)?.Entries.PrefetchEntries(hash);
    }

    /// <summary>Where the members of the collection at a key are, for a request further on in the batch. A hint, as
    /// <see cref="PrefetchBucket"/>.</summary>
    /// <param name="database">The database.</param>
    /// <param name="hash">The key's hash.</param>
    public MemberHint HintOfMembers(int database, ulong hash)
    {
        var partition = _partitions[PartitionOf(hash)];
        var table = partition.Table(database);
        if (table is null) return default;
        var entry = table.Entries.HintedEntry(hash);
        if (entry.IsNull) return default;
        var members = Entry.HintedTable(partition.Heap, entry);
        return members.IsNull ? default : new MemberHint(new HashTable<EntryLayout>(partition.Heap, _hasher, members));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var partition in _partitions)
        {
            partition.Tracked.Dispose();
            partition.Heap.Dispose();
        }

        _lines.Dispose();
        _upkeep.Dispose();
    }
}
