using System.Diagnostics;
using Millrace.Commands;
using Millrace.Engine;
using Millrace.Server.Observability;

namespace Millrace.Server.Execution;

/// <summary>Whether there is room for a command that takes memory.</summary>
internal enum Room
{
    /// <summary>There is.</summary>
    Made,

    /// <summary>There will be: the command comes again in the next turn.</summary>
    Later,

    /// <summary>There is nothing left that could go: the command is refused.</summary>
    None,
}

/// <summary>
/// Brings data back under its limit, in steps: before a command that takes memory, and between commands.
/// </summary>
/// <remarks>
/// <code>
///   over the limit -> something discarded waits? -> free a slice of it
///                     otherwise                  -> evict by the policy -> again, until there is room or time is up
/// </code>
/// Nothing is evicted while discards wait, since what is large is freed in slices and would count for nothing: far too
/// much would go. Only when others hold what waits, and do not let go of it, keys go nevertheless; where none may go,
/// the command waits for the partition. A loop works on one partition at a time and holds nothing else; one that
/// somebody holds is passed over. Which partition: one by chance, as keys are spread by their hash and the age of a
/// key, not its size, decides; volatile-ttl takes the earliest deadline of all.
/// A command runs only when there is room, so that data is never beyond its limit by more than the commands under way
/// add. When the time of a step is used up, the connection's turn ends and its command comes again in the next one:
/// steps stay short, whoever reads is served meanwhile, and each connection has its step in each turn. One per loop.
/// </remarks>
internal sealed class Evictor
{
    private const int MaxBusyRounds = 16;
    private const int SpinsPerRound = 10;
    private const int StuckMs = 100;
    private const double LongestStepMicroseconds = 3.6e9; // an hour: as long as it takes

    private static readonly long BusyTicks = Stopwatch.Frequency * 5 / 1000;

    private readonly Keyspace _keyspace;
    private readonly MemoryBudget _budget;
    private readonly Gates _gates;
    private readonly Unit _unit;
    private readonly ExecutionHost _host;
    private readonly Executor _executor;
    private readonly VictimSearch _search;
    private readonly long[] _earliestMs;
    private long _usedTicks; // of the step that the connection has in this turn
    private int _busyPartition; // that kept what was discarded from being freed
    private long _stuckUntilMs;
    private long _busySinceTicks; // 0: what was discarded could be freed

    internal Evictor(Keyspace keyspace, Gates gates, Unit unit, ExecutionHost host, Executor executor)
    {
        _keyspace = keyspace;
        _budget = keyspace.Budget;
        _gates = gates;
        _unit = unit;
        _host = host;
        _executor = executor;
        _search = new VictimSearch(keyspace);
        _earliestMs = new long[keyspace.Shape.Partitions];
    }

    private enum Progress
    {
        Some, // something went
        Busy, // nothing did: partitions were held by others
        NothingLeft,
    }

    /// <summary>Whether there is something to do between commands.</summary>
    internal bool IsWanted =>
        (_gates.Word & (Gate.OverMemory | Gates.OfUpkeep)) == Gate.OverMemory
        && _budget.Limits.Evicts
        && _budget.ReportedBytes > _budget.RoomyBytes // it may be closed for want of addresses alone
        && _host.UnixMs >= _stuckUntilMs;

    /// <summary>What <see cref="MakeRoom"/> answered last.</summary>
    internal Room LastRoom { get; private set; }

    /// <summary>The partition that somebody held when it last could neither free what waits there nor let a key go;
    /// -1 when it could.</summary>
    internal int AwaitedPartition { get; private set; } = -1;

    /// <summary>The input of a connection is about to be run: it has a step of its own.</summary>
    internal void BeginInput() => _usedTicks = 0;

    /// <summary>Makes room for a command that takes memory; the loop holds nothing.</summary>
    internal Room MakeRoom() => LastRoom = TryMakeRoom();

    private Room TryMakeRoom()
    {
        AwaitedPartition = -1;
        if ((_gates.Word & (Gate.WritesPaused | Gate.AllPaused | Gate.Loading)) != 0) return Room.Made; // no change
        var began = Stopwatch.GetTimestamp();
        var leftTicks = Ticks(_budget.Limits.StepMicroseconds) - _usedTicks;
        if (leftTicks <= 0 && _usedTicks > 0) return Room.Later;
        var progress = Work(began + leftTicks);
        var ticks = Stopwatch.GetTimestamp() - began;
        _usedTicks += ticks;
        _executor.Timer.LeaveOut(ticks); // of the command before
        _host.Note(LatencyEvent.EvictionCycle, ticks);
        if ((_gates.Word & Gate.OverMemory) == 0) return Room.Made;
        // What is evicted is no use while the region is nearly used up: only what comes back to it counts.
        if (_budget.IsScarce) return IsAnythingDiscarded() ? Room.Later : Room.None;
        if (progress != Progress.NothingLeft) return Room.Later;
        return _budget.IsExceeded ? Room.None : Room.Made;
    }

