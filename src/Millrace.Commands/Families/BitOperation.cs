// BITOP: what it computes of its sources, tile by tile.
//
// A tile is as much of the result as the nearest cache holds together with the same part of a source; all sources are
// folded into it before the next one:
//
//     AND OR XOR      s1 op s2 op s3 ...            DIFF     s1 and not s2 and not s3 ...
//     NOT             not s1                        DIFF1    (s2 or s3 ...) and not s1
//     ONE             set once and not more often   ANDOR    (s2 or s3 ...) and s1
//
// A large result of two sources, which is one operator, is computed in one go, past the caches (StreamingBits).
// A source that is shorter than the result counts as if zero bytes followed it; a missing key is all zeros.
// Source: Redis 8.2 documentation, "BITOP". O(sources * bytes of the longest).

using System.Buffers;
using Millrace.Engine;
using Millrace.Engine.Values;
using Millrace.Memory;
using ValueType = Millrace.Engine.ValueType;

namespace Millrace.Commands.Families;

/// <summary>What BITOP does with its sources.</summary>
internal enum BitOperator
{
    /// <summary>No such operation.</summary>
    None,

    /// <summary>Set in all.</summary>
    And,

    /// <summary>Set in any.</summary>
    Or,

    /// <summary>Set in an odd number of them.</summary>
    Xor,

    /// <summary>Not set in the only one.</summary>
    Not,

    /// <summary>Set in the first and in no other.</summary>
    Diff,

    /// <summary>Set in any of the others and not in the first.</summary>
    Diff1,

    /// <summary>Set in the first and in any of the others.</summary>
    AndOr,

    /// <summary>Set in exactly one.</summary>
    One,
}

/// <summary>The sources of one BITOP. Whoever has read them releases them.</summary>
internal struct BitOperation
{
    private const int TileBytes = 8 * 1024;

    private readonly BitOperator _operator;
    private readonly int _count;
    private Entry[] _pooled = [];

    /// <summary>An operation on so many sources.</summary>
    public BitOperation(BitOperator bitOperator, int count)
    {
        _operator = bitOperator;
        _count = count;
    }

    /// <summary>The length of the longest source, which is that of the result.</summary>
    public int Length { get; private set; }

    private readonly ReadOnlySpan<Entry> Sources => _pooled.AsSpan(0, _count);

    /// <summary>The operation that a client's word names.</summary>
    public static BitOperator OperatorOf(ReadOnlySpan<byte> word) =>
        Words.Equal(word, "AND"u8) ? BitOperator.And
        : Words.Equal(word, "OR"u8) ? BitOperator.Or
        : Words.Equal(word, "XOR"u8) ? BitOperator.Xor
        : Words.Equal(word, "NOT"u8) ? BitOperator.Not
        : Words.Equal(word, "DIFF"u8) ? BitOperator.Diff
        : Words.Equal(word, "DIFF1"u8) ? BitOperator.Diff1
        : Words.Equal(word, "ANDOR"u8) ? BitOperator.AndOr
        : Words.Equal(word, "ONE"u8) ? BitOperator.One
        : BitOperator.None;

    /// <summary>Looks the sources up; writes the error and returns false when one is no string, and there is nothing to
    /// release then.</summary>
    public bool TryRead(in Call call, int firstArg)
    {
        _pooled = ArrayPool<Entry>.Shared.Rent(_count);
        for (var i = 0; i < _count; i++)
        {
            var entry = call.Read(firstArg + i);
            if (!call.IsTypeOrMissing(entry, ValueType.String))
            {
                Release();
                return false;
            }

            _pooled[i] = entry;
            if (!entry.IsMissing) Length = Math.Max(Length, StringValue.Length(entry));
        }

        return true;
    }

    /// <summary>Gives the memory back.</summary>
    public readonly void Release() => ArrayPool<Entry>.Shared.Return(_pooled, clearArray: true);

    /// <summary>Whether an entry's value is in the same memory as a source.</summary>
    public readonly bool Reads(in Entry entry)
    {
        foreach (ref readonly var one in Sources)
        {
            if (StringValue.AreSameBlob(one, entry)) return true;
        }

        return false;
    }

