using System.Runtime.CompilerServices;

namespace Millrace.Memory;

/// <summary>
/// Who uses which bits of a key's hash. No two uses overlap, so that choosing by one says nothing about another: the
/// keys of one partition still spread over all buckets, and those of one bucket over all fingerprints.
/// </summary>
/// <remarks>
/// <code>
///   bit 63                     32 31         16 15        8 7         0
///      +-------------------------+-------------+-----------+-----------+
///      | directory, from the top | bucket      |fingerprint| partition |
///      +-------------------------+-------------+-----------+-----------+
/// </code>
/// Directory and bucket are read from their highest bit down: a structure that doubles takes one more bit at the lower
/// end and so splits each of its places into two neighbours, which is what lets a scan go on where it was.
/// </remarks>
public static class HashBits
{
    /// <summary>The most bits that a directory may take.</summary>
    public const int MaxDirectoryBits = 32;

    /// <summary>The most bits that may choose a bucket.</summary>
    public const int MaxBucketBits = 16;

    /// <summary>The partition, 0 to 255; masked to the number of partitions.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Partition(ulong hash) => (int)(hash & 0xFF);

    /// <summary>The fingerprint that a bucket keeps of a key; every value is legal.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte Fingerprint(ulong hash) => (byte)(hash >> 8);

    /// <summary>The bucket within a segment of 2 to the power of <paramref name="bits"/> buckets.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Bucket(ulong hash, int bits) => (int)((uint)hash >> 16 >> (MaxBucketBits - bits));

    /// <summary>The place in a directory of 2 to the power of <paramref name="bits"/> places.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Directory(ulong hash, int bits) => (uint)(hash >> 32 >> (MaxDirectoryBits - bits));
}
