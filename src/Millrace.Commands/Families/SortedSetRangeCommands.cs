// Sorted sets: ranges by rank, by score and by text; read, counted, removed and stored.
//
// All are one thing: the range is turned into ranks, and the members of ranks are walked. ZRANGE says with options what
// its six older relatives say with their names.
//
//     kind     ends             LIMIT    reversed
//     rank     start  stop      no       ranks count from the highest score
//     score    min    max       yes      ends are given as max, min
//     text     min    max       yes      ends are given as max, min
//
// Source: Redis 7.2 documentation, "ZRANGE", "ZRANGESTORE", "ZREMRANGEBYLEX".

using Millrace.Engine;
using Millrace.Engine.Values;
using static Millrace.Commands.CommandFlags;
using ValueType = Millrace.Engine.ValueType;

namespace Millrace.Commands.Families;

/// <summary>The commands on ranges of sorted sets.</summary>
public static class SortedSetRangeCommands
{
    /// <summary>The family's commands.</summary>
    public static CommandSpec[] Table =>
    [
        new("zcount", 4, ZCount)
        {
            Flags = ReadOnly | Fast,
            Categories = AclCategories.SortedSet,
            Keys = [KeySpec.One(KeyFlags.RO | KeyFlags.Access)],
            Syntax = "key min:double max:double",
            Summary = "Counts the members of a sorted set whose scores are in a range.",
            Since = "2.0.0",
            Complexity = "O(log(N)) where N is the number of members of the sorted set.",
            Group = "sorted-set",
        },
        new("zlexcount", 4, ZLexCount)
        {
            Flags = ReadOnly | Fast,
            Categories = AclCategories.SortedSet,
            Keys = [KeySpec.One(KeyFlags.RO | KeyFlags.Access)],
            Syntax = "key min:string max:string",
            Summary = "Counts the members in a range of texts of a sorted set whose scores are all equal.",
            Since = "2.8.9",
            Complexity = "O(log(N)) where N is the number of members of the sorted set.",
            Group = "sorted-set",
        },
        new("zrange", -4, ZRange)
        {
            Flags = ReadOnly,
            Categories = AclCategories.SortedSet,
            Keys = [KeySpec.One(KeyFlags.RO | KeyFlags.Access)],
            Syntax = "key start:string stop:string [BYSCORE | BYLEX] [REV] [LIMIT offset:integer count:integer]"
                + " [WITHSCORES]",
            Summary = "Returns the members in a range of a sorted set: of ranks, of scores or of texts.",
            Since = "1.2.0",
            Complexity = Walk,
            Group = "sorted-set",
            History = [("6.2.0", "Added the `REV`, `BYSCORE`, `BYLEX` and `LIMIT` options.")],
        },
        new("zrangebylex", -4, ZRangeByLex)
        {
            Flags = ReadOnly,
            Categories = AclCategories.SortedSet,
            Keys = [KeySpec.One(KeyFlags.RO | KeyFlags.Access)],
            Syntax = "key min:string max:string [LIMIT offset:integer count:integer]",
            Summary = "Returns the members in a range of texts of a sorted set whose scores are all equal.",
            Since = "2.8.9",
            Complexity = Walk,
            Group = "sorted-set",
            DeprecatedSince = "6.2.0",
            ReplacedBy = "`ZRANGE` with the `BYLEX` argument",
        },
        new("zrangebyscore", -4, ZRangeByScore)
        {
            Flags = ReadOnly,
            Categories = AclCategories.SortedSet,
            Keys = [KeySpec.One(KeyFlags.RO | KeyFlags.Access)],
            Syntax = "key min:double max:double [WITHSCORES] [LIMIT offset:integer count:integer]",
            Summary = "Returns the members of a sorted set whose scores are in a range.",
            Since = "1.0.5",
            Complexity = Walk,
            Group = "sorted-set",
            DeprecatedSince = "6.2.0",
            ReplacedBy = "`ZRANGE` with the `BYSCORE` argument",
            History = [("2.0.0", "Added the `WITHSCORES` modifier.")],
        },
        new("zrangestore", -5, ZRangeStore)
        {
            Flags = Write | DenyOom,
            Categories = AclCategories.SortedSet,
            Keys = [KeySpec.One(KeyFlags.OW | KeyFlags.Update), KeySpec.One(KeyFlags.RO | KeyFlags.Access, 2)],
            Syntax = "dst:key src:key min:string max:string [BYSCORE | BYLEX] [REV]"
                + " [LIMIT offset:integer count:integer]",
            CopiesOfKeys = 2,
            Summary = "Stores the members in a range of a sorted set under another key.",
            Since = "6.2.0",
            Complexity = Walk,
            Group = "sorted-set",
        },
        new("zremrangebylex", 4, ZRemRangeByLex)
        {
            Flags = Write,
            Categories = AclCategories.SortedSet,
            Keys = [KeySpec.One(KeyFlags.RW | KeyFlags.Delete)],
            Syntax = "key min:string max:string",
            Summary = "Removes the members in a range of texts from a sorted set whose scores are all equal.",
            Since = "2.8.9",
            Complexity = Removal,
            Group = "sorted-set",
        },
        new("zremrangebyrank", 4, ZRemRangeByRank)
        {
            Flags = Write,
            Categories = AclCategories.SortedSet,
            Keys = [KeySpec.One(KeyFlags.RW | KeyFlags.Delete)],
            Syntax = "key start:integer stop:integer",
            Summary = "Removes the members in a range of ranks from a sorted set.",
            Since = "2.0.0",
            Complexity = Removal,
            Group = "sorted-set",
        },
        new("zremrangebyscore", 4, ZRemRangeByScore)
        {
            Flags = Write,
            Categories = AclCategories.SortedSet,
            Keys = [KeySpec.One(KeyFlags.RW | KeyFlags.Delete)],
            Syntax = "key min:double max:double",
            Summary = "Removes the members whose scores are in a range from a sorted set.",
            Since = "1.2.0",
            Complexity = Removal,
            Group = "sorted-set",
        },
        new("zrevrange", -4, ZRevRange)
        {
            Flags = ReadOnly,
            Categories = AclCategories.SortedSet,
            Keys = [KeySpec.One(KeyFlags.RO | KeyFlags.Access)],
            Syntax = "key start:integer stop:integer [WITHSCORES]",
            Summary = "Returns the members in a range of ranks of a sorted set, from the highest score to the lowest.",
            Since = "1.2.0",
            Complexity = Walk,
            Group = "sorted-set",
            DeprecatedSince = "6.2.0",
            ReplacedBy = "`ZRANGE` with the `REV` argument",
        },
        new("zrevrangebylex", -4, ZRevRangeByLex)
        {
            Flags = ReadOnly,
            Categories = AclCategories.SortedSet,
            Keys = [KeySpec.One(KeyFlags.RO | KeyFlags.Access)],
            Syntax = "key max:string min:string [LIMIT offset:integer count:integer]",
            Summary = "Returns the members in a range of texts of a sorted set whose scores are all equal, backwards.",
            Since = "2.8.9",
            Complexity = Walk,
            Group = "sorted-set",
            DeprecatedSince = "6.2.0",
            ReplacedBy = "`ZRANGE` with the `REV` and `BYLEX` arguments",
        },
        new("zrevrangebyscore", -4, ZRevRangeByScore)
        {
            Flags = ReadOnly,
            Categories = AclCategories.SortedSet,
            Keys = [KeySpec.One(KeyFlags.RO | KeyFlags.Access)],
            Syntax = "key max:double min:double [WITHSCORES] [LIMIT offset:integer count:integer]",
            Summary = "Returns the members of a sorted set whose scores are in a range, the highest score first.",
            Since = "2.2.0",
            Complexity = Walk,
            Group = "sorted-set",
            DeprecatedSince = "6.2.0",
            ReplacedBy = "`ZRANGE` with the `REV` and `BYSCORE` arguments",
            History = [("2.1.6", "`min` and `max` can be exclusive.")],
        },
    ];

