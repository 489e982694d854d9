using Millrace.Compat.Tests.Servers;
using Millrace.Compat.Tests.Wire;
using Xunit.Abstractions;

namespace Millrace.Compat.Tests.Commands;

/// <summary>CONFIG over the declared directives, against the real server's defaults and errors.</summary>
public sealed class ConfigTests(ServerPair pair, ITestOutputHelper output) : IClassFixture<ServerPair>
{
    // What CONFIG GET * answers otherwise than redis-server 7.0.15, or what is on one side only, with the reason.
    private static readonly (string Name, string Reason)[] s_different =
    [
        ("port", "each server's own"),
        ("dir", "each server's own"),
        ("io-threads", "counts event loops that run commands; in Redis threads that only move bytes"),
        ("aof-disable-auto-gc", "hidden since Redis 7.2, answered by its name only"),
        ("set-max-listpack-entries", "of Redis 7.2"),
        ("set-max-listpack-value", "of Redis 7.2"),
        ("locale-collate", "of Redis 7.2"),
        ("cluster-announce-human-nodename", "of Redis 7.2"),
        ("stream-idmp-duration", "of Redis 8.6"),
        ("stream-idmp-maxsize", "of Redis 8.6"),
        ("snapshot-buffer-limit", "of Millrace: what a snapshot may hold in memory"),
        ("rdb-version", "of Millrace: the version of what DUMP writes"),
    ];

    [Fact]
    public void Names_and_defaults_are_those_of_redis_but_for_what_is_listed()
    {
        // Not the shared pair: other tests have changed its configuration.
        using var fresh = new ServerPair();
        using RawConnection redis = fresh.Redis.Connect();
        using RawConnection millrace = fresh.Millrace.Connect();
        Dictionary<string, string> left = Directives(redis);
        Dictionary<string, string> right = Directives(millrace);
        string[] different =
        [
            .. left.Keys.Union(right.Keys, StringComparer.Ordinal)
                .Where(name => !string.Equals(left.GetValueOrDefault(name), right.GetValueOrDefault(name),
                    StringComparison.Ordinal))
                .Order(StringComparer.Ordinal),
        ];
        foreach (string name in different)
            output.WriteLine($"{name}: '{right.GetValueOrDefault(name)}', not '{left.GetValueOrDefault(name)}'");
        // io-threads may be one here as well, on a machine or by a setting of the tests.
        string[] listed = [.. s_different.Select(item => item.Name)];
        Assert.Empty(different.Except(listed, StringComparer.Ordinal));
        Assert.Empty(listed.Except(different, StringComparer.Ordinal).Except(["io-threads"], StringComparer.Ordinal));
        Assert.True(left.Count > 180);
    }

