// The options of `compare`.

using Millrace.Bench.Load;
using Millrace.Bench.Servers;

namespace Millrace.Bench.Compare;

/// <summary>What is compared, how often, on which cores.</summary>
internal sealed record CompareOptions
{
    /// <summary>The options, as `bench` prints them.</summary>
    public const string Help = """
        --table usual|big|collections|types    get/set/incr over 1 M keys (usual), get over 10 M keys of 64 bytes
                                  (big), hashes, lists, sets, sorted sets of 1 M members, and MULTI (collections), or
                                  bitmaps and points of 1 M members (types)
        --workload COMMAND,CONNECTIONS,PIPELINE,KEYS,VALUE-BYTES    rows in place of a table
        --rounds N                rounds with fresh servers (3); --requests N measured per row and round (1000000)
        --turns N                 parts of a round's requests, interleaved over generators and servers (4; even)
        --warm-up N               requests of each command before a round measures (3000000)
        --load own|redis-benchmark|both    the generator; --rate N: an open loop of N requests per second (own only)
        --peer "NAME=PATH[ arguments]"    a peer by its path; {port} {loops} {dir} are filled in; --without-redis
        --appendfsync everysec|always|no   all servers keep an append-only file, in the folder for temporary files
        --native PATH             a published Millrace in place of the framework-dependent build
        --io NAME --loops N       Millrace's poller (auto) and loops (1)
        --server-core N --load-core N    the cores, as taskset names them (0 and 1)
        --json FILE --svg FILE    all figures, and a picture of the ratios
        """;

    public required IReadOnlyList<Workload> Workloads { get; init; }

    /// <summary>Key counts at which memory is read on the way to a workload's.</summary>
    public required IReadOnlyList<int> MemorySteps { get; init; }

    public required int Rounds { get; init; }

    public required int Requests { get; init; }

    /// <summary>In how many parts a round's requests come.</summary>
    public required int Turns { get; init; }

    public required int WarmUp { get; init; }

    public required int Rate { get; init; }

    public required IReadOnlyList<ServerRecipe> Peers { get; init; }

    public required bool WithoutRedis { get; init; }

    public required string? Native { get; init; }

    /// <summary>When the append-only file of all servers is on the disk; null: they keep none.</summary>
    public required string? AppendFsync { get; init; }

    public required string? Io { get; init; }

    public required int Loops { get; init; }

    public required string ServerCores { get; init; }

    public required string LoadCores { get; init; }

    public required string? Json { get; init; }

    public required string? Svg { get; init; }

    public static CompareOptions From(Arguments arguments)
    {
        var table = arguments.Text("--table") ?? "usual";
        var rows = arguments.All("--workload").Select(Workload.Parse).ToList();
        if (rows.Count == 0) rows = [.. TableOf(table)];
        var load = arguments.Text("--load") ?? "own";
        string[] generators = load switch
        {
            LoadProcess.Own or LoadProcess.RedisBenchmark => [load],
            "both" => [LoadProcess.Own, LoadProcess.RedisBenchmark],
            _ => throw new UsageException($"--load is own, redis-benchmark or both, not '{load}'"),
        };
        var options = new CompareOptions
        {
            Workloads = [.. rows.SelectMany(row => generators.Select(generator => row with { Load = generator }))],
            MemorySteps = [6_000_000, 8_000_000],
            Rounds = arguments.Number("--rounds", 3, max: 1000),
            Requests = arguments.Number("--requests", 1_000_000),
            Turns = arguments.Number("--turns", 4, max: 1000),
            WarmUp = arguments.Number("--warm-up", 3_000_000, min: 0),
            Rate = arguments.Number("--rate", 0, min: 0),
            Peers = [.. arguments.All("--peer").Select(ServerRecipe.Peer)],
            WithoutRedis = arguments.Flag("--without-redis"),
            Native = arguments.Text("--native"),
            AppendFsync = arguments.Text("--appendfsync"),
            Io = arguments.Text("--io"),
            Loops = arguments.Number("--loops", 1, max: 1024),
            ServerCores = arguments.Text("--server-core") ?? "0",
            LoadCores = arguments.Text("--load-core") ?? "1",
            Json = arguments.Text("--json"),
            Svg = arguments.Text("--svg"),
        };
        arguments.End();
        if (options.Turns > 1 && options.Turns % 2 == 1)
            throw new UsageException("--turns is 1 or even: the order of the servers changes with each");
        if (options.AppendFsync is not (null or "everysec" or "always" or "no"))
            throw new UsageException($"--appendfsync is everysec, always or no, not '{options.AppendFsync}'");
        if (options.Native is { } native && !File.Exists(native)) throw new UsageException($"--native: no {native}");
        if (options.Rate > 0 && load != LoadProcess.Own)
            throw new UsageException("redis-benchmark has no open loop: --rate needs --load own");
        return options;
    }

    private static IReadOnlyList<Workload> TableOf(string name) => name switch
    {
        "usual" => Workload.Usual,
        "big" => Workload.Big,
        "collections" => Workload.Collections,
        "types" => Workload.Types,
        _ => throw new UsageException($"--table is usual, big, collections or types, not '{name}'"),
    };
}
