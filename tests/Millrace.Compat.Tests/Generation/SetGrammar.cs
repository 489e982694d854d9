using System.Globalization;
using static Millrace.Compat.Tests.Generation.Parts;

namespace Millrace.Compat.Tests.Generation;

/// <summary>
/// The grammar of the Set family. What chance decides must not make the two keyspaces differ: SPOP empties a set, or
/// pops from one that goes at once.
/// </summary>
public static class SetGrammar
{
    private const int Keys = 14;

    // So much that a scan ends with one call.
    private static readonly Part s_all = Option("COUNT", Literal("20000", "9223372036854775807"));

    private static readonly Part s_pattern = Option("MATCH", Literal("*", "1*", "m?", "m[0-4]", "-*", "", "nothing"));

    /// <summary>The keys that mostly hold sets.</summary>
    public static IEnumerable<string> KeyNames => Enumerable.Range(0, Keys).Select(NameOf);

    /// <summary>One form per command.</summary>
    public static IReadOnlyList<Form> Forms { get; } =
    [
        new("SADD", SetKey, One(Many(1, 6, Member), Many(1, 6, Member), Many(1, 40, Member), Integers)) { Weight = 9 },
        new("SCARD", SetKey),
        new("SDIFF", Many(1, 5, SetKey)) { Weight = 1.5 },
        new("SDIFFSTORE", SetKey, Many(1, 5, SetKey)) { Weight = 1.5 },
        new("SINTER", Many(1, 4, SetKey)) { Weight = 1.5 },
        new("SINTERCARD", One(
            All(Literal("1"), SetKey, Limit), All(Literal("2"), SetKey, SetKey, Limit),
            All(Literal("3"), SetKey, SetKey, SetKey, Limit), All(Literal("0", "-1", "abc", "4"), SetKey, Limit)))
        {
            Weight = 1.5,
        },
        new("SINTERSTORE", SetKey, Many(1, 4, SetKey)) { Weight = 1.5 },
        new("SISMEMBER", SetKey, Member) { Weight = 1.5 },
        new("SMEMBERS", SetKey) { Weight = 1.5 },
        new("SMISMEMBER", SetKey, Many(1, 10, Member)) { Weight = 1.5 },
        new("SMOVE", SetKey, SetKey, Member) { Weight = 2 },
        new("SPOP", SetKey) { Compose = generator => generator.Pops() },
        new("SRANDMEMBER", SetKey, Maybe(One(
            Number(-20, 20), Literal("0", "1000", "abc", "1.5", "-9223372036854775808"))))
        {
            Weight = 1.5, IsFrozen = true,
        },
        new("SREM", SetKey, Many(1, 8, Member)) { Weight = 3 },
        new("SSCAN", SetKey, One(
            All(Literal("0"), Maybe(s_pattern), s_all),
            All(Literal("0"), s_all, Maybe(s_pattern)),
            All(Literal("abc", "", "1.5", "18446744073709551616"), s_all),
            All(Literal("0"), Literal("COUNT", "TYPE", "nothing"), Maybe(Literal("0", "-1", "abc", "set"))),
            All(Literal("0"), Literal("MATCH"))))
        {
            Weight = 2, IsFrozen = true, LooksFirst = true,
        },
        new("SUNION", Many(1, 5, SetKey)) { Weight = 1.5 },
        new("SUNIONSTORE", SetKey, Many(1, 5, SetKey)) { Weight = 1.5 },
    ];

    /// <summary>A key that mostly holds a set; now and then one that holds anything.</summary>
    public static void SetKey(Draft draft)
    {
        if (draft.Chance(0.05)) Key(draft);
        else draft.Add(NameOf(draft.Random.Next(Keys)));
    }

    /// <summary>A member: few enough of them that sets have some in common.</summary>
    public static void Member(Draft draft)
    {
        int drawn = draft.Random.Next(100);
        if (drawn < 45)
            draft.Add(draft.Random.Next(-20, 40));
        else if (drawn < 80)
            draft.Add("m" + draft.Random.Next(30).ToString(CultureInfo.InvariantCulture));
        else if (drawn < 90)
            draft.Add(draft.Pick(
                ["", "01", "-0", "+1", "1.0", " 1", "65536", "-32769", "2147483648", "9223372036854775807",
                    "-9223372036854775808", "9223372036854775808", new string('x', 64), new string('x', 65)]));
        else
            draft.Add(draft.Words.Value(1));
    }

    private static string NameOf(int number) => "s:" + number.ToString(CultureInfo.InvariantCulture);

    // Enough to leave the integer set behind, now and then.
    private static void Integers(Draft draft)
    {
        int first = draft.Random.Next(-300, 300);
        int count = draft.Chance(0.2) ? draft.Random.Next(500, 600) : draft.Random.Next(20, 200);
        for (int i = 0; i < count; i++)
            draft.Add(first + i);
    }

    private static void Limit(Draft draft) =>
        Maybe(Option("LIMIT", Literal("0", "1", "2", "5", "1000", "-1", "abc")), 0.5)(draft);
}
