using Millrace.Memory;

namespace Millrace.Engine.Values;

/// <summary>
/// Tells whether bytes from elsewhere are a node of a stream (<see cref="StreamNode"/>), entry by entry. O(bytes).
/// </summary>
internal ref struct StreamNodeCheck
{
    private readonly ReadOnlySpan<byte> _node;
    private readonly StreamId _nodeId;
    private StreamId _last;
    private int _at;
    private long _headFields;
    private long _live;
    private long _deleted;
    private bool _isFirst;

    private StreamNodeCheck(ReadOnlySpan<byte> node, StreamId nodeId)
    {
        _node = node;
        _nodeId = nodeId;
        _last = nodeId;
        _isFirst = true;
    }

    /// <summary>Whether it is one. The IDs of entries that are there must ascend.</summary>
    /// <param name="untrusted">The bytes.</param>
    /// <param name="nodeId">The ID that it stands under.</param>
    /// <param name="live">How many entries are there.</param>
    /// <param name="last">The greatest ID of an entry that is there; <paramref name="nodeId"/> when there is none.
    /// </param>
    internal static bool IsSound(ReadOnlySpan<byte> untrusted, StreamId nodeId, out long live, out StreamId last)
    {
        live = 0;
        last = default;
        if (!Listpack.IsValid(untrusted, deep: true) || Listpack.IsEmpty(untrusted)) return false;
        var check = new StreamNodeCheck(untrusted, nodeId);
        if (!check.TryHead(out live, out var deleted)) return false;
        while (check._at >= 0)
        {
            if (!check.TryEntry()) return false;
        }

        last = check._last;
        return check._live == live && check._deleted == deleted;
    }

    private bool TryHead(out long live, out long deleted)
    {
        deleted = 0;
        _at = Listpack.First(_node);
        return TryInteger(out live) && TryInteger(out deleted) && TryInteger(out _headFields) && _headFields > 0
            && TrySkip(_headFields) && TryInteger(out var end) && end == 0;
    }

    private bool TryEntry()
    {
        // Flags are changed in place: they must be stored as ours are, in one byte.
        var flagsAt = _at;
        if (!TryInteger(out var flags) || flags is < 0 or > 3 || _node[flagsAt] != flags) return false;
        if (!TryInteger(out var ms) || !TryInteger(out var seq)) return false;
        var isDeleted = (flags & StreamNode.DeletedFlag) != 0;
        if (!isDeleted && !TryAscend(_nodeId.Plus(ms, seq))) return false;
        var hasHeadsFields = (flags & StreamNode.SameFieldsFlag) != 0;
        var fields = _headFields;
        if (!hasHeadsFields && (!TryInteger(out fields) || fields <= 0 || fields > _node.Length)) return false;
        var pieces = StreamNode.FixedPieces + (hasHeadsFields ? fields : 1 + (2 * fields));
        if (!TrySkip(hasHeadsFields ? fields : 2 * fields) || !TryInteger(out var told) || told != pieces) return false;
        if (isDeleted) _deleted++;
        else _live++;
        return true;
    }

    private bool TryAscend(StreamId id)
    {
        if (_isFirst ? id < _nodeId : id <= _last) return false;
        _last = id;
        _isFirst = false;
        return true;
    }

    private bool TryInteger(out long value)
    {
        value = 0;
        if (_at < 0) return false;
        var element = Listpack.Take(_node, ref _at);
        value = element.Integer;
        return element.IsInteger;
    }

    private bool TrySkip(long count)
    {
        for (; count > 0 && _at >= 0; count--) _at = Listpack.Next(_node, _at);
        return count == 0;
    }
}
