using System.Globalization;
using Millrace.Commands.Tests.Driver;
using Millrace.Engine;
using Millrace.Engine.Values;

namespace Millrace.Commands.Tests;

/// <summary>Random commands on streams and groups against a model; their effects run on a second keyspace, which must
/// end the same.</summary>
public class StreamModelTests
{
    private static readonly string[] s_policies = ["KEEPREF", "DELREF", "ACKED"];

    private static readonly string[] s_modes = ["SILENT", "FAIL", "FATAL"];

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
        using var driver = new CommandDriver(partitions, seed);
        using var replica = new CommandDriver(1, seed + 1);
        var model = new StreamModel { NowMs = (ulong)driver.NowMs };
        driver.Keyspace.Encodings = replica.Keyspace.Encodings =
            new EncodingLimits { StreamNodes = new StreamNodeLimits(MaxBytes: 300, MaxEntries: 5) };
        for (var step = s_isLong ? 300_000 : 6_000; step > 0; step--)
        {
            var words = Draw(random);
            var reply = CommandDriver.Render(driver.RunWords(words));
            var expected = model.Run(words);
            if (reply.Contains(' ') && !reply.StartsWith('[')) reply = reply[..reply.IndexOf(' ')];
            Assert.True(
                expected == reply,
                $"seed {seed}, {step} steps left: {string.Join(' ', words)} said {reply}, expected {expected}");
            foreach (var effect in driver.Effects)
                Assert.False(replica.RunWords(effect.Split(' ')).StartsWith('-'), effect);
            if (step % 500 == 1) Assert.Equal(StateOf(driver), StateOf(replica));
        }

