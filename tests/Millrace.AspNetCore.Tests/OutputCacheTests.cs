using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.OutputCaching;
using Microsoft.Extensions.DependencyInjection;
using Millrace.Compat.Tests.Servers;
using Millrace.Compat.Tests.Tools;
using StackExchange.Redis;

namespace Millrace.AspNetCore.Tests;

/// <summary>
/// The output cache of Microsoft.AspNetCore.OutputCaching.StackExchangeRedis, shared by two web servers.
/// </summary>
public sealed class OutputCacheTests(MillraceAlone fixture) : IClassFixture<MillraceAlone>
{
    // How the package names the sorted set of a tag (InstanceName, "__MSOCT_", tag).
    private const string TagPrefix = "__MSOCT_";

    private int _made;

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task A_page_is_made_once_for_two_servers_until_its_tag_is_evicted(int protocol)
    {
        string instance = $"pages{protocol}:";
        await using WebApplication one = await Start(protocol, instance);
        await using WebApplication two = await Start(protocol, instance);
        using ConnectionMultiplexer client = await Multiplexers.Connect(fixture.Server, protocol);
        IDatabase database = client.GetDatabase();
        using var browser = new HttpClient();
        string first = await browser.GetStringAsync(one.Address("/news/1"));
        string other = await browser.GetStringAsync(one.Address("/shop/1"));
        // A page is stored when its reader has it already.
        await Stored(database, instance, "news", 1);
        await Stored(database, instance, "shop", 1);
        for (int i = 0; i < 10; i++)
        {
            Assert.Equal(first, await browser.GetStringAsync(one.Address("/news/1")));
            Assert.Equal(first, await browser.GetStringAsync(two.Address("/news/1")));
        }
        using HttpResponseMessage cached = await browser.GetAsync(two.Address("/news/1"));
        Assert.NotNull(cached.Headers.Age);
        string second = await browser.GetStringAsync(two.Address("/news/2"));
        Assert.NotEqual(first, second);
        await Stored(database, instance, "news", 2);

        await two.Services.GetRequiredService<IOutputCacheStore>().EvictByTagAsync("news", default);
        await Stored(database, instance, "news", 0);
        Assert.NotEqual(first, await browser.GetStringAsync(one.Address("/news/1")));
        Assert.NotEqual(second, await browser.GetStringAsync(one.Address("/news/2")));
        Assert.Equal(other, await browser.GetStringAsync(two.Address("/shop/1")));
        await one.Services.GetRequiredService<IOutputCacheStore>().EvictByTagAsync("nothing", default);
        await RefusedCalls.AssertNone(fixture.Server);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task The_store_keeps_tags_of_many_values(int protocol)
    {
        const int values = 500;
        string instance = $"store{protocol}:";
        await using WebApplication server = await Start(protocol, instance);
        IOutputCacheStore store = server.Services.GetRequiredService<IOutputCacheStore>();
        var hour = TimeSpan.FromHours(1);
        for (int i = 0; i < values; i++)
            await store.SetAsync($"k{i}", [(byte)i], ["all", i % 2 == 0 ? "even" : "odd"], hour, default);
        Assert.Equal([7], await store.GetAsync("k7", default));
        Assert.Null(await store.GetAsync("missing", default));
        await store.EvictByTagAsync("even", default);
        for (int i = 0; i < values; i++)
            Assert.Equal(i % 2 == 1, await store.GetAsync($"k{i}", default) is not null);
        await store.EvictByTagAsync("all", default);
        for (int i = 0; i < values; i++)
            Assert.Null(await store.GetAsync($"k{i}", default));
        await RefusedCalls.AssertNone(fixture.Server);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task The_store_takes_buffers_and_keeps_to_deadlines(int protocol)
    {
        await using WebApplication server = await Start(protocol, $"buffers{protocol}:");
        var store = (IOutputCacheBufferStore)server.Services.GetRequiredService<IOutputCacheStore>();
        byte[] page = new byte[200_000];
        new Random(protocol).NextBytes(page);
        await store.SetAsync(
            "page", new ReadOnlySequence<byte>(page), Array.Empty<string>(), TimeSpan.FromHours(1), default);
        var pipe = new Pipe(new PipeOptions(pauseWriterThreshold: 0));
        Assert.True(await store.TryGetAsync("page", pipe.Writer, default));
        await pipe.Writer.CompleteAsync();
        ReadResult read = await pipe.Reader.ReadAtLeastAsync(page.Length);
        Assert.Equal(page, read.Buffer.ToArray());
        Assert.False(await store.TryGetAsync("missing", new Pipe().Writer, default));
        await store.SetAsync("soon", page, ["tag"], TimeSpan.FromMilliseconds(100), default);
        await Multiplexers.Until(async () => await store.GetAsync("soon", default) is null, "the deadline");
    }

    private static Task Stored(IDatabase database, string instance, string tag, long pages) => Multiplexers.Until(
        async () => await database.SortedSetLengthAsync(instance + TagPrefix + tag) == pages,
        $"{pages} pages of {tag}");

    private Task<WebApplication> Start(int protocol, string instance) => WebServers.Start(
        services =>
        {
            services.AddOutputCache();
            services.AddStackExchangeRedisOutputCache(options =>
            {
                options.ConfigurationOptions = Multiplexers.Options(fixture.Server, protocol);
                options.InstanceName = instance;
            });
        },
        server =>
        {
            server.UseOutputCache();
            foreach (string tag in (string[])["news", "shop"])
            {
                server.MapGet($"/{tag}/{{id}}", (string id) => $"{id}, made as {Interlocked.Increment(ref _made)}")
                    .CacheOutput(policy => policy.Tag(tag).Expire(TimeSpan.FromHours(1)).SetVaryByHost(false));
            }
        });
}
