// A warm data command allocates no managed memory on its loop, from bytes in to bytes out.
//
// The loop's own counter is read by letters posted to it. What the letters cost is allocated on the test's thread. The
// commands run thousands of times in between, so that even one byte now and then would show.

using Millrace.Net;

namespace Millrace.Server.Tests;

public sealed class AllocationTests
{
    private const int Rounds = 2000;

    // The portable poller costs what System.Net.Sockets costs.
    private static string Io => Environment.GetEnvironmentVariable("MILLRACE_TEST_IO") is { } io and not "sockets"
        ? io
        : "auto";

    [Theory]
    [InlineData("PING", "+PONG\r\n", "PING")]
    [InlineData("GET", "$5\r\nvalue\r\n", "GET", "warm")]
    [InlineData("SET", "+OK\r\n", "SET", "warm", "value")]
    [InlineData("INCR", ":", "INCR", "counter")]
    [InlineData("MGET", "*2\r\n$5\r\nvalue\r\n$5\r\nother\r\n", "MGET", "warm", "second")]
    [InlineData("MSET", "+OK\r\n", "MSET", "warm", "value", "second", "other")]
    [InlineData("DEL", ":0\r\n", "DEL", "nothing")]
    [InlineData("EXISTS", ":1\r\n", "EXISTS", "warm")]
    [InlineData("EXPIRE", ":1\r\n", "EXPIRE", "dated", "1000")]
    [InlineData("TTL", ":-1\r\n", "TTL", "warm")]
    [InlineData("HSET", ":0\r\n", "HSET", "hash", "field", "other")]
    [InlineData("HGET", "$5\r\nvalue\r\n", "HGET", "hash", "second")]
    [InlineData("HSET of a table", ":0\r\n", "HSET", "table", "field", "other")]
    [InlineData("HGET of a table", "$5\r\nvalue\r\n", "HGET", "table", "second")]
    [InlineData("HGETALL", "*4\r\n$5\r\nfield\r\n$5\r\nvalue\r\n$6\r\nsecond\r\n$5\r\nvalue\r\n", "HGETALL", "hash")]
    [InlineData("HEXPIRE", "*1\r\n:1\r\n", "HEXPIRE", "table", "1000", "FIELDS", "1", "field")]
    public void A_warm_command_allocates_nothing(string name, string reply, params string[] request)
    {
        _ = name;
        using var server = new InProcessServer("--io-threads", "1", "--io", Io, "--slowlog-log-slower-than", "-1");
        using var peer = server.Connect();
        peer.Ask("+OK\r\n", "MSET", "warm", "value", "second", "other");
        peer.Ask("+OK\r\n", "MSET", "dated", "x", "counter", "1000000");
        peer.Ask(":2\r\n", "HSET", "hash", "field", "value", "second", "value");
        peer.Ask(":3\r\n", "HSET", "table", "field", "value", "second", "value", "long", new string('x', 100));
        if (reply == ":") reply = ":1000001\r\n";
        var loop = server.Server.Parts.Loops.Loops[0];
        var text = Peer.Encode(request);
        for (var i = 0; i < Rounds; i++) Exchange(peer, text, reply);
        var before = AllocatedBy(loop);
        for (var i = 0; i < Rounds; i++) Exchange(peer, text, reply);
        Assert.Equal(0, AllocatedBy(loop) - before);
    }

    [Theory]
    [InlineData("SUBSCRIBE", "c", "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$4\r\ntext\r\n")]
    [InlineData("PSUBSCRIBE", "?", "*4\r\n$8\r\npmessage\r\n$1\r\n?\r\n$1\r\nc\r\n$4\r\ntext\r\n")]
    public void A_message_to_subscribers_allocates_nothing(string command, string name, string message)
    {
        const int Pipeline = 3;
        using var server = new InProcessServer("--io-threads", "1", "--io", Io, "--slowlog-log-slower-than", "-1");
        using var peer = server.Connect();
        using var first = server.Connect();
        using var second = server.Connect();
        foreach (var subscriber in (Peer[])[first, second])
        {
            subscriber.Request(command, name);
            subscriber.Receive($"*3\r\n$\r\n$1\r\n{name}\r\n:1\r\n".Length + $"{command.Length}\r\n{command}".Length);
        }

        var text = string.Concat(Enumerable.Repeat(Peer.Encode("PUBLISH", "c", "text"), Pipeline));
        var replies = string.Concat(Enumerable.Repeat(":2\r\n", Pipeline));
        var messages = string.Concat(Enumerable.Repeat(message, Pipeline));
        var loop = server.Server.Parts.Loops.Loops[0];
        for (var i = 0; i < Rounds; i++) Publish();
        AssertAllocatesNothing(loop, Publish);

        void Publish()
        {
            Exchange(peer, text, replies);
            Assert.Equal(messages, first.Receive(messages.Length));
            Assert.Equal(messages, second.Receive(messages.Length));
        }
    }

    [Fact]
    public void Creating_and_deleting_keys_allocates_nothing()
    {
        var text = Peer.Encode("SET", "k", "v") + Peer.Encode("DEL", "k") +
            Peer.Encode("SET", "k", "v", "PX", "100000") + Peer.Encode("DEL", "k");
        AssertAllocatesNothing(text, "+OK\r\n:1\r\n+OK\r\n:1\r\n");
    }

