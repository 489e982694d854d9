// The settings that running code reads, with their real types.
//
// One immutable object, made from the directive values at start-up and again after each successful CONFIG SET, and
// swapped whole: whoever holds one sees values that belong together. Hot paths read its properties; everything else
// asks the Configuration. Paths and names are ordinary strings here; the password is bytes.

using Millrace.Engine;
using Millrace.Engine.Codec;
using Millrace.Engine.Values;
using Millrace.Net;
using Millrace.Server.Logging;
using Millrace.Server.Observability;

namespace Millrace.Server.Config;

/// <summary>Which clients may do something protected.</summary>
public enum ProtectedAction
{
    /// <summary>No client.</summary>
    No,

    /// <summary>Every client.</summary>
    Yes,

    /// <summary>Clients of this machine.</summary>
    Local,
}

/// <summary>Who is told that the server is ready.</summary>
public enum Supervision
{
    /// <summary>Upstart, by stopping until it continues the process.</summary>
    Upstart,

    /// <summary>systemd, by a datagram.</summary>
    Systemd,

    /// <summary>Whichever of them started the process.</summary>
    Auto,

    /// <summary>Nobody.</summary>
    None,
}

/// <summary>What happens to the kernel's out-of-memory score of the process. The numbers are those of the directive's
/// names.</summary>
public enum OomScoreMode
{
    /// <summary>It is left alone.</summary>
    Untouched = 0,

    /// <summary>A value is added to what it was when the process started.</summary>
    Relative = 1,

    /// <summary>A value is set.</summary>
    Absolute = 3,
}

/// <summary>What a shutdown may do or skip.</summary>
[Flags]
public enum ShutdownFlags
{
    /// <summary>As configured.</summary>
    None = 0,

    /// <summary>Save first.</summary>
    Save = 2,

    /// <summary>Do not save.</summary>
    NoSave = 4,

    /// <summary>Do not wait for replicas.</summary>
    Now = 8,

    /// <summary>Ignore errors that would prevent it.</summary>
    Force = 16,
}

/// <summary>Typed settings. Immutable and thread-safe.</summary>
public sealed record Settings
{
    /// <summary>TCP port; 0 for none.</summary>
    public required int Port { get; init; }

    /// <summary>Addresses to listen on; a leading - marks one that may be missing. Empty: none.</summary>
    public required IReadOnlyList<string> Bind { get; init; }

    /// <summary>Path of the Unix socket, or null.</summary>
    public required string? UnixSocket { get; init; }

    /// <summary>Mode of the Unix socket; 0 leaves it to the umask.</summary>
    public required int UnixSocketPermissions { get; init; }

    /// <summary>Length of the accept queue.</summary>
    public required int TcpBacklog { get; init; }

    /// <summary>Seconds between keep-alive probes; 0 for none.</summary>
    public required int TcpKeepAliveSeconds { get; init; }

    /// <summary>Seconds after which an idle client is closed; 0 for never.</summary>
    public required int TimeoutSeconds { get; init; }

    /// <summary>How many clients may be connected.</summary>
    public required long MaxClients { get; init; }

    /// <summary>Serve only local clients while there is no password.</summary>
    public required bool ProtectedMode { get; init; }

    /// <summary>The password; empty for none.</summary>
    public required ReadOnlyMemory<byte> RequirePass { get; init; }

    /// <summary>Number of databases.</summary>
    public required int Databases { get; init; }

    /// <summary>Number of event loops.</summary>
    public required int IoThreads { get; init; }

    /// <summary>How event loops wait.</summary>
    public required PollerKind Io { get; init; }

    /// <summary>Longest argument in bytes.</summary>
    public required long MaxBulkLength { get; init; }

    /// <summary>Most unread request bytes of a client.</summary>
    public required long QueryBufferLimit { get; init; }

    /// <summary>Most unread reply bytes of a client, by class.</summary>
    public required OutputBufferLimits OutputLimits { get; init; }

    /// <summary>Up to where collections are packed.</summary>
    public required EncodingLimits Encodings { get; init; }

    /// <summary>How values are written down.</summary>
    public required RdbFormat Format { get; init; }

    /// <summary>The name of the RDB file, in the working directory.</summary>
    public required string RdbFileName { get; init; }

