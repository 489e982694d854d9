// Shifts that round to nearest, ties to even: the one rule of IEEE 754 arithmetic that the number types share.

namespace Millrace.Resp;

internal static class Rounding
{
    /// <summary>value / 2^shift, rounded. <paramref name="isInexact"/>: the true value is a little larger. Requires:
    /// the value is below 2^127, so that rounding up cannot overflow.</summary>
    public static UInt128 ShiftRight(UInt128 value, int shift, bool isInexact)
    {
        if (shift <= 0) return value << -shift;
        if (shift > 128) return 0;
        UInt128 half = UInt128.One << (shift - 1);
        UInt128 kept = shift == 128 ? 0 : value >> shift;
        UInt128 rest = value - (shift == 128 ? 0 : kept << shift);
        bool isOdd = (kept & 1) != 0;
        bool roundsUp = rest > half || (rest == half && (isInexact || isOdd));
        return roundsUp ? kept + 1 : kept;
    }
}
