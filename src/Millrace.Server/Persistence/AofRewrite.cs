using Millrace.Engine;
using Millrace.Persistence.Aof;
using Millrace.Persistence.Files;
using Millrace.Server.Config;

namespace Millrace.Server.Persistence;

/// <summary>
/// Makes a new base of the append-only file: a snapshot, and an increment that goes on from its cut.
/// </summary>
/// <remarks>
/// <code>
///   idle -> prepare: next increment made, manifest names it      a thread of its own waits for the disk
///        -> all loops stand still: the journal goes on in it, the snapshot begins        no file is touched
///        -> the snapshot is written, clients are served
///        -> finish: manifest names the new base, all before is history and is removed    the thread again
/// </code>
/// When anything fails the files before are the ones that count, with one more increment, and what was made for it is
/// removed. When the append-only file is being turned on there is nothing before: what happens goes to a temporary
/// increment that gets its name when the base is there; when it is off a rewrite makes a base alone, as with Redis.
/// Lock: <c>_sync</c> guards the state; taken after that of <see cref="AppendOnly"/>, and for moments only.
/// </remarks>
internal sealed class AofRewrite
{
    private readonly AppendOnly _owner;
    private readonly AppendOnlyParts _parts;
    private readonly object _sync = new();
    private Thread? _thread;
    private Run? _run;          // the one under way
    private volatile bool _isScheduled; // set under the journal's lock as well
    private volatile bool _isNext; // scheduled, and nothing is in its way but what was given up
    private bool _isTurningOn;  // there is no complete base yet
    private bool _isStopping;

    public AofRewrite(AppendOnly owner, AppendOnlyParts parts) => (_owner, _parts) = (owner, parts);

    /// <summary>Whether one is under way. Any thread.</summary>
    public bool IsUnderWay => Volatile.Read(ref _run) is not null;

    /// <summary>How far it is. Any thread.</summary>
    public RewritePhase Phase
    {
        get
        {
            lock (_sync) return new RewritePhase(_isNext || IsUnderWay, IsScheduled || IsNeeded);
        }
    }

    /// <summary>Whether one is under way, or about to begin, that was not given up. Any thread.</summary>
    public bool IsWanted => _isNext || Volatile.Read(ref _run) is { IsCancelled: false };

    private bool IsScheduled => _isScheduled && !_isNext;

    // The files need it, and the one under way does not mend them: it is tried until one does.
    private bool IsNeeded => _run is null && _owner.Journal is { NeedsRewrite: true };

    /// <summary>Whether the first base is not complete.</summary>
    public bool IsTurningOn
    {
        get
        {
            lock (_sync) return _isTurningOn;
        }
    }

    /// <summary>Begins one, or says why not. Any loop.</summary>
    public RewriteStart TryBegin()
    {
        lock (_sync)
        {
            if (IsWanted) return RewriteStart.UnderWay;
            if (TryBeginSoon(_parts.Configuration.Settings)) return RewriteStart.Begun;
            _parts.Journal.Notice("Background append only file rewriting scheduled.");
            return RewriteStart.Scheduled;
        }
    }

    /// <summary>The append-only file is being turned on: its first base is made.</summary>
    /// <param name="settings">Those that are coming into force.</param>
    public void TurnOn(Settings settings)
    {
        lock (_sync)
        {
            _isTurningOn = true;
            TryBeginSoon(settings);
        }
    }

    // Under the lock. False: something else has to end first, and it is scheduled. What was given up is as good as
    // gone, as the process is that Redis kills.
    private bool TryBeginSoon(Settings settings)
    {
        if (_run is null && !_parts.Snapshots.IsBusy && _owner.Journal is not { IsSwitching: true })
        {
            Begin(settings);
            return true;
        }

        _isScheduled = true;
        _owner.Status.Failures = 0;
        _isNext = _run is null or { IsCancelled: true }
            && !_parts.Snapshots.IsTaking
            && _owner.Journal is not { IsSwitching: true };
        return _isNext;
    }

