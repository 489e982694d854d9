using System.Diagnostics;
using System.Text;
using Millrace.Commands;
using Millrace.Engine;
using Millrace.Persistence.Aof;
using Millrace.Server.Effects;
using Millrace.Server.Logging;

namespace Millrace.Server.Persistence;

/// <summary>
/// Writes the stream of effects to the append-only file, on a thread of its own, and says how far it has come: replies
/// leave when what they tell of is written, or on the disk under <c>appendfsync always</c>.
/// </summary>
/// <remarks>
/// <code>
///   loops:   Append (copy) ... end of the turn: Wake          replies wait for their position (ReplyHold)
///   thread:  take all that was appended -> one write -> [always: one fsync] -> the mark moves: replies leave
///   fsync:   a second thread, for everysec: what was written half a second ago is on its way to the disk
///
///   0 ......... synced ......... written ......... appended          positions of the EffectLog
/// </code>
/// One write and one fsync cover everything that all loops have appended meanwhile (group commit); loops never wait.
/// Under everysec an fsync begins when the oldest byte that needs it is <see cref="SyncAfterMs"/> old; when it is
/// <see cref="ParkAfterMs"/> old, or too much waits to be written, writers are parked (<see cref="Gate.LogBehind"/>).
/// A write or an fsync that fails: under always the process ends, as nothing that it covered may be acknowledged.
/// Otherwise writes are refused (MISCONF), those that were under way wait for their reply until the batch is written
/// after all, and reads go on. After a failed fsync the system may have dropped what it could not write: as soon as one
/// goes well there has to be a rewrite, so that no start depends on that part of the file, and WAITAOF waits for that.
/// Lock: <c>_sync</c> guards the fields below it; taken after the log's, before those of gates and mailboxes. No file
/// is touched under it, nor the server's log: loops take it.
/// </remarks>
internal sealed class Journal : IEffectConsumer
{
    /// <summary>How old the oldest byte that is not on the disk gets before an fsync begins (everysec).</summary>
    public const int SyncAfterMs = 500;

    /// <summary>How old it gets before writers wait.</summary>
    public const int ParkAfterMs = 1000;

    /// <summary>So many bytes that are not written yet make writers wait.</summary>
    public const int ParkBytes = 64 * 1024 * 1024;

    /// <summary>After which time what has failed is tried again.</summary>
    public const int RetryMs = 100;

    private const int WakeBytes = 256 * 1024; // a turn that appends so much need not end before it is written
    private const int KeptBytes = 4 * 1024 * 1024;
    private const int FirstBytes = 64 * 1024;
    private const int LogEverySeconds = 30;

    private readonly JournalHost _host;
    private readonly Thread _thread;
    private readonly JournalSync _syncer;
    private readonly object _sync = new();
    private byte[] _filling = new byte[FirstBytes];
    private int _filled;
    private long _filledSeconds;            // when the first byte of it came, for timestamps
    private long _appended;
    private long _written;
    private long _synced;
    private JournalSettings _settings;
    private AofAppender? _next;             // the file that goes on behind _switchAt
    private int _switchAt;
    private long _switchPosition;
    private long _flushTo = -1;             // somebody waits until this position is on the disk
    private bool _hasBase;
    private int _doubts;                    // fsyncs that failed: a start may not find what they were to write
    private int _doubtsBefore;              // those of the files before this one
    private int _mended;                    // those of files that a base has replaced
    private bool _isStopping;
    private bool _isOver;
    private bool _mustExit;
    private volatile bool _needsWake;
    private readonly List<SyncWait> _waits = [];
    private readonly List<(LogLevel Level, string Text)> _unsaid = []; // for the server's log
    private bool _isBroken;                 // the gate LogBroken is closed

    // The thread's own.
    private AofAppender _file;
    private byte[] _taken = new byte[FirstBytes];
    private int _takenAt;
    private int _takenEnd;
    private int _splitAt = -1;              // where in _taken the next file begins
    private long _takenPosition;
    private long _takenSeconds;
    private long _splitPosition;
    private AofAppender? _splitFile;
    private long _unsyncedSince;            // ticks: the oldest byte that no sync covers that is under way; 0: none
    private long _syncingSince;             // the same for the sync that is under way
    private long _retryAt;                  // ticks: after a failure
    private long _loggedAt;
    private bool _isParking;
    private string? _writeFault;
    private string? _syncFault;
    private long _marked;
    private bool _holdsOwnOnly;