    /// <summary>Evicts, or frees what was discarded, for about so many microseconds; the loop holds nothing.</summary>
    internal void Upkeep(double microseconds)
    {
        var began = Stopwatch.GetTimestamp();
        if (Work(began + Ticks(microseconds)) == Progress.NothingLeft) _stuckUntilMs = _host.UnixMs + StuckMs;
        _host.Note(LatencyEvent.EvictionCycle, Stopwatch.GetTimestamp() - began);
    }

    private static long Ticks(double microseconds) =>
        (long)(Math.Min(microseconds, LongestStepMicroseconds) * (Stopwatch.Frequency / 1_000_000.0));

    private Progress Work(long untilTicks)
    {
        _budget.Settle();
        var target = _budget.RoomyBytes;
        if (_budget.ReportedBytes <= target)
        {
            _busySinceTicks = 0;
            return Progress.Some;
        }

        var limits = _budget.Limits;
        _search.Begin(limits);
        if (limits.Policy == EvictionPolicy.VolatileTtl) SurveyDeadlines();
        for (var busy = 0; _budget.ReportedBytes > target && busy < MaxBusyRounds;)
        {
            var progress = FreeSome(untilTicks);
            var mayEvict = progress == Progress.NothingLeft || (progress == Progress.Busy && HasWaitedLongEnough());
            var evicted = mayEvict ? EvictSome(limits, target, untilTicks) : Progress.NothingLeft;
            if (progress == Progress.Busy && evicted == Progress.NothingLeft && (mayEvict || !limits.Evicts))
            {
                AwaitedPartition = _busyPartition;
                return progress;
            }

            if (evicted != Progress.NothingLeft) progress = evicted;
            if (progress == Progress.NothingLeft) return progress;
            if (progress == Progress.Busy) busy++;
            if (Stopwatch.GetTimestamp() >= untilTicks) break;
        }

        return Progress.Some;
    }

    private Progress EvictSome(MemoryLimits limits, long target, long untilTicks) => limits.Policy switch
    {
        EvictionPolicy.NoEviction => Progress.NothingLeft,
        EvictionPolicy.VolatileTtl => EvictEarliest(),
        EvictionPolicy.VolatileRandom or EvictionPolicy.AllKeysRandom => EvictAny(target, untilTicks),
        _ => EvictBest(limits, target, untilTicks),
    };

    // ---- what waits to be freed ----

    // Others hold what waits, and free it when they let go of it; but they may be at something that takes long.
    private bool HasWaitedLongEnough()
    {
        var now = Stopwatch.GetTimestamp();
        if (_busySinceTicks == 0) _busySinceTicks = now;
        return now - _busySinceTicks >= BusyTicks;
    }

    private Progress FreeSome(long untilTicks)
    {
        var progress = TryFreeSome(untilTicks);
        if (progress != Progress.Busy) _busySinceTicks = 0;
        return progress;
    }

    private Progress TryFreeSome(long untilTicks)
    {
        if (!IsAnythingDiscarded()) return Progress.NothingLeft;
        _busyPartition = -1;
        var isBusy = false;
        for (var i = 0; i < _keyspace.Shape.Partitions; i++)
        {
            var partition = _keyspace[i];
            if (partition.Discards.IsEmpty) continue;
            if (!TryHold(i))
            {
                _busyPartition = _keyspace.FirstTaken(1UL << i);
                isBusy = true;
                continue;
            }

            partition.FreeDiscardedUntil(untilTicks);
            _budget.ReportExactly(partition);
            Release();
            return Progress.Some;
        }

        return isBusy ? Progress.Busy : Progress.NothingLeft;
    }

    private bool IsAnythingDiscarded()
    {
        for (var loop = 0; loop < _keyspace.Shape.Loops; loop++)
        {
            if (Volatile.Read(in _keyspace.UpkeepOf(loop).Discarded) > 0) return true;
        }

        return false;
    }

    // ---- lru, lfu ----

    // Samples partitions from one by chance on, until there were as many entries as the policy wants to see.
    private Progress EvictBest(MemoryLimits limits, long target, long untilTicks)
    {
        var partitions = _keyspace.Shape.Partitions;
        var looked = 0L;
        var (isBusy, hasEvicted) = (false, false);
        var index = RandomPartition();
        for (var i = 0; i < partitions && looked < limits.Samples; i++, index = (index + 1) & (partitions - 1))
        {
            if (!TryHold(index))
            {
                isBusy = true;
                continue;
            }

            do
            {
                looked += _search.Sample(_unit, index);
            }
            while (looked >= limits.Samples && EvictHeld(ref hasEvicted) && MayGoOn(target, untilTicks));

            Release();
        }

        if (hasEvicted || EvictFromPool()) return Progress.Some;
        return isBusy || looked > 0 ? Progress.Busy : Progress.NothingLeft;
    }

