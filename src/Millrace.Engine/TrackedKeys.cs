using System.Buffers.Binary;
using Millrace.Memory;

namespace Millrace.Engine;

/// <summary>
/// The keys of one partition that clients have read and want to hear of when they change (CLIENT TRACKING), and which
/// clients have.
/// </summary>
/// <remarks>
/// <code>
///   HashTable -->  +----------------+-----------+-----------+-----------+--
///                  | length | count | key bytes | tracker   | tracker   | ...     trackers ascending
///                  +----------------+-----------+-----------+-----------+--
///                    4        4                   8           8
/// </code>
/// A key is tracked by its name, whatever the database. A tracker is a word that means something to who gave it; one
/// that has become meaningless stays until its key changes. Everything is in native memory of its own, which is not
/// data: it counts for no limit but that of keys (<see cref="TrackingTotals"/>). Used under the partition's lock.
/// Add: O(1) expected and O(log trackers), moving those behind it; Take: O(trackers).
/// </remarks>
public sealed class TrackedKeys : IDisposable
{
    private const int HeadBytes = 8;
    private const int TrackerBytes = sizeof(ulong);

    private readonly MemorySource _source;
    private readonly KeyHasher _hasher;
    private readonly TrackingTotals _totals;
    private Heap? _heap;
    private HashTable<Layout> _table;
    private long _items;

    internal TrackedKeys(MemorySource source, KeyHasher hasher, TrackingTotals totals)
    {
        _source = source;
        _hasher = hasher;
        _totals = totals;
    }

    /// <summary>How many keys are tracked.</summary>
    public long Count => _heap is null ? 0 : _table.Count;

    /// <summary>Adds a tracker to those of a key.</summary>
    public void Add(in Key key, ulong tracker)
    {
        if (_heap is null)
        {
            _heap = new Heap(_source);
            _table = HashTable<Layout>.Create(_heap, _hasher);
        }

        var probe = new Probe(key.Bytes);
        var block = _table.Find(key.Hash, ref probe);
        if (block.IsNull)
        {
            _table.Insert(key.Hash, NewBlock(_heap, key.Bytes, tracker));
            _totals.Add(keys: 1, items: 1);
            _items++;
            return;
        }

        var trackers = Trackers(_heap, block);
        var place = PlaceOf(trackers, tracker);
        if (place < trackers.Length / TrackerBytes && At(trackers, place) == tracker) return;
        var bytes = HeadBytes + KeyLength(_heap, block) + trackers.Length;
        var grown = _heap.Resize(block, bytes, bytes + TrackerBytes);
        if (grown != block) _table.Replace(key.Hash, block, grown);
        _heap.WriteHeader(grown, _heap.ReadHeader(grown) + (1UL << 32));
        trackers = Trackers(_heap, grown);
        var behind = trackers[(place * TrackerBytes)..^TrackerBytes];
        behind.CopyTo(trackers[((place + 1) * TrackerBytes)..]);
        BinaryPrimitives.WriteUInt64LittleEndian(trackers[(place * TrackerBytes)..], tracker);
        _totals.Add(keys: 0, items: 1);
        _items++;
    }

    /// <summary>A key has changed: its trackers are taken out and noted; false when nobody tracks it.</summary>
    public bool Take(in Key key, bool isOwn, TouchedKeys touched)
    {
        if (_heap is null) return false;
        var probe = new Probe(key.Bytes);
        var block = _table.Find(key.Hash, ref probe);
        if (block.IsNull) return false;
        _totals.Add(keys: -1, -TakeOut(_heap, key.Hash, block, isOwn, touched));
        return true;
    }

    /// <summary>Forgets a key chosen at random while more are tracked, in all partitions, than may be, and notes its
    /// trackers, who must not rely on hearing of it any more; false when there is none to forget.</summary>
    /// <param name="random">64 random bits.</param>
    /// <param name="touched">Takes the key and its trackers.</param>
    public bool TryForget(ulong random, TouchedKeys touched)
    {
        if (_heap is null || _table.Count == 0 || !_totals.TryGiveUpKey()) return false;
        var block = _table.RandomEntry(random);
        _totals.Add(keys: 0, -TakeOut(_heap, Layout.HashOf(_heap, block, _hasher), block, isOwn: false, touched));
        return true;
    }

    /// <summary>Forgets all keys. O(spans of memory).</summary>
    public void Clear()
    {
        if (_heap is null) return;
        _totals.Add(-_table.Count, -_items);
        _items = 0;
        _heap.Dispose();
        _heap = null;
        _table = default;
    }

