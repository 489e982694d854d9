// The buffers: the pool, the input buffer and the output queue, each against a naive model.

using System.Net.Sockets;

namespace Millrace.Net.Tests;

public class BufferTests
{
    private static readonly int[] Seeds = [1, 2, 3, Environment.TickCount];

    [Fact]
    public void The_pool_rents_powers_of_two_and_gives_the_same_array_again()
    {
        var pool = new BufferPool(1 << 20);
        Assert.Equal(512, pool.Rent(1).Length);
        Assert.Equal(512, pool.Rent(512).Length);
        Assert.Equal(1024, pool.Rent(513).Length);
        Assert.Equal(2048, pool.RentedBytes);
        byte[] array = pool.Rent(16 * 1024);
        Assert.Equal(16 * 1024, array.Length);
        pool.Return(array);
        Assert.Same(array, pool.Rent(10_000));
        Assert.Equal(1 << 20, pool.Rent(BufferPool.LargestPooledBytes).Length);
        Assert.Equal(BufferPool.LargestPooledBytes + 1, pool.Rent(BufferPool.LargestPooledBytes + 1).Length);
    }

    [Fact]
    public void The_pool_makes_arrays_ahead_of_use_within_its_limit()
    {
        var pool = new BufferPool(limitBytes: 100_000);
        pool.Reserve(16 * 1024, 50_000);
        Assert.Equal((3 * 16 * 1024, 0), (pool.KeptBytes, pool.RentedBytes));
        pool.Reserve(16 * 1024, 1_000_000);
        Assert.Equal(6 * 16 * 1024, pool.KeptBytes);
        Assert.Equal(16 * 1024, pool.Rent(16 * 1024).Length);
        Assert.Equal(5 * 16 * 1024, pool.KeptBytes);
    }

    [Fact]
    public void The_pool_keeps_no_more_than_its_limit()
    {
        var pool = new BufferPool(limitBytes: 100_000);
        byte[][] arrays = [.. Enumerable.Range(0, 50).Select(_ => pool.Rent(16 * 1024))];
        Assert.Equal(50 * 16 * 1024, pool.RentedBytes);
        foreach (byte[] array in arrays) pool.Return(array);
        Assert.Equal(0, pool.RentedBytes);
        Assert.Equal(6 * 16 * 1024, pool.KeptBytes);
        byte[] large = pool.Rent(5_000_000);
        pool.Return(large);
        Assert.Equal(6 * 16 * 1024, pool.KeptBytes);
        Assert.Equal(0, pool.RentedBytes);
    }

    [Fact]
    public void The_input_buffer_keeps_the_stream_whatever_is_read_kept_consumed_and_hinted()
    {
        foreach (int seed in Seeds) RandomInput(seed);
    }

