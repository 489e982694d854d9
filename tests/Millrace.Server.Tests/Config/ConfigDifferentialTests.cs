// The same questions to a real redis-server and to us. What may differ is listed here with its reason.

using Millrace.Server.Config;

namespace Millrace.Server.Tests.Config;

public sealed class ConfigDifferentialTests
{
    /// <summary>Names whose value differs: given to the real server, of the machine, of the version, or
    /// honest.</summary>
    private static readonly HashSet<string> Different =
        ["port", "unixsocket", "dir", "io-threads", "maxclients", "aof-disable-auto-gc", "save"];

    [Fact]
    public void Every_directive_of_Redis_is_known_and_has_its_default()
    {
        using RedisServer redis = RedisServer.Start();
        Configuration configuration = TestTable.Configuration();
        string[] answer = redis.Call("CONFIG", "GET", "*").Split('\n');
        Assert.True(answer.Length > 300);
        for (int i = 0; i < answer.Length; i += 2)
        {
            IReadOnlyList<KeyValuePair<string, string>> ours = configuration.Get([answer[i]]);
            Assert.True(ours.Count == 1, $"{answer[i]} is not known");
            if (Different.Contains(answer[i])) continue;
            Assert.Equal($"{answer[i]}={answer[i + 1]}", $"{ours[0].Key}={ours[0].Value}");
        }
    }

    [Fact]
    public void CONFIG_SET_answers_like_Redis()
    {
        using RedisServer redis = RedisServer.Start();
        Configuration configuration = TestTable.Configuration();
        string[] lines =
        [
            "hz|20", "hz|0", "hz|100000", "hz|-1", "hz|x", "hz|", "hz| 7", "hz|07", "hz|7 ", "HZ|9",
            "timeout|2147483648", "timeout|-0", "timeout|+1", "tcp-keepalive|0", "tcp-keepalive|9223372036854775808",
            "proto-max-bulk-len|", "proto-max-bulk-len|2mb", "proto-max-bulk-len|1m", "proto-max-bulk-len|5 mb",
            "client-query-buffer-limit|2GB", "client-query-buffer-limit|invalid", "hash-max-listpack-value|kb",
            "hash-max-ziplist-value|10k", "hash-max-listpack-entries|-1", "zset-max-ziplist-entries|3",
            "list-max-ziplist-size|-2147483649", "slave-priority|5", "slave-priority|x",
            "maxmemory-clients|x", "maxmemory-clients|101%", "maxmemory-clients|-1%", "maxmemory-clients|0%",
            "loglevel|Verbose", "loglevel|loud", "appendfsync|maybe", "sanitize-dump-payload|clients",
            "protected-mode|NO", "protected-mode|1", "notify-keyspace-events|KEA", "notify-keyspace-events|Q",
            "notify-keyspace-events|", "notify-keyspace-events|$xEmdn", "notify-keyspace-events|KEAn",
            "notify-keyspace-events|nK",
            "notify-keyspace-events|g$lshzxetdE",
            "latency-tracking-info-percentiles|50 99.95 100.0", "latency-tracking-info-percentiles|101",
            "latency-tracking-info-percentiles|a", "latency-tracking-info-percentiles|",
            "client-output-buffer-limit|normal 1mb 2 3", "client-output-buffer-limit|normal 1 2",
            "client-output-buffer-limit|master 1 2 3", "client-output-buffer-limit|slave 1k 2 3 replica 4 5 6",
            "client-output-buffer-limit|pubsub 1x 2 3", "client-output-buffer-limit|pubsub 1 2 3x",
            "oom-score-adj-values|1 2 3", "oom-score-adj|no", "oom-score-adj-values|1 2",
            "oom-score-adj-values|1 2 3000",
            "shutdown-on-sigint|now force", "shutdown-on-sigint|nosave now", "shutdown-on-sigint|save",
            "shutdown-on-sigint|x",
            "shutdown-on-sigint|save nosave", "shutdown-on-sigint|default", "shutdown-on-sigint|FORCE",
            "proc-title-template|{title}", "proc-title-template|{nope}", "proc-title-template|{",
            "proc-title-template|",
            "proc-title-template|x{{y", "proc-title-template| ", "dbfilename|x", "databases|4", "Daemonize|yes",
            "nope|1", "replicaof|no one", "slaveof|a 1", "save|a b", "save|1", "save|0 1", "lua-time-limit|7",
            "slowlog-log-slower-than|-1", "slowlog-log-slower-than|-2", "cluster-announce-port|65536",
            "requirepass|", "hz|1|HZ|2", "hz|1|nope|2", "hz|1|timeout|x", "hz|33|timeout|44", "hz|1|databases|2",
        ];
        string[] read = ["hz", "timeout", "proto-max-bulk-len", "client-query-buffer-limit", "hash-max-listpack-value",
            "zset-max-listpack-entries", "replica-priority", "loglevel", "protected-mode", "notify-keyspace-events",
            "latency-tracking-info-percentiles", "client-output-buffer-limit", "oom-score-adj-values",
            "shutdown-on-sigint", "proc-title-template", "maxmemory-clients", "lua-time-limit"];
        foreach (string line in lines)
        {
            string[] words = line.Split('|');
            string theirs = redis.Call(["CONFIG", "SET", .. words]);
            string ours = configuration.Set(words) ?? "+OK";

            // The level "nothing" came with 7.2.
            Assert.Equal($"{line}: {theirs}", $"{line}: {ours.Replace("warning, nothing", "warning")}");
            foreach (string name in read)
            {
                string value = redis.Call("CONFIG", "GET", name);
                Assert.Equal(value, $"{name}\n{configuration.Get([name])[0].Value}");
            }
        }
    }

