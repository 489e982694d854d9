namespace Millrace.Memory;

/// <summary>
/// Changes in the middle of a <see cref="PackedDeque"/>: replacing, inserting beside an element, removing equal ones.
/// </summary>
/// <remarks>
/// A chunk that is compressed is opened for a change and compressed again afterwards when it lies deep. An element that
/// does not fit into its chunk goes to the chunk beside it when its place is at an end, or the chunk is split there.
/// Each change writes one or two chunks, besides the directory.
/// </remarks>
public static class DequeEdits
{
    /// <summary>Replaces an element. Requires: there is that index.</summary>
    /// <param name="deque">The deque.</param>
    /// <param name="index">From 0.</param>
    /// <param name="element">Must not lie in the deque.</param>
    /// <param name="limits">How large chunks may be.</param>
    public static void Set(PackedDeque deque, long index, ListpackElement element, in ChunkLimits limits)
    {
        var at = deque.Seek(ref index);
        var isDeep = deque.IsDeep(at, limits.CompressDepth);
        ref var chunk = ref deque.Chunk(at);
        var chunks = deque.Chunks;
        chunks.Open(ref chunk);
        if (chunk.Count == 1)
        {
            var made = chunks.New(element, limits);
            chunks.Free(chunk);
            chunk = made;
            Close(deque, ref chunk, isDeep);
            return;
        }

        var place = Listpack.Seek(chunks.Content(chunk), index);
        if (chunks.TryReplace(ref chunk, place, element, limits))
        {
            Close(deque, ref chunk, isDeep);
            return;
        }

        chunks.Delete(ref chunk, place, 1);
        deque.Adjust(at, -1);
        InsertAt(deque, at, place, element, limits, isDeep);
    }

    /// <summary>Inserts an element beside the first one that equals <paramref name="pivot"/>; false when there is none.
    /// O(elements up to it).</summary>
    /// <param name="deque">The deque.</param>
    /// <param name="pivot">What to look for.</param>
    /// <param name="isBehind">Whether behind it or in front of it.</param>
    /// <param name="element">Must not lie in the deque.</param>
    /// <param name="limits">How large chunks may be.</param>
    public static bool TryInsertBeside(
        PackedDeque deque, ListpackElement pivot, bool isBehind, ListpackElement element, in ChunkLimits limits)
    {
        for (var at = deque.Count == 0 ? ChunkAt.None : ChunkAt.Head; !at.IsNone; at = deque.Next(at))
        {
            if (!TryFind(deque, at, pivot, out var place)) continue;
            var isDeep = deque.IsDeep(at, limits.CompressDepth);
            ref var chunk = ref deque.Chunk(at);
            deque.Chunks.Open(ref chunk);
            if (chunk.Kind == ChunkKind.Plain) place = isBehind ? 1 : 0;
            else if (isBehind) place += Listpack.SizeAt(deque.Chunks.Content(chunk), place);
            InsertAt(deque, at, place, element, limits, isDeep);
            return true;
        }

        return false;
    }

    /// <summary>Removes elements that equal one.</summary>
    /// <param name="deque">The deque.</param>
    /// <param name="element">What to look for; must not lie in the deque.</param>
    /// <param name="max">The most to remove.</param>
    /// <param name="fromTail">Whether the last ones go first.</param>
    /// <param name="limits">How large chunks may be.</param>
    /// <returns>How many were removed.</returns>
    public static long RemoveEqual(
        PackedDeque deque, ListpackElement element, long max, bool fromTail, in ChunkLimits limits)
    {
        var removed = 0L;
        var at = deque.Count == 0 ? ChunkAt.None : fromTail ? deque.LastAt() : ChunkAt.Head;
        while (!at.IsNone && removed < max)
        {
            var previous = deque.Previous(at);
            if (!TryFind(deque, at, element, out var place))
            {
                at = fromTail ? previous : deque.Next(at);
                continue;
            }

            var isDeep = deque.IsDeep(at, limits.CompressDepth);
            ref var chunk = ref deque.Chunk(at);
            deque.Chunks.Open(ref chunk);
            var gone = chunk.IsPacked
                ? RemoveFrom(deque, ref chunk, place, element, max - removed, fromTail)
                : 1;
            removed += gone;
            at = Settle(deque, at, gone, previous, isDeep, fromTail, limits);
        }

        return removed;
    }

    // After elements went: the chunk goes, or is joined with the one in front, or is closed. Returns where to go on.
    private static ChunkAt Settle(
        PackedDeque deque, ChunkAt at, int gone, ChunkAt previous, bool isDeep, bool fromTail, in ChunkLimits limits)
    {
        ref var chunk = ref deque.Chunk(at);
        var isLast = deque.Next(at).IsNone;
        if (!chunk.IsPacked || chunk.Count == 0)
        {
            // A plain chunk, or an emptied one, of which the sums still count what went.
            if (chunk.IsPacked) deque.Adjust(at, -gone);
            return AfterRemoving(deque.Remove(at), deque, previous, isLast, fromTail);
        }

        deque.Adjust(at, -gone);
        if (!previous.IsNone && chunk.Bytes <= limits.MaxBytes / 2)
        {
            ref var before = ref deque.Chunk(previous);
            var count = chunk.Count;
            if (deque.Chunks.TryMerge(ref before, chunk, limits))
            {
                deque.Adjust(previous, count);
                return AfterRemoving(deque.Remove(at), deque, previous, isLast, fromTail);
            }
        }

        if (!at.IsHead && !at.IsTail) deque.Chunks.Fit(ref chunk);
        Close(deque, ref chunk, isDeep);
        return fromTail ? previous : deque.Next(at);
    }

