// The command line of `millrace cli`: redis-cli's options, as far as they are offered.
//
// Options end at the first word that is none; what follows is the command. Texts of complaints are redis-cli's.

using System.Globalization;
using System.Text;
using Millrace.Client;

namespace Millrace.Cli;

/// <summary>The options of one run.</summary>
public sealed class CliOptions
{
    /// <summary>Shown for <c>--help</c>.</summary>
    public const string Usage =
        """
        Usage: millrace cli [OPTIONS] [cmd [arg [arg ...]]]
          -h <hostname>      Server hostname (default: 127.0.0.1).
          -p <port>          Server port (default: 6379).
          -s <socket>        Server socket (overrides hostname and port).
          -a <password>      Password to use when connecting to the server. The REDISCLI_AUTH
                             environment variable passes it more safely.
          --user <username>  Used to send ACL style 'AUTH username pass'. Needs -a.
          --pass <password>  Alias of -a.
          -u <uri>           Server URI: redis://[user:password@]host[:port][/db] or unix://path.
          -n <db>            Database number.
          -r <repeat>        Execute specified command N times.
          -i <interval>      When -r is used, waits <interval> seconds per command.
          -2, -3             Start session in RESP2 or RESP3 protocol mode.
          -x                 Read last argument from STDIN.
          -X <tag>           Read the argument that is <tag> from STDIN.
          -d <delimiter>     Delimiter between elements for raw formatting (default: \n).
          -D <delimiter>     Delimiter between responses for raw formatting (default: \n).
          -e                 Return exit error code when command execution fails.
          --raw              Use raw formatting for replies (default when STDOUT is not a tty).
          --no-raw           Force formatted output even when STDOUT is not a tty.
          --quoted-input     Force input to be handled as quoted strings.
          --show-pushes <yn> Whether to print RESP3 PUSH messages.
          --no-auth-warning  Don't show the warning about a password on the command line.
          --help, --version  Output this help, or the version, and exit.
        Without a command, an interactive prompt is started.

        """;

    /// <summary>Where the server is; credentials and database are kept apart, as the session sends them
    /// itself.</summary>
    public ClientOptions Server { get; private set; } = new();

    /// <summary>User name, or null.</summary>
    public string? User { get; private set; }

    /// <summary>Password, or null.</summary>
    public string? Password { get; private set; }

    /// <summary>Database.</summary>
    public int Database { get; private set; }

    /// <summary>RESP3 was asked for, and RESP2 was not.</summary>
    public bool IsResp3 => _wantsResp3 && !_wantsResp2;

    /// <summary>Replies are written raw.</summary>
    public bool IsRaw { get; private set; }

    /// <summary>Pushes are printed.</summary>
    public bool ShowsPushes { get; private set; }

    /// <summary>How often the command is sent; negative: without end.</summary>
    public long Repeat { get; private set; } = 1;

    /// <summary>Pause after each repetition.</summary>
    public TimeSpan Interval { get; private set; }

    /// <summary>The last argument is read from the input.</summary>
    public bool ReadsLastArgument { get; private set; }

    /// <summary>The argument equal to this is read from the input, or null.</summary>
    public string? InputTag { get; private set; }

    /// <summary>Raw output between elements.</summary>
    public byte[] ElementDelimiter { get; private set; } = "\n"u8.ToArray();

    /// <summary>Raw output after each reply.</summary>
    public byte[] ReplyDelimiter { get; private set; } = "\n"u8.ToArray();

    /// <summary>An error reply ends the run with exit code 1.</summary>
    public bool FailsOnError { get; private set; }

    /// <summary>Arguments are quoted strings.</summary>
    public bool IsQuotedInput { get; private set; }

    /// <summary>The command and its arguments.</summary>
    public IReadOnlyList<string> Command { get; private set; } = [];

    private bool _wantsResp2;
    private bool _wantsResp3;
    private bool _hidesWarning;

    private CliOptions(CliTerminal terminal)
    {
        IsRaw = !terminal.IsOutputTerminal;
        ShowsPushes = terminal.IsOutputTerminal;
    }