    private static string Walk =>
        "O(log(N)+M) where N is the number of members of the sorted set and M of those in the range.";

    private static string Removal =>
        "O(log(N)+M) where N is the number of members of the sorted set and M of those that are removed.";

    private static void ZCount(ref Call call)
    {
        if (!SortedSetBounds.TryScores(call, 2, 3, out var scores)) return;
        var entry = call.Read(1);
        if (!call.IsTypeOrMissing(entry, ValueType.SortedSet)) return;
        call.Reply.Integer(entry.IsMissing ? 0 : SortedSetRanges.Find(entry, scores).Count);
    }

    private static void ZLexCount(ref Call call)
    {
        if (!SortedSetBounds.TryTexts(call, 2, 3, out var min, out var max)) return;
        var entry = call.Read(1);
        if (!call.IsTypeOrMissing(entry, ValueType.SortedSet)) return;
        call.Reply.Integer(entry.IsMissing ? 0 : SortedSetRanges.Find(entry, min, max).Count);
    }

    private static void ZRange(ref Call call) => Reply(ref call, default, isGeneral: true);

    private static void ZRangeByLex(ref Call call) => Reply(ref call, new RangeOptions { Kind = RangeKind.Text });

    private static void ZRangeByScore(ref Call call) => Reply(ref call, new RangeOptions { Kind = RangeKind.Score });

