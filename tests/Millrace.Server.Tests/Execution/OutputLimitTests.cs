using Millrace.Server.Tests.Connections;

namespace Millrace.Server.Tests.Execution;

/// <summary>What a reply that nobody reads may take. It looks at what the whole process allocates, and so runs alone.
/// </summary>
[Collection(AloneCollection.Name)]
public sealed class OutputLimitTests
{
    private const int ValueBytes = 3_000_000;
    private const int Replies = 1000;

    [Fact]
    public void The_output_limit_binds_within_one_turn_and_within_one_command()
    {
        using var server = new InProcessServer("--client-output-buffer-limit", "normal 8mb 0 0");
        using var owner = server.Connect();
        owner.Send($"*3\r\n$3\r\nSET\r\n$3\r\nbig\r\n${ValueBytes}\r\n{new string('x', ValueBytes)}\r\n");
        Assert.Equal("+OK\r\n", owner.Receive(5));
        foreach (var request in new[]
                 {
                     string.Concat(Enumerable.Repeat(Peer.Encode("GET", "big"), Replies)),
                     Peer.Encode(["MGET", .. Enumerable.Repeat("big", Replies)]),
                 })
        {
            using var greedy = server.Connect();
            greedy.Send(request);
            var before = GC.GetTotalAllocatedBytes();
            greedy.WaitUntilClosed();

            // A tenth of what all replies would take.
            Assert.InRange(GC.GetTotalAllocatedBytes() - before, 0, (long)ValueBytes * Replies / 10);
        }

        Assert.Equal("+PONG\r\n", owner.Ask("+PONG\r\n", "PING"));
    }
}
