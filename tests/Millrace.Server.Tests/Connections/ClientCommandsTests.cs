using System.Net.Sockets;
using System.Text.RegularExpressions;

namespace Millrace.Server.Tests.Connections;

public class ClientCommandsTests
{
    [Theory]
    [InlineData("CLIENT", "ERR wrong number of arguments for 'client' command")]
    [InlineData("CLIENT nothing", "ERR unknown subcommand 'nothing'. Try CLIENT HELP.")]
    [InlineData("CLIENT ID x", "ERR wrong number of arguments for 'client|id' command")]
    [InlineData("CLIENT GETNAME", "(nil)")]
    [InlineData("CLIENT SETNAME a|b", "OK")]
    [InlineData("CLIENT SETNAME a\nb", "ERR Client names cannot contain spaces, newlines or special characters.")]
    [InlineData("CLIENT SETNAME \x7f", "ERR Client names cannot contain spaces, newlines or special characters.")]
    [InlineData("CLIENT SETINFO lib-name", "ERR wrong number of arguments for 'client|setinfo' command")]
    [InlineData("CLIENT SETINFO lib-ver a\tb", "ERR lib-ver cannot contain spaces, newlines or special characters.")]
    [InlineData("CLIENT SETINFO badger x", "ERR Unrecognized option 'badger'")]
    [InlineData("CLIENT NO-EVICT x", "ERR syntax error")]
    [InlineData("CLIENT NO-TOUCH x", "ERR syntax error")]
    [InlineData("CLIENT REPLY x", "ERR syntax error")]
    [InlineData("CLIENT LIST x", "ERR syntax error")]
    [InlineData("CLIENT LIST TYPE", "ERR syntax error")]
    [InlineData("CLIENT LIST TYPE x", "ERR Unknown client type 'x'")]
    [InlineData("CLIENT LIST TYPE PubSub", "")]
    [InlineData("CLIENT LIST TYPE replica", "")]
    [InlineData("CLIENT LIST ID", "ERR syntax error")]
    [InlineData("CLIENT LIST ID x", "ERR Invalid client ID")]
    [InlineData("CLIENT LIST ID 0 -1 999", "")]
    [InlineData("CLIENT KILL", "ERR wrong number of arguments for 'client|kill' command")]
    [InlineData("CLIENT KILL 1.2.3.4:5", "ERR No such client")]
    [InlineData("CLIENT KILL ID x", "ERR client-id should be greater than 0")]
    [InlineData("CLIENT KILL ID 0", "ERR client-id should be greater than 0")]
    [InlineData("CLIENT KILL ID 999", "0")]
    [InlineData("CLIENT KILL ID 999 998", "0")]
    [InlineData("CLIENT KILL ID 999 x", "ERR syntax error")]
    [InlineData("CLIENT KILL TYPE x", "ERR Unknown client type 'x'")]
    [InlineData("CLIENT KILL USER x", "ERR No such user 'x'")]
    [InlineData("CLIENT KILL SKIPME maybe", "ERR syntax error")]
    [InlineData("CLIENT KILL MAXAGE x", "ERR maxage is not an integer or out of range")]
    [InlineData("CLIENT KILL MAXAGE 9999999999999999999", "ERR maxage is not an integer or out of range")]
    [InlineData("CLIENT KILL MAXAGE -1", "ERR maxage should be greater than 0")]
    [InlineData("CLIENT KILL MAXAGE 100 SKIPME no", "0")]
    [InlineData("CLIENT KILL ADDR 1.2.3.4:5 SKIPME no", "0")]
    [InlineData("CLIENT KILL LADDR 1.2.3.4:5 SKIPME no", "0")]
    [InlineData("CLIENT KILL TYPE master SKIPME no", "0")]
    [InlineData("CLIENT KILL USER default", "0")]
    public void A_request_has_this_reply(string request, string reply)
    {
        using var server = new InProcessServer();
        using var client = new Conversation(server);
        Assert.Equal(reply, client.Say(request));
        Assert.Equal("PONG", client.Say("PING"));
    }

