using Millrace.Compat.Tests.Servers;
using Millrace.Compat.Tests.Wire;
using Xunit.Abstractions;

namespace Millrace.Compat.Tests.Commands;

/// <summary>CONFIG over the declared directives, against the real server's defaults and errors.</summary>
public sealed class ConfigTests(ServerPair pair, ITestOutputHelper output) : IClassFixture<ServerPair>
{
    // Directives whose values are each server's own.
    private static readonly string[] s_ownValues =
        ["port", "dir", "pidfile", "logfile", "io-threads", "io", "proc-title-template"];

    [Fact]
    public void Defaults_are_those_of_redis()
    {
        // Not the shared pair: other tests have changed its configuration.
        using var fresh = new ServerPair();
        using RawConnection redis = fresh.Redis.Connect();
        using RawConnection millrace = fresh.Millrace.Connect();
        Dictionary<string, string> left = Directives(redis);
        Dictionary<string, string> right = Directives(millrace);
        string[] unknown = [.. right.Keys.Except(left.Keys, StringComparer.Ordinal).Order(StringComparer.Ordinal)];
        output.WriteLine($"ours alone: {string.Join(' ', unknown)}");
        string[] differences =
        [
            .. right.Where(item => left.ContainsKey(item.Key) && !s_ownValues.Contains(item.Key, StringComparer.Ordinal)
                    && !string.Equals(left[item.Key], item.Value, StringComparison.Ordinal))
                .Select(item => $"{item.Key}: '{item.Value}', not '{left[item.Key]}'"),
        ];
        Differences.AssertNone(differences);
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
    [InlineData("save", "60 1")]
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
