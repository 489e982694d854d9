using Millrace.Engine;
using Millrace.Server.Config;

namespace Millrace.Server.Persistence;

/// <summary>What FLUSHALL means for the RDB file: a snapshot of what was there is given up, and with save points the
/// file becomes empty at once, so that what was flushed does not come back.</summary>
/// <param name="background">Snapshots that are being taken.</param>
/// <param name="snapshots">The file.</param>
/// <param name="configuration">Has the save points.</param>
public sealed class FlushedDatabases(BackgroundSaves background, Snapshots snapshots, Configuration configuration)
    : IFlushListener
{
    /// <inheritdoc/>
    public void Flushing() => background.Abort();

    /// <inheritdoc/>
    public void Flushed(Unit unit)
    {
        if (configuration.Settings.Snapshots.SavePoints.Count > 0 && snapshots.TrySave(unit)) background.NoteSaved();
    }
}
