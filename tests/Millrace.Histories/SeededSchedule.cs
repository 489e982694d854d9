// Runs several threads one at a time, and lets a seeded generator decide at each schedule point who goes on.
//
// Each participant has a semaphore; whoever holds the turn runs. At a point the turn goes to a participant drawn from
// those that have not finished: often to the same one, so that histories mix long and short stretches. The same seed
// gives the same history.

using Millrace.Engine;

namespace Millrace.Histories;

/// <summary>A deterministic interleaving of threads.</summary>
internal sealed class SeededSchedule : IDisposable
{
    private const int StayPercent = 60;
    private readonly Random _random;
    private readonly SemaphoreSlim[] _turns;
    private readonly List<int> _alive;

    public SeededSchedule(int seed, int participants)
    {
        _random = new Random(seed);
        _turns = [.. Enumerable.Range(0, participants).Select(_ => new SemaphoreSlim(0))];
        _alive = [.. Enumerable.Range(0, participants)];
    }

    /// <summary>The number of schedule points so far: the order of everything that happened.</summary>
    public long Step { get; private set; }

    /// <summary>Runs all bodies to their end.</summary>
    public void Run(IReadOnlyList<Action> bodies)
    {
        var failures = new List<Exception>();
        var threads = bodies.Select((body, i) => new Thread(() => Participate(i, body, failures))).ToList();
        foreach (var thread in threads) thread.Start();
        _turns[_alive[_random.Next(_alive.Count)]].Release();
        foreach (var thread in threads) thread.Join();
        if (failures.Count > 0) throw new HistoryException("a participant failed: " + failures[0], failures[0]);
    }

    public void Dispose()
    {
        foreach (var turn in _turns) turn.Dispose();
    }

    private void Participate(int index, Action body, List<Exception> failures)
    {
        _turns[index].Wait();
        Attach(new Participant(this, index));
        try
        {
            body();
        }
#pragma warning disable CA1031 // whatever a participant throws is the history's result
        catch (Exception e)
#pragma warning restore CA1031
        {
            failures.Add(e);
        }

        Attach(null);
        _alive.Remove(index);
        if (_alive.Count > 0) _turns[_alive[_random.Next(_alive.Count)]].Release();
    }

    private void Yield(int index)
    {
        Step++;
        var next = _random.Next(100) < StayPercent ? index : _alive[_random.Next(_alive.Count)];
        if (next == index) return;
        _turns[next].Release();
        _turns[index].Wait();
    }

    private static void Attach(ISchedule? schedule)
    {
#if SCHEDULE_POINTS
        SchedulePoint.Attach(schedule);
#else
        _ = schedule;
#endif
    }

    private sealed class Participant(SeededSchedule schedule, int index) : ISchedule
    {
        public void Yield() => schedule.Yield(index);
    }
}

/// <summary>A history that no correct server can have.</summary>
internal sealed class HistoryException(string message, Exception? inner = null) : Exception(message, inner);