    /// <inheritdoc/>
    public void Dispose() => Clear();

    // How many trackers it had.
    private int TakeOut(Heap heap, ulong hash, BlockRef block, bool isOwn, TouchedKeys touched)
    {
        var trackers = Trackers(heap, block);
        touched.Add(heap.Span(block, HeadBytes, KeyLength(heap, block)), isOwn, trackers);
        var items = trackers.Length / TrackerBytes;
        _table.Remove(hash, block);
        heap.Free(block);
        _items -= items;
        return items;
    }

    private static BlockRef NewBlock(Heap heap, ReadOnlySpan<byte> key, ulong tracker)
    {
        var block = heap.Allocate(HeadBytes + key.Length + TrackerBytes);
        heap.WriteHeader(block, (uint)key.Length | (1UL << 32));
        key.CopyTo(heap.Span(block, HeadBytes, key.Length));
        BinaryPrimitives.WriteUInt64LittleEndian(Trackers(heap, block), tracker);
        return block;
    }

    // The first that is not smaller.
    private static int PlaceOf(ReadOnlySpan<byte> trackers, ulong tracker)
    {
        var (low, high) = (0, trackers.Length / TrackerBytes);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (At(trackers, middle) < tracker) low = middle + 1;
            else high = middle;
        }

        return low;
    }

    private static ulong At(ReadOnlySpan<byte> trackers, int index) =>
        BinaryPrimitives.ReadUInt64LittleEndian(trackers[(index * TrackerBytes)..]);

    private static int KeyLength(Heap heap, BlockRef block) => (int)(uint)heap.ReadHeader(block);

    private static Span<byte> Trackers(Heap heap, BlockRef block)
    {
        var count = (int)(heap.ReadHeader(block) >> 32);
        return heap.Span(block, HeadBytes + KeyLength(heap, block), count * TrackerBytes);
    }

    private readonly struct Layout : IEntryLayout
    {
        public static ulong HashOf(Heap heap, BlockRef entry, KeyHasher hasher) =>
            hasher.Hash(heap.Span(entry, HeadBytes, KeyLength(heap, entry)));
    }

    private readonly ref struct Probe(ReadOnlySpan<byte> key) : IEntryProbe
    {
        private readonly ReadOnlySpan<byte> _key = key;

        public bool Matches(Heap heap, BlockRef entry) =>
            KeyLength(heap, entry) == _key.Length && heap.Span(entry, HeadBytes, _key.Length).SequenceEqual(_key);
    }
}

/// <summary>What all partitions track together. Thread-safe.</summary>
public sealed class TrackingTotals
{
    private long _keys;
    private long _items;
    private int _clients;
    private int _prefixes;

    /// <summary>The most keys that may be tracked (<c>tracking-table-max-keys</c>); 0: as many as there are. Set while
    /// all loops stand still.</summary>
    public long MaxKeys { get; set; }

    /// <summary>Keys that somebody tracks.</summary>
    public long Keys => Volatile.Read(ref _keys);

    /// <summary>Trackers of all those keys.</summary>
    public long Items => Volatile.Read(ref _items);

    /// <summary>Clients that have switched tracking on.</summary>
    public int Clients => Volatile.Read(ref _clients);

    /// <summary>Prefixes that clients want to hear of all changes of.</summary>
    public int Prefixes => Volatile.Read(ref _prefixes);

    /// <summary>Whether more keys are tracked than may be.</summary>
    public bool IsOver => MaxKeys > 0 && Keys > MaxKeys;

    /// <summary>Counts clients that come (1) and go (-1).</summary>
    public void AddClient(int change) => Interlocked.Add(ref _clients, change);

    /// <summary>Counts prefixes that come (1) and go (-1).</summary>
    public void AddPrefix(int change) => Interlocked.Add(ref _prefixes, change);

    /// <summary>Counts a key less while there are more than may be: then whoever asked has one to forget. Loops that
    /// forget at the same time would forget too many if each looked first and counted afterwards.</summary>
    internal bool TryGiveUpKey()
    {
        for (var keys = Keys; MaxKeys > 0 && keys > MaxKeys; keys = Keys)
        {
            if (Interlocked.CompareExchange(ref _keys, keys - 1, keys) == keys) return true;
        }

        return false;
    }

    internal void Add(long keys, long items)
    {
        if (keys != 0) Interlocked.Add(ref _keys, keys);
        Interlocked.Add(ref _items, items);
    }
}
