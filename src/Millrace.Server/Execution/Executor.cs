using System.Diagnostics;
using System.Numerics;
using System.Text;
using Millrace.Commands;
using Millrace.Engine;
using Millrace.Persistence.Snapshot;
using Millrace.Resp;
using Millrace.Server.Blocking;
using Millrace.Server.Effects;
using Millrace.Server.Observability;
using Millrace.Server.Transactions;

namespace Millrace.Server.Execution;

/// <summary>How a request ended.</summary>
public enum Outcome
{
    /// <summary>Its reply is written.</summary>
    Replied,

    /// <summary>It waits; nothing is written and nothing has happened.</summary>
    Parked,
}

/// <summary>
/// Runs requests as execution units: gates, locks, gates again, handler, effects, waiters, unlock.
/// </summary>
/// <remarks>
/// <code>
///   spec, arity -> gates (one AND) -> TryBegin(lock set) -> gates -> handler -> waiters -> effects to the log -> End
///                     |                   |                  |          |
///                     |                   +-> park           |          +-> wait: the request is kept, no reply yet
///                     +-> error, park, or queue (MULTI)      +-> End, then error or park
/// </code>
/// One per loop. An exception that escapes a handler while partitions are held would leave them in an unknown state:
/// the process ends with a report.
/// </remarks>
public sealed class Executor
{
    private const int ImpatientTries = 3;

    private static readonly long ClockTicks = Stopwatch.Frequency / 1000;

    private readonly Keyspace _keyspace;
    private readonly Gates _gates;
    private readonly ExecutionHost _host;
    private readonly EffectRecorder _effects;
    private readonly Unit _unit;
    private readonly Withdrawals _withdrawals;
    private readonly ReplyBuffer _servedReply = new();
    private readonly ReplyWriter _servedWriter = new();
    private readonly List<BlockedRequest> _served = [];
    private readonly QueueTrail _queueTrail = new();
    private long _clockTicks;
    private long _waitedMs; // when work that no client asked for last waited for a partition
    private long _paidTicks; // when a unit last freed what it had discarded
    private long _countedErrors; // by commands within a command (EXEC), so that they are counted once

    /// <summary>An executor for one loop; <paramref name="seed"/> is for what chance decides in its units.</summary>
    public Executor(Keyspace keyspace, Gates gates, EffectLog log, ExecutionHost host, CommandTable table, uint seed)
    {
        _keyspace = keyspace;
        _gates = gates;
        _host = host;
        _effects = new EffectRecorder(log, gates);
        _unit = new Unit(keyspace, seed);
        _withdrawals = new Withdrawals(keyspace, _unit, TryBeginUpkeep);
        Statistics = new CommandStatistics(table);
        Timer = new CommandTimer(Statistics, _unit, host);
        Evictor = new Evictor(keyspace, gates, _unit, host, this);
    }

    /// <summary>What the loop's commands cost.</summary>
    public CommandStatistics Statistics { get; }

    /// <summary>How long they take.</summary>
    public CommandTimer Timer { get; }

    /// <summary>The loop's unit; between requests, upkeep uses it.</summary>
    public Unit Unit => _unit;

    /// <summary>Whether clients have left nothing behind that <see cref="Withdraw"/> could take out.</summary>
    public bool IsTidy => _withdrawals.IsEmpty;

    /// <summary>Makes room when memory is used up.</summary>
    internal Evictor Evictor { get; }

    /// <summary>Whether the client whose command runs hears of what others do.</summary>
    internal bool IsForListener { get; set; }

    /// <summary>Who sees the commands; set before anything runs.</summary>
    internal Monitors? Monitors { get; set; }

    /// <summary>The highest position of the log that the replies depend on which were written since
    /// <see cref="ForgetPositions"/>; 0: none. Without consumers of the log it stays so.</summary>
    internal long ReadPosition { get; private set; }

    /// <summary>The same of what they acknowledge.</summary>
    internal long OwnPosition { get; private set; }

    /// <summary>Where effects go that belong to no command of a unit.</summary>
    internal EffectRecorder Effects => _effects;

