// `millrace cli`: sends one command and prints its reply, or reads commands from a prompt.
//
// Output forms, options and exit codes are redis-cli's; the prompt is a plain one without editing or history. Exit code
// 0: replies came, error replies included (unless -e); 1: no connection, it broke, or the command line is wrong.

using System.Diagnostics;
using System.Globalization;
using System.Text;
using Millrace.Resp;

namespace Millrace.Cli;

/// <summary>The entry of the command line client.</summary>
public static class CliProgram
{
    private const int MaxLineBytes = 512 * 1024 * 1024;

    private const string Help =
        """
        Type a command and its arguments, separated by blanks; quote what contains blanks.
        "<number> <command>"   sends the command that many times
        "connect <host> <port>" turns to another server
        "clear"                clears the screen
        "quit" or "exit"       ends

        """;

    /// <summary>Runs with the process's console.</summary>
    /// <param name="args">The arguments behind <c>cli</c>.</param>
    /// <returns>The exit code.</returns>
    public static int Run(string[] args) => Run(args, CliTerminal.OfProcess());

    /// <summary>Runs with given streams.</summary>
    /// <param name="args">The arguments behind <c>cli</c>.</param>
    /// <param name="terminal">What the run talks to.</param>
    /// <returns>The exit code.</returns>
    public static int Run(string[] args, CliTerminal terminal)
    {
        ArgumentNullException.ThrowIfNull(terminal);
        CliOptions? options = CliOptions.Parse(args, terminal, out int exitCode);
        if (options is null) return exitCode;
        using CliSession session = new(options, terminal);
        if (options.Command.Count > 0) return RunOnce(options, session, terminal);
        session.Connect(isQuiet: false);
        RunPrompt(options, session, terminal);
        return 0;
    }

    private static int RunOnce(CliOptions options, CliSession session, CliTerminal terminal)
    {
        List<byte[]> command = [];
        foreach (string argument in options.Command)
        {
            byte[]? bytes = Unquote(argument, options.IsQuotedInput);
            if (bytes is null)
            {
                terminal.Print("Invalid quoted string\n");
                return 1;
            }

            command.Add(bytes);
        }

        if (options.ReadsLastArgument)
        {
            command.Add(ReadToEnd(terminal.Input));
        }
        else if (options.InputTag is not null)
        {
            int tagged = options.Command.ToList().IndexOf(options.InputTag);
            if (tagged < 0)
            {
                terminal.Complain("Using -X option but stdin tag not match.\n");
                return 1;
            }

            command[tagged] = ReadToEnd(terminal.Input);
        }

        session.Connect(isQuiet: true);
        return session.Issue([.. command], options.Repeat) == Outcome.Answered ? 0 : 1;
    }

    private static void RunPrompt(CliOptions options, CliSession session, CliTerminal terminal)
    {
        using BufferedStream input = new(terminal.Input);
        SliceList words = new();
        while (true)
        {
            if (terminal.IsInputTerminal) terminal.Print(session.Prompt);
            byte[]? line = ReadLine(input);
            if (line is null) return;
            words.Clear();
            if (!InlineWords.Split(line, words))
            {
                terminal.Print("Invalid argument(s)\n");
                continue;
            }

            if (words.Count == 0) continue;
            byte[][] command = new byte[words.Count][];
            for (int i = 0; i < command.Length; i++)
            {
                Slice word = words.AsSpan()[i];
                command[i] = line.AsSpan(word.Offset, word.Length).ToArray();
            }

            if (!RunLine(command, options, session, terminal)) return;
        }
    }

    /// <summary>One line of the prompt; false ends it.</summary>
    private static bool RunLine(byte[][] command, CliOptions options, CliSession session, CliTerminal terminal)
    {
        long repeat = 1;
        string first = Encoding.UTF8.GetString(command[0]);
        if (command.Length > 1 && IsInteger(first))
        {
            if (!long.TryParse(first, out repeat) || repeat <= 0)
            {
                terminal.Print("Invalid redis-cli repeat command option value.\n");
                return true;
            }

            command = command[1..];
            first = Encoding.UTF8.GetString(command[0]);
        }

        switch (first.ToLowerInvariant())
        {
            case "quit" or "exit":
                return false;
            case "help" or "?":
                terminal.Print(Help);
                return true;
            case "clear" when command.Length == 1:
                terminal.Print("\x1b[H\x1b[2J");
                return true;
            case "connect" when command.Length == 3:
                session.Redirect(
                    Encoding.UTF8.GetString(command[1]),
                    (int)CliOptions.LeadingInteger(Encoding.UTF8.GetString(command[2])));
                return true;
        }

        Stopwatch watch = Stopwatch.StartNew();
        session.Issue(command, repeat);
        if (watch.ElapsedMilliseconds >= 500 && !options.IsRaw)
            terminal.Print(string.Create(CultureInfo.InvariantCulture, $"({watch.Elapsed.TotalSeconds:F2}s)\n"));
        return true;
    }

    private static bool IsInteger(string text)
    {
        ReadOnlySpan<char> digits = text.AsSpan().TrimStart("+-");
        return digits.Length > 0 && text.Length - digits.Length <= 1 && digits.IndexOfAnyExceptInRange('0', '9') < 0;
    }

    private static byte[]? Unquote(string argument, bool isQuotedInput)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(argument);
        if (!isQuotedInput) return bytes;
        SliceList words = new();
        if (!InlineWords.Split(bytes, words) || words.Count != 1) return null;
        Slice word = words.AsSpan()[0];
        return bytes.AsSpan(word.Offset, word.Length).ToArray();
    }

    private static byte[] ReadToEnd(Stream input)
    {
        using MemoryStream all = new();
        input.CopyTo(all);
        return all.ToArray();
    }

    private static byte[]? ReadLine(Stream input)
    {
        List<byte> line = [];
        while (line.Count < MaxLineBytes)
        {
            int next = input.ReadByte();
            if (next < 0) return line.Count == 0 ? null : [.. line];
            if (next == '\n') break;
            line.Add((byte)next);
        }

        if (line.Count > 0 && line[^1] == '\r') line.RemoveAt(line.Count - 1);
        return [.. line];
    }
}
