// What it costs to count and time commands: servers that do more or less of it, under the same load.
//
//     warm up each -> round: each server in turn, an order that goes round -> ... -> medians, ratios within a round
//
// The build without counters is made with
//
//     dotnet build src/Millrace.Host -c Release -p:Counters=false --artifacts-path FOLDER

using Millrace.Bench.Compare;
using Millrace.Bench.Load;
using Millrace.Bench.Servers;

namespace Millrace.Bench;

/// <summary>Server CPU per request with histograms, without them, with each command timed, and without any
/// counter.</summary>
internal sealed class CountersBench
{
    /// <summary>The options, as `bench` prints them.</summary>
    public const string Help = """
        --without PATH            the millrace.dll or executable of a build with -p:Counters=false
        --command NAME            of the load (get); --pipeline N (64), --requests N of a turn (2000000)
        --rounds N                in which each server has a turn (9); --warm-up N requests of each before (4000000)
        --native PATH --io NAME   as for compare; --loops N (1); --server-core N --load-core N (0 and 1)
        """;

    private const int Keys = 10_000;
    private const string Baseline = "latency-tracking no";

    private readonly ChildProcesses _children;
    private readonly LoadProcess _load;
    private readonly string _serverCores;
    private readonly string _command;
    private readonly int _pipeline;
    private readonly int _requests;
    private readonly int _rounds;
    private readonly int _warmUp;
    private readonly int _loops;
    private readonly List<ServerRecipe> _recipes;

    public CountersBench(Arguments arguments, ChildProcesses children)
    {
        _children = children;
        _command = arguments.Text("--command") ?? "get";
        _pipeline = arguments.Number("--pipeline", 64, max: 1000);
        _requests = arguments.Number("--requests", 2_000_000);
        _rounds = arguments.Number("--rounds", 9, max: 1000);
        _warmUp = arguments.Number("--warm-up", 4_000_000);
        _loops = arguments.Number("--loops", 1, max: 1024);
        _serverCores = arguments.Text("--server-core") ?? "0";
        _load = new LoadProcess(children, arguments.Text("--load-core") ?? "1");
        var native = arguments.Text("--native");
        var without = arguments.Text("--without");
        string[] io = arguments.Text("--io") is { } poller ? ["--io", poller] : [];
        arguments.End();
        _recipes =
        [
            Recipe(Baseline, native, [.. io, "--latency-tracking", "no"]),
            Recipe("latency-tracking yes", native, [.. io, "--latency-tracking", "yes"]),
            Recipe("each timed", native, [.. io, "--slowlog-log-slower-than", "999"]),
        ];
        if (without is not null) _recipes.Add(Recipe("no counters", without, io));
    }

    public int Run()
    {
        var servers = new List<ServerUnderTest>();
        try
        {
            foreach (var recipe in _recipes)
            {
                var server = new ServerUnderTest(_children, recipe, _serverCores, _loops);
                servers.Add(server);
                _load.Fill(server, "set", firstKey: 0, Keys, valueSize: 3);
                _load.Run(Options(server, _warmUp));
            }

            var rounds = Enumerable.Range(0, _rounds).Select(round => Round(servers, round)).ToList();
            Print(rounds);
        }
        finally
        {
            foreach (var server in servers) server.Dispose();
        }

        return 0;
    }

    private static ServerRecipe Recipe(string name, string? program, string[] more)
    {
        var recipe = ServerRecipe.Millrace(program, more) with { Name = name };
        return program is not null && program.EndsWith(".dll", StringComparison.Ordinal)
            ? recipe with { File = "dotnet", Arguments = [recipe.File, .. recipe.Arguments] }
            : recipe;
    }

    // CPU microseconds per request, in the order of the servers.
    private double[] Round(List<ServerUnderTest> servers, int round)
    {
        var costs = new double[servers.Count];
        for (var i = 0; i < servers.Count; i++)
        {
            var place = (round + i) % servers.Count;
            var before = servers[place].CpuMicroseconds;
            _load.Run(Options(servers[place], _requests));
            costs[place] = (servers[place].CpuMicroseconds - before) / _requests;
        }

        return costs;
    }

    private void Print(List<double[]> rounds)
    {
        Console.WriteLine(
            $"{_command.ToUpperInvariant()} at pipeline {_pipeline}, {_rounds} rounds of {_requests} requests to " +
            $"each server, {_loops} loops on core {_serverCores}; ratios to '{Baseline}', medians over rounds");
        Console.WriteLine("server                  CPU us/req   ratio    least     most");
        for (var place = 0; place < _recipes.Count; place++)
        {
            var at = place;
            var ratios = rounds.Select(round => round[at] / round[0]).ToList();
            Console.WriteLine(
                $"{_recipes[at].Name,-22} {Comparison.Median(rounds.Select(round => round[at])),11:F4} " +
                $"{Comparison.Median(ratios),7:F3}  {ratios.Min(),7:F3}  {ratios.Max(),7:F3}");
        }
    }

    private LoadOptions Options(ServerUnderTest server, int requests) => new()
    {
        Port = server.Port,
        Command = _command,
        Pipeline = _pipeline,
        Requests = requests,
        Keys = Keys,
    };
}
