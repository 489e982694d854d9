using System.Diagnostics;
using Millrace.Engine;
using Millrace.Engine.Codec;
using Millrace.Memory;
using Millrace.Persistence.Loading;

namespace Millrace.Persistence.Rdb;

/// <summary>
/// One of the threads that make values and put them into the keyspace: those of some partitions, which it holds while
/// it works on a batch.
/// </summary>
/// <remarks>
/// <code>
///   Take a batch -> truce, partitions -> record: bucket of a later one fetched, value made, put in -> ... -> let go
///                      ^                    |
///                      +-- somebody asks for the truce: let go, wait
/// </code>
/// A record that goes on in further batches is read as a source gives it; between two of them everything is let go, so
/// that nobody waits for a long value. When a record is wrong it remembers the first, and passes over what follows: who
/// cuts is never kept waiting.
/// </remarks>
internal sealed class LoadWorker
{
    // Further than the processor looks by itself, and so few that the lines are still there when their turn comes.
    private const int FetchedAhead = 12;

    private const int FreedPerStep = 4096;

    private readonly Keyspace _keyspace;
    private readonly ulong _partitions;
    private readonly long _nowMs;
    private readonly LoadTruce _truce;
    private readonly Unit _unit;
    private readonly KeyspaceLoad _load;
    private readonly BatchSource _source;
    private readonly Thread _thread;
    private RecordBatch? _batch;
    private long _freedAfter; // so many dropped keys
    private volatile bool _hasFault;

    /// <summary>A worker that has not begun.</summary>
    /// <param name="keyspace">The keyspace.</param>
    /// <param name="partitions">The partitions whose keys it gets, as a mask.</param>
    /// <param name="nowMs">The time, which says what has expired.</param>
    /// <param name="options">What to do with certain keys.</param>
    /// <param name="truce">Kept with those who look at data meanwhile.</param>
    public LoadWorker(
        Keyspace keyspace, ulong partitions, long nowMs, KeyspaceLoadOptions options, LoadTruce truce)
    {
        _keyspace = keyspace;
        _partitions = partitions;
        _nowMs = nowMs;
        _truce = truce;
        _unit = new Unit(keyspace, seed: 1) { TellsNew = false }; // nobody is told of keys that come from a file
        _load = new KeyspaceLoad(_unit, options);
        _source = new BatchSource(this);
        Lane = new RecordLane(Queue);
        _thread = new Thread(Run) { IsBackground = true, Name = "millrace-load" };
    }

    /// <summary>What the cutting thread fills.</summary>
    public RecordLane Lane { get; }

    /// <summary>How many keys were put into the keyspace so far. Any thread.</summary>
    public long Keys => _load.Keys;

    /// <summary>How many were dropped because their time had come. Any thread.</summary>
    public long Expired => _load.Expired;

    /// <summary>The keys that were passed over because they hold nothing. After <see cref="Join"/>.</summary>
    public EmptyKeys Empty => _load.Empty;

    /// <summary>Whether a record was wrong. Any thread.</summary>
    public bool HasFault => _hasFault;

    /// <summary>What was wrong with the first such record. After <see cref="Join"/>.</summary>
    public RdbFault Fault { get; private set; }

    private BatchQueue Queue { get; } = new();

    /// <summary>Begins.</summary>
    public void Start() => _thread.Start();

    /// <summary>Waits until everything that was handed over is done. The lane is closed before.</summary>
    public void Join() => _thread.Join();

    private void Run()
    {
        while ((_batch = Queue.Take()) is not null)
        {
            Enter();
            LoadBatch();
            FreeDropped();
            Leave();
            if (_batch is not null) Queue.GiveBack(_batch);
        }
    }

    // A record that goes on brings another batch.
    private void LoadBatch()
    {
        for (var i = 0; _batch is { } batch && i < batch.Count && !_hasFault; i++)
        {
            if (_truce.IsAsked)
            {
                Leave();
                Enter();
            }

            if (i + FetchedAhead < batch.Count)
            {
                ref readonly var later = ref batch.Records[i + FetchedAhead];
                _keyspace.PrefetchBucket(later.Database, later.Hash);
            }

            if (batch.GoesOn && i == batch.Count - 1)
            {
                LoadLong(batch.Records[i]);
                i = -1;
            }
            else
            {
                LoadOne(batch, i);
            }
        }
    }

