using System.Numerics;
using Millrace.Engine;

namespace Millrace.Server.Blocking;

/// <summary>
/// What clients of one loop have left behind in partitions: places in queues of those who wait no more, and watches of
/// those who are gone. Taken out when their partitions are free, one partition at a time, so that nobody waits for it.
/// </summary>
/// <remarks>Until then they do no harm: an ended waiter is passed over, and a watch that is broken tells nobody.
/// Belongs to the loop.</remarks>
/// <param name="keyspace">The keyspace.</param>
/// <param name="unit">The loop's unit.</param>
/// <param name="tryBegin">Begins the unit with a partition; false when that is busy.</param>
public sealed class Withdrawals(Keyspace keyspace, Unit unit, Func<int, bool> tryBegin)
{
    private readonly List<Waiter> _undecided = [];
    private readonly List<(Waiter Waiter, ulong Partitions)> _waiters = [];
    private readonly List<Watcher> _watchers = [];

    /// <summary>Whether there is nothing to take out.</summary>
    public bool IsEmpty => _undecided.Count == 0 && _waiters.Count == 0 && _watchers.Count == 0;

    /// <summary>The client of a waiter is gone: ends the wait, unless it is being served at this moment.</summary>
    public void Abandon(Waiter waiter)
    {
        if (waiter.TryEnd(out var isInService) || waiter.HasEnded) Add(waiter);
        else if (isInService) _undecided.Add(waiter);
    }

    /// <summary>Takes in a waiter that has ended.</summary>
    public void Add(Waiter waiter) => _waiters.Add((waiter, waiter.Partitions));

    /// <summary>Takes in the watches of a client that is gone.</summary>
    public void Add(Watcher watcher) => _watchers.Add(watcher);

    /// <summary>Takes out what it can. The unit is not under way.</summary>
    public void Work()
    {
        for (var i = _undecided.Count - 1; i >= 0; i--)
        {
            var waiter = _undecided[i];
            if (waiter.IsWaiting && !waiter.TryEnd(out _)) continue;
            if (waiter.HasEnded) Add(waiter);
            _undecided.RemoveAt(i);
        }

        for (var i = _waiters.Count - 1; i >= 0; i--)
        {
            var (waiter, partitions) = _waiters[i];
            var left = WorkOn(partitions, waiter, static (partition, it) => it.Leave(partition));
            if (left == 0) _waiters.RemoveAt(i);
            else _waiters[i] = (waiter, left);
        }

        for (var i = _watchers.Count - 1; i >= 0; i--)
        {
            var watcher = _watchers[i];
            WorkOn(watcher.Partitions, watcher, Forget);
            if (watcher.Partitions == 0) _watchers.RemoveAt(i);
        }
    }

    private void Forget(Partition partition, Watcher watcher) => watcher.Forget(partition, keyspace);

    // The partitions that were busy.
    private ulong WorkOn<T>(ulong partitions, T on, Action<Partition, T> work)
    {
        var busy = 0UL;
        for (var rest = partitions; rest != 0; rest &= rest - 1)
        {
            var index = BitOperations.TrailingZeroCount(rest);
            if (!tryBegin(index))
            {
                busy |= 1UL << index;
                continue;
            }

            work(keyspace[index], on);
            unit.End();
        }

        return busy;
    }
}