    // The best of the pool, where its partition is held.
    private bool EvictHeld(ref bool hasEvicted)
    {
        while (_search.Pool.Count > 0 && (_unit.Held & (1UL << _search.Pool[0].Partition)) != 0)
        {
            if (EvictCandidate(0)) return hasEvicted = true;
        }

        return false;
    }

    // The best whose partition can be had; those that are better stay for the next time.
    private bool EvictFromPool()
    {
        for (var place = 0; place < _search.Pool.Count;)
        {
            if (!TryHold(_search.Pool[place].Partition))
            {
                place++;
                continue;
            }

            var hasEvicted = EvictCandidate(place);
            Release();
            if (hasEvicted) return true;
        }

        return false;
    }

    private bool EvictCandidate(int place)
    {
        var candidate = _search.Pool[place];
        _search.Pool.Drop(place);
        if (!_search.TryEvict(_unit, candidate)) return false;
        _budget.ReportExactly(_keyspace[candidate.Partition]);
        return true;
    }

    // ---- random ----

    private Progress EvictAny(long target, long untilTicks)
    {
        var partitions = _keyspace.Shape.Partitions;
        var isBusy = false;
        var index = RandomPartition();
        for (var i = 0; i < partitions; i++, index = (index + 1) & (partitions - 1))
        {
            if (!TryHold(index))
            {
                isBusy = true;
                continue;
            }

            var hasEvicted = false;
            while (_search.TryEvictAny(_unit, index))
            {
                hasEvicted = true;
                _budget.ReportExactly(_keyspace[index]);
                if (!MayGoOn(target, untilTicks)) break;
            }

            Release();
            if (hasEvicted) return Progress.Some;
        }

        return isBusy ? Progress.Busy : Progress.NothingLeft;
    }

    // ---- volatile-ttl ----

    // What the lines say may be too early, when a key is gone or the deadline is a member's: looking there corrects it.
    private void SurveyDeadlines()
    {
        for (var i = 0; i < _earliestMs.Length; i++)
            _earliestMs[i] = Volatile.Read(in _keyspace[i].Line.NextDeadlineMs);
    }

    private Progress EvictEarliest()
    {
        var isBusy = false;
        for (var spins = 0; ;)
        {
            var (index, othersMs) = EarliestPartition();
            if (_earliestMs[index] == long.MaxValue) return isBusy ? Progress.Busy : Progress.NothingLeft;
            if (!TryHold(index))
            {
                isBusy = true;
                if (spins++ < MaxBusyRounds) Thread.SpinWait(SpinsPerRound);
                else _earliestMs[index] = long.MaxValue; // until the next survey
                continue;
            }

            var hasEvicted = _search.EarliestMs(index) <= othersMs && _search.TryEvictEarliest(_unit, index);
            var earliest = _search.EarliestMs(index);
            if (!hasEvicted && earliest == _earliestMs[index])
            {
                isBusy = true; // a snapshot keeps it for now
                earliest = long.MaxValue; // until the next survey
            }

            _earliestMs[index] = earliest;
            if (hasEvicted) _budget.ReportExactly(_keyspace[index]);
            Release();
            if (hasEvicted) return Progress.Some;
        }
    }

    private (int Index, long OthersMs) EarliestPartition()
    {
        var index = 0;
        var othersMs = long.MaxValue;
        for (var i = 1; i < _earliestMs.Length; i++)
        {
            if (_earliestMs[i] < _earliestMs[index])
            {
                othersMs = _earliestMs[index];
                index = i;
            }
            else if (_earliestMs[i] < othersMs)
            {
                othersMs = _earliestMs[i];
            }
        }

        return (index, othersMs);
    }

    // ---- units ----

    private int RandomPartition() => (int)(_unit.NextRandom() & (uint)(_keyspace.Shape.Partitions - 1));

    // With one partition several keys go in one unit, unless somebody reads the log, where each stands for itself.
    // With more, each is looked for anew among all of them.
    private bool MayGoOn(long target, long untilTicks) =>
        _keyspace.Shape.Partitions == 1
        && !_unit.RecordsRemovals
        && _budget.ReportedBytes > target
        && Volatile.Read(in _keyspace.UpkeepOf(0).Discarded) == 0
        && Stopwatch.GetTimestamp() < untilTicks;

    // Never waits: with the partition its waiters' partitions are taken, and there is always another one to look at.
    private bool TryHold(int index)
    {
        if (_keyspace.IsTaken(1UL << index)) return false;
        if (!_unit.TryBeginWrite(1UL << index, _host.UnixMs, patient: false, out _)) return false;
        _executor.BeginAlone();
        return true;
    }

    private void Release() => _executor.EndAlone();
}
