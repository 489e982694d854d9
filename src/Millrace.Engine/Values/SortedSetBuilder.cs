using System.Diagnostics;
using System.Runtime.InteropServices;
using Millrace.Engine.Codec;
using Millrace.Memory;

namespace Millrace.Engine.Values;

/// <summary>
/// A sorted set that is made member by member, in any order, before it replaces what a key holds or is only shown.
/// </summary>
/// <remarks>
/// <code>
///   Begin -> Find, Put ... -> Finish -> Count, First -> StoreAt or Discard
/// </code>
/// It lives in the heap of a key's partition, which the unit holds, beside what is there: its sources may be read, and
/// hold the same key, until it is stored. Put is O(1); Finish O(n log n) gives the members their order.
/// </remarks>
[StructLayout(LayoutKind.Auto)]
public struct SortedSetBuilder
{
    /// <summary>Room for the text of a member that is stored as an integer.</summary>
    public const int ScratchBytes = 20;

    private readonly Unit _unit;
    private readonly Partition _partition;
    private LargeSortedSet _set;
    private long _longest;
    private bool _hasMembers;

    private SortedSetBuilder(Unit unit, Partition partition)
    {
        _unit = unit;
        _partition = partition;
    }

    /// <summary>The number of members. Requires: finished.</summary>
    public readonly long Count => _hasMembers ? _set.Count : 0;

    /// <summary>A set without members in the partition of a key that the unit holds.</summary>
    public static SortedSetBuilder Begin(Unit unit, in Key key)
    {
        ArgumentNullException.ThrowIfNull(unit);
        return new SortedSetBuilder(unit, unit.PartitionFor(key));
    }

    /// <summary>Looks a member up. O(1).</summary>
    public readonly SortedSetPlace Find(ReadOnlySpan<byte> member)
    {
        var hash = _unit.Keyspace.HashOf(member);
        var block = _hasMembers ? _set.Find(hash, member) : default;
        var score = block.IsNull ? 0 : ScoredMember.Score(_partition.Heap, block);
        return new SortedSetPlace(!block.IsNull, score, -1, block, hash);
    }

    /// <summary>Adds a member, or gives one that was found another score. Requires: not finished.</summary>
    /// <param name="place">What <see cref="Find"/> said of it.</param>
    /// <param name="member">The member.</param>
    /// <param name="score">The score, a number.</param>
    public void Put(in SortedSetPlace place, ReadOnlySpan<byte> member, double score)
    {
        if (place.IsFound)
        {
            ScoredMember.SetScore(_partition.Heap, place.Block, score);
            return;
        }

        if (!_hasMembers) _set = LargeSortedSet.Create(_partition.Heap, _unit.Keyspace.Hasher);
        _hasMembers = true;
        _longest = Math.Max(_longest, member.Length);
        _set.AddUnranked(place.Hash, member, score);
    }

    /// <summary>Gives the members their order. Once.</summary>
    public readonly void Finish()
    {
        if (_hasMembers) _set.Rank();
    }

    /// <summary>A cursor on the member with the lowest score. Requires: finished, and there are members.</summary>
    public readonly SortedSetCursor First() => SortedSetCursor.At(_partition.Heap, _set.Order, 0);

    /// <summary>Makes a key of the partition hold the set, without a deadline. The builder is used up.</summary>
    /// <param name="key">The key.</param>
    /// <param name="existing">What it holds, of any type, which is given up.</param>
    public readonly Entry StoreAt(in Key key, in Entry existing) =>
        Fill(_unit.Store(key, existing, ShapeOf(out var packedBytes)), packedBytes);

    /// <summary>Makes an entry in no table of the set. The builder is used up.</summary>
    internal readonly Entry Make(in ValuePlace place)
    {
        var shape = ShapeOf(out var packedBytes);
        return Fill(place.Make(shape.Type, shape.Encoding, shape.ValueLength), packedBytes);
    }

    /// <summary>Frees the set. The builder is used up.</summary>
    public readonly void Discard()
    {
        if (_hasMembers) SortedSetValue.Discard(_partition.Discards, _set);
    }

    // The shape that the set takes; packed with so many bytes, or large and 0.
    private readonly EntryShape ShapeOf(out int packedBytes)
    {
        Debug.Assert(_hasMembers, "an empty set is no value");
        var bytes = PackedBytes();
        var isPacked = SortedSetValue.IsPackable(_unit.Keyspace.Encodings, _set.Count, _longest, bytes);
        packedBytes = isPacked ? (int)bytes : 0;
        return isPacked ? SortedSetValue.PackedShape(packedBytes, -1) : SortedSetValue.LargeShape(-1);
    }

    private readonly Entry Fill(in Entry entry, int packedBytes)
    {
        if (packedBytes == 0)
        {
            _set.WriteTo(entry.Value);
            return entry;
        }

        var builder = ListpackBuilder.Begin(entry.Value);
        Span<byte> scratch = stackalloc byte[SortedSetPack.ScratchBytes];
        for (var cursor = First(); cursor.IsValid; cursor.Next())
        {
            builder.Append(cursor.Text(default));
            builder.Append(SortedSetPack.Encode(cursor.Score, scratch));
        }

        var total = builder.Finish();
        Debug.Assert(total == packedBytes, "measured before it was written");
        Discard();
        return entry;
    }

    // The size of the listpack, or more than any may have when there are too many members to ask.
    private readonly long PackedBytes()
    {
        var limits = _unit.Keyspace.Encodings;
        if (!SortedSetValue.IsPackable(limits, _set.Count, _longest, 0)) return long.MaxValue;
        var sum = (long)Listpack.EmptyBytes;
        for (var cursor = First(); cursor.IsValid; cursor.Next())
            sum += SortedSetPack.SizeOf(cursor.Text(default), cursor.Score);
        return sum;
    }
}
