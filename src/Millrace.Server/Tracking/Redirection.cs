using Millrace.Net;
using Millrace.Server.PubSub;

namespace Millrace.Server.Tracking;

/// <summary>
/// Keys that are stale, on their way to clients of another loop that those who track them have named.
/// </summary>
/// <remarks>One letter per loop for all who track the same keys, so that passing them on takes no more than they took
/// themselves.</remarks>
/// <param name="target">Delivers it.</param>
/// <param name="from">Delivers to the clients that track.</param>
/// <param name="keys">The keys; null: all.</param>
internal sealed class Redirection(Invalidator target, Invalidator from, byte[][]? keys) : Letter
{
    private const int KeyBytes = 32; // of an array and the reference to it
    private const int ClientBytes = 32; // of a list that grows by doubling

    private readonly List<(long Tracker, long Redirect)> _clients = [];

    /// <summary>Delivers to the clients that track.</summary>
    public Invalidator From => from;

    /// <summary>The keys; null: all.</summary>
    public byte[][]? Keys => keys;

    /// <summary>Who tracks, and who is told.</summary>
    public IReadOnlyList<(long Tracker, long Redirect)> Clients => _clients;

    /// <inheritdoc/>
    protected override long Bytes
    {
        get
        {
            var bytes = (long)_clients.Count * ClientBytes;
            foreach (var key in keys ?? []) bytes += key.Length + KeyBytes;
            return bytes;
        }
    }

    /// <inheritdoc/>
    protected override long Deliveries => _clients.Count;

    /// <summary>Adds a client that tracks the keys, and the one that it has named.</summary>
    public void Add(long tracker, long redirect) => _clients.Add((tracker, redirect));

    /// <inheritdoc/>
    protected override void DeliverTo(EventLoop loop) => target.Deliver(this);
}

/// <summary>The client that one has named for its invalidations is gone: it has to hear of that.</summary>
/// <param name="target">Delivers it.</param>
/// <param name="tracker">The client that tracks.</param>
internal sealed class BrokenRedirection(Invalidator target, long tracker) : Letter
{
    /// <inheritdoc/>
    protected override long Bytes => 0;

    /// <inheritdoc/>
    protected override long Deliveries => 1;

    /// <inheritdoc/>
    protected override void DeliverTo(EventLoop loop)
    {
        target.BeginLetter();
        target.TellBroken(tracker);
    }
}
