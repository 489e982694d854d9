using System.Diagnostics;

namespace Millrace.Server.Observability;

/// <summary>The switch of the work that loops do once a second, and of the ear for signals (DEBUG PAUSE-CRON).
/// Thread-safe.</summary>
public sealed class PeriodicWork
{
    private const int OnItsWayMs = 100; // at most, from kill(1) to the thread that hears of it

    private readonly object _sync = new(); // guards the fields, which others read without it
    private volatile bool _isPaused;
    private int _waiting;
    private int _aborts;

    /// <summary>Idle clients are not closed, soft limits not looked at, no samples taken and no signals heard.
    /// </summary>
    public bool IsPaused
    {
        get => _isPaused;
        set
        {
            lock (_sync)
            {
                _isPaused = value;
                Monitor.PulseAll(_sync);
            }
        }
    }

    /// <summary>Returns when the work is not paused: what a signal asks for belongs to it. Not on a loop.</summary>
    /// <returns>False when <see cref="TryAbort"/> has ended the wait.</returns>
    public bool WaitUntilItRuns()
    {
        lock (_sync)
        {
            var aborts = _aborts;
            _waiting++;
            Monitor.PulseAll(_sync);
            while (_isPaused && aborts == _aborts) Monitor.Wait(_sync);
            if (aborts != _aborts) return false; // counted out by who did it
            _waiting--;
            return true;
        }
    }

    /// <summary>Has those give up who wait. False when nobody does, not even a signal that was sent a moment before and
    /// is on its way: that is waited for.</summary>
    public bool TryAbort()
    {
        lock (_sync)
        {
            var began = Stopwatch.GetTimestamp();
            while (_waiting == 0 && _isPaused && Stopwatch.GetElapsedTime(began).TotalMilliseconds < OnItsWayMs)
                Monitor.Wait(_sync, OnItsWayMs);
            if (_waiting == 0) return false;
            _waiting = 0;
            _aborts++;
            Monitor.PulseAll(_sync);
            return true;
        }
    }
}
