// Sorted sets: members with scores, one by one.
//
// Ranges are in SortedSetRangeCommands, what takes members out at the ends in SortedSetPopCommands, several sets at
// once in SortedSetMergeCommands, walks and samples in SortedSetSampleCommands.
// Source: Redis 7.2 documentation, "Sorted sets".

using Millrace.Engine;
using Millrace.Engine.Values;
using Millrace.Resp;
using static Millrace.Commands.CommandFlags;
using ValueType = Millrace.Engine.ValueType;

namespace Millrace.Commands.Families;

/// <summary>The commands on single members of sorted sets.</summary>
public static class SortedSetCommands
{
    /// <summary>The family's commands.</summary>
    public static CommandSpec[] Table =>
    [
        new("zadd", -4, ZAdd)
        {
            Flags = Write | DenyOom | Fast,
            Categories = AclCategories.SortedSet,
            MemberAt = 3,
            Keys = [KeySpec.One(KeyFlags.RW | KeyFlags.Update)],
            Syntax = "key [NX | XX] [GT | LT] [CH] [INCR] (score:double member:string)...",
            Summary = "Adds members to a sorted set, or gives those that are there another score.",
            Since = "1.2.0",
            Complexity = "O(log(N)) for each member, where N is the number of members of the sorted set.",
            Group = "sorted-set",
            History =
            [
                ("2.4.0", "Accepts several members."),
                ("3.0.2", "Added the `XX`, `NX`, `CH` and `INCR` options."),
                ("6.2.0", "Added the `GT` and `LT` options."),
            ],
        },
        new("zcard", 2, ZCard)
        {
            Flags = ReadOnly | Fast,
            Categories = AclCategories.SortedSet,
            Keys = [KeySpec.One(KeyFlags.RO)],
            Syntax = "key",
            Summary = "Returns the number of members of a sorted set.",
            Since = "1.2.0",
            Complexity = "O(1)",
            Group = "sorted-set",
        },
        new("zincrby", 4, ZIncrBy)
        {
            Flags = Write | DenyOom | Fast,
            Categories = AclCategories.SortedSet,
            MemberAt = 3,
            Keys = [KeySpec.One(KeyFlags.RW | KeyFlags.Access | KeyFlags.Update)],
            Syntax = "key increment:integer member:string",
            Summary = "Adds to the score of a member of a sorted set. A missing member starts at 0.",
            Since = "1.2.0",
            Complexity = "O(log(N)) where N is the number of members of the sorted set.",
            Group = "sorted-set",
        },
        new("zmscore", -3, ZMScore)
        {
            Flags = ReadOnly | Fast,
            Categories = AclCategories.SortedSet,
            MemberAt = 2,
            Keys = [KeySpec.One(KeyFlags.RO | KeyFlags.Access)],
            Syntax = "key (member:string)...",
            Summary = "Returns the scores of several members of a sorted set.",
            Since = "6.2.0",
            Complexity = "O(N) where N is the number of members that are asked for.",
            Group = "sorted-set",
        },
        new("zrank", -3, ZRank)
        {
            Flags = ReadOnly | Fast,
            Categories = AclCategories.SortedSet,
            MemberAt = 2,
            Keys = [KeySpec.One(KeyFlags.RO | KeyFlags.Access)],
            Syntax = "key member:string [WITHSCORE]",
            Summary = "Returns the rank of a member of a sorted set, counted from the lowest score.",
            Since = "2.0.0",
            Complexity = "O(log(N)) where N is the number of members of the sorted set.",
            Group = "sorted-set",
            History = [("7.2.0", "Added the optional `WITHSCORE` argument.")],
        },
        new("zrem", -3, ZRem)
        {
            Flags = Write | Fast,
            Categories = AclCategories.SortedSet,
            MemberAt = 2,
            Keys = [KeySpec.One(KeyFlags.RW | KeyFlags.Delete)],
            Syntax = "key (member:string)...",
            Summary = "Removes members from a sorted set. The key goes with the last one.",
            Since = "1.2.0",
            Complexity = "O(M*log(N)) where N is the number of members of the sorted set and M of those to be removed.",
            Group = "sorted-set",
            History = [("2.4.0", "Accepts several members.")],
        },
        new("zrevrank", -3, ZRevRank)
        {
            Flags = ReadOnly | Fast,
            Categories = AclCategories.SortedSet,
            MemberAt = 2,
            Keys = [KeySpec.One(KeyFlags.RO | KeyFlags.Access)],
            Syntax = "key member:string [WITHSCORE]",
            Summary = "Returns the rank of a member of a sorted set, counted from the highest score.",
            Since = "2.0.0",
            Complexity = "O(log(N)) where N is the number of members of the sorted set.",
            Group = "sorted-set",
            History = [("7.2.0", "Added the optional `WITHSCORE` argument.")],
        },
        new("zscore", 3, ZScore)
        {
            Flags = ReadOnly | Fast,
            Categories = AclCategories.SortedSet,
            MemberAt = 2,
            Keys = [KeySpec.One(KeyFlags.RO | KeyFlags.Access)],
            Syntax = "key member:string",
            Summary = "Returns the score of a member of a sorted set.",
            Since = "1.2.0",
            Complexity = "O(1)",
            Group = "sorted-set",
        },
    ];

