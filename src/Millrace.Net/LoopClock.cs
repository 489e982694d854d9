// A loop's time: a monotonic and a wall clock, read twice per turn and again by whoever works longer than a
// millisecond.
//
//     monotonic   |----|--|------|---|--------|      each Refresh reads it
//     wall        |------------------|--------|      read when a millisecond has passed since it was last read; between
//                                                    these it goes on with the monotonic one
//
// Reading both each time costs 3 % of a request without pipelining. A step of the system's clock is seen a millisecond
// late at most.

using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Millrace.Net;

internal sealed class LoopClock
{
    private const long TicksPerUs = 10;
    private const long UnixEpochTicks = 621_355_968_000_000_000;
    private const long WallReadUs = 1000;
    private readonly TimeProvider _time;
    private readonly long _frequency;
    private long _wallReadAtUs = long.MinValue / 2;
    private long _wallReadUs;

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

    /// <summary>The time of <see cref="Stopwatch"/> at the last refresh, in ticks.</summary>
    public long StopwatchTicks { get; private set; }

    public void Refresh()
    {
        long timestamp = _time.GetTimestamp();
        StopwatchTicks = ReferenceEquals(_time, TimeProvider.System) ? timestamp : Stopwatch.GetTimestamp();
        NowUs = _frequency == 1_000_000_000 ? timestamp / 1000 : Microseconds(timestamp);
        if (NowUs - _wallReadAtUs >= WallReadUs)
        {
            _wallReadAtUs = NowUs;
            _wallReadUs = (_time.GetUtcNow().Ticks - UnixEpochTicks) / TicksPerUs;
        }
        UnixUs = _wallReadUs + (NowUs - _wallReadAtUs);
        UnixMs = UnixUs / 1000;
    }

    // Apart, as code with 128-bit numbers is not compiled ahead.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private long Microseconds(long timestamp) => (long)((UInt128)timestamp * 1_000_000 / (ulong)_frequency);
}
