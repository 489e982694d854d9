namespace Millrace.Engine;

/// <summary>An entry that may go, as it was when it was looked at.</summary>
/// <param name="Rank">The smaller, the earlier it goes.</param>
/// <param name="Hash">The hash of its key.</param>
/// <param name="Clock">Its access clock; with another one it has been used since.</param>
/// <param name="Database">Its database.</param>
/// <param name="Partition">Its partition.</param>
public readonly record struct EvictionCandidate(ulong Rank, ulong Hash, uint Clock, int Database, int Partition);

/// <summary>
/// The best of all candidates that a loop has seen lately: a few samples for each eviction come near to the true order
/// when good ones are kept for the next (Redis documentation, "Key eviction", "Approximated LRU algorithm").
/// </summary>
/// <remarks>
/// <code>
///   items  [ worst | ...            | best | free ]      ranks descending
/// </code>
/// A candidate is a hash and a clock and not an entry: it is looked up again, under its partition's lock. Each entry is
/// in it once. O(<see cref="Capacity"/>) for each offer. One per loop. Moved without spans: those over a type of ours
/// would be compiled on the loop when the first key goes.
/// </remarks>
public sealed class EvictionPool
{
    /// <summary>How many candidates are kept.</summary>
    public const int Capacity = 16;

    private readonly EvictionCandidate[] _items = new EvictionCandidate[Capacity];

    /// <summary>How many there are.</summary>
    public int Count { get; private set; }

    /// <summary>Whether a candidate of this rank would be kept.</summary>
    public bool Wants(ulong rank) => Count < Capacity || rank < _items[0].Rank;

    /// <summary>Takes a candidate in, unless there are enough that are better.</summary>
    public void Offer(in EvictionCandidate candidate)
    {
        if (!Wants(candidate.Rank)) return;
        for (var i = 0; i < Count; i++)
        {
            if (_items[i].Hash != candidate.Hash || _items[i].Database != candidate.Database) continue;
            if (_items[i].Clock == candidate.Clock) return;
            Drop(Count - 1 - i);
            break;
        }

        var drops = Count == Capacity ? 1 : 0;
        var at = Count;
        while (at > drops && _items[at - 1].Rank <= candidate.Rank) at--;
        if (drops == 1) Array.Copy(_items, 1, _items, 0, at - 1);
        else Array.Copy(_items, at, _items, at + 1, Count - at);
        _items[at - drops] = candidate;
        Count += 1 - drops;
    }

    /// <summary>The candidate that so many are better than. Requires: there is one.</summary>
    public EvictionCandidate this[int place] => _items[Count - 1 - place];

    /// <summary>Forgets the candidate that so many are better than. Requires: there is one.</summary>
    public void Drop(int place)
    {
        Array.Copy(_items, Count - place, _items, Count - 1 - place, place);
        Count--;
    }

    /// <summary>Forgets all of them.</summary>
    public void Clear() => Count = 0;
}
