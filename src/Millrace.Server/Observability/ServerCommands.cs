// The server as a whole: TIME, LOLWUT, SHUTDOWN.
//
// SHUTDOWN only asks: whoever runs the server stops it, in order, from outside of the loops. The client that asked gets
// no reply but the end of its connection, as with Redis. It runs while all loops stand still, since it may save.
// Source: Redis 7.2 documentation, group "server".

using System.Text;
using Millrace.Commands;
using Millrace.Server.Config;
using Millrace.Server.Persistence;
using static Millrace.Commands.CommandFlags;

namespace Millrace.Server.Observability;

/// <summary>The family of server commands that need nothing but the server itself.</summary>
/// <param name="shutdown">The way to the server's end.</param>
/// <param name="work">Where a signal waits that asks for the end.</param>
public sealed class ServerCommands(Shutdown shutdown, PeriodicWork work)
{
    private readonly Shutdown _shutdown = shutdown;

    /// <summary>The family's commands.</summary>
    public IEnumerable<CommandSpec> All() =>
    [
        new("lolwut", -1, Lolwut)
        {
            Flags = ReadOnly | Fast,
            Syntax = "[VERSION version:integer]",
            Summary = "Draws a picture, with the version below it.",
            Since = "5.0.0",
            Complexity = "O(1)",
            Group = "server",
        },
        new("shutdown", -1, Shutdown)
        {
            Flags = Admin | NoScript | Loading | Stale | NoMulti | AllowBusy,
            Locks = LockScope.Quiesced,
            Syntax = "[NOSAVE | SAVE] [NOW] [FORCE] [ABORT]",
            Summary = "Stops the server.",
            Since = "1.0.0",
            Complexity = "O(1)",
            Group = "server",
            History = [("7.0.0", "Added the `NOW`, `FORCE` and `ABORT` modifiers.")],
        },
        new("time", 1, Time)
        {
            Flags = Loading | Stale | Fast,
            Summary = "Returns the server's clock.",
            Since = "2.6.0",
            Complexity = "O(1)",
            Group = "server",
            Tips = ["nondeterministic_output"],
        },
    ];

    // Versions 5 and 6 take sizes behind the number; ours has one size and takes them for compatibility.
    private static void Lolwut(ref Call call)
    {
        if (call.Args.Count > 2 && call.Is(1, "VERSION"u8))
        {
            for (var i = 2; i < call.Args.Count; i++)
            {
                if (!call.TryInteger(i, out _)) return;
            }
        }

        var turn = call.Unit.NextRandom() / (double)uint.MaxValue * Math.PI;
        var text = $"{Artwork.Wheel(turn)}\nRedis ver. {MillraceServer.RedisVersion}\n";
        call.Reply.Verbatim("txt"u8, Encoding.ASCII.GetBytes(text));
    }

    private void Shutdown(ref Call call)
    {
        var flags = ShutdownFlags.None;
        var isAbort = false;
        for (var i = 1; i < call.Args.Count; i++)
        {
            if (call.Is(i, "NOSAVE"u8)) flags |= ShutdownFlags.NoSave;
            else if (call.Is(i, "SAVE"u8)) flags |= ShutdownFlags.Save;
            else if (call.Is(i, "NOW"u8)) flags |= ShutdownFlags.Now;
            else if (call.Is(i, "FORCE"u8)) flags |= ShutdownFlags.Force;
            else if (call.Is(i, "ABORT"u8)) isAbort = true;
            else flags |= ShutdownFlags.Save | ShutdownFlags.NoSave;
        }

        const ShutdownFlags contradiction = ShutdownFlags.Save | ShutdownFlags.NoSave;
        if ((flags & contradiction) == contradiction || (isAbort && flags != 0))
        {
            call.Reply.Error(ErrorTexts.Syntax);
        }
        else if (isAbort)
        {
            if (work.TryAbort() && _shutdown.NoteAborted()) call.Reply.Ok();
            else call.Reply.Error("ERR No shutdown in progress."u8);
        }
        else
        {
            if (_shutdown.Saves(flags)) SaveCommands.HoldAll(call.Unit);
            if (_shutdown.TryRequest(flags, call.Unit)) call.Client().CloseAfterReplies();
            else call.Reply.Error("ERR Errors trying to SHUTDOWN. Check logs."u8);
        }
    }

    private static void Time(ref Call call)
    {
        var now = call.Client().Connection.Loop.UnixUs;
        call.Reply.Array(2);
        call.Reply.BulkInteger(now / 1_000_000);
        call.Reply.BulkInteger(now % 1_000_000);
    }
}