    /// <summary>A journal that goes on in a file.</summary>
    /// <param name="host">What it needs of the server.</param>
    /// <param name="file">Where the first block goes; the journal's own.</param>
    /// <param name="position">The position of the log.</param>
    /// <param name="settings">The settings in force.</param>
    /// <param name="isComplete">Whether a start would find everything: there is a base.</param>
    public Journal(JournalHost host, AofAppender file, long position, JournalSettings settings, bool isComplete)
    {
        _hasBase = isComplete;
        _host = host;
        _file = file;
        _settings = settings;
        _appended = _written = _synced = _marked = _takenPosition = position;
        FileLength = file.Length;
        host.Hold.Move(position);
        _syncer = new JournalSync(this);
        _thread = new Thread(Run) { IsBackground = true, Name = "millrace-journal" };
        _thread.Start();
    }

    /// <summary>Whether something was appended since the thread was woken last.</summary>
    public bool NeedsWake => _needsWake;

    /// <summary>How long the file is that is appended to, in bytes. Any thread.</summary>
    public long FileLength { get; private set; }

    /// <summary>Bytes that wait to be written. Any thread.</summary>
    public long BufferedBytes => Math.Max(Volatile.Read(ref _appended) - Volatile.Read(ref _written), 0);

    /// <summary>Whether an fsync is under way. Any thread.</summary>
    public bool IsSyncing => Volatile.Read(ref _syncingSince) != 0;

    /// <summary>How often writers had to wait because the oldest byte was too old. Any thread.</summary>
    public long DelayedSyncs { get; private set; }

    /// <summary>Why the file could not be written to the last time, or null. Any thread.</summary>
    public string? Fault => Volatile.Read(ref _writeFault) ?? Volatile.Read(ref _syncFault);

    /// <summary>Whether a file waits to be gone on in.</summary>
    public bool IsSwitching
    {
        get
        {
            lock (_sync) return _next is not null || _splitFile is not null;
        }
    }

    /// <summary>Microseconds to sleep before each write (DEBUG AOF-FLUSH-SLEEP).</summary>
    public int FlushSleepMicroseconds { get; set; }

    /// <inheritdoc/>
    public void Append(ReadOnlySpan<byte> block, long endPosition)
    {
        lock (_sync)
        {
            MakeRoom(block.Length);
            if (_filled == 0) _filledSeconds = _host.UnixSeconds;
            block.CopyTo(_filling.AsSpan(_filled));
            _filled += block.Length;
            Volatile.Write(ref _appended, endPosition);
            _needsWake = true;
            if (_filled < WakeBytes) return;
            if (_filled >= ParkBytes) _host.Gates.Close(Gate.LogBehind);
            WakeHeld();
        }
    }

    /// <summary>The turn of a loop ends: what was appended is to be written.</summary>
    public void Wake()
    {
        lock (_sync) WakeHeld();
    }

    /// <summary>Other settings come into force.</summary>
    public void Adopt(JournalSettings settings)
    {
        lock (_sync)
        {
            _settings = settings;
            Monitor.PulseAll(_sync);
        }
    }

    /// <summary>Goes on in another file with what is appended from now on; the one before is synced and closed. All
    /// loops stand still, and the log selects its database again.</summary>
    public void Switch(AofAppender file)
    {
        lock (_sync)
        {
            (_next, _switchAt, _switchPosition) = (file, _filled, _appended);
            Monitor.PulseAll(_sync);
        }
    }

    /// <summary>Waits until everything that was appended is on the disk. Not from a loop that does not stand still.
    /// </summary>
    /// <returns>Null, or why it is not.</returns>
    public string? Flush()
    {
        lock (_sync)
        {
            _flushTo = _appended;
            Monitor.PulseAll(_sync);
            while (_flushTo > _synced && !_isOver && Fault is null) Monitor.Wait(_sync, RetryMs);
            return _flushTo <= _synced ? null : Fault ?? "the journal has ended";
        }
    }

    /// <summary>Whether a start would find everything up to a position, even after a power failure.</summary>
    public bool IsSynced(long position)
    {
        lock (_sync) return IsComplete && position <= _synced;
    }

    /// <summary>There is a base of the moment when the file that is written began: a start finds everything, unless an
    /// fsync has failed since.</summary>
    public void Complete()
    {
        lock (_sync)
        {
            _hasBase = true;
            _mended = _doubtsBefore;
            TellWaits();
        }
    }

