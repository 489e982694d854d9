// SAVE, BGSAVE and loading while nothing else happens.
//
//     both servers:  all data -> rest;  each round:  SAVE by each -> BGSAVE by each;  then: servers end;
//     each round:    each starts with its own file, until it answers PING
//
// Servers take turns, so that whatever else the machine does meets both. Ratios are those within a round. CPU is that
// of the server with the children that have ended.

using System.Globalization;
using Millrace.Bench.Compare;
using Millrace.Bench.Load;
using Millrace.Bench.Servers;
using Millrace.Client;

namespace Millrace.Bench.Snapshot;

/// <summary>Measures servers in turns.</summary>
internal sealed class LoneSaves(SnapshotOptions options, ChildProcesses children)
{
    private const int RestMs = 3000;

    // Between two tries of a server that loads: each costs it something.
    private static readonly StartPatience Loading = new(TryMs: 10, LimitMs: 600_000);

    private readonly LoadProcess _load = new(children, options.LoadCores);
    private readonly List<(string Step, string Server, double Seconds, double CpuSeconds)> _seen = [];

    public async Task RunAsync()
    {
        var recipes = options.Recipes(children.Folder);
        Console.WriteLine(
            $"{options.Data}; {options.Rounds} rounds, servers in turns; medians, and of ratios within a round");
        await SaveAllAsync(recipes).ConfigureAwait(false);
        for (var round = 0; round < options.Rounds; round++)
        {
            foreach (var recipe in recipes) await LoadAsync(recipe).ConfigureAwait(false);
        }

        Print(recipes);
    }

    private async Task SaveAllAsync(IReadOnlyList<ServerRecipe> recipes)
    {
        var servers = new List<ServerUnderTest>();
        try
        {
            foreach (var recipe in recipes)
            {
                var server = new ServerUnderTest(children, recipe, options.ServerCores, options.Loops);
                servers.Add(server);
                _load.Fill(server, options.Fill, 0, options.Keys, options.ValueSize);
            }

            await Task.Delay(RestMs).ConfigureAwait(false);
            for (var round = 0; round < options.Rounds; round++)
            {
                foreach (var server in servers) await NoteAsync(server, "SAVE", one => one.SaveAsync());
                foreach (var server in servers) await NoteAsync(server, "BGSAVE", one => one.BackgroundSaveAsync());
            }
        }
        finally
        {
            foreach (var server in servers) server.Dispose();
        }
    }

    private async Task NoteAsync(ServerUnderTest server, string step, Func<Saves, Task<TimeSpan>> run)
    {
        await using var control = await RedisClient.ConnectAsync(new ClientOptions { Port = server.Port })
            .ConfigureAwait(false);
        var cpu = server.CpuMicroseconds + server.EndedChildrenCpuMicroseconds;
        var took = await run(new Saves(control)).ConfigureAwait(false);
        cpu = server.CpuMicroseconds + server.EndedChildrenCpuMicroseconds - cpu;
        _seen.Add((step, server.Name, took.TotalSeconds, cpu / 1e6));
    }

    private async Task LoadAsync(ServerRecipe recipe)
    {
        using var server = new ServerUnderTest(children, recipe, options.ServerCores, options.Loops, Loading);
        await using var control = await RedisClient.ConnectAsync(new ClientOptions { Port = server.Port })
            .ConfigureAwait(false);
        if (await new Saves(control).KeysAsync().ConfigureAwait(false) == 0)
            throw new IOException($"{recipe.Name} has loaded nothing");
        _seen.Add(("load", recipe.Name, server.StartTime.TotalSeconds, server.CpuMicroseconds / 1e6));
    }

    private void Print(IReadOnlyList<ServerRecipe> recipes)
    {
        Console.WriteLine("step    server     seconds    least     most  ratio  CPU seconds  ratio   file MB");
        foreach (var step in _seen.Select(one => one.Step).Distinct())
        {
            var first = Of(step, recipes[0].Name);
            foreach (var recipe in recipes)
            {
                var all = Of(step, recipe.Name);
                var ratios = all.Zip(first, static (one, other) => one.Seconds / other.Seconds);
                var cpuRatios = all.Zip(first, static (one, other) => one.Cpu / other.Cpu);
                Console.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{step,-7} {recipe.Name,-9} {Comparison.Median(all.Select(one => one.Seconds)),8:F3} "
                    + $"{all.Min(one => one.Seconds),8:F3} {all.Max(one => one.Seconds),8:F3} "
                    + $"{Comparison.Median(ratios),6:F2} {Comparison.Median(all.Select(one => one.Cpu)),12:F3} "
                    + $"{Comparison.Median(cpuRatios),6:F2} {FileBytes(recipe.Name) / 1e6,9:F1}"));
            }
        }
    }

    private List<(double Seconds, double Cpu)> Of(string step, string server) =>
        [.. _seen.Where(one => one.Step == step && one.Server == server).Select(one => (one.Seconds, one.CpuSeconds))];

    private long FileBytes(string server) =>
        new FileInfo(Path.Combine(children.Folder, server, "dump.rdb")).Length;
}
