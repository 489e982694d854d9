using System.Globalization;
using static Millrace.Compat.Tests.Generation.Parts;

namespace Millrace.Compat.Tests.Generation;

/// <summary>The grammar of streams.</summary>
/// <remarks>
/// No ID is left to the clock, which is each server's own, and nothing waits for ever: commands that could be damaged
/// into that are frozen. What came after 7.0 (+ of XREAD) is in table tests.
/// </remarks>
public static class StreamGrammar
{
    private const int Keys = 6;

    private static readonly Part s_count = Option("COUNT", Literal("1", "2", "3", "5", "100", "0", "-1"));
    private static readonly Part s_badCount = Literal("COUNT", "COUNT abc", "MAXLEN", "LIMIT 5");
    private static readonly Part s_minIdle = Literal("0", "0", "0", "-5", "1000000000");

    private static readonly Part s_autoClaim = All(s_minIdle, Bound, Any(0.4, s_count, Keyword("JUSTID")));

    private static readonly Part s_claim = All(s_minIdle, Many(1, 4, Id), Any(
        0.3, Keyword("FORCE", "JUSTID", "nothing"), Option("IDLE", Literal("0", "100", "-1", "abc")),
        Option("TIME", Literal("0", "1700000000000", "99999999999999", "abc")),
        Option("RETRYCOUNT", Literal("0", "7", "-1", "abc", "9223372036854775806")), Option("LASTID", Id)));

    /// <summary>The keys that mostly hold streams.</summary>
    public static IEnumerable<string> KeyNames =>
        Enumerable.Range(0, Keys).Select(i => $"x:{i.ToString(CultureInfo.InvariantCulture)}");

    /// <summary>One form per command.</summary>
    public static IReadOnlyList<Form> Forms { get; } =
    [
        new("XACK", StreamKey, Group, Many(1, 4, Id)) { Weight = 2 },
        new("XADD", StreamKey, Maybe(Option("NOMKSTREAM"), 0.1), Maybe(Trim, 0.25), NewId, Many(1, 3, Pair))
        {
            Weight = 12, IsFrozen = true,
        },
        new("XAUTOCLAIM") { Compose = static generator => generator.ClaimAsConsumer("XAUTOCLAIM", s_autoClaim) },
        new("XCLAIM") { Weight = 2, Compose = static generator => generator.ClaimAsConsumer("XCLAIM", s_claim) },
        new("XDEL", StreamKey, Many(1, 4, Id)) { Weight = 3 },
        new("XGROUP CREATE", StreamKey, Group, GroupId, Any(
            0.4, Option("MKSTREAM"), Option("ENTRIESREAD", Literal("0", "3", "-1", "-2", "abc"))))
        {
            Weight = 2,
        },
        new("XGROUP CREATECONSUMER", StreamKey, Group, Consumer),
        new("XGROUP DELCONSUMER", StreamKey, Group, Consumer),
        new("XGROUP DESTROY", StreamKey, Group) { Weight = 0.6 },
        new("XGROUP HELP") { Weight = 0.7 },
        new("XGROUP SETID", StreamKey, Group, GroupId, Maybe(
            Option("ENTRIESREAD", Literal("0", "3", "-1", "-2", "abc")), 0.3)),
        new("XINFO CONSUMERS", StreamKey, Group),
        new("XINFO GROUPS", StreamKey),
        new("XINFO HELP") { Weight = 0.7 },
        new("XINFO STREAM", StreamKey, Maybe(All(
            Option("FULL"), Maybe(Option("COUNT", Literal("1", "3", "0", "-1", "abc")))))),
        new("XLEN", StreamKey),
        new("XPENDING", StreamKey, Group, Maybe(All(
            Maybe(Option("IDLE", s_minIdle), 0.3), Bound, Bound, Literal("1", "3", "100", "0", "-1"),
            Maybe(Consumer, 0.3)), 0.7))
        {
            Weight = 2,
        },
        new("XRANGE", StreamKey, Bound, Bound, Maybe(One(s_count, s_count, s_count, s_badCount), 0.4)) { Weight = 3 },
        new("XREAD", Any(0.4, s_count, Option("BLOCK", Literal("1", "2", "-1", "abc"))), Streams(NewestId))
        {
            Weight = 3, IsFrozen = true,
        },
        new("XREADGROUP") { Weight = 6, Compose = static generator => generator.ReadAsConsumer() },
        new("XREVRANGE", StreamKey, Bound, Bound, Maybe(One(s_count, s_count, s_count, s_badCount), 0.4))
        {
            Weight = 3,
        },
        new("XSETID", StreamKey, HighId, Any(
            0.2, Option("ENTRIESADDED", Literal("100", "5", "-1", "abc")), Option("MAXDELETEDID", Id)))
        {
            Weight = 0.5,
        },
        new("XTRIM", StreamKey, One(Trim, Trim, Trim, Literal("MAXLEN", "LIMIT", "abc"))) { Weight = 0.7 },
    ];

    /// <summary>What stands behind the consumer of XREADGROUP.</summary>
    public static Part ReadOptions => Any(
        0.3, s_count, Option("BLOCK", Literal("1", "2", "-1", "abc")), Option("NOACK"));

