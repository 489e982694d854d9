// A server process, pinned to core 0, whose CPU time the system tells.

using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Millrace.Bench;

/// <summary>Starts a server, measures it, ends it.</summary>
internal sealed class ServerUnderTest : IDisposable
{
    private readonly Process _process;

    private ServerUnderTest(string name, string file, IEnumerable<string> arguments, int port)
    {
        Name = name;
        Port = port;
        var start = new ProcessStartInfo("taskset", ["-c", "0", file, .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        _process = Process.Start(start)!;
        _process.OutputDataReceived += static (_, _) => { };
        _process.BeginOutputReadLine();
        WaitUntilReady();
    }

    public string Name { get; }

    public int Port { get; }

    /// <summary>User and system time of the process so far, in microseconds.</summary>
    public double CpuMicroseconds
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime.TotalMicroseconds;
        }
    }

    public static ServerUnderTest Millrace(int loops)
    {
        var port = FreePort();
        var library = Path.Combine(AppContext.BaseDirectory, "../../Millrace.Host/release/millrace.dll");
        return new ServerUnderTest(
            "millrace", "dotnet", [Path.GetFullPath(library), "--port", Text(port), "--io-threads", Text(loops)], port);
    }

    public static ServerUnderTest Redis()
    {
        var port = FreePort();
        var link = Path.Combine(Directory.CreateTempSubdirectory("millrace-bench").FullName, "redis-server");
        File.CreateSymbolicLink(link, "/usr/bin/redis-check-rdb");
        return new ServerUnderTest("redis", link, ["--port", Text(port), "--save", "", "--bind", "127.0.0.1"], port);
    }

    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private void WaitUntilReady()
    {
        for (var tries = 0; tries < 200; tries++)
        {
            try
            {
                using var socket = new TcpClient("127.0.0.1", Port);
                return;
            }
            catch (SocketException)
            {
                Thread.Sleep(50);
            }
        }

        throw new InvalidOperationException(Name + " did not start");
    }
}