    [Fact]
    public void Quoted_values_of_a_file_arrive_like_in_Redis()
    {
        string[] names = ["masterauth", "masteruser", "replica-announce-ip", "cluster-announce-ip",
            "aof_rewrite_cpulist", "syslog-ident", "ignore-warnings", "bgsave_cpulist", "bio_cpulist"];
        string[] quoted = ["\"a b\"", "'a b'", "\"\\x41\\n\\t\\q\\\\\"", "'it\\'s'", "a\\x41", "a\"b c\"",
            "\"\\x4\"", "''", "#x"];
        string text = string.Concat(names.Select((name, i) => $" {name}\t {quoted[i]} \r\n"));
        using RedisServer redis = RedisServer.Start(text);
        for (int i = 0; i < names.Length; i++)
        {
            string value = redis.Call("CONFIG", "GET", names[i]);
            Assert.Equal(value, $"{names[i]}\n{TestTable.ValueOf("requirepass", $" requirepass\t {quoted[i]} \r\n")}");
        }
    }

    [Theory]
    [InlineData("", "")]
    [InlineData("", "timeout|7|hz|20|maxmemory|3gb|repl-backlog-size|20001|masterauth||notify-keyspace-events|KEA")]
    [InlineData("# a\n\n\n# b\n  hz 5 \r\ntimeout 1\ntimeout 2\nlogfile ''\n#c", "hz|10|timeout|0")]
    [InlineData("TIMEOUT 3\nslave-priority 4\nhash-max-ziplist-value 1k\nproto-max-bulk-len 1024kb\n", "")]
    [InlineData("pidfile 'a b'\nignore-warnings ''\nsyslog-ident \"x\\ty\"\n", "ignore-warnings|C")]
    [InlineData("client-output-buffer-limit pubsub 1mb 0 0\nhz 9\nclient-output-buffer-limit slave 0 0 0\n",
        "client-output-buffer-limit|normal 1 2 3")]
    [InlineData("bind 127.0.0.1\nshutdown-on-sigint force nosave\nrequirepass ''\n", "shutdown-on-sigterm|now")]
    [InlineData("bind * -::*\nreplicaof no one\nlatency-tracking-info-percentiles 1\n",
        "latency-tracking-info-percentiles|")]
    [InlineData("list-max-ziplist-entries 4\nlua-time-limit 77\n", "proc-title-template|{title} \"q\" \\x")]
    [InlineData("# Generated by CONFIG REWRITE\nhz 7\n", "tcp-keepalive|9|oom-score-adj-values|1 2 3")]
    public void CONFIG_REWRITE_writes_the_lines_of_Redis(string config, string set)
    {
        using RedisServer redis = RedisServer.Start(config);
        string old = redis.FileText;
        Configuration configuration = TestTable.Configuration(old);
        if (set.Length > 0)
        {
            Assert.Equal("+OK", redis.Call(["CONFIG", "SET", .. set.Split('|')]));
            Assert.Null(configuration.Set(set.Split('|')));
        }

        Assert.Equal("+OK", redis.Call("CONFIG", "REWRITE"));
        Assert.Null(ConfigRewrite.Of(
            ConfigText.ToBytes(old), configuration.Values, everything: false, new MemoryFiles(), out byte[] text));
        (string[] place, string[] appended) = Lines(redis.FileText);
        (string[] ourPlace, string[] ourAppended) = Lines(ConfigText.FromBytes(text));
        Assert.Equal(place, ourPlace);
        Assert.Equal(appended.Order(StringComparer.Ordinal), ourAppended.Order(StringComparer.Ordinal));
    }

    // The lines above the signature without blank ones at their end, and those below without blank ones. Redis appends
    // in no order, and blank lines grow there with each rewrite. Left out: the directory, what the machine sets, and
    // users, which are not available yet.
    private static (string[] Place, string[] Appended) Lines(string text)
    {
        string[] skipped = ["dir ", "maxclients ", "user "];
        string[] lines = [.. text.Split('\n')
            .Where(line => !Array.Exists(skipped, name => line.StartsWith(name, StringComparison.Ordinal)))];
        int signature = Array.IndexOf(lines, ConfigRewrite.Signature);
        if (signature < 0) signature = lines.Length;
        int end = signature;
        while (end > 0 && lines[end - 1].Length == 0) end--;
        return (lines[..end], [.. lines[signature..].Where(line => line.Length > 0)]);
    }
}
