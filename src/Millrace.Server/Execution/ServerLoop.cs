using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using Millrace.Commands;
using Millrace.Engine;
using Millrace.Net;
using Millrace.Persistence.Loading;
using Millrace.Server.Blocking;
using Millrace.Server.Observability;
using Millrace.Server.Persistence;
using Millrace.Server.PubSub;
using Millrace.Server.Tracking;

namespace Millrace.Server.Execution;

/// <summary>
/// The server's part of one event loop: takes clients in, keeps the list of them, and does its share of the work that
/// no client asked for.
/// </summary>
/// <remarks>
/// Partition i is looked after by loop i modulo the number of loops: in a turn, due keys are removed or what was
/// discarded is freed, in slices of at most <see cref="SliceMicroseconds"/>. With one loop nothing else touches the
/// partition, which is why its lock can be elided. While memory is used up every loop evicts, from any partition.
/// While data is loaded there is no such work (<see cref="LoadTruce"/>).
/// </remarks>
public sealed class ServerLoop : LoopHandler
{
    /// <summary>The longest that a slice of work without a client takes.</summary>
    public const int SliceMicroseconds = 200;

    private const int SliceKeys = 16;
    private const int IdleMs = 100;
    private const int CronMs = 1000;
    private const int SaveTickMs = 100;

    private static readonly long SliceTicks = Stopwatch.Frequency * SliceMicroseconds / 1_000_000;

    private readonly EventLoop _loop;
    private readonly ServerParts _parts;
    private readonly Pipeline _pipeline;
    private readonly OutputGuard _guard;
    private readonly Dictionary<long, Client> _clients = [];
    private bool _countsNext; // in turns with other work, while values are counted
    private bool _expiresNext; // in turns with freeing, when there is both
    private bool _freesLater; // others hold the partitions where there is something to free
    private int _firstKept; // of the loop's partitions, in turn
    private long _upkeepMs;
    private long _processed; // requests up to the end of the last turn

    /// <summary>The part for one loop.</summary>
    public ServerLoop(EventLoop loop, ServerParts parts)
    {
        _loop = loop;
        _parts = parts;
        var host = new LoopHost(loop, parts);
        // Far apart: two loops that drew the same numbers would look at the same entries one after the other.
        var seed = unchecked(parts.Seed + ((uint)loop.Index * 0x9E3779B9));
        Executor = new Executor(parts.Keyspace, parts.Gates, parts.Log, host, parts.Table, seed);
        Executor.Unit.Notifications.Outlet = new KeyspaceNotifier(parts.Channels, loop.Index);
        var batch = new RequestBatch(parts.Table, parts.Keyspace);
        Executor.Timer.Adopt(parts.Configuration.Settings.Latency);
        _guard = new OutputGuard(parts.Configuration, parts.Journal);
        var pushes = new PushWriter(loop, _guard, parts.Log);
        var fanOut = new FanOut(loop, pushes);
        parts.Channels.Attach(fanOut, loop.Index);
        parts.Monitors.Attach(loop, pushes);
        Executor.Monitors = parts.Monitors;
        var invalidator = new Invalidator(fanOut, pushes, parts.Channels, parts.Invalidators) { Clients = _clients };
        parts.Invalidators[loop.Index] = invalidator;
        Executor.Unit.TouchListener = invalidator;
        var output = new ClientOutput(_guard, pushes, fanOut);
        _pipeline = new Pipeline(parts.Configuration, Executor, batch, output, parts.Journal, Gone);
        _ = _clients.Values; // made now: the loop allocates nothing later
        loop.StartTimer(CronMs, Cron);
        if (loop.Index == 0) loop.StartTimer(SaveTickMs, StartDueSave);
    }

    /// <summary>The loop.</summary>
    public EventLoop Loop => _loop;

    /// <summary>Runs the loop's requests.</summary>
    public Executor Executor { get; }

    /// <summary>The loop's clients by id. Others look at it only while all loops stand still.</summary>
    public Dictionary<long, Client>.ValueCollection Clients => _clients.Values;

    /// <summary>Finds one of <see cref="Clients"/> by its id. O(1).</summary>
    /// <param name="id">The id.</param>
    /// <param name="client">The client, when there is one.</param>
    public bool TryFind(long id, [NotNullWhen(true)] out Client? client) => _clients.TryGetValue(id, out client);

    /// <summary>What the loop does per second.</summary>
    public LoopRates Rates { get; } = new();

    /// <summary>How late the loop removed keys whose time had come.</summary>
    public LatenessHistogram Lateness { get; } = new();

    /// <summary>How long its turns take, and what active expiry takes of them.</summary>
    public TurnMeter Turns { get; } = new();

    /// <summary>Reads its clients' requests and closes those whose buffers grow too long.</summary>
    public Pipeline Pipeline => _pipeline;

    /// <inheritdoc/>
    public override int MaxIdleMs => _parts.PeriodicWork.IsPaused
        ? UpkeepIdleMs
        : _parts.SnapshotRunner.NextLookMs(_loop.Index, UpkeepIdleMs);