    private void LoadOne(RecordBatch batch, int at)
    {
        ref readonly var record = ref batch.Records[at];
        ReadOnlySpan<byte> bytes = batch.Bytes.AsSpan(record.Start, batch.Ends[at] - record.Start);
        var key = record.Key(bytes[..record.NameBytes]);
        var reader = new ValueReader(bytes[record.NameBytes..], HeapOf(record), _keyspace.Budget.MostLoadedBytes);
        var taking = _load.Take(key, record.Hash, ref reader);
        Judge(taking, key, ref reader, isWhole: reader.Left == 0);
    }

    // A copy of the record: its batch is given back before it ends.
    private void LoadLong(CutRecord record)
    {
        _source.Begin(_batch!, record);
        var heap = HeapOf(record);
        var room = default(TextRoom);
        var reader = new ValueReader(_source, heap);
        var name = room.Take(heap, record.NameBytes);
        if (reader.TryBytes(name))
        {
            var key = record.Key(name);
            reader.BeginValue(_keyspace.Budget.MostLoadedBytes);
            var taking = _load.Take(key, record.Hash, ref reader);
            Judge(taking, key, ref reader, isWhole: _source.IsOver && reader.Left == _source.Left);
        }

        room.Dispose();
    }

    // A value that leaves bytes over was cut where it does not end: never, unless one of the two is wrong.
    private void Judge(RdbTaking taking, in RdbKey key, scoped ref ValueReader reader, bool isWhole)
    {
        if (taking == RdbTaking.Taken && isWhole) return;
        if (taking == RdbTaking.Unreadable && reader.HasNoMembers) return; // passed over, as the reader does
        if (_source.IsBroken) return; // who cuts knows why
        Debug.Assert(taking != RdbTaking.Taken, "cutting and making a value come to the same end");
        Fault = taking == RdbTaking.Duplicate
            ? KeyFault.Duplicate(key)
            : KeyFault.Unreadable(key, reader.IsTooLarge);
        _hasFault = true;
    }

    private Heap HeapOf(in CutRecord record) => _keyspace[_keyspace.PartitionOf(record.Hash)].Heap;

    private void Enter()
    {
        _truce.Enter();
        _unit.TryBegin(_partitions, _nowMs, patient: true, out _);
    }

    private void Leave()
    {
        _unit.End();
        _truce.Leave();
    }

    // The loops free nothing before the end, and what is dropped may be large.
    private void FreeDropped()
    {
        if (_load.Expired == _freedAfter) return;
        _freedAfter = _load.Expired;
        for (var i = 0; i < _keyspace.Shape.Partitions; i++)
        {
            if ((_partitions & (1UL << i)) == 0 || _keyspace[i].Discards.IsEmpty) continue;
            while (!_keyspace[i].FreeDiscarded(FreedPerStep))
            {
                // Until all of it is gone.
            }
        }
    }

    // The next batch of a long record, with nothing held while it is waited for.
    private RecordBatch? NextBatch()
    {
        Leave();
        Queue.GiveBack(_batch!);
        _batch = Queue.Take();
        Enter();
        return _batch;
    }

    /// <summary>The bytes of a record that goes on from batch to batch.</summary>
    private sealed class BatchSource(LoadWorker worker) : ValueSource
    {
        private RecordBatch? _batch;
        private int _from; // in the batch before which the first call is made
        private long _left;

        /// <inheritdoc/>
        public override long Left => _left;

        /// <summary>Whether all bytes of the record were given.</summary>
        public bool IsOver { get; private set; }

        /// <summary>Whether the record was given up by who cuts it.</summary>
        public bool IsBroken { get; private set; }

        /// <summary>Begins a record.</summary>
        public void Begin(RecordBatch batch, in CutRecord record)
        {
            (_batch, _from, _left) = (batch, record.Start, record.MostBytes);
            (IsOver, IsBroken) = (false, false);
        }

        /// <inheritdoc/>
        public override ReadOnlySpan<byte> Next()
        {
            if (IsOver) return default;
            var bytes = ReadOnlySpan<byte>.Empty;
            if (_from >= 0)
            {
                bytes = _batch!.Bytes.AsSpan(_from, _batch.Filled - _from);
                _from = -1;
            }
            else
            {
                _batch = worker.NextBatch();
                if (_batch is null) (IsOver, IsBroken) = (true, true);
                else
                {
                    bytes = _batch.Bytes.AsSpan(0, _batch.HeadBytes);
                    IsOver = !_batch.GoesOn || _batch.Count > 0;
                }
            }

            _left = Math.Max(_left - bytes.Length, 0);
            return bytes;
        }
    }
}
