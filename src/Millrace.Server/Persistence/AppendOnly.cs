using Millrace.Engine;
using Millrace.Persistence.Aof;
using Millrace.Persistence.Files;
using Millrace.Server.Config;

namespace Millrace.Server.Persistence;

/// <summary>
/// The append-only file of the server: loaded at the start, written by a <see cref="Journal"/>, rewritten by an
/// <see cref="AofRewrite"/>.
/// </summary>
/// <remarks>
/// <code>
///   off --CONFIG SET appendonly yes--> first base ----------------------------> on
///    ^                                 (temp-NAME.incr collects meanwhile)      |  start with appendonly yes
///    +------------------------- CONFIG SET appendonly no -----------------------+
/// </code>
/// Lock: <c>_sync</c> guards the state; taken while all loops stand still, by the thread of a rewrite, and for a moment
/// by the loop of a client that waits (<see cref="Await"/>); before that of the journal. Files are touched under it,
/// but only while all loops stand still.
/// </remarks>
public sealed class AppendOnly : ISettingsListener
{
    /// <summary>What the start says last when the files cannot be loaded.</summary>
    public const string FatalError = "Fatal error loading the append only file, check server logs. Exiting.";

    private readonly AppendOnlyParts _parts;
    private readonly object _sync = new();
    private readonly object _adopting = new(); // guards what the journal goes by; before the journal's lock only
    private Settings? _latest; // those in force, or just coming into force
    private readonly List<SyncWait> _early = []; // they wait for a file that is being turned on and not written yet
    private volatile Journal? _journal;
    private volatile bool _isStarting;
    private AofDirectory? _directory;

    internal AppendOnly(AppendOnlyParts parts)
    {
        _parts = parts;
        Rewrite = new AofRewrite(this, parts);
    }

    /// <summary>Whether the server keeps an append-only file: it is written, or its first base is, or it is loaded.
    /// </summary>
    public bool IsOn => _journal is not null || Rewrite.IsTurningOn || _isStarting;

    /// <summary>The size of the file, and what rewrites have done.</summary>
    public AofStatus Status { get; } = new();

    /// <summary>Writes it; null while it is off.</summary>
    internal Journal? Journal => _journal;

    /// <summary>Makes its next base.</summary>
    internal AofRewrite Rewrite { get; }

    /// <summary>The directory, once it is in use.</summary>
    internal AofDirectory? Directory => _directory;

    /// <summary>The directory of settings, which is the one in use from now on. One that is known already stays: it
    /// knows which numbers were given. Requires: nothing is appended to its files.</summary>
    internal AofDirectory DirectoryOf(Settings settings)
    {
        lock (_sync)
        {
            if (_directory is { } known && known.IsOf(settings)) return known;
            return _directory = new AofDirectory(_parts.Files, settings, _parts.Journal);
        }
    }

    /// <summary>All bytes of the base and the increments.</summary>
    public long CurrentBytes => Status.ClosedBytes + (_journal?.FileLength ?? 0);

    /// <summary>Loads the files at the start, and opens the last one. No command touches data yet.</summary>
    /// <param name="target">An empty keyspace.</param>
    /// <param name="hasData">Whether there was anything to load.</param>
    /// <returns>Null, or why the server cannot start. Null as well when it was given up: nothing is open then.
    /// </returns>
    internal string? Start(StartTarget target, out bool hasData)
    {
        _isStarting = true;
        var fault = LoadAndOpen(target, out hasData);
        _isStarting = false;
        return fault;
    }

    private string? LoadAndOpen(StartTarget target, out bool hasData)
    {
        hasData = false;
        var settings = _parts.Configuration.Settings;
        var directory = DirectoryOf(settings);
        if (!directory.TryLoad() || !directory.TryUpgrade()) return FatalError;
        var load = new AofLoad(_parts.Files, directory.FullPath, _parts.Table(), target, _parts.Journal);
        hasData = !directory.Manifest.HasNoData;
        var isLoaded = !hasData || load.TryRun(directory.Manifest, settings.Aof.LoadsTruncated);
        if (target.Progress is { IsStopped: true }) return null;
        return isLoaded && TryOpen(target, directory, load) ? null : FatalError;
    }

