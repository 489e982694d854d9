using Millrace.Engine.Values;
using Millrace.Memory;

namespace Millrace.Engine;

/// <summary>
/// What a partition has taken out of use and still has to free: tables of flushed databases, and large values that were
/// deleted, overwritten or have expired.
/// </summary>
/// <remarks>
/// <code>
///   unit discards -> the oldest value or a table, by turns -> a slice freed: by the unit itself, for as long as it
///                                                             ran, and by the loop that looks after the partition
/// </code>
/// Freed in slices, so that nothing large is ever freed in one step. Whoever discards pays with as much time as his
/// work took, since what is made faster than it is freed would fill the memory; the rest is left to the loop.
/// A slice of a table may add values; tables rest while many values wait.
/// Used under the partition's lock.
/// </remarks>
public sealed class Discards
{
    private const int MaxValuesBeforeTables = 64;

    private readonly Queue<KeyTable> _tables = new();
    private readonly DiscardedValues _values = new();
    private readonly AlignedLines<PartitionLine> _lines;
    private readonly AlignedLines<UpkeepLine> _upkeep;
    private readonly int _partition;
    private readonly int _loop;
    private bool _isTablesTurn;
    private long _queuedKeys; // of the tables that wait

    internal Discards(
        Heap heap, AlignedLines<PartitionLine> lines, AlignedLines<UpkeepLine> upkeep, int partition)
    {
        Heap = heap;
        _lines = lines;
        _upkeep = upkeep;
        _partition = partition;
        _loop = partition % upkeep.Count;
    }

    /// <summary>The heap that all of it lives in.</summary>
    public Heap Heap { get; }

    /// <summary>How many keys and values have been freed to their end since the statistics were reset.</summary>
    public long Freed { get; internal set; }

    /// <summary>Keeps what a snapshot still needs; null while none is taken.</summary>
    public IPartitionSaver? Saver { get; set; }

    /// <summary>Whether a snapshot needs what a value has outside of its entry: then it must come here, however small
    /// it is.</summary>
    /// <param name="root">The block by which the value is known.</param>
    public bool IsNeeded(BlockRef root) => Saver is { } saver && saver.Needs(root);

    /// <summary>Whether there is anything.</summary>
    public bool IsEmpty => _tables.Count == 0 && _values.Count == 0;

    /// <summary>How many entries and values wait.</summary>
    public long Count
    {
        get
        {
            var sum = (long)_values.Count;
            foreach (var table in _tables) sum += table.Count;
            return sum;
        }
    }

    /// <summary>Takes a database's table over.</summary>
    public void Add(KeyTable table)
    {
        ArgumentNullException.ThrowIfNull(table);
        if (Saver is { } saver && saver.TryKeep(table)) return;
        _tables.Enqueue(table);
        _queuedKeys += table.Count;
        NoteNew();
    }

    /// <summary>Takes over what a large value keeps outside of its entry.</summary>
    /// <param name="type">The value's type.</param>
    /// <param name="root">The block by which <see cref="Value.FreeSome"/> knows it.</param>
    /// <param name="side">A second block that it may need, or null.</param>
    public void Add(ValueType type, BlockRef root, BlockRef side = default)
    {
        if (Saver is { } saver && saver.TryKeep(type, root, side)) return;
        _values.Add(new DiscardedValue(type, root, side));
        NoteNew();
    }

    /// <summary>Frees up to about so many entries or members; true when nothing is left.</summary>
    public bool FreeSome(int max)
    {
        _isTablesTurn = !_isTablesTurn && _values.Count <= MaxValuesBeforeTables;
        if (_tables.Count > 0 && (_isTablesTurn || _values.Count == 0)) FreeSomeOfTable(max);
        else if (_values.Count > 0) FreeSomeOfValue(max);
        return IsEmpty;
    }

    private void NoteNew()
    {
        _lines[_partition].HasUnpaidDiscards = 1;
        Interlocked.Increment(ref _upkeep[_loop].Discarded);
    }

    private void FreeSomeOfValue(int max)
    {
        ref readonly var value = ref _values.First;
        if (!Value.FreeSome(Heap, value.Type, value.Root, value.Side, max)) return;
        _values.RemoveFirst();
        Freed++;
        Interlocked.Decrement(ref _upkeep[_loop].Discarded);
    }

    private void FreeSomeOfTable(int max)
    {
        if (!_tables.Peek().FreeSome(this, max)) return;
        _tables.Dequeue();
        if (_tables.Count == 0) (Freed, _queuedKeys) = (Freed + _queuedKeys, 0);
        Interlocked.Decrement(ref _upkeep[_loop].Discarded);
    }
}

/// <summary>What is left of a large value that was taken out of use.</summary>
/// <param name="Type">Its type.</param>
/// <param name="Root">The block by which its type knows it.</param>
/// <param name="Side">A second block that it may need, or null.</param>
internal readonly record struct DiscardedValue(ValueType Type, BlockRef Root, BlockRef Side);

/// <summary>Discarded values, the oldest one first in turn.</summary>
/// <remarks>A ring. A queue of the framework, over a type of ours, would be compiled when the first value is deleted: a
/// few milliseconds on the loop.</remarks>
internal sealed class DiscardedValues
{
    private DiscardedValue[] _items = new DiscardedValue[4]; // a power of two
    private int _first;

    /// <summary>How many there are.</summary>
    internal int Count { get; private set; }

    /// <summary>The one whose turn it is. Requires: there is one.</summary>
    internal ref readonly DiscardedValue First => ref _items[_first];

    internal void Add(in DiscardedValue value)
    {
        if (Count == _items.Length)
        {
            var larger = new DiscardedValue[Count * 2];
            for (var i = 0; i < Count; i++) larger[i] = _items[(_first + i) & (Count - 1)];
            (_items, _first) = (larger, 0);
        }

        _items[(_first + Count++) & (_items.Length - 1)] = value;
    }

    internal void RemoveFirst()
    {
        _first = (_first + 1) & (_items.Length - 1);
        Count--;
    }
}
