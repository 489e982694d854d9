// Sorted sets: walks with a cursor, and members chosen at random.
//
// Source: Redis 7.2 documentation, "ZRANDMEMBER", "ZSCAN"; NOSCORES: Valkey 9 documentation, "ZSCAN".

using System.Buffers;
using System.Globalization;
using System.Numerics;
using Millrace.Engine;
using Millrace.Engine.Values;
using Millrace.Resp;
using static Millrace.Commands.CommandFlags;
using ValueType = Millrace.Engine.ValueType;

namespace Millrace.Commands.Families;

/// <summary>The commands that look at some members of a sorted set.</summary>
public static class SortedSetSampleCommands
{
    private const int ScratchBytes = 20;

    /// <summary>The family's commands.</summary>
    public static CommandSpec[] Table =>
    [
        new("zrandmember", -2, ZRandMember)
        {
            Flags = ReadOnly,
            Categories = AclCategories.SortedSet,
            Keys = [KeySpec.One(KeyFlags.RO | KeyFlags.Access)],
            Syntax = "key [(count:integer [WITHSCORES])]",
            Summary = "Returns members of a sorted set that are chosen at random.",
            Since = "6.2.0",
            Complexity = "O(N*log(M)) where N is the number of members that are returned and M of all.",
            Group = "sorted-set",
            Tips = ["nondeterministic_output"],
        },
        new("zscan", -3, ZScan)
        {
            Flags = ReadOnly,
            Categories = AclCategories.SortedSet,
            Keys = [KeySpec.One(KeyFlags.RO | KeyFlags.Access)],
            Syntax = "key cursor:integer [MATCH pattern:pattern] [COUNT count:integer] [NOSCORES]",
            Summary = "Walks over the members of a sorted set, a few with each call.",
            Since = "2.8.0",
            Complexity = "O(1) for each call, O(N) for a whole walk, where N is the number of members.",
            Group = "sorted-set",
            Tips = ["nondeterministic_output"],
        },
    ];

    private static void ZRandMember(ref Call call)
    {
        var count = 0L;
        var isCounted = call.Args.Count > 2;
        var withScores = call.Args.Count == 4;
        if (isCounted && !TryReadSampleSize(call, withScores, out count)) return;
        var entry = call.Read(1);
        if (!call.IsTypeOrMissing(entry, ValueType.SortedSet)) return;
        if (entry.IsMissing || (isCounted && count == 0))
        {
            if (isCounted) call.Reply.Array(0);
            else call.Reply.Null();
            return;
        }

        var total = SortedSetValue.Count(entry);
        if (!isCounted) ReplyAt(call, entry, RandomBelow(call.Unit, total), withScore: false);
        else if (count < 0) ReplyAnyTimes(call, entry, total, -count, withScores);
        else if (count >= total) SortedSetReplies.Members(call, entry, new RankRange(0, total), false, withScores);
        else ReplyDistinct(call, entry, total, count, withScores);
    }

    private static void ZScan(ref Call call)
    {
        if (!KeyScan.TryReadCursor(call.Args[2], out var cursor))
        {
            call.Reply.Error("ERR invalid cursor"u8);
            return;
        }

        var entry = call.Read(1);
        if (!call.IsTypeOrMissing(entry, ValueType.SortedSet)) return;
        if (entry.IsMissing)
        {
            call.Reply.Array(2);
            call.Reply.BulkInteger(0);
            call.Reply.Array(0);
            return;
        }

        if (!TryReadScanOptions(call, out var options)) return;
        if (SortedSetScan.IsFor(entry)) ReplyScan(call, entry, cursor, options);
        else ReplyWhole(call, entry, options);
    }

    private static bool TryReadSampleSize(in Call call, bool withScores, out long count)
    {
        if (!call.TryInteger(2, out count)) return false;
        var error =
            count == long.MinValue
                ? "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807"u8
            : call.Args.Count > 4 || (withScores && !call.Is(3, "WITHSCORES"u8)) ? ErrorTexts.Syntax
            : withScores && count is < -long.MaxValue / 2 or > long.MaxValue / 2 ? "ERR value is out of range"u8
            : default;
        if (error.IsEmpty) return true;
        call.Reply.Error(error);
        return false;
    }

    private static long RandomBelow(Unit unit, long limit) =>
        (long)Math.BigMul(unit.NextRandom64(), (ulong)limit, out _);

    private static void ReplyAt(in Call call, in Entry entry, long rank, bool withScore)
    {
        var cursor = SortedSetCursor.At(entry, rank);
        SortedSetReplies.Member(call, ref cursor, withScore);
    }

    private static void ReplyAnyTimes(in Call call, in Entry entry, long total, long count, bool withScores)
    {
        SortedSetReplies.Header(call, count, withScores);
        for (; count > 0; count--) ReplyAt(call, entry, RandomBelow(call.Unit, total), withScores);
    }

