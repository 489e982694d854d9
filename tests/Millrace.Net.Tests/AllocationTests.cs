// A warm connection costs the collector nothing: no managed byte is allocated on the loop's thread from bytes in to bytes out.

using System.Net.Sockets;

namespace Millrace.Net.Tests;

public class AllocationTests
{
    private const int Warm = 300;
    private const int Counted = 300;

    [Theory]
    [InlineData(PollerKind.Epoll, 1, 100)]
    [InlineData(PollerKind.Epoll, 3, 100_000)]      // several segments
    [InlineData(PollerKind.Epoll, 40_000, 40_000)]  // requests that come in pieces
    [InlineData(PollerKind.Sockets, 1, 100)]
    public void A_warm_request_allocates_nothing_on_the_loop(PollerKind poller, int requestBytes, int replyBytes)
    {
        if (poller == PollerKind.Epoll && !OperatingSystem.IsLinux()) return;
        byte[] reply = new byte[replyBytes];
        int served = 0;
        long atStart = 0;
        long atEnd = 0;
        using var server = new TestServer(poller, loops: 1, received: connection =>
        {
            if (connection.InputEnd - connection.InputStart < requestBytes) return;
            connection.Consume(requestBytes);
            connection.Output.Append(reply);
            served++;
            if (served == Warm) atStart = GC.GetAllocatedBytesForCurrentThread();
            else if (served == Warm + Counted) atEnd = GC.GetAllocatedBytesForCurrentThread();
        });
        using Socket client = server.Connect();
        byte[] request = new byte[requestBytes];
        byte[] received = new byte[replyBytes];
        for (int i = 0; i < Warm + Counted; i++)
        {
            // In two pieces, so that rests are kept.
            client.SendAll(request.AsSpan(0, requestBytes / 2));
            client.SendAll(request.AsSpan(requestBytes / 2));
            for (int at = 0; at < replyBytes;) at += client.Receive(received.AsSpan(at));
        }
        TestServer.RunOn(server.Group.Loops[0], () =>
        {
            Assert.Equal(Warm + Counted, served);
            Assert.Equal(0, atEnd - atStart);
        });
    }
}
