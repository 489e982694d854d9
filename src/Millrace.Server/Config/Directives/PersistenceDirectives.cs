// Directives of snapshots and the append-only file. What is not there yet (snapshots that are taken by themselves, the
// append-only file) is refused, and the default of save is therefore the empty list.

using Millrace.Engine.Codec;

namespace Millrace.Server.Config.Directives;

/// <summary>Directives of persistence.</summary>
internal static class PersistenceDirectives
{
    private const string NoSavePoints =
        "save points are not available yet: only SAVE and SHUTDOWN SAVE write a snapshot";
    private const string NoBackground = "there are no snapshots in the background yet (BGSAVE)";
    private const string OnlyForTests = "it slows the C servers down for their own tests";
    private const string NoLog = "the append-only file is not available yet";

    internal static IEnumerable<Directive> Snapshots() =>
    [
        new("save", new SavePointsType(), "") { NotYet = NoSavePoints, Rewriting = RewriteRule.Always },
        new("dbfilename", new TextType { BaseNameOf = "dbfilename" }, "dump.rdb")
        {
            Summary = "The name of the snapshot (RDB file) in `dir`: loaded at the start, written by SAVE.",
            Flags = DirectiveFlags.Protected,
        },
        new("rdbcompression", Forms.YesNo, "yes")
        {
            Summary = "Whether texts of more than 20 bytes are compressed where values are written down (SAVE, DUMP).",
        },
        new("rdb-version", new IntegerType(RdbFormat.OldestVersion, RdbFormat.UsualVersion), "11")
        {
            Summary = "The RDB version of what is written (SAVE, DUMP): 11 for Redis 7.2, 10 for Redis 7.0 as well.",
        },
        new("rdbchecksum", Forms.YesNo, "yes")
        {
            Summary = "Whether RDB files are written with a checksum, and it is compared when they are loaded.",
            Flags = DirectiveFlags.Immutable,
        },
        new("rdb-save-incremental-fsync", Forms.YesNo, "yes")
        {
            WithoutMeaning = "a snapshot is written at once, and is on the disk before it takes its name",
        },
        new("rdb-del-sync-files", Forms.YesNo, "no") { NotYet = "replication is not available yet" },
        new("stop-writes-on-bgsave-error", Forms.YesNo, "yes") { WithoutMeaning = NoBackground },
        new("rdb-key-save-delay", new IntegerType(int.MinValue, int.MaxValue), "0")
        {
            WithoutMeaning = OnlyForTests,
            Flags = DirectiveFlags.Hidden,
        },
        new("key-load-delay", new IntegerType(int.MinValue, int.MaxValue), "0")
        {
            Summary = "Microseconds that loading waits after each key, for tests; -N: one after N keys.",
            Flags = DirectiveFlags.Hidden,
        },
        new("loading-process-events-interval-bytes", new MemorySizeType(1024, int.MaxValue), "2097152")
        {
            WithoutMeaning = "clients are served by other threads than those that load",
            Flags = DirectiveFlags.Hidden,
        },
    ];

    internal static IEnumerable<Directive> AppendOnlyFile() =>
    [
        new("appendonly", Forms.YesNo, "no") { NotYet = NoLog, Flags = DirectiveFlags.NotWhileLoading },
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
