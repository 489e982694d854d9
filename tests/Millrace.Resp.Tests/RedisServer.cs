// A real redis-server for comparisons, started for one test class and ended with it.
//
// Debian's redis-tools brings the server along: redis-check-rdb, called through a link named redis-server, is one
// (7.0.15 on the machines this was written on). It listens on a free port of the loopback and on a Unix socket.

using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Millrace.TestServers;

/// <summary>A redis-server process; disposing ends it.</summary>
public sealed class RedisServer : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("millrace-redis-");
    private readonly Process _process;

    /// <summary>Starts a server and waits until it accepts connections.</summary>
    public RedisServer()
        : this([])
    {
    }

    /// <summary>Starts a server with further command line options.</summary>
    public RedisServer(params string[] options)
    {
        string program = Program ?? throw new InvalidOperationException("no redis-server: install redis-tools");
        string link = Path.Combine(_directory.FullName, "redis-server");
        File.CreateSymbolicLink(link, program);
        SocketPath = Path.Combine(_directory.FullName, "s");
        Port = Ports.Free();
        ProcessStartInfo start = new(link)
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = _directory.FullName,
        };
        string port = Port.ToString(CultureInfo.InvariantCulture);
        string[] arguments =
        [
            "--port", port, "--bind", "127.0.0.1", "--save", "", "--unixsocket", SocketPath,
            "--enable-debug-command", "yes", .. options,
        ];
        foreach (string argument in arguments) start.ArgumentList.Add(argument);
        _process = Process.Start(start)!;
        _process.OutputDataReceived += static (_, _) => { };
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        WaitUntilReady();
    }

    /// <summary>The program that serves as redis-server, or null.</summary>
    public static string? Program { get; } =
        new[] { "/usr/bin/redis-server", "/usr/bin/redis-check-rdb" }.FirstOrDefault(File.Exists);

    /// <summary>Its TCP port on 127.0.0.1.</summary>
    public int Port { get; }

    /// <summary>Its Unix socket.</summary>
    public string SocketPath { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
        _directory.Delete(recursive: true);
    }

    private void WaitUntilReady()
    {
        Stopwatch waited = Stopwatch.StartNew();
        while (waited.ElapsedMilliseconds < 10_000)
        {
            Assert.False(_process.HasExited, "redis-server ended at once");
            try
            {
                using Socket socket = new(SocketType.Stream, ProtocolType.Tcp);
                socket.Connect(IPAddress.Loopback, Port);
                return;
            }
            catch (SocketException)
            {
                Thread.Sleep(20);
            }
        }

        Assert.Fail("redis-server did not accept connections within ten seconds");
    }
}
