// Output that waits for a position: on every poller, with peers that read slowly, and on the queue alone.

using System.Buffers.Binary;
using System.Net.Sockets;

namespace Millrace.Net.Tests;

public class ReplyHoldTests
{
    private const int HeaderBytes = 8; // position, length of the rest

    [Theory]
    [ClassData(typeof(Pollers))]
    public void Nothing_arrives_before_its_position_and_everything_does_then(PollerKind poller)
    {
        const int Requests = 400;
        int seed = Environment.ProcessId;
        var sizes = new Random(seed);
        int position = 0;
        using var server = new TestServer(poller, loops: 1, received: connection =>
        {
            int count = connection.InputEnd - connection.InputStart;
            for (int i = 0; i < count; i++)
            {
                byte[] reply = new byte[HeaderBytes + sizes.Next(sizes.Next(8) == 0 ? 60_000 : 100)];
                BinaryPrimitives.WriteInt32LittleEndian(reply, ++position);
                BinaryPrimitives.WriteInt32LittleEndian(reply.AsSpan(4), reply.Length - HeaderBytes);
                connection.Output.Append(reply);
                connection.Output.Hold(position, own: 0);
            }
            connection.Consume(count);
        });
        int marked = 0;
        server.Group.Hold.Move(0);
        using Socket client = server.Connect();
        var marker = new Thread(() =>
        {
            var random = new Random(seed);
            while (marked < Requests)
            {
                Thread.Sleep(random.Next(3));
                Volatile.Write(ref marked, Math.Min(marked + random.Next(6), Volatile.Read(ref position)));
                server.Group.Hold.Move(marked);
            }
        });
        marker.Start();
        var sender = new Thread(() =>
        {
            for (int i = 0; i < Requests; i += 4)
            {
                client.SendAll(new byte[4]);
                Thread.Sleep(1); // the marks never reach the newest
            }
        });
        sender.Start();
        for (int expected = 1; expected <= Requests; expected++)
        {
            byte[] header = client.ReceiveExactly(HeaderBytes);
            Assert.Equal(expected, BinaryPrimitives.ReadInt32LittleEndian(header));
            Assert.True(expected <= Volatile.Read(ref marked), $"seed {seed}: {expected} came at {marked}");
            if (expected % 50 == 0) Thread.Sleep(20);
            client.ReceiveExactly(BinaryPrimitives.ReadInt32LittleEndian(header.AsSpan(4)));
        }
        marker.Join();
        sender.Join();
    }

    [Theory]
    [ClassData(typeof(Pollers))]
    public void Output_of_others_does_not_wait_and_what_waits_is_closed_with_its_connection(PollerKind poller)
    {
        using var server = new TestServer(poller, loops: 1, received: static connection =>
        {
            bool waits = connection.InputArray[connection.InputStart] == 'w';
            connection.Output.Append(connection.InputArray.AsSpan(connection.InputStart, 1));
            if (waits) connection.Output.Hold(1, own: 1);
            connection.Consume(1);
        });
        server.Group.Hold.Move(0);
        using Socket waiting = server.Connect();
        using Socket free = server.Connect();
        using Socket leaving = server.Connect();
        waiting.SendAll("w"u8.ToArray());
        leaving.SendAll("w"u8.ToArray());
        for (int i = 0; i < 20; i++)
        {
            free.SendAll("f"u8.ToArray());
            Assert.Equal("f"u8.ToArray(), free.ReceiveExactly(1));
        }
        Assert.Equal(0, waiting.Available);
        leaving.Dispose();
        server.Group.Hold.Move(0, holdsOwnOnly: true);
        Thread.Sleep(20);
        Assert.Equal(0, waiting.Available); // it acknowledges something of its own
        server.Group.Hold.Move(1);
        Assert.Equal("w"u8.ToArray(), waiting.ReceiveExactly(1));
    }

    [Fact]
    public void The_queue_lets_go_of_what_may_leave_and_of_nothing_else()
    {
        foreach (int seed in (int[])[1, 2, 3, Environment.ProcessId]) RandomQueue(seed);
    }

    private static void RandomQueue(int seed)
    {
        var random = new Random(seed);
        var options = new LoopOptions { Count = 1, Poller = PollerKind.Sockets, SegmentBytes = 1024 };
        using var group = new LoopGroup(options, static _ => new SilentLoop());
        Listener listener = group.Listen(ListenEndpoint.Tcp(System.Net.IPAddress.Loopback, 0));
        var connection = new Connection(group.Loops[0], listener, new AcceptedPeer(1, null, default));
        OutputQueue output = connection.Output;
        var positions = new Queue<long>(); // of each byte: what it has to wait for
        var bytes = new Queue<byte>();
        var shared = new SharedSegment(group.Loops[0], 4000);
        long position = 0;
        long reached = 0;
        byte next = 0;
        group.Hold.Move(0);
        for (int step = 0; step < 20_000; step++)
        {
            byte[] written = new byte[random.Next(random.Next(10) == 0 ? 3000 : 40)];
            bool waits = random.Next(3) > 0;
            if (waits && written.Length > 0) output.Hold(++position, own: 0);
            foreach (ref byte one in written.AsSpan()) one = next++;
            if (random.Next(4) == 0 && written.Length is > 0 and < 1000)
            {
                if (shared.Filled + written.Length > shared.Array.Length) shared.Filled = 0;
                if (shared.IsUnshared || shared.Filled > 0 || output.PendingBytes == 0)
                    AppendShared(output, shared, written);
                else output.Append(written);
            }
            else
            {
                output.Append(written);
            }
            foreach (byte one in written) Enqueue(one);
            if (random.Next(2) == 0) group.Hold.Move(reached = Math.Min(position, reached + random.Next(4)));
            output.Settle(group.Hold);
            Assert.True(output.SendableBytes <= output.PendingBytes);
            int free = positions.TakeWhile(one => one <= reached).Count();
            Assert.True(output.SendableBytes <= free, $"seed {seed}, step {step}");
            int take = random.Next((int)output.SendableBytes + 1);
            Check(output, bytes, take, $"seed {seed}, step {step}");
            output.Advance(take);
            for (int i = 0; i < take; i++) positions.Dequeue();
            for (int i = 0; i < take; i++) bytes.Dequeue();
        }
        group.Hold.Move(long.MaxValue);
        output.Settle(group.Hold);
        Assert.Equal(output.PendingBytes, output.SendableBytes);
        output.Release();
        shared.Release();
        Assert.Equal(0, group.Loops[0].Pool.RentedBytes);

        void Enqueue(byte one)
        {
            bytes.Enqueue(one);
            positions.Enqueue(position);
        }
    }

    private static void AppendShared(OutputQueue output, SharedSegment segment, byte[] bytes)
    {
        if (!segment.IsUnshared && segment.Filled == 0)
        {
            output.Append(bytes);
            return;
        }
        int start = segment.Filled;
        bytes.CopyTo(segment.Array, start);
        segment.Filled += bytes.Length;
        output.AppendShared(segment, start, segment.Filled);
    }

    private static void Check(OutputQueue output, Queue<byte> expected, int count, string where)
    {
        var found = new List<byte>();
        for (int i = 0; i < output.SendablePieces && found.Count < count; i++)
        {
            OutputPiece piece = output.PieceAt(i);
            found.AddRange(piece.Array[piece.Start..piece.End]);
        }
        Assert.True(found.Count >= count, where);
        Assert.True(expected.Take(count).SequenceEqual(found.Take(count)), where);
    }

    private sealed class SilentLoop : LoopHandler
    {
        public override ConnectionHandler? Accepted(Connection connection) => null;
    }
}
