using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Millrace.Persistence.Tests.Aof;

/// <summary>
/// A real redis-server on an append-only directory, on a Unix socket beside it, or what it said when it did not start.
/// Debian's redis-tools holds the whole server: its redis-check-rdb, called through a link named redis-server, is one.
/// </summary>
internal sealed class RedisServer : IDisposable
{
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(30);
    private readonly Process _process;
    private readonly Task<string> _output;
    private Socket? _socket;

    private RedisServer(string directory, string[] options)
    {
        var socket = Path.Combine(directory, "socket");
        string[] common =
        [
            "--port", "0", "--unixsocket", socket, "--dir", directory, "--save", "", "--appendonly", "yes",
            "--auto-aof-rewrite-percentage", "0",
        ];
        _process = Process.Start(new ProcessStartInfo(Executable(directory), [.. common, .. options])
        {
            WorkingDirectory = directory, RedirectStandardOutput = true,
        })!;
        _output = _process.StandardOutput.ReadToEndAsync();
        var clock = Stopwatch.StartNew();
        while (!HasExited && !TryConnect(socket))
        {
            if (clock.Elapsed > StartTimeout) throw new TimeoutException("redis-server neither started nor ended");
            Thread.Sleep(5);
        }
    }

    /// <summary>Whether it refused to start.</summary>
    internal bool HasExited => _process.HasExited;

    /// <summary>What it logged, once it has ended.</summary>
    internal string Log
    {
        get
        {
            _process.WaitForExit();
            return _output.GetAwaiter().GetResult();
        }
    }

    /// <summary>Starts a server on a directory; it has loaded what is there, or has ended.</summary>
    internal static RedisServer Start(string directory, params string[] options) => new(directory, options);

    /// <summary>Runs a command; errors are replies that begin with '-', nil is an empty text.</summary>
    internal string Call(params string[] words)
    {
        _socket!.Send(Requests.Of(words));
        var reply = new StringBuilder();
        var buffer = new byte[65536];
        while (true)
        {
            var read = _socket.Receive(buffer);
            if (read == 0) throw new IOException("redis-server has closed the connection");
            reply.Append(Encoding.Latin1.GetString(buffer, 0, read));
            if (Complete(reply.ToString()) is { } text) return text;
        }
    }

    /// <summary>Ends it as SIGTERM does, with everything written.</summary>
    internal void Stop()
    {
        using var kill = Process.Start("kill", ["-TERM", _process.Id.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
        _process.WaitForExit();
    }

    public void Dispose()
    {
        _socket?.Dispose();
        if (!_process.HasExited) _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }

    private static string Executable(string directory)
    {
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator);
        if (folders.Select(folder => Path.Combine(folder, "redis-server")).FirstOrDefault(File.Exists) is { } server)
            return server;
        var tools = folders.Select(folder => Path.Combine(folder, "redis-check-rdb")).FirstOrDefault(File.Exists)
            ?? throw new FileNotFoundException("redis-server is not here: install redis-tools (./dev test does it).");
        var link = Path.Combine(directory, "redis-server");
        if (!File.Exists(link)) File.CreateSymbolicLink(link, tools);
        return link;
    }

    private bool TryConnect(string path)
    {
        _socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            _socket.Connect(new UnixDomainSocketEndPoint(path));
            if (Call("PING") == "+PONG") return true;
        }
        catch (Exception fault) when (fault is SocketException or IOException)
        {
            // It is not there yet.
        }

        _socket.Dispose();
        return false;
    }

    private static string? Complete(string reply)
    {
        if (!reply.EndsWith("\r\n", StringComparison.Ordinal)) return null;
        if (reply[0] != '$') return reply[..^2];
        if (reply == "$-1\r\n") return "";
        var end = reply.IndexOf("\r\n", StringComparison.Ordinal);
        var length = int.Parse(reply.AsSpan(1, end - 1), CultureInfo.InvariantCulture);
        return reply.Length == end + 2 + length + 2 ? reply.Substring(end + 2, length) : null;
    }
}