    [Theory]
    [InlineData("CONFIG SET")]
    [InlineData("CONFIG SET timeout")]
    [InlineData("CONFIG SET timeout 0 timeout 0")]
    [InlineData("CONFIG SET timeout -1")]
    [InlineData("CONFIG SET timeout 99999999999")]
    [InlineData("CONFIG SET timeout abc")]
    [InlineData("CONFIG SET nothing 1")]
    [InlineData("CONFIG SET timeout 5 nothing 1")]
    [InlineData("CONFIG SET port abc")]
    [InlineData("CONFIG SET databases 5")]
    [InlineData("CONFIG SET maxclients abc")]
    [InlineData("CONFIG SET maxclients 0")]
    [InlineData("CONFIG SET proto-max-bulk-len 1")]
    [InlineData("CONFIG SET proto-max-bulk-len 1mb")]
    [InlineData("CONFIG SET proto-max-bulk-len 1xb")]
    [InlineData("CONFIG SET loglevel notice")]
    [InlineData("CONFIG SET hz abc")]
    [InlineData("CONFIG SET client-output-buffer-limit abc")]
    [InlineData("CONFIG SET client-output-buffer-limit normal\\s0\\s0")]
    [InlineData("CONFIG SET client-output-buffer-limit normal\\s0\\s0\\s0")]
    [InlineData("CONFIG SET client-output-buffer-limit pubsub\\s32mb\\s8mb\\s60|CONFIG GET client-output-buffer-limit")]
    [InlineData("CONFIG SET save \"\"")]
    [InlineData("CONFIG SET appendonly no")]
    [InlineData("CONFIG SET appendonly maybe")]
    [InlineData("CONFIG GET")]
    [InlineData("CONFIG GET nothing")]
    [InlineData("CONFIG GET nothing timeout")]
    [InlineData("CONFIG GET TimeOut")]
    [InlineData("CONFIG SET timeout 7|CONFIG GET timeout")]
    [InlineData("CONFIG SET tcp-keepalive 100 timeout 0|CONFIG GET tcp-keepalive")]
    [InlineData("CONFIG SET proto-max-bulk-len 2mb|CONFIG GET proto-max-bulk-len")]
    [InlineData("CONFIG RESETSTAT x")]
    [InlineData("CONFIG RESETSTAT")]
    [InlineData("CONFIG REWRITE")]
    [InlineData("CONFIG REWRITE x")]
    [InlineData("CONFIG HELP")]
    [InlineData("CONFIG SET daemonize yes")]
    [InlineData("CONFIG SET unixsocket x")]
    [InlineData("CONFIG SET dir /")]
    [InlineData("CONFIG SET bind 999.999.999.999")]
    [InlineData("CONFIG SET bind 127.0.0.1\\s203.0.113.9|CONFIG GET bind")]
    [InlineData("CONFIG SET notify-keyspace-events KEA|CONFIG GET notify-keyspace-events")]
    [InlineData("CONFIG SET notify-keyspace-events KEAn|CONFIG GET notify-keyspace-events")]
    [InlineData("CONFIG SET notify-keyspace-events \"\"|CONFIG GET notify-keyspace-events")]
    [InlineData("CONFIG SET notify-keyspace-events Q")]
    [InlineData("CONFIG SET maxmemory 10000001 maxmemory-clients 200% client-query-buffer-limit invalid")]
    [InlineData("CONFIG SET hz 11 timeout x|CONFIG GET hz")]
    [InlineData("CONFIG GET slaveo?")]
    [InlineData("CONFIG GET slave-prio*")]
    [InlineData("CONFIG GET key-load-delay")]
    [InlineData("CONFIG GET key-load-dela?")]
    [InlineData("CONFIG SET oom-score-adj relative|CONFIG GET oom-score-adj|CONFIG SET oom-score-adj no")]
    [InlineData("CONFIG NOTHING x")]
    public void A_request_is_answered_as_redis_answers_it(string requests)
    {
        using RawConnection redis = pair.Redis.Connect();
        using RawConnection millrace = pair.Millrace.Connect();
        foreach (string request in requests.Split('|'))
        {
            string[] words = [.. request.Split(' ').Select(word => word.Replace("\\s", " ", StringComparison.Ordinal)
                .Replace("\"\"", "", StringComparison.Ordinal))];
            Assert.Equal(redis.Ask(words), millrace.Ask(words));
        }
    }

    [Theory]
    [InlineData("appendonly", "yes")]
    [InlineData("min-replicas-to-write", "1")]
    [InlineData("appendfsync", "always")]
    [InlineData("requirepass", "")]
    public void A_promise_that_is_not_kept_yet_is_refused_and_nothing_changes(string directive, string value)
    {
        using RawConnection millrace = pair.Millrace.Connect();
        string before = millrace.Ask("CONFIG", "GET", directive);
        string reply = millrace.Ask("CONFIG", "SET", directive, value);
        string after = millrace.Ask("CONFIG", "GET", directive);
        if (reply.StartsWith('-'))
        {
            Assert.StartsWith("-ERR ", reply, StringComparison.Ordinal);
            Assert.Equal(before, after);
        }
        else
        {
            Assert.Contains($"\r\n{value}\r\n", after, StringComparison.Ordinal);
        }
    }

    private static Dictionary<string, string> Directives(RawConnection connection)
    {
        IReadOnlyList<ReplyValue> items = ReplyValue.Parse(connection.Call("CONFIG", "GET", "*")).Items;
        return items.Chunk(2).ToDictionary(pair => pair[0].Text, pair => pair[1].Text, StringComparer.Ordinal);
    }
}
