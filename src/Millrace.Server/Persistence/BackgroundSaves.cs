using System.Diagnostics;
using Millrace.Engine;
using Millrace.Persistence.Rdb;
using Millrace.Server.Config;
using Millrace.Server.Logging;

namespace Millrace.Server.Persistence;

/// <summary>
/// Snapshots to the RDB file that are taken while commands go on: those that BGSAVE asks for, and those of save points.
/// </summary>
/// <remarks>
/// <code>
///   BGSAVE, save point -> TryStart -> SnapshotRunner ... Ended -> status, log, whether writes are refused
///                           |  another snapshot is being taken: scheduled, and tried again by Tick
/// </code>
/// State is written while all loops stand still or on the first loop; others read it while all stand still.
/// </remarks>
/// <param name="snapshots">The file.</param>
/// <param name="runner">Takes snapshots.</param>
/// <param name="durability">Refuses writes when saving fails.</param>
/// <param name="configuration">Save points, and what is done when saving fails.</param>
/// <param name="journal">Where log lines go.</param>
public sealed class BackgroundSaves(
    Snapshots snapshots,
    SnapshotRunner runner,
    Durability durability,
    Configuration configuration,
    Log journal) : ISettingsListener
{
    private const int RetrySeconds = 5; // after a failure, as Redis
    private const string GivenUp = "it was given up";

    private static readonly byte[] Misconf =
        [.. "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. "u8,
            .. "Commands that may modify the data set are disabled, because this instance is configured to report "u8,
            .. "errors during writes if RDB snapshotting fails (stop-writes-on-bgsave-error option). Please check "u8,
            .. "the Redis logs for details about the RDB error."u8];

    private long _beganAt; // in ticks; 0: none is under way
    private SnapshotOrder? _order; // of the one under way
    private long _changesAtCut;
    private long _triedUnixSeconds;
    private bool _isScheduled;
    private bool _isNext; // scheduled, and nothing is in its way but what was given up
    private bool _isGivenUp; // on purpose: that is no failure

    /// <summary>Whether one is being taken, as whoever asked for it was told: it may still wait until one that was
    /// given up is out of its way.</summary>
    public bool IsRunning => _isNext || IsUnderWay;

    /// <summary>Whether one is being taken that was not given up.</summary>
    public bool IsWanted => _isNext || (IsUnderWay && !_isGivenUp);

    /// <summary>Whether one is taken as soon as what is in its way has ended.</summary>
    public bool IsScheduled => _isScheduled;

    /// <summary>Whether the append-only file is being written anew, which goes before. Set before anything runs.
    /// </summary>
    public Func<bool> IsRewriting { get; set; } = static () => false;

    /// <summary>Whether the last one that ended is on the disk.</summary>
    public bool LastIsGood { get; private set; } = true;

    /// <summary>How long the last one took, in seconds; -1: there was none.</summary>
    public long LastSeconds { get; private set; } = -1;

    /// <summary>How long the one under way has taken so far, in seconds; -1: there is none.</summary>
    public long CurrentSeconds => IsUnderWay ? SecondsSince(_beganAt) : IsRunning ? 0 : -1;

    private bool IsUnderWay => _beganAt != 0;

    /// <summary>Begins a snapshot of now. Requires: none is running.</summary>
    /// <param name="unit">Holds all partitions while all loops stand still.</param>
    /// <returns>Whether it has begun, or will as soon as a snapshot that was given up is out of the way; otherwise the
    /// log says why not.</returns>
    public bool TryStart(Unit unit)
    {
        ArgumentNullException.ThrowIfNull(unit);
        if (runner.IsBusy)
        {
            _isScheduled = _isNext = true;
            return true;
        }

        _isScheduled = _isNext = false;
        _triedUnixSeconds = UnixSeconds();
        if (snapshots.OrderFor(unit, Ended) is not { } order)
        {
            Note(isGood: false);
            return false;
        }

        _changesAtCut = snapshots.Changes + unit.Dirty;
        _beganAt = Stopwatch.GetTimestamp();
        _order = order;
        runner.Begin(unit, order);
        journal.Notice($"Background saving started by pid {Environment.ProcessId}");
        return true;
    }

    /// <summary>Has one be taken as soon as another snapshot is complete.</summary>
    public void Schedule() => _isScheduled = true;

    /// <summary>Gives up the one that is being taken, if there is one, and returns when it can replace no file any
    /// more: what is saved next must stay. That may take as long as the disk does. One that is put off stays so.
    /// </summary>
    public void Abort()
    {
        if (_isNext) _isScheduled = _isNext = false;
        if (TryGiveUp()) runner.AbortNow(GivenUp, _order);
    }

    /// <summary>Gives it up without waiting: one that is nearly complete may still become the file. One that is put off
    /// is given up as well.</summary>
    public void Cancel()
    {
        _isScheduled = _isNext = false;
        if (TryGiveUp()) runner.Abort(GivenUp, _order);
    }

    /// <summary>Data was saved in another way: saving works.</summary>
    public void NoteSaved() => Note(isGood: true);

    /// <summary>Whether one is due: it was put off, or a save point is reached. Any loop, often.</summary>
    public bool IsDue() => IsDue(out _);

    /// <summary>Begins one if it is due, now that nobody else can begin or cancel one.</summary>
    /// <param name="unit">Holds all partitions while all loops stand still.</param>
    public void StartIfDue(Unit unit)
    {
        if (!IsDue(out var reached)) return;
        if (reached is { } point) journal.Notice($"{point.Changes} changes in {point.Seconds} seconds. Saving...");
        TryStart(unit);
    }

    private bool IsDue(out SavePoint? reached)
    {
        reached = null;
        if (IsUnderWay || runner.IsBusy || IsRewriting()) return false;
        if (_isScheduled) return true;
        var points = configuration.Settings.Snapshots.SavePoints;
        if (points.Count == 0) return false;
        var now = UnixSeconds();
        if (!LastIsGood && now - _triedUnixSeconds <= RetrySeconds) return false;
        var changes = snapshots.ChangesSinceSave;
        var seconds = now - snapshots.Status.LastSaveUnixSeconds;
        foreach (var point in points)
        {
            if (changes < Math.Max(point.Changes, 1) || seconds <= point.Seconds) continue;
            reached = point;
            return true;
        }

        return false;
    }

    /// <inheritdoc/>
    public SettingsFault? Apply(Settings before, Settings after)
    {
        ArgumentNullException.ThrowIfNull(after);
        Refuse(after);
        return null;
    }

    private bool TryGiveUp()
    {
        if (IsUnderWay) _isGivenUp = true;
        return IsUnderWay;
    }

    private void Ended(RdbSaved saved)
    {
        LastSeconds = SecondsSince(_beganAt);
        _beganAt = 0;
        if (saved.Error is not null && _isGivenUp)
        {
            journal.Warning("Background saving terminated by signal 10"); // what Redis says of a child that it ends
            _isGivenUp = false;
            return;
        }

        _isGivenUp = false;
        if (saved.Error is { } error)
        {
            journal.Warning(error);
            journal.Warning("Background saving error");
        }
        else
        {
            snapshots.NoteWhole();
            snapshots.Status.NoteSaved(_changesAtCut);
            journal.Notice("Background saving terminated with success");
        }

        Note(saved.Error is null);
    }

    private void Note(bool isGood)
    {
        LastIsGood = isGood;
        Refuse(configuration.Settings);
    }

    private void Refuse(Settings settings)
    {
        var isRefused = !LastIsGood && settings.Snapshots.StopsWritesOnError && settings.Snapshots.SavePoints.Count > 0;
        durability.SetSnapshotError(isRefused ? Misconf : null);
    }

    private static long SecondsSince(long ticks) => (long)Stopwatch.GetElapsedTime(ticks).TotalSeconds;

    private static long UnixSeconds() => TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();
}
