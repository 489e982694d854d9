using Millrace.Memory;
using System.Globalization;

namespace Millrace.Server.Tests.Execution;

/// <summary>Whole servers on a small region: what finds no room is refused, whoever asks for it and how, and the server
/// goes on.</summary>
public class MemoryRoomTests
{
    private const long RegionBytes = 256 << 20;

    [Theory]
    [InlineData("1", "noeviction")]
    [InlineData("4", "noeviction")]
    [InlineData("4", "allkeys-lru")]
    public void A_server_whose_memory_is_used_up_refuses_and_goes_on(string loops, string policy)
    {
        using var server = new InProcessServer(RegionBytes, "--io-threads", loops, "--maxmemory-policy", policy);
        using var client = new Conversation(server);
        var value = new string('v', 1_000_000);
        var keys = 0;
        while (client.SayWords("SET", $"key{keys}", value) == "OK" && keys < 1_000) keys++;
        Assert.InRange(keys, 150, 260);
        foreach (var request in (string[])["SET small x", "INCR n", "SETRANGE key0 5000000 x", "COPY key0 copy"])
            Assert.StartsWith("OOM ", client.Say(request), StringComparison.Ordinal);
        Assert.Equal("PONG", client.Say("PING"));
        Assert.Equal("1000000", client.Say("STRLEN key0"));
        for (var i = 0; i < keys / 2; i++) Assert.Equal("1", client.Say($"DEL key{i}"));
        Assert.Equal("OK", client.Say("SET small x"));
        Assert.Equal("5000001", client.Say($"SETRANGE key{keys - 1} 5000000 x"));
    }

    [Theory]
    [InlineData("1")]
    [InlineData("4")]
    public void A_transaction_is_refused_from_where_there_is_no_room_any_more(string loops)
    {
        using var server = new InProcessServer(RegionBytes, "--io-threads", loops);
        using var client = new Conversation(server);
        client.Say("MULTI");
        var value = new string('v', 20_000);
        for (var i = 0; i < 20_000; i++) client.Send("SET", $"key{i}", value);
        for (var i = 0; i < 20_000; i++) Assert.Equal("QUEUED", client.Read());
        var replies = client.Say("EXEC");
        Assert.StartsWith("[OK OK ", replies, StringComparison.Ordinal);
        Assert.EndsWith("is left.]", replies, StringComparison.Ordinal);
        Assert.StartsWith("OOM ", client.Say("SET key x"), StringComparison.Ordinal);
        Assert.Equal("OK", client.Say("FLUSHALL"));
        // A checked heap keeps up to 16 MB of what is freed in each partition, which is more than this region has.
        if (!Heap.IsChecked || loops == "1")
            Assert.Equal("OK", client.Say("SET key x"));
    }

    [Fact]
    public void Commands_that_take_a_little_each_do_not_use_up_the_reserve()
    {
        const int Batch = 2_000;
        using var server = new InProcessServer(RegionBytes / 4, "--io-threads", "1");
        using var client = new Conversation(server);
        var value = new string('v', 60);
        var keys = 0;
        while (Refused(keys, n => Peer.Encode("SET", $"key{n}", value)) == 0) keys += Batch;
        var refused = 0;
        for (var i = 0; i < keys && refused == 0; i += Batch)
            refused = Refused(i, static n => Peer.Encode("EXPIRE", $"key{n}", "1000"));
        Assert.Equal("PONG", client.Say("PING"));
        Assert.InRange(refused, 1, Batch);
        Assert.Equal("1", client.Say("PERSIST key0"));
        Assert.Equal("OK", client.Say("FLUSHALL SYNC"));
        Assert.Equal("OK", client.Say("SET key v"));
        Assert.Equal("1", client.Say("EXPIRE key 1000"));

        int Refused(int from, Func<int, string> request)
        {
            client.SendText(string.Concat(Enumerable.Range(from, Batch).Select(request)));
            var count = 0;
            for (var i = 0; i < Batch; i++)
            {
                if (client.Read().StartsWith("OOM ", StringComparison.Ordinal)) count++;
            }

            return count;
        }
    }

    [Fact]
    public void Several_clients_that_take_what_they_can_do_not_end_the_server()
    {
        var seed = Environment.TickCount;
        using var server = new InProcessServer(RegionBytes, "--io-threads", "4");
        var threads = Enumerable.Range(0, 4).Select(number => new Thread(() => Storm(server, seed + number))).ToList();
        threads.ForEach(thread => thread.Start());
        threads.ForEach(thread => thread.Join());
        using var client = new Conversation(server);
        Assert.Equal("OK", client.Say("FLUSHALL SYNC"));
        Assert.Equal("OK", client.Say("SET key x"));
    }

    private static void Storm(InProcessServer server, int seed)
    {
        var random = new Random(seed);
        using var client = new Conversation(server);
        for (var i = 0; i < 400; i++)
        {
            var words = Draw(random);
            var reply = client.SayWords(words);
            if (words[0] != "DUMP" || reply.StartsWith("OOM ", StringComparison.Ordinal)) continue;
            client.SayWords("RESTORE", Key(random), "0", reply, "REPLACE");
        }
    }

    private static string Key(Random random) => $"key{random.Next(300)}";

    private static string[] Draw(Random random)
    {
        string Number(int most) => random.Next(most).ToString(CultureInfo.InvariantCulture);
        return random.Next(10) switch
        {
            0 => ["SET", Key(random), new string('v', random.Next(3_000_000))],
            1 => ["SETRANGE", Key(random), Number(80_000_000), "x"],
            2 => ["APPEND", Key(random), new string('a', random.Next(200_000))],
            3 => ["SETBIT", Key(random), Number(600_000_000), "1"],
            4 => ["COPY", Key(random), Key(random)],
            5 => ["BITOP", "OR", Key(random), Key(random), Key(random)],
            6 => ["DUMP", Key(random)],
            7 => ["SADD", $"set{Number(4)}", .. Enumerable.Range(0, 3_000).Select(_ => Number(1_000_000))],
            8 => ["SUNIONSTORE", $"set{Number(9)}", $"set{Number(4)}", $"set{Number(4)}"],
            _ => random.Next(4) == 0 ? ["DEL", Key(random)] : ["RENAME", Key(random), Key(random)],
        };
    }
}
