using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Millrace.Memory;

/// <summary>
/// Allocates blocks of native memory. One per partition; used by one thread at a time.
/// </summary>
/// <remarks>
/// <para>
/// Up to 32 kB a block comes from a span, a run of 1 to 4 pages cut into blocks of one <see cref="SizeClass"/>; above
/// that it is a page run of its own. A span hands out its blocks from the front (<c>Bump</c>) and keeps freed ones in
/// a list through their first two bytes. The last <see cref="MaxEmptySpans"/> spans that became empty are kept, so that
/// setting and deleting in turns stays in the heap; others go back to the source. Allocate and free are O(1).
/// </para>
/// <para>
/// Lists: for every class the spans with a free block (<c>_partial</c>) and those without (<c>_full</c>), the blobs,
/// the adopted blobs (<see cref="Millrace.Memory.Blobs"/>), and the empty spans; so <see cref="Dispose"/> finds
/// everything. Invariant: a span is in exactly one of them, and only those in <c>_empty</c> are empty.
/// </para>
/// <para>
/// What could corrupt memory is refused always: freeing what is no block's start or another heap's, a free list that
/// leads out of its span, a view out of the region. The checked heap (see <see cref="IsChecked"/> and
/// <see cref="BlockGuard"/>) finds overflows, double frees, uses after free and leaks as well, and costs time and
/// memory.
/// </para>
/// </remarks>
public sealed unsafe class Heap : IDisposable
{
    /// <summary>Blocks over this size are page runs of their own.</summary>
    public const int MaxSmallBytes = SizeClasses.MaxBytes;

    /// <summary>How many empty spans a heap keeps: 64 kB of the usual ones of one page.</summary>
    public const int MaxEmptySpans = 4;

    private const string SwitchName = "Millrace.CheckedHeap";
    private const string VariableName = "MILLRACE_CHECKED_HEAP";
    private const int LineBytes = 64;
    private const int PageUnits = 1 << MemorySource.UnitsPerPageShift;

    private readonly MemorySource _source;
    private readonly SizeClasses _classes;
    private readonly byte* _base;
    private readonly PageRecord* _records;
    private readonly int _owner;
    private readonly int[] _partial;
    private readonly int[] _full;
    private readonly int[] _empty = new int[MaxEmptySpans];
    private readonly Quarantine? _quarantine;
    private ulong _regionBytes;
    private ulong _lastUnit;
    private int _blobs;
    private int _adopted;
    private int _adoptedCount;
    private int _nextEmpty;

    /// <summary>A heap without blocks.</summary>
    public Heap(MemorySource source)
    {
        ArgumentNullException.ThrowIfNull(source);
        _owner = source.Enter();
        _source = source;
        _classes = source.Classes;
        _base = source.Base;
        _records = source.Records;
        _regionBytes = (ulong)source.RegionBytes;
        _lastUnit = (_regionBytes >> BlockRef.UnitShift) - 1;
        _partial = new int[_classes.Count];
        _full = new int[_classes.Count];
        if (IsChecked) _quarantine = new Quarantine();
    }

    /// <summary>
    /// Whether blocks are guarded. Set for the whole process by the AppContext switch <c>Millrace.CheckedHeap</c> or,
    /// before it, the environment variable <c>MILLRACE_CHECKED_HEAP</c> (1 or 0).
    /// </summary>
    [FeatureSwitchDefinition(SwitchName)]
    public static bool IsChecked { get; } = ReadSwitch();

    /// <summary>The blobs of the heap's source.</summary>
    public Blobs Blobs => _source.Blobs;

    /// <summary>What the live blocks and adopted blobs take, as <see cref="UsableSize"/> tells it. Exact.</summary>
    public long AllocatedBytes { get; private set; }

    /// <summary>The number of live blocks. Exact.</summary>
    public long BlockCount { get; private set; }

    /// <summary>Who takes entries of tables that a snapshot still needs before they change. Required while a table is
    /// being saved (<see cref="HashTable{TLayout}.BeginSaving"/>).</summary>
    public IEntrySaver? Saver { get; set; }

