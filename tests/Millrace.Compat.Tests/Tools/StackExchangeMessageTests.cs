using System.Text;
using Millrace.Compat.Tests.Servers;
using StackExchange.Redis;

namespace Millrace.Compat.Tests.Tools;

/// <summary>
/// Publish/subscribe and keyspace notifications through StackExchange.Redis. Its subscriptions have a connection of
/// their own; on RESP3 they share the one for commands if it is told so.
/// </summary>
public sealed class StackExchangeMessageTests(MillraceAlone fixture) : IClassFixture<MillraceAlone>
{
    private const int Messages = 2000;

    [Theory]
    [InlineData("RESP2")]
    [InlineData("RESP3")]
    [InlineData("RESP3 shared")]
    public async Task Every_subscriber_hears_a_channel_in_the_order_of_its_messages(string wire)
    {
        using ConnectionMultiplexer publisher = await Connect(wire);
        using ConnectionMultiplexer one = await Connect(wire);
        using ConnectionMultiplexer two = await Connect(wire);
        var channel = RedisChannel.Literal($"ordered:{wire}");
        ChannelMessageQueue[] queues =
            [await one.GetSubscriber().SubscribeAsync(channel), await two.GetSubscriber().SubscribeAsync(channel)];
        ISubscriber speaker = publisher.GetSubscriber();
        Task<long>[] receivers = [.. Enumerable.Range(0, Messages).Select(i => speaker.PublishAsync(channel, i))];
        Assert.All(await Task.WhenAll(receivers), count => Assert.Equal(2, count));
        Assert.Equal(2, await speaker.PublishAsync(channel, "end"));
        foreach (ChannelMessageQueue queue in queues)
        {
            for (int i = 0; i < Messages; i++)
                Assert.Equal(i, (int)(await queue.Next()).Message);
            Assert.Equal("end", (string?)(await queue.Next()).Message);
        }
    }

    [Theory]
    [InlineData("RESP2")]
    [InlineData("RESP3")]
    [InlineData("RESP3 shared")]
    public async Task A_connection_that_subscribes_still_serves_commands(string wire)
    {
        using ConnectionMultiplexer client = await Connect(wire);
        IDatabase database = client.GetDatabase();
        var channel = RedisChannel.Literal($"mixed:{wire}");
        ChannelMessageQueue queue = await client.GetSubscriber().SubscribeAsync(channel);
        long id = (long)await database.ExecuteAsync("CLIENT", "ID");
        Assert.Equal(wire == "RESP3 shared", id == (await client.SubscribedConnection()).Id);
        await database.KeyDeleteAsync("mixed");
        for (int i = 1; i <= 500; i++)
        {
            Task<long> published = database.PublishAsync(channel, i);
            Task<long> counted = database.StringIncrementAsync("mixed");
            Assert.Equal(1, await published);
            Assert.Equal(i, await counted);
        }
        for (int i = 1; i <= 500; i++)
            Assert.Equal(i, (int)(await queue.Next()).Message);
    }

    [Theory]
    [InlineData("RESP2")]
    [InlineData("RESP3")]
    [InlineData("RESP3 shared")]
    public async Task A_pattern_hears_the_channels_that_match(string wire)
    {
        using ConnectionMultiplexer client = await Connect(wire);
        ISubscriber subscriber = client.GetSubscriber();
        var pattern = RedisChannel.Pattern($"news:{wire}.[ab]*");
        ChannelMessageQueue queue = await subscriber.SubscribeAsync(pattern);
        Assert.Equal(0, await subscriber.PublishAsync(RedisChannel.Literal($"news:{wire}.c"), "no"));
        Assert.Equal(1, await subscriber.PublishAsync(RedisChannel.Literal($"news:{wire}.art"), "yes"));
        ChannelMessage message = await queue.Next();
        Assert.Equal($"news:{wire}.art", (string?)message.Channel);
        Assert.Equal(pattern, message.SubscriptionChannel);
        Assert.Equal("yes", (string?)message.Message);
        Assert.True(await client.GetServers().Single().SubscriptionPatternCountAsync() >= 1);
    }

