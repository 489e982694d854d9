using Millrace.Engine;
using Millrace.Engine.Codec;
using Millrace.Engine.Values;
using Millrace.Persistence.Files;
using Millrace.Persistence.Rdb;

namespace Millrace.Persistence.Snapshot;

/// <summary>
/// A snapshot of all keys as they are at one moment, taken while commands go on, without a copy of the process.
/// </summary>
/// <remarks>
/// <code>
///   Begin (all partitions held; nothing is read or written)
///     |
///     +-- loops, partition by partition: WalkSome, in slices --+
///     +-- units, before they change something: PartitionSaver -+--> SnapshotQueue --> WriteTo, a thread of its own:
///                                                                                     compresses, checksums, writes
/// </code>
/// Memory: what is encoded and not written yet, which <see cref="HeldBytes"/> counts and whoever runs the snapshot
/// bounds; and values that went out of use before they were saved. Members say who may call them.
/// Source: docs/ARCHITECTURE.md, "Snapshots".
/// </remarks>
public sealed class KeyspaceSnapshot
{
    private readonly PartitionSaver[] _savers;
    private readonly (long Keys, long Deadlines)[] _counts;
    private int _left;
    private int _openIn = -1; // the partition whose long record has its turn
    private volatile string? _abortion;
    private long _writtenKeys;

    private KeyspaceSnapshot(Unit unit, RdbFormat format)
    {
        var keyspace = unit.Keyspace;
        Format = KeyspaceSave.FormatFor(keyspace, format);
        Use = UseRecord.For(keyspace);
        CutMs = unit.NowMs;
        var shape = keyspace.Shape;
        _counts = new (long, long)[shape.Databases];
        for (var i = 0; i < shape.Databases; i++) _counts[i] = KeyspaceSave.Count(keyspace, i);
        _savers = new PartitionSaver[shape.Partitions];
        _left = shape.Partitions;
        for (var i = 0; i < shape.Partitions; i++)
        {
            _savers[i] = new PartitionSaver(this, keyspace[i]);
            _savers[i].Begin(shape.Databases);
        }
    }

    /// <summary>What may be written.</summary>
    public RdbFormat Format { get; }

    /// <summary>The moment of which the snapshot is, in Unix milliseconds.</summary>
    public long CutMs { get; }

    /// <summary>How many keys there were, those included whose time had come. Any thread.</summary>
    public long Keys => _counts.Sum(database => database.Keys);

    /// <summary>How many keys were written so far. Any thread.</summary>
    public long WrittenKeys => Volatile.Read(ref _writtenKeys);

    /// <summary>The memory of what is encoded and not written yet, in bytes. Any thread.</summary>
    public long HeldBytes => Queue.HeldBytes;

    /// <summary>The part of it that waits for <see cref="WriteTo"/>. Any thread.</summary>
    public long QueuedBytes => Queue.QueuedBytes;

    /// <summary>The part that was handed over and waits for a long record to end. Any thread.</summary>
    public long AsideBytes => Queue.AsideBytes;

    /// <summary>The partition whose long record has its turn, or -1. Any thread.</summary>
    public int OpenPartition => Volatile.Read(ref _openIn);

    /// <summary>Whether so much is held that long records have their turn before further keys. Any thread.</summary>
    public bool IsPressed { get; set; }

    /// <summary>Whether nobody wants the snapshot any more. Any thread.</summary>
    public bool IsAborted => _abortion is not null;

    /// <summary>Whether no partition has anything to do with it any more: another may begin. Any thread.</summary>
    public bool IsLeft => Volatile.Read(ref _left) == 0;

    internal UseRecord Use { get; }

    internal SnapshotQueue Queue { get; } = new();

    /// <summary>Begins. Requires: the last one is left by all partitions. O(partitions x databases).</summary>
    /// <param name="unit">Holds all partitions; its time is the snapshot's.</param>
    /// <param name="format">What may be written; version 11 becomes 12 when that is needed.</param>
    public static KeyspaceSnapshot Begin(Unit unit, RdbFormat format)
    {
        ArgumentNullException.ThrowIfNull(unit);
        return new KeyspaceSnapshot(unit, format);
    }

