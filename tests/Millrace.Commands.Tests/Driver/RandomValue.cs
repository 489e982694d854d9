using System.Globalization;

namespace Millrace.Commands.Tests.Driver;

/// <summary>Makes a key hold a random value: any type, small and large, texts of all kinds.</summary>
internal static class RandomValue
{
    private const int FewItems = 30;
    private const int ManyItems = 700;

    /// <summary>The requests that make it.</summary>
    public static IEnumerable<string[]> Draw(Random random, string key)
    {
        var items = random.Next(3) == 0 ? random.Next(1, ManyItems) : random.Next(1, FewItems);
        return random.Next(6) switch
        {
            5 => Stream(random, key, items),
            0 => [["SET", key, Text(random, isLong: random.Next(4) == 0)]],
            1 => List(random, key, items),
            2 => [["SADD", key, .. Texts(random, items)]],
            3 => [["ZADD", key, .. Texts(random, items).SelectMany(text => (string[])[Score(random), text])]],
            _ => Hash(random, key, items),
        };
    }

    /// <summary>A text of a kind that is stored in a way of its own.</summary>
    public static string Text(Random random, bool isLong = false)
    {
        if (isLong) return Long(random);
        return random.Next(8) switch
        {
            0 => "",
            1 => random.NextInt64(long.MinValue, long.MaxValue).ToString(CultureInfo.InvariantCulture),
            2 => "0" + random.Next(9).ToString(CultureInfo.InvariantCulture),
            3 => new string((char)random.Next('a', 'z'), random.Next(1, 90)),
            4 => random.Next(-70_000, 70_000).ToString(CultureInfo.InvariantCulture),
            5 => string.Concat(Enumerable.Range(0, random.Next(40)).Select(_ => (char)random.Next(256))),
            _ => "m" + random.Next(1_000).ToString(CultureInfo.InvariantCulture),
        };
    }

    private static string Long(Random random)
    {
        var length = random.Next(2) == 0 ? random.Next(100, 5_000) : random.Next(30_000, 150_000);
        return random.Next(2) == 0
            ? new string('x', length)
            : string.Create(length, random, (span, source) =>
            {
                foreach (ref var letter in span) letter = (char)source.Next(256);
            });
    }

    private static IEnumerable<string[]> List(Random random, string key, int items)
    {
        for (; items > 0; items -= 10)
        {
            var texts = Enumerable.Range(0, Math.Min(items, 10))
                .Select(_ => Text(random, isLong: random.Next(300) == 0));
            yield return ["RPUSH", key, .. texts];
        }
    }

    private static IEnumerable<string[]> Hash(Random random, string key, int items)
    {
        var names = Texts(random, items).Distinct(StringComparer.Ordinal).ToArray();
        yield return ["HSET", key, .. names.SelectMany(name => (string[])[name, Text(random)])];
        if (random.Next(2) == 0) yield break;
        foreach (var name in names.Where(_ => random.Next(3) == 0))
        {
            var deadline = (1_800_000_000_000 + random.Next(100)).ToString(CultureInfo.InvariantCulture);
            yield return ["HPEXPIREAT", key, deadline, "FIELDS", "1", name];
        }
    }

    private static IEnumerable<string[]> Stream(Random random, string key, int items)
    {
        for (var i = 1; i <= items; i++)
        {
            var id = string.Create(CultureInfo.InvariantCulture, $"{i * i}-{random.Next(3)}");
            string[] other = random.Next(5) == 0 ? [Text(random), Text(random)] : [];
            yield return ["XADD", key, id, "field", Text(random, isLong: random.Next(300) == 0), .. other];
        }

        for (var i = random.Next(items); i > 0; i -= 3) yield return ["XDEL", key, $"{i * i}-0", $"{i * i}-1"];
        if (random.Next(8) == 0) yield return ["XTRIM", key, "MAXLEN", "0"];
        for (var group = random.Next(4); group > 0; group--)
        {
            yield return ["XGROUP", "CREATE", key, $"group{group}", $"{random.Next(items)}-0"];
            foreach (var consumer in (string[])["one", "two", ""])
                yield return ["XREADGROUP", "GROUP", $"group{group}", consumer, "COUNT", "50", "STREAMS", key, ">"];
        }
    }

    private static IEnumerable<string> Texts(Random random, int count) =>
        Enumerable.Range(0, count).Select(_ => Text(random));

    private static string Score(Random random) => random.Next(6) switch
    {
        0 => "inf",
        1 => "-inf",
        2 => random.NextDouble().ToString("R", CultureInfo.InvariantCulture),
        3 => ((random.NextDouble() - 0.5) * 1e200).ToString("R", CultureInfo.InvariantCulture),
        _ => random.Next(-5, 5).ToString(CultureInfo.InvariantCulture),
    };
}
