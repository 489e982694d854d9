using System.Diagnostics;
using Millrace.Engine;
using Millrace.Engine.Codec;
using Millrace.Engine.Values;
using Millrace.Memory;
using Millrace.Persistence.Rdb;
using ValueType = Millrace.Engine.ValueType;

namespace Millrace.Persistence.Snapshot;

/// <summary>
/// The part of a snapshot that one partition is responsible for: every key that it had at the cut is encoded once, as
/// it was then, by the walk or just before it changes, whichever comes first.
/// </summary>
/// <remarks>
/// <code>
///   at the cut    each table of keys begins to be saved (HashTable.BeginSaving); nothing is copied
///   a unit        is about to change a key  -> the bucket chain of that key is encoded          (Save)
///                 ... a member of a value that is saved member by member -> the chain of that member
///                 empties a database, frees such a value -> it is kept until it is saved         (TryKeep)
///   the walk      encodes chains that nobody has touched, table by table, and what is left of long records, one record
///                 after the other, because each must stand in the file in one piece
/// </code>
/// What decides is a mark at the chain, so nothing is missed or saved twice, wherever the walk is. After the end, and
/// after an abort, the walk goes on without encoding until no mark is left. Under the partition's lock, all of it.
/// </remarks>
internal sealed class PartitionSaver : IPartitionSaver
{
    /// <summary>A value with more members than this gets a record that is written member by member. Fewer are encoded
    /// within the unit that changes a key beside it: some ten microseconds.</summary>
    internal const int MaxWholeMembers = 256;

    /// <summary>The same for the chunks of a list and the nodes of a stream.</summary>
    internal const int MaxWholePieces = 8;

    /// <summary>And for the bytes of either.</summary>
    internal const int MaxWholeBytes = 256 * 1024;

    // The walk goes on with keys while no more long records than these wait for their turn.
    private const int MaxWaiting = 8;

    private readonly KeyspaceSnapshot _snapshot;
    private readonly Partition _partition;
    private readonly RelaySink _sink = new();
    private readonly RdbWriter _writer;
    private readonly List<SavedTable> _tables = []; // those that are not saved yet
    private readonly Dictionary<BlockRef, LongRecord> _records = [];
    private readonly Queue<LongRecord> _waiting = new();
    private SnapshotChunk? _chunk; // of whole records
    private LongRecord? _open;     // the record that is in its turn
    private long _walkedParts;
    private long _unitParts;

    internal PartitionSaver(KeyspaceSnapshot snapshot, Partition partition)
    {
        _snapshot = snapshot;
        _partition = partition;
        _writer = new RdbWriter(_sink, snapshot.Format, snapshot.Use);
    }

    /// <summary>Whether there is nothing left to do.</summary>
    internal bool IsDone { get; private set; }

    /// <summary>How many entries, members and pieces walks have saved. Any thread.</summary>
    internal long WalkedParts => Volatile.Read(ref _walkedParts);

    /// <summary>How many of them units have saved, before they changed something. Any thread.</summary>
    internal long UnitParts => Volatile.Read(ref _unitParts);

    /// <summary>Whether anybody wants what is encoded.</summary>
    internal bool IsEncoding => !_snapshot.IsAborted;

    /// <summary>Where chunks go.</summary>
    internal SnapshotQueue Queue => _snapshot.Queue;

    /// <summary>Begins: what the partition holds now is what will be saved. O(databases).</summary>
    internal void Begin(int databases)
    {
        for (var database = 0; database < databases; database++)
        {
            if (_partition.Table(database) is not { Count: > 0 } table) continue;
            table.Entries.BeginSaving();
            _tables.Add(new SavedTable(table, database));
        }

        _partition.Heap.Saver = this;
        _partition.Discards.Saver = this;
    }

    /// <inheritdoc/>
    public void Save(BlockRef table, BlockRef entry)
    {
        if (!IsEncoding) return;
        _unitParts++;
        if (_records.TryGetValue(table, out var record))
        {
            record.Save(this, entry);
            return;
        }

        foreach (var saved in _tables)
        {
            if (saved.Table.Entries.Header != table) continue;
            SaveEntry(saved.Database, new Entry(_partition.Heap, entry));
            return;
        }

        Debug.Fail("a table that is saved is known here");
    }

    /// <inheritdoc/>
    public void SaveContent(BlockRef owner, BlockRef block, ReadOnlySpan<byte> content)
    {
        if (!IsEncoding || !_records.TryGetValue(owner, out var record)) return;
        _unitParts++;
        record.SaveContent(this, block, content);
    }

    /// <inheritdoc/>
    public bool Needs(BlockRef root) => IsEncoding && _records.ContainsKey(root);

