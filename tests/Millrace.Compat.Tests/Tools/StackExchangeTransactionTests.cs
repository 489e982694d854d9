using Millrace.Compat.Tests.Servers;
using StackExchange.Redis;

namespace Millrace.Compat.Tests.Tools;

/// <summary>Transactions of StackExchange.Redis: conditions (WATCH), MULTI, EXEC, and the locks made of them.</summary>
public sealed class StackExchangeTransactionTests(MillraceAlone fixture) : IClassFixture<MillraceAlone>
{
    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Every_command_of_a_transaction_has_its_reply(int protocol)
    {
        using ConnectionMultiplexer client = await Multiplexers.Connect(fixture.Server, protocol);
        IDatabase database = await Empty(client);
        ITransaction transaction = database.CreateTransaction();
        Task<bool> set = transaction.StringSetAsync("text", "abc");
        Task<long> length = transaction.StringAppendAsync("text", "def");
        Task<long> pushed = transaction.ListRightPushAsync("list", ["1", "2", "3"]);
        Task<RedisValue[]> range = transaction.ListRangeAsync("list");
        Task<bool> added = transaction.SortedSetAddAsync("ranks", "one", 1);
        Task<double?> score = transaction.SortedSetScoreAsync("ranks", "one");
        Task<RedisValue> missing = transaction.StringGetAsync("missing");
        Task<TimeSpan> ping = transaction.PingAsync();
        Assert.False(await database.KeyExistsAsync("text"));

        Assert.True(await transaction.ExecuteAsync());
        Assert.True(await set);
        Assert.Equal(6, await length);
        Assert.Equal(3, await pushed);
        Assert.Equal(["1", "2", "3"], (await range).Select(value => (string?)value));
        Assert.True(await added);
        Assert.Equal(1, await score);
        Assert.True((await missing).IsNull);
        Assert.True(await ping >= TimeSpan.Zero);
        Assert.Equal("abcdef", (string?)await database.StringGetAsync("text"));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task A_condition_decides_whether_the_transaction_runs(int protocol)
    {
        using ConnectionMultiplexer client = await Multiplexers.Connect(fixture.Server, protocol);
        IDatabase database = await Empty(client);
        await database.StringSetAsync("text", "abc");
        await database.HashSetAsync("hash", "field", "v");
        await database.ListRightPushAsync("list", ["a", "b"]);
        await database.SetAddAsync("set", ["a", "b"]);
        await database.SortedSetAddAsync("ranks", [new("apple", 1), new("pear", 2)]);
        await database.StreamAddAsync("stream", "field", "v");
        foreach (Condition condition in Holding)
            Assert.True(await RunsUnder(database, condition), $"does not hold: {condition}");
        foreach (Condition condition in Failing)
            Assert.False(await RunsUnder(database, condition), $"holds: {condition}");
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Nothing_is_lost_when_several_clients_change_what_they_have_read(int protocol)
    {
        const int clients = 4, perClient = 25;
        using ConnectionMultiplexer first = await Multiplexers.Connect(fixture.Server, protocol);
        IDatabase database = await Empty(first);
        await database.StringSetAsync("balance", 0);
        await Task.WhenAll(Enumerable.Range(0, clients).Select(client => Task.Run(async () =>
        {
            using ConnectionMultiplexer own = await Multiplexers.Connect(fixture.Server, protocol);
            IDatabase mine = own.GetDatabase();
            for (int done = 0; done < perClient;)
            {
                RedisValue read = await mine.StringGetAsync("balance");
                ITransaction transaction = mine.CreateTransaction();
                transaction.AddCondition(Condition.StringEqual("balance", read));
                _ = transaction.StringSetAsync("balance", (int)read + 1);
                if (await transaction.ExecuteAsync())
                    done++;
            }
        })));
        Assert.Equal(clients * perClient, (int)await database.StringGetAsync("balance"));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task A_command_that_fails_in_a_transaction_takes_nothing_from_the_rest(int protocol)
    {
        using ConnectionMultiplexer client = await Multiplexers.Connect(fixture.Server, protocol);
        IDatabase database = await Empty(client);
        await database.StringSetAsync("text", "abc");
        ITransaction transaction = database.CreateTransaction();
        Task<bool> before = transaction.StringSetAsync("before", 1);
        Task<long> fails = transaction.StringIncrementAsync("text");
        Task<long> after = transaction.StringIncrementAsync("after");
        Assert.True(await transaction.ExecuteAsync());
        Assert.True(await before);
        Assert.Equal(1, await after);
        RedisServerException fault = await Assert.ThrowsAsync<RedisServerException>(() => fails);
        Assert.Equal("ERR value is not an integer or out of range", fault.Message);

        transaction = database.CreateTransaction();
        _ = transaction.StringSetAsync("never", 1);
        Task<RedisResult> unknown = transaction.ExecuteAsync("NOTHING", "a");
        await Assert.ThrowsAnyAsync<Exception>(async () =>
        {
            await transaction.ExecuteAsync();
            await unknown;
        });
        Assert.False(await database.KeyExistsAsync("never"));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task A_lock_belongs_to_the_token_that_took_it(int protocol)
    {
        using ConnectionMultiplexer client = await Multiplexers.Connect(fixture.Server, protocol);
        IDatabase database = await Empty(client);
        var hour = TimeSpan.FromHours(1);
        Assert.True(await database.LockTakeAsync("lock", "me", TimeSpan.FromMinutes(1)));
        Assert.False(await database.LockTakeAsync("lock", "you", hour));
        Assert.Equal("me", (string?)await database.LockQueryAsync("lock"));
        Assert.False(await database.LockExtendAsync("lock", "you", hour));
        Assert.True(await database.LockExtendAsync("lock", "me", hour));
        Assert.True((await database.KeyTimeToLiveAsync("lock"))!.Value > TimeSpan.FromMinutes(30));
        Assert.False(await database.LockReleaseAsync("lock", "you"));
        Assert.True(await database.LockReleaseAsync("lock", "me"));
        Assert.True(await database.LockTakeAsync("lock", "you", hour));
    }

    private static Condition[] Holding =>
    [
        Condition.KeyExists("text"), Condition.KeyNotExists("missing"),
        Condition.StringEqual("text", "abc"), Condition.StringNotEqual("text", "abd"),
        Condition.StringEqual("missing", RedisValue.Null), Condition.StringLengthEqual("text", 3),
        Condition.HashExists("hash", "field"), Condition.HashNotExists("hash", "other"),
        Condition.HashEqual("hash", "field", "v"), Condition.HashLengthLessThan("hash", 2),
        Condition.ListIndexEqual("list", 1, "b"), Condition.ListIndexNotExists("list", 2),
        Condition.ListLengthGreaterThan("list", 1), Condition.SetContains("set", "a"),
        Condition.SetNotContains("set", "c"), Condition.SetLengthEqual("set", 2),
        Condition.SortedSetContains("ranks", "pear"), Condition.SortedSetEqual("ranks", "pear", 2),
        Condition.SortedSetScoreExists("ranks", 1), Condition.SortedSetLengthEqual("ranks", 1, 2, 3),
        Condition.SortedSetContainsStarting("ranks", "app"), Condition.StreamLengthEqual("stream", 1),
    ];

    private static Condition[] Failing =>
    [
        Condition.KeyExists("missing"), Condition.KeyNotExists("text"), Condition.StringEqual("text", "abd"),
        Condition.StringNotEqual("text", "abc"), Condition.HashEqual("hash", "field", "w"),
        Condition.HashNotExists("hash", "field"), Condition.ListIndexEqual("list", 0, "b"),
        Condition.ListIndexExists("list", 2), Condition.SetContains("set", "c"),
        Condition.SetLengthGreaterThan("set", 2), Condition.SortedSetContains("ranks", "plum"),
        Condition.SortedSetEqual("ranks", "pear", 1), Condition.SortedSetScoreNotExists("ranks", 1),
        Condition.SortedSetNotContainsStarting("ranks", "app"), Condition.StreamLengthLessThan("stream", 1),
    ];

    private static async Task<bool> RunsUnder(IDatabase database, Condition condition)
    {
        await database.KeyDeleteAsync("ran");
        ITransaction transaction = database.CreateTransaction();
        ConditionResult result = transaction.AddCondition(condition);
        Task<bool> set = transaction.StringSetAsync("ran", 1);
        bool ran = await transaction.ExecuteAsync();
        Assert.Equal(ran, result.WasSatisfied);
        Assert.Equal(ran, await database.KeyExistsAsync("ran"));
        if (ran)
            Assert.True(await set);
        else
            await Assert.ThrowsAsync<TaskCanceledException>(() => set);
        return ran;
    }

    private static async Task<IDatabase> Empty(ConnectionMultiplexer client)
    {
        await client.GetServers().Single().FlushAllDatabasesAsync();
        return client.GetDatabase();
    }
}
