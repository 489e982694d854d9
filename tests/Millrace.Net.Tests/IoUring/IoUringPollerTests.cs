// What is special about io_uring: buffers that run out, bytes that come too early, operations that outlast their
// connection. What it has in common with the other pollers is tested where they are.

using System.Net;
using System.Net.Sockets;

namespace Millrace.Net.Tests.IoUring;

public class IoUringPollerTests
{
    private const int FreshSeed = 0;

    [Fact]
    public void When_the_buffers_run_out_all_connections_are_served_in_the_end()
    {
        const int Clients = 200;
        const int Bytes = 20_000;
        // 64 buffers of 64 bytes to begin with, and 4 MB arrive at once.
        using var server = new TestServer(PollerKind.IoUring, TestServer.Echo, loops: 1,
            options: new LoopOptions { RingBufferBytes = 64 });
        var clients = Enumerable.Range(0, Clients).Select(_ => server.Connect()).ToList();
        TestServer.Until(() => server.Opened.Count == Clients, "all are in");
        byte[] bytes = new byte[Bytes];
        new Random(3).NextBytes(bytes);
        server.Group.Quiesce(null, () => clients.ForEach(client => client.SendAll(bytes)));
        Assert.All(clients, client => Assert.True(bytes.AsSpan().SequenceEqual(client.ReceiveExactly(Bytes))));
        clients.ForEach(client => client.Dispose());
        TestServer.Until(() => server.Closed.Count == Clients, "all are closed");
        TestServer.RunOn(server.Group.Loops[0], static () => { });
        Assert.Equal(0, server.Group.Counters.BufferBytes);
    }

    [Theory]
    [InlineData(64, 7)]
    [InlineData(1000, 8)]
    [InlineData(16 * 1024, 9)]
    [InlineData(1000, FreshSeed)]
    public void A_connection_that_pauses_again_and_again_gets_every_byte_in_order(int bufferBytes, int fixedSeed)
    {
        int seed = fixedSeed == FreshSeed ? Environment.TickCount : fixedSeed;
        var random = new Random(seed);
        byte[] stream = new byte[2_000_000];
        new Random(seed).NextBytes(stream);
        using var server = new TestServer(PollerKind.IoUring, loops: 1,
            options: new LoopOptions { RingBufferBytes = bufferBytes },
            received: connection =>
            {
                int count = random.Next(connection.InputEnd - connection.InputStart + 1);
                connection.Output.Append(connection.InputArray.AsSpan(connection.InputStart, count));
                connection.Consume(count);
                int dice = random.Next(10);
                if (dice < 3)
                {
                    connection.PauseReading();
                    connection.Loop.StartTimer(random.Next(2),
                        static timer => ((Connection)timer.State!).ResumeReading(), connection);
                }
                else if (dice < 6)
                {
                    connection.Loop.MarkReady(connection);
                }
            })
        {
            Ended = connection =>
            {
                connection.Output.Append(connection.InputArray.AsSpan(connection.InputStart,
                    connection.InputEnd - connection.InputStart));
                connection.CloseAfterFlush();
            },
        };
        using Socket client = server.Connect();
        Task sending = Task.Run(() =>
        {
            client.SendAll(stream);
            client.Shutdown(SocketShutdown.Send);
        });
        Assert.True(stream.AsSpan().SequenceEqual(client.ReceiveToEnd()), $"seed {seed}");
        sending.Wait(TestServer.PatienceMs);
    }