    /// <inheritdoc/>
    public bool IsKept(KeyTable table, ulong hash, in Entry entry)
    {
        if (!IsEncoding || entry.Type == ValueType.String) return false;
        if (_records.ContainsKey(Value.RootOf(entry))) return true;
        return IsLong(entry) && !table.Entries.IsSaved(hash);
    }

    /// <inheritdoc/>
    public bool TryKeep(KeyTable table)
    {
        var index = _tables.FindIndex(saved => saved.Table == table);
        if (index < 0) return false;
        if (IsEncoding) _tables[index].IsKept = true;
        else _tables.RemoveAt(index); // nobody needs its marks any more
        return IsEncoding;
    }

    /// <inheritdoc/>
    public bool TryKeep(ValueType type, BlockRef root, BlockRef side)
    {
        if (!_records.TryGetValue(root, out var record)) return false;
        record.Keep(root, side);
        if (IsEncoding) return true;
        _records.Remove(root);
        record.Forget();
        return false;
    }

    /// <summary>Counts what a walk has saved.</summary>
    internal void NoteWalked() => _walkedParts++;

    /// <summary>Goes on until a time of <see cref="Stopwatch"/>, or until it is another's turn.</summary>
    /// <returns>Whether anything was done.</returns>
    internal bool WalkSome(long untilTicks)
    {
        var hasWorked = false;
        while (_waiting.Count > 0 || _tables.Count > 0)
        {
            if (_tables.Count == 0 || _open is not null || IsRecordsTurn)
            {
                if (_open is null && !TryOpen()) return hasWorked;
                hasWorked = true;
                if (!WalkRecord(_open!, untilTicks) || Stopwatch.GetTimestamp() >= untilTicks) return true;
            }
            else
            {
                hasWorked = true;
                if (WalkTable(_tables[0], untilTicks)) EndTable();
                else if (Stopwatch.GetTimestamp() >= untilTicks) return true;
            }
        }

        HandOver();
        End();
        return hasWorked;
    }

    private bool IsRecordsTurn => _waiting.Count > (_snapshot.IsPressed ? 0 : MaxWaiting);

    private void EndTable()
    {
        var saved = _tables[0];
        _tables.RemoveAt(0);
        if (saved.IsKept) _partition.Discards.Add(saved.Table);
    }

    private void End()
    {
        IsDone = true;
        _partition.Heap.Saver = null;
        _partition.Discards.Saver = null;
        _snapshot.PartitionEnded();
    }

    private bool WalkTable(SavedTable saved, long untilTicks)
    {
        if (!IsEncoding && saved.IsKept) return true; // nobody needs its marks any more
        var walker = new KeyWalker(this, saved.Database, untilTicks);
        return saved.Table.Entries.SaveSome(ref walker);
    }

    private bool WalkRecord(LongRecord record, long untilTicks)
    {
        if ((IsEncoding || record.IsInUse) && !record.Walk(this, untilTicks)) return false;
        _ = _waiting.Dequeue();
        _records.Remove(record.Header);
        if (IsEncoding)
        {
            record.Waiting[^1].EndsRecord = true;
            record.Waiting[^1].Keys = 1;
        }

        HandOver(record, isAll: true);
        record.Free(Queue);
        _open = null;
        _snapshot.CloseRecord();
        record.LetGo(_partition.Discards);
        return true;
    }

    // Its turn begins: whatever was encoded of it before goes first.
    private bool TryOpen()
    {
        if (!_snapshot.TryOpenRecord(_partition.Index)) return false;
        _open = _waiting.Peek();
        HandOver(_open, isAll: false);
        return true;
    }

    private void SaveEntry(int database, Entry entry)
    {
        if (!RdbWriter.IsWritten(entry, _snapshot.CutMs)) return;
        _writer.UsedUpToMs = _partition.Line.LastUnixMs;
        var isHeavy = IsHeavy(entry);
        var frozen = FrozenValue.Of(entry, isHeavy ? 0 : MaxWholePieces);
        if (frozen is not null || TableValue.IsLarger(entry, isHeavy ? 0 : MaxWholeMembers))
        {
            Register(database, entry, frozen);
            return;
        }

        if (_chunk is null || _chunk.Database != database || _chunk.IsFull)
        {
            HandOver();
            _chunk = NewChunk(database, record: null);
        }

        var isLarge = entry.Type == ValueType.String && StringValue.IsLarge(entry);
        _sink.Chunk = _chunk;
        if (isLarge ? TryLargeString(entry) : _writer.TryEntry(_partition.Heap, entry, _snapshot.CutMs)) _chunk.Keys++;
        else _snapshot.Refuse(entry);
        Hold(_chunk);
    }

