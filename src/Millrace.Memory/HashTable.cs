using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Millrace.Memory;

/// <summary>
/// A hash table of references to entries, all of it in native memory: an extendible directory of segments of 64
/// buckets.
/// </summary>
/// <remarks>
/// <code>
///   header --> directory (2^D places of 8 bytes)        segment: 64 buckets of 64 bytes
///               [000] segment A, depth 2 ------+------> [ 0][ 1][ 2] ... [63]
///               [001] segment A, depth 2 ------+              |
///               [010] segment B, depth 3                      +--> overflow bucket --> ...
///               [011] segment C, depth 3
///               ...                              directory place: bits 0..39 segment, 40..47 depth
///   small:  header --> the only segment, of 1, 2, 4 ... 64 buckets
/// </code>
/// <para>
/// A segment of depth d holds every entry whose hash begins with the d bits of its place. When a bucket overflows and
/// its segment is about 88 % full, the segment splits by the next bit: at most some 600 entries are looked at, and
/// nothing else moves, so there is no pause for growth. A bucket that overflows soon after a split is chained instead,
/// and its segment splits with a later entry. When two segments that differ in their last bit are both
/// mostly empty they merge. A table of up to 64 buckets is one segment that doubles and halves.
/// </para>
/// <para>
/// A scan visits bucket 0 of every segment in the order of the hash, then bucket 1, and so on. Its cursor is a point
/// in that order (see <see cref="Scan"/>), splits and merges only change how finely the order is cut, so whatever was
/// in the table throughout is met at least once.
/// </para>
/// <para>
/// Find, Insert, Replace, Remove: O(1), expected. Memory: 64 bytes for up to 10 entries; 10 to 11 bytes per entry on
/// average. After Fagin et al., Extendible Hashing (1979), and Dash (Lu et al., 2020).
/// A handle is three words that may be copied; whoever holds the heap's lock may use it. Nothing here may run while
/// another operation of the same table does (visitors and layouts included).
/// </para>
/// </remarks>
/// <typeparam name="TLayout">How an entry's hash is found again.</typeparam>
public readonly unsafe struct HashTable<TLayout>
    where TLayout : struct, IEntryLayout
{
    private const int SegmentBits = 6;
    private const int SegmentBuckets = 1 << SegmentBits;
    private const int SegmentBytes = SegmentBuckets * Bucket.SizeBytes;
    private const int PlaceBytes = sizeof(ulong);
    private const int DepthShift = 40;

    // A segment splits when it holds so many of its 640 slots, and two merge when together they would hold so many.
    private const int SplitEntries = 560;
    private const int MergeEntries = 256;

    // Hashes are spread so well that all segments are full at about the same time. Splits keep this distance, in
    // entries, so that few fall into one batch; one segment in 60 entries is the most that growth needs.
    private const int SplitDistance = 32;

    // 2^26 places take a directory of 512 MB and stand for more than 10^10 entries.
    private const int MaxDepth = 26;

    // A small table doubles when a bucket overflows and 3/4 of its slots are taken, and halves below 1/5.
    private const int SmallGrowPercent = 75;
    private const int SmallShrinkPercent = 20;

    // The directory may not outgrow the entries, whatever their hashes.
    private const int MinEntriesPerPlace = 16;

    private const int RandomTries = 256;
    private const int RandomChainLimit = 20;

    private readonly Heap _heap;
    private readonly KeyHasher _hasher;

    /// <summary>A handle to the table that has this header.</summary>
    public HashTable(Heap heap, KeyHasher hasher, BlockRef header)
    {
        _heap = heap;
        _hasher = hasher;
        Header = header;
    }

    /// <summary>The block that the table is known by; never moves.</summary>
    public BlockRef Header { get; }

    /// <summary>The number of entries.</summary>
    public long Count => Head.Count;

    /// <summary>The number of entries that the buckets have room for.</summary>
    public long SlotCount
    {
        get
        {
            ref var head = ref Head;
            return ((long)head.Segments * SlotCountOf(head.BucketBits)) + (head.Overflows * Bucket.LinkSlot);
        }
    }

    /// <summary>Exact bytes of the table without its entries.</summary>
    public long TableBytes
    {
        get
        {
            ref var head = ref Head;
            var overflows = head.Overflows == 0 ? 0 : head.Overflows * _heap.UsableSizeOf(Bucket.SizeBytes);
            long sum = _heap.UsableSize(Header) + _heap.UsableSize(head.RootBlock) + overflows;
            return head.DirectoryBits == 0 ? sum : sum + ((long)head.Segments * _heap.UsableSizeOf(SegmentBytes));
        }
    }

    // SAFETY: of the members below: Address has checked that a block is there, and blocks of the table have the size of
    // what is read through them. References are not kept over calls that allocate or free, except to the header, which
    // never moves.
    private ref TableHeader Head
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => ref *(TableHeader*)_heap.Address(Header);
    }

    /// <summary>A table without entries: two small blocks.</summary>
    public static HashTable<TLayout> Create(Heap heap, KeyHasher hasher)
    {
        ArgumentNullException.ThrowIfNull(heap);
        ArgumentNullException.ThrowIfNull(hasher);
        Debug.Assert(sizeof(Bucket) == Bucket.SizeBytes, "a bucket is one cache line");
        Debug.Assert(sizeof(TableHeader) == TableHeader.SizeBytes, "as drawn");
        var table = new HashTable<TLayout>(heap, hasher, heap.Allocate(TableHeader.SizeBytes));
        ref var head = ref table.Head;
        head = default;
        head.SetRoot(table.NewSegment(1), 0, 0);
        head.Segments = 1;
        return table;
    }

    /// <summary>The entry that the probe accepts, or null.</summary>
    public BlockRef Find<TProbe>(ulong hash, ref TProbe probe)
        where TProbe : struct, IEntryProbe, allows ref struct
    {
        var bucket = BucketFor(hash);
        var fingerprint = HashBits.Fingerprint(hash);
        while (true)
        {
            for (var slots = bucket->Match(fingerprint); slots != 0; slots &= slots - 1)
            {
                var entry = bucket->Reference(BitOperations.TrailingZeroCount(slots));
                if (probe.Matches(_heap, entry)) return entry;
            }

            if (!bucket->IsChained || !bucket->MayFollow(fingerprint)) return default;
            bucket = (Bucket*)_heap.Address(bucket->Next);
        }
    }

    /// <summary>Adds an entry. Requires: no entry with the same key is there.</summary>
    /// <exception cref="ArgumentException">The entry is null.</exception>
    public void Insert(ulong hash, BlockRef entry)
    {
        if (entry.IsNull) throw new ArgumentException("Null is no entry.", nameof(entry));
        BeforeChange(hash);
        var bucket = BucketFor(hash);
        if (bucket->Free == 0 && ChainOf(bucket).IsFull && TryGrow(hash)) bucket = BucketFor(hash);
        ref var head = ref Head;
        ChainOf(bucket).Add(HashBits.Fingerprint(hash), entry);
        head.Count++;
        if (head.SplitDelay > 0) head.SplitDelay--;
    }

    /// <summary>Puts <paramref name="now"/> in the place of <paramref name="old"/>, which has the same key.</summary>
    /// <exception cref="InvalidOperationException">The old entry is not in the table under this hash.</exception>
    public void Replace(ulong hash, BlockRef old, BlockRef now)
    {
        if (now.IsNull) throw new ArgumentException("Null is no entry.", nameof(now));
        BeforeChange(hash);
        if (!ChainOf(BucketFor(hash)).TryReplace(HashBits.Fingerprint(hash), old, now)) ThrowMissing();
    }

    /// <summary>Removes an entry; it is not freed.</summary>
    /// <exception cref="InvalidOperationException">The entry is not in the table under this hash.</exception>
    public void Remove(ulong hash, BlockRef entry)
    {
        BeforeChange(hash);
        var bucket = BucketFor(hash);
        if (!ChainOf(bucket).TryRemove(HashBits.Fingerprint(hash), entry)) ThrowMissing();
        Head.Count--;
        if (bucket->IsEmpty) Shrink(hash);
    }

    /// <summary>
    /// Visits the entries of one bucket chain. Every entry that is in the table from the first call to the last is
    /// visited at least once, whatever is inserted or removed between the calls; with growth or shrinkage, possibly
    /// more than once.
    /// </summary>
    /// <remarks>
    /// The cursor is a point in the order of (bucket number, beginning of the hash), packed as 32 bits of hash above
    /// 6 bits of bucket. A chain stands for an interval of that order, the next cursor is its end; a cursor inside of
    /// an interval (after a merge) visits all of it.
    /// </remarks>
    /// <param name="cursor">0 to begin, otherwise what the last call returned; any other value is harmless.</param>
    /// <param name="visitor">Receives the entries; must not change the table.</param>
    /// <returns>The next cursor, below 2^38; 0 at the end.</returns>
    public ulong Scan<TVisitor>(ulong cursor, ref TVisitor visitor)
        where TVisitor : struct, IEntryVisitor, allows ref struct
    {
        ref var head = ref Head;
        var bits = head.BucketBits;
        var point = (uint)(cursor >> SegmentBits);
        var number = (int)(cursor & (SegmentBuckets - 1));
        var segment = SegmentAt(point, out var depth);
        ChainOf(segment + (number >> (SegmentBits - bits))).Visit(ref visitor);

        var width = 1UL << (HashBits.MaxDirectoryBits - depth);
        var next = (point & ~(width - 1)) + width;
        if (next >> HashBits.MaxDirectoryBits == 0) return (next << SegmentBits) | (uint)number;
        var step = 1 << (SegmentBits - bits);
        var nextNumber = (number & ~(step - 1)) + step;
        return nextNumber < SegmentBuckets ? (ulong)nextNumber : 0;
    }

    /// <summary>Shows every entry once, segment by segment, until the walker has enough: faster than <see cref="Scan"/>
    /// where nothing changes meanwhile.</summary>
    /// <param name="walker">Receives the entries; must not change the table.</param>
    public void Walk<TWalker>(ref TWalker walker)
        where TWalker : struct, IEntryWalker, allows ref struct
    {
        ref var head = ref Head;
        var end = 1 << head.BucketBits;
        for (var place = 0u; place >> head.DirectoryBits == 0;)
        {
            var segment = (Bucket*)_heap.Address(SegmentBlock(place, out var depth));
            ChainOf(segment).PrefetchEntries();
            for (var number = 0; number < end; number++)
            {
                if (walker.IsDone) return;
                if (number + 1 < end) ChainOf(segment + number + 1).PrefetchEntries();
                ChainOf(segment + number).Visit(ref walker);
            }

            place += 1u << (head.DirectoryBits - depth);
        }
    }

    /// <summary>
    /// Visits the entries of one segment, up to some 640 of them: faster than <see cref="Scan"/>, for those who go
    /// through the table in few steps. Every entry that is in the table from the first call to the last is visited at
    /// least once; when segments merge between the calls, possibly more than once.
    /// </summary>
    /// <param name="point">0 to begin, otherwise what the last call returned; any other value is harmless.</param>
    /// <param name="visitor">Receives the entries; must not change the table.</param>
    /// <returns>The beginning of the hashes of the next segment, below 2^32; 0 at the end.</returns>
    public ulong VisitSegment<TVisitor>(ulong point, ref TVisitor visitor)
        where TVisitor : struct, IEntryVisitor, allows ref struct
    {
        var segment = SegmentAt((uint)point, out var depth);
        var end = 1 << Head.BucketBits;
        ChainOf(segment).PrefetchEntries();
        for (var number = 0; number < end; number++)
        {
            if (number + 1 < end) ChainOf(segment + number + 1).PrefetchEntries();
            ChainOf(segment + number).Visit(ref visitor);
        }

        var width = 1UL << (HashBits.MaxDirectoryBits - depth);
        var next = ((uint)point & ~(width - 1)) + width;
        return next >> HashBits.MaxDirectoryBits == 0 ? next : 0;
    }

    /// <summary>An entry chosen at random, every one with (nearly) the same chance; null when there are none.</summary>
    /// <remarks>
    /// A place of the directory is taken only if it is the first of its segment, and a chain of n entries only with
    /// chance n/20, so every entry has the same chance, apart from chains longer than 20 (less than one in 1,000).
    /// O(1) expected while the table is not nearly empty; after 256 misses, the next entry from a random bucket on.
    /// </remarks>
    /// <param name="random">64 random bits, of which the choice is made.</param>
    public BlockRef RandomEntry(ulong random)
    {
        ref var head = ref Head;
        if (head.Count == 0) return default;
        for (var i = 0; i < RandomTries; i++)
        {
            var point = (uint)(SplitMix64.Next(ref random) >> 32);
            var segment = SegmentAt(point, out var depth);
            if (!IsFirstPlace(point, depth, head.DirectoryBits)) continue;
            var number = (int)(SplitMix64.Next(ref random) >> (64 - SegmentBits)) >> (SegmentBits - head.BucketBits);
            var chain = ChainOf(segment + number);
            var count = chain.Count;
            var draw = (int)((SplitMix64.Next(ref random) >> 32) * (ulong)Math.Max(count, RandomChainLimit) >> 32);
            if (draw < count) return chain.EntryAt(draw);
        }

        return NextEntry(SplitMix64.Next(ref random));
    }

    /// <summary>Starts fetching the bucket that a hash belongs to. A hint, as <see cref="PrefetchEntries"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void PrefetchBucket(ulong hash)
    {
        // SAFETY: a prefetch never faults.
        if (Sse.IsSupported) Sse.Prefetch0(HintedBucket(hash));
    }

    /// <summary>Starts fetching the entries that a search for this hash would compare.</summary>
    /// <remarks>
    /// A hint: it may be asked for without the heap's lock, while another thread changes the table. What is read then
    /// may be half changed or belong to somebody else by now; it leads to a useless prefetch at worst.
    /// </remarks>
    public void PrefetchEntries(ulong hash)
    {
        var bucket = HintedBucket(hash);
        if (bucket == null) return;
        for (var slots = bucket->Match(HashBits.Fingerprint(hash)); slots != 0; slots &= slots - 1)
            _heap.Prefetch(bucket->Reference(BitOperations.TrailingZeroCount(slots)));
    }

    /// <summary>The first entry that a search for this hash would compare; null when there seems to be none. A hint, as
    /// <see cref="PrefetchEntries"/>: the block may be anything by now.</summary>
    public BlockRef HintedEntry(ulong hash)
    {
        var bucket = HintedBucket(hash);
        if (bucket == null) return default;
        var slots = bucket->Match(HashBits.Fingerprint(hash));
        return slots == 0 ? default : bucket->Reference(BitOperations.TrailingZeroCount(slots));
    }

    /// <summary>
    /// Takes the table down a slice at a time: hands every entry to <paramref name="freeEntry"/>, which may free it,
    /// and frees the buckets behind it. Nothing but Count and FreeSome may be used once this has begun.
    /// </summary>
    /// <param name="freeEntry">Receives each entry once.</param>
    /// <param name="maxEntries">About how many entries and buckets to go through; chains are done whole.</param>
    /// <returns>True when everything is freed, the header included; the handle is dead then.</returns>
    public bool FreeSome<TVisitor>(ref TVisitor freeEntry, int maxEntries)
        where TVisitor : struct, IEntryVisitor, allows ref struct
    {
        ref var head = ref Head;
        var place = (uint)(head.FreedPlace >> 32);
        var number = (int)(uint)head.FreedPlace;
        var work = 0;
        while (place >> head.DirectoryBits == 0)
        {
            var block = SegmentBlock(place, out var depth);
            var segment = (Bucket*)_heap.Address(block);
            var end = 1 << head.BucketBits;
            for (; number < end; number++)
            {
                if (work >= maxEntries && work > 0)
                {
                    head.FreedPlace = ((ulong)place << 32) | (uint)number;
                    return false;
                }

                if (number + 1 < end) ChainOf(segment + number + 1).PrefetchEntries();
                work += 1 + FreeChain(ChainOf(segment + number), ref freeEntry);
            }

            _heap.Free(block);
            place += 1u << (head.DirectoryBits - depth);
            number = 0;
        }

        if (head.DirectoryBits > 0) _heap.Free(head.RootBlock);
        _heap.Free(Header);
        return true;
    }

    private int FreeChain<TVisitor>(BucketChain chain, ref TVisitor freeEntry)
        where TVisitor : struct, IEntryVisitor, allows ref struct
    {
        var count = chain.Count;
        if (count == 0) return 0;
        chain.Visit(ref freeEntry);
        chain.Clear();
        Head.Count -= count;
        return count;
    }

    // ---- saving ----

    /// <summary>Whether a snapshot still needs entries of this table as they are, or were at its cut.</summary>
    public bool IsBeingSaved => Head.Saving.IsOn;

    /// <summary>Whether a snapshot has what belongs to a hash, or wants nothing of this table.</summary>
    public bool IsSaved(ulong hash)
    {
        var saving = Head.Saving;
        return !saving.IsOn || saving.Covers(hash) || BucketFor(hash)->IsSaved;
    }

    /// <summary>
    /// Begins a snapshot of the table: it is to have the entries of now, whatever changes while it is taken. Each chain
    /// is shown once, to the walker of <see cref="SaveSome"/> or, before anything in it changes, to
    /// <see cref="Heap.Saver"/>. Requires: the last one has ended. O(1).
    /// </summary>
    /// <remarks>The unit is a chain of buckets, some ten entries, because its buckets have a bit to spare and entries
    /// have none. While it lasts no segments merge.</remarks>
    public void BeginSaving()
    {
        Debug.Assert(!Head.Saving.IsOn, "one snapshot at a time");
        Head.Saving = TableSaving.Begun;
    }

    /// <summary>Has what belongs to a hash saved, if a snapshot needs it: before the block of an entry is written to in
    /// place. Insert, Replace and Remove do it themselves.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void BeforeChange(ulong hash)
    {
        if (Head.Saving.IsOn) SaveChain(hash);
    }

    /// <summary>The same for who has the entry, but not its hash.</summary>
    public void BeforeChange(BlockRef entry)
    {
        if (Head.Saving.IsOn) SaveChain(TLayout.HashOf(_heap, entry, _hasher));
    }

    /// <summary>Goes on with a snapshot: shows the entries of chains that it does not have yet, until the walker has
    /// enough. Requires: it has begun.</summary>
    /// <returns>True when there are none left; the snapshot of this table has ended then.</returns>
    public bool SaveSome<TWalker>(ref TWalker walker)
        where TWalker : struct, IEntryWalker, allows ref struct
    {
        ref var head = ref Head;
        while (!head.Saving.IsAll)
        {
            var point = head.Saving.Point;
            var segment = SegmentAt(point, out var depth);
            if (!SaveSegment(segment, 1 << head.BucketBits, ref walker)) return false;
            var width = 1UL << (HashBits.MaxDirectoryBits - depth);
            var next = (point & ~(width - 1)) + width;
            head.Saving = next >> HashBits.MaxDirectoryBits == 0 ? TableSaving.Before((uint)next) : TableSaving.All;
            // Also where every chain was saved before: passing them takes time, too.
            if (!head.Saving.IsAll && walker.IsDone) return false;
        }

        head.Saving = default;
        return true;
    }

    // Afterwards the segment counts as saved as a whole, and its buckets say nothing any more.
    private bool SaveSegment<TWalker>(Bucket* segment, int buckets, ref TWalker walker)
        where TWalker : struct, IEntryWalker, allows ref struct
    {
        for (var number = 0; number < buckets; number++)
        {
            var bucket = segment + number;
            if (number + 1 < buckets && !bucket[1].IsSaved) ChainOf(bucket + 1).PrefetchEntries();
            if (bucket->IsSaved) continue;
            if (walker.IsDone) return false;
            bucket->IsSaved = true;
            ChainOf(bucket).Visit(ref walker);
        }

        for (var number = 0; number < buckets; number++) segment[number].IsSaved = false;
        return true;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void SaveChain(ulong hash)
    {
        if (!Head.Saving.Covers(hash)) SaveChain(BucketFor(hash));
    }

    private void SaveChain(Bucket* bucket)
    {
        if (bucket->IsSaved) return;
        bucket->IsSaved = true;
        var relay = new Relay { Table = this };
        var chain = ChainOf(bucket);
        chain.PrefetchEntries(); // ten misses at once, and not one after the other
        chain.Visit(ref relay);
    }

    // A table of less than a segment is saved as a whole before its buckets change their number.
    private void SaveSmall(Bucket* segment, int buckets)
    {
        for (var number = 0; number < buckets; number++)
        {
            SaveChain(segment + number);
            segment[number].IsSaved = false;
        }

        Head.Saving = TableSaving.All;
    }

    // ---- finding the place ----

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Bucket* BucketFor(ulong hash)
    {
        ref var head = ref Head;
        var root = head.Root;
        var bits = head.DirectoryBits;
        var block = new BlockRef(root & BlockRef.Mask);
        if (bits != 0)
        {
            var place = ((ulong*)_heap.Address(block))[HashBits.Directory(hash, bits)];
            block = new BlockRef(place & BlockRef.Mask);
        }

        return (Bucket*)_heap.Address(block) + HashBits.Bucket(hash, head.BucketBits);
    }

    // The bucket for a hash as far as one can tell without the lock, or null.
    // SAFETY: nothing read here is believed: every address that it leads to is looked up through HintAddress, which
    // gives only whole ranges of the region.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Bucket* HintedBucket(ulong hash)
    {
        var head = (TableHeader*)_heap.HintAddress(Header, 0, TableHeader.SizeBytes);
        if (head == null) return null;
        var root = Volatile.Read(ref head->Root);
        var block = new BlockRef(root & BlockRef.Mask);
        var directoryBits = TableHeader.DirectoryBitsOf(root);
        if (directoryBits != 0)
        {
            if (directoryBits > MaxDepth) return null;
            var offset = HashBits.Directory(hash, directoryBits) * (ulong)PlaceBytes;
            var place = (ulong*)_heap.HintAddress(block, offset, PlaceBytes);
            if (place == null) return null;
            block = new BlockRef(*place & BlockRef.Mask);
        }

        var bits = TableHeader.BucketBitsOf(root) & (SegmentBuckets - 1);
        var number = (ulong)HashBits.Bucket(hash, bits) & (SegmentBuckets - 1);
        return (Bucket*)_heap.HintAddress(block, number * Bucket.SizeBytes, Bucket.SizeBytes);
    }

    private BucketChain ChainOf(Bucket* bucket) => new(_heap, bucket, ref Head.Overflows);

    // The segment that holds the hashes beginning with these 32 bits.
    private Bucket* SegmentAt(uint point, out int depth)
    {
        ref var head = ref Head;
        var place = head.DirectoryBits == 0 ? 0 : point >> (HashBits.MaxDirectoryBits - head.DirectoryBits);
        return (Bucket*)_heap.Address(SegmentBlock(place, out depth));
    }

    private BlockRef SegmentBlock(uint place, out int depth)
    {
        ref var head = ref Head;
        depth = 0;
        if (head.DirectoryBits == 0) return head.RootBlock;
        var word = ((ulong*)_heap.Address(head.RootBlock))[place];
        depth = (int)(word >> DepthShift);
        return new BlockRef(word & BlockRef.Mask);
    }

    private static bool IsFirstPlace(uint point, int depth, int directoryBits) =>
        directoryBits == depth || point << depth >> (32 - (directoryBits - depth)) == 0;

    // ---- growing ----

    private BlockRef NewSegment(int buckets)
    {
        var block = _heap.Allocate(buckets * Bucket.SizeBytes);
        _heap.Span(block, 0, buckets * Bucket.SizeBytes).Clear();
        return block;
    }

    // Makes room where this hash belongs, if the table is full enough for it; otherwise an overflow bucket will do.
    private bool TryGrow(ulong hash)
    {
        ref var head = ref Head;
        if (head.BucketBits < SegmentBits)
        {
            if (head.Count * 100 < SlotCountOf(head.BucketBits) * SmallGrowPercent) return false;
            if (head.Saving.IsOn && !head.Saving.IsAll) SaveSmall(SegmentAt(0, out _), 1 << head.BucketBits);
            ResizeSmall(head.BucketBits + 1);
            return true;
        }

        if (head.SplitDelay > 0) return false;
        var segment = SegmentAt((uint)(hash >> 32), out var depth);
        if (depth == MaxDepth || !Holds(segment, SplitEntries)) return false;
        if (depth == head.DirectoryBits)
        {
            if (head.Count >> depth < MinEntriesPerPlace) return false;
            DoubleDirectory();
        }

        Split(hash, depth);
        return true;
    }

    private static long SlotCountOf(int bucketBits) => (long)Bucket.Slots << bucketBits;

    // Chains are followed: entries that come in the order in which a table shows them (COPY, RESTORE) fill one bucket
    // number of all segments after the other.
    private bool Holds(Bucket* segment, int entries)
    {
        for (var i = 0; i < SegmentBuckets && entries > 0; i++)
            entries -= ChainOf(segment + i).Count;
        return entries <= 0;
    }

    private void DoubleDirectory()
    {
        ref var head = ref Head;
        var bits = head.DirectoryBits;
        var block = _heap.Allocate(checked((2 << bits) * PlaceBytes));
        var places = (ulong*)_heap.Address(block);
        if (bits == 0)
        {
            places[0] = places[1] = head.RootBlock.Value;
        }
        else
        {
            var old = (ulong*)_heap.Address(head.RootBlock);
            for (var i = 0; i < 1 << bits; i++) places[2 * i] = places[(2 * i) + 1] = old[i];
            _heap.Free(head.RootBlock);
        }

        head.SetRoot(block, bits + 1, head.BucketBits);
        head.Deepest = 0;
    }

    // Requires: the segment's depth is below the directory's.
    private void Split(ulong hash, int depth)
    {
        ref var head = ref Head;
        var upperBlock = NewSegment(SegmentBuckets);
        var lowerBlock = SegmentBlock(HashBits.Directory(hash, head.DirectoryBits), out _);
        SetPlaces(hash, depth, depth + 1, lowerBlock, upperBlock);
        var lower = (Bucket*)_heap.Address(lowerBlock);
        var upper = (Bucket*)_heap.Address(upperBlock);
        ChainOf(lower).PrefetchEntries();
        for (var i = 0; i < SegmentBuckets; i++)
        {
            if (i + 1 < SegmentBuckets) ChainOf(lower + i + 1).PrefetchEntries();
            var sorter = new BitSorter
            {
                Table = this,
                Bit = 63 - depth,
                Lower = ChainOf(lower + i),
                Upper = ChainOf(upper + i),
            };
            var isSaved = lower[i].IsSaved;
            Redistribute(lower + i, ref sorter);
            lower[i].IsSaved = upper[i].IsSaved = isSaved;
        }

        head.SplitDelay = SplitDistance;
        head.Segments++;
        if (depth + 1 == head.DirectoryBits) head.Deepest += 2;
    }

    // Points the lower half of the places that agree with a hash in `bits` bits to one segment and the upper to
    // another.
    private void SetPlaces(ulong hash, int bits, int depth, BlockRef lower, BlockRef upper)
    {
        ref var head = ref Head;
        var places = (ulong*)_heap.Address(head.RootBlock);
        var width = 1u << (head.DirectoryBits - bits);
        var first = HashBits.Directory(hash, head.DirectoryBits) & ~(width - 1);
        var word = (ulong)depth << DepthShift;
        for (var i = 0u; i < width / 2; i++) places[first + i] = word | lower.Value;
        for (var i = width / 2; i < width; i++) places[first + i] = word | upper.Value;
    }

    // Empties a chain and lets the sorter put each of its entries back to where it belongs now.
    private void Redistribute<TSorter>(Bucket* bucket, ref TSorter sorter)
        where TSorter : struct, IEntryVisitor, allows ref struct
    {
        var copy = *bucket;
        *bucket = default;
        while (true)
        {
            for (var slots = copy.Occupied; slots != 0; slots &= slots - 1)
                sorter.Visit(copy.Reference(BitOperations.TrailingZeroCount(slots)));
            if (!copy.IsChained) return;
            var block = copy.Next;
            copy = *(Bucket*)_heap.Address(block);
            _heap.Free(block);
            Head.Overflows--;
        }
    }

    // Gives the only segment another number of buckets.
    private void ResizeSmall(int bucketBits)
    {
        ref var head = ref Head;
        var oldBlock = head.RootBlock;
        var oldBits = head.BucketBits;
        var block = NewSegment(1 << bucketBits);
        head.SetRoot(block, 0, bucketBits);
        var old = (Bucket*)_heap.Address(oldBlock);
        var sorter = new Reinserter { Table = this };
        for (var i = 0; i < 1 << oldBits; i++) Redistribute(old + i, ref sorter);
        _heap.Free(oldBlock);
    }

    // ---- shrinking ----

    // Called when a bucket became empty, which is rare in a table that is well filled.
    private void Shrink(ulong hash)
    {
        ref var head = ref Head;
        if (head.Saving.IsOn) return;
        while (head.DirectoryBits > 0)
        {
            if (!TryMerge(hash)) return;
            while (head.DirectoryBits > 0 && head.Deepest == 0) HalveDirectory();
        }

        var bits = head.BucketBits;
        while (bits > 0 && head.Count * 100 < SlotCountOf(bits) * SmallShrinkPercent) bits--;
        if (bits < head.BucketBits) ResizeSmall(bits);
    }

    // Merges the segment of this hash with its buddy when both are mostly empty.
    private bool TryMerge(ulong hash)
    {
        ref var head = ref Head;
        var place = HashBits.Directory(hash, head.DirectoryBits);
        var mine = SegmentBlock(place, out var depth);
        if (depth == 0) return false;
        var other = SegmentBlock(place ^ (1u << (head.DirectoryBits - depth)), out var otherDepth);
        if (otherDepth != depth) return false;
        var target = (Bucket*)_heap.Address(mine);
        var source = (Bucket*)_heap.Address(other);
        if (!IsSparse(target, source)) return false;

        for (var i = 0; i < SegmentBuckets; i++) Append(source + i, target + i);
        SetPlaces(hash, depth - 1, depth - 1, mine, mine);
        _heap.Free(other);
        head.Segments--;
        if (depth == head.DirectoryBits) head.Deepest -= 2;
        return true;
    }

    // Whether two segments together hold little; gives up as soon as that is unlikely.
    private bool IsSparse(Bucket* a, Bucket* b)
    {
        const int Slack = 24;
        var sum = 0;
        for (var i = 0; i < SegmentBuckets; i++)
        {
            sum += ChainOf(a + i).Count + ChainOf(b + i).Count;
            if (sum > ((i + 1) * MergeEntries / SegmentBuckets) + Slack) return false;
        }

        return sum <= MergeEntries;
    }

    // Moves all entries of a chain to the end of another. The buckets have the same number, so no hash is needed.
    private void Append(Bucket* from, Bucket* to)
    {
        var chain = ChainOf(to);
        for (var bucket = from; ; bucket = (Bucket*)_heap.Address(bucket->Next))
        {
            for (var slots = bucket->Occupied; slots != 0; slots &= slots - 1)
            {
                var slot = BitOperations.TrailingZeroCount(slots);
                chain.Add(bucket->Fingerprint(slot), bucket->Reference(slot));
            }

            if (!bucket->IsChained) break;
        }

        ChainOf(from).Clear();
    }

    // Requires: no segment is as deep as the directory.
    private void HalveDirectory()
    {
        ref var head = ref Head;
        var bits = head.DirectoryBits - 1;
        var old = (ulong*)_heap.Address(head.RootBlock);
        var oldBlock = head.RootBlock;
        if (bits == 0)
        {
            head.SetRoot(new BlockRef(old[0] & BlockRef.Mask), 0, SegmentBits);
        }
        else
        {
            var block = _heap.Allocate((1 << bits) * PlaceBytes);
            var places = (ulong*)_heap.Address(block);
            for (var i = 0; i < 1 << bits; i++) places[i] = old[2 * i];
            head.SetRoot(block, bits, SegmentBits);
            head.Deepest = CountDeepest(places, bits);
        }

        _heap.Free(oldBlock);
    }

    private static int CountDeepest(ulong* places, int bits)
    {
        var count = 0;
        for (var i = 0; i < 1 << bits; i++)
        {
            if ((int)(places[i] >> DepthShift) == bits) count++;
        }

        return count;
    }

    // ---- choosing at random ----

    // The first entry from a random point of the scan order on. Requires: there is one.
    private BlockRef NextEntry(ulong random)
    {
        var cursor = random & ((1UL << (SegmentBits + HashBits.MaxDirectoryBits)) - 1);
        var first = default(FirstEntry);
        while (first.Entry.IsNull) cursor = Scan(cursor, ref first);
        return first.Entry;
    }

    [DoesNotReturn]
    private static void ThrowMissing() =>
        throw new InvalidOperationException("The entry is not in the table under this hash.");

    private struct FirstEntry : IEntryVisitor
    {
        internal BlockRef Entry;

        public void Visit(BlockRef entry)
        {
            if (Entry.IsNull) Entry = entry;
        }
    }

    // Sends an entry to one of two chains by a bit of its hash.
    private ref struct BitSorter : IEntryVisitor
    {
        internal HashTable<TLayout> Table;
        internal int Bit;
        internal BucketChain Lower;
        internal BucketChain Upper;

        public void Visit(BlockRef entry)
        {
            var hash = TLayout.HashOf(Table._heap, entry, Table._hasher);
            var fingerprint = HashBits.Fingerprint(hash);
            if ((hash >> Bit & 1) != 0) Upper.Add(fingerprint, entry);
            else Lower.Add(fingerprint, entry);
        }
    }

    // Hands entries that are about to change to who saves them.
    private struct Relay : IEntryVisitor
    {
        internal HashTable<TLayout> Table;

        public readonly void Visit(BlockRef entry) => Table._heap.Saver!.Save(Table.Header, entry);
    }

    // Puts an entry where its hash belongs now.
    private struct Reinserter : IEntryVisitor
    {
        internal HashTable<TLayout> Table;

        public readonly void Visit(BlockRef entry)
        {
            var hash = TLayout.HashOf(Table._heap, entry, Table._hasher);
            Table.ChainOf(Table.BucketFor(hash)).Add(HashBits.Fingerprint(hash), entry);
        }
    }
}
