// The text of a double, byte-equal to what Redis 7.2 sends (d2string in its util.c).
//
// Whole numbers within ±2^62 are written as integers. Others get the shortest digits that read back to the same double,
// found by Grisu2, and one of three forms (D digits, value = D · 10^K):
//
//     K >= 0 and exponent < ndigits + 7     digits and K zeros             9223372036854776000
//     K <  0 and (K > -7 or exponent < 4)   a decimal point                0.001, 123.456
//     otherwise                             scientific, signed exponent    1.5e-9, 1e+20, 1e+100
//
// Grisu2 finds the shortest digits for 99.9 % of all doubles and one digit more for the rest. A client must not see a
// difference, so this is that very algorithm, with fpconv's rounding, and not the runtime's formatter.
//
// Before 7.2 Redis sent "%.17g", so a 7.0 server differs in every fraction that is not short in binary, in the width
// of exponents and in whole numbers of 17 digits and more:
//
//     7.0     0.10000000000000001   1.0000000000000001e-05   1e+17                1.2345678901234568e+17
//     7.2     0.1                   0.00001                  100000000000000000   123456789012345680
//
// Source: F. Loitsch, "Printing Floating-Point Numbers Quickly and Accurately with Integers" (2010); the arithmetic and
// the choice of form follow fpconv, Copyright (c) 2013-2019 night-shift, (c) 2009 Florian Loitsch, (c) 2021 Redis Ltd.,
// under the Boost Software License 1.0 (https://www.boost.org/LICENSE_1_0.txt).
// O(1); no allocation. Also compiled into Millrace.Engine, whose packed sorted sets hold such texts.

using System.Diagnostics;
using System.Globalization;

namespace Millrace.Resp;

internal static class DoubleText
{
    private const ulong FractionMask = 0x000F_FFFF_FFFF_FFFF;
    private const ulong HiddenBit = 0x0010_0000_0000_0000;
    private const int ExponentBias = 1023 + 52;
    private const int MaxDigits = 18;

    // 10^k for k = -348, -340 ... 340 as 64-bit fractions, rounded to nearest; the binary exponent follows from k.
    internal const int FirstPower = -348;
    internal const int PowerStep = 8;

    internal static ReadOnlySpan<ulong> PowerFractions =>
    [
        0xFA8FD5A0081C0288, 0xBAAEE17FA23EBF76, 0x8B16FB203055AC76, 0xCF42894A5DCE35EA, 0x9A6BB0AA55653B2D,
        0xE61ACF033D1A45DF, 0xAB70FE17C79AC6CA, 0xFF77B1FCBEBCDC4F, 0xBE5691EF416BD60C, 0x8DD01FAD907FFC3C,
        0xD3515C2831559A83, 0x9D71AC8FADA6C9B5, 0xEA9C227723EE8BCB, 0xAECC49914078536D, 0x823C12795DB6CE57,
        0xC21094364DFB5637, 0x9096EA6F3848984F, 0xD77485CB25823AC7, 0xA086CFCD97BF97F4, 0xEF340A98172AACE5,
        0xB23867FB2A35B28E, 0x84C8D4DFD2C63F3B, 0xC5DD44271AD3CDBA, 0x936B9FCEBB25C996, 0xDBAC6C247D62A584,
        0xA3AB66580D5FDAF6, 0xF3E2F893DEC3F126, 0xB5B5ADA8AAFF80B8, 0x87625F056C7C4A8B, 0xC9BCFF6034C13053,
        0x964E858C91BA2655, 0xDFF9772470297EBD, 0xA6DFBD9FB8E5B88F, 0xF8A95FCF88747D94, 0xB94470938FA89BCF,
        0x8A08F0F8BF0F156B, 0xCDB02555653131B6, 0x993FE2C6D07B7FAC, 0xE45C10C42A2B3B06, 0xAA242499697392D3,
        0xFD87B5F28300CA0E, 0xBCE5086492111AEB, 0x8CBCCC096F5088CC, 0xD1B71758E219652C, 0x9C40000000000000,
        0xE8D4A51000000000, 0xAD78EBC5AC620000, 0x813F3978F8940984, 0xC097CE7BC90715B3, 0x8F7E32CE7BEA5C70,
        0xD5D238A4ABE98068, 0x9F4F2726179A2245, 0xED63A231D4C4FB27, 0xB0DE65388CC8ADA8, 0x83C7088E1AAB65DB,
        0xC45D1DF942711D9A, 0x924D692CA61BE758, 0xDA01EE641A708DEA, 0xA26DA3999AEF774A, 0xF209787BB47D6B85,
        0xB454E4A179DD1877, 0x865B86925B9BC5C2, 0xC83553C5C8965D3D, 0x952AB45CFA97A0B3, 0xDE469FBD99A05FE3,
        0xA59BC234DB398C25, 0xF6C69A72A3989F5C, 0xB7DCBF5354E9BECE, 0x88FCF317F22241E2, 0xCC20CE9BD35C78A5,
        0x98165AF37B2153DF, 0xE2A0B5DC971F303A, 0xA8D9D1535CE3B396, 0xFB9B7CD9A4A7443C, 0xBB764C4CA7A44410,
        0x8BAB8EEFB6409C1A, 0xD01FEF10A657842C, 0x9B10A4E5E9913129, 0xE7109BFBA19C0C9D, 0xAC2820D9623BF429,
        0x80444B5E7AA7CF85, 0xBF21E44003ACDD2D, 0x8E679C2F5E44FF8F, 0xD433179D9C8CB841, 0x9E19DB92B4E31BA9,
        0xEB96BF6EBADF77D9, 0xAF87023B9BF0EE6B,
    ];

