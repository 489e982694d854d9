using System.Diagnostics;
using System.Globalization;
using System.Text;
using Millrace.Net;
using Millrace.Server.Execution;

namespace Millrace.Server.Observability;

/// <summary>The sections of INFO that count and measure.</summary>
/// <remarks>All loops stand still.</remarks>
internal sealed class InfoFigures(ServerParts parts, ServerStatistics statistics)
{
    /// <summary>What has happened since the start or the last CONFIG RESETSTAT.</summary>
    public void Stats(InfoText text)
    {
        var commands = statistics.Commands();
        var traffic = statistics.Traffic;
        text.Section("Stats");
        text.Line("total_connections_received", statistics.ConnectionsReceived);
        text.Line("total_commands_processed", commands.Processed);
        text.Line("instantaneous_ops_per_sec", (long)Math.Round(Rate(static one => one.CommandsPerSecond)));
        Network(text, traffic);
        text.Line("rejected_connections", parts.Admission.Refused);
        text.Line("sync_full", 0);
        text.Line("sync_partial_ok", 0);
        text.Line("sync_partial_err", 0);
        Removals(text);
        text.Line("keyspace_hits", parts.Keyspace.Sum(static line => line.Hits));
        text.Line("keyspace_misses", parts.Keyspace.Sum(static line => line.Misses));
        text.Line("pubsub_channels", statistics.Subscriptions.Channels);
        text.Line("pubsub_patterns", statistics.Subscriptions.Patterns);
        text.Line("pubsubshard_channels", statistics.Subscriptions.ShardChannels);
        text.Line("latest_fork_usec", 0);
        text.Line("total_forks", 0);
        text.Line("migrate_cached_sockets", 0);
        text.Line("slave_expires_tracked_keys", 0);
        text.Line("tracking_total_keys", statistics.Tracking.Keys);
        text.Line("tracking_total_items", statistics.Tracking.Items);
        text.Line("tracking_total_prefixes", statistics.Tracking.Prefixes);
        text.Line("unexpected_error_replies", 0);
        text.Line("total_error_replies", commands.ErrorReplies);
        text.Line("total_reads_processed", traffic.Reads);
        text.Line("total_writes_processed", traffic.Writes);
        var isThreaded = parts.Loops.Loops.Count > 1;
        text.Line("io_threaded_reads_processed", isThreaded ? traffic.Reads : 0);
        text.Line("io_threaded_writes_processed", isThreaded ? traffic.Writes : 0);
        text.Line("client_query_buffer_limit_disconnections", Sum(static one => one.Pipeline.ClosedForInput));
        text.Line("client_output_buffer_limit_disconnections", Sum(static one => one.Pipeline.ClosedForOutput));
        Turns(text, traffic, commands);
        text.Line("acl_access_denied_auth", commands.ErrorsOf("WRONGPASS"u8));
        text.Line("acl_access_denied_cmd", 0);
        text.Line("acl_access_denied_key", 0);
        text.Line("acl_access_denied_channel", 0);
        ActiveExpiry(text);
    }

    /// <summary>Figures for whoever works on the server itself; INFO shows them only when it is asked for them.
    /// </summary>
    public void Debug(InfoText text)
    {
        text.Section("Debug");
        text.Line("eventloop_duration_aof_sum", 0);
        text.Line("eventloop_duration_cron_sum", Microseconds(Sum(static one => one.Turns.PeriodicTicks)));
        text.Line(
            "eventloop_duration_max",
            Microseconds(statistics.Registry.Loops.Max(static one => one.Turns.LongestTicks)));
        text.Line(
            "eventloop_cmd_per_cycle_max", statistics.Registry.Loops.Max(static one => one.Turns.MostCommands));
    }

