namespace Millrace.Memory;

/// <summary>
/// Names in the order of their bytes, each with a word of its own, in native memory.
/// </summary>
/// <remarks>
/// A name with its word is one block, laid out as a <see cref="ScoredMember"/> with the word in the place of the score;
/// the order is kept by a <see cref="RankTree"/> that knows all of them under the same score. Find, Add, Remove
/// O(log n), each step a comparison of texts; At O(log n). A handle may be copied; it is used under the heap's lock.
/// </remarks>
public readonly struct NameIndex
{
    private const double SameScore = 0;

    private readonly Heap _heap;
    private readonly RankTree _order;

    /// <summary>A handle to the index that has this header.</summary>
    public NameIndex(Heap heap, BlockRef header)
    {
        _heap = heap;
        _order = new RankTree(heap, header);
    }

    /// <summary>The block that the index is known by; never moves.</summary>
    public BlockRef Header => _order.Header;

    /// <summary>The number of names.</summary>
    public long Count => _order.Count;

    /// <summary>Exact bytes of the index without the blocks of its names.</summary>
    public long AllocatedBytes => _order.AllocatedBytes;

    /// <summary>An index without names: one small block.</summary>
    public static NameIndex Create(Heap heap) => new(heap, RankTree.Create(heap).Header);

    /// <summary>The text of a name. Valid until the name is removed.</summary>
    public static ReadOnlySpan<byte> Text(Heap heap, BlockRef name) => ScoredMember.Text(heap, name);

    /// <summary>The word of a name.</summary>
    public static ulong Word(Heap heap, BlockRef name)
    {
        ArgumentNullException.ThrowIfNull(heap);
        return heap.ReadHeader(name);
    }

    /// <summary>The name with this text, or null.</summary>
    public BlockRef Find(ReadOnlySpan<byte> text)
    {
        var probe = new ElementProbe(SameScore, text, isBehind: false);
        var cursor = _order.At(_order.CountBefore(ref probe));
        if (!cursor.IsValid) return default;
        var name = cursor.Member;
        return ScoredMember.Text(_heap, name).SequenceEqual(text) ? name : default;
    }

    /// <summary>Adds a name. Requires: it is not there, and its text is not in the heap.</summary>
    /// <returns>Its block, which does not move.</returns>
    public BlockRef Add(ReadOnlySpan<byte> text, ulong word)
    {
        var name = ScoredMember.Create(_heap, BitConverter.UInt64BitsToDouble(word), text);
        _order.Insert(SameScore, name);
        return name;
    }

    /// <summary>Removes a name and frees its block.</summary>
    public void Remove(BlockRef name)
    {
        _order.Remove(SameScore, name);
        _heap.Free(name);
    }

    /// <summary>A cursor on the name with so many before it, whose members are names; on nothing when there is none.
    /// </summary>
    public RankCursor At(long rank) => _order.At(rank);

    /// <summary>Frees the index, its header included. Requires: no name is left.</summary>
    public void Free() => _order.Free();
}
