using System.Globalization;
using Millrace.Engine;
using Millrace.Net;
using Millrace.Server.Config;

namespace Millrace.Server.Observability;

/// <summary>The sections of INFO that tell what the server is and whom it serves.</summary>
/// <remarks>All loops stand still.</remarks>
internal sealed class InfoSections(ServerParts parts, ServerStatistics statistics)
{
    private static readonly string NoId = new('0', 40);

    private readonly ServerIdentity _identity = new();

    /// <summary>What runs here.</summary>
    public void Server(InfoText text)
    {
        var settings = parts.Configuration.Settings;
        var loop = parts.Loops.Loops[0];
        text.Section("Server");
        text.Line("redis_version", MillraceServer.RedisVersion);
        text.Line("redis_git_sha1", _identity.Revision);
        text.Line("redis_build_id", _identity.BuildId);
        text.Line("redis_mode", "standalone");
        text.Line("millrace_version", _identity.Version);
        text.Line("os", _identity.OperatingSystem);
        text.Line("arch_bits", IntPtr.Size * 8);
        text.Line("monotonic_clock", OperatingSystem.IsWindows() ? "QueryPerformanceCounter" : "POSIX clock_gettime");
        text.Line("multiplexing_api", parts.Loops.PollerName);
        text.Line("process_id", Environment.ProcessId);
        text.Line("process_supervised", SupervisionOf(settings));
        text.Line("run_id", _identity.RunId);
        text.Line("tcp_port", PortOf(settings));
        text.Line("server_time_usec", loop.UnixUs);
        text.Line("uptime_in_seconds", _identity.UptimeSeconds);
        text.Line("uptime_in_days", _identity.UptimeSeconds / (24 * 3600));
        text.Line("hz", settings.Hz);
        text.Line("configured_hz", settings.Hz);
        text.Line("lru_clock", new AccessClock().Initial(loop.UnixMs));
        if (Environment.ProcessPath is { } executable) text.Line("executable", executable);
        text.Line("config_file", parts.Configuration.FilePath ?? "");
        text.Line("io_threads_active", parts.Loops.Loops.Count > 1 ? 1 : 0);
        Listeners(text);
        text.Line("io_poller", parts.Loops.PollerName);
        text.Line("io_threads", parts.Loops.Loops.Count);
        text.Line("partitions", parts.Keyspace.Shape.Partitions);
    }

    /// <summary>Who is connected.</summary>
    public void Clients(InfoText text)
    {
        var clients = statistics.Clients();
        text.Section("Clients");
        text.Line("connected_clients", clients.Count);
        text.Line("cluster_connections", 0);
        text.Line("maxclients", parts.Configuration.Settings.MaxClients);
        text.Line("client_recent_max_input_buffer", clients.LargestInput);
        text.Line("client_recent_max_output_buffer", clients.LargestOutput);
        text.Line("blocked_clients", clients.Blocked);
        text.Line("tracking_clients", statistics.Tracking.Clients);
        text.Line("pubsub_clients", statistics.Subscriptions.Clients);
        text.Line("watching_clients", clients.Watching);
        text.Line("clients_in_timeout_table", clients.WithTimeout);
        text.Line("total_watched_keys", parts.Keyspace.SumOver(static partition => partition.Watched.Count));
        text.Line("total_blocking_keys", parts.Keyspace.SumOver(static partition => partition.Awaited.Count));
        text.Line(
            "total_blocking_keys_on_nokey",
            parts.Keyspace.SumOver(static partition => partition.Awaited.CountMindingLoss()));
    }

