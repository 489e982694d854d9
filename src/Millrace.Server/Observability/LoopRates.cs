using System.Diagnostics;

namespace Millrace.Server.Observability;

/// <summary>What a loop has counted so far; less than before after a reset.</summary>
/// <param name="Commands">Commands that it has run.</param>
/// <param name="BytesIn">Bytes that it has received.</param>
/// <param name="BytesOut">Bytes that it has sent.</param>
/// <param name="Turns">Its turns.</param>
/// <param name="BusyTicks">The time of its turns, in ticks of <see cref="Stopwatch"/>.</param>
public readonly record struct LoopSample(long Commands, long BytesIn, long BytesOut, long Turns, long BusyTicks);

/// <summary>
/// What one loop does per second, as of its last sample.
/// </summary>
/// <remarks>The loop samples itself once a second; others read while all loops stand still.</remarks>
public sealed class LoopRates
{
    private long _sampledAtUs;
    private LoopSample _last;

    /// <summary>Commands per second.</summary>
    public double CommandsPerSecond { get; private set; }

    /// <summary>Bytes received per second.</summary>
    public double BytesInPerSecond { get; private set; }

    /// <summary>Bytes sent per second.</summary>
    public double BytesOutPerSecond { get; private set; }

    /// <summary>Turns per second.</summary>
    public double TurnsPerSecond { get; private set; }

    /// <summary>Seconds of the clock that its turns take per second.</summary>
    public double BusyShare { get; private set; }

    /// <summary>Takes a sample.</summary>
    /// <param name="nowUs">The loop's monotonic clock.</param>
    /// <param name="sample">What it has counted.</param>
    public void Sample(long nowUs, in LoopSample sample)
    {
        var seconds = (nowUs - _sampledAtUs) / 1_000_000.0;
        if (_sampledAtUs != 0 && seconds > 0)
        {
            CommandsPerSecond = Math.Max(sample.Commands - _last.Commands, 0) / seconds;
            BytesInPerSecond = (sample.BytesIn - _last.BytesIn) / seconds;
            BytesOutPerSecond = (sample.BytesOut - _last.BytesOut) / seconds;
            TurnsPerSecond = (sample.Turns - _last.Turns) / seconds;
            BusyShare = Math.Max(sample.BusyTicks - _last.BusyTicks, 0) / (double)Stopwatch.Frequency / seconds;
        }

        (_sampledAtUs, _last) = (nowUs, sample);
    }
}
