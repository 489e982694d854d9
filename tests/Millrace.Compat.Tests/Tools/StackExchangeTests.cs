using System.Net;
using Millrace.Compat.Tests.Servers;
using StackExchange.Redis;

namespace Millrace.Compat.Tests.Tools;

/// <summary>StackExchange.Redis, unchanged, in both protocols and on both pollers.</summary>
public sealed class StackExchangeTests
{
    /// <summary>Protocol (2 or 3) and poller (null: the run's own).</summary>
    public static TheoryData<int, string?> Variants { get; } = new()
    {
        { 3, null }, { 2, null }, { 3, "sockets" }, { 2, "sockets" },
    };

    [Theory]
    [MemberData(nameof(Variants))]
    public async Task Connects_and_knows_the_server(int protocol, string? poller)
    {
        using ServerProcess server = Start(poller);
        using ConnectionMultiplexer client = await Connect(server, protocol);
        IServer seen = client.GetServer(new IPEndPoint(IPAddress.Loopback, server.Port));
        Assert.True(seen.IsConnected);
        Assert.Equal(ServerType.Standalone, seen.ServerType);
        Assert.False(seen.IsReplica);
        Assert.True(seen.Version >= new Version(7, 0));
        Assert.True(await seen.PingAsync() < TimeSpan.FromSeconds(5));
        Assert.Equal(16, seen.DatabaseCount);
        Assert.NotEmpty(await seen.ClientListAsync());
        Assert.NotEmpty(await seen.InfoAsync());
        Assert.Equal("echo", (string?)await seen.EchoAsync("echo"));
        Assert.True(Math.Abs((await seen.TimeAsync() - DateTime.UtcNow).TotalSeconds) < 5);
        KeyValuePair<string, string>[] timeout = await seen.ConfigGetAsync("timeout");
        Assert.Equal("0", timeout.Single().Value);
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public async Task Strings_and_keys(int protocol, string? poller)
    {
        using ServerProcess server = Start(poller);
        using ConnectionMultiplexer client = await Connect(server, protocol);
        IDatabase database = client.GetDatabase(1);
        Assert.True(await database.StringSetAsync("a", "1"));
        Assert.Equal("1", (string?)await database.StringGetAsync("a"));
        Assert.True((await database.StringGetAsync("missing")).IsNull);
        Assert.Equal(6, await database.StringIncrementAsync("a", 5));
        Assert.Equal(5, await database.StringDecrementAsync("a"));
        Assert.Equal(6.5, await database.StringIncrementAsync("a", 1.5));
        Assert.Equal(6, await database.StringAppendAsync("a", "xyz"));
        Assert.Equal(6, await database.StringLengthAsync("a"));
        Assert.Equal("6.5", (string?)await database.StringGetRangeAsync("a", 0, 2));
        Assert.Equal(6, (long)await database.StringSetRangeAsync("a", 0, "7"));
        Assert.Equal("7.5xyz", (string?)await database.StringGetSetAsync("a", "new"));
        Assert.False(await database.StringSetAsync("a", "x", when: When.NotExists));
        Assert.True(await database.StringSetAsync("a", "x", when: When.Exists));
        Assert.Equal("x", (string?)await database.StringSetAndGetAsync("a", "y"));
        Assert.Equal("y", (string?)await database.StringGetDeleteAsync("a"));
        Assert.True(await database.StringSetAsync([new("m1", "1"), new("m2", "2")]));
        RedisValue[] values = await database.StringGetAsync(["m1", "none", "m2"]);
        Assert.Equal(["1", null, "2"], values.Select(value => (string?)value));
        Assert.Equal("1", (string?)await database.StringGetSetExpiryAsync("m1", TimeSpan.FromSeconds(100)));
        byte[] binary = [0, 13, 10, 255, 0];
        await database.StringSetAsync("binary", binary);
        Assert.Equal(binary, (byte[]?)await database.StringGetAsync("binary"));
        byte[] big = new byte[1 << 20];
        Random.Shared.NextBytes(big);
        await database.StringSetAsync("big", big);
        Assert.Equal(big, (byte[]?)await database.StringGetAsync("big"));
        Assert.Equal("mytext", (string?)await Lcs(database));
        await Keys(database);
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public async Task Deadlines_are_set_read_and_taken_away(int protocol, string? poller)
    {
        using ServerProcess server = Start(poller);
        using ConnectionMultiplexer client = await Connect(server, protocol);
        IDatabase database = client.GetDatabase();
        // Long enough for a slow machine to see the key, and then waited for, however long that takes.
        await database.StringSetAsync("e", "1", TimeSpan.FromSeconds(2));
        Assert.True(await database.KeyExistsAsync("e"));
        while (await database.KeyExistsAsync("e"))
            await Task.Delay(20);
        await database.StringSetAsync("e", "1", TimeSpan.FromHours(1));
        Assert.InRange((await database.KeyTimeToLiveAsync("e"))!.Value.TotalSeconds, 3590, 3600);
        Assert.True(await database.KeyPersistAsync("e"));
        Assert.Null(await database.KeyTimeToLiveAsync("e"));
        Assert.True(await database.KeyExpireAsync("e", DateTime.UtcNow.AddDays(1)));
        Assert.False(await database.KeyExpireAsync("e", TimeSpan.FromHours(1), ExpireWhen.GreaterThanCurrentExpiry));
        Assert.True(
            Math.Abs(((await database.KeyExpireTimeAsync("e"))!.Value - DateTime.UtcNow.AddDays(1)).TotalSeconds) < 10);
        RedisValueWithExpiry both = await database.StringGetWithExpiryAsync("e");
        Assert.Equal("1", (string?)both.Value);
        Assert.NotNull(both.Expiry);
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public async Task Batches_and_many_callers(int protocol, string? poller)
    {
        using ServerProcess server = Start(poller);
        using ConnectionMultiplexer client = await Connect(server, protocol);
        IDatabase database = client.GetDatabase();
        IBatch batch = database.CreateBatch();
        Task<long>[] increments = [.. Enumerable.Range(0, 1000).Select(_ => batch.StringIncrementAsync("counter"))];
        batch.Execute();
        Assert.Equal(Enumerable.Range(1, 1000).Select(i => (long)i), await Task.WhenAll(increments));
        await Task.WhenAll(Enumerable.Range(0, 2000).Select(async i =>
        {
            await database.StringSetAsync($"many:{i}", i);
            Assert.Equal(i, (int)await database.StringGetAsync($"many:{i}"));
        }));
        await database.StringSetAsync("quiet", "1", flags: CommandFlags.FireAndForget);
        Assert.Equal("1", (string?)await database.StringGetAsync("quiet"));
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public async Task Scanning_through_the_server(int protocol, string? poller)
    {
        using ServerProcess server = Start(poller);
        using ConnectionMultiplexer client = await Connect(server, protocol);
        IDatabase database = client.GetDatabase(2);
        await Task.WhenAll(Enumerable.Range(0, 1500).Select(i => database.StringSetAsync($"s:{i}", i)));
        await database.StringSetAsync("other", 1);
        IServer seen = client.GetServers().Single();
        var found = new HashSet<string>(StringComparer.Ordinal);
        await foreach (RedisKey key in seen.KeysAsync(2, "s:*", pageSize: 100))
            found.Add((string)key!);
        Assert.Equal(1500, found.Count);
        Assert.Equal(1501, seen.Keys(2).Distinct().Count());
        Assert.Equal(1501, await seen.DatabaseSizeAsync(2));
        await seen.FlushDatabaseAsync(2);
        Assert.Equal(0, await seen.DatabaseSizeAsync(2));
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public async Task Errors_reach_the_caller(int protocol, string? poller)
    {
        using ServerProcess server = Start(poller);
        using ConnectionMultiplexer client = await Connect(server, protocol);
        IDatabase database = client.GetDatabase();
        await database.StringSetAsync("text", "abc");
        RedisServerException fault = await Assert.ThrowsAsync<RedisServerException>(
            () => database.StringIncrementAsync("text"));
        Assert.Equal("ERR value is not an integer or out of range", fault.Message);
        fault = await Assert.ThrowsAsync<RedisServerException>(() => database.ExecuteAsync("NOTHING", "a"));
        Assert.StartsWith("ERR unknown command 'NOTHING'", fault.Message, StringComparison.Ordinal);
        fault = await Assert.ThrowsAsync<RedisServerException>(() => database.ExecuteAsync("SET", "a"));
        Assert.Equal("ERR wrong number of arguments for 'set' command", fault.Message);
        Assert.Equal("abc", (string?)await database.StringGetAsync("text"));
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public async Task A_password_is_asked_for(int protocol, string? poller)
    {
        string[] options = poller is null ? [] : ["--io", poller];
        using var server = ServerProcess.StartMillrace([.. options, "--requirepass", "secret"]);
        await Assert.ThrowsAsync<RedisConnectionException>(() => Connect(server, protocol));
        await Assert.ThrowsAsync<RedisConnectionException>(() => Connect(server, protocol, "wrong"));
        using ConnectionMultiplexer client = await Connect(server, protocol, "secret");
        Assert.True(await client.GetDatabase().StringSetAsync("a", "1"));
    }

    private static async Task Keys(IDatabase database)
    {
        await database.StringSetAsync("k1", "v");
        Assert.Equal(RedisType.String, await database.KeyTypeAsync("k1"));
        Assert.True(await database.KeyRenameAsync("k1", "k2"));
        Assert.False(await database.KeyExistsAsync("k1"));
        Assert.True(await database.KeyCopyAsync("k2", "k3"));
        Assert.Equal(2, await database.KeyExistsAsync(["k2", "k3", "k4"]));
        Assert.Equal("embstr", await database.KeyEncodingAsync("k2"));
        Assert.NotNull(await database.KeyIdleTimeAsync("k2"));
        Assert.True(await database.KeyTouchAsync("k2"));
        Assert.False((await database.KeyRandomAsync()).Equals(default));
        Assert.True(await database.KeyMoveAsync("k3", 4));
        Assert.Equal(1, await database.KeyDeleteAsync(["k2", "k3"]));
    }

    private static async Task<string?> Lcs(IDatabase database)
    {
        await database.StringSetAsync("t1", "ohmytext");
        await database.StringSetAsync("t2", "mynewtext");
        Assert.Equal(6, await database.StringLongestCommonSubsequenceLengthAsync("t1", "t2"));
        LCSMatchResult matches = await database.StringLongestCommonSubsequenceWithMatchesAsync("t1", "t2");
        Assert.Equal(2, matches.Matches.Length);
        return await database.StringLongestCommonSubsequenceAsync("t1", "t2");
    }

    private static ServerProcess Start(string? poller) =>
        poller is null ? ServerProcess.StartMillrace() : ServerProcess.StartMillrace("--io", poller);

    private static Task<ConnectionMultiplexer> Connect(ServerProcess server, int protocol, string? password = null) =>
        Multiplexers.Connect(server, protocol, password);
}
