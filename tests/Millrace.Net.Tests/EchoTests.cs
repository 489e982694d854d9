// Bytes in, bytes out: whatever the splits and sizes, on every poller.

using System.Net.Sockets;

namespace Millrace.Net.Tests;

public class EchoTests
{
    [Theory]
    [ClassData(typeof(Pollers))]
    public void What_is_sent_comes_back(PollerKind poller)
    {
        using var server = new TestServer(poller, TestServer.Echo);
        using Socket client = server.Connect();
        client.SendAll("PING\r\n"u8);
        Assert.Equal("PING\r\n"u8.ToArray(), client.ReceiveExactly(6));
    }

    [Theory]
    [ClassData(typeof(Pollers))]
    public void A_stream_comes_back_whole_whatever_the_splits_of_sending_and_consuming(PollerKind poller)
    {
        int[] seeds = [11, Environment.TickCount];
        foreach (int seed in seeds) EchoWithRandomSplits(poller, seed);
    }

    private static void EchoWithRandomSplits(PollerKind poller, int seed)
    {
        var serverRandom = new Random(seed);
        using var server = new TestServer(poller, loops: 1, received: connection =>
        {
            int unread = connection.InputEnd - connection.InputStart;
            int take = serverRandom.Next(unread + 1);
            connection.Output.Append(connection.InputArray.AsSpan(connection.InputStart, take));
            connection.Consume(take);
            if (take < unread) connection.Loop.MarkReady(connection);
        });
        using Socket client = server.Connect();
        var random = new Random(seed);
        byte[] stream = new byte[3_000_000];
        random.NextBytes(stream);
        Task sending = Task.Run(() =>
        {
            int at = 0;
            while (at < stream.Length)
            {
                int count = Math.Min(stream.Length - at, 1 + random.Next(random.Next(2) == 0 ? 20 : 200_000));
                client.SendAll(stream.AsSpan(at, count));
                at += count;
            }
        });
        Assert.True(stream.AsSpan().SequenceEqual(client.ReceiveExactly(stream.Length)), $"seed {seed}");
        sending.Wait(TestServer.PatienceMs);
    }

    [Theory]
    [ClassData(typeof(Pollers))]
    public void A_message_larger_than_every_buffer_is_seen_whole(PollerKind poller)
    {
        const int Length = 5_000_003;
        using var server = new TestServer(poller, loops: 1, received: connection =>
        {
            int unread = connection.InputEnd - connection.InputStart;
            connection.ExpectInput(Length);
            if (unread < Length) return;
            TestServer.Echo(connection);
        });
        using Socket client = server.Connect();
        byte[] message = new byte[Length];
        new Random(5).NextBytes(message);
        Task sending = Task.Run(() => client.SendAll(message));
        Assert.True(message.AsSpan().SequenceEqual(client.ReceiveExactly(Length)));
        sending.Wait(TestServer.PatienceMs);
    }

    [Theory]
    [ClassData(typeof(Pollers))]
    public void A_turn_sends_once_per_connection_however_many_replies_it_has(PollerKind poller)
    {
        using var server = new TestServer(poller, loops: 1, received: connection =>
        {
            while (connection.InputStart < connection.InputEnd)
            {
                connection.Output.Append("+OK\r\n"u8);
                connection.Consume(1);
            }
        });
        using Socket client = server.Connect();
        client.SendAll(new byte[1000]);
        client.ReceiveExactly(5000);
        TestServer.RunOn(server.Group.Loops[0], static () => { });  // the turn that sent it has counted it
        LoopCounters counters = server.Group.Counters;
        Assert.Equal(counters.Reads, counters.Writes);
        Assert.Equal(1000, counters.BytesIn);
        Assert.Equal(5000, counters.BytesOut);
    }

    [Theory]
    [ClassData(typeof(Pollers))]
    public void Many_connections_are_answered_in_one_turn_late_readers_among_them(PollerKind poller)
    {
        const int Clients = 50;
        const int Rounds = 30;
        const int ReplyBytes = 15_000;
        using var server = new TestServer(poller, loops: 1, received: static connection =>
        {
            byte[] reply = new byte[ReplyBytes];
            for (; connection.InputStart < connection.InputEnd; connection.Consume(1))
            {
                reply.AsSpan().Fill(connection.InputArray[connection.InputStart]);
                connection.Output.Append(reply);
            }
        });
        Socket[] clients = [.. Enumerable.Range(0, Clients).Select(_ => server.Connect())];
        foreach (Socket late in clients.Where(static (_, i) => i % 2 == 1)) late.ReceiveBufferSize = 100_000;
        for (int round = 0; round < Rounds; round++)
        {
            using var haveSent = new ManualResetEventSlim();
            server.Group.Loops[0].Post(new TestServer.ActionMail(() => haveSent.Wait(TestServer.PatienceMs)));
            for (int i = 0; i < Clients; i++) clients[i].SendAll([(byte)(round + i)]);
            haveSent.Set();
            for (int i = 0; i < Clients; i += 2) AssertFilled(clients[i], (byte)(round + i), ReplyBytes);
        }
        for (int i = 1; i < Clients; i += 2)
        {
            for (int round = 0; round < Rounds; round++) AssertFilled(clients[i], (byte)(round + i), ReplyBytes);
        }
        foreach (Socket client in clients) client.Dispose();
        TestServer.Until(() => server.Closed.Count == Clients, "closed");
        Assert.Equal(0, server.Group.Counters.BufferBytes);
    }

