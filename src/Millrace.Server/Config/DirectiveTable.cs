// All directives by name and alias, and the words of a configuration file that are no directives.
//
// The table is built once at start-up and never changes; a second one may be built beside it (tests, embedding). The
// rows stand in Directives/, one file per topic. Names are matched without regard to case. Looking up is O(1);
// suggesting a name for a misspelt one compares it with every row.

using Millrace.Server.Config.Directives;

namespace Millrace.Server.Config;

/// <summary>The declared directives. Immutable and thread-safe.</summary>
public sealed class DirectiveTable
{
    /// <summary>The value of <c>bind</c> for a server without a configuration file: this machine.</summary>
    public const string BindLoopback = "127.0.0.1 -::1";

    /// <summary>What a configuration file that does not name <c>bind</c> means: all addresses.</summary>
    public const string BindAll = "* -::*";

    private const int LongestSuggestedName = 64;

    private readonly Directive[] _rows;
    private readonly Dictionary<string, int> _places;

    /// <summary>Builds the table for this machine.</summary>
    /// <param name="processors">How many event loops there are by default.</param>
    /// <param name="currentDirectory">The working directory of the process, an absolute path.</param>
    /// <param name="bind">The default of <c>bind</c>.</param>
    public DirectiveTable(int processors, string currentDirectory, string bind = BindLoopback)
    {
        _rows =
        [
            .. NetworkDirectives.Listening(bind),
            .. NetworkDirectives.Connections(),
            .. NetworkDirectives.Loops(processors),
            .. NetworkDirectives.Tls(),
            .. GeneralDirectives.Process(ConfigText.FromString(currentDirectory)),
            .. GeneralDirectives.Logging(),
            .. GeneralDirectives.Timing(),
            .. GeneralDirectives.Statistics(),
            .. SecurityDirectives.All(),
            .. MemoryDirectives.Limits(),
            .. MemoryDirectives.Freeing(),
            .. MemoryDirectives.Encodings(),
            .. PersistenceDirectives.Snapshots(),
            .. PersistenceDirectives.AppendOnlyFile(),
            .. ReplicationDirectives.Replication(),
            .. ReplicationDirectives.Cluster(),
        ];
        _places = new Dictionary<string, int>(_rows.Length * 2, StringComparer.OrdinalIgnoreCase);
        for (int i = 0; i < _rows.Length; i++)
        {
            _places.Add(_rows[i].Name, i);
            if (_rows[i].Alias is { } alias) _places.Add(alias, i);
        }
    }

    /// <summary>The rows in declaration order.</summary>
    public IReadOnlyList<Directive> Rows => _rows;

    /// <summary>The row of a name or alias, or null.</summary>
    /// <param name="name">The name in any case.</param>
    public Directive? Find(string name) => _places.TryGetValue(name, out int place) ? _rows[place] : null;

    /// <summary>The place of a row by name or alias, or -1.</summary>
    /// <param name="name">The name in any case.</param>
    public int PlaceOf(string name) => _places.TryGetValue(name, out int place) ? place : -1;

    /// <summary>The defaults of all rows.</summary>
    public ConfigValues Defaults() => new(this, Array.ConvertAll(_rows, static row => row.Default));

    /// <summary>The name that somebody who wrote <paramref name="name"/> may have meant, or null.</summary>
    /// <param name="name">An unknown name.</param>
    public string? Suggest(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (name.Length is 0 or > LongestSuggestedName) return null;
        int best = Math.Max(1, Math.Min(3, name.Length / 3)) + 1;
        string? suggestion = null;
        foreach (Directive row in _rows)
        {
            if (row.IsHidden) continue;
            Consider(row.Name);
            if (row.Alias is { } alias) Consider(alias);
        }

        return suggestion;

        void Consider(string candidate)
        {
            if (Math.Abs(name.Length - candidate.Length) >= best) return;
            int distance = EditDistance.Between(name, candidate, limit: best);
            if (distance >= best) return;
            best = distance;
            suggestion = candidate;
        }
    }

    /// <summary>A word of the configuration file that names something that is not available yet: the sentence that
    /// refuses it; or null.</summary>
    /// <param name="name">The word in any case.</param>
    public static string? RefusalOf(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return name.ToLowerInvariant() switch
        {
            "user" => "access control lists are not available yet",
            "rename-command" => "renaming commands is not available yet",
            "loadmodule" => "modules are not available yet",
            "sentinel" => "sentinel mode is not available",
            _ when name.Contains('.') => "modules are not available yet, and this looks like the setting of a module",
            _ => null,
        };
    }

    /// <summary>Lines of this word stay as they are when the file is rewritten, although it is no directive.</summary>
    /// <param name="name">The word in any case.</param>
    public static bool StaysWhenRewritten(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return name.Equals("include", StringComparison.OrdinalIgnoreCase) || RefusalOf(name) is not null;
    }

    /// <summary>A word that Redis ignores in configuration files because it once had a meaning.</summary>
    /// <param name="name">The word in any case.</param>
    public static bool IsIgnored(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return name.ToLowerInvariant()
            is "list-max-ziplist-entries" or "list-max-ziplist-value" or "lua-replicate-commands";
    }
}
