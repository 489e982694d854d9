using System.Buffers.Binary;
using System.Runtime.Intrinsics;

namespace Millrace.Memory;

/// <summary>
/// The 64-bit checksum that ends RDB files and the payloads of DUMP.
/// </summary>
/// <remarks>
/// <code>
///   polynomial   0xAD93D23594C935A9, bits reflected on the way in and out, begins with 0, ends as it is
///   "123456789"  0xE9C6D914C4B8D9CA
///
///   table k [byte]   what the byte does to the sum when k more bytes follow it: eight are looked up at once
/// </code>
/// Most of many bytes are folded where the processor can (<see cref="Crc64Folding"/>).
/// O(bytes), nothing is allocated. Sums may be continued: <c>Update(Update(0, a), b)</c> is that of both.
/// Source: David T. Jones, "An Improved 64-bit Cyclic Redundancy Check for Protein Sequences"; slicing: M. E. Kounavis
/// and F. L. Berry, "A Systematic Approach to Building High Performance Software-Based CRC Generators" (2005).
/// </remarks>
public static class Crc64
{
    private const ulong ReflectedPolynomial = 0x95AC9329AC4BC9B5;
    private const int Slices = 8;
    private const int Values = 256;

    private static readonly ulong[] Tables = MakeTables();

    /// <summary>The checksum of some bytes.</summary>
    public static ulong Of(ReadOnlySpan<byte> bytes) => Update(0, bytes);

    /// <summary>The checksum of what <paramref name="crc"/> is the checksum of and some bytes behind it.</summary>
    public static ulong Update(ulong crc, ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < Crc64Folding.MinBytes || !Crc64Folding.IsSupported) return LookUp(crc, bytes);
        Span<byte> sum = stackalloc byte[Vector128<byte>.Count];
        Crc64Folding.Fold(crc, bytes, out var folded).CopyTo(sum);
        return LookUp(LookUp(0, sum), bytes[folded..]);
    }

    /// <summary>The same by tables alone.</summary>
    internal static ulong LookUp(ulong crc, ReadOnlySpan<byte> bytes)
    {
        ReadOnlySpan<ulong> tables = Tables;
        for (; bytes.Length >= Slices; bytes = bytes[Slices..])
        {
            crc ^= BinaryPrimitives.ReadUInt64LittleEndian(bytes);
            crc = tables[(7 * Values) + (byte)crc]
                ^ tables[(6 * Values) + (byte)(crc >> 8)]
                ^ tables[(5 * Values) + (byte)(crc >> 16)]
                ^ tables[(4 * Values) + (byte)(crc >> 24)]
                ^ tables[(3 * Values) + (byte)(crc >> 32)]
                ^ tables[(2 * Values) + (byte)(crc >> 40)]
                ^ tables[Values + (byte)(crc >> 48)]
                ^ tables[(byte)(crc >> 56)];
        }

        foreach (var one in bytes) crc = tables[(byte)(crc ^ one)] ^ (crc >> 8);
        return crc;
    }

    /// <summary>A power of x modulo the polynomial, bits reflected.</summary>
    internal static ulong PowerOfX(int exponent)
    {
        var power = 1UL << 63;
        for (var i = 0; i < exponent; i++) power = TimesX(power);
        return power;
    }

    private static ulong TimesX(ulong sum) => (sum >> 1) ^ ((sum & 1) != 0 ? ReflectedPolynomial : 0);

    private static ulong[] MakeTables()
    {
        var tables = new ulong[Slices * Values];
        for (var value = 0; value < Values; value++)
        {
            var crc = (ulong)value;
            for (var bit = 0; bit < 8; bit++) crc = TimesX(crc);
            tables[value] = crc;
        }

        for (var at = Values; at < tables.Length; at++)
        {
            var before = tables[at - Values];
            tables[at] = tables[(byte)before] ^ (before >> 8);
        }

        return tables;
    }
}