    private int UpkeepIdleMs
    {
        get
        {
            ref readonly var upkeep = ref _parts.Keyspace.UpkeepOf(_loop.Index);
            if (_parts.Loading.IsLoading) return IdleMs;
            if (_parts.Keyspace.Tracking.IsOver) return 1;
            if (_parts.Sizes.IsCounting(_loop.Index)) return 0;
            if (Executor.Evictor.IsWanted || (upkeep.Discarded > 0 && !_freesLater)) return 0;
            if (!Executor.IsTidy || upkeep.Lost > 0 || upkeep.Discarded > 0) return 1;
            if (!_parts.ActiveExpiry.IsEnabled || upkeep.SoonestMs >= _loop.UnixMs + IdleMs) return IdleMs;
            return (int)Math.Max(upkeep.SoonestMs - _loop.UnixMs + 1, 1);
        }
    }

    /// <inheritdoc/>
    public override ConnectionHandler? Accepted(Connection connection)
    {
        var refusal = _parts.Admission.Refusal(connection);
        if (!refusal.IsEmpty)
        {
            connection.Output.Append(refusal);
            return null;
        }

        var mustAuthenticate = _parts.Configuration.Settings.RequirePass.Length > 0;
        var client = new Client(_parts.Admission.NextClientId(), connection, mustAuthenticate);
        connection.Tag = client;
        _clients.Add(client.Id, client);
        return _pipeline;
    }

    /// <inheritdoc/>
    public override void TurnStarted() => Turns.Begin(_loop.RefreshedAt);

    /// <inheritdoc/>
    public override void TurnEnding()
    {
        WorkWithoutClient();
        WalkSnapshot();
        if (_parts.AppendOnly.Journal is { NeedsWake: true } journal) journal.Wake();
        Turns.End(_loop.RefreshedAt, Executor.Statistics.Processed);
    }

    private void WorkWithoutClient()
    {
        if (_parts.Loading.IsLoading) return;
        if (!Executor.IsTidy) Executor.Withdraw();
        if (_parts.Keyspace.Tracking.IsOver) ForgetTracked();
        _countsNext = !_countsNext && _parts.Sizes.IsCounting(_loop.Index);
        if (_countsNext)
        {
            CountSizes();
            return;
        }

        var nowMs = _loop.UnixMs;
        var evicts = Executor.Evictor.IsWanted;
        ref readonly var upkeep = ref _parts.Keyspace.UpkeepOf(_loop.Index);
        if (upkeep.Lost > 0) ServeLost();
        if (nowMs == _upkeepMs && upkeep.Discarded == 0 && !evicts) return;
        _upkeepMs = nowMs;
        var expires = _parts.ActiveExpiry.IsEnabled && upkeep.SoonestMs < nowMs;
        var frees = upkeep.Discarded > 0 || evicts;
        if (expires && frees) _expiresNext = !_expiresNext;
        else _expiresNext = expires;
        if (evicts && !_expiresNext) MakeRoom();
        else if (expires || frees) KeepUp(nowMs, _expiresNext);
    }

    private void WalkSnapshot()
    {
        var isBusy = Executor.Statistics.Processed != _processed;
        _processed = Executor.Statistics.Processed;
        if (_parts.PeriodicWork.IsPaused) return;
        if (_parts.SnapshotRunner.Walk(Executor, _loop.Index, _parts.Keyspace.Shape, isBusy))
            _loop.Steps.End(Stopwatch.GetTimestamp());
    }

    private void StartDueSave(LoopTimer timer)
    {
        timer.Start(SaveTickMs);
        if (_parts.PeriodicWork.IsPaused || _parts.Loading.IsLoading || !_parts.BackgroundSaves.IsDue()) return;
        _parts.Loops.BeginQuiescence(_loop);
        var unit = Executor.Unit;
        SaveCommands.HoldAll(unit);
        _parts.BackgroundSaves.StartIfDue(unit);
        unit.End();
        _parts.Loops.EndQuiescence(_loop);
    }

    private void CountSizes()
    {
        var began = Stopwatch.GetTimestamp();
        var census = _parts.Sizes;
        var ended = began;
        for (var i = _loop.Index; i < _parts.Keyspace.Shape.Partitions && ended < began + SliceTicks;
            i += _parts.Keyspace.Shape.Loops)
        {
            if (census.IsCounted(i)) continue;
            Executor.CountSizes(i, census, began + SliceTicks);
            ended = Stopwatch.GetTimestamp();
        }

        census.EndSlice(_loop.Index, ended - began);
        _loop.Steps.End(ended);
    }

