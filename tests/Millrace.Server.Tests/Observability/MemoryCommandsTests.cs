namespace Millrace.Server.Tests.Observability;

public class MemoryCommandsTests
{
    [Theory]
    [InlineData("MEMORY USAGE nothing", "(nil)")]
    [InlineData("MEMORY USAGE nothing SAMPLES", "ERR syntax error")]
    [InlineData("MEMORY USAGE nothing SAMPLES x", "ERR value is not an integer or out of range")]
    [InlineData("MEMORY USAGE nothing SAMPLES -1", "ERR syntax error")]
    [InlineData("MEMORY USAGE nothing nothing 1", "ERR syntax error")]
    [InlineData("MEMORY USAGE", "ERR wrong number of arguments for 'memory|usage' command")]
    [InlineData("MEMORY USAGE nothing SAMPLES 1 2", "ERR syntax error")]
    [InlineData("MEMORY STATS x", "ERR wrong number of arguments for 'memory|stats' command")]
    [InlineData("MEMORY PURGE x", "ERR wrong number of arguments for 'memory|purge' command")]
    [InlineData("MEMORY DOCTOR x", "ERR wrong number of arguments for 'memory|doctor' command")]
    [InlineData("MEMORY nothing", "ERR unknown subcommand 'nothing'. Try MEMORY HELP.")]
    [InlineData("MEMORY PURGE", "OK")]
    public void A_request_has_this_reply(string request, string reply)
    {
        using var server = new InProcessServer();
        using var client = new Conversation(server);
        Assert.Equal(reply, client.Say(request));
        Assert.Equal("PONG", client.Say("PING"));
    }

    [Fact]
    public void Memory_usage_is_what_the_key_really_takes()
    {
        using var server = new InProcessServer();
        using var client = new Conversation(server);
        foreach (var length in (int[])[1, 100, 10_000, 100_000, 5_000_000])
        {
            client.SayWords("SET", "k", new string('x', length));
            var usage = client.Say("MEMORY USAGE k SAMPLES 0");
            var before = server.Server.Parts.Keyspace.UsedBytes;
            client.Say("DEL k");
            Assert.Equal($"{before - server.Server.Parts.Keyspace.UsedBytes}", usage);
        }
    }

    [Fact]
    public void The_sum_of_memory_usage_is_the_data_set_of_info()
    {
        using var server = new InProcessServer("--io-threads", "2");
        using var client = new Conversation(server);
        for (var i = 1; i <= 40; i++)
        {
            var names = Enumerable.Range(0, i * 20).Select(j => (i % 3 == 0 ? "" : "member") + j).ToList();
            client.Say($"SADD set{i} {i} {string.Join(' ', names)}");
            client.Say($"RPUSH list{i} {i} {string.Join(' ', names)}");
            client.Say($"ZADD sorted{i} {i} {i} {string.Join(' ', names.Select((name, j) => $"{j} {name}"))}");
            client.Say($"HSET hash{i} {i} {i} {string.Join(' ', names.Select(name => $"{name} {name}"))}");
            client.Say($"SET string{i} {new string('x', i * 2_000)}");
            if (i % 2 == 0) client.Say($"HEXPIRE hash{i} 1000 FIELDS 1 {i}");
        }

        var sum = 0L;
        for (var i = 1; i <= 40; i++)
        {
            foreach (var type in (string[])["set", "list", "sorted", "hash", "string"])
                sum += long.Parse(client.Say($"MEMORY USAGE {type}{i} SAMPLES 0"));
        }

        var info = client.Say("INFO memory");
        var dataset = long.Parse(info.Split("used_memory_dataset:")[1].Split('\r')[0]);
        Assert.Equal(dataset, sum);
        Assert.InRange(
            long.Parse(client.Say("MEMORY USAGE set39")),
            long.Parse(client.Say("MEMORY USAGE set39 SAMPLES 0")) * 8 / 10,
            long.Parse(client.Say("MEMORY USAGE set39 SAMPLES 0")) * 12 / 10);
    }

