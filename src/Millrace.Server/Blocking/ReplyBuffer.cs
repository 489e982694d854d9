using Millrace.Resp;

namespace Millrace.Server.Blocking;

/// <summary>A reply that is not written to a connection but kept: the reply of a blocked request. Reused.</summary>
public sealed class ReplyBuffer : SegmentSource
{
    private const int SegmentBytes = 4096;

    private readonly List<(byte[] Segment, int Filled)> _full = [];
    private readonly byte[] _first = new byte[SegmentBytes];
    private byte[] _segment;

    /// <summary>An empty one.</summary>
    public ReplyBuffer() => _segment = _first;

    /// <summary>Has a writer write here. Late values are not for it: what it writes is taken before the unit
    /// ends.</summary>
    public void Begin(ReplyWriter writer, int protocol)
    {
        _full.Clear();
        _segment = _first;
        writer.AllowsLate = false;
        writer.Attach(this, _segment, 0, protocol);
    }

    /// <summary>Ends the writing and returns all that was written.</summary>
    public byte[] End(ReplyWriter writer)
    {
        var filled = writer.Detach();
        var length = filled;
        foreach (var (_, count) in _full) length += count;
        var all = new byte[length];
        var at = 0;
        foreach (var (segment, count) in _full)
        {
            segment.AsSpan(0, count).CopyTo(all.AsSpan(at));
            at += count;
        }

        _segment.AsSpan(0, filled).CopyTo(all.AsSpan(at));
        return all;
    }

    /// <inheritdoc/>
    public override byte[] Next(int filledInCurrent, int minimumFree, out int start)
    {
        _full.Add((_segment, filledInCurrent));
        _segment = new byte[Math.Max(minimumFree, SegmentBytes)];
        start = 0;
        return _segment;
    }
}
