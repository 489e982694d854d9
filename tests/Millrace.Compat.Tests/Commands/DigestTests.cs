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
