using System.Text;
using Millrace.Compat.Tests.Servers;
using Millrace.Compat.Tests.Wire;

namespace Millrace.Compat.Tests.Hostile;

/// <summary>
/// Bytes as they are, good and bad, to both servers: everything that comes back must be equal, and whether the
/// connection is closed then.
/// </summary>
public sealed class RawProtocolTests(ServerPair pair) : IClassFixture<ServerPair>
{
    private const int QuietMs = 400;
    private const int AtOnce = 24;
    private static readonly string s_longLine = new('A', 300_000);

    // Name and bytes (Latin-1).
    private static readonly (string Name, string Bytes)[] s_inputs =
    [
        ("inline", "PING\r\n"),
        ("inline with LF alone", "PING\n"),
        ("inline with spaces", "  ECHO   hello  \r\n"),
        ("inline with double quotes", "ECHO \"a b\\x41\\n\\\"\"\r\n"),
        ("inline with single quotes", "ECHO 'a \\' b'\r\n"),
        ("inline with unbalanced double quotes", "ECHO \"abc\r\nPING\r\n"),
        ("inline with unbalanced single quotes", "ECHO 'abc\r\nPING\r\n"),
        ("inline with text behind a quote", "ECHO \"abc\"d\r\nPING\r\n"),
        ("inline with a quote inside a word", "ECHO ab\"c d\"\r\nPING\r\n"),
        ("inline with a bad hex escape", "ECHO \"\\xzz\"\r\n"),
        ("inline with nothing", "\r\n\r\n\n \r\nPING\r\n"),
        ("inline with tabs", "ECHO\thello\r\n"),
        ("inline with a zero byte", "ECHO a\0b\r\nPING\r\n"),
        ("inline with an empty quoted word", "ECHO \"\"\r\n"),
        ("inline with an unknown command", "NOTHING a b\r\n"),
        ("inline too long", s_longLine + "\r\nPING\r\n"),
        ("inline too long without an end", s_longLine),
        // Redis closes at the second line, and it depends on time whether the first one's reply leaves before: so the
        // first line has no reply here.
        ("HTTP GET", "*0\r\nHost: localhost\r\n\r\n"),
        ("HTTP POST", "POST / HTTP/1.1\r\nHost: localhost\r\n\r\nSET x 1\r\n"),
        ("Host: alone", "host: a\r\nPING\r\n"),
        ("POST as an array", "*1\r\n$4\r\nPOST\r\nPING\r\n"),
        ("empty array", "*0\r\nPING\r\n"),
        ("null array", "*-1\r\nPING\r\n"),
        ("negative array", "*-10\r\nPING\r\n"),
        ("array of a million and one", "*1048577\r\nPING\r\n"),
        ("array at the limit of int", "*2147483647\r\n"),
        ("array beyond int", "*2147483648\r\n"),
        ("array beyond long", "*99999999999999999999\r\n"),
        ("array with letters", "*abc\r\n"),
        ("array with an empty count", "*\r\nPING\r\n"),
        ("array with a plus", "*+1\r\n$4\r\nPING\r\n"),
        ("array with a leading zero", "*01\r\n$4\r\nPING\r\n"),
        ("array with a space", "* 1\r\n$4\r\nPING\r\n"),
        ("bulk with a leading zero", "*1\r\n$04\r\nPING\r\n"),
        ("bulk with a space", "*1\r\n$4 \r\nPING\r\n"),
        ("bulk missing", "*1\r\nPING\r\n"),
        ("bulk replaced by an integer", "*1\r\n:4\r\n"),
        ("bulk replaced by a zero byte", "*1\r\n\0\r\n"),
        ("bulk negative", "*1\r\n$-1\r\n"),
        ("bulk very negative", "*2\r\n$4\r\nECHO\r\n$-100\r\n"),
        ("bulk with letters", "*1\r\n$abc\r\n"),
        ("bulk with an empty length", "*1\r\n$\r\n"),
        ("bulk beyond the limit", "*1\r\n$536870913\r\n"),
        ("bulk beyond long", "*3\r\n$3\r\nSET\r\n$1\r\nx\r\n$99999999999999999999\r\n"),
        ("bulk at the limit, then nothing", "*2\r\n$4\r\nECHO\r\n$536870912\r\nabc"),
        ("bulk longer than said", "*1\r\n$3\r\nPING\r\nPING\r\n"),
        ("bulk shorter than said", "*1\r\n$6\r\nPING\r\n\r\nPING\r\n"),
        ("bulk without CRLF behind it", "*1\r\n$4\r\nPINGxxPING\r\n"),
        ("empty bulk as a command", "*1\r\n$0\r\n\r\nPING\r\n"),
        ("count line too long", "*" + s_longLine),
        ("length line too long", "*1\r\n$" + s_longLine),
        ("error behind good requests", "*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nPING\r\n*1\r\nbad\r\n*1\r\n$4\r\nPING\r\n"),
        ("error of a command keeps the connection", "*1\r\n$7\r\nNOTHING\r\n*1\r\n$4\r\nPING\r\n"),
        ("mixed inline and arrays", "PING\r\n*1\r\n$4\r\nPING\r\nECHO x\r\n*2\r\n$4\r\nECHO\r\n$1\r\ny\r\n"),
        ("binary in a name", "*2\r\n$4\r\n\0\x01\xff\x7f\r\n$3\r\na\r\n\r\n"),
        ("CRLF in an unknown name", "*2\r\n$6\r\nab\r\ncd\r\n$3\r\nx\ny\r\n"),
        ("unknown name of 200 bytes", $"*2\r\n$200\r\n{new string('u', 200)}\r\n$200\r\n{new string('v', 200)}\r\n"),
        ("many arguments to an unknown name", "NOTHING " + string.Join(' ', Enumerable.Repeat("argument", 40))
            + "\r\n"),
        ("long quoted argument to an unknown name",
            $"*3\r\n$7\r\nNOTHING\r\n$150\r\n{new string('w', 150)}\r\n$1\r\nx\r\n"),
        ("unknown subcommand with CRLF", "*2\r\n$6\r\nCLIENT\r\n$4\r\na\r\nb\r\n"),
        ("type bytes of replies", "+OK\r\nPING\r\n"),
        ("integer as a request", ":1\r\nPING\r\n"),
        ("zero bytes", "\0\0\0\0\r\nPING\r\n"),
        ("TLS hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\nPING\r\n"),
        ("QUIT with requests behind it", "QUIT\r\nPING\r\n"),
        ("QUIT with arguments", "QUIT now\r\n"),
        ("RESET", "CLIENT SETNAME a\r\nSELECT 3\r\nRESET\r\nCLIENT GETNAME\r\n"),
        ("HELLO with a bad version", "HELLO 5\r\nHELLO x\r\nHELLO 3 BAD\r\n"),
        ("HELLO with a wrong password", "HELLO 3 AUTH default x\r\nHELLO 3 AUTH nobody x\r\nPING\r\n"),
        ("RESP3 null of GET", "*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\nGET nothing\r\n"),
        ("CLIENT REPLY OFF and an error", "CLIENT REPLY OFF\r\nNOTHING\r\nGET\r\nCLIENT REPLY ON\r\nPING\r\n"),
        ("CLIENT REPLY SKIP twice", "CLIENT REPLY SKIP\r\nCLIENT REPLY SKIP\r\nPING\r\nPING\r\n"),
        ("CLIENT REPLY SKIP and an error", "CLIENT REPLY SKIP\r\nNOTHING\r\nPING\r\n"),
        ("CLIENT REPLY OFF and RESET", "CLIENT REPLY OFF\r\nRESET\r\nPING\r\n"),
        ("ECHO of 100 kB", $"*2\r\n$4\r\nECHO\r\n$100000\r\n{new string('e', 100_000)}\r\n"),
    ];

