using System.Globalization;
using System.Text;
using Millrace.Histories.Crashing;
using Millrace.Server.Logging;
using Millrace.Server.Persistence;

namespace Millrace.Server.Tests.Persistence;

/// <summary>What happens when the disk of the append-only file fails.</summary>
public sealed class JournalFaultTests
{
    private const string Full = "No space left on device";
    private const string Misconf = "MISCONF Errors writing to the AOF file: " + Full;

    [Theory]
    [InlineData("everysec", "1")]
    [InlineData("everysec", "2")]
    [InlineData("no", "2")]
    public void A_full_disk_refuses_writes_keeps_reads_and_recovers(string policy, string loops)
    {
        var files = new PowerFiles();
        using (var server = Start(files, "--appendfsync", policy, "--io-threads", loops))
        {
            using var client = new Conversation(server);
            using var other = new Conversation(server);
            Assert.Equal("OK", client.Say("SET a 1"));
            files.TornBytes = 7;
            files.Faults = static (operation, _) => operation == "write" ? Full : null;
            client.Send("SET", "a", "2"); // the one that finds out: its reply waits
            Assert.True(SpinWait.SpinUntil(
                () => other.Say("INFO persistence").Contains("\r\naof_last_write_status:err\r\n"), 20_000));
            Assert.Equal(Misconf, other.Say("SET b 1"));
            Assert.Equal(Misconf, other.Say("PING"));
            Assert.Equal("2", other.Say("GET a"));
            Assert.Equal("OK", other.Say("MULTI"));
            Assert.Equal(Misconf, other.Say("SET c 1"));
            Assert.StartsWith("EXECABORT", other.Say("EXEC"));
            Assert.True(client.IsSilent());

            files.Faults = static (_, _) => null;
            Assert.Equal("OK", client.Read());
            Assert.True(SpinWait.SpinUntil(() => other.Say("SET b 1") == "OK", 20_000));
            Assert.Contains("\r\naof_last_write_status:ok\r\n", other.Say("INFO persistence"));
        }

        AssertData(files.AfterKill(), "[2 1]", "a", "b");
    }

    [Fact]
    public void A_log_that_nobody_reads_holds_nobody_up_who_writes()
    {
        var files = new PowerFiles();
        using var stuck = new StuckOutput("Error writing to the AOF file");
        var log = new Log(LogLevel.Notice, stuck, TimeProvider.System, processId: 1);
        using var server = new InProcessServer(
            files, static () => Assert.Fail("it would have ended"), log, "--appendfsync", "everysec");
        using var client = new Conversation(server);
        using var other = new Conversation(server);
        Assert.Equal("OK", client.Say("SET a 1"));
        files.Faults = static (operation, _) => operation == "write" ? Full : null;
        client.Send("SET", "a", "2");
        Assert.True(stuck.IsStuck.Wait(20_000));
        Assert.Equal(Misconf, other.Say("SET b 1"));
        Assert.Equal("OK", other.Say("CONFIG SET aof-timestamp-enabled yes")); // the journal hears of it
        files.Faults = static (_, _) => null;
        stuck.MayGoOn.Set();
        Assert.Equal("OK", client.Read());
    }

    [Fact]
    public void A_failed_fsync_is_tried_again_whatever_the_policy_is_then()
    {
        var files = new PowerFiles();
        using var server = Start(files, "--appendfsync", "everysec");
        using var client = new Conversation(server);
        files.Faults = static (operation, _) => operation == "sync" ? "Input/output error" : null;
        Assert.Equal("OK", client.Say("SET a 1"));
        Assert.True(SpinWait.SpinUntil(() => client.Say("SET b 1").StartsWith("MISCONF"), 20_000));
        Assert.Equal("OK", client.Say("CONFIG SET appendfsync no"));
        Assert.StartsWith("MISCONF", client.Say("SET b 1"));
        files.Faults = static (_, _) => null;
        Assert.True(SpinWait.SpinUntil(() => client.Say("SET b 2") == "OK", 20_000));
    }