    private static void ZAdd(ref Call call)
    {
        if (!TryReadOptions(call, out var options)) return;
        Add(call, options);
    }

    private static void ZCard(ref Call call)
    {
        var entry = call.Read(1);
        if (!call.IsTypeOrMissing(entry, ValueType.SortedSet)) return;
        call.Reply.Integer(entry.IsMissing ? 0 : SortedSetValue.Count(entry));
    }

    // The increment may not be a word that ZADD takes as an option: nothing is left to add then.
    private static void ZIncrBy(ref Call call)
    {
        if (TryReadOptions(call, out var options)) Add(call, options with { Increments = true });
    }

    private static void ZMScore(ref Call call)
    {
        var entry = call.Read(1);
        if (!call.IsTypeOrMissing(entry, ValueType.SortedSet)) return;
        call.Reply.Array(call.Args.Count - 2);
        for (var i = 2; i < call.Args.Count; i++) ReplyScore(call, entry, call.Args[i]);
    }

    private static void ZRank(ref Call call) => ReplyRank(call, isReversed: false);

    private static void ZRem(ref Call call)
    {
        var key = call.Key(1);
        var entry = call.Write(1);
        if (!call.IsTypeOrMissing(entry, ValueType.SortedSet)) return;
        var removed = 0;
        for (var i = 2; i < call.Args.Count && !entry.IsMissing; i++)
        {
            var place = SortedSetValue.Find(call.Unit, entry, call.Args[i]);
            if (!place.IsFound) continue;
            entry = SortedSetValue.Remove(call.Unit, key, entry, place);
            removed++;
        }

        call.Unit.Changed(key, removed);
        if (removed > 0) call.Unit.Notify(NotifyClasses.SortedSet, "zrem"u8, key, entry.IsMissing);
        call.Reply.Integer(removed);
    }

    private static void ZRevRank(ref Call call) => ReplyRank(call, isReversed: true);

    private static void ZScore(ref Call call)
    {
        var entry = call.Read(1);
        if (call.IsTypeOrMissing(entry, ValueType.SortedSet)) ReplyScore(call, entry, call.Args[2]);
    }

    private static void ReplyScore(in Call call, in Entry entry, ReadOnlySpan<byte> member)
    {
        var place = entry.IsMissing ? default : SortedSetValue.Find(call.Unit, entry, member);
        if (place.IsFound) call.Reply.Double(place.Score);
        else call.Reply.Null();
    }

    private static void ReplyRank(in Call call, bool isReversed)
    {
        var withScore = call.Args.Count == 4 && call.Is(3, "WITHSCORE"u8);
        if (call.Args.Count > 3 && !withScore)
        {
            call.Reply.Error(ErrorTexts.Syntax);
            return;
        }

        var entry = call.Read(1);
        if (!call.IsTypeOrMissing(entry, ValueType.SortedSet)) return;
        var place = entry.IsMissing ? default : SortedSetValue.Find(call.Unit, entry, call.Args[2]);
        if (!place.IsFound)
        {
            if (withScore) call.Reply.NullArray();
            else call.Reply.Null();
            return;
        }

        var rank = SortedSetValue.RankOf(entry, place);
        if (isReversed) rank = SortedSetValue.Count(entry) - 1 - rank;
        if (withScore) call.Reply.Array(2);
        call.Reply.Integer(rank);
        if (withScore) call.Reply.Double(place.Score);
    }