    /// <summary>Whether the files need a rewrite: an fsync has failed, what it was to write may be missing for good,
    /// and the disk takes writes again. Any thread.</summary>
    public bool NeedsRewrite
    {
        get
        {
            lock (_sync) return _hasBase && _doubts > _mended && !HasFault;
        }
    }

    /// <summary>Has a letter delivered when a position is on the disk. False when it is there already.</summary>
    public bool TryAwait(SyncWait wait)
    {
        lock (_sync)
        {
            if (IsComplete && wait.Position <= _synced) return false;
            SyncWait.Add(_waits, wait);
            return true;
        }
    }

    /// <summary>Ends the threads; what was appended is on the disk before, if that is possible. Nothing is appended any
    /// more.</summary>
    public void Stop()
    {
        lock (_sync)
        {
            foreach (var wait in _waits) wait.Post(isOff: true);
            _waits.Clear();
        }

        _ = Flush();
        lock (_sync)
        {
            _isStopping = true;
            Monitor.PulseAll(_sync);
        }

        _thread.Join();
        _syncer.Stop();
        SayUnsaid();
        _file.Dispose();
        _splitFile?.Dispose();
        _next?.Dispose();
        _host.Gates.Open(Gate.LogBehind | Gate.LogBroken);
        _host.Hold.Move(long.MaxValue);
    }

    /// <summary>The thread that syncs has done so.</summary>
    /// <param name="position">What was written when it began.</param>
    /// <param name="reason">Why it failed, or null.</param>
    internal void SyncEnded(long position, string? reason)
    {
        lock (_sync)
        {
            if (reason is null)
            {
                NoteSynced(position);
            }
            else
            {
                if (_unsyncedSince == 0 || _syncingSince < _unsyncedSince) _unsyncedSince = _syncingSince;
                NoteSyncFault(reason);
            }

            Volatile.Write(ref _syncingSince, 0);
            Monitor.PulseAll(_sync);
        }

        SayUnsaid();
    }

    private void Run()
    {
        try
        {
            while (TryTake())
            {
                if (_takenAt < _takenEnd || _splitAt >= 0) WriteTaken();
                if (PlantedFault.AcknowledgedBeforeFsync) MoveMark();
                KeepSynced();
                if (!_isOver) MoveMark();
                SayUnsaid();
            }
        }
        finally
        {
            lock (_sync)
            {
                _isOver = true;
                Monitor.PulseAll(_sync);
            }
        }

        SayUnsaid();
        if (_mustExit) _host.Exit();
    }

    // False when it is to end.
    private bool TryTake()
    {
        lock (_sync)
        {
            while (true)
            {
                if (_isStopping || _isOver) return false;
                var waitMs = DueInMs();
                if (waitMs == 0) break;
                Monitor.Wait(_sync, waitMs);
            }

            if (_takenAt < _takenEnd || _splitAt >= 0) return true;
            if (_taken.Length > KeptBytes) _taken = new byte[FirstBytes];
            (_filling, _taken) = (_taken, _filling);
            (_takenAt, _takenEnd, _filled) = (0, _filled, 0);
            (_takenPosition, _takenSeconds) = (_appended, _filledSeconds);
            if (_next is not null)
            {
                (_splitFile, _splitAt, _splitPosition) = (_next, _switchAt, _switchPosition);
                _next = null;
            }

            Monitor.PulseAll(_sync); // somebody may wait for room
            return true;
        }
    }

    // In how many milliseconds there is something to do; -1: nothing is known of.
    private int DueInMs()
    {
        var now = Stopwatch.GetTimestamp();
        if (_retryAt > now) return MsUntil(_retryAt, now);
        if (_filled > 0 || _next is not null || _takenAt < _takenEnd || _splitAt >= 0) return 0;
        if (_isOver || MarkOf(_settings) > _marked || (_isParking && _syncingSince == 0)) return 0;
        if (_isBroken && !HasFault) return 0;
        if (_synced >= _written) return -1;
        if (MustSync && _syncingSince == 0) return 0;
        if (_settings.SkipsFsync || _settings.Policy == FsyncPolicy.No) return -1;
        if (_settings.Policy == FsyncPolicy.Always) return _syncingSince == 0 ? 0 : -1;
        if (_syncingSince == 0) return MsUntil(_unsyncedSince + Ticks(SyncAfterMs), now);
        return _isParking ? -1 : MsUntil(_syncingSince + Ticks(ParkAfterMs), now);
    }

