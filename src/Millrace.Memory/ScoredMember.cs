using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;

namespace Millrace.Memory;

/// <summary>
/// One member of a large sorted set: a block with its score and its text, stored once and referred to by the table that
/// finds it by text and by the <see cref="RankTree"/> that finds it by rank.
/// </summary>
/// <remarks>
/// <code>
///  0        8          9 to 13
///  +--------+----------+---------------+
///  | score  | length   | text          |      score: a double, little-endian; -0 is kept as it was given
///  +--------+----------+---------------+      length: groups of 7 bits, the low ones first, 0x80: another follows
/// </code>
/// </remarks>
public static class ScoredMember
{
    private const int LengthAt = sizeof(double);
    private const int MaxLengthBytes = 5;
    private const int More = 0x80;

    /// <summary>A new block for a member.</summary>
    /// <param name="heap">Where it shall live.</param>
    /// <param name="score">The score.</param>
    /// <param name="text">The member's text; must not lie in the heap.</param>
    public static BlockRef Create(Heap heap, double score, ReadOnlySpan<byte> text)
    {
        ArgumentNullException.ThrowIfNull(heap);
        var size = checked(TextAt(text.Length) + text.Length);
        var block = heap.Allocate(size);
        var bytes = heap.Span(block, 0, size);
        BinaryPrimitives.WriteDoubleLittleEndian(bytes, score);
        var at = LengthAt;
        var rest = (uint)text.Length;
        for (; rest >= More; rest >>= 7) bytes[at++] = (byte)(rest | More);
        bytes[at++] = (byte)rest;
        text.CopyTo(bytes[at..]);
        return block;
    }

    /// <summary>The member's score.</summary>
    public static double Score(Heap heap, BlockRef member) =>
        BitConverter.UInt64BitsToDouble(heap.ReadHeader(member));

    /// <summary>Changes the score, in the block alone: a tree that refers to it is told by its own
    /// <see cref="RankTree.Move"/>.</summary>
    public static void SetScore(Heap heap, BlockRef member, double score) =>
        heap.WriteHeader(member, BitConverter.DoubleToUInt64Bits(score));

    /// <summary>The member's text. Valid until the block is freed. O(1).</summary>
    public static ReadOnlySpan<byte> Text(Heap heap, BlockRef member)
    {
        int length = heap.Span(member, LengthAt, 1)[0];
        return length < More ? heap.Span(member, LengthAt + 1, length) : LongText(heap, member);
    }

    private static int TextAt(int length)
    {
        var at = LengthAt + 1;
        for (var rest = (uint)length; rest >= More; rest >>= 7) at++;
        return at;
    }

    private static ReadOnlySpan<byte> LongText(Heap heap, BlockRef member)
    {
        var length = 0L;
        for (var i = 0; i < MaxLengthBytes; i++)
        {
            int group = heap.Span(member, LengthAt + i, 1)[0];
            length |= (long)(group & (More - 1)) << (7 * i);
            if (group >= More) continue;
            if (length > int.MaxValue) break;
            return heap.Span(member, LengthAt + i + 1, (int)length);
        }

        ThrowDamaged();
        return default;
    }

    [DoesNotReturn]
    private static void ThrowDamaged() => throw new HeapCorruptionException("A member's length makes no sense.");
}

/// <summary>Tells a <see cref="HashTable{TLayout}"/> how to find the hash of a <see cref="ScoredMember"/>
/// again.</summary>
public readonly struct ScoredMemberLayout : IEntryLayout
{
    /// <inheritdoc/>
    public static ulong HashOf(Heap heap, BlockRef entry, KeyHasher hasher)
    {
        ArgumentNullException.ThrowIfNull(hasher);
        return hasher.Hash(ScoredMember.Text(heap, entry));
    }
}

/// <summary>Finds a <see cref="ScoredMember"/> by its text.</summary>
/// <param name="text">The text; owned by the caller.</param>
public readonly ref struct ScoredMemberProbe(ReadOnlySpan<byte> text) : IEntryProbe
{
    private readonly ReadOnlySpan<byte> _text = text;

    /// <inheritdoc/>
    public bool Matches(Heap heap, BlockRef entry) => ScoredMember.Text(heap, entry).SequenceEqual(_text);
}
