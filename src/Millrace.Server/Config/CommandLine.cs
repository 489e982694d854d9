// The command line of the server: [file.conf | -] [--directive value ...].
//
// As in Redis, the arguments become a configuration text that is read after the file and standard input: "--name"
// starts a line, every other argument is quoted and appended to it. What starts with -- is a value only directly after
// a name that has none yet, so that --requirepass --secret works; "--save" directly before another name, or at the
// end, means --save "". An argument may hold name and value at once ("--port 6380"). A single "-" as first or last
// argument reads standard input.

using System.Text;
using Millrace.Resp;

namespace Millrace.Server.Config;

/// <summary>What a command line asks for. Immutable.</summary>
/// <param name="File">The configuration file, or null.</param>
/// <param name="ReadsStandardInput">Directives are read from standard input too.</param>
/// <param name="Directives">The directives, one per line, in the form of a configuration file.</param>
public sealed record CommandLine(string? File, bool ReadsStandardInput, string Directives)
{
    /// <summary>Reads the arguments; any are accepted, their text is judged when it is read as configuration.</summary>
    /// <param name="arguments">The arguments after the program's name.</param>
    public static CommandLine From(IReadOnlyList<string> arguments)
    {
        ArgumentNullException.ThrowIfNull(arguments);
        int index = 0;
        string? file = null;
        bool readsInput = false;
        if (arguments.Count > 0 && !arguments[0].StartsWith('-'))
        {
            file = arguments[0];
            index = 1;
        }

        var text = new StringBuilder();
        bool lastHasValue = true;
        for (; index < arguments.Count; index++)
        {
            string argument = arguments[index];
            bool isLast = index == arguments.Count - 1;
            if (argument == "-" && (index == 0 || isLast))
            {
                readsInput = true;
            }
            else if (lastHasValue && argument.StartsWith("--", StringComparison.Ordinal))
            {
                if (text.Length > 0) text.Append('\n');
                text.Append(ConfigText.FromString(argument[2..])).Append(' ');
                bool nameFollows = isLast || arguments[index + 1].StartsWith("--", StringComparison.Ordinal);
                lastHasValue = CountWords(argument) != 1;
                if (lastHasValue || !nameFollows) continue;
                if (!argument.Equals("--save", StringComparison.OrdinalIgnoreCase)) continue;
                text.Append("\"\"");
                lastHasValue = true;
            }
            else
            {
                AppendQuoted(text, ConfigText.FromString(argument));
                text.Append(' ');
                lastHasValue = true;
            }
        }

        return new CommandLine(file, readsInput, text.ToString());
    }

    private static int CountWords(string argument)
    {
        var words = new SliceList();
        bool isBalanced = InlineWords.Split(ConfigText.ToBytes(ConfigText.FromString(argument)), words);
        return isBalanced ? words.Count : 0;
    }

    private static void AppendQuoted(StringBuilder text, string value)
    {
        text.Append('"');
        foreach (char c in value)
        {
            if (c is '"' or '\\') text.Append('\\').Append(c);
            else if (c is >= ' ' and <= '~') text.Append(c);
            else text.Append("\\x").Append(((int)c).ToString("x2"));
        }

        text.Append('"');
    }
}