    private bool IsHeavy(in Entry entry) => entry.Type != ValueType.String
        && Value.SizeBytes(_partition.Heap, entry, Value.UsualSamples) > MaxWholeBytes;

    // A little more than those that get a record of their own, without looking closer.
    private bool IsLong(in Entry entry) => !Value.RootOf(entry).IsNull
        && (IsHeavy(entry)
            || TableValue.IsLarger(entry, MaxWholeMembers)
            || FrozenValue.IsLonger(entry, MaxWholePieces));

    private bool TryLargeString(in Entry entry)
    {
        var writer = WriterTo(_chunk!);
        if (!_writer.TryBeginEntry(ref writer, entry, _snapshot.CutMs, out _)) return false;
        writer.End();
        var (blob, length) = StringValue.LargeBytes(entry);
        _chunk!.AddBlob(blob, length);
        return true;
    }

    /// <summary>A writer to the last chunk of a record, which the caller ends; <see cref="Measure"/> follows.</summary>
    internal ValueWriter Continue(LongRecord record)
    {
        if (record.Waiting.Count == 0 || record.Waiting[^1].IsFull)
        {
            if (record == _open) HandOver(record, isAll: true);
            record.Waiting.Add(NewChunk(record.Database, record));
        }

        return WriterTo(record.Waiting[^1]);
    }

    /// <summary>Counts what the last chunk of a record has taken.</summary>
    internal void Measure(LongRecord record) => Hold(record.Waiting[^1]);

    /// <summary>Counts what a chunk has taken.</summary>
    internal void Hold(SnapshotChunk chunk) => Queue.Hold(chunk.Measure());

    /// <summary>A writer to a chunk.</summary>
    internal ValueWriter WriterTo(SnapshotChunk chunk)
    {
        _sink.Chunk = chunk;
        return new ValueWriter(_sink, _partition.Heap, _snapshot.Format);
    }

    /// <summary>A chunk, counted.</summary>
    internal SnapshotChunk NewChunk(int database, LongRecord? record, bool isHead = false)
    {
        var isShort = record is not null || isHead;
        var chunk = new SnapshotChunk(_partition.Heap.Blobs, database, isShort) { Record = record };
        Hold(chunk);
        return chunk;
    }

    private void Register(int database, in Entry entry, FrozenValue? frozen)
    {
        var chunk = NewChunk(database, record: null, isHead: true);
        var writer = WriterTo(chunk);
        if (!_writer.TryBeginEntry(ref writer, entry, _snapshot.CutMs, out var type))
        {
            _snapshot.Refuse(entry);
            Queue.Free(chunk);
            return;
        }

        LongRecord record;
        if (frozen is not null)
        {
            frozen.WriteHead(ref writer);
            record = new PieceRecord(database, frozen, type);
        }
        else
        {
            var table = TableValue.Of(entry, type, _snapshot.CutMs);
            table.WriteHead(ref writer);
            record = new TableRecord(database, table);
            table.BeginSaving();
        }

        writer.End();
        chunk.Record = record;
        record.Waiting.Add(chunk);
        Hold(chunk);
        _records.Add(record.Header, record);
        _waiting.Enqueue(record);
        if (record is PieceRecord pieces) pieces.Begin(this);
    }

    private void HandOver()
    {
        if (_chunk is not null) _snapshot.Queue.Add(_chunk);
        _chunk = null;
    }

    private void HandOver(LongRecord record, bool isAll)
    {
        var count = isAll ? record.Waiting.Count : record.Waiting.Count - 1;
        for (var i = 0; i < count; i++) _snapshot.Queue.Add(record.Waiting[i]);
        record.Waiting.RemoveRange(0, count);
    }

    // A table of keys as it was at the cut, whatever database it belongs to by now.
    private sealed class SavedTable(KeyTable table, int database)
    {
        internal KeyTable Table => table;

        internal int Database => database;

        internal bool IsKept { get; set; }
    }

    // Which chunk the records go to.
    private sealed class RelaySink : ValueSink
    {
        internal SnapshotChunk Chunk { get; set; } = null!;

        public override bool CompressesLater => true;

        public override Span<byte> Next(int filled) => Chunk.Next(filled);

        public override void End(int filled) => Chunk.End(filled);

        public override void NoteText(int at, int bytes) => Chunk.NoteText(at, bytes);
    }

    private readonly struct KeyWalker(PartitionSaver saver, int database, long untilTicks) : IEntryWalker
    {
        public bool IsDone => saver.IsRecordsTurn || Stopwatch.GetTimestamp() >= untilTicks;

        public void Visit(BlockRef entry)
        {
            saver.NoteWalked();
            if (saver.IsEncoding) saver.SaveEntry(database, new Entry(saver._partition.Heap, entry));
        }
    }
}
