using System.Runtime.InteropServices;

namespace Millrace.Memory;

/// <summary>
/// The sizes that small blocks come in, and how a span is cut for each. Immutable; one per source.
/// </summary>
/// <remarks>
/// <code>
///        8 ..   256   by 8                                          32 classes
///      288 ..  8192   eight per doubling (12.5 % at most lost)      40 classes
///     9344 .. 32768   64 kB divided by 7 6 5 4 3, 24 kB, 32 kB       7 classes
/// </code>
/// Keys with small values, and packed collections of a few members, are mostly below 256 bytes: steps of 8 save up to
/// 6 % of them. Above 1 kB every size is a multiple of 128, so two small tables find the class of any size.
/// </remarks>
internal sealed class SizeClasses
{
    /// <summary>Larger blocks are page runs of their own.</summary>
    internal const int MaxBytes = 32 * 1024;

    private const int FineLimit = 1024;
    private const int FineShift = 3;
    private const int CoarseShift = 7;
    private const int MaxSpanPages = 4;

    private readonly byte[] _fine = new byte[(FineLimit >> FineShift) + 1];
    private readonly byte[] _coarse = new byte[(MaxBytes >> CoarseShift) + 1];
    private readonly SizeClass[] _classes;

    internal SizeClasses()
    {
        var sizes = Sizes();
        _classes = new SizeClass[sizes.Count];
        for (var i = 0; i < sizes.Count; i++) _classes[i] = Cut(sizes[i]);
        Fill(_fine, FineShift, sizes);
        Fill(_coarse, CoarseShift, sizes);
    }

    /// <summary>How many classes there are.</summary>
    internal int Count => _classes.Length;

    internal ref readonly SizeClass this[int index] => ref _classes[index];

    /// <summary>The smallest class that holds so many bytes. Requires: 0 to <see cref="MaxBytes"/>.</summary>
    internal int ClassOf(int sizeBytes) =>
        sizeBytes <= FineLimit
            ? _fine[(sizeBytes + (1 << FineShift) - 1) >> FineShift]
            : _coarse[(sizeBytes + (1 << CoarseShift) - 1) >> CoarseShift];

    private static List<int> Sizes()
    {
        var sizes = new List<int>();
        for (var size = 8; size <= 256; size += 8) sizes.Add(size);
        for (var octave = 256; octave < 8192; octave *= 2)
        {
            for (var step = 1; step <= 8; step++) sizes.Add(octave + (octave / 8 * step));
        }

        sizes.AddRange([9344, 10880, 13056, 16384, 21760, 24576, 32768]);
        return sizes;
    }

    private static void Fill(byte[] table, int shift, List<int> sizes)
    {
        for (var i = 0; i < table.Length; i++) table[i] = (byte)sizes.FindIndex(size => size >= i << shift);
    }

    // The shortest span that loses at most 1/32 at its end, or the one that loses least.
    private static SizeClass Cut(int sizeBytes)
    {
        var best = 0;
        for (var pages = MaxSpanPages; pages >= 1; pages--)
        {
            var bytes = pages * MemorySource.PageBytes;
            if (bytes < sizeBytes) break;
            var fits = bytes % sizeBytes * 32 <= bytes;
            if (best == 0 || fits || Lost(pages, sizeBytes) < Lost(best, sizeBytes)) best = pages;
        }

        var units = (uint)sizeBytes >> BlockRef.UnitShift;
        var reciprocal = ((1UL << 32) + units - 1) / units;
        var first = sizeBytes > MemorySource.PageBytes / 2 ? best : 1;
        return new SizeClass(sizeBytes, units, reciprocal, (byte)best, (byte)first);
    }

    private static double Lost(int pages, int sizeBytes) =>
        pages * MemorySource.PageBytes % sizeBytes / (double)(pages * MemorySource.PageBytes);
}

/// <summary>One size of blocks.</summary>
/// <param name="Bytes">The size of a block.</param>
/// <param name="Units">The same in units of 8 bytes.</param>
/// <param name="Reciprocal">2^32 / Units, rounded up: offset * Reciprocal >> 32 is offset / Units for any offset in a
/// span.</param>
/// <param name="Pages">Pages in a span.</param>
/// <param name="FirstPages">Pages in the first span of a heap, which may never need a second.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct SizeClass(int Bytes, uint Units, ulong Reciprocal, byte Pages, byte FirstPages);
