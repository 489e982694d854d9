using Millrace.Engine.Values;
using Millrace.Memory;

namespace Millrace.Engine;

/// <summary>
/// What a partition has taken out of use and still has to free: tables of flushed databases, and large values that were
/// deleted, overwritten or have expired.
/// </summary>
/// <remarks>
/// Freed in slices by the loop that looks after the partition, so that nothing large is ever freed in one step. Values
/// come before tables: freeing a slice of a table adds few values, and they are gone before the next slice.
/// Used under the partition's lock.
/// </remarks>
public sealed class Discards
{
    private readonly Queue<KeyTable> _tables = new();
    private readonly DiscardedValues _values = new();
    private readonly AlignedLines<UpkeepLine> _upkeep;
    private readonly int _loop;
    private long _queuedKeys; // of the tables that wait

    internal Discards(Heap heap, AlignedLines<UpkeepLine> upkeep, int partition)
    {
        Heap = heap;
        _upkeep = upkeep;
        _loop = partition % upkeep.Count;
    }

    /// <summary>The heap that all of it lives in.</summary>
    public Heap Heap { get; }

    /// <summary>How many keys and values have been freed to their end since the statistics were reset.</summary>
    public long Freed { get; internal set; }

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
    internal void Add(KeyTable table)
    {
        _tables.Enqueue(table);
        _queuedKeys += table.Count;
        Interlocked.Increment(ref _upkeep[_loop].Discarded);
    }

    /// <summary>Takes over what a large value keeps outside of its entry.</summary>
    /// <param name="type">The value's type.</param>
    /// <param name="root">The block by which <see cref="Value.FreeSome"/> knows it.</param>
    /// <param name="side">A second block that it may need, or null.</param>
    internal void Add(ValueType type, BlockRef root, BlockRef side = default)
    {
        _values.Add(new DiscardedValue(type, root, side));
        Interlocked.Increment(ref _upkeep[_loop].Discarded);
    }

    /// <summary>Frees up to about so many entries or members; true when nothing is left.</summary>
    public bool FreeSome(int max)
    {
        if (_values.Count > 0)
        {
            ref readonly var value = ref _values.Last;
            if (Value.FreeSome(Heap, value.Type, value.Root, value.Side, max))
            {
                _values.RemoveLast();
                Freed++;
                Interlocked.Decrement(ref _upkeep[_loop].Discarded);
            }
        }
        else if (_tables.TryPeek(out var table) && table.FreeSome(this, max))
        {
            _tables.Dequeue();
            if (_tables.Count == 0) (Freed, _queuedKeys) = (Freed + _queuedKeys, 0);
            Interlocked.Decrement(ref _upkeep[_loop].Discarded);
        }

        return IsEmpty;
    }
}

/// <summary>What is left of a large value that was taken out of use.</summary>
/// <param name="Type">Its type.</param>
/// <param name="Root">The block by which its type knows it.</param>
/// <param name="Side">A second block that it may need, or null.</param>
internal readonly record struct DiscardedValue(ValueType Type, BlockRef Root, BlockRef Side);

/// <summary>Discarded values, the last one first in turn.</summary>
/// <remarks>A list of the framework, over a type of ours, would be compiled when the first value is deleted: a few
/// milliseconds on the loop.</remarks>
internal sealed class DiscardedValues
{
    private DiscardedValue[] _items = new DiscardedValue[4];

    /// <summary>How many there are.</summary>
    internal int Count { get; private set; }

    /// <summary>The one whose turn it is. Requires: there is one.</summary>
    internal ref readonly DiscardedValue Last => ref _items[Count - 1];

    internal void Add(in DiscardedValue value)
    {
        if (Count == _items.Length)
        {
            var larger = new DiscardedValue[Count * 2];
            Array.Copy(_items, larger, Count);
            _items = larger;
        }

        _items[Count++] = value;
    }

    internal void RemoveLast() => Count--;
}
