using System.Globalization;
using System.Text;

namespace Millrace.Compat.Tests.Generation;

/// <summary>
/// The few keys that all commands collide on, and values of every kind. Three pools of keys: pool 0 takes any value,
/// pool 1 only short ones, so that LCS (quadratic) stays affordable, pool 2 mostly hashes. Now and then a command of
/// any family meets a key of pool 2, and a command on hashes another key.
/// </summary>
public sealed class Vocabulary(Random random)
{
    private const int KeysPerPool = 52;
    private const int HashKeys = 12;
    private const int ListKeys = 8;
    private const int SortedSetKeys = 10;
    private const int LexKeys = 4;
    private const int IndexKeys = 6;

    // Words that stand where something else is wanted. None is a small positive number: as a deadline that would be a
    // race between the two servers.
    private static readonly string[] s_junk =
    [
        "", "abc", "-1", "0", "1.5", " 1", "1 ", "+1", "0x10", "1e400", "nan", "-inf", "9223372036854775808",
        "-9223372036854775809", "01", "-0", "NX", "GET", "\r\n", "\0", "*",
    ];

    private static readonly string[] s_oddKeys =
    [
        "", " ", "\0", "\r\n", "a b", "{tag}x", "\"quoted\"", "\\back\\", "k[1]", "k?", "k*", "\xff\xfe\xfd", "é",
    ];

    private static readonly string[] s_numbers =
    [
        "0", "1", "-1", "2", "10", "42", "100", "9999", "10000", "10001", "-100", "2147483647", "-2147483648",
        "4294967296", "9223372036854775807", "9223372036854775806", "-9223372036854775808", "-9223372036854775807",
        "9223372036854775808", "-9223372036854775809", "18446744073709551615",
    ];

    private static readonly string[] s_floats =
    [
        "0.1", "-0.1", "3.0", "1.5e3", "1e-7", "5e-324", "1e300", "-1e300", "1.7976931348623157e308", "inf", "-inf",
        "nan",
        "3.14159265358979", "0.30000000000000004", "1e17", "123456789012345680000", "0x1p4", ".5", "5.", "1e5000",
        "-.0",
        "2.2250738585072014e-308", "+1.5", " 1.5", "1.5 ", "1_0", "99999999999999999999999999.5",
    ];

    /// <summary>A key of a pool.</summary>
    public byte[] Key(int pool)
    {
        if (pool == 1)
            return Encoding.Latin1.GetBytes($"t:{random.Next(KeysPerPool / 2)}");
        // Ranges by text have a meaning only where all scores are equal.
        if (pool == SortedSetGrammar.LexPool)
            return Encoding.Latin1.GetBytes($"zl:{random.Next(LexKeys)}");
        int drawn = random.Next(100);
        if (pool == HashGrammar.Pool ? drawn > 3 : drawn == 99)
            return Encoding.Latin1.GetBytes($"h:{random.Next(HashKeys)}");
        if (pool == SortedSetGrammar.Pool && drawn > 2)
            return Encoding.Latin1.GetBytes($"z:{random.Next(SortedSetKeys)}");
        if (pool == GeoGrammar.Pool && drawn > 1)
            return Encoding.Latin1.GetBytes($"g:{random.Next(IndexKeys)}");
        if (pool == GeoGrammar.StorePool)
            return Encoding.Latin1.GetBytes($"gs:{random.Next(IndexKeys)}");
        if (drawn < 5)
            return Encoding.Latin1.GetBytes(s_oddKeys[random.Next(s_oddKeys.Length)]);
        if (drawn < 7)
            return Encoding.Latin1.GetBytes("long:" + new string('x', 300)
                + random.Next(3).ToString(CultureInfo.InvariantCulture));
        return Encoding.Latin1.GetBytes($"k:{random.Next(KeysPerPool)}");
    }

