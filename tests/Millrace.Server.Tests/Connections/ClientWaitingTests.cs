namespace Millrace.Server.Tests.Connections;

public class ClientWaitingTests
{
    [Theory]
    [InlineData("CLIENT UNBLOCK", "ERR wrong number of arguments for 'client|unblock' command")]
    [InlineData("CLIENT UNBLOCK x", "ERR value is not an integer or out of range")]
    [InlineData("CLIENT UNBLOCK 1 foo", "ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR")]
    [InlineData("CLIENT UNBLOCK 1", "0")]
    [InlineData("CLIENT UNBLOCK 99999 error", "0")]
    [InlineData("CLIENT PAUSE", "ERR wrong number of arguments for 'client|pause' command")]
    [InlineData("CLIENT PAUSE x", "ERR timeout is not an integer or out of range")]
    [InlineData("CLIENT PAUSE -1", "ERR timeout is negative")]
    [InlineData("CLIENT PAUSE 9223372036854775807", "ERR timeout is out of range")]
    [InlineData("CLIENT PAUSE 1 x", "ERR CLIENT PAUSE mode must be WRITE or ALL")]
    [InlineData("CLIENT PAUSE 0", "OK")]
    [InlineData("CLIENT PAUSE 1", "OK")]
    [InlineData("CLIENT PAUSE 1 write", "OK")]
    [InlineData("CLIENT UNPAUSE", "OK")]
    public void A_request_has_this_reply(string request, string reply)
    {
        using var server = new InProcessServer();
        using var client = new Conversation(server);
        Assert.Equal(reply, client.Say(request));
        Assert.Equal("OK", client.Say("SET a 1"));
    }

    [Fact]
    public void While_writes_are_paused_reads_go_on_and_writes_wait_for_the_end()
    {
        using var server = new InProcessServer();
        using var client = new Conversation(server);
        using var other = new Conversation(server);
        client.Say("SET a 1");
        Assert.Equal("OK", client.Say("CLIENT PAUSE 100000 WRITE"));
        Assert.Equal("1", other.Say("GET a"));
        Assert.Equal("OK", other.Say("MULTI"));
        Assert.Equal("QUEUED", other.Say("GET a"));
        Assert.Equal("[1]", other.Say("EXEC"));
        other.Send("SET", "a", "2");
        Wait(client, "blocked_clients:1");
        Assert.Contains(" flags=b ", client.Say("CLIENT LIST"), StringComparison.Ordinal);
        Assert.Equal("0", client.Say($"CLIENT UNBLOCK {IdOf(client) + 1}"));
        Assert.Equal("1", client.Say("GET a"));
        Assert.Equal("OK", client.Say("CLIENT UNPAUSE"));
        Assert.Equal("OK", other.Read());
        Assert.Equal("2", client.Say("GET a"));
        Wait(client, "blocked_clients:0");
    }

