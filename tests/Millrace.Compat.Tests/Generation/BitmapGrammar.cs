using static Millrace.Compat.Tests.Generation.Parts;

namespace Millrace.Compat.Tests.Generation;

/// <summary>The grammar of the bitmap family.</summary>
/// <remarks>
/// BITCOUNT and BITPOS look at their arguments before they look at the key since 7.2, and BITCOUNT takes a start alone
/// in Valkey; 7.0.15 answers for a missing key or one of another type first. So theirs are damaged only where the key
/// is a string, and a start has its end. BITOP's later operations are in table tests.
/// </remarks>
public static class BitmapGrammar
{
    private static readonly Part s_bit = Literal("0", "1", "0", "1", "0", "1", "2", "-1", "abc", "");
    private static readonly Part s_unit = Maybe(One(Option("BIT"), Option("BYTE")), 0.7);
    private static readonly Part s_range = All(BitPosition, BitPosition, s_unit);
    private static readonly Part s_badRange = One(
        All(Literal("abc", "1.5", "9223372036854775808"), Position),
        All(Position, Literal("abc", ""), s_unit),
        All(Number(0, 9), Number(0, 9), Literal("BITS", "")),
        All(Position, Position, Option("BIT"), Literal("x")));

    private static readonly Part s_readStep = Option("GET", Type, FieldOffset);
    private static readonly Part s_overflow = One(
        Option("OVERFLOW", Keyword("WRAP", "SAT", "FAIL")), Option("OVERFLOW", Keyword("WRAP", "SAT", "FAIL")),
        Option("OVERFLOW", Keyword("WRAP", "SAT", "FAIL")), Option("OVERFLOW", Literal("NONE")));

    private static readonly Part s_step = One(
        s_readStep, s_overflow, s_overflow,
        Option("SET", Type, FieldOffset, FieldValue), Option("SET", Type, FieldOffset, FieldValue),
        Option("INCRBY", Type, FieldOffset, Integer), Option("INCRBY", Type, FieldOffset, Integer));

    /// <summary>One form per command.</summary>
    public static IReadOnlyList<Form> Forms { get; } =
    [
        new("SETBIT", AnyKey, BitOffset, s_bit) { Weight = 2 },
        new("GETBIT", AnyKey, BitOffset),
        new("BITCOUNT", AnyKey, Maybe(s_range, 0.7)) { Weight = 1.2, IsFrozen = true },
        new("BITCOUNT", Literal("t:1"), s_badRange)
            { Weight = 0.5, IsFrozen = true, Before = "SET t:1 foobar" },
        new("BITPOS", AnyKey, Literal("0", "1"), Maybe(One(BitPosition, s_range, s_range), 0.7))
            { Weight = 1.2, IsFrozen = true },
        new("BITPOS", Literal("t:1"), s_bit, s_badRange)
            { Weight = 0.5, IsFrozen = true, Before = "SET t:1 foobar" },
        new("BITOP", Keyword("AND", "OR", "XOR"), AnyKey, Many(1, 4, AnyKey)) { Weight = 2 },
        new("BITOP", Keyword("NOT"), AnyKey, AnyKey),
        new("BITFIELD", AnyKey, Many(0, 5, s_step)) { Weight = 2.5 },
        new("BITFIELD_RO", AnyKey, Many(0, 4, s_readStep)),
    ];

    private static void BitOffset(Draft draft)
    {
        if (draft.Chance(0.92))
            draft.Add(draft.Random.Next(0, draft.Pool == 1 ? 400 : 6000));
        else
            draft.Add(draft.Pick(["-1", "4294967296", "9223372036854775807", "9223372036854775808", "abc", "#1", ""]));
    }

    // In C the distance of a number near -2^63 from a field's range wraps around, and SAT stores the greatest number
    // for it (docs/compatibility.md).
    private static void FieldValue(Draft draft)
    {
        Integer(draft);
        if (draft.Arguments[^1].AsSpan().StartsWith("-922337203685477580"u8))
            draft.Arguments[^1] = "-4611686018427387904"u8.ToArray();
    }

    private static void FieldOffset(Draft draft)
    {
        if (draft.Chance(0.25))
            draft.Add("#" + draft.Pick(["0", "1", "2", "7", "-1", "4294967296", "x", ""]));
        else
            BitOffset(draft);
    }

    private static void BitPosition(Draft draft) => draft.Add(
        draft.Chance(0.9) ? draft.Random.Next(-500, 500)
        : draft.Chance(0.5) ? draft.Random.NextInt64(-600_000, 600_000)
        : draft.Random.NextInt64(long.MinValue, long.MaxValue));

    private static void Type(Draft draft)
    {
        if (draft.Chance(0.95))
            draft.Add(draft.Pick(["i", "u"]) + draft.Pick(["1", "2", "5", "8", "16", "31", "32", "33", "62", "63"]));
        else
            draft.Add(draft.Pick(["i64", "i64", "u64", "i65", "u0", "8", "U8", "i", "u-1", "u08", "i8x", "", "i8\0"]));
    }
}
