using Millrace.Commands.Tests.Driver;

namespace Millrace.Commands.Tests;

/// <summary>Random commands on lists against lists of strings; their effects run on a second keyspace, which must end
/// the same.</summary>
public class ListModelTests
{
    private const int Keys = 5;
    private static readonly int s_steps = Environment.GetEnvironmentVariable("MILLRACE_TEST_LONG") == "1"
        ? 250_000 : 6_000;

    [Theory]
    [InlineData(1, 21, -2, 0)]
    [InlineData(4, 22, 3, 0)]
    [InlineData(4, 23, 4, 1)]
    [InlineData(1, 0, 16, 2)]
    [InlineData(64, 0, -1, 1)]
    public void Random_commands_do_what_the_model_does_and_their_effects_do_it_again(
        int partitions, int seed, int chunk, int compressDepth)
    {
        if (seed == 0) seed = Environment.TickCount;
        var random = new Random(seed);
        var model = new ListModel();
        using var driver = new CommandDriver(partitions, seed);
        using var replica = new CommandDriver(1, seed + 1);
        var limits = driver.Keyspace.Encodings with { ListChunk = chunk, ListCompressDepth = compressDepth };
        driver.Keyspace.Encodings = limits with { ListPlainBytes = 200 };
        replica.Keyspace.Encodings = limits;
        for (var step = 0; step < s_steps; step++)
        {
            var words = Draw(random);
            var expected = model.Run(words);
            var said = CommandDriver.Render(driver.RunWords(words));
            var request = string.Join(' ', words);
            Assert.True(expected == said, $"seed {seed}, step {step}: {request} said {said}, not {expected}");
            foreach (var effect in driver.Effects)
            {
                var reply = replica.RunWords(effect.Split(' '));
                Assert.False(reply.StartsWith('-'), effect + " " + reply);
            }

            Assert.Equal(model.Dirty, driver.Dirty);
        }

        for (var i = 0; i < Keys; i++)
        {
            var all = $"LRANGE k{i} 0 -1";
            Assert.True(model.Run(all.Split(' ')) == driver.Say(all), $"seed {seed}");
            Assert.True(driver.Say(all) == replica.Say(all), $"seed {seed}, effects");
            driver.Run($"DEL k{i}");
        }

        for (var i = 0; i < partitions; i++)
        {
            while (!driver.Keyspace[i].FreeDiscarded(100)) continue;
        }

        driver.Run("FLUSHALL SYNC");
        Assert.Equal(0, driver.Keyspace.UsedBytes);
    }

    private static string[] Draw(Random random)
    {
        string Key() => "k" + random.Next(Keys);
        string Text() => DrawText(random);
        string End() => random.Next(2) == 0 ? "LEFT" : "RIGHT";
        string Index() => random.Next(-60, 60).ToString();
        return random.Next(26) switch
        {
            <= 4 => ["RPUSH", Key(), .. Enumerable.Range(0, random.Next(1, 9)).Select(_ => Text())],
            <= 7 => ["LPUSH", Key(), .. Enumerable.Range(0, random.Next(1, 5)).Select(_ => Text())],
            8 => [random.Next(2) == 0 ? "LPUSHX" : "RPUSHX", Key(), Text()],
            9 => ["LPOP", Key()],
            10 => ["RPOP", Key()],
            11 => [random.Next(2) == 0 ? "LPOP" : "RPOP", Key(), random.Next(6).ToString()],
            12 => ["LLEN", Key()],
            13 => ["LINDEX", Key(), Index()],
            14 => ["LRANGE", Key(), Index(), Index()],
            15 => ["LSET", Key(), Index(), Text()],
            16 or 17 => ["LINSERT", Key(), random.Next(2) == 0 ? "BEFORE" : "AFTER", Text(), Text()],
            18 => ["LREM", Key(), random.Next(-2, 3).ToString(), Text()],
            19 => ["LPOS", Key(), Text(), "RANK", (random.Next(2) == 0 ? 1 : -2).ToString(), "COUNT", "0"],
            20 => ["LMOVE", Key(), Key(), End(), End()],
            21 => ["RPOPLPUSH", Key(), Key()],
            24 or 25 =>
            [
                "LMOVEM", Key(), Key(), End(), End(), random.Next(2) == 0 ? "COUNT" : "EXACTLY",
                random.Next(1, 40).ToString(), random.Next(2) == 0 ? "OBO" : "BULK",
            ],
            22 => ["LMPOP", "2", Key(), Key(), End(), "COUNT", random.Next(1, 9).ToString()],
            _ => ["LTRIM", Key(), random.Next(3).ToString(), random.Next(-3, 200).ToString()],
        };
    }

    private static string DrawText(Random random) => random.Next(40) switch
    {
        < 15 => random.Next(8).ToString(),
        < 25 => "text" + random.Next(10),
        < 30 => random.NextInt64(long.MinValue, long.MaxValue).ToString(),
        < 37 => new string('s', random.Next(1, 120)),
        < 39 => new string('m', random.Next(150, 250)),
        _ => new string('l', random.Next(3_000, 10_000)),
    };
}