    // Removes what is due, or frees what was discarded: never both in one step.
    private void KeepUp(long nowMs, bool expires)
    {
        var began = Stopwatch.GetTimestamp();
        var until = began + SliceTicks;
        var (hasFreed, hasPassed) = (false, false);
        var shape = _parts.Keyspace.Shape;
        var own = (shape.Partitions - _loop.Index + shape.Loops - 1) / shape.Loops;
        _firstKept = _firstKept + 1 < own ? _firstKept + 1 : 0; // whoever comes first may wait for a lock
        for (var n = 0; n < own; n++)
        {
            var i = _loop.Index + ((_firstKept + n) % own * shape.Loops);
            var partition = _parts.Keyspace[i];
            if (expires && Volatile.Read(ref partition.Line.NextDeadlineMs) < nowMs)
                Executor.RemoveDue(i, SliceKeys, until, Lateness);
            else if (!expires && !partition.Discards.IsEmpty)
            {
                if (Executor.FreeDiscarded(i, until)) hasFreed = true;
                else hasPassed = true;
            }
        }

        if (expires) _parts.Keyspace.SurveyUpkeep(_loop.Index);
        else _freesLater = hasPassed && !hasFreed;
        var ended = Stopwatch.GetTimestamp();
        if (expires)
        {
            Turns.AddExpiry(ended - began, wasCutShort: ended >= until);
            _parts.LatencyMonitor.Note(LatencyEvent.ExpireCycle, ended - began, nowMs);
        }

        _loop.Steps.End(ended);
    }

    // Keys have expired that somebody waits for who minds.
    private void ServeLost()
    {
        for (var i = _loop.Index; i < _parts.Keyspace.Shape.Partitions; i += _parts.Keyspace.Shape.Loops)
        {
            if (_parts.Keyspace[i].Awaited.HasLost) Executor.ServeLost(i);
        }

        _loop.Steps.End(Stopwatch.GetTimestamp());
    }

    // The limit was lowered: whoever comes first forgets, in any partition, so that clients hear of it soon.
    private void ForgetTracked()
    {
        const int MostKeys = 1000;
        var most = Math.Max(MostKeys / _parts.Keyspace.Shape.Partitions, 1);
        for (var i = 0; i < _parts.Keyspace.Shape.Partitions; i++) Executor.ForgetTracked(i, most);
        _loop.Steps.End(Stopwatch.GetTimestamp());
    }

    // Data takes more than it may: what was discarded is freed, wherever it is, and when that is not enough keys go.
    private void MakeRoom()
    {
        Executor.Evictor.Upkeep(SliceMicroseconds);
        _loop.Steps.End(Stopwatch.GetTimestamp());
    }

    private void Gone(Client client)
    {
        Executor.Abandon(client);
        TrackingCommands.End(client, _parts.Channels, _parts.Keyspace.Tracking);
        _parts.Channels.Leave(client);
        _parts.Monitors.End(client);
        if (_clients.Remove(client.Id)) _parts.Admission.Left();
    }

    // Once a second: samples, clients that have been silent for too long or whose output stays over the soft limit.
    private void Cron(LoopTimer timer)
    {
        timer.Start(CronMs);
        if (_parts.PeriodicWork.IsPaused) return;
        var counters = _loop.Counters;
        Rates.Sample(
            _loop.NowUs,
            new LoopSample(
                Executor.Statistics.Processed, counters.BytesIn, counters.BytesOut, counters.Turns, Turns.BusyTicks));
        if (_loop.Index == 0)
        {
            _parts.MemoryPeak.Observe(_parts.Keyspace.UsedBytes);
            _parts.AppendOnly.Cron();
        }

        var timeoutUs = _parts.Configuration.Settings.TimeoutSeconds * 1_000_000L;
        foreach (var client in _clients.Values)
        {
            _guard.Check(client);
            if (timeoutUs > 0 && !client.IsParked && _loop.NowUs - client.Connection.LastActivityUs > timeoutUs)
            {
                _parts.Journal.Verbose("Closing idle client");
                client.CloseNow();
            }
        }
    }

    private sealed class LoopHost(EventLoop loop, ServerParts parts) : ExecutionHost
    {
        public override long UnixMs => loop.UnixMs;

        public override void RefreshClock() => loop.RefreshClock();

        public override void GatherMail() => loop.GatherMail();

        public override void BeginQuiescence()
        {
            parts.Loops.BeginQuiescence(loop);
            parts.Loading.Truce.Hold();
        }

        public override void EndQuiescence()
        {
            parts.Loading.Truce.Release();
            parts.Loops.EndQuiescence(loop);
        }

        public override IParked Park(Client client)
        {
            // A pause may last: what such a client sends is read on, so that its leaving is noticed.
            if (!client.IsPostponed) client.Connection.PauseReading();
            return new ParkedClient(client);
        }

        public override void RunNextTurn(Client client) => loop.MarkReady(client.Connection);

        public override void Wait(BlockedRequest request, long timeoutMs)
        {
            if (timeoutMs > 0 || request.RetryMs > 0) request.Client.StartWait(timeoutMs, request.RetryMs);
        }

        public override void Deliver(BlockedRequest request) =>
            request.Client.Connection.Loop.Post(request.ReplyMail());

        public override ReadOnlySpan<byte> NotDurableError => parts.Durability.ErrorText;

        public override void NoteFailed(in Call call) => RefusedPayload.Note(call, parts.Journal);

        public override void NoteSlow(in SlowCall call)
        {
            parts.SlowLog.Note(call);
            parts.LatencyMonitor.Note(call);
        }

        public override void Note(LatencyEvent what, long ticks) =>
            parts.LatencyMonitor.Note(what, ticks, loop.UnixMs);
    }
}
