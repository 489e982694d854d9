using System.Numerics;
using System.Runtime.CompilerServices;

namespace Millrace.Memory;

/// <summary>
/// A bucket of a segment together with the overflow buckets behind it: where all entries with one bucket number are.
/// </summary>
/// <remarks>
/// Every operation keeps the invariant of <see cref="Bucket"/>: only the last bucket of a chain has free slots. A
/// removal fills its hole from the last bucket, and a last bucket that would fit into the one before is dissolved, so
/// chains never stay longer than their entries need. <c>overflows</c> is the table's count of overflow buckets.
/// </remarks>
internal readonly unsafe ref struct BucketChain
{
    private readonly Heap _heap;
    private readonly Bucket* _first;
    private readonly ref long _overflows;

    // SAFETY: of all members: `first` is a bucket of a live segment, links lead to live 64-byte blocks of the same heap
    // (Address checks them), and nothing here outlives the call of the table that made it.
    internal BucketChain(Heap heap, Bucket* first, ref long overflows)
    {
        _heap = heap;
        _first = first;
        _overflows = ref overflows;
    }

    /// <summary>The number of entries.</summary>
    internal int Count
    {
        get
        {
            var sum = 0;
            for (var bucket = _first; bucket != null; bucket = Next(bucket)) sum += bucket->Count;
            return sum;
        }
    }

    /// <summary>Whether one more entry needs a new overflow bucket.</summary>
    internal bool IsFull
    {
        get
        {
            var bucket = _first;
            while (bucket->IsChained) bucket = (Bucket*)_heap.Address(bucket->Next);
            return bucket->Free == 0;
        }
    }

    /// <summary>Adds an entry, with a new overflow bucket if it must be.</summary>
    internal void Add(byte fingerprint, BlockRef entry)
    {
        var bucket = _first;
        while (bucket->IsChained)
        {
            bucket->AddToFilter(fingerprint);
            bucket = (Bucket*)_heap.Address(bucket->Next);
        }

        if (bucket->Free == 0) bucket = Extend(bucket, fingerprint);
        bucket->Put(BitOperations.TrailingZeroCount(bucket->Free), fingerprint, entry);
    }

    /// <summary>Removes an entry; false when it is not here.</summary>
    internal bool TryRemove(byte fingerprint, BlockRef entry)
    {
        Bucket* before = null;
        for (var bucket = _first; bucket != null; before = bucket, bucket = Next(bucket))
        {
            var slot = SlotOf(bucket, fingerprint, entry);
            if (slot < 0) continue;
            bucket->Clear(slot);
            if (bucket->IsChained || before != null) Close(bucket, slot);
            return true;
        }

        return false;
    }

    /// <summary>Puts another reference in an entry's place; false when it is not here.</summary>
    internal bool TryReplace(byte fingerprint, BlockRef old, BlockRef now)
    {
        for (var bucket = _first; bucket != null; bucket = Next(bucket))
        {
            var slot = SlotOf(bucket, fingerprint, old);
            if (slot < 0) continue;
            bucket->SetReference(slot, now);
            return true;
        }

        return false;
    }

    /// <summary>Shows every entry.</summary>
    internal void Visit<TVisitor>(ref TVisitor visitor)
        where TVisitor : struct, IEntryVisitor, allows ref struct
    {
        for (var bucket = _first; bucket != null; bucket = Next(bucket))
        {
            for (var slots = bucket->Occupied; slots != 0; slots &= slots - 1)
                visitor.Visit(bucket->Reference(BitOperations.TrailingZeroCount(slots)));
        }
    }

    /// <summary>Starts fetching every entry.</summary>
    internal void PrefetchEntries()
    {
        for (var bucket = _first; bucket != null; bucket = Next(bucket))
        {
            for (var slots = bucket->Occupied; slots != 0; slots &= slots - 1)
                _heap.Prefetch(bucket->Reference(BitOperations.TrailingZeroCount(slots)));
        }
    }

    /// <summary>The entry at a position below <see cref="Count"/>.</summary>
    internal BlockRef EntryAt(int index)
    {
        for (var bucket = _first; bucket != null; bucket = Next(bucket))
        {
            for (var slots = bucket->Occupied; slots != 0; slots &= slots - 1)
            {
                if (index-- == 0) return bucket->Reference(BitOperations.TrailingZeroCount(slots));
            }
        }

        return default;
    }

    /// <summary>Forgets all entries and frees the overflow buckets.</summary>
    internal void Clear()
    {
        var next = _first->IsChained ? _first->Next : default;
        *_first = default;
        while (!next.IsNull)
        {
            var block = next;
            var bucket = (Bucket*)_heap.Address(block);
            next = bucket->IsChained ? bucket->Next : default;
            _heap.Free(block);
            _overflows--;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Bucket* Next(Bucket* bucket) => bucket->IsChained ? (Bucket*)_heap.Address(bucket->Next) : null;

    private static int SlotOf(Bucket* bucket, byte fingerprint, BlockRef entry)
    {
        for (var slots = bucket->Match(fingerprint); slots != 0; slots &= slots - 1)
        {
            var slot = BitOperations.TrailingZeroCount(slots);
            if (bucket->Reference(slot) == entry) return slot;
        }

        return -1;
    }

    // The full last bucket gets another behind it, into which the entry of slot 9 moves.
    private Bucket* Extend(Bucket* last, byte fingerprint)
    {
        var block = _heap.Allocate(Bucket.SizeBytes);
        var added = (Bucket*)_heap.Address(block);
        *added = default;
        _overflows++;
        added->Put(0, last->Fingerprint(Bucket.LinkSlot), last->Reference(Bucket.LinkSlot));
        last->Clear(Bucket.LinkSlot);
        last->Chain(block);
        last->SetFilter(ref *added);
        last->AddToFilter(fingerprint);
        return added;
    }

    // Fills the hole that a removal left in a chain.
    private void Close(Bucket* hole, int slot)
    {
        Bucket* before = null;
        var last = _first;
        for (; last->IsChained; last = (Bucket*)_heap.Address(last->Next)) before = last;
        if (hole != last)
        {
            var moved = BitOperations.Log2(last->Occupied);
            hole->Put(slot, last->Fingerprint(moved), last->Reference(moved));
            last->Clear(moved);
        }

        if (last->Count <= 1) Dissolve(before, last);
        else before->SetFilter(ref *last);
    }

    // The one entry that the last bucket still has fits into the slot of the link to it.
    private void Dissolve(Bucket* before, Bucket* last)
    {
        var block = before->Next;
        before->Unchain();
        if (last->Count == 1)
        {
            var slot = BitOperations.TrailingZeroCount(last->Occupied);
            before->Put(Bucket.LinkSlot, last->Fingerprint(slot), last->Reference(slot));
        }

        _heap.Free(block);
        _overflows--;
    }
}
