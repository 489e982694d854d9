// BGREWRITEAOF and WAITAOF.
//
// WAITAOF waits for the disk, not for a timer: the journal tells when an fsync has covered what the client has written
// or read. No replica can come yet: whoever wants one waits for the whole time, as in WAIT.
// Source: Redis 7.2 documentation, "BGREWRITEAOF" and "WAITAOF"; replies of redis-server 7.0.15; the Tcl suite.

using Millrace.Commands;
using Millrace.Resp;
using static Millrace.Commands.CommandFlags;

namespace Millrace.Server.Persistence;

/// <summary>The commands on the append-only file.</summary>
/// <param name="file">The append-only file.</param>
public sealed class AofCommands(AppendOnly file)
{
    /// <summary>What a client is answered that waits for an append-only file which there is not.</summary>
    internal static ReadOnlySpan<byte> IsOff =>
        "-ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.\r\n"u8;

    /// <summary>The family's commands.</summary>
    public IEnumerable<CommandSpec> All() =>
    [
        new("bgrewriteaof", 1, BgRewriteAof)
        {
            Flags = Admin | NoScript | NoAsyncLoading,
            Summary = "Writes the append-only file anew, in the background.",
            Since = "1.0.0",
            Complexity = "O(1)",
            Group = "server",
        },
        new("waitaof", 4, WaitAof)
        {
            Flags = CommandFlags.Blocking,
            Categories = AclCategories.Connection,
            Syntax = "numlocal:integer numreplicas:integer timeout:integer",
            Summary = "Waits until the connection's writes are on the disk, here and at replicas.",
            Since = "7.2.0",
            Complexity = "O(1)",
            Group = "generic",
            Tips = ["request_policy:all_shards", "response_policy:agg_min"],
        },
    ];

    private void BgRewriteAof(ref Call call)
    {
        switch (file.Rewrite.TryBegin())
        {
            case RewriteStart.Begun:
                call.Reply.Simple("Background append only file rewriting started"u8);
                break;
            case RewriteStart.Scheduled:
                call.Reply.Simple("Background append only file rewriting scheduled"u8);
                break;
            default:
                call.Reply.Error("ERR Background append only file rewriting already in progress"u8);
                break;
        }
    }

    private void WaitAof(ref Call call)
    {
        if (!call.TryInteger(1, out var local)) return;
        if (local is < 0 or > 1)
        {
            call.Reply.Error("ERR value is out of range, value must between 0 and 1"u8);
            return;
        }

        if (!call.TryPositive(2, out var replicas)) return;
        if (!Numbers.TryParseInt64(call.Args[3], out var timeoutMs))
        {
            call.Reply.Error("ERR timeout is not an integer or out of range"u8);
            return;
        }

        if (timeoutMs < 0)
        {
            call.Reply.Error("ERR timeout is negative"u8);
            return;
        }

        if (local > 0 && !file.IsOn)
        {
            call.Reply.Error(IsOff[1..^2]);
            return;
        }

        Wait(call, local, replicas, timeoutMs);
    }

    private void Wait(in Call call, long local, long replicas, long timeoutMs)
    {
        var client = call.Client();
        var position = Math.Max(client.Connection.Output.HeldTo, client.Executor?.ReadPosition ?? 0);
        var journal = file.Journal;
        var isSynced = journal is not null && journal.IsSynced(position);
        if (!client.MayWait || ((local == 0 || isSynced) && replicas == 0))
        {
            call.Reply.Array(2);
            call.Reply.Integer(isSynced ? 1 : 0);
            call.Reply.Integer(0);
            return;
        }

        byte[] late = [.. isSynced ? "*2\r\n:1\r\n:0\r\n"u8 : "*2\r\n:0\r\n:0\r\n"u8];
        client.ReplyLater(timeoutMs, late);
        if (isSynced) return;
        file.Await(new SyncWait(client, position, late, endsWait: local > 0 && replicas == 0));
    }
}