    /// <summary>Reads the command line. Null: the run is over, with <paramref name="exitCode"/>.</summary>
    /// <param name="args">The arguments behind <c>cli</c>.</param>
    /// <param name="terminal">Gets complaints; gives REDISCLI_AUTH.</param>
    /// <param name="exitCode">The exit code when the run is over.</param>
    public static CliOptions? Parse(IReadOnlyList<string> args, CliTerminal terminal, out int exitCode)
    {
        ArgumentNullException.ThrowIfNull(args);
        ArgumentNullException.ThrowIfNull(terminal);
        CliOptions options = new(terminal);
        exitCode = 0;
        int at = 0;
        while (at < args.Count && args[at].StartsWith('-'))
        {
            string option = args[at++];
            string? value = at < args.Count ? args[at] : null;
            switch (option)
            {
                case "--help" or "-h" when value is null || string.Equals(option, "--help", StringComparison.Ordinal):
                    terminal.Print(Usage);
                    return null;
                case "--version" or "-v":
                    terminal.Print($"millrace cli {typeof(CliOptions).Assembly.GetName().Version?.ToString(3)}\n");
                    return null;
            }

            if (options.TakeFlag(option)) continue;
            if (value is not null && options.TakeValue(option, value, out string? problem))
            {
                at++;
                if (problem is null) continue;
                terminal.Complain(problem + "\n");
                exitCode = 1;
                return null;
            }

            terminal.Complain($"Unrecognized option or bad number of args for: '{option}'\n");
            exitCode = 1;
            return null;
        }

        options.Command = [.. args.Skip(at)];
        if (options.Password is not null && !options._hidesWarning)
        {
            terminal.Complain(
                "Warning: Using a password with '-a' or '-u' option on the command line interface may not be safe.\n");
        }

        options.Password ??= terminal.Variable("REDISCLI_AUTH");
        return options;
    }

    private bool TakeFlag(string option)
    {
        switch (option)
        {
            case "-2": _wantsResp2 = true; return true;
            case "-3": _wantsResp3 = true; return true;
            case "-x": ReadsLastArgument = true; return true;
            case "-e": FailsOnError = true; return true;
            case "--raw": IsRaw = true; return true;
            case "--no-raw": IsRaw = false; return true;
            case "--quoted-input": IsQuotedInput = true; return true;
            case "--no-auth-warning": _hidesWarning = true; return true;
            default: return false;
        }
    }

    private bool TakeValue(string option, string value, out string? problem)
    {
        problem = null;
        switch (option)
        {
            case "-h": Server = Server with { Host = value }; return true;
            case "-p": Server = Server with { Port = (int)LeadingInteger(value) }; return true;
            case "-s": Server = Server with { UnixSocketPath = value }; return true;
            case "-a" or "--pass": Password = value; return true;
            case "--user": User = value; return true;
            case "-n": Database = (int)LeadingInteger(value); return true;
            case "-r": Repeat = LeadingInteger(value); return true;
            case "-i": problem = TakeInterval(value); return true;
            case "-u": problem = TakeUri(value); return true;
            case "-X": InputTag = value; return true;
            case "-d": ElementDelimiter = Encoding.UTF8.GetBytes(value); return true;
            case "-D": ReplyDelimiter = Encoding.UTF8.GetBytes(value); return true;
            case "--show-pushes":
                ShowsPushes = value.StartsWith('y') || value.StartsWith('Y');
                if (!ShowsPushes && !value.StartsWith('n') && !value.StartsWith('N'))
                    problem = $"Unknown --show-pushes value '{value}' (valid: '[y]es', '[n]o')";
                return true;
            default:
                return false;
        }
    }

    private string? TakeInterval(string value)
    {
        if (!double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out double seconds)
            || !(seconds is >= 0 and <= 1e6))
            return $"'{value}' is no interval in seconds";
        Interval = TimeSpan.FromSeconds(seconds);
        return null;
    }

    private string? TakeUri(string value)
    {
        try
        {
            ClientOptions named = ClientOptions.FromUri(value);
            User = named.User ?? User;
            Password = named.Password ?? Password;
            Database = named.Database != 0 ? named.Database : Database;
            Server = named with { User = null, Password = null, Database = 0 };
            return null;
        }
        catch (FormatException e)
        {
            return $"Invalid URI: {e.Message}";
        }
    }

    /// <summary>The integer that a text starts with, 0 if none, as C's atoi has it.</summary>
    internal static long LeadingInteger(string text)
    {
        string trimmed = text.TrimStart();
        int end = trimmed.StartsWith('-') || trimmed.StartsWith('+') ? 1 : 0;
        while (end < trimmed.Length && char.IsAsciiDigit(trimmed[end])) end++;
        return long.TryParse(trimmed[..end], out long value) ? value : 0;
    }
}
