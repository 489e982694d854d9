// What the generator is to do, as the options of the `load` verb.

using System.Globalization;

namespace Millrace.Bench.Load;

/// <summary>One run of load.</summary>
internal sealed record LoadOptions
{
    /// <summary>How many connections there are when nothing is said.</summary>
    public const int UsualConnections = 50;

    public required int Port { get; init; }

    public required string Command { get; init; }

    public int Connections { get; init; } = UsualConnections;

    public int Pipeline { get; init; } = 1;

    public int Requests { get; init; } = 100_000;

    public int Keys { get; init; } = 1_000_000;

    public int ValueSize { get; init; } = 3;

    /// <summary>Whether keys come in order, from <see cref="FirstKey"/> on, instead of at random.</summary>
    public bool IsSequential { get; init; }

    public int FirstKey { get; init; }

    /// <summary>Requests per second of an open loop; 0: a closed loop, as fast as the replies come.</summary>
    public int Rate { get; init; }

    /// <summary>Whether figures are told, and begun anew, at each line of standard input (<see cref="PhaseLines"/>),
    /// and the load ends with that input at the latest.</summary>
    public bool IsPhased { get; init; }

    public static LoadOptions From(Arguments arguments)
    {
        var options = new LoadOptions
        {
            Port = arguments.Number("--port", 6379, max: 65535),
            Command = arguments.Text("--command") ?? "get",
            Connections = arguments.Number("--connections", UsualConnections, max: 20_000),
            Pipeline = arguments.Number("--pipeline", 1, max: 10_000),
            Requests = arguments.Number("--requests", 100_000),
            Keys = arguments.Number("--keys", 1_000_000),
            ValueSize = arguments.Number("--value-size", 3, max: 1_000_000),
            IsSequential = arguments.Flag("--sequential"),
            FirstKey = arguments.Number("--first-key", 0, min: 0),
            Rate = arguments.Number("--rate", 0, min: 0),
            IsPhased = arguments.Flag("--phased"),
        };
        if (options.IsSequential && (long)options.FirstKey + options.Requests > options.Keys)
            throw new UsageException("--sequential: more requests than keys behind the first one");
        if (options.IsPhased && options.Rate > 0) throw new UsageException("--phased is of a closed loop");
        return options;
    }

    /// <summary>The command line that gives these options again.</summary>
    public IReadOnlyList<string> ToArguments()
    {
        List<string> arguments =
        [
            "--port", Text(Port), "--command", Command, "--connections", Text(Connections), "--pipeline",
            Text(Pipeline), "--requests", Text(Requests), "--keys", Text(Keys), "--value-size", Text(ValueSize),
            "--first-key", Text(FirstKey), "--rate", Text(Rate),
        ];
        if (IsSequential) arguments.Add("--sequential");
        if (IsPhased) arguments.Add("--phased");
        return arguments;
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}

/// <summary>What a run of load saw. Latencies in microseconds; null where the generator does not tell.</summary>
internal sealed record LoadResult
{
    public long Requests { get; init; }

    public long Errors { get; init; }

    public long Nulls { get; init; }

    public double RequestsPerSecond { get; init; }

    public double? P50Us { get; init; }

    public double? P99Us { get; init; }

    public double? P999Us { get; init; }

    public double? MaxUs { get; init; }
}