    private static bool TryReadOptions(in Call call, out AddOptions options)
    {
        options = default;
        var at = 2;
        for (; at < call.Args.Count; at++)
        {
            if (call.Is(at, "NX"u8)) options.OnlyNew = true;
            else if (call.Is(at, "XX"u8)) options.OnlyPresent = true;
            else if (call.Is(at, "CH"u8)) options.CountsChanged = true;
            else if (call.Is(at, "INCR"u8)) options.Increments = true;
            else if (call.Is(at, "GT"u8)) options.OnlyUp = true;
            else if (call.Is(at, "LT"u8)) options.OnlyDown = true;
            else break;
        }

        options.PairsAt = at;
        var arguments = call.Args.Count - at;
        var error =
            arguments % 2 != 0 || arguments == 0 ? ErrorTexts.Syntax
            : options.OnlyNew && options.OnlyPresent
                ? "ERR XX and NX options at the same time are not compatible"u8
            : (options.OnlyNew && (options.OnlyUp || options.OnlyDown)) || (options.OnlyUp && options.OnlyDown)
                ? "ERR GT, LT, and/or NX options at the same time are not compatible"u8
            : options.Increments && arguments > 2
                ? "ERR INCR option supports a single increment-element pair"u8
            : default;
        if (error.IsEmpty) return true;
        call.Reply.Error(error);
        return false;
    }

    // All scores are read before anything is changed: a command is executed whole or not at all.
    private static void Add(in Call call, AddOptions options)
    {
        const int MaxKept = 16;
        Span<double> scores = stackalloc double[MaxKept];
        var pairs = (call.Args.Count - options.PairsAt) / 2;
        for (var i = 0; i < pairs; i++)
        {
            if (Numbers.TryParseDouble(call.Args[options.PairsAt + (2 * i)], out scores[i % MaxKept])) continue;
            call.Reply.Error(ErrorTexts.NotAFloat);
            return;
        }

        var key = call.Key(1);
        var entry = call.Write(1);
        if (!call.IsTypeOrMissing(entry, ValueType.SortedSet)) return;
        if (entry.IsMissing && options.OnlyPresent)
        {
            Reply(call, options, default);
            return;
        }

        entry = entry.IsMissing
            ? SortedSetValue.Create(call.Unit, key, entry, pairs, call.Args[options.PairsAt + 1].Length)
            : SortedSetValue.Expect(call.Unit, key, entry, pairs);
        var result = default(AddResult);
        for (var i = 0; i < pairs; i++)
        {
            var at = options.PairsAt + (2 * i);
            var score = scores[i % MaxKept];
            if (pairs > MaxKept) _ = Numbers.TryParseDouble(call.Args[at], out score);
            entry = AddOne(call, key, entry, options, score, call.Args[at + 1], ref result);
        }

        var changes = result.Added + result.Updated;
        call.Unit.Changed(key, changes);
        if (changes > 0) call.Unit.Notify(NotifyClasses.SortedSet, options.Increments ? "zincr"u8 : "zadd"u8, key);
        Reply(call, options, result);
    }

    private static Entry AddOne(
        in Call call,
        in Key key,
        in Entry entry,
        AddOptions options,
        double score,
        ReadOnlySpan<byte> member,
        ref AddResult result)
    {
        var place = SortedSetValue.Find(call.Unit, entry, member);
        if (!place.IsFound)
        {
            if (options.OnlyPresent) return entry;
            result.Added++;
            result.Score = score;
            result.IsProcessed = true;
            return SortedSetValue.Add(call.Unit, key, entry, place, member, score);
        }

        if (options.OnlyNew) return entry;
        if (options.Increments) score += place.Score;
        if (double.IsNaN(score))
        {
            result.IsNaN = true;
            return entry;
        }

        if ((options.OnlyUp && score <= place.Score) || (options.OnlyDown && score >= place.Score)) return entry;
        result.Score = score;
        result.IsProcessed = true;
        if (score == place.Score) return entry;
        result.Updated++;
        return SortedSetValue.SetScore(call.Unit, key, entry, place, member, score);
    }

    private static void Reply(in Call call, AddOptions options, AddResult result)
    {
        if (result.IsNaN) call.Reply.Error(ErrorTexts.ScoreIsNaN);
        else if (!options.Increments)
            call.Reply.Integer(options.CountsChanged ? result.Added + result.Updated : result.Added);
        else if (result.IsProcessed) call.Reply.Double(result.Score);
        else call.Reply.Null();
    }

    private struct AddOptions
    {
        public int PairsAt;
        public bool OnlyNew;
        public bool OnlyPresent;
        public bool OnlyUp;
        public bool OnlyDown;
        public bool CountsChanged;
        public bool Increments;
    }

    private struct AddResult
    {
        public long Added;
        public long Updated;
        public double Score;
        public bool IsProcessed;
        public bool IsNaN;
    }
}
