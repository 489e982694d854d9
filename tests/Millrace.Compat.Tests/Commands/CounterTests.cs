using System.Globalization;
using Millrace.Compat.Tests.Servers;
using Millrace.Compat.Tests.Wire;
using Xunit.Abstractions;

namespace Millrace.Compat.Tests.Commands;

/// <summary>INFO: its fields are Redis's, and its counters count what Redis counts after the same requests.</summary>
public sealed class CounterTests(ITestOutputHelper output)
{
    // Fields that are ours or that came after 7.0.15 (redis.io/commands/info).
    private static readonly string[] s_laterFields =
    [
        "server_name", "total_active_defrag_time", "evicted_scripts", "number_of_cached_scripts", "async_loading",
        "pubsub_clients", "watching_clients", "clients_in_timeout_table", "total_watched_keys", "total_blocking_keys",
        "total_blocking_keys_on_nokey", "instantaneous_eviction_exceeded_time", "allocator_muzzy", "listener0",
        "listener1",
        "listener2", "expired_keys_with_volatile_items_stale_perc", "valkey_version",
    ];

    private static readonly string[] s_neededFields =
    [
        "redis_version", "redis_mode", "os", "arch_bits", "process_id", "run_id", "tcp_port", "uptime_in_seconds", "hz",
        "connected_clients", "maxclients", "blocked_clients", "used_memory", "used_memory_human", "used_memory_peak",
        "maxmemory", "maxmemory_policy", "loading", "rdb_changes_since_last_save", "total_connections_received",
        "total_commands_processed", "total_net_input_bytes", "total_net_output_bytes", "rejected_connections",
        "expired_keys",
        "evicted_keys", "keyspace_hits", "keyspace_misses", "total_error_replies", "role", "connected_slaves",
        "master_repl_offset", "used_cpu_sys", "used_cpu_user", "cluster_enabled",
    ];

    // Compared after each request.
    private static readonly string[] s_comparedCounters =
    [
        "total_commands_processed", "expired_keys", "evicted_keys", "keyspace_hits", "keyspace_misses",
        "total_error_replies",
        "rejected_connections", "rdb_changes_since_last_save", "connected_clients", "total_connections_received",
        "db0", "db1",
    ];

    private static readonly string[] s_ownFields =
        ["active_expire_lateness_max_ms", "active_expire_lateness_p50_ms", "active_expire_lateness_p99_ms",
            "expired_subkeys", "loop_longest_step_us", "io_poller", "io_threads", "partitions"];

    private static readonly string[][] s_script =
    [
        ["PING"], ["SET", "a", "1"], ["GET", "a"], ["GET", "missing"], ["INCR", "a"], ["MGET", "a", "missing", "a"],
        ["EXISTS", "a", "missing"], ["SET", "b", "1", "XX"], ["SET", "b", "1", "NX"], ["SET", "b", "2", "NX"],
        ["GETDEL", "b"],
        ["APPEND", "c", "x"], ["STRLEN", "c"], ["SETRANGE", "c", "3", "y"], ["GETRANGE", "c", "0", "-1"],
        ["EXPIRE", "c", "10000"],
        ["EXPIRE", "missing", "10"], ["PERSIST", "c"], ["TTL", "c"], ["TYPE", "c"], ["OBJECT", "ENCODING", "c"],
        ["TOUCH", "c", "a"],
        ["RENAME", "c", "d"], ["RENAME", "missing", "d"], ["COPY", "d", "e"], ["MOVE", "e", "1"],
        ["DEL", "d", "missing"],
        ["MSET", "f", "1", "g", "2"], ["MSETNX", "f", "1", "h", "2"], ["GETEX", "f", "EX", "100"], ["GETSET", "f", "2"],
        ["LCS", "f", "g"], ["NOTHING"], ["GET"], ["SET", "a", "1", "EX", "0"], ["INCRBY", "a", "x"],
        ["EXPIREAT", "g", "1"],
        ["PSETEX", "short", "1", "x"], ["SELECT", "1"], ["SET", "z", "1"], ["SELECT", "0"], ["KEYS", "*"],
        ["SCAN", "0", "COUNT", "1000"],
        ["DBSIZE"], ["RANDOMKEY"], ["CLIENT", "SETNAME", "x"], ["CLIENT", "NOTHING"], ["CONFIG", "GET", "timeout"],
        ["AUTH", "x"],
        ["MEMORY", "USAGE", "a"], ["UNLINK", "f"], ["DECR", "n"], ["INCRBYFLOAT", "n", "1.5"], ["FLUSHDB"],
        ["SET", "last", "1", "EX", "5000"],
    ];

