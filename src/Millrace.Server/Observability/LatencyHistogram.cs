using System.Diagnostics;
using System.Numerics;

namespace Millrace.Server.Observability;

/// <summary>
/// How long the calls of one command took: counts in buckets that grow with the time.
/// </summary>
/// <remarks>
/// <code>
///   ns        0 1 2 ... 63 | 64 66 ... 126 | 128 132 ... 252 | ...  up to 1 s, where longer times are counted as well
///   width     1            | 2             | 4               |      32 buckets to each doubling
/// </code>
/// A bucket is never wider than 1/32 of the times in it, so a time that is read out is at most 3.2 % too long. 832
/// counts, 6.5 kB; one per command and loop, made when the command first runs there. Written by its loop; sums are
/// taken while all loops stand still. Add is O(1), the rest O(buckets).
/// </remarks>
public sealed class LatencyHistogram
{
    /// <summary>The longest time that is told apart, in nanoseconds: one second.</summary>
    public const long MaxNanoseconds = 1_000_000_000;

    private const int StepBits = 5;
    private const int Steps = 1 << StepBits; // to each doubling

    private static readonly double NanosecondsPerTick = 1e9 / Stopwatch.Frequency;

    private readonly long[] _counts = new long[IndexOf(MaxNanoseconds) + 1];

    /// <summary>How many calls were counted.</summary>
    public long Calls { get; private set; }

    /// <summary>Counts calls that took so long each.</summary>
    /// <param name="ticks">The time of one of them, in ticks of <see cref="Stopwatch"/>.</param>
    /// <param name="calls">How many there were.</param>
    public void Add(long ticks, long calls)
    {
        _counts[IndexOf((long)(ticks * NanosecondsPerTick))] += calls;
        Calls += calls;
    }

    /// <summary>Adds all counts to those of <paramref name="sum"/>.</summary>
    public void AddTo(LatencyHistogram sum)
    {
        for (var i = 0; i < _counts.Length; i++) sum._counts[i] += _counts[i];
        sum.Calls += Calls;
    }

    /// <summary>The time that a share of the calls did not exceed, in nanoseconds; 0 without calls.</summary>
    /// <param name="percentile">The share, 0 to 100.</param>
    public long Percentile(double percentile)
    {
        var wanted = Math.Max(1, (long)((percentile / 100 * Calls) + 0.5));
        var seen = 0L;
        for (var i = 0; i < _counts.Length; i++)
        {
            seen += _counts[i];
            if (seen >= wanted) return Math.Min(HighestOf(i), MaxNanoseconds);
        }

        return 0;
    }

    /// <summary>How many calls took at most so many nanoseconds, give or take a bucket.</summary>
    public long CountUpTo(long nanoseconds)
    {
        var count = 0L;
        for (var i = 0; i <= IndexOf(nanoseconds); i++) count += _counts[i];
        return count;
    }

    private static int IndexOf(long nanoseconds)
    {
        var clamped = (ulong)Math.Clamp(nanoseconds, 0, MaxNanoseconds);
        if (clamped < 2 * Steps) return (int)clamped;
        var shift = BitOperations.Log2(clamped) - StepBits;
        return (shift << StepBits) + (int)(clamped >> shift);
    }

    private static long HighestOf(int index)
    {
        if (index < 2 * Steps) return index;
        var shift = (index >> StepBits) - 1;
        return ((((long)index & (Steps - 1)) + Steps + 1) << shift) - 1;
    }
}