    [Fact]
    public void Everything_that_comes_back_is_equal() => Compare(s_inputs, _ => int.MaxValue);

    [Fact]
    public void Bytes_that_come_one_by_one_change_nothing()
    {
        // A line of 300,000 bytes in single bytes only repeats itself.
        Compare(s_inputs, length => length > 2000 ? 30_011 : 1);
    }

    // Redis waits for a reply to be written before it closes, and with replies off there is none: the connection stays
    // open and deaf. Here it is closed.
    [Theory]
    [InlineData("CLIENT REPLY OFF\r\nQUIT\r\n")]
    [InlineData("CLIENT REPLY OFF\r\n*x\r\n")]
    public void With_replies_off_an_end_is_an_end(string input) =>
        Assert.Equal("(closed)", Exchange(pair.Millrace, Encoding.Latin1.GetBytes(input), int.MaxValue));

    [Theory]
    [InlineData("*11\r\n")]
    [InlineData("*10\r\n")]
    [InlineData("*1\r\n$16385\r\n")]
    [InlineData("*1\r\n$16384\r\n")]
    [InlineData("PING\r\n")]
    [InlineData("SET a 1\r\nNOTHING\r\nGET\r\n")]
    [InlineData("AUTH wrong\r\nAUTH default wrong\r\nAUTH a b c\r\nAUTH\r\n")]
    [InlineData("HELLO\r\nHELLO 3\r\nHELLO 3 AUTH default wrong\r\nHELLO 9\r\n")]
    [InlineData("HELLO 3 AUTH default secret SETNAME x\r\nCLIENT GETNAME\r\nGET a\r\n")]
    [InlineData("AUTH secret\r\nPING\r\nRESET\r\nPING\r\n")]
    [InlineData("AUTH default secret\r\nPING\r\n")]
    [InlineData("QUIT\r\n")]
    [InlineData("RESET\r\n")]
    [InlineData("COMMAND COUNT\r\nCLIENT ID\r\nINFO\r\nSELECT 1\r\nECHO x\r\n")]
    public void Before_authentication_only_little_is_taken(string input)
    {
        using var redis = ServerProcess.StartRedis("--requirepass", "secret");
        using var millrace = ServerProcess.StartMillrace("--requirepass", "secret");
        byte[] bytes = Encoding.Latin1.GetBytes(input);
        Assert.Equal(
            Comparable(Exchange(redis, bytes, bytes.Length)), Comparable(Exchange(millrace, bytes, bytes.Length)));
    }

