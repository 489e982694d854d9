// A letter to an event loop: how threads talk to a loop without sharing state.

namespace Millrace.Net;

/// <summary>Something that has to happen on a loop's thread. An object can be posted again after it was delivered, but
/// is in one mailbox at a time.</summary>
public abstract class Mail
{
    /// <summary>The next older (later: younger) letter of the same mailbox.</summary>
    internal Mail? Next;

    /// <summary>Runs on the loop's thread, once per post, in the total order of the posts to that loop.</summary>
    /// <param name="loop">The loop that it was posted to.</param>
    public abstract void Deliver(EventLoop loop);
}