        driver.Run("FLUSHALL SYNC");
        Assert.Equal(0, driver.Keyspace.UsedBytes);
    }

    // What effects carry: entries, groups, owners; not when a consumer was last heard of.
    private static List<string> StateOf(CommandDriver driver)
    {
        var lines = new List<string>();
        foreach (var name in driver.Value("KEYS", "*").Items.Select(CommandDriver.Render).Order(StringComparer.Ordinal))
        {
            lines.Add(name + driver.Say($"XRANGE {name} - +"));
            foreach (var group in driver.Value("XINFO", "GROUPS", name).Items)
            {
                var fields = group.Items.Select(CommandDriver.Render).ToList();
                lines.Add($"{name} {fields[1]} {fields[3]} {fields[5]} {fields[7]}");
                lines.AddRange(driver.Value("XPENDING", name, fields[1], "-", "+", "1000").Items
                    .Select(one => string.Join(' ', one.Items.Take(2).Select(CommandDriver.Render))));
            }
        }

        return lines;
    }

    private static string[] Draw(Random random)
    {
        string Key() => "s" + random.Next(4);
        string Group() => "g" + random.Next(3);
        string Consumer() => "c" + random.Next(4);
        string Count() => random.Next(1, 12).ToString(CultureInfo.InvariantCulture);
        string[] Ids() => [.. Enumerable.Range(0, random.Next(1, 6)).Select(_ => Id(random))];
        string Policy() => s_policies[random.Next(3)];
        string[] CountedIds() => Ids() is var ids
            ? ["IDS", ids.Length.ToString(CultureInfo.InvariantCulture), .. ids] : [];
        return random.Next(46) switch
        {
            <= 8 => ["XADD", Key(), .. Trim(random), NewId(random), .. Fields(random)],
            9 => ["XADD", Key(), Policy(), .. Threshold(random, 20), NewId(random), .. Fields(random)],
            10 or 11 => ["XDEL", Key(), .. Ids()],
            12 => ["XLEN", Key()],
            13 or 14 => ["XRANGE", Key(), Bound(random, "-"), Bound(random, "+")],
            15 => ["XRANGE", Key(), Bound(random, "-"), "+", "COUNT", Count()],
            16 or 17 => ["XREVRANGE", Key(), Bound(random, "+"), Bound(random, "-")],
            18 => ["XREVRANGE", Key(), "+", Bound(random, "-"), "COUNT", Count()],
            19 => ["XTRIM", Key(), .. Threshold(random, 30)],
            20 => ["XREAD", "COUNT", Count(), "STREAMS", Key(), Id(random)],
            21 => ["XGROUP", "CREATE", Key(), Group(), Id(random), "MKSTREAM"],
            22 => ["XGROUP", "SETID", Key(), Group(), Id(random)],
            23 when random.Next(4) == 0 => ["XGROUP", "DESTROY", Key(), Group()],
            23 => ["XGROUP", "CREATECONSUMER", Key(), Group(), Consumer()],
            24 => ["XGROUP", "DELCONSUMER", Key(), Group(), Consumer()],
            25 => ["XREADGROUP", "GROUP", Group(), Consumer(), "COUNT", Count(), "CLAIM", "0", "STREAMS", Key(), ">"],
            <= 28 => ["XREADGROUP", "GROUP", Group(), Consumer(), "COUNT", Count(), "STREAMS", Key(), ">"],
            29 => ["XREADGROUP", "GROUP", Group(), Consumer(), "COUNT", Count(), "STREAMS", Key(), Id(random)],
            30 or 31 => ["XACK", Key(), Group(), .. Ids()],
            32 => ["XPENDING", Key(), Group(), "-", "+", Count()],
            33 => ["XPENDING", Key(), Group(), "-", "+", Count(), Consumer()],
            34 => ["XCLAIM", Key(), Group(), Consumer(), "0", .. Ids(), "FORCE"],
            35 => ["XCLAIM", Key(), Group(), Consumer(), "0", .. Ids(), "JUSTID"],
            36 => ["XAUTOCLAIM", Key(), Group(), Consumer(), "0", Id(random), "COUNT", Count()],
            37 => ["XAUTOCLAIM", Key(), Group(), Consumer(), "0", "0-0", "COUNT", Count(), "JUSTID"],
            38 when random.Next(3) == 0 => ["DEL", Key()],
            38 => ["COPY", Key(), Key()],
            39 => ["RENAME", Key(), Key()],
            40 => ["XTRIM", Key(), .. Threshold(random, 20), Policy()],
            41 => ["XDELEX", Key(), Policy(), .. CountedIds()],
            42 => ["XNACK", Key(), Group(), s_modes[random.Next(3)], .. CountedIds()],
            43 => ["XNACK", Key(), Group(), s_modes[random.Next(3)], .. CountedIds(), "FORCE"],
            _ => ["XACKDEL", Key(), Group(), Policy(), .. CountedIds()],
        };
    }

    private static string Id(Random random) =>
        string.Create(CultureInfo.InvariantCulture, $"{random.Next(1, 60)}-{random.Next(6)}");

    private static string Bound(Random random, string end) => random.Next(2) == 0 ? end : Id(random);

    private static string NewId(Random random) => random.Next(12) switch
    {
        0 => "*",
        1 or 2 => string.Create(CultureInfo.InvariantCulture, $"{random.Next(1, 60)}-*"),
        _ => Id(random),
    };

    private static string[] Trim(Random random) => random.Next(5) == 0 ? Threshold(random, 40) : [];

    private static string[] Threshold(Random random, int most) => random.Next(3) switch
    {
        0 => ["MAXLEN", random.Next(most).ToString(CultureInfo.InvariantCulture)],
        _ => ["MINID", Id(random)],
    };

    // Mostly the same fields, as entries of one stream have; sometimes others, or values beyond a node.
    private static string[] Fields(Random random) => random.Next(8) switch
    {
        0 => ["other", random.Next(100).ToString(CultureInfo.InvariantCulture)],
        1 => ["a", "1", "b", new string('x', random.Next(400))],
        2 => ["b", "2", "a", "1"],
        _ => ["a", random.Next(100_000).ToString(CultureInfo.InvariantCulture), "b", "text" + random.Next(10)],
    };
}
