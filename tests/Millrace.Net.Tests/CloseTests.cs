// How connections end: by the peer, by the server, half, after the last reply, at once.

using System.Net.Sockets;

namespace Millrace.Net.Tests;

public class CloseTests
{
    [Theory]
    [ClassData(typeof(Pollers))]
    public void A_half_closed_peer_gets_all_its_replies_and_then_the_end(PollerKind poller)
    {
        using var server = new TestServer(poller, loops: 1, received: connection =>
        {
            // One request per turn: the peer's end arrives while requests are waiting.
            connection.Output.Append("+OK\r\n"u8);
            connection.Consume(1);
            if (connection.InputEnd > connection.InputStart) connection.Loop.MarkReady(connection);
        });
        using Socket client = server.Connect();
        client.SendAll(new byte[500]);
        client.Shutdown(SocketShutdown.Send);
        Assert.Equal(2500, client.ReceiveToEnd().Length);
        TestServer.Until(() => server.Closed.Count == 1, "closed");
        Assert.Single(server.Closed);
    }

    [Theory]
    [ClassData(typeof(Pollers))]
    public void A_handler_may_answer_after_the_peers_end(PollerKind poller)
    {
        Connection? parked = null;
        using var ended = new ManualResetEventSlim();
        using var server = new TestServer(poller, static connection => connection.Consume(1), loops: 1)
        {
            Ended = connection =>
            {
                parked = connection;
                ended.Set();
            },
        };
        using Socket client = server.Connect();
        client.SendAll("x"u8);
        client.Shutdown(SocketShutdown.Send);
        Assert.True(ended.Wait(TestServer.PatienceMs));
        TestServer.RunOn(parked!.Loop, () =>
        {
            Assert.True(parked.IsOpen);
            parked.Output.Append("late"u8);
            parked.CloseAfterFlush();
            Assert.False(parked.IsOpen);
        });
        Assert.Equal("late"u8.ToArray(), client.ReceiveToEnd());
    }

    [Theory]
    [ClassData(typeof(Pollers))]
    public void Close_after_flush_delivers_everything_first_whatever_the_peer_still_sends(PollerKind poller)
    {
        const int Length = 8_000_000;
        using var server = new TestServer(poller, loops: 1, received: connection =>
        {
            connection.Consume(connection.InputEnd - connection.InputStart);
            connection.Output.Append(new byte[Length]);
            connection.CloseAfterFlush();
        });
        using Socket client = server.Connect();
        client.SendAll("go"u8);
        client.SendAll(new byte[100_000]);  // never read as a request
        Assert.Equal(Length, client.ReceiveToEnd().Length);
        TestServer.Until(() => server.Closed.Count == 1, "closed");
    }

    [Theory]
    [ClassData(typeof(Pollers))]
    public void A_refusal_reaches_the_peer_that_is_already_talking(PollerKind poller)
    {
        using var server = new TestServer(poller, TestServer.Echo, loops: 2)
        {
            Accepted = static connection =>
            {
                connection.Output.Append("-ERR max number of clients reached\r\n"u8);
                return false;
            },
        };
        for (int i = 0; i < 50; i++)
        {
            using Socket client = server.Connect();
            client.SendAll("PING\r\n"u8);
            Assert.Equal("-ERR max number of clients reached\r\n"u8.ToArray(), client.ReceiveToEnd());
        }
        Assert.Empty(server.Closed);    // a refused connection has no handler to tell
        TestServer.Until(() => server.Group.Counters.Connections == 0, "none is left");
    }

    [Theory]
    [ClassData(typeof(Pollers))]
    public void Close_now_drops_the_output_and_tells_once(PollerKind poller)
    {
        using var server = new TestServer(poller, loops: 1, received: static connection =>
        {
            connection.Output.Append(new byte[1000]);
            connection.CloseNow();
            connection.CloseNow();
            connection.CloseAfterFlush();
            connection.Loop.MarkReady(connection);
        });
        using Socket client = server.Connect();
        client.SendAll("x"u8);
        Assert.Equal(0, ReceivedBeforeEnd(client));
        TestServer.Until(() => server.Closed.Count == 1, "closed");
        TestServer.RunOn(server.Group.Loops[0], static () => { });
        Assert.Single(server.Closed);
        TestServer.Until(() => server.Group.Counters.BufferBytes == 0, "no buffer is held");
    }

    [Theory]
    [ClassData(typeof(Pollers))]
    public void A_reset_by_the_peer_is_a_close(PollerKind poller)
    {
        using var server = new TestServer(poller, static connection =>
        {
            connection.Consume(1);
            connection.Output.Append(new byte[20_000_000]);
        });
        for (int i = 0; i < 20; i++)
        {
            Socket client = server.Connect();
            client.SendAll("x"u8);
            client.ReceiveExactly(1000);
            client.LingerState = new LingerOption(enable: true, seconds: 0);
            client.Dispose();
        }
        TestServer.Until(() => server.Closed.Count == 20, "all closed");
        TestServer.Until(() => server.Group.Counters.BufferBytes == 0, "no buffer is held");
    }

