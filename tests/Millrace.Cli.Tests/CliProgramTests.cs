// Tests of what the real redis-cli cannot be asked: the prompt, pushes, subscribers, big numbers, our own texts.

using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Millrace.Resp;
using Millrace.TestServers;

namespace Millrace.Cli.Tests;

public sealed class CliProgramTests
{
    [Fact]
    public void The_prompt_shows_server_database_and_transaction()
    {
        using RedisServer server = new();
        string output = Prompt(server.Port, "select 3\nmulti\nping\nexec\nselect 0\n");
        string address = string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{server.Port}");
        Assert.Equal(
            $"{address}> OK\n{address}[3]> OK\n{address}[3](TX)> QUEUED\n"
            + $"{address}[3](TX)> 1) PONG\n{address}[3]> OK\n{address}> ",
            output);
    }

    [Fact]
    public void A_lost_connection_is_made_again_with_its_database()
    {
        using RedisServer server = new();
        string output = Prompt(server.Port, "select 3\nclient kill type normal skipme no\nping\nping\nclient info\n");
        Assert.Contains("PONG\n", output, StringComparison.Ordinal);
        Assert.Contains(" db=3 ", output, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_a_server_the_prompt_says_so()
    {
        string output = Prompt(1, "ping\nhelp\nquit\n");
        Assert.StartsWith("not connected> not connected> Type a command", output, StringComparison.Ordinal);
    }

    [Fact]
    public void Invalidations_are_shown_before_the_next_reply()
    {
        using RedisServer server = new();
        string output = CliRun.Ours(
            ["-3", "-p", Port(server)], "client tracking on\nset k 1\nget k\nset k 2\nping\n", isTerminal: true).Output;
        Assert.Contains("-> invalidate: 'k'\n", output, StringComparison.Ordinal);
        Assert.DoesNotContain(
            "invalidate", CliRun.Ours(
                ["-3", "-p", Port(server), "--show-pushes", "no"],
                "client tracking on\nset k 1\nget k\nset k 2\nping\n",
                isTerminal: true).Output,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_subscriber_prints_until_the_connection_ends()
    {
        using RedisServer server = new();
        Task<CliRun> ours = Task.Run(() => CliRun.Ours(["-p", Port(server), "subscribe", "a", "b"], isTerminal: true));
        Task<CliRun> real = Task.Run(() => CliRun.Real(["-p", Port(server), "subscribe", "a", "b"], isTerminal: true));
        while (!CliRun.Real(["-p", Port(server), "publish", "b", "hello"]).Output.StartsWith('2')) await Task.Delay(20);
        await Task.Delay(100);
        CliRun.Real(["-p", Port(server), "client", "kill", "type", "pubsub"]);
        CliRun expected = await real.WaitAsync(TimeSpan.FromSeconds(10));
        CliRun actual = await ours.WaitAsync(TimeSpan.FromSeconds(10));

        // Either may have seen a message more, sent before both had subscribed.
        Assert.Contains("1) \"message\"\n2) \"b\"\n3) \"hello\"\n", actual.Output, StringComparison.Ordinal);
        Assert.Equal(expected.Output[..expected.Output.IndexOf("1) \"message", StringComparison.Ordinal)],
            actual.Output[..actual.Output.IndexOf("1) \"message", StringComparison.Ordinal)]);
        Assert.Equal(expected.ExitCode, actual.ExitCode);
        Assert.Equal(expected.Error, actual.Error);
    }

    [Fact]
    public void Help_and_version_need_no_server()
    {
        CliRun help = CliRun.Ours(["--help"]);
        Assert.StartsWith("Usage: millrace cli", help.Output, StringComparison.Ordinal);
        Assert.Equal(0, help.ExitCode);
        Assert.Equal(help, CliRun.Ours(["-h"]));
        Assert.StartsWith("millrace cli ", CliRun.Ours(["--version"]).Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("rediss://h", "TLS")]
    [InlineData("http://h", "redis://")]
    public void A_URI_that_cannot_be_used_is_refused(string uri, string reason)
    {
        CliRun run = CliRun.Ours(["-u", uri, "ping"]);
        Assert.Equal(1, run.ExitCode);
        Assert.Contains(reason, run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_big_number_and_attributes_are_no_reason_to_give_up()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        string port = ((IPEndPoint)listener.LocalEndpoint).Port.ToString(CultureInfo.InvariantCulture);
        Task<CliRun> run = Task.Run(() => CliRun.Ours(["-p", port, "x"], isTerminal: true));
        using Socket socket = await listener.AcceptSocketAsync();
        await socket.ReceiveAsync(new byte[100]);
        const string reply = "|1\r\n+a\r\n:1\r\n*2\r\n(12345678901234567890123\r\n!3\r\nERR\r\n";
        await socket.SendAsync(Encoding.ASCII.GetBytes(reply));
        Assert.Equal(
            "1) (big number) 12345678901234567890123\n2) (error) ERR\n",
            (await run.WaitAsync(TimeSpan.FromSeconds(10))).Output);
    }

    [Fact]
    public void Nested_maps_are_indented_under_their_keys()
    {
        RespReader reader = new();
        byte[] reply = Encoding.ASCII.GetBytes(
            "%2\r\n+a\r\n%2\r\n+x\r\n:1\r\n+y\r\n~2\r\n:2\r\n:3\r\n+b\r\n*1\r\n*1\r\n:4\r\n");
        Assert.Equal(ReadStatus.Complete, reader.Read(reply, out RespValue? value, out _));
        Assert.Equal(
            "1# a => \n   1# x => (integer) 1\n   2# y => \n      1~ (integer) 2\n      2~ (integer) 3\n"
            + "2# b => 1) 1) (integer) 4\n",
            Encoding.ASCII.GetString(ReplyText.ForPeople(value!)));
    }

    private static string Port(RedisServer server) => server.Port.ToString(CultureInfo.InvariantCulture);

    private static string Prompt(int port, string lines)
    {
        using MemoryStream output = new();
        using MemoryStream error = new();
        CliTerminal terminal = new()
        {
            Input = new MemoryStream(Encoding.Latin1.GetBytes(lines)),
            Output = output,
            Error = error,
            IsInputTerminal = true,
            IsOutputTerminal = true,
        };
        Assert.Equal(0, CliProgram.Run(["-p", port.ToString(CultureInfo.InvariantCulture)], terminal));
        return Encoding.Latin1.GetString(output.ToArray());
    }
}
