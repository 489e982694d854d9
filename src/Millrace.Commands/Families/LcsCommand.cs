// LCS: the longest common subsequence of two strings.
//
// The textbook table: cell (i, j) is the length for the first i bytes of one string and the first j of the other. The
// subsequence, or its ranges, are read off it backwards from the far corner; where both ways are as long, the second
// string is shortened. O(N*M) time; memory O(N*M), O(M) when only the length is wanted. As in Redis, a table that would
// exceed proto-max-bulk-len is refused in every form: that bounds the time too.
// Source: Redis 7.2 documentation, "LCS".

using System.Buffers;
using Millrace.Engine;
using Millrace.Engine.Values;
using Millrace.Resp;
using static Millrace.Commands.CommandFlags;
using ValueType = Millrace.Engine.ValueType;

namespace Millrace.Commands.Families;

/// <summary>The command LCS.</summary>
public static class LcsCommand
{
    /// <summary>The most cells that a table may have, whatever proto-max-bulk-len is: 1 GiB.</summary>
    private const long MaxCells = 1L << 28;

    /// <summary>Tables above this many cells are not kept by the pool.</summary>
    private const int MaxPooledCells = 1 << 20;

    /// <summary>The family's commands.</summary>
    public static CommandSpec[] Table =>
    [
        new("lcs", -3, Lcs)
        {
            Flags = ReadOnly,
            Categories = AclCategories.String,
            Keys = [KeySpec.One(KeyFlags.RO | KeyFlags.Access) with { LastKey = 1 }],
            Syntax = "key1:key key2:key [LEN] [IDX] [MINMATCHLEN min-match-len:integer] [WITHMATCHLEN]",
            Summary = "Finds the longest common subsequence of two strings.",
            Since = "7.0.0",
            Complexity = "O(N*M) where N and M are the lengths of the two strings.",
            Group = "string",
        },
    ];

    private static void Lcs(ref Call call)
    {
        var first = call.Read(1);
        var second = call.Read(2);
        if (IsOther(first) || IsOther(second))
        {
            call.Reply.Error("ERR The specified keys must contain string values"u8);
            return;
        }

        if (!TryReadOptions(call, out var options)) return;
        Span<byte> scratch = stackalloc byte[StringValue.ScratchBytes * 2];
        var a = first.IsMissing ? default : StringValue.Read(first, scratch);
        var b = second.IsMissing ? default : StringValue.Read(second, scratch[StringValue.ScratchBytes..]);
        var cells = (a.Length + 1L) * (b.Length + 1L);
        if (cells > call.Caller.MaxBulkLength / sizeof(uint))
        {
            call.Reply.Error("ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len"u8);
            return;
        }

        if (options.WantsLength)
        {
            call.Reply.Integer(LengthOnly(a, b));
            return;
        }

        if (cells > MaxCells)
        {
            call.Reply.Error("ERR Insufficient memory, failed allocating transient memory for LCS"u8);
            return;
        }

        var table = cells <= MaxPooledCells ? ArrayPool<uint>.Shared.Rent((int)cells) : new uint[cells];
        Fill(table, a, b);
        if (options.WantsRanges) ReplyRanges(call.Reply, table, a, b, options);
        else ReplyText(call.Reply, table, a, b);
        if (cells <= MaxPooledCells) ArrayPool<uint>.Shared.Return(table);
    }

    private static bool IsOther(in Entry entry) => !entry.IsMissing && entry.Type != ValueType.String;

    private static bool TryReadOptions(in Call call, out Options options)
    {
        options = default;
        for (var at = 3; at < call.Args.Count; at++)
        {
            if (call.Is(at, "IDX"u8)) options.WantsRanges = true;
            else if (call.Is(at, "LEN"u8)) options.WantsLength = true;
            else if (call.Is(at, "WITHMATCHLEN"u8)) options.WantsRangeLengths = true;
            else if (call.Is(at, "MINMATCHLEN"u8) && at + 1 < call.Args.Count)
            {
                if (!call.TryInteger(++at, out options.MinRange)) return false;
            }
            else
            {
                call.Reply.Error(ErrorTexts.Syntax);
                return false;
            }
        }

        if (!options.WantsRanges || !options.WantsLength) return true;
        call.Reply.Error("ERR If you want both the length and indexes, please just use IDX."u8);
        return false;
    }

