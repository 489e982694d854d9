using Millrace.Engine;
using Millrace.Server.Config;
using Millrace.Server.Logging;

namespace Millrace.Server.Persistence;

/// <summary>
/// The way to the server's end: saves first when that is asked for, and lets the server live on when it fails.
/// </summary>
/// <remarks>
/// <code>
///   asked to save?  no  ------------------------------------------------> Requested
///                   yes -> save -> no write is acknowledged any more ---> Requested
///                            |
///                            +-> failed: Requested with FORCE, otherwise nothing has happened
/// </code>
/// Without SAVE and NOSAVE data is saved if there are save points. A snapshot that is being taken is given up. While
/// data is loaded nothing is saved, whatever is asked for: it would replace the file by a part of it. It only asks:
/// whoever runs the server stops it, in order, from outside of the loops.
/// </remarks>
/// <param name="snapshots">Saves.</param>
/// <param name="background">Snapshots that are being taken.</param>
/// <param name="appendOnly">The append-only file.</param>
/// <param name="loading">Given up when data is not loaded yet.</param>
/// <param name="configuration">Has the save points.</param>
/// <param name="pause">Stops writes once they would come behind the file.</param>
/// <param name="journal">Where log lines go.</param>
public sealed class Shutdown(
    Snapshots snapshots,
    BackgroundSaves background,
    AppendOnly appendOnly,
    LoadingState loading,
    Configuration configuration,
    ClientPause pause,
    Log journal)
{
    private readonly object _sync = new(); // guards the way; taken while all loops stand still, or alone
    private readonly TaskCompletionSource<ShutdownFlags> _requested =
        new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Ends when the server is to be stopped.</summary>
    public Task<ShutdownFlags> Requested => _requested.Task;

    /// <summary>Whether a shutdown saves first: then all loops have to stand still.</summary>
    public bool Saves(ShutdownFlags flags) => (flags & ShutdownFlags.Save) != 0
        || ((flags & ShutdownFlags.NoSave) == 0 && configuration.Settings.Snapshots.SavePoints.Count > 0);

    /// <summary>Asks for the end. False, with the reasons in the log, when data was to be saved and could not be.
    /// </summary>
    /// <param name="flags">What it may do or skip.</param>
    /// <param name="unit">Holds all partitions. Null: nothing is saved. <see cref="Saves"/> has said so, and the
    /// settings of that moment count; or data is being loaded.</param>
    internal bool TryRequest(ShutdownFlags flags, Unit? unit)
    {
        lock (_sync)
        {
            if (_requested.Task.IsCompleted) return true;
            journal.Notice("User requested shutdown...");
            if (background.IsRunning)
            {
                journal.Warning("There is a child saving an .rdb. Killing it!"); // the words that tools look for
                background.Abort();
            }

            if (!loading.TryStop())
            {
                if (appendOnly.Rewrite.IsTurningOn && !MayLoseFile(flags)) return false;
                if (unit is not null && Saves(flags) && !TrySave(flags, unit)) return false;
                appendOnly.Sync();
            }

            return _requested.TrySetResult(flags);
        }
    }

    /// <summary>One that was asked for and has not begun is called off. False when another one has begun.</summary>
    internal bool NoteAborted()
    {
        lock (_sync)
        {
            if (_requested.Task.IsCompleted) return false;
            journal.Notice("Shutdown manually aborted.");
            return true;
        }
    }

    // What the append-only file shall hold is in no file yet.
    private bool MayLoseFile(ShutdownFlags flags)
    {
        if ((flags & ShutdownFlags.Force) != 0)
        {
            journal.Warning("Writing initial AOF. Exit anyway.");
            return true;
        }

        journal.Warning("Writing initial AOF, can't exit.");
        journal.Warning("Errors trying to shut down the server. Check the logs for more information.");
        return false;
    }

    private bool TrySave(ShutdownFlags flags, Unit unit)
    {
        journal.Notice("Saving the final RDB snapshot before exiting.");
        if (snapshots.TrySave(unit))
        {
            pause.Stop();
            return true;
        }

        if ((flags & ShutdownFlags.Force) != 0)
        {
            journal.Warning("Error trying to save the DB. Exit anyway.");
            return true;
        }

        journal.Warning("Error trying to save the DB, can't exit.");
        journal.Warning("Errors trying to shut down the server. Check the logs for more information.");
        return false;
    }
}
