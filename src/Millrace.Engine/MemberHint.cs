using Millrace.Memory;

namespace Millrace.Engine;

/// <summary>
/// Where the members of a large collection are looked for, as far as can be told without a lock: good for asking the
/// processor to fetch what a request further on in the batch will need, and for nothing else.
/// </summary>
/// <remarks>Other loops may change or free the collection meanwhile: what is read then leads to a useless fetch at
/// worst, as in <see cref="HashTable{TLayout}.PrefetchEntries"/>.</remarks>
public readonly struct MemberHint
{
    // What its entries are is of no matter: a hint does not read them.
    private readonly HashTable<EntryLayout> _table;

    internal MemberHint(HashTable<EntryLayout> table)
    {
        _table = table;
        IsThere = true;
    }

    /// <summary>Whether there seems to be such a collection.</summary>
    public bool IsThere { get; }

    /// <summary>The header of the table, or null.</summary>
    internal BlockRef Table => IsThere ? _table.Header : default;

    /// <summary>Has the bucket fetched in which a member with this hash would be.</summary>
    public void PrefetchBucket(ulong hash)
    {
        if (IsThere) _table.PrefetchBucket(hash);
    }

    /// <summary>Has the members fetched that the bucket names for a hash.</summary>
    public void PrefetchMembers(ulong hash)
    {
        if (IsThere) _table.PrefetchEntries(hash);
    }
}
