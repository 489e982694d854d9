// What a run of the command line talks to: three streams, whether a person sits at them, and the environment.
//
// Streams of bytes, not of text: replies may be binary, and raw output is piped into files.

namespace Millrace.Cli;

/// <summary>The surroundings of one run; tests give their own.</summary>
public sealed class CliTerminal
{
    /// <summary>Where commands (interactive) and the last argument (<c>-x</c>) are read from.</summary>
    public required Stream Input { get; init; }

    /// <summary>Where replies go.</summary>
    public required Stream Output { get; init; }

    /// <summary>Where complaints go.</summary>
    public required Stream Error { get; init; }

    /// <summary>The input is a terminal: a prompt is shown.</summary>
    public bool IsInputTerminal { get; init; }

    /// <summary>The output is a terminal: replies are shown for people.</summary>
    public bool IsOutputTerminal { get; init; }

    /// <summary>Environment variables by name.</summary>
    public Func<string, string?> Variable { get; init; } = static _ => null;

    /// <summary>The process's own console and environment. <c>FAKETTY</c> makes it a terminal, as for
    /// redis-cli.</summary>
    public static CliTerminal OfProcess()
    {
        bool isFaked = Environment.GetEnvironmentVariable("FAKETTY") is not null;
        return new CliTerminal
        {
            Input = Console.OpenStandardInput(),
            Output = Console.OpenStandardOutput(),
            Error = Console.OpenStandardError(),
            IsInputTerminal = !Console.IsInputRedirected || isFaked,
            IsOutputTerminal = !Console.IsOutputRedirected || isFaked,
            Variable = Environment.GetEnvironmentVariable,
        };
    }

    /// <summary>Writes a text to the output.</summary>
    /// <param name="text">The text.</param>
    public void Print(string text) => Print(System.Text.Encoding.UTF8.GetBytes(text));

    /// <summary>Writes bytes to the output.</summary>
    /// <param name="bytes">The bytes.</param>
    public void Print(ReadOnlySpan<byte> bytes)
    {
        Output.Write(bytes);
        Output.Flush();
    }

    /// <summary>Writes a text to the error stream.</summary>
    /// <param name="text">The text.</param>
    public void Complain(string text)
    {
        Error.Write(System.Text.Encoding.UTF8.GetBytes(text));
        Error.Flush();
    }
}
