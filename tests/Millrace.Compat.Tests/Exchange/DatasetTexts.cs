using System.Globalization;
using System.Text;

namespace Millrace.Compat.Tests.Exchange;

/// <summary>Texts and integers whose sizes lie at and beside the places where a format changes.</summary>
internal sealed class DatasetTexts(Random random)
{
    // Where a text becomes embedded, compressed, long in one of three forms of a length, too long for what is packed,
    // or a node of its own.
    private static readonly int[] s_lengths =
    [
        0, 1, 2, 4, 10, 11, 12, 19, 20, 21, 39, 40, 43, 44, 45, 62, 63, 64, 65, 100, 127, 128, 129, 254, 255, 256, 500,
        511, 512, 513, 1023, 1024, 2000, 4095, 4096, 4097, 8191, 8192, 8193, 16_382, 16_383, 16_384, 32_767, 32_768,
        65_535, 65_536, 65_537, 100_000,
    ];

    private static readonly string[] s_almostNumbers =
    [
        "007", "-0", "+1", " 1", "1 ", "1.0", "-", "1e3", "9223372036854775808", "-9223372036854775809", "00",
        "18446744073709551615", "99999999999", "-99999999999", "nan", "inf", "0x1f",
    ];

    /// <summary>An integer at the limit of a width, or anywhere.</summary>
    public long Integer()
    {
        int bits = random.Next(1, 64);
        long limit = (long)((1UL << (bits - 1)) + (ulong)random.Next(3) - 1);
        return random.Next(4) switch
        {
            0 => limit,
            1 => -limit,
            2 => random.Next(-200, 200),
            _ => random.NextInt64(long.MinValue, long.MaxValue) >> random.Next(64),
        };
    }

    /// <summary>A text of any kind.</summary>
    /// <param name="mostBytes">How long it may be.</param>
    public byte[] Any(int mostBytes) => random.Next(6) switch
    {
        0 => Ascii(Integer()),
        1 => Encoding.Latin1.GetBytes(s_almostNumbers[random.Next(s_almostNumbers.Length)]),
        _ => OfLength(Length(mostBytes)),
    };

    /// <summary>A length at or beside a limit; short ones come more often.</summary>
    public int Length(int mostBytes)
    {
        int count = s_lengths.Count(length => length <= mostBytes);
        return s_lengths[Math.Min(random.Next(count), random.Next(count))];
    }

    /// <summary>A text of that length: one letter, words, noise, or noise with repetitions far apart.</summary>
    public byte[] OfLength(int length)
    {
        byte[] text = new byte[length];
        switch (random.Next(4))
        {
            case 0:
                text.AsSpan().Fill((byte)random.Next(256));
                break;
            case 1:
                for (int i = 0; i < length; i++) text[i] = (byte)"abcdefgh "[random.Next(9)];
                break;
            case 2:
                random.NextBytes(text);
                break;
            default:
                random.NextBytes(text);
                int period = Math.Max(1, length / random.Next(2, 8));
                for (int i = period; i < length; i++) text[i] = text[i - period];
                break;
        }

        return text;
    }

    /// <summary>A text that no other number gives.</summary>
    public byte[] Numbered(int number, int bytes)
    {
        byte[] digits = Ascii(number);
        return bytes <= digits.Length + 1
            ? [(byte)'m', .. digits]
            : [.. digits, (byte)':', .. OfLength(bytes - digits.Length - 1)];
    }

    /// <summary>A score: whole, short, of all digits, tiny, huge, infinite. Not -0: where that is packed it becomes 0.
    /// </summary>
    public string Score() => random.Next(8) switch
    {
        0 => "inf",
        1 => "-inf",
        2 => random.Next(-3, 3).ToString(CultureInfo.InvariantCulture),
        3 => Integer().ToString(CultureInfo.InvariantCulture),
        4 => ((random.NextDouble() - 0.5) * Math.Pow(10, random.Next(-300, 300))).ToString(
            "R", CultureInfo.InvariantCulture),
        5 => "5e-324",
        6 => "0.1",
        _ => (random.Next(-10_000, 10_000) / 8.0).ToString("R", CultureInfo.InvariantCulture),
    };

    /// <summary>The digits of a number.</summary>
    public static byte[] Ascii(long number) => Encoding.ASCII.GetBytes(number.ToString(CultureInfo.InvariantCulture));
}