    private static void ZRangeStore(ref Call call)
    {
        var options = default(RangeOptions);
        if (!TryReadOptions(call, 5, isGeneral: true, isStore: true, ref options)) return;
        if (!TryReadEnds(call, 3, options, out var ends)) return;
        var source = call.Read(2);
        if (!call.IsTypeOrMissing(source, ValueType.SortedSet)) return;
        var range = source.IsMissing ? default : RangeOf(source, options, ends);
        var key = call.Key(1);
        var result = SortedSetBuilder.Begin(call.Unit, key);
        if (!range.IsEmpty)
        {
            Span<byte> scratch = stackalloc byte[SortedSetBuilder.ScratchBytes];
            var packed = PackedOnTheWay(call, options, range);
            var cursor = SortedSetCursor.At(source, range.First);
            for (var i = 0L; i < range.Count; i++, cursor.Next())
            {
                var member = cursor.Text(scratch);
                var isPacked = (options.IsReversed ? range.Count - 1 - i : i) < packed;
                result.Put(result.Find(member), member, cursor.Score + (isPacked ? 0.0 : -0.0));
            }
        }

        result.Finish();
        SortedSetReplies.Store(call, key, result, "zrangestore"u8);
    }

    // How many elements pass through the packed form in Redis, whose only zero is 0: adding that turns -0 to it. All do
    // until there are too many, but a range by rank that is too long is known to be so before.
    private static long PackedOnTheWay(in Call call, RangeOptions options, RankRange range)
    {
        var most = call.Unit.Keyspace.Encodings.SortedSetEntries;
        return options.Kind == RangeKind.Rank && range.Count > most ? 0 : most;
    }

    private static void ZRemRangeByLex(ref Call call) => Remove(ref call, new RangeOptions { Kind = RangeKind.Text });

    private static void ZRemRangeByRank(ref Call call) => Remove(ref call, default);

    private static void ZRemRangeByScore(ref Call call) =>
        Remove(ref call, new RangeOptions { Kind = RangeKind.Score });

    private static void ZRevRange(ref Call call) => Reply(ref call, new RangeOptions { IsReversed = true });

    private static void ZRevRangeByLex(ref Call call) =>
        Reply(ref call, new RangeOptions { Kind = RangeKind.Text, IsReversed = true });

    private static void ZRevRangeByScore(ref Call call) =>
        Reply(ref call, new RangeOptions { Kind = RangeKind.Score, IsReversed = true });

    private static void Reply(ref Call call, RangeOptions options, bool isGeneral = false)
    {
        if (!TryReadOptions(call, 4, isGeneral, isStore: false, ref options)) return;
        if (!TryReadEnds(call, 2, options, out var ends)) return;
        var entry = call.Read(1);
        if (!call.IsTypeOrMissing(entry, ValueType.SortedSet)) return;
        var range = entry.IsMissing ? default : RangeOf(entry, options, ends);
        SortedSetReplies.Members(call, entry, range, options.IsReversed, options.WithScores);
    }

    private static void Remove(ref Call call, RangeOptions options)
    {
        if (!TryReadEnds(call, 2, options, out var ends)) return;
        var key = call.Key(1);
        var entry = call.Write(1);
        if (!call.IsTypeOrMissing(entry, ValueType.SortedSet)) return;
        options.Limit = -1;
        var range = entry.IsMissing ? default : RangeOf(entry, options, ends);
        var isGone = !entry.IsMissing && range.Count == SortedSetValue.Count(entry);
        if (!range.IsEmpty) SortedSetValue.RemoveRange(call.Unit, key, entry, range);
        call.Unit.Changed(key, range.Count);
        if (!range.IsEmpty) call.Unit.Notify(NotifyClasses.SortedSet, RemovedBy(options.Kind), key, isGone);
        call.Reply.Integer(range.Count);
    }