    [Theory]
    [ClassData(typeof(Pollers))]
    public void What_is_written_to_a_closed_connection_is_dropped(PollerKind poller)
    {
        using var server = new TestServer(poller, TestServer.Echo, loops: 1);
        server.Connect().Dispose();
        TestServer.Until(() => server.Closed.Count == 1, "closed");
        Assert.True(server.Closed.TryPeek(out Connection? connection));
        TestServer.RunOn(connection.Loop, () =>
        {
            connection.Output.Append(new byte[100_000]);
            connection.PauseReading();
            connection.ResumeReading();
            connection.CloseAfterFlush();
            connection.CloseNow();
            connection.Loop.MarkReady(connection);
        });
        TestServer.RunOn(connection.Loop, static () => { });
        Assert.Equal(0, server.Group.Counters.BufferBytes);
        Assert.Single(server.Closed);
    }

    [Theory]
    [ClassData(typeof(Pollers))]
    public void A_closing_connection_whose_peer_takes_nothing_is_cut(PollerKind poller)
    {
        using var server = new TestServer(poller, loops: 1, options: new LoopOptions { DrainStallMs = 50 },
            received: static connection =>
            {
                connection.Consume(1);
                connection.Output.Append(new byte[50_000_000]);
                connection.CloseAfterFlush();
            });
        using Socket client = server.Connect();
        client.SendAll("x"u8);
        TestServer.Until(() => server.Closed.Count == 1, "cut");
    }

    [Theory]
    [ClassData(typeof(Pollers))]
    public void A_paused_connection_that_is_reset_neither_spins_nor_is_lost(PollerKind poller)
    {
        using var server = new TestServer(poller, loops: 1, received: static connection =>
        {
            connection.Consume(1);
            connection.PauseReading();
        });
        Socket client = server.Connect();
        client.SendAll("x"u8);
        TestServer.Until(() => server.Group.Counters.BytesIn == 1, "read");
        client.LingerState = new LingerOption(enable: true, seconds: 0);
        client.Dispose();
        EventLoop loop = server.Group.Loops[0];
        long turns = loop.Counters.Turns;
        Thread.Sleep(50);   // a loop that spins makes many thousands of turns meanwhile
        Assert.InRange(loop.Counters.Turns - turns, 0, 1000);
        Assert.Empty(server.Closed);
        Assert.True(server.Opened.TryPeek(out Connection? connection));
        TestServer.RunOn(loop, connection.ResumeReading);
        TestServer.Until(() => server.Closed.Count == 1, "the reset is noticed when it is read again");
    }

    [Theory]
    [ClassData(typeof(Pollers))]
    public void Stop_sends_what_was_written_and_closes_all(PollerKind poller)
    {
        const int Length = 5_000_000;
        using var server = new TestServer(poller, loops: 2,
            options: new LoopOptions { StopFlushMs = TestServer.PatienceMs }, received: static connection =>
            {
                connection.Consume(1);
                connection.Output.Append(new byte[Length]);
            });
        using Socket client = server.Connect();
        using Socket idle = server.Connect();
        TestServer.Until(() => server.Opened.Count == 2, "both are taken in");
        client.SendAll("x"u8);
        client.ReceiveExactly(1);
        Task<byte[]> receiving = Task.Run(client.ReceiveToEnd);
        server.Group.Stop();
        Assert.True(receiving.Wait(TestServer.PatienceMs));
        Assert.Equal(Length - 1, receiving.Result.Length);
        Assert.Empty(idle.ReceiveToEnd());
        Assert.Equal(2, server.Closed.Count);
        Assert.Equal(0, server.Group.Counters.BufferBytes);
        Assert.All(server.Group.Loops, loop => Assert.False(loop.Thread.IsAlive));
        server.Group.Loops[0].Post(new TestServer.ActionMail(static () => { }));     // to nobody
        Assert.Throws<ObjectDisposedException>(() => server.Group.Listen(ListenEndpoint.Unix("/nowhere")));
    }

    [Theory]
    [ClassData(typeof(Pollers))]
    public void Stop_does_not_wait_for_a_peer_that_takes_nothing(PollerKind poller)
    {
        using var server = new TestServer(poller, loops: 1, options: new LoopOptions { StopFlushMs = 20 },
            received: static connection =>
            {
                connection.Consume(1);
                connection.Output.Append(new byte[50_000_000]);
            });
        using Socket client = server.Connect();
        client.SendAll("x"u8);
        client.ReceiveExactly(1);
        server.Group.Stop();
        Assert.Single(server.Closed);
    }

    private static int ReceivedBeforeEnd(Socket client)
    {
        try
        {
            return client.ReceiveToEnd().Length;
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionReset)
        {
            return 0;
        }
    }
}
