using System.Buffers.Binary;

namespace Millrace.Memory;

/// <summary>
/// The sparse registers of a HyperLogLog: runs of equal registers, from the first to the last.
/// </summary>
/// <remarks>
/// <code>
///   00nnnnnn             ZERO    n + 1 registers, 1 to 64, that are 0
///   01nnnnnn nnnnnnnn    XZERO   n + 1 registers, 1 to 16384, that are 0; the high bits of n first
///   1vvvvvnn             VAL     n + 1 registers, 1 to 4, that are v + 1, 1 to 32
///
///   nothing added:       XZERO 16384
///   register 1000 is 2:  XZERO 1000, VAL 2 x 1, XZERO 15383
/// </code>
/// <para>
/// What a change makes of the runs is part of the format, because equal additions shall give equal bytes: a run is cut
/// in up to three (XZERO only where more than 64 zeros are left on a side), then neighbours with equal values are
/// joined as far as they fit, over five runs from the one in front of the change.
/// </para>
/// <para>
/// Memory belongs to the caller, so a change has two phases: <see cref="Find"/> tells what it takes, the caller makes
/// room for <see cref="SparseChange.Growth"/>, and <see cref="Apply"/> makes it. Both are O(runs), of which
/// <see cref="Find"/> passes eight at a time; nothing is allocated. Any bytes may be given: valid runs cover all
/// registers exactly, and where that matters the methods say whether they did. An XZERO whose second byte is missing is
/// no run.
/// </para>
/// </remarks>
internal static class SparseRegisters
{
    /// <summary>The greatest value that a run can have.</summary>
    public const int MaxValue = 32;

    private const int ValueBit = 0x80;
    private const int LongBit = 0x40;
    private const int MaxShortZeros = 64;
    private const int MaxEqualValues = 4;
    private const int JoinedRuns = 5;
    private const int RunsAtOnce = sizeof(ulong);

    /// <summary>Reads a run; false when there is none.</summary>
    public static bool TryRead(ReadOnlySpan<byte> runs, int at, out SparseRun run)
    {
        run = default;
        if ((uint)at >= (uint)runs.Length) return false;
        int code = runs[at];
        if (code >= ValueBit)
        {
            run = new SparseRun(1, (code & 3) + 1, ((code >> 2) & 0x1F) + 1);
            return true;
        }

        if (code < LongBit)
        {
            run = new SparseRun(1, code + 1, 0);
            return true;
        }

        if (at + 1 >= runs.Length) return false;
        run = new SparseRun(2, (((code & 0x3F) << 8) | runs[at + 1]) + 1, 0);
        return true;
    }

    /// <summary>Tells what it takes to raise a register to a value.</summary>
    /// <param name="runs">The registers.</param>
    /// <param name="index">Which one.</param>
    /// <param name="value">1 to <see cref="MaxValue"/>.</param>
    public static SparseChange Find(ReadOnlySpan<byte> runs, int index, int value)
    {
        var at = 0;
        var first = 0;
        var previous = -1;
        while (at < runs.Length)
        {
            while (runs.Length - at >= RunsAtOnce)
            {
                var covered = CoveredByEight(BinaryPrimitives.ReadUInt64LittleEndian(runs[at..]));
                if (covered == 0 || first + covered > index) break;
                first += covered;
                at += RunsAtOnce;
                previous = at - 1;
            }

            for (var i = 0; i < RunsAtOnce; i++)
            {
                if (!TryRead(runs, at, out var run)) return SparseChange.Corrupted;
                if (first + run.Count > index)
                    return Change(run, at, previous, index - first, value);
                previous = at;
                at += run.Bytes;
                first += run.Count;
            }
        }

        return SparseChange.Corrupted;
    }

    /// <summary>Makes a change.</summary>
    /// <param name="runs">The registers, followed by room for the growth.</param>
    /// <param name="length">The bytes of the registers before the change.</param>
    /// <param name="change">What <see cref="Find"/> told.</param>
    /// <returns>The bytes of the registers after it.</returns>
    public static int Apply(Span<byte> runs, int length, SparseChange change)
    {
        var behind = change.At + change.OldBytes;
        runs[behind..length].CopyTo(runs[(change.At + change.NewBytes)..]);
        for (var i = 0; i < change.NewBytes; i++) runs[change.At + i] = (byte)(change.Runs >> (8 * i));
        length += change.Growth;
        return Join(runs[..length], Math.Max(change.Previous, 0));
    }

    /// <summary>Raises loose registers, a byte each, to those that are greater here; false when the runs do not cover
    /// all registers exactly.</summary>
    public static bool TryMergeInto(ReadOnlySpan<byte> runs, Span<byte> loose)
    {
        var index = 0;
        for (var at = 0; at < runs.Length;)
        {
            if (!TryRead(runs, at, out var run) || run.Count > loose.Length - index) return false;
            at += run.Bytes;
            for (var end = index + run.Count; run.Value > 0 && index < end; index++)
            {
                if (loose[index] < run.Value) loose[index] = (byte)run.Value;
            }

            if (run.Value == 0) index += run.Count;
        }

        return index == loose.Length;
    }

