// BGSAVE under load: half of the commands read, half of them write, at random, over 50 connections at pipeline 16.
//
//     each server:  a little data, load, BGSAVE: everything has run once -> all data -> load ...
//                   each round:  some seconds -> BGSAVE until it is complete -> some seconds
//
// Resident memory is that of the server and its child together, a shared page counted once: "before" and "after" the
// most in that phase, as "during". CPU is the server's own; redis-server's child is not in it.

using System.Globalization;
using Millrace.Bench.Load;
using Millrace.Bench.Servers;
using Millrace.Client;

namespace Millrace.Bench.Snapshot;

/// <summary>Measures servers one after the other.</summary>
internal sealed class LoadedSaves(SnapshotOptions options, ChildProcesses children)
{
    private const int CommandsPerRequest = 2;
    private const int Pipeline = 16 / CommandsPerRequest;
    private const int WarmKeys = 200_000;
    private const int WarmSaves = 3;
    private const int WarmMs = 1500;

    private readonly LoadProcess _load = new(children, options.LoadCores);

    public async Task RunAsync()
    {
        Console.WriteLine(
            $"{options.Data}; half reads, half writes over {LoadOptions.UsualConnections} connections at pipeline "
            + $"{Pipeline * CommandsPerRequest}; {options.Seconds} s, a BGSAVE, {options.Seconds} s");
        Console.WriteLine(
            "server    phase   seconds  commands/s  ratio  CPU us  p99 us  p99.9 us    max us      MB  ratio  "
            + "longest step us");
        foreach (var recipe in options.Recipes(children.Folder)) await MeasureAsync(recipe).ConfigureAwait(false);
    }

    private async Task MeasureAsync(ServerRecipe recipe)
    {
        using var server = new ServerUnderTest(children, recipe, options.ServerCores, options.Loops);
        await using var control = await RedisClient.ConnectAsync(new ClientOptions { Port = server.Port })
            .ConfigureAwait(false);
        var saves = new Saves(control);
        await WarmUpAsync(server, saves).ConfigureAwait(false);
        _load.Fill(server, options.Fill, 0, options.Keys, options.ValueSize);
        using var load = _load.Begin(LoadOf(server, options.Keys));
        await Task.Delay(WarmMs).ConfigureAwait(false);
        for (var round = 0; round < options.Rounds; round++)
        {
            var rest = TimeSpan.FromSeconds(options.Seconds);
            var before = await PhaseAsync(server, saves, load, () => Task.Delay(rest)).ConfigureAwait(false);
            var during = await PhaseAsync(server, saves, load, saves.BackgroundSaveAsync).ConfigureAwait(false);
            var after = await PhaseAsync(server, saves, load, () => Task.Delay(rest)).ConfigureAwait(false);
            Print(recipe.Name, "before", before, before);
            Print(recipe.Name, "during", during, before);
            Print(recipe.Name, "after", after, before);
        }
    }

    // Code that has not run yet is compiled: all that is measured has happened before, this program's part too.
    private async Task WarmUpAsync(ServerUnderTest server, Saves saves)
    {
        var keys = Math.Min(options.Keys, WarmKeys);
        _load.Fill(server, options.Fill, 0, keys, options.ValueSize);
        using var load = _load.Begin(LoadOf(server, keys));
        for (var i = 0; i < WarmSaves; i++)
        {
            await Task.Delay(WarmMs).ConfigureAwait(false);
            await PhaseAsync(server, saves, load, saves.BackgroundSaveAsync).ConfigureAwait(false);
        }
    }

    private LoadOptions LoadOf(ServerUnderTest server, int keys) => new()
    {
        Port = server.Port, Command = options.Load, Pipeline = Pipeline, Keys = keys, ValueSize = options.ValueSize,
    };

    private static async Task<Phase> PhaseAsync(ServerUnderTest server, Saves saves, PhasedLoad load, Func<Task> during)
    {
        await saves.ResetAsync().ConfigureAwait(false);
        load.EndPhase();
        var cpu = server.CpuMicroseconds;
        LoadResult seen;
        long resident;
        using (var peak = new ResidentPeak(server.ProcessId))
        {
            await during().ConfigureAwait(false);
            seen = load.EndPhase();
            cpu = server.CpuMicroseconds - cpu;
            resident = peak.Bytes;
        }

        var step = await saves.LongestStepAsync().ConfigureAwait(false);
        return new Phase(seen, cpu / seen.Requests / CommandsPerRequest, resident, step);
    }

    private static void Print(string name, string phase, Phase one, Phase before) =>
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{name,-9} {phase,-7} {one.Seconds,7:F2} {one.CommandsPerSecond,11:F0} "
            + $"{one.CommandsPerSecond / before.CommandsPerSecond,6:F2} {one.CpuUs,7:F3} {one.Seen.P99Us,7:F0} "
            + $"{one.Seen.P999Us,9:F0} {one.Seen.MaxUs,9:F0} {one.ResidentBytes / 1e6,7:F0} "
            + $"{(double)one.ResidentBytes / before.ResidentBytes,6:F3}  {one.Step,15}"));

    private sealed record Phase(LoadResult Seen, double CpuUs, long ResidentBytes, string Step)
    {
        internal double CommandsPerSecond => Seen.RequestsPerSecond * CommandsPerRequest;

        internal double Seconds => Seen.Requests / Seen.RequestsPerSecond;
    }
}
