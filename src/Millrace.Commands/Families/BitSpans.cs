// Strings of bits as spans of bytes: counting, searching, combining. Bit 0 is the highest bit of the first byte.
//
//     CountOnes   AVX2: each half of a byte is looked up in a table of 16 counts, 32 bytes at once (Mula's method);
//                 elsewhere 8 bytes at once with the processor's own count
//     Find        whole bytes that cannot hold the bit are skipped by the vectorised search of spans
//     Combine     whole vectors, then byte by byte; what is shorter counts as zero bytes
//
// All safe code: a vector is loaded from a span that is checked to be long enough. O(bytes).

using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Millrace.Memory;

namespace Millrace.Commands.Families;

/// <summary>Bits in spans of bytes.</summary>
internal static class BitSpans
{
    private const int BitsPerByte = 8;

    /// <summary>How many bits are set.</summary>
    public static long CountOnes(ReadOnlySpan<byte> bytes)
    {
        var count = 0L;
        if (Avx2.IsSupported) bytes = CountVectors(bytes, out count);
        for (; bytes.Length >= sizeof(ulong); bytes = bytes[sizeof(ulong)..])
            count += BitOperations.PopCount(BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        foreach (var one in bytes) count += BitOperations.PopCount(one);
        return count;
    }

    /// <summary>How many bits are set from one bit to another, both included. Requires: they lie in the
    /// span.</summary>
    public static long CountOnes(ReadOnlySpan<byte> bytes, long first, long last)
    {
        var part = bytes[(int)(first / BitsPerByte)..(int)((last / BitsPerByte) + 1)];
        var count = CountOnes(part);
        count -= BitOperations.PopCount((uint)part[0] & ~MaskFrom(first));
        count -= BitOperations.PopCount((uint)part[^1] & ~MaskTo(last));
        return count;
    }

    /// <summary>The first bit of a value from one bit to another, both included; -1 when there is none. Requires: they
    /// lie in the span.</summary>
    public static long Find(ReadOnlySpan<byte> bytes, bool bit, long first, long last)
    {
        // Looking for a clear bit is looking for a set one among the inverted bits.
        var inverted = bit ? 0u : 0xFFu;
        var at = (int)(first / BitsPerByte);
        var end = (int)(last / BitsPerByte);
        var candidates = (bytes[at] ^ inverted) & MaskFrom(first);
        if (candidates == 0 && at < end)
        {
            at++;
            var skipped = bytes[at..end].IndexOfAnyExcept((byte)inverted);
            at = skipped < 0 ? end : at + skipped;
            candidates = bytes[at] ^ inverted;
        }

        if (at == end) candidates &= MaskTo(last);
        if (candidates == 0) return -1;
        return ((long)at * BitsPerByte) + BitOperations.LeadingZeroCount(candidates) - (32 - BitsPerByte);
    }

    /// <summary>Combines two strings of bits into a third that is as long as the longer of them or longer; what is
    /// missing counts as zero bytes. The target may be the same memory as <paramref name="left"/>.</summary>
    public static void Combine<TOperator>(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right, Span<byte> target)
        where TOperator : struct, IBitOperator
    {
        var common = Math.Min(left.Length, right.Length);
        CombineEqual<TOperator>(left[..common], right[..common], target);
        left = left[common..];
        right = right[common..];
        target = target[common..];
        if (!left.IsEmpty && TOperator.KeepsLeft)
        {
            left.CopyTo(target);
            target = target[left.Length..];
        }
        else if (!right.IsEmpty && TOperator.KeepsRight)
        {
            right.CopyTo(target);
            target = target[right.Length..];
        }

        target.Clear();
    }

    /// <summary>Inverts every bit.</summary>
    public static void Invert(ReadOnlySpan<byte> source, Span<byte> target)
    {
        target = target[..source.Length];
        for (; source.Length >= Vector<byte>.Count; source = source[Vector<byte>.Count..])
        {
            (~new Vector<byte>(source)).CopyTo(target);
            target = target[Vector<byte>.Count..];
        }

        for (var i = 0; i < source.Length; i++) target[i] = (byte)~source[i];
    }

    /// <summary>Takes one more string of bits into account of what is set once, and what more often. Requires: the two
    /// spans are equally long, and the source not longer.</summary>
    public static void AddOnce(ReadOnlySpan<byte> source, Span<byte> once, Span<byte> more)
    {
        once = once[..source.Length];
        more = more[..source.Length];
        for (; source.Length >= Vector<byte>.Count; source = source[Vector<byte>.Count..])
        {
            var bits = new Vector<byte>(source);
            var seen = new Vector<byte>(once);
            (new Vector<byte>(more) | (seen & bits)).CopyTo(more);
            (seen | bits).CopyTo(once);
            once = once[Vector<byte>.Count..];
            more = more[Vector<byte>.Count..];
        }

        for (var i = 0; i < source.Length; i++)
        {
            more[i] |= (byte)(once[i] & source[i]);
            once[i] |= source[i];
        }
    }

    // Counts whole groups of vectors and returns what is left.
    private static ReadOnlySpan<byte> CountVectors(ReadOnlySpan<byte> bytes, out long count)
    {
        const int Group = 4 * 32; // a vector adds at most 8 to each byte of the group's sum
        var counts = Vector128.Create((byte)0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
        var table = Vector256.Create(counts, counts);
        var total = Vector256<ulong>.Zero;
        for (; bytes.Length >= Group; bytes = bytes[Group..])
        {
            var group = bytes[..Group];
            var sum = CountsOf(Vector256.Create(group), table);
            sum += CountsOf(Vector256.Create(group[32..]), table);
            sum += CountsOf(Vector256.Create(group[64..]), table);
            sum += CountsOf(Vector256.Create(group[96..]), table);
            total += Avx2.SumAbsoluteDifferences(sum, Vector256<byte>.Zero).AsUInt64();
        }

        count = (long)Vector256.Sum(total);
        return bytes;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<byte> CountsOf(Vector256<byte> vector, Vector256<byte> table)
    {
        var low = Vector256.Create((byte)0x0F);
        return Avx2.Shuffle(table, vector & low) + Avx2.Shuffle(table, (vector.AsUInt16() >>> 4).AsByte() & low);
    }

    private static void CombineEqual<TOperator>(
        ReadOnlySpan<byte> left, ReadOnlySpan<byte> right, Span<byte> target)
        where TOperator : struct, IBitOperator
    {
        for (; left.Length >= Vector256<byte>.Count; left = left[Vector256<byte>.Count..])
        {
            TOperator.On(Vector256.Create(left), Vector256.Create(right)).CopyTo(target);
            right = right[Vector256<byte>.Count..];
            target = target[Vector256<byte>.Count..];
        }

        for (var i = 0; i < left.Length; i++) target[i] = TOperator.On(left[i], right[i]);
    }

    private static uint MaskFrom(long bit) => 0xFFu >> (int)(bit % BitsPerByte);

    private static uint MaskTo(long bit) => 0xFFu & (0x7F80u >> (int)(bit % BitsPerByte));
}
