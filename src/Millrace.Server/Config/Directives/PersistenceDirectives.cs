// Directives of snapshots and the append-only file. Nothing is saved yet: whatever would promise it is refused, and the
// default of save is therefore the empty list.

using Millrace.Engine.Codec;

namespace Millrace.Server.Config.Directives;

/// <summary>Directives of persistence.</summary>
internal static class PersistenceDirectives
{
    private const string NoSnapshot = "snapshots (RDB) are not available yet, data lives in memory only";
    private const string NoLog = "the append-only file is not available yet, data lives in memory only";

    internal static IEnumerable<Directive> Snapshots() =>
    [
        new("save", new SavePointsType(), "") { NotYet = NoSnapshot, Rewriting = RewriteRule.Always },
        new("dbfilename", new TextType { BaseNameOf = "dbfilename" }, "dump.rdb")
        {
            WithoutMeaning = NoSnapshot,
            Flags = DirectiveFlags.Protected,
        },
        new("rdbcompression", Forms.YesNo, "yes")
        {
            Summary = "Whether texts of more than 20 bytes are compressed where values are written down (DUMP).",
        },
        new("rdb-version", new IntegerType(RdbFormat.OldestVersion, RdbFormat.UsualVersion), "11")
        {
            Summary = "The RDB version of values that are written down: 11 for Redis 7.2, 10 for Redis 7.0 as well.",
        },
        new("rdbchecksum", Forms.YesNo, "yes") { WithoutMeaning = NoSnapshot, Flags = DirectiveFlags.Immutable },
        new("rdb-save-incremental-fsync", Forms.YesNo, "yes") { WithoutMeaning = NoSnapshot },
        new("rdb-del-sync-files", Forms.YesNo, "no") { NotYet = NoSnapshot },
        new("stop-writes-on-bgsave-error", Forms.YesNo, "yes") { WithoutMeaning = NoSnapshot },
        new("rdb-key-save-delay", new IntegerType(int.MinValue, int.MaxValue), "0")
        {
            WithoutMeaning = NoSnapshot,
            Flags = DirectiveFlags.Hidden,
        },
        new("key-load-delay", new IntegerType(int.MinValue, int.MaxValue), "0")
        {
            WithoutMeaning = NoSnapshot,
            Flags = DirectiveFlags.Hidden,
        },
        new("loading-process-events-interval-bytes", new MemorySizeType(1024, int.MaxValue), "2097152")
        {
            WithoutMeaning = NoSnapshot,
            Flags = DirectiveFlags.Hidden,
        },
    ];

    internal static IEnumerable<Directive> AppendOnlyFile() =>
    [
        new("appendonly", Forms.YesNo, "no") { NotYet = NoLog },
        new("appendfsync", new ChoiceType("everysec", "always", "no"), "everysec") { NotYet = NoLog },
        new(
            "appendfilename",
            new TextType { BaseNameOf = "appendfilename", RefusesEmpty = true },
            "appendonly.aof")
        {
            WithoutMeaning = NoLog,
            Flags = DirectiveFlags.Immutable,
        },
        new(
            "appenddirname",
            new TextType { BaseNameOf = "appenddirname", BaseNameKind = "dirname", RefusesEmpty = true },
            "appendonlydir")
        {
            WithoutMeaning = NoLog,
            Flags = DirectiveFlags.Immutable,
        },
        new("no-appendfsync-on-rewrite", Forms.YesNo, "no") { WithoutMeaning = NoLog },
        new("auto-aof-rewrite-percentage", Forms.Count, "100") { WithoutMeaning = NoLog },
        new("auto-aof-rewrite-min-size", Forms.Size, "64mb") { WithoutMeaning = NoLog },
        new("aof-load-truncated", Forms.YesNo, "yes") { WithoutMeaning = NoLog },
        new("aof-use-rdb-preamble", Forms.YesNo, "yes") { WithoutMeaning = NoLog },
        new("aof-timestamp-enabled", Forms.YesNo, "no") { NotYet = NoLog },
        new("aof-rewrite-incremental-fsync", Forms.YesNo, "yes") { WithoutMeaning = NoLog },
        new("aof-disable-auto-gc", Forms.YesNo, "no") { WithoutMeaning = NoLog, Flags = DirectiveFlags.Hidden },
    ];
}
