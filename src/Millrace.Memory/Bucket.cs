using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Millrace.Memory;

/// <summary>
/// One cache line of a hash table: up to ten entries with a byte of each one's hash.
/// </summary>
/// <remarks>
/// <code>
///   byte 0                10                                                   60       63
///        +----------------+----------------------------------------------------+----------+
///        | 10 fingerprints| 10 references of 5 bytes, little-endian            | state    |
///        +----------------+----------------------------------------------------+----------+
///   state bit  0..9   slot is occupied (a fingerprint of 0 is legal)
///             10      chained: the reference of slot 9 leads to an overflow bucket, and slot 9 holds no entry
///             11      saved: a snapshot has what the chain that begins here held at its cut
///             12..15  0
///             16..31  filter: bit i is set if an entry further down the chain has a fingerprint that ends in i
/// </code>
/// Invariant: of a chain, every bucket but the last has its nine entry slots full.
/// The filter spares a search most visits to overflow buckets. It may have bits too many after removals, never too few.
/// Found with one 16-byte compare; the six lanes beyond the fingerprints are masked by the occupied bits. After
/// Valkey's hashtable.c and Dragonfly's dash table.
/// </remarks>
[StructLayout(LayoutKind.Explicit, Size = SizeBytes)]
internal unsafe struct Bucket
{
    internal const int SizeBytes = 64;
    internal const int Slots = 10;
    internal const int LinkSlot = Slots - 1;

    private const int ReferencesOffset = Slots;
    private const int ReferenceBytes = 5;
    private const uint OccupiedMask = (1u << Slots) - 1;
    private const uint ChainedBit = 1u << Slots;
    private const uint SavedBit = 1u << (Slots + 1);
    private const int FilterShift = 16;

    [FieldOffset(0)] private fixed byte _fingerprints[Slots];
    [FieldOffset(60)] private uint _state;

    /// <summary>The occupied slots as bits.</summary>
    internal readonly uint Occupied => _state & OccupiedMask;

    /// <summary>Whether an overflow bucket follows.</summary>
    internal readonly bool IsChained => (_state & ChainedBit) != 0;

    /// <summary>Whether a snapshot has what the chain that begins here held at its cut.</summary>
    internal bool IsSaved
    {
        readonly get => (_state & SavedBit) != 0;
        set => _state = value ? _state | SavedBit : _state & ~SavedBit;
    }

    /// <summary>Whether nothing is here, nor further down.</summary>
    internal readonly bool IsEmpty => (_state & (OccupiedMask | ChainedBit)) == 0;

    /// <summary>The number of entries in this bucket.</summary>
    internal readonly int Count => BitOperations.PopCount(Occupied);

    /// <summary>The free slots as bits; the link's slot is none.</summary>
    internal readonly uint Free => ~_state & (IsChained ? OccupiedMask >> 1 : OccupiedMask);

    /// <summary>The occupied slots whose fingerprint is this, as bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal readonly uint Match(byte fingerprint)
    {
        // SAFETY: a bucket is 64 bytes, so the 16 at its start may be read.
        fixed (byte* start = _fingerprints)
        {
            var lanes = Vector128.Equals(Vector128.Load(start), Vector128.Create(fingerprint));
            return lanes.ExtractMostSignificantBits() & _state & OccupiedMask;
        }
    }

    /// <summary>Whether the chain behind this bucket may hold such a fingerprint.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal readonly bool MayFollow(byte fingerprint) => (_state >> (FilterShift + (fingerprint & 15)) & 1) != 0;

    /// <summary>The reference in a slot. Requires: below 10.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal readonly BlockRef Reference(int slot)
    {
        // SAFETY: the eight bytes of the last slot end at byte 63 of the bucket.
        fixed (byte* start = _fingerprints)
        {
            var word = Unsafe.ReadUnaligned<ulong>(start + ReferencesOffset + (slot * ReferenceBytes));
            return new BlockRef(word & BlockRef.Mask);
        }
    }

    /// <summary>The fingerprint in a slot. Requires: below 10.</summary>
    internal readonly byte Fingerprint(int slot) => _fingerprints[slot]; // SAFETY: slot is below 10.

    /// <summary>The overflow bucket that follows. Requires: chained.</summary>
    internal readonly BlockRef Next => Reference(LinkSlot);

    /// <summary>Changes the reference in a slot. Requires: below 10.</summary>
    internal void SetReference(int slot, BlockRef entry)
    {
        // SAFETY: five bytes within the bucket.
        fixed (byte* start = _fingerprints)
        {
            var at = start + ReferencesOffset + (slot * ReferenceBytes);
            Unsafe.WriteUnaligned(at, (uint)entry.Value);
            at[4] = (byte)(entry.Value >> 32);
        }
    }

    /// <summary>Puts an entry into a free slot.</summary>
    internal void Put(int slot, byte fingerprint, BlockRef entry)
    {
        _fingerprints[slot] = fingerprint; // SAFETY: slot is below 10.
        SetReference(slot, entry);
        _state |= 1u << slot;
    }

    /// <summary>Empties a slot.</summary>
    internal void Clear(int slot) => _state &= ~(1u << slot);

    /// <summary>Makes an overflow bucket follow. Requires: slot 9 is free.</summary>
    internal void Chain(BlockRef next)
    {
        SetReference(LinkSlot, next);
        _state |= ChainedBit;
    }

    /// <summary>Ends the chain here.</summary>
    internal void Unchain() => _state &= OccupiedMask | SavedBit;

    /// <summary>Notes that an entry with this fingerprint is further down.</summary>
    internal void AddToFilter(byte fingerprint) => _state |= 1u << (FilterShift + (fingerprint & 15));

    /// <summary>Computes the filter anew from the bucket that follows.</summary>
    internal void SetFilter(ref Bucket next)
    {
        var filter = next._state & ~((1u << FilterShift) - 1);
        for (var slots = next.Occupied; slots != 0; slots &= slots - 1)
            filter |= 1u << (FilterShift + (next.Fingerprint(BitOperations.TrailingZeroCount(slots)) & 15));
        _state = (_state & ((1u << FilterShift) - 1)) | filter;
    }
}