    /// <summary>RDB files have a checksum, and it is compared.</summary>
    public required bool HasRdbChecksum { get; init; }

    /// <summary>When and how snapshots are taken in the background.</summary>
    public required SnapshotSettings Snapshots { get; init; }

    /// <summary>For how long loading waits after each key; negative: a microsecond after so many keys.</summary>
    public required int KeyLoadDelayMicroseconds { get; init; }

    /// <summary>How much memory data may take.</summary>
    public required MemoryLimits Memory { get; init; }

    /// <summary>The keyspace events that are told, and by which channels.</summary>
    public required NotifyClasses NotifyClasses { get; init; }

    /// <summary>The append-only file.</summary>
    public required AofSettings Aof { get; init; }

    /// <summary>What is measured of commands.</summary>
    public required LatencySettings Latency { get; init; }

    /// <summary>How often a second background work runs.</summary>
    public required int Hz { get; init; }

    /// <summary>Growth of the access counter.</summary>
    public required int LfuLogFactor { get; init; }

    /// <summary>Decay of the access counter in minutes.</summary>
    public required int LfuDecayMinutes { get; init; }

    /// <summary>Who may use DEBUG.</summary>
    public required ProtectedAction DebugCommand { get; init; }

    /// <summary>Who may set protected directives.</summary>
    public required ProtectedAction ProtectedConfigs { get; init; }

    /// <summary>How many keys client tracking remembers; 0 for no limit.</summary>
    public required long TrackingTableMaxKeys { get; init; }

    /// <summary>Least important lines that are logged.</summary>
    public required LogLevel LogLevel { get; init; }

    /// <summary>Log file, or null for standard output.</summary>
    public required string? LogFile { get; init; }

    /// <summary>Log lines go to the system's log, too.</summary>
    public required bool SyslogEnabled { get; init; }

    /// <summary>The name of the process in the system's log.</summary>
    public required string SyslogIdent { get; init; }

    /// <summary>The facility in the system's log, in the order of the directive's names.</summary>
    public required int SyslogFacility { get; init; }

    /// <summary>A crash writes a report.</summary>
    public required bool CrashLogEnabled { get; init; }

    /// <summary>What happens to the kernel's out-of-memory score.</summary>
    public required OomScoreMode OomScoreMode { get; init; }

    /// <summary>The out-of-memory score of a server that is no replica.</summary>
    public required int OomScore { get; init; }

    /// <summary>Pid file, or null.</summary>
    public required string? PidFile { get; init; }

    /// <summary>Working directory, absolute.</summary>
    public required string WorkingDirectory { get; init; }

    /// <summary>Run in the background.</summary>
    public required bool Daemonize { get; init; }

    /// <summary>Who is told that the server is ready.</summary>
    public required Supervision Supervised { get; init; }

    /// <summary>Print the banner wherever the log goes.</summary>
    public required bool AlwaysShowLogo { get; init; }

    /// <summary>How SIGINT shuts down.</summary>
    public required ShutdownFlags ShutdownOnSigInt { get; init; }

    /// <summary>How SIGTERM shuts down.</summary>
    public required ShutdownFlags ShutdownOnSigTerm { get; init; }

