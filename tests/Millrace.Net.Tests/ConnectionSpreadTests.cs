// Connections are spread evenly over the loops, stay there, and know who is at their ends.

using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Millrace.Net.Tests;

public class ConnectionSpreadTests
{
    [Theory]
    [ClassData(typeof(Pollers))]
    public void Thousands_of_connections_are_spread_evenly_and_stay_on_their_loop(PollerKind poller)
    {
        const int Loops = 4;
        const int PerLoop = 500;
        var strays = new ConcurrentQueue<string>();
        using var server = new TestServer(poller, loops: Loops, received: connection =>
        {
            if (!connection.Loop.IsCurrent) strays.Enqueue(connection.RemoteAddress);
            TestServer.Echo(connection);
        });
        var clients = new List<Socket>();
        for (int i = 0; i < Loops * PerLoop; i++) clients.Add(server.Connect());
        for (int round = 0; round < 2; round++)
        {
            foreach (Socket client in clients) client.SendAll("x"u8);
            foreach (Socket client in clients) client.ReceiveExactly(1);
        }
        foreach (EventLoop loop in server.Group.Loops)
        {
            Assert.Equal(PerLoop, loop.Counters.Connections);
            TestServer.RunOn(loop, () => Assert.Equal(PerLoop, loop.Connections.Length));
        }
        Assert.Equal(Loops * PerLoop, server.Group.AcceptedTotal);
        Assert.Empty(strays);
        foreach (Socket client in clients) client.Dispose();
        TestServer.Until(() => server.Group.Counters.Connections == 0, "all have gone");
        Assert.Equal(Loops * PerLoop, server.Closed.Distinct().Count());
        Assert.Equal(Loops * PerLoop, server.Closed.Count);
    }

    [Theory]
    [ClassData(typeof(Pollers))]
    public void New_connections_fill_the_loops_that_lost_theirs(PollerKind poller)
    {
        using var server = new TestServer(poller, TestServer.Echo, loops: 2);
        var clients = new List<Socket>();
        for (int i = 0; i < 8; i++)
        {
            clients.Add(server.Connect());
            TestServer.Until(() => server.Opened.Count == i + 1, "accepted");
        }
        EventLoop emptied = server.Group.Loops[0];
        TestServer.RunOn(emptied, () =>
        {
            foreach (Connection connection in emptied.Connections) connection.CloseNow();
        });
        TestServer.Until(() => server.Closed.Count == 4, "one loop is empty");
        TestServer.RunOn(emptied, () => Assert.Equal(0, emptied.Connections.Length));
        for (int i = 0; i < 4; i++)
        {
            clients.Add(server.Connect());
            TestServer.Until(() => server.Opened.Count == 8 + i + 1, "accepted");
        }
        Assert.All(server.Group.Loops, loop => Assert.Equal(4, loop.Counters.Connections));
        foreach (Socket client in clients) client.Dispose();
    }

    [Theory]
    [ClassData(typeof(Pollers))]
    public void A_connection_knows_both_ends(PollerKind poller)
    {
        using var server = new TestServer(poller, TestServer.Echo);
        using Socket client = server.Connect();
        client.SendAll("x"u8);
        client.ReceiveExactly(1);
        Assert.True(server.Opened.TryPeek(out Connection? connection));
        Assert.Equal(client.LocalEndPoint!.ToString(), connection.RemoteAddress);
        Assert.Equal(client.RemoteEndPoint!.ToString(), connection.LocalAddress);
        Assert.True(connection.IsLoopback);
        Assert.False(connection.IsUnixSocket);
        Assert.True(connection.Descriptor > 0);
        Assert.Same(server.Listener, connection.Listener);
        Assert.True(connection.LastActivityUs >= connection.CreatedAtUs);
    }

    [Theory]
    [ClassData(typeof(Pollers))]
    public void Connections_do_not_delay_and_probe_silent_peers_as_told(PollerKind poller)
    {
        if (!OperatingSystem.IsLinux()) return;
        using var server = new TestServer(poller, TestServer.Echo, loops: 1,
            options: new LoopOptions { TcpKeepAliveSeconds = 60 });
        using Socket first = server.Connect();
        TestServer.Until(() => server.Opened.Count == 1, "accepted");
        Connection probed = server.Opened.Last();
        Assert.Equal((1, 1, 60, 20, 3), OptionsOf(probed));
        server.Group.TcpKeepAliveSeconds = 0;
        using Socket second = server.Connect();
        TestServer.Until(() => server.Opened.Count == 2, "accepted");
        (int noDelay, int keepAlive, _, _, _) = OptionsOf(server.Opened.Last());
        Assert.Equal((1, 0), (noDelay, keepAlive));
    }

    private static (int NoDelay, int KeepAlive, int Idle, int Interval, int Count) OptionsOf(Connection connection)
    {
        using var handle = new SafeSocketHandle(connection.Descriptor, ownsHandle: false);
        using var socket = new Socket(handle);
        return (Option(socket, SocketOptionLevel.Tcp, SocketOptionName.NoDelay),
            Option(socket, SocketOptionLevel.Socket, SocketOptionName.KeepAlive),
            Option(socket, SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime),
            Option(socket, SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval),
            Option(socket, SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount));
    }

    private static int Option(Socket socket, SocketOptionLevel level, SocketOptionName name) =>
        (int)socket.GetSocketOption(level, name)!;

    [Theory]
    [ClassData(typeof(Pollers))]
    public void IPv6_is_served_beside_IPv4_on_the_same_port(PollerKind poller)
    {
        if (!Socket.OSSupportsIPv6) return;
        using var server = new TestServer(poller, TestServer.Echo);
        using Listener4And6 both = new(server);
        if (both.Six is null)
        {
            Assert.True(both.Error!.IsAddressMissing, both.Error.ToString());    // a machine without IPv6
            return;
        }
        using Socket six = TestServer.ConnectTo(new IPEndPoint(IPAddress.IPv6Loopback, both.Six.Port));
        using Socket four = TestServer.ConnectTo(new IPEndPoint(IPAddress.Loopback, both.Six.Port));
        foreach (Socket client in (Socket[])[six, four])
        {
            client.SendAll("x"u8);
            client.ReceiveExactly(1);
        }
        Connection connection = server.Opened.First(opened => ReferenceEquals(opened.Listener, both.Six));
        Assert.StartsWith("[::1]:", connection.RemoteAddress, StringComparison.Ordinal);
        Assert.Equal($"[::1]:{both.Six.Port}", connection.LocalAddress);
        Assert.True(connection.IsLoopback);
    }

    /// <summary>All IPv4 and all IPv6 addresses on one port: possible only when the IPv6 socket takes IPv6
    /// alone.</summary>
    private sealed class Listener4And6 : IDisposable
    {
        public Listener4And6(TestServer server)
        {
            Four = server.Group.Listen(ListenEndpoint.Tcp(IPAddress.Any, 0));
            Six = server.Group.TryListen(ListenEndpoint.Tcp(IPAddress.IPv6Any, Four.Port), out BindError? error);
            Error = error;
        }

        public Listener Four { get; }

        public Listener? Six { get; }

        public BindError? Error { get; }

        public void Dispose()
        {
            Four.Close();
            Six?.Close();
        }
    }
}
