using System.Globalization;
using System.Text;
using Millrace.Compat.Tests.Generation;

namespace Millrace.Compat.Tests.Differential;

/// <summary>What a generated stream has exercised.</summary>
public sealed class Coverage
{
    /// <summary>The mark of a request whose deadline passes a few milliseconds after it; not an option of its
    /// own.</summary>
    public const string ShortDeadline = "short deadline";

    private readonly SortedDictionary<string, int> _commands = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, int> _options = new(StringComparer.Ordinal);

    /// <summary>Requests sent.</summary>
    public int Requests { get; private set; }

    /// <summary>Error replies of the reference.</summary>
    public int Errors { get; private set; }

    /// <summary>Replies in RESP3 types, or on a connection that speaks RESP3.</summary>
    public int Resp3 { get; set; }

    /// <summary>Writes that took effect with a deadline of a few milliseconds, which then passed on both
    /// servers.</summary>
    public int Expired { get; private set; }

    /// <summary>The largest number of keys seen at once, over all databases.</summary>
    public int MostKeys { get; set; }

    /// <summary>How often each command was sent.</summary>
    public IReadOnlyDictionary<string, int> Commands => _commands;

    /// <summary>How often each option was sent, by command.</summary>
    public IReadOnlyDictionary<string, int> Options => _options;

    /// <summary>Counts a request.</summary>
    public void Count(Request request)
    {
        Requests++;
        _commands[request.Command] = _commands.GetValueOrDefault(request.Command) + 1;
        foreach (string option in request.Options.Distinct(StringComparer.Ordinal))
        {
            string name = $"{request.Command} {option}";
            _options[name] = _options.GetValueOrDefault(name) + 1;
        }
    }

    /// <summary>Counts a reply of the reference.</summary>
    public void CountReply(Request request, byte[] reply)
    {
        bool isError = reply[0] is (byte)'-' or (byte)'!';
        if (isError)
            Errors++;
        if (!isError && reply is not [(byte)':', (byte)'0', ..]
            && request.Options.Contains(ShortDeadline, StringComparer.Ordinal))
            Expired++;
    }

    /// <summary>Every command of the grammars that was sent fewer times, and every option.</summary>
    public IReadOnlyList<string> Missing(int perCommand, int perOption) =>
    [
        .. StreamGenerator.AllForms.Select(form => form.Name)
            .Where(name => _commands.GetValueOrDefault(name) < perCommand)
            .Select(name => $"{name}: {_commands.GetValueOrDefault(name)} of {perCommand}"),
        .. StreamGenerator.DeclaredOptions()
            .Where(option => _options.GetValueOrDefault(option) < perOption
                && !option.EndsWith(ShortDeadline, StringComparison.Ordinal))
            .Select(option => $"{option}: {_options.GetValueOrDefault(option)} of {perOption}"),
    ];

    /// <summary>The figures as text.</summary>
    public string Report()
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{Requests} requests of {_commands.Count} commands, ")
            .Append(CultureInfo.InvariantCulture, $"{100.0 * Errors / Math.Max(Requests, 1):0.0} % error replies, ")
            .Append(CultureInfo.InvariantCulture, $"{100.0 * Resp3 / Math.Max(Requests, 1):0.0} % in RESP3, ")
            .Append(CultureInfo.InvariantCulture, $"{Generation.Vocabulary.AllKeys().Count()} names of keys, ")
            .Append(CultureInfo.InvariantCulture,
                $"{MostKeys} keys at once over all databases, {Expired} short deadlines passed\n");
        Append(text, "commands", _commands);
        Append(text, "options", _options);
        return text.ToString();
    }

    private static void Append(StringBuilder text, string title, SortedDictionary<string, int> counts)
    {
        text.Append(title).Append(": ")
            .AppendJoin(", ", counts.Select(count => $"{count.Key} {count.Value}"))
            .Append('\n');
    }
}
