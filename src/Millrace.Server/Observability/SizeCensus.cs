// How the sizes of values are distributed (INFO keysizes): counted when somebody asks.
//
//     asked -> few keys: counted at once                             all loops stand still
//           -> many: Begin -> each loop counts its partitions in slices between its turns -> the last one to finish
//                    publishes the counts and tells those who wait for them
//
// To keep the counts at every write would cost every write; why that is not done is in docs/decisions. A count in
// slices is what SCAN is: a key that is there throughout is counted, once unless its table shrinks meanwhile; others
// may be or not.
//
// Begin and Wait run while all loops stand still. In between, each loop writes only what belongs to it and to its
// partitions. Source: Redis documentation, "INFO", section keysizes.

using System.Diagnostics;
using Millrace.Engine;
using Millrace.Net;

namespace Millrace.Server.Observability;

/// <summary>Counts values by their sizes.</summary>
public sealed class SizeCensus
{
    /// <summary>So many keys are counted at once.</summary>
    public const int FewKeys = 4096;

    // A count that nobody has asked for by name begins when the last one is so many times as old as it took.
    private const int Pause = 50;

    private readonly Keyspace _keyspace;
    private readonly Progress[] _partitions;
    private readonly SizeHistogram?[][] _counts; // by loop and database
    private readonly long[] _ticks; // by loop
    private readonly bool[] _isDone; // by loop
    private readonly List<(EventLoop Loop, Mail Mail)> _waiting = [];
    private int _loopsLeft;
    private long _finishedTicks;
    private long _tookTicks;
    private volatile SizeHistogram?[]? _last;

    /// <summary>A census of a keyspace.</summary>
    public SizeCensus(Keyspace keyspace)
    {
        ArgumentNullException.ThrowIfNull(keyspace);
        _keyspace = keyspace;
        _partitions = new Progress[keyspace.Shape.Partitions];
        _counts = new SizeHistogram?[keyspace.Shape.Loops][];
        _ticks = new long[keyspace.Shape.Loops];
        _isDone = new bool[keyspace.Shape.Loops];
        Array.Fill(_isDone, true);
    }

    /// <summary>The last count that was finished, by database; null before the first.</summary>
    public IReadOnlyList<SizeHistogram?>? Last => _last;

    /// <summary>Whether loops are counting.</summary>
    public bool IsRunning => Volatile.Read(ref _loopsLeft) > 0;

    /// <summary>Whether it is time for another count, though nobody waits for it.</summary>
    public bool IsDue =>
        !IsRunning && (_last is null || Stopwatch.GetTimestamp() - _finishedTicks > Pause * _tookTicks);

    /// <summary>Counts all keys at once, when they are few. All loops stand still.</summary>
    public bool TryCountNow()
    {
        if (IsRunning || _keyspace.SumOver(KeysOf) > FewKeys) return false;
        var began = Stopwatch.GetTimestamp();
        var counts = new SizeHistogram?[_keyspace.Shape.Databases];
        for (var i = 0; i < _partitions.Length; i++)
        {
            var progress = default(Progress);
            while (!Count(_keyspace[i], counts, ref progress, long.MaxValue))
            {
                // It goes on until it is through.
            }
        }

        Publish(counts, Stopwatch.GetTimestamp() - began);
        return true;
    }

    /// <summary>Begins to count, unless it is under way. All loops stand still.</summary>
    public void Begin()
    {
        if (IsRunning) return;
        Array.Clear(_partitions);
        for (var loop = 0; loop < _isDone.Length; loop++)
        {
            _counts[loop] = new SizeHistogram?[_keyspace.Shape.Databases];
            _ticks[loop] = 0;
            _isDone[loop] = false;
        }

        Volatile.Write(ref _loopsLeft, _isDone.Length);
    }

    /// <summary>Has a letter delivered when the count that is under way is finished. All loops stand still.</summary>
    /// <param name="loop">To whom.</param>
    /// <param name="mail">The letter.</param>
    public void Wait(EventLoop loop, Mail mail) => _waiting.Add((loop, mail));

    /// <summary>Whether a loop has partitions left to count. Of that loop.</summary>
    public bool IsCounting(int loop) => IsRunning && !_isDone[loop];

    /// <summary>Whether a partition is counted. Of the loop that looks after it.</summary>
    public bool IsCounted(int partition) => _partitions[partition].Database == _keyspace.Shape.Databases;

    /// <summary>Counts values of a partition until a time of <see cref="Stopwatch"/>, but a few at least. Requires: it
    /// is held by the loop that looks after it, and not counted yet.</summary>
    public void CountSome(Partition partition, long untilTicks)
    {
        ArgumentNullException.ThrowIfNull(partition);
        var counts = _counts[partition.Index % _counts.Length];
        _ = Count(partition, counts, ref _partitions[partition.Index], untilTicks);
    }

    /// <summary>A loop has counted for some time.</summary>
    /// <param name="loop">The loop.</param>
    /// <param name="ticks">For how long.</param>
    public void EndSlice(int loop, long ticks)
    {
        _ticks[loop] += ticks;
        for (var i = loop; i < _partitions.Length; i += _isDone.Length)
        {
            if (!IsCounted(i)) return;
        }

        _isDone[loop] = true;
        if (Interlocked.Decrement(ref _loopsLeft) == 0) Finish();
    }

    private long KeysOf(Partition partition)
    {
        var sum = 0L;
        for (var database = 0; database < _keyspace.Shape.Databases; database++)
            sum += partition.Table(database)?.Count ?? 0;
        return sum;
    }

    // True when the partition is through.
    private bool Count(Partition partition, SizeHistogram?[] counts, ref Progress progress, long untilTicks)
    {
        for (; progress.Database < _keyspace.Shape.Databases; progress.Database++)
        {
            if (partition.Table(progress.Database) is not { } table)
            {
                progress.Point = 0;
                continue;
            }

            var counted = counts[progress.Database] ??= new SizeHistogram();
            do
            {
                progress.Point = counted.AddSome(table, partition.Heap, progress.Point);
                if (progress.Point != 0 && Stopwatch.GetTimestamp() >= untilTicks) return false;
            }
            while (progress.Point != 0);
        }

        return true;
    }

    private void Finish()
    {
        var sum = new SizeHistogram?[_keyspace.Shape.Databases];
        foreach (var counts in _counts)
        {
            for (var i = 0; i < sum.Length; i++)
            {
                if (counts[i] is { } one) (sum[i] ??= new SizeHistogram()).Add(one);
            }
        }

        Publish(sum, _ticks.Sum());
        foreach (var (loop, mail) in _waiting) loop.Post(mail);
        _waiting.Clear();
    }

    private void Publish(SizeHistogram?[] counts, long tookTicks)
    {
        (_finishedTicks, _tookTicks) = (Stopwatch.GetTimestamp(), tookTicks);
        _last = counts;
    }

    // How far a partition is counted: the database, and the place in its table.
    private struct Progress
    {
        public int Database;
        public ulong Point;
    }
}
