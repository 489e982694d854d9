using Millrace.Commands;
using static Millrace.Commands.CommandFlags;

namespace Millrace.Server.Observability;

/// <summary>The subcommands of CLUSTER while there is no cluster: names, arities and flags, one handler for
/// all.</summary>
/// <remarks>Source: Redis 7.2 documentation, group "cluster"; flags as redis-server 7.0.15 gives them.</remarks>
internal static class ClusterSubcommands
{
    private const CommandFlags Changing = Admin | Stale | NoAsyncLoading;

    // Name, arity, flags, since, arguments, whether the reply depends on the moment.
    private static readonly Row[] Rows =
    [
        new("addslots", -3, Changing, "3.0.0", "slot:integer...", false),
        new("addslotsrange", -4, Changing, "7.0.0", "(start-slot:integer end-slot:integer)...", false),
        new("bumpepoch", 2, Changing, "3.0.0", "", true),
        new("count-failure-reports", 3, Admin | Stale, "3.0.0", "node-id:string", true),
        new("countkeysinslot", 3, Stale, "3.0.0", "slot:integer", false),
        new("delslots", -3, Changing, "3.0.0", "slot:integer...", false),
        new("delslotsrange", -4, Changing, "7.0.0", "(start-slot:integer end-slot:integer)...", false),
        new("failover", -2, Changing, "3.0.0", "[FORCE | TAKEOVER]", false),
        new("flushslots", 2, Changing, "3.0.0", "", false),
        new("forget", 3, Changing, "3.0.0", "node-id:string", false),
        new("getkeysinslot", 4, Stale, "3.0.0", "slot:integer count:integer", true),
        new("help", 2, Loading | Stale, "5.0.0", "", false),
        new("info", 2, Stale, "3.0.0", "", true),
        new("keyslot", 3, Stale, "3.0.0", "key:string", false),
        new("links", 2, Stale, "7.0.0", "", true),
        new("meet", -4, Changing, "3.0.0", "ip:string port:integer [cluster_bus_port:integer]", false),
        new("myid", 2, Stale, "3.0.0", "", false),
        new("myshardid", 2, Stale, "7.2.0", "", true),
        new("nodes", 2, Stale, "3.0.0", "", true),
        new("replicas", 3, Admin | Stale, "5.0.0", "node-id:string", true),
        new("replicate", 3, Changing, "3.0.0", "node-id:string", false),
        new("reset", -2, Admin | NoScript | Stale, "3.0.0", "[HARD | SOFT]", false),
        new("saveconfig", 2, Changing, "3.0.0", "", false),
        new("set-config-epoch", 3, Changing, "3.0.0", "config-epoch:integer", false),
        new(
            "setslot", -4, Changing, "3.0.0",
            "slot:integer (IMPORTING node-id:string | MIGRATING node-id:string | NODE node-id:string | STABLE)", false),
        new("shards", 2, Stale, "7.0.0", "", true),
        new("slaves", 3, Admin | Stale, "3.0.0", "node-id:string", true),
        new("slots", 2, Stale, "3.0.0", "", true),
    ];

    /// <summary>All of them.</summary>
    /// <param name="handler">Answers each.</param>
    public static CommandSpec[] All(CommandHandler handler) => Array.ConvertAll(Rows, row => SpecOf(row, handler));

    private static CommandSpec SpecOf(Row row, CommandHandler handler) => new(row.Name, row.Arity, handler)
    {
        Flags = row.Flags,
        Syntax = row.Syntax,
        Summary = "Works on nodes of a cluster; this server is none.",
        Since = row.Since,
        Complexity = "O(1): it is refused.",
        Group = "cluster",
        Tips = row.Varies ? ["nondeterministic_output"] : [],
        DeprecatedSince = row.Name switch { "slaves" => "5.0.0", "slots" => "7.0.0", _ => null },
        ReplacedBy = row.Name switch { "slaves" => "`CLUSTER REPLICAS`", "slots" => "`CLUSTER SHARDS`", _ => null },
    };

    private sealed record Row(string Name, int Arity, CommandFlags Flags, string Since, string Syntax, bool Varies);
}
