// Listening: run-time changes, busy addresses, Unix sockets and their files.

using System.Net;
using System.Net.Sockets;

namespace Millrace.Net.Tests;

public class ListenerTests
{
    [Theory]
    [ClassData(typeof(Pollers))]
    public void A_busy_port_is_refused_in_the_systems_words(PollerKind poller)
    {
        using var server = new TestServer(poller, TestServer.Echo);
        ListenEndpoint endpoint = ListenEndpoint.Tcp(IPAddress.Loopback, server.Listener.Port);
        BindException refusal = Assert.Throws<BindException>(() => server.Group.Listen(endpoint));
        Assert.Equal(
            $"Could not create server TCP listening socket 127.0.0.1:{server.Listener.Port}: " +
            "bind: Address already in use",
            refusal.Message);
        Assert.Equal(SocketError.AddressAlreadyInUse, refusal.Error.Code);
        Assert.False(refusal.Error.IsAddressMissing);
        Assert.Single(server.Group.Listeners);
    }

    [Fact]
    public void An_address_that_the_machine_lacks_is_told_apart()
    {
        var options = new LoopOptions { Count = 1 };
        using var group = new LoopGroup(options, static _ => new SilentLoop());
        Assert.True(ListenEndpoint.TryParseAddress("192.0.2.1", out IPAddress address));
        Assert.Null(group.TryListen(ListenEndpoint.Tcp(address, 0), out BindError? error));
        Assert.True(error!.IsAddressMissing);
        Assert.Equal("bind: Cannot assign requested address", error.ToString());
    }

    [Fact]
    public void Addresses_are_read_as_the_bind_directive_has_them()
    {
        Assert.True(ListenEndpoint.TryParseAddress("*", out IPAddress any));
        Assert.Equal(IPAddress.Any, any);
        Assert.True(ListenEndpoint.TryParseAddress("::*", out IPAddress any6));
        Assert.Equal(IPAddress.IPv6Any, any6);
        Assert.True(ListenEndpoint.TryParseAddress("::1", out IPAddress loopback6));
        Assert.Equal(IPAddress.IPv6Loopback, loopback6);
        Assert.False(ListenEndpoint.TryParseAddress("no such address", out _));
        Assert.Equal("*:6379", ListenEndpoint.Tcp(IPAddress.Any, 6379).ToString());
    }

    [Theory]
    [ClassData(typeof(Pollers))]
    public void Listeners_come_and_go_at_run_time_and_connections_stay(PollerKind poller)
    {
        using var server = new TestServer(poller, TestServer.Echo, loops: 3);
        using Socket old = server.Connect();
        Say(old);
        int port = server.Listener.Port;
        ListenEndpoint endpoint = ListenEndpoint.Tcp(IPAddress.Loopback, port);
        Listener current = server.Listener;
        for (int round = 0; round < 30; round++)
        {
            Close(server, current, round % 4);
            Assert.True(current.IsClosed);
            Assert.Throws<SocketException>(() => TestServer.ConnectTo(new IPEndPoint(IPAddress.Loopback, port)));
            current = server.Group.Listen(endpoint);    // the address is free at once
            using Socket young = TestServer.ConnectTo(new IPEndPoint(IPAddress.Loopback, port));
            Say(young);
        }
        Say(old);
        current.Close();
        current.Close();
        Assert.Empty(server.Group.Listeners);
    }

    [Theory]
    [ClassData(typeof(Pollers))]
    public void A_port_is_free_again_after_the_server_has_closed_its_connections_first(PollerKind poller)
    {
        var server = new TestServer(poller, TestServer.Echo);
        int port = server.Listener.Port;
        using (Socket client = server.Connect())
        {
            Say(client);
            server.Dispose();   // closing first leaves TIME_WAIT on the server's side
            Assert.Empty(client.ReceiveToEnd());
        }
        var options = new LoopOptions { Count = 1, Poller = poller };
        using var group = new LoopGroup(options, static _ => new SilentLoop());
        Assert.Equal(port, group.Listen(ListenEndpoint.Tcp(IPAddress.Loopback, port)).Port);
    }

