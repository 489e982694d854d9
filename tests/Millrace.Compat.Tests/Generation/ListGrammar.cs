using static Millrace.Compat.Tests.Generation.Parts;

namespace Millrace.Compat.Tests.Generation;

/// <summary>The grammar of the commands on lists that do not wait.</summary>
public static class ListGrammar
{
    /// <summary>One form per command.</summary>
    public static IReadOnlyList<Form> Forms { get; } =
    [
        new("LINDEX", List, Index) { Weight = 2 },
        new("LINSERT", List, Keyword("BEFORE", "AFTER"), Element, Element) { Weight = 2 },
        new("LLEN", List),
        new("LMOVE", List, List, Keyword("LEFT", "RIGHT"), Keyword("LEFT", "RIGHT")) { Weight = 2 },
        new("LMPOP", Keys, Keyword("LEFT", "RIGHT"), Maybe(Option("COUNT", Number(-1, 12)))) { Weight = 1.5 },
        new("LPOP", List, Maybe(Count, 0.4)) { Weight = 2 },
        new("LPOS", List, Element, Any(0.4,
            Option("RANK", Number(-4, 4)), Option("COUNT", Number(-1, 5)), Option("MAXLEN", Number(-1, 30))))
            { Weight = 2 },
        new("LPUSH", List, Many(1, 8, Element)) { Weight = 3 },
        new("LPUSHX", List, Many(1, 4, Element)),
        new("LRANGE", List, Index, Index) { Weight = 2 },
        new("LREM", List, Number(-3, 3), Element) { Weight = 1.5 },
        new("LSET", List, Index, Element) { Weight = 2 },
        new("LTRIM", List, Index, Index) { Weight = 0.6 },
        new("RPOP", List, Maybe(Count, 0.4)) { Weight = 2 },
        new("RPOPLPUSH", List, List),
        new("RPUSH", List, Many(1, 20, Element)) { Weight = 3 },
        new("RPUSHX", List, Many(1, 4, Element)),
    ];

    /// <summary>A key, mostly one that only lists use, so that lists grow.</summary>
    private static void List(Draft draft)
    {
        if (draft.Chance(0.25)) Key(draft);
        else draft.Add(draft.Words.ListKey());
    }

    /// <summary>A number of keys with the keys.</summary>
    private static void Keys(Draft draft)
    {
        int count = draft.Random.Next(1, 4);
        draft.Add(draft.Chance(0.95) ? count : draft.Random.Next(-1, 6));
        for (int i = 0; i < count; i++) List(draft);
    }

    /// <summary>An element: one of a few that are met again and again, or any value.</summary>
    private static void Element(Draft draft)
    {
        switch (draft.Random.Next(10))
        {
            case < 3:
                draft.Add(draft.Random.Next(6));
                break;
            case < 8:
                draft.Add($"element {draft.Random.Next(10)}");
                break;
            default:
                Value(draft);
                break;
        }
    }

    /// <summary>An index of a list, from either end, mostly one that exists.</summary>
    private static void Index(Draft draft)
    {
        if (draft.Chance(0.95)) draft.Add(draft.Random.Next(-40, 40));
        else Integer(draft);
    }

    private static void Count(Draft draft)
    {
        if (draft.Chance(0.95)) draft.Add(draft.Random.Next(0, 9));
        else Integer(draft);
    }
}
