// An event loop as the rest of the server sees it: one thread, its clock, timers and mailbox, and the connections that
// live on it. The turn itself is in EventLoop{TPoller}.cs.
//
//     poll (asleep) -> TurnStarted -> input of readable connections -> connections marked ready -> mail -> timers
//       -> TurnEnding -> flush: one write per connection with output -> poll ...
//
// Sleep and wake. State goes Running -> Asleep (PrepareToSleep) -> Running (LeaveSleep) on the loop's thread, by
// interlocked exchanges; a waker may set Asleep -> Woken. After Asleep is set, and before it sleeps, the loop looks for
// mail and for requests to stand still. Why nothing is lost is argued in Mailbox.cs and Quiescence.cs.
//
// Threads: members are for the loop's thread, or for whoever has all loops standing still (LoopGroup.Quiesce); Post,
// IsCurrent, Counters and the properties set at construction are for everybody.

using System.Diagnostics;

namespace Millrace.Net;

/// <summary>A thread that serves connections.</summary>
public abstract class EventLoop
{
    private const int LettersPerTurn = 512;

    private readonly Mailbox _mailbox = new();
    private readonly LoopClock _clock;
    private readonly ConnectionSet _connections = new();
    private readonly HeldMail _heldMail = new();
    private bool _hasHeld; // somebody's output waits; read by whoever moves the mark
    private int _state = LoopState.Still;
    private int _threadId;

    private protected EventLoop(LoopGroup group, int index, LoopOptions options)
    {
        Group = group;
        Index = index;
        Options = options;
        _clock = new LoopClock(options.Time);
        Timers = new TimerHeap(this);
        Pool = new BufferPool(options.PooledBytes);
        Thread = new Thread(Live) { IsBackground = true, Name = $"millrace-loop-{index}" };
    }

    /// <summary>Its number in the group, from 0.</summary>
    public int Index { get; }

    /// <summary>The group that it belongs to.</summary>
    public LoopGroup Group { get; }

    /// <summary>Its thread.</summary>
    public Thread Thread { get; }

    /// <summary>Its longest step. A handler says where its steps end; the loop does so for all else.</summary>
    public StepMeter Steps { get; } = new();

    /// <summary>The server's part of it.</summary>
    public LoopHandler Handler { get; internal set; } = null!;

    /// <summary>The current thread is this loop's.</summary>
    public bool IsCurrent => _threadId == Environment.CurrentManagedThreadId;

    /// <summary>Monotonic time in microseconds, as of the last <see cref="RefreshClock"/>; the loop refreshes it in
    /// every turn.
    /// </summary>
    public long NowUs => _clock.NowUs;

    /// <summary>Wall-clock time in milliseconds since 1970-01-01 UTC, cached like <see cref="NowUs"/>.</summary>
    public long UnixMs => _clock.UnixMs;

    /// <summary>Wall-clock time in microseconds since 1970-01-01 UTC, cached like <see cref="NowUs"/>.</summary>
    public long UnixUs => _clock.UnixUs;

    /// <summary>Somebody waits for all loops to stand still: between two units, call
    /// <see cref="YieldToQuiesce"/>.</summary>
    public bool QuiesceRequested => Group.Quiescence.Requested;

    /// <summary>The open connections, in no order. Valid until the loop goes on.</summary>
    public ReadOnlySpan<Connection> Connections => _connections.Items;

    /// <summary>What it has counted so far. Any thread.</summary>
    public LoopCounters Counters => new()
    {
        Turns = Tally.Turns,
        Accepted = Tally.Accepted,
        Connections = Tally.Connections,
        Reads = Tally.Reads,
        Writes = Tally.Writes,
        BytesIn = Tally.BytesIn,
        BytesOut = Tally.BytesOut,
        AcceptFailures = Tally.AcceptFailures,
        BufferBytes = Pool.RentedBytes,
    };

    /// <summary>The time of <see cref="Stopwatch"/> at the last <see cref="RefreshClock"/>, in ticks.</summary>
    public long RefreshedAt => _clock.StopwatchTicks;

    internal LoopOptions Options { get; }

    internal BufferPool Pool { get; }

    internal TimerHeap Timers { get; }

    internal LoopTally Tally { get; } = new();