    /// <summary>Runs one request.</summary>
    /// <param name="client">Who sent it.</param>
    /// <param name="request">What it is.</param>
    /// <param name="input">The array that holds its bytes.</param>
    /// <param name="reply">Where the reply goes.</param>
    public Outcome Run(Client client, Request request, byte[] input, ReplyWriter reply)
    {
        var args = new Args(input.AsSpan(request.Start, request.End - request.Start), request.Slices.AsSpan());
        var spec = request.Spec;
        if (spec?.Handler is null || !spec.AcceptsCount(args.Count) || IsUnknownSubcommand(spec, args))
            return Malformed(client, spec, args, reply);

        if (!ReferenceEquals(client.Executor, this)) client.Executor = this;
        if (spec.Locks >= LockScope.Quiesced) return RunApart(client, request, input, reply, isBesideLoad: false);
        var closed = spec.StoppedBy & (_gates.Word | client.Gates);
        if (closed != 0 && !HasRoom(closed)) return Stopped(client, request, input, closed, reply);

        var call = new Call(spec, args, request.Keys, reply, _unit, client, _effects.Named);
        Timer.Begin(spec, args.Count);
        KeepTime();
        if (request.End - request.Start > LargeValues.MinStagedBytes)
            LargeValues.Stage(_unit, spec, input, request.Start, request.Slices.AsSpan());
        if (!TryBegin(LockSet(spec, request), spec.IsWrite, client, out var contended))
            return ParkOnPartition(client, request, input, contended);
        closed = PlantedFault.GateTestedOnlyBeforeLock ? 0 : spec.StoppedBy & _gates.Word & ~Gate.OverMemory;
        if (closed != 0)
        {
            _unit.End();
            return Stopped(client, request, input, closed, reply);
        }

        RunUnit(ref call);
        return Ran(client, spec);
    }

    /// <summary>
    /// Runs the commands that a client has queued, within the unit of its EXEC, which holds what they need. Writes the
    /// array of their replies.
    /// </summary>
    internal void RunQueued(Client client, in Call exec)
    {
        var queue = client.Queue;
        exec.Reply.Array(queue.Count);
        client.MayWait = false;
        var (beganTicks, trail, current) = (Timer.BeganTicks, Timer.Trail, Timer.Current);
        Timer.Trail = _queueTrail.Over(client);
        for (var i = 0; i < queue.Count; i++)
        {
            if (i % CommandTimer.MaxRun == 0) Timer.EndRun();
            Timer.Current = i;
            var spec = queue.Spec(i);
            if ((spec.StoppedBy & Gate.OverMemory) != 0 && _keyspace.Budget.IsScarce)
            {
                // However much a transaction writes, it was asked only at its beginning.
                Statistics[spec].Rejected++;
                exec.Reply.Error(ErrorTexts.NoRoom);
                Statistics.CountError(exec.Reply.LastErrorCode);
                _countedErrors++;
                continue;
            }

            var args = queue.Args(i);
            var call = new Call(spec, args, queue.Keys(i), exec.Reply, _unit, client, _effects.Named);
            Timer.Begin(spec, args.Count);
            RunWithin(ref call);
            if (_unit.HasDiscarded) PayForDiscards();
            if (client.Replies == ReplyMode.Off) exec.Reply.Muted = true;
        }

        client.MayWait = true;
        Timer.EndRun();
        (Timer.Trail, Timer.Current) = (trail, current);
        Timer.Begin(exec.Spec, exec.Args.Count);
        Timer.GoOn(Timer.LastTicks - beganTicks);
        _effects.BeginCommand(_unit); // EXEC itself has no effect
    }

    /// <summary>The client is gone: nobody serves it or tells it of changes any more.</summary>
    internal void Abandon(Client client)
    {
        if (client.TakeBlocked() is { } request) _withdrawals.Abandon(request);
        if (client.TakeWatcher() is { } watcher) _withdrawals.Add(watcher);
    }

    /// <summary>
    /// The wait of one of this loop's clients has ended without service: it has another reply.
    /// </summary>
    internal void EndWait(BlockedRequest request, bool isError)
    {
        _withdrawals.Add(request);
        Timer.EndApart(request.Spec, request.Client, request.Args, request.RanTicks);
        if (isError) CountUnblocked(request.Spec);
    }

    /// <summary>Counts that a client of this loop got an error instead of the reply that it waited for.</summary>
    internal void CountUnblocked(CommandSpec command)
    {
        Statistics[command].Failed++;
        Statistics.CountError("UNBLOCKED"u8);
    }

