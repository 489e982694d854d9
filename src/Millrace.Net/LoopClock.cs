// A loop's time: a monotonic and a wall clock, read once per turn and again by whoever works longer than a millisecond.

namespace Millrace.Net;

internal sealed class LoopClock
{
    private const long TicksPerUs = 10;
    private const long UnixEpochTicks = 621_355_968_000_000_000;
    private readonly TimeProvider _time;
    private readonly long _frequency;

    public LoopClock(TimeProvider time)
    {
        _time = time;
        _frequency = time.TimestampFrequency;
        Refresh();
    }

    /// <summary>Microseconds of a clock that never goes back; its origin is arbitrary.</summary>
    public long NowUs { get; private set; }

    /// <summary>Microseconds since 1970-01-01 UTC.</summary>
    public long UnixUs { get; private set; }

    /// <summary>Milliseconds since then.</summary>
    public long UnixMs { get; private set; }

    public void Refresh()
    {
        long timestamp = _time.GetTimestamp();
        NowUs = _frequency == 1_000_000_000
            ? timestamp / 1000
            : (long)((UInt128)timestamp * 1_000_000 / (ulong)_frequency);
        UnixUs = (_time.GetUtcNow().Ticks - UnixEpochTicks) / TicksPerUs;
        UnixMs = UnixUs / 1000;
    }
}