    /// <summary>Connections to settle at the end of the turn.</summary>
    internal ConnectionList Touched { get; } = new();

    /// <summary>Connections whose unread input is to be handed over again.</summary>
    internal ConnectionList Ready { get; } = new();

    /// <summary>Connections whose output waits until a position is reached.</summary>
    internal ConnectionList Held { get; } = new();

    internal ConnectionSet OpenConnections => _connections;

    /// <summary>Connections whose descriptor the poller has not given up yet.</summary>
    internal int Unreleased { get; set; }

    internal int State
    {
        get => Volatile.Read(ref _state);
        set => Interlocked.Exchange(ref _state, value);
    }

    /// <summary>Mail waits to be delivered.</summary>
    public bool HasMail => _mailbox.HasMail;

    /// <summary>Reads the clocks. To be called at least every millisecond of execution.</summary>
    public void RefreshClock() => _clock.Refresh();

    /// <summary>Has mail delivered on this loop's thread, after all mail posted before, by whatever thread. Any thread;
    /// never blocks or allocates. Mail that arrives after the group has stopped is dropped.</summary>
    /// <param name="mail">The letter; it must not be in another mailbox.</param>
    public void Post(Mail mail)
    {
        ArgumentNullException.ThrowIfNull(mail);
        _mailbox.Push(mail);
        WakeIfAsleep();
    }

    /// <summary>Delivers the mail posted before this call; the loop does so in every turn. May be called from within a
    /// handler or a delivery: the order stays the same.</summary>
    public void DeliverMail()
    {
        GatherMail();
        DeliverGathered();
    }

    /// <summary>The same for as many letters as a turn delivers before it lets its connections send what they have
    /// got.</summary>
    internal void DeliverSomeMail()
    {
        GatherMail();
        for (int left = LettersPerTurn; left > 0 && _mailbox.TakeFromBatch() is { } mail; left--)
        {
            mail.Deliver(this);
            Steps.End(Stopwatch.GetTimestamp());
        }
    }

    /// <summary>Sets apart the mail posted before this call, for <see cref="DeliverGathered"/>.</summary>
    public void GatherMail() => _mailbox.Gather();

    /// <summary>Whether mail was set apart and not delivered yet.</summary>
    public bool HasGathered => _mailbox.HasBatch;

    /// <summary>The next letter of those set apart; null: none. A delivery that can deal with it as well takes it by
    /// <see cref="TakeGathered"/>.</summary>
    public Mail? NextGathered => _mailbox.NextInBatch;

    /// <summary>Takes <see cref="NextGathered"/>; nobody else delivers it then.</summary>
    public void TakeGathered() => _mailbox.TakeFromBatch();

    /// <summary>Delivers the mail that was set apart, and what deliveries set apart meanwhile.</summary>
    public void DeliverGathered()
    {
        while (_mailbox.TakeFromBatch() is { } mail)
        {
            mail.Deliver(this);
            Steps.End(Stopwatch.GetTimestamp());
        }
    }

    /// <summary>Makes a timer and starts it. To use one again without allocating, call
    /// <see cref="LoopTimer.Start"/>.</summary>
    /// <param name="dueInMs">Milliseconds from now; it never fires earlier, and not before the next turn.</param>
    /// <param name="target">What to call.</param>
    /// <param name="state">Kept in <see cref="LoopTimer.State"/>.</param>
    public LoopTimer StartTimer(long dueInMs, LoopTimerCallback target, object? state = null)
    {
        LoopTimer timer = CreateTimer(target, state);
        timer.Start(dueInMs);
        return timer;
    }

    /// <summary>Makes a timer without starting it.</summary>
    /// <param name="target">What to call.</param>
    /// <param name="state">Kept in <see cref="LoopTimer.State"/>.</param>
    public LoopTimer CreateTimer(LoopTimerCallback target, object? state = null)
    {
        ArgumentNullException.ThrowIfNull(target);
        return new LoopTimer(this, target, state);
    }

    /// <summary>Stops a timer; without effect when it is null or not active.</summary>
    /// <param name="timer">The timer.</param>
    public void Cancel(LoopTimer? timer) => timer?.Cancel();

