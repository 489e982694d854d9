// Tests of the client against a real server and against scripted ones: pairing, pushes, time-outs, errors.

using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Millrace.Resp;
using Millrace.TestServers;

namespace Millrace.Client.Tests;

public sealed class RedisClientTests : IDisposable
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(10);

    private readonly RedisServer _server = new();

    public void Dispose() => _server.Dispose();

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Replies_come_back_paired_over_TCP_and_a_Unix_socket(int protocol)
    {
        foreach (string? path in new[] { null, _server.SocketPath })
        {
            ClientOptions options = Options(protocol) with { UnixSocketPath = path };
            await using RedisClient client = await RedisClient.ConnectAsync(options);
            Assert.Equal(protocol == 3, client.Greeting is not null);
            Assert.Equal("PONG", (await client.SendAsync("PING")).ToString());
            Task<RespValue>[] echoes =
                [.. Enumerable.Range(0, 5000).Select(i => client.SendAsync("ECHO", $"{i}"))];
            for (int i = 0; i < echoes.Length; i++)
                Assert.Equal(i.ToString(CultureInfo.InvariantCulture), (await echoes[i].WaitAsync(Soon)).ToString());
        }
    }

    [Fact]
    public async Task Requests_from_many_threads_keep_their_own_replies()
    {
        await using RedisClient client = await RedisClient.ConnectAsync(Options(3));
        await Parallel.ForAsync(0, 2000, async (i, _) =>
        {
            string text = i.ToString(CultureInfo.InvariantCulture);
            Assert.Equal(text, (await client.SendAsync("ECHO", text)).ToString());
        }).WaitAsync(Soon);
    }

    [Fact]
    public async Task Large_and_binary_values_survive()
    {
        await using RedisClient client = await RedisClient.ConnectAsync(Options(2));
        byte[] value = new byte[5_000_000];
        new Random(7).NextBytes(value);
        RespValue set = await client.SendAsync("SET"u8.ToArray(), "k"u8.ToArray(), value).WaitAsync(Soon);
        Assert.Equal("OK", set.ToString());
        RespValue got = await client.SendAsync("GET", "k").WaitAsync(Soon);
        Assert.True(got.Bytes.Span.SequenceEqual(value));
    }

    [Fact]
    public async Task A_raw_reply_holds_the_exact_bytes()
    {
        await using RedisClient client = await RedisClient.ConnectAsync(Options(3));
        Task<RespValue> before = client.SendAsync("PING");
        Task<RawReply> raw = client.SendRawAsync("HELLO", "3");
        Task<RawReply> attributed = client.SendRawAsync("DEBUG", "PROTOCOL", "attrib");
        Task<RespValue> after = client.SendAsync("ECHO", "x");
        Assert.Equal("PONG", (await before).ToString());
        Assert.StartsWith("%7\r\n$6\r\nserver\r\n$5\r\nredis\r\n", (await raw).ToString(), StringComparison.Ordinal);
        Assert.Equal(
            "|1\r\n$14\r\nkey-popularity\r\n*2\r\n$7\r\nkey:123\r\n:90\r\n"
            + "$39\r\nSome real reply following the attribute\r\n",
            (await attributed).ToString());
        Assert.Equal("key-popularity", (await attributed).Value.Attributes!.Items[0].ToString());
        Assert.Equal("x", (await after).ToString());
    }

    [Fact]
    public async Task A_batch_is_answered_in_order_with_its_bytes()
    {
        await using RedisClient client = await RedisClient.ConnectAsync(Options(2));
        RequestBuffer batch = new();
        batch.Request("SET", "k", "1");
        batch.Request("INCR", "k");
        batch.Request("LPOP", "k");
        RawReply[] replies = await client.SendBatchAsync(batch, 3).WaitAsync(Soon);
        Assert.Equal(
            ["+OK\r\n", ":2\r\n", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"],
            replies.Select(r => r.ToString()));
    }

    [Fact]
    public async Task Pushes_and_messages_of_subscribers_do_not_disturb_the_pairing()
    {
        foreach (int protocol in new[] { 2, 3 })
        {
            await using RedisClient subscriber = await RedisClient.ConnectAsync(Options(protocol));
            await using RedisClient publisher = await RedisClient.ConnectAsync(Options(protocol));
            subscriber.SendOnly("SUBSCRIBE", "c");
            Assert.Equal("[subscribe, c, 1]", await NextPushAsync(subscriber));
            Assert.Equal(1, (await publisher.SendAsync("PUBLISH", "c", "hello")).Integer);
            RespValue pong = await subscriber.SendAsync("PING").WaitAsync(Soon);
            Assert.Equal(protocol == 2 ? "[pong, ]" : "PONG", pong.ToString());
            Assert.Equal("[message, c, hello]", await NextPushAsync(subscriber));
        }
    }

    [Fact]
    public async Task An_error_is_a_value_or_an_exception_as_the_caller_likes()
    {
        await using RedisClient client = await RedisClient.ConnectAsync(Options(3));
        RespValue reply = await client.SendAsync("NOSUCH");
        Assert.True(reply.IsError);
        RedisReplyException e = await Assert.ThrowsAsync<RedisReplyException>(() => client.ExecuteAsync("NOSUCH"));
        Assert.StartsWith("ERR unknown command 'NOSUCH'", e.Message, StringComparison.Ordinal);
        Assert.Equal("PONG", client.Send("PING").ToString());
    }

    [Fact]
    public async Task A_late_reply_is_a_time_out_and_the_connection_goes_on()
    {
        ClientOptions options = Options(2) with { ReplyTimeout = TimeSpan.FromMilliseconds(100) };
        await using RedisClient client = await RedisClient.ConnectAsync(options);
        await using RedisClient other = await RedisClient.ConnectAsync(Options(2));
        await Assert.ThrowsAsync<RedisTimeoutException>(() => client.SendAsync("BLPOP", "late-list", "0"));
        await other.SendAsync("LPUSH", "late-list", "late");
        Assert.Equal("x", await EchoedAsync(client, "x"));
    }

    // A busy machine may let a prompt reply be late, too.
    private static async Task<string> EchoedAsync(RedisClient client, string text)
    {
        while (true)
        {
            try
            {
                return (await client.SendAsync("ECHO", text)).ToString();
            }
            catch (RedisTimeoutException)
            {
                // Asked again: if the connection did not go on, this would never end, and the run would say so.
            }
        }
    }

    [Fact]
    public async Task Greeting_authenticates_names_and_selects()
    {
        using RedisServer guarded = new("--requirepass", "secret");
        foreach (int protocol in new[] { 2, 3 })
        {
            ClientOptions options = new()
            {
                Port = guarded.Port, Password = "secret", Database = 5, ClientName = "me", Protocol = protocol,
            };
            await using RedisClient client = await RedisClient.ConnectAsync(options);
            string info = (await client.SendAsync("CLIENT", "INFO")).ToString();
            Assert.Contains(" name=me ", info, StringComparison.Ordinal);
            Assert.Contains(" db=5 ", info, StringComparison.Ordinal);
            RedisReplyException e = await Assert.ThrowsAsync<RedisReplyException>(
                () => RedisClient.ConnectAsync(options with { Password = "wrong" }));
            Assert.StartsWith("WRONGPASS", e.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Pending_replies_fail_when_the_server_closes_the_connection()
    {
        await using RedisClient client = await RedisClient.ConnectAsync(Options(2));
        Task<RespValue> blocked = client.SendAsync("BLPOP", "nolist", "0");
        await using RedisClient killer = await RedisClient.ConnectAsync(Options(2));
        await killer.SendAsync("CLIENT", "KILL", "TYPE", "normal");
        await Assert.ThrowsAsync<RedisConnectionException>(() => blocked).WaitAsync(Soon);
        await Assert.ThrowsAsync<RedisConnectionException>(() => client.SendAsync("PING")).WaitAsync(Soon);
        Assert.False(client.IsConnected);
        Assert.Throws<RedisConnectionException>(() => client.SendOnly("PING"));
        await client.Pushes.Completion.WaitAsync(Soon);
    }

    [Fact]
    public async Task A_refused_connection_says_where()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        int port = ((IPEndPoint)listener.LocalEndpoint).Port;
        listener.Stop();
        RedisConnectionException e = await Assert.ThrowsAsync<RedisConnectionException>(
            () => RedisClient.ConnectAsync(new ClientOptions { Port = port }));
        Assert.Contains($"127.0.0.1:{port}", e.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<RedisConnectionException>(() => RedisClient.ConnectAsync("unix:///nonexistent/s"));
    }

    [Fact]
    public async Task A_server_that_does_not_greet_is_a_time_out()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        ClientOptions options = new()
        {
            Port = ((IPEndPoint)listener.LocalEndpoint).Port,
            Protocol = 3,
            ConnectTimeout = TimeSpan.FromMilliseconds(100),
        };
        await Assert.ThrowsAsync<RedisTimeoutException>(() => RedisClient.ConnectAsync(options));
    }

    [Fact]
    public async Task What_is_not_RESP_ends_the_connection_with_a_protocol_error()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        Task<RedisClient> connecting =
            RedisClient.ConnectAsync(new ClientOptions { Port = ((IPEndPoint)listener.LocalEndpoint).Port });
        using Socket accepted = await listener.AcceptSocketAsync();
        await using RedisClient client = await connecting;
        Task<RespValue> first = client.SendAsync("PING");
        Task<RespValue> second = client.SendAsync("PING");
        await accepted.SendAsync(Encoding.ASCII.GetBytes("+PONG\r\nHTTP/1.1 400\r\n"));
        Assert.Equal("PONG", (await first.WaitAsync(Soon)).ToString());
        RedisProtocolException e = await Assert.ThrowsAsync<RedisProtocolException>(() => second).WaitAsync(Soon);
        Assert.Contains("'H'", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Too_many_pending_requests_are_refused_and_pairing_survives()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        ClientOptions options = new()
        {
            Port = ((IPEndPoint)listener.LocalEndpoint).Port, MaxPendingRequests = 2,
        };
        Task<RedisClient> connecting = RedisClient.ConnectAsync(options);
        using Socket accepted = await listener.AcceptSocketAsync();
        await using RedisClient client = await connecting;
        Task<RespValue> first = client.SendAsync("A");
        RequestBuffer batch = new();
        batch.Request("X");
        batch.Request("Y");
        await Assert.ThrowsAsync<RedisClientException>(() => client.SendBatchAsync(batch, 2));
        Task<RespValue> second = client.SendAsync("B");
        await Assert.ThrowsAsync<RedisClientException>(() => client.SendAsync("C"));
        byte[] received = new byte[1000];
        int length = 0;
        while (length < 22) length += await accepted.ReceiveAsync(received.AsMemory(length));
        Assert.Equal("*1\r\n$1\r\nA\r\n*1\r\n$1\r\nB\r\n", Encoding.ASCII.GetString(received, 0, length));
        await accepted.SendAsync(Encoding.ASCII.GetBytes(":1\r\n:2\r\n"));
        Assert.Equal(1, (await first.WaitAsync(Soon)).Integer);
        Assert.Equal(2, (await second.WaitAsync(Soon)).Integer);
    }

    private static async Task<string> NextPushAsync(RedisClient client) =>
        (await client.Pushes.ReadAsync().AsTask().WaitAsync(Soon)).ToString();

    private ClientOptions Options(int protocol) => new() { Port = _server.Port, Protocol = protocol };
}
