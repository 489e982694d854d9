using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Millrace.Memory;

/// <summary>
/// The directory of the inner chunks of a <see cref="PackedDeque"/>: an array of groups, the spine, and groups of up to
/// 128 chunks each.
/// </summary>
/// <remarks>
/// <code>
///   spine:  [ free | group 0 | group 1 | ... | free ]       16 bytes each: block, elements below it
///                       |
///   group:  [ free | chunk | chunk | ... | free ]           16 bytes each, at most 128
/// </code>
/// Spine and groups have free places at both ends and grow by doubling, so adding and removing at either end moves next
/// to nothing, and in the middle at most 2 kB and the spine. An element is found by summing up counts: over the spine,
/// in a list of 100,000 chunks 800 places one behind the other, and over one group. A walk over the chunks themselves
/// would be 100,000 cache misses, and a tree would save little of the spine's microsecond.
/// Requires of all: positions that exist. References to chunks are good until chunks are added or removed.
/// </remarks>
internal readonly unsafe ref struct DequeDirectory
{
    internal const int MaxGroupChunks = 128;

    private const int FirstPlaces = 4;
    private const int MaxSpinePlaces = int.MaxValue / DequeGroup.SizeBytes / 2;

    private readonly Heap _heap;
    private readonly ref DequeHeader _head;

    internal DequeDirectory(Heap heap, ref DequeHeader head)
    {
        Debug.Assert(sizeof(DequeHeader) == DequeHeader.SizeBytes, "as drawn");
        Debug.Assert(sizeof(DequeChunk) == DequeChunk.SizeBytes, "as drawn");
        Debug.Assert(sizeof(DequeGroup) == DequeGroup.SizeBytes, "as drawn");
        _heap = heap;
        _head = ref head;
    }

    /// <summary>How many groups there are. None of them is empty.</summary>
    internal int GroupCount => _head.SpineCount;

    internal ref DequeGroup Group(int group)
    {
        if ((uint)group >= (uint)_head.SpineCount) ThrowNone();
        // SAFETY: the spine has SpineStart + SpineCount places, and the address of its block was checked.
        return ref SpinePlaces[_head.SpineStart + group];
    }

    internal ref DequeChunk Chunk(int group, int slot)
    {
        ref var at = ref Group(group);
        if ((uint)slot >= (uint)at.Count) ThrowNone();
        // SAFETY: a group's block has Start + Count places, and its address was checked.
        return ref Chunks(at)[at.Start + slot];
    }

    /// <summary>Adds a chunk in front of another, or behind the last of a group. The group may be the first that there
    /// is.</summary>
    /// <returns>Where it is.</returns>
    internal ChunkAt Insert(int group, int slot, DequeChunk chunk)
    {
        if (_head.SpineCount == 0) InsertGroup(0, NewGroup(FirstPlaces, 0));
        ref var at = ref Group(group);
        if (at.Count == at.Capacity)
        {
            if (at.Capacity < MaxGroupChunks) Widen(ref at);
            else (group, slot) = Split(group, slot);
            at = ref Group(group);
        }

        OpenPlace(ref at, slot);
        Chunks(at)[at.Start + slot] = chunk; // SAFETY: OpenPlace has made the place.
        at.Elements += chunk.Count;
        _head.InnerChunks++;
        return new ChunkAt(group, slot);
    }

    /// <summary>Takes a chunk out of the directory; its block stays. What followed it is at its place, or in the next
    /// group when it was its group's last.</summary>
    internal DequeChunk Remove(int group, int slot)
    {
        var chunk = Chunk(group, slot);
        ref var at = ref Group(group);
        at.Elements -= chunk.Count;
        _head.InnerChunks--;
        if (at.Count == 1)
        {
            RemoveGroup(group);
            return chunk;
        }

        // SAFETY: all within the group's used places.
        var chunks = Chunks(at) + at.Start;
        if (slot < at.Count / 2)
        {
            Elements.Move(chunks, chunks + 1, slot);
            at.Use(at.Start + 1, at.Count - 1);
        }
        else
        {
            Elements.Move(chunks + slot + 1, chunks + slot, at.Count - 1 - slot);
            at.Use(at.Start, at.Count - 1);
        }

        return chunk;
    }

    /// <summary>Finds the chunk with an element. Requires: fewer than the inner chunks have.</summary>
    /// <param name="index">The element's index among those of the inner chunks; becomes its index in its chunk.</param>
    internal ChunkAt Find(ref long index)
    {
        // SAFETY: the spine's used places; the group's used places.
        var groups = new ReadOnlySpan<DequeGroup>(SpinePlaces + _head.SpineStart, _head.SpineCount);
        var group = 0;
        for (; group < groups.Length && index >= groups[group].Elements; group++) index -= groups[group].Elements;
        return FindIn(group, ref index);
    }

    /// <summary>The same from the other end.</summary>
    /// <param name="index">The element's index, counted from the last element of the inner chunks.</param>
    /// <param name="within">Its index in its chunk, counted from the first.</param>
    internal ChunkAt FindFromEnd(long index, out long within)
    {
        // SAFETY: as Find.
        var groups = new ReadOnlySpan<DequeGroup>(SpinePlaces + _head.SpineStart, _head.SpineCount);
        var group = groups.Length - 1;
        for (; group > 0 && index >= groups[group].Elements; group--) index -= groups[group].Elements;
        within = groups[group].Elements - 1 - index;
        return FindIn(group, ref within);
    }

    private ChunkAt FindIn(int group, ref long index)
    {
        ref var at = ref Group(group);
        // SAFETY: the group's used places.
        var chunks = new ReadOnlySpan<DequeChunk>(Chunks(at) + at.Start, at.Count);
        for (var slot = 0; slot < chunks.Length; slot++)
        {
            if (index < chunks[slot].Count) return new ChunkAt(group, slot);
            index -= chunks[slot].Count;
        }

        ThrowNone();
        return default;
    }

    // SAFETY: of the two: a spine and a group are only met as blocks that this class has allocated for as many places.
    private DequeGroup* SpinePlaces => (DequeGroup*)_heap.Address(new BlockRef(_head.Spine));

    private DequeChunk* Chunks(DequeGroup group) => (DequeChunk*)_heap.Address(group.Block);

    // ---- groups ----

    private DequeGroup NewGroup(int capacity, int start)
    {
        var block = _heap.Allocate(capacity * DequeChunk.SizeBytes);
        _head.Bytes += _heap.UsableSize(block);
        return new DequeGroup(block, start, 0, capacity, 0);
    }

    private void FreeBlock(BlockRef block)
    {
        _head.Bytes -= _heap.UsableSize(block);
        _heap.Free(block);
    }

    // Twice the places, the used ones in the middle.
    private void Widen(ref DequeGroup group)
    {
        var capacity = group.Capacity * 2;
        var made = NewGroup(capacity, 0);
        var start = (capacity - group.Count) / 2;
        // SAFETY: the old group's used places, and as many in the middle of the new block.
        Elements.Move(Chunks(group) + group.Start, Chunks(made) + start, group.Count);
        made.Use(start, group.Count);
        made.Elements = group.Elements;
        FreeBlock(group.Block);
        group = made;
    }

    // A full group becomes two; a chunk that is to come first or last begins a new one.
    private (int Group, int Slot) Split(int group, int slot)
    {
        var count = Group(group).Count;
        if (slot == 0 || slot == count)
        {
            var start = slot == 0 ? MaxGroupChunks : 0;
            InsertGroup(slot == 0 ? group : group + 1, NewGroup(MaxGroupChunks, start));
            return slot == 0 ? (group, 0) : (group + 1, 0);
        }

        var kept = count / 2;
        var made = NewGroup(MaxGroupChunks, 0);
        ref var old = ref Group(group);
        // SAFETY: the second half of the old group's used places, and as many in the new block.
        var moved = new Span<DequeChunk>(Chunks(old) + old.Start + kept, count - kept);
        Elements.Move(Chunks(old) + old.Start + kept, Chunks(made), moved.Length);
        made.Use(0, moved.Length);
        foreach (ref readonly var chunk in moved) made.Elements += chunk.Count;
        old.Elements -= made.Elements;
        old.Use(old.Start, kept);
        InsertGroup(group + 1, made);
        return slot <= kept ? (group, slot) : (group + 1, slot - kept);
    }

    // Makes place for a chunk at a slot. Requires: a free place at either end.
    private void OpenPlace(ref DequeGroup group, int slot)
    {
        var start = group.Start;
        var count = group.Count;
        if ((uint)slot > (uint)count) ThrowNone();
        // SAFETY: the used places, and the one before or behind them, are within the block.
        var places = Chunks(group);
        var movesFront = start > 0 && (slot <= count / 2 || start + count == group.Capacity);
        if (movesFront)
        {
            Elements.Move(places + start, places + start - 1, slot);
            start--;
        }
        else
        {
            Elements.Move(places + start + slot, places + start + slot + 1, count - slot);
        }

        group.Use(start, count + 1);
    }

    // ---- spine ----

    private void InsertGroup(int index, DequeGroup group)
    {
        if (_head.SpineCount == _head.SpineCapacity) WidenSpine();
        if ((uint)index > (uint)_head.SpineCount) ThrowNone();
        // SAFETY: the used places, and the one before or behind them, are within the block.
        var places = SpinePlaces;
        var start = _head.SpineStart;
        var end = start + _head.SpineCount;
        if (start > 0 && (index <= _head.SpineCount / 2 || end == _head.SpineCapacity))
        {
            Elements.Move(places + start, places + start - 1, index);
            _head.SpineStart--;
        }
        else
        {
            Elements.Move(places + start + index, places + start + index + 1, _head.SpineCount - index);
        }

        places[_head.SpineStart + index] = group;
        _head.SpineCount++;
    }

    private void RemoveGroup(int index)
    {
        FreeBlock(Group(index).Block);
        // SAFETY: the spine's used places.
        var groups = SpinePlaces + _head.SpineStart;
        if (index < _head.SpineCount / 2)
        {
            Elements.Move(groups, groups + 1, index);
            _head.SpineStart++;
        }
        else
        {
            Elements.Move(groups + index + 1, groups + index, _head.SpineCount - 1 - index);
        }

        if (--_head.SpineCount > 0) return;
        FreeBlock(new BlockRef(_head.Spine));
        _head.Spine = 0;
        _head.SpineStart = _head.SpineCapacity = 0;
    }

    private void WidenSpine()
    {
        if (_head.SpineCapacity >= MaxSpinePlaces) throw new InsufficientMemoryException("A list of too many chunks.");
        var capacity = Math.Max(_head.SpineCapacity * 2, FirstPlaces);
        var block = _heap.Allocate(capacity * DequeGroup.SizeBytes);
        _head.Bytes += _heap.UsableSize(block);
        var start = (capacity - _head.SpineCount) / 2;
        if (_head.SpineCount > 0)
        {
            // SAFETY: the old spine's used places, and as many in the middle of the new block.
            var places = (DequeGroup*)_heap.Address(block) + start;
            Elements.Move(SpinePlaces + _head.SpineStart, places, _head.SpineCount);
            FreeBlock(new BlockRef(_head.Spine));
        }

        _head.Spine = block.Value;
        _head.SpineStart = start;
        _head.SpineCapacity = capacity;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ThrowNone() => throw new HeapCorruptionException("A list has no such chunk.");
}
