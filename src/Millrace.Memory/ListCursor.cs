namespace Millrace.Memory;

/// <summary>
/// Walks the elements of a list from an index on, forwards or backwards: those of one listpack, or of a
/// <see cref="PackedDeque"/>.
/// </summary>
/// <remarks>
/// Chunks that are compressed are restored in a block that the cursor keeps until it goes on or is disposed of, so that
/// reading changes nothing. Nothing may be changed while a cursor is used. To begin: as seeking the index; each step
/// O(1).
/// </remarks>
public ref struct ListCursor
{
    private readonly bool _isBackwards;
    private readonly PackedDeque _deque;
    private ChunkAt _at;
    private ReadOnlySpan<byte> _chunk;
    private int _place;
    private bool _isPlain;
    private BlockRef _restored;

    /// <summary>A cursor over a listpack.</summary>
    /// <param name="listpack">The listpack.</param>
    /// <param name="index">The first element that is given; from 0 to the number of elements.</param>
    /// <param name="isBackwards">Whether the walk goes to the front.</param>
    public ListCursor(ReadOnlySpan<byte> listpack, long index, bool isBackwards)
    {
        _isBackwards = isBackwards;
        _at = ChunkAt.None;
        _chunk = listpack;
        _place = index < 0 ? -1 : Listpack.Seek(listpack, index);
    }

    /// <summary>A cursor over a deque.</summary>
    /// <param name="deque">The deque.</param>
    /// <param name="index">The first element that is given.</param>
    /// <param name="isBackwards">Whether the walk goes to the front.</param>
    public ListCursor(PackedDeque deque, long index, bool isBackwards)
    {
        _isBackwards = isBackwards;
        _deque = deque;
        _at = ChunkAt.None;
        _place = -1;
        if (index < 0 || index >= deque.Count) return;
        _at = deque.Seek(ref index);
        Enter();
        if (!_isPlain) _place = Listpack.Seek(_chunk, index);
    }

    /// <summary>Gives the next element.</summary>
    /// <param name="element">A view until the next call.</param>
    public bool TryNext(out ListpackElement element)
    {
        if (_place < 0 && !TryNextChunk())
        {
            element = default;
            return false;
        }

        if (_isPlain)
        {
            element = ListpackElement.OfString(_chunk);
            _place = -1;
        }
        else if (_isBackwards)
        {
            element = Listpack.Get(_chunk, _place);
            _place = Listpack.Previous(_chunk, _place);
        }
        else
        {
            var place = _place;
            element = Listpack.Take(_chunk, ref place);
            _place = place;
        }

        return true;
    }

    /// <summary>Ends the walk.</summary>
    public void Dispose()
    {
        if (!_restored.IsNull) _deque.Heap.Free(_restored);
        _restored = default;
        _place = -1;
        _at = ChunkAt.None;
    }

    private bool TryNextChunk()
    {
        if (_at.IsNone) return false;
        _at = _isBackwards ? _deque.Previous(_at) : _deque.Next(_at);
        if (_at.IsNone) return false;
        Enter();
        if (!_isPlain) _place = _isBackwards ? Listpack.Last(_chunk) : Listpack.First(_chunk);
        return true;
    }

    private void Enter()
    {
        if (!_restored.IsNull) _deque.Heap.Free(_restored);
        _restored = default;
        ref var chunk = ref _deque.Chunk(_at);
        _isPlain = chunk.Kind == ChunkKind.Plain;
        _place = 0;
        if (chunk.Kind != ChunkKind.Compressed)
        {
            _chunk = _deque.Chunks.Content(chunk);
            return;
        }

        _restored = _deque.Heap.Allocate(_deque.Chunks.RawBytes(chunk));
        var bytes = _deque.Chunks.Decompress(chunk, _restored);
        _chunk = _deque.Heap.Span(_restored, 0, bytes);
    }
}
