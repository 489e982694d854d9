// Commands against the limit of memory, through whole servers; who goes in which order is the engine's own tests'.

using System.Globalization;
using System.Text;
using Millrace.Server.Effects;

namespace Millrace.Server.Tests.Execution;

public class EvictionTests
{
    private const string Oom = "OOM command not allowed when used memory > 'maxmemory'.";
    private const string AbortedByOom = "EXECABORT Transaction discarded because of: " + Oom;
    private const string Aborted = "EXECABORT Transaction discarded because of previous errors.";
    private const string Full = "CONFIG SET maxmemory 1|";
    private const string Free = "CONFIG SET maxmemory 0|";

    // Requests, separated by |, and the reply of the last one; as redis-server 7.0 answers.
    [Theory]
    [InlineData(Full + "SET a 1", Oom)]
    [InlineData(Full + "INCR a", Oom)]
    [InlineData(Full + "RPUSH a 1", Oom)]
    [InlineData("SET a 1|" + Full + "SET a 2", Oom)]
    [InlineData("SET a 1|" + Full + "GET a", "1")]
    [InlineData("SET a 1|" + Full + "EXPIRE a 100", "1")]
    [InlineData("SET a 1|" + Full + "GETDEL a", "1")]
    [InlineData("SET a 1|" + Full + "DEL a", "1")]
    [InlineData("RPUSH a 1 2|" + Full + "LPOP a", "1")]
    [InlineData("SET a 1|" + Full + "FLUSHALL", "OK")]
    [InlineData(Full + "SET a 1|" + Free + "SET a 1", "OK")]
    [InlineData(Full + "MULTI", "OK")]
    [InlineData(Full + "MULTI|GET a", Oom)]
    [InlineData(Full + "MULTI|PING|DISCARD", "OK")]
    [InlineData(Full + "MULTI|SET a 1|EXEC", Aborted)]
    [InlineData(Full + "MULTI|EXEC", "[]")]
    [InlineData("MULTI|SET a 1|GET a|CONFIG SET maxmemory 1|EXEC|GET a", "1")]
    [InlineData("CONFIG SET maxmemory-policy allkeys-lru|" + Full + "SET a 1", Oom)]
    [InlineData("CONFIG SET maxmemory-policy allkeys-random|" + Full + "SET a 1", Oom)]
    [InlineData("SET b 1|CONFIG SET maxmemory-policy volatile-lru|" + Full + "SET a 1", Oom)]
    [InlineData("SET b 1|CONFIG SET maxmemory-policy volatile-random|" + Full + "SET a 1", Oom)]
    [InlineData("SET b 1|CONFIG SET maxmemory-policy volatile-ttl|" + Full + "SET a 1", Oom)]
    [InlineData("SET b 1|CONFIG SET maxmemory-policy volatile-lfu|" + Full + "SET a 1|" + Free + "GET b", "1")]
    [InlineData("CONFIG SET maxmemory-policy allkeys-lfu|SET a x|OBJECT FREQ a", "5")]
    [InlineData("CONFIG SET maxmemory-policy volatile-lfu|SET a x|OBJECT FREQ a", "5")]
    [InlineData("CONFIG SET maxmemory-policy allkeys-lru|SET a x|OBJECT IDLETIME a", "0")]
    public void The_last_request_has_this_reply(string requests, string reply)
    {
        foreach (var loops in new[] { "1", "4" })
        {
            using var server = new InProcessServer("--io-threads", loops);
            using var client = new Conversation(server);
            var last = "";
            foreach (var request in requests.Split('|')) last = client.Say(request);

            // Partitions that other loops look at just then may hide for a moment that nothing is left to go.
            for (var tries = 0; last != reply && reply == Oom && tries < 20; tries++)
                last = client.Say(requests[(requests.LastIndexOf('|') + 1)..]);
            Assert.Equal(reply, last);
        }
    }

