namespace Millrace.Memory;

/// <summary>
/// A set of 16-byte keys in unsigned order, kept in native memory: a <see cref="RecordIndex{TRecord}"/> of keys alone.
/// </summary>
/// <remarks>17 to 26 bytes per key. A handle may be copied; it is used under the heap's lock.</remarks>
public readonly struct OrderedIndex
{
    private readonly RecordIndex<IndexKey> _keys;

    /// <summary>A handle to the index that has this header.</summary>
    public OrderedIndex(Heap heap, BlockRef header)
        : this(new RecordIndex<IndexKey>(heap, header))
    {
    }

    private OrderedIndex(RecordIndex<IndexKey> keys) => _keys = keys;

    /// <summary>The block that the index is known by; never moves.</summary>
    public BlockRef Header => _keys.Header;

    /// <summary>The number of keys.</summary>
    public long Count => _keys.Count;

    /// <summary>Exact bytes of the index.</summary>
    public long AllocatedBytes => _keys.AllocatedBytes;

    /// <summary>An index without keys: one small block.</summary>
    public static OrderedIndex Create(Heap heap) => new(RecordIndex<IndexKey>.Create(heap));

    /// <summary>Adds a key; false when it is there already.</summary>
    public bool Insert(ulong high, ulong low) => _keys.Insert(new IndexKey(high, low));

    /// <summary>Removes a key; false when it is not there.</summary>
    public bool Remove(ulong high, ulong low) => _keys.Remove(high, low);

    /// <summary>The smallest key; false when there is none.</summary>
    public bool TryFirst(out ulong high, out ulong low)
    {
        var found = _keys.TryFirst(out var key);
        (high, low) = key;
        return found;
    }

    /// <summary>The smallest key that is not below the given one; false when there is none.</summary>
    public bool TryAtLeast(ref ulong high, ref ulong low)
    {
        if (!_keys.TryAtLeast(high, low, out var key)) return false;
        (high, low) = key;
        return true;
    }

    /// <summary>A key by chance; as <see cref="RecordIndex{TRecord}.TryRandom"/>.</summary>
    public bool TryRandom(ulong random, out ulong high, out ulong low)
    {
        var found = _keys.TryRandom(random, out var key);
        (high, low) = key;
        return found;
    }

    /// <summary>Visits the keys from the given one on, ascending, until the visitor has enough.</summary>
    public void VisitFrom<TVisitor>(ulong high, ulong low, ref TVisitor visitor)
        where TVisitor : struct, IRecordVisitor<IndexKey>, allows ref struct =>
        _keys.VisitFrom(high, low, ref visitor);

    /// <summary>As <see cref="RecordIndex{TRecord}.FreeSome(int)"/>.</summary>
    public bool FreeSome(int max) => _keys.FreeSome(max);

    /// <summary>
    /// Frees the whole index, its header included; the handle is dead then. O(keys) unless it is empty.
    /// </summary>
    public void Free() => _keys.Free();

    /// <summary>Tests the invariants of the tree. For tests.</summary>
    internal void CheckInvariants() => _keys.CheckInvariants();
}
