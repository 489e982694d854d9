using System.Diagnostics;
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
/// Free runs are kept in bins by length (<see cref="FreeRuns"/>); a run is taken from the first bin that fits and what
/// is left over goes back. Neighbouring free runs are always joined.
/// </para>
/// <para>
/// Chunks get their memory ahead of use, in huge pages, from a thread of the source's own, and give it back through it
/// (<see cref="ChunkPreparer"/>); the first <see cref="PlainChunks"/> have small pages, so that a small process stays
/// small and has no such thread. Of the chunks that become free throughout, <see cref="SpareChunks"/> keep their memory
/// for a while, so that work that frees and allocates in turns does not pay for page faults each time. Those beyond are
/// queued to be discarded, and recalled from the queue when they are needed before that.
/// </para>
/// <para>
/// Invariants: no two free runs are neighbours; every page below the frontier is in exactly one free run, span, blob or
/// held run of whole chunks, but page 0, so that reference 0 is nobody's; <see cref="UsedBytes"/> is what spans and
/// blobs take. All calls are O(1) but for the length of the run in chunks.
/// </para>
/// </remarks>
public sealed unsafe class MemorySource : IDisposable
{
    /// <summary>The size of a page.</summary>
    public const int PageBytes = 16 * 1024;

    /// <summary>The size of a chunk.</summary>
    public const int ChunkBytes = 2 * 1024 * 1024;

    /// <summary>How many wholly free chunks keep their memory while there is work.</summary>
    public const int SpareChunks = 8;

    /// <summary>How many chunks are used before huge pages and the thread that prepares them come in.</summary>
    public const int PlainChunks = 4;

    internal const int UnitsPerPageShift = 11;
    internal const int PagesPerChunk = ChunkBytes / PageBytes;

    private const long DefaultRegionBytes = 1L << 40;
    private const long MinRegionBytes = 64L << 20;

    // Records are populated ahead in pieces of this many chunks: one huge page of records.
    private const int ChunksPerRecordPiece = ChunkBytes / (PagesPerChunk * PageRecord.SizeBytes);
    private const int RecordsAheadChunks = 64;

    // How often somebody waits a millisecond for held chunks before the region counts as used up.
    private const int MaxHeldWaits = 1_000;

    // How often somebody who only asks for room does.
    private const int MaxRoomWaits = 50;

    // Guards the free runs, the chunks, the frontier and every page record that no heap owns. Taken last of all locks.
    private readonly Lock _pagesLock = new();
    private readonly SystemPages _system;
    private readonly FreeRuns _free;
    private readonly ChunkMap _chunks;
    private readonly int _pageLimit;
    private readonly RegionReserve _reserve;
    private byte* _reservation;
    private readonly nuint _reservationBytes;
    private byte* _recordReservation;
    private int _frontier = 1;
    private int _queue;
    private int _queuedChunks;
    private int _workedChunks;
    private long _openedWhenTrimmed = -1;
    private int _ahead = AheadPace.MinChunks;
    private bool _isWoken;
    private int _recordPieces = 1;
    private ChunkPreparer? _preparer;
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
        : this(regionBytes, new SystemPages())
    {
    }

