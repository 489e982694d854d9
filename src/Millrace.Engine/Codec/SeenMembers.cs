using Millrace.Memory;

namespace Millrace.Engine.Codec;

/// <summary>
/// Finds members that come twice in a listpack whose every entry is known to be sound.
/// </summary>
/// <remarks>
/// A few are compared with each other; more go into a table in the partition's heap, O(1) each, until this is disposed
/// of: a hostile listpack may hold millions.
/// </remarks>
internal readonly ref struct SeenMembers : IDisposable
{
    private const int FewElements = 64;

    private readonly ReadOnlySpan<byte> _listpack;
    private readonly int _skip;
    private readonly bool _isFew;
    private readonly MemberTable _table;

    /// <summary>Begins with none seen.</summary>
    /// <param name="place">Lends memory.</param>
    /// <param name="listpack">The listpack.</param>
    /// <param name="skip">How many elements lie between one member and the next.</param>
    internal SeenMembers(in ValuePlace place, ReadOnlySpan<byte> listpack, int skip)
    {
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
        return _isFew ? Listpack.Find(_listpack, Listpack.First(_listpack), text, _skip) == at : _table.TryAdd(text);
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
