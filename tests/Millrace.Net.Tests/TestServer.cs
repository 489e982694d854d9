// A loop group with handlers made of delegates, and the client side of its connections: what all tests of this project
// share.

using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Millrace.Net.Tests;

/// <summary>A running group that listens on a port of the loopback chosen by the system.</summary>
internal sealed class TestServer : IDisposable
{
    public const int PatienceMs = 30_000;   // a failed test ends; a passing one never waits so long

    public TestServer(PollerKind poller, Action<Connection> received, int loops = 2, LoopOptions? options = null)
    {
        Received = received;
        Group = new LoopGroup((options ?? new LoopOptions()) with { Count = loops, Poller = poller },
            loop => new TestLoop(this, loop));
        Listener = Group.Listen(ListenEndpoint.Tcp(IPAddress.Loopback, 0));
        Group.Start();
    }

    public LoopGroup Group { get; }

    public Listener Listener { get; }

    public Action<Connection> Received { get; }

    public Func<Connection, bool> Accepted { get; init; } = static _ => true;

    public Action<Connection> Drained { get; init; } = static _ => { };

    public Action<Connection> Ended { get; init; } = static connection => connection.CloseAfterFlush();

    public Action<EventLoop> TurnEnding { get; init; } = static _ => { };

    public ConcurrentQueue<Connection> Opened { get; } = new();

    public ConcurrentQueue<Connection> Closed { get; } = new();

    public ConcurrentQueue<string> AcceptFailures { get; } = new();

    public static void Echo(Connection connection)
    {
        connection.Output.Append(connection.InputArray.AsSpan(
            connection.InputStart, connection.InputEnd - connection.InputStart));
        connection.Consume(connection.InputEnd - connection.InputStart);
    }

    public static void Until(Func<bool> condition, string what)
    {
        long end = Environment.TickCount64 + PatienceMs;
        while (!condition())
        {
            if (Environment.TickCount64 > end) throw new TimeoutException(what);
            Thread.Sleep(1);
        }
    }

    public Socket Connect() => ConnectTo(new IPEndPoint(IPAddress.Loopback, Listener.Port));

    public static Socket ConnectTo(EndPoint endpoint)
    {
        bool isUnix = endpoint.AddressFamily == AddressFamily.Unix;
        ProtocolType protocol = isUnix ? ProtocolType.Unspecified : ProtocolType.Tcp;
        var socket = new Socket(endpoint.AddressFamily, SocketType.Stream, protocol);
        if (!isUnix) socket.NoDelay = true;
        socket.ReceiveTimeout = socket.SendTimeout = PatienceMs;
        socket.Connect(endpoint);
        return socket;
    }

    /// <summary>Runs something on a loop's thread and waits for it. The turns before have ended when it runs.</summary>
    public static void RunOn(EventLoop loop, Action action)
    {
        using var done = new ManualResetEventSlim();
        Exception? failure = null;
        loop.Post(new ActionMail(() =>
        {
            try
            {
                action();
            }
            catch (Exception e)
            {
                failure = e;
            }
            done.Set();
        }));
        if (!done.Wait(PatienceMs)) throw new TimeoutException("the loop did not deliver");
        if (failure is not null) throw new InvalidOperationException("on the loop: " + failure, failure);
    }

    public void Dispose() => Group.Dispose();

    public sealed class ActionMail(Action action) : Mail
    {
        public override void Deliver(EventLoop loop) => action();
    }

    private sealed class TestLoop(TestServer server, EventLoop loop) : LoopHandler
    {
        public override int MaxIdleMs => -1;    // a lost wake-up must not be healed by a time-out

        public override ConnectionHandler? Accepted(Connection connection)
        {
            bool isTaken = server.Accepted(connection);
            server.Opened.Enqueue(connection);
            return isTaken ? new TestConnection(server) : null;
        }

        public override void TurnEnding() => server.TurnEnding(loop);

        public override void AcceptFailed(Listener listener, string reason) => server.AcceptFailures.Enqueue(reason);
    }

    private sealed class TestConnection(TestServer server) : ConnectionHandler
    {
        public override void Received(Connection connection) => server.Received(connection);

        public override void Closed(Connection connection) => server.Closed.Enqueue(connection);

        public override void Ended(Connection connection) => server.Ended(connection);

        public override void Drained(Connection connection) => server.Drained(connection);
    }
}

internal static class SocketReading
{
    public static void SendAll(this Socket socket, ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty) bytes = bytes[socket.Send(bytes)..];
    }

    public static byte[] ReceiveExactly(this Socket socket, int count)
    {
        byte[] bytes = new byte[count];
        int at = 0;
        while (at < count)
        {
            int read = socket.Receive(bytes.AsSpan(at));
            if (read == 0) throw new EndOfStreamException($"after {at} of {count} bytes");
            at += read;
        }
        return bytes;
    }

    /// <summary>Everything until the peer ends its stream.</summary>
    public static byte[] ReceiveToEnd(this Socket socket)
    {
        using var all = new MemoryStream();
        byte[] bytes = new byte[65536];
        while (true)
        {
            int read = socket.Receive(bytes);
            if (read == 0) return all.ToArray();
            all.Write(bytes, 0, read);
        }
    }
}
