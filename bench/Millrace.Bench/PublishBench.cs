// What a message to many subscribers costs the server, beside redis-server: CPU time per message delivered.
//
//     a row:  every server starts, its subscribers come, all are warmed up
//             rounds: each server in turn: CPU clock -> so many messages, the next when all have heard -> CPU clock
//
// Then a subscriber that does not read, among others that do: whether it is closed at its limit, what the others miss
// (nothing, or the run fails) and the longest step of a loop meanwhile.

using System.Diagnostics;
using System.Globalization;
using Millrace.Bench.Compare;
using Millrace.Bench.Load;
using Millrace.Bench.Servers;
using Millrace.Client;
using Millrace.Resp;

namespace Millrace.Bench;

/// <summary>CPU per delivered message, and a subscriber that stops.</summary>
internal sealed class PublishBench
{
    /// <summary>The options, as `bench` prints them.</summary>
    public const string Help = """
        --subscribers N --size N  how many (1000), bytes of a message (32)
        --row SHAPE/P[,SHAPE/P]   shapes at P in a pipeline (channel/1,channel/16,patterns/1,patterns/16,few/1,few/16)
                                  channel: all have the channel; patterns: each has a pattern of its own, all match;
                                  few: 10 have as many patterns together, one of each matches
        --messages N --warm-up N  per round and server (100, 500); a pipeline of 16 takes four times as many
        --rounds N                (7); --limit MB of the subscriber that stops (8; 0: none does)
        --io NAME[,NAME]          Millrace's pollers (epoll,io_uring); --native PATH, --without-redis
        --server-core N --load-core N    the cores, as taskset names them (0 and 1)
        """;

    private const int StoppedSize = 16 * 1024;
    private const int StoppedWarmUp = 100;
    private const int StoppedTimes = 3; // a server that had less to keep so far takes memory at the first
    private const int PipelineFactor = 4;

    private readonly ChildProcesses _children;
    private readonly List<ServerRecipe> _recipes = [];
    private readonly List<PublishRow> _rows;
    private readonly int _subscribers;
    private readonly int _size;
    private readonly int _messages;
    private readonly int _warmUp;
    private readonly int _rounds;
    private readonly int _limitMb;
    private readonly string _serverCores;
    private readonly string _loadCores;

    public PublishBench(Arguments arguments, ChildProcesses children)
    {
        _children = children;
        _subscribers = arguments.Number("--subscribers", 1000, min: Subscribers.FewCount, max: 20_000);
        _size = arguments.Number("--size", 32, max: 1_000_000);
        _rows = PublishRow.AllOf(
            arguments.Text("--row") ?? "channel/1,channel/16,patterns/1,patterns/16,few/1,few/16");
        _messages = arguments.Number("--messages", 100);
        _warmUp = arguments.Number("--warm-up", 500);
        _rounds = arguments.Number("--rounds", 7, max: 1000);
        _limitMb = arguments.Number("--limit", 8, min: 0, max: 1000);
        _serverCores = arguments.Text("--server-core") ?? "0";
        _loadCores = arguments.Text("--load-core") ?? "1";
        if (!arguments.Flag("--without-redis") && ServerRecipe.Redis(children.Folder, 1) is { } redis)
            _recipes.Add(redis);
        var native = arguments.Text("--native");
        foreach (var io in (arguments.Text("--io") ?? "epoll,io_uring").Split(','))
            _recipes.Add(ServerRecipe.Millrace(native, ["--io", io]) with { Name = "millrace-" + io });
        for (var i = 0; i < _recipes.Count; i++)
            _recipes[i] = _recipes[i] with { Arguments = [.. _recipes[i].Arguments, "--maxclients", "25000"] };
        arguments.End();
    }

    public async Task<int> RunAsync()
    {
        Console.WriteLine(
            $"{_subscribers} subscribers, messages of {_size} bytes, one loop; {_rounds} rounds of {_messages} "
            + $"messages to each server in turn (x{PipelineFactor} in a pipeline); server on core {_serverCores}, the "
            + $"others on core {_loadCores}; CPU us of the server per message delivered, ratios to the first server");
        Console.WriteLine("row          server               us/message   ratio    least     most");
        foreach (var row in _rows) Measure(row);
        if (_limitMb == 0) return 0;
        Console.WriteLine(
            $"one of {_subscribers} subscribers does not read, messages of {StoppedSize} bytes, "
            + $"client-output-buffer-limit pubsub {_limitMb}mb 0 0");
        Console.WriteLine("server              time  closed after messages  bytes it never sees   longest step us");
        foreach (var recipe in _recipes) await StopAsync(recipe).ConfigureAwait(false);
        return 0;
    }

