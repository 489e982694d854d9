using System.Globalization;
using Millrace.Compat.Tests.Servers;
using Millrace.Compat.Tests.Wire;

namespace Millrace.Compat.Tests.Commands;

/// <summary>DEBUG DIGEST of the same data on both servers: every type, encoding and database, with and without a
/// deadline.</summary>
public sealed class DigestTests(ServerPair pair) : IClassFixture<ServerPair>
{
    private static readonly string[][] s_requests =
    [
        ["SET", "text", "hello"],
        ["SET", "number", "12345"],
        ["SET", "expiring", "x", "EX", "1000"],
        ["SET", "empty", ""],
        ["SET", "large", new string('x', 100_000)],
        ["SADD", "intset", "3", "1", "2", "-9223372036854775808"],
        ["SADD", "listpack", "a", "1", ""],
        ["SADD", "table", .. Enumerable.Range(0, 700).Select(i => i.ToString(CultureInfo.InvariantCulture))],
        ["EXPIRE", "table", "1000"],
    ];

    [Theory]
    [InlineData("128")]
    [InlineData("0")]
    public void Digests_of_every_kind_of_score_are_equal(string packed)
    {
        using RawConnection redis = pair.Redis.Connect();
        using RawConnection millrace = pair.Millrace.Connect();
        foreach (string score in (string[])[
            "0", "-0", "5e-324", "-5e-324", "1.7976931348623157e308", "inf", "-inf", "0.1", "-2.5", "1e17", "1e16",
            "123456789012345678", "9223372036854775807", "-9223372036854775808", "1e-4", "1e-5", "0.00012345",
            "3.3333333333333335e-200"])
        {
            foreach (RawConnection connection in (RawConnection[])[redis, millrace])
            {
                connection.Call("CONFIG", "SET", "zset-max-listpack-entries", packed);
                connection.Call("DEL", "scores");
                connection.Call("ZADD", "scores", score, "member");
            }

            string[] request = ["DEBUG", "DIGEST-VALUE", "scores"];
            Assert.Equal(score + redis.Ask(request), score + millrace.Ask(request));
        }

        foreach (RawConnection connection in (RawConnection[])[redis, millrace])
            connection.Call("DEL", "scores");
    }

    [Fact]
    public void Digests_of_the_same_data_are_equal_after_every_request()
    {
        using RawConnection redis = pair.Redis.Connect();
        using RawConnection millrace = pair.Millrace.Connect();
        foreach (string database in (string[])["0", "3", "15"])
        {
            redis.Call("SELECT", database);
            millrace.Call("SELECT", database);
            foreach (string[] request in s_requests)
            {
                Assert.Equal(redis.Ask(request), millrace.Ask(request));
                Assert.Equal(redis.Ask("DEBUG", "DIGEST"), millrace.Ask("DEBUG", "DIGEST"));
            }
        }
        foreach (RawConnection connection in (RawConnection[])[redis, millrace])
            connection.Call("FLUSHALL");
        Assert.Equal($"+{new string('0', 40)}\r\n", millrace.Ask("DEBUG", "DIGEST"));
    }
}
