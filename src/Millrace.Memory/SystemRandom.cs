using System.Buffers.Binary;
using System.Numerics;

namespace Millrace.Memory;

/// <summary>Random numbers of the system's generator, for secrets and names that are made at start.</summary>
/// <remarks>
/// They come as Guids, because <c>RandomNumberGenerator</c> would load OpenSSL first: half of the time until a native
/// server answers. A Guid's 122 random bits come from the same source; its six fixed bits each meet a random one here.
/// </remarks>
public static class SystemRandom
{
    /// <summary>64 random bits.</summary>
    public static ulong NextWord()
    {
        Span<byte> bytes = stackalloc byte[2 * sizeof(ulong)];
        Guid.NewGuid().TryWriteBytes(bytes);
        var low = BinaryPrimitives.ReadUInt64LittleEndian(bytes);
        var high = BinaryPrimitives.ReadUInt64LittleEndian(bytes[sizeof(ulong)..]);
        return low ^ BitOperations.RotateLeft(high, 32);
    }
}
