using static Millrace.Compat.Tests.Generation.Parts;

namespace Millrace.Compat.Tests.Generation;

/// <summary>
/// The grammar of transactions: whole ones, in one sentence, with requests of other families between MULTI and EXEC;
/// and watches, which stay until the client ends a transaction, while other clients write.
/// </summary>
public static class TransactionGrammar
{
    // HELLO's options and AUTH's texts differ by version (KnownDifferences), ZRANK takes one argument more since 7.2,
    // so that EXEC refuses at one server only; CLIENT KILL may end the client.
    private static readonly HashSet<string> s_excluded =
        new(StringComparer.Ordinal) { "HELLO", "AUTH", "CLIENT KILL", "ZRANK", "ZREVRANK", "OBJECT ENCODING" };

    /// <summary>One form per command.</summary>
    public static IReadOnlyList<Form> Forms { get; } =
    [
        new("WATCH", Many(1, 3, Key)) { Weight = 2 },
        new("UNWATCH") { Weight = 0.6 },
        new("MULTI") { Compose = generator => generator.Transaction(end: "DISCARD", hasStart: true) },
        new("EXEC") { Weight = 5, Compose = generator => generator.Transaction(end: "EXEC", hasStart: true) },
        new("DISCARD") { Weight = 0.6, Compose = generator => generator.Transaction(end: "DISCARD", hasStart: false) },
    ];

    /// <summary>What may be queued: commands whose replies are compared byte for byte.</summary>
    public static IReadOnlyList<Form> Queueable { get; } =
    [
        .. StringGrammar.Forms.Concat(ListGrammar.Forms).Concat(HashGrammar.Forms).Concat(SetGrammar.Forms)
            .Concat(ConnectionGrammar.Forms).Concat(SortedSetGrammar.Forms).Concat(StreamGrammar.Forms)
            .Concat(GeoGrammar.Forms).Concat(BitmapGrammar.Forms).Concat(HyperLogLogGrammar.Forms)
            .Where(static form => form is { Compose: null, Before: null, LooksFirst: false }
                && !s_excluded.Contains(form.Name)
                && !Differential.ReplyRules.ByCommand.ContainsKey(form.Name)),
    ];
}
