// What a server without replicas, cluster, modules and functions must still answer, since clients and tools ask it.
//
// ROLE, WAIT, REPLICAOF NO ONE: it is a master that nobody follows. READONLY, READWRITE, ASKING, CLUSTER: clusters are
// not enabled; the subcommands are listed so that their arity is checked and COMMAND shows them, as with Redis. MODULE
// LIST and FUNCTION: there are none.
// Source: Redis 7.2 documentation, groups "server", "cluster" and "scripting".

using Millrace.Commands;
using Millrace.Resp;
using Millrace.Server.Effects;
using static Millrace.Commands.CommandFlags;

namespace Millrace.Server.Observability;

/// <summary>The commands of features that the server has not, as far as they have an answer without them.</summary>
/// <param name="log">The stream of effects, whose position is the replication offset.</param>
public sealed class LoneServerCommands(EffectLog log)
{
    private static readonly string[] ToAllShards = ["request_policy:all_shards", "response_policy:all_succeeded"];

    private readonly EffectLog _log = log;

    // Version 10 of the format, which 7.0 and all later servers restore, and its CRC-64: an empty set of libraries.
    private static ReadOnlySpan<byte> NoFunctions => [0x0A, 0x00, 0x5D, 0x9B, 0x5C, 0x40, 0x0F, 0x7F, 0xA2, 0xDA];

    /// <summary>The family's commands.</summary>
    public IEnumerable<CommandSpec> All() =>
    [
        new("asking", 1, NoCluster)
        {
            Flags = Fast,
            Categories = AclCategories.Connection,
            Summary = "Lets the next command use a slot that is being imported.",
            Since = "3.0.0",
            Complexity = "O(1)",
            Group = "cluster",
        },
        new("cluster", -2, null)
        {
            Summary = "A container for Redis Cluster commands.",
            Since = "3.0.0",
            Complexity = "Depends on subcommand.",
            Group = "cluster",
            Subcommands = ClusterSubcommands.All(NoCluster),
        },
        FunctionContainer(),
        ModuleContainer(),
        new("readonly", 1, NoCluster)
        {
            Flags = Loading | Stale | Fast,
            Categories = AclCategories.Connection,
            Summary = "Lets the connection read from a replica of a cluster.",
            Since = "3.0.0",
            Complexity = "O(1)",
            Group = "cluster",
        },
        new("readwrite", 1, NoCluster)
        {
            Flags = Loading | Stale | Fast,
            Categories = AclCategories.Connection,
            Summary = "Sends the connection's reads to the masters of a cluster again.",
            Since = "3.0.0",
            Complexity = "O(1)",
            Group = "cluster",
        },
        ReplicaOfSpec("replicaof", "5.0.0", null, null),
        new("role", 1, Role)
        {
            Flags = NoScript | Loading | Stale | Fast,
            Categories = AclCategories.Admin | AclCategories.Dangerous,
            Summary = "Returns the server's part in replication.",
            Since = "2.8.12",
            Complexity = "O(1)",
            Group = "server",
        },
        ReplicaOfSpec("slaveof", "1.0.0", "5.0.0", "`REPLICAOF`"),
        new("wait", 3, Wait)
        {
            Flags = NoScript,
            Categories = AclCategories.Connection,
            Syntax = "numreplicas:integer timeout:integer",
            Summary = "Waits until replicas have the connection's writes.",
            Since = "3.0.0",
            Complexity = "O(1)",
            Group = "generic",
            Tips = ["request_policy:all_shards", "response_policy:agg_min"],
        },
    ];

    private static CommandSpec FunctionContainer() => new("function", -2, null)
    {
        Summary = "A container for function commands.",
        Since = "7.0.0",
        Complexity = "Depends on subcommand.",
        Group = "scripting",
        Subcommands =
        [
            Function("dump", 2, FunctionDump, NoScript, "O(N) where N is the number of functions",
                "Returns all libraries in one payload."),
            Function(
                "flush", -2, FunctionFlush, Write | NoScript, "O(N) where N is the number of functions deleted",
                "Deletes all libraries.", "[ASYNC | SYNC]", ToAllShards),
            Function("help", 2, FunctionHelp, Loading | Stale, "O(1)",
                "Returns a short text about the subcommands."),
            Function(
                "list", -2, FunctionList, NoScript, "O(N) where N is the number of functions",
                "Returns what is known of all libraries.",
                "[LIBRARYNAME library-name-pattern:string] [WITHCODE]", ["nondeterministic_output_order"]),
            Function(
                "stats", 2, FunctionStats, NoScript | AllowBusy, "O(1)",
                "Returns which function runs, and how many there are.",
                "", ["nondeterministic_output", "request_policy:all_shards", "response_policy:special"]),
        ],
    };

    private static CommandSpec ModuleContainer() => new("module", -2, null)
    {
        Summary = "A container for module commands.",
        Since = "4.0.0",
        Complexity = "Depends on subcommand.",
        Group = "server",
        Subcommands =
        [
            new("help", 2, ModuleHelp)
            {
                Flags = Loading | Stale,
                Summary = "Returns a short text about the subcommands.",
                Since = "5.0.0",
                Complexity = "O(1)",
                Group = "server",
            },
            new("list", 2, ModuleList)
            {
                Flags = Admin | NoScript,
                Summary = "Returns the modules that are loaded.",
                Since = "4.0.0",
                Complexity = "O(N) where N is the number of loaded modules.",
                Group = "server",
                Tips = ["nondeterministic_output_order"],
            },
        ],
    };

