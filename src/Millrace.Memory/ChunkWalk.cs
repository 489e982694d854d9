using System.Buffers.Binary;

namespace Millrace.Memory;

/// <summary>
/// A walk over the chunks of a <see cref="PackedDeque"/>, for those who store them elsewhere as they are. Nothing may
/// be changed while it is used.
/// </summary>
public ref struct ChunkWalk
{
    private readonly PackedDeque _deque;
    private ChunkAt _at;
    private bool _hasBegun;

    internal ChunkWalk(PackedDeque deque)
    {
        _deque = deque;
        _at = ChunkAt.None;
    }

    /// <summary>Gives the next chunk.</summary>
    /// <param name="chunk">A view until the deque changes.</param>
    public bool TryNext(out ChunkView chunk)
    {
        chunk = default;
        if (_hasBegun && _at.IsNone) return false;
        if (_hasBegun) _at = _deque.Next(_at);
        else _at = _deque.Count == 0 ? ChunkAt.None : ChunkAt.Head;
        _hasBegun = true;
        if (_at.IsNone) return false;
        ref var there = ref _deque.Chunk(_at);
        ReadOnlySpan<byte> content = _deque.Chunks.Content(there);
        chunk = new ChunkPlace(there).View(content);
        return true;
    }
}

/// <summary>Where a chunk is, for who reads it later (<see cref="IEntrySaver.SaveContent"/> tells when it changes).
/// </summary>
public readonly record struct ChunkPlace
{
    private readonly DequeChunk _chunk;

    internal ChunkPlace(DequeChunk chunk) => _chunk = chunk;

    /// <summary>Its block.</summary>
    public BlockRef Block => _chunk.Block;

    /// <summary>What it holds, as long as it has not changed.</summary>
    /// <param name="heap">The heap of the deque.</param>
    public ReadOnlySpan<byte> Content(Heap heap)
    {
        ArgumentNullException.ThrowIfNull(heap);
        return heap.Span(_chunk.Block, _chunk.Offset, _chunk.Bytes);
    }

    /// <summary>What it held.</summary>
    /// <param name="content">The bytes.</param>
    public ChunkView View(ReadOnlySpan<byte> content) => _chunk.Kind == ChunkKind.Compressed
        ? new ChunkView(
            content[DequeChunks.RawSizeBytes..], BinaryPrimitives.ReadInt32LittleEndian(content), isPlain: false)
        : new ChunkView(content, 0, _chunk.Kind == ChunkKind.Plain);
}

/// <summary>A chunk as it is stored.</summary>
/// <param name="bytes">A listpack, one compressed by <see cref="Lzf"/>, or the bytes of an element.</param>
/// <param name="rawBytes">Compressed: how long the listpack is; 0 otherwise.</param>
/// <param name="isPlain">Whether it is one element.</param>
public readonly ref struct ChunkView(ReadOnlySpan<byte> bytes, int rawBytes, bool isPlain)
{
    /// <summary>A listpack, one compressed by <see cref="Lzf"/>, or the bytes of an element.</summary>
    public ReadOnlySpan<byte> Bytes { get; } = bytes;

    /// <summary>Compressed: how long the listpack is; 0 otherwise.</summary>
    public int RawBytes { get; } = rawBytes;

    /// <summary>Whether it is one element.</summary>
    public bool IsPlain { get; } = isPlain;

    /// <summary>Whether the bytes are compressed.</summary>
    public bool IsCompressed => RawBytes > 0;
}