    /// <summary>What is on disk: the RDB file and the append-only file. No snapshot is saved in the background.
    /// </summary>
    public void Persistence(InfoText text)
    {
        var status = parts.Snapshots.Status;
        text.Section("Persistence");
        text.Line("loading", parts.Loading.IsLoading ? 1 : 0);
        text.Line("async_loading", 0);
        var runner = parts.SnapshotRunner;
        var (keys, written) = runner.Progress;
        text.Line("current_cow_peak", runner.IsBusy ? runner.PeakBytes : 0);
        text.Line("current_cow_size", runner.HeldBytes);
        text.Line("current_cow_size_age", 0);
        text.Line("current_fork_perc", keys == 0 ? 0 : 100.0 * written / keys, 2);
        text.Line("current_save_keys_processed", written);
        text.Line("current_save_keys_total", keys);
        text.Line("rdb_changes_since_last_save", parts.Snapshots.ChangesSinceSave);
        var saves = parts.BackgroundSaves;
        text.Line("rdb_bgsave_in_progress", saves.IsRunning ? 1 : 0);
        text.Line("rdb_last_save_time", status.LastSaveUnixSeconds);
        text.Line("rdb_last_bgsave_status", saves.LastIsGood ? "ok" : "err");
        text.Line("rdb_last_bgsave_time_sec", saves.LastSeconds);
        text.Line("rdb_current_bgsave_time_sec", saves.CurrentSeconds);
        text.Line("rdb_saves", status.Saves);
        text.Line("rdb_last_cow_size", runner.IsBusy ? 0 : runner.PeakBytes);
        text.Line("rdb_last_load_keys_expired", parts.Snapshots.ExpiredKeys);
        text.Line("rdb_last_load_keys_loaded", parts.Snapshots.LoadedKeys);
        InfoAppendOnly.Write(text, parts.AppendOnly);
        if (parts.Loading.IsLoading) Loading(text);
    }

    private void Loading(InfoText text)
    {
        var loading = parts.Loading;
        text.Line("loading_start_time", loading.BeganUnixSeconds);
        text.Line("loading_total_bytes", loading.TotalBytes);
        text.Line("loading_rdb_used_mem", loading.SavedUsedBytes);
        text.Line("loading_loaded_bytes", loading.LoadedBytes);
        text.Line("loading_loaded_perc", loading.LoadedPercent, 2);
        text.Line("loading_eta_seconds", loading.SecondsLeft);
    }

    /// <summary>Who follows whom.</summary>
    public void Replication(InfoText text)
    {
        text.Section("Replication");
        text.Line("role", "master");
        text.Line("connected_slaves", 0);
        text.Line("master_failover_state", "no-failover");
        text.Line("master_replid", _identity.ReplicationId);
        text.Line("master_replid2", NoId);
        text.Line("master_repl_offset", parts.Log.Position);
        text.Line("second_repl_offset", -1);
        text.Line("repl_backlog_active", 0);
        text.Line("repl_backlog_size", parts.Configuration.Values["repl-backlog-size"].Text);
        text.Line("repl_backlog_first_byte_offset", 0);
        text.Line("repl_backlog_histlen", 0);
    }

    /// <summary>Processor time. There are never child processes.</summary>
    public void Cpu(InfoText text)
    {
        var (system, user) = ProcessUsage.CpuSeconds();
        text.Section("CPU");
        text.Line("used_cpu_sys", system, 6);
        text.Line("used_cpu_user", user, 6);
        text.Line("used_cpu_sys_children", 0, 6);
        text.Line("used_cpu_user_children", 0, 6);
    }

    /// <summary>Modules: there are none.</summary>
    public void Modules(InfoText text) => text.Section("Modules");

    /// <summary>Whether the server is a node of a cluster.</summary>
    public void Cluster(InfoText text)
    {
        text.Section("Cluster");
        text.Line("cluster_enabled", 0);
    }

    private static string SupervisionOf(Settings settings) => settings.Supervised switch
    {
        Supervision.Systemd => "systemd",
        Supervision.Upstart => "upstart",
        Supervision.Auto when Environment.GetEnvironmentVariable("NOTIFY_SOCKET") is not null => "systemd",
        Supervision.Auto when Environment.GetEnvironmentVariable("UPSTART_JOB") is not null => "upstart",
        _ => "no",
    };

    // The system's choice counts where the setting left it to the system.
    private long PortOf(Settings settings) =>
        settings.Port != 0
            ? settings.Port
            : parts.Loops.Listeners.FirstOrDefault(static one => one.Port != 0)?.Port ?? 0;

    private void Listeners(InfoText text)
    {
        var number = 0;
        foreach (var group in parts.Loops.Listeners.GroupBy(static one => (one.Endpoint.IsUnix, one.Port)))
        {
            var binds = string.Join(",", group.Select(static one => "bind=" + AddressOf(one)));
            var rest = group.Key.IsUnix ? "" : string.Create(CultureInfo.InvariantCulture, $",port={group.Key.Port}");
            text.Line($"listener{number++}", $"name={(group.Key.IsUnix ? "unix" : "tcp")},{binds}{rest}");
        }
    }

    private static string AddressOf(Listener listener)
    {
        var text = listener.Endpoint.ToString();
        return listener.Endpoint.IsUnix ? text : text[..text.LastIndexOf(':')];
    }
}
