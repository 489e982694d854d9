namespace Millrace.Server.Tests.Execution;

public class LargeValuesTests
{
    private const int Size = 300_000;

    [Theory]
    [InlineData("1")]
    [InlineData("4")]
    public void Replies_have_the_value_as_of_their_own_request(string loops)
    {
        using var server = new InProcessServer("--io-threads", loops);
        using var peer = new Peer(server.Port);
        var a = new string('a', Size);
        var b = new string('b', Size);
        peer.Send(string.Concat(
            Peer.Encode("SET", "k", a),
            Peer.Encode("GET", "k"),
            Peer.Encode("SETRANGE", "k", "1", "xy"),
            Peer.Encode("GET", "k"),
            Peer.Encode("APPEND", "k", "z"),
            Peer.Encode("GETSET", "k", b),
            Peer.Encode("MGET", "k", "none", "k"),
            Peer.Encode("SET", "k", a, "GET"),
            Peer.Encode("GETDEL", "k"),
            Peer.Encode("GET", "k")));
        var changed = "axy" + new string('a', Size - 3);
        var expected = string.Concat(
            "+OK\r\n", Bulk(a), $":{Size}\r\n", Bulk(changed), $":{Size + 1}\r\n", Bulk(changed + "z"),
            "*3\r\n", Bulk(b), "$-1\r\n", Bulk(b), Bulk(b), Bulk(a), "$-1\r\n");
        var reply = peer.Receive(expected.Length);
        Assert.True(expected == reply, "the replies are those of the commands in their order");
        CheckEmpty(server);
    }

    [Fact]
    public void Renaming_copying_and_moving_keep_the_bytes_and_the_accounts()
    {
        using var server = new InProcessServer("--io-threads", "2");
        using var client = new Conversation(server);
        var value = new string('v', Size);
        for (var i = 0; i < 20; i++)
        {
            Assert.Equal("OK", client.SayWords("SET", "a", value));
            Assert.Equal("OK", client.Say($"RENAME a b{i}"));
            Assert.Equal("1", client.Say($"COPY b{i} c{i}"));
            Assert.Equal("1", client.Say($"MOVE b{i} 1"));
            Assert.Equal("(nil)", client.Say($"GET b{i}"));
            Assert.Equal($"{Size + 1}", client.Say($"APPEND c{i} x"));
            Assert.True(client.Say($"GET c{i}") == value + "x", "the copy has its own bytes");
            Assert.Equal("OK", client.Say("SELECT 1"));
            Assert.True(client.Say($"GET b{i}") == value, "the moved one has its bytes");
            Assert.Equal("1", client.Say($"DEL b{i}"));
            Assert.Equal("OK", client.Say("SELECT 0"));
            Assert.Equal("1", client.Say($"DEL c{i}"));
        }

        CheckEmpty(server);
    }

    [Fact]
    public void Pipelined_replies_of_many_segments_come_in_order()
    {
        using var server = new InProcessServer("--io-threads", "2");
        using var peer = new Peer(server.Port);
        const int Length = 3_000_000;
        var values = new[] { new string('1', Length), new string('2', Length), new string('3', Length) };
        for (var i = 0; i < 3; i++) Assert.Equal("+OK\r\n", peer.Ask("+OK\r\n", "SET", $"k{i}", values[i]));
        peer.Send(string.Concat(Enumerable.Range(0, 9).Select(i => Peer.Encode("GET", $"k{i % 3}"))));
        for (var i = 0; i < 9; i++)
        {
            var expected = Bulk(values[i % 3]);
            Assert.True(peer.Receive(expected.Length) == expected, $"reply {i} is the value of k{i % 3}");
        }

        Assert.Equal(":3\r\n", peer.Ask(":3\r\n", "DEL", "k0", "k1", "k2"));
        CheckEmpty(server);
    }

    [Fact]
    public void A_muted_client_gets_nothing_and_nothing_is_kept()
    {
        using var server = new InProcessServer("--io-threads", "2");
        using var peer = new Peer(server.Port);
        peer.Ask("+OK\r\n", "SET", "k", new string('a', Size));
        peer.Request("CLIENT", "REPLY", "SKIP");
        peer.Request("GET", "k");
        Assert.Equal(":1\r\n", peer.Ask(":1\r\n", "DEL", "k"));
        CheckEmpty(server);
    }

