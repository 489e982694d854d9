using System.Globalization;
using static Millrace.Compat.Tests.Generation.Parts;

namespace Millrace.Compat.Tests.Generation;

/// <summary>
/// The grammar of the sorted sets. Scores are numbers that 7.0.15 and 7.2 write alike, or nearly all; ranges of texts
/// are asked of keys whose scores are all 0, because nothing is promised of others.
/// </summary>
public static class SortedSetGrammar
{
    /// <summary>The pool of keys that mostly hold sorted sets.</summary>
    public const int Pool = 3;

    /// <summary>The pool of keys that hold sorted sets whose scores are all 0.</summary>
    public const int LexPool = 4;

    private const int Members = 220;

    private static readonly Part s_limit = Option("LIMIT", Number(-1, 5), Number(-2, 12));

    private static readonly Part s_sources = draft =>
    {
        int count = draft.Random.Next(1, 5);
        draft.Add(count);
        for (int i = 0; i < count; i++)
            Key(draft);
        draft.SourceCount = count;
    };

    private static readonly Part s_weights = draft =>
    {
        draft.Options.Add("WEIGHTS");
        draft.AddWord("WEIGHTS");
        for (int i = 0; i < draft.SourceCount; i++)
            draft.Add(draft.Pick(["1", "2", "-1", "0", "0.5", "inf", "3", draft.Chance(0.1) ? "abc" : "1"]));
    };

    private static readonly Part s_aggregate = draft =>
    {
        draft.Options.Add("AGGREGATE");
        draft.AddWord("AGGREGATE");
        draft.AddWord(draft.Pick(["SUM", "MIN", "MAX", draft.Chance(0.1) ? "AVG" : "SUM"]));
    };

    private static readonly Part s_merge = All(s_sources, Maybe(s_weights, 0.4), Maybe(s_aggregate, 0.4));

    /// <summary>One form per command, and some of the keys' own commands on the keys of sorted sets.</summary>
    public static IReadOnlyList<Form> Forms { get; } =
    [
        new("ZADD", Key, Any(0.12, One(Option("NX"), Option("XX")), One(Option("GT"), Option("LT")), Option("CH")),
            Many(1, 12, All(Score, Member))) { Weight = 9, Pool = Pool },
        new("ZADD", Key, Any(0.3, One(Option("NX"), Option("XX")), One(Option("GT"), Option("LT"))), Option("INCR"),
            Score, Member) { Weight = 1.5, Pool = Pool },
        new("ZADD", Key, Many(1, 12, All(Literal("0"), Member))) { Weight = 4, Pool = LexPool, IsFrozen = true },
        new("ZCARD", Key) { Pool = Pool },
        new("ZCOUNT", Key, Bound, Bound) { Pool = Pool },
        new("ZDIFF", s_sources, Maybe(Option("WITHSCORES"))) { Pool = Pool },
        new("ZDIFFSTORE", Key, s_sources) { Pool = Pool },
        new("ZINCRBY", Key, Score, Member) { Weight = 2, Pool = Pool },
        new("ZINTER", s_merge, Maybe(Option("WITHSCORES"))) { Pool = Pool },
        new("ZINTERCARD", s_sources, Maybe(Option("LIMIT", Number(-1, 20)))) { Pool = Pool },
        new("ZINTERSTORE", Key, s_merge) { Pool = Pool },
        new("ZLEXCOUNT", Key, TextBound, TextBound) { Pool = LexPool, IsFrozen = true },
        new("ZMPOP", s_sources, Keyword("MIN", "MAX"), Maybe(Option("COUNT", Number(-1, 6)))) { Pool = Pool },
        new("ZMSCORE", Key, Many(1, 5, Member)) { Pool = Pool },
        new("ZPOPMAX", Key, Maybe(Number(-1, 6))) { Pool = Pool },
        new("ZPOPMIN", Key, Maybe(Number(-1, 6))) { Pool = Pool },
        new("ZRANDMEMBER", Key, Maybe(All(Number(-6, 300), Maybe(Option("WITHSCORES"))), 0.7)) { Pool = Pool },
        new("ZRANGE", Key, Position, Position, Any(0.4, Option("REV"), Option("WITHSCORES"))) { Pool = Pool },
        new("ZRANGE", Key, Bound, Bound, Option("BYSCORE"),
            Any(0.4, Option("REV"), Option("WITHSCORES"), s_limit)) { Weight = 2, Pool = Pool },
        new("ZRANGE", Key, TextBound, TextBound, Option("BYLEX"), Any(0.4, Option("REV"), s_limit))
            { Pool = LexPool, IsFrozen = true },
        new("ZRANGEBYLEX", Key, TextBound, TextBound, Maybe(s_limit)) { Pool = LexPool, IsFrozen = true },
        new("ZRANGEBYSCORE", Key, Bound, Bound, Any(0.4, Option("WITHSCORES"), s_limit)) { Pool = Pool },
        new("ZRANGESTORE", Key, Key, Position, Position, Maybe(Option("REV"))) { Weight = 0.8, Pool = Pool },
        new("ZRANGESTORE", Key, Key, Bound, Bound, Option("BYSCORE"), Any(0.4, Option("REV"), s_limit))
            { Pool = Pool },
        new("ZRANGESTORE", Key, Key, TextBound, TextBound, Option("BYLEX"), Any(0.4, Option("REV"), s_limit))
            { Weight = 0.8, Pool = LexPool, IsFrozen = true },
        new("ZRANK", Key, Member) { Weight = 1.5, Pool = Pool },
        new("ZREM", Key, Many(1, 5, Member)) { Weight = 1.5, Pool = Pool },
        new("ZREMRANGEBYLEX", Key, TextBound, TextBound) { Weight = 0.8, Pool = LexPool, IsFrozen = true },
        new("ZREMRANGEBYRANK", Key, Position, Position) { Weight = 0.8, Pool = Pool },
        new("ZREMRANGEBYSCORE", Key, Bound, Bound) { Weight = 0.8, Pool = Pool },
        new("ZREVRANGE", Key, Position, Position, Maybe(Option("WITHSCORES"))) { Pool = Pool },
        new("ZREVRANGEBYLEX", Key, TextBound, TextBound, Maybe(s_limit)) { Pool = LexPool, IsFrozen = true },
        new("ZREVRANGEBYSCORE", Key, Bound, Bound, Any(0.4, Option("WITHSCORES"), s_limit)) { Pool = Pool },
        new("ZREVRANK", Key, Member) { Pool = Pool },
        new("ZSCAN", Key, Literal("0", "0", "0", "0", "abc"),
            Option("COUNT", Literal("5000", "5000", "5000", "0", "x")),
            Maybe(Option("MATCH", Literal("m*", "*1*", "m?", "*", "nothing")))) { Pool = Pool, IsFrozen = true },
        new("ZSCORE", Key, Member) { Weight = 1.5, Pool = Pool },
        new("ZUNION", s_merge, Maybe(Option("WITHSCORES"))) { Pool = Pool },
        new("ZUNIONSTORE", Key, s_merge) { Pool = Pool },
        new("DEL", Key) { Weight = 0.6, Pool = Pool },
        new("DEL", Key) { Weight = 0.2, Pool = LexPool },
        new("COPY", Key, Key, Option("REPLACE")) { Weight = 0.6, Pool = Pool },
        new("RENAME", Key, Key) { Weight = 0.6, Pool = Pool },
        new("MOVE", Key, Database) { Weight = 0.3, Pool = Pool },
        new("SET", Key, Value) { Weight = 0.1, Pool = Pool },
        new("OBJECT ENCODING", Key) { Pool = Pool },
        new("OBJECT ENCODING", Key) { Weight = 0.5, Pool = LexPool },
    ];

