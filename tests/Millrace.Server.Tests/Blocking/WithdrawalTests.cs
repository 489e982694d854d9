using System.Globalization;
using Millrace.Engine;

namespace Millrace.Server.Tests.Blocking;

/// <summary>What clients leave behind in a partition that somebody holds for long.</summary>
public class WithdrawalTests
{
    private const int Waiters = 40;
    private const long NowMs = 1;

    [Fact]
    public void Clients_whose_waits_end_are_answered_while_their_partition_is_held_and_leave_it_afterwards()
    {
        using var server = new InProcessServer("--io-threads", "2");
        var keyspace = server.Server.Parts.Keyspace;
        using var watcher = new Conversation(server);
        Conversation[] clients = [.. Enumerable.Range(0, Waiters).Select(_ => new Conversation(server))];
        string[] ids = [.. clients.Select(client => client.Say("CLIENT ID"))];
        foreach (var client in clients) client.Send("BLPOP", "k", "0");
        var blocked = string.Create(CultureInfo.InvariantCulture, $"blocked_clients:{Waiters}\r\n");
        Until(() => watcher.Say("INFO clients").Contains(blocked, StringComparison.Ordinal));

        var unit = new Unit(keyspace, seed: 1);
        Assert.True(unit.TryBegin(keyspace.AllPartitions, NowMs, patient: true, out _));
        foreach (var id in ids) Assert.Equal("1", watcher.Say("CLIENT UNBLOCK " + id));
        foreach (var client in clients) Assert.Equal("(nil)", client.Read());
        unit.End();

        Assert.Equal("1", watcher.Say("RPUSH k 1"));
        Assert.Equal("1", watcher.Say("LLEN k"));
        Until(() => CountAwaited(keyspace, unit) == 0);
        foreach (var client in clients) client.Dispose();
    }

    private static int CountAwaited(Keyspace keyspace, Unit unit)
    {
        Assert.True(unit.TryBegin(keyspace.AllPartitions, NowMs, patient: true, out _));
        var sum = 0;
        for (var i = 0; i < keyspace.Shape.Partitions; i++) sum += keyspace[i].Awaited.Count;
        unit.End();
        return sum;
    }

    private static void Until(Func<bool> isSo)
    {
        var deadline = Environment.TickCount64 + 20_000;
        while (!isSo())
        {
            Assert.True(Environment.TickCount64 < deadline, "it never came to be so");
            Thread.Sleep(1);
        }
    }
}
