// What dropping a large sorted set costs the others: clients of GET at a fixed rate, and in their midst one command
// that drops it.
//
//     each way:  each server:  load -> clients of GET -> after half of their time: the drop -> their latencies

using System.Diagnostics;
using System.Globalization;
using Millrace.Bench.Load;
using Millrace.Bench.Servers;
using Millrace.Client;

namespace Millrace.Bench;

/// <summary>Latencies of others while a collection is dropped, beside redis-server.</summary>
internal sealed class DropBench
{
    public const string Help = """
        --members N               of the sorted set that is dropped (10000000)
        --way NAME[,NAME]         none, del, unlink, overwrite, expire, flushall (all)
        --rate N --seconds N      of 50 clients that GET meanwhile (20000 a second for 6 s); --loops N (1)
        --rounds N                of everything (1)
        --native PATH --io NAME   as for compare; --without-redis
        """;

    private const int Keys = 10_000;
    private const int DroppedTimeoutMs = 120_000;
    private const string LongestStep = "loop_longest_step_us:";

    private static readonly (string Name, string[] Command)[] Ways =
    [
        ("none", ["PING"]),
        ("del", ["DEL", "big"]),
        ("unlink", ["UNLINK", "big"]),
        ("overwrite", ["SET", "big", "value"]),
        ("expire", ["PEXPIRE", "big", "1"]),
        ("flushall", ["FLUSHALL"]),
    ];

    private readonly ChildProcesses _children;
    private readonly LoadProcess _load;
    private readonly List<ServerRecipe> _recipes;
    private readonly List<(string Name, string[] Command)> _ways;
    private readonly int _members;
    private readonly int _rate;
    private readonly int _seconds;
    private readonly int _loops;
    private readonly int _rounds;

    public DropBench(Arguments arguments, ChildProcesses children)
    {
        _children = children;
        _load = new LoadProcess(children, "1");
        _members = arguments.Number("--members", 10_000_000, max: 100_000_000);
        _rate = arguments.Number("--rate", 20_000, max: 1_000_000);
        _seconds = arguments.Number("--seconds", 6, max: 600);
        _loops = arguments.Number("--loops", 1, max: 1024);
        _rounds = arguments.Number("--rounds", 1, max: 1000);
        _recipes = ServerRecipe.Pair(arguments, children.Folder, _loops);
        var names = arguments.Text("--way")?.Split(',') ?? [.. Ways.Select(static way => way.Name)];
        _ways = [.. names.Select(WayOf)];
        arguments.End();
    }

    public async Task<int> RunAsync()
    {
        Console.WriteLine(
            $"50 clients of GET, {_rate} a second for {_seconds} s; after half of that a sorted set of {_members} " +
            $"members is dropped; latencies of the GETs, and the longest step of a loop");
        Console.WriteLine("way        server       p50 us   p99 us  p99.9 us    max us  longest step us");
        foreach (var way in Enumerable.Repeat(_ways, _rounds).SelectMany(static all => all))
        {
            foreach (var recipe in _recipes)
            {
                var (seen, step) = await MeasureAsync(recipe, way.Command).ConfigureAwait(false);
                Console.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{way.Name,-10} {recipe.Name,-10} {seen.P50Us,8:F0} {seen.P99Us,8:F0} {seen.P999Us,9:F0} " +
                    $"{seen.MaxUs,9:F0}  {step,15}"));
            }
        }

        return 0;
    }

    private static (string Name, string[] Command) WayOf(string name)
    {
        var way = Ways.FirstOrDefault(one => one.Name == name);
        if (way.Name is not null) return way;
        var known = string.Join(", ", Ways.Select(static one => one.Name));
        throw new UsageException($"--way: {known}, not '{name}'");
    }

    private async Task<(LoadResult Seen, string Step)> MeasureAsync(ServerRecipe recipe, string[] drop)
    {
        using var server = new ServerUnderTest(_children, recipe, "0", _loops);
        _load.Fill(server, "mem-zset", 0, _members, 12);
        await using var control = await RedisClient.ConnectAsync(new ClientOptions { Port = server.Port })
            .ConfigureAwait(false);
        var gets = new LoadOptions
        {
            Port = server.Port, Command = "get", Requests = _rate * _seconds, Keys = Keys, Rate = _rate,
        };
        _load.Fill(server, "set", 0, Keys, 12);
        // Code has run before, this program's too, and what reads the figures: a first INFO takes a loop 2 to 4 ms when
        // nothing was compiled for good beforehand.
        await RunWithAsync(control, gets, ["PING"]).ConfigureAwait(false);
        await WaitUntilDroppedAsync(control).ConfigureAwait(false);
        await control.ExecuteAsync("INFO", "stats").ConfigureAwait(false);
        await control.ExecuteAsync("CONFIG", "RESETSTAT").ConfigureAwait(false);
        var seen = await RunWithAsync(control, gets, drop).ConfigureAwait(false);
        if (drop[0] != "PING") await WaitUntilDroppedAsync(control).ConfigureAwait(false);
        var info = (await control.ExecuteAsync("INFO", "stats").ConfigureAwait(false)).ToString();
        var line = info.Split('\n').FirstOrDefault(static one => one.StartsWith(LongestStep, StringComparison.Ordinal));
        return (seen, line is null ? "-" : line[LongestStep.Length..].Trim());
    }

    private async Task<LoadResult> RunWithAsync(RedisClient control, LoadOptions gets, string[] command)
    {
        var load = Task.Run(() => _load.Run(gets));
        await Task.Delay(_seconds * 500).ConfigureAwait(false);
        await control.ExecuteAsync(command).ConfigureAwait(false);
        return await load.ConfigureAwait(false);
    }

    // Whatever frees in the background must be done before the figures are read.
    private static async Task WaitUntilDroppedAsync(RedisClient control)
    {
        var began = Stopwatch.GetTimestamp();
        while (true)
        {
            var info = (await control.ExecuteAsync("INFO", "memory").ConfigureAwait(false)).ToString();
            var isOver = info.Split('\n').Any(static one => one.Trim() == "lazyfree_pending_objects:0");
            if (isOver) return;
            if (Stopwatch.GetElapsedTime(began).TotalMilliseconds > DroppedTimeoutMs)
                throw new IOException("the sorted set is not freed");
            await Task.Delay(50).ConfigureAwait(false);
        }
    }
}