    [Fact]
    public void Telling_of_events_allocates_nothing()
    {
        using var server = new InProcessServer(
            "--io-threads", "1", "--io", Io, "--slowlog-log-slower-than", "-1", "--notify-keyspace-events", "KEAmn");
        using var peer = server.Connect();
        var text = Peer.Encode("SET", "k", "v", "PX", "100000") + Peer.Encode("GET", "none") + Peer.Encode("DEL", "k")
            + Peer.Encode("RPUSH", "l", "v") + Peer.Encode("LMOVE", "l", "m", "LEFT", "RIGHT")
            + Peer.Encode("LPOP", "m");
        var replies = "+OK\r\n$-1\r\n:1\r\n:1\r\n$1\r\nv\r\n$1\r\nv\r\n";
        for (var i = 0; i < Rounds; i++) Exchange(peer, text, replies);
        AssertAllocatesNothing(server.Server.Parts.Loops.Loops[0], () => Exchange(peer, text, replies));
    }

    [Fact]
    public void A_transaction_allocates_nothing() => AssertAllocatesNothing(
        Peer.Encode("MULTI") + Peer.Encode("SET", "a", "1") + Peer.Encode("SET", "b", "2") + Peer.Encode("GET", "a")
            + Peer.Encode("EXEC"),
        "+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n*3\r\n+OK\r\n+OK\r\n$1\r\n1\r\n");

    [Fact]
    public void Changing_large_collections_allocates_nothing()
    {
        string[] numbers = [.. Enumerable.Range(0, 1000).Select(number => $"m{number}")];
        AssertAllocatesNothing(
            Peer.Encode("LPUSH", "list", "value") + Peer.Encode("RPOP", "list")
                + Peer.Encode("SADD", "set", "new") + Peer.Encode("SISMEMBER", "set", "new")
                + Peer.Encode("SREM", "set", "new")
                + Peer.Encode("ZADD", "sorted", "5", "new") + Peer.Encode("ZSCORE", "sorted", "new")
                + Peer.Encode("ZRANK", "sorted", "new") + Peer.Encode("ZREM", "sorted", "new")
                + Peer.Encode("HSET", "hash", "new", "v") + Peer.Encode("HGET", "hash", "new")
                + Peer.Encode("HDEL", "hash", "new"),
            ":5001\r\n$5\r\nvalue\r\n:1\r\n:1\r\n:1\r\n:1\r\n$1\r\n5\r\n:6\r\n:1\r\n:1\r\n$1\r\nv\r\n:1\r\n",
            ["RPUSH", "list", .. Enumerable.Repeat("value", 5000)],
            ["SADD", "set", .. numbers],
            ["ZADD", "sorted", .. numbers.SelectMany((member, score) => new[] { $"{score}", member })],
            ["HSET", "hash", .. numbers.SelectMany(field => new[] { field, "value" })]);
    }

    [Theory]
    [InlineData("allkeys-lru")]
    [InlineData("allkeys-lfu")]
    [InlineData("allkeys-random")]
    [InlineData("volatile-lru")]
    [InlineData("volatile-random")]
    [InlineData("volatile-ttl")]
    public void Making_room_allocates_nothing(string policy)
    {
        const int Keys = 40;
        using var server = new InProcessServer(
            "--io-threads", "1", "--io", Io, "--slowlog-log-slower-than", "-1", "--maxmemory", "100kb",
            "--maxmemory-policy", policy);
        using var peer = server.Connect();
        var text = string.Concat(Enumerable.Range(0, Keys).Select(static i => Peer.Encode(
            "SET", $"key:{i}", new string('v', 5000), "EX", $"{1000 + i}")));
        var loop = server.Server.Parts.Loops.Loops[0];
        for (var i = 0; i < Rounds; i++) Exchange(peer, text, string.Concat(Enumerable.Repeat("+OK\r\n", Keys)));
        AssertAllocatesNothing(
            loop, () => Exchange(peer, text, string.Concat(Enumerable.Repeat("+OK\r\n", Keys))));
        Assert.True(server.Server.Parts.Keyspace.Sum(static line => line.Evicted) > Rounds * Keys / 2);
    }

    private static void AssertAllocatesNothing(string text, string replies, params string[][] before)
    {
        using var server = new InProcessServer("--io-threads", "1", "--io", Io, "--slowlog-log-slower-than", "-1");
        using var peer = server.Connect();
        foreach (var request in before)
        {
            peer.Send(Peer.Encode(request));
            Assert.StartsWith(":", peer.Receive(":1000\r\n".Length), StringComparison.Ordinal);
        }

        var loop = server.Server.Parts.Loops.Loops[0];
        for (var i = 0; i < Rounds; i++) Exchange(peer, text, replies);
        AssertAllocatesNothing(loop, () => Exchange(peer, text, replies));
    }

    // What the runtime or a loop does for the first time takes memory once, and buffers grow when much arrives at a
    // time, whenever that comes; a warm command that took any would take it in each series.
    private static void AssertAllocatesNothing(EventLoop loop, Action exchange)
    {
        const int Series = 10;
        var least = long.MaxValue;
        for (var series = 0; series < Series && least > 0; series++)
        {
            var before = AllocatedBy(loop);
            for (var i = 0; i < Rounds; i++) exchange();
            least = Math.Min(least, AllocatedBy(loop) - before);
        }

        Assert.Equal(0, least);
    }

    private static void Exchange(Peer peer, string text, string reply)
    {
        peer.Send(text);
        Assert.Equal(reply.Length, peer.Receive(reply.Length).Length);
    }

    private static long AllocatedBy(EventLoop loop)
    {
        using var answer = new Question();
        loop.Post(answer);
        return answer.Wait();
    }

    private sealed class Question : Mail, IDisposable
    {
        private readonly ManualResetEventSlim _answered = new();
        private long _bytes;

        public override void Deliver(EventLoop loop)
        {
            _bytes = GC.GetAllocatedBytesForCurrentThread();
            _answered.Set();
        }

        public long Wait()
        {
            _answered.Wait();
            return _bytes;
        }

        public void Dispose() => _answered.Dispose();
    }
}
