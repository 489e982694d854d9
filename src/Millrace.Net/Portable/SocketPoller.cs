// The portable poller, on System.Net.Sockets: for systems without epoll. The sockets do not block; .NET tells when they
// can go on.
//
//   input    a receive of zero bytes completes when something has come (or the peer has ended); then the loop's thread
//   reads
//            without waiting, so an idle connection holds no buffer
//   output   the loop's thread sends without waiting; only the piece that the peer does not take goes into an
//   asynchronous send,
//            and its segment stays where it is until that completes
//   accept   one asynchronous accept per listener
//
// Operations complete on other threads, which do no more than append them to the CompletionQueue; everything else
// happens on the loop's thread in Dispatch. A socket is given up when its last operation has come back.

using System.Net.Sockets;

namespace Millrace.Net;

internal readonly struct SocketPoller(LoopGroup group) : IPoller
{
    private const int AcceptsPerTurn = 128;
    private const int PiecesPerTurn = 64;

    private readonly LoopGroup _group = group;
    private readonly CompletionQueue _queue = new();

    public static string Name => "sockets";

    public void Wake() => _queue.Wake();

    public void Wait(int timeoutMs) => _queue.Wait(timeoutMs);

    public void Submit()
    {
        // Nothing is collected.
    }

    public void Dispatch(PollerSink sink)
    {
        // What completes while this runs waits for the next turn.
        for (int left = _queue.Count; left > 0 && _queue.TryTake(out SocketOperation? operation); left--)
        {
            operation.IsInFlight = false;
            if (operation.Owner is Listener listener) Accepted(listener, operation, sink);
            else Completed((SocketTransport)operation.Owner, operation, sink);
        }
    }

    public void WatchListener(Listener listener, PollerSink sink)
    {
        if (listener.IsClosed || listener.IsResting) return;
        var operation = (SocketOperation?)listener.Transport;
        if (operation is null) listener.Transport = operation = new SocketOperation(_queue, listener);
        if (!operation.IsInFlight) Accept(listener, operation);
    }

    public void RemoveListener(Listener listener)
    {
        // Closing the socket ends the operation.
    }

    public bool TryAdd(Connection connection, in AcceptedPeer peer)
    {
        Socket socket = peer.Socket!;
        try
        {
            socket.Blocking = false;
            if (!connection.IsUnixSocket) SetTcpOptions(socket, _group.TcpKeepAliveSeconds);
            IpEndpoint local = connection.IsUnixSocket ? default : IpEndpoint.Of(socket.LocalEndPoint);
            connection.LocalAddress = connection.Listener.TextOf(local);
        }
        catch (SocketException)
        {
            socket.Dispose();
            return false;
        }
        connection.Transport = new SocketTransport(connection, socket, _queue);
        return true;
    }

    public void Discard(in AcceptedPeer peer) => peer.Socket!.Dispose();

    public void Watch(Connection connection)
    {
        var transport = (SocketTransport)connection.Transport!;
        if (!connection.WantsInput || transport.Receive.IsInFlight) return;
        transport.Receive.IsInFlight = true;
        if (!transport.Socket.ReceiveAsync(transport.Receive)) _queue.AddLocal(transport.Receive);
    }

    public void Send(Connection connection, PollerSink sink)
    {
        var transport = (SocketTransport)connection.Transport!;
        OutputQueue output = connection.Output;
        for (int i = 0; i < PiecesPerTurn && output.SendableBytes > 0; i++)
        {
            OutputPiece piece = output.PieceAt(0);
            int sent = transport.Socket.Send(piece.Array.AsSpan(piece.Start, piece.Length), SocketFlags.None,
                out SocketError error);
            if (error is not (SocketError.Success or SocketError.WouldBlock))
            {
                sink.Broken(connection);
                return;
            }
            if (error == SocketError.Success && sent > 0) sink.Sent(connection, sent);
            if (sent < piece.Length) break;
        }
        if (output.SendableBytes > 0) SendLater(connection, transport);
    }

    public void EndSending(Connection connection)
    {
        try
        {
            ((SocketTransport)connection.Transport!).Socket.Shutdown(SocketShutdown.Send);
        }
        catch (SocketException)
        {
            // The peer has gone already; reading will show it.
        }
    }

    public void Close(Connection connection, PollerSink sink)
    {
        var transport = (SocketTransport)connection.Transport!;
        transport.IsClosing = true;
        // Without an end of its own, disposing a socket with an operation in flight resets the connection, and the peer
        // loses what is on its way to it.
        if (!connection.PeerEnded) EndSending(connection);
        transport.Socket.Dispose();
        ReleaseIfIdle(transport, sink);
    }

    public void Leave(PollerSink sink)
    {
        // An operation that is left keeps its own memory.
    }

    public void Dispose() => _queue.Dispose();

    private static void SetTcpOptions(Socket socket, int keepAliveSeconds)
    {
        const int Probes = 3;
        socket.NoDelay = true;
        if (keepAliveSeconds <= 0) return;
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, keepAliveSeconds);
        int intervalSeconds = Math.Max(keepAliveSeconds / Probes, 1);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, intervalSeconds);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, Probes);
    }

    private static void ReleaseIfIdle(SocketTransport transport, PollerSink sink)
    {
        if (transport.Receive.IsInFlight || transport.Send.IsInFlight) return;
        transport.Receive.Dispose();
        transport.Send.Dispose();
        transport.Connection.IsSending = false;
        sink.Released(transport.Connection);
    }

    private static void Completed(SocketTransport transport, SocketOperation operation, PollerSink sink)
    {
        Connection connection = transport.Connection;
        if (transport.IsClosing)
        {
            ReleaseIfIdle(transport, sink);
        }
        else if (ReferenceEquals(operation, transport.Receive))
        {
            connection.Touch();     // Watch has to start the next receive
            if (connection.WantsInput && !connection.IsReady) Receive(connection, transport.Socket, sink);
        }
        else if (operation.SocketError == SocketError.Success)
        {
            sink.Sent(connection, operation.BytesTransferred);
            sink.MaySend(connection);
        }
        else
        {
            sink.Broken(connection);
        }
    }

    private static void Receive(Connection connection, Socket socket, PollerSink sink)
    {
        if (!sink.TryPrepareRead(connection, out byte[] array, out int offset, out int length)) return;
        int received = socket.Receive(array.AsSpan(offset, length), SocketFlags.None, out SocketError error);
        if (error == SocketError.WouldBlock) return;
        if (error != SocketError.Success) sink.Broken(connection);
        else if (received == 0) sink.Ended(connection);
        else sink.Arrived(connection, array, offset, received);
    }

    private static bool IsOneConnectionsFault(SocketError error) =>
        error is SocketError.ConnectionAborted or SocketError.ConnectionReset or SocketError.Interrupted;

    private void SendLater(Connection connection, SocketTransport transport)
    {
        OutputPiece piece = connection.Output.PieceAt(0);
        SocketOperation send = transport.Send;
        send.SetBuffer(piece.Array, piece.Start, piece.Length);
        connection.IsSending = true;
        send.IsInFlight = true;
        if (!transport.Socket.SendAsync(send)) _queue.AddLocal(send);
    }

    private void Accept(Listener listener, SocketOperation operation)
    {
        operation.AcceptSocket = null;
        operation.IsInFlight = true;
        if (!listener.Socket.AcceptAsync(operation)) _queue.AddLocal(operation);
    }

    private void Accepted(Listener listener, SocketOperation operation, PollerSink sink)
    {
        for (int i = 0; i < AcceptsPerTurn; i++)
        {
            Socket? socket = operation.AcceptSocket;
            operation.AcceptSocket = null;
            if (operation.SocketError == SocketError.Success && socket is not null) HandIn(listener, socket, sink);
            if (listener.IsClosed) return;
            if (operation.SocketError != SocketError.Success && !IsOneConnectionsFault(operation.SocketError))
                sink.AcceptFailed(listener, new SocketException((int)operation.SocketError).Message);
            if (listener.IsResting) return;
            if (listener.Socket.AcceptAsync(operation))
            {
                operation.IsInFlight = true;
                return;
            }
        }
        operation.IsInFlight = true;
        _queue.AddLocal(operation);
    }

    private static void HandIn(Listener listener, Socket socket, PollerSink sink)
    {
        if (listener.IsClosed)
        {
            socket.Dispose();
            return;
        }
        try
        {
            IpEndpoint remote = listener.Endpoint.IsUnix ? default : IpEndpoint.Of(socket.RemoteEndPoint);
            sink.Accepted(listener, new AcceptedPeer((int)socket.Handle, socket, remote));
        }
        catch (SocketException)
        {
            socket.Dispose();   // it has gone before it could be asked who it is
        }
    }
}
