using System.Globalization;
using System.Numerics;
using Millrace.Commands.Tests.Driver;

namespace Millrace.Commands.Tests;

/// <summary>Random commands on bitmaps against a model that knows only single bits; their effects run on a second
/// keyspace, which must end the same.</summary>
public class BitmapModelTests
{
    private static readonly bool s_isLong = Environment.GetEnvironmentVariable("MILLRACE_TEST_LONG") == "1";

    [Theory]
    [InlineData(1, 11, 60)]
    [InlineData(4, 0, 60)]
    [InlineData(4, 12, 36_000)] // strings that are in their entries, and in blocks of their own
    [InlineData(64, 0, 36_000)]
    public void Random_commands_do_what_the_model_does_and_their_effects_do_it_again(
        int partitions, int seed, int mostBytes)
    {
        if (seed == 0) seed = Environment.TickCount;
        var random = new Random(seed);
        var model = new BitmapModel();
        using var driver = new CommandDriver(partitions, seed);
        using var replica = new CommandDriver(1, seed + 1);
        var steps = s_isLong ? 300_000 : 6_000;
        if (mostBytes > 1_000) steps /= 20;
        for (var step = steps; step > 0; step--)
        {
            var words = Draw(random, mostBytes);
            var request = string.Join(' ', words);
            var reply = driver.Say(request);
            var expected = model.Answer(words);
            Assert.True(
                reply == expected, $"seed {seed}, {step} steps left: {request} said {reply}, the model {expected}");
            foreach (var effect in driver.Effects)
                Assert.False(replica.RunWords(effect.Split(' ')).StartsWith('-'), effect);
            if (step % 250 != 1) continue;
            foreach (var key in Enumerable.Range(0, 6).Select(i => "k" + i))
            {
                Assert.True(model.Text(key) == driver.Say("GET " + key), $"seed {seed}, {step} left, {key}");
                Assert.True(model.Text(key) == replica.Say("GET " + key), $"seed {seed}, {step} left, {key}, effects");
            }
        }

        driver.Run("FLUSHALL SYNC");
        Assert.Equal(0, driver.Keyspace.UsedBytes);
    }

    private static string[] Draw(Random random, int mostBytes)
    {
        string Key() => "k" + random.Next(6);
        string Number(long from, long to) => random.NextInt64(from, to).ToString(CultureInfo.InvariantCulture);
        string Offset() => Number(0, random.Next(4) == 0 ? mostBytes * 8 : 400);
        string End() => Number(-mostBytes * 9, mostBytes * 9);
        string[] Range() => random.Next(4) switch
        {
            0 => [],
            1 => [End()],
            2 => [End(), End()],
            _ => [End(), End(), random.Next(2) == 0 ? "BIT" : "BYTE"],
        };
        string[] Keys() => [.. Enumerable.Range(0, random.Next(2, 5)).Select(_ => Key())];
        return random.Next(16) switch
        {
            <= 3 => ["SETBIT", Key(), Offset(), Number(0, 2)],
            4 or 5 => ["GETBIT", Key(), Offset()],
            6 => ["BITCOUNT", Key(), .. Range()],
            7 => ["BITPOS", Key(), Number(0, 2), .. Range()],
            8 or 9 => ["BITOP", BitmapModel.Operators[random.Next(BitmapModel.Operators.Length)], Key(), .. Keys()],
            10 => ["BITOP", "NOT", Key(), Key()],
            11 => ["DEL", Key()],
            12 => ["SET", Key(), Number(long.MinValue, long.MaxValue)],
            _ => ["BITFIELD", Key(), .. Enumerable.Range(0, random.Next(1, 4)).SelectMany(_ => Step(random, Offset()))],
        };
    }

