using static Millrace.Compat.Tests.Generation.Parts;

namespace Millrace.Compat.Tests.Generation;

/// <summary>The grammar of SORT and SORT_RO.</summary>
/// <remarks>
/// What redis-server leaves to chance is not asked for: the order of a set that is not sorted, and of elements that are
/// equal for strcoll. So without STORE elements are ordered by numbers. A number out of range that an earlier command
/// met counts as one of SORT's own in 7.0.15 (C's errno), so one that is in range goes before. Sorted sets are in table
/// tests: 7.0.15 unpacks them.
/// </remarks>
public static class SortGrammar
{
    private const string Before = "ZADD none XX 1 m";

    private static readonly Part s_get = Option("GET", Literal("#", "t:*", "h:*", "h:*->f1", "h:*->", "none"));
    private static readonly Part s_limit = Option("LIMIT", Number(-2, 6), Number(-2, 12));

    /// <summary>One form per command.</summary>
    public static IReadOnlyList<Form> Forms { get; } =
    [
        new("SORT", Source, One(Stored, ByNumbers)) { Weight = 2, Before = Before, IsFrozen = true },
        new("SORT_RO", Source, ByNumbers) { Before = Before, IsFrozen = true },
    ];

    private static void Source(Draft draft)
    {
        if (draft.Chance(0.5)) draft.Add(draft.Words.ListKey());
        else SetGrammar.SetKey(draft);
    }

    private static void ByNumbers(Draft draft) => Any(
        0.5, Option("BY", Literal("t:*", "h:*->f1", "none*")), s_get, s_get, s_limit, Keyword("ASC", "DESC"))(draft);

    private static void Stored(Draft draft)
    {
        One(Keyword("ALPHA"), Option("BY", Literal("t:*", "none", "none*")))(draft);
        Any(0.4, s_get, s_limit, Keyword("ASC", "DESC"))(draft);
        Option("STORE", static at => at.Add(at.Words.ListKey()))(draft);
    }
}