    /// <summary>A key that mostly holds a stream.</summary>
    public static void StreamKey(Draft draft)
    {
        if (draft.Chance(0.03)) draft.Add(draft.Words.Key(0));
        else draft.Add("x:" + draft.Random.Next(Keys).ToString(CultureInfo.InvariantCulture));
    }

    /// <summary>The name of a group.</summary>
    public static void Group(Draft draft) =>
        draft.Add("g" + draft.Random.Next(3).ToString(CultureInfo.InvariantCulture));

    /// <summary>The name of a consumer.</summary>
    public static void Consumer(Draft draft) =>
        draft.Add("c" + draft.Random.Next(4).ToString(CultureInfo.InvariantCulture));

    private static string SmallId(Draft draft) => string.Create(
        CultureInfo.InvariantCulture, $"{draft.Random.Next(0, 300)}-{draft.Random.Next(0, 4)}");

    private static void Id(Draft draft)
    {
        if (draft.Chance(0.96)) draft.Add(SmallId(draft));
        else draft.Add(draft.Pick([
            "5", "0", "0-0", "18446744073709551615-18446744073709551615", "18446744073709551616-0",
            "1-18446744073709551616",
            "-", "+", "5-", "-5", "5-5-5", " 5-5", "5-+5", "05-05", "5- 5", "5--5", "5--05", "5--9223372036854775809",
            "abc", "", "1-abc", "(5-1",
        ]));
    }

    // Above all that were ever given: 7.0.15 also takes one below those that were deleted, later versions do not
    // (valkey unit/type/stream, "XSETID cannot set smaller ID than current MAXDELETEDID").
    private static void HighId(Draft draft)
    {
        if (draft.Chance(0.9)) draft.Add($"300-{draft.Random.Next(4).ToString(CultureInfo.InvariantCulture)}");
        else draft.Add(draft.Pick(["-", "+", "abc", "", "300-", "(300-1"]));
    }

    // The last IDs rise slowly, so that both new and old IDs are met.
    private static void NewId(Draft draft)
    {
        if (draft.Chance(0.03)) draft.Add("300-*");
        else if (draft.Chance(0.5)) draft.Add(draft.Random.Next(0, 300).ToString(CultureInfo.InvariantCulture) + "-*");
        else if (draft.Chance(0.96)) draft.Add(SmallId(draft));
        else draft.Add(draft.Pick([
            "0-0", "0", "7", "-", "+", "5-**", "*-5", "-*", "abc", "", "18446744073709551616-*",
        ]));
    }

    private static void Bound(Draft draft)
    {
        switch (draft.Random.Next(10))
        {
            case < 3:
                draft.Add(draft.Pick(["-", "+"]));
                break;
            case < 5:
                draft.Add("(" + SmallId(draft));
                break;
            case < 6:
                draft.Add(draft.Random.Next(300));
                break;
            case < 7 when draft.Chance(0.2):
                draft.Add(draft.Pick([
                    "(", "(-", "(+", "(0-0", "(18446744073709551615-18446744073709551615", "18446744073709551615",
                    "((1-1", "abc", "", "(abc",
                ]));
                break;
            default:
                draft.Add(SmallId(draft));
                break;
        }
    }

    private static void GroupId(Draft draft)
    {
        if (draft.Chance(0.3)) draft.Add("$");
        else Id(draft);
    }

    private static void Pair(Draft draft)
    {
        draft.Add(draft.Pick(["a", "b", "temperature", "1", ""]));
        if (draft.Chance(0.02)) return;
        if (draft.Chance(0.1)) Value(draft);
        else draft.Add(draft.Random.Next(-1000, 100_000));
    }

    private static void Trim(Draft draft)
    {
        bool isLength = draft.Chance(0.6);
        Option(isLength ? "MAXLEN" : "MINID")(draft);
        bool isApproximate = draft.Chance(0.4);
        if (isApproximate) draft.Add("~");
        else if (draft.Chance(0.3)) draft.Add("=");
        if (!isLength) Id(draft);
        else if (draft.Chance(0.95)) draft.Add(draft.Random.Next(0, 60));
        else draft.Add(draft.Pick(["-1", "abc", "9223372036854775807", "1.5"]));
        if (draft.Chance(isApproximate ? 0.4 : 0.05))
            Option("LIMIT", Literal("0", "1", "10", "100", "-1", "abc"))(draft);
    }

    private static void NewestId(Draft draft)
    {
        if (draft.Chance(0.2)) draft.Add(draft.Pick(["$", "$", "$", ">"]));
        else if (draft.Chance(0.05)) draft.Add(draft.Pick(["-", "abc", "5-", ""]));
        else draft.Add(SmallId(draft));
    }

    /// <summary>The ID that a consumer reads from.</summary>
    public static void GroupReadId(Draft draft)
    {
        if (draft.Chance(0.7)) draft.Add(">");
        else if (draft.Chance(0.1)) draft.Add("$");
        else if (draft.Chance(0.05)) draft.Add(draft.Pick(["-", "abc", "5-", ""]));
        else draft.Add(SmallId(draft));
    }

    private static Part Streams(Part id) => draft =>
    {
        Option("STREAMS")(draft);
        int keys = draft.Random.Next(1, 4);
        for (int i = 0; i < keys; i++) StreamKey(draft);
        for (int i = 0; i < keys; i++) id(draft);
    };
}
