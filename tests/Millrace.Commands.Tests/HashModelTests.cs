using Millrace.Commands.Tests.Driver;
using Millrace.Engine;

namespace Millrace.Commands.Tests;

/// <summary>
/// Random commands on hashes against a model, over all forms that a hash has; their effects run on a second keyspace,
/// which must end the same.
/// </summary>
public class HashModelTests
{
    private static readonly bool IsLong = Environment.GetEnvironmentVariable("MILLRACE_TEST_LONG") == "1";
    private static readonly int Steps = IsLong ? 300_000 : 8000;

    [Theory]
    [InlineData(1, 21, 8)]
    [InlineData(1, 22, 512)]
    [InlineData(4, 23, 3)]
    [InlineData(64, 0, 20)]
    public void Random_commands_do_what_the_model_does_and_their_effects_do_it_again(
        int partitions, int seed, int packedFields)
    {
        if (seed == 0) seed = Environment.TickCount;
        var random = new Random(seed);
        var model = new HashModel();
        using var driver = new CommandDriver(partitions, seed);
        using var replica = new CommandDriver(1, seed + 1);
        driver.Keyspace.Encodings = new EncodingLimits { HashEntries = packedFields };
        for (var step = 0; step < Steps; step++)
        {
            driver.NowMs += random.Next(20) == 0 ? random.Next(300) : random.Next(2);
            model.NowMs = replica.NowMs = driver.NowMs;
            if (random.Next(4) == 0) RemoveDue(driver, random.Next(partitions), random.Next(1, 20));
            var words = Draw(random);
            var expected = model.Run(words);
            var said = Comparable(words[0], driver.RunWords(words));
            var request = string.Join(' ', words);
            Assert.True(expected == said, $"seed {seed}, step {step}: {request} said {said}, not {expected}");
            Repeat(replica, driver);
            if (step % 1000 != 0) continue;
            Assert.True(model.State().SequenceEqual(StateOf(driver)), $"seed {seed}, step {step}");
            driver.Keyspace[0].Heap.CheckIntegrity();
        }

        Assert.True(model.State().SequenceEqual(StateOf(driver)), $"seed {seed}");
        Assert.True(model.State().SequenceEqual(StateOf(replica)), $"seed {seed}, effects");
        CheckEnd(driver, model, seed);
    }

    // All that has a deadline falls due; then everything goes, and nothing may be left of it.
    private static void CheckEnd(CommandDriver driver, HashModel model, int seed)
    {
        driver.NowMs += 1_000_000;
        model.NowMs = driver.NowMs;
        for (var i = 0; i < driver.Keyspace.Shape.Partitions; i++)
        {
            RemoveDue(driver, i, int.MaxValue);
            Assert.Equal(long.MaxValue, driver.Keyspace[i].Line.NextDeadlineMs);
        }

        Assert.True(model.State().SequenceEqual(StateOf(driver)), $"seed {seed}, expired");
        driver.Run("FLUSHALL SYNC");
        Assert.Equal(0, driver.Keyspace.UsedBytes);
    }

    private static void RemoveDue(CommandDriver driver, int partition, int max)
    {
        Assert.True(driver.Unit.TryBegin(1UL << partition, driver.NowMs, patient: true, out _));
        driver.Unit.RemoveDue(partition, max, new LatenessHistogram());
        driver.Unit.End();
    }

    private static string Comparable(string command, string reply)
    {
        if (command is not ("HGETALL" or "HKEYS")) return CommandDriver.Render(reply);
        var items = CommandDriver.Parse(reply).Items.Select(CommandDriver.Render).ToArray();
        if (command == "HGETALL") items = [.. items.Chunk(2).Select(pair => pair[0] + "=" + pair[1])];
        return string.Join(' ', items.Order());
    }

    private static void Repeat(CommandDriver replica, CommandDriver driver)
    {
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
        foreach (var key in driver.Value("KEYS", "*").Items.Select(CommandDriver.Render).Order())
        {
            var items = driver.Value("HGETALL", key).Items.Select(CommandDriver.Render);
            foreach (var pair in items.Chunk(2).OrderBy(pair => pair[0]))
            {
                var deadline = driver.Say($"HPEXPIRETIME {key} FIELDS 1 {pair[0]}")[1..^1];
                lines.Add($"{key} {pair[0]} {pair[1]} {deadline}");
            }
        }

        return lines;
    }

    private static string[] Draw(Random random)
    {
        string Key() => "k" + random.Next(6);
        string Field() => DrawField(random);
        string Value() => DrawValue(random);
        string[] Pairs(int count) => [.. Enumerable.Range(0, count * 2).Select(i => i % 2 == 0 ? Field() : Value())];
        string Span() => random.Next(0, 400).ToString();
        string Later() => random.Next(1, 400).ToString();
        return random.Next(32) switch
        {
            <= 4 => ["HSET", Key(), Field(), Value()],
            5 => ["HSET", Key(), .. Pairs(random.Next(1, 12))],
            6 => ["HSETNX", Key(), Field(), Value()],
            7 or 8 => ["HGET", Key(), Field()],
            9 => ["HMGET", Key(), Field(), Field(), Field()],
            10 or 11 => ["HDEL", Key(), Field(), Field(), Field()],
            12 => ["HLEN", Key()],
            13 => ["HEXISTS", Key(), Field()],
            14 => ["HSTRLEN", Key(), Field()],
            15 => ["HINCRBY", Key(), Field(), random.NextInt64(long.MinValue, long.MaxValue).ToString()],
            16 => ["HINCRBY", Key(), Field(), "1"],
            17 => ["HGETALL", Key()],
            18 => ["HKEYS", Key()],
            <= 22 => ["HPEXPIRE", Key(), Span(), .. DrawCondition(random), "FIELDS", "3", Field(), Field(), Field()],
            23 => ["HPERSIST", Key(), "FIELDS", "2", Field(), Field()],
            24 => ["HPTTL", Key(), "FIELDS", "2", Field(), Field()],
            25 => ["HGETDEL", Key(), "FIELDS", "2", Field(), Field()],
            26 => ["HGETEX", Key(), "PX", Later(), "FIELDS", "2", Field(), Field()],
            27 => ["HSETEX", Key(), DrawExistence(random), "KEEPTTL", "FIELDS", "1", Field(), Value()],
            28 => ["HSETEX", Key(), DrawExistence(random), "PX", Later(), "FIELDS", "1", Field(), Value()],
            29 => random.Next(4) == 0 ? ["DEL", Key()] : ["HLEN", Key()],
            30 => ["RENAME", Key(), "k9"],
            _ => [random.Next(2) == 0 ? "COPY" : "RENAME", "k9", Key()],
        };
    }

    private static string DrawField(Random random) => random.Next(12) switch
    {
        0 => random.Next(5).ToString(),
        1 => new string('n', random.Next(60, 70)),
        _ => "f" + random.Next(30),
    };

    private static string DrawValue(Random random) => random.Next(20) switch
    {
        < 5 => random.Next(-3, 100).ToString(),
        5 => random.NextInt64(long.MinValue, long.MaxValue).ToString(),
        6 => "v",
        7 => new string('m', random.Next(50, 70)),
        8 => new string('l', random.Next(1, 700)),
        _ => new string('s', random.Next(1, 20)),
    };

    private static string[] DrawCondition(Random random) =>
        random.Next(3) > 0 ? [] : [((string[])["NX", "XX", "GT", "LT"])[random.Next(4)]];

    private static string DrawExistence(Random random) => random.Next(2) == 0 ? "FNX" : "FXX";
}