    /// <summary>Follows the settings; all loops stand still.</summary>
    public SettingsFault? Apply(Settings before, Settings after)
    {
        ArgumentNullException.ThrowIfNull(before);
        ArgumentNullException.ThrowIfNull(after);
        if (before.Aof.IsOn != after.Aof.IsOn)
        {
            if (!after.Aof.IsOn) TurnOff();
            else if (!TryTurnOn(after))
                return new SettingsFault("appendonly", "Unable to turn on AOF. Check server logs.");
        }

        if (before.Aof.KeepsHistory && !after.Aof.KeepsHistory && !Rewrite.IsUnderWay) _directory?.RemoveHistory();
        Adopt(after);
        return null;
    }

    /// <summary>Delivers a letter when its position is on the disk, or when there is no append-only file any more. Any
    /// loop.</summary>
    internal void Await(SyncWait wait)
    {
        lock (_sync)
        {
            if (_journal is { } journal)
            {
                if (!journal.TryAwait(wait)) wait.Post(isOff: false);
            }
            else if (Rewrite.IsTurningOn)
            {
                SyncWait.Add(_early, wait);
            }
            else
            {
                wait.Post(isOff: true);
            }
        }
    }

    /// <summary>A snapshot has begun or ended: that may decide whether fsync is skipped.</summary>
    internal void NoteSaving() => Adopt(newer: null);

    /// <summary>Once a second, on one loop: begins a rewrite when it is time for one.</summary>
    internal void Cron() => Rewrite.Cron();

    /// <summary>Makes ready for <see cref="TryReload"/>. False when there is nothing to load, or not all of it is in
    /// the files. All loops stand still.</summary>
    internal bool TryPrepareReload()
    {
        if (Rewrite.IsUnderWay || Rewrite.IsTurningOn) return false; // it replaces and removes files meanwhile
        if (_journal is null && !DirectoryOf(_parts.Configuration.Settings).TryLoad())
            return false;

        return _directory is { Manifest.HasNoData: false } && _journal?.Flush() is null;
    }

    /// <summary>Loads the files into a keyspace that is empty (DEBUG LOADAOF). All loops stand still. When that fails
    /// the process ends, as with Redis: the next rewrite would replace the files by the part that has come.</summary>
    /// <param name="unit">Holds all partitions.</param>
    internal bool TryReload(Unit unit)
    {
        var directory = _directory!;
        var load = new AofLoad(
            _parts.Files, directory.FullPath, _parts.Table(), new ReloadTarget(unit, _parts.Journal), _parts.Journal);
        var notifies = unit.Keyspace.Notifies;
        unit.Keyspace.Notifies = NotifyClasses.None; // nobody is told of what comes from a file
        var isLoaded = load.TryRun(directory.Manifest, mayTruncate: false);
        unit.Keyspace.Notifies = notifies;
        if (!isLoaded)
        {
            _parts.Journal.Warning(FatalError);
            _parts.Exit();
            return false;
        }

        _parts.Journal.Notice("Append Only File loaded by DEBUG LOADAOF");
        return true;
    }

    /// <summary>The server is about to end: everything is on the disk, if that is possible.</summary>
    internal void Sync()
    {
        if (Rewrite.IsUnderWay)
        {
            _parts.Journal.Warning("There is a child rewriting the AOF. Killing it!");
            Rewrite.Cancel();
        }

        if (_journal is not { } journal) return;
        _parts.Journal.Notice("Calling fsync() on the AOF file.");
        if (journal.Flush() is { } reason) _parts.Journal.Warning($"Fail to fsync the AOF file: {reason}.");
        else if (journal.NeedsRewrite)
        {
            _parts.Journal.Warning(
                "An fsync of the AOF file has failed before, and the rewrite that was to mend it is not complete: if "
                + "the power fails now, the next start may not find all of it.");
        }
    }

    /// <summary>The server has ended: no loop runs any more.</summary>
    internal void Stop()
    {
        Rewrite.Stop();
        lock (_sync) StopJournal();
    }

    /// <summary>Goes on in a file; all loops stand still.</summary>
    /// <param name="file">An empty file.</param>
    internal void Continue(IAppendFile file)
    {
        lock (_sync)
        {
            var settings = _parts.Configuration.Settings;
            var appender = new AofAppender(file, default, settings.Aof.HasTimestamps);
            if (_journal is { } journal)
            {
                Status.ClosedBytes += journal.FileLength;
                _parts.Log.SelectAgain();
                journal.Switch(appender);
            }
            else
            {
                Begin(appender, isComplete: false);
            }
        }
    }

