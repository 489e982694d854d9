using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.SignalR.Client;
using Millrace.Compat.Tests.Tools;

namespace Millrace.AspNetCore.Tests;

/// <summary>A client of <see cref="ChatHub"/> that keeps what it hears, in order.</summary>
internal sealed class ChatClient : IAsyncDisposable
{
    private readonly HubConnection _connection;
    private readonly List<(string From, int Number)> _heard = [];

    private ChatClient(HubConnection connection, string name)
    {
        _connection = connection;
        Name = name;
        connection.On<string, int>("Heard", Hear);
        connection.On("WhoAreYou", () => Name);
    }

    /// <summary>Its name, which is also its user's.</summary>
    internal string Name { get; }

    /// <summary>The id by which servers address it.</summary>
    internal string Id => _connection.ConnectionId!;

    /// <summary>All that it has heard so far.</summary>
    internal (string From, int Number)[] Heard
    {
        get
        {
            lock (_heard)
                return [.. _heard];
        }
    }

    /// <summary>Connects to the hub of a server.</summary>
    internal static async Task<ChatClient> Connect(WebApplication server, string name)
    {
        var client = new ChatClient(
            new HubConnectionBuilder().WithUrl(server.Address($"/chat?user={name}")).Build(), name);
        await client._connection.StartAsync();
        return client;
    }

    /// <summary>Calls a method of the hub and waits until it has run.</summary>
    internal Task Call(string method, params object[] arguments) => _connection.InvokeCoreAsync(method, arguments);

    /// <summary>Calls a method of the hub without waiting.</summary>
    internal Task Send(string method, params object[] arguments) => _connection.SendCoreAsync(method, arguments);

    /// <summary>Waits until something said by somebody has been heard.</summary>
    internal Task Hears(string from, int number) =>
        Multiplexers.Until(() => Task.FromResult(Heard.Contains((from, number))), $"{from}'s {number} at {Name}");

    public ValueTask DisposeAsync() => _connection.DisposeAsync();

    private void Hear(string from, int number)
    {
        lock (_heard)
            _heard.Add((from, number));
    }
}
