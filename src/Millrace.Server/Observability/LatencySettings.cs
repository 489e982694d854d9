using System.Diagnostics;

namespace Millrace.Server.Observability;

/// <summary>What is measured of commands, and from when on they count as slow. Immutable.</summary>
public sealed record LatencySettings
{
    /// <summary>Below this threshold every command is timed on its own; see <see cref="CommandTimer"/>.</summary>
    public const int ApartMicroseconds = 1000;

    /// <summary>Calls that take at least so many microseconds are logged (<c>slowlog-log-slower-than</c>); negative:
    /// none.</summary>
    public required long SlowLogMicroseconds { get; init; }

    /// <summary>The most entries of the slow log (<c>slowlog-max-len</c>).</summary>
    public required long SlowLogLength { get; init; }

    /// <summary>Events that take at least so many milliseconds are remembered (<c>latency-monitor-threshold</c>); 0:
    /// none.</summary>
    public required long MonitorMilliseconds { get; init; }

    /// <summary>Whether histograms are kept (<c>latency-tracking</c>).</summary>
    public required bool Tracks { get; init; }

    /// <summary>What INFO tells of them (<c>latency-tracking-info-percentiles</c>), 0 to 100.</summary>
    public required IReadOnlyList<double> Percentiles { get; init; }

    /// <summary>Whether each command is timed, rather than runs of equal short ones.</summary>
    public bool TimesEach => IsLogging && SlowLogMicroseconds < ApartMicroseconds;

    /// <summary>What takes at least so long, in ticks of <see cref="Stopwatch"/>, may interest the slow log or the
    /// latency monitor.</summary>
    public long NoticedTicks => Math.Min(
        IsLogging ? TicksOf(SlowLogMicroseconds) : long.MaxValue,
        MonitorMilliseconds > 0 ? TicksOf(MonitorMilliseconds, 1000) : long.MaxValue);

    private bool IsLogging => SlowLogMicroseconds >= 0 && SlowLogLength > 0;

    private static long TicksOf(long count, long microseconds = 1)
    {
        var ticks = (Int128)count * microseconds * Stopwatch.Frequency / 1_000_000;
        return ticks > long.MaxValue ? long.MaxValue : (long)ticks;
    }
}
