namespace Millrace.Memory;

/// <summary>
/// A place in the order of a <see cref="RankTree"/>: says of each element whether it comes before. A struct, so that
/// the comparison is compiled into the search.
/// </summary>
public interface IRankProbe
{
    /// <summary>Whether the element comes before the place: true for the first elements, false for all
    /// others.</summary>
    bool IsBefore(Heap heap, double score, BlockRef member);
}

/// <summary>Receives elements of a <see cref="RankTree"/>. A struct, so that the call is compiled into the
/// walk.</summary>
public interface IRankVisitor
{
    /// <summary>One element. It has left the tree and belongs to the visitor.</summary>
    void Visit(double score, BlockRef member);
}

/// <summary>The place in front of all elements with a score, or behind them.</summary>
/// <param name="score">The score.</param>
/// <param name="isBehind">Whether the elements with that very score come before the place.</param>
public readonly struct ScoreProbe(double score, bool isBehind) : IRankProbe
{
    private readonly double _score = score;
    private readonly bool _isBehind = isBehind;

    /// <inheritdoc/>
    public bool IsBefore(Heap heap, double score, BlockRef member) =>
        _isBehind ? score <= _score : score < _score;
}

/// <summary>The place in front of a text, or behind it, among elements that all have the same score.</summary>
/// <param name="text">The text; owned by the caller.</param>
/// <param name="isBehind">Whether an element with that very text comes before the place.</param>
public readonly ref struct TextProbe(ReadOnlySpan<byte> text, bool isBehind) : IRankProbe
{
    private readonly ReadOnlySpan<byte> _text = text;
    private readonly bool _isBehind = isBehind;

    /// <inheritdoc/>
    public bool IsBefore(Heap heap, double score, BlockRef member)
    {
        var order = ScoredMember.Text(heap, member).SequenceCompareTo(_text);
        return _isBehind ? order <= 0 : order < 0;
    }
}

/// <summary>The place in front of an element, or behind it.</summary>
internal readonly ref struct ElementProbe(double score, ReadOnlySpan<byte> text, bool isBehind) : IRankProbe
{
    private readonly double _score = score;
    private readonly ReadOnlySpan<byte> _text = text;
    private readonly bool _isBehind = isBehind;

    public bool IsBefore(Heap heap, double score, BlockRef member)
    {
        if (score != _score) return score < _score;
        var order = ScoredMember.Text(heap, member).SequenceCompareTo(_text);
        return _isBehind ? order <= 0 : order < 0;
    }
}
