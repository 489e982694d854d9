// Numbers as Redis reads and writes them, on bytes.
//
// Integers follow string2ll: no plus sign, no leading zeros, no blanks, no "-0". Doubles are read as strtod reads them
// (decimal, hexadecimal, inf, infinity) and written as d2string does (see DoubleText).
// Numbers of more precision, for INCRBYFLOAT and HINCRBYFLOAT, are LongDouble.

using System.Diagnostics;
using System.Globalization;

namespace Millrace.Resp;

/// <summary>Parsing and formatting of numbers, byte-equal to Redis 7.2. Thread-safe, allocation-free on the paths of
/// data commands.</summary>
public static class Numbers
{
    /// <summary>The most bytes that <see cref="FormatInt64"/> writes.</summary>
    public const int MaxInt64Bytes = 20;

    /// <summary>The most bytes that <see cref="FormatDouble"/> writes.</summary>
    public const int MaxDoubleBytes = 32;

    /// <summary>Reads a 64-bit integer in its one canonical form. O(digits).</summary>
    /// <param name="text">The whole text.</param>
    /// <param name="value">The number, 0 when false.</param>
    public static bool TryParseInt64(ReadOnlySpan<byte> text, out long value)
    {
        value = 0;
        if (text.IsEmpty || text.Length > MaxInt64Bytes) return false;
        if (text.Length == 1 && text[0] == (byte)'0') return true;
        bool isNegative = text[0] == (byte)'-';
        ReadOnlySpan<byte> digits = isNegative ? text[1..] : text;
        if (digits.IsEmpty || digits.Length > 19 || digits[0] == (byte)'0') return false;
        ulong sum = 0;
        foreach (byte c in digits)
        {
            uint digit = (uint)(c - '0');
            if (digit > 9) return false;
            sum = (sum * 10) + digit;
        }

        // Nineteen digits cannot overflow 64 unsigned bits.
        if (sum > (isNegative ? 1UL << 63 : long.MaxValue)) return false;
        value = isNegative ? unchecked(-(long)sum) : (long)sum;
        return true;
    }

    /// <summary>Writes a 64-bit integer in decimal. Requires: <see cref="MaxInt64Bytes"/> free.</summary>
    /// <param name="value">The number.</param>
    /// <param name="to">Where to write.</param>
    /// <returns>The bytes written.</returns>
    public static int FormatInt64(long value, Span<byte> to)
    {
        bool fits = value.TryFormat(to, out int written, default, CultureInfo.InvariantCulture);
        Debug.Assert(fits, "twenty bytes hold every 64-bit integer");
        return written;
    }

    /// <summary>Reads a double as Redis's commands do: the whole text must be a number that strtod accepts; no blank in
    /// front, no NaN, no overflow, no underflow to zero. O(digits).</summary>
    /// <param name="text">The whole text.</param>
    /// <param name="value">The number, 0 when false.</param>
    public static bool TryParseDouble(ReadOnlySpan<byte> text, out double value)
    {
        value = 0;
        if (!NumberText.TryScan(text, out NumberText number)) return false;
        switch (number.Form)
        {
            case NumberForm.Infinity:
                value = number.IsNegative ? double.NegativeInfinity : double.PositiveInfinity;
                return true;
            case NumberForm.Hexadecimal:
                return number.TryToDouble(text, out value);
            case NumberForm.Decimal:
                const NumberStyles style =
                    NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;
                if (!double.TryParse(text, style, CultureInfo.InvariantCulture, out double parsed)) return false;
                if (double.IsInfinity(parsed) || (parsed == 0 && !number.IsZero(text))) return false;
                value = parsed;
                return true;
            default:
                return false;
        }
    }

    /// <summary>Reads a double as C's strtod reads a string that it must use up, which is how the ends of ranges of
    /// scores are read: blanks in front are skipped, a NUL ends the text, no text is 0, and what is too large or too
    /// small becomes infinite or zero. No NaN. O(digits).</summary>
    /// <param name="text">The whole text.</param>
    /// <param name="value">The number, 0 when false.</param>
    public static bool TryParseAnyDouble(ReadOnlySpan<byte> text, out double value)
    {
        value = 0;
        int end = text.IndexOf((byte)0);
        if (end >= 0) text = text[..end];
        if (text.IsEmpty) return true;
        text = text.TrimStart(" \t\n\v\f\r"u8);
        if (TryParseDouble(text, out value)) return true;
        if (!NumberText.TryScan(text, out NumberText number)) return false;
        if (number.Form == NumberForm.Decimal)
        {
            const NumberStyles style =
                NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;
            return double.TryParse(text, style, CultureInfo.InvariantCulture, out value);
        }

        // Hexadecimal and out of range.
        value = number.Exponent <= 0 ? 0 : double.PositiveInfinity;
        if (number.IsNegative) value = -value;
        return true;
    }

    /// <summary>Writes a double as Redis 7.2 sends it. Requires: <see cref="MaxDoubleBytes"/> free. O(1).</summary>
    /// <param name="value">The number.</param>
    /// <param name="to">Where to write.</param>
    /// <returns>The bytes written.</returns>
    public static int FormatDouble(double value, Span<byte> to) => DoubleText.Format(value, to);
}