    // Most of the time goes into waiting for silence: many inputs wait together.
    private void Compare(IEnumerable<(string Name, string Bytes)> inputs, Func<int, int> pieceOf)
    {
        var differences = new System.Collections.Concurrent.ConcurrentBag<string>();
        var waiting = new System.Collections.Concurrent.ConcurrentQueue<(string Name, string Bytes)>(inputs);
        Thread[] threads = [.. Enumerable.Range(0, AtOnce).Select(_ => new Thread(Work))];
        foreach (Thread thread in threads)
            thread.Start();
        foreach (Thread thread in threads)
            thread.Join();
        Differences.AssertNone(differences);

        void Work()
        {
            while (waiting.TryDequeue(out (string Name, string Bytes) input))
            {
                byte[] bytes = Encoding.Latin1.GetBytes(input.Bytes);
                string left = Comparable(Exchange(pair.Redis, bytes, bytes.Length));
                string right = Comparable(
                    Exchange(pair.Millrace, bytes, Math.Min(bytes.Length, pieceOf(bytes.Length))));
                if (!string.Equals(left, right, StringComparison.Ordinal))
                    differences.Add($"{input.Name}: {Quote(right)}, not {Quote(left)}");
            }
        }
    }

    private static string Quote(string text) => Printable.Quote(Encoding.Latin1.GetBytes(text));

    // The version and the connection's id in a HELLO reply are each server's own.
    private static string Comparable(string text) => System.Text.RegularExpressions.Regex.Replace(
        text, "(version\\r\\n)\\$[0-9]+\\r\\n[0-9.]+|(id\\r\\n):[0-9]+", "$1$2-",
            System.Text.RegularExpressions.RegexOptions.None, TimeSpan.FromSeconds(1));

    private static string Exchange(ServerProcess server, byte[] input, int piece)
    {
        using var connection = new RawConnection(server.Port, QuietMs);
        bool isClosed = false;
        try
        {
            for (int at = 0; at < input.Length; at += Math.Min(piece, input.Length - at))
                connection.Send(input.AsSpan(at, Math.Min(piece, input.Length - at)));
        }
        catch (System.Net.Sockets.SocketException)
        {
            // Closed while we still wrote: what came back is compared all the same.
        }
        using var received = new MemoryStream();
        byte[] buffer = new byte[256 * 1024];
        try
        {
            int count;
            while ((count = connection.Socket.Receive(buffer)) > 0)
                received.Write(buffer, 0, count);
            isClosed = true;
        }
        catch (System.Net.Sockets.SocketException fault)
        {
            isClosed = fault.SocketErrorCode is System.Net.Sockets.SocketError.ConnectionReset;
        }
        return Encoding.Latin1.GetString(received.ToArray()) + (isClosed ? "(closed)" : "(open)");
    }
}