    /// <summary>
    /// Allocates a block of at least <paramref name="sizeBytes"/>, at least 8. Its content is undefined. O(1).
    /// </summary>
    /// <exception cref="InsufficientMemoryException">The reserved region is used up.</exception>
    public BlockRef Allocate(int sizeBytes)
    {
        if (sizeBytes < 0) ThrowNegative();
        if (IsChecked) return AllocateGuarded(sizeBytes);
        return new BlockRef(AllocateRaw(sizeBytes));
    }

    /// <summary>Frees a block. O(1).</summary>
    /// <exception cref="HeapCorruptionException">No block of this heap begins here, or it was damaged.</exception>
    public void Free(BlockRef block)
    {
        if (IsChecked) FreeGuarded(block);
        else FreeRaw(block.Value);
    }

    /// <summary>
    /// Makes a block hold <paramref name="newSizeBytes"/>: in place when the size class stays or the pages behind a
    /// page run allow, otherwise it moves. Keeps the first <paramref name="keepBytes"/>; the rest is undefined.
    /// </summary>
    /// <returns>The block, by whatever reference it has now.</returns>
    public BlockRef Resize(BlockRef block, int keepBytes, int newSizeBytes)
    {
        if (newSizeBytes < 0) ThrowNegative();
        var oldSize = UsableSize(block);
        if ((uint)keepBytes > (uint)Math.Min(oldSize, newSizeBytes))
            throw new ArgumentOutOfRangeException(nameof(keepBytes), "More than the old or the new block holds.");
        if (IsResizedInPlace(block, newSizeBytes)) return block;
        var moved = Allocate(newSizeBytes);
        Span(block, 0, keepBytes).CopyTo(Span(moved, 0, keepBytes));
        Free(block);
        return moved;
    }

    /// <summary>
    /// Makes a blob the heap's, with the caller's reference: its bytes count here until <see cref="GiveUp"/>.
    /// </summary>
    /// <exception cref="HeapCorruptionException">There is no such blob, or a heap has it.</exception>
    public void Adopt(Blob blob)
    {
        ObjectDisposedException.ThrowIf(_regionBytes == 0, this);
        ref var record = ref Blobs.RecordOf(blob);
        if (record.Owner != 0) ThrowNoBlob(blob);
        record.Owner = _owner;
        PushFront(blob.FirstPage, ref _adopted);
        AllocatedBytes += Blobs.UsableSize(blob);
        BlockCount++;
        _adoptedCount++;
    }

    /// <summary>Ends <see cref="Adopt"/>; the reference is the caller's again.</summary>
    /// <exception cref="HeapCorruptionException">The blob is not this heap's.</exception>
    public void GiveUp(Blob blob)
    {
        ref var record = ref Blobs.RecordOf(blob);
        if (record.Owner != _owner) ThrowNoBlob(blob);
        Unlink(blob.FirstPage, ref _adopted);
        record.Owner = record.Previous = record.Next = 0;
        AllocatedBytes -= Blobs.UsableSize(blob);
        BlockCount--;
        _adoptedCount--;
    }

    /// <summary>Gives up a blob and ends its reference.</summary>
    public void Drop(Blob blob)
    {
        GiveUp(blob);
        Blobs.Release(blob);
    }

    /// <summary>
    /// Makes an adopted blob longer or shorter where it is. Requires: it is not shared. False, with nothing changed,
    /// when the pages behind it are not free.
    /// </summary>
    public bool TryResize(Blob blob, int newSizeBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(newSizeBytes);
        var before = Blobs.UsableSize(blob);
        if (Blobs.RecordOf(blob).Owner != _owner || Blobs.IsShared(blob)) ThrowNoBlob(blob);
        if (!_source.TryResizeBlob(blob.FirstPage, Blobs.PagesFor(newSizeBytes))) return false;
        AllocatedBytes += Blobs.UsableSize(blob) - before;
        return true;
    }

