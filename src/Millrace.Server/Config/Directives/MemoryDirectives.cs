// Directives of memory: limits and eviction, freeing, expiry, and the thresholds of packed encodings.

using Millrace.Engine.Values;

namespace Millrace.Server.Config.Directives;

/// <summary>Directives of memory.</summary>
internal static class MemoryDirectives
{
    private const string FreedInSlices = "large values and databases are always freed in small slices";
    private const string NoDefrag = "entries are not moved to reduce fragmentation";

    internal static IEnumerable<Directive> Limits() =>
    [
        new("maxmemory", Forms.Size, "0")
        {
            Summary = "How much memory data may take; 0 for no limit.",
        },
        new(
            "maxmemory-policy",
            new ChoiceType(
                "volatile-lru",
                "volatile-lfu",
                "volatile-random",
                "volatile-ttl",
                "allkeys-lru",
                "allkeys-lfu",
                "allkeys-random",
                "noeviction"),
            "noeviction")
        {
            Summary = "Which keys go when memory is used up.",
        },
        new("maxmemory-samples", Forms.Positive, "5")
        {
            Summary = "How many keys are looked at for one that goes.",
        },
        new("maxmemory-eviction-tenacity", new IntegerType(0, 100), "10")
        {
            Summary = "How long a command may be kept waiting for room.",
        },
        new("lfu-log-factor", Forms.Count, "10")
        {
            Summary = "How slowly the access counter of a key grows.",
        },
        new("lfu-decay-time", Forms.Count, "1")
        {
            Summary = "Minutes after which the access counter of an unused key falls by one.",
        },
    ];

    internal static IEnumerable<Directive> Freeing() =>
    [
        new("lazyfree-lazy-eviction", Forms.YesNo, "no") { WithoutMeaning = FreedInSlices },
        new("lazyfree-lazy-expire", Forms.YesNo, "no") { WithoutMeaning = FreedInSlices },
        new("lazyfree-lazy-server-del", Forms.YesNo, "no") { WithoutMeaning = FreedInSlices },
        new("lazyfree-lazy-user-del", Forms.YesNo, "no") { WithoutMeaning = FreedInSlices },
        new("lazyfree-lazy-user-flush", Forms.YesNo, "no") { WithoutMeaning = FreedInSlices },
        new("active-expire-effort", new IntegerType(1, 10), "1")
        {
            WithoutMeaning = "an index finds the keys that are due, without sampling",
        },
        new("activerehashing", Forms.YesNo, "yes") { WithoutMeaning = "tables grow segment by segment" },
        new("jemalloc-bg-thread", Forms.YesNo, "yes") { WithoutMeaning = "the server has an allocator of its own" },
        new("activedefrag", Forms.YesNo, "no") { NotYet = "active defragmentation is not available yet" },
        new("active-defrag-cycle-min", new IntegerType(1, 99), "1") { WithoutMeaning = NoDefrag },
        new("active-defrag-cycle-max", new IntegerType(1, 99), "25") { WithoutMeaning = NoDefrag },
        new("active-defrag-threshold-lower", new IntegerType(0, 1000), "10") { WithoutMeaning = NoDefrag },
        new("active-defrag-threshold-upper", new IntegerType(0, 1000), "100") { WithoutMeaning = NoDefrag },
        new("active-defrag-ignore-bytes", Forms.PositiveSize, "100mb") { WithoutMeaning = NoDefrag },
        new("active-defrag-max-scan-fields", new IntegerType(1, long.MaxValue), "1000") { WithoutMeaning = NoDefrag },
    ];

    internal static IEnumerable<Directive> Encodings() =>
    [
        Threshold("hash-max-listpack-entries", "hash-max-ziplist-entries", Forms.LongCount, "512", "hashes"),
        Threshold("hash-max-listpack-value", "hash-max-ziplist-value", Forms.Size, "64", "hashes"),
        Threshold("set-max-intset-entries", null, Forms.LongCount, "512", "sets"),
        Threshold("set-max-listpack-entries", null, Forms.LongCount, "128", "sets"),
        Threshold("set-max-listpack-value", null, Forms.LongCount, "64", "sets"),
        Threshold("zset-max-listpack-entries", "zset-max-ziplist-entries", Forms.LongCount, "128", "sorted sets"),
        Threshold("zset-max-listpack-value", "zset-max-ziplist-value", Forms.Size, "64", "sorted sets"),
        Threshold(
            "list-max-listpack-size",
            "list-max-ziplist-size",
            new IntegerType(int.MinValue, int.MaxValue),
            "-2",
            "lists"),
        Threshold("list-compress-depth", null, Forms.Count, "0", "lists"),
        StreamNode("stream-node-max-entries", Forms.LongCount, "100", "entries"),
        StreamNode("stream-node-max-bytes", Forms.Size, "4096", "bytes"),
        new("stream-idmp-duration", new IntegerType(1, ProducerLimits.MostSeconds), "100")
        {
            Summary = "For how many seconds a stream knows a producer's message, unless XCFGSET says so for it.",
        },
        new("stream-idmp-maxsize", new IntegerType(1, ProducerLimits.MostMessages), "100")
        {
            Summary = "How many messages of each producer a stream knows, unless XCFGSET says so for it.",
        },
        new("hll-sparse-max-bytes", Forms.Size, "3000") { Summary = "Up to how many bytes HyperLogLogs are sparse." },
    ];

    private static Directive Threshold(
        string name, string? alias, DirectiveType type, string defaultText, string values) =>
        new(name, type, defaultText) { Alias = alias, Summary = $"Up to where {values} are packed." };

    private static Directive StreamNode(string name, DirectiveType type, string defaultText, string what) =>
        new(name, type, defaultText) { Summary = $"The most {what} of a node of a stream; 0: no such limit." };
}
