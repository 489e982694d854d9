using System.Diagnostics;
using System.Net;
using Millrace.Compat.Tests.Servers;
using StackExchange.Redis;

namespace Millrace.Compat.Tests.Tools;

/// <summary>Connections of StackExchange.Redis to a server, and bounded waits for what it hears.</summary>
public static class Multiplexers
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    /// <summary>How the library is told to connect. Its subscriptions get a connection of their own.</summary>
    public static ConfigurationOptions Options(ServerProcess server, int protocol) => new()
    {
        ClientName = Guid.NewGuid().ToString("N"),
        EndPoints = { new IPEndPoint(IPAddress.Loopback, server.Port) },
        AllowAdmin = true,
        ConnectTimeout = 3000,
        ConnectRetry = 1,
        Protocol = protocol == 2 ? RedisProtocol.Resp2 : RedisProtocol.Resp3,
    };

    /// <summary>Connects with a protocol (2 or 3).</summary>
    public static Task<ConnectionMultiplexer> Connect(ServerProcess server, int protocol, string? password = null)
    {
        ConfigurationOptions options = Options(server, protocol);
        options.Password = password;
        return ConnectionMultiplexer.ConnectAsync(options);
    }

    /// <summary>What the server says of the connection that has this client's subscriptions.</summary>
    public static async Task<ClientInfo> SubscribedConnection(this ConnectionMultiplexer client) =>
        (await client.GetServers().Single().ClientListAsync())
            .Single(info => info.Name == client.ClientName && info.SubscriptionCount > 0);

    /// <summary>The next message of a queue; a test that waits for one in vain fails.</summary>
    public static async Task<ChannelMessage> Next(this ChannelMessageQueue queue)
    {
        using var patience = new CancellationTokenSource(s_patience);
        return await queue.ReadAsync(patience.Token);
    }

    /// <summary>Asks again until the answer is yes; fails when that never comes.</summary>
    public static async Task Until(Func<Task<bool>> condition, string what)
    {
        var clock = Stopwatch.StartNew();
        while (!await condition())
        {
            Assert.True(clock.Elapsed < s_patience, $"waited in vain for {what}");
            await Task.Delay(10);
        }
    }
}
