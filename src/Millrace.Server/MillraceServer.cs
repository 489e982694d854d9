using Millrace.Commands;
using Millrace.Commands.Families;
using Millrace.Engine;
using Millrace.Memory;
using Millrace.Net;
using Millrace.Persistence.Files;
using Millrace.Server.Config;
using Millrace.Server.Connections;
using Millrace.Server.Effects;
using Millrace.Server.Execution;
using Millrace.Server.Logging;
using Millrace.Server.Observability;
using Millrace.Server.Persistence;
using Millrace.Server.PubSub;
using Millrace.Server.Tracking;
using Millrace.Server.Transactions;

namespace Millrace.Server;

/// <summary>
/// The composition root: builds the subsystems in order, opens the listeners, runs until it is told to stop.
/// </summary>
/// <remarks>
/// <code>
///   settings -> memory -> keyspace -> commands -> loops (one ServerLoop each) -> listeners -> data is loaded, while
///   clients are told so
/// </code>
/// Nobody holds this object but the program that made it; subsystems know only what their constructors were given.
/// Life: constructed, <see cref="Start"/>, <see cref="Stop"/>.
/// </remarks>
public sealed class MillraceServer : IDisposable
{
    /// <summary>The version of Redis whose behaviour we show.</summary>
    public const string RedisVersion = "7.2.4";

    private readonly ServerParts _parts;
    private readonly MemorySource _memory;
    private readonly ServerLoop[] _serverLoops;
    private readonly Lock _load = new(); // held by who loads, so that whoever stops the server waits for him

    /// <summary>Builds a server; it neither listens nor runs yet.</summary>
    /// <param name="configuration">The settings at start; CONFIG SET changes them.</param>
    /// <param name="journal">Where log lines go.</param>
    public MillraceServer(Configuration configuration, Log journal)
        : this(configuration, journal, new MemorySource())
    {
    }

    /// <summary>Builds a server on memory of a choice, which becomes its own. For tests.</summary>
    /// <param name="configuration">The settings at start.</param>
    /// <param name="journal">Where log lines go.</param>
    /// <param name="memory">The memory.</param>
    /// <param name="files">Where the append-only file and the RDB file are; null: on the disk.</param>
    /// <param name="exit">Ends the process with 1; null: it does so.</param>
    internal MillraceServer(
        Configuration configuration, Log journal, MemorySource memory, IFileSystem? files = null,
        Action? exit = null)
        : this(
            configuration,
            journal,
            memory,
            files ?? new DiskFileSystem(),
            exit ?? (static () => Environment.Exit(1)),
            new ClientRegistry())
    {
    }

    private MillraceServer(
        Configuration configuration,
        Log journal,
        MemorySource memory,
        IFileSystem files,
        Action exit,
        ClientRegistry registry)
    {
        var settings = configuration.Settings;
        var loops = settings.IoThreads;
        _memory = memory;
        var keyspace = new Keyspace(KeyspaceShape.For(loops, settings.Databases), _memory, new KeyHasher());
        var gates = new Gates();
        var channels = new Channels(keyspace, loops, gates);
        var pause = new ClientPause(gates);
        var loading = new LoadingState(gates, journal);
        var snapshots = new Snapshots(keyspace, configuration, journal, files, registry.CountChanges);
        var runner = new SnapshotRunner(gates);
        var durability = new Durability(gates);
        var background = new BackgroundSaves(snapshots, runner, durability, configuration, journal);
        keyspace.FlushListener = new FlushedDatabases(background, snapshots, configuration);
        var log = new EffectLog();
        var appendOnly = new AppendOnly(new AppendOnlyParts
        {
            Keyspace = keyspace,
            Configuration = configuration,
            Journal = journal,
            Files = files,
            Log = log,
            Gates = gates,
            Snapshots = new BaseSnapshots(runner, configuration, files),
            Table = () => _parts!.Table,
            Loops = () => _parts!.Loops,
            Exit = exit,
        });
        (runner.Changed, background.IsRewriting) = (appendOnly.NoteSaving, () => appendOnly.Rewrite.IsWanted);
        _parts = new ServerParts
        {
            Configuration = configuration,
            Journal = journal,
            Keyspace = keyspace,
            Memory = _memory,
            Sizes = new SizeCensus(keyspace),
            Gates = gates,
            Pause = pause,
            Snapshots = snapshots,
            SnapshotRunner = runner,
            BackgroundSaves = background,
            Durability = durability,
            AppendOnly = appendOnly,
            Shutdown = new Shutdown(snapshots, background, appendOnly, loading, configuration, pause, journal),
            Loading = loading,
            Channels = channels,
            Invalidators = new Invalidators(loops),
            Monitors = new Monitors(loops, channels.UnderWay),
            Log = log,
            Seed = (uint)SystemRandom.NextWord(),
            Admission = new Admission(configuration),
            ActiveExpiry = new ActiveExpiry(),
        };
        _parts.Table = new CommandTable(Families(registry));
        _serverLoops = new ServerLoop[loops];
        _parts.Loops = MakeLoops(settings);
        registry.Attach(_serverLoops);
        configuration.Add(new DataSettings(_parts.Keyspace, gates, settings, journal));
        configuration.Add(background);
        configuration.Add(new NetworkSettings(_parts));
        configuration.Add(new LatencySettingsListener(_parts, registry));
        configuration.Add(appendOnly);
    }

