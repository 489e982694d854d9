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
        new("DEL", Many(1, 3, Key)),
        new("UNLINK", Many(1, 3, Key)),
        new("EXISTS", Many(1, 6, Key)),
        new("EXPIRE", Key, Seconds, s_condition) { Weight = 2 },
        new("PEXPIRE", Key, Milliseconds, s_condition) { Weight = 1.5 },
        new("EXPIREAT", Key, UnixSeconds, s_condition) { Weight = 1.5 },
        new("PEXPIREAT", Key, UnixMilliseconds, s_condition) { Weight = 1.5 },
        new("EXPIRETIME", Key),
        new("PEXPIRETIME", Key),
        new("TTL", Key) { Weight = 1.5 },
        new("PTTL", Key) { Weight = 1.5 },
        new("PERSIST", Key),
        new("TYPE", Key),
        new("KEYS", Pattern) { Weight = 1.5 },
        new("SCAN") { Weight = 1.5, Compose = generator => generator.WholeScan() },
        new("RANDOMKEY"),
        new("RENAME", Key, Key),
        new("RENAMENX", Key, Key),
        new("COPY", Key, Key, Any(0.4, Option("DB", Database), Option("REPLACE"))) { Weight = 2 },
        new("MOVE", Key, Database),
        new("TOUCH", Many(1, 4, Key)),
        new("OBJECT ENCODING", Key) { Weight = 2 },
        new("OBJECT FREQ", Key) { Weight = 0.6 },
        new("OBJECT IDLETIME", Key),
        new("OBJECT REFCOUNT", Key),
        new("OBJECT HELP") { Weight = 0.5 },
        new("DBSIZE") { Compose = generator => generator.SweptCount() },
        new("FLUSHDB") { Weight = 0.15, Compose = generator => generator.Flushes("FLUSHDB") },
        new("FLUSHALL") { Weight = 0.15, Compose = generator => generator.Flushes("FLUSHALL") },
        new("SWAPDB", Database, Database),
    ];
}
