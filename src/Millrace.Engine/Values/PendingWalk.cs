using Millrace.Memory;

namespace Millrace.Engine.Values;

/// <summary>A walk over the pending entries of a <see cref="StreamGroup"/>, or of one consumer of it. O(log n) per
/// entry; entries may be handed out anew and acknowledged meanwhile.</summary>
public struct PendingWalk
{
    private readonly StreamGroup _group;
    private readonly StreamConsumer _owner;
    private readonly StreamId _to;
    private StreamId _next;
    private bool _isOver;

    internal PendingWalk(StreamGroup group, StreamConsumer owner, StreamRange range)
    {
        _group = group;
        _owner = owner;
        (_next, _to) = range;
    }

    /// <summary>The next pending entry; false when there is none in the range.</summary>
    public bool TryNext(out DeliveryRecord delivery)
    {
        delivery = default;
        if (_isOver || !TryFind(out delivery)) return false;
        var id = new StreamId(delivery.High, delivery.Low);
        _isOver = !id.TryNext(out _next);
        return id <= _to;
    }

    private readonly bool TryFind(out DeliveryRecord delivery)
    {
        var (ms, seq) = _next;
        if (_owner.IsMissing) return _group.Pending.TryAtLeast(ms, seq, out delivery);
        delivery = default;
        return _owner.Pending.TryAtLeast(ref ms, ref seq) && _group.Pending.TryFind(ms, seq, out delivery);
    }
}
