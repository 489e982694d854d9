// A list of slices that is filled again for every request and therefore keeps its array.
//
// The array comes from the shared pool and grows by doubling, as slices are really found: a length that a client
// announces never sizes it. An array beyond KeptSlices goes back to the pool when the list is cleared.

using System.Buffers;

namespace Millrace.Resp;

/// <summary>A reusable list of argument places. Not thread-safe.</summary>
public sealed class SliceList
{
    private const int FirstSlices = 16;
    private const int KeptSlices = 4096;

    private Slice[] _items = [];
    private int _count;

    /// <summary>How many places the list holds.</summary>
    public int Count => _count;

    /// <summary>Bytes of the array that the list keeps for reuse.</summary>
    public int HeldBytes => _items.Length * 8;

    /// <summary>Empties the list; a small array is kept for the next request.</summary>
    public void Clear()
    {
        _count = 0;
        if (_items.Length > KeptSlices) Release();
    }

    /// <summary>Empties the list and gives its array back to the pool.</summary>
    public void Release()
    {
        _count = 0;
        Slice[] items = _items;
        _items = [];
        if (items.Length > 0) ArrayPool<Slice>.Shared.Return(items);
    }

    /// <summary>Appends one place; O(1) amortised.</summary>
    /// <param name="slice">The place.</param>
    public void Add(Slice slice)
    {
        Slice[] items = _items;
        int count = _count;
        if ((uint)count < (uint)items.Length)
        {
            items[count] = slice;
            _count = count + 1;
            return;
        }

        AddGrowing(slice);
    }

    /// <summary>The places. Valid until the list is next changed.</summary>
    public ReadOnlySpan<Slice> AsSpan() => new(_items, 0, _count);

    /// <summary>Makes this list hold what <paramref name="other"/> holds.</summary>
    /// <param name="other">The list that is copied.</param>
    public void CopyFrom(SliceList other)
    {
        ArgumentNullException.ThrowIfNull(other);
        if (_items.Length < other._count)
        {
            Release();
            _items = ArrayPool<Slice>.Shared.Rent(other._count);
        }

        other.AsSpan().CopyTo(_items);
        _count = other._count;
    }

    private void AddGrowing(Slice slice)
    {
        Slice[] grown = ArrayPool<Slice>.Shared.Rent(Math.Max(FirstSlices, _items.Length * 2));
        AsSpan().CopyTo(grown);
        if (_items.Length > 0) ArrayPool<Slice>.Shared.Return(_items);
        _items = grown;
        _items[_count++] = slice;
    }
}
