// What a connection still has to send: segments filled front to back, in one queue.
//
//     _ring    [ piece ][ piece ] ...  closed segments, oldest first (rarely used: most replies fit one segment)
//     current  [ sent | waiting | free ]
//               0  _sent  _filled  Length
//
// The writer borrows the current segment (Segment, Start), writes behind Start and says how far it came (Commit), or
// asks for another one (Next). Positions count from the array's first byte. At the end of the turn the loop hands the
// pieces to the poller; what was sent goes back to the loop's pool, so a connection without output holds nothing.
// A closed piece may lie in a segment that other connections send as well (SharedSegment).
//
// Output may have to wait until a position is reached (ReplyHold). Then it is cut in generations, at the end of a piece
// each, so that what is written meanwhile cannot keep back what was written before:
//
//     [ open: may be sent ][ first generation: waits for First ][ the rest, growing: waits for Rest ]
//       OpenPieces            FirstPieces
//
// Without output that waits all of it is open once the loop has settled the connection, and nothing is counted.
//
// Used on the connection's loop, or while all loops stand still. Commit and Next: O(1).

using System.Diagnostics;

namespace Millrace.Net;

/// <summary>The unsent output of one connection.</summary>
public sealed class OutputQueue
{
    private const int SharedBehindBytes = 16 * 1024;

    private readonly Connection _connection;
    private OutputPiece[] _ring = [];
    private int _ringHead;
    private int _ringCount;
    private byte[]? _current;
    private int _sent;
    private int _filled;
    private long _openBytes;    // may be sent, as of the last Settle
    private OutputHold? _hold;  // what waits, once something has had to

    internal OutputQueue(Connection connection) => _connection = connection;

    /// <summary>The segment to write to, from <see cref="Start"/> on; rented when there is none. It stays valid until
    /// <see cref="Next"/> or the end of the turn.</summary>
    public byte[] Segment => _current ?? RentCurrent(SegmentBytes);

    /// <summary>Index of the first free byte of <see cref="Segment"/>.</summary>
    public int Start => _filled;

    /// <summary>Bytes written and not yet taken by the system.</summary>
    public long PendingBytes { get; private set; }

    /// <summary>Bytes of the segments held, free parts included; of shared ones only what is to be sent. O(segments).
    /// </summary>
    public long HeldBytes
    {
        get
        {
            long held = _current?.Length ?? 0;
            for (int i = 0; i < _ringCount; i++)
            {
                OutputPiece piece = PieceAt(i);
                held += piece.Shared is null ? piece.Array.Length : piece.Length;
            }
            return held;
        }
    }

    /// <summary>Segments held.</summary>
    public int SegmentCount => _ringCount + (_current is null ? 0 : 1);

    /// <summary>Closed and current pieces with something to send.</summary>
    internal int PieceCount => _ringCount + (_filled > _sent ? 1 : 0);

    /// <summary>The latest position that output had to wait for (<see cref="Hold"/>), reached or not; 0: none.
    /// </summary>
    public long HeldTo => _hold?.Rest.Position ?? 0;

    /// <summary>Bytes that may be sent: those that wait for nothing.</summary>
    internal long SendableBytes => _openBytes;

    /// <summary>Pieces that may be sent, oldest first.</summary>
    internal int SendablePieces => _hold is { IsOn: true } hold ? hold.OpenPieces : PieceCount;

    private int SegmentBytes => _connection.Loop.Options.SegmentBytes;

    /// <summary>Ends the current segment and gives another one.</summary>
    /// <param name="filled">Index one behind the last byte written in the current one.</param>
    /// <param name="minimumFree">Bytes that must be free in the new one.</param>
    /// <param name="start">Index of its first free byte.</param>
    public byte[] Next(int filled, int minimumFree, out int start)
    {
        Commit(filled);
        if (_current is not null) CloseCurrent();
        byte[] segment = RentCurrent(Math.Max(minimumFree, SegmentBytes));
        start = 0;
        return segment;
    }

    /// <summary>Says how far the current segment has been written.</summary>
    /// <param name="filled">Index one behind the last byte written.</param>
    public void Commit(int filled)
    {
        if (_current is null)
        {
            if (filled != 0) throw new ArgumentOutOfRangeException(nameof(filled), filled, "no segment was given out");
            return;
        }
        if (filled < _filled || filled > _current.Length)
            throw new ArgumentOutOfRangeException(nameof(filled), filled, "outside of the segment's free part");
        PendingBytes += filled - _filled;
        _filled = filled;
        _connection.Touch();
    }

    /// <summary>Has what is written in this turn, and what follows, wait until a position is reached.</summary>
    /// <param name="position">The position (<see cref="ReplyHold"/>).</param>
    /// <param name="own">The same for what acknowledges something of its own; 0: it does not.</param>
    public void Hold(long position, long own)
    {
        _hold ??= new OutputHold();
        _hold.Raise(position, own);
    }

