using Millrace.Commands.Tests.Driver;

namespace Millrace.Commands.Tests;

/// <summary>Random commands against a model; their effects run on a second keyspace, which must end the same.</summary>
public class KeyspaceModelTests
{
    private const int Steps = 6000;

    [Theory]
    [InlineData(1, 11)]
    [InlineData(1, 0)]
    [InlineData(4, 12)]
    [InlineData(64, 0)]
    public void Random_commands_do_what_the_model_does_and_their_effects_do_it_again(int partitions, int seed)
    {
        if (seed == 0) seed = Environment.TickCount;
        var random = new Random(seed);
        var model = new KeyspaceModel();
        using var driver = new CommandDriver(partitions, seed);
        using var replica = new CommandDriver(1, seed + 1);
        for (var step = 0; step < Steps; step++)
        {
            driver.NowMs += random.Next(20) == 0 ? random.Next(3000) : random.Next(3);
            model.NowMs = replica.NowMs = driver.NowMs;
            driver.Client.Database = model.Database = random.Next(10) == 0 ? 1 : 0;
            var words = Draw(random, driver.NowMs);
            var expected = model.Run(words);
            var said = CommandDriver.Render(driver.RunWords(words));
            if (words[0] == "KEYS") said = $"[{string.Join(' ', said[1..^1].Split(' ').Order())}]";
            var request = string.Join(' ', words);
            Assert.True(expected == said, $"seed {seed}, step {step}: {request} said {said}, not {expected}");
            Repeat(replica, driver);
        }

        Assert.True(model.State().SequenceEqual(StateOf(driver)), $"seed {seed}");
        replica.NowMs = driver.NowMs;
        Assert.True(model.State().SequenceEqual(StateOf(replica)), $"seed {seed}, effects");
        driver.Run("FLUSHALL SYNC");
        Assert.Equal(0, driver.Keyspace.UsedBytes);
    }

    private static void Repeat(CommandDriver replica, CommandDriver driver)
    {
        replica.Client.Database = driver.Client.Database;
        foreach (var effect in driver.Effects)
        {
            if (effect.StartsWith('-')) continue; // removed there as expired; here it expires by itself
            var reply = replica.RunWords(effect.Split(' '));
            Assert.False(reply.StartsWith('-'), effect + " " + reply);
        }
    }

    private static List<string> StateOf(CommandDriver driver)
    {
        var lines = new List<string>();
        for (var database = 0; database < 16; database++)
        {
            driver.Client.Database = database;
            var names = driver.Value("KEYS", "*").Items.Select(CommandDriver.Render).Order();
            foreach (var name in names)
                lines.Add($"{database} {name} {driver.Say("GET " + name)} {driver.Say("PEXPIRETIME " + name)}");
        }

        return lines;
    }

    private static string[] Draw(Random random, long nowMs)
    {
        string Key() => "k" + random.Next(12);
        string Text() => DrawText(random);
        return random.Next(31) switch
        {
            <= 3 => ["SET", Key(), Text(), .. DrawCondition(random), .. DrawExpiry(random, nowMs)],
            4 or 5 => ["GET", Key()],
            6 => ["GETDEL", Key()],
            7 => ["GETEX", Key(), .. DrawExpiry(random, nowMs).Where(word => word != "KEEPTTL")],
            8 => ["STRLEN", Key()],
            9 or 10 => ["APPEND", Key(), Text()],
            11 => ["SETRANGE", Key(), random.Next(100).ToString(), Text()],
            12 => ["GETRANGE", Key(), random.Next(-60, 60).ToString(), random.Next(-60, 60).ToString()],
            13 or 14 => ["INCRBY", Key(), random.NextInt64(long.MinValue, long.MaxValue).ToString()],
            15 => ["INCRBY", Key(), "1"],
            16 => ["MSET", Key(), Text(), Key(), Text()],
            17 => ["MSETNX", Key(), Text(), Key(), Text()],
            18 => ["MGET", Key(), Key(), Key()],
            19 => ["DEL", Key(), Key()],
            20 => ["EXISTS", Key(), Key()],
            21 => ["PEXPIRE", Key(), random.Next(-10, 4000).ToString(), .. DrawComparison(random)],
            22 => ["EXPIREAT", Key(), ((nowMs / 1000) + random.Next(-1, 10)).ToString(), .. DrawComparison(random)],
            23 => ["PERSIST", Key()],
            24 => ["PEXPIRETIME", Key()],
            25 => [random.Next(2) == 0 ? "RENAMENX" : "RENAME", Key(), Key() + "x"],
            26 => [random.Next(2) == 0 ? "RENAMENX" : "RENAME", Key() + "x", Key()],
            27 => ["COPY", Key(), Key(), .. (string[])(random.Next(2) == 0 ? ["DB", "1"] : []), .. DrawReplace(random)],
            28 => ["MOVE", Key(), random.Next(2).ToString()],
            29 => random.Next(8) == 0 ? ["FLUSHDB"] : ["SWAPDB", "0", random.Next(2).ToString()],
            _ => ["KEYS", "*"],
        };
    }

    private static string DrawText(Random random) => random.Next(7) switch
    {
        0 => random.Next(-3, 100).ToString(),
        1 => random.NextInt64(long.MinValue, long.MaxValue).ToString(),
        2 => "",
        3 => new string('l', random.Next(30_000, 40_000)),
        4 => new string('m', random.Next(40, 300)),
        _ => new string('s', random.Next(1, 50)),
    };

    private static string[] DrawCondition(Random random) => random.Next(8) switch
    {
        0 => ["NX"],
        1 => ["XX", "GET"],
        2 => ["GET"],
        3 => ["IFEQ", random.Next(3).ToString()],
        4 => ["IFNE", DrawText(random)],
        _ => [],
    };

    private static string[] DrawExpiry(Random random, long nowMs) => random.Next(8) switch
    {
        0 => ["EX", random.Next(1, 5).ToString()],
        1 => ["PX", random.Next(1, 5000).ToString()],
        2 => ["EXAT", ((nowMs / 1000) + random.Next(-1, 5)).ToString()],
        3 => ["PXAT", (nowMs + random.Next(-100, 5000)).ToString()],
        4 => ["KEEPTTL"],
        _ => [],
    };

    private static string[] DrawComparison(Random random) =>
        random.Next(2) == 0 ? [] : [((string[])["NX", "XX", "GT", "LT"])[random.Next(4)]];

    private static string[] DrawReplace(Random random) => random.Next(2) == 0 ? ["REPLACE"] : [];
}