    /// <summary>What the subsystems share; tests look at it.</summary>
    internal ServerParts Parts => _parts;

    /// <summary>Ends when somebody has asked for a shutdown.</summary>
    public Task<ShutdownFlags> ShutdownRequested => _parts.Shutdown.Requested;

    /// <summary>Whether the data on the disk has not been loaded yet, or could not be. Any thread.</summary>
    public bool IsLoading => !_parts.Loading.HasEnded;

    /// <summary>How far the loading is. Any thread.</summary>
    public LoadingState Loading => _parts.Loading;

    /// <summary>The open listeners' endpoints with their real ports.</summary>
    public IReadOnlyList<Listener> Listeners => _parts.Loops.Listeners;

    /// <summary>How the loops wait: io_uring, epoll or sockets.</summary>
    public string PollerName => _parts.Loops.PollerName;

    /// <summary>
    /// Opens the listeners that the settings name, starts the loops, and loads the data that is on the disk. Whoever
    /// connects meanwhile is told that it is being loaded. Returns when that is over, or was given up because somebody
    /// has asked for a shutdown: <see cref="IsLoading"/> stays then.
    /// </summary>
    /// <returns>Null, or why it could not start; then nothing runs.</returns>
    public string? Start()
    {
        var fault = NetworkSettings.Open(_parts, _parts.Configuration.Settings);
        if (fault is not null) return fault;
        _parts.Journal.Notice("Server initialized");
        lock (_load)
        {
            _parts.Loading.Begin();
            _parts.Loops.Start();
            fault = _parts.Configuration.Settings.Aof.IsOn
                ? LoadAppendOnly()
                : _parts.Snapshots.LoadAtStart(_memory, _parts.Loading);
            if (fault is null) _parts.Loading.TryEnd();
        }

        if (fault is not null) _parts.Loops.Stop(); // a server that cannot load does not serve
        return fault;
    }

    /// <summary>Asks for a shutdown. The program that waits for <see cref="ShutdownRequested"/> stops us. When it saves
    /// it returns after that; otherwise at once. From any thread but those of the loops.</summary>
    /// <param name="flags">What it may do or skip.</param>
    /// <returns>False, with the reasons in the log, when data was to be saved and could not be: the server goes on.
    /// </returns>
    public bool RequestShutdown(ShutdownFlags flags)
    {
        if (ShutdownRequested.IsCompleted || !_parts.Shutdown.Saves(flags) || _parts.Loading.TryStop())
            return _parts.Shutdown.TryRequest(flags, unit: null);
        var isRequested = false;
        _parts.Loops.Quiesce(loop: null, () =>
        {
            var unit = BeginAlone();
            isRequested = _parts.Shutdown.TryRequest(flags, unit);
            unit.End();
        });
        return isRequested;
    }

