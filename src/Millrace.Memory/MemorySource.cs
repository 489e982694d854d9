using System.Diagnostics;
using System.Numerics;
using Millrace.Memory.Interop;

namespace Millrace.Memory;

/// <summary>
/// Where all native memory of a process comes from: one reserved region of address space, handed out to heaps in runs
/// of 16 kB pages. Thread-safe.
/// </summary>
/// <remarks>
/// <code>
///   region   | page 0 | page 1 | ...                                     frontier | never used yet ...   |
///            | nobody |  span of heap 3  |  free run  |  blob of heap 1  |  free  |                      |
///   chunks   |   2 MB = 128 pages   |      2 MB            |      2 MB            |
/// </code>
/// <para>
/// Free runs are kept in bins by length, exactly below 128 pages and four bins to a doubling above; a run is taken from
/// the first bin that fits and what is left over goes back. Neighbouring free runs are always joined. A chunk that
/// is free throughout gives its memory back to the system, except for <see cref="SpareChunks"/> of them, so that work
/// that frees and allocates in turns does not pay for page faults each time.
/// </para>
/// <para>
/// Invariants: no two free runs are neighbours; every page below the frontier is in exactly one free run, span or blob,
/// but page 0, so that reference 0 is nobody's; <see cref="UsedBytes"/> is what spans and blobs take.
/// All calls are O(1) but for the length of the run in chunks. Bin layout after dlmalloc and TLSF.
/// </para>
/// </remarks>
public sealed unsafe class MemorySource : IDisposable
{
    /// <summary>The size of a page.</summary>
    public const int PageBytes = 16 * 1024;

    /// <summary>The size of a chunk.</summary>
    public const int ChunkBytes = 2 * 1024 * 1024;

    /// <summary>How many wholly free chunks keep their memory.</summary>
    public const int SpareChunks = 8;

    internal const int UnitsPerPageShift = 11;

    private const int PagesPerChunk = ChunkBytes / PageBytes;
    private const long DefaultRegionBytes = 1L << 40;
    private const long MinRegionBytes = 64L << 20;
    private const int ExactBins = PagesPerChunk;
    private const int BinsPerDoubling = 4;
    private const int Bins = ExactBins + (BinsPerDoubling * 24);
    private const int MaxBinSteps = 16;

    // Guards the bins, the chunks, the frontier and every page record that no heap owns. Taken last of all locks.
    private readonly Lock _pagesLock = new();
    private readonly int[] _bins = new int[Bins];
    private readonly ulong[] _binsInUse = new ulong[(Bins + 63) / 64];
    private readonly ChunkState[] _chunks;
    private readonly int _pageLimit;
    private byte* _reservation;
    private readonly nuint _reservationBytes;
    private byte* _recordMemory;
    private int _frontier = 1;
    private int _freeChunks;
    private int _nextOwner;
    private int _heaps;
    private bool _isDisposed;

    /// <summary>Reserves the region: 1 TB of addresses, or as much of it as the system grants.</summary>
    public MemorySource()
        : this(DefaultRegionBytes)
    {
    }

