using System.Diagnostics;
using System.Globalization;

namespace Millrace.Server.Tests.Observability;

public sealed class SlowLogCommandsTests
{
    private static readonly string[] EachCommand = ["--slowlog-log-slower-than", "0"];

    // Timers go by milliseconds of a clock that is read once a turn.
    private static readonly TimeSpan Tolerance = TimeSpan.FromMilliseconds(50);

    [Fact]
    public void Every_command_is_logged_in_order_while_the_threshold_is_0()
    {
        using var server = new InProcessServer(EachCommand);
        using var client = new Conversation(server);
        client.Say("CLIENT SETNAME me");
        for (var i = 0; i < 40; i++) client.SendText(Peer.Encode("SET", $"k{i}", "v") + Peer.Encode("GET", $"k{i}"));
        for (var i = 0; i < 80; i++) client.Read();
        var entries = Entries(client);
        Assert.Equal(81, entries.Count);
        Assert.Equal("CLIENT SETNAME me", entries[^1].Request);
        for (var i = 0; i < 40; i++)
        {
            Assert.Equal($"SET k{i} v", entries[^((2 * i) + 2)].Request);
            Assert.Equal($"GET k{i}", entries[^((2 * i) + 3)].Request);
        }

        Assert.Equal(
            Enumerable.Range(0, 81).Reverse().Select(static id => (long)id), entries.Select(static one => one.Id));
        Assert.All(entries.SkipLast(1), one => Assert.Equal((client.Address, "me"), (one.Address, one.Name)));
        Assert.All(entries, static one => Assert.InRange(one.Microseconds, 0, 10_000_000));
    }

    [Fact]
    public void A_slow_command_is_logged_with_its_time()
    {
        using var server = new InProcessServer("--enable-debug-command", "yes");
        using var client = new Conversation(server);
        var before = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        client.Say("PING");
        client.Say("DEBUG SLEEP 0.02");
        client.Say("PING");
        var entry = Assert.Single(Entries(client));
        Assert.Equal("DEBUG SLEEP 0.02", entry.Request);
        Assert.InRange(entry.Microseconds, 20_000, 10_000_000);
        Assert.InRange(entry.Seconds, before, before + 10);
        Assert.Equal("OK", client.Say("SLOWLOG RESET"));
        Assert.Equal("0", client.Say("SLOWLOG LEN"));
        Assert.Equal("[]", client.Say("SLOWLOG GET -1"));
    }

    [Fact]
    public void Threshold_and_length_can_be_changed()
    {
        using var server = new InProcessServer(EachCommand);
        using var client = new Conversation(server);
        for (var i = 0; i < 20; i++) client.Say("PING");
        Assert.Equal("OK", client.Say("CONFIG SET slowlog-max-len 5"));
        Assert.Equal("5", client.Say("SLOWLOG LEN"));
        Assert.Equal("SLOWLOG LEN", Entries(client)[0].Request);
        client.Say("CONFIG SET slowlog-max-len 0");
        client.Say("PING");
        Assert.Equal("0", client.Say("SLOWLOG LEN"));
        client.Say("CONFIG SET slowlog-max-len 100 slowlog-log-slower-than -1");
        client.Say("PING");
        Assert.Equal("0", client.Say("SLOWLOG LEN"));
        client.Say("CONFIG SET slowlog-log-slower-than 0");
        Assert.Equal("CONFIG SET slowlog-log-slower-than 0", Assert.Single(Entries(client)).Request);
        client.Say("CONFIG SET slowlog-log-slower-than 9223372036854775807");
        client.Say("SLOWLOG RESET");
        Assert.Equal("0", client.Say("SLOWLOG LEN"));
    }