    private bool TryOpen(StartTarget target, AofDirectory directory, AofLoad load)
    {
        if (!directory.TryCreate()) return false;
        var settings = _parts.Configuration.Settings;
        var manifest = directory.Manifest;
        var baseBytes = load.BaseBytes;
        if (manifest.HasNoData)
        {
            manifest = manifest.NextBase(directory.Names, settings.Aof.UsesSnapshot);
            var name = manifest.Base!.Value.Name;
            var place = new SnapshotTarget(
                directory.FullPath, AofDirectory.NameOfSnapshot(name), IsAofBase: true);
            target.Take();
            var saved = BaseSnapshots.Save(target.Unit, place, settings, _parts.Files);
            target.LetGo();
            if (saved.Error is { } error)
            {
                _parts.Journal.Warning(error);
                return false;
            }

            baseBytes = saved.Bytes;
            if (!directory.TryMakeBase(name, settings, ref baseBytes)) return false;
            _parts.Journal.Notice($"Creating AOF base file {name} on server start");
        }

        var isNew = manifest.Incr.IsEmpty;
        if (isNew) manifest = manifest.NextIncr(directory.Names);
        var incr = manifest.Incr[^1].Name;
        if (directory.TryOpen(incr, empties: isNew) is not { } file) return false;
        if (manifest != directory.Manifest && !directory.TryReplace(manifest))
        {
            file.Dispose();
            return false;
        }

        // What was loaded is going to be shown, and built upon: a process that was killed may have left it unsynced.
        if (!directory.TrySync(manifest))
        {
            file.Dispose();
            return false;
        }

        var tail = isNew ? default : load.Tail;
        Status.BaseBytes = baseBytes;
        Status.ClosedBytes = Math.Max(load.TotalBytes, baseBytes) - (isNew ? 0 : file.Length);
        _parts.Journal.Notice($"{(isNew ? "Creating" : "Opening")} AOF incr file {incr} on server start");
        var appender = new AofAppender(file, tail, settings.Aof.HasTimestamps);
        _parts.Loops().Quiesce(loop: null, () => Begin(appender, isComplete: true));
        if (!settings.Aof.KeepsHistory) directory.RemoveHistory();
        return true;
    }

    // A snapshot may end, on a thread of its own, while settings come into force.
    private void Adopt(Settings? newer)
    {
        lock (_adopting)
        {
            _latest = newer ?? _latest ?? _parts.Configuration.Settings;
            _journal?.Adopt(JournalSettings.Of(_latest, _parts.Snapshots.IsBusy || Rewrite.IsUnderWay));
        }
    }

    private void Begin(AofAppender file, bool isComplete)
    {
        var settings = JournalSettings.Of(_parts.Configuration.Settings, isSaving: false);
        var host = new JournalHost(_parts.Gates, _parts.Hold(), _parts.Journal, TimeProvider.System, _parts.Exit);
        var journal = new Journal(host, file, _parts.Log.Position, settings, isComplete);
        _parts.Log.Attach(journal);
        _journal = journal;
        foreach (var wait in _early)
        {
            if (!journal.TryAwait(wait)) wait.Post(isOff: false);
        }

        _early.Clear();
    }

    // The cut comes as soon as the command is over: a transaction may be under way, and it holds partitions.
    private bool TryTurnOn(Settings settings)
    {
        lock (_sync)
        {
            var directory = DirectoryOf(settings);
            if (!directory.TryCreate() || !directory.TryLoad()) return false;
            Status.ClosedBytes = Status.BaseBytes = 0;
            Rewrite.TurnOn(settings);
            return true;
        }
    }

    private void TurnOff()
    {
        Rewrite.Cancel();
        lock (_sync)
        {
            StopJournal();
            foreach (var wait in _early) wait.Post(isOff: true);
            _early.Clear();
            Status.ClosedBytes = Status.BaseBytes = 0;
        }
    }

    private void StopJournal()
    {
        if (_journal is not { } journal) return;
        _parts.Log.Detach(journal);
        journal.Stop();
        _journal = null;
    }
}