    internal MemorySource(long regionBytes, SystemPages system)
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
        // SAFETY: both reservations have a chunk to spare for this alignment.
        Base = AlignToChunk(_reservation);
        Records = (PageRecord*)AlignToChunk(_recordReservation);
        RegionBytes = bytes;
        _reservationBytes = (nuint)bytes + ChunkBytes;
        _pageLimit = (int)(bytes / PageBytes);
        _reserve = new RegionReserve(bytes);
        _system = system;
        _free = new FreeRuns(Records);
        Blobs = new Blobs(this);
        _chunks = new ChunkMap(system, (nint)Base, (int)(bytes / ChunkBytes));
        // Where huge pages are the rule, they would come unprepared; refused where they do not exist.
        _ = system.TryAdviseHuge((nint)Base, (nint)bytes, huge: false);
        _ = system.TryAdviseHuge((nint)Records, (nint)RecordBytes(bytes), huge: false);
    }

    /// <summary>Bytes of address space in the region.</summary>
    public long RegionBytes { get; }

    /// <summary>Bytes in spans and blobs: what heaps hold, free blocks in their spans included. Exact.</summary>
    public long UsedBytes { get; private set; }

    /// <summary>Bytes that the system may have given memory for: whole chunks, not counting those given back, but
    /// counting those that have it ahead of use.</summary>
    public long CommittedBytes => _chunks.CommittedBytes;

    /// <summary>Whether so little of the region is left that nobody may take more who can do without
    /// (<see cref="RegionReserve"/>). Any thread.</summary>
    public bool IsScarce => _reserve.IsScarce;

    /// <summary>Whether even half of the reserve is used: only what gives memory back may go on. Any thread.</summary>
    public bool IsSpent => _reserve.IsSpent;

    /// <summary>The blocks for large values, which are shared by reference count.</summary>
    public Blobs Blobs { get; }

    internal byte* Base { get; }

    internal PageRecord* Records { get; }

    internal SizeClasses Classes { get; } = new();

    /// <summary>Pages from here on were never handed out, and their records must not be read. Only grows.</summary>
    internal int Frontier => Volatile.Read(ref _frontier);

    private long NeverUsedBytes => (long)(_pageLimit - Frontier) * PageBytes;

    /// <summary>Whether nothing waits to be discarded and no chunk is being worked on. For tests.</summary>
    internal bool IsSettled
    {
        get
        {
            lock (_pagesLock) return _queue == 0 && _workedChunks == 0;
        }
    }

    /// <summary>
    /// Whether so many bytes can be had in one piece, with the reserve left for those who do not ask: whoever takes
    /// more than a bounded amount asks before, since a region that is used up ends what he does. Any thread; others may
    /// take it first, which the reserve is for as well. O(1), but that it waits up to <see cref="MaxRoomWaits"/> ms,
    /// near the end of the region, for what is just being given up.
    /// </summary>
    public bool HasRoomFor(long bytes)
    {
        // Nearly always enough was never used; frontier and limit are read without the lock.
        if (NeverUsedBytes - _reserve.Bytes >= bytes) return true;
        lock (_pagesLock)
        {
            if (RegionBytes - UsedBytes - _reserve.Bytes < bytes) return false;
            if (IsFreeInOnePiece(bytes)) return true;
            // What was given up of late may still be held, to be discarded.
            for (var waits = 0; ; waits++)
            {
                ReleaseQueued();
                if (IsFreeInOnePiece(bytes)) return true;
                if (_workedChunks == 0 || waits == MaxRoomWaits) return false;
                WaitForHeld();
            }
        }
    }

    /// <summary>About how many bytes can still be had, the reserve left out. Any thread.</summary>
    public long RoomBytes => Math.Max(RegionBytes - UsedBytes - _reserve.Bytes, 0);

    /// <summary>Whether so many times of all that is used can be had, never used before. Any thread; two reads.
    /// </summary>
    public bool HasPlentyFor(int copies) => NeverUsedBytes - _reserve.Bytes >= copies * UsedBytes;

    /// <summary>Has somebody told whenever <see cref="IsScarce"/> has changed: under the source's lock, so it must be
    /// quick and take no lock.</summary>
    public void TellScarcity(Action changed)
    {
        lock (_pagesLock) _reserve.ScarcityChanged = changed;
    }

    /// <summary>
    /// Gives the memory of all free chunks back to the system. None is prepared again until one is needed.
    /// </summary>
    public void Trim()
    {
        lock (_pagesLock) QueueFree();
        while (DiscardQueued())
        {
            // Each turn takes one run of chunks from the queue.
        }
    }

    /// <summary>
    /// As <see cref="Trim"/>, but the source's own thread does it, so that the caller does not wait for the system. A
    /// small process has no such thread, and few chunks: then it is done at once.
    /// </summary>
    public void TrimSoon()
    {
        ChunkPreparer? toWake;
        lock (_pagesLock)
        {
            QueueFree();
            toWake = _preparer;
            _isWoken = toWake is not null;
        }

        if (toWake is null) Trim();
        else toWake.Wake();
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
        }

        _preparer?.Stop();
        SystemMemory.Release(_reservation, _reservationBytes);
        SystemMemory.Release(_recordReservation, RecordBytes(RegionBytes) + ChunkBytes);
        _reservation = null;
        _recordReservation = null;
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
        int first;
        ChunkPreparer? toWake;
        lock (_pagesLock)
        {
            first = Take(pages);
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

            toWake = PreparerToWake();
        }

        toWake?.Wake();
        return first;
    }

    /// <summary>Takes a run of pages for one block.</summary>
    /// <returns>Its first page.</returns>
    internal int TakeBlob(int pages, int owner) =>
        TakeOne(new PageRecord { Kind = PageKind.Blob, RunPages = pages, Owner = owner });

    /// <summary>Takes a run of pages for one block that counts its references and belongs to nobody yet.</summary>
    /// <returns>Its first page.</returns>
    internal int TakeShared(int pages) =>
        TakeOne(new PageRecord { Kind = PageKind.Shared, RunPages = pages, References = 1 });

    private int TakeOne(PageRecord record)
    {
        int first;
        ChunkPreparer? toWake;
        lock (_pagesLock)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            first = Take(record.RunPages);
            Records[first] = record;
            toWake = PreparerToWake();
        }

        toWake?.Wake();
        return first;
    }

    /// <summary>Gives a span or blob back. Requires: its owner asks, and no block in it is live.</summary>
    internal void Return(int first)
    {
        ChunkPreparer? toWake;
        lock (_pagesLock)
        {
            var pages = Records[first].RunPages;
            for (var i = 0; i < pages && Records[first + i].Kind == PageKind.Span; i++) Records[first + i] = default;
            Records[first] = default;
            Give(first, pages);
            toWake = PreparerToWake();
        }

        toWake?.Wake();
    }

    /// <summary>Makes a blob longer or shorter where it is.</summary>
    /// <returns>False, with nothing changed, when the pages behind it are not free.</returns>
    internal bool TryResizeBlob(int first, int pages)
    {
        ref var blob = ref Records[first];
        ChunkPreparer? toWake;
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
            toWake = PreparerToWake();
        }

        toWake?.Wake();
        return true;
    }

    // ---- for the thread that prepares chunks ----

    /// <summary>
    /// How many chunks are in use, and how many were ever taken that had no memory. Whoever takes or returns pages from
    /// now on wakes the thread again when there is something to do.
    /// </summary>
    internal (long InUse, long Missed) ReadUse()
    {
        lock (_pagesLock)
        {
            _isWoken = false;
            return (_chunks.InUseCount, _chunks.MissedCount);
        }
    }

    /// <summary>Nobody need wake the thread for want of chunks until it looks for the next one by itself.</summary>
    internal void ExpectNoChunks()
    {
        lock (_pagesLock) _ahead = 0;
    }

    /// <summary>
    /// Holds a chunk without memory, if one is among the next <paramref name="ahead"/> that will be taken into use.
    /// </summary>
    /// <param name="ahead">How many chunks should have memory.</param>
    /// <param name="first">Its first page. <see cref="ReleaseHeld"/> or <see cref="DiscardHeld"/> ends it.</param>
    /// <exception cref="InsufficientMemoryException">The system refuses memory; nothing is held.</exception>
    internal bool TryHoldNext(int ahead, out int first)
    {
        first = 0;
        lock (_pagesLock)
        {
            if (_isDisposed || _openedWhenTrimmed == _chunks.OpenedCount) return false;
            _ahead = ahead;
            if (_chunks.FreeCount >= ahead + SpareChunks) return false; // elsewhere; those go back first
            var seen = _queuedChunks; // these are recalled first
            for (var run = _free.FirstLong(); run != 0 && seen < ahead; run = _free.NextLong(run))
            {
                var end = (run + Records[run].RunPages) / PagesPerChunk;
                for (var chunk = ChunkFrom(run); chunk < end && seen < ahead; chunk++, seen++)
                {
                    if (_chunks.HasMemory(chunk)) continue;
                    first = Hold(run, chunk, chunk + 1);
                    _workedChunks++;
                    return true;
                }
            }

            return seen < ahead && TryHoldAtFrontier(out first);
        }
    }

    /// <summary>Ends the holding of chunks: their pages are free.</summary>
    internal void ReleaseHeld(int first, bool withMemory)
    {
        lock (_pagesLock)
        {
            _workedChunks -= Records[first].RunPages / PagesPerChunk;
            FreeHeld(first, withMemory);
        }
    }

    /// <summary>Takes the memory from held chunks and frees their pages.</summary>
    internal void DiscardHeld(int first)
    {
        var bytes = (nint)Records[first].RunPages * PageBytes;
        var address = AddressOf(first);
        _system.Discard(address, bytes);
        _ = _system.TryAdviseHuge(address, bytes, huge: false);
        ReleaseHeld(first, withMemory: false);
    }

    /// <summary>Discards one run of those that wait for it. False when none waits.</summary>
    internal bool DiscardQueued()
    {
        int first;
        lock (_pagesLock)
        {
            if (_queue == 0) return false;
            first = Dequeue();
            _workedChunks += Records[first].RunPages / PagesPerChunk;
        }

        DiscardHeld(first);
        return true;
    }

    /// <summary>
    /// Discards the free chunk that will be taken last, but none of the first <paramref name="kept"/>, when more than
    /// <paramref name="limit"/> are free. False when nothing is to be discarded.
    /// </summary>
    internal bool DiscardBeyond(int kept, int limit)
    {
        int first;
        lock (_pagesLock)
        {
            if (_chunks.FreeCount <= limit || !TryFindFree(kept, out var run, out var chunk)) return false;
            first = Hold(run, chunk, chunk + 1);
            _workedChunks++;
        }

        DiscardHeld(first);
        return true;
    }

    /// <summary>Gives memory to the next piece of the page records. False when it is not needed yet.</summary>
    /// <exception cref="InsufficientMemoryException">The system refuses memory.</exception>
    internal bool HasPopulatedRecords()
    {
        if ((Frontier / PagesPerChunk) + RecordsAheadChunks < _recordPieces * ChunksPerRecordPiece) return false;
        var from = (nint)_recordPieces * ChunkBytes;
        var bytes = Math.Min(ChunkBytes, (nint)RecordBytes(RegionBytes) - from);
        if (bytes <= 0) return false;
        var address = (nint)Records + from;
        _system.Commit(address, bytes);
        _ = _system.TryAdviseHuge(address, bytes, huge: true);
        _ = _system.TryPopulate(address, bytes);
        _recordPieces++;
        return true;
    }

    /// <summary>Where a page is.</summary>
    internal nint AddressOf(int page) => (nint)Base + ((nint)page * PageBytes);

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
                if (!isFree && record.Kind != PageKind.Held) used += (long)record.RunPages * PageBytes;
                wasFree = isFree;
            }

            if (used != UsedBytes) throw new HeapCorruptionException("Used pages do not add up.");
            if (!_chunks.IsSound()) throw new HeapCorruptionException("The chunks do not add up.");
        }
    }

    private bool TryReserve(long bytes)
    {
        var reservation = SystemMemory.TryReserve((nuint)bytes + ChunkBytes);
        if (reservation is null) return false;
        _recordReservation = SystemMemory.TryReserve(RecordBytes(bytes) + ChunkBytes);
        if (_recordReservation is null)
        {
            SystemMemory.Release(reservation, (nuint)bytes + ChunkBytes);
            return false;
        }

        _reservation = reservation;
        return true;
    }

    private static byte* AlignToChunk(byte* address) =>
        (byte*)(((nuint)address + ChunkBytes - 1) & ~(nuint)(ChunkBytes - 1));

    private static nuint RecordBytes(long regionBytes) => (nuint)(regionBytes / PageBytes * PageRecord.SizeBytes);

    // The thread, when there is something for it to do: too few chunks are ready, or some wait to be discarded. It
    // begins with the first chunk that is not plain.
    private ChunkPreparer? PreparerToWake()
    {
        if (_isWoken || (_chunks.FreeCount >= _ahead && _queue == 0)) return null;
        if (_frontier >= PlainChunks * PagesPerChunk) _preparer ??= new ChunkPreparer(this, _system);
        _isWoken = _preparer is not null;
        return _preparer;
    }

    // ---- runs, all under the lock ----

    private int Take(int pages)
    {
        var first = _free.Find(pages);
        if ((first == 0 || !_chunks.HasMemory(first / PagesPerChunk)) && TryRecall(pages, out var recalled))
            return recalled;
        for (var waits = 0; first == 0 && !TryExtend(pages); waits++)
        {
            ReleaseQueued();
            first = _free.Find(pages);
            if (first == 0 && (_workedChunks == 0 || waits == MaxHeldWaits))
                throw new InsufficientMemoryException("The reserved region is used up.");
            if (first == 0) WaitForHeld();
        }

        if (first == 0) first = _free.Find(pages);
        TakeFrom(first, pages);
        return first;
    }

    // Nothing has been changed yet, so others may have the lock meanwhile.
    private void WaitForHeld()
    {
        _pagesLock.Exit();
        Thread.Sleep(1);
        _pagesLock.Enter();
    }

    // Takes the first pages of a free run; what is left over becomes a shorter one.
    private void TakeFrom(int first, int pages)
    {
        _chunks.Take(first, pages);
        var runPages = _free.Unlink(first);
        if (runPages > pages) _free.Link(first + pages, runPages - pages);
        UsedBytes += (long)pages * PageBytes;
        NoteScarcity();
    }

    private bool IsFreeInOnePiece(long bytes)
    {
        var atEnd = ((long)FreeAtFrontier * PageBytes) + NeverUsedBytes;
        return atEnd - _reserve.Bytes >= bytes || _free.Find((int)(bytes / PageBytes) + 1) != 0;
    }

    // A whole chunk is what the longest span needs, and much more; only near the end of the region it may be missing.
    private void NoteScarcity()
    {
        var left = RegionBytes - UsedBytes;
        var hasChunk = NeverUsedBytes >= ChunkBytes || _queue != 0 || _workedChunks != 0
            || _free.Find(PagesPerChunk) != 0;
        _reserve.Note(hasChunk ? left : 0);
    }

    // Adds pages to the free ones, joining what is free on either side. Chunks that are free now and too many are
    // queued to be discarded.
    private void Give(int first, int pages)
    {
        UsedBytes -= (long)pages * PageBytes;
        _chunks.Give(first, pages);
        var run = LinkJoined(first, pages);
        NoteScarcity();
        if (_chunks.FreeCount <= SpareChunks) return;
        var from = first / PagesPerChunk;
        var to = (first + pages + PagesPerChunk - 1) / PagesPerChunk;
        if (!_chunks.IsFree(from)) from++;
        if (to > from && !_chunks.IsFree(to - 1)) to--;
        to = Math.Min(to, from + _chunks.FreeCount - SpareChunks);
        if (from < to) Queue(run, from, to);
    }

    private int LinkJoined(int first, int pages)
    {
        var after = first + pages;
        if (after < _frontier && Records[after].Kind == PageKind.FreeHead) pages += _free.Unlink(after);
        ref var before = ref Records[first - 1];
        if (before.Kind is PageKind.FreeTail || (before.Kind == PageKind.FreeHead && before.RunPages == 1))
        {
            first -= before.RunPages;
            pages += _free.Unlink(first);
        }

        _free.Link(first, pages);
        return first;
    }

    // The pages of the free run that ends where those begin that were never used.
    private int FreeAtFrontier
    {
        get
        {
            ref var last = ref Records[_frontier - 1];
            return last.Kind is PageKind.FreeTail or PageKind.FreeHead ? last.RunPages : 0;
        }
    }

    // Moves the frontier up by whole chunks, so far that a run of `pages` is free below it.
    private bool TryExtend(int pages)
    {
        var missing = pages - FreeAtFrontier;
        var target = ((long)_frontier + missing + PagesPerChunk - 1) / PagesPerChunk * PagesPerChunk;
        if (target > _pageLimit) return false;
        var first = _frontier;
        if (first == 1) _chunks.Take(0, 1); // page 0 is nobody's
        MoveFrontier((int)target);
        LinkJoined(first, (int)target - first);
        return true;
    }

    private void MoveFrontier(int target)
    {
        var records = (nint)(Records + _frontier);
        _system.Commit(records, (nint)RecordBytes((target - _frontier) * (long)PageBytes));
        Volatile.Write(ref _frontier, target);
    }

    // ---- chunks that are held, all under the lock ----

    // The first chunk that lies wholly behind a page.
    private static int ChunkFrom(int page) => (page + PagesPerChunk - 1) / PagesPerChunk;

    // Takes whole chunks out of a free run.
    private int Hold(int run, int from, int to)
    {
        var first = from * PagesPerChunk;
        var end = to * PagesPerChunk;
        _chunks.Hold(from, to);
        var runEnd = run + _free.Unlink(run);
        if (first > run) _free.Link(run, first - run);
        if (runEnd > end) _free.Link(end, runEnd - end);
        Records[first] = new PageRecord { Kind = PageKind.Held, RunPages = end - first };
        return first;
    }

    private bool TryHoldAtFrontier(out int first)
    {
        first = _frontier;
        if (first % PagesPerChunk != 0 || first + PagesPerChunk > _pageLimit) return false;
        var chunk = first / PagesPerChunk;
        MoveFrontier(first + PagesPerChunk);
        Records[first] = new PageRecord { Kind = PageKind.Held, RunPages = PagesPerChunk };
        _chunks.Hold(chunk, chunk + 1);
        _workedChunks++;
        return true;
    }

    private void FreeHeld(int first, bool withMemory)
    {
        var pages = Records[first].RunPages;
        Records[first] = default;
        _chunks.Release(first / PagesPerChunk, (first + pages) / PagesPerChunk, withMemory);
        LinkJoined(first, pages);
        NoteScarcity();
    }

    private void Queue(int run, int from, int to)
    {
        var first = Hold(run, from, to);
        Records[first].Next = _queue;
        _queue = first;
        _queuedChunks += to - from;
    }

    private int Dequeue()
    {
        var first = _queue;
        _queue = Records[first].Next;
        _queuedChunks -= Records[first].RunPages / PagesPerChunk;
        return first;
    }

    private void ReleaseQueued()
    {
        while (_queue != 0) FreeHeld(Dequeue(), withMemory: true);
    }

    // Takes pages from what waits to be discarded: it still has its memory. Chunks that are not needed go on waiting.
    private bool TryRecall(int pages, out int first)
    {
        first = _queue;
        if (_queue == 0 || Records[_queue].RunPages < pages) return false;
        var chunks = ChunkFrom(pages);
        var recalled = chunks * PagesPerChunk;
        var left = Records[_queue].RunPages - recalled;
        if (left == 0) Dequeue();
        else Shorten(ref Records[_queue], left);
        first += left;
        Records[first] = default;
        _chunks.Release(first / PagesPerChunk, (first + recalled) / PagesPerChunk, withMemory: true);
        _chunks.Take(first, pages);
        UsedBytes += (long)pages * PageBytes;
        NoteScarcity();
        if (recalled > pages) LinkJoined(first + pages, recalled - pages);
        return true;
    }

    // None is prepared again until one is needed.
    private void QueueFree()
    {
        _openedWhenTrimmed = _chunks.OpenedCount;
        while (TryFindFree(keep: 0, out var run, out var chunk)) Queue(run, chunk, chunk + 1);
    }

    private void Shorten(ref PageRecord queued, int pages)
    {
        _queuedChunks -= (queued.RunPages - pages) / PagesPerChunk;
        queued.RunPages = pages;
    }

    // The last free chunk with memory in the order of use, leaving out the first `keep`.
    private bool TryFindFree(int keep, out int foundRun, out int found)
    {
        foundRun = found = 0;
        for (var run = _free.FirstLong(); run != 0; run = _free.NextLong(run))
        {
            var end = (run + Records[run].RunPages) / PagesPerChunk;
            for (var chunk = ChunkFrom(run); chunk < end; chunk++)
            {
                if (!_chunks.IsFree(chunk) || keep-- > 0) continue;
                foundRun = run;
                found = chunk;
            }
        }

        return foundRun != 0;
    }
}
