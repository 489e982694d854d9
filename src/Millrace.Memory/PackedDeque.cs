using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Millrace.Memory;

/// <summary>
/// A list of texts and integers in native memory: a deque of chunks, each a listpack of up to some kB, or one long
/// element.
/// </summary>
/// <remarks>
/// <code>
///   header:  [ counts | first chunk | last chunk | spine ]
///                                                   |
///                            directory of the chunks between (DequeDirectory)
/// </code>
/// <para>
/// Push, peek and pop at both ends: O(1), and three cache lines: the header, the chunk's header, and the element.
/// An index is found by summing up counts of groups of chunks, then of chunks, then by walking a chunk from the nearer
/// end. Inserting and replacing in the middle write one chunk, which is split when it would be too long; removing
/// joins a chunk that became small with the one in front.
/// </para>
/// <para>
/// Invariants: no chunk is empty; there are inner chunks only between a first and a last one, and a last one only
/// behind a first one; the first and the last are not compressed;
/// chunks that were filled from an end are full. Whether an inner chunk is compressed is decided when it becomes one or
/// changes, so lists follow a new setting as they are written to; every read takes them as they are.
/// A handle may be copied; it is used under the heap's lock. Elements given must not lie in the deque.
/// </para>
/// </remarks>
public readonly unsafe struct PackedDeque
{
    private readonly Heap _heap;

    /// <summary>A handle to the deque that has this header.</summary>
    public PackedDeque(Heap heap, BlockRef header)
    {
        _heap = heap;
        Header = header;
    }

    /// <summary>The block that the deque is known by; never moves.</summary>
    public BlockRef Header { get; }

    /// <summary>The number of elements.</summary>
    public long Count => Head.Count;

    /// <summary>The number of chunks.</summary>
    public long ChunkCount => Head.InnerChunks + (Head.Head.IsNone ? 0 : 1) + (Head.Tail.IsNone ? 0 : 1);

    /// <summary>Exact bytes of the deque. O(1).</summary>
    public long AllocatedBytes => Head.Bytes;

    /// <summary>The heap that the deque lives in.</summary>
    internal Heap Heap => _heap;

    // SAFETY: Address has checked that a block is there, and a deque's header is a block of that size, which never
    // moves.
    internal ref DequeHeader Head
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => ref *(DequeHeader*)_heap.Address(Header);
    }

    internal DequeChunks Chunks => new(_heap, Header, ref Head);

    private DequeDirectory Directory => new(_heap, ref Head);

    /// <summary>A deque without elements: one small block.</summary>
    public static PackedDeque Create(Heap heap)
    {
        ArgumentNullException.ThrowIfNull(heap);
        var deque = new PackedDeque(heap, heap.Allocate(DequeHeader.SizeBytes));
        deque.Head = default;
        deque.Head.Bytes = heap.UsableSize(deque.Header);
        return deque;
    }

    /// <summary>A deque with the elements of a listpack, which becomes its only chunk.</summary>
    public static PackedDeque Create(Heap heap, ReadOnlySpan<byte> listpack)
    {
        var deque = Create(heap);
        if (Listpack.IsEmpty(listpack)) return deque;
        ref var head = ref deque.Head;
        head.Head = deque.Chunks.OfListpack(listpack);
        head.Count = head.Head.Count;
        return deque;
    }

    /// <summary>Adds an element in front of the first.</summary>
    public void PushFirst(ListpackElement element, in ChunkLimits limits)
    {
        ref var head = ref Head;
        head.Count++;
        if (!head.Head.IsNone)
        {
            if (Chunks.TryPushFirst(ref head.Head, element, limits, head.Tail.IsNone)) return;
            SetFirstAside(limits);
        }

        head.Head = Chunks.New(element, limits);
    }

    /// <summary>Adds an element behind the last.</summary>
    public void PushLast(ListpackElement element, in ChunkLimits limits)
    {
        ref var head = ref Head;
        head.Count++;
        if (head.Head.IsNone)
        {
            head.Head = Chunks.New(element, limits);
            return;
        }

        var isOnly = head.Tail.IsNone;
        if (Chunks.TryPushLast(ref LastChunk, element, limits, isOnly)) return;
        if (!isOnly) SetLastAside(limits);
        head.Tail = Chunks.New(element, limits);
    }

    /// <summary>The first element: a view until the next change. Requires: not empty.</summary>
    public ListpackElement First()
    {
        ref var chunk = ref Head.Head;
        var content = Chunks.Content(chunk);
        return chunk.IsPacked ? Listpack.Get(content, Listpack.HeaderBytes) : ListpackElement.OfString(content);
    }

    /// <summary>The last element: a view until the next change. Requires: not empty.</summary>
    public ListpackElement Last()
    {
        ref var chunk = ref LastChunk;
        var content = Chunks.Content(chunk);
        return chunk.IsPacked ? Listpack.Get(content, Listpack.Last(content)) : ListpackElement.OfString(content);
    }

    /// <summary>Removes elements at the front. Requires: there are as many. O(chunks and, in the last, elements).
    /// </summary>
    public void DropFirst(long count)
    {
        ref var head = ref Head;
        while (count > 0)
        {
            ref var chunk = ref head.Head;
            if (chunk.Count > count)
            {
                head.Count -= count;
                Chunks.DropFirst(ref chunk, (int)count);
                return;
            }

            count -= chunk.Count;
            _ = Remove(ChunkAt.Head);
        }
    }

    /// <summary>Removes elements at the end. Requires: there are as many. O(chunks and, in the last, elements).
    /// </summary>
    public void DropLast(long count)
    {
        ref var head = ref Head;
        while (count > 0)
        {
            ref var chunk = ref LastChunk;
            if (chunk.Count > count)
            {
                head.Count -= count;
                Chunks.DropLast(ref chunk, (int)count);
                return;
            }

            count -= chunk.Count;
            _ = Remove(head.Tail.IsNone ? ChunkAt.Head : ChunkAt.Tail);
        }
    }

    /// <summary>Bytes of all chunks' content, as it is without compression. O(chunks).</summary>
    public long ContentBytes()
    {
        var sum = 0L;
        for (var at = Head.Head.IsNone ? ChunkAt.None : ChunkAt.Head; !at.IsNone; at = Next(at))
        {
            var chunk = Chunk(at);
            sum += chunk.Kind == ChunkKind.Compressed ? Chunks.RawBytes(chunk) : chunk.Bytes;
        }

        return sum;
    }

    /// <summary>A walk over the chunks as they are stored.</summary>
    public ChunkWalk WalkChunks() => new(this);

    /// <summary>Where all chunks are now. O(chunks).</summary>
    public ChunkPlace[] Places()
    {
        var places = new ChunkPlace[ChunkCount];
        var at = places.Length == 0 ? ChunkAt.None : ChunkAt.Head;
        for (var i = 0; i < places.Length; i++, at = Next(at)) places[i] = new ChunkPlace(Chunk(at));
        return places;
    }

    /// <summary>Adds a chunk with the elements of a listpack behind the last one.</summary>
    /// <param name="listpack">Valid, not empty, and no longer than <see cref="ChunkLimits.LargestBytes"/>; must not lie
    /// in the deque.</param>
    /// <param name="limits">Which chunks are compressed; the new one may be larger than they allow.</param>
    public void AppendListpack(ReadOnlySpan<byte> listpack, in ChunkLimits limits)
    {
        Debug.Assert(listpack.Length <= ChunkLimits.LargestBytes && !Listpack.IsEmpty(listpack), "a chunk's content");
        ref var head = ref Head;
        if (!head.Tail.IsNone) SetLastAside(limits);
        AppendOuter(ref head, Chunks.OfListpack(listpack));
    }

    /// <summary>Whether all of it is one chunk that is a listpack, which a small list may keep in its entry.</summary>
    /// <param name="listpack">A view of it, until the next change.</param>
    public bool IsOneListpack(out ReadOnlySpan<byte> listpack)
    {
        ref var head = ref Head;
        listpack = default;
        if (head.Head.IsNone || !head.Tail.IsNone || !head.Head.IsPacked) return false;
        listpack = Chunks.Content(head.Head);
        return true;
    }

    /// <summary>Copies the deque into a heap, which may be another one. O(bytes).</summary>
    public PackedDeque CopyTo(Heap target)
    {
        var copy = Create(target);
        for (var at = Head.Head.IsNone ? ChunkAt.None : ChunkAt.Head; !at.IsNone; at = Next(at))
            copy.AppendChunk(copy.Chunks.CopyOf(_heap, Chunk(at)));
        return copy;
    }

    /// <summary>Forgets the first elements, those of about so many chunks, and frees them; true when none are left.
    /// </summary>
    /// <remarks>Once this has begun, nothing but Count, FreeSome and Free may be used. The header stays until
    /// <see cref="Free"/>, so the call may be repeated.</remarks>
    public bool FreeSome(int maxChunks)
    {
        ref var head = ref Head;
        for (var work = 0; ChunkCount > 0; work++)
        {
            if (work > 0 && work >= maxChunks) return false;
            var chunk = TakeAnyChunk(ref head);
            head.Count -= chunk.Count;
            Chunks.Free(chunk);
        }

        return true;
    }

    /// <summary>Frees the whole deque, its header included; the handle is dead then. O(chunks) unless it is empty.
    /// </summary>
    public void Free()
    {
        _ = FreeSome(int.MaxValue);
        _heap.Free(Header);
    }

    // ---- chunks and their places ----

    /// <summary>The chunk that holds an element. Requires: there is that index.</summary>
    /// <param name="index">From 0; becomes the index in the chunk.</param>
    internal ChunkAt Seek(ref long index)
    {
        ref var head = ref Head;
        if (index < head.Head.Count) return ChunkAt.Head;
        var fromEnd = head.Count - 1 - index;
        var tailCount = head.Tail.Count;
        if (fromEnd < tailCount)
        {
            index = tailCount - 1 - fromEnd;
            return ChunkAt.Tail;
        }

        index -= head.Head.Count;
        fromEnd -= tailCount;
        return fromEnd < index ? Directory.FindFromEnd(fromEnd, out index) : Directory.Find(ref index);
    }

    internal ref DequeChunk Chunk(ChunkAt at)
    {
        if (at.IsHead) return ref Head.Head;
        if (at.IsTail) return ref Head.Tail;
        return ref Directory.Chunk(at.Group, at.Slot);
    }

    /// <summary>The place behind, or <see cref="ChunkAt.None"/>.</summary>
    internal ChunkAt Next(ChunkAt at)
    {
        if (at.IsTail) return ChunkAt.None;
        var directory = Directory;
        if (!at.IsHead && at.Slot + 1 < directory.Group(at.Group).Count) return new ChunkAt(at.Group, at.Slot + 1);
        if (at.Group + 1 < directory.GroupCount) return new ChunkAt(at.Group + 1, 0);
        return Head.Tail.IsNone ? ChunkAt.None : ChunkAt.Tail;
    }

    /// <summary>The place in front, or <see cref="ChunkAt.None"/>.</summary>
    internal ChunkAt Previous(ChunkAt at)
    {
        if (at.IsHead) return ChunkAt.None;
        var directory = Directory;
        if (!at.IsTail && at.Slot > 0) return new ChunkAt(at.Group, at.Slot - 1);
        var group = (at.IsTail ? directory.GroupCount : at.Group) - 1;
        return group < 0 ? ChunkAt.Head : new ChunkAt(group, directory.Group(group).Count - 1);
    }

    /// <summary>The place of the last chunk. Requires: not empty.</summary>
    internal ChunkAt LastAt() => Head.Tail.IsNone ? ChunkAt.Head : ChunkAt.Tail;

    /// <summary>Frees a chunk.</summary>
    /// <returns>The place of the chunk that followed it, or <see cref="ChunkAt.None"/>; when the last chunk went, the
    /// place of the one that is last now.</returns>
    internal ChunkAt Remove(ChunkAt at)
    {
        ref var head = ref Head;
        head.Count -= Chunk(at).Count;
        if (at.IsHead)
        {
            Chunks.Free(head.Head);
            head.Head = TakeForHead(ref head);
            return head.Head.IsNone ? ChunkAt.None : ChunkAt.Head;
        }

        if (at.IsTail)
        {
            Chunks.Free(head.Tail);
            head.Tail = TakeForTail(ref head);
            return LastAt();
        }

        var directory = Directory;
        var groups = directory.GroupCount;
        Chunks.Free(directory.Remove(at.Group, at.Slot));
        var isGroupGone = directory.GroupCount < groups;
        if (isGroupGone) return at.Group < directory.GroupCount ? new ChunkAt(at.Group, 0) : ChunkAt.Tail;
        if (at.Slot < directory.Group(at.Group).Count) return at;
        return at.Group + 1 < directory.GroupCount ? new ChunkAt(at.Group + 1, 0) : ChunkAt.Tail;
    }

    /// <summary>Counts elements that have come to a chunk, or gone from it; the chunk's own count is right already.
    /// </summary>
    internal void Adjust(ChunkAt at, int change)
    {
        Head.Count += change;
        if (!at.IsHead && !at.IsTail) Directory.Group(at.Group).Elements += change;
    }

    /// <summary>Adds a chunk behind another. The places behind that one are stale then.</summary>
    /// <returns>Where it is.</returns>
    internal ChunkAt AddBehind(ChunkAt at, DequeChunk chunk)
    {
        ref var head = ref Head;
        head.Count += chunk.Count;
        if (at.IsTail || (at.IsHead && head.Tail.IsNone))
        {
            if (at.IsTail) AppendInner(head.Tail);
            head.Tail = chunk;
            return ChunkAt.Tail;
        }

        return at.IsHead ? Directory.Insert(0, 0, chunk) : Directory.Insert(at.Group, at.Slot + 1, chunk);
    }

    /// <summary>Adds a chunk in front of another. The places behind it are stale then.</summary>
    internal void AddInFront(ChunkAt at, DequeChunk chunk)
    {
        ref var head = ref Head;
        head.Count += chunk.Count;
        if (at.IsHead)
        {
            if (head.Tail.IsNone) head.Tail = head.Head;
            else Directory.Insert(0, 0, head.Head);
            head.Head = chunk;
        }
        else if (at.IsTail)
        {
            AppendInner(chunk);
        }
        else
        {
            Directory.Insert(at.Group, at.Slot, chunk);
        }
    }

    /// <summary>Whether a chunk lies so deep that it is to be compressed.</summary>
    internal bool IsDeep(ChunkAt at, int depth)
    {
        if (depth <= 0 || at.IsHead || at.IsTail) return false;
        var directory = Directory;
        long inFront = 1 + at.Slot;
        for (var group = at.Group - 1; group >= 0 && inFront < depth; group--) inFront += directory.Group(group).Count;
        if (inFront < depth) return false;
        long behind = directory.Group(at.Group).Count - at.Slot;
        for (var group = at.Group + 1; group < directory.GroupCount && behind < depth; group++)
            behind += directory.Group(group).Count;
        return behind >= depth;
    }

    private ref DequeChunk LastChunk
    {
        get
        {
            ref var head = ref Head;
            return ref head.Tail.IsNone ? ref head.Head : ref head.Tail;
        }
    }

    private static void AppendOuter(ref DequeHeader head, DequeChunk chunk)
    {
        if (head.Head.IsNone) head.Head = chunk;
        else head.Tail = chunk;
        head.Count += chunk.Count;
    }

    private void AppendChunk(DequeChunk chunk)
    {
        ref var head = ref Head;
        if (!head.Head.IsNone)
        {
            AddBehind(LastAt(), chunk);
            return;
        }

        head.Head = chunk;
        head.Count += chunk.Count;
    }

    private ChunkAt AppendInner(DequeChunk chunk)
    {
        var directory = Directory;
        var group = Math.Max(directory.GroupCount - 1, 0);
        return directory.Insert(group, directory.GroupCount == 0 ? 0 : directory.Group(group).Count, chunk);
    }

    // The first chunk is full: it becomes an inner one, or the last.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void SetFirstAside(in ChunkLimits limits)
    {
        ref var head = ref Head;
        Chunks.Fit(ref head.Head);
        if (head.Tail.IsNone)
        {
            head.Tail = head.Head;
            return;
        }

        var at = Directory.Insert(0, 0, head.Head);
        for (var i = 1; i < limits.CompressDepth && !at.IsTail; i++) at = Next(at);
        CompressDeep(at, limits);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void SetLastAside(in ChunkLimits limits)
    {
        ref var head = ref Head;
        Chunks.Fit(ref head.Tail);
        var at = AppendInner(head.Tail);
        for (var i = 1; i < limits.CompressDepth && !at.IsHead; i++) at = Previous(at);
        CompressDeep(at, limits);
    }

    private void CompressDeep(ChunkAt at, in ChunkLimits limits)
    {
        if (IsDeep(at, limits.CompressDepth)) Chunks.Compress(ref Chunk(at));
    }

    private DequeChunk TakeForHead(ref DequeHeader head)
    {
        if (head.InnerChunks == 0)
        {
            var last = head.Tail;
            head.Tail = default;
            return last;
        }

        var chunk = Directory.Remove(0, 0);
        Chunks.Open(ref chunk);
        return chunk;
    }

    private DequeChunk TakeForTail(ref DequeHeader head)
    {
        if (head.InnerChunks == 0) return default;
        var directory = Directory;
        var group = directory.GroupCount - 1;
        var chunk = directory.Remove(group, directory.Group(group).Count - 1);
        Chunks.Open(ref chunk);
        return chunk;
    }

    // Without restoring what is compressed.
    private DequeChunk TakeAnyChunk(ref DequeHeader head)
    {
        Debug.Assert(ChunkCount > 0, "there is one");
        var chunk = head.Head;
        head.Head = default;
        if (!chunk.IsNone) return chunk;
        if (head.InnerChunks > 0)
        {
            var directory = Directory;
            var group = directory.GroupCount - 1;
            return directory.Remove(group, directory.Group(group).Count - 1);
        }

        chunk = head.Tail;
        head.Tail = default;
        return chunk;
    }
}
