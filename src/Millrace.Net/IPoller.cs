// The seam between a loop and the way in which it waits.
//
// Readiness pollers (epoll) and completion pollers (sockets, io_uring) look alike from here:
//   - input arrives in an array of the poller's choice: it may ask the sink where to put it, or bring its own;
//   - output is handed over at the end of the turn, as the pieces of the connection's queue; the poller says later, or
//     at once, how much of it is gone (sink.Sent), and until then the pieces stay where they are;
//   - Close starts the end of a descriptor; the poller says sink.Released when no operation can touch its memory any
//     more.
// So a poller may collect the calls of a turn's end and submit them with its next Wait, or when it is told to (Submit),
// so that no single call of the system does the work of all connections.
//
// A poller belongs to one loop's thread, but for Wake. Listeners may also be added and removed while the loop stands
// still.

namespace Millrace.Net;

internal interface IPoller : IDisposable
{
    /// <summary>Its name in INFO and logs.</summary>
    static abstract string Name { get; }

    /// <summary>Interrupts a Wait, or makes the next one return at once. Any thread; harmless after Dispose.</summary>
    void Wake();

    /// <summary>Sleeps until something has happened; 0 does not sleep, a negative time is without bound.</summary>
    void Wait(int timeoutMs);

    /// <summary>Hands to the system what has been collected; does not wait. It may keep some of it for
    /// later.</summary>
    void Submit();

    /// <summary>Reports what has happened.</summary>
    void Dispatch(PollerSink sink);

    /// <summary>Brings watching a listener in line with what it wants.</summary>
    void WatchListener(Listener listener, PollerSink sink);

    /// <summary>Stops watching a listener, before its socket is closed.</summary>
    void RemoveListener(Listener listener);

    /// <summary>Sets up an accepted socket as a connection. False when the system refuses; the socket is closed
    /// then.</summary>
    bool TryAdd(Connection connection, in AcceptedPeer peer);

    /// <summary>Closes an accepted socket that nobody wants.</summary>
    void Discard(in AcceptedPeer peer);

    /// <summary>Brings what is watched in line with what the connection wants (WantsInput, IsSending).</summary>
    void Watch(Connection connection);

    /// <summary>Sends the connection's output as far as the peer takes it; sets IsSending when it could not take
    /// all.</summary>
    void Send(Connection connection, PollerSink sink);

    /// <summary>Tells the peer that nothing more will come.</summary>
    void EndSending(Connection connection);

    /// <summary>Closes; reports Released now or later.</summary>
    void Close(Connection connection, PollerSink sink);

    /// <summary>The last call on the loop's thread: when it returns, no operation is in flight any more.</summary>
    void Leave(PollerSink sink);
}