    [Fact]
    public void A_transaction_that_writes_is_refused_when_memory_is_used_up_at_EXEC()
    {
        using var server = new InProcessServer();
        using var client = new Conversation(server);
        using var reader = new Conversation(server);
        using var other = new Conversation(server);
        client.Say("MULTI");
        client.Say("SET a 1");
        reader.Say("MULTI");
        reader.Say("GET a");
        other.Say("CONFIG SET maxmemory 1");
        Assert.Equal(AbortedByOom, client.Say("EXEC"));
        Assert.Equal("ERR EXEC without MULTI", client.Say("EXEC"));
        Assert.Equal("[(nil)]", reader.Say("EXEC"));
        Assert.Contains("errorstat_EXECABORT:count=1", other.Say("INFO errorstats"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("1")]
    [InlineData("4")]
    public void Memory_comes_down_without_any_write_and_a_watched_key_that_goes_breaks_the_watch(string loops)
    {
        using var server = new InProcessServer("--io-threads", loops);
        using var client = new Conversation(server);
        using var other = new Conversation(server);
        var log = new LogText();
        server.Server.Parts.Log.Attach(log);
        other.Say("SET gone 1");
        other.Say("SET other 1");
        client.Say("WATCH gone");
        client.Say("MULTI");
        client.Say("PING");
        other.Say("CONFIG SET maxmemory-policy allkeys-lru");
        other.Say("CONFIG SET maxmemory 1");
        Assert.True(SpinWait.SpinUntil(() => other.Say("DBSIZE") == "0", 30_000), "the key is still there");
        other.Say("CONFIG SET maxmemory 0");
        Assert.Equal("(nil)", client.Say("EXEC"));
        Assert.Contains(Peer.Encode("UNLINK", "gone"), log.Read(), StringComparison.Ordinal);
        Assert.Contains(Peer.Encode("UNLINK", "other"), log.Read(), StringComparison.Ordinal);
        Assert.DoesNotContain("MULTI", log.Read(), StringComparison.Ordinal);
        Assert.Contains("\r\nevicted_keys:2\r\n", other.Say("INFO stats"), StringComparison.Ordinal);
        other.Say("CONFIG RESETSTAT");
        Assert.Contains("\r\nevicted_keys:0\r\n", other.Say("INFO stats"), StringComparison.Ordinal);
        server.Server.Parts.Log.Detach(log);
    }

    [Theory]
    [InlineData("1")]
    [InlineData("4")]
    public void A_client_that_waits_is_served_after_lists_have_gone(string loops)
    {
        using var server = new InProcessServer("--io-threads", loops);
        using var waiter = new Conversation(server);
        using var other = new Conversation(server);
        other.Say("RPUSH target x");
        waiter.Send("BLMOVE", "source", "target", "LEFT", "RIGHT", "0");
        Assert.True(SpinWait.SpinUntil(
            () => other.Say("INFO clients").Contains("blocked_clients:1", StringComparison.Ordinal), 30_000));
        other.Say("CONFIG SET maxmemory-policy allkeys-random");
        other.Say("CONFIG SET maxmemory 1");
        Assert.True(SpinWait.SpinUntil(() => other.Say("DBSIZE") == "0", 30_000));
        Assert.True(waiter.IsSilent());
        other.Say("CONFIG SET maxmemory 0");
        other.Say("RPUSH source y");
        Assert.Equal("y", waiter.Read());
        Assert.Equal("[y]", other.Say("LRANGE target 0 -1"));
    }

    [Fact]
    public void While_writes_are_paused_nothing_goes()
    {
        using var server = new InProcessServer();
        using var client = new Conversation(server);
        client.Say("SET a 1");
        client.Say("CLIENT PAUSE 60000 WRITE");
        client.Say("CONFIG SET maxmemory-policy allkeys-lru");
        client.Say("CONFIG SET maxmemory 1");
        Thread.Sleep(300);
        Assert.Equal("1", client.Say("DBSIZE"));
        client.Say("CLIENT UNPAUSE");
        Assert.True(SpinWait.SpinUntil(() => client.Say("DBSIZE") == "0", 30_000));
    }

    [Theory]
    [InlineData("allkeys-lru", "1")]
    [InlineData("allkeys-lfu", "4")]
    [InlineData("allkeys-random", "1")]
    [InlineData("allkeys-random", "4")]
    [InlineData("volatile-lru", "4")]
    [InlineData("volatile-lfu", "1")]
    [InlineData("volatile-random", "4")]
    [InlineData("volatile-ttl", "1")]
    [InlineData("volatile-ttl", "4")]
    public void Four_times_the_limit_goes_in_without_an_error_and_stays_within_it(string policy, string loops)
    {
        const int Keys = 16_000;
        const long Limit = 4 * 1024 * 1024;
        using var server = new InProcessServer("--io-threads", loops);
        using var client = new Conversation(server);
        client.Say("CONFIG SET maxmemory-policy " + policy);
        client.Say("CONFIG SET maxmemory " + Limit.ToString(CultureInfo.InvariantCulture));
        var value = new string('v', 1000);
        for (var i = 0; i < Keys; i += 100)
        {
            client.SendText(string.Concat(Enumerable.Range(i, 100).Select(n => Peer.Encode(
                "SET", $"key:{n}", value, "EX", $"{1000 + n}"))));
            for (var n = 0; n < 100; n++) Assert.Equal("OK", client.Read());
            Assert.InRange(server.Server.Parts.Keyspace.UsedBytes, 0, Limit * 1.02);
        }

        var evicted = server.Server.Parts.Keyspace.Sum(static line => line.Evicted);
        Assert.Equal(Keys, evicted + long.Parse(client.Say("DBSIZE"), CultureInfo.InvariantCulture));
        Assert.InRange(server.Server.Parts.Keyspace.UsedBytes, Limit * 0.97, Limit * 1.02);
        if (policy != "volatile-ttl") return;
        Assert.Equal("0", client.Say("EXISTS key:0 key:1 key:2000 key:12000"));
        Assert.Equal("1", client.Say($"EXISTS key:{Keys - 100}"));
    }

    [Theory]
    [InlineData("1")]
    [InlineData("4")]
    public void A_large_value_that_goes_makes_room_before_anything_else_goes(string loops)
    {
        using var server = new InProcessServer("--io-threads", loops);
        using var client = new Conversation(server);
        string[] numbers = [.. Enumerable.Range(0, 100_000).Select(static number => $"member:{number}")];
        client.SayWords(["SADD", "large", .. numbers]);
        client.Say("EXPIRE large 1000");
        for (var i = 0; i < 100; i++) client.Say($"SET small:{i} {new string('v', 1000)} EX 2000");
        client.Say("CONFIG SET maxmemory-policy volatile-ttl");
        client.Say($"CONFIG SET maxmemory {server.Server.Parts.Keyspace.UsedBytes - 1000}");
        for (var i = 0; i < 50; i++) Assert.Equal("OK", client.Say($"SET other:{i} v EX 3000"));

        // Other loops that evict at the same moment do not know of it yet: each may have one key go.
        var others = int.Parse(loops, System.Globalization.CultureInfo.InvariantCulture) - 1;
        var left = int.Parse(client.Say("DBSIZE"), System.Globalization.CultureInfo.InvariantCulture);
        Assert.InRange(left, 150 - others, 150);
        Assert.Contains($"\r\nevicted_keys:{151 - left}\r\n", client.Say("INFO stats"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("allkeys-lru", "1")]
    [InlineData("allkeys-random", "4")]
    [InlineData("volatile-ttl", "4")]
    public void Large_values_over_many_small_keys_stay_within_the_limit(string policy, string loops)
    {
        const long Limit = 8 * 1024 * 1024;
        const int Batch = 50;
        using var server = new InProcessServer("--io-threads", loops);
        using var client = new Conversation(server);
        client.Say("CONFIG SET maxmemory-policy " + policy);
        client.Say("CONFIG SET maxmemory " + Limit.ToString(CultureInfo.InvariantCulture));
        var keyspace = server.Server.Parts.Keyspace;
        for (var i = 0; keyspace.Sum(static line => line.Evicted) == 0; i += 1000) SetMany("small", i, 1000, "v");
        for (var i = 0; i < 1000; i += Batch) SetMany("large", i, Batch, new string('v', 10_000));

        void SetMany(string name, int from, int count, string value)
        {
            client.SendText(string.Concat(Enumerable.Range(from, count).Select(n => Peer.Encode(
                "SET", $"{name}:{n}", value, "EX", "1000"))));
            for (var n = 0; n < count; n++)
            {
                Assert.Equal("OK", client.Read());
                Assert.InRange(keyspace.UsedBytes, 0, Limit * 1.02);
            }
        }
    }

    [Theory]
    [InlineData("1")]
    [InlineData("4")]
    public void What_was_deleted_makes_room_for_the_next_command(string loops)
    {
        using var server = new InProcessServer("--io-threads", loops);
        using var client = new Conversation(server);
        string[] numbers = [.. Enumerable.Range(0, 100_000).Select(static number => $"member:{number}")];
        client.SayWords(["SADD", "large", .. numbers]);
        client.Say($"CONFIG SET maxmemory {server.Server.Parts.Keyspace.UsedBytes - 100_000}");
        Assert.Equal(Oom, client.Say("SET a v"));
        client.SendText(Peer.Encode("DEL", "large") + Peer.Encode("SET", "a", "v") + "SET b v\r\n");
        Assert.Equal("1", client.Read());
        Assert.Equal("OK", client.Read());
        Assert.Equal("OK", client.Read());
    }

    [Theory]
    [InlineData("SUNIONSTORE target source")]
    [InlineData("COPY source target REPLACE")]
    [InlineData("SUNIONCARD 1 source")]
    public void Results_that_come_and_go_do_not_fill_the_memory(string request)
    {
        const int Requests = 500;
        using var server = new InProcessServer("--io-threads", "1");
        using var client = new Conversation(server);
        client.SayWords(["SADD", "source", .. Enumerable.Range(0, 3_000).Select(static number => $"member:{number}")]);
        var once = server.Server.Parts.Keyspace.UsedBytes;
        client.SendText(string.Concat(Enumerable.Repeat(Peer.Encode(request.Split(' ')), Requests)));
        var most = 0L;
        for (var i = 0; i < Requests; i++)
        {
            client.Read();
            most = Math.Max(most, server.Server.Parts.Keyspace.UsedBytes);
        }

        Assert.InRange(most, once, once * 20);
    }

    [Fact]
    public void What_a_transaction_discards_is_freed_between_its_commands()
    {
        using var server = new InProcessServer("--io-threads", "1");
        using var client = new Conversation(server);
        client.SayWords(["SADD", "source", .. Enumerable.Range(0, 3_000).Select(static number => $"member:{number}")]);
        var once = server.Server.Parts.Keyspace.UsedBytes;
        client.Say("MULTI");
        for (var i = 0; i < 100; i++) client.Say("SUNIONCARD 1 source");
        client.Say("EXEC");
        Assert.InRange(server.Server.Parts.Keyspace.UsedBytes, 0, once * 20);
    }

    [Fact]
    public void Keys_go_when_another_loop_keeps_what_was_discarded_for_long()
    {
        const long Limit = 16 * 1024 * 1024;
        using var server = new InProcessServer("--io-threads", "4");
        using var holder = new Conversation(server);
        using var client = new Conversation(server);
        string[] numbers = [.. Enumerable.Range(0, 50_000).Select(static number => $"member:{number}")];
        holder.SayWords(["SADD", "first", .. numbers]);
        holder.SayWords(["SADD", "discarded", .. numbers]);
        client.Say("CONFIG SET maxmemory-policy allkeys-lru");
        client.Say("CONFIG SET maxmemory " + Limit.ToString(CultureInfo.InvariantCulture));
        holder.Say("MULTI");
        holder.Say("DEL discarded");
        for (var i = 0; i < 20; i++) holder.Say("SINTERCARD 2 first first");
        holder.SendText(Peer.Encode("EXEC"));
        var value = new string('v', 10_000);
        for (var i = 0; i < 3_000; i++)
        {
            Assert.Equal("OK", client.Say($"SET key:{i} {value}"));
            Assert.InRange(server.Server.Parts.Keyspace.UsedBytes, 0, Limit * 1.02);
        }

        holder.Read();
    }

    [Fact]
    public void Info_tells_the_limit_and_for_how_long_it_is_exceeded()
    {
        using var server = new InProcessServer("--maxmemory", "2mb", "--maxmemory-policy", "volatile-ttl");
        using var client = new Conversation(server);
        var memory = client.Say("INFO memory");
        Assert.Contains("\r\nmaxmemory:2097152\r\nmaxmemory_human:2.00M\r\nmaxmemory_policy:volatile-ttl\r\n", memory,
            StringComparison.Ordinal);
        Assert.Contains("\r\ncurrent_eviction_exceeded_time:0\r\n", client.Say("INFO stats"), StringComparison.Ordinal);
        client.Say("CONFIG SET maxmemory 1");
        Thread.Sleep(30);
        var stats = client.Say("INFO stats");
        Assert.Matches(
            @"\r\ntotal_eviction_exceeded_time:[1-9]\d+\r\ncurrent_eviction_exceeded_time:[1-9]\d+\r\n",
            stats);
        client.Say("CONFIG SET maxmemory 2mb");
        stats = client.Say("INFO stats");
        Assert.Matches(@"\r\ntotal_eviction_exceeded_time:[1-9]\d+\r\ncurrent_eviction_exceeded_time:0\r\n", stats);
    }

    private sealed class LogText : IEffectConsumer
    {
        private readonly StringBuilder _text = new();

        public void Append(ReadOnlySpan<byte> block, long endPosition)
        {
            lock (_text) _text.Append(Encoding.Latin1.GetString(block));
        }

        public string Read()
        {
            lock (_text) return _text.ToString();
        }
    }
}
