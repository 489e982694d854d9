// The options of `snapshot`.

using Millrace.Bench.Servers;

namespace Millrace.Bench.Snapshot;

/// <summary>What is saved, by which servers, under what load.</summary>
internal sealed record SnapshotOptions
{
    /// <summary>The options, as `bench` prints them.</summary>
    public const string Help = """
        --part load|alone         BGSAVE beside 50 clients that read and write at pipeline 16, or SAVE, an idle BGSAVE
                                  and loading (load)
        --shape strings|zsets     keys with small values, or 100 sorted sets (strings)
        --keys N                  keys, or members of all sorted sets (5000000, alone 10000000); zsets: 10000000
        --value-size N            bytes of each value (16)
        --seconds N               load before the BGSAVE, and after it (6)
        --rounds N                BGSAVEs under load, or of each kind alone (3)
        --loops N                 Millrace's loops (1)
        --server-cores LIST --load-core N    as taskset names them (all of them and 1)
        --native PATH --io NAME   as for compare; --without-redis
        """;

    private const int SortedSets = 100;
    private const int ManyKeys = 10_000_000;
    private const int MaxKeys = 100_000_000;

    private static readonly string[] Parts = ["load", "alone"];
    private static readonly string[] Shapes = ["strings", "zsets"];

    public required bool IsAlone { get; init; }

    public required bool IsSortedSets { get; init; }

    public required int Keys { get; init; }

    public required int ValueSize { get; init; }

    public required int Seconds { get; init; }

    public required int Rounds { get; init; }

    public required int Loops { get; init; }

    public required string? ServerCores { get; init; }

    public required string LoadCores { get; init; }

    public required string? Native { get; init; }

    public required string? Io { get; init; }

    public required bool WithoutRedis { get; init; }

    /// <summary>The kind of request that loads the data.</summary>
    public string Fill => IsSortedSets ? "zsets" : "set";

    /// <summary>The kind of request that reads and writes it: two commands each.</summary>
    public string Load => IsSortedSets ? "zscore-zadd" : "get-set";

    /// <summary>What there is, for the report.</summary>
    public string Data => IsSortedSets
        ? $"{SortedSets} sorted sets of {Keys / SortedSets} members"
        : $"{Keys} keys with values of {ValueSize} bytes";

    public static SnapshotOptions From(Arguments arguments)
    {
        var isAlone = OneOf(arguments, "--part", Parts) == 1;
        var isSortedSets = OneOf(arguments, "--shape", Shapes) == 1;
        var options = new SnapshotOptions
        {
            IsAlone = isAlone,
            IsSortedSets = isSortedSets,
            Keys = arguments.Number("--keys", isAlone || isSortedSets ? ManyKeys : ManyKeys / 2, SortedSets, MaxKeys),
            ValueSize = arguments.Number("--value-size", 16, max: 1_000_000),
            Seconds = arguments.Number("--seconds", 6, max: 600),
            Rounds = arguments.Number("--rounds", 3, max: 100),
            Loops = arguments.Number("--loops", 1, max: 1024),
            ServerCores = arguments.Text("--server-cores"),
            LoadCores = arguments.Text("--load-core") ?? "1",
            Native = arguments.Text("--native"),
            Io = arguments.Text("--io"),
            WithoutRedis = arguments.Flag("--without-redis"),
        };
        arguments.End();
        if (options.Native is { } native && !File.Exists(native)) throw new UsageException($"--native: no {native}");
        return options;
    }

    /// <summary>The servers, redis-server first, where it is installed and wanted. None saves by itself; each file is
    /// of a version that both read.</summary>
    /// <param name="folder">Where a link to redis-server may be made.</param>
    public IReadOnlyList<ServerRecipe> Recipes(string folder)
    {
        string[] io = Io is null ? [] : ["--io", Io];
        string[] more = ["--dir", "{dir}", "--rdb-version", "10", .. io];
        var redis = WithoutRedis ? null : ServerRecipe.Redis(folder, loops: 1);
        ServerRecipe?[] all = [redis, ServerRecipe.Millrace(Native, more)];
        return [.. all.OfType<ServerRecipe>()];
    }

    private static int OneOf(Arguments arguments, string name, string[] known)
    {
        var text = arguments.Text(name) ?? known[0];
        var index = Array.IndexOf(known, text);
        return index >= 0 ? index : throw new UsageException($"{name} is {string.Join(" or ", known)}, not '{text}'");
    }
}
