// What a process of subscribers is to hear, as the options of the `hear` verb.

using System.Globalization;

namespace Millrace.Bench.Load;

/// <summary>Subscribers of one server.</summary>
internal sealed record HearOptions
{
    /// <summary>Every subscriber has the channel.</summary>
    public const string Channel = "channel";

    /// <summary>Every subscriber has a pattern of its own, and all of them match.</summary>
    public const string Patterns = "patterns";

    /// <summary>Ten subscribers share as many patterns as there would be subscribers; one of each matches.</summary>
    public const string Few = "few";

    /// <summary>As <see cref="Channel"/>, and one of them never reads.</summary>
    public const string Stopped = "stopped";

    /// <summary>So many subscribers can have patterns of their own that match.</summary>
    public const int MostPatterns = 1 << Subscribers.MaskedBytes;

    private static readonly string[] Shapes = [Channel, Patterns, Few, Stopped];

    public required int Port { get; init; }

    public required string Shape { get; init; }

    public int Count { get; init; } = 1000;

    /// <summary>Bytes of a message.</summary>
    public int Size { get; init; } = 32;

    public static HearOptions From(Arguments arguments)
    {
        var options = new HearOptions
        {
            Port = arguments.Number("--port", 6379, max: 65535),
            Shape = arguments.Text("--shape") ?? Channel,
            Count = arguments.Number("--count", 1000, max: 20_000),
            Size = arguments.Number("--size", 32, max: 1_000_000),
        };
        if (!Shapes.Contains(options.Shape))
            throw new UsageException($"--shape: {string.Join(", ", Shapes)}, not '{options.Shape}'");
        if (options.Shape == Patterns && options.Count > MostPatterns)
            throw new UsageException($"--count: there are {MostPatterns} patterns, not {options.Count}");
        if (options.Shape == Few && options.Count < Subscribers.FewCount)
            throw new UsageException($"--count: at least {Subscribers.FewCount} patterns");
        if (options.Shape == Stopped && options.Count < 2)
            throw new UsageException("--count: one has stopped and others have not");
        return options;
    }

    /// <summary>The command line that gives these options again.</summary>
    public IReadOnlyList<string> ToArguments() =>
        ["--port", Text(Port), "--shape", Shape, "--count", Text(Count), "--size", Text(Size)];

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
