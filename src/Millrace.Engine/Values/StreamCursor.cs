using Millrace.Memory;

namespace Millrace.Engine.Values;

/// <summary>
/// A walk over the entries of a stream between two IDs, in either direction, and over the fields of each.
/// </summary>
/// <remarks>
/// O(log nodes) to begin and per node, and in the first node O(entries in front of the range); then O(entry). Nothing
/// is allocated. It reads the nodes in place: it is dead when an entry is added, deleted or trimmed; changes of groups
/// leave it alone.
/// </remarks>
public ref struct StreamCursor
{
    private readonly Heap _heap;
    private readonly RecordIndex<BlockRecord> _nodes;
    private readonly StreamId _from;
    private readonly StreamId _to;
    private readonly bool _isBackwards;
    private readonly bool _showsDeleted;

    private ReadOnlySpan<byte> _node;
    private BlockRecord _record;
    private long _headFields;
    private int _headFieldsAt;
    private bool _isOpen;
    private int _at; // where the walk goes on: forwards an element or -1, backwards the place behind the next entry
    private long _unread; // forwards: elements between _at and the next entry
    private int _fieldAt; // of the current entry: the head's next field, when it has the head's fields
    private int _valueAt;
    private long _fieldsLeft;
    private bool _hasHeadsFields;

    internal StreamCursor(
        Heap heap, RecordIndex<BlockRecord> nodes, StreamRange range, bool isBackwards, bool showsDeleted)
    {
        _heap = heap;
        _nodes = nodes;
        (_from, _to) = range;
        _isBackwards = isBackwards;
        _showsDeleted = showsDeleted;
    }

    /// <summary>The current entry's ID.</summary>
    public StreamId Id { get; private set; }

    /// <summary>How many fields the current entry has.</summary>
    public long FieldCount { get; private set; }

    /// <summary>The node of the current entry.</summary>
    internal readonly BlockRecord Node => _record;

    /// <summary>The place of the current entry in its node.</summary>
    internal int EntryAt { get; private set; }

    /// <summary>Goes to the next entry of the range; false when there is none.</summary>
    public bool TryNext()
    {
        while (true)
        {
            if (!_isOpen && !TryOpen()) return false;
            if (!(_isBackwards ? TryStepBack() : TryStep()))
            {
                _isOpen = false;
                continue;
            }

            // Only the IDs of entries that are there ascend: the last ID may have been set to one below those that were
            // deleted (XSETID).
            var isDeleted = (ReadEntry() & StreamNode.DeletedFlag) != 0;
            if (isDeleted && !_showsDeleted) continue;
            if (_isBackwards ? Id > _to : Id < _from) continue;
            if (_isBackwards ? Id >= _from : Id <= _to) return true;
            if (!isDeleted) return false;
        }
    }

    /// <summary>The current entry's next field, a view of the stream; false when it has no more.</summary>
    public bool TryNextField(out ListpackElement field, out ListpackElement value)
    {
        field = value = default;
        if (_fieldsLeft == 0) return false;
        _fieldsLeft--;
        field = _hasHeadsFields ? Listpack.Take(_node, ref _fieldAt) : Listpack.Take(_node, ref _valueAt);
        value = Listpack.Take(_node, ref _valueAt);
        if (_isBackwards) return true;
        _at = _valueAt;
        _unread -= _hasHeadsFields ? 1 : 2;
        return true;
    }

    // The first node that may have entries of the range, or the one behind the last.
    private bool TryOpen()
    {
        var isFirst = _node.IsEmpty;
        var isFound = isFirst ? TryFirstNode() : TryFollowingNode();
        if (!isFound) return false;
        _node = StreamLog.Content(_heap, _record.Block);
        _headFields = StreamNode.Fields(_node, out _headFieldsAt);
        _at = _isBackwards ? Listpack.EndOf(_node) : StreamNode.FirstEntry(_node);
        _unread = 0;
        return _isOpen = true;
    }

    private bool TryFirstNode()
    {
        var id = _isBackwards ? _to : _from;
        if (_nodes.TryAtMost(id.Ms, id.Seq, out _record)) return true;
        return !_isBackwards && _nodes.TryFirst(out _record);
    }

    private bool TryFollowingNode()
    {
        var id = new StreamId(_record.High, _record.Low);
        return _isBackwards
            ? id.TryPrevious(out id) && _nodes.TryAtMost(id.Ms, id.Seq, out _record)
            : id.TryNext(out id) && _nodes.TryAtLeast(id.Ms, id.Seq, out _record);
    }

    private bool TryStep()
    {
        for (; _unread > 0 && _at >= 0; _unread--) _at = Listpack.Next(_node, _at);
        EntryAt = _at;
        return _at >= 0;
    }

    private bool TryStepBack()
    {
        var at = Listpack.Previous(_node, _at);
        var pieces = at < 0 ? 0 : Listpack.Get(_node, at).Integer;
        if (pieces <= 0) return false;
        for (; pieces > 0 && at >= 0; pieces--) at = Listpack.Previous(_node, at);
        EntryAt = _at = at;
        return at >= 0;
    }

    private long ReadEntry()
    {
        var at = EntryAt;
        var flags = Listpack.Take(_node, ref at).Integer;
        var ms = Listpack.Take(_node, ref at).Integer;
        Id = new StreamId(_record.High, _record.Low).Plus(ms, Listpack.Take(_node, ref at).Integer);
        _hasHeadsFields = (flags & StreamNode.SameFieldsFlag) != 0;
        FieldCount = _hasHeadsFields ? _headFields : Listpack.Take(_node, ref at).Integer;
        _fieldAt = _headFieldsAt;
        _valueAt = at;
        _fieldsLeft = FieldCount;
        if (_isBackwards) return flags;
        _at = at;
        _unread = (_hasHeadsFields ? FieldCount : 2 * FieldCount) + 1;
        return flags;
    }
}