    /// <summary>
    /// Runs the command of a client of this loop again that waits for a time to come (XREADGROUP CLAIM).
    /// </summary>
    /// <returns>After how many milliseconds to come back, if it still waits then.</returns>
    public long Retry(BlockedRequest request)
    {
        const long LeastMs = 1;
        const long PausedMs = 10;

        if (!MayWaitFor(request.Partitions)
            || !_unit.TryBeginWrite(request.Partitions, _host.UnixMs, patient: false, out _))
        {
            return request.NextBusyMs();
        }

        request.ForgetBusy();
        if ((_gates.Word & Gates.OfUpkeep) != 0)
        {
            _unit.End();
            return PausedMs;
        }

        BeginAlone();
        var retryMs = Serve(request);
        EndAlone();
        return Math.Max(retryMs, LeastMs);
    }

    /// <summary>Takes out of the partitions what clients have left behind; what is busy has to wait.</summary>
    public void Withdraw() => _withdrawals.Work();

    /// <summary>Forgets tracked keys of a partition while there are more than may be in all.</summary>
    /// <param name="partition">Its index; nothing happens when it is busy.</param>
    /// <param name="max">The most keys to forget.</param>
    public void ForgetTracked(int partition, int max)
    {
        if ((_gates.Word & Gate.TooMuchMail) != 0 || !TryBeginUpkeep(partition)) return;
        _unit.ForgetTracked(partition, max);
        _unit.End();
    }

    /// <summary>
    /// Removes due keys of a partition in slices; false when the partition was busy and nothing was done.
    /// </summary>
    public bool RemoveDue(int partition, int sliceKeys, long untilTicks, LatenessHistogram lateness)
    {
        if (!TryBeginUpkeep(partition)) return false;
        if ((_gates.Word & Gates.OfUpkeep) != 0)
        {
            _unit.End();
            return false;
        }

        _effects.Begin(_unit);
        while (_unit.RemoveDue(partition, sliceKeys, lateness) == sliceKeys && Stopwatch.GetTimestamp() < untilTicks)
        {
        }

        _effects.AppendRemovals(_unit);
        _unit.End();
        return true;
    }

    /// <summary>Serves those who wait for keys of a partition that have expired, and mind; gives up when it is busy.
    /// </summary>
    public void ServeLost(int partition)
    {
        if (!MayWaitFor(1UL << partition)) return;
        if (!_unit.TryBeginWrite(1UL << partition, _host.UnixMs, patient: false, out _)) return;
        BeginAlone();
        _unit.WakeForLost(partition);
        EndAlone();
    }

    /// <summary>Frees discarded tables and values of a partition in slices; false when the partition was busy and
    /// nothing was done.</summary>
    public bool FreeDiscarded(int partition, long untilTicks)
    {
        if (!TryBeginUpkeep(partition)) return false;
        _keyspace[partition].FreeDiscardedUntil(untilTicks);
        _unit.End();
        return true;
    }

    /// <summary>Goes on with a snapshot of a partition; false when nothing was done, because the partition was busy or
    /// it is another's turn.</summary>
    internal bool WalkSnapshot(int partition, KeyspaceSnapshot snapshot, long untilTicks)
    {
        if (!TryBeginUpkeep(partition)) return false;
        var hasWorked = snapshot.WalkSome(partition, untilTicks);
        _unit.End();
        return hasWorked;
    }

    /// <summary>Counts values of a partition by their sizes for some time; nothing is done when it was busy.</summary>
    internal void CountSizes(int partition, SizeCensus census, long untilTicks)
    {
        if (!TryBeginUpkeep(partition)) return;
        census.CountSome(_keyspace[partition], untilTicks);
        _unit.End();
    }

    private bool TryBeginUpkeep(int partition) =>
        (!_keyspace[partition].Lock.IsTaken || MayWaitNow())
        && _unit.TryBegin(1UL << partition, _host.UnixMs, patient: false, out _);

    // Whether work that no client of this loop has just asked for may wait for partitions. Even an impatient unit waits
    // up to a millisecond for a lock, which the clients would feel: it may do so now and then, or it might never have
    // its turn, and otherwise passes over what is taken.
    private bool MayWaitFor(ulong partitions) => !_keyspace.IsTaken(partitions) || MayWaitNow();

    private bool MayWaitNow()
    {
        const long BetweenWaitsMs = 20;

        var nowMs = _host.UnixMs;
        if (Math.Abs(nowMs - _waitedMs) < BetweenWaitsMs) return false;
        _waitedMs = nowMs;
        return true;
    }

