using System.Diagnostics;
using Millrace.Memory;

namespace Millrace.Engine;

/// <summary>
/// The lock of one partition: a word on the partition's own cache line, with a short spin and then a bounded wait.
/// </summary>
/// <remarks>
/// <code>
///   Free 0 --take--> Held 1 --a waiter--> Contended 2
///     ^                |                      |
///     +----release-----+------release---------+--> wakes sleeping threads, tells parked connections
/// </code>
/// Guards: everything the partition owns. Order: partitions ascending, then the effect log, then mailboxes.
/// A waiter spins about 3 us, sleeps at most 1 ms and then gives up, so that its owner can release what it holds and
/// park the connection (<see cref="TryPark"/>). With one event loop the lock is elided by its owner,
/// <see cref="Unit"/>.
/// </remarks>
public sealed class PartitionLock
{
    /// <summary>How long an impatient waiter sleeps at most.</summary>
    public const int SleepMs = 1;

    private const int Free = 0;
    private const int Held = 1;
    private const int Contended = 2;

#if !SCHEDULE_POINTS
    private const int SpinMicroseconds = 3;
    private static readonly long SpinTicks = Math.Max(1, Stopwatch.Frequency * SpinMicroseconds / 1_000_000);
#endif

    private readonly AlignedLines<PartitionLine> _lines;
    private readonly int _index;
    private readonly object _gate = new(); // guards _parked and the sleeping threads; held for moments
    private List<IParked>? _parked;

    internal PartitionLock(AlignedLines<PartitionLine> lines, int index)
    {
        _lines = lines;
        _index = index;
    }

    /// <summary>Whether somebody holds it at this moment: a hint for those who can do something else instead.</summary>
    public bool IsTaken => Volatile.Read(ref Word) != Free;

    private ref int Word => ref _lines[_index].LockWord;

    /// <summary>Takes the lock if it is free.</summary>
    /// <returns>Whether the lock is held now.</returns>
    public bool TryEnterAtOnce()
    {
        SchedulePoint.Yield();
        return Interlocked.CompareExchange(ref Word, Held, Free) == Free;
    }

    /// <summary>Releases the lock and wakes whoever waits for it.</summary>
    public void Exit()
    {
        if (Interlocked.Exchange(ref Word, Free) == Contended) WakeWaiters();
        SchedulePoint.Yield();
    }

    /// <summary>
    /// Registers <paramref name="parked"/> to be told once when the lock is released.
    /// </summary>
    /// <returns>False when the lock is free at this moment: the caller tries again instead.</returns>
    public bool TryPark(IParked parked)
    {
        lock (_gate)
        {
            if (Interlocked.CompareExchange(ref Word, Contended, Held) == Free) return false;
            (_parked ??= []).Add(parked);
            return true;
        }
    }

#if SCHEDULE_POINTS
    /// <summary>Takes the lock, which was not free, if that is possible within the spin and one sleep;
    /// <paramref name="patient"/> waits on.</summary>
    /// <returns>Whether the lock is held now.</returns>
    public bool Wait(bool patient)
    {
        // Under a seeded schedule only one participant runs at a time: waiting is yielding, the clock plays no part.
        const int ImpatientTries = 8;
        for (var tries = 0; patient || tries < ImpatientTries; tries++)
        {
            SchedulePoint.Yield();
            if (Interlocked.CompareExchange(ref Word, Held, Free) == Free) return true;
        }

        return false;
    }
#else
    /// <summary>Takes the lock, which was not free, if that is possible within the spin and one sleep;
    /// <paramref name="patient"/> waits on.</summary>
    /// <returns>Whether the lock is held now.</returns>
    public bool Wait(bool patient)
    {
        var until = Stopwatch.GetTimestamp() + SpinTicks;
        do
        {
            Thread.SpinWait(8);
            if (Interlocked.CompareExchange(ref Word, Held, Free) == Free) return true;
        }
        while (Stopwatch.GetTimestamp() < until);
        return Sleep(patient);
    }

    private bool Sleep(bool patient)
    {
        lock (_gate)
        {
            do
            {
                if (Interlocked.Exchange(ref Word, Contended) == Free) return true;
                Monitor.Wait(_gate, SleepMs);
            }
            while (patient);
            return Interlocked.Exchange(ref Word, Contended) == Free;
        }
    }

#endif

    private void WakeWaiters()
    {
        List<IParked>? parked;
        lock (_gate)
        {
            Monitor.PulseAll(_gate);
            parked = _parked;
            _parked = null;
        }

        if (parked is null) return;
        foreach (var one in parked) one.Released();
    }
}

/// <summary>Someone who parked on a partition instead of waiting in a thread.</summary>
public interface IParked
{
    /// <summary>Called once, on the releasing thread; must not block: it posts to a mailbox.</summary>
    void Released();
}
