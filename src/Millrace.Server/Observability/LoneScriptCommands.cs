// Scripts and MIGRATE on a server that runs no scripts and sends no keys.
//
// The commands are listed, so that COMMAND finds the keys of a request that a proxy or a client has to route, and each
// says what is true: no script is in the cache, no function was loaded, none runs. What would have to run or to load
// one, and MIGRATE, is refused with a sentence.
// Source: Redis 7.2 documentation, groups "scripting" and "generic".

using Millrace.Commands;
using static Millrace.Commands.CommandFlags;

namespace Millrace.Server.Observability;

/// <summary>EVAL, FCALL, SCRIPT and MIGRATE as far as they have an answer without a machine that runs
/// scripts.</summary>
public static class LoneScriptCommands
{
    private const CommandFlags Running = NoScript | Stale | SkipMonitor | NoMandatoryKeys;
    private const KeyFlags Any = KeyFlags.RW | KeyFlags.Access | KeyFlags.Update;
    private const KeyFlags Reading = KeyFlags.RO | KeyFlags.Access;
    private const string Worst = "We cannot tell how the keys will be used so we assume the worst, ";
    private const string WorstOfAny = Worst + "RW and UPDATE";
    private const string WorstOfReading = Worst + "RO and ACCESS";

    /// <summary>The family's commands.</summary>
    public static CommandSpec[] Table =>
    [
        Run("eval", Eval, "2.6.0", Any, WorstOfAny, "script:string", "Runs a script."),
        Run("eval_ro", Eval, "7.0.0", Reading, WorstOfReading, "script:string", "Runs a script that only reads."),
        Run("evalsha", EvalSha, "2.6.0", Any, null, "sha1:string", "Runs a script of the cache."),
        Run("evalsha_ro", EvalSha, "7.0.0", Reading, null, "sha1:string", "Runs a script of the cache that reads."),
        Run("fcall", FCall, "7.0.0", Any, WorstOfAny, "function:string", "Runs a function."),
        Run("fcall_ro", FCall, "7.0.0", Reading, WorstOfReading, "function:string", "Runs a function that only reads."),
        new("migrate", -6, Migrate)
        {
            Flags = Write,
            Categories = AclCategories.Keyspace | AclCategories.Dangerous,
            Keys =
            [
                KeySpec.One(KeyFlags.RW | KeyFlags.Access | KeyFlags.Delete, 3),
                new KeySpec
                {
                    Flags = KeyFlags.RW | KeyFlags.Access | KeyFlags.Delete | KeyFlags.Incomplete,
                    Keyword = "KEYS",
                    KeywordFrom = -2,
                    LastKey = -1,
                },
            ],
            Syntax = "host:string port:integer key destination-db:integer timeout:integer [COPY] [REPLACE] "
                + "[AUTH password:string | AUTH2 username:string password:string] [KEYS key...]",
            Summary = "Moves keys to another server.",
            Since = "2.6.0",
            Complexity = "O(N) where N is the size of the values.",
            Group = "generic",
            History =
            [
                ("3.0.0", "Added the `COPY` and `REPLACE` options."),
                ("3.0.6", "Added the `KEYS` option."),
                ("4.0.7", "Added the `AUTH` option."),
                ("6.0.0", "Added the `AUTH2` option."),
            ],
            Tips = ["nondeterministic_output"],
        },
        new("script", -2, null)
        {
            Summary = "A container for commands on the cache of scripts.",
            Since = "2.6.0",
            Complexity = "Depends on subcommand.",
            Group = "scripting",
            Subcommands = ScriptSubcommands(),
        },
    ];

    private static CommandSpec Run(
        string name, CommandHandler handler, string since, KeyFlags keys, string? notes, string what,
        string summary) => new(name, -3, handler)
        {
            Flags = (keys & KeyFlags.RO) != 0 ? Running | ReadOnly : Running,
            Categories = AclCategories.Scripting,
            Keys = [KeySpec.Counted(keys, 2) with { Notes = notes }],
            Syntax = what + " numkeys:integer [key...] [arg:string...]",
            Summary = summary,
            Since = since,
            Complexity = "Depends on the script that is executed.",
            Group = "scripting",
        };

