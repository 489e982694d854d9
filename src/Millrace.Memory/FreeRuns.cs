using System.Numerics;

namespace Millrace.Memory;

/// <summary>
/// The free runs of a <see cref="MemorySource"/>, in bins by length. Used under the source's lock.
/// </summary>
/// <remarks>
/// <code>
///   bin   1 ... 127   runs of exactly so many pages
///       128 ... 223   longer ones, four bins to a doubling
/// </code>
/// A run is known by its first page; its first and last page records hold its length, and the first also the links of
/// its bin. Link, unlink: O(1). Find: O(1), since of the bin that may hold shorter runs too only a few are looked at.
/// Bin layout after dlmalloc and TLSF.
/// </remarks>
/// <param name="records">The page records of the region.</param>
internal sealed unsafe class FreeRuns(PageRecord* records)
{
    private const int ExactBins = MemorySource.PagesPerChunk;
    private const int BinsPerDoubling = 4;
    private const int Bins = ExactBins + (BinsPerDoubling * 24);
    private const int MaxBinSteps = 16;

    private readonly PageRecord* _records = records;
    private readonly int[] _bins = new int[Bins];
    private readonly ulong[] _binsInUse = new ulong[(Bins + 63) / 64];

    /// <summary>A run of at least so many pages, nearly the shortest that there is; 0 when there is none.</summary>
    internal int Find(int pages)
    {
        var bin = BinOf(pages);
        if (bin >= ExactBins)
        {
            var steps = 0;
            for (var run = _bins[bin]; run != 0 && steps < MaxBinSteps; run = _records[run].Next, steps++)
            {
                if (_records[run].RunPages >= pages) return run;
            }

            bin++;
        }

        return FirstFrom(bin);
    }

    /// <summary>The first run of a chunk's length or more, in the order in which short requests use them up.</summary>
    internal int FirstLong() => FirstFrom(ExactBins);

    /// <summary>The run after one of a chunk's length or more, in the same order; 0 at the end.</summary>
    internal int NextLong(int run)
    {
        var next = _records[run].Next;
        return next != 0 ? next : FirstFrom(BinOf(_records[run].RunPages) + 1);
    }

    /// <summary>Adds a run. Requires: its neighbours are not free.</summary>
    internal void Link(int first, int pages)
    {
        var bin = BinOf(pages);
        var next = _bins[bin];
        // SAFETY: of all members: the numbers are pages below the frontier, whose records exist.
        if (pages > 1) _records[first + pages - 1] = new PageRecord { Kind = PageKind.FreeTail, RunPages = pages };
        _records[first] = new PageRecord { Kind = PageKind.FreeHead, RunPages = pages, Next = next };
        if (next != 0) _records[next].Previous = first;
        _bins[bin] = first;
        _binsInUse[bin / 64] |= 1UL << (bin % 64);
    }

    /// <summary>Takes a run out of its bin and clears its records.</summary>
    /// <returns>Its length.</returns>
    internal int Unlink(int first)
    {
        ref var run = ref _records[first];
        var pages = run.RunPages;
        var bin = BinOf(pages);
        if (run.Next != 0) _records[run.Next].Previous = run.Previous;
        if (run.Previous != 0) _records[run.Previous].Next = run.Next;
        else _bins[bin] = run.Next;
        if (_bins[bin] == 0) _binsInUse[bin / 64] &= ~(1UL << (bin % 64));
        run = default;
        _records[first + pages - 1] = default;
        return pages;
    }

    private static int BinOf(int pages)
    {
        if (pages < ExactBins) return pages;
        var log = BitOperations.Log2((uint)pages);
        return ExactBins + ((log - BitOperations.Log2((uint)ExactBins)) * BinsPerDoubling)
            + (int)(((uint)pages >> (log - 2)) & (BinsPerDoubling - 1));
    }

    private int FirstFrom(int bin)
    {
        for (var word = bin / 64; word < _binsInUse.Length; word++)
        {
            var bits = _binsInUse[word];
            if (word == bin / 64) bits &= ulong.MaxValue << (bin % 64);
            if (bits != 0) return _bins[(word * 64) + BitOperations.TrailingZeroCount(bits)];
        }

        return 0;
    }
}