    /// <summary>A key that only commands on lists use.</summary>
    public byte[] ListKey() => Encoding.Latin1.GetBytes($"l:{random.Next(ListKeys)}");

    /// <summary>All keys that <see cref="Key"/> can give, in all pools.</summary>
    public static IEnumerable<byte[]> AllKeys() =>
        Enumerable.Range(0, KeysPerPool).Select(i => $"k:{i}")
            .Concat(Enumerable.Range(0, KeysPerPool / 2).Select(i => $"t:{i}"))
            .Concat(Enumerable.Range(0, 3)
                .Select(i => "long:" + new string('x', 300) + i.ToString(CultureInfo.InvariantCulture)))
            .Concat(Enumerable.Range(0, HashKeys).Select(i => $"h:{i}"))
            .Concat(Enumerable.Range(0, SortedSetKeys).Select(i => $"z:{i}"))
            .Concat(Enumerable.Range(0, LexKeys).Select(i => $"zl:{i}"))
            .Concat(Enumerable.Range(0, IndexKeys).SelectMany(i => (string[])[$"g:{i}", $"gs:{i}"]))
            .Concat(Enumerable.Range(0, 5).Select(i => $"key:{i}"))
            .Concat(Enumerable.Range(0, ListKeys).Select(i => $"l:{i}"))
            .Concat(SetGrammar.KeyNames)
            .Concat(StreamGrammar.KeyNames)
            .Concat(HyperLogLogGrammar.KeyNames)
            .Concat(s_oddKeys)
            .Concat(s_junk)
            .Select(Encoding.Latin1.GetBytes);

    /// <summary>A value of any kind that the pool allows.</summary>
    public byte[] Value(int pool) => random.Next(20) switch
    {
        < 6 => Encoding.Latin1.GetBytes(random.Next(-20000, 20000).ToString(CultureInfo.InvariantCulture)),
        < 8 => Encoding.Latin1.GetBytes(s_numbers[random.Next(s_numbers.Length)]),
        < 10 => Encoding.Latin1.GetBytes(s_floats[random.Next(s_floats.Length)]),
        < 11 => [],
        < 13 => Encoding.Latin1.GetBytes(s_junk[random.Next(s_junk.Length)]),
        < 15 => Text(random.Next(1, 100)),
        < 17 => Binary(random.Next(1, 60)),
        < 18 => Text(random.Next(43, 46)),
        < 19 => pool == 1 ? Text(random.Next(100)) : Text(random.Next(100, 3000)),
        _ => pool == 1 || random.Next(4) > 0 ? Text(5) : Binary(65536),
    };

    /// <summary>An integer as an argument of arithmetic: mostly small, some near the limits, some bad.</summary>
    public byte[] Integer() => Encoding.Latin1.GetBytes(random.Next(10) < 7
        ? random.Next(-1000, 1000).ToString(CultureInfo.InvariantCulture)
        : s_numbers[random.Next(s_numbers.Length)]);

    /// <summary>A number for INCRBYFLOAT.</summary>
    public byte[] Float() => Encoding.Latin1.GetBytes(random.Next(10) switch
    {
        < 4 => (random.Next(-100000, 100000) / 1000.0).ToString(CultureInfo.InvariantCulture),
        < 5 => random.Next(-1000, 1000).ToString(CultureInfo.InvariantCulture),
        _ => s_floats[random.Next(s_floats.Length)],
    });

    /// <summary>A word that stands where something else is wanted.</summary>
    public byte[] Junk() => Encoding.Latin1.GetBytes(s_junk[random.Next(s_junk.Length)]);

    private byte[] Text(int length)
    {
        byte[] text = new byte[length];
        for (int i = 0; i < length; i++)
            text[i] = (byte)"abcdefgh "[random.Next(9)];
        return text;
    }

    private byte[] Binary(int length)
    {
        byte[] bytes = new byte[length];
        random.NextBytes(bytes);
        return bytes;
    }
}
