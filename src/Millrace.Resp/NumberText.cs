// The grammar of strtod and strtold, scanned once and shared by Numbers.TryParseDouble and LongDouble.
//
//     [+-] ( digits [. digits] [e[+-]digits]  |  0x hex [. hex] [p[+-]digits]  |  inf | infinity )
//
// At least one digit is needed before or after the point. The whole text must match; "nan" is not a number that any
// command takes. Scanning keeps positions, not values: digits are read again by whoever converts them. O(bytes).

using System.Numerics;
using System.Runtime.InteropServices;

namespace Millrace.Resp;

internal enum NumberForm : byte
{
    Decimal,
    Hexadecimal,
    Infinity,
}

/// <summary>Where the parts of a scanned number lie in its text.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly struct NumberText
{
    // Far beyond any finite long double, near enough to add to a text's length without overflow.
    private const int MaxExponent = 1_000_000_000;

    private NumberText(NumberForm form, bool isNegative, int start, int end, int fractionDigits, int exponent)
    {
        Form = form;
        IsNegative = isNegative;
        DigitsStart = start;
        DigitsEnd = end;
        FractionDigits = fractionDigits;
        Exponent = exponent;
    }

    public NumberForm Form { get; }

    public bool IsNegative { get; }

    /// <summary>Digits, with at most one point among them, lie in [DigitsStart, DigitsEnd).</summary>
    public int DigitsStart { get; }

    /// <summary>See <see cref="DigitsStart"/>.</summary>
    public int DigitsEnd { get; }

    /// <summary>Digits behind the point.</summary>
    public int FractionDigits { get; }

    /// <summary>The written exponent, of ten or (hexadecimal) of two; clamped to a billion.</summary>
    public int Exponent { get; }

    public static bool TryScan(ReadOnlySpan<byte> text, out NumberText number)
    {
        number = default;
        int at = 0;
        bool isNegative = false;
        if (text.Length > 0 && text[0] is (byte)'+' or (byte)'-')
        {
            isNegative = text[0] == (byte)'-';
            at = 1;
        }

        ReadOnlySpan<byte> rest = text[at..];
        if (System.Text.Ascii.EqualsIgnoreCase(rest, "inf"u8) || System.Text.Ascii.EqualsIgnoreCase(rest, "infinity"u8))
        {
            number = new NumberText(NumberForm.Infinity, isNegative, at, at, 0, 0);
            return true;
        }

        bool isHex = rest.Length > 2 && rest[0] == (byte)'0' && (rest[1] | 0x20) == 'x';
        if (isHex) at += 2;
        int start = at;
        int digits = CountDigits(text, ref at, isHex);
        int fraction = 0;
        if (at < text.Length && text[at] == (byte)'.')
        {
            at++;
            fraction = CountDigits(text, ref at, isHex);
        }

        if (digits + fraction == 0) return false;
        int end = at;
        if (!TryScanExponent(text, ref at, isHex ? 'p' : 'e', out int exponent) || at != text.Length) return false;
        number = new NumberText(
            isHex ? NumberForm.Hexadecimal : NumberForm.Decimal, isNegative, start, end, fraction, exponent);
        return true;
    }

    /// <summary>All digits are zeros, so the value is zero whatever the exponent.</summary>
    public bool IsZero(ReadOnlySpan<byte> text) =>
        text[DigitsStart..DigitsEnd].IndexOfAnyExcept((byte)'0', (byte)'.') < 0;

    /// <summary>Reads up to nineteen significant digits; false when there are more.</summary>
    public bool TryReadShort(ReadOnlySpan<byte> text, out ulong digits)
    {
        digits = 0;
        int significant = 0;
        foreach (byte c in text[DigitsStart..DigitsEnd])
        {
            if (c == (byte)'.') continue;
            if (significant > 0 || c != (byte)'0') significant++;
            if (significant > 19) return false;
            digits = (digits * 10) + (ulong)(c - '0');
        }

        return true;
    }

    /// <summary>All decimal digits as one number. O(digits^2) at worst, on at most a few thousand digits.</summary>
    public BigInteger ReadLong(ReadOnlySpan<byte> text)
    {
        BigInteger value = BigInteger.Zero;
        ulong chunk = 0;
        ulong scale = 1;
        foreach (byte c in text[DigitsStart..DigitsEnd])
        {
            if (c == (byte)'.') continue;
            chunk = (chunk * 10) + (ulong)(c - '0');
            scale *= 10;
            if (scale < 1_000_000_000_000_000_000) continue;
            value = (value * scale) + chunk;
            chunk = 0;
            scale = 1;
        }

        return (value * scale) + chunk;
    }

    /// <summary>Hexadecimal digits: the leading 121 to 124 bits, whether any bit below is set, and the power of two of
    /// the last bit.</summary>
    public void ReadHexadecimal(ReadOnlySpan<byte> text, out UInt128 fraction, out bool isInexact, out int exponent)
    {
        fraction = 0;
        isInexact = false;
        long dropped = 0;
        foreach (byte c in text[DigitsStart..DigitsEnd])
        {
            if (c == (byte)'.') continue;
            uint digit = (uint)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
            if (fraction >> 120 != 0)
            {
                dropped++;
                isInexact |= digit != 0;
                continue;
            }

            fraction = (fraction << 4) | digit;
        }

        exponent = (int)Math.Clamp(Exponent + (4 * (dropped - FractionDigits)), -MaxExponent, MaxExponent);
    }

    /// <summary>A hexadecimal number as the nearest double, ties to even; false on overflow and on underflow to
    /// zero.</summary>
    public bool TryToDouble(ReadOnlySpan<byte> text, out double value)
    {
        const int fractionBits = 53;
        const int lowestExponent = -1074;
        ReadHexadecimal(text, out UInt128 fraction, out bool isInexact, out int exponent);
        value = IsNegative ? -0.0 : 0.0;
        if (fraction == 0) return true;
        int bits = 128 - (int)UInt128.LeadingZeroCount(fraction);
        int drop = Math.Max(bits - fractionBits, lowestExponent - exponent);
        UInt128 kept = Rounding.ShiftRight(fraction, drop, isInexact);
        exponent += drop;
        if (kept == 0)
        {
            value = 0;
            return false;
        }

        value = exponent > 1024 ? double.PositiveInfinity : double.ScaleB((double)kept, exponent);
        if (IsNegative) value = -value;
        if (!double.IsInfinity(value)) return true;
        value = 0;
        return false;
    }

    private static int CountDigits(ReadOnlySpan<byte> text, ref int at, bool isHex)
    {
        int start = at;
        while (at < text.Length
               && (isHex ? char.IsAsciiHexDigit((char)text[at]) : char.IsAsciiDigit((char)text[at]))) at++;
        return at - start;
    }

    private static bool TryScanExponent(ReadOnlySpan<byte> text, ref int at, char letter, out int exponent)
    {
        exponent = 0;
        if (at >= text.Length || (text[at] | 0x20) != letter) return true;
        at++;
        bool isNegative = false;
        if (at < text.Length && text[at] is (byte)'+' or (byte)'-')
        {
            isNegative = text[at] == (byte)'-';
            at++;
        }

        int start = at;
        while (at < text.Length && char.IsAsciiDigit((char)text[at]))
        {
            exponent = (int)Math.Min(MaxExponent, (exponent * 10L) + text[at] - '0');
            at++;
        }

        if (isNegative) exponent = -exponent;
        return at > start;
    }
}
