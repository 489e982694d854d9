// Sizes such as 1gb, by Redis's rules: digits and one of b, k, kb, m, mb, g, gb in any case; k is 1000 and kb is 1024.
// As in Redis, no digits at all mean zero. Unlike Redis, what does not fit 64 bits is an error and does not wrap.

using System.Globalization;

namespace Millrace.Server.Config;

/// <summary>Parses memory sizes.</summary>
public static class MemorySize
{
    /// <summary>Parses a size; false when it is none. O(length).</summary>
    /// <param name="text">The text.</param>
    /// <param name="bytes">The size in bytes.</param>
    public static bool TryParse(string text, out ulong bytes)
    {
        ArgumentNullException.ThrowIfNull(text);
        bytes = 0;
        int digits = 0;
        while (digits < text.Length && char.IsAsciiDigit(text[digits])) digits++;
        ulong unit = UnitOf(text.AsSpan(digits));
        if (unit == 0) return false;
        ulong value = 0;
        for (int i = 0; i < digits; i++)
        {
            ulong digit = (ulong)(text[i] - '0');
            if (value > (ulong.MaxValue - digit) / 10) return false;
            value = (value * 10) + digit;
        }

        if (value > ulong.MaxValue / unit) return false;
        bytes = value * unit;
        return true;
    }

    /// <summary>A size in the largest unit that divides it.</summary>
    /// <param name="bytes">The size, not negative.</param>
    public static string ToShortText(long bytes)
    {
        ReadOnlySpan<string> units = ["gb", "mb", "kb"];
        for (int i = 0; i < units.Length; i++)
        {
            long unit = 1L << (30 - (10 * i));
            if (bytes == 0 || bytes % unit != 0) continue;
            return string.Create(CultureInfo.InvariantCulture, $"{bytes / unit}{units[i]}");
        }

        return bytes.ToString(CultureInfo.InvariantCulture);
    }

    private static ulong UnitOf(ReadOnlySpan<char> unit)
    {
        if (unit.Length > 2) return 0;
        bool binary = unit.Length == 2;
        if (binary && (unit[1] | 0x20) != 'b') return 0;
        if (unit.Length == 0) return 1;
        return (unit[0] | 0x20) switch
        {
            'b' when !binary => 1,
            'k' => binary ? 1024UL : 1000UL,
            'm' => binary ? 1024UL * 1024 : 1000UL * 1000,
            'g' => binary ? 1024UL * 1024 * 1024 : 1000UL * 1000 * 1000,
            _ => 0,
        };
    }
}
