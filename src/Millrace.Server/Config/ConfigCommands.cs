// CONFIG GET, SET, REWRITE, RESETSTAT and HELP.
//
// GET reads the values in force. SET runs while all other loops stand still, so that every loop sees the old settings
// up to one unit and the new ones from the next. REWRITE writes a small file and waits for the disk, as it does in
// Redis; it holds nothing, so that the other loops go on. A SET waits until it is done: two that run at the same time
// therefore write the same values.

using Millrace.Commands;
using Millrace.Resp;
using Millrace.Server.Logging;
using Millrace.Server.Persistence;

namespace Millrace.Server.Config;

/// <summary>The CONFIG family.</summary>
public sealed class ConfigCommands
{
    private const CommandFlags Usual =
        CommandFlags.Admin | CommandFlags.NoScript | CommandFlags.Loading | CommandFlags.Stale;

    // What an error quotes of a name. No directive has so long a one, so a name that is cut is unknown.
    private const int MaxNameBytes = 128;

    private static readonly string[] ToAllNodes = ["request_policy:all_nodes", "response_policy:all_succeeded"];

    private readonly Configuration _configuration;
    private readonly Log _journal;
    private readonly LoadingState _loading;
    private readonly Action _resetStatistics;

    /// <summary>The family over a configuration.</summary>
    /// <param name="configuration">The configuration of the server.</param>
    /// <param name="journal">Where it is logged that the file was rewritten.</param>
    /// <param name="loading">Says whether data is being loaded.</param>
    /// <param name="resetStatistics">Sets the counters of INFO to zero; called while all loops stand still.</param>
    public ConfigCommands(Configuration configuration, Log journal, LoadingState loading, Action resetStatistics)
    {
        _loading = loading;
        _configuration = configuration;
        _journal = journal;
        _resetStatistics = resetStatistics;
    }

    /// <summary>The commands of the family.</summary>
    public IEnumerable<CommandSpec> All() =>
    [
        new("config", -2, null)
        {
            Summary = "A container for server configuration commands.",
            Since = "2.0.0",
            Complexity = "Depends on subcommand.",
            Group = "server",
            Subcommands =
            [
                new("get", -3, Get)
                {
                    Flags = Usual,
                    Syntax = "parameter:string...",
                    Summary = "Returns the effective values of configuration parameters.",
                    Since = "2.0.0",
                    Complexity = "O(N) when N is the number of configuration parameters provided",
                    Group = "server",
                    History = [("7.0.0", "Added the ability to pass multiple pattern parameters in one call")],
                },
                new("set", -4, Set)
                {
                    Flags = Usual,
                    Locks = LockScope.Quiesced,
                    Secrets = IsSecret,
                    Syntax = "(parameter:string value:string)...",
                    Summary = "Sets configuration parameters in-flight.",
                    Since = "2.0.0",
                    Complexity = "O(N) when N is the number of configuration parameters provided",
                    Group = "server",
                    History = [("7.0.0", "Added the ability to set multiple parameters in one call.")],
                    Tips = ToAllNodes,
                },
                new("resetstat", 2, ResetStat)
                {
                    Flags = Usual,
                    Locks = LockScope.Quiesced,
                    Summary = "Resets the server's statistics.",
                    Since = "2.0.0",
                    Complexity = "O(1)",
                    Group = "server",
                    Tips = ToAllNodes,
                },
                new("rewrite", 2, Rewrite)
                {
                    Flags = Usual,
                    Summary = "Persists the effective configuration to file.",
                    Since = "2.8.0",
                    Complexity = "O(1)",
                    Group = "server",
                },
                new("help", 2, Help)
                {
                    Flags = CommandFlags.Loading | CommandFlags.Stale,
                    Summary = "Returns helpful text about the different subcommands.",
                    Since = "5.0.0",
                    Complexity = "O(1)",
                    Group = "server",
                },
            ],
        },
    ];

    // The value of a directive that is secret: CONFIG SET name value name value ...
    private bool IsSecret(Args args, int index)
    {
        if (index < 3 || (index & 1) == 0) return false;
        var name = args[index - 1];
        return name.Length <= MaxNameBytes
            && _configuration.Values.Table.Find(ConfigText.FromBytes(name)) is { IsSensitive: true };
    }

    private void Get(ref Call call)
    {
        string[] patterns = new string[call.Args.Count - 2];
        for (int i = 0; i < patterns.Length; i++) patterns[i] = ConfigText.FromBytes(call.Args[i + 2]);
        IReadOnlyList<KeyValuePair<string, string>> answers = _configuration.Get(patterns);
        call.Reply.Map(answers.Count);
        foreach ((string name, string value) in answers)
        {
            call.Reply.Bulk(ConfigText.ToBytes(name));
            call.Reply.Bulk(ConfigText.ToBytes(value));
        }
    }

    private void Set(ref Call call)
    {
        int words = call.Args.Count - 2;
        if ((words & 1) != 0)
        {
            call.Reply.Error(ErrorTexts.Syntax);
            return;
        }

        var pairs = new KeyValuePair<string, string>[words / 2];
        for (int i = 0; i < pairs.Length; i++)
        {
            ReadOnlySpan<byte> name = call.Args[(2 * i) + 2];
            name = name[..Math.Min(name.Length, MaxNameBytes)];
            pairs[i] = new(ConfigText.FromBytes(name), ConfigText.FromBytes(call.Args[(2 * i) + 3]));
        }

        string? error = _configuration.Set(pairs, IsLocal(call.Caller), _loading.IsLoading);
        if (error is null) call.Reply.Ok();
        else call.Reply.Error(ConfigText.ToBytes(error));
    }

    private void ResetStat(ref Call call)
    {
        _resetStatistics();
        call.Reply.Ok();
    }

    private void Rewrite(ref Call call)
    {
        if (_configuration.FilePath is null)
        {
            call.Reply.Error("ERR The server is running without a config file"u8);
            return;
        }

        if (ConfigRewrite.ToDisk(_configuration, everything: false) is { } reason)
        {
            _journal.Warning($"CONFIG REWRITE failed: {reason}");
            call.Reply.Error(ConfigText.ToBytes(ConfigText.FromString($"ERR Rewriting config file: {reason}")));
            return;
        }

        _journal.Notice("CONFIG REWRITE executed with success.");
        call.Reply.Ok();
    }

    private static void Help(ref Call call)
    {
        string[] lines =
        [
            "CONFIG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
            "GET <pattern>",
            "    Return parameters matching the glob-like <pattern> and their values.",
            "SET <directive> <value>",
            "    Set the configuration <directive> to <value>.",
            "RESETSTAT",
            "    Reset statistics reported by the INFO command.",
            "REWRITE",
            "    Rewrite the configuration file.",
            "HELP",
            "    Prints this help.",
        ];
        call.Reply.Array(lines.Length);
        foreach (string line in lines) call.Reply.Simple(ConfigText.ToBytes(line));
    }

    private static bool IsLocal(Caller caller) =>
        caller is Client { Connection: { IsUnixSocket: true } or { IsLoopback: true } };
}
