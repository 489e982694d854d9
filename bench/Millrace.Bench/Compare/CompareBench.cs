// Whole servers side by side. Wall-clock figures of a shared machine say little; the CPU time of a server process over
// a fixed number of requests says much. Servers run on one core, the load on another.
//
//     each round:  start all servers -> prime -> fill, reading memory -> warm up -> turns
//     each turn:   each row on each server, a part of the round's requests
//
// Servers are fresh in each round. Turns are short, and a row's generators and servers follow one another, so that
// drift of the machine and luck of a process's memory touch all alike. While one is measured the others only wait.

using Millrace.Bench.Load;
using Millrace.Bench.Servers;

namespace Millrace.Bench.Compare;

/// <summary>Runs the table of workloads.</summary>
internal sealed class CompareBench
{
    // Before memory is read for the first time, code has run and its buffers exist.
    private const int PrimeRequests = 200_000;
    private const int PrimeKeys = 1000;

    private readonly CompareOptions _options;
    private readonly ChildProcesses _children;
    private readonly LoadProcess _load;
    private readonly IReadOnlyList<ServerRecipe> _recipes;

    public CompareBench(CompareOptions options, ChildProcesses children)
    {
        _options = options;
        _children = children;
        _load = new LoadProcess(children, options.LoadCores);
        var redis = options.WithoutRedis ? null : ServerRecipe.Redis(children.Folder, options.Loops);
        string[] more = options.Io is { } io ? ["--io", io] : [];
        ServerRecipe?[] all = [redis, .. options.Peers, ServerRecipe.Millrace(options.Native, more)];
        _recipes = [.. all.OfType<ServerRecipe>().Select(
            one => options.AppendFsync is { } policy ? one.Appending(policy) : one)];
        if (_recipes.Select(one => one.Name).Distinct().Count() < _recipes.Count)
            throw new UsageException("two servers have the same name");
    }

    /// <summary>Measures all rows in all rounds.</summary>
    public Comparison Run()
    {
        var comparison = new Comparison(_recipes, Conditions());
        for (var round = 0; round < _options.Rounds; round++)
        {
            foreach (var rows in _options.Workloads.GroupBy(row => row.Content))
            {
                Console.Error.WriteLine($"round {round + 1} of {_options.Rounds}, {rows.Key.Keys} keys");
                RunRound(comparison, [.. rows], round);
            }
        }

        return comparison;
    }

    private string Conditions()
    {
        var kind = _options.Rate > 0
            ? $"open loop of {_options.Rate} requests/s, latency from the intended start"
            : "closed loop, latency from the write of a request's pipeline to its reply";
        var servers = _recipes.Select(recipe => $"{recipe.Name}: {recipe.CommandLine}");
        var note = _options.Native is null && File.Exists("artifacts/publish/millrace")
            ? "\nmillrace is the framework-dependent build; artifacts/publish/millrace is there too (--native PATH)"
            : "";
        return $"server CPU us/request on core {_options.ServerCores}, load on core {_options.LoadCores}, " +
            $"{_options.Loops} loop(s) each; medians of {_options.Rounds} rounds of {_options.Requests} requests " +
            $"in {_options.Turns} turn(s), after {_options.WarmUp} of each command; a ratio is the median of those " +
            $"within a turn\nload: {kind}\n" +
            string.Join('\n', servers) + note;
    }

    private void RunRound(Comparison comparison, IReadOnlyList<Workload> rows, int round)
    {
        var servers = new List<ServerUnderTest>();
        try
        {
            foreach (var recipe in _recipes)
            {
                servers.Add(new ServerUnderTest(_children, recipe, _options.ServerCores, _options.Loops));
                Fill(comparison, servers[^1], rows[0]);
            }

            foreach (var command in rows.Select(row => row.Command).Distinct())
            {
                foreach (var server in servers)
                {
                    var row = rows.First(one => one.Command == command);
                    Provide(server, row, _options.WarmUp);
                    WarmUp(server, row);
                }
            }

            if (round % 2 == 1) servers.Reverse();
            foreach (var generators in rows.GroupBy(row => row with { Load = LoadProcess.Own }))
            {
                for (var turn = 0; turn < _options.Turns; turn++)
                {
                    servers.Reverse();
                    foreach (var row in turn % 4 < 2 ? generators : generators.Reverse())
                    {
                        foreach (var server in servers) comparison.Add(row, server.Name, Measure(server, row));
                    }
                }
            }
        }
        finally
        {
            foreach (var server in servers) server.Dispose();
        }
    }

    private void Fill(Comparison comparison, ServerUnderTest server, Workload row)
    {
        var primed = Math.Min(PrimeKeys, row.Keys);
        _load.Fill(server, "set", 0, primed, row.ValueSize);
        _load.Run(Options(server, row with { Command = "set", Keys = primed, Pipeline = 16 }, PrimeRequests));
        var before = server.ResidentBytes;
        var filled = primed;
        foreach (var step in _options.MemorySteps.Where(keys => keys < row.Keys).Append(row.Keys))
        {
            if (step == filled) return;
            _load.Fill(server, "set", filled, step - filled, row.ValueSize);
            filled = step;
            var bytesPerKey = (server.ResidentBytes - before) / (double)(filled - primed);
            comparison.AddMemory(filled, row.ValueSize, server.Name, bytesPerKey);
        }
    }

    private void WarmUp(ServerUnderTest server, Workload row)
    {
        if (_options.WarmUp == 0) return;
        var pipeline = row.Weight == 1 ? 16 : row.Pipeline;
        _load.Run(Options(server, row with { Pipeline = pipeline }, Math.Max(1, _options.WarmUp / row.Weight)));
    }

    // Loads what a command works on besides the keys.
    private void Provide(ServerUnderTest server, Workload row, int requests)
    {
        var shape = RequestCatalogue.Find(row.Command);
        if (shape.Fill is not { } fill) return;
        var count = shape.Consumes ? requests : shape.FillKeys > 0 ? shape.FillKeys : row.Keys;
        if (count > 0) _load.Fill(server, fill, 0, count, row.ValueSize);
    }

    private Sample Measure(ServerUnderTest server, Workload row)
    {
        var requests = Math.Max(1, _options.Requests / _options.Turns / row.Weight);
        if (RequestCatalogue.Find(row.Command).Consumes) Provide(server, row, requests);
        var before = server.CpuMicroseconds;
        var result = _load.Run(Options(server, row, requests) with { Rate = _options.Rate }, row.Load);
        var cpu = (server.CpuMicroseconds - before) / requests;
        if (row.Command == "get" && result.Nulls > 0)
            Console.Error.WriteLine($"{server.Name}: {result.Nulls} of {result.Requests} GETs found no key");
        return new Sample(cpu, result);
    }

    private static LoadOptions Options(ServerUnderTest server, Workload row, int requests) => new()
    {
        Port = server.Port,
        Command = row.Command,
        Connections = row.Connections,
        Pipeline = row.Pipeline,
        Requests = requests,
        Keys = row.Keys,
        ValueSize = row.ValueSize,
    };
}