    private void Measure(PublishRow row)
    {
        var servers = new List<Heard>();
        try
        {
            foreach (var recipe in _recipes) servers.Add(Start(recipe, row.Shape, _size));
            var messages = row.Pipeline == 1 ? _messages : _messages * PipelineFactor;
            var warmUp = row.Pipeline == 1 ? _warmUp : _warmUp * PipelineFactor;
            foreach (var server in servers) Publish(server, row.Pipeline, warmUp);
            var rounds = new List<double[]>();
            for (var round = 0; round < _rounds; round++)
            {
                var costs = new double[servers.Count];
                for (var i = 0; i < servers.Count; i++)
                {
                    var place = (round + i) % servers.Count;
                    costs[place] = Publish(servers[place], row.Pipeline, messages);
                }

                rounds.Add(costs);
            }

            for (var place = 0; place < servers.Count; place++) Print(row, servers[place], rounds, place);
        }
        finally
        {
            foreach (var server in servers) End(server);
        }
    }

    private static void Print(PublishRow row, Heard server, List<double[]> rounds, int place)
    {
        var ratios = rounds.Select(round => round[place] / round[0]).ToList();
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{row.Shape + "/" + row.Pipeline,-12} {server.Server.Name,-18} "
            + $"{Comparison.Median(rounds.Select(round => round[place])),12:F3} {Comparison.Median(ratios),7:F3} "
            + $"{ratios.Min(),8:F3} {ratios.Max(),8:F3}"));
    }

    private async Task StopAsync(ServerRecipe recipe)
    {
        var heard = Start(recipe, HearOptions.Stopped, StoppedSize);
        try
        {
            var target = new ClientOptions { Port = heard.Server.Port };
            await using var control = await RedisClient.ConnectAsync(target).ConfigureAwait(false);
            await LimitAsync(control, 1).ConfigureAwait(false);
            Publish(heard, 1, StoppedWarmUp);
            Ask(heard.Hearers, "close"); // whatever that runs has been compiled now
            Publish(heard, 1, 1);
            await control.ExecuteAsync("INFO", "stats").ConfigureAwait(false);
            await LimitAsync(control, _limitMb).ConfigureAwait(false);
            for (var time = 1; time <= StoppedTimes; time++)
            {
                await control.ExecuteAsync("CONFIG", "RESETSTAT").ConfigureAwait(false);
                var words = Ask(heard.Hearers, "close").Split(' ');
                var info = (await control.ExecuteAsync("INFO", "stats").ConfigureAwait(false)).ToString();
                Console.WriteLine(
                    $"{recipe.Name,-18} {time,5} {words[0],21} {words[1],21} {LongestStepOf(info),17}");
            }
        }
        finally
        {
            End(heard);
        }
    }

    private static Task<RespValue> LimitAsync(RedisClient control, int megabytes) =>
        control.ExecuteAsync("CONFIG", "SET", "client-output-buffer-limit", $"pubsub {megabytes}mb 0 0");

    private static string LongestStepOf(string info)
    {
        const string Field = "loop_longest_step_us:";
        var line = info.Split('\n').FirstOrDefault(static one => one.StartsWith(Field, StringComparison.Ordinal));
        return line is null ? "-" : line[Field.Length..].Trim();
    }

    private Heard Start(ServerRecipe recipe, string shape, int size)
    {
        var server = new ServerUnderTest(_children, recipe, _serverCores, 1);
        try
        {
            var options = new HearOptions { Port = server.Port, Shape = shape, Count = _subscribers, Size = size };
            var (file, arguments) = LoadProcess.Self([ChildProcesses.HearVerb, .. options.ToArguments()]);
            var hearers = _children.Start(_loadCores, file, arguments);
            ReadLine(hearers);
            return new Heard(server, hearers);
        }
        catch
        {
            server.Dispose();
            throw;
        }
    }

    private void End(Heard heard)
    {
        _children.End(heard.Hearers);
        heard.Server.Dispose();
    }

    // CPU microseconds per delivered message.
    private static double Publish(Heard heard, int pipeline, int messages)
    {
        var before = heard.Server.CpuMicroseconds;
        var delivered = Ask(heard.Hearers, string.Create(CultureInfo.InvariantCulture, $"{pipeline} {messages}"));
        return (heard.Server.CpuMicroseconds - before) / long.Parse(delivered, CultureInfo.InvariantCulture);
    }

    private static string Ask(Process hearers, string line)
    {
        hearers.StandardInput.WriteLine(line);
        hearers.StandardInput.Flush();
        return ReadLine(hearers);
    }

    private static string ReadLine(Process hearers) => hearers.StandardOutput.ReadLine()
        ?? throw new IOException("the subscribers have ended: " + hearers.StandardError.ReadToEnd().Trim());

    private sealed record Heard(ServerUnderTest Server, Process Hearers);
}

/// <summary>A row: who subscribes to what, and how many messages are published at a time.</summary>
internal sealed record PublishRow(string Shape, int Pipeline)
{
    /// <summary>Rows as the option gives them.</summary>
    public static List<PublishRow> AllOf(string text) => [.. text.Split(',').Select(One)];

    private static PublishRow One(string text)
    {
        string[] shapes = [HearOptions.Channel, HearOptions.Patterns, HearOptions.Few];
        return text.Split('/') is [var shape, var pipeline] && shapes.Contains(shape)
            ? new PublishRow(shape, Arguments.NumberOf("--row", pipeline, 1, 10_000))
            : throw new UsageException($"--row: SHAPE/PIPELINE with {string.Join(", ", shapes)}, not '{text}'");
    }
}