    private static ReadOnlySpan<byte> RemovedBy(RangeKind kind) => kind switch
    {
        RangeKind.Score => "zremrangebyscore"u8,
        RangeKind.Text => "zremrangebylex"u8,
        _ => "zremrangebyrank"u8,
    };

    private static bool TryReadOptions(in Call call, int from, bool isGeneral, bool isStore, ref RangeOptions options)
    {
        options.Limit = -1;
        for (var at = from; at < call.Args.Count; at++)
        {
            if (!isStore && call.Is(at, "WITHSCORES"u8))
            {
                options.WithScores = true;
            }
            else if (call.Is(at, "LIMIT"u8) && at + 2 < call.Args.Count)
            {
                if (!call.TryInteger(at + 1, out options.Offset) || !call.TryInteger(at + 2, out options.Limit))
                    return false;
                at += 2;
            }
            else if (isGeneral && !options.IsReversed && call.Is(at, "REV"u8))
            {
                options.IsReversed = true;
            }
            else if (isGeneral && options.Kind == RangeKind.Rank && call.Is(at, "BYLEX"u8))
            {
                options.Kind = RangeKind.Text;
            }
            else if (isGeneral && options.Kind == RangeKind.Rank && call.Is(at, "BYSCORE"u8))
            {
                options.Kind = RangeKind.Score;
            }
            else
            {
                call.Reply.Error(ErrorTexts.Syntax);
                return false;
            }
        }

        var error =
            options.Limit != -1 && options.Kind == RangeKind.Rank
                ? "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX"u8
            : options.WithScores && options.Kind == RangeKind.Text
                ? "ERR syntax error, WITHSCORES not supported in combination with BYLEX"u8
            : default;
        if (error.IsEmpty) return true;
        call.Reply.Error(error);
        return false;
    }

    // Reversed ranges of scores and texts begin with their maximum.
    private static bool TryReadEnds(in Call call, int at, RangeOptions options, out RangeEnds ends)
    {
        ends = default;
        var min = options.IsReversed && options.Kind != RangeKind.Rank ? at + 1 : at;
        var max = min == at ? at + 1 : at;
        return options.Kind switch
        {
            RangeKind.Score => SortedSetBounds.TryScores(call, min, max, out ends.Scores),
            RangeKind.Text => SortedSetBounds.TryTexts(call, min, max, out ends.MinText, out ends.MaxText),
            _ => call.TryInteger(at, out ends.Start) && call.TryInteger(at + 1, out ends.Stop),
        };
    }

    private static RankRange RangeOf(in Entry entry, RangeOptions options, RangeEnds ends)
    {
        if (options.Kind == RangeKind.Rank) return RankRangeOf(entry, options.IsReversed, ends.Start, ends.Stop);
        var range = options.Kind == RangeKind.Score
            ? SortedSetRanges.Find(entry, ends.Scores)
            : SortedSetRanges.Find(entry, ends.MinText, ends.MaxText);
        if (options.Offset < 0 || options.Offset >= range.Count) return default;
        var count = range.Count - options.Offset;
        if (options.Limit >= 0) count = Math.Min(count, options.Limit);
        var first = options.IsReversed
            ? range.First + range.Count - options.Offset - count
            : range.First + options.Offset;
        return new RankRange(first, count);
    }

    private static RankRange RankRangeOf(in Entry entry, bool isReversed, long start, long stop)
    {
        var total = SortedSetValue.Count(entry);
        if (start < 0) start = Math.Max(0, start + total);
        if (stop < 0) stop += total;
        stop = Math.Min(stop, total - 1);
        if (start > stop) return default;
        return isReversed
            ? new RankRange(total - 1 - stop, stop - start + 1)
            : new RankRange(start, stop - start + 1);
    }

    private enum RangeKind
    {
        Rank,
        Score,
        Text,
    }

    private struct RangeOptions
    {
        public RangeKind Kind;
        public bool IsReversed;
        public bool WithScores;
        public long Offset;
        public long Limit;
    }

    private ref struct RangeEnds
    {
        public long Start;
        public long Stop;
        public ScoreRange Scores;
        public LexBound MinText;
        public LexBound MaxText;
    }
}
