namespace Millrace.Memory;

/// <summary>
/// Tells a <see cref="HashTable{TLayout}"/> how to find the hash of an entry again, which it needs to split.
/// </summary>
public interface IEntryLayout
{
    /// <summary>The hash under which the entry was inserted. Must not allocate from or free to the heap.</summary>
    static abstract ulong HashOf(Heap heap, BlockRef entry, KeyHasher hasher);
}

/// <summary>
/// Compares a key that is looked for with an entry. A struct, so that the comparison is compiled into the search.
/// </summary>
public interface IEntryProbe
{
    /// <summary>Whether this is the entry. Called for entries whose fingerprint fits: usually once.</summary>
    bool Matches(Heap heap, BlockRef entry);
}

/// <summary>Receives entries one by one. A struct, so that the call is compiled into the walk.</summary>
public interface IEntryVisitor
{
    /// <summary>One entry. Must not change the table that is being walked.</summary>
    void Visit(BlockRef entry);
}

/// <summary>Receives entries until it has enough.</summary>
public interface IEntryWalker : IEntryVisitor
{
    /// <summary>Whether the walk may end. Asked between buckets: a few more entries may come.</summary>
    bool IsDone { get; }
}
