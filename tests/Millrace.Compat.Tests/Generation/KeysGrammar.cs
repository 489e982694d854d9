using static Millrace.Compat.Tests.Generation.Parts;

namespace Millrace.Compat.Tests.Generation;

/// <summary>The grammar of the Keys family.</summary>
public static class KeysGrammar
{
    private static readonly Part s_condition =
        All(Maybe(Keyword("NX", "XX", "GT", "LT"), 0.6), Maybe(Keyword("NX", "XX", "GT", "LT"), 0.08));

    /// <summary>One form per command.</summary>
    public static IReadOnlyList<Form> Forms { get; } =
    [
        new("DEL", Many(1, 3, AnyKey)),
        new("UNLINK", Many(1, 3, AnyKey)),
        new("EXISTS", Many(1, 6, AnyKey)),
        new("EXPIRE", AnyKey, Seconds, s_condition) { Weight = 2 },
        new("PEXPIRE", AnyKey, Milliseconds, s_condition) { Weight = 1.5 },
        new("EXPIREAT", AnyKey, UnixSeconds, s_condition) { Weight = 1.5 },
        new("PEXPIREAT", AnyKey, UnixMilliseconds, s_condition) { Weight = 1.5 },
        new("EXPIRETIME", AnyKey),
        new("PEXPIRETIME", AnyKey),
        new("TTL", AnyKey) { Weight = 1.5 },
        new("PTTL", AnyKey) { Weight = 1.5 },
        new("PERSIST", AnyKey),
        new("TYPE", AnyKey),
        new("KEYS", Pattern) { Weight = 1.5 },
        new("SCAN") { Weight = 1.5, Compose = generator => generator.WholeScan() },
        new("RANDOMKEY"),
        new("RENAME", AnyKey, AnyKey),
        new("RENAMENX", AnyKey, AnyKey),
        new("COPY", AnyKey, AnyKey, Any(0.4, Option("DB", Database), Option("REPLACE"))) { Weight = 2 },
        new("MOVE", AnyKey, Database),
        new("TOUCH", Many(1, 4, AnyKey)),
        new("OBJECT ENCODING", AnyKey) { Weight = 2 },
        new("OBJECT FREQ", AnyKey) { Weight = 0.6 },
        new("OBJECT IDLETIME", AnyKey),
        new("OBJECT REFCOUNT", AnyKey),
        new("OBJECT HELP") { Weight = 0.5 },
        new("DBSIZE") { Compose = generator => generator.SweptCount() },
        new("FLUSHDB") { Weight = 0.15, Compose = generator => generator.Flushes("FLUSHDB") },
        new("FLUSHALL") { Weight = 0.15, Compose = generator => generator.Flushes("FLUSHALL") },
        new("SWAPDB", Database, Database),
    ];
}