    // A large part of the set is a walk that takes each member with the chance that is left for it; a small part is
    // drawn, and what was drawn before is drawn again.
    private static void ReplyDistinct(in Call call, in Entry entry, long total, long count, bool withScores)
    {
        const int MinMembersPerDraw = 4;
        SortedSetReplies.Header(call, count, withScores);
        if (total / MinMembersPerDraw >= count && count < Array.MaxLength / MinMembersPerDraw)
        {
            DrawDistinct(call, entry, total, (int)count, withScores);
            return;
        }

        var cursor = SortedSetCursor.At(entry, 0);
        for (var left = total; count > 0; left--, cursor.Next())
        {
            if (RandomBelow(call.Unit, left) >= count) continue;
            SortedSetReplies.Member(call, ref cursor, withScores);
            count--;
        }
    }

    // The ranks that were drawn, plus one, stand in a table with open addressing.
    private static void DrawDistinct(in Call call, in Entry entry, long total, int count, bool withScores)
    {
        var size = (int)BitOperations.RoundUpToPowerOf2((uint)count * 2);
        var drawn = ArrayPool<long>.Shared.Rent(size);
        drawn.AsSpan(0, size).Clear();
        while (count > 0)
        {
            var rank = RandomBelow(call.Unit, total);
            var at = (int)(rank & (size - 1));
            while (drawn[at] != 0 && drawn[at] != rank + 1) at = (at + 1) & (size - 1);
            if (drawn[at] != 0) continue;
            drawn[at] = rank + 1;
            ReplyAt(call, entry, rank, withScores);
            count--;
        }

        ArrayPool<long>.Shared.Return(drawn);
    }

    private static bool TryReadScanOptions(in Call call, out ScanOptions options)
    {
        options = new ScanOptions { Count = 10 };
        for (var at = 3; at < call.Args.Count; at++)
        {
            var hasValue = at + 1 < call.Args.Count;
            if (hasValue && call.Is(at, "COUNT"u8))
            {
                if (!call.TryInteger(++at, out options.Count)) return false;
                if (options.Count >= 1) continue;
            }
            else if (hasValue && call.Is(at, "MATCH"u8))
            {
                options.Pattern = call.Args[++at];
                options.HasPattern = !Glob.MatchesAll(options.Pattern);
                continue;
            }
            else if (call.Is(at, "NOSCORES"u8))
            {
                options.WithoutScores = true;
                continue;
            }

            call.Reply.Error(ErrorTexts.Syntax);
            return false;
        }

        return true;
    }

    private static void ReplyScan(in Call call, in Entry entry, ulong cursor, ScanOptions options)
    {
        var pattern = options.HasPattern ? options.Pattern : default;
        var scan = SortedSetScan.Of(call.Unit, entry, pattern, options.HasPattern);
        cursor = scan.Run(cursor, options.Count);
        call.Reply.Array(2);
        call.Reply.BulkInteger((long)cursor);
        call.Reply.Array(options.WithoutScores ? scan.Count : scan.Count * 2L);
        for (var i = 0; i < scan.Count; i++)
        {
            call.Reply.Bulk(scan.Text(i));
            if (!options.WithoutScores) ReplyLongScore(call, scan.Score(i));
        }

        scan.Release();
    }

    // Seventeen digits, where everything else sends the shortest text: so does Redis for large sets.
    private static void ReplyLongScore(in Call call, double score)
    {
        Span<byte> text = stackalloc byte[Numbers.MaxDoubleBytes];
        if (!double.IsFinite(score))
        {
            call.Reply.Bulk(score > 0 ? "inf"u8 : "-inf"u8);
            return;
        }

        _ = score.TryFormat(text, out var length, "G17", CultureInfo.InvariantCulture);
        text = text[..length];
        text.Replace((byte)'E', (byte)'e');
        call.Reply.Bulk(text);
    }

    private static void ReplyWhole(in Call call, in Entry entry, ScanOptions options)
    {
        Span<byte> scratch = stackalloc byte[ScratchBytes];
        call.Reply.Array(2);
        call.Reply.BulkInteger(0);
        var mark = call.Reply.BeginDeferred();
        var elements = 0L;
        Span<byte> score = stackalloc byte[Numbers.MaxDoubleBytes];
        for (var cursor = SortedSetCursor.At(entry, 0); cursor.IsValid; cursor.Next())
        {
            var member = cursor.Text(scratch);
            if (options.HasPattern && !Glob.Matches(options.Pattern, member)) continue;
            call.Reply.Bulk(member);
            if (!options.WithoutScores) call.Reply.Bulk(score[..Numbers.FormatDouble(cursor.Score, score)]);
            elements += options.WithoutScores ? 1 : 2;
        }

        call.Reply.EndDeferredArray(mark, elements);
    }

    private ref struct ScanOptions
    {
        public long Count;
        public ReadOnlySpan<byte> Pattern;
        public bool HasPattern;
        public bool WithoutScores;
    }
}
