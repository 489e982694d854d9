// PFSELFTEST: what a server can tell about its HyperLogLogs from within.
//
// The same elements go into a sparse and a dense one and are counted at every power of ten: the estimates are equal and
// within six times the standard error. A million elements rather than Redis's ten, since a loop serves nobody meanwhile
// (20 ms).

using System.Buffers.Binary;
using Millrace.Memory;

namespace Millrace.Commands.Families;

/// <summary>The test that PFSELFTEST runs.</summary>
internal static class HyperLogLogSelfTest
{
    private const int Elements = 1_000_000;
    private const int SparseElements = 1_000;
    private const int SparseBytes = 8 * 1024; // the thousand take 1.9 kB
    private const double StandardError = 1.04 / 128; // of 2^14 registers
    private const int Tolerance = 6;

    /// <summary>Runs it.</summary>
    /// <param name="seed">Decides which elements are added.</param>
    /// <returns>The text of an error, or nothing.</returns>
    public static ReadOnlySpan<byte> Run(ulong seed)
    {
        Span<byte> loose = stackalloc byte[HyperLogLog.Registers];
        Span<byte> dense = stackalloc byte[HyperLogLog.DenseBytes];
        Span<byte> sparse = stackalloc byte[SparseBytes];
        if (!KeepsRegisters(seed, loose, dense)) return "TESTFAILED Registers are not what they were set to"u8;
        HyperLogLog.WriteEmptyDense(dense);
        HyperLogLog.WriteEmpty(sparse);
        var length = HyperLogLog.EmptyBytes;
        var checkpoint = 1;
        Span<byte> element = stackalloc byte[sizeof(ulong)];
        for (var count = 1; count <= Elements; count++)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(element, (ulong)count ^ seed);
            var ranked = HyperLogLog.Rank(element);
            HyperLogLog.AddToDense(dense, ranked);
            if (count <= SparseElements && !TryAddToSparse(sparse, ref length, ranked))
                return "TESTFAILED sparse encoding not used"u8;
            if (count != checkpoint) continue;
            HyperLogLog.TryCount(dense, out var estimate);
            if (count <= SparseElements
                && (!HyperLogLog.TryCount(sparse[..length], out var other) || other != estimate))
                return "TESTFAILED dense/sparse disagree"u8;
            var most = count == 10 ? 1 : Math.Ceiling(StandardError * Tolerance * count);
            if (Math.Abs(estimate - count) > most) return "TESTFAILED Too big error"u8;
            checkpoint *= 10;
        }

        return default;
    }

    // Packs random registers and spreads them again.
    private static bool KeepsRegisters(ulong seed, Span<byte> loose, Span<byte> dense)
    {
        var random = seed | 1;
        foreach (ref var register in loose)
        {
            random = unchecked((random * 6364136223846793005) + 1442695040888963407);
            register = (byte)(random >> 58);
        }

        HyperLogLog.WriteEmptyDense(dense);
        HyperLogLog.Pack(dense, loose);
        Span<byte> again = stackalloc byte[HyperLogLog.Registers];
        again.Clear();
        return HyperLogLog.IsValid(dense) && HyperLogLog.TryMergeInto(dense, again) && again.SequenceEqual(loose);
    }

    // One element in four thousand million has a rank that no sparse register holds, and fails here.
    private static bool TryAddToSparse(Span<byte> sparse, ref int length, RankedElement ranked)
    {
        var addition = HyperLogLog.FindInSparse(sparse[..length], ranked);
        if (addition.IsCorrupted || addition.NeedsDense || length + addition.Growth > sparse.Length) return false;
        if (!addition.IsNone) length = HyperLogLog.AddToSparse(sparse, length, addition);
        return true;
    }
}