    /// <summary>Asks for a shutdown as a signal does: not before the periodic work goes on, when that rests (DEBUG
    /// PAUSE-CRON). On a thread that may wait.</summary>
    /// <param name="flags">What it may do or skip.</param>
    /// <returns>As <see cref="RequestShutdown"/>; false as well when SHUTDOWN ABORT has ended the wait.</returns>
    public bool RequestShutdownBySignal(ShutdownFlags flags) =>
        _parts.PeriodicWork.WaitUntilItRuns() && RequestShutdown(flags);

    /// <summary>The process ends at once, whatever is under way: removes files that are not complete. Any thread.
    /// </summary>
    public void RemoveUnfinishedFiles() => _parts.Snapshots.RemoveUnfinished();

    /// <summary>Stops: no write is acknowledged any more, replies leave, connections and listeners close, threads
    /// end.</summary>
    public void Stop()
    {
        _parts.Loading.TryStop();
        lock (_load) _parts.Pause.Stop();
        if (_parts.AppendOnly.Journal is not null && !_parts.Loops.IsStopping)
        {
            // What is under way has been appended; its replies leave when it is in the file.
            _parts.Loops.Quiesce(loop: null, static () => { });
            _parts.AppendOnly.Journal?.Flush();
        }

        _parts.Loops.Stop();
        _parts.SnapshotRunner.Stop();
        _parts.AppendOnly.Stop();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Stop();
        _parts.Loops.Dispose();
        _parts.Keyspace.Dispose();
        _memory.Dispose();
    }

    // When there is nothing to load the data may be in the RDB file only, which is then not to be replaced.
    private string? LoadAppendOnly()
    {
        using var target = new StartTarget(
            _parts.Keyspace, _parts.Snapshots, _memory, _parts.Configuration, _parts.Loading, _parts.Seed);
        var fault = _parts.AppendOnly.Start(target, out var hasData);
        if (fault is null && !_parts.Loading.IsStopped) _parts.Snapshots.NoteAppendOnly(hasData);
        return fault;
    }

    private LoopGroup MakeLoops(Settings settings)
    {
        var options = new LoopOptions
        {
            Count = settings.IoThreads,
            Poller = settings.Io,
            TcpKeepAliveSeconds = settings.TcpKeepAliveSeconds,
        };
        var loops = new LoopGroup(options, loop => _serverLoops[loop.Index] = new ServerLoop(loop, _parts));
        _parts.SnapshotRunner.Attach(loops);
        PollerNotice.Write(_parts.Journal, settings.Io, loops);
        return loops;
    }

    // All loops stand still, and data was loaded.
    private Unit BeginAlone()
    {
        var unit = new Unit(_parts.Keyspace, _parts.Seed);
        var nowMs = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
        unit.TryBegin(_parts.Keyspace.AllPartitions, nowMs, patient: true, out _);
        return unit;
    }

    private IEnumerable<CommandSpec> Families(ClientRegistry registry)
    {
        var statistics = new ServerStatistics(_parts, registry);
        return
        [
            .. DataCommands.All,
            .. TransactionCommands.Table,
            .. new CommandCommands(() => _parts.Table).All(),
            .. new ConnectionCommands(_parts).All(),
            .. new ClientCommands(registry, _parts.Pause, _parts.Channels).All(),
            .. new PubSubCommands(_parts.Channels).All(),
            .. new MonitorCommand(_parts.Monitors).All(),
            .. new InfoCommand(_parts, statistics).All(),
            .. new MemoryCommands(_parts, statistics).All(),
            .. new ServerCommands(_parts.Shutdown, _parts.PeriodicWork).All(),
            .. new SaveCommands(_parts.Snapshots, _parts.BackgroundSaves, _parts.SnapshotRunner).All(),
            .. new AofCommands(_parts.AppendOnly).All(),
            .. new LoneServerCommands(_parts.Log).All(),
            .. new SlowLogCommands(_parts.SlowLog).All(),
            .. new LatencyCommands(_parts, statistics).All(),
            .. LoneScriptCommands.Table,
            .. new DebugCommand(_parts).All(),
            .. new ConfigCommands(_parts.Configuration, _parts.Journal, _parts.Loading, statistics.Reset).All(),
        ];
    }
}
