// DEBUG RELOAD [MERGE] [NOFLUSH] [NOSAVE]: saves all data, empties the keyspace, and loads the file, so that data is as
// after a restart. All loops stand still.
//
// Where Redis ends the process (a key that is there already, without MERGE; a damaged file) the reply is an error: what
// had been emptied stays empty, and with NOFLUSH what had come before the fault stays. DEBUG LOADAOF of a damaged file
// does end the process (AppendOnly).
// While data is loaded it is refused, though DEBUG is not: what it removes would come back in part.
// Source: redis-server 7.0.15, "DEBUG HELP" and its replies.

using Millrace.Commands;
using Millrace.Engine;

namespace Millrace.Server.Persistence;

/// <summary>The subcommand of DEBUG that saves and loads.</summary>
internal static class DebugReload
{
    private const int FreedPerStep = 4096;

    /// <summary>Runs it. The unit holds all partitions.</summary>
    internal static void Run(ref Call call, Snapshots snapshots, LoadingState loading)
    {
        if (IsRefused(ref call, loading)) return;
        var (merges, flushes, saves) = (false, true, true);
        for (var i = 2; i < call.Args.Count; i++)
        {
            if (call.Is(i, "MERGE"u8)) merges = true;
            else if (call.Is(i, "NOFLUSH"u8)) flushes = false;
            else if (call.Is(i, "NOSAVE"u8)) saves = false;
            else
            {
                call.Reply.Error("ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options."u8);
                return;
            }
        }

        if (saves && !snapshots.TrySave(call.Unit))
        {
            call.Reply.Error("ERR"u8);
            return;
        }

        if (flushes) Flush(call.Unit);
        if (snapshots.TryReload(call.Unit, merges))
        {
            call.Reply.Ok();
            return;
        }

        if (flushes) Flush(call.Unit);
        call.Reply.Error("ERR Error trying to load the RDB dump, check server logs."u8);
    }

    /// <summary>Runs DEBUG LOADAOF. The unit holds all partitions.</summary>
    internal static void LoadAof(ref Call call, AppendOnly file, LoadingState loading)
    {
        if (IsRefused(ref call, loading)) return;
        call.Effects.Suppress(); // data is what the file says already
        if (file.TryPrepareReload())
        {
            Flush(call.Unit);
            if (file.TryReload(call.Unit))
            {
                call.Reply.Ok();
                return;
            }
        }

        call.Reply.Error("ERR Error trying to load the AOF files, check server logs."u8);
    }

    private static bool IsRefused(ref Call call, LoadingState loading)
    {
        if (loading.IsLoading) call.Reply.Error(ErrorTexts.Loading);
        return loading.IsLoading;
    }

    // Frees at once: the memory may be needed for what comes.
    private static void Flush(Unit unit)
    {
        var keyspace = unit.Keyspace;
        for (var database = 0; database < keyspace.Shape.Databases; database++) unit.Discard(database);
        for (var i = 0; i < keyspace.Shape.Partitions; i++)
        {
            keyspace[i].RefreshNextDeadline();
            while (!keyspace[i].FreeDiscarded(FreedPerStep))
            {
            }
        }
    }
}