    [Theory]
    [InlineData("write")]
    [InlineData("sync")]
    public void Under_always_a_fault_ends_the_process_and_nothing_is_acknowledged(string failing)
    {
        var files = new PowerFiles();
        using var exits = new ManualResetEventSlim();
        using (var server = new InProcessServer(files, exits.Set, "--appendfsync", "always"))
        {
            using var client = new Conversation(server);
            Assert.Equal("OK", client.Say("SET a 1"));
            files.Faults = (operation, _) => operation == failing ? "Input/output error" : null;
            client.Send("SET", "a", "2");
            Assert.True(exits.Wait(20_000));
            Thread.Sleep(50);
            Assert.True(client.IsSilent());
        }

        AssertData(files.AfterPowerLoss(), "[1]", "a");
    }

    [Fact]
    public void A_failed_fsync_refuses_writes_until_one_goes_well_and_asks_for_a_rewrite()
    {
        var files = new PowerFiles { LosesFailedSyncs = true };
        using var server = Start(files, "--appendfsync", "everysec");
        using var client = new Conversation(server);
        files.Faults = static (operation, _) => operation == "sync" ? "Input/output error" : null;
        Assert.Equal("OK", client.Say("SET a 1"));
        Assert.True(SpinWait.SpinUntil(() => client.Say("SET b 1").StartsWith("MISCONF"), 20_000));
        Assert.Equal("1", client.Say("GET a"));
        files.Faults = static (_, _) => null;
        Assert.True(SpinWait.SpinUntil(() => client.Say("SET b 2") == "OK", 20_000));
        Assert.True(SpinWait.SpinUntil(() => files.Names.Contains("appendonly.aof.2.base.rdb"), 20_000));
        Assert.True(SpinWait.SpinUntil(() => !files.Names.Contains("appendonly.aof.1.base.rdb"), 20_000));
        AssertData(files.AfterPowerLoss(), "[1 2]", "a", "b"); // though the file before has lost them
    }

    [Fact]
    public void Every_write_that_fails_alone_leaves_a_file_that_starts_with_all_that_was_acknowledged()
    {
        var random = new Random(815);
        for (var fails = 0; fails < 60; fails += 3)
        {
            var files = new PowerFiles { TornBytes = random.Next(40) };
            var acknowledged = -1;
            using (var server = Start(files, "--appendfsync", "everysec"))
            {
                var base0 = files.Operations.GetValueOrDefault("write");
                var failing = base0 + fails;
                files.Faults = (operation, before) => operation == "write" && before == failing ? Full : null;
                using var client = new Conversation(server);
                for (var i = 0; i < 40; i++)
                {
                    if (client.Say($"RPUSH list {i}") is { } reply && !reply.StartsWith('M')) acknowledged = i;
                }
            }

            using var next = Start(files.AfterKill());
            using var reader = new Conversation(next);
            var list = reader.Say("LRANGE list 0 -1").Trim('[', ']').Split(' ');
            Assert.Contains(acknowledged.ToString(CultureInfo.InvariantCulture), list);
        }
    }

    [Theory]
    [InlineData("create")]
    [InlineData("directory")]
    [InlineData("rename")]
    [InlineData("sync")]
    [InlineData("write")]
    public void A_directory_that_cannot_be_used_ends_the_start(string failing)
    {
        var files = new PowerFiles { Faults = (operation, _) => operation == failing ? "Permission denied" : null };
        var fault = Assert.Throws<InvalidOperationException>(() => Start(files));
        Assert.Equal(AppendOnly.FatalError, fault.Message);
    }

