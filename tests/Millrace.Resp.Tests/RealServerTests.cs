// The request parser and 80-bit arithmetic against a real server: the same bytes, the same answers.

using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Millrace.TestServers;

namespace Millrace.Resp.Tests;

public sealed class RealServerTests : IDisposable
{
    private readonly RedisServer _server = new();

    public void Dispose() => _server.Dispose();

    [Theory]
    [InlineData("*3000000000\r\n")]
    [InlineData("*01\r\n")]
    [InlineData("*\r\n")]
    [InlineData("*1\r\nfoo\r\n")]
    [InlineData("*1\r\n\r\n")]
    [InlineData("*1\r\n\nx\r\n")]
    [InlineData("*1\r\n\u00ff\r\n")]
    [InlineData("*1\r\n$-1\r\n")]
    [InlineData("*1\r\n$536870913\r\n")]
    [InlineData("*1\r\n$01\r\na\r\n")]
    [InlineData("echo \"a\"b\r\n")]
    [InlineData("echo 'a\r\n")]
    [InlineData("\r\n*0\r\n*-5\r\n   \r\necho ok\r\n*1\rX$4\rXpingXX")]
    [InlineData("echo \"\\x41\\n\\q\\\"\"\r\necho 'it\\'s'\r\necho pre\"fix ed\"\r\necho \"\"\r\necho a\vb\r\n")]
    [InlineData("POST / HTTP/1.1\r\necho no\r\n")]
    [InlineData("*1\r\n$5\r\nhost:\r\necho no\r\n")]
    public void The_real_server_answers_the_same_to_the_same_bytes(string stream)
    {
        Assert.Equal(Ask(stream), AnswerAsEchoServer(stream));
    }

    [Fact]
    public void The_real_server_draws_the_64_kB_lines_at_the_same_byte()
    {
        foreach (string start in new[] { "a", "*1", "*1\r\n$", "\0", "*\0" })
        {
            foreach (int length in new[] { 65536, 65537 })
            {
                int prefix = start.IndexOf('\n', StringComparison.Ordinal) + 1;
                string line = start + new string('1', length + prefix - start.Length);
                Assert.Equal(Ask(line), AnswerAsEchoServer(line));
            }
        }
    }

    [Fact]
    public void Random_increments_are_byte_equal_to_INCRBYFLOAT()
    {
        int seed = Environment.TickCount;
        Random random = new(seed);
        List<(string Left, string Right)> pairs = [];
        StringBuilder stream = new();
        for (int i = 0; i < 3000; i++)
        {
            (string left, string right) = (RandomNumber(random), RandomNumber(random));
            pairs.Add((left, right));
            stream.Append(CultureInfo.InvariantCulture, $"SET k {left}\r\nINCRBYFLOAT k {right}\r\n");
        }

        stream.Append("QUIT\r\n");
        StringBuilder expected = new();
        foreach ((string left, string right) in pairs) expected.Append("+OK\r\n").Append(Sum(left, right));
        expected.Append("+OK\r\n");
        string[] actualLines = Ask(stream.ToString()).Split("\r\n");
        string[] expectedLines = expected.ToString().Split("\r\n");
        Assert.Equal(expectedLines.Length, actualLines.Length);
        for (int i = 0; i < expectedLines.Length; i++)
            Assert.True(expectedLines[i] == actualLines[i], $"seed {seed}: {expectedLines[i]} is {actualLines[i]}");
    }

    private const string ErrorPrefix = "ERR Protocol error";

