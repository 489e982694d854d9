using System.Diagnostics;
using Millrace.Commands;
using Millrace.Engine;
using Millrace.Engine.Codec;
using Millrace.Net;
using Millrace.Persistence.Rdb;
using Millrace.Persistence.Snapshot;
using Millrace.Server.Execution;

namespace Millrace.Server.Persistence;

/// <summary>
/// Takes snapshots while commands go on: has the loops walk, a thread of its own write, and writes wait when that falls
/// behind. One at a time.
/// </summary>
/// <remarks>
/// <code>
///   TryBegin (all loops stand still) --> loops: Walk, slice by slice --> thread: the file --> a loop: how it ended
///                                          |
///               chunks over the limit -----+--> Gate.SnapshotBehind: writes wait; for too long: aborted
/// </code>
/// A slice takes at most <see cref="SliceMicroseconds"/>, and slices a small part of a busy loop's time
/// (<see cref="WalkPace"/>), so that commands hardly notice. Chunks that wait for the thread hold the walk back long
/// before they stop writes.
/// </remarks>
/// <param name="gates">Where writes wait.</param>
public sealed class SnapshotRunner(Gates gates)
{
    /// <summary>The longest step of the walk.</summary>
    public const int SliceMicroseconds = 150;

    /// <summary>For so long writes may wait before the snapshot is given up.</summary>
    public const int PatienceMs = 10_000;

    // The walk is faster than the thread that writes; this much keeps that busy.
    private const long WalkAheadBytes = 4 * 1024 * 1024;

    private static readonly long SliceTicks = Stopwatch.Frequency * SliceMicroseconds / 1_000_000;
    private static readonly long PatienceTicks = Stopwatch.Frequency * PatienceMs / 1000;

    private readonly object _sync = new(); // guards the gate and since when it is closed
    private LoopGroup? _loops;
    private Run? _run;          // written while all loops stand still
    private long _closedAt;     // 0: the gate is open
    private long _limitBytes = long.MaxValue;

    /// <summary>Whether a snapshot is taken, or one that was given up is not yet out of the way. Any thread.</summary>
    public bool IsBusy => _run is { IsOver: false };

    /// <summary>Whether one is being taken that somebody wants. Any thread.</summary>
    public bool IsTaking => _run is { IsOver: false, Snapshot.IsAborted: false };

    /// <summary>The keys at the cut and those written so far of the snapshot that is being taken. Any thread.</summary>
    public (long All, long Written) Progress =>
        _run is { IsOver: false } run ? (run.Snapshot.Keys, run.Snapshot.WrittenKeys) : default;

    /// <summary>The memory of what is encoded and not written yet. Any thread.</summary>
    public long HeldBytes => _run is { IsOver: false } run ? run.Snapshot.HeldBytes : 0;

    /// <summary>The most that <see cref="HeldBytes"/> was in the last snapshot. Any thread.</summary>
    public long PeakBytes => _run is { } run ? Volatile.Read(ref run.PeakBytes) : 0;

    /// <summary>Told when a snapshot has begun, while all loops stand still, or ended, on a loop. Set before anything
    /// runs.</summary>
    public Action? Changed { get; set; }

    /// <summary>Learns of the loops, before they start.</summary>
    public void Attach(LoopGroup loops) => _loops = loops;

    /// <summary>Begins a snapshot of what the keyspace holds now. Nothing is read or written here. Requires: not busy.
    /// </summary>
    /// <param name="unit">Holds all partitions while all loops stand still.</param>
    /// <param name="order">What it is to become.</param>
    public void Begin(Unit unit, SnapshotOrder order)
    {
        ArgumentNullException.ThrowIfNull(unit);
        ArgumentNullException.ThrowIfNull(order);
        if (IsBusy) throw new InvalidOperationException("one at a time");
        var run = new Run(KeyspaceSnapshot.Begin(unit, order.Format), order, unit.Keyspace.Shape.Loops);
        _limitBytes = order.BufferLimitBytes;
        run.Thread = new Thread(() => Write(run)) { IsBackground = true, Name = "snapshot" };
        _run = run;
        run.Thread.Start();
        Changed?.Invoke();
    }

