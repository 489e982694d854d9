using Millrace.Memory;

namespace Millrace.Engine;

/// <summary>
/// Takes what a snapshot needs of a partition before it changes, and keeps what goes out of use before it is saved.
/// </summary>
/// <remarks>
/// <code>
///   a unit changes a key     HashTable.BeforeChange -> Save(table of keys, its entry and those beside it)
///   ... a member of a value  HashTable.BeforeChange -> Save(table of members, ...)
///   ... a piece of a list    SaveContent
///   ... frees a large value  Discards.Add           -> TryKeep(value)
///   ... empties a database   Discards.Add           -> TryKeep(table of keys)
/// </code>
/// Called under the partition's lock, in the middle of a unit's work.
/// </remarks>
public interface IPartitionSaver : IEntrySaver
{
    /// <summary>Keeps a table of keys that is out of use and not saved yet. True: it is handed to
    /// <see cref="Discards"/> again when it is.</summary>
    bool TryKeep(KeyTable table);

    /// <summary>Whether removing an entry frees nothing for now, because what its value has outside of it is kept.
    /// </summary>
    /// <param name="table">The entry's table.</param>
    /// <param name="hash">The hash of its key.</param>
    /// <param name="entry">The entry.</param>
    bool IsKept(KeyTable table, ulong hash, in Entry entry);

    /// <summary>Whether it would keep what a large value has outside of its entry.</summary>
    /// <param name="root">The block by which the value is known.</param>
    bool Needs(BlockRef root);

    /// <summary>The same for what a large value has outside of its entry. The parameters are those of
    /// <see cref="Discards.Add(ValueType, BlockRef, BlockRef)"/>.</summary>
    bool TryKeep(ValueType type, BlockRef root, BlockRef side);
}