    /// <summary>
    /// How many bytes a block really has: its class size, or its pages (int.MaxValue for a run of 2 GB). O(1).
    /// </summary>
    public int UsableSize(BlockRef block)
    {
        if (!IsChecked) return Usable(RawSize(block.Value));
        _ = LiveAddress(block);
        return Usable(RawSize(block.Value - 1));
    }

    /// <summary>
    /// A view of a block's bytes, valid until the block is freed or resized. Release: any bytes of the region.
    /// </summary>
    /// <exception cref="HeapCorruptionException">The bytes lie outside of the region, or block.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Span<byte> Span(BlockRef block, int offset, int lengthBytes)
    {
        var start = (block.Value << BlockRef.UnitShift) + (uint)offset;
        if ((offset | lengthBytes) < 0 || block.IsNull || start + (uint)lengthBytes > _regionBytes) ThrowOutside(block);
        if (IsChecked) CheckView(block, offset, lengthBytes);
        // SAFETY: start and end are inside of the region, which stays mapped while this heap is not disposed (then
        // _regionBytes is 0 and nothing passes).
        return new Span<byte>(_base + start, lengthBytes);
    }

    /// <summary>The first 8 bytes of a block.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong ReadHeader(BlockRef block) => *(ulong*)Address(block); // SAFETY: checked; all blocks have 8 bytes.

    /// <summary>Writes the first 8 bytes of a block.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void WriteHeader(BlockRef block, ulong value) => *(ulong*)Address(block) = value; // SAFETY: as ReadHeader.

    /// <summary>
    /// Asks the processor to fetch a block: its first line, and the second where blocks of this heap are longer than a
    /// line on average. A hint; any reference is allowed, with or without the heap's lock.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Prefetch(BlockRef block)
    {
        if (!Sse.IsSupported) return;
        // SAFETY: a prefetch never faults, whatever the address.
        var at = _base + (block.Value << BlockRef.UnitShift);
        Sse.Prefetch0(at);
        if (AllocatedBytes > BlockCount * LineBytes) Sse.Prefetch0(at + LineBytes);
    }

    /// <summary>
    /// Reads 8 bytes of a block as a hint, with or without the heap's lock: the block may have been freed and be
    /// somebody else's by now, and the bytes anything.
    /// </summary>
    /// <returns>False where no hint can be read: behind the end of all memory, and in the checked heap.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryReadHint(BlockRef block, int offset, out ulong word)
    {
        var at = HintAddress(block, (uint)offset, sizeof(ulong));
        word = at == null ? 0 : *(ulong*)at; // SAFETY: HintAddress has checked that the bytes can be read.
        return at != null;
    }

    /// <summary>Lists what has not been freed. Release: only count and bytes. O(blocks) when checked.</summary>
    public LeakReport FindLeaks()
    {
        var sample = new List<LeakedBlock>();
        if (IsChecked)
        {
            ForEachBlock((raw, _) =>
            {
                var at = _base + raw;
                if (sample.Count < LeakReport.MaxSample && BlockGuard.IsLive(at))
                    sample.Add(new LeakedBlock(new BlockRef((raw >> BlockRef.UnitShift) + 1), BlockGuard.SizeOf(at)));
            });
            sample.Sort((a, b) => a.Block.Value.CompareTo(b.Block.Value));
        }

        return new LeakReport(BlockCount, AllocatedBytes, sample);
    }

    /// <summary>Throws when any block has not been freed.</summary>
    /// <exception cref="HeapCorruptionException">With the count, the bytes and the sizes of some.</exception>
    public void CheckLeaks()
    {
        if (BlockCount == 0) return;
        var report = FindLeaks();
        var sizes = string.Join(", ", report.Sample.Select(leak => leak.SizeBytes));
        throw new HeapCorruptionException(
            $"{report.Count} blocks of {report.Bytes} bytes were not freed (sizes {sizes}).");
    }

