using System.Buffers.Binary;
using System.Numerics;

namespace Millrace.Memory;

/// <summary>
/// A HyperLogLog: estimates how many different elements were added to it, with a standard error of 0.81 %, in 12304
/// bytes once it is dense. Byte for byte that of Redis, because it is an ordinary string that clients copy between
/// servers.
/// </summary>
/// <remarks>
/// <code>
///   0      4   5       8              16
///   +------+---+-------+--------------+-- ... --+
///   | HYLL | e | 0 0 0 | cardinality  | registers
///   +------+---+-------+--------------+-- ... --+
///                        8, LE
///
///   e             0: dense (DenseRegisters), 12304 bytes in all; 1: sparse (SparseRegisters)
///   cardinality   the last estimate; its highest bit says that registers have changed since
///
///   hash of an element      |  50 bits: rank is 1 + the zeros at the low end  |  14 bits: register  |
///                           63                                                13                    0
/// </code>
/// <para>
/// Each register holds the greatest rank of the elements that fell to it, so the order of additions does not matter to
/// them and merging takes the greater of two. Several HyperLogLogs are merged as loose registers, a byte each.
/// </para>
/// <para>
/// Bytes that come from clients go through <see cref="IsValid"/>, which looks at the header and the size; whether
/// sparse registers are in order is told by whoever walks them. Memory belongs to the caller. Adding is O(1) when dense
/// and O(runs) when sparse, the rest O(registers). Nothing is allocated.
/// </para>
/// <para>
/// Sources: Flajolet, Fusy, Gandouet, Meunier, "HyperLogLog: the analysis of a near-optimal cardinality estimation
/// algorithm" (2007); Heule, Nunkesser, Hall, "HyperLogLog in Practice" (2013); the layout as documented in Valkey's
/// hyperloglog.c.
/// </para>
/// </remarks>
public static class HyperLogLog
{
    /// <summary>How many registers there are.</summary>
    public const int Registers = 1 << IndexBits;

    /// <summary>The bytes in front of the registers.</summary>
    public const int HeaderBytes = 16;

    /// <summary>The size of a dense one.</summary>
    public const int DenseBytes = HeaderBytes + DenseRegisters.Bytes;

    /// <summary>The size of a sparse one that nothing was added to.</summary>
    public const int EmptyBytes = HeaderBytes + 2;

    /// <summary>The greatest size of a sparse one whose registers are in order: a run of two bytes for each.</summary>
    public const int MaxSparseBytes = HeaderBytes + (2 * Registers);

    private const int IndexBits = 14;
    private const ulong Seed = 0xadc83b19;
    private const int EncodingAt = 4;
    private const int CardinalityAt = 8;
    private const byte Dense = 0;
    private const byte Sparse = 1;
    private const ulong StaleBit = 1UL << 63;

    /// <summary>Whether a string has the header, and the size of a dense one if it says so.</summary>
    public static bool IsValid(ReadOnlySpan<byte> value) =>
        value.Length >= HeaderBytes
        && value.StartsWith("HYLL"u8)
        && (value[EncodingAt] == Sparse || (value[EncodingAt] == Dense && value.Length == DenseBytes));

    /// <summary>Whether the registers are dense. Requires: valid, as everything below.</summary>
    public static bool IsDense(ReadOnlySpan<byte> value) => value[EncodingAt] == Dense;

    /// <summary>Writes one that nothing was added to. Requires: <see cref="EmptyBytes"/>.</summary>
    public static void WriteEmpty(Span<byte> value)
    {
        value[..HeaderBytes].Clear();
        "HYLL"u8.CopyTo(value);
        value[EncodingAt] = Sparse;
        SparseRegisters.WriteEmpty(value[HeaderBytes..]);
    }

    /// <summary>Writes a dense one that nothing was added to. Requires: <see cref="DenseBytes"/>.</summary>
    public static void WriteEmptyDense(Span<byte> value)
    {
        value[..DenseBytes].Clear();
        "HYLL"u8.CopyTo(value);
    }

    /// <summary>The estimate that is kept in the header; false when registers have changed since it was made.</summary>
    public static bool TryGetCached(ReadOnlySpan<byte> value, out long cardinality)
    {
        cardinality = BinaryPrimitives.ReadInt64LittleEndian(value[CardinalityAt..]);
        return cardinality >= 0;
    }

    /// <summary>Keeps an estimate in the header.</summary>
    public static void SetCached(Span<byte> value, long cardinality) =>
        BinaryPrimitives.WriteInt64LittleEndian(value[CardinalityAt..], cardinality);

    /// <summary>Notes that registers have changed since the estimate was made.</summary>
    public static void ForgetCached(Span<byte> value) => value[HeaderBytes - 1] |= (byte)(StaleBit >> 56);

    /// <summary>The register that an element falls to, and its rank there, 1 to 51.</summary>
    public static RankedElement Rank(ReadOnlySpan<byte> element)
    {
        var hash = MurmurHash64A.Hash(element, Seed);
        var rest = (hash >> IndexBits) | (1UL << (64 - IndexBits)); // ends the zeros
        return new RankedElement((int)(hash & (Registers - 1)), 1 + BitOperations.TrailingZeroCount(rest));
    }

