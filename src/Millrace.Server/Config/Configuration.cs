// The configuration of a running server: the values in force, CONFIG GET and CONFIG SET over them.
//
// CONFIG SET takes several pairs and applies all or none: first every name is judged, then every value, then a new
// immutable Settings is offered to the listeners in order, and only when all of them have taken it does it come into
// force. When one cannot, those before it get the old settings back. Error texts are Redis's.
//
// Threads: Settings may be read by any thread. Get and Set run on one thread at a time; the server calls Set while all
// event loops stand still.

using System.Text;
using Millrace.Commands;
using Millrace.Engine;

namespace Millrace.Server.Config;

/// <summary>Something that must follow a change of settings, such as the log's level.</summary>
public interface ISettingsListener
{
    /// <summary>Follows the change, or says why it cannot; then nothing must have changed.</summary>
    /// <param name="before">The settings in force.</param>
    /// <param name="after">The settings that shall come into force.</param>
    /// <returns>Null when the change was followed.</returns>
    SettingsFault? Apply(Settings before, Settings after);
}

/// <summary>Why settings cannot come into force.</summary>
/// <param name="Directive">The directive that is to blame.</param>
/// <param name="Reason">What is wrong, without a prefix.</param>
/// <param name="Other">The same fault, as it is told when its directive was named before this one.</param>
public sealed record SettingsFault(string Directive, string Reason, SettingsFault? Other = null);

/// <summary>The values in force.</summary>
public sealed class Configuration
{
    private readonly List<ISettingsListener> _listeners = [];
    private volatile ConfigValues _values;
    private volatile Settings _settings;

    /// <summary>Starts with <paramref name="values"/> in force.</summary>
    /// <param name="values">Values from the configuration file and the command line, or defaults.</param>
    public Configuration(ConfigValues values)
    {
        ArgumentNullException.ThrowIfNull(values);
        _values = values;
        _settings = Settings.From(values);
    }

    /// <summary>The absolute path of the configuration file that the server was started with, or null. CONFIG REWRITE
    /// writes it.</summary>
    public string? FilePath { get; init; }

    /// <summary>The settings in force; a caller that reads several takes the object once.</summary>
    public Settings Settings => _settings;

    /// <summary>The values in force.</summary>
    public ConfigValues Values => _values;

    /// <summary>Adds a listener. Call before the server runs.</summary>
    /// <param name="listener">Called at each change, in order of adding.</param>
    public void Add(ISettingsListener listener) => _listeners.Add(listener);

    /// <summary>Brings other values into force at start-up, for example a lower maxclients. Listeners are not asked.
    /// Call before the server runs.</summary>
    /// <param name="name">The directive.</param>
    /// <param name="text">Its value.</param>
    public void Adjust(string name, string text)
    {
        ConfigValues values = _values;
        int place = values.Table.PlaceOf(name);
        DirectiveValue[] copy = values.Copy();
        Directive directive = values.Table.Rows[place];
        string[] words = directive.Type.SplitForSet(text);
        if (!directive.TryParse(words, copy[place], out DirectiveValue? value, out string? error))
            throw new ArgumentException(error, nameof(text));
        copy[place] = value;
        TakeEffect(new ConfigValues(values.Table, copy));
    }

    /// <summary>What CONFIG GET answers: name and value of each directive that a pattern matches, each once. A name
    /// without wildcards is answered as it was written. Hidden directives are answered by their exact name
    /// only.</summary>
    /// <param name="patterns">Names and glob patterns, one byte per char.</param>
    public IReadOnlyList<KeyValuePair<string, string>> Get(IReadOnlyList<string> patterns)
    {
        ArgumentNullException.ThrowIfNull(patterns);
        ConfigValues values = _values;
        var answers = new List<KeyValuePair<string, string>>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (string pattern in patterns)
        {
            if (pattern.AsSpan().IndexOfAny("[*?") < 0)
            {
                int place = values.Table.PlaceOf(pattern);
                if (place >= 0 && names.Add(pattern)) answers.Add(new(pattern, values.At(place).Text));
                continue;
            }

            byte[] glob = ConfigText.ToBytes(pattern);
            for (int place = 0; place < values.Table.Rows.Count; place++)
            {
                Directive row = values.Table.Rows[place];
                if (row.IsHidden) continue;
                AnswerIfMatching(row.Name, place);
                if (row.Alias is { } alias) AnswerIfMatching(alias, place);
            }

            void AnswerIfMatching(string name, int place)
            {
                if (!Glob.Matches(glob, ConfigText.ToBytes(name), ignoresCase: true) || !names.Add(name)) return;
                answers.Add(new(name, values.At(place).Text));
            }
        }

        return answers;
    }