    [Fact]
    public void Every_request_counts_what_it_counts_in_redis()
    {
        using var pair = new ServerPair();
        using RawConnection redis = pair.Redis.Connect();
        using RawConnection millrace = pair.Millrace.Connect();
        // The readiness checks' connections have to be gone.
        Thread.Sleep(100);
        redis.Call("CONFIG", "RESETSTAT");
        millrace.Call("CONFIG", "RESETSTAT");
        var differences = new List<string>();
        Dictionary<string, string> left = Fields(redis.Ask("INFO", "everything"));
        Dictionary<string, string> right = Fields(millrace.Ask("INFO", "everything"));
        foreach (string[] request in s_script)
        {
            Dictionary<string, string> leftNow = After(redis, request);
            Dictionary<string, string> rightNow = After(millrace, request);
            foreach (string field in s_comparedCounters)
            {
                string expected = Grown(field, left, leftNow);
                string actual = Grown(field, right, rightNow);
                if (!string.Equals(expected, actual, StringComparison.Ordinal))
                    differences.Add($"{string.Join(' ', request)}: {field} grows by {actual}, not {expected}");
            }
            left = leftNow;
            right = rightNow;
        }
        foreach ((string field, string value) in left
            .Where(pair => IsPerCommand(pair.Key) && !pair.Key.StartsWith("latency", StringComparison.Ordinal)))
            Same(field, Untimed(value), right, differences);
        Differences.AssertNone(differences);
    }

    [Fact]
    public void Fields_of_info_are_those_of_redis()
    {
        using var pair = new ServerPair();
        using RawConnection redis = pair.Redis.Connect();
        using RawConnection millrace = pair.Millrace.Connect();
        string[] known = [.. Fields(redis.Ask("INFO", "everything")).Keys];
        Dictionary<string, string> ours = Fields(millrace.Ask("INFO", "everything"));
        IEnumerable<string> unknown = ours.Keys
            .Where(field => !field.StartsWith("millrace_", StringComparison.Ordinal) && !IsPerCommand(field))
            .Except(known, StringComparer.Ordinal).Except(s_laterFields, StringComparer.Ordinal)
                .Except(s_ownFields, StringComparer.Ordinal);
        IEnumerable<string> absent =
            known.Except(ours.Keys, StringComparer.Ordinal).Where(field => !IsPerCommand(field));
        output.WriteLine(
            $"absent: {string.Join(' ', absent)}");
        Differences.AssertNone(unknown);
        Differences.AssertNone(s_neededFields.Except(ours.Keys, StringComparer.Ordinal));
        Assert.Equal("7.2.4", ours["redis_version"]);
    }

    [Fact]
    public void Sections_of_info_come_as_redis_gives_them()
    {
        using var pair = new ServerPair();
        using RawConnection redis = pair.Redis.Connect();
        using RawConnection millrace = pair.Millrace.Connect();
        var differences = new List<string>();
        string[][] requests =
        [
            [], ["default"], ["all"], ["everything"], ["server"], ["SERVER"], ["clients"], ["memory"],
            ["persistence"], ["stats"],
            ["replication"], ["cpu"], ["commandstats"], ["latencystats"], ["errorstats"], ["cluster"], ["keyspace"],
            ["modules"],
            ["nothing"], ["server", "clients"], ["keyspace", "server"], ["server", "server", "nothing"],
        ];
        foreach (string[] sections in requests)
        {
            string left = Sections(redis.Ask(["INFO", .. sections]));
            string right = Sections(millrace.Ask(["INFO", .. sections]));
            if (!string.Equals(left, right, StringComparison.Ordinal))
                differences.Add($"INFO {string.Join(' ', sections)}: {right}, not {left}");
        }
        Differences.AssertNone(differences);
    }

    private static Dictionary<string, string> After(RawConnection connection, string[] request)
    {
        connection.Call(request);
        if (request[0] is "PSETEX")
        {
            Thread.Sleep(10);
            connection.Call("GET", "short");
        }
        return Fields(connection.Ask("INFO", "everything"));
    }

    private static string Grown(string field, Dictionary<string, string> before, Dictionary<string, string> after)
    {
        string now = after.GetValueOrDefault(field) ?? "(absent)";
        return long.TryParse(now, CultureInfo.InvariantCulture, out long number)
            && long.TryParse(before.GetValueOrDefault(field), CultureInfo.InvariantCulture, out long start)
            ? (number - start).ToString(CultureInfo.InvariantCulture)
            : Untimed(now);
    }

    private static void Same(string field, string expected, Dictionary<string, string> fields, List<string> differences)
    {
        string actual = Untimed(fields.GetValueOrDefault(field) ?? "(absent)");
        if (!string.Equals(expected, actual, StringComparison.Ordinal))
            differences.Add($"{field}: {actual}, not {expected}");
    }

    // Times differ by nature: calls, rejected and failed calls, keys and expires stay.
    private static string Untimed(string value) => string.Join(',', value.Split(',')
        .Where(part => !part.StartsWith("usec", StringComparison.Ordinal)
            && !part.StartsWith("avg_ttl", StringComparison.Ordinal)));

    private static bool IsPerCommand(string field) =>
        field.StartsWith("cmdstat_", StringComparison.Ordinal)
            || field.StartsWith("errorstat_", StringComparison.Ordinal)
        || field.StartsWith("latency_percentiles_", StringComparison.Ordinal);

    private static Dictionary<string, string> Fields(string info) => info.Split("\r\n")
        .Where(line => line.Contains(':', StringComparison.Ordinal))
        .Select(line => line.Split(':', 2))
        .GroupBy(pair => pair[0], StringComparer.Ordinal)
        .ToDictionary(group => group.Key, group => group.First()[1], StringComparer.Ordinal);

    private static string Sections(string info) =>
        string.Join(' ', info.Split("\r\n").Where(line => line.StartsWith('#')));
}