    [Fact]
    public void A_file_that_cannot_be_read_ends_the_start_and_nothing_is_changed()
    {
        var files = new PowerFiles();
        using (var server = Start(files))
        {
            using var client = new Conversation(server);
            Assert.Equal("OK", client.Say("SET a 1"));
        }

        var broken = files.AfterPowerLoss();
        broken.Faults = static (operation, _) => operation == "read" ? "Input/output error" : null;
        Assert.Throws<InvalidOperationException>(() => Start(broken));
        Assert.False(broken.Operations.ContainsKey("write"));
        AssertData(broken.AfterKill(), "[1]", "a");
    }

    [Theory]
    [InlineData("always")]
    [InlineData("everysec")]
    public void Replies_wait_for_a_slow_disk_and_those_of_others_do_not(string policy)
    {
        var files = new PowerFiles { SyncMs = 300 };
        using var server = Start(files, "--appendfsync", policy, "--io-threads", "2");
        using var writer = new Conversation(server);
        using var other = new Conversation(server);
        var began = Environment.TickCount64;
        writer.Send("SET", "a", "1");
        while (other.Say("ECHO x") != "x" || Environment.TickCount64 - began < 100)
        {
            // No reply of those waits.
        }

        Assert.Equal(policy == "always", writer.IsSilent());
        Assert.Equal("OK", writer.Read());
        Assert.Equal(policy == "always", Environment.TickCount64 - began >= 300);
    }

    [Fact]
    public void What_a_read_shows_is_on_the_disk()
    {
        var files = new PowerFiles { SyncMs = 100 };
        using var server = Start(files, "--appendfsync", "always", "--io-threads", "2");
        using var writer = new Conversation(server);
        using var reader = new Conversation(server);
        for (var i = 1; i <= 5; i++)
        {
            writer.Send("INCR", "a");
            string found;
            do found = reader.Say("GET a");
            while (found != i.ToString(CultureInfo.InvariantCulture));
            AssertData(files.AfterPowerLoss(), $"[{i}]", "a");
            writer.Read();
        }
    }

    [Fact]
    public void A_served_client_hears_of_it_when_it_is_on_the_disk()
    {
        var files = new PowerFiles { SyncMs = 100 };
        using var server = Start(files, "--appendfsync", "always", "--io-threads", "2");
        using var waiter = new Conversation(server);
        using var subscriber = new Conversation(server);
        using var writer = new Conversation(server);
        writer.Say("CONFIG SET notify-keyspace-events KEA");
        subscriber.Say("PSUBSCRIBE __keyevent@0__:lpop");
        waiter.Send("BLPOP", "list", "0");
        Thread.Sleep(50);
        writer.SendText(
            Peer.Encode("MULTI") + Peer.Encode("INCR", "a") + Peer.Encode("RPUSH", "list", "x") + Peer.Encode("EXEC"));
        Assert.Equal("[list x]", waiter.Read());
        AssertData(files.AfterPowerLoss(), "[1]", "a");
        Assert.Equal("[pmessage __keyevent@0__:lpop __keyevent@0__:lpop list]", subscriber.Read());
        Assert.Equal("OK", writer.Read());
    }

    private static InProcessServer Start(PowerFiles files, params string[] directives) =>
        new(files, static () => Assert.Fail("it would have ended"), directives);

    private static void AssertData(PowerFiles files, string expected, params string[] keys)
    {
        using var server = Start(files);
        using var client = new Conversation(server);
        Assert.Equal(expected, client.SayWords(["MGET", .. keys]));
    }

    // Waits at a line until it may go on.
    private sealed class StuckOutput(string line) : ILogOutput, IDisposable
    {
        public ManualResetEventSlim IsStuck { get; } = new();

        public ManualResetEventSlim MayGoOn { get; } = new();

        public void Write(ReadOnlySpan<byte> lines)
        {
            if (!Encoding.UTF8.GetString(lines).Contains(line, StringComparison.Ordinal)) return;
            IsStuck.Set();
            Assert.True(MayGoOn.Wait(60_000));
        }

        public void Dispose()
        {
            IsStuck.Dispose();
            MayGoOn.Dispose();
        }
    }
}
