namespace Millrace.Engine;

/// <summary>
/// How late active expiry removed its keys: counts per millisecond up to a limit, so that percentiles are exact below
/// it.
/// </summary>
/// <remarks>One per loop, written by that loop only; readers see each count at some recent moment.</remarks>
public sealed class LatenessHistogram
{
    /// <summary>Lateness from here on is counted together.</summary>
    public const int LimitMs = 1000;

    private readonly long[] _counts = new long[LimitMs + 1];

    /// <summary>Counts one removal that came <paramref name="lateMs"/> after the deadline.</summary>
    public void Add(long lateMs) => _counts[(int)Math.Clamp(lateMs, 0, LimitMs)]++;

    /// <summary>Adds all counts of this histogram to <paramref name="sum"/>.</summary>
    public void AddTo(LatenessHistogram sum)
    {
        for (var i = 0; i < _counts.Length; i++) sum._counts[i] += Volatile.Read(ref _counts[i]);
    }

    /// <summary>The lateness in ms that the given share of removals did not exceed; 0 when there were none.</summary>
    /// <param name="share">Between 0 and 1.</param>
    public int Percentile(double share)
    {
        var total = 0L;
        foreach (var count in _counts) total += count;
        var wanted = (long)Math.Ceiling(total * share);
        var seen = 0L;
        for (var ms = 0; ms < _counts.Length; ms++)
        {
            seen += _counts[ms];
            if (seen >= wanted) return total == 0 ? 0 : ms;
        }

        return LimitMs;
    }

    /// <summary>Forgets all.</summary>
    public void Clear() => Array.Clear(_counts);
}
