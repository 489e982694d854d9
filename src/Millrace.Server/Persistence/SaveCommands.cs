// SAVE and LASTSAVE.
//
// SAVE writes while all loops stand still: nobody is served meanwhile, as with Redis, and the file is of one moment.
// Source: Redis 7.2 documentation, "SAVE" and "LASTSAVE"; replies of redis-server 7.0.15.

using Millrace.Commands;
using Millrace.Engine;
using static Millrace.Commands.CommandFlags;

namespace Millrace.Server.Persistence;

/// <summary>The commands that save data on request.</summary>
/// <param name="snapshots">The file.</param>
public sealed class SaveCommands(Snapshots snapshots)
{
    /// <summary>The family's commands.</summary>
    public IEnumerable<CommandSpec> All() =>
    [
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

    private void LastSave(ref Call call) => call.Reply.Integer(snapshots.Status.LastSaveUnixSeconds);

    private void Save(ref Call call)
    {
        snapshots.Status.CountSave();
        HoldAll(call.Unit);
        if (snapshots.TrySave(call.Unit)) call.Reply.Ok();
        else call.Reply.Error("ERR"u8); // that is all that Redis says; the log has the reason
    }
}
