// Bytes that have come for a connection and have to wait: it does not want input now, or has had its share of the turn.
//
// A piece lies in a buffer of the ring when it will be taken soon, and in an array of the loop's pool when nobody knows
// when. At its end may stand that the stream has ended or is broken. First in, first out: bytes are neither lost nor
// reordered.

using System.Diagnostics;

namespace Millrace.Net;

/// <summary>The waiting input of one connection.</summary>
internal sealed class HeldInput
{
    private HeldPiece[] _ring = new HeldPiece[4];
    private int _head;

    /// <summary>Pieces that wait.</summary>
    public int Count { get; private set; }

    /// <summary>Of these, pieces in buffers of the ring.</summary>
    public int BufferCount { get; private set; }

    /// <summary>What came after the last piece: <see cref="HeldEnd.None"/>, the end of the stream, or an
    /// error.</summary>
    public HeldEnd End { get; set; }

    /// <summary>Nothing waits.</summary>
    public bool IsEmpty => Count == 0 && End == HeldEnd.None;

    public void Add(in HeldPiece piece)
    {
        Debug.Assert(End == HeldEnd.None, "nothing comes after the end");
        if (Count == _ring.Length) Grow();
        _ring[(_head + Count++) & (_ring.Length - 1)] = piece;
        if (piece.IsBuffer) BufferCount++;
    }

    public HeldPiece Take()
    {
        HeldPiece piece = _ring[_head];
        _ring[_head] = default;
        _head = (_head + 1) & (_ring.Length - 1);
        Count--;
        if (piece.IsBuffer) BufferCount--;
        return piece;
    }

    /// <summary>A piece, oldest first.</summary>
    public HeldPiece PieceAt(int index) => _ring[(_head + index) & (_ring.Length - 1)];

    /// <summary>Puts a piece with the same bytes in another place.</summary>
    public void Replace(int index, in HeldPiece piece)
    {
        ref HeldPiece place = ref _ring[(_head + index) & (_ring.Length - 1)];
        Debug.Assert(place.Count == piece.Count, "the same bytes");
        if (place.IsBuffer) BufferCount--;
        if (piece.IsBuffer) BufferCount++;
        place = piece;
    }

    private void Grow()
    {
        var ring = new HeldPiece[_ring.Length * 2];
        for (int i = 0; i < Count; i++) ring[i] = _ring[(_head + i) & (_ring.Length - 1)];
        _ring = ring;
        _head = 0;
    }
}

/// <summary>What follows the held bytes.</summary>
internal enum HeldEnd
{
    None,
    Ended,
    Broken,
}

/// <summary>Bytes that wait.</summary>
/// <param name="Array">Where they are.</param>
/// <param name="Offset">From here.</param>
/// <param name="Count">So many.</param>
/// <param name="BufferId">The number of the ring's buffer, or -1 when the array is the pool's.</param>
internal readonly record struct HeldPiece(byte[] Array, int Offset, int Count, int BufferId)
{
    public bool IsBuffer => BufferId >= 0;
}
