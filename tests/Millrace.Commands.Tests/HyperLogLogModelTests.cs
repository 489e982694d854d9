using System.Globalization;
using System.Text;
using Millrace.Commands.Tests.Driver;
using Millrace.Engine;
using Millrace.Memory;

namespace Millrace.Commands.Tests;

/// <summary>Random commands on HyperLogLogs against registers that are kept one by one; their effects run on a second
/// keyspace, which must end the same.</summary>
public class HyperLogLogModelTests
{
    private const string Either = "dense already or not";
    private static readonly bool s_isLong = Environment.GetEnvironmentVariable("MILLRACE_TEST_LONG") == "1";

    [Theory]
    [InlineData(1, 21)]
    [InlineData(1, 0)]
    [InlineData(4, 22)]
    [InlineData(64, 0)]
    public void Random_commands_do_what_the_model_does_and_their_effects_do_it_again(int partitions, int seed)
    {
        if (seed == 0) seed = Environment.TickCount;
        var random = new Random(seed);
        var model = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        using var driver = new CommandDriver(partitions, seed);
        using var replica = new CommandDriver(1, seed + 1);
        driver.Keyspace.Encodings = replica.Keyspace.Encodings = new EncodingLimits { HyperLogLogSparseBytes = 400 };
        for (var step = s_isLong ? 100_000 : 2_500; step > 0; step--)
        {
            var words = Draw(random);
            var reply = driver.Value(words);
            var expected = Expected(model, words);
            Assert.True(
                expected == CommandDriver.Render(reply) || (expected == Either && reply.Integer is 0 or 1),
                $"seed {seed}, {step} steps left: {string.Join(' ', words)} said {CommandDriver.Render(reply)}");
            foreach (var effect in driver.Effects)
                Assert.False(replica.RunWords(effect.Split(' ')).StartsWith('-'), effect);
            if (step % 100 != 1) continue;
            for (var i = 0; i < 6; i++) Assert.Equal(driver.Run($"GET k{i}"), replica.Run($"GET k{i}"));
        }

        driver.Run("FLUSHALL SYNC");
        Assert.Equal(0, driver.Keyspace.UsedBytes);
    }

    private static string[] Draw(Random random)
    {
        string Key() => "k" + random.Next(6).ToString(CultureInfo.InvariantCulture);
        string[] Keys(int most) => [.. Enumerable.Range(0, random.Next(most)).Select(_ => Key())];
        string Element() => random.Next(random.Next(2) == 0 ? 50 : 100_000).ToString(CultureInfo.InvariantCulture);
        return random.Next(24) switch
        {
            <= 11 => ["PFADD", Key(), .. Enumerable.Range(0, random.Next(9)).Select(_ => Element())],
            <= 15 => ["PFCOUNT", Key(), .. Keys(3)],
            <= 18 => ["PFMERGE", Key(), .. Keys(4)],
            19 => ["PFDEBUG", "TODENSE", Key()],
            20 => ["RENAME", Key(), Key()],
            _ => ["DEL", Key()],
        };
    }

    private static string Expected(Dictionary<string, byte[]> model, string[] words)
    {
        var key = words[1];
        switch (words[0])
        {
            case "PFADD":
                return Add(model, key, words[2..]) ? "1" : "0";
            case "PFCOUNT":
                return HyperLogLog.CountLoose(Merged(model, words[1..])).ToString(CultureInfo.InvariantCulture);
            case "PFMERGE":
                model[key] = Merged(model, words[1..]);
                return "OK";
            case "DEL":
                return model.Remove(key) ? "1" : "0";
            case "RENAME":
                if (!model.Remove(key, out var moved)) return "ERR no such key";
                model[words[2]] = moved;
                return "OK";
            default:
                return model.ContainsKey(words[2]) ? Either : "ERR The specified key does not exist";
        }
    }

    private static bool Add(Dictionary<string, byte[]> model, string key, string[] elements)
    {
        var isChanged = model.TryAdd(key, new byte[HyperLogLog.Registers]);
        foreach (var element in elements)
        {
            var (index, rank) = HyperLogLog.Rank(Encoding.ASCII.GetBytes(element));
            isChanged |= model[key][index] < rank;
            model[key][index] = Math.Max(model[key][index], (byte)rank);
        }

        return isChanged;
    }

    private static byte[] Merged(Dictionary<string, byte[]> model, string[] keys)
    {
        var merged = new byte[HyperLogLog.Registers];
        foreach (var key in keys)
        {
            if (!model.TryGetValue(key, out var one)) continue;
            for (var i = 0; i < merged.Length; i++) merged[i] = Math.Max(merged[i], one[i]);
        }

        return merged;
    }
}
