using Millrace.Net;
using Millrace.Server.PubSub;

namespace Millrace.Server.Tracking;

/// <summary>An invalidation on its way to a client that another one has named for it, on another loop.</summary>
/// <param name="target">Delivers it there.</param>
/// <param name="from">Delivers to the client that tracks.</param>
/// <param name="trackerId">The client that tracks.</param>
/// <param name="redirectId">The client that it has named.</param>
/// <param name="keys">The keys; null: all.</param>
internal sealed class Redirection(
    Invalidator target, Invalidator from, long trackerId, long redirectId, byte[][]? keys) : Letter
{
    /// <inheritdoc/>
    protected override long Bytes => keys?.Sum(static key => (long)key.Length) ?? 0;

    /// <inheritdoc/>
    protected override void DeliverTo(EventLoop loop)
    {
        target.BeginLetter();
        if (target.TrySendRedirected(redirectId, keys, origin: null)) return;
        from.Loop.Post(new Loss(from, trackerId));
    }

    // The named client is gone; the one that tracks has to hear of it.
    private sealed class Loss(Invalidator from, long trackerId) : Mail
    {
        public override void Deliver(EventLoop loop)
        {
            from.BeginLetter();
            from.TellBroken(trackerId);
        }
    }
}