    /// <summary>
    /// Reserves a region of at most <paramref name="regionBytes"/> (64 MB to 8 TB), halving until it is granted.
    /// </summary>
    /// <exception cref="InsufficientMemoryException">The system grants not even 64 MB.</exception>
    public MemorySource(long regionBytes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(regionBytes, MinRegionBytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(regionBytes, 1L << (BlockRef.Bits + BlockRef.UnitShift));
        Debug.Assert(sizeof(PageRecord) == PageRecord.SizeBytes, "a record is one cache line");
        var bytes = regionBytes / ChunkBytes * ChunkBytes;
        for (; bytes >= MinRegionBytes; bytes = bytes / 2 / ChunkBytes * ChunkBytes)
        {
            if (TryReserve(bytes)) break;
        }

        if (_reservation is null) throw new InsufficientMemoryException("The system grants no address space.");
        // SAFETY: the reservation has a chunk to spare for this alignment.
        Base = (byte*)(((nuint)_reservation + ChunkBytes - 1) & ~(nuint)(ChunkBytes - 1));
        RegionBytes = bytes;
        _reservationBytes = (nuint)bytes + ChunkBytes;
        _pageLimit = (int)(bytes / PageBytes);
        _chunks = new ChunkState[bytes / ChunkBytes];
    }

    /// <summary>Bytes of address space in the region.</summary>
    public long RegionBytes { get; }

    /// <summary>Bytes in spans and blobs: what heaps hold, free blocks in their spans included. Exact.</summary>
    public long UsedBytes { get; private set; }

    /// <summary>Bytes that the system may have given memory for: whole chunks, not counting those given back.</summary>
    public long CommittedBytes { get; private set; }

    internal byte* Base { get; }

    internal PageRecord* Records => (PageRecord*)_recordMemory;

    internal SizeClasses Classes { get; } = new();

    /// <summary>Pages from here on were never handed out, and their records must not be read. Only grows.</summary>
    internal int Frontier => Volatile.Read(ref _frontier);

    /// <summary>Gives the memory of all free chunks back to the system.</summary>
    public void Trim()
    {
        lock (_pagesLock)
        {
            for (var i = 0; i * PagesPerChunk < _frontier; i++)
            {
                if (_chunks[i].UsedPages == 0) DiscardChunk(i);
            }
        }
    }

    /// <summary>Ends the region. Requires: every heap on it is disposed.</summary>
    /// <exception cref="InvalidOperationException">A heap is still in use.</exception>
    public void Dispose()
    {
        lock (_pagesLock)
        {
            if (_isDisposed) return;
            if (_heaps > 0) throw new InvalidOperationException("A heap of this source is still in use.");
            _isDisposed = true;
            SystemMemory.Release(_reservation, _reservationBytes);
            SystemMemory.Release(_recordMemory, RecordBytes(RegionBytes));
            _reservation = null;
            _recordMemory = null;
        }
    }

    /// <summary>Counts a heap in; gives it its number, which is never 0 and never given twice.</summary>
    internal int Enter()
    {
        lock (_pagesLock)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            _heaps++;
            return ++_nextOwner;
        }
    }

    /// <summary>Counts a heap out.</summary>
    internal void Leave()
    {
        lock (_pagesLock) _heaps--;
    }

    /// <summary>Takes a run of pages and marks it as a span of a size class.</summary>
    /// <returns>Its first page.</returns>
    internal int TakeSpan(int pages, byte sizeClass, int owner)
    {
        lock (_pagesLock)
        {
            var first = Take(pages);
            for (var i = 0; i < pages; i++)
            {
                Records[first + i] = new PageRecord
                {
                    Kind = PageKind.Span,
                    SizeClass = sizeClass,
                    PageInRun = (byte)i,
                    RunPages = pages,
                    Owner = owner,
                };
            }

            return first;
        }
    }

    /// <summary>Takes a run of pages for one block.</summary>
    /// <returns>Its first page.</returns>
    internal int TakeBlob(int pages, int owner)
    {
        lock (_pagesLock)
        {
            var first = Take(pages);
            Records[first] = new PageRecord { Kind = PageKind.Blob, RunPages = pages, Owner = owner };
            return first;
        }
    }

    /// <summary>Gives a span or blob back. Requires: its owner asks, and no block in it is live.</summary>
    internal void Return(int first)
    {
        var pages = Records[first].RunPages;
        var discarded = DiscardInside(first, pages);
        lock (_pagesLock)
        {
            for (var i = 0; i < pages && Records[first + i].Kind == PageKind.Span; i++) Records[first + i] = default;
            Records[first] = default;
            NoteDiscarded(discarded);
            Give(first, pages);
        }
    }

    /// <summary>Makes a blob longer or shorter where it is.</summary>
    /// <returns>False, with nothing changed, when the pages behind it are not free.</returns>
    internal bool TryResizeBlob(int first, int pages)
    {
        ref var blob = ref Records[first];
        lock (_pagesLock)
        {
            var extra = pages - blob.RunPages;
            var end = first + blob.RunPages;
            if (extra > 0)
            {
                if (end >= _frontier || Records[end].Kind != PageKind.FreeHead) return false;
                if (Records[end].RunPages < extra) return false;
                TakeFrom(end, extra);
            }

            blob.RunPages = pages;
            if (extra < 0) Give(first + pages, -extra);
            return true;
        }
    }