    // The batch stage leaves the container in place when it knows no such subcommand.
    private static bool IsUnknownSubcommand(CommandSpec spec, Args args) =>
        spec.Subcommands.Length > 0 && args.Count > 1;

    // Room is made before a unit has its locks, and never asked for again when it has them.
    private bool HasRoom(Gate closed) => closed == Gate.OverMemory && Evictor.MakeRoom() == Room.Made;

    private static bool IsPatient(Client client) => client.LockTries >= ImpatientTries;

    private ulong LockSet(CommandSpec spec, Request request)
    {
        if (spec.Locks == LockScope.All) return _keyspace.AllPartitions;
        if (request.KeyCount == 1) return 1UL << _keyspace.PartitionOf(request.Keys[0].Hash);
        return MaskOf(request.Keys);
    }

    private ulong MaskOf(ReadOnlySpan<KeyAt> keys)
    {
        var mask = 0UL;
        foreach (ref readonly var key in keys) mask |= 1UL << _keyspace.PartitionOf(key.Hash);
        return mask;
    }

    // Within a transaction a command that takes partitions one by one must not let go of them.
    private ulong LockSetQueued(CommandSpec spec, Request request) =>
        spec.Locks is LockScope.Handler or LockScope.Quiesced ? _keyspace.AllPartitions : LockSet(spec, request);

    private bool TryBegin(ulong mask, bool isWrite, Client client, out int contended) => isWrite
        ? _unit.TryBeginWrite(mask, _host.UnixMs, IsPatient(client), out contended)
        : _unit.TryBeginRead(mask, _host.UnixMs, IsPatient(client), out contended);

    // The commands that need more than the partitions of their keys, or others: see LockScope. While data is loaded
    // also those that take partitions and may run all the same (WATCH): all loops stand still, and those who load.
    private Outcome RunApart(Client client, Request request, byte[] input, ReplyWriter reply, bool isBesideLoad)
    {
        var spec = request.Spec!;
        var queue = spec.Locks == LockScope.Transaction && client.IsQueueing ? client.Queue : null;
        var stoppedBy = spec.StoppedBy | (queue?.StoppedBy ?? Gate.None);
        if (isBesideLoad) stoppedBy &= ~Gate.Loading;
        var closed = stoppedBy & (_gates.Word | client.Gates);
        if (closed != 0 && !HasRoom(closed)) return Stopped(client, request, input, closed, reply);

        var args = new Args(input.AsSpan(request.Start, request.End - request.Start), request.Slices.AsSpan());
        var call = new Call(spec, args, request.Keys, reply, _unit, client, _effects.Named);
        Timer.Begin(spec, args.Count);
        KeepTime();
        var mask = queue?.Partitions ?? 0;
        if (spec.Locks != LockScope.Quiesced && !PlantedFault.WatchedNotLocked) mask |= client.Watcher?.Partitions ?? 0;
        if (isBesideLoad && spec.Locks < LockScope.Quiesced) mask |= LockSet(spec, request);
        if (isBesideLoad || spec.Locks == LockScope.Quiesced || queue is { NeedsQuiescence: true })
        {
            closed = RunQuiesced(client, ref call, mask, stoppedBy);
            return closed != 0 ? Stopped(client, request, input, closed, reply) : Ran(client, spec);
        }

        if (queue is not null) Stage(queue);
        if (!TryBegin(mask, queue is { HasWrites: true }, client, out var contended))
            return ParkOnPartition(client, request, input, contended);
        closed = PlantedFault.GateTestedOnlyBeforeLock ? 0 : stoppedBy & _gates.Word & ~Gate.OverMemory;
        if (closed != 0)
        {
            _unit.End();
            return Stopped(client, request, input, closed, reply);
        }

        RunUnit(ref call);
        return Ran(client, spec);
    }

    private void Stage(CommandQueue queue)
    {
        for (var i = 0; i < queue.Count; i++)
        {
            if (queue.Length(i) > LargeValues.MinStagedBytes)
                LargeValues.Stage(_unit, queue.Spec(i), queue.Input, queue.Start(i), queue.Slices(i));
        }
    }

