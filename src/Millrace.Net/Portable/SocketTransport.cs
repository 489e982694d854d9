// The sockets and operations of the portable poller.

using System.Net.Sockets;

namespace Millrace.Net;

/// <summary>One operation that can be started again and again; when it completes elsewhere it goes to its loop's queue.
/// </summary>
internal sealed class SocketOperation(CompletionQueue queue, object owner) : SocketAsyncEventArgs
{
    /// <summary>A <see cref="Listener"/> or a <see cref="SocketTransport"/>.</summary>
    public object Owner { get; } = owner;

    /// <summary>Started, and its completion not yet taken from the queue. On the loop's thread.</summary>
    public bool IsInFlight { get; set; }

    protected override void OnCompleted(SocketAsyncEventArgs e) => queue.Add(this);
}

/// <summary>The socket of a connection, with its two operations.</summary>
internal sealed class SocketTransport
{
    public SocketTransport(Connection connection, Socket socket, CompletionQueue queue)
    {
        Connection = connection;
        Socket = socket;
        Receive = new SocketOperation(queue, this);
        Receive.SetBuffer([], 0, 0);
        Send = new SocketOperation(queue, this);
    }

    public Connection Connection { get; }

    public Socket Socket { get; }

    /// <summary>The receive of zero bytes.</summary>
    public SocketOperation Receive { get; }

    public SocketOperation Send { get; }

    public bool IsClosing { get; set; }
}