    /// <summary>It is turned off: what is under way is given up. All loops stand still.</summary>
    public void Cancel()
    {
        lock (_sync)
        {
            if (IsScheduled)
            {
                _parts.Journal.Notice(
                    "AOF was disabled but there is a scheduled AOF background, cancel it.");
            }

            _isScheduled = _isNext = _isTurningOn = false;
            if (_run is not { } run) return;
            _parts.Journal.Notice("Killing running AOF rewrite child"); // what tools look for
            run.IsCancelled = true;
            if (run.IsSaving) _parts.Snapshots.Abort();
        }
    }

    /// <summary>The server ends. No loop runs any more.</summary>
    public void Stop()
    {
        Thread? thread;
        lock (_sync)
        {
            _isStopping = true;
            thread = _thread;
            if (_run is { } run)
            {
                run.IsCancelled = true;
                if (run.IsSaving) _parts.Snapshots.Abort();
            }
        }

        thread?.Join();
    }

    /// <summary>Once a second: begins one that was scheduled, that is needed (<see cref="Journal.NeedsRewrite"/>), or
    /// for which the file has grown enough.</summary>
    public void Cron()
    {
        lock (_sync)
        {
            if (_run is not null || _isStopping || _parts.Snapshots.IsBusy) return;
            if (_owner.Journal is { IsSwitching: true }) return;
            var growth = 0L;
            if ((_isScheduled || _isTurningOn || IsNeeded || HasGrown(out growth)) && !IsLimited())
            {
                if (growth > 0) _parts.Journal.Notice($"Starting automatic rewriting of AOF on {growth}% growth");
                Begin(_parts.Configuration.Settings);
            }
        }
    }

    private bool IsLimited()
    {
        if (!_owner.Status.IsLimited(UnixSeconds(), out var minutes)) return false;
        if (minutes > 0)
        {
            _parts.Journal.Warning(
                "Background AOF rewrite has repeatedly failed and triggered the limit, will retry in "
                + $"{minutes} minutes");
        }

        return true;
    }

    // By how many percent it has grown, when that is enough.
    private bool HasGrown(out long growth)
    {
        growth = 0;
        var settings = _parts.Configuration.Settings;
        if (_owner.Journal is null || settings.Aof.RewritePercentage == 0) return false;
        var bytes = _owner.CurrentBytes;
        if (bytes <= settings.Aof.RewriteMinBytes) return false;
        var basis = Math.Max(_owner.Status.BaseBytes, 1);
        growth = (long)Math.Min((double)bytes * 100 / basis, long.MaxValue) - 100;
        if (growth >= settings.Aof.RewritePercentage) return true;
        growth = 0;
        return false;
    }

    // Under the lock. The settings of this moment count, whatever they are when the thread comes to it.
    private void Begin(Settings settings)
    {
        var run = new Run
        {
            TurnsOn = _isTurningOn,
            IsOff = !_isTurningOn && _owner.Journal is null,
            UsesSnapshot = settings.Aof.UsesSnapshot,
        };
        Volatile.Write(ref _run, run);
        _isScheduled = _isNext = false; // after it: whoever looks finds one or the other
        _owner.Status.Rewrites++;
        _owner.Status.BeganUnixSeconds = UnixSeconds();
        StartThread(() => Prepare(run));
    }

    private void StartThread(Action work)
    {
        _thread = new Thread(() => work()) { IsBackground = true, Name = "millrace-rewrite" };
        _thread.Start();
    }

    private void Prepare(Run run)
    {
        if (!TryPrepare(run, out var file))
        {
            End(run, isGood: false);
            return;
        }

        string? fault = null;
        _parts.Loops().Quiesce(loop: null, () => fault = Cut(run, file));
        if (fault is null) return;
        _parts.Journal.Warning($"Can't rewrite append only file in background: {fault}");
        End(run, isGood: false);
    }