    // The loop reads its clock once per turn; whoever works longer than a millisecond reads it again.
    [Conditional("COUNTERS")] // it follows the timer
    private void KeepTime()
    {
        var ticks = Timer.LastTicks;
        if (ticks - _clockTicks < ClockTicks) return;
        _clockTicks = ticks;
        _host.RefreshClock();
    }

    private void RunUnit(ref Call call)
    {
        _effects.Begin(_unit);
        RunWithin(ref call);
        if (call.Caller.Wait is not null) Block((Client)call.Caller, call);
        if (!_unit.Ready.IsEmpty && !PlantedFault.WaitersServedAfterUnlock) ServeWaiters();
        Statistics.CountChanges(_unit.Dirty);
        if (PlantedFault.EffectsAfterUnlock) _unit.End();
        SchedulePoint.Yield();
        _effects.Append(_unit);
        if (_unit.RecordsRemovals) NotePosition();
        if (_served.Count > 0) Deliver();
        if (_unit.HasDiscarded) PayForDiscards();
        if (IsForListener) _host.GatherMail();
        var held = _unit.Held;
        if (!PlantedFault.EffectsAfterUnlock) _unit.End();
        if (_unit.Retained.Count > 0) FillReply(call.Reply);
        if (PlantedFault.WaitersServedAfterUnlock && !_unit.Ready.IsEmpty) ServeLate(held);
    }

    /// <summary>What follows belongs to other replies.</summary>
    internal void ForgetPositions() => ReadPosition = OwnPosition = 0;

    /// <summary>A unit that has read, and that somebody consumes the log of, is about to end.</summary>
    internal void NotePosition()
    {
        ReadPosition = Math.Max(ReadPosition, LogPosition());
        OwnPosition = Math.Max(OwnPosition, _effects.Appended);
    }

    // The highest position of the partitions that the unit holds.
    private long LogPosition()
    {
        var position = 0L;
        for (var rest = _unit.Held; rest != 0; rest &= rest - 1)
            position = Math.Max(position, _keyspace[BitOperations.TrailingZeroCount(rest)].Line.LogPosition);
        return position;
    }

    // What takes so much longer than others of its kind is the last of its run.
    private void FillReply(ReplyWriter reply)
    {
        LargeValues.Fill(_unit, reply);
        Timer.EndRun();
    }

    // Frees what the unit has discarded for as long as its commands have taken; see Discards.
    private void PayForDiscards()
    {
        var now = Stopwatch.GetTimestamp();
        var began = Math.Max(Timer.LastTicks, _paidTicks);
        _unit.FreeDiscarded(now + (now - began));
        _paidTicks = Stopwatch.GetTimestamp();
    }

    /// <summary>A unit that has its locks is going to do work that no command asked for.</summary>
    internal void BeginAlone() => _effects.Begin(_unit);

    /// <summary>Ends such a unit: waiters are served, effects appended, locks released.</summary>
    internal void EndAlone()
    {
        if (!_unit.Ready.IsEmpty) ServeWaiters();
        Statistics.CountChanges(_unit.Dirty);
        _effects.Append(_unit);
        if (_served.Count > 0) Deliver();
        _unit.End();
    }

    // One command of the unit under way, with its effects.
    private void RunWithin(ref Call call)
    {
        var database = call.Caller.Database;
        _effects.BeginCommand(_unit);
        Handle(ref call);
        if (call.Caller.TracksAs != 0 && call.Caller.Wait is null) Track(call);
        if (Monitors is { IsWatched: true } && call.Caller is Client client) Monitors.Show(call, client);
        _effects.Add(call, database);
    }

    // The caller keeps copies of what it has read. Channels look like keys to those who route requests.
    private void Track(in Call call)
    {
        if ((call.Spec.Flags & (CommandFlags.ReadOnly | CommandFlags.PubSub)) != CommandFlags.ReadOnly) return;
        foreach (ref readonly var key in call.Keys) _unit.Track(call.Key(key.ArgIndex), call.Caller.TracksAs);
    }

    private void ServeLate(ulong held)
    {
        _unit.TryBeginWrite(held, _host.UnixMs, patient: true, out _);
        _effects.Begin(_unit);
        ServeWaiters();
        _effects.Append(_unit);
        Deliver();
        _unit.End();
    }

