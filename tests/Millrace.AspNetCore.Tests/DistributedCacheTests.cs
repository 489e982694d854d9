using System.Buffers;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Caching.StackExchangeRedis;
using Millrace.Compat.Tests.Servers;
using Millrace.Compat.Tests.Tools;
using StackExchange.Redis;

namespace Millrace.AspNetCore.Tests;

/// <summary>The distributed cache of Microsoft.Extensions.Caching.StackExchangeRedis.</summary>
public sealed class DistributedCacheTests(MillraceAlone fixture) : IClassFixture<MillraceAlone>
{
    private const string Prefix = "cache:";
    private static readonly TimeSpan s_hour = TimeSpan.FromHours(1);

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task What_is_set_is_got_until_it_is_removed(int protocol)
    {
        using RedisCache cache = Cache(protocol);
        foreach (int size in (int[])[0, 1, 1000, 1 << 20])
        {
            byte[] value = new byte[size];
            new Random(size).NextBytes(value);
            await cache.SetAsync("value", value, new DistributedCacheEntryOptions());
            Assert.Equal(value, await cache.GetAsync("value"));
            cache.Set("value", [.. value, 1], new DistributedCacheEntryOptions());
            Assert.Equal([.. value, 1], cache.Get("value"));
        }
        await cache.SetStringAsync("text", "mühle");
        Assert.Equal("mühle", await cache.GetStringAsync("text"));
        Assert.Null(await cache.GetAsync("missing"));
        Assert.Null(cache.Get("missing"));
        await cache.RemoveAsync("value");
        Assert.Null(await cache.GetAsync("value"));
        cache.Remove("text");
        Assert.Null(cache.GetString("text"));
        cache.Remove("missing");
        cache.Refresh("missing");
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task A_value_is_read_and_written_through_buffers(int protocol)
    {
        using RedisCache cache = Cache(protocol);
        IBufferDistributedCache buffers = cache;
        byte[] value = new byte[100_000];
        new Random(1).NextBytes(value);
        var first = new Segment(value.AsMemory(0, 30_000), null);
        var last = new Segment(value.AsMemory(30_000), first);
        var sequence = new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
        var written = new ArrayBufferWriter<byte>();

        await buffers.SetAsync("buffers", sequence, new DistributedCacheEntryOptions { SlidingExpiration = s_hour });
        Assert.True(await buffers.TryGetAsync("buffers", written));
        Assert.True(written.WrittenSpan.SequenceEqual(value));
        buffers.Set("buffers", sequence.Slice(1), new DistributedCacheEntryOptions());
        written.Clear();
        Assert.True(buffers.TryGet("buffers", written));
        Assert.True(written.WrittenSpan.SequenceEqual(value.AsSpan(1)));
        Assert.False(await buffers.TryGetAsync("missing", written));
        Assert.False(buffers.TryGet("missing", written));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task A_sliding_deadline_moves_with_each_use(int protocol)
    {
        using RedisCache cache = Cache(protocol);
        using ConnectionMultiplexer client = await Multiplexers.Connect(fixture.Server, protocol);
        IDatabase database = client.GetDatabase();
        var sliding = new DistributedCacheEntryOptions { SlidingExpiration = s_hour };
        await cache.SetAsync("sliding", [1], sliding);
        await AssertTimeToLive(database, "sliding", s_hour);
        foreach (Func<Task> use in (Func<Task>[])
            [
                () => cache.GetAsync("sliding"), () => cache.RefreshAsync("sliding"), () => Done(cache.Get("sliding")),
                () => { cache.Refresh("sliding"); return Task.CompletedTask; },
            ])
        {
            // As if most of the hour had passed.
            Assert.True(await database.KeyExpireAsync(Prefix + "sliding", TimeSpan.FromMinutes(2)));
            await use();
            await AssertTimeToLive(database, "sliding", s_hour);
        }
        cache.Set("soon", [1], new DistributedCacheEntryOptions { SlidingExpiration = TimeSpan.FromSeconds(1) });
        await Multiplexers.Until(async () => !await database.KeyExistsAsync(Prefix + "soon"), "the deadline");
        Assert.Null(await cache.GetAsync("soon"));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task An_absolute_deadline_stays(int protocol)
    {
        using RedisCache cache = Cache(protocol);
        using ConnectionMultiplexer client = await Multiplexers.Connect(fixture.Server, protocol);
        IDatabase database = client.GetDatabase();
        await cache.SetAsync("absolute", [1], new DistributedCacheEntryOptions
        {
            AbsoluteExpirationRelativeToNow = s_hour, SlidingExpiration = 2 * s_hour,
        });
        await AssertTimeToLive(database, "absolute", s_hour);
        await cache.RefreshAsync("absolute");
        await AssertTimeToLive(database, "absolute", s_hour);
        await cache.SetAsync("absolute", [1], new DistributedCacheEntryOptions
        {
            AbsoluteExpiration = DateTimeOffset.UtcNow + (2 * s_hour),
        });
        await AssertTimeToLive(database, "absolute", 2 * s_hour);
        await cache.SetAsync("soon", [1], new DistributedCacheEntryOptions
        {
            AbsoluteExpirationRelativeToNow = TimeSpan.FromSeconds(1), SlidingExpiration = s_hour,
        });
        await Multiplexers.Until(async () => await cache.GetAsync("soon") is null, "the deadline");
        Assert.False(await database.KeyExistsAsync(Prefix + "soon"));
    }

    [Fact]
    public async Task Many_callers_share_one_cache()
    {
        using RedisCache cache = Cache(3);
        var options = new DistributedCacheEntryOptions { SlidingExpiration = s_hour };
        await Task.WhenAll(Enumerable.Range(0, 1000).Select(async i =>
        {
            await cache.SetStringAsync($"many:{i}", $"value {i}", options);
            Assert.Equal($"value {i}", await cache.GetStringAsync($"many:{i}"));
            await cache.RemoveAsync($"many:{i}");
            Assert.Null(await cache.GetStringAsync($"many:{i}"));
        }));
        await RefusedCalls.AssertNone(fixture.Server);
    }

    private static Task Done(object? result)
    {
        Assert.NotNull(result);
        return Task.CompletedTask;
    }

    private static async Task AssertTimeToLive(IDatabase database, string key, TimeSpan expected)
    {
        TimeSpan? left = await database.KeyTimeToLiveAsync(Prefix + key);
        Assert.NotNull(left);
        Assert.InRange(left.Value, expected - TimeSpan.FromMinutes(10), expected);
    }

    private RedisCache Cache(int protocol) => new(new RedisCacheOptions
    {
        ConfigurationOptions = Multiplexers.Options(fixture.Server, protocol), InstanceName = Prefix,
    });

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        internal Segment(ReadOnlyMemory<byte> memory, Segment? previous)
        {
            Memory = memory;
            if (previous is null)
                return;
            RunningIndex = previous.RunningIndex + previous.Memory.Length;
            previous.Next = this;
        }
    }
}
