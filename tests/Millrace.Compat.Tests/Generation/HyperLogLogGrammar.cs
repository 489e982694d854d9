using System.Globalization;
using static Millrace.Compat.Tests.Generation.Parts;

namespace Millrace.Compat.Tests.Generation;

/// <summary>
/// The grammar of HyperLogLogs, on keys of their own whose headers are damaged now and then. PFSELFTEST is left out: it
/// stops redis-server for seconds. What is appended ends with a whole run: a half one is completed by 7.0.15 with the
/// byte behind the string.
/// </summary>
public static class HyperLogLogGrammar
{
    private const int Keys = 8;

    /// <summary>The keys that mostly hold HyperLogLogs.</summary>
    public static IEnumerable<string> KeyNames => Enumerable.Range(0, Keys).Select(NameOf);

    /// <summary>One form per command.</summary>
    public static IReadOnlyList<Form> Forms { get; } =
    [
        new("PFADD", HllKey, One(Many(0, 3, Element), Many(1, 12, Element), Many(30, 90, Element))) { Weight = 6 },
        new("PFCOUNT", Many(1, 4, HllKey)) { Weight = 3 },
        new("PFMERGE", HllKey, Many(0, 3, HllKey)) { Weight = 1.5 },
        new("PFDEBUG", Keyword("ENCODING", "DECODE", "TODENSE", "GETREG", "NOTHING"), HllKey),
        new("GET", HllKey) { Weight = 2 },
        new("DEL", HllKey) { Weight = 0.5 },
        new("APPEND", HllKey, Literal("\0", "\x80", "ab\0", "")) { Weight = 0.15, IsFrozen = true },
        new("SETRANGE", HllKey, Number(0, 15), Literal("\0", "\u0001", "\x80", "H", "xy"))
        {
            Weight = 0.5, IsFrozen = true,
        },
    ];

    private static void HllKey(Draft draft)
    {
        if (draft.Chance(0.03)) Key(draft);
        else draft.Add(NameOf(draft.Random.Next(Keys)));
    }

    private static void Element(Draft draft)
    {
        if (draft.Chance(0.1)) Value(draft);
        else draft.Add(draft.Random.Next(draft.Chance(0.3) ? 30 : 100_000));
    }

    private static string NameOf(int index) => "p:" + index.ToString(CultureInfo.InvariantCulture);
}
