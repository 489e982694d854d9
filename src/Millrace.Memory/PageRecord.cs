using System.Runtime.InteropServices;

namespace Millrace.Memory;

/// <summary>What a page is used for.</summary>
internal enum PageKind : byte
{
    /// <summary>Inside of a blob or of a free run, never handed out yet, or page 0, which is nobody's.</summary>
    None = 0,

    /// <summary>The first page of a free run (also its last, when it is one page long).</summary>
    FreeHead = 1,

    /// <summary>The last page of a free run of at least two pages.</summary>
    FreeTail = 2,

    /// <summary>Any page of a span: a run cut into blocks of one size class.</summary>
    Span = 3,

    /// <summary>The first page of a blob: a run that is one block.</summary>
    Blob = 4,

    /// <summary>The first page of whole chunks that the source itself holds, to give them memory or take
    /// it.</summary>
    Held = 5,

    /// <summary>The first page of a run that is one block with a count of references.</summary>
    Shared = 6,
}

/// <summary>
/// What is known about one 16 kB page. The records stand side by side in an array of their own, so that a stray write
/// into a block cannot reach them, and each has a cache line, so that neighbouring spans of two heaps share none.
/// </summary>
/// <remarks>
/// <code>
///   offset  0 Kind  1 SizeClass  2 PageInRun  4 RunPages  8 Owner  12 Previous  16 Next
///          20 FirstFree  22 Bump  24 Used  26 Capacity  28 References  32..63 unused
///
///   FreeHead   RunPages, Previous/Next in the bin of runs of that length
///   FreeTail   RunPages, to find the head
///   Held       RunPages, Next among those that wait to be discarded
///   Span       every page: SizeClass, PageInRun, Owner.  First page also: RunPages, Previous/Next in the owner's
///              list of partial or of full spans, FirstFree (index + 1 of the first free block, 0 none), Bump (blocks
///              ever handed out), Used (blocks live), Capacity (blocks that fit)
///   Blob       RunPages, Owner, Previous/Next in the owner's list of blobs
///   Shared     RunPages, References; Owner, Previous/Next in the owner's list, or 0 while no heap has adopted it
/// </code>
/// Who may touch a record: the source under its lock while the page is free or changes hands; the owning heap
/// otherwise (References: whoever has one, atomically). <see cref="Kind"/> changes only under the source's lock, so the
/// source may read a neighbour's kind at any time.
/// </remarks>
[StructLayout(LayoutKind.Explicit, Size = SizeBytes)]
internal struct PageRecord
{
    internal const int SizeBytes = 64;

    [FieldOffset(0)] internal PageKind Kind;
    [FieldOffset(1)] internal byte SizeClass;
    [FieldOffset(2)] internal byte PageInRun;
    [FieldOffset(4)] internal int RunPages;
    [FieldOffset(8)] internal int Owner;
    [FieldOffset(12)] internal int Previous;
    [FieldOffset(16)] internal int Next;
    [FieldOffset(20)] internal ushort FirstFree;
    [FieldOffset(22)] internal ushort Bump;
    [FieldOffset(24)] internal ushort Used;
    [FieldOffset(26)] internal ushort Capacity;
    [FieldOffset(28)] internal int References;
}
