using Millrace.Engine;
using Millrace.Engine.Codec;
using Millrace.Persistence.Loading;

namespace Millrace.Persistence.Rdb;

/// <summary>
/// Puts what an RDB file holds into a keyspace with several threads: the one that reads the file cuts it into records,
/// others make the values and put them into the partitions that are theirs.
/// </summary>
/// <remarks>
/// <code>
///   RdbReader -> Take: hash, lane of the partition, value cut -> BatchQueue -> LoadWorker: value made, key put in
///                                                             -> BatchQueue -> LoadWorker
/// </code>
/// With one partition there is one such thread, so that reading, checksum and cutting go on beside making.
/// Data is the same whatever the number of threads: a key's records meet in one thread in the order of the file. What
/// was wrong is found a little later than by a reader alone; of several faults <see cref="Finish"/> tells the first in
/// the file. What was loaded before stays: whoever cannot use half a file gives up everything then.
/// Libraries of functions are refused: whoever can load them takes them before. Used by one thread, but for
/// <see cref="Keys"/> and <see cref="Expired"/>.
/// </remarks>
public sealed class ParallelLoad : IRdbSink, IDisposable
{
    private readonly Keyspace _keyspace;
    private readonly LoadWorker[] _workers;
    private bool _hasStarted;
    private bool _isClosed;

    /// <summary>A load whose threads start with the first key.</summary>
    /// <param name="keyspace">The keyspace, which nobody touches meanwhile but while he holds the truce.</param>
    /// <param name="nowMs">The time in Unix milliseconds: it says what has expired.</param>
    /// <param name="options">What to do with certain keys.</param>
    /// <param name="threads">How many threads make values; no more than there are partitions are of use.</param>
    /// <param name="truce">Kept with those who look at data meanwhile.</param>
    public ParallelLoad(Keyspace keyspace, long nowMs, KeyspaceLoadOptions options, int threads, LoadTruce truce)
    {
        ArgumentNullException.ThrowIfNull(keyspace);
        ArgumentNullException.ThrowIfNull(truce);
        _keyspace = keyspace;
        _workers = new LoadWorker[Math.Clamp(threads, 1, keyspace.Shape.Partitions)];
        for (var i = 0; i < _workers.Length; i++)
        {
            var partitions = 0UL;
            for (var p = i; p < keyspace.Shape.Partitions; p += _workers.Length) partitions |= 1UL << p;
            _workers[i] = new LoadWorker(keyspace, partitions, nowMs, options, truce);
        }
    }

    /// <summary>How many keys were put into the keyspace so far. Any thread.</summary>
    public long Keys => _workers.Sum(static worker => worker.Keys);

    /// <summary>How many keys were dropped because their time had come. Any thread.</summary>
    public long Expired => _workers.Sum(static worker => worker.Expired);

    /// <summary>The keys that were passed over because they hold nothing. After <see cref="Finish"/>.</summary>
    public EmptyKeys Empty { get; } = new();

    /// <inheritdoc/>
    public int Databases => _keyspace.Shape.Databases;

    /// <inheritdoc/>
    public long MostBytes => _keyspace.Budget.MostLoadedBytes;

    /// <inheritdoc/>
    public void Aux(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        // Nothing of it is of use here.
    }

    /// <inheritdoc/>
    public void Resize(int database, ulong keys, ulong deadlines)
    {
        // Tables grow by segments as keys come: a hint gains nothing, and may lie.
    }

    /// <inheritdoc/>
    public string? Function(ReadOnlySpan<byte> code) => "nobody takes libraries here";

    /// <inheritdoc/>
    public RdbTaking Take(in RdbKey key, scoped ref ValueReader value)
    {
        if (!_hasStarted) Start();
        var hash = _keyspace.HashOf(key.Name);
        var worker = _workers[_keyspace.PartitionOf(hash) % _workers.Length];
        if (worker.HasFault) return RdbTaking.Stopped;
        var lane = worker.Lane;
        lane.Begin(key, hash, key.Name.Length + value.Left);
        var writer = new ValueWriter(lane);
        writer.Bytes(key.Name);
        if (!ValueCutter.TryCut(ref value, key.Type, ref writer))
        {
            lane.GiveUp();
            if (value.HasNoMembers) Empty.Add(key.Name);
            return RdbTaking.Unreadable;
        }

        writer.End();
        lane.EndRecord();
        return RdbTaking.Taken;
    }

    /// <summary>Has everything that was taken so far put into the keyspace soon: the next key may take a while.
    /// </summary>
    public void Flush()
    {
        foreach (var worker in _workers) worker.Lane.HandOver();
    }

    /// <summary>Waits until everything is in the keyspace.</summary>
    /// <param name="outcome">How the reading ended.</param>
    /// <returns>How the loading has ended.</returns>
    public RdbOutcome Finish(RdbOutcome outcome)
    {
        Close();
        foreach (var worker in _workers)
        {
            var isFirst = outcome.IsComplete || worker.Fault.Offset < outcome.Fault.Offset
                || outcome.Fault.Kind == RdbFaultKind.Stopped;
            if (worker.HasFault && isFirst) outcome = outcome with { Fault = worker.Fault, IsVerified = false };
            Empty.Add(worker.Empty);
        }

        return outcome;
    }

    /// <inheritdoc/>
    public void Dispose() => Close();

    private void Start()
    {
        _hasStarted = true;
        foreach (var worker in _workers) worker.Start();
    }

    private void Close()
    {
        if (_isClosed) return;
        _isClosed = true;
        if (!_hasStarted) return;
        foreach (var worker in _workers) worker.Lane.Close();
        foreach (var worker in _workers) worker.Join();
    }
}
