using static Millrace.Compat.Tests.Generation.Parts;

namespace Millrace.Compat.Tests.Generation;

/// <summary>The grammar of the Server family, and of what a lone server answers for the features it has not.</summary>
public static class ServerGrammar
{
    private static readonly Part s_sample = One(
        All(Word("GET"), Key),
        All(Word("SET"), Key, Value, Maybe(All(Word("EX"), Literal("100")))),
        All(Word("MSET"), Many(1, 3, All(Key, Value))),
        All(Word("MGET"), Many(1, 4, Key)),
        All(Word("LCS"), Key, Key),
        All(Word("DEL"), Many(1, 4, Key)),
        All(Word("COPY"), Key, Key),
        All(Word("RENAME"), Key, Key),
        All(Word("OBJECT"), Word("ENCODING"), Key),
        All(Word("MEMORY"), Word("USAGE"), Key),
        All(Word("GETEX"), Key, Word("PERSIST")),
        Word("PING"), Word("DBSIZE"), Word("nothing"), Word("GET"));

    /// <summary>One form per command.</summary>
    public static IReadOnlyList<Form> Forms { get; } =
    [
        new("INFO", Many(0, 2, Literal(
            "server", "clients", "memory", "persistence", "stats", "replication", "cpu", "commandstats", "latencystats",
            "cluster", "keyspace", "errorstats", "modules", "all", "everything", "default", "nothing"))),
        new("CONFIG GET", Literal("maxclients", "timeout", "databases", "TIMEOUT", "nothing-like-it",
            "proto-max-bulk-len", "maxmemory-policy")) { IsFrozen = true },
        new("CONFIG SET", One(
            All(Literal("timeout", "TIMEOUT"), Literal("0", "86400", "-1", "abc", "")),
            All(Literal("nothing-like-it"), Literal("1")),
            All(Literal("maxclients"), Literal("10000", "abc", "0")),
            All(Literal("timeout"), Literal("0"), Literal("nothing-like-it"), Literal("1")),
            All(Literal("timeout"), Literal("0"), Literal("timeout"), Literal("0")),
            All(Literal("timeout"), Literal("0"), Literal("tcp-keepalive")),
            All(Literal("tcp-keepalive"), Literal("300", "-1", "x")))) { IsFrozen = true },
        new("CONFIG RESETSTAT"),
        new("COMMAND") { Weight = 0.5, IsFrozen = true },
        new("COMMAND COUNT"),
        new("COMMAND DOCS", Many(1, 2, Literal("get", "set", "client|list", "nothing"))) { IsFrozen = true },
        new("COMMAND GETKEYS", s_sample),
        new("COMMAND GETKEYSANDFLAGS", s_sample),
        new("COMMAND INFO",
            Many(1, 3, Literal("get", "set", "client|list", "nothing", "client|nothing"))) { IsFrozen = true },
        new("COMMAND LIST", Option("FILTERBY",
            One(Option("MODULE", Literal("nothing")), Option("ACLCAT", Literal("string", "nothing")),
                Option("PATTERN", Literal("get*", "nothing"))))),
        new("COMMAND HELP") { Weight = 0.5 },
        new("TIME"),
        new("LOLWUT", Maybe(Option("VERSION", Literal("5", "6", "abc")), 0.6)),
        new("SHUTDOWN", One(
            Keyword("ABORT"),
            All(Keyword("NOSAVE", "NOW", "FORCE"), Option("ABORT")),
            All(Keyword("NOSAVE", "NOW", "FORCE"), Literal("nothing")),
            All(Option("ABORT"), Literal("SAVE")))) { IsFrozen = true, Weight = 1.2 },
        new("MEMORY USAGE", AnyKey, Maybe(Option("SAMPLES", Literal("0", "5", "-1", "abc")), 0.4))
        {
            LooksFirst = true,
        },
        new("DEBUG SLEEP", Literal("0", "0.001")) { IsFrozen = true, Weight = 0.6 },
        new("DEBUG OBJECT", AnyKey) { LooksFirst = true },
        new("DEBUG SET-ACTIVE-EXPIRE") { Weight = 0.5, Compose = generator => generator.WithoutActiveExpiry() },
        new("DEBUG DIGEST-VALUE", AnyKey) { LooksFirst = true, IsFrozen = true },
        new("DEBUG LOG", Literal("differential test")) { Weight = 0.6 },
        new("DEBUG PROTOCOL", Literal("string", "integer", "double", "bignum", "null", "array", "set", "map",
            "attrib", "push", "verbatim", "true", "false", "nothing")) { Weight = 2 },
        new("DEBUG POPULATE", Number(0, 5), Maybe(All(Literal("k", "t"), Maybe(Number(0, 80))))) { IsFrozen = true,
            Weight = 0.6 },
        new("DEBUG PAUSE-CRON", Literal("0")) { IsFrozen = true, Weight = 0.6 },
        new("ROLE"),
        new("WAIT", Literal("0"), Literal("0", "1")) { IsFrozen = true },
        new("REPLICAOF", Word("NO"), Word("ONE")) { IsFrozen = true },
        new("READONLY") { Weight = 0.6 },
        new("READWRITE") { Weight = 0.6 },
        new("ASKING") { Weight = 0.6 },
        new("CLUSTER", Maybe(Literal("INFO", "NODES", "SLOTS", "MYID", "nothing"), 0.9)) { IsFrozen = true,
            Weight = 0.6 },
        new("MODULE LIST"),
        new("FUNCTION FLUSH", Maybe(Keyword("ASYNC", "SYNC"), 0.7)),
        new("FUNCTION LIST", Any(0.4, Option("LIBRARYNAME", Literal("*", "a")), Option("WITHCODE"))),
        new("FUNCTION DUMP"),
        new("FUNCTION STATS"),
        new("(unknown)") { Weight = 0.6, Compose = generator => generator.Unknown() },
    ];
}
