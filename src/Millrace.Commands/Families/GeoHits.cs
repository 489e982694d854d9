// What a search has found so far.

using System.Buffers;
using System.Runtime.InteropServices;
using Millrace.Engine.Values;

namespace Millrace.Commands.Families;

/// <summary>A member that a search has found.</summary>
/// <param name="Mark">Which member it is.</param>
/// <param name="Distance">Its metres from the centre, negative where the farthest come first.</param>
/// <param name="Index">How many were found before it.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct GeoHit(SortedSetMark Mark, double Distance, int Index)
{
    /// <summary>Whether it comes before another where results are sorted; of two at the same distance, the one that
    /// was found first.</summary>
    public bool ComesBefore(GeoHit other) =>
        Distance < other.Distance || (Distance == other.Distance && Index < other.Index);
}

/// <summary>
/// The members that a search has found: the first so many in the order in which they were found, or the best so many.
/// </summary>
/// <remarks>
/// <code>
///   the first    [ hit | hit | hit ... ]
///   the best     once they are as many as are wanted, a heap with the worst on top, which a better one replaces
/// </code>
/// Texts are not copied: hits are marks in a set that nobody changes meanwhile. The array is pooled, and goes back with
/// Release. Adding one takes O(1), or O(log n) where one is replaced; Sort O(n log n).
/// </remarks>
[StructLayout(LayoutKind.Auto)]
internal struct GeoHits
{
    /// <summary>The most that are kept.</summary>
    public const int MaxHits = 40_000_000;

    private const int FirstHits = 64;
    private const int MaxPooled = 1 << 20;

    private readonly bool _keepsBest;
    private readonly long _wanted;
    private GeoHit[] _hits = [];
    private int _found;
    private int _count;

    /// <summary>Nothing yet.</summary>
    /// <param name="wanted">How many are wanted at most.</param>
    /// <param name="keepsBest">Whether these are the best; otherwise the first.</param>
    public GeoHits(long wanted, bool keepsBest) => (_wanted, _keepsBest) = (wanted, keepsBest);

    /// <summary>How many are kept.</summary>
    public readonly int Count => _count;

    /// <summary>Whether there are as many as are wanted.</summary>
    public readonly bool IsFull => _count >= _wanted;

    /// <summary>What is kept.</summary>
    public readonly ReadOnlySpan<GeoHit> All => _hits.AsSpan(0, _count);

    /// <summary>Adds one, where it is wanted; false when there is no room for it.</summary>
    public bool TryAdd(SortedSetMark mark, double distance)
    {
        var hit = new GeoHit(mark, distance, _found++);
        if (IsFull)
        {
            if (!_keepsBest || _count == 0 || !hit.ComesBefore(_hits[0])) return true;
            Sink(hit, 0, _count);
            return true;
        }

        if (_count == MaxHits) return false;
        if (_count == _hits.Length) Grow();
        _hits[_count++] = hit;
        if (_keepsBest && IsFull) Heap();
        return true;
    }

    /// <summary>Sorts what is kept.</summary>
    public readonly void Sort()
    {
        if (!_keepsBest || !IsFull) Heap();
        for (var end = _count - 1; end > 0; end--)
        {
            var last = _hits[end];
            _hits[end] = _hits[0];
            Sink(last, 0, end);
        }
    }

    /// <summary>Gives the memory back.</summary>
    public void Release()
    {
        if (_hits.Length is > 0 and <= MaxPooled) ArrayPool<GeoHit>.Shared.Return(_hits);
        _hits = [];
        _count = 0;
    }

    private readonly void Heap()
    {
        for (var at = (_count / 2) - 1; at >= 0; at--) Sink(_hits[at], at, _count);
    }

    // Puts a hit where one is missing: at a place or below it, so that none above it is better.
    private readonly void Sink(GeoHit hit, int at, int end)
    {
        var hits = _hits.AsSpan(0, end);
        while (true)
        {
            var child = (2 * at) + 1;
            if (child >= end) break;
            if (child + 1 < end && hits[child].ComesBefore(hits[child + 1])) child++;
            if (!hit.ComesBefore(hits[child])) break;
            hits[at] = hits[child];
            at = child;
        }

        hits[at] = hit;
    }

    private void Grow()
    {
        var room = (int)Math.Min(Math.Max(2L * _count, FirstHits), MaxHits);
        var larger = room <= MaxPooled ? ArrayPool<GeoHit>.Shared.Rent(room) : new GeoHit[room];
        var count = _count;
        _hits.AsSpan(0, count).CopyTo(larger);
        Release();
        (_hits, _count) = (larger, count);
    }
}
