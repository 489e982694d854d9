// INFO: figures of the running server, by section.
//
// Names are those of redis-server 7.0, since tools parse them. A figure is true or absent: what belongs to a feature
// that is not here has no line. The sections are in InfoSections.cs; this file chooses them.
//
//     no argument, default     all but commandstats, latencystats, keysizes and debug
//     all, everything          all but debug
//
// It runs while all loops stand still, so that the figures belong together.
// Source: Redis 7.2 documentation, "INFO".

using System.Text;
using Millrace.Commands;

namespace Millrace.Server.Observability;

/// <summary>The INFO command.</summary>
public sealed class InfoCommand
{
    // Longer than the name of every section: what exceeds it names none.
    private const int MaxSectionBytes = 64;

    private const string KeySizes = "keysizes";

    // In the order in which they are printed; the second part says whether the section is printed by default.
    private readonly (string Name, bool IsDefault, Action<InfoText> Write)[] _sections;
    private readonly InfoKeySizes _keySizes;
    private readonly Action<InfoText> _debug;

    /// <summary>The command over the parts of a server.</summary>
    /// <param name="parts">The parts; complete before the command runs.</param>
    /// <param name="statistics">Sums over loops.</param>
    public InfoCommand(ServerParts parts, ServerStatistics statistics)
    {
        var sections = new InfoSections(parts, statistics);
        var figures = new InfoFigures(parts, statistics);
        _sections =
        [
            ("server", true, sections.Server),
            ("clients", true, sections.Clients),
            ("memory", true, new InfoMemory(parts, statistics).Memory),
            ("persistence", true, sections.Persistence),
            ("stats", true, figures.Stats),
            ("replication", true, sections.Replication),
            ("cpu", true, sections.Cpu),
            ("modules", true, sections.Modules),
            ("commandstats", false, figures.CommandStats),
            ("errorstats", true, figures.ErrorStats),
            ("latencystats", false, figures.LatencyStats),
            ("cluster", true, sections.Cluster),
            ("keyspace", true, figures.Keyspace),
        ];
        _keySizes = new InfoKeySizes(parts.Sizes);
        _debug = figures.Debug;
    }

    /// <summary>The family's commands.</summary>
    public IEnumerable<CommandSpec> All() =>
    [
        new("info", -1, Info)
        {
            Flags = CommandFlags.Loading | CommandFlags.Stale,
            Categories = AclCategories.Dangerous,
            Locks = LockScope.Quiesced,
            Syntax = "[section:string...]",
            Summary = "Returns figures of the server.",
            Since = "1.0.0",
            Complexity = "O(1)",
            Group = "server",
            History = [("7.0.0", "Added support for taking multiple section arguments.")],
            Tips = ["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
        },
    ];

    private void Info(ref Call call)
    {
        var wantsAll = false;
        var wantsDefault = call.Args.Count == 1;
        HashSet<string> named = new(StringComparer.OrdinalIgnoreCase);
        for (var i = 1; i < call.Args.Count; i++)
        {
            if (call.Is(i, "ALL"u8) || call.Is(i, "EVERYTHING"u8)) wantsAll = true;
            else if (call.Is(i, "DEFAULT"u8)) wantsDefault = true;
            else if (call.Args[i].Length <= MaxSectionBytes) named.Add(Encoding.Latin1.GetString(call.Args[i]));
        }

        var text = new InfoText();
        foreach (var (name, isDefault, write) in _sections)
        {
            if (wantsAll || (wantsDefault && isDefault) || named.Contains(name)) write(text);
        }

        if (named.Contains("debug")) _debug(text);
        var isNamed = named.Contains(KeySizes);
        var mayWait = isNamed && call.Caller.MayWait;
        if (mayWait && _keySizes.MustWait())
        {
            _keySizes.ReplyLater(call.Client(), text);
            return;
        }

        if (wantsAll || isNamed) _keySizes.Write(text, isFresh: mayWait);
        call.Reply.Verbatim("txt"u8, text.ToBytes());
    }
}
