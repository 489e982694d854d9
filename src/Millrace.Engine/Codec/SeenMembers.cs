using Millrace.Memory;

namespace Millrace.Engine.Codec;

/// <summary>
/// Finds members that come twice in a listpack whose every entry is known to be sound.
/// </summary>
/// <remarks>
/// A few are compared with each other, but only those whose bit in a small filter is set already: for most that is
/// none. More go into a table in the partition's heap, O(1) each, until this is disposed of: a hostile listpack may
/// hold millions.
/// </remarks>
internal readonly ref struct SeenMembers : IDisposable
{
    /// <summary>The words of the filter.</summary>
    internal const int FilterWords = 4;

    private const int FewElements = 64;

    private readonly Span<ulong> _filter;
    private readonly ReadOnlySpan<byte> _listpack;
    private readonly int _skip;
    private readonly bool _isFew;
    private readonly MemberTable _table;

    /// <summary>Begins with none seen.</summary>
    /// <param name="place">Lends memory.</param>
    /// <param name="listpack">The listpack.</param>
    /// <param name="skip">How many elements lie between one member and the next.</param>
    /// <param name="filter">Room for <see cref="FilterWords"/>, all 0.</param>
    internal SeenMembers(in ValuePlace place, ReadOnlySpan<byte> listpack, int skip, Span<ulong> filter)
    {
        _filter = filter;
        _listpack = listpack;
        _skip = skip;
        _isFew = Listpack.Count(listpack) <= FewElements;
        if (!_isFew) _table = MemberTable.Create(place.Heap, place.Keyspace.Hasher);
    }

    /// <summary>Notes the member at a place, in the order of the listpack; false when it is there once more.</summary>
    internal bool TryAdd(int at, scoped ListpackElement member)
    {
        // By its text: a listpack of foreign origin may hold that of an integer as a string, too.
        Span<byte> digits = stackalloc byte[ListpackElement.MaxIntegerBytes];
        var text = member.Text(digits);
        if (!_isFew) return _table.TryAdd(text);
        return IsFirstOfBit(text) || Listpack.Find(_listpack, Listpack.First(_listpack), text, _skip) == at;
    }

    // Sets the bit of a text; its ends and its length tell members of one listpack apart well enough.
    private bool IsFirstOfBit(ReadOnlySpan<byte> text)
    {
        const uint multiplier = 0x9E37_79B1; // of Fibonacci hashing
        const int bitsOfFilter = 8;
        var ends = (uint)text.Length << 24;
        if (!text.IsEmpty) ends |= text[0] | ((uint)text[^1] << 8) | ((uint)text[text.Length / 2] << 16);
        var bit = (int)(unchecked(ends * multiplier) >> (32 - bitsOfFilter));
        ref var word = ref _filter[bit / 64];
        var mask = 1UL << (bit % 64);
        var isFirst = (word & mask) == 0;
        word |= mask;
        return isFirst;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        while (!_isFew && !_table.FreeSome(int.MaxValue))
        {
            // Until all of it is gone.
        }
    }
}
