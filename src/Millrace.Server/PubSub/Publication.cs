using Millrace.Net;

namespace Millrace.Server.PubSub;

/// <summary>
/// A message on its way to the subscribers of one loop.
/// </summary>
/// <remarks>
/// Made by the loop of the publisher, delivered and then kept for further messages by the loop of the subscribers
/// (<see cref="FanOut"/>), so that a server that publishes as much on each loop allocates nothing.
/// </remarks>
internal sealed class Publication : Letter
{
    private const int FrameBytes = 128; // array and string headers, the kind of the message
    private const int PatternBytes = 16; // a reference in a list that grows by doubling
    private const int MostKeptPatterns = KeptBytes / PatternBytes;

    private byte[] _bytes = [];
    private int _channelLength;
    private int _length;
    private long _deliveries;

    /// <summary>The channel, when it has subscribers on the loop, or null.</summary>
    public Topic? Channel { get; private set; }

    /// <summary>The patterns that match it and have subscribers on the loop.</summary>
    public List<Topic> Patterns { get; } = [];

    /// <summary>When it was published, in moments of <see cref="Channels"/>.</summary>
    public long Moment { get; private set; }

    /// <summary>The client whose command published it, when that one has to have its reply first; or null.</summary>
    public Client? Origin { get; private set; }

    /// <summary>Delivers it.</summary>
    public FanOut Target { get; private set; } = null!;

    /// <summary>The channel's name.</summary>
    public ReadOnlySpan<byte> Name => _bytes.AsSpan(0, _channelLength);

    /// <summary>The message.</summary>
    public ReadOnlySpan<byte> Message => _bytes.AsSpan(_channelLength, _length - _channelLength);

    /// <summary>A bound of its bytes as a subscriber gets them, without those of a pattern.</summary>
    public int WrittenBytes => checked(FrameBytes + _length);

    /// <inheritdoc/>
    protected override long Bytes => _length + ((long)Patterns.Count * PatternBytes);

    /// <inheritdoc/>
    protected override long Deliveries => _deliveries;

    /// <summary>Whether it goes to the same subscriptions, and stands in the same place of their clients' output, as
    /// one that was published right before it.</summary>
    public bool GoesWith(Publication before)
    {
        if (Moment != before.Moment || !ReferenceEquals(Channel, before.Channel)) return false;
        if (!ReferenceEquals(Origin, before.Origin) || !ReferenceEquals(Target, before.Target)) return false;
        if (Patterns.Count != before.Patterns.Count) return false;
        for (var i = 0; i < Patterns.Count; i++)
        {
            if (!ReferenceEquals(Patterns[i], before.Patterns[i])) return false;
        }

        return true;
    }

    /// <summary>Fills in what is to be delivered; <see cref="Patterns"/> have been added by the caller.</summary>
    public void Fill(
        FanOut target, Topic? channel, ReadOnlySpan<byte> name, ReadOnlySpan<byte> message, long moment, Client? origin)
    {
        Target = target;
        Channel = channel;
        Moment = moment;
        Origin = origin;
        var loop = target.Loop.Index;
        _deliveries = channel?.LiveOn(loop) ?? 0;
        foreach (var pattern in Patterns) _deliveries += pattern.LiveOn(loop);
        _channelLength = name.Length;
        _length = checked(name.Length + message.Length);
        if (_bytes.Length < _length) _bytes = new byte[Math.Max(_length, 2 * _bytes.Length)];
        name.CopyTo(_bytes);
        message.CopyTo(_bytes.AsSpan(name.Length));
    }

    /// <summary>Forgets what has been delivered, and large buffers.</summary>
    public void Clear()
    {
        Channel = null;
        Origin = null;
        Patterns.Clear();
        if (Patterns.Capacity > MostKeptPatterns) Patterns.Capacity = 0;
        if (_bytes.Length > KeptBytes) _bytes = [];
    }

    /// <inheritdoc/>
    protected override void DeliverTo(EventLoop loop) => Target.Deliver(this);
}
