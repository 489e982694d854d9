using Millrace.Engine;
using Millrace.Persistence.Files;
using Millrace.Persistence.Rdb;
using Millrace.Server.Config;

namespace Millrace.Server.Persistence;

/// <summary>Makes bases of the append-only file: snapshots that are taken while commands go on.</summary>
/// <param name="runner">Takes them, one at a time, as those of the RDB file.</param>
/// <param name="configuration">Says how files are written.</param>
/// <param name="files">The file system.</param>
internal sealed class BaseSnapshots(SnapshotRunner runner, Configuration configuration, IFileSystem files)
    : ISnapshotMaker
{
    /// <inheritdoc/>
    public bool IsBusy => runner.IsBusy;

    /// <inheritdoc/>
    public bool IsTaking => runner.IsTaking;

    /// <inheritdoc/>
    public string? TryBegin(Unit allPartitions, SnapshotTarget target, Action<SnapshotResult> done)
    {
        ArgumentNullException.ThrowIfNull(allPartitions);
        ArgumentNullException.ThrowIfNull(target);
        if (runner.IsBusy) return "another snapshot is under way";
        var settings = configuration.Settings;
        var order = new SnapshotOrder(
            new RdbFile(files, target.Directory, target.Name),
            settings.Format,
            ContentsAt(allPartitions, target),
            OptionsOf(settings) with { KeyDelayMicroseconds = KeyDelays.OfSaving(configuration) },
            settings.Snapshots.BufferLimitBytes,
            saved => done(new SnapshotResult(saved.Error, saved.Bytes)));
        runner.Begin(allPartitions, order);
        return null;
    }

    /// <inheritdoc/>
    public void Abort() => runner.Abort("it was given up");

    /// <summary>Saves all data at once, before anybody is served.</summary>
    /// <param name="unit">Holds all partitions.</param>
    /// <param name="target">The file.</param>
    /// <param name="settings">Say how it is written.</param>
    /// <param name="files">The file system.</param>
    internal static RdbSaved Save(Unit unit, SnapshotTarget target, Settings settings, IFileSystem files) =>
        new RdbFile(files, target.Directory, target.Name).Save(
            unit, settings.Format, ContentsAt(unit, target), OptionsOf(settings));

    private static RdbContents ContentsAt(Unit unit, SnapshotTarget target) => new()
    {
        ServerVersion = MillraceServer.RedisVersion,
        UnixSeconds = unit.NowMs / 1000,
        UsedBytes = unit.Keyspace.UsedBytes,
        IsAofBase = target.IsAofBase,
    };

    private static RdbSaveOptions OptionsOf(Settings settings) => new(Environment.ProcessId, settings.HasRdbChecksum);
}
