// What a client that says nothing costs in managed memory, with all that the server keeps about it. The clients' own
// ends live in the same process, so they are there, connected and not yet accepted, when the first measure is taken.

using System.Globalization;

namespace Millrace.Server.Tests.Connections;

/// <summary>Tests that measure the process: they run alone.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class AloneCollection
{
    public const string Name = "alone";
}

[Collection(AloneCollection.Name)]
public sealed class IdleClientTests
{
    private const int Clients = 1000;

    /// <summary>Connection and client, and their places in tables of the loop; 717 measured.</summary>
    private const long LimitBytes = 750;

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("*")]
    public void An_idle_client_takes_little_memory(string bind)
    {
        if (!OperatingSystem.IsLinux()) return;
        var backlog = (2 * Clients).ToString(CultureInfo.InvariantCulture);
        using var server = new InProcessServer(
            "--io-threads", "1", "--io", "auto", "--tcp-backlog", backlog, "--bind", bind);
        var loops = server.Server.Parts.Loops;
        var peers = new Peer[Clients];
        var before = 0L;
        loops.Quiesce(null, () =>
        {
            for (var i = 0; i < Clients; i++) peers[i] = server.Connect();
            before = GC.GetTotalMemory(forceFullCollection: true);
        });
        // The reply to the last one says that all are there: they are accepted in their order.
        peers[^1].Ask("+PONG\r\n", "PING");
        var idle = (GC.GetTotalMemory(forceFullCollection: true) - before) / Clients;
        Assert.True(idle is > 0 and <= LimitBytes, $"{idle} bytes per client");
        Assert.Equal(Clients, loops.Counters.Connections);

        foreach (var peer in peers) peer.Ask("+PONG\r\n", "PING");
        var served = (GC.GetTotalMemory(forceFullCollection: true) - before) / Clients;
        Assert.True(served <= LimitBytes, $"{served} bytes per client after a request");
        foreach (var peer in peers) peer.Dispose();
    }
}
