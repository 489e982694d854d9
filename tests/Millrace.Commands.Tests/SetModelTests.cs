using System.Globalization;
using Millrace.Commands.Tests.Driver;
using Millrace.Engine;

namespace Millrace.Commands.Tests;

/// <summary>Random commands on sets against a model; their effects run on a second keyspace, which must end the
/// same.</summary>
public class SetModelTests
{
    private static readonly bool s_isLong = Environment.GetEnvironmentVariable("MILLRACE_TEST_LONG") == "1";

    [Theory]
    [InlineData(1, 11)]
    [InlineData(1, 0)]
    [InlineData(4, 12)]
    [InlineData(64, 0)]
    public void Random_commands_do_what_the_model_does_and_their_effects_do_it_again(int partitions, int seed)
    {
        if (seed == 0) seed = Environment.TickCount;
        var random = new Random(seed);
        var model = new SetModel();
        using var driver = new CommandDriver(partitions, seed);
        using var replica = new CommandDriver(1, seed + 1);
        driver.Keyspace.Encodings = replica.Keyspace.Encodings =
            new EncodingLimits { IntSetEntries = 12, SetEntries = 8, SetValueBytes = 20 };
        for (var step = s_isLong ? 300_000 : 6_000; step > 0; step--)
        {
            var words = Draw(random);
            var request = string.Join(' ', words);
            var reply = driver.RunWords(words);
            var fault = model.Check(words, CommandDriver.Parse(reply));
            Assert.True(fault is null, $"seed {seed}, {step} steps left: {request} said {reply}: {fault}");
            foreach (var effect in driver.Effects)
                Assert.False(replica.RunWords(effect.Split(' ')).StartsWith('-'), effect);
            if (step % 1_000 == 1) CheckStates(driver, replica, model, $"seed {seed}, {step} steps left");
        }

        driver.Run("FLUSHALL SYNC");
        Assert.Equal(0, driver.Keyspace.UsedBytes);
    }

    private static void CheckStates(CommandDriver driver, CommandDriver replica, SetModel model, string where)
    {
        Assert.True(model.State().SequenceEqual(StateOf(driver)), where);
        Assert.True(model.State().SequenceEqual(StateOf(replica)), where + ", effects");
    }

    private static List<string> StateOf(CommandDriver driver)
    {
        var lines = new List<string>();
        foreach (var name in driver.Value("KEYS", "*").Items.Select(CommandDriver.Render).Order(StringComparer.Ordinal))
        {
            var members = driver.Value("SMEMBERS", name).Items.Select(CommandDriver.Render);
            lines.Add(name + " " + string.Join(' ', members.Order(StringComparer.Ordinal)));
        }

        return lines;
    }

    private static string[] Draw(Random random)
    {
        string Key() => "k" + random.Next(6);
        string[] Keys() => [.. Enumerable.Range(0, random.Next(1, 4)).Select(_ => Key())];
        string[] Members(int most) => [.. Enumerable.Range(0, random.Next(1, most)).Select(_ => Member(random))];
        return random.Next(30) switch
        {
            <= 7 => ["SADD", Key(), .. Members(12)],
            <= 10 => ["SREM", Key(), .. Members(8)],
            11 => ["SCARD", Key()],
            12 => ["SISMEMBER", Key(), Member(random)],
            13 => ["SMEMBERS", Key()],
            14 => ["SMISMEMBER", Key(), .. Members(5)],
            15 or 16 => ["SMOVE", Key(), Key(), Member(random)],
            17 => ["SPOP", Key()],
            18 => ["SPOP", Key(), random.Next(25).ToString(CultureInfo.InvariantCulture)],
            19 => ["SRANDMEMBER", Key()],
            20 => ["SRANDMEMBER", Key(), random.Next(-9, 30).ToString(CultureInfo.InvariantCulture)],
            21 => ["SUNION", .. Keys()],
            22 => ["SINTER", .. Keys()],
            23 => ["SDIFF", .. Keys()],
            24 => ["SUNIONSTORE", Key(), .. Keys()],
            25 => ["SINTERSTORE", Key(), .. Keys()],
            26 => ["SDIFFSTORE", Key(), .. Keys()],
            27 => ["SINTERCARD", "2", Key(), Key(), "LIMIT", random.Next(4).ToString(CultureInfo.InvariantCulture)],
            28 => ["DEL", Key()],
            _ => ["RENAME", Key(), Key()],
        };
    }

    private static string Member(Random random) => random.Next(8) switch
    {
        0 => random.NextInt64(long.MinValue, long.MaxValue).ToString(CultureInfo.InvariantCulture),
        1 => "0" + random.Next(5).ToString(CultureInfo.InvariantCulture),
        2 when random.Next(8) == 0 => new string('y', random.Next(18, 60)),
        3 or 4 => "m" + random.Next(20).ToString(CultureInfo.InvariantCulture),
        _ => random.Next(-9, 30).ToString(CultureInfo.InvariantCulture),
    };
}
