using System.Diagnostics;

namespace Millrace.Memory;

/// <summary>
/// Writes many elements into a room of known size, one after the other, and the header once at the end.
/// </summary>
/// <remarks>
/// The room holds no listpack until <see cref="Finish"/>. O(bytes written), nothing is allocated. The size that is
/// needed is <see cref="Listpack.EmptyBytes"/> and the sum of <see cref="Listpack.SizeOf(ListpackElement)"/>.
/// </remarks>
public ref struct ListpackBuilder
{
    private readonly Span<byte> _room;
    private int _end;
    private int _count;

    private ListpackBuilder(Span<byte> room, int end, int count)
    {
        _room = room;
        _end = end;
        _count = count;
    }

    /// <summary>The total if no more were added.</summary>
    public readonly int TotalBytes => _end + 1;

    /// <summary>Begins a listpack without elements.</summary>
    public static ListpackBuilder Begin(Span<byte> room) => new(room, Listpack.HeaderBytes, 0);

    /// <summary>Goes on behind the last element of the listpack that the room begins with.</summary>
    public static ListpackBuilder Continue(Span<byte> room) =>
        new(room, Listpack.EndOf(room), Listpack.StoredCount(room));

    /// <summary>Adds a text.</summary>
    public void Append(scoped ReadOnlySpan<byte> element) => Append(ListpackElement.Of(element));

    /// <summary>Adds an integer.</summary>
    public void Append(long element) => Append(ListpackElement.Of(element));

    /// <summary>Adds an element.</summary>
    public void Append(scoped ListpackElement element)
    {
        _end += Listpack.Write(_room[_end..], element);
        _count = Listpack.CountAfterAdding(_count, 1);
    }

    /// <summary>Adds whole entries of another listpack as they stand, O(bytes).</summary>
    /// <param name="listpack">The other listpack; it must not lie in the room.</param>
    /// <param name="from">The place of the first.</param>
    /// <param name="to">The place behind the last, which may be the end mark's.</param>
    /// <param name="count">How many elements lie between.</param>
    public void AppendEntries(scoped ReadOnlySpan<byte> listpack, int from, int to, int count)
    {
        Debug.Assert(from >= Listpack.HeaderBytes && to >= from && to <= Listpack.EndOf(listpack), "places");
        listpack[from..to].CopyTo(_room[_end..]);
        _end += to - from;
        _count = (int)Math.Min((long)_count + count, Listpack.UnknownCount);
    }

    /// <summary>Makes the room a listpack.</summary>
    /// <returns>Its total.</returns>
    public readonly int Finish() => Listpack.Finish(_room, _end, _count);
}
