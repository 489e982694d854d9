// What idle connections cost: memory of the server with and without them, and CPU per request of the active ones.
//
//     start -> warm up -> active load -> settle -> memory A -> idle ones connect -> settle -> memory B -> active load
//
// Another process holds the idle ones, so that only the server's side is counted. Kernel memory of sockets is not part
// of a process's resident memory.

using System.Diagnostics;
using System.Globalization;
using Millrace.Bench.Compare;
using Millrace.Bench.Load;
using Millrace.Bench.Servers;

namespace Millrace.Bench;

/// <summary>Resident bytes per idle connection, and what they do to the others.</summary>
internal sealed class IdleBench
{
    /// <summary>The options, as `bench` prints them.</summary>
    public const string Help = """
        --idle N --active N       connections (10000 and 50); --settle N seconds of idling before memory is read (10)
        --io NAME[,NAME]          Millrace's pollers (epoll,io_uring); --loops N, --native PATH, --without-redis
        --pipeline N              of the active ones (1); --requests N (500000), --warm-up N (2000000), --rounds N (3)
        --silent                  idle ones that never sent anything, instead of one PING each
        --server-core N --load-core N    the cores, as taskset names them (0 and 1)
        """;

    private readonly ChildProcesses _children;
    private readonly int _idle;
    private readonly int _active;
    private readonly int _settleSeconds;
    private readonly int _pipeline;
    private readonly int _requests;
    private readonly int _warmUp;
    private readonly int _rounds;
    private readonly int _loops;
    private readonly bool _isSilent;
    private readonly string _serverCores;
    private readonly string _loadCores;
    private readonly LoadProcess _load;
    private readonly List<ServerRecipe> _recipes = [];

    public IdleBench(Arguments arguments, ChildProcesses children)
    {
        _children = children;
        _idle = arguments.Number("--idle", 10_000, max: 100_000);
        _active = arguments.Number("--active", 50, max: 1000);
        _settleSeconds = arguments.Number("--settle", 10, min: 0, max: 600);
        _pipeline = arguments.Number("--pipeline", 1, max: 1000);
        _requests = arguments.Number("--requests", 500_000);
        _warmUp = arguments.Number("--warm-up", 2_000_000);
        _rounds = arguments.Number("--rounds", 3, max: 100);
        _loops = arguments.Number("--loops", 1, max: 1024);
        _isSilent = arguments.Flag("--silent");
        _serverCores = arguments.Text("--server-core") ?? "0";
        _loadCores = arguments.Text("--load-core") ?? "1";
        _load = new LoadProcess(children, _loadCores);
        var native = arguments.Text("--native");
        var pollers = (arguments.Text("--io") ?? "epoll,io_uring").Split(',');
        string[] clients = ["--maxclients", (_idle + _active + 100).ToString(CultureInfo.InvariantCulture)];
        if (!arguments.Flag("--without-redis") && ServerRecipe.Redis(children.Folder, _loops) is { } redis)
            _recipes.Add(redis with { Arguments = [.. redis.Arguments, .. clients] });
        foreach (var poller in pollers)
        {
            var recipe = ServerRecipe.Millrace(native, ["--io", poller, .. clients]);
            _recipes.Add(recipe with { Name = "millrace-" + poller });
        }

        arguments.End();
    }

    public int Run()
    {
        Console.WriteLine(
            $"{_idle} {(_isSilent ? "silent" : "idle")} connections beside {_active} active ones of GET at pipeline " +
            $"{_pipeline}, memory after " +
            $"{_settleSeconds} s of idling; medians of {_rounds} rounds of {_requests} requests, server on core " +
            $"{_serverCores}, load on core {_loadCores}");
        Console.WriteLine("server               bytes per idle one  CPU us/req without     with  ratio");
        foreach (var recipe in _recipes)
        {
            try
            {
                var rounds = Enumerable.Range(0, _rounds).Select(_ => Measure(recipe)).ToList();
                var without = Comparison.Median(rounds.Select(one => one.Without));
                var with = Comparison.Median(rounds.Select(one => one.With));
                Console.WriteLine(
                    $"{recipe.Name,-20} {Comparison.Median(rounds.Select(one => one.Bytes)),18:F0} {without,19:F3} " +
                    $"{with,8:F3} {with / without,6:F2}");
            }
            catch (ServerStartException e)
            {
                Console.WriteLine($"{recipe.Name,-20} cannot run here: {e.Message}");
            }
        }

        return 0;
    }

    private Round Measure(ServerRecipe recipe)
    {
        using var server = new ServerUnderTest(_children, recipe, _serverCores, _loops);
        _load.Run(Options(server, 16, _warmUp));
        _load.Run(Options(server, _pipeline, _requests));
        var without = CpuPerRequest(server);
        Thread.Sleep(_settleSeconds * 1000);
        var before = server.ResidentBytes;
        var holder = Hold(server);
        try
        {
            Thread.Sleep(_settleSeconds * 1000);
            var bytes = (server.ResidentBytes - before) / (double)_idle;
            return new Round(bytes, without, CpuPerRequest(server));
        }
        finally
        {
            _children.End(holder);
        }
    }

    private Process Hold(ServerUnderTest server)
    {
        string[] options =
        [
            "hold", "--port", server.Port.ToString(CultureInfo.InvariantCulture),
            "--count", _idle.ToString(CultureInfo.InvariantCulture),
            .. _isSilent ? ["--silent"] : Array.Empty<string>(),
        ];
        var (file, arguments) = LoadProcess.Self(options);
        var holder = _children.Start(_loadCores, file, arguments);
        if (holder.StandardOutput.ReadLine() is not null) return holder;
        var fault = holder.StandardError.ReadToEnd().Trim();
        _children.End(holder);
        throw new IOException($"{_idle} connections could not be opened: {fault} {server.LastLines}");
    }

    private double CpuPerRequest(ServerUnderTest server)
    {
        var before = server.CpuMicroseconds;
        _load.Run(Options(server, _pipeline, _requests));
        return (server.CpuMicroseconds - before) / _requests;
    }

    private LoadOptions Options(ServerUnderTest server, int pipeline, int requests) => new()
    {
        Port = server.Port,
        Command = "get",
        Connections = _active,
        Pipeline = pipeline,
        Requests = requests,
        Keys = 1000,
    };

    private sealed record Round(double Bytes, double Without, double With);
}
