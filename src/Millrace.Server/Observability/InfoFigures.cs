using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Millrace.Server.Observability;

/// <summary>The sections of INFO that count and measure.</summary>
/// <remarks>
/// All loops stand still. Memory: <c>used_memory</c> is exact, the native memory that holds data; the buffers of
/// connections and the managed heap have lines of their own, and <c>used_memory_rss</c> is what the system says of the
/// whole process.
/// </remarks>
internal sealed class InfoFigures(ServerParts parts, ServerStatistics statistics)
{
    private readonly long _usedAtStart = parts.Keyspace.UsedBytes;
    private readonly long _machineBytes = ProcessUsage.MachineBytes();
    private readonly ProcessUsage _usage = new();

    /// <summary>Memory.</summary>
    public void Memory(InfoText text)
    {
        var used = parts.Keyspace.UsedBytes;
        var resident = _usage.ResidentBytes();
        var overhead = TableBytes();
        parts.MemoryPeak.Observe(used);
        text.Section("Memory");
        text.Bytes("used_memory", used);
        text.Bytes("used_memory_rss", resident);
        text.Bytes("used_memory_peak", parts.MemoryPeak.Bytes);
        text.Line("used_memory_peak_perc", Percent(used, parts.MemoryPeak.Bytes));
        text.Line("used_memory_overhead", overhead);
        text.Line("used_memory_startup", _usedAtStart);
        text.Line("used_memory_dataset", used - overhead);
        text.Line("used_memory_dataset_perc", Percent(used - overhead, used - _usedAtStart));
        if (_machineBytes > 0) text.Bytes("total_system_memory", _machineBytes);
        text.Bytes("maxmemory", parts.Keyspace.Budget.Limits.Bytes);
        text.Line("maxmemory_policy", parts.Configuration.Values["maxmemory-policy"].Text);
        text.Line("mem_fragmentation_ratio", used == 0 ? 0 : resident / (double)used, 2);
        text.Line("mem_fragmentation_bytes", resident - used);
        text.Line("mem_not_counted_for_evict", 0);
        text.Line("mem_clients_normal", parts.Loops.Counters.BufferBytes);
        text.Line("mem_allocator", "millrace");
        text.Line("lazyfree_pending_objects", Discarded());
        text.Line("lazyfreed_objects", parts.Keyspace.SumOver(static partition => partition.Discards.Freed));
        text.Line("millrace_managed_heap_bytes", GC.GetTotalMemory(forceFullCollection: false));
        text.Line("millrace_managed_heap_collections", GC.CollectionCount(0));
    }

    /// <summary>What has happened since the start or the last CONFIG RESETSTAT.</summary>
    public void Stats(InfoText text)
    {
        var commands = statistics.Commands();
        var traffic = statistics.Traffic;
        text.Section("Stats");
        text.Line("total_connections_received", statistics.ConnectionsReceived);
        text.Line("total_commands_processed", commands.Processed);
        text.Line("instantaneous_ops_per_sec", (long)Math.Round(Rate(static one => one.CommandsPerSecond)));
        text.Line("total_net_input_bytes", traffic.BytesIn);
        text.Line("total_net_output_bytes", traffic.BytesOut);
        text.Line("instantaneous_input_kbps", Rate(static one => one.BytesInPerSecond) / 1024, 2);
        text.Line("instantaneous_output_kbps", Rate(static one => one.BytesOutPerSecond) / 1024, 2);
        text.Line("rejected_connections", parts.Admission.Refused);
        text.Line("expired_keys", parts.Keyspace.Sum(static line => line.Expired));
        text.Line("expired_subkeys", parts.Keyspace.Sum(static line => line.ExpiredMembers));
        text.Line("evicted_keys", parts.Keyspace.Sum(static line => line.Evicted));
        text.Line("evicted_clients", 0);
        text.Line("total_eviction_exceeded_time", parts.Keyspace.Budget.ExceededMs);
        text.Line("current_eviction_exceeded_time", parts.Keyspace.Budget.ExceededNowMs);
        text.Line("keyspace_hits", parts.Keyspace.Sum(static line => line.Hits));
        text.Line("keyspace_misses", parts.Keyspace.Sum(static line => line.Misses));
        text.Line("latest_fork_usec", 0);
        text.Line("total_forks", 0);
        text.Line("migrate_cached_sockets", 0);
        text.Line("unexpected_error_replies", 0);
        text.Line("total_error_replies", commands.ErrorReplies);
        text.Line("total_reads_processed", traffic.Reads);
        text.Line("total_writes_processed", traffic.Writes);
        ActiveExpiry(text);
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
        var errors = statistics.Commands().Errors
            .Select(static one => (Code: Encoding.Latin1.GetString(one.Code), one.Count))
            .OrderBy(static one => one.Code, StringComparer.Ordinal);
        foreach (var (code, count) in errors)
            text.Line("errorstat_" + Shown(code), string.Create(CultureInfo.InvariantCulture, $"count={count}"));
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

    private void ActiveExpiry(InfoText text)
    {
        var lateness = statistics.Lateness();
        text.Line("millrace_expired_keys_active", parts.Keyspace.Sum(static line => line.ExpiredActively));
        text.Line("active_expire_lateness_p50_ms", lateness.Percentile(0.5));
        text.Line("active_expire_lateness_p99_ms", lateness.Percentile(0.99));
        text.Line("active_expire_lateness_max_ms", lateness.Percentile(1));
        text.Line("loop_longest_step_us", statistics.LongestStepUs);
    }

    private double Rate(Func<LoopRates, double> of) => statistics.Registry.Loops.Sum(loop => of(loop.Rates));

    // Tables and indexes without what they hold.
    private long TableBytes()
    {
        var sum = 0L;
        for (var i = 0; i < parts.Keyspace.Shape.Partitions; i++)
        {
            for (var database = 0; database < parts.Keyspace.Shape.Databases; database++)
            {
                var table = parts.Keyspace[i].Table(database);
                if (table is null) continue;
                sum += table.Entries.TableBytes + table.Deadlines.AllocatedBytes + table.MemberDeadlines.AllocatedBytes;
            }
        }

        return sum;
    }

    private long Discarded()
    {
        var sum = 0L;
        for (var i = 0; i < parts.Keyspace.Shape.Partitions; i++) sum += parts.Keyspace[i].Discards.Count;
        return sum;
    }

    private static string Percent(long part, long whole) =>
        (whole <= 0 ? 0 : 100.0 * part / whole).ToString("F2", CultureInfo.InvariantCulture) + "%";

    // A code may come from a script: what would break the line becomes an underscore.
    private static string Shown(string code) => string.Create(code.Length, code, static (to, from) =>
    {
        for (var i = 0; i < to.Length; i++) to[i] = from[i] is ':' or '=' or ',' or <= ' ' or > '~' ? '_' : from[i];
    });
}
