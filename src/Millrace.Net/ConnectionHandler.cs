// What the server does with one connection. All calls come on the connection's loop.

namespace Millrace.Net;

/// <summary>The server's part of one connection.</summary>
public abstract class ConnectionHandler
{
    /// <summary>Bytes have come in, or the connection was marked ready: unread input is
    /// <c>InputArray[InputStart..InputEnd]</c>. What is not consumed is kept for the next call.</summary>
    /// <param name="connection">The connection.</param>
    public abstract void Received(Connection connection);

    /// <summary>The connection is gone, whoever closed it. Called exactly once; nothing is called after it.</summary>
    /// <param name="connection">The connection.</param>
    public abstract void Closed(Connection connection);

    /// <summary>Output had to wait for the peer, and all of it has been taken now.</summary>
    /// <param name="connection">The connection.</param>
    public virtual void Drained(Connection connection)
    {
    }

    /// <summary>The peer will send no more; everything that it sent has been handed over before. Called at most once.
    /// Closing after the flush is what Redis does; a handler that has parked requests may do so later.</summary>
    /// <param name="connection">The connection.</param>
    public virtual void Ended(Connection connection) => connection.CloseAfterFlush();
}
