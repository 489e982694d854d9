// How long a loop ever kept its other connections waiting with one thing, in CPU time of its thread.
//
// A step is what a loop does between two moments at which it could turn to something else: the input of one connection,
// one letter, one timer, a slice of upkeep, the output of some connections, one call of the poller. CPU time is what
// counts, since on a shared machine the clock on the wall tells how long others ran.
//
//     steps    |a|b|c|    d     |e|f|          g            |h| ...
//     windows  |<------------->|<------------------------->| ...      a window ends with the first step that ends
//                  > 100 us             > 100 us                      more than 100 us after its beginning
//
// Asking the system for the thread's CPU time at each step would cost more than many a step, so it is asked at the end
// of each window. The figure kept is the longest window: it is never less than the longest step, and at most
// WindowMicroseconds more. End costs a comparison; who calls it has a timestamp at hand.
//
// Written by the loop's thread; others may read LongestUs, a moment old.

using System.Diagnostics;

namespace Millrace.Net;

/// <summary>Keeps the longest step of a loop.</summary>
public sealed class StepMeter
{
    /// <summary>By so much the figure may be more than the longest step, in microseconds.</summary>
    public const int WindowMicroseconds = 100;

    private static readonly long WindowTicks = Stopwatch.Frequency * WindowMicroseconds / 1_000_000;

    private readonly Func<long> _threadNanoseconds;
    private long _windowStart;
    private long _windowCpu;
    private long _longest;

    /// <summary>A meter of the thread that calls it.</summary>
    public StepMeter()
        : this(static () => ThreadTime.Nanoseconds)
    {
    }

    /// <summary>A meter with a clock of the test's own.</summary>
    internal StepMeter(Func<long> threadNanoseconds) => _threadNanoseconds = threadNanoseconds;

    /// <summary>CPU time of the longest step so far in microseconds, rounded up; up to
    /// <see cref="WindowMicroseconds"/> too much. Any thread.</summary>
    public long LongestUs => (Volatile.Read(ref _longest) + 999) / 1000;

    /// <summary>The loop's thread begins to work.</summary>
    public void Start()
    {
        _windowStart = Stopwatch.GetTimestamp();
        _windowCpu = _threadNanoseconds();
    }

    /// <summary>A step has just ended. On the loop's thread.</summary>
    /// <param name="timestamp">The time of <see cref="Stopwatch"/> now, in ticks.</param>
    public void End(long timestamp)
    {
        if (timestamp - _windowStart >= WindowTicks) EndWindow(timestamp);
    }

    /// <summary>Forgets the longest step. While the loop stands still.</summary>
    public void Reset() => Volatile.Write(ref _longest, 0);

    private void EndWindow(long timestamp)
    {
        long cpu = _threadNanoseconds();
        if (cpu - _windowCpu > _longest) Volatile.Write(ref _longest, cpu - _windowCpu);
        _windowStart = timestamp;
        _windowCpu = cpu;
    }
}