    /// <summary>Gives the snapshot up that is being taken, and returns when its thread has ended: from then on no file
    /// takes its name. It waits for a write or an fsync that is under way. From anywhere but that thread.</summary>
    /// <param name="reason">Why, for who ordered it.</param>
    /// <param name="order">Which one: another is left alone; null: any.</param>
    public void AbortNow(string reason, SnapshotOrder? order = null)
    {
        if (_run is not { } run || !IsOf(run, order)) return;
        run.Snapshot.Abort(reason);
        run.Snapshot.EndWriting();
        run.Thread!.Join();
    }

    /// <summary>Gives the snapshot up that is being taken, if there is one. Any thread.</summary>
    /// <param name="reason">Why, for who ordered it.</param>
    /// <param name="order">As for <see cref="AbortNow"/>.</param>
    public void Abort(string reason, SnapshotOrder? order = null)
    {
        if (_run is { } run && IsOf(run, order)) run.Snapshot.Abort(reason);
    }

    /// <summary>Gives it up for good: no loop will walk any more. Returns when its thread has ended, so that no file of
    /// it is left behind. All loops have ended.</summary>
    public void Stop() => AbortNow("the server ends");

    /// <summary>How soon a loop should look again, in milliseconds: 0 while it has something to walk. Any thread.
    /// </summary>
    /// <param name="loop">Its number.</param>
    /// <param name="usualMs">How soon it looks without a snapshot.</param>
    public int NextLookMs(int loop, int usualMs)
    {
        if (_run is not { IsOver: false } run || run.IsWalked[loop]) return usualMs;
        var isDue = run.MayWalk[loop] && !IsAhead(run) && run.Paces[loop].IsDue(Stopwatch.GetTimestamp());
        return isDue ? 0 : Math.Min(usualMs, 1);
    }

    /// <summary>Does a loop's next step. On that loop, between units.</summary>
    /// <param name="executor">Of that loop.</param>
    /// <param name="loop">Its number.</param>
    /// <param name="shape">Which partitions are its.</param>
    /// <param name="isBusy">Whether commands ran in this turn.</param>
    /// <returns>Whether it walked.</returns>
    public bool Walk(Executor executor, int loop, KeyspaceShape shape, bool isBusy)
    {
        ArgumentNullException.ThrowIfNull(executor);
        if (_run is not { IsOver: false } run) return false;
        var began = Stopwatch.GetTimestamp();
        Watch(run, began);
        var pace = run.Paces[loop];
        if (isBusy) pace.NoteBusy(began);
        if (run.IsWalked[loop] || IsAhead(run)) return false;
        if (!pace.IsDue(began) && Volatile.Read(ref _closedAt) == 0) return false; // writes that wait end every rest
        var only = OnlyPartition(run);
        var (walked, byUnits) = (0L, 0L);
        var hasWorked = false;
        var isLeft = false;
        var ended = began;
        for (var i = loop; i < shape.Partitions; i += shape.Loops)
        {
            if ((only < 0 || only == i) && !run.Snapshot.IsDone(i) && ended < began + SliceTicks)
                hasWorked |= executor.WalkSnapshot(i, run.Snapshot, began + SliceTicks);
            isLeft |= !run.Snapshot.IsDone(i);
            walked += run.Snapshot.WalkedParts(i);
            byUnits += run.Snapshot.UnitParts(i);
            ended = Stopwatch.GetTimestamp();
        }

        run.IsWalked[loop] = !isLeft;
        run.MayWalk[loop] = hasWorked; // otherwise another loop's partition has its turn
        pace.NoteWalked(began, ended, walked, byUnits);
        Watch(run, ended);
        return hasWorked;
    }

    private static bool IsOf(Run run, SnapshotOrder? order) => order is null || ReferenceEquals(run.Order, order);