    private static void RandomInput(int seed)
    {
        var random = new Random(seed);
        var pool = new BufferPool(1 << 20);
        byte[] shared = new byte[4096];
        var input = new InputBuffer();
        var model = new Queue<byte>();
        byte next = 0;
        for (int step = 0; step < 20_000; step++)
        {
            int count = random.Next(3) == 0 ? random.Next(1, 6000) : random.Next(1, 50);
            byte[] array;
            int offset;
            if (random.Next(4) == 0)
            {
                array = new byte[count + 7];    // the poller's own
                offset = random.Next(7);
            }
            else
            {
                input.PrepareRead(pool, shared, out array, out offset, out int length);
                Assert.True(length > 0, $"seed {seed}, step {step}");
                count = Math.Min(count, length);
            }
            for (int i = 0; i < count; i++)
            {
                model.Enqueue(next);
                array[offset + i] = next++;
            }
            Assert.True(input.TryTake(pool, shared, array, offset, count));
            Assert.True(model.SequenceEqual(input.Array[input.Start..input.End]), $"seed {seed}, step {step}");
            int consume = random.Next(3) == 0 ? input.Unread : random.Next(Math.Min(input.Unread, 3000) + 1);
            input.Consume(consume);
            for (int i = 0; i < consume; i++) model.Dequeue();
            if (random.Next(3) == 0) input.Expect(random.Next(1_000_000));
            input.Keep(pool);
            Array.Fill(shared, (byte)0xDD);
            Assert.True(model.SequenceEqual(input.Array[input.Start..input.End]), $"seed {seed}, step {step}");
            Assert.True(input.Unread > 0 || input.HeldBytes == 0, $"seed {seed}, step {step}");
            Assert.Equal(input.HeldBytes, pool.RentedBytes);
            if (model.Count > 200_000) input.Expect(0);
            if (model.Count <= 200_000) continue;
            input.Consume(input.Unread);
            input.Keep(pool);
            model.Clear();
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(200_000)]
    [InlineData(int.MaxValue)]
    public void The_input_buffer_grows_with_what_has_arrived_and_not_with_the_hint(int hint)
    {
        var pool = new BufferPool(1 << 20);
        byte[] shared = new byte[4096];
        var input = new InputBuffer();
        int arrived = 0;
        while (arrived < 200_000)
        {
            input.PrepareRead(pool, shared, out byte[] array, out int offset, out int length);
            int count = Math.Min(length, 700);
            Assert.True(input.TryTake(pool, shared, array, offset, count));
            arrived += count;
            input.Expect(hint);
            input.Keep(pool);
            // Four times, rounded up to a power of two.
            Assert.InRange(input.HeldBytes, arrived, Math.Max(512, 8L * arrived));
        }
        Assert.Throws<ArgumentOutOfRangeException>(() => input.Consume(arrived + 5000));
        Assert.Throws<ArgumentOutOfRangeException>(() => input.Consume(-1));
    }

    [Fact]
    public void The_output_queue_keeps_order_and_accounts_for_every_byte()
    {
        foreach (int seed in Seeds) RandomOutput(seed);
    }

    private static void RandomOutput(int seed)
    {
        var random = new Random(seed);
        var options = new LoopOptions { Count = 1, Poller = PollerKind.Sockets, SegmentBytes = 1024 };
        using var group = new LoopGroup(options, static _ => new SilentLoop());
        EventLoop loop = group.Loops[0];
        Listener listener = group.Listen(ListenEndpoint.Tcp(System.Net.IPAddress.Loopback, 0));
        var connection = new Connection(loop, listener, new AcceptedPeer(1, null, default));
        OutputQueue output = connection.Output;
        var model = new Queue<byte>();
        SharedSegment[] segments = [new(loop, 2000), new(loop, 50_000)];
        byte next = 0;
        for (int step = 0; step < 10_000; step++)
        {
            switch (random.Next(5))
            {
                case 3:
                    connection.HasWaited = random.Next(3) == 0;
                    AppendShared(output, segments, random, model, ref next);
                    break;
                case 4:
                    long before = output.PendingBytes;
                    int moved = random.Next((int)Math.Min(before, 30_000) + 1);
                    OutputTail tail = output.TakeTail(moved);
                    Assert.Equal(before - moved, output.PendingBytes);
                    Assert.True(model.Take((int)before - moved).SequenceEqual(Content(output)));
                    output.Append(tail);
                    break;
                case 0:
                    byte[] bytes = new byte[random.Next(random.Next(10) == 0 ? 5000 : 60)];
                    for (int i = 0; i < bytes.Length; i++) model.Enqueue(bytes[i] = next++);
                    output.Append(bytes);
                    break;
                case 1:
                    WriteAsAReplyWriterDoes(output, random, model, ref next);
                    break;
                default:
                    int take = random.Next((int)Math.Min(output.PendingBytes, 3000) + 1);
                    output.Advance(take);
                    for (int i = 0; i < take; i++) model.Dequeue();
                    break;
            }
            Assert.Equal(model.Count, output.PendingBytes);
            Assert.True(output.HeldBytes >= output.PendingBytes, $"seed {seed}, step {step}");
            if (step % 50 == 0) Assert.True(model.SequenceEqual(Content(output)), $"seed {seed}, step {step}");
        }
        output.Advance(output.PendingBytes);
        output.ReleaseUnused();
        Assert.Equal(0, output.HeldBytes);
        Assert.Equal(0, output.SegmentCount);
        output.Append(new byte[10_000]);
        output.Release();
        Assert.Equal(0, output.PendingBytes);
        Assert.All(segments, static one => Assert.True(one.IsUnshared));
        foreach (SharedSegment one in segments) one.Release();
        Assert.Equal(0, loop.Pool.RentedBytes);
    }

    private static void AppendShared(
        OutputQueue output, SharedSegment[] segments, Random random, Queue<byte> model, ref byte next)
    {
        SharedSegment segment = segments[random.Next(segments.Length)];
        int count = random.Next(random.Next(20) == 0 ? 20_000 : 100);
        if (segment.Array.Length - segment.Filled < count)
        {
            if (!segment.IsUnshared || segment.Array.Length < count) return;
            segment.Filled = 0;
        }
        int start = segment.Filled;
        for (int i = 0; i < count; i++) model.Enqueue(segment.Array[segment.Filled++] = next++);
        output.AppendShared(segment, start, segment.Filled);
    }

    [Fact]
    public void A_shared_segment_is_queued_once_and_goes_back_when_nobody_sends_it()
    {
        var options = new LoopOptions { Count = 1, Poller = PollerKind.Sockets };
        using var group = new LoopGroup(options, static _ => new SilentLoop());
        EventLoop loop = group.Loops[0];
        Listener listener = group.Listen(ListenEndpoint.Tcp(System.Net.IPAddress.Loopback, 0));
        OutputQueue[] outputs = [.. Enumerable.Range(0, 3).Select(
            _ => new Connection(loop, listener, new AcceptedPeer(1, null, default)).Output)];
        var segment = new SharedSegment(loop, 60_000) { Filled = 10 };
        foreach (OutputQueue output in outputs) output.AppendShared(segment, 0, 10);
        segment.Filled = 30;
        foreach (OutputQueue output in outputs) output.AppendShared(segment, 10, 30);
        Assert.All(outputs, static output => Assert.Equal(1, output.PieceCount));
        Assert.All(outputs, static output => Assert.Equal(30, output.HeldBytes));
        long rented = loop.Pool.RentedBytes;
        segment.Release();
        outputs[0].Advance(30);
        outputs[1].Release();
        outputs[2].Advance(29);
        Assert.Equal(rented, loop.Pool.RentedBytes);
        outputs[2].Advance(1);
        Assert.Equal(0, loop.Pool.RentedBytes);
    }

    private static void WriteAsAReplyWriterDoes(OutputQueue output, Random random, Queue<byte> model, ref byte next)
    {
        byte[] segment = output.Segment;
        int at = output.Start;
        for (int i = random.Next(5); i > 0; i--)
        {
            int count = random.Next(700);
            if (segment.Length - at < count) segment = output.Next(at, count, out at);
            for (int j = 0; j < count; j++) model.Enqueue(segment[at++] = next++);
        }
        output.Commit(at);
    }

    [Fact]
    public void A_writer_cannot_commit_outside_of_its_segment()
    {
        var options = new LoopOptions { Count = 1, Poller = PollerKind.Sockets };
        using var group = new LoopGroup(options, static _ => new SilentLoop());
        Listener listener = group.Listen(ListenEndpoint.Tcp(System.Net.IPAddress.Loopback, 0));
        OutputQueue output = new Connection(group.Loops[0], listener, new AcceptedPeer(1, null, default)).Output;
        Assert.Throws<ArgumentOutOfRangeException>(() => output.Commit(1));
        output.Commit(0);
        output.Append("abc"u8);
        Assert.Throws<ArgumentOutOfRangeException>(() => output.Commit(2));
        Assert.Throws<ArgumentOutOfRangeException>(() => output.Commit(output.Segment.Length + 1));
        Assert.Equal(3, output.PendingBytes);
    }

    [Theory]
    [ClassData(typeof(Pollers))]
    public void Output_of_many_pieces_arrives_in_order(PollerKind poller)
    {
        foreach (int seed in Seeds)
        {
            byte[] all = new byte[400_000];
            new Random(seed).NextBytes(all);
            var random = new Random(seed);
            using var server = new TestServer(poller, loops: 1, options: new LoopOptions { SegmentBytes = 512 },
                received: connection =>
                {
                    connection.Consume(1);
                    int at = 0;
                    while (at < all.Length)
                    {
                        int count = Math.Min(random.Next(2000), all.Length - at);
                        byte[] segment = connection.Output.Next(connection.Output.Start, count, out int start);
                        all.AsSpan(at, count).CopyTo(segment.AsSpan(start));
                        connection.Output.Commit(start + count);
                        at += count;
                    }
                });
            using Socket client = server.Connect();
            client.SendAll("x"u8);
            Assert.True(all.AsSpan().SequenceEqual(client.ReceiveExactly(all.Length)), $"seed {seed}");
        }
    }

    private static IEnumerable<byte> Content(OutputQueue output)
    {
        for (int i = 0; i < output.PieceCount; i++)
        {
            OutputPiece piece = output.PieceAt(i);
            for (int j = piece.Start; j < piece.End; j++) yield return piece.Array[j];
        }
    }

    private sealed class SilentLoop : LoopHandler
    {
        public override ConnectionHandler? Accepted(Connection connection) => null;
    }
}
