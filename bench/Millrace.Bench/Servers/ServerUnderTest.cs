// A server process on its own cores, whose CPU time and memory the system tells.

using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Millrace.Bench.Servers;

/// <summary>Starts a server, measures it, ends it.</summary>
internal sealed class ServerUnderTest : IDisposable
{
    private const int UsualStartLimitMs = 20_000;
    private const int KeptLines = 20;

    private readonly ChildProcesses _children;
    private readonly Process _process;
    private readonly int _startLimitMs;
    private readonly Queue<string> _lastLines = new(); // guarded by itself

    /// <summary>Starts it and waits until it answers PING.</summary>
    /// <exception cref="ServerStartException">It ended, or never answered.</exception>
    public ServerUnderTest(
        ChildProcesses children, ServerRecipe recipe, string? cores, int loops, int startLimitMs = UsualStartLimitMs)
    {
        _children = children;
        _startLimitMs = startLimitMs;
        Name = recipe.Name;
        Port = FreePort();
        var folder = Path.Combine(children.Folder, recipe.Name);
        if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true); // of the round before
        Directory.CreateDirectory(folder);
        var began = Stopwatch.GetTimestamp();
        _process = children.Start(cores, recipe.File, recipe.Arguments.Select(one => one
            .Replace("{port}", Text(Port), StringComparison.Ordinal)
            .Replace("{loops}", Text(loops), StringComparison.Ordinal)
            .Replace("{dir}", folder, StringComparison.Ordinal)));
        try
        {
            _process.OutputDataReceived += Keep;
            _process.ErrorDataReceived += Keep;
            WaitForPong(began);
            _process.BeginOutputReadLine();
            _process.BeginErrorReadLine();
        }
        catch
        {
            children.End(_process);
            throw;
        }
    }

    public string Name { get; }

    public int Port { get; }

    /// <summary>From the start of the process to the first PONG.</summary>
    public TimeSpan StartTime { get; private set; }

    /// <summary>User and system time of the process so far, in microseconds.</summary>
    public double CpuMicroseconds => CpuClocks.OfProcess(_process.Id) / 1e3;

    /// <summary>Resident memory in bytes.</summary>
    public long ResidentBytes
    {
        get
        {
            var line = File.ReadLines($"/proc/{Text(_process.Id)}/status")
                .First(one => one.StartsWith("VmRSS:", StringComparison.Ordinal));
            var number = line["VmRSS:".Length..].Replace("kB", "", StringComparison.Ordinal).Trim();
            return long.Parse(number, CultureInfo.InvariantCulture) * 1024;
        }
    }

    /// <summary>What it printed last.</summary>
    public string LastLines
    {
        get
        {
            lock (_lastLines) return string.Join('\n', _lastLines);
        }
    }

    public void Dispose() => _children.End(_process);

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private void Keep(object sender, DataReceivedEventArgs line)
    {
        if (line.Data is null) return;
        lock (_lastLines)
        {
            _lastLines.Enqueue(line.Data);
            if (_lastLines.Count > KeptLines) _lastLines.Dequeue();
        }
    }

    // Tries every 0.2 ms, so that the first PONG is met when it is there.
    private void WaitForPong(long began)
    {
        while (!IsAnswering())
        {
            StartTime = Stopwatch.GetElapsedTime(began);
            if (_process.HasExited)
            {
                var text = _process.StandardOutput.ReadToEnd() + _process.StandardError.ReadToEnd();
                throw new ServerStartException($"{Name} ended instead of answering: {text.Trim()}");
            }

            if (StartTime.TotalMilliseconds > _startLimitMs)
                throw new ServerStartException($"{Name} has not answered for {_startLimitMs / 1000} s");
            Thread.Sleep(TimeSpan.FromMicroseconds(200));
        }

        StartTime = Stopwatch.GetElapsedTime(began);
    }

    private bool IsAnswering()
    {
        try
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            socket.ReceiveTimeout = 1000;
            socket.Connect(IPAddress.Loopback, Port);
            socket.Send("PING\r\n"u8);
            Span<byte> answer = stackalloc byte[7];
            var count = socket.Receive(answer);
            return answer[..count].SequenceEqual("+PONG\r\n"u8);
        }
        catch (SocketException)
        {
            return false;
        }
    }
}

/// <summary>A server did not start; the message says what it said.</summary>
internal sealed class ServerStartException(string message) : Exception(message);
