// What is used when the system offers io_uring, and when it does not.

using System.Net.Sockets;

namespace Millrace.Net.Tests.IoUring;

public class PollerChoiceTests
{
    private const string Reason = "io_uring_setup: the system forbids it";

    [Theory]
    [InlineData(PollerKind.Auto)]
    [InlineData(PollerKind.IoUring)]
    public void A_system_that_refuses_is_served_by_epoll_and_the_reason_is_kept(PollerKind wanted)
    {
        if (!OperatingSystem.IsLinux()) return;
        using var server = new TestServer(wanted, TestServer.Echo,
            options: new LoopOptions { IoUringRefusal = Reason });
        Assert.Equal("epoll", server.Group.PollerName);
        Assert.Equal(Reason, server.Group.IoUringRefusal);
        Say(server);
    }

    [Theory]
    [InlineData(PollerKind.Epoll, "epoll")]
    [InlineData(PollerKind.Sockets, "sockets")]
    public void Who_wants_another_poller_does_not_hear_of_a_refusal(PollerKind wanted, string name)
    {
        if (!OperatingSystem.IsLinux()) return;
        using var server = new TestServer(wanted, TestServer.Echo,
            options: new LoopOptions { IoUringRefusal = Reason });
        Assert.Equal(name, server.Group.PollerName);
        Assert.Null(server.Group.IoUringRefusal);
        Say(server);
    }

    [Theory]
    [InlineData(PollerKind.Auto)]
    [InlineData(PollerKind.IoUring)]
    public void A_system_that_offers_io_uring_is_served_by_it(PollerKind wanted)
    {
        if (RingTests.IsRefused(out _)) return;
        using var server = new TestServer(wanted, TestServer.Echo, loops: 3);
        Assert.Equal("io_uring", server.Group.PollerName);
        Assert.Null(server.Group.IoUringRefusal);
        Say(server);
    }

    private static void Say(TestServer server)
    {
        using Socket client = server.Connect();
        client.SendAll("hello"u8);
        Assert.Equal("hello"u8.ToArray(), client.ReceiveExactly(5));
    }
}
