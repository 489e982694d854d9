// BGSAVE, LASTSAVE and SAVE.
//
// SAVE writes while all loops stand still: nobody is served meanwhile, as with Redis, and the file is of one moment.
// BGSAVE makes all loops stand still for its cut alone, and has them write while they serve.
// Source: Redis 7.2 documentation, "BGSAVE", "SAVE" and "LASTSAVE"; replies of redis-server 7.0.15. CANCEL: the Tcl
// suite ("bgsave cancel aborts save").

using Millrace.Commands;
using Millrace.Engine;
using static Millrace.Commands.CommandFlags;

namespace Millrace.Server.Persistence;

/// <summary>The commands that save data on request.</summary>
/// <param name="snapshots">The file.</param>
/// <param name="background">Snapshots that are taken while commands go on.</param>
/// <param name="runner">Takes them, and others.</param>
public sealed class SaveCommands(Snapshots snapshots, BackgroundSaves background, SnapshotRunner runner)
{
    /// <summary>The family's commands.</summary>
    public IEnumerable<CommandSpec> All() =>
    [
        new("bgsave", -1, BgSave)
        {
            Flags = Admin | NoScript | NoAsyncLoading,
            Locks = LockScope.Quiesced,
            Syntax = "[SCHEDULE | CANCEL]",
            Summary = "Saves all data to the RDB file while commands go on.",
            Since = "1.0.0",
            Complexity = "O(1); the work is spread over time.",
            Group = "server",
            History = [("3.2.2", "Added the `SCHEDULE` option.")],
        },
        new("lastsave", 1, LastSave)
        {
            Flags = Loading | Stale | Fast,
            Categories = AclCategories.Admin | AclCategories.Dangerous,
            Summary = "Returns when data was last saved, in Unix seconds.",
            Since = "1.0.0",
            Complexity = "O(1)",
            Group = "server",
            Tips = ["nondeterministic_output"],
        },
        new("save", 1, Save)
        {
            Flags = Admin | NoScript | NoAsyncLoading | NoMulti,
            Locks = LockScope.Quiesced,
            Summary = "Saves all data to the RDB file, and answers when it is on the disk.",
            Since = "1.0.0",
            Complexity = "O(N) where N is the total number of keys in all databases",
            Group = "server",
        },
    ];

    /// <summary>Has a unit that began without partitions hold all of them: all loops stand still, so they can be had at
    /// once. In a transaction it may hold them already.</summary>
    internal static void HoldAll(Unit unit)
    {
        if (unit.Held == 0) unit.TryBegin(unit.Keyspace.AllPartitions, unit.NowMs, patient: true, out _);
    }

    private void BgSave(ref Call call)
    {
        var isScheduled = call.Args.Count == 2 && call.Is(1, "SCHEDULE"u8);
        if (call.Args.Count == 2 && call.Is(1, "CANCEL"u8)) Cancel(ref call);
        else if (call.Args.Count > 1 && !isScheduled) call.Reply.Error(ErrorTexts.Syntax);
        else BgSave(ref call, isScheduled);
    }

    private void BgSave(ref Call call, bool isScheduled)
    {
        var mustWait = runner.IsTaking || background.IsRewriting();
        if (background.IsRunning)
        {
            call.Reply.Error("ERR Background save already in progress"u8);
        }
        else if (mustWait && !isScheduled && call.Caller.MayWait)
        {
            call.Reply.Error(
                "ERR Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE SCHEDULE in order to "u8
                + "schedule a BGSAVE whenever possible."u8);
        }
        else if (mustWait || !call.Caller.MayWait)
        {
            // Within a transaction the cut would lie between two of its commands.
            background.Schedule();
            call.Reply.Simple("Background saving scheduled"u8);
        }
        else
        {
            HoldAll(call.Unit);
            if (background.TryStart(call.Unit)) call.Reply.Simple("Background saving started"u8);
            else call.Reply.Error("ERR"u8);
        }
    }

    // As in Valkey 8.1.
    private void Cancel(ref Call call)
    {
        if (background.IsWanted)
        {
            background.Cancel();
            call.Reply.Simple("Background saving cancelled"u8);
        }
        else if (background.IsScheduled)
        {
            background.Cancel();
            call.Reply.Simple("Scheduled background saving cancelled"u8);
        }
        else
        {
            call.Reply.Error("ERR Background saving is currently not in progress or scheduled"u8);
        }
    }

    private void LastSave(ref Call call) => call.Reply.Integer(snapshots.Status.LastSaveUnixSeconds);

    private void Save(ref Call call)
    {
        if (background.IsRunning)
        {
            call.Reply.Error("ERR Background save already in progress"u8);
            return;
        }

        snapshots.Status.CountSave();
        HoldAll(call.Unit);
        if (snapshots.TrySave(call.Unit))
        {
            background.NoteSaved();
            call.Reply.Ok();
        }
        else
            call.Reply.Error("ERR"u8); // that is all that Redis says; the log has the reason
    }
}