    private static void AssertFilled(Socket client, byte value, int count) =>
        Assert.Equal(-1, client.ReceiveExactly(count).AsSpan().IndexOfAnyExcept(value));

    [Theory]
    [ClassData(typeof(Pollers))]
    public void An_idle_connection_holds_no_buffers(PollerKind poller)
    {
        using var server = new TestServer(poller, TestServer.Echo, loops: 1);
        using Socket client = server.Connect();
        client.SendAll(new byte[100_000]);
        client.ReceiveExactly(100_000);
        Assert.True(server.Opened.TryPeek(out Connection? connection));
        TestServer.RunOn(connection.Loop, () =>
        {
            Assert.Equal(0, connection.InputBufferBytes);
            Assert.Equal(0, connection.InputBufferFree);
            Assert.Equal(0, connection.Output.SegmentCount);
            Assert.Equal(0, connection.Output.HeldBytes);
        });
        Assert.Equal(0, server.Group.Counters.BufferBytes);
    }

    [Theory]
    [ClassData(typeof(Pollers))]
    public void What_a_handler_leaves_is_kept_in_memory_that_the_connection_owns(PollerKind poller)
    {
        using var server = new TestServer(poller, loops: 1, received: connection =>
        {
            connection.ExpectInput(500_000_000);
            if (connection.InputArray[connection.InputEnd - 1] == '!') TestServer.Echo(connection);
        });
        using Socket client = server.Connect();
        client.SendAll("half of"u8);
        TestServer.Until(() => server.Group.Counters.BytesIn == 7, "the first half has been read");
        Assert.True(server.Opened.TryPeek(out Connection? connection));
        TestServer.RunOn(connection.Loop, () =>
        {
            Assert.InRange(connection.InputBufferBytes, 7, 512);    // the hint is not believed
            Assert.Equal(connection.InputBufferBytes - 7, connection.InputBufferFree);
        });
        client.SendAll(" it!"u8);
        Assert.Equal("half of it!"u8.ToArray(), client.ReceiveExactly(11));
    }

    [Theory]
    [ClassData(typeof(Pollers))]
    public void Unread_input_waits_its_turn_and_the_others_go_on(PollerKind poller)
    {
        // The first connection takes one byte per turn, and the last one only when the second has been served.
        bool isOtherServed = false;
        using var server = new TestServer(poller, loops: 1, received: connection =>
        {
            if (connection.InputArray[connection.InputStart] == 'b')
            {
                isOtherServed = true;
                TestServer.Echo(connection);
                return;
            }
            if (connection.InputEnd - connection.InputStart > 1 || isOtherServed)
            {
                connection.Output.Append("a"u8);
                connection.Consume(1);
            }
            if (connection.InputEnd > connection.InputStart) connection.Loop.MarkReady(connection);
        });
        using Socket first = server.Connect();
        using Socket second = server.Connect();
        first.SendAll("aaaaaaaaaa"u8);
        first.ReceiveExactly(1);
        second.SendAll("b"u8);
        second.ReceiveExactly(1);
        first.ReceiveExactly(9);
    }

    [Theory]
    [ClassData(typeof(Pollers))]
    public void A_connection_with_requests_in_hand_is_not_read(PollerKind poller)
    {
        bool isHolding = true;
        using var server = new TestServer(poller, loops: 1, received: connection =>
        {
            if (isHolding) connection.Loop.MarkReady(connection);
            else TestServer.Echo(connection);
        });
        using Socket client = server.Connect();
        client.SendAll("a"u8);
        TestServer.Until(() => server.Group.Counters.BytesIn == 1, "read");
        client.SendAll("bcd"u8);
        EventLoop loop = server.Group.Loops[0];
        for (int turn = 0; turn < 100; turn++) TestServer.RunOn(loop, static () => { });
        Assert.Equal(1, loop.Counters.BytesIn);
        TestServer.RunOn(loop, () => isHolding = false);
        Assert.Equal("abcd"u8.ToArray(), client.ReceiveExactly(4));
    }
}