    [Fact]
    public void A_value_that_is_not_stored_is_not_kept()
    {
        using var server = new InProcessServer("--io-threads", "2");
        using var client = new Conversation(server);
        var value = new string('v', Size);
        Assert.Equal("(nil)", client.SayWords("SET", "k", value, "XX"));
        Assert.StartsWith("ERR", client.SayWords("SET", "k", value, "NONSENSE"));
        Assert.Equal("1", client.SayWords("MSETNX", "k", value, "l", value));
        Assert.Equal("0", client.SayWords("MSETNX", "k", value, "m", value));
        Assert.Equal("2", client.Say("DEL k l"));
        CheckEmpty(server);
    }

    [Fact]
    public void Readers_see_whole_values_while_others_write()
    {
        using var server = new InProcessServer("--io-threads", "4");
        const int Rounds = 150;
        var whole = Enumerable.Range(0, 10).Select(i => new string((char)('0' + i), Size)).ToArray();
        using (var first = new Conversation(server)) first.SayWords("SET", "k", whole[0]);
        var writers = Enumerable.Range(0, 2).Select(number => Task.Run(() =>
        {
            using var peer = new Peer(server.Port);
            var random = new Random(number);
            for (var i = 0; i < Rounds; i++)
            {
                var value = whole[random.Next(10)];
                if (random.Next(3) == 0) peer.Ask($":{Size}\r\n", "SETRANGE", "k", "0", value);
                else peer.Ask("+OK\r\n", "SET", "k", value);
            }
        }));
        var readers = Enumerable.Range(0, 2).Select(number => Task.Run(() =>
        {
            using var peer = new Peer(server.Port);
            var length = Bulk(whole[0]).Length;
            for (var i = 0; i < Rounds; i++)
            {
                peer.Request("GET", "k");
                var text = peer.Receive(length)[^(Size + 2)..^2];
                Assert.Equal(-1, text.AsSpan().IndexOfAnyExcept(text[0]));
            }
        }));
        Assert.True(Task.WaitAll([.. writers, .. readers], 120_000), "all clients end");
        using (var last = new Conversation(server)) Assert.Equal("1", last.Say("DEL k"));
        CheckEmpty(server);
    }

    [Fact]
    public void Everybody_gets_back_what_he_stored_while_others_hold_all_partitions()
    {
        using var server = new InProcessServer("--io-threads", "2");
        const int Clients = 6;
        const int Rounds = 150;
        using (var first = new Peer(server.Port))
        {
            for (var i = 0; i < 60; i++)
            {
                var pairs = Enumerable.Range(0, 1000).SelectMany(n => new[] { $"k{(i * 1000) + n}", "v" });
                first.Ask("+OK\r\n", ["MSET", .. pairs]);
            }
        }

        var isDone = false;
        var holding = Task.Run(() =>
        {
            using var peer = new Peer(server.Port);
            while (!Volatile.Read(ref isDone)) peer.Ask("*0\r\n", "KEYS", "nomatch*");
        });
        var storing = Enumerable.Range(0, Clients).Select(number => Task.Run(() =>
        {
            using var peer = new Peer(server.Port);
            var value = new string((char)('a' + number), 40_000);
            for (var i = 0; i < Rounds; i++)
            {
                peer.Ask("+OK\r\n", "SET", "x" + number, value);
                Assert.True(Bulk(value) == peer.Ask(Bulk(value), "GET", "x" + number), "his own value");
            }
        })).ToArray();
        Assert.True(Task.WaitAll(storing, 120_000), "all clients end");
        Volatile.Write(ref isDone, true);
        Assert.True(holding.Wait(30_000));
        using (var last = new Peer(server.Port)) last.Ask("+OK\r\n", "FLUSHALL", "SYNC");
        CheckEmpty(server);
    }

    private static string Bulk(string value) => $"${value.Length}\r\n{value}\r\n";

    // What an empty server uses is far less than one large value.
    private static void CheckEmpty(InProcessServer server)
    {
        using var client = new Conversation(server);
        Assert.Equal("0", client.Say("DBSIZE"));
        Assert.InRange(server.Server.Parts.Keyspace.UsedBytes, 0, Size / 2);
        Assert.Equal(0, server.Server.Parts.Keyspace.Blobs.LiveCount);
    }
}
