// A server in the test's own process, on a free loopback port, and a plain socket that speaks to it in bytes.

using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Millrace.Memory;
using Millrace.Persistence.Files;
using Millrace.Server.Config;
using Millrace.Server.Logging;

namespace Millrace.Server.Tests;

/// <summary>Starts a server and ends it. MILLRACE_TEST_LOOPS and MILLRACE_TEST_IO choose loops and poller.</summary>
internal sealed class InProcessServer : IDisposable
{
    private const int MostTries = 5;

    public InProcessServer(params string[] directives)
        : this(1L << 40, directives)
    {
    }

    public InProcessServer(long regionBytes, params string[] directives)
        : this(regionBytes, null, null, Log.None(), directives)
    {
    }

    /// <summary>A server whose files lie elsewhere, and that says when it would end the process.</summary>
    public InProcessServer(IFileSystem files, Action exit, params string[] directives)
        : this(files, exit, Log.None(), directives)
    {
    }

    /// <summary>The same with a log.</summary>
    public InProcessServer(IFileSystem files, Action exit, Log journal, params string[] directives)
        : this(1L << 40, files, exit, journal, ["--appendonly", "yes", .. directives])
    {
    }

    private InProcessServer(long regionBytes, IFileSystem? files, Action? exit, Log journal, string[] directives)
    {
        for (var tries = 1; ; tries++)
        {
            Server = Make(regionBytes, files, exit, journal, directives);
            if (Server.Start() is not { } fault) break;
            // Somebody else may have taken the port that was free; nothing has been loaded then.
            if (tries == MostTries || !fault.StartsWith("Failed listening on port", StringComparison.Ordinal))
                throw new InvalidOperationException(fault);
        }

        Port = Server.Parts.Configuration.Settings.Port;
        // Whoever asks for io_uring by name wants to hear when it was refused, and not to test epoll once more.
        if (Environment.GetEnvironmentVariable("MILLRACE_TEST_IO") == "io_uring")
            Assert.Equal("io_uring", directives.Contains("--io") ? "io_uring" : Server.Parts.Loops.PollerName);
    }

    public MillraceServer Server { get; }

    public int Port { get; }

    /// <summary>A server that has not been started.</summary>
    public static MillraceServer Make(long regionBytes, params string[] directives) =>
        Make(regionBytes, null, null, Log.None(), directives);

    private static MillraceServer Make(
        long regionBytes, IFileSystem? files, Action? exit, Log journal, params string[] directives)
    {
        var table = new DirectiveTable(Environment.ProcessorCount, Environment.CurrentDirectory);
        var file = new ConfigFile(table, new DiskConfigFiles());
        string[] usual =
        [
            "--port", Ports.Free().ToString(CultureInfo.InvariantCulture), "--bind", "127.0.0.1", "--save", "",
            "--io-threads", Environment.GetEnvironmentVariable("MILLRACE_TEST_LOOPS") ?? "2",
            "--io", Environment.GetEnvironmentVariable("MILLRACE_TEST_IO") ?? "auto",
        ];
        var error = file.Load(CommandLine.From([.. usual, .. directives]), []);
        if (error is not null) throw new InvalidOperationException(error.ToString());
        return new MillraceServer(
            new Configuration(file.Values), journal, new MemorySource(regionBytes), files, exit);
    }

    public Peer Connect() => new(Port);

    public void Dispose() => Server.Dispose();

}

/// <summary>A client made of bytes.</summary>
internal sealed class Peer : IDisposable
{
    private readonly Socket _socket =
        new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };

    public Peer(int port)
    {
        _socket.Connect(IPAddress.Loopback, port);
        _socket.ReceiveTimeout = 30_000;
    }

    /// <summary>Sends bytes given as Latin-1 text.</summary>
    public void Send(string text) => _socket.Send(Encoding.Latin1.GetBytes(text));

    /// <summary>Sends a request of words.</summary>
    public void Request(params string[] words) => Send(Encode(words));

    /// <summary>Sends a request and gives exactly the bytes of the expected reply's length, as Latin-1 text.</summary>
    public string Ask(string expected, params string[] words)
    {
        Request(words);
        return Receive(expected.Length);
    }

    /// <summary>Whether something can be received at once.</summary>
    public bool HasInput => _socket.Available > 0;

    /// <summary>Receives so many bytes, or fewer when the server closes.</summary>
    public string Receive(int count)
    {
        var buffer = new byte[count];
        var filled = 0;
        while (filled < count)
        {
            var got = _socket.Receive(buffer, filled, count - filled, SocketFlags.None);
            if (got == 0) break;
            filled += got;
        }

        return Encoding.Latin1.GetString(buffer, 0, filled);
    }

    /// <summary>The text of an INFO section.</summary>
    public string Info(string section)
    {
        Request("INFO", section);
        var header = "";
        while (!header.EndsWith('\n')) header += Receive(1);
        return Receive(int.Parse(header.AsSpan(1), CultureInfo.InvariantCulture) + 2);
    }

    /// <summary>Everything until the server closes.</summary>
    public string ReceiveToEnd()
    {
        var all = new MemoryStream();
        var buffer = new byte[4096];
        while (true)
        {
            var got = _socket.Receive(buffer);
            if (got == 0) return Encoding.Latin1.GetString(all.ToArray());
            all.Write(buffer, 0, got);
        }
    }

    /// <summary>Returns when the server has closed, without reading before: a peer that does not care.</summary>
    public void WaitUntilClosed()
    {
        // A closed or reset connection becomes readable in error; until then the unread replies keep it readable.
        var buffer = new byte[1];
        while (true)
        {
            try
            {
                if (_socket.Send(buffer) == 0) return;
            }
            catch (SocketException)
            {
                return;
            }

            Thread.Sleep(10);
        }
    }

    public void Dispose() => _socket.Dispose();

    public static string Encode(params string[] words) =>
        $"*{words.Length}\r\n" + string.Concat(words.Select(word => $"${word.Length}\r\n{word}\r\n"));
}