    /// <summary>Counts how many registers hold each value; false when the runs do not cover all registers
    /// exactly.</summary>
    public static bool TryAddTo(ReadOnlySpan<byte> runs, Span<int> counts)
    {
        var index = 0;
        for (var at = 0; at < runs.Length && index <= HyperLogLog.Registers;)
        {
            if (!TryRead(runs, at, out var run)) return false;
            at += run.Bytes;
            index += run.Count;
            counts[run.Value] += run.Count;
        }

        return index == HyperLogLog.Registers;
    }

    /// <summary>The run that covers all registers, of which nothing has been added to. Requires: 2 bytes.</summary>
    public static void WriteEmpty(Span<byte> runs)
    {
        runs[0] = LongBit | ((HyperLogLog.Registers - 1) >> 8);
        runs[1] = (HyperLogLog.Registers - 1) & 0xFF;
    }

    // How many registers eight runs of one byte cover, or 0 when there is an XZERO among them.
    private static int CoveredByEight(ulong eight)
    {
        const ulong Ones = 0x0101_0101_0101_0101;
        if ((eight & ~(eight >> 1) & (Ones * LongBit)) != 0) return 0;
        var values = ((eight >> 7) & Ones) * 0xFF; // all bits of the bytes that are VAL
        var counts = (eight & (Ones * 0x3F) & ~(values & (Ones * 0x3C))) + Ones;
        const ulong Lanes = 0x00FF_00FF_00FF_00FF;
        var pairs = (counts & Lanes) + ((counts >> 8) & Lanes);
        return (int)((pairs * 0x0001_0001_0001_0001) >> 48);
    }

    private static SparseChange Change(SparseRun run, int at, int previous, int inRun, int value)
    {
        if (run.Value >= value) return SparseChange.None;
        var runs = 0UL;
        var bytes = 0;
        Append(ref runs, ref bytes, inRun, run.Value);
        Append(ref runs, ref bytes, 1, value);
        Append(ref runs, ref bytes, run.Count - inRun - 1, run.Value);
        return new SparseChange(at, run.Bytes, runs, bytes, previous);
    }

    private static void Append(ref ulong runs, ref int bytes, int count, int value)
    {
        if (count == 0) return;
        if (value == 0 && count > MaxShortZeros)
        {
            runs |= (ulong)(LongBit | ((count - 1) >> 8)) << (8 * bytes++);
            runs |= (ulong)((count - 1) & 0xFF) << (8 * bytes++);
            return;
        }

        runs |= (ulong)(value == 0 ? count - 1 : ValueRun(count, value)) << (8 * bytes++);
    }

    private static int ValueRun(int count, int value) => ValueBit | ((value - 1) << 2) | (count - 1);

    private static int Join(Span<byte> runs, int at)
    {
        var end = runs.Length;
        for (var i = 0; i < JoinedRuns && at < end; i++)
        {
            var code = runs[at];
            if (code < ValueBit)
            {
                at += code < LongBit ? 1 : 2;
                continue;
            }

            if (at + 1 < end && runs[at + 1] >= ValueBit && (code >> 2) == (runs[at + 1] >> 2))
            {
                var count = (code & 3) + (runs[at + 1] & 3) + 2;
                if (count <= MaxEqualValues)
                {
                    runs[(at + 1)..end].CopyTo(runs[at..]);
                    runs[at] = (byte)((code & ~3) | (count - 1));
                    end--;
                    continue; // and once more with what is behind it now
                }
            }

            at++;
        }

        return end;
    }
}

/// <summary>A run of equal registers.</summary>
/// <param name="Bytes">What it takes.</param>
/// <param name="Count">How many registers.</param>
/// <param name="Value">What each of them holds.</param>
internal readonly record struct SparseRun(int Bytes, int Count, int Value);

/// <summary>What it takes to raise a register.</summary>
/// <param name="At">Where the run is that is replaced.</param>
/// <param name="OldBytes">Its size.</param>
/// <param name="Runs">What replaces it, the first byte lowest.</param>
/// <param name="NewBytes">The size of that; 0 when there is nothing to do.</param>
/// <param name="Previous">Where the run in front of it is; -1: nowhere.</param>
internal readonly record struct SparseChange(int At, int OldBytes, ulong Runs, int NewBytes, int Previous)
{
    /// <summary>The register holds as much already.</summary>
    public static SparseChange None => default;

    /// <summary>No run covers the register.</summary>
    public static SparseChange Corrupted => new(-1, 0, 0, 0, 0);

    /// <summary>Whether the register holds as much already.</summary>
    public bool IsNone => NewBytes == 0 && At >= 0;

    /// <summary>Whether no run covers the register.</summary>
    public bool IsCorrupted => At < 0;

    /// <summary>How many bytes more are needed.</summary>
    public int Growth => NewBytes - OldBytes;
}
