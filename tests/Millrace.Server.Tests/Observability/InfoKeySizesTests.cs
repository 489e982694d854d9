using System.Text;

namespace Millrace.Server.Tests.Observability;

public class InfoKeySizesTests
{
    private const int Many = 20_000; // more than are counted at once

    [Fact]
    public void Sizes_are_counted_by_database_type_and_power_of_two()
    {
        using var server = new InProcessServer();
        using var client = new Conversation(server);
        client.SayWords("SET", "empty", "");
        foreach (var length in (int[])[1, 2, 3, 4, 7, 8, 1023, 1024, 100_000])
            client.SayWords("SET", $"s{length}", new string('x', length));
        client.Say("SET number 12345");
        client.Say("RPUSH list 1 2 3");
        client.Say($"SADD set {string.Join(' ', Enumerable.Range(0, 1000))}");
        client.Say("ZADD sorted 1 a 2 b");
        client.Say("XADD stream * a b");
        client.Say("SELECT 3");
        client.Say("HSET hash a 1");
        client.Say($"HSET large {string.Join(' ', Enumerable.Range(0, 2100))}");
        Assert.Equal(
            "# Keysizes\r\n"
            + "db0_distrib_strings_sizes:0=1,1=1,2=2,4=3,8=1,512=1,1K=1,64K=1\r\n"
            + "db0_distrib_lists_items:2=1\r\n"
            + "db0_distrib_sets_items:512=1\r\n"
            + "db0_distrib_zsets_items:2=1\r\n"
            + "db3_distrib_hashes_items:1=1,1K=1\r\n",
            client.Say("INFO keysizes"));
        client.Say("FLUSHALL");
        Assert.Equal("# Keysizes\r\n", client.Say("INFO keysizes"));
    }

    [Theory]
    [InlineData("1")]
    [InlineData("3")]
    public void Many_keys_are_counted_while_others_are_served(string loops)
    {
        using var server = new InProcessServer("--io-threads", loops);
        using var client = new Conversation(server);
        using var other = new Conversation(server);
        Fill(client);
        for (var round = 0; round < 3; round++)
        {
            client.Send("INFO", "keysizes", "cluster");
            Assert.Equal("PONG", other.Say("PING"));
            Assert.Equal(
                $"# Cluster\r\ncluster_enabled:0\r\n\r\n# Keysizes\r\ndb0_distrib_strings_sizes:2={Many}\r\n",
                client.Read());
        }

        client.Say("HELLO 3");
        var text = $"# Keysizes\r\ndb0_distrib_strings_sizes:2={Many}\r\n";
        Assert.Equal($"={text.Length + 4}\r\ntxt:{text}\r\n", client.Bytes("INFO keysizes"));
        client.Say("SET another 1");
        Assert.Contains("strings_sizes:1=1,2=", client.Say("INFO keysizes"), StringComparison.Ordinal);
    }

    [Fact]
    public void Several_wait_for_one_count_and_one_who_leaves_harms_nobody()
    {
        using var server = new InProcessServer("--io-threads", "2");
        using var client = new Conversation(server);
        Fill(client);
        var others = Enumerable.Range(0, 10).Select(_ => new Conversation(server)).ToList();
        foreach (var one in others) one.Send("INFO", "keysizes");
        others[0].Dispose();
        foreach (var one in others.Skip(1))
        {
            Assert.Contains($"2={Many}", one.Read(), StringComparison.Ordinal);
            one.Dispose();
        }
    }

    [Fact]
    public void Who_asks_for_all_sections_sees_the_last_count_and_does_not_wait()
    {
        using var server = new InProcessServer("--io-threads", "2");
        using var client = new Conversation(server);
        Fill(client);
        var deadline = Environment.TickCount64 + 10_000;
        var section = $"# Keysizes\r\ndb0_distrib_strings_sizes:2={Many}";
        while (!client.Say("INFO all").Contains(section, StringComparison.Ordinal))
        {
            Assert.True(Environment.TickCount64 < deadline);
            Thread.Sleep(1);
        }
    }

    [Fact]
    public void Within_a_transaction_nobody_waits()
    {
        using var server = new InProcessServer("--io-threads", "2");
        using var client = new Conversation(server);
        client.Say("SET few 12");
        client.Say("MULTI");
        client.Say("INFO keysizes");
        Assert.Equal("[# Keysizes\r\ndb0_distrib_strings_sizes:2=1\r\n]", client.Say("EXEC"));
        Fill(client);
        client.Say("MULTI");
        client.Say("INFO keysizes");
        Assert.Equal("[# Keysizes\r\ndb0_distrib_strings_sizes:2=1\r\n]", client.Say("EXEC"));
        Assert.Contains($"2={Many + 1}", client.Say("INFO keysizes"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_client_that_wants_no_replies_gets_none()
    {
        using var server = new InProcessServer("--io-threads", "2");
        using var client = new Conversation(server);
        Fill(client);
        client.SendText("CLIENT REPLY OFF\r\nINFO keysizes\r\nCLIENT REPLY ON\r\nPING\r\n");
        Assert.Equal("OK", client.Read());
        Assert.Equal("PONG", client.Read());
    }

    [Fact]
    public void The_count_is_right_while_keys_come_and_go()
    {
        using var server = new InProcessServer("--io-threads", "2");
        using var client = new Conversation(server);
        using var other = new Conversation(server);
        Fill(client);
        for (var round = 0; round < 10; round++)
        {
            client.Send("INFO", "keysizes");
            for (var i = 0; i < 50; i++) other.Say($"SET long{round}x{i} {new string('x', 100)}");
            Assert.Matches($@"2={Many}(,64=\d+)?\r\n", client.Read());
            client.Send("INFO", "keysizes");
            for (var i = 0; i < 50; i++) other.Say($"DEL long{round}x{i}");
            Assert.Contains($"2={Many}", client.Read(), StringComparison.Ordinal);
        }

        client.Send("INFO", "keysizes");
        other.Say("FLUSHALL");
        Assert.StartsWith("# Keysizes\r\n", client.Read(), StringComparison.Ordinal);
    }

    // Strings of 2 and 3 bytes.
    private static void Fill(Conversation client)
    {
        const int batch = 1000;
        for (var from = 0; from < Many; from += batch)
        {
            var text = new StringBuilder("MSET");
            for (var i = from; i < from + batch; i++)
                text.Append(" key").Append(i).Append(' ').Append((i % 2) == 0 ? "ab" : "abc");
            client.Say(text.ToString());
        }
    }
}