    [Theory]
    [InlineData("1")]
    [InlineData("3")]
    public void Stats_agree_with_info(string loops)
    {
        using var server = new InProcessServer("--io-threads", loops);
        using var client = new Conversation(server);
        for (var i = 0; i < 100; i++) client.Say($"SET key{i} {new string('x', i * 100)} EX 1000");
        client.Say("SELECT 5");
        client.Say("SADD set a b c");
        var stats = Stats(client);
        var info = client.Say("INFO memory").Split("\r\n").Select(static one => one.Split(':', 2))
            .Where(static one => one.Length == 2).ToDictionary(static one => one[0], static one => one[1]);
        Assert.Equal(info["used_memory"], stats["total.allocated"]);
        Assert.Equal(info["used_memory_overhead"], stats["overhead.total"]);
        Assert.Equal(info["used_memory_dataset"], stats["dataset.bytes"]);
        Assert.Equal(info["allocator_active"], stats["allocator.active"]);
        Assert.Equal("101", stats["keys.count"]);
        var overhead = Number(stats, "db.0/overhead.hashtable.main") + Number(stats, "db.0/overhead.hashtable.expires")
            + Number(stats, "db.5/overhead.hashtable.main") + Number(stats, "db.5/overhead.hashtable.expires");
        Assert.Equal(Number(stats, "overhead.total"), overhead);
        Assert.True(Number(stats, "allocator.active") >= Number(stats, "allocator.allocated"));
        Assert.True(Number(stats, "allocator.resident") >= Number(stats, "allocator.active"));
        client.Say("FLUSHALL");
        Assert.Equal("0", Stats(client)["overhead.db.hashtable.lut"]);
    }

    [Fact]
    public void Stats_are_a_map_in_RESP3_and_pairs_in_RESP2()
    {
        using var server = new InProcessServer();
        using var client = new Conversation(server);
        client.Say("SET a 1");
        Assert.StartsWith("*62\r\n$14\r\npeak.allocated\r\n:", client.Bytes("MEMORY STATS"), StringComparison.Ordinal);
        client.Say("HELLO 3");
        var reply = client.Bytes("MEMORY STATS");
        Assert.StartsWith("%31\r\n$14\r\npeak.allocated\r\n:", reply, StringComparison.Ordinal);
        Assert.Contains("$4\r\ndb.0\r\n%3\r\n", reply, StringComparison.Ordinal);
        Assert.Contains("$13\r\nfragmentation\r\n,", reply, StringComparison.Ordinal);
    }

    [Fact]
    public void Malloc_stats_tell_which_sizes_have_free_blocks()
    {
        using var server = new InProcessServer("--io-threads", "1");
        using var client = new Conversation(server);
        for (var i = 0; i < 100; i++) client.Say($"SET key{i} {new string('x', 3000)}");
        for (var i = 0; i < 100; i += 2) client.Say($"DEL key{i}");
        client.SayWords("SET", "blob", new string('x', 100_000));
        var text = client.Say("MEMORY MALLOC-STATS");
        Assert.StartsWith("___ Begin Millrace statistics ___\n", text, StringComparison.Ordinal);
        Assert.Contains("\nBlobs: 1 of 114688 bytes\n", text, StringComparison.Ordinal);
        var row = text.Split('\n').Single(static one => one.TrimStart().StartsWith("3072 ", StringComparison.Ordinal))
            .Split(' ', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal("50", row[3]);
        Assert.True(int.Parse(row[4]) >= 40, row[4]);
        client.Say("HELLO 3");
        Assert.Matches(@"^=\d+\r\ntxt:___ Begin", client.Bytes("MEMORY MALLOC-STATS"));
    }

    [Fact]
    public void Purge_gives_free_chunks_back_to_the_system()
    {
        using var server = new InProcessServer("--io-threads", "1");
        using var client = new Conversation(server);
        var memory = server.Server.Parts.Memory;
        for (var i = 0; i < 40; i++) client.SayWords("SET", $"key{i}", new string('x', 1_000_000));
        for (var i = 0; i < 40; i++) client.Say($"DEL key{i}");
        Assert.True(memory.CommittedBytes > 8_000_000, $"{memory.CommittedBytes} bytes are kept for a while");
        Assert.Equal("OK", client.Say("MEMORY PURGE"));
        var deadline = Environment.TickCount64 + 10_000;
        while (memory.CommittedBytes > 4_500_000)
        {
            Assert.True(Environment.TickCount64 < deadline, $"{memory.CommittedBytes} bytes are still there");
            Thread.Sleep(1);
        }

        client.SayWords("SET", "k", new string('x', 1_000_000));
        Assert.Equal("1000000", client.Say("STRLEN k"));
    }

    private static long Number(Dictionary<string, string> stats, string name) => long.Parse(stats[name]);

    // The fields of a database are named db.0/field.
    private static Dictionary<string, string> Stats(Conversation client)
    {
        var fields = new Dictionary<string, string>();
        var prefix = "";
        var words = client.Say("MEMORY STATS").Trim('[', ']').Split(' ');
        for (var i = 0; i + 1 < words.Length; i += 2)
        {
            if (words[i].StartsWith("db.", StringComparison.Ordinal) && words[i + 1].StartsWith('['))
            {
                prefix = words[i] + "/";
                words[i + 1] = words[i + 1][1..];
                i--;
                continue;
            }

            fields[prefix + words[i]] = words[i + 1].TrimEnd(']');
            if (words[i + 1].EndsWith(']')) prefix = "";
        }

        return fields;
    }
}
