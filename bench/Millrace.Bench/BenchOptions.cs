// The options that the benchmarks share.

using System.Globalization;

namespace Millrace.Bench;

/// <summary>How much a benchmark does.</summary>
internal sealed record BenchOptions
{
    public int Loops { get; init; } = 1;

    public int Rounds { get; init; } = 3;

    public int Requests { get; init; } = 500_000;

    public int Keys { get; init; } = 1_000_000;

    public int Seconds { get; init; } = 60;

    public static BenchOptions From(string[] args)
    {
        var options = new BenchOptions();
        for (var i = 0; i + 1 < args.Length; i += 2)
        {
            var number = int.Parse(args[i + 1], CultureInfo.InvariantCulture);
            options = args[i] switch
            {
                "--loops" => options with { Loops = number },
                "--rounds" => options with { Rounds = number },
                "--requests" => options with { Requests = number },
                "--keys" => options with { Keys = number },
                "--seconds" => options with { Seconds = number },
                _ => throw new ArgumentException("unknown option " + args[i]),
            };
        }

        return options;
    }
}
