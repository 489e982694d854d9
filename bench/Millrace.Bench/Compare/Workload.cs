// One row of the table of workloads, and the tables that are there by name.

using Millrace.Bench.Load;

namespace Millrace.Bench.Compare;

/// <summary>What is asked of each server, and by which generator.</summary>
internal sealed record Workload(string Command, int Connections, int Pipeline, int Keys, int ValueSize)
{
    /// <summary>The generator: own, or redis-benchmark.</summary>
    public string Load { get; init; } = LoadProcess.Own;

    /// <summary>GET, SET and INCR without pipelining and at 16 and 64, a million small keys.</summary>
    public static IReadOnlyList<Workload> Usual { get; } =
    [
        .. from command in (string[])["get", "set", "incr"]
           from pipeline in (int[])[1, 16, 64]
           select new Workload(command, 50, pipeline, 1_000_000, 3),
    ];

    /// <summary>GET over ten million keys, which no cache holds.</summary>
    public static IReadOnlyList<Workload> Big { get; } = [new Workload("get", 50, 64, 10_000_000, 64)];

    /// <summary>The collections, transactions and ranges, at pipeline 16.</summary>
    public static IReadOnlyList<Workload> Collections { get; } =
    [
        .. from command in (string[])
           [
               "hset", "hget", "lpush", "rpop", "sadd", "sismember", "zadd", "zscore", "zrank", "zrange10", "exec3",
               "lrange100", "hgetall20", "smembers100", "zrange100",
           ]
           select new Workload(command, 50, 16, 1_000_000, 3),
    ];

    /// <summary>The types that are made of others, at pipeline 16; of what works on a
    /// megabyte, 200 times fewer requests. A HyperLogLog of a thousand elements is sparse.</summary>
    public static IReadOnlyList<Workload> Types { get; } =
    [
        new("setbit", 50, 16, 1_000_000, 3),
        new("bitcount1m", 50, 1, 1_000_000, 3) { Weight = 200 },
        new("bitop1m", 50, 1, 1_000_000, 3) { Weight = 200 },
        .. from command in (string[])["geoadd", "geosearch", "geosearch10"]
           select new Workload(command, 50, 16, 1_000_000, 3),
        new("xadd", 50, 16, 1_000_000, 3),
        new("xrange10", 50, 16, 1_000_000, 3),
        new("pfadd", 50, 16, 1_000_000, 3),
        new("pfcount2", 50, 16, 1_000_000, 3),
        new("pfadd-sparse", 50, 16, 1_000, 3),
    ];

    /// <summary>For how many requests one of these counts where requests are counted.</summary>
    public int Weight { get; init; } = 1;

    /// <summary>The two things that stay loaded while rows are measured.</summary>
    public (int Keys, int ValueSize) Content => (Keys, ValueSize);

    /// <summary>A row as the option gives it: COMMAND,CONNECTIONS,PIPELINE,KEYS,VALUE-BYTES.</summary>
    public static Workload Parse(string text)
    {
        const string Name = "--workload COMMAND,CONNECTIONS,PIPELINE,KEYS,VALUE-BYTES";
        var parts = text.Split(',');
        if (parts.Length != 5) throw new UsageException($"{Name}: '{text}' has {parts.Length} parts");
        _ = RequestCatalogue.Find(parts[0]);
        return new Workload(
            parts[0],
            Arguments.NumberOf(Name, parts[1], 1, 20_000),
            Arguments.NumberOf(Name, parts[2], 1, 10_000),
            Arguments.NumberOf(Name, parts[3], 1, 1_000_000_000),
            Arguments.NumberOf(Name, parts[4], 1, 1_000_000));
    }

    /// <inheritdoc/>
    public override string ToString() =>
        $"{Command} P{Pipeline} c{Connections} {Keys / 1000.0:0.###}k x {ValueSize} B" +
        (Load == LoadProcess.Own ? "" : " (" + Load + ")");
}