    /// <summary>Changes directives, all or none.</summary>
    /// <param name="pairs">Names and values, one byte per char.</param>
    /// <param name="callerIsLocal">The caller is on this machine, for protected directives.</param>
    /// <param name="isLoading">Data is being loaded: some directives are fixed meanwhile.</param>
    /// <returns>The error text with its prefix, one byte per char, or null.</returns>
    public string? Set(
        IReadOnlyList<KeyValuePair<string, string>> pairs, bool callerIsLocal, bool isLoading = false)
    {
        ArgumentNullException.ThrowIfNull(pairs);
        ConfigValues before = _values;
        int[] places = new int[pairs.Count];
        for (int i = 0; i < pairs.Count; i++)
        {
            string name = pairs[i].Key;
            places[i] = before.Table.PlaceOf(name);
            if (places[i] < 0)
                return $"ERR Unknown option or number of arguments for CONFIG SET - '{Quotable(name)}'";
            Directive directive = before.Table.Rows[places[i]];
            if (WhyNotSettable(directive, callerIsLocal) is { } reason) return Failure(name, reason);
            if (isLoading && directive.IsFixedWhileLoading) return Encoding.ASCII.GetString(ErrorTexts.Loading);
            for (int j = 0; j < i; j++)
            {
                if (name.Equals(pairs[j].Key, StringComparison.OrdinalIgnoreCase))
                    return Failure(name, "duplicate parameter");
            }
        }

        DirectiveValue[] values = before.Copy();
        for (int i = 0; i < pairs.Count; i++)
        {
            Directive row = before.Table.Rows[places[i]];
            DirectiveValue current = values[places[i]];
            string name = row.Name.Equals(pairs[i].Key, StringComparison.OrdinalIgnoreCase) ? row.Name : row.Alias!;
            string[] words = row.Type.SplitForSet(pairs[i].Value);
            if (!row.TryParse(words, current, out DirectiveValue? value, out string? error))
                return Failure(name, error);
            values[places[i]] = value;
        }

        if (Offer(new ConfigValues(before.Table, values)) is not { } fault) return null;
        if (fault.Other is { } other && PlaceIn(pairs, other.Directive) < PlaceIn(pairs, fault.Directive))
            fault = other;
        return Failure(fault.Directive, fault.Reason);
    }

    private static int PlaceIn(IReadOnlyList<KeyValuePair<string, string>> pairs, string name)
    {
        for (int i = 0; i < pairs.Count; i++)
        {
            if (pairs[i].Key.Equals(name, StringComparison.OrdinalIgnoreCase)) return i;
        }

        return int.MaxValue;
    }

    private string? WhyNotSettable(Directive row, bool callerIsLocal)
    {
        if (row.IsImmutable)
        {
            return row.FixedBecause is { } reason
                ? $"can't set immutable config: {reason}"
                : "can't set immutable config";
        }

        ProtectedAction allowed = _settings.ProtectedConfigs;
        bool isAllowed = !row.IsProtected
            || allowed == ProtectedAction.Yes
            || (allowed == ProtectedAction.Local && callerIsLocal);
        return isAllowed ? null : "can't set protected config";
    }

    private SettingsFault? Offer(ConfigValues values)
    {
        Settings before = _settings;
        Settings after = Settings.From(values);
        for (int i = 0; i < _listeners.Count; i++)
        {
            if (_listeners[i].Apply(before, after) is not { } fault) continue;
            for (int j = i - 1; j >= 0; j--) _ = _listeners[j].Apply(after, before);
            return fault;
        }

        TakeEffect(values);
        return null;
    }

    private void TakeEffect(ConfigValues values)
    {
        _settings = Settings.From(values);
        _values = values;
    }

    // Up to the first NUL, as C's %s shows it.
    private static string Quotable(string name) => name.Contains('\0') ? name[..name.IndexOf('\0')] : name;

    private static string Failure(string name, string reason) =>
        $"ERR CONFIG SET failed (possibly related to argument '{name}') - {reason}";
}