    // Quarters and whole numbers: texts of both versions agree.
    private static void Score(Draft draft)
    {
        switch (draft.Random.Next(40))
        {
            case 0: draft.Add(draft.Pick(["nan", "abc", "", "1e400", " 1", "1_0", "(1"])); break;
            case 1: draft.Add(draft.Pick(["inf", "-inf", "+Inf", "Infinity"])); break;
            case 2: draft.Add(draft.Pick(["0x10", "1e3", "+2.5", ".5", "5.", "-0"])); break;
            case 3: draft.Add(draft.Pick(["1000000000", "-1000000000000", "9007199254740992", "1e15"])); break;
            case < 20:
                draft.Add((draft.Random.Next(-80, 80) / 4.0).ToString(CultureInfo.InvariantCulture));
                break;
            default: draft.Add(draft.Random.Next(-12, 12)); break;
        }
    }

    private static void Member(Draft draft)
    {
        switch (draft.Random.Next(60))
        {
            case 0: draft.Add(draft.Words.Junk()); break;
            case 1: draft.Add(new string('n', draft.Random.Next(62, 67))); break;
            case < 10: draft.Add(draft.Random.Next(-40, 40)); break;
            default: draft.Add($"m{draft.Random.Next(Members)}"); break;
        }
    }

    private static void Position(Draft draft) => draft.Add(draft.Random.Next(12) switch
    {
        0 => draft.Pick(["abc", "1.5", "9223372036854775807", "-9223372036854775808", ""]),
        < 6 => draft.Random.Next(0, 12).ToString(CultureInfo.InvariantCulture),
        _ => draft.Random.Next(-150, 150).ToString(CultureInfo.InvariantCulture),
    });

    private static void Bound(Draft draft)
    {
        string bound = draft.Random.Next(20) switch
        {
            0 => draft.Pick(["abc", "", "nan", "1 ", " 1", "1e400", "-1e400", "(", "((1", "0x1p2", "1e-400"]),
            < 4 => "-inf",
            < 7 => draft.Pick(["+inf", "inf"]),
            _ => (draft.Random.Next(-60, 60) / 4.0).ToString(CultureInfo.InvariantCulture),
        };
        draft.Add(draft.Chance(0.3) ? "(" + bound : bound);
    }

    private static void TextBound(Draft draft) => draft.Add(draft.Random.Next(16) switch
    {
        0 => draft.Pick(["abc", "", "m1", "--", "-x", "+x"]),
        < 3 => "-",
        < 6 => "+",
        6 => draft.Pick(["[", "("]),
        < 9 => $"[{draft.Random.Next(-40, 40)}",
        _ => $"{draft.Pick(["[", "("])}m{draft.Random.Next(Members)}",
    });
}