    [Fact]
    public void A_paused_connection_takes_little_and_leaves_the_others_their_buffers()
    {
        const int Most = 64 * 1024 * 64;
        using var server = new TestServer(PollerKind.IoUring, loops: 1, received: connection =>
        {
            if (connection.InputArray[connection.InputStart] == 'p') connection.PauseReading();
            else TestServer.Echo(connection);
        });
        using Socket paused = server.Connect();
        paused.SendAll("p"u8);
        TestServer.Until(() => server.Opened.TryPeek(out Connection? c) && c.IsPaused, "paused");
        paused.Blocking = false;
        long sent = 0;
        // The peer's system takes what it has buffers for, and then no more.
        for (int refusals = 0; refusals < 20;)
        {
            int count = paused.Send(new byte[65536], SocketFlags.None, out SocketError error);
            if (error == SocketError.Success) sent += count;
            else refusals++;
            if (error != SocketError.Success) Thread.Sleep(1);
        }
        using Socket other = server.Connect();
        for (int i = 0; i < 200; i++)
        {
            other.SendAll("hello"u8);
            Assert.Equal("hello"u8.ToArray(), other.ReceiveExactly(5));
        }
        Assert.InRange(server.Group.Counters.BufferBytes, 0, Most);
        TestServer.RunOn(server.Group.Loops[0], () =>
        {
            Assert.True(server.Opened.TryPeek(out Connection? connection));
            Assert.Equal(1, connection.BytesIn);
            connection.Consume(1);
            connection.ResumeReading();
        });
        paused.Blocking = true;
        long echoed = 0;
        byte[] bytes = new byte[65536];
        while (echoed < sent) echoed += paused.Receive(bytes);
        Assert.Equal(sent, echoed);
    }

    [Fact]
    public void Connections_that_pause_while_they_hold_buffers_give_them_back()
    {
        const int Clients = 100;    // together they could hold every buffer of the ring
        const int Bytes = 2000;
        using var server = new TestServer(PollerKind.IoUring, loops: 1,
            options: new LoopOptions { RingBufferBytes = 64 }, received: connection =>
            {
                if (connection.InputArray[connection.InputStart] == 'x')
                {
                    TestServer.Echo(connection);
                    return;
                }
                connection.Consume(connection.InputEnd - connection.InputStart);
                // The share of one turn is less than this, so there is more at hand when it pauses.
                if (connection.BytesIn <= 300 || connection.Tag is not null) return;
                connection.Tag = "has paused";
                connection.PauseReading();
            });
        var clients = Enumerable.Range(0, Clients).Select(_ => server.Connect()).ToList();
        TestServer.Until(() => server.Opened.Count == Clients, "all are in");
        server.Group.Quiesce(null, () => clients.ForEach(client => client.SendAll(new byte[Bytes])));
        TestServer.Until(() => server.Opened.All(connection => connection.IsPaused), "all are paused");
        if (server.Group.IoUringRefusal is null)
        {
            TestServer.RunOn(server.Group.Loops[0], () =>
            {
                var held = server.Opened.Select(static one => (one.Transport as IoUringTransport)?.Held).ToList();
                Assert.Contains(held, input => input is { Count: > 0 });
                Assert.All(held, input => Assert.Equal(0, input?.BufferCount ?? 0));
            });
        }
        using Socket other = server.Connect();
        byte[] message = [.. Enumerable.Repeat((byte)'x', 3000)];
        for (int i = 0; i < 20; i++)
        {
            other.SendAll(message);
            Assert.Equal(message, other.ReceiveExactly(message.Length));
        }
        TestServer.RunOn(server.Group.Loops[0], () =>
        {
            foreach (Connection connection in server.Opened) connection.ResumeReading();
        });
        TestServer.Until(() => server.Opened.Take(Clients).All(connection => connection.BytesIn == Bytes), "all is in");
        clients.ForEach(client => client.Dispose());
    }

