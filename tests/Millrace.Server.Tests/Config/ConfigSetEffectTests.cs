// What CONFIG SET changes in a server that runs, and what it leaves alone when it fails.

using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Millrace.Server.Tests.Config;

public class ConfigSetEffectTests
{
    private const int MiB = 1024 * 1024;
    private const string TooLong = "ERR string exceeds maximum allowed size (proto-max-bulk-len)";

    [Fact]
    public void Proto_max_bulk_len_binds_append_and_setrange_when_it_is_raised_and_when_it_is_lowered()
    {
        using var server = new InProcessServer("--io-threads", "2", "--proto-max-bulk-len", "1mb");
        using var one = new Conversation(server);
        using var other = new Conversation(server);
        AssertLimit(one, MiB);
        AssertLimit(other, MiB);
        Assert.Equal("OK", one.Say("CONFIG SET proto-max-bulk-len 2mb"));
        AssertLimit(one, 2 * MiB);
        AssertLimit(other, 2 * MiB);
        Assert.Equal("OK", other.Say("CONFIG SET proto-max-bulk-len 1mb"));
        AssertLimit(one, MiB);
        AssertLimit(other, MiB);
    }

    [Fact]
    public void A_busy_port_leaves_tcp_keepalive_and_the_port_as_they_were()
    {
        using var server = new InProcessServer("--tcp-keepalive", "77");
        using var client = new Conversation(server);
        using var busy = new TcpListener(IPAddress.Loopback, 0);
        busy.Start();
        var port = ((IPEndPoint)busy.LocalEndpoint).Port.ToString(CultureInfo.InvariantCulture);
        string[][] orders =
        [
            ["CONFIG", "SET", "tcp-keepalive", "11", "port", port],
            ["CONFIG", "SET", "port", port, "tcp-keepalive", "11"],
        ];
        foreach (var order in orders)
        {
            Assert.Equal(
                "ERR CONFIG SET failed (possibly related to argument 'port') - Unable to listen on this port. Check "
                    + "server logs.",
                client.SayWords(order));
            Assert.Equal("[tcp-keepalive 77]", client.Say("CONFIG GET tcp-keepalive"));
            Assert.Equal(string.Create(CultureInfo.InvariantCulture, $"[port {server.Port}]"),
                client.Say("CONFIG GET port"));
            Assert.Equal(77, server.Server.Parts.Loops.TcpKeepAliveSeconds);
        }

        using var late = new Conversation(server);
        Assert.Equal("PONG", late.Say("PING"));
        Assert.Equal("OK", late.Say("CONFIG SET tcp-keepalive 11"));
        Assert.Equal(11, server.Server.Parts.Loops.TcpKeepAliveSeconds);
    }

    [Fact]
    public void Of_a_port_and_addresses_that_cannot_be_listened_on_the_first_one_named_is_told()
    {
        using var server = new InProcessServer();
        using var client = new Conversation(server);
        var port = server.Port.ToString(CultureInfo.InvariantCulture);
        using var busy = new TcpListener(IPAddress.Loopback, 0);
        busy.Start();
        var taken = ((IPEndPoint)busy.LocalEndpoint).Port.ToString(CultureInfo.InvariantCulture);
        const string failed = "ERR CONFIG SET failed (possibly related to argument ";
        const string ofBind = failed + "'bind') - Failed to bind to specified addresses.";
        const string ofPort = failed + "'port') - Unable to listen on this port. Check server logs.";
        Assert.Equal(ofBind, client.SayWords("CONFIG", "SET", "bind", "999.999.999.999"));
        Assert.Equal(ofBind, client.SayWords("CONFIG", "SET", "bind", "127.0.0.1 203.0.113.9"));
        Assert.Equal(ofBind, client.SayWords("CONFIG", "SET", "bind", "203.0.113.9", "port", taken));
        Assert.Equal(ofPort, client.SayWords("CONFIG", "SET", "port", taken, "bind", "203.0.113.9"));
        Assert.Equal(ofPort, client.SayWords("CONFIG", "SET", "port", taken, "bind", "127.0.0.1"));
        Assert.Equal($"[bind 127.0.0.1 port {port}]", client.Say("CONFIG GET bind port"));
        using var late = new Conversation(server);
        Assert.Equal("PONG", late.Say("PING"));
        Assert.Equal("OK", client.SayWords("CONFIG", "SET", "bind", "127.0.0.1 -203.0.113.9"));
        Assert.Equal("OK", client.SayWords("CONFIG", "SET", "bind", ""));
        Assert.Throws<SocketException>(() => new Conversation(server));
        Assert.Equal("OK", client.SayWords("CONFIG", "SET", "bind", "127.0.0.1"));
        using var last = new Conversation(server);
        Assert.Equal("PONG", last.Say("PING"));
    }

    [Fact]
    public void All_addresses_take_the_place_of_a_single_one_and_the_other_way_round()
    {
        using var server = new InProcessServer();
        using var client = new Conversation(server);
        foreach (var bind in (string[])["*", "127.0.0.1", "* -::*", "127.0.0.1 -::1", "0.0.0.0", "127.0.0.1"])
        {
            Assert.Equal("OK", client.SayWords("CONFIG", "SET", "bind", bind));
            using var late = new Conversation(server);
            Assert.Equal("PONG", late.Say("PING"));
        }

        Assert.StartsWith("ERR", client.SayWords("CONFIG", "SET", "bind", "* 203.0.113.9"));
        Assert.Equal("[bind 127.0.0.1]", client.Say("CONFIG GET bind"));
        using var last = new Conversation(server);
        Assert.Equal("PONG", last.Say("PING"));
        Assert.Equal("127.0.0.1", Assert.Single(server.Server.Listeners).Endpoint.Address!.ToString());
    }

    private static void AssertLimit(Conversation client, int limit)
    {
        var text = limit.ToString(CultureInfo.InvariantCulture);
        client.Say("DEL k");
        Assert.Equal(TooLong, client.Say($"SETRANGE k {text} x"));
        Assert.Equal("0", client.Say("EXISTS k"));
        Assert.Equal(text, client.Say($"SETRANGE k {limit - 1} x"));
        Assert.Equal(TooLong, client.Say("APPEND k x"));
        Assert.Equal(text, client.Say("STRLEN k"));
        client.Say($"SETRANGE other {limit - 2} x");
        Assert.Equal(text, client.Say("APPEND other y"));
        client.Say("DEL other");
    }
}