    [Fact]
    public void The_line_of_a_client_has_the_fields_of_redis_in_order()
    {
        using var server = new InProcessServer("--io-threads", "1");
        using var client = new Conversation(server);
        client.Say("CLIENT SETINFO LIB-NAME lib");
        client.Say("CLIENT SETINFO lib-ver 1.0");
        const string pattern =
            @"^id=\d+ addr=127\.0\.0\.1:\d+ laddr=127\.0\.0\.1:\d+ fd=\d+ name= age=\d+ idle=0 flags=N db=0 sub=0 "
                + @"psub=0 ssub=0 multi=-1 watch=0 "
            + @"qbuf=0 qbuf-free=0 argv-mem=\d+ multi-mem=0 rbs=\d+ rbp=\d+ obl=0 oll=0 omem=0 tot-mem=\d+ events=r "
            + @"cmd=client\|(info|list) user=default redir=-1 resp=2 lib-name=lib lib-ver=1\.0 "
            + @"io-thread=0 tot-net-in=\d+ tot-net-out=\d+ tot-cmds=\d+\n$";
        Assert.Matches(pattern, client.Say("CLIENT INFO"));
        Assert.Matches(pattern, client.Say("CLIENT LIST"));
        Assert.Contains($" addr={client.Address} ", client.Say("CLIENT INFO"), StringComparison.Ordinal);
        client.Say("HELLO 3");
        Assert.Matches(@"^=\d+\r\ntxt:id=", client.Bytes("CLIENT LIST"));
    }

