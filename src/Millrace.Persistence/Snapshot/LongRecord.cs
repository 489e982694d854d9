using Millrace.Engine;
using Millrace.Memory;
using ValueType = Millrace.Engine.ValueType;

namespace Millrace.Persistence.Snapshot;

/// <summary>
/// A value of many parts that a snapshot saves part by part: its record must stand in the file in one piece.
/// </summary>
/// <remarks>
/// <code>
///   registered -> head, and what is about to change   wait in chunks, or as copies
///   its turn   -> those chunks, then the parts that are left   handed over as they fill up
///   ended      -> what was kept for it is let go
/// </code>
/// Used under the partition's lock.
/// </remarks>
internal abstract class LongRecord
{
    private BlockRef _root; // of a value that is kept, or null
    private BlockRef _side;

    private protected LongRecord(int database, ValueType type, BlockRef header)
    {
        Database = database;
        Type = type;
        Header = header;
    }

    /// <summary>The database of its key at the cut.</summary>
    internal int Database { get; }

    /// <summary>The block that the value is known by.</summary>
    internal BlockRef Header { get; }

    /// <summary>What is encoded and waits for the record's turn; the last one is written to.</summary>
    internal List<SnapshotChunk> Waiting { get; } = [];

    /// <summary>Whether the value is still a key's.</summary>
    internal bool IsInUse { get; private set; } = true;

    private ValueType Type { get; }

    /// <summary>An entry of the value's table is about to change.</summary>
    internal abstract void Save(PartitionSaver saver, BlockRef member);

    /// <summary>A block of the value's content is about to change.</summary>
    internal abstract void SaveContent(PartitionSaver saver, BlockRef block, ReadOnlySpan<byte> content);

    /// <summary>Writes what is left, until a time; true when nothing is.</summary>
    internal abstract bool Walk(PartitionSaver saver, long untilTicks);

    /// <summary>Gives back what it has taken beside its chunks.</summary>
    internal virtual void Free(SnapshotQueue queue)
    {
    }

    /// <summary>The value went out of use, and is kept for the snapshot.</summary>
    internal void Keep(BlockRef root, BlockRef side) => (IsInUse, _root, _side) = (false, root, side);

    /// <summary>It is not kept after all.</summary>
    internal void Forget() => _root = default;

    /// <summary>Lets go of what was kept.</summary>
    internal void LetGo(Discards discards)
    {
        if (!_root.IsNull) discards.Add(Type, _root, _side);
        _root = default;
    }
}