    /// <summary>Appends a copy.</summary>
    /// <param name="bytes">What to send.</param>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty) return;
        byte[] segment = Segment;
        int start = _filled;
        while (true)
        {
            int count = Math.Min(bytes.Length, segment.Length - start);
            bytes[..count].CopyTo(segment.AsSpan(start));
            bytes = bytes[count..];
            if (bytes.IsEmpty)
            {
                Commit(start + count);
                return;
            }
            segment = Next(start + count, 1, out start);
        }
    }

    /// <summary>Appends bytes that lie in a shared segment: they are not copied, but for few of them behind output
    /// that waits for the peer, so that a peer that does not read holds little more than it has not read.</summary>
    /// <param name="segment">A segment of the connection's loop.</param>
    /// <param name="start">Index of the first byte.</param>
    /// <param name="end">Index one behind the last byte.</param>
    public void AppendShared(SharedSegment segment, int start, int end)
    {
        ArgumentNullException.ThrowIfNull(segment);
        if (_connection.HasWaited && end - start < SharedBehindBytes)
        {
            Append(segment.Array.AsSpan(start, end - start));
            return;
        }
        if (_current is not null) CloseCurrent();
        PendingBytes += end - start;
        _connection.Touch();
        if (_ringCount > (_hold is { IsOn: true } hold ? hold.OpenPieces + hold.FirstPieces : 0))
        {
            ref OutputPiece last = ref _ring[(_ringHead + _ringCount - 1) & (_ring.Length - 1)];
            if (ReferenceEquals(last.Shared, segment) && last.End == start)
            {
                last = last with { End = end };
                return;
            }
        }
        segment.Retain();
        AddPiece(new OutputPiece(segment.Array, start, end, segment));
    }

    /// <summary>Takes out the last bytes that were appended in this turn.</summary>
    /// <param name="count">How many; none of them has been handed to the poller.</param>
    /// <returns>They, for <see cref="Append(OutputTail)"/>, which must follow in this turn. Whole pieces are moved, and
    /// only the first one may have to be copied.</returns>
    public OutputTail TakeTail(long count)
    {
        if (_current is not null) CloseCurrent();
        var tail = new OutputTail();
        PendingBytes -= count;
        while (count > 0)
        {
            ref OutputPiece last = ref _ring[(_ringHead + _ringCount - 1) & (_ring.Length - 1)];
            if (count < last.Length)
            {
                int start = last.End - (int)count;
                tail.Head = last.Array.AsSpan(start, (int)count).ToArray();
                last = last with { End = start };
                break;
            }
            count -= last.Length;
            tail.Pieces.Push(last);
            last = default;
            _ringCount--;
        }
        return tail;
    }

    /// <summary>Appends what was taken out.</summary>
    /// <param name="tail">From this queue; it is empty afterwards.</param>
    public void Append(OutputTail tail)
    {
        ArgumentNullException.ThrowIfNull(tail);
        Append(tail.Head);
        tail.Head = [];
        if (tail.Pieces.Count == 0) return;
        if (_current is not null) CloseCurrent();
        while (tail.Pieces.TryPop(out OutputPiece piece))
        {
            PendingBytes += piece.Length;
            AddPiece(piece);
        }
        _connection.Touch();
    }

    /// <summary>The end of a turn: says anew what may be sent.</summary>
    /// <param name="mark">Up to where output may leave.</param>
    /// <returns>Whether something has to wait.</returns>
    internal bool Settle(ReplyHold mark)
    {
        if (_hold is null or { IsOn: false })
        {
            if (_hold is null || PendingBytes == _openBytes || _hold.Rest.IsReached(mark))
            {
                _openBytes = PendingBytes;
                return false;
            }
            BeginHold(_hold);
        }
        OutputHold hold = _hold;
        while (hold.First.IsReached(mark))
        {
            hold.OpenPieces += hold.FirstPieces;
            if (_current is not null) CloseCurrent();
            hold.FirstPieces = _ringCount - hold.OpenPieces;
            hold.First = hold.Rest;
            if (hold.FirstPieces > 0) continue;
            hold.IsOn = false;
            _openBytes = PendingBytes;
            return false;
        }
        CountOpen(hold);
        return true;
    }

    /// <summary>The piece number <paramref name="index"/> of <see cref="PieceCount"/>, oldest first.</summary>
    internal OutputPiece PieceAt(int index)
    {
        Debug.Assert(index < PieceCount, "an existing piece");
        return index < _ringCount
            ? _ring[(_ringHead + index) & (_ring.Length - 1)]
            : new OutputPiece(_current!, _sent, _filled, null);
    }

    /// <summary>The system has taken so many bytes: used-up segments go back to the pool.</summary>
    internal void Advance(long count)
    {
        Debug.Assert(count <= PendingBytes, "no more can be sent than was written");
        PendingBytes -= count;
        _openBytes = Math.Max(_openBytes - count, 0);
        while (_ringCount > 0)
        {
            ref OutputPiece first = ref _ring[_ringHead];
            if (count < first.Length)
            {
                first = first with { Start = first.Start + (int)count };
                return;
            }
            count -= first.Length;
            GiveBack(first);
            DropFirst();
        }
        if (_current is null) return;
        _sent += (int)count;
        if (_sent == _filled) ReleaseCurrent();
    }

    /// <summary>Takes the only piece out that may be sent; its array is the caller's now, who gives it to the pool, or
    /// the piece back.</summary>
    internal OutputPiece TakeOnly()
    {
        Debug.Assert(SendablePieces == 1, "one piece");
        OutputPiece piece = PieceAt(0);
        PendingBytes -= piece.Length;
        _openBytes = Math.Max(_openBytes - piece.Length, 0);
        if (_ringCount > 0)
        {
            DropFirst();
            ReleaseUnused();
        }
        else
        {
            _current = null;
            _sent = _filled = 0;
        }
        return piece;
    }

    /// <summary>Takes back the rest of a piece that was taken out, in front of everything else.</summary>
    internal void PutBack(in OutputPiece piece)
    {
        PendingBytes += piece.Length;
        _openBytes += piece.Length;
        if (_hold is { IsOn: true } hold) hold.OpenPieces++;
        if (_ringCount == _ring.Length) GrowRing();
        _ringHead = (_ringHead - 1) & (_ring.Length - 1);
        _ring[_ringHead] = piece;
        _ringCount++;
    }

    /// <summary>Nobody sends a piece any more that is not in the queue: its segment goes back.</summary>
    internal void GiveBack(in OutputPiece piece)
    {
        if (piece.Shared is null) _connection.Loop.Pool.Return(piece.Array);
        else piece.Shared.Release();
    }

    /// <summary>Gives back a segment that was borrowed and not written to.</summary>
    internal void ReleaseUnused()
    {
        if (_current is not null && _sent == _filled) ReleaseCurrent();
    }

    /// <summary>Drops everything. Requires: the system has no piece in its hands.</summary>
    internal void Release()
    {
        while (_ringCount > 0)
        {
            GiveBack(_ring[_ringHead]);
            _ringHead = (_ringHead + 1) & (_ring.Length - 1);
            _ringCount--;
        }
        _ring = [];
        _ringHead = 0;
        if (_current is not null) ReleaseCurrent();
        PendingBytes = _openBytes = 0;
        _hold = null;
    }

    // What was open before stays so, and may be with the poller; what was written since is the first generation.
    private void BeginHold(OutputHold hold)
    {
        hold.OpenPieces = 0;
        if (_openBytes > 0)
        {
            OutputTail tail = TakeTail(PendingBytes - _openBytes);
            hold.OpenPieces = _ringCount;
            Append(tail);
        }
        if (_current is not null) CloseCurrent();
        hold.IsOn = true;
        hold.FirstPieces = _ringCount - hold.OpenPieces;
        hold.First = hold.Rest;
    }

    private void CountOpen(OutputHold hold)
    {
        _openBytes = 0;
        for (int i = 0; i < hold.OpenPieces; i++) _openBytes += PieceAt(i).Length;
    }

    private void DropFirst()
    {
        _ring[_ringHead] = default;
        _ringHead = (_ringHead + 1) & (_ring.Length - 1);
        _ringCount--;
        if (_hold is { IsOn: true } hold) hold.OpenPieces--;
    }

    private byte[] RentCurrent(int minimumBytes)
    {
        Debug.Assert(_current is null, "one current segment");
        byte[] segment = _connection.Loop.Pool.Rent(minimumBytes);
        _current = segment;
        _sent = _filled = 0;
        _connection.Touch();
        return segment;
    }

    private void CloseCurrent()
    {
        if (_filled == _sent)
        {
            ReleaseCurrent();
            return;
        }
        AddPiece(new OutputPiece(_current!, _sent, _filled, null));
        _current = null;
        _sent = _filled = 0;
    }

    private void AddPiece(in OutputPiece piece)
    {
        if (_ringCount == _ring.Length) GrowRing();
        _ring[(_ringHead + _ringCount++) & (_ring.Length - 1)] = piece;
    }

    private void ReleaseCurrent()
    {
        _connection.Loop.Pool.Return(_current!);
        _current = null;
        _sent = _filled = 0;
    }

    private void GrowRing()
    {
        var ring = new OutputPiece[Math.Max(8, _ring.Length * 2)];
        for (int i = 0; i < _ringCount; i++) ring[i] = _ring[(_ringHead + i) & (_ring.Length - 1)];
        _ring = ring;
        _ringHead = 0;
    }
}

/// <summary>Bytes that were taken out of the end of a queue.</summary>
public sealed class OutputTail
{
    /// <summary>What comes first: the end of a piece whose beginning has stayed.</summary>
    internal byte[] Head { get; set; } = [];

    /// <summary>What follows; the first piece lies on top.</summary>
    internal Stack<OutputPiece> Pieces { get; } = new();
}

/// <summary>Bytes to send: <c>Array[Start..End)</c>, the array of <c>Shared</c> when there is one.</summary>
internal readonly record struct OutputPiece(byte[] Array, int Start, int End, SharedSegment? Shared)
{
    public int Length => End - Start;
}