    private static string[] Step(Random random, string offset)
    {
        var isSigned = random.Next(2) == 0;
        var bits = random.Next(4) == 0 ? random.Next(1, 10) : random.Next(1, isSigned ? 65 : 64);
        var type = (isSigned ? "i" : "u") + bits.ToString(CultureInfo.InvariantCulture);
        if (random.Next(3) == 0) offset = "#" + random.Next(5).ToString(CultureInfo.InvariantCulture);
        var drawn = random.Next(2) == 0
            ? random.NextInt64(-300, 300)
            : random.NextInt64(long.MinValue, long.MaxValue);
        var number = drawn.ToString(CultureInfo.InvariantCulture);
        return random.Next(6) switch
        {
            0 => ["GET", type, offset],
            1 or 2 => ["SET", type, offset, number],
            3 => ["OVERFLOW", random.Next(3) switch { 0 => "WRAP", 1 => "SAT", _ => "FAIL" }],
            _ => ["INCRBY", type, offset, number],
        };
    }
}

/// <summary>Strings of bits, one by one.</summary>
internal sealed class BitmapModel
{
    private readonly Dictionary<string, List<bool>> _keys = [];

    public static string[] Operators { get; } = ["AND", "OR", "XOR", "DIFF", "DIFF1", "ANDOR", "ONE"];

    public string Text(string key) => !_keys.TryGetValue(key, out var bits)
        ? "(nil)"
        : string.Concat(bits.Chunk(8).Select(static eight =>
            (char)eight.Aggregate(0, static (sum, bit) => (sum << 1) + (bit ? 1 : 0))));

    /// <summary>What an operation makes of one byte of each source.</summary>
    public static int Combine(string name, byte[] values)
    {
        var all = 0;
        for (var mask = 1; mask <= 0x80; mask <<= 1)
        {
            var first = (values[0] & mask) != 0;
            var others = values.Skip(1).Any(one => (one & mask) != 0);
            var count = values.Count(one => (one & mask) != 0);
            var isSet = name switch
            {
                "AND" => count == values.Length,
                "OR" => count > 0,
                "XOR" => count % 2 == 1,
                "NOT" => count == 0,
                "DIFF" => first && !others,
                "DIFF1" => others && !first,
                "ANDOR" => first && others,
                _ => count == 1,
            };
            if (isSet) all |= mask;
        }

        return all;
    }

    public string Answer(string[] words) => words[0] switch
    {
        "SETBIT" => SetBit(words[1], int.Parse(words[2]), words[3] == "1"),
        "GETBIT" => At(words[1], int.Parse(words[2])) ? "1" : "0",
        "BITCOUNT" => Count(words),
        "BITPOS" => Find(words),
        "BITOP" => Operate(words),
        "DEL" => _keys.Remove(words[1]) ? "1" : "0",
        "SET" => Set(words[1], words[2]),
        _ => Bitfield(words),
    };

    private bool At(string key, int at) => _keys.TryGetValue(key, out var bits) && at < bits.Count && bits[at];

    private List<bool> Grown(string key, int bits)
    {
        if (!_keys.TryGetValue(key, out var all)) _keys[key] = all = [];
        while (all.Count < bits || all.Count % 8 != 0) all.Add(false);
        return all;
    }

    private string SetBit(string key, int at, bool bit)
    {
        var old = At(key, at) ? "1" : "0";
        Grown(key, at + 1)[at] = bit;
        return old;
    }

    private string Set(string key, string text)
    {
        _keys[key] = [.. text.SelectMany(static one => Enumerable.Range(0, 8).Select(i => (one & (0x80 >> i)) != 0))];
        return "OK";
    }

    private string Count(string[] words)
    {
        if (!_keys.TryGetValue(words[1], out var bits)) return "0";
        if (words.Length > 3 && words[2][0] == '-' && words[3][0] == '-' && int.Parse(words[2]) > int.Parse(words[3]))
            return "0";
        var (first, last) = RangeOf(bits, words, 2);
        return Enumerable.Range(first, Math.Max(0, last - first + 1)).Count(at => bits[at]).ToString();
    }

    private string Find(string[] words)
    {
        var wanted = words[2] == "1";
        if (!_keys.TryGetValue(words[1], out var bits)) return wanted ? "-1" : "0";
        var (first, last) = RangeOf(bits, words, 3);
        for (var at = first; at <= last; at++)
        {
            if (bits[at] == wanted) return at.ToString();
        }

        return wanted || words.Length > 4 || first > last ? "-1" : bits.Count.ToString();
    }

