using Millrace.Engine;
using Millrace.Net;
using Millrace.Persistence.Files;
using Millrace.Persistence.Rdb;
using Millrace.Server.Config;

namespace Millrace.Server.Persistence;

/// <summary>Saves everything at once, while all loops stand still: nobody is served meanwhile.</summary>
/// <param name="configuration">Says how files are written.</param>
/// <param name="files">The file system.</param>
/// <param name="loop">A loop that tells of the end.</param>
internal sealed class StandStillSnapshots(Configuration configuration, IFileSystem files, Func<EventLoop> loop)
    : ISnapshotMaker
{
    /// <inheritdoc/>
    public bool IsBusy { get; private set; }

    /// <inheritdoc/>
    public string? TryBegin(Unit allPartitions, SnapshotTarget target, Action<SnapshotResult> done)
    {
        ArgumentNullException.ThrowIfNull(allPartitions);
        ArgumentNullException.ThrowIfNull(target);
        if (IsBusy) return "another snapshot is under way";
        IsBusy = true;
        var saved = Save(allPartitions, target, configuration.Settings, files);
        loop().Post(new Ended(this, new SnapshotResult(saved.Error, saved.Bytes), done));
        return null;
    }

    /// <inheritdoc/>
    public void Abort()
    {
        // It has ended by the time that anybody could ask for that.
    }

    /// <summary>Saves all data. The unit holds all partitions.</summary>
    internal static RdbSaved Save(Unit unit, SnapshotTarget target, Settings settings, IFileSystem files)
    {
        var contents = new RdbContents
        {
            ServerVersion = MillraceServer.RedisVersion,
            UnixSeconds = unit.NowMs / 1000,
            UsedBytes = unit.Keyspace.UsedBytes,
            IsAofBase = target.IsAofBase,
        };
        var options = new RdbSaveOptions(Environment.ProcessId, settings.HasRdbChecksum);
        return new RdbFile(files, target.Directory, target.Name).Save(unit, settings.Format, contents, options);
    }

    private sealed class Ended(StandStillSnapshots maker, SnapshotResult result, Action<SnapshotResult> done) : Mail
    {
        public override void Deliver(EventLoop loop)
        {
            maker.IsBusy = false;
            done(result);
        }
    }
}
