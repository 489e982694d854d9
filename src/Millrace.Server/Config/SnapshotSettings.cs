namespace Millrace.Server.Config;

/// <summary>When and how snapshots are taken in the background. Immutable.</summary>
public sealed record SnapshotSettings
{
    /// <summary>When one is taken by itself.</summary>
    public required IReadOnlyList<SavePoint> SavePoints { get; init; }

    /// <summary>Writes are refused when the last one failed and there are save points.</summary>
    public required bool StopsWritesOnError { get; init; }

    /// <summary>The most that may be encoded and not yet written, in bytes.</summary>
    public required long BufferLimitBytes { get; init; }

    /// <summary>How slow they are made, for tests.</summary>
    public required int KeyDelayMicroseconds { get; init; }

    internal static SnapshotSettings From(ConfigValues values) => new()
    {
        SavePoints = SavePoint.FromText(values["save"].Text),
        StopsWritesOnError = values["stop-writes-on-bgsave-error"].Number != 0,
        BufferLimitBytes = values["snapshot-buffer-limit"].Number,
        KeyDelayMicroseconds = (int)values["rdb-key-save-delay"].Number,
    };
}
