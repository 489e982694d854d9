// Directives of snapshots and the append-only file.

using Millrace.Engine.Codec;

namespace Millrace.Server.Config.Directives;

/// <summary>Directives of persistence.</summary>
internal static class PersistenceDirectives
{
    internal static IEnumerable<Directive> Snapshots() =>
    [
        new("save", new SavePointsType(), "3600 1 300 100 60 10000")
        {
            Summary = "Pairs of seconds and changes: a snapshot is taken in the background when the last one is as old "
                + "and as many changes were made since; with none, SHUTDOWN saves only when it is told to.",
            Rewriting = RewriteRule.Always,
        },
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
        new("stop-writes-on-bgsave-error", Forms.YesNo, "yes")
        {
            Summary = "Whether writes are refused when the last snapshot in the background failed and there are save "
                + "points.",
        },
        new("snapshot-buffer-limit", new MemorySizeType(1024 * 1024, long.MaxValue), "64mb")
        {
            Summary = "What may be encoded for a snapshot in the background and not yet written: beyond it writes "
                + "wait, and when they have waited for 10 seconds the snapshot is given up.",
        },
        new("rdb-key-save-delay", new IntegerType(int.MinValue, int.MaxValue), "0")
        {
            Summary = "Makes saving slow, for tests: microseconds per key; negative: so many keys per microsecond. "
                + "What is under way follows it.",
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
        new("appendonly", Forms.YesNo, "no")
        {
            Summary = "Whether every change is written to an append-only file, which is loaded at the start instead of "
                + "the snapshot. Turned on at run time it begins with a snapshot.",
            Flags = DirectiveFlags.NotWhileLoading,
        },
        new("appendfsync", new ChoiceType("everysec", "always", "no"), "everysec")
        {
            Summary = "When a change has to be on the disk: within a second, before its reply (always), or when the "
                + "system likes (no). A reply never leaves before its change is written to the file.",
        },
        new(
            "appendfilename",
            new TextType { BaseNameOf = "appendfilename", RefusesEmpty = true },
            "appendonly.aof")
        {
            Summary = "What the names of the append-only files begin with.",
            Flags = DirectiveFlags.Immutable,
        },
        new(
            "appenddirname",
            new TextType { BaseNameOf = "appenddirname", BaseNameKind = "dirname", RefusesEmpty = true },
            "appendonlydir")
        {
            Summary = "The directory of the append-only files, in `dir`.",
            Flags = DirectiveFlags.Immutable,
        },
        new("no-appendfsync-on-rewrite", Forms.YesNo, "no")
        {
            Summary = "Whether fsync is left out while a snapshot or a base is written, as with `appendfsync no`.",
        },
        new("auto-aof-rewrite-percentage", Forms.Count, "100")
        {
            Summary = "By how many percent the append-only file grows before it is rewritten; 0: it is not.",
        },
        new("auto-aof-rewrite-min-size", Forms.Size, "64mb")
        {
            Summary = "Up to which size the append-only file is not rewritten by itself.",
        },
        new("aof-load-truncated", Forms.YesNo, "yes")
        {
            Summary = "Whether the server starts when the end of the last append-only file is missing, and cuts it "
                + "behind its last whole command.",
        },
        new("aof-use-rdb-preamble", Forms.YesNo, "yes")
        {
            Summary = "Whether the base of the append-only file is a snapshot (RDB file). Otherwise a snapshot is "
                + "turned into commands (RESTORE), which takes longer to make and to load.",
        },
        new("aof-timestamp-enabled", Forms.YesNo, "no")
        {
            Summary = "Whether the append-only file says when its commands ran, by the second.",
        },
        new("aof-rewrite-incremental-fsync", Forms.YesNo, "yes")
        {
            WithoutMeaning = "a base is on the disk before it takes its name",
        },
        new("aof-disable-auto-gc", Forms.YesNo, "no")
        {
            Summary = "Whether files that a rewrite has made needless stay.",
            Flags = DirectiveFlags.Hidden,
        },
    ];
}