    /// <summary>Computes the result. Requires: as long as <see cref="Length"/>, and in no source's memory.</summary>
    public readonly void Compute(Span<byte> result)
    {
        if (_count == 2 && result.Length >= StreamingBits.MinBytes)
        {
            ComputePair(result);
            return;
        }

        for (var at = 0; at < result.Length; at += TileBytes)
            ComputeTile(at, result[at..Math.Min(result.Length, at + TileBytes)]);
    }

    // With two sources each operation is one operator.
    private readonly void ComputePair(Span<byte> result)
    {
        Span<byte> scratch = stackalloc byte[2 * StringValue.ScratchBytes];
        var first = PartOf(0, 0, result.Length, scratch);
        var second = PartOf(1, 0, result.Length, scratch[StringValue.ScratchBytes..]);
        switch (_operator)
        {
            case BitOperator.And or BitOperator.AndOr:
                Stream<BitAnd>(first, second, result);
                break;
            case BitOperator.Or:
                Stream<BitOr>(first, second, result);
                break;
            case BitOperator.Xor or BitOperator.One:
                Stream<BitXor>(first, second, result);
                break;
            case BitOperator.Diff:
                Stream<BitAndNot>(first, second, result);
                break;
            default:
                Stream<BitAndNot>(second, first, result);
                break;
        }
    }

    private static void Stream<TOperator>(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right, Span<byte> result)
        where TOperator : struct, IBitOperator
    {
        var common = Math.Min(left.Length, right.Length);
        var done = StreamingBits.Combine<TOperator>(left[..common], right[..common], result);
        BitSpans.Combine<TOperator>(left[done..], right[done..], result[done..]);
    }

    private readonly void ComputeTile(int at, Span<byte> tile)
    {
        Span<byte> scratch = stackalloc byte[StringValue.ScratchBytes];
        switch (_operator)
        {
            case BitOperator.And:
                Fold<BitAnd>(0, at, tile);
                break;
            case BitOperator.Or:
                Fold<BitOr>(0, at, tile);
                break;
            case BitOperator.Xor:
                Fold<BitXor>(0, at, tile);
                break;
            case BitOperator.Not:
                BitSpans.Invert(PartOf(0, at, tile.Length, scratch), tile);
                break;
            case BitOperator.Diff:
                Fold<BitAndNot>(0, at, tile);
                break;
            case BitOperator.Diff1:
                Fold<BitOr>(1, at, tile);
                BitSpans.Combine<BitAndNot>(tile, PartOf(0, at, tile.Length, scratch), tile);
                break;
            case BitOperator.AndOr:
                Fold<BitOr>(1, at, tile);
                BitSpans.Combine<BitAnd>(tile, PartOf(0, at, tile.Length, scratch), tile);
                break;
            default:
                FindOnes(at, tile);
                break;
        }
    }

    // All sources from one on.
    private readonly void Fold<TOperator>(int first, int at, Span<byte> tile)
        where TOperator : struct, IBitOperator
    {
        Span<byte> scratch = stackalloc byte[2 * StringValue.ScratchBytes];
        var left = PartOf(first, at, tile.Length, scratch);
        if (first + 1 == _count)
        {
            left.CopyTo(tile);
            tile[left.Length..].Clear();
            return;
        }

        for (var i = first + 1; i < _count; i++)
        {
            BitSpans.Combine<TOperator>(left, PartOf(i, at, tile.Length, scratch[StringValue.ScratchBytes..]), tile);
            left = tile;
        }
    }

    private readonly void FindOnes(int at, Span<byte> tile)
    {
        Span<byte> scratch = stackalloc byte[StringValue.ScratchBytes];
        Span<byte> more = stackalloc byte[TileBytes];
        more = more[..tile.Length];
        more.Clear();
        tile.Clear();
        for (var i = 0; i < _count; i++) BitSpans.AddOnce(PartOf(i, at, tile.Length, scratch), tile, more);
        BitSpans.Combine<BitAndNot>(tile, more, tile);
    }

    // What a source has of a tile.
    private readonly ReadOnlySpan<byte> PartOf(int index, int at, int length, Span<byte> scratch)
    {
        ref readonly var entry = ref Sources[index];
        if (entry.IsMissing) return default;
        var text = StringValue.Read(entry, scratch);
        return at >= text.Length ? default : text.Slice(at, Math.Min(length, text.Length - at));
    }
}
