using System.Collections.Concurrent;
using System.Globalization;
using Millrace.Compat.Tests.Servers;
using StackExchange.Redis;

namespace Millrace.Compat.Tests.Tools;

/// <summary>
/// Server-assisted client-side caching through StackExchange.Redis 3, which has no cache of its own and drops the
/// pushes of RESP3. What its users do: the connection that reads redirects (CLIENT TRACKING ON REDIRECT) to the
/// RESP2 connection of a subscriber of <c>__redis__:invalidate</c>, whose messages the library understands.
/// </summary>
public sealed class StackExchangeTrackingTests(MillraceAlone fixture) : IClassFixture<MillraceAlone>
{
    private static readonly RedisChannel s_invalidate = RedisChannel.Literal("__redis__:invalidate");

    private ServerProcess Server => fixture.Server;

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task A_key_that_was_read_is_told_of_once_when_it_changes(int protocol)
    {
        using ConnectionMultiplexer listener = await Multiplexers.Connect(Server, 2);
        using ConnectionMultiplexer reader = await Multiplexers.Connect(Server, protocol);
        using ConnectionMultiplexer writer = await Multiplexers.Connect(Server, protocol);
        (ChannelMessageQueue queue, long id) = await Listen(listener);
        IDatabase reads = reader.GetDatabase(), writes = writer.GetDatabase();
        await reads.ExecuteAsync("CLIENT", "TRACKING", "ON", "REDIRECT", id);
        Assert.Equal(id, (long)await reads.ExecuteAsync("CLIENT", "GETREDIR"));
        await writes.StringSetAsync("read", 1);
        await writes.StringSetAsync("unread", 1);
        await reads.StringGetAsync("read");
        await writes.StringSetAsync("unread", 2);
        await writes.StringSetAsync("read", 2);
        await writes.StringSetAsync("read", 3);
        Assert.Equal("read", (string?)(await queue.Next()).Message);
        // Whatever else was told of those three would stand before this.
        await reads.StringGetAsync(["a", "b"]);
        await writes.StringSetAsync([new("a", 1), new("b", 2)]);
        string?[] told = [(string?)(await queue.Next()).Message, (string?)(await queue.Next()).Message];
        Assert.Equal(["a", "b"], told.Order(StringComparer.Ordinal));
        await reads.ExecuteAsync("CLIENT", "TRACKING", "OFF");
        await reads.StringGetAsync("a");
        await writes.StringSetAsync("a", 2);
        await writes.PublishAsync(s_invalidate, "end");
        Assert.Equal("end", (string?)(await queue.Next()).Message);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task A_prefix_is_told_of_without_reading(int protocol)
    {
        using ConnectionMultiplexer listener = await Multiplexers.Connect(Server, 2);
        using ConnectionMultiplexer reader = await Multiplexers.Connect(Server, protocol);
        using ConnectionMultiplexer writer = await Multiplexers.Connect(Server, protocol);
        (ChannelMessageQueue queue, long id) = await Listen(listener);
        await reader.GetDatabase().ExecuteAsync(
            "CLIENT", "TRACKING", "ON", "REDIRECT", id, "BCAST", "PREFIX", "user:", "PREFIX", "shop:", "NOLOOP");
        IDatabase writes = writer.GetDatabase();
        await reader.GetDatabase().StringSetAsync("user:own", 1);
        await writes.StringSetAsync("other", 1);
        await writes.StringSetAsync("user:1", 1);
        await writes.HashSetAsync("shop:1", "field", 1);
        Assert.Equal("user:1", (string?)(await queue.Next()).Message);
        Assert.Equal("shop:1", (string?)(await queue.Next()).Message);
        await writes.KeyExpireAsync("user:1", TimeSpan.FromMilliseconds(1));
        Assert.Equal("user:1", (string?)(await queue.Next()).Message);
        await Multiplexers.Until(async () => !await writes.KeyExistsAsync("user:1"), "the deadline");
        Assert.Equal("user:1", (string?)(await queue.Next()).Message);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task A_cache_in_the_client_ends_with_the_last_values(int protocol)
    {
        const int keys = 20, rounds = 100;
        using ConnectionMultiplexer listener = await Multiplexers.Connect(Server, 2);
        using ConnectionMultiplexer reader = await Multiplexers.Connect(Server, protocol);
        using ConnectionMultiplexer writer = await Multiplexers.Connect(Server, protocol);
        var cache = new ConcurrentDictionary<string, int>(StringComparer.Ordinal);
        long id = (await Listen(listener)).Id;
        await listener.GetSubscriber().SubscribeAsync(
            s_invalidate, (channel, key) => cache.TryRemove((string)key!, out _));
        IDatabase reads = reader.GetDatabase(), writes = writer.GetDatabase();
        await reads.ExecuteAsync("CLIENT", "TRACKING", "ON", "REDIRECT", id);
        int hits = 0;
        async Task<int> Read(string key)
        {
            if (cache.TryGetValue(key, out int value))
            {
                hits++;
                return value;
            }
            return cache[key] = (int)await reads.StringGetAsync(key);
        }

        for (int round = 1; round <= rounds; round++)
        {
            for (int i = 0; i < keys; i += 1 + (round % 3))
                await writes.StringSetAsync($"cached:{i}", round);
            for (int i = 0; i < keys; i++)
                await Read($"cached:{i}");
        }
        for (int i = 0; i < keys; i++)
            await writes.StringSetAsync($"cached:{i}", rounds + 1);
        for (int i = 0; i < keys; i++)
        {
            string key = string.Create(CultureInfo.InvariantCulture, $"cached:{i}");
            await Multiplexers.Until(async () => await Read(key) == rounds + 1, $"the last value of {key}");
        }
        Assert.NotEqual(0, hits);
    }

    [Fact]
    public async Task Pushes_of_RESP3_tracking_do_not_disturb_the_replies_between_them()
    {
        ConfigurationOptions options = Multiplexers.Options(Server, 3);
        options.SharedSubscriptionConnection = true;
        using ConnectionMultiplexer reader = await ConnectionMultiplexer.ConnectAsync(options);
        using ConnectionMultiplexer writer = await Multiplexers.Connect(Server, 3);
        int failures = 0;
        reader.ConnectionFailed += (_, _) => Interlocked.Increment(ref failures);
        IDatabase reads = reader.GetDatabase(), writes = writer.GetDatabase();
        await reads.ExecuteAsync("CLIENT", "TRACKING", "ON");
        Assert.Contains('t', (await reader.SubscribedConnection()).FlagsRaw!);
        var channel = RedisChannel.Literal("beside");
        ChannelMessageQueue queue = await reader.GetSubscriber().SubscribeAsync(channel);
        for (int i = 0; i < 500; i++)
        {
            await writes.StringSetAsync("pushed", i);
            Task<RedisValue> read = reads.StringGetAsync("pushed");
            Task<long> published = writes.PublishAsync(channel, i);
            Assert.Equal(i, (int)await read);
            Assert.Equal(1, await published);
        }
        for (int i = 0; i < 500; i++)
            Assert.Equal(i, (int)(await queue.Next()).Message);
        Assert.Equal(0, Volatile.Read(ref failures));
    }

    /// <summary>Subscribes to invalidations and finds the id of the connection that hears them.</summary>
    private static async Task<(ChannelMessageQueue Queue, long Id)> Listen(ConnectionMultiplexer listener)
    {
        ChannelMessageQueue queue = await listener.GetSubscriber().SubscribeAsync(s_invalidate);
        return (queue, (await listener.SubscribedConnection()).Id);
    }
}
