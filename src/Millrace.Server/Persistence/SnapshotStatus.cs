namespace Millrace.Server.Persistence;

/// <summary>
/// What is known of snapshots: when the last one was saved, and what was loaded.
/// </summary>
/// <remarks>Written while all loops stand still. Except for <see cref="LastSaveUnixSeconds"/> it is read then, too.
/// </remarks>
public sealed class SnapshotStatus
{
    private long _lastSaveUnixSeconds = UnixSeconds(); // as Redis has it: before the first save, the start

    /// <summary>When data was last saved, in Unix seconds; before that, when the server began. Any thread.</summary>
    public long LastSaveUnixSeconds => Volatile.Read(ref _lastSaveUnixSeconds);

    /// <summary>How often SAVE was asked for: as in Redis those that failed count, too, and what DEBUG RELOAD and
    /// SHUTDOWN save does not.</summary>
    public long Saves { get; private set; }

    /// <summary>How many changes all commands together had made when data was last saved.</summary>
    public long SavedChanges { get; private set; }

    /// <summary>How many keys the last load has brought.</summary>
    public long LoadedKeys { get; private set; }

    /// <summary>How many keys the last load has dropped because their time had come.</summary>
    public long ExpiredKeys { get; private set; }

    /// <summary>Data has been saved.</summary>
    /// <param name="changes">How many changes all commands have made.</param>
    internal void NoteSaved(long changes)
    {
        Volatile.Write(ref _lastSaveUnixSeconds, UnixSeconds());
        SavedChanges = changes;
    }

    /// <summary>SAVE was asked for.</summary>
    internal void CountSave() => Saves++;

    /// <summary>Data has been loaded.</summary>
    internal void NoteLoaded(long keys, long expired) => (LoadedKeys, ExpiredKeys) = (keys, expired);

    /// <summary>Clears what CONFIG RESETSTAT clears.</summary>
    internal void ResetStatistics() => Saves = 0;

    private static long UnixSeconds() => TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();
}
