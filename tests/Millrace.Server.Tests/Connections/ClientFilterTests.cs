using System.Text.RegularExpressions;

namespace Millrace.Server.Tests.Connections;

/// <summary>The conditions of CLIENT LIST and CLIENT KILL.</summary>
public sealed class ClientFilterTests
{
    // a: database 3, library lib 1.0; b: in MULTI, without eviction; c: nothing. The one that asks is d.
    [Theory]
    [InlineData("NAME a", "a")]
    [InlineData("NAME A", "")]
    [InlineData("NAME nobody NAME b", "b")]
    [InlineData("NOT-NAME a", "b c d")]
    [InlineData("NAME a NOT-NAME a", "")]
    [InlineData("LIB-NAME lib", "a")]
    [InlineData("NOT-LIB-NAME lib", "b c d")]
    [InlineData("LIB-VER 1.0", "a")]
    [InlineData("NOT-LIB-VER 1.0 not-name b", "c d")]
    [InlineData("DB 3", "a")]
    [InlineData("not-db 3", "b c d")]
    [InlineData("FLAGS x", "b")]
    [InlineData("FLAGS ex", "b")]
    [InlineData("FLAGS xN", "")]
    [InlineData("FLAGS xt", "")]
    [InlineData("FLAGS N", "a c d")]
    [InlineData("NOT-FLAGS N", "b")]
    [InlineData("FLAGS N NOT-FLAGS x", "a c d")]
    [InlineData("TYPE normal", "a b c d")]
    [InlineData("TYPE primary", "")]
    [InlineData("NOT-TYPE normal", "")]
    [InlineData("NOT-TYPE slave", "a b c d")]
    [InlineData("USER default", "a b c d")]
    [InlineData("NOT-USER default", "")]
    [InlineData("IP 127.0.0.1", "a b c d")]
    [InlineData("IP 127.0.0.", "")]
    [InlineData("NOT-IP 127.0.0.1", "")]
    [InlineData("NOT-IP 1.2.3.4", "a b c d")]
    [InlineData("ADDR 127.0.0.1:1", "")]
    [InlineData("NOT-ADDR 127.0.0.1:1", "a b c d")]
    [InlineData("LADDR 127.0.0.1:1", "")]
    [InlineData("NOT-LADDR 127.0.0.1:1", "a b c d")]
    [InlineData("SKIPME yes", "a b c")]
    [InlineData("SKIPME NO", "a b c d")]
    [InlineData("IDLE 1000", "")]
    [InlineData("MAXAGE 1000", "")]
    [InlineData("ID 1000000 NAME a", "")]
    [InlineData("NOT-ID 1000000", "a b c d")]
    [InlineData("FLAGS N SKIPME yes NOT-NAME a", "c")]
    public void A_list_has_those_that_meet_all_conditions(string conditions, string names)
    {
        using var server = new InProcessServer("--io-threads", "2");
        using var a = new Conversation(server);
        using var b = new Conversation(server);
        using var c = new Conversation(server);
        using var d = new Conversation(server);
        Assert.Equal("OK", a.Say("CLIENT SETNAME a"));
        Assert.Equal("OK", b.Say("CLIENT SETNAME b"));
        Assert.Equal("OK", c.Say("CLIENT SETNAME c"));
        Assert.Equal("OK", d.Say("CLIENT SETNAME d"));
        Assert.Equal("OK", a.Say("SELECT 3"));
        Assert.Equal("OK", a.Say("CLIENT SETINFO lib-name lib"));
        Assert.Equal("OK", a.Say("CLIENT SETINFO lib-ver 1.0"));
        Assert.Equal("OK", b.Say("CLIENT NO-EVICT on"));
        Assert.Equal("OK", b.Say("MULTI"));
        Assert.Equal(names, Sorted(NamesIn(d.Say("CLIENT LIST " + conditions))));
        var caller = names.Split(' ').Contains("d") ? 1 : 0;
        var others = names.Split(' ', StringSplitOptions.RemoveEmptyEntries).Length - caller;
        Assert.Equal($"{others}", d.Say("CLIENT KILL " + conditions + " SKIPME yes"));
        Assert.Equal("PONG", d.Say("PING"));
    }

