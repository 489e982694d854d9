using System.Numerics;
using Millrace.Engine.Values;
using Millrace.Memory;

namespace Millrace.Engine;

/// <summary>
/// How many keys have values of which size, by type: the length of strings in bytes, the number of members of lists,
/// sets, sorted sets and hashes. Streams are not counted.
/// </summary>
/// <remarks>
/// <code>
///   bin   0    1    2      3        4      ...   i
///   size  0    1    2..3   4..7     8..15        2^(i-1) .. 2^i - 1
/// </code>
/// Members and keys that are due and not yet removed count. Adding takes O(1).
/// </remarks>
public sealed class SizeHistogram
{
    /// <summary>The number of bins.</summary>
    public const int Bins = 65;

    private readonly long[] _counts = new long[((int)ValueType.Hash + 1) * Bins];

    /// <summary>How many values of a type fall into a bin.</summary>
    public long this[ValueType type, int bin] => _counts[((int)type * Bins) + bin];

    /// <summary>The smallest size of a bin.</summary>
    public static long LeastOf(int bin) => bin == 0 ? 0 : 1L << (bin - 1);

    /// <summary>Counts an entry.</summary>
    public void Add(in Entry entry)
    {
        if (entry.Type > ValueType.Hash) return;
        var bin = 64 - BitOperations.LeadingZeroCount((ulong)Value.SizeOf(entry));
        _counts[((int)entry.Type * Bins) + bin]++;
    }

    /// <summary>Adds the counts of another one.</summary>
    public void Add(SizeHistogram other)
    {
        ArgumentNullException.ThrowIfNull(other);
        for (var i = 0; i < _counts.Length; i++) _counts[i] += other._counts[i];
    }

    /// <summary>Counts some entries of a table, as <see cref="HashTable{TLayout}.VisitSegment"/> finds them.</summary>
    /// <param name="table">The table.</param>
    /// <param name="heap">Where it lives.</param>
    /// <param name="point">0 to begin, otherwise what the last call returned.</param>
    /// <returns>Where to go on, 0 at the end.</returns>
    public ulong AddSome(KeyTable table, Heap heap, ulong point)
    {
        ArgumentNullException.ThrowIfNull(table);
        var visitor = new Visitor(this, heap);
        return table.Entries.VisitSegment(point, ref visitor);
    }

    private readonly struct Visitor(SizeHistogram histogram, Heap heap) : IEntryVisitor
    {
        public void Visit(BlockRef entry) => histogram.Add(new Entry(heap, entry));
    }
}