    [Fact]
    public void Bytes_and_end_that_come_during_a_pause_are_told_after_it_in_that_order()
    {
        var told = new List<string>();
        using var server = new TestServer(PollerKind.IoUring, loops: 1, received: connection =>
        {
            told.Add(Encoding(connection));
            connection.Consume(connection.InputEnd - connection.InputStart);
            if (told.Count == 1) connection.PauseReading();
        })
        {
            Ended = connection =>
            {
                told.Add("end");
                connection.CloseNow();
            },
        };
        using Socket client = server.Connect();
        client.SendAll("1"u8);
        TestServer.Until(() => server.Opened.TryPeek(out Connection? c) && c.IsPaused, "paused");
        client.SendAll("2"u8);
        TestServer.RunOn(server.Group.Loops[0], static () => { });
        client.SendAll("3"u8);
        client.Shutdown(SocketShutdown.Send);
        for (int i = 0; i < 3; i++) TestServer.RunOn(server.Group.Loops[0], () => Assert.Equal(["1"], told));
        TestServer.RunOn(server.Group.Loops[0], () =>
        {
            Assert.True(server.Opened.TryPeek(out Connection? connection));
            connection.ResumeReading();
        });
        TestServer.Until(() => server.Closed.Count == 1, "closed");
        Assert.Equal("end", told[^1]);
        Assert.Equal("123", string.Concat(told[..^1]));
    }

    [Theory]
    [InlineData(true, 16 * 1024, 11)]
    [InlineData(false, 16 * 1024, 12)]
    [InlineData(true, 512, 13)]
    [InlineData(false, 512, FreshSeed)]
    public void Small_and_large_messages_in_turn_arrive_whole(bool announces, int bufferBytes, int fixedSeed)
    {
        int seed = fixedSeed == FreshSeed ? Environment.TickCount : fixedSeed;
        var random = new Random(seed);
        int[] lengths = [.. Enumerable.Range(0, 60).Select(i => random.Next(1, 1 << random.Next(4, 23)))];
        int at = 0;
        using var server = new TestServer(PollerKind.IoUring, loops: 1,
            options: new LoopOptions { RingBufferBytes = bufferBytes },
            received: connection =>
            {
                while (at < lengths.Length && connection.InputEnd - connection.InputStart >= lengths[at])
                {
                    connection.Output.Append(connection.InputArray.AsSpan(connection.InputStart, lengths[at]));
                    connection.Consume(lengths[at++]);
                }
                if (announces && at < lengths.Length) connection.ExpectInput(lengths[at]);
            });
        using Socket client = server.Connect();
        byte[] stream = new byte[lengths.Sum()];
        new Random(seed).NextBytes(stream);
        Task sending = Task.Run(() => client.SendAll(stream));
        Assert.True(stream.AsSpan().SequenceEqual(client.ReceiveExactly(stream.Length)), $"seed {seed}");
        sending.Wait(TestServer.PatienceMs);
        Assert.Equal(lengths.Length, at);
    }

    [Fact]
    public void Short_replies_that_a_peer_does_not_read_wait_and_keep_their_order()
    {
        const int Requests = 2000;
        const int ReplyBytes = 8000;
        byte[] reply = new byte[ReplyBytes];
        int served = 0;
        using var server = new TestServer(PollerKind.IoUring, loops: 1, received: connection =>
        {
            connection.Consume(1);
            BitConverter.TryWriteBytes(reply, served++);
            connection.Output.Append(reply);
            if (connection.InputEnd > connection.InputStart) connection.Loop.MarkReady(connection);
        });
        using Socket client = server.Connect();
        client.SendAll(new byte[Requests]);
        TestServer.Until(() => Volatile.Read(ref served) == Requests, "all are served");
        for (int i = 0; i < Requests; i++) Assert.Equal(i, BitConverter.ToInt32(client.ReceiveExactly(ReplyBytes)));
    }

