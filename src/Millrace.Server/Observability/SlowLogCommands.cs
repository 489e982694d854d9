// SLOWLOG: the commands that took long.
//
// Source: Redis 7.2 documentation, "SLOWLOG GET" and its kin.

using System.Text;
using Millrace.Commands;
using Millrace.Resp;
using static Millrace.Commands.CommandFlags;

namespace Millrace.Server.Observability;

/// <summary>The SLOWLOG family.</summary>
public sealed class SlowLogCommands(SlowLog log)
{
    private const CommandFlags Usual = Admin | Loading | Stale;
    private const int DefaultCount = 10;

    private readonly SlowLog _log = log;

    /// <summary>The family's commands.</summary>
    public IEnumerable<CommandSpec> All() =>
    [
        new("slowlog", -2, null)
        {
            Summary = "A container for slow log commands.",
            Since = "2.2.12",
            Complexity = "Depends on subcommand.",
            Group = "server",
            Subcommands =
            [
                new("get", -2, Get)
                {
                    Flags = Usual,
                    Syntax = "[count:integer]",
                    Summary = "Returns entries of the slow log, newest first.",
                    Since = "2.2.12",
                    Complexity = "O(N) where N is the number of entries returned",
                    Group = "server",
                    History = [("4.0.0", "Added client IP address, port and name to the reply.")],
                    Tips = ["request_policy:all_nodes", "nondeterministic_output"],
                },
                new("help", 2, Help)
                {
                    Flags = Loading | Stale,
                    Summary = "Returns a short text about the subcommands.",
                    Since = "6.2.0",
                    Complexity = "O(1)",
                    Group = "server",
                },
                new("len", 2, Len)
                {
                    Flags = Usual,
                    Summary = "Returns the number of entries in the slow log.",
                    Since = "2.2.12",
                    Complexity = "O(1)",
                    Group = "server",
                    Tips = ["request_policy:all_nodes", "response_policy:agg_sum", "nondeterministic_output"],
                },
                new("reset", 2, Reset)
                {
                    Flags = Usual,
                    Summary = "Removes all entries of the slow log.",
                    Since = "2.2.12",
                    Complexity = "O(N) where N is the number of entries in the slowlog",
                    Group = "server",
                    Tips = ["request_policy:all_nodes", "response_policy:all_succeeded"],
                },
            ],
        },
    ];

    private void Get(ref Call call)
    {
        long count = DefaultCount;
        if (call.Args.Count > 3)
        {
            ErrorTexts.WriteSubcommandSyntax(call.Reply, call.Args[1], "SLOWLOG"u8);
            return;
        }

        if (call.Args.Count == 3 && (!Numbers.TryParseInt64(call.Args[2], out count) || count < -1))
        {
            call.Reply.Error("ERR count should be greater than or equal to -1"u8);
            return;
        }

        var entries = _log.Newest(count == -1 ? long.MaxValue : count);
        call.Reply.Array(entries.Length);
        foreach (var entry in entries) Write(call.Reply, entry);
    }

    private static void Help(ref Call call) => HelpText.Write(
        call.Reply,
        "SLOWLOG",
        [
            "GET [<count>]",
            "The newest <count> entries (default: 10, -1 means all). An entry has:\n"
            + "id, time, duration in microseconds, arguments, client's address, client's name",
            "LEN", "The number of entries.",
            "RESET", "Remove all entries.",
        ]);

    private void Len(ref Call call) => call.Reply.Integer(_log.Length);

    private void Reset(ref Call call)
    {
        _log.Reset();
        call.Reply.Ok();
    }

    private static void Write(ReplyWriter reply, SlowLogEntry entry)
    {
        reply.Array(6);
        reply.Integer(entry.Id);
        reply.Integer(entry.UnixSeconds);
        reply.Integer(entry.Microseconds);
        reply.Array(entry.Arguments.Length);
        foreach (var argument in entry.Arguments) reply.Bulk(argument);
        reply.Bulk(Encoding.UTF8.GetBytes(entry.Address));
        reply.Bulk(Encoding.UTF8.GetBytes(entry.ClientName));
    }
}