    /// <summary>Tests the invariants of the page map. For tests; O(pages below the frontier).</summary>
    internal void CheckInvariants()
    {
        lock (_pagesLock)
        {
            var used = 0L;
            var wasFree = false;
            for (var page = 1; page < _frontier; page += Records[page].RunPages)
            {
                ref var record = ref Records[page];
                var isFree = record.Kind == PageKind.FreeHead;
                var isTailRight = !isFree || record.RunPages == 1 || (Records[page + record.RunPages - 1].Kind
                    == PageKind.FreeTail && Records[page + record.RunPages - 1].RunPages == record.RunPages);
                if (record.RunPages <= 0 || (isFree && wasFree) || !isTailRight
                    || record.Kind is PageKind.None or PageKind.FreeTail)
                    throw new HeapCorruptionException($"The page map is broken at page {page}.");
                if (!isFree) used += (long)record.RunPages * PageBytes;
                wasFree = isFree;
            }

            if (used != UsedBytes) throw new HeapCorruptionException("Used pages do not add up.");
        }
    }

    private bool TryReserve(long bytes)
    {
        var reservation = SystemMemory.TryReserve((nuint)bytes + ChunkBytes);
        if (reservation is null) return false;
        _recordMemory = SystemMemory.TryReserve(RecordBytes(bytes));
        if (_recordMemory is null)
        {
            SystemMemory.Release(reservation, (nuint)bytes + ChunkBytes);
            return false;
        }

        _reservation = reservation;
        return true;
    }

    private static nuint RecordBytes(long regionBytes) => (nuint)(regionBytes / PageBytes * PageRecord.SizeBytes);

    // ---- runs, all under the lock ----

    private int Take(int pages)
    {
        var first = FindRun(pages);
        if (first == 0)
        {
            Extend(pages);
            first = FindRun(pages);
        }

        TakeFrom(first, pages);
        return first;
    }

    // Takes the first pages of a free run; what is left over becomes a shorter one.
    private void TakeFrom(int first, int pages)
    {
        var runPages = Records[first].RunPages;
        Unlink(first);
        Records[first] = default;
        Records[first + runPages - 1] = default;
        if (runPages > pages) Link(first + pages, runPages - pages);
        UsedBytes += (long)pages * PageBytes;
        CountChunks(first, pages, taken: true);
    }

    // Adds pages to the free ones, joining what is free on either side.
    private void Give(int first, int pages)
    {
        UsedBytes -= (long)pages * PageBytes;
        CountChunks(first, pages, taken: false);
        LinkJoined(first, pages);
    }

    private void LinkJoined(int first, int pages)
    {
        var after = first + pages;
        if (after < _frontier && Records[after].Kind == PageKind.FreeHead)
        {
            var length = Records[after].RunPages;
            Unlink(after);
            Records[after] = default;
            Records[after + length - 1] = default;
            pages += length;
        }

        ref var before = ref Records[first - 1];
        if (before.Kind is PageKind.FreeTail || (before.Kind == PageKind.FreeHead && before.RunPages == 1))
        {
            var length = before.RunPages;
            Unlink(first - length);
            before = default;
            Records[first - length] = default;
            first -= length;
            pages += length;
        }

        Link(first, pages);
    }

    // Moves the frontier up by whole chunks, so far that a run of `pages` is free below it.
    private void Extend(int pages)
    {
        ref var last = ref Records[_frontier - 1];
        var isFree = last.Kind is PageKind.FreeTail or PageKind.FreeHead;
        var missing = pages - (isFree ? last.RunPages : 0);
        var target = ((long)_frontier + missing + PagesPerChunk - 1) / PagesPerChunk * PagesPerChunk;
        if (target > _pageLimit) throw new InsufficientMemoryException("The reserved region is used up.");
        var first = _frontier;
        // SAFETY: the records of pages below _pageLimit lie in the reservation of the records.
        var records = _recordMemory + ((long)first * PageRecord.SizeBytes);
        SystemMemory.Commit(records, RecordBytes((target - first) * PageBytes));
        Volatile.Write(ref _frontier, (int)target);
        if (first == 1) _chunks[0].UsedPages = 1; // page 0 is nobody's
        LinkJoined(first, _frontier - first);
    }

    // ---- bins ----

    private static int BinOf(int pages)
    {
        if (pages < ExactBins) return pages;
        var log = BitOperations.Log2((uint)pages);
        return ExactBins + ((log - BitOperations.Log2((uint)ExactBins)) * BinsPerDoubling)
            + (int)(((uint)pages >> (log - 2)) & (BinsPerDoubling - 1));
    }