    private static ChunkAt AfterRemoving(
        ChunkAt next, PackedDeque deque, ChunkAt previous, bool wasLast, bool fromTail)
    {
        if (!fromTail) return wasLast ? ChunkAt.None : next;
        if (previous.IsNone) return ChunkAt.None;

        // The chunk in front of the last one has become the last one.
        return wasLast ? deque.LastAt() : previous;
    }

    private static int RemoveFrom(
        PackedDeque deque, ref DequeChunk chunk, int place, ListpackElement element, long max, bool fromTail)
    {
        var chunks = deque.Chunks;
        var gone = 0;
        if (!fromTail)
        {
            for (; place >= 0 && gone < max; gone++)
            {
                chunks.Delete(ref chunk, place, 1);
                place = chunk.Count == 0 ? -1 : FindFrom(chunks.Content(chunk), place, element);
            }

            return gone;
        }

        for (place = Listpack.Last(chunks.Content(chunk)); place >= 0 && gone < max;)
        {
            var content = chunks.Content(chunk);
            var equals = Listpack.Get(content, place).SameAs(element);
            var before = Listpack.Previous(content, place);
            if (equals)
            {
                chunks.Delete(ref chunk, place, 1);
                gone++;
            }

            place = before;
        }

        return gone;
    }

    // The place may be the end's.
    private static int FindFrom(ReadOnlySpan<byte> listpack, int place, ListpackElement element) =>
        place == Listpack.EndOf(listpack) ? -1 : Listpack.Find(listpack, place, element);

    // Requires: the chunk is open. The place is that of an element of a packed chunk or its end's; of a plain one, 0
    // for in front and anything else for behind. An emptied chunk is not among them.
    private static void InsertAt(
        PackedDeque deque, ChunkAt at, int place, ListpackElement element, in ChunkLimits limits, bool isDeep)
    {
        ref var chunk = ref deque.Chunk(at);
        var chunks = deque.Chunks;
        if (chunk.IsPacked && chunks.TryInsert(ref chunk, place, element, limits))
        {
            deque.Adjust(at, 1);
            Close(deque, ref chunk, isDeep);
            return;
        }

        var isFirst = chunk.IsPacked ? place == Listpack.HeaderBytes : place == 0;
        if (isFirst || !chunk.IsPacked || place == Listpack.EndOf(chunks.Content(chunk)))
        {
            Close(deque, ref chunk, isDeep);
            InsertBeside(deque, at, isFirst, element, limits, isDeep);
            return;
        }

        InsertBetween(deque, at, place, element, limits, isDeep);
    }

    // At an end of a chunk that cannot take the element: into the neighbour, or into a chunk of its own.
    private static void InsertBeside(
        PackedDeque deque, ChunkAt at, bool inFront, ListpackElement element, in ChunkLimits limits, bool isDeep)
    {
        var chunks = deque.Chunks;
        var beside = inFront ? deque.Previous(at) : deque.Next(at);
        if (!beside.IsNone)
        {
            ref var neighbour = ref deque.Chunk(beside);
            var taken = inFront
                ? chunks.TryPushLast(ref neighbour, element, limits, isOnly: false)
                : chunks.TryPushFirst(ref neighbour, element, limits, isOnly: false);
            if (taken)
            {
                deque.Adjust(beside, 1);
                return;
            }
        }

        var made = chunks.New(element, limits);
        Close(deque, ref made, isDeep);
        if (inFront) deque.AddInFront(at, made);
        else deque.AddBehind(at, made);
    }

    // In the middle of a chunk that cannot take the element: it is split there.
    private static void InsertBetween(
        PackedDeque deque, ChunkAt at, int place, ListpackElement element, in ChunkLimits limits, bool isDeep)
    {
        var chunks = deque.Chunks;
        ref var chunk = ref deque.Chunk(at);
        var right = chunks.SplitOff(ref chunk, place);
        deque.Adjust(at, -right.Count);
        var made = default(DequeChunk);
        if (chunks.TryPushLast(ref chunk, element, limits, isOnly: false)) deque.Adjust(at, 1);
        else if (!chunks.TryPushFirst(ref right, element, limits, isOnly: false)) made = chunks.New(element, limits);
        if (!at.IsHead && !at.IsTail) chunks.Fit(ref chunk);
        Close(deque, ref chunk, isDeep);
        Close(deque, ref right, isDeep);
        var rightAt = deque.AddBehind(at, right);
        if (made.IsNone) return;
        Close(deque, ref made, isDeep);
        deque.AddInFront(rightAt, made);
    }

    private static void Close(PackedDeque deque, ref DequeChunk chunk, bool isDeep)
    {
        if (isDeep) deque.Chunks.Compress(ref chunk);
    }

    // The place of the first equal element of a chunk, in its listpack, restored or not.
    private static bool TryFind(PackedDeque deque, ChunkAt at, ListpackElement element, out int place)
    {
        ref var chunk = ref deque.Chunk(at);
        var content = deque.Chunks.Content(chunk);
        place = 0;
        if (chunk.Kind == ChunkKind.Plain) return element.SameAs(content);
        if (chunk.IsPacked)
        {
            place = Listpack.Find(content, Listpack.HeaderBytes, element);
            return place >= 0;
        }

        var block = deque.Heap.Allocate(deque.Chunks.RawBytes(chunk));
        var bytes = deque.Chunks.Decompress(chunk, block);
        place = Listpack.Find(deque.Heap.Span(block, 0, bytes), Listpack.HeaderBytes, element);
        deque.Heap.Free(block);
        return place >= 0;
    }
}