    [Fact]
    public void Flags_and_names_are_shown()
    {
        using var server = new InProcessServer();
        using var client = new Conversation(server);
        client.Say("CLIENT NO-EVICT ON");
        client.Say("CLIENT NO-TOUCH ON");
        client.Say("CLIENT SETNAME me");
        client.Say("SELECT 3");
        Assert.Matches(@" name=me age=\d+ idle=0 flags=eT db=3 ", client.Say("CLIENT INFO"));
        client.Say("CLIENT NO-EVICT OFF");
        client.Say("CLIENT NO-TOUCH OFF");
        Assert.Contains(" flags=N ", client.Say("CLIENT INFO"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_list_has_the_clients_of_all_loops_and_can_be_narrowed()
    {
        using var server = new InProcessServer("--io-threads", "3");
        using var client = new Conversation(server);
        var others = Enumerable.Range(0, 7).Select(_ => new Conversation(server)).ToList();
        var ids = others.ConvertAll(static one => one.Say("CLIENT ID"));
        var lines = client.Say("CLIENT LIST").TrimEnd('\n').Split('\n');
        Assert.Equal(8, lines.Length);
        Assert.Equal(lines.OrderBy(IdOf), lines);
        var two = client.Say($"CLIENT LIST ID {ids[2]} 0 {ids[5]}").TrimEnd('\n').Split('\n');
        Assert.Equal([ids[2], ids[5]], two.Select(static one => $"{IdOf(one)}"));
        Assert.Equal(8, client.Say("CLIENT LIST TYPE normal").TrimEnd('\n').Split('\n').Length);
        others.ForEach(static one => one.Dispose());
    }

    [Fact]
    public void Traffic_and_commands_are_counted()
    {
        using var server = new InProcessServer("--io-threads", "2");
        using var client = new Conversation(server);
        using var other = new Conversation(server);
        var start = Totals(client.Say("CLIENT INFO"));
        Assert.Equal(("26", "0", "0"), start);
        client.Say("MULTI");
        client.Say("ECHO a");
        client.Say("nothing");
        client.Say("GET");
        client.Say("EXEC");
        var (bytesIn, bytesOut, commands) = Totals(client.Say("CLIENT INFO"));
        Assert.Equal("3", commands); // CLIENT INFO, MULTI and EXEC: what is refused does not run, and is not queued
        Assert.Equal(26 + 15 + 21 + 17 + 13 + 14 + 26, int.Parse(bytesIn));
        Assert.True(int.Parse(bytesOut) > 300, bytesOut);

        var id = other.Say("CLIENT ID");
        other.Say("MULTI");
        other.Say("ECHO a");
        other.Say("EXEC");
        Assert.Equal("4", Totals(client.Say($"CLIENT LIST ID {id}")).Commands);
        other.Send("BLPOP", "list", "0");
        client.Say("INFO");
        Until(() => client.Say($"CLIENT LIST ID {id}").Contains(" flags=b ", StringComparison.Ordinal));
        var waiting = Totals(client.Say($"CLIENT LIST ID {id}"));
        Assert.Equal("4", waiting.Commands);
        client.Say("RPUSH list a");
        Assert.Equal("[list a]", other.Read());
        var served = Totals(client.Say($"CLIENT LIST ID {id}"));
        Assert.Equal("5", served.Commands);
        Assert.Equal(waiting.BytesIn, served.BytesIn);
        Assert.Equal("*2\r\n$4\r\nlist\r\n$1\r\na\r\n".Length,
            int.Parse(served.BytesOut) - int.Parse(waiting.BytesOut));

        static (string BytesIn, string BytesOut, string Commands) Totals(string line)
        {
            var match = Regex.Match(line, @" tot-net-in=(\d+) tot-net-out=(\d+) tot-cmds=(\d+)\n$");
            return (match.Groups[1].Value, match.Groups[2].Value, match.Groups[3].Value);
        }
    }

    private static void Until(Func<bool> condition)
    {
        var deadline = Environment.TickCount64 + 10_000;
        while (!condition()) Assert.True(Environment.TickCount64 < deadline);
    }

    [Fact]
    public void Subscriptions_count_as_memory_of_their_client_until_they_end()
    {
        using var server = new InProcessServer();
        using var client = new Conversation(server);
        using var other = new Peer(server.Port);
        other.Request("CLIENT", "SETNAME", "hears");
        Assert.Equal("+OK\r\n", other.Receive(5));
        other.Ask("*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n", "SUBSCRIBE", "a");
        other.Ask("*3\r\n$10\r\npsubscribe\r\n$1\r\nb\r\n:2\r\n", "PSUBSCRIBE", "b");
        Assert.Matches(" tot-mem=288 ", Line());
        other.Ask("*3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:1\r\n", "UNSUBSCRIBE", "a");
        Assert.Matches(" tot-mem=144 ", Line());

        string Line() => client.Say("CLIENT LIST").Split('\n').Single(static one =>
            one.Contains("name=hears", StringComparison.Ordinal));
    }

    [Fact]
    public void Unread_input_is_shown_in_its_true_size()
    {
        using var server = new InProcessServer();
        using var client = new Conversation(server);
        using var other = new Peer(server.Port);
        other.Request("CLIENT", "SETNAME", "half");
        Assert.Equal("+OK\r\n", other.Receive(5));
        Assert.Matches(" qbuf=0 qbuf-free=0 .* tot-mem=0 ", Line());
        other.Send("*3\r\n$3\r\nset\r\n$2\r\na");
        var deadline = Environment.TickCount64 + 10_000;
        while (!Line().Contains(" qbuf=18 ", StringComparison.Ordinal))
            Assert.True(Environment.TickCount64 < deadline, Line());
        Assert.DoesNotMatch(" tot-mem=0 ", Line());

        string Line() => client.Say("CLIENT LIST").Split('\n').Single(static one =>
            one.Contains("name=half", StringComparison.Ordinal));
    }

    [Fact]
    public void Kill_closes_the_clients_that_meet_all_conditions()
    {
        using var server = new InProcessServer("--io-threads", "2");
        using var client = new Conversation(server);
        using var first = new Conversation(server);
        using var second = new Conversation(server);
        using var third = new Conversation(server);
        var id = first.Say("CLIENT ID");
        second.Say("PING");
        third.Say("PING");
        Assert.Equal("0", client.Say($"CLIENT KILL ID {id} ADDR {second.Address}"));
        Assert.Equal("1", client.Say($"CLIENT KILL ID {id} ADDR {first.Address} TYPE normal USER default"));
        Assert.True(first.IsClosed());
        Assert.Equal("0", client.Say($"CLIENT KILL ID {id}"));
        Assert.Equal("OK", client.Say($"CLIENT KILL {second.Address}"));
        Assert.True(second.IsClosed());
        Assert.Single(Regex.Matches(client.Say("INFO clients"), "connected_clients:2\r"));
        Assert.Equal("1", client.Say("CLIENT KILL SKIPME yes"));
        Assert.True(third.IsClosed());
        Assert.Equal("PONG", client.Say("PING"));
    }

    [Fact]
    public void A_client_that_kills_itself_gets_its_reply_first()
    {
        using var server = new InProcessServer();
        using var client = new Conversation(server);
        Assert.Equal("1", client.Say("CLIENT KILL SKIPME no"));
        Assert.True(client.IsClosed());
        using var other = new Conversation(server);
        Assert.Equal("OK", other.Say($"CLIENT KILL {other.Address}"));
        Assert.True(other.IsClosed());
    }

    [Fact]
    public void Replies_are_switched_off_skipped_and_switched_on()
    {
        using var server = new InProcessServer();
        using var client = new Conversation(server);
        client.Send("CLIENT", "REPLY", "OFF");
        client.Send("PING", "1");
        client.Send("CLIENT", "REPLY", "SKIP");
        client.Send("PING", "2");
        client.Send("nothing");
        Assert.Equal("OK", client.Say("CLIENT REPLY ON"));
        client.Send("CLIENT", "REPLY", "SKIP");
        client.Send("PING", "3");
        Assert.Equal("4", client.Say("PING 4"));
        client.Send("CLIENT", "REPLY", "SKIP");
        Assert.Equal("OK", client.Say("CLIENT REPLY ON"));
        client.Send("CLIENT", "REPLY", "SKIP");
        client.Send("CLIENT", "REPLY", "SKIP");
        client.Send("PING", "5");
        Assert.Equal("6", client.Say("PING 6"));
    }

    [Fact]
    public void No_touch_leaves_the_age_of_keys_alone()
    {
        using var server = new InProcessServer("--enable-debug-command", "yes");
        using var client = new Conversation(server);
        client.Say("SET k v");
        client.Say("CLIENT NO-TOUCH ON");
        var before = Lru();
        Thread.Sleep(1100);
        client.Say("GET k");
        Assert.Equal(before, Lru());
        client.Say("CLIENT NO-TOUCH OFF");
        client.Say("GET k");
        Assert.NotEqual(before, Lru());

        string Lru() => Regex.Match(client.Say("DEBUG OBJECT k"), @" lru:(\d+) ").Groups[1].Value;
    }

    [Theory]
    [InlineData("ERR Client names cannot be longer than 65536 bytes.", "CLIENT SETNAME ")]
    [InlineData("ERR Client names cannot be longer than 65536 bytes.", "HELLO 2 SETNAME ")]
    [InlineData("ERR lib-name cannot be longer than 65536 bytes.", "CLIENT SETINFO lib-name ")]
    [InlineData("ERR Lib-Ver cannot be longer than 65536 bytes.", "CLIENT SETINFO Lib-Ver ")]
    public void Names_have_a_longest_length(string error, string request)
    {
        using var server = new InProcessServer();
        using var client = new Conversation(server);
        Assert.Equal(error, client.Say(request + new string('n', 65537)));
        Assert.DoesNotContain("nn", client.Say("CLIENT INFO"), StringComparison.Ordinal);
        Assert.DoesNotContain("ERR", client.Say(request + new string('n', 65536)), StringComparison.Ordinal);
        Assert.Contains("=" + new string('n', 65536), client.Say("CLIENT LIST"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_list_that_would_be_too_long_is_refused()
    {
        using var server = new InProcessServer();
        using var client = new Conversation(server);
        client.Say("CLIENT SETNAME " + new string('n', 65536));
        var id = client.Say("CLIENT ID");
        string[] list = ["CLIENT", "LIST", "ID"];
        Assert.Equal(
            "ERR the list of clients is too long", client.SayWords([.. list, .. Enumerable.Repeat(id, 2100)]));
        var three = client.SayWords([.. list, .. Enumerable.Repeat(id, 3)]);
        Assert.Equal(3, three.Count(static one => one == '\n'));
    }

    [Theory]
    [InlineData("ERR Unknown client type '{0}'", "CLIENT", "LIST", "TYPE", "{0}")]
    [InlineData("ERR No such user '{0}'", "CLIENT", "KILL", "USER", "{0}")]
    [InlineData("ERR Unrecognized option '{0}'", "CLIENT", "SETINFO", "{0}", "x")]
    [InlineData("ERR Syntax error in HELLO option '{0}'", "HELLO", "2", "{0}")]
    [InlineData("ERR Unknown argument {0}", "FUNCTION", "LIST", "{0}")]
    [InlineData(
        "ERR unknown subcommand or wrong number of arguments for '{0}'. Try DEBUG HELP.", "DEBUG", "{0}")]
    [InlineData("ERR Unknown option or number of arguments for CONFIG SET - '{0}'", "CONFIG", "SET", "{0}", "1")]
    public void Errors_quote_no_more_than_128_bytes_of_a_word(string error, params string[] words)
    {
        using var server = new InProcessServer("--enable-debug-command", "yes");
        using var client = new Conversation(server);
        Assert.Equal(Filled(error, "word"), Ask("word"));
        Assert.Equal(Filled(error, "word"), Ask("word\0rest"));
        Assert.Equal(Filled(error, new string('w', 128)), Ask(new string('w', 128)));
        Assert.Equal(Filled(error, new string('w', 128)), Ask(new string('w', 1_000_000)));

        string Ask(string word) => client.SayWords(Array.ConvertAll(words, one => Filled(one, word)));

        static string Filled(string text, string word) => text.Replace("{0}", word, StringComparison.Ordinal);
    }

    // Each request comes behind a slow one in the same turn, so that several loops ask the others to stand at the same
    // time: those that wait for their turn are killed while they wait.
    [Fact]
    public void Of_clients_that_kill_each_other_one_is_left_and_the_others_do_nothing_more()
    {
        const int count = 4;
        using var server = new InProcessServer("--io-threads", "4");
        using var judge = new Conversation(server);
        for (var i = 0; i < count; i++) judge.SayWords("SET", $"text:{i}", new string('x', 1000));
        for (var round = 0; round < 30; round++)
        {
            var clients = Enumerable.Range(0, count).Select(_ => new Conversation(server)).ToList();
            var ids = clients.ConvertAll(static one => one.Say("CLIENT ID"));
            server.Server.Parts.Loops.Quiesce(null, () =>
            {
                for (var i = 0; i < count; i++)
                {
                    clients[i].SendText(
                        Peer.Encode("LCS", $"text:{i}", $"text:{i}", "LEN")
                            + Peer.Encode(["CLIENT", "KILL", "SKIPME", "yes", "ID", .. ids])
                            + Peer.Encode("INCR", "survivors"));
                }
            });
            var ends = clients.ConvertAll(static one =>
                $"{ReplyOrEnd(one)} {ReplyOrEnd(one)} {ReplyOrEnd(one)}".Trim());
            Assert.True(ends.Count(static end => end == "1000 3 1") == 1, $"round {round}: {string.Join(", ", ends)}");
            Assert.Equal("1", judge.Say("GETDEL survivors"));
            Assert.Equal("PONG", clients[ends.IndexOf("1000 3 1")].Say("PING"));  // the dead have not killed it later
            clients.ForEach(static one => one.Dispose());
        }
    }

    // Null when the server has closed the connection instead of answering.
    private static string? ReplyOrEnd(Conversation client)
    {
        try
        {
            return client.Read();
        }
        catch (Exception fault) when (fault is EndOfStreamException or SocketException
            { SocketErrorCode: SocketError.ConnectionReset or SocketError.ConnectionAborted })
        {
            return null;
        }
    }

    private static long IdOf(string line) => long.Parse(Regex.Match(line, @"^id=(\d+) ").Groups[1].Value);
}