    /// <summary>The commands of random streams are unknown ones, each answered by one line; what counts is how many
    /// there are before the stream breaks, and how it breaks.</summary>
    [Fact]
    public void Random_streams_break_at_the_same_place_with_the_same_error()
    {
        int broken = 0;
        for (int round = 0; round < 1000; round++)
        {
            Random random = new(Seeds.Of(round));
            byte[] stream = RandomRequests.Mutate(random, RandomRequests.Make(random));
            List<string> events = ParseTrace.Of(stream, []).Events;
            events.RemoveAll(static e => string.Equals(e, "(empty)", StringComparison.Ordinal));

            // The real server drops the replies it has not sent yet when it is attacked.
            if (events.Contains("(attack)")) continue;
            string[] answers = Ask(Encoding.Latin1.GetString(stream)).Split("\r\n")[..^1];
            Assert.True(events.Count == answers.Length, $"seed {Seeds.Of(round)}: {string.Join('\n', answers)}");
            // A request may begin with the mark of an error, too; the server's answer to that one is not of this kind.
            if (events is not [.., ['!', .. string error]] || !error.StartsWith(ErrorPrefix, StringComparison.Ordinal))
                continue;
            broken++;
            Assert.True(
                string.Equals("-" + error, answers[^1], StringComparison.Ordinal), $"seed {Seeds.Of(round)}: {error}");
        }

        Assert.InRange(broken, 100, 900);
    }

    private static string Sum(string left, string right)
    {
        if (!LongDouble.TryParse(Encoding.Latin1.GetBytes(left), out LongDouble a)
            || !LongDouble.TryParse(Encoding.Latin1.GetBytes(right), out LongDouble b))
            return "-ERR value is not a valid float\r\n";
        if (!a.TryAdd(b, out LongDouble sum)) return "-ERR increment would produce NaN or Infinity\r\n";
        string text = sum.ToString();
        return string.Create(CultureInfo.InvariantCulture, $"${text.Length}\r\n{text}\r\n");
    }

    private static string RandomNumber(Random random)
    {
        string sign = random.Next(4) == 0 ? "-" : string.Empty;
        return sign + random.Next(8) switch
        {
            0 => $"{random.Next(1000)}",
            1 => $"{random.Next(1000)}.{random.Next(100)}",
            2 => $"{random.NextInt64()}",
            3 => $"{random.NextDouble():R}",
            4 => $"{random.NextInt64()}.{random.NextInt64()}",
            5 => $"{random.NextDouble() * 10:R}e{random.Next(-4960, 4940)}",
            6 => $"0x{random.NextInt64():x}.{random.Next():x}p{random.Next(-80, 80)}",
            _ => $"{random.NextDouble() * 10:R}e{random.Next(-20, 25)}",
        };
    }

    /// <summary>What a server with the commands ECHO and PING would answer through our parser and writer.</summary>
    private static string AnswerAsEchoServer(string stream)
    {
        StringBuilder answer = new();
        foreach (string found in ParseTrace.Split(stream, 1).Events)
        {
            if (found.StartsWith('!')) answer.Append('-').Append(found[1..]).Append("\r\n");
            else if (string.Equals(found, "ping", StringComparison.Ordinal)) answer.Append("+PONG\r\n");
            else if (found.StartsWith("echo|", StringComparison.Ordinal))
                answer.Append(CultureInfo.InvariantCulture, $"${found.Length - 5}\r\n{found[5..]}\r\n");
        }

        return answer.ToString();
    }

    /// <summary>Sends the bytes, half-closes unless the last request is QUIT, and reads until the server
    /// closes.</summary>
    private string Ask(string stream)
    {
        using Socket socket = new(SocketType.Stream, ProtocolType.Tcp) { ReceiveTimeout = 10_000 };
        socket.Connect(IPAddress.Loopback, _server.Port);
        StringBuilder answer = new();
        byte[] buffer = new byte[65536];
        byte[] bytes = Encoding.Latin1.GetBytes(stream);
        socket.Send(bytes);
        if (!stream.EndsWith("QUIT\r\n", StringComparison.Ordinal)) socket.Shutdown(SocketShutdown.Send);
        while (true)
        {
            int received = Receive(socket, buffer);
            if (received <= 0) return answer.ToString();
            answer.Append(Encoding.Latin1.GetString(buffer, 0, received));
        }
    }

    private static int Receive(Socket socket, byte[] buffer)
    {
        try
        {
            return socket.Receive(buffer);
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionReset)
        {
            return 0;
        }
    }
}