    [Fact]
    public void A_descriptor_stays_open_until_the_last_operation_has_ended()
    {
        using var driver = new Driver();
        if (driver.IsRefused) return;
        Connection connection = driver.Add(out int peer);
        string? socket = Driver.SocketOf(connection.Descriptor);
        Assert.NotNull(socket);
        driver.Poller.Watch(connection);
        // More than the peer's system takes: the send stays in flight.
        connection.Output.Append(new byte[8_000_000]);
        driver.Poller.Send(connection, driver.Sink);
        driver.Turn();
        Assert.True(connection.IsSending || connection.Output.PendingBytes > 0);
        if (!connection.IsSending) driver.Poller.Send(connection, driver.Sink);
        driver.Turn();
        long held = connection.Output.HeldBytes;
        Assert.True(held > 0);

        connection.Stage = ConnectionStage.Closed;
        driver.Poller.Close(connection, driver.Sink);
        Assert.Equal(socket, Driver.SocketOf(connection.Descriptor));
        Assert.Equal(held, connection.Output.HeldBytes);
        for (int i = 0; i < 100 && connection.PollerSlot >= 0; i++) driver.Turn();
        Assert.Equal(-1, connection.PollerSlot);
        Assert.NotEqual(socket, Driver.SocketOf(connection.Descriptor));
        Assert.Equal(0, connection.Output.HeldBytes);
        Assert.False(connection.IsSending);
        LinuxCalls.Close(peer);
    }

    [Fact]
    public void A_connection_without_operations_is_closed_at_once()
    {
        using var driver = new Driver();
        if (driver.IsRefused) return;
        Connection connection = driver.Add(out int peer);
        string? socket = Driver.SocketOf(connection.Descriptor);
        connection.Stage = ConnectionStage.Closed;
        driver.Poller.Close(connection, driver.Sink);
        Assert.NotEqual(socket, Driver.SocketOf(connection.Descriptor));
        LinuxCalls.Close(peer);
    }

    [Fact]
    public void A_loop_that_leaves_has_nothing_in_flight_any_more()
    {
        using var driver = new Driver();
        if (driver.IsRefused) return;
        Connection connection = driver.Add(out int peer);
        driver.Poller.Watch(connection);
        driver.Turn();
        driver.Poller.Leave(driver.Sink);
        Assert.Equal(0u, connection.PollerBits & 0x7);
        connection.Stage = ConnectionStage.Closed;
        driver.Poller.Close(connection, driver.Sink);
        Assert.Equal(-1, connection.PollerSlot);
        LinuxCalls.Close(peer);
    }

    private static string Encoding(Connection connection) => System.Text.Encoding.ASCII.GetString(
        connection.InputArray, connection.InputStart, connection.InputEnd - connection.InputStart);

    /// <summary>A poller without its loop: the test's thread calls what the loop would.</summary>
    private sealed class Driver : IDisposable
    {
        private readonly LoopGroup _group = new(new LoopOptions { Count = 1, Poller = PollerKind.Sockets },
            static _ => new SilentLoop());
        private readonly Listener _listener;
        private IoUringPoller _poller;

        public Driver()
        {
            _listener = _group.Listen(ListenEndpoint.Tcp(IPAddress.Loopback, 0));
            Sink = new PollerSink(_group.Loops[0]);
            if (RingTests.IsRefused(out uint taskRun)) return;
            IoUringPoller? made = IoUringPoller.TryCreate(_group, 16 * 1024, taskRun, out _);
            IsRefused = made is null;
            if (made is not null) _poller = made.Value;
        }

        public bool IsRefused { get; } = true;

        public PollerSink Sink { get; }

        public ref IoUringPoller Poller => ref _poller;

        /// <summary>The name of the socket behind a descriptor, whose number may be used again once it is
        /// closed.</summary>
        public static string? SocketOf(int descriptor) => new FileInfo($"/proc/self/fd/{descriptor}").LinkTarget;

        public Connection Add(out int peer)
        {
            Assert.Equal(0, RingCalls.Pair(out int descriptor, out peer));
            var accepted = new AcceptedPeer(descriptor, null, default);
            var connection = new Connection(_group.Loops[0], _listener, accepted);
            Assert.True(_poller.TryAdd(connection, accepted));
            return connection;
        }

        public void Turn()
        {
            _poller.Wait(0);
            _poller.Dispatch(Sink);
        }

        public void Dispose()
        {
            if (!IsRefused) _poller.Dispose();
            _group.Dispose();
        }
    }

    private sealed class SilentLoop : LoopHandler
    {
        public override ConnectionHandler? Accepted(Connection connection) => null;
    }
}