    /// <summary>
    /// Checks the lists of spans and, in the checked heap, the canaries of every live block and the poison of every
    /// freed one.
    /// </summary>
    /// <exception cref="HeapCorruptionException">Something is damaged.</exception>
    public void CheckIntegrity()
    {
        var blocks = 0L;
        ForEachBlock((raw, size) =>
        {
            if (!IsChecked) return;
            var at = _base + raw;
            var block = (raw >> BlockRef.UnitShift) + 1;
            if (BlockGuard.IsLive(at))
            {
                BlockGuard.CheckCanaries(at, size, block);
                blocks++;
            }
            else
            {
                BlockGuard.CheckPoison(at, size, block);
            }
        });
        if (IsChecked && blocks != BlockCount - _adoptedCount)
            throw new HeapCorruptionException("A front canary was overwritten.");
    }

    /// <summary>Adds what is held in spans and blobs to a report, as far as it wants to look.</summary>
    public void AddTo(HeapReport report)
    {
        ArgumentNullException.ThrowIfNull(report);
        report.BeginHeap();
        for (var i = 0; i < _classes.Count; i++)
        {
            AddSpansTo(report, _partial[i]);
            AddSpansTo(report, _full[i]);
        }

        foreach (var first in _empty)
        {
            if (first != 0) AddSpanTo(report, first);
        }

        AddBlobsTo(report, _blobs);
        AddBlobsTo(report, _adopted);
    }

    /// <summary>Gives the empty spans that are kept back to the source.</summary>
    public void Trim()
    {
        foreach (ref var first in _empty.AsSpan()) ReturnEmpty(ref first);
    }

    /// <summary>
    /// Gives everything back to the source, live blocks included. Views and references are dead from then on.
    /// </summary>
    public void Dispose()
    {
        if (_regionBytes == 0) return;
        for (var i = 0; i < _classes.Count; i++)
        {
            ReturnAll(ref _partial[i]);
            ReturnAll(ref _full[i]);
        }

        ReturnAll(ref _blobs);
        while (_adopted != 0) Drop(new Blob(_adopted));
        Trim();
        _regionBytes = 0;
        _lastUnit = 0;
        AllocatedBytes = 0;
        BlockCount = 0;
        _source.Leave();
    }

    /// <summary>
    /// The address of a block, for the structures of this layer. Requires: they stay inside of the block.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal byte* Address(BlockRef block)
    {
        if (IsChecked) return LiveAddress(block);
        if (block.Value - 1 >= _lastUnit) ThrowOutside(block);
        // SAFETY: the reference is not null and below the end of the region, which ends with a whole page, so 8 bytes
        // are there; after Dispose _lastUnit is 0 and nothing passes.
        return _base + (block.Value << BlockRef.UnitShift);
    }

    /// <summary>
    /// Where to look for something that is read as a hint only, without the lock: null when it would not lie in the
    /// region, in the checked heap, and where memory that was given back cannot be read (Windows).
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal byte* HintAddress(BlockRef block, ulong offset, int lengthBytes)
    {
        var start = (block.Value << BlockRef.UnitShift) + offset;
        if (IsChecked || OperatingSystem.IsWindows() || block.IsNull) return null;
        // SAFETY: the bytes lie in the region, which can be read throughout while it is mapped; what they mean is for
        // the caller to doubt. After Dispose _regionBytes is 0 and nothing passes.
        return start + (uint)lengthBytes <= _regionBytes ? _base + start : null;
    }

    /// <summary>Whether a block of this size is cut from a span, in the checked heap with its guard.</summary>
    internal bool IsSmall(int sizeBytes) => RawSizeFor(sizeBytes) <= MaxSmallBytes;

    /// <summary>What <see cref="UsableSize"/> will be of a block of this size. Requires: <see cref="IsSmall"/>.
    /// </summary>
    internal int UsableSizeOf(int sizeBytes) => Usable(_classes[_classes.ClassOf(RawSizeFor(sizeBytes))].Bytes);

    private static int RawSizeFor(int sizeBytes) => sizeBytes + (IsChecked ? BlockGuard.OverheadBytes : 0);

