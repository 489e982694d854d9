using System.Diagnostics;
using System.Globalization;
using Millrace.Engine;
using Millrace.Memory;
using Millrace.Persistence.Files;
using Millrace.Persistence.Rdb;
using Millrace.Server.Config;
using Millrace.Server.Logging;

namespace Millrace.Server.Persistence;

/// <summary>
/// The RDB file of the server, which holds all data: saved and loaded while nothing else touches data.
/// </summary>
/// <remarks>
/// <code>
///   start            file -> keyspace, while clients are told so; a file that cannot be loaded ends the start
///   SAVE             keyspace -> file
///   SHUTDOWN SAVE    keyspace -> file, then no write is acknowledged any more
///   DEBUG RELOAD     keyspace -> file -> keyspace
/// </code>
/// Everything takes O(data) and blocks for as long as the disk takes. At the start the loops go on meanwhile, and keep
/// away from data (<see cref="LoadingState"/>); otherwise all stand still, and clients wait. What goes wrong is logged
/// here, once; a file is replaced only by one that is complete and on the disk, and never changed by loading it.
/// </remarks>
/// <param name="keyspace">All keys.</param>
/// <param name="configuration">Says where the file is, and how it is written.</param>
/// <param name="journal">Where log lines go.</param>
/// <param name="files">The file system.</param>
/// <param name="changes">How many changes all commands together have made; asked while all loops stand still.</param>
public sealed class Snapshots(
    Keyspace keyspace, Configuration configuration, Log journal, IFileSystem files, Func<long> changes)
{
    /// <summary>What the start says last when the file cannot be loaded.</summary>
    public const string FatalError = "Fatal error loading the DB, check server logs. Exiting.";

    private volatile ParallelLoad? _loading;

    /// <summary>Whether memory holds what the file held and what came since. Until the start has loaded it, and after a
    /// load that has failed, saving would replace more than there is: it is refused while the file is there. Written
    /// while nobody can save.</summary>
    public bool IsWhole { get; private set; }

    /// <summary>When data was saved, and what was loaded.</summary>
    public SnapshotStatus Status { get; } = new();

    /// <summary>How many changes all commands together have made. All loops stand still, or nearly right.</summary>
    public long Changes => changes();

    /// <summary>How many changes were made since data was last saved, or loaded at the start.</summary>
    public long ChangesSinceSave => changes() - Status.SavedChanges;

    /// <summary>Saves all data. False, with the reason in the log, when it could not be saved: the file is as it was,
    /// unless all failed but the last step, which makes sure that its name is on the disk.</summary>
    /// <param name="unit">Holds all partitions.</param>
    public bool TrySave(Unit unit)
    {
        ArgumentNullException.ThrowIfNull(unit);
        var settings = configuration.Settings;
        if (!MayReplace(settings)) return false;
        var options = OptionsOf(settings);
        var saved = FileOf(settings).Save(unit, settings.Format, ContentsAt(unit), options);
        if (saved.Error is { } error)
        {
            journal.Warning(error);
            return false;
        }

        NoteWhole();
        Status.NoteSaved(changes() + unit.Dirty);
        journal.Notice("DB saved on disk");
        return true;
    }

    /// <summary>Removes what is not yet a file of its name, because the process ends at once: it will never be one.
    /// </summary>
    public void RemoveUnfinished() => FileOf(configuration.Settings).RemoveLeftovers(Environment.ProcessId);

    /// <summary>Memory holds what it shall, from another file, or the RDB file has been written from it: it may be
    /// replaced.</summary>
    internal void NoteWhole() => IsWhole = true;

    /// <summary>The start has loaded an append-only file, or has found none. Then the RDB file holds what memory does
    /// not, if it is there.</summary>
    internal void NoteAppendOnly(bool hasData) => IsWhole |= hasData || FileOf(configuration.Settings).IsMissing();

    /// <summary>What a snapshot that becomes the file is taken by; null, with the reason in the log, when the file must
    /// not be replaced.</summary>
    /// <param name="unit">Holds all partitions.</param>
    /// <param name="ended">Told how it ended.</param>
    internal SnapshotOrder? OrderFor(Unit unit, Action<RdbSaved> ended)
    {
        var settings = configuration.Settings;
        if (!MayReplace(settings)) return null;
        var options = OptionsOf(settings) with { IsBesideOthers = true };
        return new SnapshotOrder(
            FileOf(settings), settings.Format, ContentsAt(unit), options, settings.Snapshots.BufferLimitBytes, ended);
    }

    private bool MayReplace(Settings settings)
    {
        if (IsWhole || FileOf(settings).IsMissing()) return true;
        journal.Warning(
            "Not saved: the RDB file could not be loaded, and is not replaced by less than it holds. Mend it and "
            + "load it, or move it away.");
        return false;
    }

    private RdbSaveOptions OptionsOf(Settings settings) => new(
        Environment.ProcessId,
        settings.HasRdbChecksum,
        KeyDelays.OfSaving(configuration));

    private RdbContents ContentsAt(Unit unit) => new()
    {
        ServerVersion = MillraceServer.RedisVersion,
        UnixSeconds = unit.NowMs / 1000,
        UsedBytes = keyspace.UsedBytes,
    };

    /// <summary>How many keys the last load has brought, or the one that goes on has so far. Any thread.</summary>
    public long LoadedKeys => _loading?.Keys ?? Status.LoadedKeys;

    /// <summary>How many keys the last load has dropped because their time had come, as <see cref="LoadedKeys"/>.
    /// </summary>
    public long ExpiredKeys => _loading?.Expired ?? Status.ExpiredKeys;

    /// <summary>Loads the file at the start, if there is one, into an empty keyspace, with as many threads as there are
    /// loops. The calling thread reads.</summary>
    /// <param name="memory">Lends memory for what is read.</param>
    /// <param name="loading">Has begun; hears how far it is, and ends it.</param>
    /// <returns>Null, or why the server cannot start with this file.</returns>
    public string? LoadAtStart(MemorySource memory, LoadingState loading)
    {
        ArgumentNullException.ThrowIfNull(loading);
        var began = Stopwatch.GetTimestamp();
        var file = FileOf(configuration.Settings);
        file.RemoveLeftovers(Environment.ProcessId);
        var options = new KeyspaceLoadOptions(DropsExpired: true);
        var kind = Load(
            verifies => LoadBesideClients(
                options, memory, loading, (sink, scratch) => file.Load(sink, scratch, verifies, loading)),
            loading);
        if (kind == RdbFaultKind.Missing || loading.IsStopped) return null;
        if (!IsWhole)
        {
            if (kind is RdbFaultKind.Record) journal.Warning("Terminating server after rdb file reading failure.");
            return FatalError;
        }

        var seconds = Stopwatch.GetElapsedTime(began).TotalSeconds.ToString("F3", CultureInfo.InvariantCulture);
        journal.Notice($"DB loaded from disk: {seconds} seconds");
        return null;
    }

    /// <summary>Loads the RDB file that an append-only file has or begins with, at the start, as
    /// <see cref="LoadAtStart"/> does, but keeps what has expired since: the commands behind it ran on it.</summary>
    /// <param name="file">The file.</param>
    /// <param name="memory">Lends memory for what is read.</param>
    /// <param name="loading">Has begun; hears how far it is, and ends it.</param>
    internal RdbOutcome LoadBase(IReadableFile file, MemorySource memory, LoadingState loading) =>
        LoadBesideClients(
            new KeyspaceLoadOptions(DropsExpired: false),
            memory,
            loading,
            (sink, scratch) => new RdbReader(
                new RdbInput(file, progress: loading), sink, scratch, keyspace.VerifiesChecksums).Read());

    /// <summary>Loads the file into a keyspace that is in use. False, with the reason in the log, when it could not be
    /// loaded: what had come before the fault stays.</summary>
    /// <param name="unit">Holds all partitions.</param>
    /// <param name="replaces">Whether a key that is there gives way; otherwise it is a fault.</param>
    public bool TryReload(Unit unit, bool replaces)
    {
        var load = new KeyspaceLoad(unit, new KeyspaceLoadOptions(DropsExpired: true, replaces));
        var file = FileOf(configuration.Settings);
        var logged = new LoggedLoad(load, journal);
        var notifies = keyspace.Notifies;
        keyspace.Notifies = NotifyClasses.None; // nobody is told of keys that come from a file
        var kind = Load(verifies => file.Load(logged, keyspace[0].Heap, verifies), loading: null);
        keyspace.Notifies = notifies;
        if (kind != RdbFaultKind.None) return false;
        NoteLoaded(load.Keys, load.Expired, load.Empty);
        journal.Notice("DB reloaded by DEBUG RELOAD");
        return true;
    }

    // With as many threads as there are loops.
    private RdbOutcome LoadBesideClients(
        KeyspaceLoadOptions options, MemorySource memory, LoadingState loading, Func<IRdbSink, Heap, RdbOutcome> read)
    {
        var nowMs = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
        var threads = Math.Min(keyspace.Shape.Loops, Environment.ProcessorCount);
        using var load = _loading = new ParallelLoad(keyspace, nowMs, options, threads, loading.Truce);
        using var scratch = new Heap(memory);
        var logged = new LoggedLoad(load, journal)
        {
            Loading = loading, Delay = KeyDelays.OfLoading(configuration, loading), BeforeDelay = load.Flush,
        };
        var outcome = load.Finish(read(logged, scratch));
        if (outcome.IsComplete) NoteLoaded(load.Keys, load.Expired, load.Empty);
        _loading = null;
        return outcome;
    }

    private RdbFaultKind Load(Func<bool, RdbOutcome> read, LoadingState? loading)
    {
        var settings = configuration.Settings;
        if (settings.RdbFileName.Length == 0)
        {
            IsWhole = true;
            return RdbFaultKind.Missing;
        }

        var verifies = settings.HasRdbChecksum && keyspace.VerifiesChecksums;
        IsWhole = false;
        var outcome = read(verifies);
        if (loading is { IsStopped: true }) return RdbFaultKind.Stopped;
        IsWhole = outcome.IsComplete || outcome.Fault.Kind == RdbFaultKind.Missing;
        if (!outcome.IsComplete)
        {
            Explain(outcome.Fault);
            return outcome.Fault.Kind;
        }

        if (verifies && !outcome.IsVerified)
            journal.Warning("RDB file was saved with checksum disabled: no check performed.");
        return RdbFaultKind.None;
    }

    private void NoteLoaded(long keys, long expired, EmptyKeys empty)
    {
        Status.NoteLoaded(keys, expired);
        LoggedLoad.Done(journal, keys, expired, empty);
    }

    private void Explain(RdbFault fault)
    {
        switch (fault.Kind)
        {
            case RdbFaultKind.Missing:
                return;
            case RdbFaultKind.EndsEarly or RdbFaultKind.Memory:
                journal.Warning("Short read or OOM loading DB. Unrecoverable error, aborting now.");
                break;
            case RdbFaultKind.Checksum:
                journal.Warning(fault.Text + ". Aborting now.");
                journal.Warning("RDB CRC error"); // what tools look for
                return;
            default:
                break;
        }

        // What tools look for: where and why in one line, then the record.
        if (fault.Detail is { } detail)
            journal.Warning($"Internal error in RDB reading offset {fault.Offset} -> {detail}");
        journal.Warning(fault.Kind is RdbFaultKind.Signature or RdbFaultKind.Version or RdbFaultKind.Disk
            ? fault.Text
            : fault.ToString());
    }

    private RdbFile FileOf(Settings settings) => new(files, settings.WorkingDirectory, settings.RdbFileName);
}