    private static int LengthOnly(ReadOnlySpan<byte> a, ReadOnlySpan<byte> b)
    {
        var row = ArrayPool<int>.Shared.Rent(b.Length + 1);
        row.AsSpan(0, b.Length + 1).Clear();
        foreach (var one in a)
        {
            var diagonal = 0;
            for (var j = 0; j < b.Length; j++)
            {
                var above = row[j + 1];
                row[j + 1] = one == b[j] ? diagonal + 1 : Math.Max(above, row[j]);
                diagonal = above;
            }
        }

        var length = row[b.Length];
        ArrayPool<int>.Shared.Return(row);
        return length;
    }

    private static void Fill(uint[] table, ReadOnlySpan<byte> a, ReadOnlySpan<byte> b)
    {
        var width = b.Length + 1;
        table.AsSpan(0, width).Clear();
        for (var i = 1; i <= a.Length; i++)
        {
            var above = table.AsSpan((i - 1) * width, width);
            var row = table.AsSpan(i * width, width);
            row[0] = 0;
            for (var j = 1; j < row.Length; j++)
                row[j] = a[i - 1] == b[j - 1] ? above[j - 1] + 1 : Math.Max(above[j], row[j - 1]);
        }
    }

    // The next common byte at or before (i, j), both counted from 1; false when there is none.
    private static bool TryStepBack(uint[] table, ReadOnlySpan<byte> a, ReadOnlySpan<byte> b, ref int i, ref int j)
    {
        var width = b.Length + 1;
        while (i > 0 && j > 0)
        {
            if (a[i - 1] == b[j - 1]) return true;
            if (table[((i - 1) * width) + j] > table[(i * width) + j - 1]) i--;
            else j--;
        }

        return false;
    }

    private static void ReplyText(ReplyWriter reply, uint[] table, ReadOnlySpan<byte> a, ReadOnlySpan<byte> b)
    {
        var length = (int)table[(a.Length * (b.Length + 1)) + b.Length];
        var text = ArrayPool<byte>.Shared.Rent(Math.Max(1, length));
        var at = length;
        var i = a.Length;
        var j = b.Length;
        while (TryStepBack(table, a, b, ref i, ref j))
        {
            text[--at] = a[i - 1];
            i--;
            j--;
        }

        reply.Bulk(text.AsSpan(0, length));
        ArrayPool<byte>.Shared.Return(text);
    }

    private static void ReplyRanges(
        ReplyWriter reply, uint[] table, ReadOnlySpan<byte> a, ReadOnlySpan<byte> b, Options options)
    {
        reply.Map(2);
        reply.Bulk("matches"u8);
        var mark = reply.BeginDeferred();
        var count = 0;
        var i = a.Length;
        var j = b.Length;
        while (TryStepBack(table, a, b, ref i, ref j))
        {
            var length = 0;
            while (i > 0 && j > 0 && a[i - 1] == b[j - 1])
            {
                length++;
                i--;
                j--;
            }

            if (length < options.MinRange) continue;
            WriteRange(reply, i, j, length, options.WantsRangeLengths);
            count++;
        }

        reply.EndDeferredArray(mark, count);
        reply.Bulk("len"u8);
        reply.Integer(table[(a.Length * (b.Length + 1)) + b.Length]);
    }

    private static void WriteRange(ReplyWriter reply, int startA, int startB, int length, bool withLength)
    {
        reply.Array(withLength ? 3 : 2);
        reply.Array(2);
        reply.Integer(startA);
        reply.Integer(startA + length - 1);
        reply.Array(2);
        reply.Integer(startB);
        reply.Integer(startB + length - 1);
        if (withLength) reply.Integer(length);
    }

    private struct Options
    {
        public bool WantsLength;
        public bool WantsRanges;
        public bool WantsRangeLengths;
        public long MinRange;
    }
}
