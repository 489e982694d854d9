using System.Net;
using Millrace.Compat.Tests.Servers;
using Millrace.Compat.Tests.Wire;

namespace Millrace.Compat.Tests.Commands;

/// <summary>
/// CLIENT with several connections: each scenario is played on both servers, and the replies (ids and addresses
/// replaced) and the set of closed connections must be equal.
/// </summary>
public sealed class ClientTests(ServerPair pair) : IClassFixture<ServerPair>
{
    // ID0..ID3 and ADDR0..ADDR3 stand for the four connections; LADDR for the server's address; the request is sent by
    // connection 0.
    [Theory]
    [InlineData("CLIENT KILL ID ID1")]
    [InlineData("CLIENT KILL ID ID0")]
    [InlineData("CLIENT KILL ID ID0 SKIPME no")]
    [InlineData("CLIENT KILL ADDR ADDR2")]
    [InlineData("CLIENT KILL ADDR2")]
    [InlineData("CLIENT KILL ADDR0")]
    [InlineData("CLIENT KILL LADDR LADDR")]
    [InlineData("CLIENT KILL LADDR LADDR SKIPME no")]
    [InlineData("CLIENT KILL TYPE normal")]
    [InlineData("CLIENT KILL TYPE normal SKIPME no")]
    [InlineData("CLIENT KILL TYPE pubsub")]
    [InlineData("CLIENT KILL TYPE master")]
    [InlineData("CLIENT KILL USER default")]
    [InlineData("CLIENT KILL USER nobody")]
    [InlineData("CLIENT KILL ID ID1 ADDR ADDR2")]
    [InlineData("CLIENT KILL ID ID1 ADDR ADDR1 USER default TYPE normal LADDR LADDR")]
    [InlineData("CLIENT KILL ID ID1 ID ID2")]
    [InlineData("CLIENT KILL ID 99999999")]
    [InlineData("CLIENT KILL SKIPME yes")]
    [InlineData("CLIENT KILL SKIPME maybe")]
    [InlineData("CLIENT KILL ID")]
    [InlineData("CLIENT KILL ID abc")]
    [InlineData("CLIENT KILL ID 0")]
    [InlineData("CLIENT KILL TYPE nothing")]
    [InlineData("CLIENT KILL NOTHING x")]
    [InlineData("CLIENT KILL")]
    [InlineData("CLIENT LIST ID ID1 ID3")]
    [InlineData("CLIENT LIST ID ID3 99999999 ID1 ID1")]
    [InlineData("CLIENT LIST TYPE normal")]
    [InlineData("CLIENT LIST TYPE replica")]
    [InlineData("CLIENT LIST TYPE")]
    [InlineData("CLIENT LIST ID")]
    [InlineData("CLIENT LIST NOTHING")]
    public void Kill_and_list_do_what_they_do_in_redis(string request) =>
        Assert.Equal(Play(pair.Redis, request), Play(pair.Millrace, request));

    [Fact]
    public void A_subscriber_that_was_killed_counts_no_more()
    {
        const int rounds = 300;
        foreach (ServerProcess server in (ServerProcess[])[pair.Redis, pair.Millrace])
        {
            using RawConnection killer = server.Connect();
            for (int round = 0; round < rounds; round++)
            {
                using RawConnection subscriber = server.Connect();
                string id = subscriber.Ask("CLIENT", "ID")[1..^2];
                subscriber.Call("SUBSCRIBE", "killed");
                Assert.Equal(":1\r\n", killer.Ask("PUBLISH", "killed", "before"));
                Assert.Equal(":1\r\n", killer.Ask("CLIENT", "KILL", "ID", id));
                Assert.Equal(":0\r\n", killer.Ask("PUBLISH", "killed", "after"));
                Assert.Equal("*2\r\n$6\r\nkilled\r\n:0\r\n", killer.Ask("PUBSUB", "NUMSUB", "killed"));
            }
        }
    }

