using System.Buffers.Binary;
using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Millrace.Memory;

/// <summary>
/// What is done to single chunks of a <see cref="PackedDeque"/>: made, freed, written to, split, compressed.
/// </summary>
/// <remarks>
/// <code>
///   block of a packed chunk:   [ room in front | listpack | room behind ]
/// </code>
/// With room on both sides adding and removing at either end writes one entry and a header, whereas a listpack that
/// begins with its block would be moved by each element that comes or goes in front. A block that is too small is
/// replaced by one of twice the size, up to the limit of a chunk, so that a chunk that was filled from an end is full.
/// What happens once per chunk or less is kept out of line, so that a push or pop is short code.
/// The methods keep the chunk's own count; the sums above it are the caller's. They count bytes of blocks.
/// </remarks>
internal readonly ref struct DequeChunks
{
    internal const int RawSizeBytes = sizeof(int);
    private const int MinCompressedBytes = 48;
    private const int MinGainBytes = 8;
    private const int FirstBytes = 128;

    // A block that has more to spare than this part of its content is exchanged when its chunk becomes an inner one.
    private const int SpareShare = 8;

    private readonly Heap _heap;
    private readonly BlockRef _owner;
    private readonly ref DequeHeader _head;

    internal DequeChunks(Heap heap, BlockRef owner, ref DequeHeader head)
    {
        _heap = heap;
        _owner = owner;
        _head = ref head;
    }

    /// <summary>A chunk of one element.</summary>
    /// <param name="element">Must not lie in a block that this frees: there is none.</param>
    /// <param name="limits">Whether it stands alone, and how large the block may be.</param>
    [MethodImpl(MethodImplOptions.NoInlining)]
    internal DequeChunk New(ListpackElement element, in ChunkLimits limits)
    {
        if (limits.IsPlain(element)) return NewPlain(element);
        var bytes = Listpack.EmptyBytes + Listpack.SizeOf(element);
        var block = Allocate(Math.Max(bytes, Math.Min(FirstBytes, limits.MaxBytes)));
        var room = _heap.Span(block, 0, bytes);
        Listpack.WriteEmpty(room);
        Listpack.Append(room, element);
        return new DequeChunk(block, ChunkKind.Packed, 1, bytes, 0, _heap.UsableSize(block));
    }

    /// <summary>A chunk with the bytes of a listpack. Requires: fewer than 65535 elements, one at least.</summary>
    internal DequeChunk OfListpack(ReadOnlySpan<byte> listpack)
    {
        var block = Allocate(listpack.Length);
        listpack.CopyTo(_heap.Span(block, 0, listpack.Length));
        return new DequeChunk(
            block, ChunkKind.Packed, Listpack.Count(listpack), listpack.Length, 0, _heap.UsableSize(block));
    }

    /// <summary>A copy of a chunk of another deque, which may live in another heap.</summary>
    internal DequeChunk CopyOf(Heap other, DequeChunk chunk)
    {
        var block = Allocate(chunk.Bytes);
        other.Span(chunk.Block, chunk.Offset, chunk.Bytes).CopyTo(_heap.Span(block, 0, chunk.Bytes));
        return new DequeChunk(block, chunk.Kind, chunk.Count, chunk.Bytes, 0, _heap.UsableSize(block));
    }

    internal void Free(DequeChunk chunk)
    {
        BeforeChange(chunk);
        FreeBlock(chunk.Block);
    }

    /// <summary>The content as it is stored.</summary>
    internal Span<byte> Content(DequeChunk chunk) => _heap.Span(chunk.Block, chunk.Offset, chunk.Bytes);

    /// <summary>Adds an element at the front when the chunk is packed and may hold it.</summary>
    /// <param name="chunk">The chunk.</param>
    /// <param name="element">The element; it may lie in this chunk only if that need not move.</param>
    /// <param name="limits">How large it may become.</param>
    /// <param name="isOnly">Whether elements come at both ends: then room is left at both.</param>
    internal bool TryPushFirst(ref DequeChunk chunk, ListpackElement element, in ChunkLimits limits, bool isOnly)
    {
        BeforeChange(chunk);
        if (!MayHold(chunk, element, limits, out var size)) return false;
        if (chunk.Offset < size)
        {
            MakeRoom(ref chunk, size, limits, inFront: true, isOnly);
            if (chunk.Offset < size) return TryInsert(ref chunk, Listpack.HeaderBytes, element, limits);
        }

        chunk.Offset -= size;
        chunk.Bytes += size;
        chunk.Count++;
        var room = _heap.Span(chunk.Block, chunk.Offset, Listpack.HeaderBytes + size);
        Listpack.WriteHeader(room, chunk.Bytes, chunk.Count);
        Listpack.Write(room[Listpack.HeaderBytes..], element);
        return true;
    }

    /// <summary>The same at the end.</summary>
    internal bool TryPushLast(ref DequeChunk chunk, ListpackElement element, in ChunkLimits limits, bool isOnly)
    {
        BeforeChange(chunk);
        if (!MayHold(chunk, element, limits, out var size)) return false;
        if (chunk.RoomBehind < size) MakeRoom(ref chunk, size, limits, inFront: false, isOnly);
        var total = Listpack.Append(_heap.Span(chunk.Block, chunk.Offset, chunk.Bytes + size), element);
        Debug.Assert(total == chunk.Bytes + size, "the size was right");
        chunk.Bytes = total;
        chunk.Count++;
        return true;
    }

    /// <summary>Adds an element in front of a place in a packed chunk when the chunk may hold it.</summary>
    internal bool TryInsert(ref DequeChunk chunk, int place, ListpackElement element, in ChunkLimits limits)
    {
        BeforeChange(chunk);
        if (!MayHold(chunk, element, limits, out var size)) return false;
        if (chunk.RoomBehind < size) MakeRoom(ref chunk, size, limits, inFront: false, shares: false);
        chunk.Bytes = Listpack.Insert(_heap.Span(chunk.Block, chunk.Offset, chunk.Bytes + size), place, element);
        chunk.Count++;
        return true;
    }

    /// <summary>Puts an element where another is in a packed chunk when the chunk may hold it.</summary>
    internal bool TryReplace(ref DequeChunk chunk, int place, ListpackElement element, in ChunkLimits limits)
    {
        BeforeChange(chunk);
        if (limits.IsPlain(element)) return false;
        var more = Listpack.SizeOf(element) - Listpack.SizeAt(Content(chunk), place);
        if (more > 0 && !limits.Allow(chunk.Bytes + (long)more, chunk.Count)) return false;
        if (chunk.RoomBehind < more) MakeRoom(ref chunk, more, limits, inFront: false, shares: false);
        var room = _heap.Span(chunk.Block, chunk.Offset, chunk.Bytes + Math.Max(more, 0));
        chunk.Bytes = Listpack.Replace(room, place, element);
        return true;
    }

    /// <summary>Takes out elements at the front. Requires: packed, with more than so many.</summary>
    internal void DropFirst(ref DequeChunk chunk, int count)
    {
        BeforeChange(chunk);
        var listpack = Content(chunk);
        var place = Listpack.HeaderBytes;
        for (var i = 0; i < count; i++) place += Listpack.SizeAt(listpack, place);
        var gone = place - Listpack.HeaderBytes;
        chunk.Count -= count;
        if (chunk.Offset + gone > DequeChunk.MaxOffset)
        {
            chunk.Bytes = Listpack.Delete(listpack, Listpack.HeaderBytes, count);
            return;
        }

        chunk.Offset += gone;
        chunk.Bytes -= gone;
        Listpack.WriteHeader(listpack[gone..], chunk.Bytes, chunk.Count);
    }

    /// <summary>Takes out elements at the end. Requires: packed, with more than so many.</summary>
    internal void DropLast(ref DequeChunk chunk, int count)
    {
        BeforeChange(chunk);
        var listpack = Content(chunk);
        var place = Listpack.EndOf(listpack);
        for (var i = 0; i < count; i++) place = Listpack.Previous(listpack, place);
        chunk.Count -= count;
        chunk.Bytes = Listpack.Finish(listpack, place, chunk.Count);
    }

    /// <summary>Takes out elements from a place on. Requires: packed, and they are there.</summary>
    internal void Delete(ref DequeChunk chunk, int place, int count)
    {
        BeforeChange(chunk);
        chunk.Bytes = Listpack.Delete(Content(chunk), place, count);
        chunk.Count -= count;
    }

    /// <summary>Makes a chunk of the elements from a place on, which leave this one. Requires: packed; a place that is
    /// neither the first nor the end.</summary>
    internal DequeChunk SplitOff(ref DequeChunk chunk, int place)
    {
        BeforeChange(chunk);
        var listpack = Content(chunk);
        var end = Listpack.EndOf(listpack);
        var count = 0;
        for (var at = place; at < end; at += Listpack.SizeAt(listpack, at)) count++;
        var bytes = Listpack.EmptyBytes + end - place;
        var block = Allocate(bytes);
        var builder = ListpackBuilder.Begin(_heap.Span(block, 0, bytes));
        builder.AppendEntries(listpack, place, end, count);
        builder.Finish();
        chunk.Bytes = Listpack.Finish(listpack, place, chunk.Count - count);
        chunk.Count -= count;
        return new DequeChunk(block, ChunkKind.Packed, count, bytes, 0, _heap.UsableSize(block));
    }

    /// <summary>Adds all elements of the next chunk when both are packed and the limits allow it.</summary>
    internal bool TryMerge(ref DequeChunk chunk, DequeChunk next, in ChunkLimits limits)
    {
        BeforeChange(chunk);
        if (!chunk.IsPacked || !next.IsPacked) return false;
        var more = next.Bytes - Listpack.EmptyBytes;
        if (!limits.Allow((long)chunk.Bytes + more, chunk.Count + next.Count)) return false;
        if (chunk.RoomBehind < more) MakeRoom(ref chunk, more, limits, inFront: false, shares: false);
        var room = _heap.Span(chunk.Block, chunk.Offset, chunk.Bytes + more);
        chunk.Bytes = Listpack.MergeBehind(room, Content(next));
        chunk.Count += next.Count;
        return true;
    }

    /// <summary>Exchanges the block of a chunk that will not grow for a while, when it has much to spare.</summary>
    internal void Fit(ref DequeChunk chunk)
    {
        BeforeChange(chunk);
        if (!chunk.IsPacked || chunk.Capacity - chunk.Bytes <= chunk.Bytes / SpareShare) return;
        if (_heap.IsSmall(chunk.Bytes) && _heap.UsableSizeOf(chunk.Bytes) >= _heap.UsableSize(chunk.Block)) return;
        Move(ref chunk, Allocate(chunk.Bytes), 0);
    }

    /// <summary>Compresses a packed chunk when that gains anything.</summary>
    internal void Compress(ref DequeChunk chunk)
    {
        BeforeChange(chunk);
        if (!chunk.IsPacked || chunk.Bytes < MinCompressedBytes) return;
        var block = Allocate(chunk.Bytes);
        var room = _heap.Span(block, 0, chunk.Bytes - MinGainBytes);
        var bytes = Lzf.Compress(Content(chunk), room[RawSizeBytes..]);
        if (bytes == 0)
        {
            FreeBlock(block);
            return;
        }

        bytes += RawSizeBytes;
        BinaryPrimitives.WriteInt32LittleEndian(room, chunk.Bytes);
        var fitted = Allocate(bytes);
        room[..bytes].CopyTo(_heap.Span(fitted, 0, bytes));
        FreeBlock(block);
        FreeBlock(chunk.Block);
        chunk = new DequeChunk(fitted, ChunkKind.Compressed, chunk.Count, bytes, 0, _heap.UsableSize(fitted));
    }

    /// <summary>Makes a compressed chunk a packed one again; leaves others alone.</summary>
    internal void Open(ref DequeChunk chunk)
    {
        if (chunk.Kind != ChunkKind.Compressed) return;
        BeforeChange(chunk);
        var block = Allocate(RawBytes(chunk));
        var bytes = Decompress(chunk, block);
        FreeBlock(chunk.Block);
        chunk = new DequeChunk(block, ChunkKind.Packed, chunk.Count, bytes, 0, _heap.UsableSize(block));
    }

    /// <summary>How many bytes the listpack of a compressed chunk takes.</summary>
    internal int RawBytes(DequeChunk chunk) => BinaryPrimitives.ReadInt32LittleEndian(Content(chunk));

    /// <summary>Restores the listpack of a compressed chunk in a block of <see cref="RawBytes"/>. Returns its size.
    /// </summary>
    internal int Decompress(DequeChunk chunk, BlockRef block)
    {
        var bytes = RawBytes(chunk);
        if (!Lzf.TryDecompress(Content(chunk)[RawSizeBytes..], _heap.Span(block, 0, bytes)))
            throw new HeapCorruptionException("A compressed chunk of a list cannot be restored.");
        return bytes;
    }

    // What is called once too often costs little: a saver knows what it has.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void BeforeChange(DequeChunk chunk)
    {
        if (_heap.Saver is { } saver) saver.SaveContent(_owner, chunk.Block, Content(chunk));
    }

    private DequeChunk NewPlain(ListpackElement element)
    {
        var bytes = element.TextLength;
        var block = Allocate(bytes);
        element.CopyTo(_heap.Span(block, 0, bytes));
        return new DequeChunk(block, ChunkKind.Plain, 1, bytes, 0, _heap.UsableSize(block));
    }

    private static bool MayHold(DequeChunk chunk, ListpackElement element, in ChunkLimits limits, out int size)
    {
        size = 0;
        if (!chunk.IsPacked || limits.IsPlain(element)) return false;
        size = Listpack.SizeOf(element);
        return limits.Allow((long)chunk.Bytes + size, chunk.Count + 1);
    }

    // Room for so many bytes in front or behind; what is left over goes to the same side, or to both.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void MakeRoom(ref DequeChunk chunk, int size, in ChunkLimits limits, bool inFront, bool shares)
    {
        var needed = chunk.Bytes + size;
        if (chunk.Capacity >= needed)
        {
            var offset = OffsetFor(size, chunk.Capacity - needed, inFront, shares);
            Content(chunk).CopyTo(_heap.Span(chunk.Block, offset, chunk.Bytes));
            chunk.Offset = offset;
            return;
        }

        var block = Allocate(Math.Max(needed, Math.Min(chunk.Capacity * 2, limits.MaxBytes)));
        Move(ref chunk, block, OffsetFor(size, _heap.UsableSize(block) - needed, inFront, shares));
    }

    private static int OffsetFor(int size, int rest, bool inFront, bool shares)
    {
        if (shares) rest /= 2;
        if (inFront) return Math.Min(size + rest, DequeChunk.MaxOffset);
        return shares ? Math.Min(rest, DequeChunk.MaxOffset) : 0;
    }

    private void Move(ref DequeChunk chunk, BlockRef block, int offset)
    {
        Content(chunk).CopyTo(_heap.Span(block, offset, chunk.Bytes));
        FreeBlock(chunk.Block);
        chunk = new DequeChunk(block, chunk.Kind, chunk.Count, chunk.Bytes, offset, _heap.UsableSize(block));
    }

    private BlockRef Allocate(int bytes)
    {
        var block = _heap.Allocate(bytes);
        _head.Bytes += _heap.UsableSize(block);
        return block;
    }

    private void FreeBlock(BlockRef block)
    {
        _head.Bytes -= _heap.UsableSize(block);
        _heap.Free(block);
    }
}