    [Theory]
    [ClassData(typeof(Pollers))]
    public void A_unix_socket_has_its_permissions_and_its_path_for_an_address(PollerKind poller)
    {
        if (OperatingSystem.IsWindows()) return;
        using var folder = new Folder();
        string path = folder.File("a.sock");
        using var server = new TestServer(poller, TestServer.Echo);
        const UnixFileMode Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead;
        Listener listener = server.Group.Listen(ListenEndpoint.Unix(path, Mode));
        Assert.Equal(Mode, File.GetUnixFileMode(path));
        using Socket client = TestServer.ConnectTo(new UnixDomainSocketEndPoint(path));
        Say(client);
        Assert.True(server.Opened.TryPeek(out Connection? connection));
        Assert.True(connection.IsUnixSocket);
        Assert.False(connection.IsLoopback);
        Assert.Equal(path + ":0", connection.RemoteAddress);
        Assert.Equal(path + ":0", connection.LocalAddress);
        Assert.Equal(0, listener.Port);
        listener.Close();
        Assert.False(File.Exists(path));
        Say(client);
    }

    [Theory]
    [ClassData(typeof(Pollers))]
    public void A_stale_unix_socket_is_replaced_and_nothing_else_is(PollerKind poller)
    {
        if (OperatingSystem.IsWindows()) return;
        using var folder = new Folder();
        using var server = new TestServer(poller, TestServer.Echo);
        string stale = folder.File("stale.sock");
        folder.LeaveStaleSocket(stale);
        Assert.True(File.Exists(stale));
        server.Group.Listen(ListenEndpoint.Unix(stale));
        using Socket client = TestServer.ConnectTo(new UnixDomainSocketEndPoint(stale));
        Say(client);

        Assert.Null(server.Group.TryListen(ListenEndpoint.Unix(stale), out BindError? error));
        Assert.Equal("bind: Address already in use", error!.ToString());
        Say(client);

        string precious = folder.File("precious.txt");
        File.WriteAllText(precious, "do not remove");
        Assert.Null(server.Group.TryListen(ListenEndpoint.Unix(precious), out error));
        Assert.Equal(SocketError.AddressAlreadyInUse, error!.Code);
        Assert.Equal("do not remove", File.ReadAllText(precious));

        Assert.Null(server.Group.TryListen(ListenEndpoint.Unix(folder.File(new string('x', 120))), out error));
        Assert.Contains("too long", error!.Text, StringComparison.Ordinal);
        Assert.Null(server.Group.TryListen(ListenEndpoint.Unix(folder.File("no/such/folder.sock")), out error));
        Assert.NotNull(error);
    }

    private static void Say(Socket client)
    {
        client.SendAll("hello"u8);
        Assert.Equal("hello"u8.ToArray(), client.ReceiveExactly(5));
    }

    /// <summary>Closes from each of the places from which that is allowed.</summary>
    private static void Close(TestServer server, Listener listener, int place)
    {
        if (place == 0) listener.Close();
        else if (place == 1) TestServer.RunOn(listener.Loop, listener.Close);
        else if (place == 2) TestServer.RunOn(server.Group.Loops[(listener.Loop.Index + 1) % 3], listener.Close);
        else server.Group.Quiesce(null, listener.Close);
    }

    private sealed class SilentLoop : LoopHandler
    {
        public override ConnectionHandler? Accepted(Connection connection) => null;
    }

    private sealed class Folder : IDisposable
    {
        private readonly string _path = Directory.CreateTempSubdirectory("millrace-net-").FullName;

        public string File(string name) => Path.Combine(_path, name);

        /// <summary>The file of a socket whose process has died: renamed, so that closing does not find it.</summary>
        public void LeaveStaleSocket(string path)
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            socket.Bind(new UnixDomainSocketEndPoint(File("s")));
            System.IO.File.Move(File("s"), path);
        }

        public void Dispose() => Directory.Delete(_path, recursive: true);
    }
}
