// Benchmarks against whole servers, started here, on loopback only, and of the pipeline in this process; every load is
// bounded and ends by itself.

using System.Net.Sockets;
using System.Text.Json;
using Millrace.Bench;
using Millrace.Bench.Compare;
using Millrace.Bench.Load;
using Millrace.Bench.Scale;
using Millrace.Bench.Servers;
using Millrace.Bench.Snapshot;

const string Usage = """
    usage: bench VERB [options]

      compare   server CPU per request, latency and memory beside the peers that are installed
      idle      memory and CPU that 10,000 idle connections cost
      scale     CPU per command of 1 to all cores' threads on one keyspace and apart, in this process
      memory    resident memory of large and of many small collections beside redis-server
      drop      what dropping a large sorted set costs the others, beside redis-server
      start     from the start of a process to its first PONG
      loading   the same with data that is loaded, beside redis-server
      expiry    how late a million keys are removed that fall due over a minute, beside 50 clients of GET
      evict     far more data than maxmemory allows, under each policy: what goes, how far beyond, how long steps are
      snapshot  what BGSAVE costs clients and memory, how long SAVE and loading take, beside redis-server
      publish   CPU per message to a thousand subscribers beside redis-server, and one of them that stops reading
      counters  what counting and timing commands costs
      noise     how long this machine makes steps that are short: read longest steps beside it
      load      the load generator alone, against a server that runs already: JSON on standard output
      hold      idle connections alone
      hear      subscribers alone, who publish what a line of standard input says

    """;

if (args.Length == 0)
{
    Console.WriteLine(
        $"{Usage}compare:\n{CompareOptions.Help}\n\nidle:\n{IdleBench.Help}\n\n" +
        $"memory:\n{MemoryBench.Help}\n\ndrop:\n{DropBench.Help}\n\n" +
        $"start:\n{StartBench.Help}\n\nloading:\n{LoadingBench.Help}\n\nscale:\n{ScaleOptions.Help}\n\n" +
        $"evict:\n{EvictionBench.Help}\n\nnoise:\n{NoiseBench.Help}\n\npublish:\n{PublishBench.Help}\n\n" +
        $"snapshot:\n{SnapshotOptions.Help}\n\n" +
        $"counters:\n{CountersBench.Help}\n\nexpiry: --keys N --seconds N --loops N");
    return 0;
}

var arguments = new Arguments(args[1..]);
try
{
    return args[0] switch
    {
        "compare" => Compare(),
        "expiry" => await ExpiryBench.RunAsync(arguments).ConfigureAwait(false),
        "counters" => Counters(),
        "idle" => Idle(),
        "memory" => await MemoryAsync().ConfigureAwait(false),
        "drop" => await DropAsync().ConfigureAwait(false),
        "evict" => await EvictAsync().ConfigureAwait(false),
        "snapshot" => await SnapshotAsync().ConfigureAwait(false),
        "publish" => await PublishAsync().ConfigureAwait(false),
        "noise" => NoiseBench.Run(arguments),
        "start" => Start(),
        "loading" => await LoadingAsync().ConfigureAwait(false),
        "scale" => new ScaleBench(ScaleOptions.From(arguments)).Run(),
        "load" => Load(),
        "hold" => IdleConnections.Run(arguments),
        "hear" => Subscribers.Run(arguments),
        _ => throw new UsageException("unknown verb " + args[0]),
    };
}
catch (UsageException e)
{
    Console.Error.WriteLine($"bench: {e.Message}; without arguments it lists what there is");
    return 2;
}
catch (Exception e) when (e is IOException or SocketException or InvalidDataException or ServerStartException)
{
    Console.Error.WriteLine("bench: " + e.Message);
    return 1;
}

int Compare()
{
    var options = CompareOptions.From(arguments);
    using var children = new ChildProcesses();
    var comparison = new CompareBench(options, children).Run();
    Console.Write(CompareTable.Of(comparison));
    if (options.Json is { } json) File.WriteAllText(json, comparison.ToJson() + "\n");
    if (options.Svg is { } svg) File.WriteAllText(svg, RatioChart.Of(comparison));
    return 0;
}

int Counters()
{
    using var children = new ChildProcesses();
    return new CountersBench(arguments, children).Run();
}

int Idle()
{
    using var children = new ChildProcesses();
    return new IdleBench(arguments, children).Run();
}

async Task<int> MemoryAsync()
{
    using var children = new ChildProcesses();
    return await new MemoryBench(arguments, children).RunAsync().ConfigureAwait(false);
}

async Task<int> DropAsync()
{
    using var children = new ChildProcesses();
    return await new DropBench(arguments, children).RunAsync().ConfigureAwait(false);
}

async Task<int> EvictAsync()
{
    using var children = new ChildProcesses();
    return await new EvictionBench(arguments, children).RunAsync().ConfigureAwait(false);
}

async Task<int> SnapshotAsync()
{
    using var children = new ChildProcesses();
    return await new SnapshotBench(SnapshotOptions.From(arguments), children).RunAsync().ConfigureAwait(false);
}

async Task<int> PublishAsync()
{
    using var children = new ChildProcesses();
    return await new PublishBench(arguments, children).RunAsync().ConfigureAwait(false);
}

int Start()
{
    using var children = new ChildProcesses();
    return StartBench.Run(arguments, children);
}

async Task<int> LoadingAsync()
{
    using var children = new ChildProcesses();
    return await new LoadingBench(arguments, children).RunAsync().ConfigureAwait(false);
}

int Load()
{
    var options = LoadOptions.From(arguments);
    arguments.End();
    using var generator = new LoadGenerator(options);
    var phases = options.IsPhased ? new PhaseLines(Console.In, Console.Out) : null;
    Console.WriteLine(JsonSerializer.Serialize(generator.Run(phases)));
    return 0;
}
