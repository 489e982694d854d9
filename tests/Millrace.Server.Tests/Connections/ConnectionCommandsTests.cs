namespace Millrace.Server.Tests.Connections;

public class ConnectionCommandsTests
{
    private const string NoAuthHello =
        "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH <user> <pass> "
            + "option can be used "
        + "to authenticate the client and select the RESP protocol version at the same time";

    [Theory]
    [InlineData("PING", "PONG")]
    [InlineData("PING x", "x")]
    [InlineData("PING x y", "ERR wrong number of arguments for 'ping' command")]
    [InlineData("ECHO x", "x")]
    [InlineData("ECHO", "ERR wrong number of arguments for 'echo' command")]
    [InlineData("SELECT 15", "OK")]
    [InlineData("SELECT 16", "ERR DB index is out of range")]
    [InlineData("SELECT -1", "ERR DB index is out of range")]
    [InlineData("SELECT x", "ERR value is not an integer or out of range")]
    [InlineData("SELECT 2147483648", "ERR value is out of range, value must between -2147483648 and 2147483647")]
    [InlineData("SELECT 99999999999999999999", "ERR value is not an integer or out of range")]
    [InlineData("AUTH", "ERR wrong number of arguments for 'auth' command")]
    [InlineData("AUTH x", "ERR AUTH <password> called without any password configured for the default user. Are you "
        + "sure your configuration is correct?")]
    [InlineData("AUTH default x", "OK")]
    [InlineData("AUTH nobody x", "WRONGPASS invalid username-password pair or user is disabled.")]
    [InlineData("AUTH a b c", "ERR syntax error")]
    [InlineData("HELLO x", "ERR Protocol version is not an integer or out of range")]
    [InlineData("HELLO 1", "NOPROTO unsupported protocol version")]
    [InlineData("HELLO 99999999999", "NOPROTO unsupported protocol version")]
    [InlineData("HELLO 3 SETNAME", "ERR Syntax error in HELLO option 'SETNAME'")]
    [InlineData("HELLO 3 AUTH default", "ERR Syntax error in HELLO option 'AUTH'")]
    [InlineData("HELLO 3 nothing", "ERR Syntax error in HELLO option 'nothing'")]
    [InlineData("HELLO 3 AUTH nobody x", "WRONGPASS invalid username-password pair or user is disabled.")]
    [InlineData("HELLO 3 SETNAME caf\xe9", "ERR Client names cannot contain spaces, newlines or special characters.")]
    [InlineData("RESET x", "ERR wrong number of arguments for 'reset' command")]
    public void A_request_has_this_reply(string request, string reply)
    {
        using var server = new InProcessServer();
        using var client = new Conversation(server);
        Assert.Equal(reply, client.Say(request));
        Assert.Equal("PONG", client.Say("PING"));
    }

    [Fact]
    public void Hello_changes_the_protocol_and_greets_in_the_new_one()
    {
        using var server = new InProcessServer();
        using var client = new Conversation(server);
        var id = client.Say("CLIENT ID");
        Assert.Equal(
            "%7\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$5\r\n7.2.4\r\n$5\r\nproto\r\n:3\r\n$2\r\nid\r\n:"
                + id
            + "\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*0\r\n",
            client.Bytes("HELLO 3 SETNAME worker"));
        Assert.Equal("worker", client.Say("CLIENT GETNAME"));
        Assert.Equal("_\r\n", client.Bytes("GET nothing"));
        Assert.StartsWith("%7\r\n", client.Bytes("HELLO"), StringComparison.Ordinal);
        Assert.StartsWith("*14\r\n", client.Bytes("HELLO 2"), StringComparison.Ordinal);
        Assert.Equal("$-1\r\n", client.Bytes("GET nothing"));
    }

    [Fact]
    public void A_failed_hello_changes_nothing()
    {
        using var server = new InProcessServer();
        using var client = new Conversation(server);
        client.Say("HELLO 3 SETNAME a AUTH nobody x");
        client.Say("HELLO 3 SETNAME a nothing");
        Assert.Equal("$-1\r\n", client.Bytes("CLIENT GETNAME"));
    }

    [Fact]
    public void Reset_makes_the_connection_as_good_as_new_but_keeps_the_library()
    {
        using var server = new InProcessServer();
        using var client = new Conversation(server);
        foreach (var request in (string[])["HELLO 3", "SELECT 5", "CLIENT SETNAME a", "CLIENT NO-EVICT ON",
            "CLIENT SETINFO lib-name l"])
            client.Say(request);
        Assert.Equal("+RESET\r\n", client.Bytes("RESET"));
        var info = client.Say("CLIENT INFO");
        Assert.Contains(" name= ", info, StringComparison.Ordinal);
        Assert.Contains(" flags=N db=0 ", info, StringComparison.Ordinal);
        Assert.Contains(" resp=2 lib-name=l ", info, StringComparison.Ordinal);
    }

    [Fact]
    public void Reset_answers_although_replies_are_switched_off()
    {
        using var server = new InProcessServer();
        using var client = new Conversation(server);
        client.Send("CLIENT", "REPLY", "OFF");
        client.Send("PING");
        Assert.Equal("RESET", client.Say("RESET"));
        Assert.Equal("PONG", client.Say("PING"));
    }

    [Fact]
    public void Quit_answers_closes_and_runs_nothing_more()
    {
        using var server = new InProcessServer();
        using var client = new Conversation(server);
        client.Send("QUIT", "a", "b");
        client.Send("SET", "k", "v");
        Assert.Equal("OK", client.Read());
        Assert.True(client.IsClosed());
        using var other = new Conversation(server);
        Assert.Equal("(nil)", other.Say("GET k"));
    }

    [Fact]
    public void With_a_password_little_is_allowed_before_it_is_given()
    {
        using var server = new InProcessServer("--requirepass", "secret");
        using var client = new Conversation(server);
        Assert.Equal("NOAUTH Authentication required.", client.Say("PING"));
        Assert.Equal("NOAUTH Authentication required.", client.Say("CLIENT ID"));
        Assert.Equal(NoAuthHello, client.Say("HELLO 3"));
        Assert.Equal(NoAuthHello, client.Say("HELLO"));
        Assert.Equal("WRONGPASS invalid username-password pair or user is disabled.", client.Say("AUTH wrong"));
        Assert.Equal("WRONGPASS invalid username-password pair or user is disabled.", client.Say("AUTH nobody secret"));
        Assert.Equal("RESET", client.Say("RESET"));
        Assert.Equal("OK", client.Say("AUTH secret"));
        Assert.Equal("PONG", client.Say("PING"));
        Assert.Equal("WRONGPASS invalid username-password pair or user is disabled.", client.Say("AUTH wrong"));
        Assert.Equal("PONG", client.Say("PING"));
        Assert.Equal("RESET", client.Say("RESET"));
        Assert.Equal("NOAUTH Authentication required.", client.Say("PING"));
        Assert.StartsWith("%7", client.Bytes("HELLO 3 AUTH default secret"), StringComparison.Ordinal);
        Assert.Equal("OK", client.Say("QUIT"));
    }
}