    /// <summary>What each command has cost.</summary>
    public void CommandStats(InfoText text)
    {
        var sum = statistics.Commands();
        text.Section("Commandstats");
        foreach (var command in parts.Table.Numbered)
        {
            ref var one = ref sum[command];
            if (one.Calls == 0 && one.Rejected == 0 && one.Failed == 0) continue;
            var microseconds = Stopwatch.GetElapsedTime(0, one.Ticks).TotalMicroseconds;
            var perCall = one.Calls == 0 ? 0 : microseconds / one.Calls;
            text.Line(
                "cmdstat_" + command.FullName,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"calls={one.Calls},usec={(long)microseconds},usec_per_call={perCall:F2},"
                    + $"rejected_calls={one.Rejected},failed_calls={one.Failed}"));
        }
    }

    /// <summary>How many error replies of each code there were.</summary>
    public void ErrorStats(InfoText text)
    {
        text.Section("Errorstats");
        var sum = statistics.Commands();
        var errors = sum.Errors
            .Select(static one => (Code: Encoding.Latin1.GetString(one.Code), one.Count))
            .OrderBy(static one => one.Code, StringComparer.Ordinal);
        foreach (var (code, count) in errors)
            text.Line("errorstat_" + Shown(code), string.Create(CultureInfo.InvariantCulture, $"count={count}"));
        if (sum.OtherErrors == 0) return;
        text.Line(
            "errorstat_ERRORSTATS_OVERFLOW", string.Create(CultureInfo.InvariantCulture, $"count={sum.OtherErrors}"));
    }

    /// <summary>The databases that hold keys.</summary>
    public void Keyspace(InfoText text)
    {
        text.Section("Keyspace");
        for (var database = 0; database < parts.Keyspace.Shape.Databases; database++)
        {
            var (keys, expires, deadlines) = (0L, 0L, Int128.Zero);
            for (var i = 0; i < parts.Keyspace.Shape.Partitions; i++)
            {
                var table = parts.Keyspace[i].Table(database);
                if (table is null) continue;
                keys += table.Count;
                expires += table.DeadlineCount;
                deadlines += table.DeadlineSumMs.Value;
            }

            if (keys == 0) continue;
            var average = expires == 0 ? 0 : Math.Max(0, (long)(deadlines / expires) - parts.Loops.Loops[0].UnixMs);
            text.Line(
                string.Create(CultureInfo.InvariantCulture, $"db{database}"),
                string.Create(CultureInfo.InvariantCulture, $"keys={keys},expires={expires},avg_ttl={average}"));
        }
    }

    /// <summary>How long commands take, in percentiles and microseconds.</summary>
    public void LatencyStats(InfoText text)
    {
        text.Section("Latencystats");
        var settings = parts.Configuration.Settings.Latency;
        if (!settings.Tracks) return;
        var sum = statistics.Commands();
        foreach (var command in parts.Table.Numbered)
        {
            if (sum.LatencyOf(command) is not { } times) continue;
            var percentiles = settings.Percentiles.Select(one => string.Create(
                CultureInfo.InvariantCulture, $"p{one:0.######}={times.Percentile(one) / 1000.0:F3}"));
            text.Line("latency_percentiles_usec_" + command.FullName, string.Join(',', percentiles));
        }
    }

    private void Network(InfoText text, in LoopCounters traffic)
    {
        text.Line("total_net_input_bytes", traffic.BytesIn);
        text.Line("total_net_output_bytes", traffic.BytesOut);
        text.Line("total_net_repl_input_bytes", 0);
        text.Line("total_net_repl_output_bytes", 0);
        text.Line("instantaneous_input_kbps", Rate(static one => one.BytesInPerSecond) / 1024, 2);
        text.Line("instantaneous_output_kbps", Rate(static one => one.BytesOutPerSecond) / 1024, 2);
        text.Line("instantaneous_input_repl_kbps", 0, 2);
        text.Line("instantaneous_output_repl_kbps", 0, 2);
    }

    private void Removals(InfoText text)
    {
        text.Line("expired_subkeys", parts.Keyspace.Sum(static line => line.ExpiredMembers));
        text.Line("expired_keys", parts.Keyspace.Sum(static line => line.Expired));
        text.Line("expired_stale_perc", OverdueKeys.Percent(parts.Keyspace, parts.Loops.Loops[0].UnixMs), 2);
        text.Line("expired_time_cap_reached_count", Sum(static one => one.Turns.ExpiryStops));
        text.Line("expire_cycle_cpu_milliseconds", Microseconds(Sum(static one => one.Turns.ExpiryTicks)) / 1000);
        text.Line("evicted_keys", parts.Keyspace.Sum(static line => line.Evicted));
        text.Line("evicted_clients", 0);
        text.Line("total_eviction_exceeded_time", parts.Keyspace.Budget.ExceededMs);
        text.Line("current_eviction_exceeded_time", parts.Keyspace.Budget.ExceededNowMs);
    }

    // The time of turns and of commands is the clock's on the wall. What is told per second is told of one loop, the
    // mean of all: tools take a loop that turns often for a busy one.
    private void Turns(InfoText text, in LoopCounters traffic, CommandStatistics commands)
    {
        var perSecond = Rate(static one => one.TurnsPerSecond);
        var busy = Rate(static one => one.BusyShare) * 1_000_000;
        text.Line("eventloop_cycles", traffic.Turns);
        text.Line("eventloop_duration_sum", Microseconds(Sum(static one => one.Turns.BusyTicks)));
        text.Line("eventloop_duration_cmd_sum", Microseconds(commands.Ticks));
        var mean = perSecond / parts.Loops.Loops.Count;
        text.Line("instantaneous_eventloop_cycles_per_sec", (long)Math.Round(mean));
        text.Line(
            "instantaneous_eventloop_duration_usec", perSecond > 0 ? (long)Math.Ceiling(busy / perSecond) : 0);
    }

    private void ActiveExpiry(InfoText text)
    {
        var lateness = statistics.Lateness();
        text.Line("millrace_expired_keys_active", parts.Keyspace.Sum(static line => line.ExpiredActively));
        text.Line("active_expire_lateness_p50_ms", lateness.Percentile(0.5));
        text.Line("active_expire_lateness_p99_ms", lateness.Percentile(0.99));
        text.Line("active_expire_lateness_max_ms", lateness.Percentile(1));
        text.Line("loop_longest_step_us", statistics.LongestStepUs);
    }

    private long Sum(Func<ServerLoop, long> of) => statistics.Registry.Loops.Sum(of);

    private static long Microseconds(long ticks) => (long)Stopwatch.GetElapsedTime(0, ticks).TotalMicroseconds;

    private double Rate(Func<LoopRates, double> of) => statistics.Registry.Loops.Sum(loop => of(loop.Rates));

    // A code may come from a script: what would break the line becomes an underscore.
    private static string Shown(string code) => string.Create(code.Length, code, static (to, from) =>
    {
        for (var i = 0; i < to.Length; i++) to[i] = from[i] is ':' or '=' or ',' or <= ' ' or > '~' ? '_' : from[i];
    });
}