    [Theory]
    [InlineData("id x", "ERR Invalid client ID", "ERR client-id should be greater than 0")]
    [InlineData("id name", "ERR Invalid client ID", "ERR client-id should be greater than 0")]
    [InlineData("id 1 x", "ERR Invalid client ID", "ERR syntax error")]
    [InlineData("id 1 name", "ERR syntax error", "ERR syntax error")]
    [InlineData("not-id x", "ERR Invalid client ID", "ERR client-id should be greater than 0")]
    [InlineData("id 9223372036854775808", "ERR Invalid client ID", "ERR client-id should be greater than 0")]
    [InlineData("type x", "ERR Unknown client type 'x'")]
    [InlineData("not-type x", "ERR Unknown client type 'x'")]
    [InlineData("user x", "ERR No such user 'x'")]
    [InlineData("not-user x", "ERR No such user 'x'")]
    [InlineData("maxage x", "ERR maxage is not an integer or out of range")]
    [InlineData("maxage 0", "ERR maxage should be greater than 0")]
    [InlineData("idle x", "ERR idle is not an integer or out of range")]
    [InlineData("idle -1", "ERR idle should be greater than 0")]
    [InlineData("db x", "ERR DB is not an integer or out of range")]
    [InlineData("db 4294967296", "ERR DB is not an integer or out of range")]
    [InlineData("db 16", "ERR DB number should be between 0 and 15")]
    [InlineData("not-db -1", "ERR DB number should be between 0 and 15")]
    [InlineData("flags Q", "ERR Unknown flags found in the provided filter: Q")]
    [InlineData("flags NZ", "ERR Unknown flags found in the provided filter: NZ")]
    [InlineData("not-flags n", "ERR Unknown flags found in the NOT-FLAGS filter: n")]
    [InlineData("skipme maybe", "ERR syntax error")]
    [InlineData("not-skipme yes", "ERR syntax error")]
    [InlineData("not-maxage 1", "ERR syntax error")]
    [InlineData("not-idle 1", "ERR syntax error")]
    [InlineData("not- 1", "ERR syntax error")]
    [InlineData("not-not-name a", "ERR syntax error")]
    [InlineData("capa r", "ERR syntax error")]
    [InlineData("name a type", "ERR syntax error")]
    [InlineData("name a b c", "ERR syntax error")]
    public void What_makes_no_sense_is_refused(string conditions, string list, string? kill = null)
    {
        using var server = new InProcessServer();
        using var client = new Conversation(server);
        Assert.Equal(list, client.Say("CLIENT LIST " + conditions));
        Assert.Equal(kill ?? list, client.Say("CLIENT KILL " + conditions));
        Assert.Equal("PONG", client.Say("PING"));
    }

    [Fact]
    public void Ids_come_in_the_order_in_which_they_are_asked_for_and_other_conditions_narrow_them()
    {
        using var server = new InProcessServer("--io-threads", "2");
        using var a = new Conversation(server);
        using var b = new Conversation(server);
        using var c = new Conversation(server);
        a.Say("CLIENT SETNAME a");
        b.Say("CLIENT SETNAME b");
        var (first, second) = (a.Say("CLIENT ID"), b.Say("CLIENT ID"));
        Assert.Equal("b a b", NamesIn(c.Say($"CLIENT LIST ID {second} 99 {first} {second}")));
        Assert.Equal("b b", NamesIn(c.Say($"CLIENT LIST ID {second} {first} {second} NAME b")));
        Assert.Equal("a", NamesIn(c.Say($"CLIENT LIST NOT-ID {second} -1 0 SKIPME yes")));
        Assert.Equal("2", c.Say($"CLIENT KILL ID {second} {first} {c.Say("CLIENT ID")}"));
    }

    [Fact]
    public void Clients_are_told_by_their_addresses_and_by_how_long_they_are_silent()
    {
        using var server = new InProcessServer();
        using var old = new Conversation(server);
        old.Say("CLIENT SETNAME old");
        Thread.Sleep(1100);
        using var client = new Conversation(server);
        client.Say("CLIENT SETNAME new");
        Assert.Equal("old", NamesIn(client.Say($"CLIENT LIST ADDR {old.Address}")));
        Assert.Equal("new", NamesIn(client.Say($"CLIENT LIST NOT-ADDR {old.Address}")));
        Assert.Equal("new old", Sorted(NamesIn(client.Say($"CLIENT LIST LADDR 127.0.0.1:{server.Port}"))));
        Assert.Contains("old", NamesAtLeast(client, "MAXAGE", "age"), StringComparison.Ordinal);
        Assert.Contains("old", NamesAtLeast(client, "IDLE", "idle"), StringComparison.Ordinal);
        old.Say("PING");
        NamesAtLeast(client, "IDLE", "idle");
        Assert.Equal("1", client.Say("CLIENT KILL MAXAGE 1 NOT-NAME new"));
        Assert.True(old.IsClosed());
    }

    [Fact]
    public void Long_words_are_nobodys_and_harm_nobody()
    {
        using var server = new InProcessServer();
        using var client = new Conversation(server);
        client.SayWords("CLIENT", "SETNAME", new string('n', 65536));
        foreach (var condition in (string[])["NAME", "LIB-NAME", "ADDR", "LADDR", "IP"])
            Assert.Equal("", client.SayWords("CLIENT", "LIST", condition, new string('n', 1_000_000)));
        Assert.NotEqual("", client.SayWords("CLIENT", "LIST", "NAME", new string('n', 65536)));
        Assert.NotEqual("", client.SayWords("CLIENT", "LIST", "FLAGS", new string('N', 1_000_000)));
        Assert.Equal(
            "ERR Unknown flags found in the provided filter: " + new string('N', 128),
            client.SayWords("CLIENT", "LIST", "FLAGS", new string('N', 1_000_000) + "?"));
    }

    // Clients of several loops may be taken in in another order than that in which they connect.
    private static string Sorted(string names) => string.Join(' ', names.Split(' ').Order(StringComparer.Ordinal));

    // The names under a condition of one second: those of the clients whose lines, at the same moment, have as much.
    private static string NamesAtLeast(Conversation client, string condition, string field)
    {
        client.Say("MULTI");
        client.Say("CLIENT LIST");
        client.Say($"CLIENT LIST {condition} 1");
        var lists = client.Say("EXEC")[1..].Split("\n ");
        var expected = lists[0].Split('\n').Where(line => !line.Contains($" {field}=0 ", StringComparison.Ordinal));
        Assert.Equal(NamesIn(string.Join('\n', expected)), NamesIn(lists[1]));
        return NamesIn(lists[1]);
    }

    private static string NamesIn(string list) =>
        string.Join(' ', Regex.Matches(list, " name=([^ ]*) ").Select(static one => one.Groups[1].Value));
}