    /// <summary>Writes the text. Requires: Numbers.MaxDoubleBytes free.</summary>
    public static int Format(double value, Span<byte> to)
    {
        if (double.IsNaN(value)) return Copy("nan"u8, to);
        if (double.IsInfinity(value)) return Copy(value < 0 ? "-inf"u8 : "inf"u8, to);
        if (value == 0) return Copy(double.IsNegative(value) ? "-0"u8 : "0"u8, to);
        if (value is >= -4611686018427387904.0 and <= 4611686018427387904.0 && (long)value == value)
            return Integer((long)value, to);

        int at = 0;
        if (value < 0) to[at++] = (byte)'-';
        Span<byte> digits = stackalloc byte[MaxDigits];
        int count = ShortestDigits(Math.Abs(value), digits, out int power);
        return at + Emit(digits[..count], power, to[at..]);
    }

    private static int Integer(long value, Span<byte> to)
    {
        bool fits = value.TryFormat(to, out int written, default, CultureInfo.InvariantCulture);
        Debug.Assert(fits, "the room is enough for every double");
        return written;
    }

    private static int Copy(ReadOnlySpan<byte> text, Span<byte> to)
    {
        text.CopyTo(to);
        return text.Length;
    }

    private static int Emit(ReadOnlySpan<byte> digits, int power, Span<byte> to)
    {
        int count = digits.Length;
        int exponent = Math.Abs(power + count - 1);
        if (power >= 0 && exponent < count + 7)
        {
            digits.CopyTo(to);
            to.Slice(count, power).Fill((byte)'0');
            return count + power;
        }

        if (power < 0 && (power > -7 || exponent < 4))
        {
            int whole = count + power;
            if (whole > 0)
            {
                digits[..whole].CopyTo(to);
                to[whole] = (byte)'.';
                digits[whole..].CopyTo(to[(whole + 1)..]);
                return count + 1;
            }

            to[0] = (byte)'0';
            to[1] = (byte)'.';
            to.Slice(2, -whole).Fill((byte)'0');
            digits.CopyTo(to[(2 - whole)..]);
            return count + 2 - whole;
        }

        return EmitScientific(digits, power + count - 1, to);
    }

    private static int EmitScientific(ReadOnlySpan<byte> digits, int exponent, Span<byte> to)
    {
        int at = 0;
        to[at++] = digits[0];
        if (digits.Length > 1)
        {
            to[at++] = (byte)'.';
            digits[1..].CopyTo(to[at..]);
            at += digits.Length - 1;
        }

        to[at++] = (byte)'e';
        to[at++] = (byte)(exponent < 0 ? '-' : '+');
        return at + Integer(Math.Abs(exponent), to[at..]);
    }

