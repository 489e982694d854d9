// The keys of a database that match a pattern, while all partitions are held: references only, no copies.

using System.Buffers;
using Millrace.Engine;
using Millrace.Engine.Values;
using Millrace.Memory;

namespace Millrace.Commands.Families;

/// <summary>Collects the entries that KEYS returns. Expired ones are left out, and left alone.</summary>
internal ref struct KeyMatches : IEntryVisitor
{
    private readonly ReadOnlySpan<byte> _pattern;
    private readonly bool _takesAll;
    private readonly long _nowMs;
    private Heap? _heap;
    private ulong[] _blocks = [];

    /// <summary>An empty collection.</summary>
    public KeyMatches(ReadOnlySpan<byte> pattern, long nowMs)
    {
        _pattern = pattern;
        _takesAll = Glob.MatchesAll(pattern);
        _nowMs = nowMs;
    }

    /// <summary>How many were found.</summary>
    public int Count { get; private set; }

    /// <summary>The entry's block at an index.</summary>
    public readonly BlockRef this[int index] => BlockRef.FromValue(_blocks[index]);

    /// <summary>Adds the matching keys of a table.</summary>
    public void Collect(Heap heap, KeyTable table)
    {
        _heap = heap;
        var cursor = 0UL;
        do cursor = table.Entries.Scan(cursor, ref this);
        while (cursor != 0);
    }

    /// <inheritdoc/>
    public void Visit(BlockRef entry)
    {
        var view = new Entry(_heap!, entry);
        if (!_takesAll && !Glob.Matches(_pattern, view.Key)) return;
        if (Value.IsExpired(view, _nowMs)) return;
        if (Count == _blocks.Length) Grow();
        _blocks[Count++] = entry.Value;
    }

    /// <summary>Gives the memory back.</summary>
    public readonly void Release()
    {
        if (_blocks.Length > 0) ArrayPool<ulong>.Shared.Return(_blocks);
    }

    private void Grow()
    {
        const int FirstBlocks = 256;
        var larger = ArrayPool<ulong>.Shared.Rent(Math.Max(FirstBlocks, _blocks.Length * 2));
        _blocks.AsSpan(0, Count).CopyTo(larger);
        Release();
        _blocks = larger;
    }
}
