// What a connection that says nothing costs in managed memory. Its clients live in the same process, so they are there,
// connected and not yet accepted, when the first measure is taken.

using System.Net;
using System.Net.Sockets;

namespace Millrace.Net.Tests;

[Collection(AloneCollection.Name)]
public class IdleConnectionTests
{
    private const int Connections = 1000;

    /// <summary>Connection, output queue, places in the loop's and the poller's tables, and 16 bytes of the test's own
    /// list; 395 measured.</summary>
    private const long LimitBytes = 430;

    [Fact]
    public void An_idle_connection_takes_little_memory()
    {
        if (!OperatingSystem.IsLinux()) return;
        using var server = new TestServer(PollerKind.Epoll, TestServer.Echo, loops: 1);
        ListenEndpoint endpoint = ListenEndpoint.Tcp(IPAddress.Loopback, 0) with { Backlog = 2 * Connections };
        Listener listener = server.Group.Listen(endpoint);
        var clients = new Socket[Connections];
        long before = 0;
        server.Group.Quiesce(null, () =>
        {
            for (int i = 0; i < Connections; i++)
                clients[i] = TestServer.ConnectTo(new IPEndPoint(IPAddress.Loopback, listener.Port));
            before = GC.GetTotalMemory(forceFullCollection: true);
        });
        TestServer.Until(() => server.Opened.Count == Connections, "all are accepted");
        long held = (GC.GetTotalMemory(forceFullCollection: true) - before) / Connections;
        Assert.True(held is > 0 and <= LimitBytes, $"{held} bytes per connection");

        // What a connection used to serve a request it has given back.
        foreach (Socket client in clients)
        {
            client.SendAll("x"u8);
            client.ReceiveExactly(1);
        }
        TestServer.Until(() => server.Group.Counters.BufferBytes == 0, "the buffers are back");
        long after = (GC.GetTotalMemory(forceFullCollection: true) - before) / Connections;
        Assert.True(after <= LimitBytes, $"{after} bytes per connection after a request");
        foreach (Socket client in clients) client.Dispose();
    }
}
