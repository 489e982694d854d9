using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Millrace.Memory;

/// <summary>
/// The part of <see cref="Crc64"/> that processors do with carry-less multiplication: many bytes become sixteen that
/// have the same checksum.
/// </summary>
/// <remarks>
/// <code>
///   lane 0        lane 1        lane 2        lane 3          16 bytes each, as polynomials over GF(2)
///     | * x^512     | * x^512     | * x^512     | * x^512     modulo the checksum's polynomial
///     ^ bytes 64..  ^ bytes 80..  ^ bytes 96..  ^ bytes 112..
///     ...
///     +-- * x^128 --^-- * x^128 --^-- * x^128 --^--> sum
///
///   a sum is two words, L x^64 + H (the first bit of a byte is its highest power), so that
///   (L x^64 + H) x^D  =  L x^(D+64) + H x^D; a product of two reflected words comes out multiplied by x
/// </code>
/// Source: V. Gopal et al., "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ Instruction" (Intel, 2009).
/// </remarks>
internal static class Crc64Folding
{
    /// <summary>Fewer bytes are not folded.</summary>
    internal const int MinBytes = 2 * RoundBytes;

    private const int RoundBytes = 4 * LaneBytes;
    private const int LaneBytes = 16;

    private static readonly Vector128<ulong> ByRound = Factors(8 * RoundBytes);
    private static readonly Vector128<ulong> ByLane = Factors(8 * LaneBytes);

    /// <summary>Whether this processor can.</summary>
    internal static bool IsSupported => Pclmulqdq.IsSupported;

    /// <summary>Folds whole rounds. Requires: supported; at least <see cref="MinBytes"/>.</summary>
    /// <param name="crc">The checksum of what stands before.</param>
    /// <param name="bytes">The bytes.</param>
    /// <param name="folded">How many of them were folded: what is behind them is not in the sum.</param>
    /// <returns>Sixteen bytes: their checksum, with nothing before them, is that of all that was folded.</returns>
    internal static Vector128<byte> Fold(ulong crc, ReadOnlySpan<byte> bytes, out int folded)
    {
        var lanes = MemoryMarshal.Cast<byte, Vector128<ulong>>(bytes);
        var one = lanes[0] ^ Vector128.CreateScalar(crc);
        var two = lanes[1];
        var three = lanes[2];
        var four = lanes[3];
        var by = ByRound;
        var at = 4;
        for (; at + 4 <= lanes.Length; at += 4)
        {
            one = Times(one, by) ^ lanes[at];
            two = Times(two, by) ^ lanes[at + 1];
            three = Times(three, by) ^ lanes[at + 2];
            four = Times(four, by) ^ lanes[at + 3];
        }

        folded = at * LaneBytes;
        two ^= Times(one, ByLane);
        three ^= Times(two, ByLane);
        four ^= Times(three, ByLane);
        return four.AsByte();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<ulong> Times(Vector128<ulong> sum, Vector128<ulong> factors) =>
        Pclmulqdq.CarrylessMultiply(sum, factors, 0x00) ^ Pclmulqdq.CarrylessMultiply(sum, factors, 0x11);

    private static Vector128<ulong> Factors(int bits) =>
        Vector128.Create(Crc64.PowerOfX(bits + 64 - 1), Crc64.PowerOfX(bits - 1));
}
