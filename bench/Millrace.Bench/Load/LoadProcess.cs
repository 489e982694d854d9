// Runs load from a process of its own, on its own cores: this program again with the verb `load`, or redis-benchmark.

using System.Globalization;
using System.Text.Json;
using Millrace.Bench.Servers;

namespace Millrace.Bench.Load;

/// <summary>Starts load and reads what it saw.</summary>
internal sealed class LoadProcess(ChildProcesses children, string cores)
{
    /// <summary>The name of our own generator.</summary>
    public const string Own = "own";

    /// <summary>The name of the generator that comes with redis-server.</summary>
    public const string RedisBenchmark = "redis-benchmark";

    private const int RedisBenchmarkFields = 8; // test, rps, and the latencies avg, min, p50, p95, p99, max in ms

    /// <summary>Loads keys in order with our own generator, whichever one measures.</summary>
    public void Fill(ServerUnderTest server, string command, int firstKey, int count, int valueSize) => RunOwn(new()
    {
        Port = server.Port,
        Command = command,
        Pipeline = Math.Min(64, count),
        Requests = count,
        Keys = firstKey + count,
        FirstKey = firstKey,
        ValueSize = valueSize,
        IsSequential = true,
        Connections = RequestCatalogue.Find(command).IsOrdered ? 1 : LoadOptions.UsualConnections,
    });

    /// <summary>Runs load to its end.</summary>
    public LoadResult Run(LoadOptions options, string generator = Own) =>
        generator == Own ? RunOwn(options) : RunRedisBenchmark(options);

    /// <summary>Begins load in phases, in a closed loop, without end.</summary>
    public PhasedLoad Begin(LoadOptions options)
    {
        var phased = options with { IsPhased = true, Requests = int.MaxValue };
        var (file, arguments) = Self([ChildProcesses.LoadVerb, .. phased.ToArguments()]);
        return new PhasedLoad(children, children.Start(cores, file, arguments), options.Command);
    }

    /// <summary>The result in the last line of redis-benchmark's --csv output.</summary>
    public static LoadResult ParseCsv(string output, int requests)
    {
        var line = output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .LastOrDefault() ?? throw new IOException("redis-benchmark printed nothing");
        var fields = line.Split(',').Select(field => field.Trim('"')).ToArray();
        if (fields.Length < 2) throw new IOException("redis-benchmark printed: " + line);
        if (fields[0] == "test") throw new IOException("redis-benchmark has no test of this name (--load own)");
        double? Us(int index) => fields.Length >= RedisBenchmarkFields ? Number(fields[index]) * 1000 : null;
        return new LoadResult
        {
            Requests = requests,
            RequestsPerSecond = Number(fields[1]),
            P50Us = Us(4),
            P99Us = Us(6),
            MaxUs = Us(7),
        };
    }

    /// <summary>How this program is started again.</summary>
    public static (string File, IReadOnlyList<string> Arguments) Self(params IEnumerable<string> arguments) =>
        ("dotnet", [typeof(LoadProcess).Assembly.Location, .. arguments]);

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private LoadResult RunOwn(LoadOptions options)
    {
        var (file, arguments) = Self([ChildProcesses.LoadVerb, .. options.ToArguments()]);
        var output = RunToEnd(file, arguments);
        var result = JsonSerializer.Deserialize<LoadResult>(output)!;
        return result.Errors == 0
            ? result
            : throw new IOException($"{result.Errors} of {result.Requests} replies to {options.Command} are errors");
    }

    private LoadResult RunRedisBenchmark(LoadOptions options)
    {
        var output = RunToEnd(RedisBenchmark,
        [
            "-h", "127.0.0.1", "-p", Text(options.Port), "-t", options.Command, "-P", Text(options.Pipeline),
            "-n", Text(options.Requests), "-c", Text(options.Connections), "-r", Text(options.Keys),
            "-d", Text(options.ValueSize), "--csv",
        ]);
        return ParseCsv(output, options.Requests);
    }

    private string RunToEnd(string file, IReadOnlyList<string> arguments)
    {
        var process = children.Start(cores, file, arguments);
        try
        {
            var errors = process.StandardError.ReadToEndAsync();
            var output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0
                ? output
                : throw new IOException($"{file} failed: {errors.GetAwaiter().GetResult().Trim()} {output.Trim()}");
        }
        finally
        {
            children.End(process);
        }
    }
}
