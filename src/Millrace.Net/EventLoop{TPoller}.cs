// The turn of a loop, generic over its poller so that its calls are bound at compile time. The turn is drawn in
// EventLoop.cs.
//
// Whatever changes a connection's state only marks it as touched; Settle, at the end of the turn, is the one place that
// sends, changes what is watched, and closes. So a handler never finds a connection gone under its hands, a
// descriptor's number is not used again while reports about its earlier owner may be waiting, and a poller may submit
// the sends of many connections in one call.

using System.Diagnostics;

namespace Millrace.Net;

internal sealed class EventLoop<TPoller> : EventLoop
    where TPoller : struct, IPoller
{
    // Connections that are settled in one step: one call of the system for all would keep whoever comes next waiting
    // (up to 1 ms with 50), and a call or a look at the clock for each is dear beside a send.
    private const int SettledPerStep = 16;

    private readonly PollerSink _sink;
    private readonly ConnectionSet _lingering = new();
#pragma warning disable IDE0044 // A poller is a mutable structure: a read-only field would call copies of it.
    private TPoller _poller;
#pragma warning restore IDE0044

    public EventLoop(LoopGroup group, int index, LoopOptions options, TPoller poller)
        : base(group, index, options)
    {
        _sink = new PollerSink(this);
        _poller = poller;
    }

    internal override void WakePoller() => _poller.Wake();

    internal override void WatchListener(Listener listener) => _poller.WatchListener(listener, _sink);

    internal override void RemoveListener(Listener listener) => _poller.RemoveListener(listener);

    internal override void DisposePoller() => _poller.Dispose();

    internal override void Live()
    {
        BindToThread();
        Pool.Reserve(SharedSegment.UsualBytes, Options.ReservedBytes / Group.Loops.Count);
        Steps.Start();
        LeaveSleep();
        while (!Group.IsStopping) Turn();
        CloseAll();
        _poller.Leave(_sink);
        LeaveThread();
        State = LoopState.Still;
        Group.Quiescence.NoteStill();
    }

    internal override void Adopt(Listener listener, in AcceptedPeer peer)
    {
        if (Group.IsStopping)
        {
            _poller.Discard(peer);
            Group.Unassign(this);
            return;
        }
        var connection = new Connection(this, listener, peer);
        if (!_poller.TryAdd(connection, peer))
        {
            Group.Unassign(this);
            return;
        }
        Unreleased++;
        Tally.Accepted++;
        Tally.Connections++;
        OpenConnections.Add(connection);
        connection.Touch();
        connection.Handler = Handler.Accepted(connection);
        if (connection.Handler is null) connection.CloseAfterFlush();
        Steps.End(Stopwatch.GetTimestamp());
    }

    private void Turn()
    {
        Sleep(SleepMs());
        RefreshClock();
        Steps.End(RefreshedAt);
        Tally.Turns++;
        Handler.TurnStarted();
        _poller.Dispatch(_sink);
        HandOverReady();
        DeliverSomeMail();
        RefreshClock();
        Timers.FireDue(NowUs);
        Steps.End(RefreshedAt);
        Handler.TurnEnding();
        SettleTouched();
    }

    private void Sleep(int timeoutMs)
    {
        if (timeoutMs == 0)
        {
            _poller.Wait(0);
            YieldToQuiesce();
            return;
        }
        PrepareToSleep();
        _poller.Wait(HasMail ? 0 : timeoutMs);
        LeaveSleep();
    }

    private int SleepMs()
    {
        if (Touched.Count > 0 || Ready.Count > 0 || HasMail || Group.IsStopping) return 0;
        int idleMs = Handler.MaxIdleMs;
        if (Timers.Count == 0) return idleMs;
        long dueMs = (Timers.NextDueUs - NowUs + 999) / 1000;
        if (dueMs <= 0) return 0;
        return idleMs < 0 || dueMs < idleMs ? (int)Math.Min(dueMs, int.MaxValue) : idleMs;
    }

    private void HandOverReady()
    {
        if (Ready.Count == 0) return;
        Span<Connection?> ready = Ready.Take();
        for (int i = 0; i < ready.Length; i++)
        {
            Connection connection = ready[i]!;
            ready[i] = null;
            connection.IsQueued = false;
            if (!connection.IsOpen || connection.IsPaused || connection.IsThrottled) continue;
            if (connection.ServedInTurn == Tally.Turns) MarkReady(connection);
            else PollerSink.HandOverAgain(connection);
        }
    }

    private void SettleTouched()
    {
        if (Touched.Count == 0) return;
        long moves = Group.Hold.Moves;
        Span<Connection?> touched = Touched.Take();
        for (int i = 0; i < touched.Length; i++)
        {
            Connection connection = touched[i]!;
            touched[i] = null;
            connection.IsTouched = false;
            Settle(connection);
            if (i % SettledPerStep != SettledPerStep - 1) continue;
            _poller.Submit();
            Steps.End(Stopwatch.GetTimestamp());
        }
        if (Held.Count > 0) NoteHeld(moves);
    }

    private void Settle(Connection connection)
    {
        if (connection.ClosedTold && !connection.IsSending) connection.Output.Release();  // written to after its end
        if (connection.Stage == ConnectionStage.Closed) return;
        if (!connection.IsCut) Flush(connection);
        if (connection.IsCut)
        {
            Finish(connection);
            return;
        }
        if (connection.Stage == ConnectionStage.Draining) Drain(connection);
        else if (connection.Stage == ConnectionStage.Lingering && connection.PeerEnded) Finish(connection);
        if (connection.Stage != ConnectionStage.Closed) _poller.Watch(connection);
    }

    private void Flush(Connection connection)
    {
        OutputQueue output = connection.Output;
        if (output.PendingBytes > 0)
        {
            if (output.Settle(Group.Hold)) AddHeld(connection);
            if (output.SendableBytes > 0)
            {
                if (!connection.IsSending) _poller.Send(connection, _sink);
                if (output.SendableBytes > 0) connection.HasWaited = true;
            }
        }
        if (connection.IsCut) return;
        if (!connection.IsSending) output.ReleaseUnused();
        Throttle(connection, output.PendingBytes);
        if (!connection.HasWaited || output.PendingBytes > 0) return;
        connection.HasWaited = false;
        if (connection.Stage == ConnectionStage.Open) connection.Handler?.Drained(connection);
    }

    private void Throttle(Connection connection, long pendingBytes)
    {
        long limit = Options.PauseReadingAtOutputBytes;
        if (!connection.IsThrottled)
        {
            connection.IsThrottled = pendingBytes > limit;
        }
        else if (pendingBytes <= limit / 2)
        {
            connection.IsThrottled = false;
            RequeueIfWaiting(connection);
        }
    }

    /// <summary>A connection that is being closed: waits for its output, then lingers.</summary>
    private void Drain(Connection connection)
    {
        connection.ReleaseInput();
        if (connection.Output.PendingBytes > 0 || connection.IsSending)
        {
            if (connection.ClosingTimer is null) StartClosingTimer(connection, Options.DrainStallMs);
            return;
        }
        if (connection.PeerEnded || Group.IsStopping || _lingering.Count >= Options.MaxLingering)
        {
            Finish(connection);
            return;
        }
        TellClosed(connection);
        connection.Stage = ConnectionStage.Lingering;
        _lingering.Add(connection);
        _poller.EndSending(connection);
        StartClosingTimer(connection, Options.LingerMs);
    }

    private static void StartClosingTimer(Connection connection, int dueInMs)
    {
        connection.PendingAtTimer = connection.Output.PendingBytes;
        connection.ClosingTimer ??= connection.Loop.CreateTimer(ClosingTimeIsUp, connection);
        connection.ClosingTimer.Start(dueInMs);
    }

    private static void ClosingTimeIsUp(LoopTimer timer)
    {
        var connection = (Connection)timer.State!;
        bool isMoving = connection.Stage == ConnectionStage.Draining &&
            connection.Output.PendingBytes < connection.PendingAtTimer;
        if (isMoving) StartClosingTimer(connection, connection.Loop.Options.DrainStallMs);
        else connection.CloseNow();
    }

    /// <summary>Takes the connection off the server's hands. Exactly once.</summary>
    private void TellClosed(Connection connection)
    {
        Debug.Assert(!connection.ClosedTold, "closed once");
        connection.ClosedTold = true;
        OpenConnections.Remove(connection);
        Tally.Connections--;
        connection.ReleaseInput();
        connection.Handler?.Closed(connection);
    }

    private void Finish(Connection connection)
    {
        if (connection.ClosedTold) _lingering.Remove(connection);
        else TellClosed(connection);
        connection.ClosingTimer?.Cancel();
        connection.ReleaseInput();
        connection.Stage = ConnectionStage.Closed;
        _poller.Close(connection, _sink);
    }

    /// <summary>The end: sends what can be sent within a bounded time, then closes everything.</summary>
    private void CloseAll()
    {
        Group.CloseListenersOf(this);
        DeliverMail();
        foreach (Connection connection in OpenConnections.Items) connection.CloseAfterFlush();
        foreach (Connection connection in _lingering.Items) connection.CloseNow();
        Handler.TurnEnding();
        SettleTouched();
        RefreshClock();
        long deadlineUs = NowUs + (Options.StopFlushMs * 1000L);
        bool isCutting = false;
        while (Unreleased > 0 && (!isCutting || NowUs < deadlineUs))
        {
            if (!isCutting && NowUs >= deadlineUs)
            {
                isCutting = true;
                deadlineUs += 1_000_000;
                foreach (Connection connection in OpenConnections.Items) connection.CloseNow();
                SettleTouched();
            }
            Sleep(Touched.Count > 0 || Unreleased == 0 ? 0 : 10);
            _poller.Dispatch(_sink);
            DeliverMail();
            SettleTouched();
            RefreshClock();
        }
        Debug.Assert(OpenConnections.Count == 0, "everything is closed");
    }
}