    private int FindRun(int pages)
    {
        var bin = BinOf(pages);
        if (bin >= ExactBins)
        {
            var steps = 0;
            for (var run = _bins[bin]; run != 0 && steps < MaxBinSteps; run = Records[run].Next, steps++)
            {
                if (Records[run].RunPages >= pages) return run;
            }

            bin++;
        }

        for (var word = bin / 64; word < _binsInUse.Length; word++)
        {
            var bits = _binsInUse[word];
            if (word == bin / 64) bits &= ulong.MaxValue << (bin % 64);
            if (bits != 0) return _bins[(word * 64) + BitOperations.TrailingZeroCount(bits)];
        }

        return 0;
    }

    private void Link(int first, int pages)
    {
        var bin = BinOf(pages);
        var next = _bins[bin];
        if (pages > 1) Records[first + pages - 1] = new PageRecord { Kind = PageKind.FreeTail, RunPages = pages };
        Records[first] = new PageRecord { Kind = PageKind.FreeHead, RunPages = pages, Next = next };
        if (next != 0) Records[next].Previous = first;
        _bins[bin] = first;
        _binsInUse[bin / 64] |= 1UL << (bin % 64);
    }

    private void Unlink(int first)
    {
        ref var run = ref Records[first];
        var bin = BinOf(run.RunPages);
        if (run.Next != 0) Records[run.Next].Previous = run.Previous;
        if (run.Previous != 0) Records[run.Previous].Next = run.Next;
        else _bins[bin] = run.Next;
        if (_bins[bin] == 0) _binsInUse[bin / 64] &= ~(1UL << (bin % 64));
    }

    // Gives the memory of whole chunks inside a long run back before the lock is taken, since that takes the system a
    // while. The pages are still the caller's, so nobody else looks at these chunks.
    private Range DiscardInside(int first, int pages)
    {
        var from = (first + PagesPerChunk - 1) / PagesPerChunk;
        var to = (first + pages) / PagesPerChunk;
        if (to - from <= SpareChunks) return default;
        SystemMemory.Discard(Base + ((nint)from * ChunkBytes), (nuint)(to - from) * ChunkBytes);
        return from..to;
    }

    private void NoteDiscarded(Range chunks)
    {
        for (var i = chunks.Start.Value; i < chunks.End.Value; i++)
        {
            _chunks[i].IsCommitted = false;
            CommittedBytes -= ChunkBytes;
        }
    }

    // ---- chunks ----

    private void CountChunks(int first, int pages, bool taken)
    {
        var end = first + pages;
        for (var page = first; page < end;)
        {
            var index = page / PagesPerChunk;
            var next = Math.Min(end, (index + 1) * PagesPerChunk);
            ref var chunk = ref _chunks[index];
            if (taken) TakeInChunk(index, ref chunk, next - page);
            else GiveInChunk(index, ref chunk, next - page);
            page = next;
        }
    }

    private void TakeInChunk(int index, ref ChunkState chunk, int pages)
    {
        if (!chunk.IsCommitted)
        {
            SystemMemory.Commit(Base + ((nint)index * ChunkBytes), ChunkBytes);
            chunk.IsCommitted = true;
            CommittedBytes += ChunkBytes;
        }
        else if (chunk.UsedPages == 0)
        {
            _freeChunks--;
        }

        chunk.UsedPages += (byte)pages;
    }

    private void GiveInChunk(int index, ref ChunkState chunk, int pages)
    {
        chunk.UsedPages -= (byte)pages;
        if (chunk.UsedPages != 0 || !chunk.IsCommitted) return;
        _freeChunks++;
        if (_freeChunks > SpareChunks) DiscardChunk(index);
    }

    private void DiscardChunk(int index)
    {
        ref var chunk = ref _chunks[index];
        if (!chunk.IsCommitted) return;
        SystemMemory.Discard(Base + ((nint)index * ChunkBytes), ChunkBytes);
        chunk.IsCommitted = false;
        CommittedBytes -= ChunkBytes;
        _freeChunks--;
    }

    private struct ChunkState
    {
        internal byte UsedPages;
        internal bool IsCommitted;
    }
}