    private void WriteTaken()
    {
        if (FlushSleepMicroseconds > 0) Thread.Sleep(TimeSpan.FromMicroseconds(FlushSleepMicroseconds));
        _file.HasTimestamps = _settings.HasTimestamps;
        while (_takenAt < _takenEnd || _splitAt >= 0)
        {
            var end = _splitAt >= 0 ? _splitAt : _takenEnd;
            if (end == _takenAt)
            {
                if (!TrySwitchFile()) return;
                continue;
            }

            if (!_file.IsPending) _file.Add(_taken.AsSpan(_takenAt, end - _takenAt), _takenSeconds);
            if (_file.Write() is { } reason)
            {
                WriteFailed(reason);
                return;
            }

            _takenAt = end;
            NoteWritten(end == _takenEnd ? _takenPosition : _splitPosition);
        }

        (_takenAt, _takenEnd) = (0, 0);
    }

    private void NoteWritten(long position)
    {
        FileLength = _file.Length;
        lock (_sync)
        {
            if (_unsyncedSince == 0) _unsyncedSince = Stopwatch.GetTimestamp();
            Volatile.Write(ref _written, position);
            if (_writeFault is null) return;
            _writeFault = null;
            Say(LogLevel.Notice, "AOF write error looks solved. The server can write again.");
        }
    }

    // Everything of the file before is on the disk before the next one begins: a start reads both.
    private bool TrySwitchFile()
    {
        AwaitSyncer();
        if (_synced < _written && !TrySync()) return false;
        _file.Dispose();
        lock (_sync)
        {
            _file = _splitFile!;
            (_splitFile, _splitAt) = (null, -1);
            _doubtsBefore = _doubts;
            FileLength = _file.Length;
            _file.HasTimestamps = _settings.HasTimestamps;
            Monitor.PulseAll(_sync);
        }

        return true;
    }

    private void KeepSynced()
    {
        if (_isOver || _synced >= _written) return;
        var mustSync = MustSync;
        if (!mustSync && _settings.SkipsFsync) return;
        if (mustSync || _settings.Policy == FsyncPolicy.Always)
        {
            AwaitSyncer();
            if (_synced < _written) TrySync();
            return;
        }

        if (_settings.Policy == FsyncPolicy.No) return;
        lock (_sync)
        {
            var now = Stopwatch.GetTimestamp();
            if (_syncingSince != 0 || now < _unsyncedSince + Ticks(SyncAfterMs) || now < _retryAt) return;
            Volatile.Write(ref _syncingSince, _unsyncedSince);
            _unsyncedSince = 0;
            _syncer.Begin(_file.File, _written);
        }
    }

    private void AwaitSyncer()
    {
        lock (_sync)
        {
            while (_syncingSince != 0) Monitor.Wait(_sync);
        }
    }

    private bool TrySync()
    {
        var reason = _file.File.Sync();
        lock (_sync)
        {
            if (reason is null)
            {
                _unsyncedSince = 0;
                NoteSynced(_written);
                return true;
            }

            NoteSyncFault(reason);
            return false;
        }
    }

    // ---- under the lock ----

    private void NoteSynced(long position)
    {
        if (position > _synced) Volatile.Write(ref _synced, position);
        if (_waits.Count > 0) TellWaits();
        if (_syncFault is not null)
        {
            _syncFault = null;
            _retryAt = 0;
            Say(LogLevel.Notice, "AOF fsync error looks solved. The server can write again.");
        }

        Monitor.PulseAll(_sync);
    }

    private void TellWaits()
    {
        if (!IsComplete) return;
        foreach (var wait in _waits)
        {
            if (wait.Position <= _synced) wait.Post(isOff: false);
        }

        _waits.RemoveAll(wait => wait.Position <= _synced);
    }

    private void NoteSyncFault(string reason)
    {
        _retryAt = Stopwatch.GetTimestamp() + Ticks(RetryMs);
        if (_settings.Policy == FsyncPolicy.Always)
        {
            Say(
                LogLevel.Warning,
                $"Can't persist AOF for fsync error when the AOF fsync policy is 'always': {reason}. Exiting...");
            GiveUp();
            return;
        }

        if (MayLog()) Say(LogLevel.Warning, $"Fail to fsync the AOF file: {reason}");
        _doubts++;
        _syncFault = reason;
        Refuse(reason);
    }

    private void WakeHeld()
    {
        if (!_needsWake) return;
        _needsWake = false;
        Monitor.PulseAll(_sync);
    }