    private static CommandSpec Function(
        string name, int arity, CommandHandler handler, CommandFlags flags, string complexity, string summary,
        string syntax = "", string[]? tips = null) =>
        new(name, arity, handler)
        {
            Flags = flags,
            Categories = AclCategories.Scripting,
            Syntax = syntax,
            Summary = summary,
            Since = "7.0.0",
            Complexity = complexity,
            Group = "scripting",
            Tips = tips ?? [],
        };

    private static CommandSpec ReplicaOfSpec(string name, string since, string? deprecatedSince, string? replacedBy) =>
        new(name, 3, ReplicaOf)
        {
            Flags = Admin | NoScript | Stale | NoAsyncLoading,
            Syntax = "((host:string port:integer) | (NO ONE))",
            Summary = "Makes the server a replica of another one, or a master.",
            Since = since,
            Complexity = "O(1)",
            Group = "server",
            DeprecatedSince = deprecatedSince,
            ReplacedBy = replacedBy,
        };

    private static void NoCluster(ref Call call) =>
        call.Reply.Error("ERR This instance has cluster support disabled"u8);

    private static void FunctionDump(ref Call call) => call.Reply.Bulk(NoFunctions);

    private static void FunctionFlush(ref Call call)
    {
        if (call.Args.Count > 3)
        {
            ErrorTexts.WriteSubcommandSyntax(call.Reply, call.Args[1], "FUNCTION"u8);
        }
        else if (call.Args.Count == 3 && !call.Is(2, "SYNC"u8) && !call.Is(2, "ASYNC"u8))
        {
            call.Reply.Error("ERR FUNCTION FLUSH only supports SYNC|ASYNC option"u8);
        }
        else
        {
            call.Reply.Ok();
        }
    }

    private static void FunctionHelp(ref Call call) => HelpText.Write(
        call.Reply,
        "FUNCTION",
        [
            "DUMP", "All libraries in one payload.",
            "FLUSH [ASYNC|SYNC]", "Delete all libraries.",
            "LIST [LIBRARYNAME <pattern>] [WITHCODE]", "What is known of all libraries.",
            "STATS", "Which function runs, and how many there are.",
        ]);

    private static void FunctionList(ref Call call)
    {
        var (isNamed, hasCode) = (false, false);
        for (var i = 2; i < call.Args.Count; i++)
        {
            if (!hasCode && call.Is(i, "WITHCODE"u8))
            {
                hasCode = true;
            }
            else if (!isNamed && call.Is(i, "LIBRARYNAME"u8))
            {
                isNamed = true;
                if (++i < call.Args.Count) continue;
                call.Reply.Error("ERR library name argument was not given"u8);
                return;
            }
            else
            {
                ErrorTexts.WriteQuoting(
                    call.Reply, "ERR Unknown argument "u8, call.Args[i], default, trims: false);
                return;
            }
        }

        call.Reply.Array(0);
    }

    private static void FunctionStats(ref Call call)
    {
        call.Reply.Map(2);
        call.Reply.Bulk("running_script"u8);
        call.Reply.Null();
        call.Reply.Bulk("engines"u8);
        call.Reply.Map(1);
        call.Reply.Bulk("LUA"u8);
        call.Reply.Map(2);
        call.Reply.Bulk("libraries_count"u8);
        call.Reply.Integer(0);
        call.Reply.Bulk("functions_count"u8);
        call.Reply.Integer(0);
    }

    private static void ModuleHelp(ref Call call) =>
        HelpText.Write(call.Reply, "MODULE", ["LIST", "The modules that are loaded."]);

    private static void ModuleList(ref Call call) => call.Reply.Array(0);

    private static void ReplicaOf(ref Call call)
    {
        if (call.Is(1, "NO"u8) && call.Is(2, "ONE"u8))
        {
            call.Reply.Ok();
        }
        else if (!Numbers.TryParseInt64(call.Args[2], out var port) || port is < 0 or > ushort.MaxValue)
        {
            call.Reply.Error("ERR Invalid master port"u8);
        }
        else
        {
            call.Reply.Error("ERR REPLICAOF is refused: this version cannot follow another server. REPLICAOF NO "u8
                + "ONE is accepted."u8);
        }
    }

    private void Role(ref Call call)
    {
        call.Reply.Array(3);
        call.Reply.Bulk("master"u8);
        call.Reply.Integer(_log.Position);
        call.Reply.Array(0);
    }

    // No replica can come: whoever wants one waits for the whole time and gets 0.
    private static void Wait(ref Call call)
    {
        if (!call.TryInteger(1, out var replicas)) return;
        var isNumber = Numbers.TryParseInt64(call.Args[2], out var timeoutMs);
        if (!isNumber) call.Reply.Error("ERR timeout is not an integer or out of range"u8);
        else if (timeoutMs < 0) call.Reply.Error("ERR timeout is negative"u8);
        else if (replicas <= 0 || !call.Caller.MayWait) call.Reply.Integer(0);
        else call.Client().ReplyLater(timeoutMs, ":0\r\n"u8.ToArray());
    }
}