    /// <summary>The settings that <paramref name="values"/> stand for.</summary>
    /// <param name="values">Directive values.</param>
    public static Settings From(ConfigValues values)
    {
        ArgumentNullException.ThrowIfNull(values);
        return new Settings
        {
            Port = Int("port"),
            Bind = values["bind"].Text.Split(' ', StringSplitOptions.RemoveEmptyEntries),
            UnixSocket = PathOf("unixsocket"),
            UnixSocketPermissions = Int("unixsocketperm"),
            TcpBacklog = Int("tcp-backlog"),
            TcpKeepAliveSeconds = Int("tcp-keepalive"),
            TimeoutSeconds = Int("timeout"),
            MaxClients = values["maxclients"].Number,
            ProtectedMode = Is("protected-mode"),
            RequirePass = ConfigText.ToBytes(values["requirepass"].Text),
            Databases = Int("databases"),
            IoThreads = Int("io-threads"),
            Io = (PollerKind)Int("io"),
            MaxBulkLength = values["proto-max-bulk-len"].Number,
            QueryBufferLimit = values["client-query-buffer-limit"].Number,
            OutputLimits = OutputBufferLimits.FromText(values["client-output-buffer-limit"].Text),
            Encodings = EncodingsOf(values),
            Format = new RdbFormat(Int("rdb-version"), Is("rdbcompression")),
            RdbFileName = ConfigText.ToDisplay(values["dbfilename"].Text),
            HasRdbChecksum = Is("rdbchecksum"),
            Snapshots = SnapshotSettings.From(values),
            KeyLoadDelayMicroseconds = Int("key-load-delay"),
            Memory = new MemoryLimits
            {
                Bytes = values["maxmemory"].Number,
                Policy = (EvictionPolicy)Int("maxmemory-policy"),
                Samples = values["maxmemory-samples"].Number,
                Tenacity = Int("maxmemory-eviction-tenacity"),
            },
            NotifyClasses = (NotifyClasses)Int("notify-keyspace-events"),
            Aof = AofSettings.From(values),
            Latency = LatencyFrom(values),
            Hz = Int("hz"),
            LfuLogFactor = Int("lfu-log-factor"),
            LfuDecayMinutes = Int("lfu-decay-time"),
            DebugCommand = (ProtectedAction)Int("enable-debug-command"),
            ProtectedConfigs = (ProtectedAction)Int("enable-protected-configs"),
            TrackingTableMaxKeys = values["tracking-table-max-keys"].Number,
            LogLevel = (LogLevel)Int("loglevel"),
            LogFile = PathOf("logfile"),
            SyslogEnabled = Is("syslog-enabled"),
            SyslogIdent = ConfigText.ToDisplay(values["syslog-ident"].Text),
            SyslogFacility = Int("syslog-facility"),
            CrashLogEnabled = Is("crash-log-enabled"),
            OomScoreMode = (OomScoreMode)Int("oom-score-adj"),
            OomScore = OomScoresType.ScoreOf(values["oom-score-adj-values"].Text),
            PidFile = PathOf("pidfile"),
            WorkingDirectory = ConfigText.ToDisplay(values["dir"].Text),
            Daemonize = Is("daemonize"),
            Supervised = (Supervision)Int("supervised"),
            AlwaysShowLogo = Is("always-show-logo"),
            ShutdownOnSigInt = (ShutdownFlags)Int("shutdown-on-sigint"),
            ShutdownOnSigTerm = (ShutdownFlags)Int("shutdown-on-sigterm"),
        };

        int Int(string name) => (int)values[name].Number;
        bool Is(string name) => values[name].Number != 0;
        string? PathOf(string name) =>
            values[name].Text is { Length: > 0 } text ? ConfigText.ToDisplay(text) : null;
    }

    private static EncodingLimits EncodingsOf(ConfigValues values) => new()
    {
        HashEntries = values["hash-max-listpack-entries"].Number,
        HashValueBytes = values["hash-max-listpack-value"].Number,
        IntSetEntries = values["set-max-intset-entries"].Number,
        SetEntries = values["set-max-listpack-entries"].Number,
        SetValueBytes = values["set-max-listpack-value"].Number,
        SortedSetEntries = values["zset-max-listpack-entries"].Number,
        SortedSetValueBytes = values["zset-max-listpack-value"].Number,
        ListChunk = (int)values["list-max-listpack-size"].Number,
        ListCompressDepth = (int)values["list-compress-depth"].Number,
        StreamNodes = new StreamNodeLimits(
            values["stream-node-max-bytes"].Number, values["stream-node-max-entries"].Number),
        Producers = new ProducerLimits(
            values["stream-idmp-duration"].Number, values["stream-idmp-maxsize"].Number),
        HyperLogLogSparseBytes = values["hll-sparse-max-bytes"].Number,
    };

    private static LatencySettings LatencyFrom(ConfigValues values) => new()
    {
        SlowLogMicroseconds = values["slowlog-log-slower-than"].Number,
        SlowLogLength = values["slowlog-max-len"].Number,
        MonitorMilliseconds = values["latency-monitor-threshold"].Number,
        Tracks = values["latency-tracking"].Number != 0,
        Percentiles = PercentilesType.ValuesOf(values["latency-tracking-info-percentiles"]),
    };
}