    // A block that has no room waits for the thread to take what is there: writers have long been parked by then.
    private void MakeRoom(int bytes)
    {
        while (bytes > AofBatch.MaxBytes - _filled && _filled > 0 && !_isOver)
        {
            Monitor.PulseAll(_sync);
            Monitor.Wait(_sync, RetryMs);
        }

        var needed = (long)_filled + bytes;
        if (needed <= _filling.Length) return;
        Array.Resize(ref _filling, (int)Math.Min(Math.Max(needed, 2L * _filling.Length), Array.MaxLength));
    }

    // ---- faults ----

    private void WriteFailed(string reason)
    {
        lock (_sync)
        {
            _retryAt = Stopwatch.GetTimestamp() + Ticks(RetryMs);
            if (MayLog()) Say(LogLevel.Warning, $"Error writing to the AOF file: {reason}");
            _writeFault = reason;
            if (_settings.Policy == FsyncPolicy.Always)
            {
                Say(
                    LogLevel.Warning,
                    "Can't recover from AOF write error when the AOF fsync policy is 'always'. Exiting...");
                GiveUp();
                return;
            }

            Refuse(reason);
            Monitor.PulseAll(_sync);
        }
    }

    private void Refuse(string reason)
    {
        _isBroken = true;
        _host.Gates.Break(Encoding.UTF8.GetBytes($"MISCONF Errors writing to the AOF file: {reason}"));
    }

    // Nothing is acknowledged any more.
    private void GiveUp()
    {
        _isOver = _mustExit = true;
        Monitor.PulseAll(_sync);
    }

    // WAITAOF counts on it: a start would find everything that is synced.
    private bool IsComplete => _hasBase && _doubts == _mended;

    private bool HasFault => _writeFault is not null || _syncFault is not null;

    // Somebody waits for it; or it has failed, and writes are refused until one goes well, whatever the policy.
    private bool MustSync => _flushTo > _synced || _syncFault is not null;

    private void Say(LogLevel level, string text) => _unsaid.Add((level, text));

    private bool MayLog()
    {
        var now = Stopwatch.GetTimestamp();
        if (_loggedAt != 0 && now - _loggedAt < LogEverySeconds * Stopwatch.Frequency) return false;
        _loggedAt = now;
        return true;
    }

    // Not under the lock: whoever reads the log's output may be slow.
    private void SayUnsaid()
    {
        (LogLevel Level, string Text)[] lines;
        lock (_sync)
        {
            if (_unsaid.Count == 0) return;
            lines = [.. _unsaid];
            _unsaid.Clear();
        }

        foreach (var (level, text) in lines) _host.Journal.Write(level, text);
    }

    // ---- who may go on ----

    private void MoveMark()
    {
        bool holdsOwnOnly;
        lock (_sync)
        {
            _marked = Math.Max(_marked, MarkOf(_settings));
            holdsOwnOnly = _writeFault is not null;
            Park();
        }

        if (_marked != _host.Hold.Reached || holdsOwnOnly != _holdsOwnOnly)
        {
            _holdsOwnOnly = holdsOwnOnly;
            _host.Hold.Move(_marked, holdsOwnOnly);
        }

        // Only now: what is written from here on is shown when it is in the file.
        lock (_sync)
        {
            if (!_isBroken || HasFault) return;
            _isBroken = false;
            _host.Gates.Open(Gate.LogBroken);
        }
    }

    // Up to where replies may leave.
    private long MarkOf(JournalSettings settings) =>
        settings is { Policy: FsyncPolicy.Always, SkipsFsync: false } && !PlantedFault.AcknowledgedBeforeFsync
            ? _synced
            : _written;

    private void Park()
    {
        var isOld = _settings is { Policy: FsyncPolicy.EverySecond, SkipsFsync: false }
            && _syncingSince != 0
            && Stopwatch.GetTimestamp() >= _syncingSince + Ticks(ParkAfterMs);
        if (isOld && !_isParking)
        {
            DelayedSyncs++;
            Say(
                LogLevel.Notice,
                "Asynchronous AOF fsync is taking too long (disk is busy?). Writes wait until it is complete.");
        }

        _isParking = isOld;
        if (isOld || _filled >= ParkBytes) _host.Gates.Close(Gate.LogBehind);
        else if ((_host.Gates.Word & Gate.LogBehind) != 0) _host.Gates.Open(Gate.LogBehind);
    }

    private static long Ticks(int milliseconds) => Stopwatch.Frequency * milliseconds / 1000;

    private static int MsUntil(long at, long now) =>
        at <= now ? 0 : (int)Math.Min(((at - now) * 1000 / Stopwatch.Frequency) + 1, int.MaxValue);
}