    // The command has found nothing and waits. The unit still holds its partitions, so nothing can come in between.
    private void Block(Client client, in Call call)
    {
        var wait = client.Wait!;
        client.Wait = null;
        var request = new BlockedRequest(client, call, wait, MaskOf(call.Keys)) { RanTicks = Timer.TicksSoFar() };
        for (var i = 0; i < wait.Keys; i++) request.WaitFor(_unit, call.Key(wait.FirstKey + i));
        client.Block(request);
        _host.Wait(request, wait.TimeoutMs);
    }

    // First come, first served, key by key in the order in which they became ready; what the waiters' commands make
    // ready comes behind (BLMOVE). A waiter that is served and waits on is not looked at again for the same key.
    private void ServeWaiters()
    {
        _host.RefreshClock(); // the pushing command or transaction may have taken long
        _unit.Advance(_host.UnixMs);
        while (_unit.Ready.TryTake(out var queue))
        {
            var node = queue.First;
            for (var left = queue.Count; left > 0 && node is not null; left--)
            {
                var next = node.Next;
                var entry = _unit.Find(queue.Key.View, Access.Peek);
                var isWorthALook = !entry.IsMissing && entry.Type == node.Waiter.Type;
                if (isWorthALook || node.Waiter.MindsLoss) Serve((BlockedRequest)node.Waiter);
                node = next;
            }
        }
    }

    // Returns after how many milliseconds to run it again, when it waits on and wants that.
    private long Serve(BlockedRequest request)
    {
        if (!request.TryBeginService()) return 0;
        _servedReply.Begin(_servedWriter, request.Protocol);
        var call = new Call(
            request.Spec, request.Args, request.Keys, _servedWriter, _unit, request.Caller, _effects.Named);
        Timer.EndRun(); // of whoever made the key ready
        var trail = Timer.Trail;
        Timer.Trail = request;
        Timer.Begin(request.Spec, request.Args.Count);
        Timer.GoOn(request.RanTicks);
        RunWithin(ref call);
        if (request.Caller.Wait is not null) request.RanTicks = Timer.TicksSoFar();
        Timer.EndRun();
        Timer.Trail = trail;
        request.Reply = _servedReply.End(_servedWriter);
        if (request.Caller.Wait is { } wait)
        {
            request.Caller.Wait = null;
            request.Resume();
            return wait.RetryMs;
        }

        for (var rest = request.Partitions; rest != 0; rest &= rest - 1)
            request.Leave(_keyspace[BitOperations.TrailingZeroCount(rest)]);
        _served.Add(request);
        return 0;
    }

    // Nobody hears of a service before the unit is complete: whoever does may act on it, and must find all of it done.
    private void Deliver()
    {
        if (!_unit.Notifications.IsEmpty) _unit.Notifications.Post(); // the events of a service come before its reply
        foreach (var request in _served)
        {
            if (_unit.RecordsRemovals) request.LogPosition = LogPosition();
            request.EndService();
            _host.Deliver(request);
        }

        _served.Clear();
    }

    private Outcome Ran(Client client, CommandSpec spec)
    {
        client.LockTries = 0;
        if (!ReferenceEquals(client.LastCommand, spec)) client.LastCommand = spec; // a reference costs a write barrier
        return Outcome.Replied;
    }

    // While it waited for the other loops, somebody may have closed a gate, or this very client.
    private Gate RunQuiesced(Client client, ref Call call, ulong mask, Gate stoppedBy)
    {
        var began = Stopwatch.GetTimestamp();
        _host.BeginQuiescence();
        Timer.LeaveOut(Stopwatch.GetTimestamp() - began);
        try
        {
            var closed = stoppedBy & (_gates.Word | client.Gates) & ~Gate.OverMemory;
            if (closed != 0) return closed;
            _unit.TryBeginWrite(mask, _host.UnixMs, patient: true, out _);
            RunUnit(ref call);
            return Gate.None;
        }
        finally
        {
            _host.EndQuiescence();
        }
    }

    private void Handle(ref Call call)
    {
        var errors = call.Reply.ErrorCount - _countedErrors;
        var written = call.Reply.Written;
        try
        {
            if (LargeValues.TryAdmit(call)) call.Spec.Handler!(ref call);
        }
        catch (Exception e)
        {
            // What a handler leaves behind is unknown, unless it held nothing and had not begun to answer.
            if (_unit.Held != 0 || call.Reply.Written != written || call.Reply.IsDeferred)
                Environment.FailFast($"the command '{call.Spec.FullName}' failed in the middle of its work", e);
            call.Reply.Error("ERR internal error"u8);
        }

        if (call.Caller.Wait is not null) return; // it is counted when it has its reply
        Statistics.CountCall(call.Spec);
        call.Caller.CommandsRun++;
        errors = call.Reply.ErrorCount - _countedErrors - errors;
        if (errors == 0) return;
        Statistics[call.Spec].Failed++;
        Statistics.CountError(call.Reply.LastErrorCode);
        _countedErrors += errors;
        _host.NoteFailed(call);
    }

