// The 80-bit floating-point number that C calls long double on x86, as far as Redis uses it: read, add, write.
//
//     value = (-1)^sign · fraction · 2^exponent    fraction: 64 bits, top bit set unless the number is subnormal
//     lowest exponent -16445 (subnormals share it), largest 16320, infinities apart; no NaN can be read
//
// INCRBYFLOAT and HINCRBYFLOAT add in this format and answer with "%.17Lf" without trailing zeros. Clients see the
// rounding of both steps, so they are done exactly: one rounding (nearest, ties to even) per operation, on 128-bit
// integers where they suffice (nearly always) and on BigInteger beyond. Where C's long double is wider (ARM: 128 bits)
// or narrower (Windows: 64), Redis answers differently; we answer alike everywhere.
//
// Source: Intel SDM vol. 1, 4.2.2; Redis 7.2 string2ld and ld2string (util.c).

using System.Numerics;
using System.Runtime.InteropServices;

namespace Millrace.Resp;

/// <summary>An x87 extended-precision number. Immutable.</summary>
[StructLayout(LayoutKind.Auto)]
public readonly struct LongDouble : IEquatable<LongDouble>
{
    /// <summary>The most bytes that <see cref="FormatHuman"/> writes: sign, 4933 digits, point, 17 digits.</summary>
    public const int MaxHumanBytes = 4960;

    /// <summary>Texts must be shorter than this (Redis's MAX_LONG_DOUBLE_CHARS).</summary>
    public const int TextBytesLimit = 5 * 1024;

    private const int LowestExponent = -16445;
    private const int HighestExponent = 16383 - 63;
    private const int HumanDigits = 17;
    private const ulong HumanScale = 100_000_000_000_000_000;
    private const ulong TopBit = 1UL << 63;

    private readonly ulong _fraction;
    private readonly short _exponent;
    private readonly bool _isNegative;
    private readonly bool _isInfinity;

    private LongDouble(bool isNegative, ulong fraction, int exponent)
    {
        _isNegative = isNegative;
        _fraction = fraction;
        _exponent = (short)exponent;
    }

    private LongDouble(bool isNegative, bool isInfinity)
    {
        _isNegative = isNegative;
        _isInfinity = isInfinity;
    }

    /// <summary>The largest number that is not infinite.</summary>
    public static LongDouble MaxValue => new(isNegative: false, ulong.MaxValue, HighestExponent);

    /// <summary>Whether the sign is minus, that of a zero included.</summary>
    public bool IsNegative => _isNegative;

    /// <summary>The number is plus or minus infinity.</summary>
    public bool IsInfinity => _isInfinity;

    /// <summary>The same number; every integer is exact.</summary>
    /// <param name="value">An integer.</param>
    public static LongDouble FromInt64(long value) =>
        Round(value < 0, value < 0 ? (UInt128)(ulong)unchecked(-value) : (UInt128)(ulong)value, 0, isInexact: false);

    /// <summary>The same number; every double is exact. Requires: not NaN.</summary>
    /// <param name="value">A double.</param>
    public static LongDouble FromDouble(double value)
    {
        bool isNegative = double.IsNegative(value);
        if (double.IsInfinity(value)) return new LongDouble(isNegative, isInfinity: true);
        ulong bits = BitConverter.DoubleToUInt64Bits(value);
        int biased = (int)((bits >> 52) & 0x7FF);
        ulong fraction = bits & 0x000F_FFFF_FFFF_FFFF;
        if (biased != 0) fraction |= 0x0010_0000_0000_0000;
        return Round(isNegative, fraction, Math.Max(biased, 1) - 1075, isInexact: false);
    }

    /// <summary>Reads a text as strtold does and Redis accepts it: the whole text, no blank in front, no NaN, no
    /// overflow, no underflow to zero, less than 5 kB. "inf" is accepted. O(digits), beyond 19 digits
    /// O(digits^2).</summary>
    /// <param name="text">The whole text.</param>
    /// <param name="value">The nearest number; zero when false.</param>
    public static bool TryParse(ReadOnlySpan<byte> text, out LongDouble value)
    {
        value = default;
        if (text.Length >= TextBytesLimit || !NumberText.TryScan(text, out NumberText number)) return false;
        if (number.Form == NumberForm.Infinity)
        {
            value = new LongDouble(number.IsNegative, isInfinity: true);
            return true;
        }

        if (number.IsZero(text))
        {
            value = new LongDouble(number.IsNegative, 0, 0);
            return true;
        }

        LongDouble parsed;
        if (number.Form == NumberForm.Hexadecimal)
        {
            number.ReadHexadecimal(text, out UInt128 fraction, out bool isInexact, out int exponent);
            parsed = Round(number.IsNegative, fraction, exponent, isInexact);
        }
        else
        {
            parsed = FromDecimal(text, number);
        }

        if (parsed._isInfinity || parsed._fraction == 0) return false;
        value = parsed;
        return true;
    }

    /// <summary>The sum, rounded once; false when it is infinite or undefined, which Redis refuses. O(1).</summary>
    /// <param name="other">What is added.</param>
    /// <param name="sum">The sum; zero when false.</param>
    public bool TryAdd(LongDouble other, out LongDouble sum)
    {
        sum = default;
        if (_isInfinity || other._isInfinity) return false;
        LongDouble result = Add(this, other);
        if (result._isInfinity) return false;
        sum = result;
        return true;
    }

    /// <summary>The number with the other sign.</summary>
    public LongDouble Negated() => _isInfinity
        ? new LongDouble(!_isNegative, isInfinity: true)
        : new LongDouble(!_isNegative, _fraction, _exponent);

    /// <summary>Below zero when this number is the lower one, above when it is the higher one; the zeros are equal.
    /// O(1).</summary>
    /// <param name="other">The number to compare with.</param>
    public int CompareTo(LongDouble other)
    {
        int sign = Sign;
        if (sign != other.Sign) return sign.CompareTo(other.Sign);
        return sign < 0 ? other.CompareMagnitude(this) : CompareMagnitude(other);
    }

    /// <summary>A number of seconds as milliseconds, rounded up; -1 for less than a long can hold. False when it is
    /// more than a long can hold. O(1).</summary>
    /// <param name="milliseconds">The milliseconds; 0 when false.</param>
    public bool TryToMilliseconds(out long milliseconds)
    {
        milliseconds = 0;
        LongDouble scaled =
            _isInfinity ? this : Round(_isNegative, (UInt128)_fraction * 1000, _exponent, isInexact: false);
        int shift = -scaled._exponent;
        bool isHuge = scaled._isInfinity || (shift < 0 && scaled._fraction != 0);
        ulong whole = isHuge ? ulong.MaxValue : shift >= 64 ? 0 : scaled._fraction >> shift;
        bool isExact = isHuge || (shift >= 64 ? scaled._fraction == 0 : whole << shift == scaled._fraction);
        if (_isNegative)
        {
            milliseconds = whole > long.MaxValue ? -1 : -(long)whole;
            return true;
        }

        if (!isExact) whole++;
        if (whole > long.MaxValue) return false;
        milliseconds = (long)whole;
        return true;
    }

    /// <summary>Writes the number as Redis's "human" form: "%.17Lf", trailing zeros and point removed, no "-0".
    /// Requires: <see cref="MaxHumanBytes"/> free (64 suffice below 2^64). Below 2^64: O(1), no allocation.</summary>
    /// <param name="to">Where to write.</param>
    /// <returns>The bytes written.</returns>
    public int FormatHuman(Span<byte> to)
    {
        if (_isInfinity)
        {
            ReadOnlySpan<byte> text = _isNegative ? "-inf"u8 : "inf"u8;
            text.CopyTo(to);
            return text.Length;
        }

        int at = 0;
        if (_isNegative) to[at++] = (byte)'-';
        if (_exponent > 0)
        {
            Span<char> digits = stackalloc char[MaxHumanBytes];
            ((BigInteger)_fraction << _exponent).TryFormat(digits, out int count);
            return at + System.Text.Encoding.ASCII.GetBytes(digits[..count], to[at..]);
        }

        // fraction · 10^17 takes at most 121 bits.
        UInt128 scaled = Rounding.ShiftRight((UInt128)_fraction * HumanScale, -_exponent, isInexact: false);
        ulong whole = (ulong)(scaled / HumanScale);
        ulong behind = (ulong)(scaled - ((UInt128)whole * HumanScale));
        if (whole == 0 && behind == 0)
        {
            to[0] = (byte)'0';
            return 1;
        }

        whole.TryFormat(to[at..], out int written);
        at += written;
        return behind == 0 ? at : at + FormatFraction(behind, to[at..]);
    }

    /// <inheritdoc/>
    public bool Equals(LongDouble other) =>
        _fraction == other._fraction && _exponent == other._exponent
        && _isNegative == other._isNegative && _isInfinity == other._isInfinity;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is LongDouble other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(_fraction, _exponent, _isNegative, _isInfinity);

    /// <summary>The human form.</summary>
    public override string ToString()
    {
        Span<byte> text = stackalloc byte[MaxHumanBytes];
        return System.Text.Encoding.ASCII.GetString(text[..FormatHuman(text)]);
    }

    private int Sign => _fraction == 0 && !_isInfinity ? 0 : _isNegative ? -1 : 1;

    // Every fraction has its top bit set, but those of the lowest exponent.
    private int CompareMagnitude(LongDouble other)
    {
        if (_isInfinity || other._isInfinity) return _isInfinity.CompareTo(other._isInfinity);
        int byExponent = _exponent.CompareTo(other._exponent);
        return byExponent != 0 ? byExponent : _fraction.CompareTo(other._fraction);
    }

    private static int FormatFraction(ulong behind, Span<byte> to)
    {
        to[0] = (byte)'.';
        for (int i = HumanDigits; i > 0; i--)
        {
            to[i] = (byte)('0' + (behind % 10));
            behind /= 10;
        }

        return 1 + to.Slice(1, HumanDigits).LastIndexOfAnyExcept((byte)'0') + 1;
    }

    private static LongDouble Add(LongDouble left, LongDouble right)
    {
        if (left._fraction == 0 && right._fraction == 0)
            return new LongDouble(left._isNegative && right._isNegative, 0, 0);
        if (left._fraction == 0) return right;
        if (right._fraction == 0) return left;
        if (left._exponent < right._exponent) (left, right) = (right, left);

        // The larger one takes bits 62..125 of 128, so the sum fits, and what is shifted out of the smaller one
        // lies far below the place of rounding.
        const int headroom = 62;
        UInt128 large = (UInt128)left._fraction << headroom;
        UInt128 small = (UInt128)right._fraction << headroom;
        int shift = left._exponent - right._exponent;
        UInt128 shifted = shift >= 128 ? 0 : small >> shift;
        bool isInexact = shift >= 128 || shifted << shift != small;
        int exponent = left._exponent - headroom;
        if (left._isNegative == right._isNegative)
            return Round(left._isNegative, large + shifted, exponent, isInexact);
        if (large == shifted && !isInexact) return new LongDouble(isNegative: false, 0, 0);
        if (large >= shifted)
        {
            UInt128 difference = large - shifted - (isInexact ? UInt128.One : 0);
            return Round(left._isNegative, difference, exponent, isInexact);
        }

        // The exponents are equal here, or the left is subnormal: nothing was shifted out.
        return Round(right._isNegative, shifted - large, exponent, isInexact: false);
    }

    private static LongDouble FromDecimal(ReadOnlySpan<byte> text, in NumberText number)
    {
        int power = number.Exponent - number.FractionDigits;
        if (number.TryReadShort(text, out ulong digits) && power is >= -26 and <= 27)
        {
            // 19 digits times 5^27 fit 127 bits; digits scaled to 127 bits over 5^26 leave 66 bits or more.
            UInt128 fivePower = FivePower(Math.Abs(power));
            if (power >= 0) return Round(number.IsNegative, digits * fivePower, power, isInexact: false);
            int lift = 63 + BitOperations.LeadingZeroCount(digits);
            (UInt128 quotient, UInt128 rest) = UInt128.DivRem((UInt128)digits << lift, fivePower);
            return Round(number.IsNegative, quotient, power - lift, rest != 0);
        }

        // The number lies in [10^(magnitude-1), 10^magnitude): decide the hopeless ones cheaply.
        ReadOnlySpan<byte> all = text[number.DigitsStart..number.DigitsEnd];
        int leadingZeros = 0;
        foreach (byte c in all)
        {
            if (c == (byte)'.') continue;
            if (c != (byte)'0') break;
            leadingZeros++;
        }

        int count = all.Length - (all.Contains((byte)'.') ? 1 : 0) - leadingZeros;
        long magnitude = (long)power + count;
        if (magnitude > 4940) return new LongDouble(number.IsNegative, isInfinity: true);
        if (magnitude < -4960) return new LongDouble(number.IsNegative, 0, 0);
        return FromFraction(number.IsNegative, number.ReadLong(text), power);
    }

    private static UInt128 FivePower(int power)
    {
        UInt128 value = UInt128.One;
        for (int i = 0; i < power; i++) value *= 5;
        return value;
    }

    /// <summary>digits · 10^power by exact integer arithmetic, rounded once.</summary>
    private static LongDouble FromFraction(bool isNegative, BigInteger digits, int power)
    {
        BigInteger numerator = power >= 0 ? digits * BigInteger.Pow(5, power) : digits;
        BigInteger denominator = power >= 0 ? BigInteger.One : BigInteger.Pow(5, -power);

        // Scale so that the quotient has 100 bits or a few more.
        int shift = 100 - (int)(numerator.GetBitLength() - denominator.GetBitLength());
        if (shift >= 0) numerator <<= shift;
        else denominator <<= -shift;
        BigInteger quotient = BigInteger.DivRem(numerator, denominator, out BigInteger rest);
        return Round(isNegative, (UInt128)quotient, power - shift, !rest.IsZero);
    }

    /// <summary>The nearest number to value · 2^exponent; infinity beyond the largest. <paramref name="isInexact"/>:
    /// the true value is a little larger, by less than one unit. Requires: value &lt; 2^127.</summary>
    private static LongDouble Round(bool isNegative, UInt128 value, int exponent, bool isInexact)
    {
        if (value == 0) return new LongDouble(isNegative, 0, 0);
        int bits = 128 - (int)UInt128.LeadingZeroCount(value);
        int drop = Math.Max(bits - 64, LowestExponent - exponent);
        UInt128 kept = Rounding.ShiftRight(value, drop, isInexact);
        long resultExponent = (long)exponent + drop;
        if (kept > ulong.MaxValue)
        {
            kept >>= 1;
            resultExponent++;
        }

        if (kept == 0) return new LongDouble(isNegative, 0, 0);
        if (resultExponent > HighestExponent) return new LongDouble(isNegative, isInfinity: true);
        return new LongDouble(isNegative, (ulong)kept, (int)resultExponent);
    }
}