    // While a long record comes, what others hand over is set aside: they stop, and that record goes on. Otherwise -1.
    private int OnlyPartition(Run run) =>
        run.Snapshot.AsideBytes > Math.Min(WalkAheadBytes, _limitBytes / 4) ? run.Snapshot.OpenPartition : -1;

    // What waits elsewhere waits for the walk.
    private bool IsAhead(Run run) => run.Snapshot.QueuedBytes > Math.Min(WalkAheadBytes, _limitBytes / 2);

    // Closes the gate, opens it, or loses patience. What is held grows between two looks by what one turn writes.
    private void Watch(Run run, long now)
    {
        var held = run.Snapshot.HeldBytes;
        if (held > Volatile.Read(ref run.PeakBytes)) Volatile.Write(ref run.PeakBytes, held);
        run.Snapshot.IsPressed = held > _limitBytes / 4;
        if (held <= _limitBytes && Volatile.Read(ref _closedAt) == 0) return;
        lock (_sync)
        {
            held = run.IsOver || run.Snapshot.IsAborted ? 0 : run.Snapshot.HeldBytes;
            if (_closedAt == 0 && held > _limitBytes)
            {
                _closedAt = now;
                gates.Close(Gate.SnapshotBehind);
            }
            else if (_closedAt != 0 && held <= _limitBytes / 2)
            {
                _closedAt = 0;
                gates.Open(Gate.SnapshotBehind);
            }
            else if (_closedAt != 0 && now - _closedAt > PatienceTicks)
            {
                run.Snapshot.Abort(
                    "the disk was so slow that commands had to wait for it longer than 10 seconds "
                    + "(snapshot-buffer-limit)");
                _closedAt = 0;
                gates.Open(Gate.SnapshotBehind);
            }
        }
    }

    private void Write(Run run)
    {
        var order = run.Order;
        var delay = order.Options.KeyDelayMicroseconds;
        var saved = order.File.Save(output => run.Snapshot.WriteTo(output, order.Contents, delay), order.Options);
        if (saved.Error is not null) run.Snapshot.GiveUp(saved.Error);
        Watch(run, Stopwatch.GetTimestamp());
        run.IsWritten = true;
        _loops!.Loops[0].Post(new EndMail(order.Ended + (_ => Changed?.Invoke()), saved));
    }

    // Tells on a loop how a snapshot has ended.
    private sealed class EndMail(Action<RdbSaved> ended, RdbSaved saved) : Mail
    {
        public override void Deliver(EventLoop loop) => ended(saved);
    }

    // What is kept of one snapshot.
    private sealed class Run(KeyspaceSnapshot snapshot, SnapshotOrder order, int loops)
    {
        private volatile bool _isWritten;

        internal long PeakBytes;

        internal KeyspaceSnapshot Snapshot => snapshot;

        internal SnapshotOrder Order => order;

        // Each loop has its own place.
        internal bool[] IsWalked { get; } = new bool[loops];

        internal bool[] MayWalk { get; } = [.. Enumerable.Repeat(true, loops)];

        internal WalkPace[] Paces { get; } =
            [.. Enumerable.Range(0, loops).Select(static _ => new WalkPace(Stopwatch.GetTimestamp()))];

        internal Thread? Thread { get; set; }

        internal bool IsWritten { set => _isWritten = value; }

        internal bool IsOver => _isWritten && snapshot.IsLeft;
    }
}

/// <summary>What a snapshot is to become.</summary>
/// <param name="File">The file that it becomes.</param>
/// <param name="Format">What may be written.</param>
/// <param name="Contents">What stands beside the keys.</param>
/// <param name="Options">How the file is written.</param>
/// <param name="BufferLimitBytes">Writes wait while more is encoded and not written: <c>snapshot-buffer-limit</c>.
/// </param>
/// <param name="Ended">Told how it ended, on a loop, with nothing held.</param>
public sealed record SnapshotOrder(
    RdbFile File,
    RdbFormat Format,
    RdbContents Contents,
    RdbSaveOptions Options,
    long BufferLimitBytes,
    Action<RdbSaved> Ended);
