using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.SignalR;
using Microsoft.Extensions.DependencyInjection;
using Millrace.Compat.Tests.Servers;
using Millrace.Compat.Tests.Tools;
using StackExchange.Redis;

namespace Millrace.AspNetCore.Tests;

/// <summary>
/// Two web servers with one hub, joined by the backplane of Microsoft.AspNetCore.SignalR.StackExchangeRedis, and two
/// clients at each.
/// </summary>
public sealed class SignalRTests(MillraceAlone fixture) : IClassFixture<MillraceAlone>
{
    private const int Messages = 1000;
    private const int End = -1;

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Everybody_hears_every_message_once_and_each_speaker_in_order(int protocol)
    {
        await using Scene scene = await Scene.Start(fixture.Server, protocol);
        int each = Messages / scene.Clients.Length;
        await Task.WhenAll(scene.Clients.Select(async client =>
        {
            for (int i = 0; i < each; i++)
                await client.Send("Say", client.Name, i);
        }));
        foreach (ChatClient speaker in scene.Clients)
            await scene.Clients[0].Hears(speaker.Name, each - 1);
        // All of it goes through one channel: what was sent twice would stand before this.
        await scene.Clients[0].Call("Say", "end", End);
        foreach (ChatClient client in scene.Clients)
        {
            await client.Hears("end", End);
            Assert.Equal(Messages + 1, client.Heard.Length);
            foreach (ChatClient speaker in scene.Clients)
            {
                Assert.Equal(Enumerable.Range(0, each),
                    client.Heard.Where(said => said.From == speaker.Name).Select(said => said.Number));
            }
        }
        await RefusedCalls.AssertNone(fixture.Server);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task A_group_has_members_at_both_servers_and_nobody_else_hears_it(int protocol)
    {
        await using Scene scene = await Scene.Start(fixture.Server, protocol);
        ChatClient[] members = [scene.Clients[0], scene.Clients[2]], outside = [scene.Clients[1], scene.Clients[3]];
        foreach (ChatClient member in members)
            await member.Call("Join", "mill");
        await Task.WhenAll(scene.Clients.Select(async client =>
        {
            for (int i = 0; i < Messages / scene.Clients.Length; i++)
                await client.Send("SayToGroup", "mill", client.Name, i);
        }));
        foreach (ChatClient member in members)
        {
            foreach (ChatClient speaker in scene.Clients)
                await member.Hears(speaker.Name, (Messages / scene.Clients.Length) - 1);
            Assert.Equal(Messages, member.Heard.Length);
            Assert.Equal(Messages, member.Heard.Distinct().Count());
        }
        await members[1].Call("Leave", "mill");
        await outside[0].Call("SayToGroup", "mill", "still", 1);
        await members[0].Hears("still", 1);
        await outside[0].Call("Say", "end", End);
        foreach (ChatClient client in (ChatClient[])[members[1], .. outside])
            await client.Hears("end", End);
        Assert.Equal(Messages + 1, members[1].Heard.Length);
        Assert.All(outside, client => Assert.Equal([("end", End)], client.Heard));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task A_user_and_a_connection_are_reached_from_the_other_server(int protocol)
    {
        await using Scene scene = await Scene.Start(fixture.Server, protocol);
        ChatClient near = scene.Clients[0], far = scene.Clients[2];
        for (int i = 0; i < 100; i++)
            await near.Call("SayToUser", far.Name, near.Name, i);
        await far.Hears(near.Name, 99);
        Assert.Equal(Enumerable.Range(0, 100).Select(i => (near.Name, i)), far.Heard);
        await near.Call("SayToOthers", "others", 1);
        foreach (ChatClient other in scene.Clients[1..])
            await other.Hears("others", 1);

        IHubContext<ChatHub> hub = scene.Servers[0].Services.GetRequiredService<IHubContext<ChatHub>>();
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        foreach (ChatClient client in scene.Clients)
        {
            Assert.Equal(client.Name, await hub.Clients.Client(client.Id)
                .InvokeAsync<string>("WhoAreYou", patience.Token));
        }
        // A server adds a connection of the other to a group: the backplane waits for that one's word.
        await hub.Groups.AddToGroupAsync(far.Id, "added");
        await hub.Clients.Group("added").SendAsync("Heard", "group", 1);
        await far.Hears("group", 1);
        await hub.Groups.RemoveFromGroupAsync(far.Id, "added");
        await hub.Clients.Group("added").SendAsync("Heard", "group", 2);
        await hub.Clients.All.SendAsync("Heard", "end", End);
        await far.Hears("end", End);
        await near.Hears("end", End);
        Assert.DoesNotContain(("group", 2), far.Heard);
        Assert.DoesNotContain(near.Heard, said => said.From == "others");
    }

    /// <summary>The servers and their clients: 0 and 1 at the first, 2 and 3 at the second.</summary>
    private sealed class Scene : IAsyncDisposable
    {
        internal WebApplication[] Servers { get; private init; } = [];

        internal ChatClient[] Clients { get; private init; } = [];

        internal static async Task<Scene> Start(ServerProcess redis, int protocol)
        {
            // Its own channels: tests share the server.
            string prefix = Guid.NewGuid().ToString("N");
            WebApplication one = await StartServer(redis, protocol, prefix);
            WebApplication two = await StartServer(redis, protocol, prefix);
            return new Scene
            {
                Servers = [one, two],
                Clients =
                [
                    await ChatClient.Connect(one, "anna"), await ChatClient.Connect(one, "bert"),
                    await ChatClient.Connect(two, "carl"), await ChatClient.Connect(two, "dora"),
                ],
            };
        }

        public async ValueTask DisposeAsync()
        {
            foreach (ChatClient client in Clients)
                await client.DisposeAsync();
            foreach (WebApplication server in Servers)
                await server.DisposeAsync();
        }

        private static Task<WebApplication> StartServer(ServerProcess redis, int protocol, string prefix) =>
            WebServers.Start(
                services =>
                {
                    services.AddSingleton<IUserIdProvider, UserOfAddress>();
                    services.AddSignalR().AddStackExchangeRedis(options =>
                    {
                        options.Configuration = Multiplexers.Options(redis, protocol);
                        options.Configuration.ChannelPrefix = RedisChannel.Literal(prefix);
                    });
                },
                server => server.MapHub<ChatHub>("/chat"));
    }
}
