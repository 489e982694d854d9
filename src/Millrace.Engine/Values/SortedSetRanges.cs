using System.Runtime.InteropServices;
using Millrace.Memory;

namespace Millrace.Engine.Values;

/// <summary>Members of a sorted set that are next to each other, by rank.</summary>
/// <param name="First">The rank of the first, from 0 at the lowest score.</param>
/// <param name="Count">How many.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct RankRange(long First, long Count)
{
    /// <summary>Whether there are none.</summary>
    public bool IsEmpty => Count <= 0;
}

/// <summary>A range of scores.</summary>
/// <param name="Min">The lowest score.</param>
/// <param name="Max">The highest score.</param>
/// <param name="IsMinExclusive">Whether the lowest itself is outside.</param>
/// <param name="IsMaxExclusive">Whether the highest itself is outside.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct ScoreRange(double Min, double Max, bool IsMinExclusive, bool IsMaxExclusive);

/// <summary>One end of a range of texts.</summary>
/// <param name="side">-1: before every text, 1: behind every text, 0: the text decides.</param>
/// <param name="isExclusive">Whether the text itself is outside.</param>
/// <param name="text">The text; owned by the caller.</param>
public readonly ref struct LexBound(int side, bool isExclusive, ReadOnlySpan<byte> text)
{
    /// <summary>-1: before every text, 1: behind every text, 0: the text decides.</summary>
    public int Side { get; } = side;

    /// <summary>Whether the text itself is outside.</summary>
    public bool IsExclusive { get; } = isExclusive;

    /// <summary>The text.</summary>
    public ReadOnlySpan<byte> Text { get; } = text;
}

/// <summary>Finds the ranks of what lies in a range of scores or texts.</summary>
/// <remarks>Large sets O(log n), packed ones O(members).</remarks>
public static class SortedSetRanges
{
    /// <summary>The members with scores in a range.</summary>
    public static RankRange Find(in Entry entry, in ScoreRange range)
    {
        if (!SortedSetValue.IsLarge(entry)) return FindPacked(entry.Value, range);
        var order = LargeSortedSet.OrderOf(entry.Heap, entry.Value);
        var first = new ScoreProbe(range.Min, isBehind: range.IsMinExclusive);
        var end = new ScoreProbe(range.Max, isBehind: !range.IsMaxExclusive);
        return Between(order.CountBefore(ref first), order.CountBefore(ref end));
    }

    /// <summary>The members with texts in a range, of a set whose scores are all equal.</summary>
    public static RankRange Find(in Entry entry, in LexBound min, in LexBound max)
    {
        if (!SortedSetValue.IsLarge(entry)) return FindPacked(entry.Value, min, max);
        var order = LargeSortedSet.OrderOf(entry.Heap, entry.Value);
        return Between(CountBefore(order, min, min.IsExclusive), CountBefore(order, max, !max.IsExclusive));
    }

    private static RankRange Between(long first, long end) => new(first, Math.Max(0, end - first));

    private static long CountBefore(in RankTree order, in LexBound bound, bool isBehind)
    {
        if (bound.Side != 0) return bound.Side < 0 ? 0 : order.Count;
        var probe = new TextProbe(bound.Text, isBehind);
        return order.CountBefore(ref probe);
    }

    private static RankRange FindPacked(ReadOnlySpan<byte> pack, in ScoreRange range)
    {
        var end = Listpack.EndOf(pack);
        var at = Listpack.HeaderBytes;
        var first = 0;
        for (; at < end; at = SortedSetPack.Behind(pack, at), first++)
        {
            var score = SortedSetPack.ScoreAt(pack, at);
            if (range.IsMinExclusive ? score > range.Min : score >= range.Min) break;
        }

        var count = 0;
        for (; at < end; at = SortedSetPack.Behind(pack, at), count++)
        {
            var score = SortedSetPack.ScoreAt(pack, at);
            if (range.IsMaxExclusive ? score >= range.Max : score > range.Max) break;
        }

        return new RankRange(first, count);
    }

    private static RankRange FindPacked(ReadOnlySpan<byte> pack, in LexBound min, in LexBound max)
    {
        var end = Listpack.EndOf(pack);
        var at = Listpack.HeaderBytes;
        var first = 0;
        for (; at < end && IsBefore(pack, at, min, min.IsExclusive); at = SortedSetPack.Behind(pack, at)) first++;
        var count = 0;
        for (; at < end && IsBefore(pack, at, max, !max.IsExclusive); at = SortedSetPack.Behind(pack, at)) count++;
        return new RankRange(first, count);
    }

    private static bool IsBefore(ReadOnlySpan<byte> pack, int at, in LexBound bound, bool isBehind)
    {
        if (bound.Side != 0) return bound.Side > 0;
        var order = SortedSetPack.Compare(Listpack.Get(pack, at), bound.Text);
        return isBehind ? order <= 0 : order < 0;
    }
}