    /// <summary>Adds an element to a dense one; false when no register changed.</summary>
    public static bool AddToDense(Span<byte> value, RankedElement element) =>
        DenseRegisters.Raise(value[HeaderBytes..], element.Index, element.Rank);

    /// <summary>Tells what adding an element to a sparse one takes.</summary>
    public static SparseAddition FindInSparse(ReadOnlySpan<byte> value, RankedElement element)
    {
        if (element.Rank > SparseRegisters.MaxValue) return new SparseAddition(default) { NeedsDense = true };
        return value.Length > MaxSparseBytes
            ? new SparseAddition(SparseChange.Corrupted)
            : new SparseAddition(SparseRegisters.Find(value[HeaderBytes..], element.Index, element.Rank));
    }

    /// <summary>Adds an element to a sparse one.</summary>
    /// <param name="value">The HyperLogLog, followed by room for the growth.</param>
    /// <param name="length">Its size before.</param>
    /// <param name="addition">What <see cref="FindInSparse"/> told.</param>
    /// <returns>Its size afterwards.</returns>
    public static int AddToSparse(Span<byte> value, int length, SparseAddition addition)
    {
        ForgetCached(value);
        return HeaderBytes
            + SparseRegisters.Apply(value[HeaderBytes..], length - HeaderBytes, addition.Change);
    }

    /// <summary>Raises loose registers to those that are greater here; false when the registers are not in
    /// order.</summary>
    /// <param name="value">The HyperLogLog.</param>
    /// <param name="loose">A byte for each register.</param>
    public static bool TryMergeInto(ReadOnlySpan<byte> value, Span<byte> loose)
    {
        if (!IsDense(value)) return SparseRegisters.TryMergeInto(value[HeaderBytes..], loose[..Registers]);
        DenseRegisters.MergeInto(value[HeaderBytes..], loose);
        return true;
    }

    /// <summary>Makes a header that of a dense one and puts loose registers behind it.</summary>
    /// <param name="dense">Begins with the header; <see cref="DenseBytes"/>.</param>
    /// <param name="loose">A byte for each register.</param>
    public static void Pack(Span<byte> dense, ReadOnlySpan<byte> loose)
    {
        dense[EncodingAt] = Dense;
        DenseRegisters.Pack(loose, dense[HeaderBytes..]);
    }

    /// <summary>Estimates the cardinality; false when the registers are not in order.</summary>
    public static bool TryCount(ReadOnlySpan<byte> value, out long cardinality)
    {
        Span<int> counts = stackalloc int[CardinalityEstimate.Counts];
        counts.Clear();
        cardinality = 0;
        if (IsDense(value)) DenseRegisters.AddTo(value[HeaderBytes..], counts);
        else if (!SparseRegisters.TryAddTo(value[HeaderBytes..], counts)) return false;
        cardinality = CardinalityEstimate.Of(counts);
        return true;
    }

    /// <summary>Estimates the cardinality of loose registers.</summary>
    public static long CountLoose(ReadOnlySpan<byte> loose)
    {
        Span<int> counts = stackalloc int[CardinalityEstimate.Counts];
        counts.Clear();
        DenseRegisters.AddLooseTo(loose[..Registers], counts);
        return CardinalityEstimate.Of(counts);
    }

    /// <summary>Reads the run at an offset of a sparse one, as long as there are bytes: a missing second byte counts as
    /// 0.</summary>
    /// <param name="value">The HyperLogLog.</param>
    /// <param name="at">From <see cref="HeaderBytes"/> on; moved behind the run.</param>
    /// <param name="count">How many registers.</param>
    /// <param name="rank">What they hold.</param>
    /// <param name="isLong">Whether it is an XZERO.</param>
    public static bool TryReadRun(ReadOnlySpan<byte> value, ref int at, out int count, out int rank, out bool isLong)
    {
        count = rank = 0;
        isLong = false;
        if (at >= value.Length) return false;
        if (!SparseRegisters.TryRead(value, at, out var run))
            SparseRegisters.TryRead([value[at], 0], 0, out run);
        at += run.Bytes;
        (count, rank, isLong) = (run.Count, run.Value, run.Bytes > 1);
        return true;
    }
}

/// <summary>Where an element falls.</summary>
/// <param name="Index">The register.</param>
/// <param name="Rank">1 to 51.</param>
public readonly record struct RankedElement(int Index, int Rank);

/// <summary>What adding an element to a sparse HyperLogLog takes.</summary>
public readonly record struct SparseAddition
{
    internal SparseAddition(SparseChange change) => Change = change;

    /// <summary>Whether the register holds as much already.</summary>
    public bool IsNone => !NeedsDense && Change.IsNone;

    /// <summary>Whether the registers are not in order.</summary>
    public bool IsCorrupted => Change.IsCorrupted;

    /// <summary>Whether no sparse register can hold the rank.</summary>
    public bool NeedsDense { get; internal init; }

    /// <summary>How many bytes more are needed; may be negative.</summary>
    public int Growth => Change.Growth;

    internal SparseChange Change { get; }
}