    /// <summary>Grisu2: digits and K with value ≈ digits · 10^K. Requires: value is finite and greater than
    /// 0.</summary>
    private static int ShortestDigits(double value, Span<byte> digits, out int power)
    {
        ulong bits = BitConverter.DoubleToUInt64Bits(value);
        int biased = (int)(bits >> 52);
        ulong fraction = bits & FractionMask;
        int exponent = 1 - ExponentBias;
        if (biased != 0)
        {
            fraction |= HiddenBit;
            exponent = biased - ExponentBias;
        }

        // The neighbours half-way above and below, on the scale of the upper one.
        Scaled upper = new Scaled((fraction << 1) + 1, exponent - 1).Normalized();
        int lowerShift = fraction == HiddenBit ? 2 : 1;
        int lowerExponent = exponent - lowerShift;
        ulong lowerFraction = ((fraction << lowerShift) - 1) << (lowerExponent - upper.Exponent);
        Scaled scaled = new Scaled(fraction, exponent).Normalized();

        Scaled cached = PowerFor(upper.Exponent, out int decimalPower);
        Scaled lower = new Scaled(lowerFraction, upper.Exponent).Times(cached);
        upper = upper.Times(cached);
        scaled = scaled.Times(cached);
        power = -decimalPower;
        return Generate(scaled.Fraction, upper.Fraction - 1, lower.Fraction + 1, upper.Exponent, digits, ref power);
    }

    /// <summary>The cached power of ten that brings a number with this exponent into the range [2^-60,
    /// 2^-32].</summary>
    private static Scaled PowerFor(int exponent, out int decimalPower)
    {
        const double log10Of2 = 0.30102999566398114;
        int approximate = (int)(-(exponent + PowerFractions.Length) * log10Of2);
        int index = (approximate - FirstPower) / PowerStep;
        while (true)
        {
            decimalPower = FirstPower + (index * PowerStep);
            int cachedExponent = PowerExponent(decimalPower);
            int reached = exponent + cachedExponent + 64;
            if (reached < -60) index++;
            else if (reached > -32) index--;
            else return new Scaled(PowerFractions[index], cachedExponent);
        }
    }

    /// <summary>floor(log2(10^power)) - 63, exact for |power| &lt;= 348.</summary>
    internal static int PowerExponent(int power) => ((power * 1741647) >> 19) - 63;

    private static int Generate(
        ulong value, ulong upper, ulong lower, int exponent, Span<byte> digits, ref int power)
    {
        ulong gap = upper - value;
        ulong delta = upper - lower;
        ulong one = 1UL << -exponent;
        ulong whole = upper >> -exponent;
        ulong rest = upper & (one - 1);
        int count = 0;
        int kappa = 10;
        for (ulong divisor = 1_000_000_000; kappa > 0; divisor /= 10)
        {
            ulong digit = whole / divisor;
            if (digit != 0 || count != 0) digits[count++] = (byte)('0' + digit);
            whole -= digit * divisor;
            kappa--;
            ulong left = (whole << -exponent) + rest;
            if (left > delta) continue;
            power += kappa;
            RoundLastDigit(digits, count, delta, left, divisor << -exponent, gap);
            return count;
        }

        ulong unit = 10;
        while (true)
        {
            rest *= 10;
            delta *= 10;
            kappa--;
            ulong digit = rest >> -exponent;
            if (digit != 0 || count != 0) digits[count++] = (byte)('0' + digit);
            rest &= one - 1;
            if (rest < delta)
            {
                power += kappa;
                RoundLastDigit(digits, count, delta, rest, one, unchecked(gap * unit));
                return count;
            }

            unit = unchecked(unit * 10);
        }
    }

    private static void RoundLastDigit(Span<byte> digits, int count, ulong delta, ulong rest, ulong step, ulong gap)
    {
        Debug.Assert(count > 0, "there is a digit to round");
        while (rest < gap && delta - rest >= step && (rest + step < gap || gap - rest > rest + step - gap))
        {
            digits[count - 1]--;
            rest += step;
        }
    }

    /// <summary>A number fraction · 2^exponent.</summary>
    private readonly record struct Scaled(ulong Fraction, int Exponent)
    {
        public Scaled Normalized()
        {
            int shift = System.Numerics.BitOperations.LeadingZeroCount(Fraction);
            return new Scaled(Fraction << shift, Exponent - shift);
        }

        /// <summary>The upper 64 bits of the product, rounded half up as fpconv does.</summary>
        public Scaled Times(Scaled other)
        {
            ulong high = Math.BigMul(Fraction, other.Fraction, out ulong low);
            return new Scaled(high + (low >> 63), Exponent + other.Exponent + 64);
        }
    }
}
