using Millrace.Memory;

namespace Millrace.Engine.Values;

/// <summary>Which member of a sorted set was met, for as long as the set is not changed: what a walk keeps of
/// it.</summary>
public readonly struct SortedSetMark
{
    internal SortedSetMark(ulong value) => Value = value;

    /// <summary>Packed: its offset in the listpack; large: the reference to its block.</summary>
    internal ulong Value { get; }
}

/// <summary>
/// A place on a member of a sorted set, to be moved by rank in one of the two directions. Dead when the set changes.
/// </summary>
public ref struct SortedSetCursor
{
    private readonly Heap _heap;
    private readonly ReadOnlySpan<byte> _pack;
    private readonly bool _isReversed;
    private int _at;
    private RankCursor _cursor;

    private SortedSetCursor(Heap heap, ReadOnlySpan<byte> pack, int at, RankCursor cursor, bool isReversed)
    {
        _heap = heap;
        _pack = pack;
        _isReversed = isReversed;
        _at = at;
        _cursor = cursor;
    }

    /// <summary>Whether it is on a member.</summary>
    public readonly bool IsValid => IsPacked ? _at >= 0 : _cursor.IsValid;

    /// <summary>The member's score. Requires: valid.</summary>
    public readonly double Score => IsPacked ? SortedSetPack.ScoreAt(_pack, _at) : _cursor.Score;

    /// <summary>What <see cref="SortedSetValue.TextOf"/> and <see cref="SortedSetValue.ScoreOf"/> find the member by
    /// later. Requires: valid.</summary>
    public readonly SortedSetMark Mark => new(IsPacked ? (ulong)_at : _cursor.Member.Value);

    private readonly bool IsPacked => !_pack.IsEmpty;

    /// <summary>A cursor on the member with a rank; one that is on nothing when there is none. O(log n).</summary>
    /// <param name="entry">The set's entry.</param>
    /// <param name="rank">From 0, counted from the highest score when reversed.</param>
    /// <param name="isReversed">Whether it walks from high scores to low ones.</param>
    public static SortedSetCursor At(in Entry entry, long rank, bool isReversed = false)
    {
        if (SortedSetValue.IsLarge(entry))
        {
            var order = LargeSortedSet.OrderOf(entry.Heap, entry.Value);
            return At(entry.Heap, order, rank, isReversed);
        }

        var pack = entry.Value;
        if (isReversed) rank = SortedSetPack.Count(pack) - 1 - rank;
        var at = rank < 0 ? -1 : SortedSetPack.Seek(pack, rank);
        return new SortedSetCursor(entry.Heap, pack, at, default, isReversed);
    }

    /// <summary>A cursor on the first member with at least a score; one that is on nothing when there is none.
    /// O(log n), packed O(members).</summary>
    public static SortedSetCursor From(in Entry entry, double min)
    {
        if (SortedSetValue.IsLarge(entry))
        {
            var probe = new ScoreProbe(min, isBehind: false);
            var cursor = LargeSortedSet.OrderOf(entry.Heap, entry.Value).From(ref probe);
            return new SortedSetCursor(entry.Heap, default, -1, cursor, isReversed: false);
        }

        var pack = entry.Value;
        var end = Listpack.EndOf(pack);
        var at = Listpack.HeaderBytes;
        while (at < end && SortedSetPack.ScoreAt(pack, at) < min) at = SortedSetPack.Behind(pack, at);
        return new SortedSetCursor(entry.Heap, pack, at < end ? at : -1, default, isReversed: false);
    }

    internal static SortedSetCursor At(Heap heap, RankTree order, long rank, bool isReversed = false)
    {
        var cursor = order.At(isReversed ? order.Count - 1 - rank : rank);
        return new SortedSetCursor(heap, default, -1, cursor, isReversed);
    }

    /// <summary>The member's text. Requires: valid.</summary>
    /// <param name="scratch">At least 20 bytes, for members that are stored as integers.</param>
    /// <returns>A view of the set, or of <paramref name="scratch"/>.</returns>
    public readonly ReadOnlySpan<byte> Text(Span<byte> scratch) =>
        IsPacked ? Listpack.Get(_pack, _at).Text(scratch) : ScoredMember.Text(_heap, _cursor.Member);

    /// <summary>Goes to the member with the next higher score, for walks that read few of the texts: none is fetched
    /// ahead. Requires: valid.</summary>
    public void Pass()
    {
        if (IsPacked) Next();
        else _cursor.Pass();
    }

    /// <summary>Goes to the next member in its direction. Requires: valid.</summary>
    public void Next()
    {
        if (!IsPacked)
        {
            if (_isReversed) _cursor.Previous();
            else _cursor.Next();
            return;
        }

        if (_isReversed)
        {
            var score = Listpack.Previous(_pack, _at);
            _at = score < 0 ? -1 : Listpack.Previous(_pack, score);
            return;
        }

        _at = SortedSetPack.Behind(_pack, _at);
        if (_at >= Listpack.EndOf(_pack)) _at = -1;
    }
}
