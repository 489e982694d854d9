using System.Buffers.Binary;

namespace Millrace.Memory;

/// <summary>
/// MurmurHash2 in its 64-bit version for 64-bit machines. Part of a format: HyperLogLogs that travel between servers
/// are filled with it. No use where keys may be chosen to collide.
/// </summary>
/// <remarks>
/// Words of 8 bytes, little-endian, are mixed in one after the other, then the 1 to 7 bytes that are left as the low
/// bytes of one more word. O(length). Source: Austin Appleby's MurmurHash2 (public domain), described at
/// github.com/aappleby/smhasher.
/// </remarks>
public static class MurmurHash64A
{
    private const ulong Multiplier = 0xc6a4a7935bd1e995;
    private const int Shift = 47;

    /// <summary>The hash of some bytes.</summary>
    public static ulong Hash(ReadOnlySpan<byte> bytes, ulong seed)
    {
        var whole = bytes;
        var hash = seed ^ unchecked((ulong)bytes.Length * Multiplier);
        while (bytes.Length >= sizeof(ulong))
        {
            var word = unchecked(BinaryPrimitives.ReadUInt64LittleEndian(bytes) * Multiplier);
            word = unchecked((word ^ (word >> Shift)) * Multiplier);
            hash = unchecked((hash ^ word) * Multiplier);
            bytes = bytes[sizeof(ulong)..];
        }

        if (!bytes.IsEmpty)
        {
            hash = unchecked((hash ^ Rest(whole, bytes)) * Multiplier);
        }

        hash = unchecked((hash ^ (hash >> Shift)) * Multiplier);
        return hash ^ (hash >> Shift);
    }

    // The last 1 to 7 bytes: from the last 8, where there are as many, without a loop.
    private static ulong Rest(ReadOnlySpan<byte> whole, ReadOnlySpan<byte> rest)
    {
        if (whole.Length >= sizeof(ulong))
            return BinaryPrimitives.ReadUInt64LittleEndian(whole[^sizeof(ulong)..]) >> (64 - (8 * rest.Length));
        var word = 0UL;
        for (var i = rest.Length - 1; i >= 0; i--) word = (word << 8) | rest[i];
        return word;
    }
}