    private bool TryPrepare(Run run, out IAppendFile? file)
    {
        file = null;
        var isInUse = !run.TurnsOn && !run.IsOff;
        // Settings that turn it on are not in force yet: they have said which directory it is.
        var directory = run.Directory = run.IsOff
            ? _owner.DirectoryOf(_parts.Configuration.Settings)
            : _owner.Directory!;
        // While nothing is appended to its files, somebody else may have changed them.
        if (!directory.TryCreate() || (!isInUse && !directory.TryLoad())) return false;
        var manifest = directory.Manifest;
        if (!run.IsOff)
        {
            if (!run.TurnsOn) manifest = manifest.NextIncr(directory.Names);
            // An attempt before this one may still write to the file of that name: it must be another file.
            if (run.TurnsOn && !directory.TryRemove(directory.Names.TemporaryIncr)) return false;
            var name = run.TurnsOn ? directory.Names.TemporaryIncr : manifest.Incr[^1].Name;
            file = directory.TryOpen(name, empties: true);
            if (file is null) return false;
            if (!run.TurnsOn && !directory.TryReplace(manifest))
            {
                file.Dispose();
                directory.Discard(name);
                return false;
            }

            _parts.Journal.Notice($"Creating AOF incr file {name} on background rewrite");
        }

        run.Base = manifest.NextBase(directory.Names, run.UsesSnapshot).Base!.Value.Name;
        run.Target = new SnapshotTarget(
            directory.FullPath, AofDirectory.NameOfSnapshot(run.Base), IsAofBase: true);
        return true;
    }

    // All loops stand still: the cut.
    private string? Cut(Run run, IAppendFile? file)
    {
        if (run.IsCancelled || _parts.Loops().IsStopping)
        {
            file?.Dispose();
            return "it was cancelled";
        }

        if (_parts.Snapshots.IsBusy)
        {
            file?.Dispose();
            run.IsPutOff = true;
            return "another snapshot is under way, it is put off";
        }

        if (file is not null) _owner.Continue(file);
        var unit = new Unit(_parts.Keyspace, seed: 1);
        var nowMs = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
        unit.TryBegin(_parts.Keyspace.AllPartitions, nowMs, patient: true, out _);
        run.IsSaving = true;
        var fault = _parts.Snapshots.TryBegin(unit, run.Target!, result => Saved(run, result));
        unit.End();
        if (fault is not null)
        {
            run.IsSaving = false;
            return fault;
        }

        _parts.Journal.Notice("Background append only file rewriting started");
        _owner.NoteSaving();
        return null;
    }

    // On a loop.
    private void Saved(Run run, SnapshotResult result)
    {
        lock (_sync)
        {
            run.IsSaving = false;
            if (!_isStopping) StartThread(() => Finish(run, result));
        }
    }

    private void Finish(Run run, SnapshotResult result)
    {
        if (result.Error is { } error)
        {
            if (!run.IsCancelled) _parts.Journal.Warning(error);
            _parts.Journal.Warning("Background AOF rewrite terminated with error");
            End(run, isGood: false);
            return;
        }

        _parts.Journal.Notice("Background AOF rewrite terminated with success");
        var bytes = result.Bytes;
        var isMade = run.Directory!.TryMakeBase(run.Base, _parts.Configuration.Settings, ref bytes);
        var isGood = isMade && TryFinish(run, bytes);
        if (!isGood) run.Directory.Discard(run.Base);
        End(run, isGood);
    }

