// Bringing all loops to a stand between two units, so that one thread can touch what belongs to all.
//
// Each loop has a state (EventLoop.State): Running, or one of Asleep, Woken and Still, in which it touches nothing that
// is shared. A caller takes a ticket, waits for its turn (tickets are served in order), waits until every loop but its
// own stands, and runs its action. While it waits, its own loop counts as standing, so two loops that call at once
// cannot wait for each other. A loop that reaches a yield point while tickets are open stands still until those issued
// so far are served; then it goes first: the next ticket waits until every loop that was let go has gone, so neither
// side starves.
//
// Asleep counts as standing: the loop sets its state back to Running when it wakes (full fence) and then reads
// `Requested`; the caller sets `Requested` (full fence) and then reads the states. So either the caller sees Running
// and waits for the loop to stand, or the loop sees the request and stands before it touches anything.
//
// The lock _gate guards the tickets and is held only for moments, never during an action. It is the outermost lock.

namespace Millrace.Net;

internal sealed class Quiescence
{
    private readonly object _gate = new();
    private EventLoop[] _loops = [];
    private long _issued;
    private long _served;
    private int _leaving;
    private int _holderThread;
    private bool _isHeld;
    private volatile bool _requested;

    /// <summary>A caller waits or acts: loops should come to a stand.</summary>
    public bool Requested => _requested;

    /// <summary>The current thread is the one for which all loops stand.</summary>
    public bool IsHolder => Volatile.Read(ref _holderThread) == Environment.CurrentManagedThreadId;

    public void Attach(EventLoop[] loops) => _loops = loops;

    /// <summary>Runs the action while all other loops stand still.</summary>
    public void Run(EventLoop? caller, Action action)
    {
        Begin(caller);
        try
        {
            action();
        }
        finally
        {
            End(caller);
        }
    }

    /// <summary>Returns when all other loops stand still; <see cref="End"/> must follow on the same thread.</summary>
    public void Begin(EventLoop? caller)
    {
        if (IsHolder) throw new InvalidOperationException("Quiesce was called from within a quiesced action.");
        if (caller is { IsCurrent: false }) throw new InvalidOperationException("Not on the calling loop's thread.");
        Enter(caller);
    }

    /// <summary>Lets all loops go on.</summary>
    public void End(EventLoop? caller)
    {
        Leave(caller);
        foreach (EventLoop loop in _loops) loop.WakeIfAsleep();
    }

    /// <summary>On a loop's thread, between units: stands still until the callers of this moment have been
    /// served.</summary>
    public void StandStill(EventLoop loop)
    {
        lock (_gate)
        {
            long until = _issued;
            if (_served >= until) return;
            loop.State = LoopState.Still;
            Monitor.PulseAll(_gate);
            while (_served < until) Monitor.Wait(_gate);
            Depart(loop);
        }
    }

    /// <summary>A loop has gone to sleep or to its end: whoever waits for it may look again.</summary>
    public void NoteStill()
    {
        lock (_gate) Monitor.PulseAll(_gate);
    }

    private void Enter(EventLoop? caller)
    {
        lock (_gate)
        {
            long ticket = _issued++;
            _requested = true;
            if (caller is not null) caller.State = LoopState.Still;
            Monitor.PulseAll(_gate);
            while (_isHeld || _served != ticket || _leaving > 0) Monitor.Wait(_gate);
            _isHeld = true;
            Interlocked.MemoryBarrier();
            while (!AllStand()) Monitor.Wait(_gate);
            Volatile.Write(ref _holderThread, Environment.CurrentManagedThreadId);
        }
    }

    private void Leave(EventLoop? caller)
    {
        lock (_gate)
        {
            Volatile.Write(ref _holderThread, 0);
            _isHeld = false;
            _served++;
            if (_served == _issued) _requested = false;
            if (caller is not null) caller.State = LoopState.Running;
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>Sets a loop going again, after the action that is just running.</summary>
    private void Depart(EventLoop loop)
    {
        _leaving++;
        while (_isHeld) Monitor.Wait(_gate);
        _leaving--;
        loop.State = LoopState.Running;
        Monitor.PulseAll(_gate);
    }

    private bool AllStand()
    {
        foreach (EventLoop loop in _loops)
        {
            if (loop.State == LoopState.Running) return false;
        }
        return true;
    }
}