    /// <summary>Stands still while others have work that needs it. Between two units, holding nothing.</summary>
    public void YieldToQuiesce()
    {
        Debug.Assert(IsCurrent, "a loop yields for itself");
        if (Group.Quiescence.Requested && !Group.Quiescence.IsHolder) Group.Quiescence.StandStill(this);
    }

    /// <summary>Has the connection's handler called again with its unread input, in the next turn (or in this one, when
    /// it has not been called in it and the ready connections' place in it is still to come). Nothing is read
    /// before.</summary>
    /// <param name="connection">A connection of this loop.</param>
    public void MarkReady(Connection connection)
    {
        ArgumentNullException.ThrowIfNull(connection);
        connection.IsReady = true;
        Queue(connection);
    }

    internal abstract void WakePoller();

    /// <summary>The loop's life, from start to end.</summary>
    internal abstract void Live();

    /// <summary>Makes an accepted socket a connection of this loop.</summary>
    internal abstract void Adopt(Listener listener, in AcceptedPeer peer);

    /// <summary>Brings watching a listener in line with its state.</summary>
    internal abstract void WatchListener(Listener listener);

    /// <summary>Stops watching a listener.</summary>
    internal abstract void RemoveListener(Listener listener);

    /// <summary>Gives up what the poller holds. Requires: the loop does not run.</summary>
    internal abstract void DisposePoller();

    internal void BindToThread() => _threadId = Environment.CurrentManagedThreadId;

    /// <summary>The thread ends; its number may be given to another one.</summary>
    internal void LeaveThread() => _threadId = 0;

    internal void WakeIfAsleep()
    {
        if (Volatile.Read(ref _state) == LoopState.Asleep &&
            Interlocked.CompareExchange(ref _state, LoopState.Woken, LoopState.Asleep) == LoopState.Asleep)
        {
            WakePoller();
        }
    }

    internal void PrepareToSleep()
    {
        State = LoopState.Asleep;
        if (Group.Quiescence.Requested) Group.Quiescence.NoteStill();
    }

    internal void LeaveSleep()
    {
        State = LoopState.Running;
        YieldToQuiesce();
    }

    internal void AddTouched(Connection connection)
    {
        connection.IsTouched = true;
        Touched.Add(connection);
    }

    internal void AddHeld(Connection connection)
    {
        if (connection.IsHeld) return;
        connection.IsHeld = true;
        Held.Add(connection);
    }

    /// <summary>Connections were settled, and some have output that waits. If the mark has moved meanwhile, whoever
    /// moved it may not have known.</summary>
    /// <param name="moves"><see cref="ReplyHold.Moves"/> before they were settled.</param>
    internal void NoteHeld(long moves)
    {
        Volatile.Write(ref _hasHeld, true);
        Interlocked.MemoryBarrier();
        if (Group.Hold.Moves != moves) SettleHeldAgain();
    }

    /// <summary>The mark has moved: what waits is looked at again. Any thread; never blocks.</summary>
    internal void LookAtHeld()
    {
        if (Volatile.Read(ref _hasHeld) && _heldMail.TryTake()) Post(_heldMail);
    }

    private void SettleHeldAgain()
    {
        Span<Connection?> held = Held.Take();
        for (int i = 0; i < held.Length; i++)
        {
            Connection connection = held[i]!;
            held[i] = null;
            connection.IsHeld = false;
            connection.Touch();
        }
    }

    /// <summary>Reading goes on: unread input and a held-back end of stream are looked at again.</summary>
    internal void RequeueIfWaiting(Connection connection)
    {
        if (connection.IsReady || connection.HasUnread || connection.PeerEnded) MarkReady(connection);
    }

    private void Queue(Connection connection)
    {
        if (connection.IsQueued) return;
        connection.IsQueued = true;
        Ready.Add(connection);
    }

    /// <summary>The letter of <see cref="LookAtHeld"/>, which is under way once at a time.</summary>
    private sealed class HeldMail : Mail
    {
        private int _isTaken;

        public bool TryTake() => Interlocked.Exchange(ref _isTaken, 1) == 0;

        public override void Deliver(EventLoop loop)
        {
            Volatile.Write(ref loop._hasHeld, false);
            Interlocked.Exchange(ref _isTaken, 0);
            loop.SettleHeldAgain();
        }
    }
}