    private bool TryFinish(Run run, long baseBytes)
    {
        var directory = run.Directory!;
        var manifest = directory.Manifest.NextBase(directory.Names, run.UsesSnapshot);
        lock (_sync)
        {
            if (run.IsCancelled || manifest.Base!.Value.Name != run.Base) return false;
        }

        var isInForce = run.TurnsOn
            ? TryNameIncr(directory, manifest)
            : directory.TryReplace(manifest.Rewritten(keepsLast: !run.IsOff));
        if (!isInForce) return false;

        if (!run.IsOff)
        {
            _owner.Status.ClosedBytes = baseBytes;
            _owner.Status.BaseBytes = _owner.CurrentBytes;
        }

        if (!_parts.Configuration.Settings.Aof.KeepsHistory) directory.RemoveHistory();
        _parts.Journal.Notice("Background AOF rewrite finished successfully");
        return true;
    }

    // What has happened since the cut of the first base becomes its increment.
    private bool TryNameIncr(AofDirectory directory, AofManifest withBase)
    {
        var before = directory.Manifest;
        var manifest = withBase.Rewritten(keepsLast: false).NextIncr(directory.Names);
        var (temporary, name) = (directory.Names.TemporaryIncr, manifest.Incr[^1].Name);
        var reason = _parts.Files.Rename(directory.PathOf(temporary), directory.PathOf(name));
        reason ??= _parts.Files.SyncDirectory(directory.FullPath);
        if (reason is not null)
        {
            _parts.Journal.Warning(
                $"Error trying to rename the temporary AOF incr file {temporary} into {name}: {reason}");
            directory.Discard(name);
            return false;
        }

        _parts.Journal.Notice($"Successfully renamed the temporary AOF incr file {temporary} into {name}");
        if (directory.TryReplace(manifest)) return true;
        // The next attempt begins a file of its own: nobody shall find a base with half of what came after it.
        directory.Discard(name);
        _ = directory.TryReplace(before.Behind(directory.Manifest));
        return false;
    }

    private void End(Run run, bool isGood)
    {
        if (run is { TurnsOn: true, IsCancelled: true }) run.Directory?.TryRemove(run.Directory.Names.TemporaryIncr);
        lock (_sync)
        {
            var status = _owner.Status;
            status.LastSeconds = UnixSeconds() - status.BeganUnixSeconds;
            status.BeganUnixSeconds = 0;
            if (run is { IsPutOff: true, IsCancelled: false }) _isScheduled = true;
            if (!run.IsCancelled && !run.IsPutOff)
            {
                status.IsLastGood = isGood;
                status.Failures = isGood ? 0 : status.Failures + 1;
            }

            if (isGood && !run.IsOff && !run.IsCancelled)
            {
                if (run.TurnsOn) _isTurningOn = false;
                _owner.Journal?.Complete();
            }

            Volatile.Write(ref _run, null);
            _owner.NoteSaving();
            // What was asked for while this one was given up begins now.
            if (run.IsCancelled && _isScheduled && !_isStopping && !_parts.Snapshots.IsBusy)
                Begin(_parts.Configuration.Settings);
        }
    }

    private static long UnixSeconds() => TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();

    private sealed class Run
    {
        public bool TurnsOn { get; init; }

        public bool IsOff { get; init; }

        public bool UsesSnapshot { get; init; }

        /// <summary>Another snapshot was under way at its cut: it comes later.</summary>
        public bool IsPutOff;

        public volatile bool IsCancelled;

        public volatile bool IsSaving;

        public AofDirectory? Directory;

        public SnapshotTarget? Target;

        public string Base = "";
    }
}

/// <summary>How far the rewriting of the append-only file is.</summary>
/// <param name="IsBegun">One was begun, as whoever asked for it was told: it may still wait until one that was given up
/// is out of its way.</param>
/// <param name="IsScheduled">One begins as soon as what is in its way has ended, or within a second when the files need
/// it.</param>
internal readonly record struct RewritePhase(bool IsBegun, bool IsScheduled);

/// <summary>What became of a wish for a rewrite.</summary>
internal enum RewriteStart
{
    /// <summary>It has begun.</summary>
    Begun,

    /// <summary>It begins when what is under way has ended.</summary>
    Scheduled,

    /// <summary>One is under way already.</summary>
    UnderWay,
}