    private Outcome Malformed(Client client, CommandSpec? spec, Args args, ReplyWriter reply)
    {
        if (spec is null) UnknownCommand(args, reply);
        else if (IsUnknownSubcommand(spec, args))
            UnknownSubcommand(spec, args, reply);
        else if (spec.Locks == LockScope.Transaction)
            RefuseTransaction(client, reply, "wrong number of arguments for 'exec' command"u8);
        else RefuseArity(reply, spec);
        if (client.IsQueueing) client.Queue.IsAborted = true;
        if (spec is not null) Statistics[spec].Rejected++;
        var isUnknown = spec is null || IsUnknownSubcommand(spec, args);
        client.LastCommand = isUnknown ? null : spec;
        client.LockTries = 0;
        return Outcome.Replied;
    }

    private Outcome Stopped(Client client, Request request, byte[] input, Gate closed, ReplyWriter reply)
    {
        var spec = request.Spec!;
        if (spec.RunsWhileLoading) closed &= ~Gate.Loading;
        if ((closed & Gate.Unauthenticated) != 0) Reject(client, spec, reply, ErrorTexts.AuthenticationRequired);
        else if ((closed & Gate.Loading) != 0) Reject(client, spec, reply, ErrorTexts.Loading);
        else if ((closed & Gate.Closing) != 0) return Outcome.Replied;
        else if ((closed & Gate.NotDurable) != 0) Reject(client, spec, reply, _host.NotDurableError);
        else if ((closed & Gate.Subscribed) != 0) RejectSubscriber(client, spec, reply);
        else if (closed == Gate.None) return RunApart(client, request, input, reply, isBesideLoad: true);
        else if ((closed & Gate.LogBroken) != 0) Reject(client, spec, reply, _gates.BrokenText);
        else if (closed == Gate.OverMemory) return WaitForRoom(client, request, input, reply);
        else if ((closed & ~(Gate.OverMemory | Gate.Queueing)) != 0)
            return ParkOnGates(client, request, input, closed & ~Gate.OverMemory);
        else if ((_gates.Word & Gate.OverMemory) != 0 && Evictor.MakeRoom() != Room.Made)
            return WaitForRoom(client, request, input, reply); // whatever it is: a queue takes memory as well
        else Enqueue(client, request, input, reply);
        return Outcome.Replied;
    }

    // There is no room now: either there never will be, or the request comes up again when more has been freed.
    private Outcome WaitForRoom(Client client, Request request, byte[] input, ReplyWriter reply)
    {
        if (Evictor.LastRoom == Room.None)
        {
            Reject(client, request.Spec!, reply, ErrorTexts.OutOfMemory);
            return Outcome.Replied;
        }

        if (Evictor.AwaitedPartition >= 0) return Park(client, request, input, Evictor.AwaitedPartition);
        if (request.IsInline) KeepRequest(client, request, input);
        _host.RunNextTurn(client);
        return Outcome.Parked;
    }

    // What can be refused now is; nothing else is looked at before EXEC. What EXEC is going to refuse is not kept.
    private void Enqueue(Client client, Request request, byte[] input, ReplyWriter reply)
    {
        var spec = request.Spec!;
        if ((spec.Flags & CommandFlags.NoMulti) != 0)
        {
            Reject(client, spec, reply, "ERR Command not allowed inside a transaction"u8);
            return;
        }

        if (!client.Queue.IsAborted && client.Watcher is not { IsBroken: true })
            client.Queue.Add(request, input, LockSetQueued(spec, request));
        client.LastCommand = spec;
        reply.Simple("QUEUED"u8);
    }

