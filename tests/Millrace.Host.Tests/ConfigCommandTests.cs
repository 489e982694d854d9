using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Millrace.Host.Tests;

public sealed class ConfigCommandTests : IDisposable
{
    private readonly int _port = Ports.Free();
    private readonly HostProcess _host;

    public ConfigCommandTests()
    {
        _host = HostProcess.Start("--port", $"{_port}", "--requirepass", "p\u00e4ss");
        _host.WaitFor("Ready to accept connections tcp");
    }

    public void Dispose() => _host.Dispose();

    [Fact]
    public void CONFIG_answers_as_Redis_does()
    {
        using var client = new TcpClient();
        client.Connect(IPAddress.Loopback, _port);
        Check(client, "AUTH \"p\\xc3\\xa4ss\"", "+OK\r\n");
        Check(client, "CONFIG GET PORT po?", $"*2\r\n$4\r\nPORT\r\n{Bulk($"{_port}")}\r\n");
        Check(client, "CONFIG GET nothing", "*0\r\n");
        Check(client, "CONFIG SET hz 50 timeout 9", "+OK\r\n");
        Check(client, "CONFIG GET hz timeout", "*4\r\n$2\r\nhz\r\n$2\r\n50\r\n$7\r\ntimeout\r\n$1\r\n9\r\n");
        Check(client, "CONFIG SET hz 60 timeout", "-ERR syntax error\r\n");
        Check(
            client,
            "CONFIG SET hz 60 activedefrag yes",
            "-ERR CONFIG SET failed (possibly related to argument 'activedefrag') - active defragmentation is not "
            + "available yet\r\n");
        Check(client, "CONFIG SET nope 1", "-ERR Unknown option or number of arguments for CONFIG SET - 'nope'\r\n");
        Check(client, "CONFIG GET hz", "*2\r\n$2\r\nhz\r\n$2\r\n50\r\n");
        Check(client, "CONFIG GET requirepass", "*2\r\n$11\r\nrequirepass\r\n$5\r\np\u00c3\u00a4ss\r\n");
        Check(client, "CONFIG RESETSTAT", "+OK\r\n");
        Check(client, "CONFIG NOPE", "-ERR unknown subcommand 'NOPE'. Try CONFIG HELP.\r\n");
        Check(client, "CONFIG GET", "-ERR wrong number of arguments for 'config|get' command\r\n");
        Check(client, "CONFIG SET port 0 port 1", "-ERR CONFIG SET failed (possibly related to argument 'port') - "
            + "duplicate parameter\r\n");
    }

    [Fact]
    public void CONFIG_GET_is_a_map_in_RESP3()
    {
        using var client = new TcpClient();
        client.Connect(IPAddress.Loopback, _port);
        client.Client.Send("HELLO 3 AUTH default \"p\\xc3\\xa4ss\"\r\nPING\r\n"u8.ToArray());
        _ = ReadUntil(client, "+PONG\r\n");
        Check(client, "CONFIG GET hz", "%1\r\n$2\r\nhz\r\n$2\r\n10\r\n");
    }

    [Fact]
    public void A_changed_port_is_listened_on_at_once()
    {
        int other = Ports.Free();
        using var client = new TcpClient();
        client.Connect(IPAddress.Loopback, _port);
        Check(client, "AUTH \"p\\xc3\\xa4ss\"", "+OK\r\n");
        Check(client, $"CONFIG SET port {other}", "+OK\r\n");
        Assert.StartsWith("-NOAUTH", HostProcess.Ask(other, "PING"));
        Assert.ThrowsAny<SocketException>(() => HostProcess.Ask(_port, "PING"));
    }

    private static string Bulk(string text) => $"${text.Length}\r\n{text}";

    private static void Check(TcpClient client, string command, string reply)
    {
        client.Client.Send(Encoding.Latin1.GetBytes(command + "\r\n"));
        byte[] bytes = new byte[reply.Length];
        client.ReceiveTimeout = 20_000;
        int done = 0;
        while (done < bytes.Length && (done == 0 || Encoding.Latin1.GetString(bytes, 0, done) == reply[..done]))
            done += client.GetStream().Read(bytes, done, bytes.Length - done);
        Assert.Equal($"{command}: {reply}", $"{command}: {Encoding.Latin1.GetString(bytes, 0, done)}");
    }

    private static string ReadUntil(TcpClient client, string end)
    {
        var text = new StringBuilder();
        while (!text.ToString().EndsWith(end, StringComparison.Ordinal))
            text.Append((char)client.GetStream().ReadByte());
        return text.ToString();
    }
}