    /// <summary>Writes without any check, so that tests can plant damage.</summary>
    internal void WriteRaw(BlockRef block, int offset, byte value) =>
        _base[(long)(block.Value << BlockRef.UnitShift) + offset] = value; // SAFETY: none; that is what it is for.

    private static bool ReadSwitch()
    {
        var variable = Environment.GetEnvironmentVariable(VariableName);
        if (!string.IsNullOrEmpty(variable)) return variable is "1";
        return AppContext.TryGetSwitch(SwitchName, out var isOn) && isOn;
    }

    private static int Usable(long rawSize) =>
        (int)Math.Min(int.MaxValue, rawSize - (IsChecked ? BlockGuard.OverheadBytes : 0));

    // ---- blocks without guards ----

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ulong AllocateRaw(long sizeBytes) =>
        sizeBytes <= MaxSmallBytes ? AllocateSmall(_classes.ClassOf((int)sizeBytes)) : AllocateBlob(sizeBytes);

    private ulong AllocateSmall(int sizeClass)
    {
        ref readonly var shape = ref _classes[sizeClass];
        var first = _partial[sizeClass];
        if (first == 0) first = AddSpan(sizeClass);
        // SAFETY: first is a span of this heap, so its record and its pages are ours; the index of the free list is
        // compared with what was handed out before it is used.
        ref var span = ref _records[first];
        uint index;
        if (span.FirstFree != 0)
        {
            index = span.FirstFree - 1u;
            if (index >= span.Bump) ThrowBrokenList(first);
            span.FirstFree = *(ushort*)(_base + ByteOffset(first, index, shape.Bytes));
        }
        else
        {
            index = span.Bump++;
        }

        if (++span.Used == span.Capacity) Move(first, ref _partial[sizeClass], ref _full[sizeClass]);
        AllocatedBytes += Usable(shape.Bytes);
        BlockCount++;
        return ((ulong)first << MemorySource.UnitsPerPageShift) + (index * shape.Units);
    }

    private ulong AllocateBlob(long sizeBytes)
    {
        var pages = (int)((sizeBytes + MemorySource.PageBytes - 1) / MemorySource.PageBytes);
        ObjectDisposedException.ThrowIf(_regionBytes == 0, this);
        var first = _source.TakeBlob(pages, _owner);
        PushFront(first, ref _blobs);
        if (IsChecked) ClearPages(first, 1);
        AllocatedBytes += Usable((long)pages * MemorySource.PageBytes);
        BlockCount++;
        return (ulong)first << MemorySource.UnitsPerPageShift;
    }

    // Not inlined: where that used up what a caller may inline, the little ones below were compiled on the loop.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void FreeRaw(ulong value)
    {
        ref var record = ref RecordOf(value);
        if (record.Kind == PageKind.Span) FreeSmall(value, ref record);
        else FreeBlob(value, ref record);
        BlockCount--;
    }

    private void FreeSmall(ulong value, ref PageRecord record)
    {
        var sizeClass = record.SizeClass;
        ref readonly var shape = ref _classes[sizeClass];
        var first = (int)(value >> MemorySource.UnitsPerPageShift) - record.PageInRun;
        var index = IndexInSpan(value, first, shape);
        // SAFETY: RecordOf has found that value is the start of a block in a span of this heap.
        ref var span = ref _records[first];
        if (span.FirstFree == index + 1) ThrowNoBlock(value); // the cheap half of finding double frees
        AllocatedBytes -= Usable(shape.Bytes);
        *(ushort*)(_base + (value << BlockRef.UnitShift)) = span.FirstFree;
        span.FirstFree = (ushort)(index + 1);
        if (span.Used == span.Capacity) Move(first, ref _full[sizeClass], ref _partial[sizeClass]);
        if (--span.Used != 0) return;
        Unlink(first, ref _partial[sizeClass]);
        KeepEmpty(first);
    }

