// How much a client may leave unread: a hard limit closes it at once, a soft limit when it lasts too long.
// The canonical text is that of CONFIG GET client-output-buffer-limit, where replicas are still called slave.

using System.Globalization;

namespace Millrace.Server.Config;

/// <summary>The class of a client, by what is sent to it.</summary>
public enum OutputClass
{
    /// <summary>Ordinary clients.</summary>
    Normal,

    /// <summary>Replicas.</summary>
    Replica,

    /// <summary>Subscribers.</summary>
    PubSub,
}

/// <summary>The limits of one class; 0 means none.</summary>
/// <param name="HardBytes">Beyond it the client is closed at once.</param>
/// <param name="SoftBytes">Beyond it for <paramref name="SoftSeconds"/> the client is closed.</param>
/// <param name="SoftSeconds">How long the soft limit may be exceeded.</param>
public readonly record struct OutputBufferLimit(long HardBytes, long SoftBytes, int SoftSeconds);

/// <summary>The limits of the three classes.</summary>
/// <param name="Normal">Ordinary clients.</param>
/// <param name="Replica">Replicas.</param>
/// <param name="PubSub">Subscribers.</param>
public readonly record struct OutputBufferLimits(
    OutputBufferLimit Normal, OutputBufferLimit Replica, OutputBufferLimit PubSub)
{
    /// <summary>The limits of a class.</summary>
    /// <param name="outputClass">The class.</param>
    public OutputBufferLimit Of(OutputClass outputClass) => outputClass switch
    {
        OutputClass.Replica => Replica,
        OutputClass.PubSub => PubSub,
        _ => Normal,
    };

    /// <summary>These limits with those of one class replaced.</summary>
    /// <param name="outputClass">The class.</param>
    /// <param name="limit">Its limits.</param>
    public OutputBufferLimits With(OutputClass outputClass, OutputBufferLimit limit) => outputClass switch
    {
        OutputClass.Replica => this with { Replica = limit },
        OutputClass.PubSub => this with { PubSub = limit },
        _ => this with { Normal = limit },
    };

    /// <summary>The canonical text.</summary>
    public string ToText() => $"{Text("normal", Normal)} {Text("slave", Replica)} {Text("pubsub", PubSub)}";

    /// <summary>The limits as a configuration file has them, a line for each class.</summary>
    public IReadOnlyList<string> ToFileLines() =>
        [FileLine("normal", Normal), FileLine("replica", Replica), FileLine("pubsub", PubSub)];

    /// <summary>Reads the canonical text. Requires: <paramref name="text"/> comes from <see cref="ToText"/>.</summary>
    /// <param name="text">The text.</param>
    public static OutputBufferLimits FromText(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        string[] words = text.Split(' ');
        return new OutputBufferLimits(LimitAt(words, 1), LimitAt(words, 5), LimitAt(words, 9));
    }

    /// <summary>Reads a class by name; replica and slave mean the same.</summary>
    /// <param name="name">The name, in any case.</param>
    /// <param name="outputClass">The class.</param>
    public static bool TryParseClass(string name, out OutputClass outputClass)
    {
        ArgumentNullException.ThrowIfNull(name);
        outputClass = OutputClass.Normal;
        if (name.Equals("normal", StringComparison.OrdinalIgnoreCase)) return true;
        outputClass = OutputClass.Replica;
        if (name.Equals("replica", StringComparison.OrdinalIgnoreCase)) return true;
        if (name.Equals("slave", StringComparison.OrdinalIgnoreCase)) return true;
        outputClass = OutputClass.PubSub;
        return name.Equals("pubsub", StringComparison.OrdinalIgnoreCase);
    }

    private static string Text(string name, OutputBufferLimit limit) =>
        string.Create(
            CultureInfo.InvariantCulture, $"{name} {limit.HardBytes} {limit.SoftBytes} {limit.SoftSeconds}");

    private static string FileLine(string name, OutputBufferLimit limit)
    {
        string hard = MemorySize.ToShortText(limit.HardBytes);
        string soft = MemorySize.ToShortText(limit.SoftBytes);
        return string.Create(CultureInfo.InvariantCulture, $"{name} {hard} {soft} {limit.SoftSeconds}");
    }

    private static OutputBufferLimit LimitAt(string[] words, int index) => new(
        long.Parse(words[index], CultureInfo.InvariantCulture),
        long.Parse(words[index + 1], CultureInfo.InvariantCulture),
        int.Parse(words[index + 2], CultureInfo.InvariantCulture));
}
