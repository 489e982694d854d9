// Bytes in, bytes out: whatever the splits and sizes, on every poller.

using System.Net.Sockets;

namespace Millrace.Net.Tests;

public class EchoTests
{
    [Theory]
    [InlineData(PollerKind.Epoll)]
    [InlineData(PollerKind.Sockets)]
    public void What_is_sent_comes_back(PollerKind poller)
    {
        using var server = new TestServer(poller, TestServer.Echo);
        using Socket client = server.Connect();
        client.SendAll("PING\r\n"u8);
        Assert.Equal("PING\r\n"u8.ToArray(), client.ReceiveExactly(6));
    }

    [Theory]
    [InlineData(PollerKind.Epoll, 11)]
    [InlineData(PollerKind.Sockets, 12)]
    public void A_stream_comes_back_whole_whatever_the_splits_of_sending_and_consuming(PollerKind poller, int seed)
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
}