    private static CommandSpec[] ScriptSubcommands() =>
    [
        Script("debug", 3, Debug, NoScript, "3.2.0", "O(1)", "Sets how scripts are debugged.", "(YES | SYNC | NO)"),
        Script(
            "exists", -3, Exists, NoScript, "2.6.0", "O(N) where N is the number of scripts to check",
            "Tells which scripts are in the cache.", "sha1:string...",
            ["request_policy:all_shards", "response_policy:agg_logical_and"]),
        Script(
            "flush", -2, Flush, NoScript, "2.6.0", "O(N) where N is the number of scripts in the cache",
            "Empties the cache.", "[ASYNC | SYNC]", ["request_policy:all_nodes", "response_policy:all_succeeded"],
            [("6.2.0", "Added the `ASYNC` and `SYNC` flushing mode modifiers.")]),
        Script("help", 2, Help, Loading | Stale, "5.0.0", "O(1)", "Returns a short text about the subcommands."),
        Script(
            "kill", 2, Kill, NoScript | AllowBusy, "2.6.0", "O(1)", "Ends the script that runs.", "",
            ["request_policy:all_shards", "response_policy:one_succeeded"]),
        Script(
            "load", 3, Load, NoScript | Stale, "2.6.0", "O(N) where N is the length of the script",
            "Puts a script into the cache.", "script:string",
            ["request_policy:all_nodes", "response_policy:all_succeeded"]),
    ];

    private static CommandSpec Script(
        string name, int arity, CommandHandler handler, CommandFlags flags, string since, string complexity,
        string summary, string syntax = "", string[]? tips = null, (string Version, string Change)[]? history = null) =>
        new(name, arity, handler)
        {
            Flags = flags,
            Categories = AclCategories.Scripting,
            Syntax = syntax,
            Summary = summary,
            Since = since,
            Complexity = complexity,
            Group = "scripting",
            Tips = tips ?? [],
            History = history ?? [],
        };

    private static void Eval(ref Call call) =>
        call.Reply.Error("ERR EVAL is refused: this version runs no scripts."u8);

    private static void EvalSha(ref Call call) =>
        call.Reply.Error("NOSCRIPT No matching script. Please use EVAL."u8);

    private static void FCall(ref Call call) => call.Reply.Error("ERR Function not found"u8);

    private static void Migrate(ref Call call) =>
        call.Reply.Error("ERR MIGRATE is refused: this version sends no keys to other servers. DUMP and RESTORE "u8
            + "move them."u8);

    private static void Debug(ref Call call)
    {
        if (call.Is(2, "NO"u8)) call.Reply.Ok();
        else if (call.Is(2, "YES"u8) || call.Is(2, "SYNC"u8))
            call.Reply.Error("ERR SCRIPT DEBUG is refused: this version runs no scripts."u8);
        else call.Reply.Error("ERR Use SCRIPT DEBUG YES/SYNC/NO"u8);
    }

    private static void Exists(ref Call call)
    {
        call.Reply.Array(call.Args.Count - 2);
        for (var i = 2; i < call.Args.Count; i++) call.Reply.Integer(0);
    }

    private static void Flush(ref Call call)
    {
        var isKnown = call.Args.Count == 2 || (call.Args.Count == 3 && (call.Is(2, "SYNC"u8) || call.Is(2, "ASYNC"u8)));
        if (isKnown) call.Reply.Ok();
        else call.Reply.Error("ERR SCRIPT FLUSH only support SYNC|ASYNC option"u8);
    }

    private static void Help(ref Call call) => HelpText.Write(
        call.Reply,
        "SCRIPT",
        [
            "DEBUG (YES|SYNC|NO)", "How scripts are debugged.",
            "EXISTS <sha1> [<sha1> ...]", "Which scripts are in the cache.",
            "FLUSH [ASYNC|SYNC]", "Empty the cache.",
            "KILL", "End the script that runs.",
            "LOAD <script>", "Put a script into the cache.",
        ]);

    private static void Kill(ref Call call) => call.Reply.Error("NOTBUSY No scripts in execution right now."u8);

    private static void Load(ref Call call) =>
        call.Reply.Error("ERR SCRIPT LOAD is refused: this version runs no scripts."u8);
}