    [Theory]
    [InlineData("RESP2")]
    [InlineData("RESP3")]
    [InlineData("RESP3 shared")]
    public async Task Shard_channels_are_apart_from_channels(string wire)
    {
        using ConnectionMultiplexer client = await Connect(wire);
        ISubscriber subscriber = client.GetSubscriber();
        var shard = RedisChannel.Sharded($"shard:{wire}");
        var plain = RedisChannel.Literal($"shard:{wire}");
        ChannelMessageQueue sharded = await subscriber.SubscribeAsync(shard);
        ChannelMessageQueue literal = await subscriber.SubscribeAsync(plain);
        for (int i = 0; i < 100; i++)
        {
            Assert.Equal(1, await subscriber.PublishAsync(shard, i));
            Assert.Equal(1, await subscriber.PublishAsync(plain, -i));
        }
        for (int i = 0; i < 100; i++)
        {
            Assert.Equal(i, (int)(await sharded.Next()).Message);
            Assert.Equal(-i, (int)(await literal.Next()).Message);
        }
        await sharded.UnsubscribeAsync();
        Assert.Equal(0, await subscriber.PublishAsync(shard, "nobody"));
        Assert.Equal(1, await subscriber.PublishAsync(plain, "somebody"));
        Assert.Equal("somebody", (string?)(await literal.Next()).Message);
    }

    [Theory]
    [InlineData("RESP2")]
    [InlineData("RESP3")]
    [InlineData("RESP3 shared")]
    public async Task Payloads_of_any_bytes_and_sizes_arrive(string wire)
    {
        using ConnectionMultiplexer client = await Connect(wire);
        ISubscriber subscriber = client.GetSubscriber();
        var channel = RedisChannel.Literal([0, 13, 10, 255, .. Encoding.ASCII.GetBytes(wire)]);
        ChannelMessageQueue queue = await subscriber.SubscribeAsync(channel);
        foreach (int size in (int[])[0, 1, 16_383, 16_384, 65_536, 3 << 20])
        {
            byte[] payload = new byte[size];
            new Random(size).NextBytes(payload);
            Assert.Equal(1, await subscriber.PublishAsync(channel, payload));
            ChannelMessage message = await queue.Next();
            Assert.Equal(channel, message.Channel);
            Assert.True(payload.AsSpan().SequenceEqual((byte[]?)message.Message), $"{size} bytes");
        }
    }

    [Theory]
    [InlineData("RESP2")]
    [InlineData("RESP3")]
    [InlineData("RESP3 shared")]
    public async Task Nothing_arrives_after_unsubscribing(string wire)
    {
        using ConnectionMultiplexer client = await Connect(wire);
        using ConnectionMultiplexer publisher = await Connect(wire);
        ISubscriber subscriber = client.GetSubscriber();
        ISubscriber speaker = publisher.GetSubscriber();
        IServer server = publisher.GetServers().Single();
        var channel = RedisChannel.Literal($"left:{wire}");
        var last = RedisChannel.Literal($"last:{wire}");
        int heard = 0;
        await subscriber.SubscribeAsync(channel, (_, _) => Interlocked.Increment(ref heard));
        ChannelMessageQueue end = await subscriber.SubscribeAsync(last);
        Assert.Equal(1, await server.SubscriptionSubscriberCountAsync(channel));
        Assert.Contains(channel, await server.SubscriptionChannelsAsync(RedisChannel.Pattern("l*")));
        Assert.Equal(1, await speaker.PublishAsync(channel, "heard"));
        await Multiplexers.Until(() => Task.FromResult(Volatile.Read(ref heard) == 1), "the message");

        await subscriber.UnsubscribeAsync(channel);
        Assert.Equal(0, await server.SubscriptionSubscriberCountAsync(channel));
        Assert.Equal(0, await speaker.PublishAsync(channel, "lost"));
        Assert.Equal(1, await speaker.PublishAsync(last, "end"));
        Assert.Equal("end", (string?)(await end.Next()).Message);
        Assert.Equal(1, Volatile.Read(ref heard));
        await subscriber.UnsubscribeAllAsync();
        Assert.Equal(0, await speaker.PublishAsync(last, "lost"));
    }

