// CLIENT PAUSE, UNPAUSE and UNBLOCK: making clients wait, and ending their waiting.
//
// All of them run while all loops stand still: when PAUSE answers, no command that it stops is under way; and whom
// UNBLOCK finds blocked is not being served at the same moment.
// Source: Redis 7.2 documentation, "CLIENT PAUSE", "CLIENT UNPAUSE", "CLIENT UNBLOCK".

using Millrace.Commands;
using Millrace.Net;
using Millrace.Resp;
using static Millrace.Commands.CommandFlags;

namespace Millrace.Server.Connections;

/// <summary>The subcommands of CLIENT that are about waiting.</summary>
internal sealed class ClientWaiting(ClientRegistry registry, ClientPause pause)
{
    private const CommandFlags Usual = Admin | NoScript | Loading | Stale;

    private LoopTimer?[] _timers = []; // by loop: the one that ends a pause which was asked for there

    /// <summary>CLIENT PAUSE.</summary>
    public CommandSpec PauseSpec() => new("pause", -3, Pause)
    {
        Flags = Usual,
        Categories = AclCategories.Connection,
        Locks = LockScope.Quiesced,
        Syntax = "timeout:integer [WRITE | ALL]",
        Summary = "Lets commands of clients wait for some time.",
        Since = "2.9.50",
        Complexity = "O(1)",
        Group = "connection",
        History = [("6.2.0", "`CLIENT PAUSE WRITE` mode added along with the `mode` option.")],
    };

    /// <summary>CLIENT UNBLOCK.</summary>
    public CommandSpec UnblockSpec() => new("unblock", -3, Unblock)
    {
        Flags = Usual,
        Categories = AclCategories.Connection,
        Locks = LockScope.Quiesced,
        Syntax = "client-id:integer [TIMEOUT | ERROR]",
        Summary = "Ends the waiting of a client in a blocking command.",
        Since = "5.0.0",
        Complexity = "O(log N) where N is the number of client connections",
        Group = "connection",
    };

    /// <summary>CLIENT UNPAUSE.</summary>
    public CommandSpec UnpauseSpec() => new("unpause", 2, Unpause)
    {
        Flags = Usual,
        Categories = AclCategories.Connection,
        Locks = LockScope.Quiesced,
        Summary = "Lets the commands of clients go on that CLIENT PAUSE made wait.",
        Since = "6.2.0",
        Complexity = "O(N) Where N is the number of paused clients",
        Group = "connection",
    };

    private void Pause(ref Call call)
    {
        var stopsAll = call.Args.Count != 4 || !call.Is(3, "WRITE"u8);
        if (call.Args.Count == 4 && stopsAll && !call.Is(3, "ALL"u8))
        {
            call.Reply.Error("ERR CLIENT PAUSE mode must be WRITE or ALL"u8);
            return;
        }

        var loop = call.Client().Connection.Loop;
        var nowMs = loop.UnixMs;
        if (!Numbers.TryParseInt64(call.Args[2], out var timeoutMs))
        {
            call.Reply.Error("ERR timeout is not an integer or out of range"u8);
        }
        else if (timeoutMs < 0)
        {
            call.Reply.Error("ERR timeout is negative"u8);
        }
        else if (timeoutMs > long.MaxValue - nowMs)
        {
            call.Reply.Error("ERR timeout is out of range"u8);
        }
        else
        {
            call.Reply.Ok();
            if (timeoutMs == 0) return;
            var untilMs = pause.Begin(stopsAll, nowMs + timeoutMs);
            TimerOf(loop).Start(untilMs - nowMs);
        }
    }

    // All loops stand still when this is asked for.
    private LoopTimer TimerOf(EventLoop loop)
    {
        if (_timers.Length <= loop.Index) Array.Resize(ref _timers, loop.Index + 1);
        return _timers[loop.Index] ??= loop.CreateTimer(EndIfOver);
    }

    // The timer counts by a clock of its own, which may be ahead of the other.
    private void EndIfOver(LoopTimer timer)
    {
        var leftMs = pause.EndIfOver(timer.Loop.UnixMs);
        if (leftMs > 0) timer.Start(leftMs);
    }

    private void Unblock(ref Call call)
    {
        var isError = call.Args.Count == 4 && call.Is(3, "ERROR"u8);
        if (call.Args.Count == 4 && !isError && !call.Is(3, "TIMEOUT"u8))
        {
            call.Reply.Error("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR"u8);
            return;
        }

        if (!call.TryInteger(2, out var id)) return;
        call.Reply.Integer(registry.Find(id)?.TryUnblock(isError) == true ? 1 : 0);
    }

    private void Unpause(ref Call call)
    {
        pause.End();
        call.Reply.Ok();
    }
}
