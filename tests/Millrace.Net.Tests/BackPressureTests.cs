// A peer that does not read its replies stops being read.

using System.Net.Sockets;

namespace Millrace.Net.Tests;

public class BackPressureTests
{
    private const int ReplyBytes = 1_000_000;
    private const int LimitBytes = 2_000_000;
    private const int Requests = 60;

    [Theory]
    [ClassData(typeof(Pollers))]
    public void A_peer_that_does_not_read_is_not_read_and_loses_nothing(PollerKind poller)
    {
        long mostPending = 0;
        bool hasBeenCalledWhileThrottled = false;
        int drained = 0;
        using var server = new TestServer(poller, loops: 1,
            options: new LoopOptions { PauseReadingAtOutputBytes = LimitBytes },
            received: connection =>
            {
                // One request per turn, so that leftovers have to wait too.
                hasBeenCalledWhileThrottled |= connection.IsThrottled;
                connection.Output.Append(new byte[ReplyBytes]);
                connection.Consume(1);
                mostPending = Math.Max(mostPending, connection.Output.PendingBytes);
                if (connection.InputEnd > connection.InputStart) connection.Loop.MarkReady(connection);
            })
        {
            Drained = _ => drained++,
        };
        using Socket client = server.Connect();
        client.SendAll(new byte[Requests / 2]);
        TestServer.Until(() => server.Opened.TryPeek(out Connection? c) && c.IsThrottled, "throttled");
        client.SendAll(new byte[Requests / 2]);
        Assert.Equal(Requests * ReplyBytes, client.ReceiveExactly(Requests * ReplyBytes).Length);
        // A completion is reported in one turn, and settled at its end.
        TestServer.RunOn(server.Group.Loops[0], static () => { });
        TestServer.RunOn(server.Group.Loops[0], () =>
        {
            Assert.False(hasBeenCalledWhileThrottled);
            Assert.InRange(mostPending, LimitBytes, LimitBytes + ReplyBytes);
            Assert.True(drained > 0);
            Assert.True(server.Opened.TryPeek(out Connection? connection));
            Assert.Equal(0, connection.Output.PendingBytes);
            Assert.False(connection.IsThrottled);
        });
        Assert.Equal(0, server.Group.Counters.BufferBytes);
    }

    [Theory]
    [ClassData(typeof(Pollers))]
    public void A_half_closed_peer_that_reads_late_gets_the_replies_to_all_it_sent(PollerKind poller)
    {
        using var server = new TestServer(poller, loops: 1,
            options: new LoopOptions { PauseReadingAtOutputBytes = LimitBytes },
            received: static connection =>
            {
                connection.Output.Append(new byte[ReplyBytes]);
                connection.Consume(1);
                if (connection.InputEnd > connection.InputStart) connection.Loop.MarkReady(connection);
            });
        using Socket client = server.Connect();
        client.SendAll(new byte[Requests]);
        client.Shutdown(SocketShutdown.Send);
        TestServer.Until(() => server.Opened.TryPeek(out Connection? c) && c.IsThrottled, "throttled");
        Assert.Equal(Requests * ReplyBytes, client.ReceiveToEnd().Length);
        TestServer.Until(() => server.Closed.Count == 1, "closed");
    }

    [Theory]
    [ClassData(typeof(Pollers))]
    public void A_paused_connection_is_read_again_when_it_is_resumed(PollerKind poller)
    {
        using var paused = new ManualResetEventSlim();
        bool isPausing = true;
        using var server = new TestServer(poller, loops: 1, received: connection =>
        {
            if (!isPausing)
            {
                TestServer.Echo(connection);
                return;
            }
            isPausing = false;
            connection.PauseReading();
            paused.Set();
        });
        using Socket client = server.Connect();
        client.SendAll("parked"u8);
        Assert.True(paused.Wait(TestServer.PatienceMs));
        client.SendAll(" and more"u8);
        TestServer.RunOn(server.Group.Loops[0], static () => { });
        Assert.Equal(6, server.Group.Counters.BytesIn);
        Assert.True(server.Opened.TryPeek(out Connection? connection));
        Assert.True(connection.IsPaused);
        TestServer.RunOn(server.Group.Loops[0], connection.ResumeReading);
        Assert.Equal("parked and more"u8.ToArray(), client.ReceiveExactly(15));
    }
}