    private void FreeBlob(ulong value, ref PageRecord record)
    {
        var first = (int)(value >> MemorySource.UnitsPerPageShift);
        AllocatedBytes -= Usable((long)record.RunPages * MemorySource.PageBytes);
        Unlink(first, ref _blobs);
        _source.Return(first);
    }

    // The record of the page in which a block of this heap begins; throws when none begins there.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ref PageRecord RecordOf(ulong value)
    {
        var page = value >> MemorySource.UnitsPerPageShift;
        if (page >= (ulong)_source.Frontier || _regionBytes == 0) ThrowNoBlock(value);
        // SAFETY: records below the frontier exist; those of spans and blobs change only through their owner.
        ref var record = ref _records[page];
        if (record.Owner != _owner || !IsBlockStart(value, ref record)) ThrowNoBlock(value);
        return ref record;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool IsBlockStart(ulong value, ref PageRecord record)
    {
        if (record.Kind != PageKind.Span) return record.Kind == PageKind.Blob && value % PageUnits == 0;
        ref readonly var shape = ref _classes[record.SizeClass];
        var first = (int)(value >> MemorySource.UnitsPerPageShift) - record.PageInRun;
        var index = IndexInSpan(value, first, shape);
        var start = ((ulong)first << MemorySource.UnitsPerPageShift) + (index * shape.Units);
        return start == value && index < _records[first].Bump;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint IndexInSpan(ulong value, int first, in SizeClass shape) =>
        (uint)(((value - ((ulong)first << MemorySource.UnitsPerPageShift)) * shape.Reciprocal) >> 32);

    private long RawSize(ulong value) => SizeIn(ref RecordOf(value));

    // The size of the block, or of each of the blocks, in a page.
    private long SizeIn(ref PageRecord record) =>
        record.Kind == PageKind.Span
            ? _classes[record.SizeClass].Bytes
            : (long)record.RunPages * MemorySource.PageBytes;

    private bool IsResizedInPlace(BlockRef block, int newSizeBytes)
    {
        var value = block.Value - (IsChecked ? 1UL : 0);
        var size = (long)newSizeBytes + (IsChecked ? BlockGuard.OverheadBytes : 0);
        ref var record = ref RecordOf(value);
        if (record.Kind == PageKind.Span)
        {
            if (size > MaxSmallBytes || _classes.ClassOf((int)size) != record.SizeClass) return false;
        }
        else
        {
            var pages = (int)((size + MemorySource.PageBytes - 1) / MemorySource.PageBytes);
            if (size <= MaxSmallBytes) return false;
            if (pages != record.RunPages && (IsChecked || !IsBlobResized(value, pages))) return false;
        }

        // SAFETY: value is the start of a live block.
        if (IsChecked) BlockGuard.NoteSize(_base + (value << BlockRef.UnitShift), newSizeBytes);
        return true;
    }

    private bool IsBlobResized(ulong value, int pages)
    {
        var first = (int)(value >> MemorySource.UnitsPerPageShift);
        var before = Usable(RawSize(value));
        if (!_source.TryResizeBlob(first, pages)) return false;
        AllocatedBytes += Usable(RawSize(value)) - before;
        return true;
    }

    // ---- lists of spans and blobs ----

    private int AddSpan(int sizeClass)
    {
        ObjectDisposedException.ThrowIf(_regionBytes == 0, this);
        ref readonly var shape = ref _classes[sizeClass];
        var first = TakeEmpty(sizeClass);
        if (first == 0)
        {
            var pages = _full[sizeClass] == 0 ? shape.FirstPages : shape.Pages;
            first = _source.TakeSpan(pages, (byte)sizeClass, _owner);
            _records[first].Capacity = (ushort)(pages * MemorySource.PageBytes / shape.Bytes);
        }

        PushFront(first, ref _partial[sizeClass]);
        if (IsChecked) ClearPages(first, _records[first].RunPages);
        return first;
    }

    // Keeps a span without blocks in the place of the one that has been kept longest.
    private void KeepEmpty(int first)
    {
        _records[first].FirstFree = 0;
        _records[first].Bump = 0;
        ref var place = ref _empty[_nextEmpty];
        _nextEmpty = (_nextEmpty + 1) % MaxEmptySpans;
        ReturnEmpty(ref place);
        place = first;
    }

    private void ReturnEmpty(ref int first)
    {
        if (first != 0) _source.Return(first);
        first = 0;
    }

    // A kept span of a class, or 0.
    private int TakeEmpty(int sizeClass)
    {
        foreach (ref var place in _empty.AsSpan())
        {
            if (place == 0 || _records[place].SizeClass != sizeClass) continue;
            var first = place;
            place = 0;
            return first;
        }

        return 0;
    }

    // Nothing that an earlier owner left may look like a guard.
    private void ClearPages(int first, int pages) =>
        new Span<byte>(_base + ByteOffset(first, 0, 0), pages * MemorySource.PageBytes).Clear(); // SAFETY: just taken.

    private void Move(int first, ref int from, ref int to)
    {
        Unlink(first, ref from);
        PushFront(first, ref to);
    }

    // SAFETY: of the list functions: every number in a list of this heap is the first page of one of its spans or
    // blobs.
    private void PushFront(int first, ref int head)
    {
        _records[first].Previous = 0;
        _records[first].Next = head;
        if (head != 0) _records[head].Previous = first;
        head = first;
    }

    private void Unlink(int first, ref int head)
    {
        ref var record = ref _records[first];
        if (record.Next != 0) _records[record.Next].Previous = record.Previous;
        if (record.Previous != 0) _records[record.Previous].Next = record.Next;
        else head = record.Next;
    }

    private void ReturnAll(ref int head)
    {
        while (head != 0)
        {
            var first = head;
            head = _records[first].Next;
            _source.Return(first);
        }
    }

    private static long ByteOffset(int first, uint index, int blockBytes) =>
        ((long)first * MemorySource.PageBytes) + ((long)index * blockBytes);

    private void AddSpansTo(HeapReport report, int head)
    {
        for (var first = head; first != 0; first = _records[first].Next)
        {
            if (!AddSpanTo(report, first)) return;
        }
    }

    private bool AddSpanTo(HeapReport report, int first)
    {
        ref var span = ref _records[first];
        return report.TryAddSpan(
            _classes[span.SizeClass].Bytes, span.RunPages * MemorySource.PageBytes, span.Used, span.Capacity);
    }

    private void AddBlobsTo(HeapReport report, int head)
    {
        for (var first = head; first != 0; first = _records[first].Next)
        {
            if (!report.TryAddBlob((long)_records[first].RunPages * MemorySource.PageBytes)) return;
        }
    }

    // Every block ever handed out of a span, live or not, and every blob: its byte offset in the region and its size.
    private void ForEachBlock(Action<ulong, long> visit)
    {
        for (var i = 0; i < _classes.Count; i++)
        {
            ForEachBlockIn(_partial[i], visit);
            ForEachBlockIn(_full[i], visit);
        }

        for (var first = _blobs; first != 0; first = _records[first].Next)
            visit((ulong)first * MemorySource.PageBytes, (long)_records[first].RunPages * MemorySource.PageBytes);
    }

    private void ForEachBlockIn(int head, Action<ulong, long> visit)
    {
        for (var first = head; first != 0; first = _records[first].Next)
        {
            ref var span = ref _records[first];
            var size = _classes[span.SizeClass].Bytes;
            if (span.Kind != PageKind.Span || span.Owner != _owner || span.Used == 0 || span.Used > span.Bump)
                ThrowBrokenList(first);
            CheckFreeList(first, size);
            for (var index = 0u; index < span.Bump; index++) visit((ulong)ByteOffset(first, index, size), size);
        }
    }

    // The free list must lead through as many different blocks as are free; that many steps, then its end.
    private void CheckFreeList(int first, int blockBytes)
    {
        ref var span = ref _records[first];
        var next = span.FirstFree;
        for (var left = span.Bump - span.Used; left > 0; left--)
        {
            if (next == 0 || next > span.Bump) ThrowBrokenList(first);
            next = *(ushort*)(_base + ByteOffset(first, next - 1u, blockBytes));
        }

        if (next != 0) ThrowBrokenList(first);
    }

    // ---- guarded blocks ----

    private BlockRef AllocateGuarded(int sizeBytes)
    {
        var raw = AllocateRaw((long)sizeBytes + BlockGuard.OverheadBytes);
        var size = RawSize(raw);
        // SAFETY: the block is ours and `size` long.
        var at = _base + (raw << BlockRef.UnitShift);
        if (BlockGuard.IsFreed(at)) BlockGuard.CheckPoison(at, size, raw + 1);
        BlockGuard.Arm(at, sizeBytes, size);
        return new BlockRef(raw + 1);
    }

    private void FreeGuarded(BlockRef block)
    {
        var at = LiveAddress(block);
        var raw = block.Value - 1;
        var size = RawSize(raw);
        BlockGuard.CheckCanaries(at - BlockGuard.FrontBytes, size, block.Value);
        BlockGuard.Disarm(at - BlockGuard.FrontBytes, size);
        AllocatedBytes -= Usable(size);
        BlockCount--;
        _quarantine!.Add(raw, size);
        while (_quarantine.TryRelease(out var oldest)) Release(oldest);
    }

    // Ends the quarantine of a block: only now its memory can be used again.
    private void Release(ulong raw)
    {
        var size = RawSize(raw);
        // SAFETY: blocks in quarantine are still blocks of this heap.
        BlockGuard.CheckPoison(_base + (raw << BlockRef.UnitShift), size, raw + 1);
        AllocatedBytes += Usable(size);
        BlockCount++;
        FreeRaw(raw);
    }

    // The user's address of a live block of this or another heap of the region.
    private byte* LiveAddress(BlockRef block)
    {
        var raw = block.Value - 1;
        var page = raw >> MemorySource.UnitsPerPageShift;
        if (block.IsNull || _regionBytes == 0 || page >= (ulong)_source.Frontier) ThrowOutside(block);
        // SAFETY: the page is below the frontier, so its record can be read.
        var isStart = IsBlockStart(raw, ref _records[page]);
        var at = _base + (raw << BlockRef.UnitShift);
        if (isStart && BlockGuard.IsLive(at)) return at + BlockGuard.FrontBytes;
        var wasFreed = isStart && !BlockGuard.IsLive(at);
        throw new HeapCorruptionException(
            wasFreed ? $"Block {block.Value:x} is used after it was freed." : $"No block begins at {block.Value:x}.");
    }

    private void CheckView(BlockRef block, int offset, int lengthBytes)
    {
        _ = LiveAddress(block);
        var raw = block.Value - 1;
        // SAFETY: LiveAddress has found a block here, of this heap or another.
        var size = SizeIn(ref _records[raw >> MemorySource.UnitsPerPageShift]);
        if ((long)offset + lengthBytes > Usable(size))
            throw new HeapCorruptionException($"A view reaches past the end of block {block.Value:x}.");
    }

    private static void ThrowNegative() =>
        throw new ArgumentOutOfRangeException("sizeBytes", "A block cannot have a negative size.");

    [DoesNotReturn]
    private static void ThrowOutside(BlockRef block) =>
        throw new HeapCorruptionException($"A view of block {block.Value:x} would leave the region.");

    [DoesNotReturn]
    private static void ThrowNoBlock(ulong value) =>
        throw new HeapCorruptionException($"No block of this heap begins at {value:x}.");

    [DoesNotReturn]
    private static void ThrowNoBlob(Blob blob) =>
        throw new HeapCorruptionException($"The blob at page {blob.FirstPage} is not this heap's.");

    [DoesNotReturn]
    private static void ThrowBrokenList(int first) =>
        throw new HeapCorruptionException($"The free list of the span at page {first} is broken.");
}
