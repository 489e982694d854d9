using System.Security.Cryptography;
using Millrace.Compat.Tests.Servers;
using Millrace.Compat.Tests.Wire;
using Xunit.Abstractions;

namespace Millrace.Compat.Tests.Commands;

/// <summary>
/// SCAN's guarantee (redis.io/commands/scan): what is there from start to end is returned, whatever comes and goes
/// meanwhile; what is never there is never returned.
/// </summary>
public sealed class ScanTests(MillraceAlone fixture, ITestOutputHelper output) : IClassFixture<MillraceAlone>
{
    [Theory]
    [InlineData(0, 20_000)]
    [InlineData(1, 0)]
    [InlineData(2, -1)]
    public void Every_key_that_stays_is_returned_while_the_table_grows_and_shrinks(int database, int growth)
    {
        int seed = TestSettings.Seed ?? RandomNumberGenerator.GetInt32(int.MaxValue);
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        using RawConnection connection = fixture.Server.Connect();
        connection.Call("SELECT", $"{database}");
        const int steady = 1000;
        Fill(connection, "steady", steady);
        Fill(connection, "passing", 20_000);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        string cursor = "0";
        int calls = 0;
        int added = 0;
        do
        {
            ReplyValue reply = ReplyValue.Parse(connection.Call("SCAN", cursor, "COUNT", $"{random.Next(1, 60)}"));
            cursor = reply.Items[0].Text;
            foreach (ReplyValue key in reply.Items[1].Items)
                seen.Add(key.Text);
            if (growth > 0 && added < growth)
                Fill(connection, $"new:{added += 200}", 200);
            else if (growth < 0 && calls < 200)
                Drop(connection, calls * 100, 100);
            Assert.True(++calls < 200_000, "the scan does not end");
        }
        while (cursor is not "0");
        output.WriteLine($"{calls} calls, {seen.Count} keys");
        Assert.Equal(steady, seen.Count(key => key.StartsWith("steady:", StringComparison.Ordinal)));
        Assert.DoesNotContain(seen, key => !key.StartsWith("steady:", StringComparison.Ordinal)
            && !key.StartsWith("passing:", StringComparison.Ordinal)
                && !key.StartsWith("new:", StringComparison.Ordinal));
        connection.Call("FLUSHDB");
    }

    [Fact]
    public void A_steady_keyspace_is_returned_once_each()
    {
        using RawConnection connection = fixture.Server.Connect();
        connection.Call("SELECT", "3");
        Fill(connection, "k", 5000);
        var seen = new List<string>();
        string cursor = "0";
        do
        {
            ReplyValue reply = ReplyValue.Parse(connection.Call("SCAN", cursor, "COUNT", "37"));
            cursor = reply.Items[0].Text;
            seen.AddRange(reply.Items[1].Items.Select(key => key.Text));
        }
        while (cursor is not "0");
        Assert.Equal(5000, seen.Count);
        Assert.Equal(5000, seen.Distinct(StringComparer.Ordinal).Count());
    }

    [Fact]
    public void Any_cursor_is_answered_and_harms_nothing()
    {
        using RawConnection connection = fixture.Server.Connect();
        connection.Call("SELECT", "4");
        Fill(connection, "k", 500);
        var random = new Random(1);
        for (int i = 0; i < 2000; i++)
            Assert.Equal(
                (byte)'*', connection.Call("SCAN", $"{(ulong)random.NextInt64(long.MinValue, long.MaxValue)}")[0]);
        Assert.Equal(":500\r\n", connection.Ask("DBSIZE"));
    }

    [Fact]
    public void Count_bounds_the_work_of_one_call()
    {
        using RawConnection connection = fixture.Server.Connect();
        connection.Call("SELECT", "5");
        Fill(connection, "k", 20_000);
        // Redis visits whole buckets: somewhat more than asked for, never ten times as much.
        Assert.InRange(ReplyValue.Parse(connection.Call("SCAN", "0")).Items[1].Items.Count, 1, 100);
        Assert.InRange(ReplyValue.Parse(connection.Call("SCAN", "0", "COUNT", "1000")).Items[1].Items.Count, 900, 1200);
    }

    private static void Fill(RawConnection connection, string prefix, int count) =>
        Assert.Equal("+OK\r\n", connection.Ask("DEBUG", "POPULATE", $"{count}", prefix, "10"));

    private static void Drop(RawConnection connection, int from, int count) =>
        connection.Call(["UNLINK", .. Enumerable.Range(from, count).Select(i => $"passing:{i}")]);
}
