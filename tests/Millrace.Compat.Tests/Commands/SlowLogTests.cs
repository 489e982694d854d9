using System.Globalization;
using Millrace.Compat.Tests.Servers;
using Millrace.Compat.Tests.Wire;

namespace Millrace.Compat.Tests.Commands;

/// <summary>The slow log and the latency monitor against 7.0.15: what is told, but for the times.</summary>
public sealed class SlowLogTests
{
    private static readonly string s_long = new('x', 200);

    // Every one of them is logged, or none by both.
    private static readonly string[][] s_requests =
    [
        ["SET", "a", "1"], ["set", "A", s_long], ["GET", s_long], ["MGET", "a", "b", "\r\n", ""],
        ["DEL", .. Enumerable.Range(0, 31).Select(Text)], ["DEL", .. Enumerable.Range(0, 32).Select(Text)],
        ["INCR", "A"], ["GET"], ["nothing"], ["CLIENT", "nothing"], ["CLIENT", "SETNAME", "me"], ["PING"],
        ["AUTH", "secret"], ["AUTH", "me", "secret"], ["HELLO", "2", "AUTH", "me", "secret"],
        ["HELLO", "2", "SETNAME", "you"],
        ["CONFIG", "SET", "requirepass", ""], ["CONFIG", "SET", "hz", "11", "masteruser", "", "masterauth", ""],
        ["CONFIG", "SET", "hz", "x", "requirepass", "secret"], ["CONFIG", "GET", "hz"],
        ["MULTI"], ["SET", "a", "2"], ["INCR", "a"], ["SLOWLOG", "LEN"], ["GET", "a"], ["EXEC"],
        ["MULTI"], ["GET"], ["PING"], ["EXEC"], ["EXEC"], ["MULTI"], ["PING"], ["DISCARD"],
        ["SADD", "set", "x", "y"], ["SPOP", "set", "10"], ["GEOADD", "geo", "1", "1", "x"], ["GETSET", "b", "5"],
        ["INCRBYFLOAT", "b", "1"], ["RPUSH", "list", "x"], ["BLPOP", "list", "0"],
        ["EXPIRE", "a", "100"], ["GETEX", "a", "PERSIST"], ["SELECT", "1"], ["FLUSHDB"], ["DBSIZE"], ["SELECT", "0"],
    ];

    private static readonly string[][] s_questions =
    [
        ["SLOWLOG", "GET", "0"], ["SLOWLOG", "GET", "-2"], ["SLOWLOG", "GET", "x"], ["SLOWLOG", "GET", ""],
        ["SLOWLOG", "GET", "1", "2"], ["SLOWLOG", "LEN"], ["SLOWLOG", "LEN", "x"], ["SLOWLOG"], ["SLOWLOG", "nothing"],
        ["LATENCY", "LATEST"], ["LATENCY", "HISTORY", "command"], ["LATENCY", "HISTORY", "nothing"],
        ["LATENCY", "HISTORY"], ["LATENCY", "GRAPH", "command"], ["LATENCY", "GRAPH", "no\r\nthing"],
        ["LATENCY", "RESET"], ["LATENCY", "RESET", "command", "nothing"], ["LATENCY", "DOCTOR", "x"],
        ["LATENCY", "HELP", "x"], ["LATENCY"], ["LATENCY", "nothing"], ["LATENCY", "HISTOGRAM", "nothing"],
        ["LATENCY", "HISTOGRAM", "client|nothing", "config|", "|", ""], ["SLOWLOG", "RESET"], ["SLOWLOG", "LEN"],
    ];

    [Fact]
    public void Entries_are_those_of_redis()
    {
        using var pair = new ServerPair();
        Differences.AssertNone(Different(LogOf(pair.Redis), LogOf(pair.Millrace)));
    }

    [Fact]
    public void Questions_are_answered_as_redis_answers_them()
    {
        using var pair = new ServerPair();
        using RawConnection redis = pair.Redis.Connect();
        using RawConnection millrace = pair.Millrace.Connect();
        var differences = new List<string>();
        foreach (RawConnection one in (RawConnection[])[redis, millrace])
        {
            one.Call("CONFIG", "SET", "slowlog-log-slower-than", "-1"); // a slow machine adds nothing by itself
            one.Call("SLOWLOG", "RESET");
        }

        foreach (string protocol in (string[])["2", "3"])
        {
            redis.Call("HELLO", protocol);
            millrace.Call("HELLO", protocol);
            foreach (string[] request in s_questions)
            {
                string left = redis.Ask(request);
                string right = millrace.Ask(request);
                if (!string.Equals(left, right, StringComparison.Ordinal))
                    differences.Add($"{string.Join(' ', request)}: {right}, not {left}");
            }
        }

        Differences.AssertNone(differences);
    }

    [Fact]
    public void Histograms_count_the_calls_that_redis_counts()
    {
        using var pair = new ServerPair();
        Dictionary<string, string> left = CountsOf(pair.Redis);
        Dictionary<string, string> right = CountsOf(pair.Millrace);
        Differences.AssertNone(Different(left.Select(Pair), right.Select(Pair)).Order(StringComparer.Ordinal));

        static string Pair(KeyValuePair<string, string> one) => $"{one.Key}: {one.Value} calls";
    }

    private static List<string> LogOf(ServerProcess server)
    {
        using RawConnection connection = server.Connect();
        connection.Call("CONFIG", "SET", "slowlog-log-slower-than", "0", "slowlog-max-len", "1000");
        connection.Call("SLOWLOG", "RESET");
        foreach (string[] request in s_requests) connection.Call(request);
        connection.Call("HELLO", "3");
        ReplyValue entries = ReplyValue.Parse(connection.Call("SLOWLOG", "GET", "-1"));
        long oldest = entries.Items[^1].Items[0].Number;
        return [.. entries.Items.Select(entry =>
            $"{entry.Items[0].Number - oldest} {entry.Items[3].Render()} {entry.Items[5].Text} {entry.Shape()}")];
    }

    private static Dictionary<string, string> CountsOf(ServerProcess server)
    {
        using RawConnection connection = server.Connect();
        Thread.Sleep(100); // the readiness check's connection has to be gone
        connection.Call("CONFIG", "RESETSTAT");
        foreach (string[] request in s_requests) connection.Call(request);
        connection.Call("HELLO", "3");
        IReadOnlyList<ReplyValue> reply = ReplyValue.Parse(connection.Call("LATENCY", "HISTOGRAM")).Items;
        Dictionary<string, string> counts = new(StringComparer.Ordinal);
        for (int i = 0; i < reply.Count; i += 2) counts.Add(reply[i].Text, reply[i + 1].Items[1].Text);
        return counts;
    }

    private static IEnumerable<string> Different(IEnumerable<string> redis, IEnumerable<string> millrace) =>
        redis.Except(millrace, StringComparer.Ordinal).Select(one => "missing: " + one)
            .Concat(millrace.Except(redis, StringComparer.Ordinal).Select(one => "too much: " + one));

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