    /// <summary>Gives the snapshot up. The walk has to go on until <see cref="IsLeft"/>. Any thread.</summary>
    /// <param name="reason">Why, for the log.</param>
    public void Abort(string reason) => Interlocked.CompareExchange(ref _abortion, reason, null);

    /// <summary>Whether a partition has done its part.</summary>
    public bool IsDone(int partition) => _savers[partition].IsDone;

    /// <summary>How many entries, members and pieces of a partition walks have saved. Any thread.</summary>
    public long WalkedParts(int partition) => _savers[partition].WalkedParts;

    /// <summary>How many of them units have saved, before they changed something. Any thread.</summary>
    public long UnitParts(int partition) => _savers[partition].UnitParts;

    /// <summary>Goes on with one partition, which the caller's unit holds.</summary>
    /// <param name="partition">Which.</param>
    /// <param name="untilTicks">When to stop, in ticks of the stopwatch.</param>
    /// <returns>Whether anything was done: otherwise it is another partition's turn.</returns>
    public bool WalkSome(int partition, long untilTicks) =>
        !_savers[partition].IsDone && _savers[partition].WalkSome(untilTicks);

    /// <summary>Writes the whole file but for its checksum, as chunks come. Called by one thread, which it keeps until
    /// all partitions have done their part.</summary>
    /// <param name="output">Where to. After a fault of the disk the snapshot is aborted.</param>
    /// <param name="contents">What stands beside the keys.</param>
    /// <param name="keyDelayMicroseconds">As <see cref="RdbSaveOptions"/> says.</param>
    /// <returns>Null, or why there is no file.</returns>
    public string? WriteTo(RdbOutput output, RdbContents contents, Func<int>? keyDelayMicroseconds = null)
    {
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(contents);
        var writer = new RdbWriter(output, Format, Use);
        writer.Begin();
        contents.Write(writer);
        var chunks = new ChunkWriter(output, writer, Format, _counts);
        var delay = new KeyDelay(keyDelayMicroseconds, () => IsAborted);
        while (Queue.TryTake(out var chunk))
        {
            if (IsAborted)
            {
                Queue.Free(chunk!);
                continue;
            }

            var keys = chunks.Write(chunk!, Queue);
            Volatile.Write(ref _writtenKeys, _writtenKeys + keys);
            delay.Note(keys);
            delay.Sleep();
            if (!output.Fault.IsNone) Abort("the disk does not take it");
        }

        chunks.FreeSetAside(Queue);
        if (_abortion is { } reason && output.Fault.IsNone) return reason;
        writer.End();
        return null;
    }

    /// <summary>In place of <see cref="WriteTo"/>, when there is no file to write to: aborts, and frees what still
    /// comes until all partitions have done their part. After it this does nothing.</summary>
    /// <param name="reason">Why there is no file.</param>
    public void GiveUp(string reason)
    {
        Abort(reason);
        while (Queue.TryTake(out var chunk)) Queue.Free(chunk!);
    }

    /// <summary>No thread writes any more what still comes: has <see cref="WriteTo"/> return. Any thread.</summary>
    public void EndWriting() => Queue.End();

    internal bool TryOpenRecord(int partition) => Interlocked.CompareExchange(ref _openIn, partition, -1) == -1;

    internal void CloseRecord() => Volatile.Write(ref _openIn, -1);

    internal void PartitionEnded()
    {
        if (Interlocked.Decrement(ref _left) == 0) Queue.End();
    }

    // One that has expired is left out instead: nobody misses it.
    internal void Refuse(in Entry entry)
    {
        if (Value.IsExpired(entry, CutMs)) return;
        Abort($"no form in RDB version {Format.Version} for the value of the key '{ShownText.Of(entry.Key)}'");
    }
}
