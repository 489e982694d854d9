using System.Buffers;
using Millrace.Memory;

namespace Millrace.Engine.Values;

/// <summary>
/// One call of ZSCAN on a large sorted set: the members of a few buckets of its table, kept as references until the
/// reply, which begins with the next cursor, is written.
/// </summary>
/// <remarks>
/// What <see cref="HashTable{TLayout}.Scan"/> promises holds. Ends when so many members have been looked at, or ten
/// times as many buckets.
/// </remarks>
public ref struct SortedSetScan : IEntryVisitor
{
    private const int FirstRoom = 64;
    private const int BucketsPerMember = 10;

    private readonly Heap _heap;
    private readonly LargeSortedSet _set;
    private readonly ReadOnlySpan<byte> _pattern;
    private readonly bool _hasPattern;
    private ulong[] _found = [];
    private long _looked;

    private SortedSetScan(Heap heap, LargeSortedSet set, ReadOnlySpan<byte> pattern, bool hasPattern)
    {
        _heap = heap;
        _set = set;
        _pattern = pattern;
        _hasPattern = hasPattern;
    }

    /// <summary>How many members were found.</summary>
    public int Count { get; private set; }

    /// <summary>Whether a set is scanned at all: packed ones are shown whole.</summary>
    public static bool IsFor(in Entry entry) => SortedSetValue.IsLarge(entry);

    /// <summary>A scan of a large set.</summary>
    /// <param name="unit">The unit.</param>
    /// <param name="entry">The set.</param>
    /// <param name="pattern">What members must match.</param>
    /// <param name="hasPattern">Whether they must match at all.</param>
    public static SortedSetScan Of(Unit unit, in Entry entry, ReadOnlySpan<byte> pattern, bool hasPattern)
    {
        ArgumentNullException.ThrowIfNull(unit);
        var set = new LargeSortedSet(entry.Heap, unit.Keyspace.Hasher, entry.Value);
        return new SortedSetScan(entry.Heap, set, pattern, hasPattern);
    }

    /// <summary>Walks on from a cursor, looks at about so many members and returns the next cursor, 0 at the
    /// end.</summary>
    public ulong Run(ulong cursor, long count)
    {
        var buckets = count > long.MaxValue / BucketsPerMember ? long.MaxValue : count * BucketsPerMember;
        do cursor = _set.Scan(cursor, ref this);
        while (cursor != 0 && --buckets > 0 && _looked < count);
        return cursor;
    }

    /// <summary>The text of a member that was found.</summary>
    public readonly ReadOnlySpan<byte> Text(int index) =>
        ScoredMember.Text(_heap, BlockRef.FromValue(_found[index]));

    /// <summary>The score of a member that was found.</summary>
    public readonly double Score(int index) => ScoredMember.Score(_heap, BlockRef.FromValue(_found[index]));

    /// <summary>Gives the memory back.</summary>
    public readonly void Release()
    {
        if (_found.Length > 0) ArrayPool<ulong>.Shared.Return(_found);
    }

    /// <inheritdoc/>
    public void Visit(BlockRef entry)
    {
        _looked++;
        if (_hasPattern && !Glob.Matches(_pattern, ScoredMember.Text(_heap, entry))) return;
        if (Count == _found.Length) Grow();
        _found[Count++] = entry.Value;
    }

    private void Grow()
    {
        var larger = ArrayPool<ulong>.Shared.Rent(Math.Max(FirstRoom, 2 * Count));
        _found.AsSpan(0, Count).CopyTo(larger);
        Release();
        _found = larger;
    }
}