    [Fact]
    public void A_name_shows_in_the_list_and_goes_with_reset()
    {
        foreach (ServerProcess server in (ServerProcess[])[pair.Redis, pair.Millrace])
        {
            using RawConnection connection = server.Connect();
            connection.Call("CLIENT", "SETNAME", "somebody");
            Assert.Contains(" name=somebody ", connection.Ask("CLIENT", "LIST"), StringComparison.Ordinal);
            connection.Call("RESET");
            Assert.Contains(" name= ", connection.Ask("CLIENT", "INFO"), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Sizes_in_the_list_are_true()
    {
        using RawConnection connection = pair.Millrace.Connect();
        using RawConnection other = pair.Millrace.Connect();
        other.Send("*2\r\n$4\r\nECHO\r\n$1000\r\n0123456789"u8);
        Thread.Sleep(50);
        string[] lines = ReplyValue.Parse(
            connection.Call("CLIENT", "LIST")).Text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        string own = lines.Single(line => line.Contains("cmd=client|list", StringComparison.Ordinal));
        Assert.Equal("127.0.0.1:" + pair.Millrace.Port, Field(own, "laddr"));
        Assert.Equal(connection.Socket.LocalEndPoint!.ToString(), Field(own, "addr"));
        Assert.Equal("0", Field(own, "idle"));
        string half = lines.Single(line => Field(line, "addr") == other.Socket.LocalEndPoint!.ToString());
        Assert.Equal("NULL", Field(half, "cmd"));
        Assert.True(int.Parse(Field(half, "qbuf"), System.Globalization.CultureInfo.InvariantCulture) > 0, half);
    }

    // The commands of one connection, and what another one sees of it then.
    [Theory]
    [InlineData("PING")]
    [InlineData("CLIENT SETNAME somebody|SELECT 3|HELLO 3")]
    [InlineData("CLIENT NO-EVICT on")]
    [InlineData("MULTI|PING|PING")]
    [InlineData("WATCH k|SET k 1|MULTI|SET a 1")]
    [InlineData("MULTI|PING|EXEC")]
    [InlineData("MULTI|DISCARD|CLIENT NO-EVICT on|CLIENT NO-EVICT off")]
    [InlineData("CLIENT SETNAME somebody|MULTI|RESET")]
    [InlineData("BLPOP nothing 0")]
    [InlineData("CLIENT NO-EVICT on|WATCH k|SET k 1|MULTI|NOTHING")]
    [InlineData("NOTHING")]
    [InlineData("OBJECT HELP")]
    public void A_client_is_seen_by_others_as_in_redis(string requests) =>
        Assert.Equal(SeenAfter(pair.Redis, requests), SeenAfter(pair.Millrace, requests));

    [Fact]
    public void The_fields_are_those_of_redis_in_its_order_and_later_ones()
    {
        string[] later = ["watch", "lib-name", "lib-ver", "io-thread", "tot-net-in", "tot-net-out", "tot-cmds"];
        Assert.Equal(Fields(pair.Redis), Fields(pair.Millrace).Except(later));
        Assert.Equal(later, Fields(pair.Millrace).Intersect(later));
    }

    private static string[] Fields(ServerProcess server)
    {
        using RawConnection connection = server.Connect();
        string line = ReplyValue.Parse(connection.Call("CLIENT", "INFO")).Text.TrimEnd('\n');
        return [.. line.Split(' ').Select(field => field.Split('=')[0])];
    }

    private static string SeenAfter(ServerProcess server, string requests)
    {
        string[] compared = ["name", "flags", "db", "multi", "events", "cmd", "user", "redir", "resp"];
        using RawConnection connection = server.Connect();
        using RawConnection other = server.Connect();
        string id = ReplyValue.Parse(connection.Call("CLIENT", "ID")).Text;
        foreach (string request in requests.Split('|'))
        {
            string[] words = request.Split(' ');
            if (words[0] == "BLPOP") connection.Send(RawConnection.Encode(words));
            else connection.Call(words);
        }

        Thread.Sleep(50);
        string line = ReplyValue.Parse(other.Call("CLIENT", "LIST", "ID", id)).Text.TrimEnd('\n');
        return string.Join(' ', compared.Select(name => $"{name}={Field(line, name)}"));
    }

    private static string Play(ServerProcess server, string request)
    {
        RawConnection[] connections = [.. Enumerable.Range(0, 4).Select(_ => server.Connect())];
        try
        {
            for (int i = 0; i < connections.Length; i++)
            {
                string id = ReplyValue.Parse(connections[i].Call("CLIENT", "ID")).Text;
                string address = ((IPEndPoint)connections[i].Socket.LocalEndPoint!).ToString();
                request = request.Replace($"ID{i}", id, StringComparison.Ordinal);
                request = ReplaceWord(request, $"ADDR{i}", address);
            }
            request = request.Replace("LADDR LADDR", $"LADDR 127.0.0.1:{server.Port}", StringComparison.Ordinal);
            string reply;
            try
            {
                reply = connections[0].Ask(request.Split(' '));
            }
            catch (IOException)
            {
                reply = "(none)";
            }
            string closed = string.Join("", connections.Select(connection => IsClosed(connection) ? 'x' : '.'));
            return $"{Masked(reply)} {closed}";
        }
        finally
        {
            foreach (RawConnection connection in connections)
                connection.Dispose();
        }
    }

    private static string ReplaceWord(string request, string word, string value) =>
        string.Join(' ', request.Split(' ').Select(part => part == word ? value : part));

    // A list is compared by its number of lines: who is in it is known by the ids asked for.
    private static string Masked(string reply) =>
        reply.Contains("addr=", StringComparison.Ordinal)
            ? $"{reply.Split('\n').Count(line => line.StartsWith("id=", StringComparison.Ordinal))} clients" : reply;

    private static bool IsClosed(RawConnection connection)
    {
        try
        {
            connection.Socket.ReceiveTimeout = 1000;
            return !connection.Ask("PING").StartsWith('+');
        }
        catch (Exception fault) when (fault is IOException or System.Net.Sockets.SocketException)
        {
            return true;
        }
    }

    private static string Field(string line, string name) =>
        line.Split(' ').First(field => field.StartsWith(name + "=", StringComparison.Ordinal))[(name.Length + 1)..];
}