    private void Reject(Client client, CommandSpec spec, ReplyWriter reply, ReadOnlySpan<byte> text)
    {
        Statistics[spec].Rejected++;
        client.LockTries = 0;
        if (client.IsQueueing && spec.Locks == LockScope.Transaction)
        {
            RefuseTransaction(client, reply, text);
            return;
        }

        if (client.IsQueueing) client.Queue.IsAborted = true;
        reply.Error(text);
        Statistics.CountError(reply.LastErrorCode);
    }

    private void RejectSubscriber(Client client, CommandSpec spec, ReplyWriter reply) => Reject(
        client,
        spec,
        reply,
        Encoding.ASCII.GetBytes(
            $"ERR Can't execute '{spec.FullName}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are "
            + "allowed in this context"));

    // EXEC that cannot run forgets what was queued and what was watched.
    private void RefuseTransaction(Client client, ReplyWriter reply, ReadOnlySpan<byte> reason)
    {
        ErrorTexts.WriteQuoting(reply, "EXECABORT Transaction discarded because of: "u8, reason, default);
        Statistics.CountError(reply.LastErrorCode);
        client.EndTransaction();
        if (client.TakeWatcher() is { } watcher) _withdrawals.Add(watcher);
    }

    private Outcome ParkOnPartition(Client client, Request request, byte[] input, int partition)
    {
        client.LockTries++;
        return Park(client, request, input, partition);
    }

    private Outcome Park(Client client, Request request, byte[] input, int partition)
    {
        var parked = Park(client, request, input);
        if (!_keyspace[partition].Lock.TryPark(parked)) parked.Released();
        return Outcome.Parked;
    }

    private Outcome ParkOnGates(Client client, Request request, byte[] input, Gate closed)
    {
        client.IsPostponed = (closed & (Gate.WritesPaused | Gate.AllPaused)) != 0;
        var parked = Park(client, request, input);
        if (!_gates.TryPark(parked, closed)) parked.Released();
        return Outcome.Parked;
    }

    // A request that came as a line was unescaped in place and cannot be parsed again: it is kept in protocol form.
    private IParked Park(Client client, Request request, byte[] input)
    {
        client.IsParked = true;
        if (request.IsInline) KeepRequest(client, request, input);
        return _host.Park(client);
    }

    private static void KeepRequest(Client client, Request request, byte[] input)
    {
        var copy = new EffectBuffer();
        copy.Reset(isRecording: true);
        copy.AddRequest(new Args(input.AsSpan(request.Start, request.End - request.Start), request.Slices.AsSpan()));
        client.ParkedRequest = copy.Bytes.ToArray();
    }

    private void UnknownCommand(Args args, ReplyWriter reply)
    {
        const int MaxQuoted = 128;
        var text = new StringBuilder("ERR unknown command '").Append(Quoted(args[0], MaxQuoted));
        text.Append("', with args beginning with: ");
        var room = MaxQuoted;
        for (var i = 1; i < args.Count && room > 0; i++)
        {
            var argument = Quoted(args[i], room);
            text.Append('\'').Append(argument).Append("' ");
            room -= argument.Length + 3;
        }

        Refuse(reply, text.ToString());
    }

    private void UnknownSubcommand(CommandSpec spec, Args args, ReplyWriter reply) => Refuse(
        reply,
        $"ERR unknown subcommand '{Quoted(args[1], 128)}'. Try {spec.Name.ToUpperInvariant()} HELP.");

    private void RefuseArity(ReplyWriter reply, CommandSpec spec)
    {
        ErrorTexts.WriteArity(reply, spec);
        Statistics.CountError(reply.LastErrorCode);
    }

    private void Refuse(ReplyWriter reply, string text)
    {
        reply.Error(Encoding.Latin1.GetBytes(text.Trim('\r', '\n')));
        Statistics.CountError(reply.LastErrorCode);
    }

    private static string Quoted(ReadOnlySpan<byte> bytes, int most) =>
        Encoding.Latin1.GetString(ErrorTexts.Quotable(bytes, most));

    // The commands of a transaction that runs.
    private sealed class QueueTrail : IRequestTrail
    {
        public Client Client { get; private set; } = null!;

        public QueueTrail Over(Client client)
        {
            Client = client;
            return this;
        }

        // They have been looked at when they were queued: none of them is refused but for want of memory.
        public bool TryFind(CommandSpec command, int first, int last, out Args args)
        {
            while (last > first && !ReferenceEquals(Client.Queue.Spec(last), command)) last--;
            args = Client.Queue.Args(last);
            return true;
        }
    }
}