    [Theory]
    [InlineData("RESP2")]
    [InlineData("RESP3")]
    [InlineData("RESP3 shared")]
    public async Task Subscriptions_come_back_after_a_connection_is_lost(string wire)
    {
        using ConnectionMultiplexer client = await Connect(wire);
        using ConnectionMultiplexer publisher = await Connect(wire);
        var channel = RedisChannel.Literal($"back:{wire}");
        ChannelMessageQueue queue = await client.GetSubscriber().SubscribeAsync(channel);
        IServer server = publisher.GetServers().Single();
        ISubscriber speaker = publisher.GetSubscriber();
        ClientInfo subscribed = await client.SubscribedConnection();
        Assert.Equal(1, await server.ClientKillAsync(subscribed.Id));
        var heard = default(ChannelMessage);
        await Multiplexers.Until(
            async () =>
            {
                await speaker.PublishAsync(channel, "back");
                return queue.TryRead(out heard);
            },
            "a message");
        Assert.Equal("back", (string?)heard.Message);
    }

    [Theory]
    [InlineData("RESP2")]
    [InlineData("RESP3")]
    [InlineData("RESP3 shared")]
    public async Task Keyspace_notifications_arrive_in_the_order_of_the_changes(string wire)
    {
        using ConnectionMultiplexer client = await Connect(wire);
        using ConnectionMultiplexer writer = await Connect(wire);
        await writer.GetServers().Single().ConfigSetAsync("notify-keyspace-events", "KEA");
        ISubscriber subscriber = client.GetSubscriber();
        RedisKey key = $"told:{wire}", other = $"{key}:other";
        ChannelMessageQueue keys = await subscriber.SubscribeAsync(RedisChannel.KeySpacePrefix(key, 3));
        ChannelMessageQueue sets = await subscriber.SubscribeAsync(RedisChannel.KeyEvent(KeyNotificationType.Set, 3));
        IDatabase database = writer.GetDatabase(3);
        await database.StringSetAsync(key, 1);
        await writer.GetDatabase(4).StringSetAsync(key, 1);
        await database.StringIncrementAsync(key);
        await database.KeyExpireAsync(key, TimeSpan.FromHours(1));
        await database.KeyRenameAsync(key, other);
        await database.KeyDeleteAsync(other);
        await database.HashSetAsync(key, "field", "v");
        await database.KeyExpireAsync(key, TimeSpan.FromMilliseconds(1));
        (KeyNotificationType, RedisKey)[] expected =
        [
            (KeyNotificationType.Set, key), (KeyNotificationType.IncrBy, key), (KeyNotificationType.Expire, key),
            (KeyNotificationType.RenameFrom, key), (KeyNotificationType.RenameTo, other),
            (KeyNotificationType.Del, other), (KeyNotificationType.HSet, key), (KeyNotificationType.Expire, key),
            (KeyNotificationType.Expired, key),
        ];
        foreach ((KeyNotificationType type, RedisKey changed) in expected)
        {
            Assert.True((await keys.Next()).TryParseKeyNotification(out KeyNotification told));
            Assert.Equal((type, changed, 3), (told.Type, told.GetKey(), told.Database));
        }
        Assert.True((await sets.Next()).TryParseKeyNotification(out KeyNotification set));
        Assert.Equal(
            (KeyNotificationKind.KeyEvent, KeyNotificationType.Set, key), (set.Kind, set.Type, set.GetKey()));
        Assert.False(sets.TryRead(out _));
        await writer.GetServers().Single().ConfigSetAsync("notify-keyspace-events", "");
    }

    private Task<ConnectionMultiplexer> Connect(string wire)
    {
        ConfigurationOptions options = Multiplexers.Options(fixture.Server, wire == "RESP2" ? 2 : 3);
        options.SharedSubscriptionConnection = wire == "RESP3 shared";
        return ConnectionMultiplexer.ConnectAsync(options);
    }
}
