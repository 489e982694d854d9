// How much resident memory the same collections take in each server: growth over the server without them.
//
//     each shape:  each server:  start -> warm up, empty -> settle -> resident -> load in order -> settle -> resident
//
// Without the warm-up the growth would include what compiling the server's code takes (some MB). Code is compiled for
// good in the background, in two stages, each when nothing new has run for a moment: hence the rests in the warm-up.

using System.Globalization;
using Millrace.Bench.Compare;
using Millrace.Bench.Load;
using Millrace.Bench.Servers;
using Millrace.Client;

namespace Millrace.Bench;

/// <summary>Resident bytes of collections, beside redis-server.</summary>
internal sealed class MemoryBench
{
    public const string Help = """
        --rounds N                fresh servers per shape (1); --shape NAME[,NAME] (all)
        --divide N                so much smaller (1)
        --native PATH --io NAME   as for compare; --without-redis
        --settle N                seconds of rest before memory is read (12: redis-server returns memory within 10)
        """;

    private const int WarmUpRequests = 1_000_000;
    private const int WarmUps = 3;
    private const int WarmUpRestMs = 1000;
    private const int WarmUpKeys = 1000;

    private static readonly (string Name, string Command, int Keys)[] Shapes =
    [
        ("hash of 5 M fields", "mem-hash", 5_000_000),
        ("sorted set of 5 M members", "mem-zset", 5_000_000),
        ("set of 5 M strings", "mem-set", 5_000_000),
        ("1 M hashes of 5 fields", "mem-hashes", 1_000_000),
        ("list of 10 M elements", "mem-list", 10_000_000),
        ("stream of 2 M entries of 3 fields", "mem-stream", 2_000_000),
    ];

    private readonly ChildProcesses _children;
    private readonly LoadProcess _load;
    private readonly List<ServerRecipe> _recipes;
    private readonly IReadOnlyList<string> _names;
    private readonly int _rounds;
    private readonly int _divide;
    private readonly int _settleSeconds;

    public MemoryBench(Arguments arguments, ChildProcesses children)
    {
        _children = children;
        _load = new LoadProcess(children, "1");
        _rounds = arguments.Number("--rounds", 1, max: 1000);
        _divide = arguments.Number("--divide", 1, max: 100_000);
        _settleSeconds = arguments.Number("--settle", 12, min: 0, max: 600);
        _names = arguments.Text("--shape")?.Split(',') ?? [.. Shapes.Select(shape => shape.Command)];
        _recipes = ServerRecipe.Pair(arguments, children.Folder, 1);
        arguments.End();
        if (_names.FirstOrDefault(name => Shapes.All(shape => shape.Command != name)) is { } unknown)
        {
            var known = string.Join(", ", Shapes.Select(one => one.Command));
            throw new UsageException($"--shape: {known}, not '{unknown}'");
        }

    }

    public async Task<int> RunAsync()
    {
        Console.WriteLine(
            $"resident growth over the empty server, warm, after {_settleSeconds} s of rest each time; median of " +
            $"{_rounds} round(s); 16-byte fields, values and members, small hashes with 10-byte keys and 12-byte " +
            "values");
        Console.WriteLine("shape                        server      bytes each       MB  ratio");
        foreach (var (name, command, keys) in Shapes.Where(shape => _names.Contains(shape.Command)))
        {
            var count = Math.Max(1, keys / _divide);
            double first = 0;
            foreach (var recipe in _recipes)
            {
                var rounds = new List<double>();
                for (var i = 0; i < _rounds; i++)
                    rounds.Add(await GrowthAsync(recipe, command, count).ConfigureAwait(false));
                var bytes = Comparison.Median(rounds);
                if (first == 0) first = bytes;
                Console.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{name,-28} {recipe.Name,-10} {bytes / count,11:F1} {bytes / 1e6,8:F1} {bytes / first,6:F2}"));
            }
        }

        return 0;
    }

    private async Task<double> GrowthAsync(ServerRecipe recipe, string command, int count)
    {
        using var server = new ServerUnderTest(_children, recipe, "0", 1);
        var warmUp = new LoadOptions
        {
            Port = server.Port, Command = command, Pipeline = 64, Requests = WarmUpRequests, Keys = WarmUpKeys,
        };
        for (var i = 0; i < WarmUps; i++)
        {
            _load.Run(warmUp);
            await Task.Delay(WarmUpRestMs).ConfigureAwait(false);
        }

        await using var control = await RedisClient.ConnectAsync(new ClientOptions { Port = server.Port })
            .ConfigureAwait(false);
        await control.ExecuteAsync("FLUSHALL").ConfigureAwait(false);
        await Task.Delay(_settleSeconds * 1000).ConfigureAwait(false);
        var before = server.ResidentBytes;
        _load.Fill(server, command, 0, count, 12);
        await Task.Delay(_settleSeconds * 1000).ConfigureAwait(false);
        return server.ResidentBytes - before;
    }
}