    [Fact]
    public void Get_takes_a_count()
    {
        using var server = new InProcessServer(EachCommand);
        using var client = new Conversation(server);
        for (var i = 0; i < 20; i++) client.Say("PING");
        Assert.Equal("[]", client.Say("SLOWLOG GET 0"));
        Assert.StartsWith("[[20 ", client.Say("SLOWLOG GET 1"), StringComparison.Ordinal);
        Assert.Equal(10, Entries(client, "SLOWLOG GET").Count);
        Assert.Equal(23, Entries(client, "SLOWLOG GET 9223372036854775807").Count);
        foreach (var count in (string[])["-2", "x", "", "9223372036854775808"])
        {
            Assert.Equal(
                "ERR count should be greater than or equal to -1", client.SayWords("SLOWLOG", "GET", count));
        }

        Assert.Equal(
            "ERR unknown subcommand or wrong number of arguments for 'GET'. Try SLOWLOG HELP.",
            client.Say("SLOWLOG GET 1 2"));
        Assert.Contains("RESET", client.Say("SLOWLOG HELP"), StringComparison.Ordinal);
    }

    [Fact]
    public void Long_requests_are_cut()
    {
        using var server = new InProcessServer(EachCommand);
        using var client = new Conversation(server);
        client.SayWords(["MGET", .. Enumerable.Range(1, 32).Select(static i => $"k{i}")]);
        client.SayWords(["MGET", .. Enumerable.Range(1, 31).Select(static i => $"k{i}")]);
        client.SayWords("GET", new string('x', 128));
        client.SayWords("GET", new string('x', 129));
        client.SayWords("SET", new string('x', 100_000), new string('y', 100_000));
        var entries = Entries(client);
        Assert.Equal(
            $"SET {new string('x', 128)}... (99872 more bytes) {new string('y', 128)}... (99872 more bytes)",
            entries[0].Request);
        Assert.Equal($"GET {new string('x', 128)}... (1 more bytes)", entries[1].Request);
        Assert.Equal($"GET {new string('x', 128)}", entries[2].Request);
        Assert.EndsWith(" k30 k31", entries[3].Request, StringComparison.Ordinal);
        Assert.EndsWith(" k30 ... (2 more arguments)", entries[4].Request, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("AUTH secret", "AUTH (redacted)")]
    [InlineData("AUTH me secret", "AUTH (redacted) (redacted)")]
    [InlineData("auth me secret secret", "auth (redacted) (redacted) (redacted)")]
    [InlineData("HELLO 3 AUTH me secret", "HELLO 3 AUTH (redacted) (redacted)")]
    [InlineData("HELLO 2 SETNAME x auth me secret", "HELLO 2 SETNAME x auth (redacted) (redacted)")]
    [InlineData("HELLO AUTH me secret", "HELLO AUTH (redacted) (redacted)")]
    [InlineData("CONFIG SET requirepass secret", "CONFIG SET requirepass (redacted)")]
    [InlineData("CONFIG SET masterauth secret hz 11", "CONFIG SET masterauth (redacted) hz 11")]
    [InlineData("CONFIG SET hz 11 MasterUser secret", "CONFIG SET hz 11 MasterUser (redacted)")]
    [InlineData("CONFIG SET tls-key-file-pass secret x", "CONFIG SET tls-key-file-pass (redacted) x")]
    [InlineData("CONFIG SET timeout requirepass hz 12", "CONFIG SET timeout requirepass hz 12")]
    public void Secrets_are_left_out(string request, string logged)
    {
        using var server = new InProcessServer(EachCommand);
        using var client = new Conversation(server);
        client.Say("SLOWLOG RESET");
        client.Say(request);
        Assert.Equal(logged, Entries(client)[0].Request);
    }

    [Fact]
    public void A_transaction_is_logged_command_by_command()
    {
        using var server = new InProcessServer(EachCommand);
        using var client = new Conversation(server);
        foreach (var request in (string[])["MULTI", "SET a 1", "INCR a", "INCR a", "LPUSH a x", "EXEC", "PING"])
            client.Say(request);
        Assert.Equal(
            ["PING", "LPUSH a x", "INCR a", "INCR a", "SET a 1", "MULTI"],
            Entries(client).Select(static one => one.Request));
    }

    [Fact]
    public void Refused_requests_are_not_logged_and_failed_ones_are()
    {
        using var server = new InProcessServer(EachCommand);
        using var client = new Conversation(server);
        foreach (var request in (string[])["nothing", "GET", "CONFIG nothing", "SET a x", "INCR a"])
            client.Say(request);
        Assert.Equal(["INCR a", "SET a x"], Entries(client).Select(static one => one.Request));
    }

    [Fact]
    public void Refused_requests_of_a_batch_are_not_taken_for_those_that_ran()
    {
        using var server = new InProcessServer([.. EachCommand, "--maxmemory", "1"]);
        using var client = new Conversation(server);
        client.SendText(string.Concat(
            Peer.Encode("GET", "a"), Peer.Encode("GET"), Peer.Encode("GET", "b"), Peer.Encode("GET", "b", "c"),
            Peer.Encode("EXPIRE", "a", "1"), Peer.Encode("SET", "a", "b"), Peer.Encode("PING")));
        for (var i = 0; i < 7; i++) client.Read();
        Assert.Equal(["PING", "EXPIRE a 1", "GET b", "GET a"], Entries(client).Select(static one => one.Request));
    }

    [Fact]
    public void A_command_that_waits_is_logged_when_it_is_served_with_the_time_that_it_ran()
    {
        using var server = new InProcessServer(EachCommand);
        using var waiting = new Conversation(server);
        using var client = new Conversation(server);
        waiting.Say("CLIENT SETNAME waiting");
        client.Say("SLOWLOG RESET");
        var most = Stopwatch.StartNew();
        waiting.Send("BLPOP", "list", "0");
        WaitForBlocked(client);
        most.Stop();
        Thread.Sleep(300);
        Assert.DoesNotContain(Entries(client), static one => one.Request.StartsWith("BLPOP", StringComparison.Ordinal));
        most.Start();
        client.Say("RPUSH list a");
        Assert.Equal("[list a]", waiting.Read());
        most.Stop();
        var entries = Entries(client);
        var served = Assert.Single(entries, static one => one.Request == "BLPOP list 0");
        Assert.Equal((waiting.Address, "waiting"), (served.Address, served.Name));
        Assert.InRange(served.Microseconds, 0, (long)most.Elapsed.TotalMicroseconds);
        Assert.Equal(served.Id - 1, Assert.Single(entries, static one => one.Request == "RPUSH list a").Id);
    }

    [Theory]
    [InlineData("")]
    [InlineData("TIMEOUT")]
    [InlineData("ERROR")]
    public void A_command_that_waits_in_vain_is_logged_once(string unblock)
    {
        using var server = new InProcessServer(EachCommand);
        using var waiting = new Conversation(server);
        using var client = new Conversation(server);
        var id = waiting.Say("CLIENT ID");
        var waits = unblock.Length == 0 ? TimeSpan.FromSeconds(0.4) : TimeSpan.Zero;
        var all = Stopwatch.StartNew();
        waiting.Send("BLPOP", "list", waits.TotalSeconds.ToString(CultureInfo.InvariantCulture));
        WaitForBlocked(client);
        if (unblock.Length > 0) client.Say($"CLIENT UNBLOCK {id} {unblock}");
        waiting.Read();
        all.Stop();
        var entry = Assert.Single(
            Entries(client), static one => one.Request.StartsWith("BLPOP", StringComparison.Ordinal));
        Assert.InRange(entry.Microseconds, 0, (long)(all.Elapsed - waits + Tolerance).TotalMicroseconds);
        var statistics = client.Say("INFO commandstats");
        Assert.Contains("cmdstat_blpop:calls=1,", statistics, StringComparison.Ordinal);
        Assert.Contains(
            $"rejected_calls=0,failed_calls={(unblock == "ERROR" ? 1 : 0)}",
            statistics.Split("\r\n").Single(static line => line.StartsWith("cmdstat_blpop", StringComparison.Ordinal)),
            StringComparison.Ordinal);
        Assert.Equal(
            unblock == "ERROR",
            client.Say("INFO errorstats").Contains("errorstat_UNBLOCKED:count=1", StringComparison.Ordinal));
    }

    [Fact]
    public void Waiting_for_another_command_is_nobodys_time()
    {
        using var server = new InProcessServer("--io-threads", "2", "--enable-debug-command", "yes");
        using var sleeping = new Conversation(server);
        var others = Enumerable.Range(0, 8).Select(_ => new Conversation(server)).ToList();
        sleeping.Send("DEBUG", "SLEEP", "0.2");
        Thread.Sleep(50);
        foreach (var other in others) other.Send("GET", "key");
        foreach (var other in others) other.Send("CLIENT", "LIST");
        foreach (var other in others) Assert.Equal("(nil)", other.Read());
        foreach (var other in others) other.Read();
        Assert.Equal("OK", sleeping.Read());
        Assert.Contains(Entries(sleeping), static one => one.Request == "DEBUG SLEEP 0.2");
        Assert.DoesNotContain(Entries(sleeping), static one => one.Microseconds is > 100_000 and < 200_000);
        foreach (var other in others) other.Dispose();
    }

    [Fact]
    public void The_request_with_the_large_value_stands_for_its_run()
    {
        const int Bytes = 64_000_000;
        using var server = new InProcessServer("--slowlog-log-slower-than", "1000");
        using var peer = server.Connect();
        using var client = new Conversation(server);
        peer.Ask("+OK\r\n", "SET", "large", new string('x', Bytes));
        client.Say("SLOWLOG RESET");
        peer.Send(Peer.Encode("GET", "a") + Peer.Encode("GET", "large") + Peer.Encode("GET", "b"));
        peer.Receive($"$-1\r\n${Bytes}\r\n".Length + Bytes + "\r\n$-1\r\n".Length);
        var slow = Assert.Single(
            Entries(client), static one => one.Request.StartsWith("GET", StringComparison.Ordinal));
        Assert.Equal("GET large ... (one of 2 in a row)", slow.Request);
    }

    [Fact]
    public void Loops_log_into_one_order()
    {
        const int Clients = 8;
        const int Each = 200;
        using var server = new InProcessServer(
            "--io-threads", "4", "--slowlog-log-slower-than", "0", "--slowlog-max-len", "100000");
        var clients = Enumerable.Range(0, Clients).Select(_ => new Conversation(server)).ToList();
        Parallel.ForEach(clients, client =>
        {
            for (var i = 0; i < Each; i++) client.Say($"INCR k{i % 5}");
        });
        var entries = Entries(clients[0]);
        Assert.Equal(Clients * Each, entries.Count);
        Assert.Equal(
            Enumerable.Range(0, Clients * Each).Reverse().Select(static id => (long)id),
            entries.Select(static one => one.Id));
        foreach (var client in clients)
        {
            Assert.Equal(Each, entries.Count(one => one.Address == client.Address));
            client.Dispose();
        }
    }

    private static void WaitForBlocked(Conversation client)
    {
        var limit = Stopwatch.StartNew();
        while (!client.Say("INFO clients").Contains("blocked_clients:1", StringComparison.Ordinal))
            Assert.True(limit.Elapsed.TotalSeconds < 10);
    }

    private static List<Entry> Entries(Conversation client, string request = "SLOWLOG GET -1")
    {
        var bytes = client.Bytes(request);
        var reader = new Resp.RespReader();
        reader.Read(System.Text.Encoding.Latin1.GetBytes(bytes), out var reply, out _);
        return [.. reply!.Items.Select(static one => new Entry(
            one.Items[0].Integer, one.Items[1].Integer, one.Items[2].Integer,
            string.Join(' ', one.Items[3].Items.Select(Text)), Text(one.Items[4]), Text(one.Items[5])))];
    }

    private static string Text(Resp.RespValue value) => System.Text.Encoding.Latin1.GetString(value.Bytes.Span);

    private sealed record Entry(
        long Id, long Seconds, long Microseconds, string Request, string Address, string Name)
    {
        public override string ToString() =>
            string.Create(CultureInfo.InvariantCulture, $"{Id} {Microseconds} us: {Request}");
    }
}