    private static (int First, int Last) RangeOf(List<bool> bits, string[] words, int from)
    {
        var unit = words.Length > from + 2 && words[from + 2] == "BIT" ? 1 : 8;
        var total = bits.Count / unit;
        var start = words.Length > from ? int.Parse(words[from]) : 0;
        var end = words.Length > from + 1 ? int.Parse(words[from + 1]) : -1;
        if (start < 0) start = Math.Max(0, total + start);
        if (end < 0) end = Math.Max(0, total + end);
        end = Math.Min(end, total - 1);
        return start > end ? (0, -1) : (start * unit, (end * unit) + unit - 1);
    }

    private string Operate(string[] words)
    {
        var sources = words.Skip(3).Select(key => _keys.GetValueOrDefault(key, [])).ToList();
        var length = sources.Max(source => source.Count);
        var result = new List<bool>(length);
        for (var at = 0; at < length; at++)
        {
            byte[] values = [.. sources.Select(source => at < source.Count && source[at] ? (byte)1 : (byte)0)];
            result.Add((Combine(words[1], values) & 1) == 1);
        }

        if (length == 0) _keys.Remove(words[2]);
        else _keys[words[2]] = result;
        return (length / 8).ToString();
    }

    private string Bitfield(string[] words)
    {
        var replies = new List<string>();
        var overflow = "WRAP";
        Grow(words);
        for (var at = 2; at < words.Length; at++)
        {
            var action = words[at];
            if (action == "OVERFLOW")
            {
                overflow = words[++at];
                continue;
            }

            var isSigned = words[at + 1][0] == 'i';
            var bits = int.Parse(words[at + 1][1..]);
            var offset = OffsetOf(words[at + 2], bits);
            at += 2;
            var old = Field(words[1], offset, bits, isSigned);
            if (action == "GET")
            {
                replies.Add(old.ToString());
                continue;
            }

            var number = BigInteger.Parse(words[++at]);
            if (action == "SET" && !isSigned && number < 0) number += BigInteger.One << 64;
            var value = Fitted(action == "SET" ? number : old + number, bits, isSigned, overflow);
            replies.Add(value is null ? "(nil)" : action == "SET" ? old.ToString() : value.Value.ToString());
            for (var i = 0; value is not null && i < bits; i++)
                _keys[words[1]][offset + i] = ((value.Value >> (bits - 1 - i)) & 1) == 1;
        }

        return "[" + string.Join(' ', replies) + "]";
    }

    private void Grow(string[] words)
    {
        for (var at = 2; at < words.Length; at++)
        {
            if (words[at] is not ("SET" or "INCRBY")) continue;
            var bits = int.Parse(words[at + 1][1..]);
            Grown(words[1], OffsetOf(words[at + 2], bits) + bits);
        }
    }

    private static int OffsetOf(string word, int bits) =>
        word[0] == '#' ? bits * int.Parse(word[1..]) : int.Parse(word);

    private BigInteger Field(string key, int offset, int bits, bool isSigned)
    {
        var value = BigInteger.Zero;
        for (var i = 0; i < bits; i++) value = (value << 1) + (At(key, offset + i) ? 1 : 0);
        return isSigned && value >= BigInteger.One << (bits - 1) ? value - (BigInteger.One << bits) : value;
    }

    private static BigInteger? Fitted(BigInteger value, int bits, bool isSigned, string overflow)
    {
        var most = (BigInteger.One << (isSigned ? bits - 1 : bits)) - 1;
        var least = isSigned ? -most - 1 : 0;
        if (value >= least && value <= most) return value;
        if (overflow == "FAIL") return null;
        if (overflow == "SAT") return value > most ? most : least;
        var modulus = BigInteger.One << bits;
        var wrapped = ((value % modulus) + modulus) % modulus;
        return wrapped > most ? wrapped - modulus : wrapped;
    }
}
