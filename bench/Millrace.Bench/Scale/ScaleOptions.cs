// The options of `scale`.

using Millrace.Engine;
using Millrace.Server.Execution;

namespace Millrace.Bench.Scale;

/// <summary>How much `scale` does.</summary>
internal sealed record ScaleOptions
{
    /// <summary>The options, as `bench` prints them.</summary>
    public const string Help = """
        --threads N[,N]           thread counts (1, 2, 4 ... and the number of cores)
        --partitions N[,N]        partition counts, powers of two of at most 64 (1,4,16,64)
        --keys N --value-size N   what a keyspace holds, one per thread (1000000 keys of 3 bytes)
        --commands N              per thread and measurement (2000000); --batch N commands (32); --rounds N (5)
        --load get,set,set+log,hot    which loads (all): hot is GET and SET on the same 16 keys
        """;

    private static readonly string[] AllLoads = ["get", "set", "set+log", "hot"];

    public required IReadOnlyList<int> Threads { get; init; }

    public required IReadOnlyList<int> Partitions { get; init; }

    public required IReadOnlyList<string> Loads { get; init; }

    public required int Keys { get; init; }

    public required int ValueSize { get; init; }

    public required int Commands { get; init; }

    public required int Batch { get; init; }

    public required int Rounds { get; init; }

    public static ScaleOptions From(Arguments arguments)
    {
        var options = new ScaleOptions
        {
            Threads = arguments.Numbers("--threads", PowersUpTo(Environment.ProcessorCount), max: 1024),
            Partitions = arguments.Numbers("--partitions", [1, 4, 16, 64], max: 256),
            Loads = arguments.Text("--load")?.Split(',') ?? AllLoads,
            Keys = arguments.Number("--keys", 1_000_000, max: 100_000_000),
            ValueSize = arguments.Number("--value-size", 3, max: 10_000),
            Commands = arguments.Number("--commands", 2_000_000),
            Batch = arguments.Number("--batch", RequestBatch.Capacity, max: RequestBatch.Capacity),
            Rounds = arguments.Number("--rounds", 5, max: 1000),
        };
        arguments.End();
        foreach (var partitions in options.Partitions)
        {
            if (partitions > KeyspaceShape.MaxPartitions)
                throw new UsageException($"{partitions} partitions: a lock set is one 64-bit mask, so 64 is the most");
            if (!int.IsPow2(partitions)) throw new UsageException($"{partitions} partitions are no power of two");
        }

        if (options.Loads.FirstOrDefault(load => !AllLoads.Contains(load)) is { } unknown)
            throw new UsageException($"--load is of {string.Join(", ", AllLoads)}, not '{unknown}'");
        return options;
    }

    /// <summary>1, 2, 4 ... and the number itself.</summary>
    public static IReadOnlyList<int> PowersUpTo(int most)
    {
        var all = new List<int>();
        for (var i = 1; i < most; i *= 2) all.Add(i);
        all.Add(most);
        return all;
    }
}
