using System.Buffers.Binary;
using System.Runtime.Intrinsics;

namespace Millrace.Memory;

/// <summary>
/// The dense registers of a HyperLogLog: 16384 of them, 6 bits each, in 12288 bytes.
/// </summary>
/// <remarks>
/// <code>
///   byte       0        1        2
///          +--------+--------+--------+-- ... --+        register r begins at bit 6 r, counted from the lowest bit
///          |11000000|22221111|33333322|         |        of byte 0; the bits of a byte are drawn highest first
///          +--------+--------+--------+-- ... --+
/// </code>
/// <para>
/// Loose registers are the same with a byte each, which is how several HyperLogLogs are merged. Eight registers at a
/// time are spread from 48 bits to 64 and back by halves: 24 bits each, then 12, then 6.
/// </para>
/// <para>Raise O(1), the rest O(registers). Any bytes are valid. Nothing is allocated.</para>
/// </remarks>
internal static class DenseRegisters
{
    /// <summary>The size of all registers.</summary>
    public const int Bytes = HyperLogLog.Registers * Bits / 8;

    private const int Bits = 6;
    private const int Mask = (1 << Bits) - 1;
    private const int GroupRegisters = 16;
    private const int GroupBytes = GroupRegisters * Bits / 8;

    /// <summary>Raises a register to a value; false when it holds that or more.</summary>
    /// <param name="packed">The registers.</param>
    /// <param name="index">Which one.</param>
    /// <param name="value">0 to 63.</param>
    public static bool Raise(Span<byte> packed, int index, int value)
    {
        // Two bytes hold it, except for the last register, which ends with the last byte.
        var at = Math.Min(index * Bits / 8, Bytes - sizeof(ushort));
        var shift = (index * Bits) - (at * 8);
        var pair = BinaryPrimitives.ReadUInt16LittleEndian(packed[at..]);
        if (((pair >> shift) & Mask) >= value) return false;
        BinaryPrimitives.WriteUInt16LittleEndian(packed[at..], (ushort)((pair & ~(Mask << shift)) | (value << shift)));
        return true;
    }

    /// <summary>Raises loose registers to those that are greater here.</summary>
    public static void MergeInto(ReadOnlySpan<byte> packed, Span<byte> loose)
    {
        packed = packed[..Bytes];
        loose = loose[..HyperLogLog.Registers];
        while (!loose.IsEmpty)
        {
            var here = Vector128.Create(Spread(Low(packed)), Spread(High(packed))).AsByte();
            Vector128.Max(here, Vector128.Create<byte>(loose)).CopyTo(loose);
            packed = packed[GroupBytes..];
            loose = loose[GroupRegisters..];
        }
    }

    /// <summary>Packs loose registers, each below 64.</summary>
    public static void Pack(ReadOnlySpan<byte> loose, Span<byte> packed)
    {
        loose = loose[..HyperLogLog.Registers];
        packed = packed[..Bytes];
        while (!loose.IsEmpty)
        {
            var low = Gather(BinaryPrimitives.ReadUInt64LittleEndian(loose));
            var high = Gather(BinaryPrimitives.ReadUInt64LittleEndian(loose[sizeof(ulong)..]));
            BinaryPrimitives.WriteUInt64LittleEndian(packed, low | (high << 48));
            BinaryPrimitives.WriteUInt32LittleEndian(packed[sizeof(ulong)..], (uint)(high >> 16));
            loose = loose[GroupRegisters..];
            packed = packed[GroupBytes..];
        }
    }

    /// <summary>Counts how many registers hold each value.</summary>
    public static void AddTo(ReadOnlySpan<byte> packed, Span<int> counts)
    {
        // Equal values often stand side by side: two rows of counts do not wait for each other's last addition.
        Span<int> odd = stackalloc int[CardinalityEstimate.Counts];
        odd.Clear();
        packed = packed[..Bytes];
        while (!packed.IsEmpty)
        {
            Count(Spread(Low(packed)), counts, odd);
            Count(Spread(High(packed)), counts, odd);
            packed = packed[GroupBytes..];
        }

        for (var i = 0; i < odd.Length; i++) counts[i] += odd[i];
    }

    /// <summary>The same for loose registers, each below 64.</summary>
    public static void AddLooseTo(ReadOnlySpan<byte> loose, Span<int> counts)
    {
        Span<int> odd = stackalloc int[CardinalityEstimate.Counts];
        odd.Clear();
        for (; !loose.IsEmpty; loose = loose[sizeof(ulong)..])
            Count(BinaryPrimitives.ReadUInt64LittleEndian(loose), counts, odd);
        for (var i = 0; i < odd.Length; i++) counts[i] += odd[i];
    }

    private static void Count(ulong eight, Span<int> even, Span<int> odd)
    {
        if (eight == 0)
        {
            even[0] += sizeof(ulong);
            return;
        }

        for (var i = 0; i < sizeof(ulong); i += 2)
        {
            even[(int)(eight & Mask)]++;
            odd[(int)(eight >> 8) & Mask]++;
            eight >>= 16;
        }
    }

    // The first and the last eight registers of a group, in the low 48 bits.
    private static ulong Low(ReadOnlySpan<byte> packed) => BinaryPrimitives.ReadUInt64LittleEndian(packed);

    private static ulong High(ReadOnlySpan<byte> packed) =>
        BinaryPrimitives.ReadUInt64LittleEndian(packed[(GroupBytes - sizeof(ulong))..]) >> 16;

    private static ulong Spread(ulong packed)
    {
        packed = (packed & 0x0000_0000_00FF_FFFF) | ((packed & 0x0000_FFFF_FF00_0000) << 8);
        packed = (packed & 0x0000_0FFF_0000_0FFF) | ((packed & 0x00FF_F000_00FF_F000) << 4);
        return (packed & 0x003F_003F_003F_003F) | ((packed & 0x0FC0_0FC0_0FC0_0FC0) << 2);
    }

    private static ulong Gather(ulong loose)
    {
        loose = (loose & 0x003F_003F_003F_003F) | ((loose & 0x3F00_3F00_3F00_3F00) >> 2);
        loose = (loose & 0x0000_0FFF_0000_0FFF) | ((loose & 0x0FFF_0000_0FFF_0000) >> 4);
        return (loose & 0x0000_0000_00FF_FFFF) | ((loose & 0x00FF_FFFF_0000_0000) >> 8);
    }
}
