using System.Buffers.Binary;
using Millrace.Memory;

namespace Millrace.Engine.Values;

/// <summary>
/// The fields of a large hash: the keyspace's own hash table over one block per field, and the deadlines in order when
/// there may be some.
/// </summary>
/// <remarks>
/// <code>
///   value area   Table           8 bytes: header of the table
///                ExpiringTable   8 bytes: header of the table, 8 bytes: header of the index of deadlines
/// </code>
/// Find, Set, Remove O(1); a deadline adds O(log n of the fields that have one). Invariant: a field has a deadline
/// exactly when <c>(deadline, hash of its name)</c> is in the index. A handle may be copied, as those that it is made
/// of.
/// </remarks>
internal readonly struct HashFields
{
    private readonly Heap _heap;
    private readonly HashTable<HashFieldLayout> _table;
    private readonly OrderedIndex _deadlines;
    private readonly bool _hasIndex;

    /// <summary>A handle to the fields that these headers name.</summary>
    /// <param name="heap">The partition's heap.</param>
    /// <param name="hasher">The keyspace's; null for a handle that neither adds nor removes.</param>
    /// <param name="table">The table's header.</param>
    /// <param name="index">The header of the index of deadlines, or null.</param>
    public HashFields(Heap heap, KeyHasher? hasher, BlockRef table, BlockRef index)
    {
        _heap = heap;
        _table = new HashTable<HashFieldLayout>(heap, hasher!, table);
        _hasIndex = !index.IsNull;
        _deadlines = new OrderedIndex(heap, index);
    }

    /// <summary>How long the value area is.</summary>
    public static int AreaBytes(bool hasIndex) => hasIndex ? 2 * sizeof(ulong) : sizeof(ulong);

    /// <summary>The header of the table.</summary>
    public BlockRef Table => _table.Header;

    /// <summary>The number of fields that the table has room for.</summary>
    public long SlotCount => _table.SlotCount;

    /// <summary>The header of the index of deadlines, or null.</summary>
    public BlockRef Index => _deadlines.Header;

    /// <summary>The number of fields, those included whose time has come.</summary>
    public long Count => _table.Count;

    /// <summary>The earliest deadline, or -1.</summary>
    public long EarliestMs => _hasIndex && _deadlines.TryFirst(out var deadline, out _) ? (long)deadline : -1;

    /// <summary>No fields yet.</summary>
    public static HashFields Create(Heap heap, KeyHasher hasher, bool hasIndex)
    {
        var table = HashTable<HashFieldLayout>.Create(heap, hasher).Header;
        return new HashFields(heap, hasher, table, hasIndex ? OrderedIndex.Create(heap).Header : default);
    }

    /// <summary>The fields of an entry that has this form.</summary>
    public static HashFields Of(in Entry entry, KeyHasher? hasher)
    {
        var area = entry.Value;
        var table = BlockRef.FromValue(BinaryPrimitives.ReadUInt64LittleEndian(area));
        var index = area.Length == sizeof(ulong)
            ? default
            : BlockRef.FromValue(BinaryPrimitives.ReadUInt64LittleEndian(area[sizeof(ulong)..]));
        return new HashFields(entry.Heap, hasher, table, index);
    }

    /// <summary>Writes the headers into a value area.</summary>
    public void WriteTo(Span<byte> area)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(area, Table.Value);
        if (_hasIndex) BinaryPrimitives.WriteUInt64LittleEndian(area[sizeof(ulong)..], Index.Value);
    }

    /// <summary>The same fields with an index of deadlines. Requires: they have none.</summary>
    public HashFields WithIndex(KeyHasher hasher) =>
        new(_heap, hasher, Table, OrderedIndex.Create(_heap).Header);

    /// <summary>Finds a field, whether or not its time has come.</summary>
    public bool TryFind(ulong hash, ReadOnlySpan<byte> name, out HashField field)
    {
        var probe = new NameProbe(name);
        var block = _table.Find(hash, ref probe);
        field = block.IsNull ? default : new HashField(_heap, block);
        return !block.IsNull;
    }

    /// <summary>Adds a field. Requires: it is not there, and with a deadline there is an index.</summary>
    public void Add(ulong hash, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, long deadlineMs)
    {
        var block = _heap.Allocate(HashField.SizeOf(name.Length, value.Length, deadlineMs >= 0));
        HashField.Write(_heap, block, name, value, deadlineMs);
        _table.Insert(hash, block);
        if (deadlineMs >= 0) _deadlines.Insert((ulong)deadlineMs, hash);
    }

    /// <summary>Gives a field another value and deadline. The texts must not lie in its block.</summary>
    public void Replace(
        ulong hash, in HashField field, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, long deadlineMs)
    {
        _table.BeforeChange(hash);
        var before = field.DeadlineMs;
        var block = _heap.Resize(field.Block, 0, HashField.SizeOf(name.Length, value.Length, deadlineMs >= 0));
        HashField.Write(_heap, block, name, value, deadlineMs);
        Moved(hash, field.Block, block);
        MoveDeadline(hash, before, deadlineMs);
    }

    /// <summary>Gives a field another deadline (-1: none). Requires: an index.</summary>
    public void SetDeadline(ulong hash, in HashField field, long deadlineMs)
    {
        var before = field.DeadlineMs;
        if (before == deadlineMs) return;
        var block = _heap.Allocate(HashField.SizeOf(field.Name.Length, field.Value.Length, deadlineMs >= 0));
        HashField.Write(_heap, block, field.Name, field.Value, deadlineMs);
        _table.Replace(hash, field.Block, block);
        _heap.Free(field.Block);
        MoveDeadline(hash, before, deadlineMs);
    }

    /// <summary>Removes a field and frees it.</summary>
    public void Remove(ulong hash, in HashField field)
    {
        if (field.HasDeadline) _deadlines.Remove((ulong)field.DeadlineMs, hash);
        _table.Remove(hash, field.Block);
        _heap.Free(field.Block);
    }

    /// <summary>The field that falls due first; false when none has a deadline before <paramref name="nowMs"/>.
    /// </summary>
    public bool TryFirstDue(long nowMs, out ulong hash, out HashField field)
    {
        field = default;
        hash = 0;
        while (_hasIndex && _deadlines.TryFirst(out var deadline, out hash) && (long)deadline < nowMs)
        {
            var probe = new DeadlineProbe((long)deadline);
            var block = _table.Find(hash, ref probe);
            if (!block.IsNull)
            {
                field = new HashField(_heap, block);
                return true;
            }

            _deadlines.Remove(deadline, hash);
        }

        return false;
    }

    /// <summary>How many fields have a deadline before <paramref name="nowMs"/>. O(that many).</summary>
    public long CountDue(long nowMs)
    {
        if (!_hasIndex) return 0;
        var counter = new DueCounter(nowMs);
        _deadlines.VisitFrom(0, 0, ref counter);
        return counter.Count;
    }

    /// <summary>Whether every field has a deadline before <paramref name="nowMs"/>. O(log n).</summary>
    public bool IsAllDue(long nowMs)
    {
        if (!_hasIndex || _deadlines.Count < Count) return false;
        var any = default(AnyKey);
        _deadlines.VisitFrom((ulong)nowMs, 0, ref any);
        return !any.IsFound;
    }

    /// <summary>Visits the fields of one bucket chain, as <see cref="HashTable{TLayout}.Scan"/> says.</summary>
    public ulong Scan<TVisitor>(ulong cursor, ref TVisitor visitor)
        where TVisitor : struct, IEntryVisitor, allows ref struct => _table.Scan(cursor, ref visitor);

    /// <summary>A field chosen at random, whether or not its time has come. Requires: there is one.</summary>
    public HashField Random(ulong random) => new(_heap, _table.RandomEntry(random));

    /// <inheritdoc cref="HashTable{TLayout}.IsBeingSaved"/>
    public bool IsBeingSaved => _table.IsBeingSaved;

    /// <summary>Exact bytes of table and index, and of the fields, or of as many as <paramref name="samples"/> tell
    /// (0: all).</summary>
    public long SizeBytes(long samples)
    {
        var meter = new Meter(_heap);
        var cursor = 0UL;
        do cursor = _table.Scan(cursor, ref meter);
        while (cursor != 0 && (samples == 0 || meter.Count < samples));
        var fields = meter.Count == 0 ? 0 : (long)((Int128)meter.Bytes * Count / meter.Count);
        return fields + _table.TableBytes + (_hasIndex ? _deadlines.AllocatedBytes : 0);
    }

    /// <summary>Makes copies of all fields in another heap. O(fields).</summary>
    public HashFields CopyTo(Heap heap, KeyHasher hasher)
    {
        var copier = new Copier(_heap, Create(heap, hasher, _hasIndex), hasher);
        var cursor = 0UL;
        do cursor = _table.Scan(cursor, ref copier);
        while (cursor != 0);
        return copier.Target;
    }

    /// <summary>Frees fields and structures, about so many at a time; true when all is freed.</summary>
    public bool FreeSome(int max)
    {
        if (_hasIndex && !_deadlines.FreeSome(max)) return false;
        var visitor = new FreeingVisitor(_heap);
        if (!_table.FreeSome(ref visitor, max)) return false;
        if (_hasIndex) _deadlines.Free();
        return true;
    }

    private void Moved(ulong hash, BlockRef from, BlockRef to)
    {
        if (from != to) _table.Replace(hash, from, to);
    }

    private void MoveDeadline(ulong hash, long before, long after)
    {
        if (before == after) return;
        if (before >= 0) _deadlines.Remove((ulong)before, hash);
        if (after >= 0) _deadlines.Insert((ulong)after, hash);
    }

    private readonly ref struct NameProbe(ReadOnlySpan<byte> name) : IEntryProbe
    {
        private readonly ReadOnlySpan<byte> _name = name;

        public bool Matches(Heap heap, BlockRef entry) => new HashField(heap, entry).Name.SequenceEqual(_name);
    }

    private readonly struct DeadlineProbe(long deadlineMs) : IEntryProbe
    {
        public bool Matches(Heap heap, BlockRef entry) => new HashField(heap, entry).DeadlineMs == deadlineMs;
    }

    private struct DueCounter(long nowMs) : IRecordVisitor<IndexKey>
    {
        public long Count { get; private set; }

        public bool Visit(in IndexKey record)
        {
            if ((long)record.High >= nowMs) return false;
            Count++;
            return true;
        }
    }

    private struct AnyKey : IRecordVisitor<IndexKey>
    {
        public bool IsFound { get; private set; }

        public bool Visit(in IndexKey record)
        {
            IsFound = true;
            return false;
        }
    }

    private struct Meter(Heap heap) : IEntryVisitor
    {
        public long Count { get; private set; }

        public long Bytes { get; private set; }

        public void Visit(BlockRef entry)
        {
            Count++;
            Bytes += heap.UsableSize(entry);
        }
    }

    private readonly struct Copier(Heap heap, HashFields target, KeyHasher hasher) : IEntryVisitor
    {
        public HashFields Target { get; } = target;

        public void Visit(BlockRef entry)
        {
            var field = new HashField(heap, entry);
            Target.Add(hasher.Hash(field.Name), field.Name, field.Value, field.DeadlineMs);
        }
    }

    private readonly struct FreeingVisitor(Heap heap) : IEntryVisitor
    {
        public void Visit(BlockRef entry) => heap.Free(entry);
    }
}
