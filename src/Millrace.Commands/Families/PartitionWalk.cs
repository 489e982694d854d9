// Taking partitions one at a time, for the commands that hold none when their handler starts.
//
// Inside of a transaction or a script the unit holds all partitions already; then entering and leaving do nothing, and
// the walk sees what that unit sees.

using Millrace.Engine;
using Millrace.Engine.Values;
using Millrace.Memory;

namespace Millrace.Commands.Families;

/// <summary>The partitions of the caller's database, to be held one at a time.</summary>
internal readonly ref struct PartitionWalk
{
    private readonly Unit _unit;
    private readonly Caller _caller;
    private readonly bool _isNested;

    /// <summary>A walk for one call.</summary>
    public PartitionWalk(in Call call)
    {
        _unit = call.Unit;
        _caller = call.Caller;
        _isNested = _unit.Held != 0;
    }

    /// <summary>The number of partitions.</summary>
    public int Count => _unit.Keyspace.Shape.Partitions;

    /// <summary>Takes a partition, however long that lasts. Requires: none is held through this walk.</summary>
    public void Enter(int partition)
    {
        if (!_isNested) _caller.BeginUnit(_unit, 1UL << partition);
    }

    /// <summary>Releases the partition entered last.</summary>
    public void Leave()
    {
        if (!_isNested) _caller.EndUnit(_unit);
    }

    /// <summary>The table of the caller's database. Requires: entered.</summary>
    public KeyTable? Table(int partition) => _unit.Keyspace[partition].Table(_caller.Database);

    /// <summary>A view of an entry of the table. Requires: entered.</summary>
    public Entry EntryAt(int partition, BlockRef block) => new(_unit.Keyspace[partition].Heap, block);

    /// <summary>Whether the entry's time has come.</summary>
    public bool IsExpired(in Entry entry) => Value.IsExpired(entry, _unit.NowMs);

    /// <summary>Removes an entry whose time has come. Requires: entered.</summary>
    public void RemoveExpired(in Entry entry)
    {
        var name = entry.Key;
        _unit.Find(new Key(_caller.Database, _unit.Keyspace.HashOf(name), name), Access.Peek);
    }
}