    [Theory]
    [InlineData("BLPOP list 0", "blpop")]
    [InlineData("WAIT 1 0", "wait")]
    public void Who_is_unblocked_with_an_error_counts_among_the_errors(string request, string command)
    {
        using var server = new InProcessServer("--io-threads", "2");
        using var client = new Conversation(server);
        using var other = new Conversation(server);
        var id = other.Say("CLIENT ID");
        client.Say("CONFIG RESETSTAT");
        other.Send(request.Split(' '));
        Wait(client, "blocked_clients:1");
        Assert.Equal("1", client.Say($"CLIENT UNBLOCK {id} ERROR"));
        Assert.Equal("UNBLOCKED client unblocked via CLIENT UNBLOCK", other.Read());
        Assert.Contains(
            "errorstat_UNBLOCKED:count=1\r", client.Say("INFO errorstats"), StringComparison.Ordinal);
        Assert.Matches(
            $"cmdstat_{command}:calls=1,.*,rejected_calls=0,failed_calls=1\r", client.Say("INFO commandstats"));
        Assert.Contains("total_error_replies:1\r", client.Say("INFO stats"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_pause_that_follows_a_longer_one_ends_at_its_own_time()
    {
        using var server = new InProcessServer("--io-threads", "2");
        using var client = new Conversation(server);
        using var other = new Conversation(server);
        using var writer = new Conversation(server);
        Assert.Equal("OK", client.Say("CLIENT PAUSE 100000 WRITE"));
        Assert.Equal("OK", other.Say("CLIENT PAUSE 200000 WRITE"));
        Assert.Equal("OK", client.Say("CLIENT UNPAUSE"));
        Assert.Equal("OK", client.Say("CLIENT PAUSE 20 WRITE"));
        Assert.Equal("OK", writer.Say("SET a 1"));
        Assert.Equal("OK", other.Say("CLIENT PAUSE 20 WRITE"));
        Assert.Equal("OK", writer.Say("SET a 2"));
    }

    [Theory]
    [InlineData("RPUSH", "list", "a")]
    [InlineData("SET", "text", "value")]
    public void Who_leaves_while_paused_is_missed_at_once_and_has_done_nothing(params string[] write)
    {
        using var server = new InProcessServer("--io-threads", "2");
        using var client = new Conversation(server);
        client.Say("CLIENT PAUSE 100000 WRITE");
        using (var other = new Conversation(server))
        using (var inline = new Conversation(server))
        {
            other.Send(write);
            inline.SendText(string.Join(' ', write) + "\r\n");
            Wait(client, "blocked_clients:2");
        }

        Wait(client, "connected_clients:1");
        Wait(client, "blocked_clients:0");
        client.Say("CLIENT UNPAUSE");
        Assert.Equal("0", client.Say("DBSIZE"));
    }

    [Fact]
    public void What_comes_behind_a_paused_request_waits_with_it()
    {
        using var server = new InProcessServer();
        using var client = new Conversation(server);
        using var other = new Conversation(server);
        client.Say("CLIENT PAUSE 100000 WRITE");
        other.Send("INCR", "a");
        Wait(client, "blocked_clients:1");
        other.SendText(Peer.Encode("INCR", "a") + Peer.Encode("GET", "a"));
        Assert.Equal("(nil)", client.Say("GET a"));
        Assert.True(other.IsSilent());
        client.Say("CLIENT UNPAUSE");
        Assert.Equal(["1", "2", "2"], [other.Read(), other.Read(), other.Read()]);
    }

    [Fact]
    public void A_transaction_with_writes_waits_at_its_end_and_runs_then()
    {
        using var server = new InProcessServer("--io-threads", "2");
        using var client = new Conversation(server);
        using var other = new Conversation(server);
        other.Say("MULTI");
        other.Say("SET a 1");
        client.Say("CLIENT PAUSE 100000 WRITE");
        other.Send("EXEC");
        Wait(client, "blocked_clients:1");
        Assert.Equal("(nil)", client.Say("GET a"));
        client.Say("CLIENT UNPAUSE");
        Assert.Equal("[OK]", other.Read());
    }

    [Fact]
    public void A_pause_ends_by_itself_and_is_never_made_shorter()
    {
        using var server = new InProcessServer();
        using var client = new Conversation(server);
        using var other = new Conversation(server);
        client.Say("CLIENT PAUSE 100000 WRITE");
        client.Say("CLIENT PAUSE 1 WRITE");
        other.Send("SET", "a", "1");
        Wait(client, "blocked_clients:1");
        Assert.Equal("(nil)", client.Say("GET a"));
        client.Say("CLIENT UNPAUSE");
        Assert.Equal("OK", other.Read());
        client.Say("CLIENT PAUSE 50");
        Assert.Equal("1", other.Say("GET a"));
        Assert.Equal("1", client.Say("DEL a"));
    }

    [Theory]
    [InlineData("", ":0\r\n")]
    [InlineData("TIMEOUT", ":0\r\n")]
    [InlineData("ERROR", "-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n")]
    public void Unblock_ends_wait_for_replicas(string reason, string reply)
    {
        using var server = new InProcessServer();
        using var client = new Conversation(server);
        using var other = new Peer(server.Port);
        other.Request("CLIENT", "ID");
        var id = other.Receive(4)[1..2];
        other.Request("WAIT", "1", "0");
        other.Request("PING");
        Wait(client, "blocked_clients:1");
        Assert.Equal("1", client.Say($"CLIENT UNBLOCK {id} {reason}".Trim()));
        Assert.Equal("0", client.Say($"CLIENT UNBLOCK {id}"));
        Assert.Equal(reply + "+PONG\r\n", other.Receive(reply.Length + 7));
    }

    private static int IdOf(Conversation client) => int.Parse(client.Say("CLIENT ID"));

    private static void Wait(Conversation client, string line)
    {
        var deadline = Environment.TickCount64 + 20_000;
        while (!client.Say("INFO clients").Contains($"\r\n{line}\r\n", StringComparison.Ordinal))
            Assert.True(Environment.TickCount64 < deadline, client.Say("INFO clients"));
    }
}
