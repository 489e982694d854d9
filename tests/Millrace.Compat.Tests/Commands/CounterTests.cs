using System.Globalization;
using Millrace.Compat.Tests.Servers;
using Millrace.Compat.Tests.Wire;

namespace Millrace.Compat.Tests.Commands;

/// <summary>INFO: its fields are Redis's, and its counters count what Redis counts after the same requests.</summary>
public sealed class CounterTests
{
    // Fields that came after 7.0.15 (redis.io/commands/info).
    private static readonly string[] s_laterFields =
    [
        "pubsub_clients", "watching_clients", "total_watched_keys", "total_blocking_keys",
        "total_blocking_keys_on_nokey", "mem_overhead_db_hashtable_rehashing", "expired_subkeys",
        "client_query_buffer_limit_disconnections", "client_output_buffer_limit_disconnections", "eventloop_cycles",
        "eventloop_duration_sum", "eventloop_duration_cmd_sum", "instantaneous_eventloop_cycles_per_sec",
        "instantaneous_eventloop_duration_usec", "acl_access_denied_auth", "acl_access_denied_cmd",
        "acl_access_denied_key", "acl_access_denied_channel", "listener0", "monotonic_clock",
    ];

    // Fields of 7.0.15 that have no meaning here, with the reason; docs/compatibility.md has them, too.
    private static readonly Dictionary<string, string> s_absentFields = new(StringComparer.Ordinal)
    {
        ["redis_git_dirty"] = "a build does not know it",
        ["atomicvar_api"] = "names how C compiles atomics",
        ["gcc_version"] = "names a C compiler",
        ["used_cpu_sys_main_thread"] = "no loop is the main one",
        ["used_cpu_user_main_thread"] = "no loop is the main one",
        ["active_defrag_running"] = "defragmentation of jemalloc",
        ["active_defrag_hits"] = "defragmentation of jemalloc",
        ["active_defrag_misses"] = "defragmentation of jemalloc",
        ["active_defrag_key_hits"] = "defragmentation of jemalloc",
        ["active_defrag_key_misses"] = "defragmentation of jemalloc",
        ["total_active_defrag_time"] = "defragmentation of jemalloc",
        ["current_active_defrag_time"] = "defragmentation of jemalloc",
        ["dump_payload_sanitizations"] = "every payload is checked, always",
        ["reply_buffer_shrinks"] = "the private reply buffer of C's clients",
        ["reply_buffer_expands"] = "the private reply buffer of C's clients",
    };

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
            "loop_longest_step_us", "io_poller", "io_threads", "partitions"];

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
        string[] known =
            [.. Fields(redis.Ask("INFO", "everything")).Keys.Where(static field => !IsPerCommand(field))];
        Dictionary<string, string> ours = Fields(millrace.Ask("INFO", "everything"));
        IEnumerable<string> unknown = ours.Keys
            .Where(field => !field.StartsWith("millrace_", StringComparison.Ordinal) && !IsPerCommand(field))
            .Except(known, StringComparer.Ordinal).Except(s_laterFields, StringComparer.Ordinal)
                .Except(s_ownFields, StringComparer.Ordinal);
        Differences.AssertNone(unknown);
        Assert.Equal(
            s_absentFields.Keys.Order(StringComparer.Ordinal),
            known.Except(ours.Keys, StringComparer.Ordinal).Order(StringComparer.Ordinal));
        Assert.Equal("7.2.4", ours["redis_version"]);
    }

    [Fact]
    public void Fields_of_memory_stats_are_those_of_redis_and_later_ones()
    {
        using var pair = new ServerPair();
        using RawConnection redis = pair.Redis.Connect();
        using RawConnection millrace = pair.Millrace.Connect();
        foreach (RawConnection connection in (RawConnection[])[redis, millrace])
        {
            connection.Call("SET", "a", "1");
            connection.Call("SELECT", "3");
            connection.Call("SET", "a", "1", "EX", "1000");
        }

        string[] later =
            ["overhead.db.hashtable.lut", "overhead.db.hashtable.rehashing", "db.dict.rehashing.count"];
        foreach (string protocol in (string[])["2", "3"])
        {
            redis.Call("HELLO", protocol);
            millrace.Call("HELLO", protocol);
            ReplyValue left = ReplyValue.Parse(redis.Call("MEMORY", "STATS"));
            ReplyValue right = ReplyValue.Parse(millrace.Call("MEMORY", "STATS"));
            Assert.Equal(Shapes(left).Order(StringComparer.Ordinal),
                Shapes(right).Where(one => !later.Contains(one.Split('=')[0])).Order(StringComparer.Ordinal));
        }
    }

    private static IEnumerable<string> Shapes(ReplyValue map)
    {
        for (int i = 0; i + 1 < map.Items.Count; i += 2) yield return $"{map.Items[i].Text}={map.Items[i + 1].Shape()}";
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
            // redis.io/commands/info: keysizes came with 8.0, behind all others.
            if (sections is ["all" or "everything"]) left += " # Keysizes";
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
