// A server process on its own cores, whose CPU time and memory the system tells.

using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Millrace.Bench.Servers;

/// <summary>Starts a server, measures it, ends it.</summary>
internal sealed class ServerUnderTest : IDisposable
{
    private const int StartLimitMs = 20_000;
    private const double PongTryMs = 0.2; // so that the first PONG is met when it is there
    private const int KeptLines = 20;

    private readonly ChildProcesses _children;
    private readonly Process _process;
    private readonly StartPatience _patience;
    private readonly Queue<string> _lastLines = new(); // guarded by itself

    /// <summary>Starts it and waits until it answers PING.</summary>
    /// <param name="children">Starts and ends its process.</param>
    /// <param name="recipe">How it is started.</param>
    /// <param name="cores">Where it runs, as taskset names cores; null: wherever the system likes.</param>
    /// <param name="loops">What {loops} stands for.</param>
    /// <param name="patience">How it is waited for; null: as for a server that has nothing to load.</param>
    /// <exception cref="ServerStartException">It ended, or never answered.</exception>
    public ServerUnderTest(
        ChildProcesses children, ServerRecipe recipe, string? cores, int loops, StartPatience? patience = null)
    {
        _children = children;
        _patience = patience ?? new StartPatience(PongTryMs, StartLimitMs);
        Name = recipe.Name;
        Port = FreePort();
        Folder = Directory.CreateDirectory(Path.Combine(children.Folder, recipe.Name)).FullName;
        var began = Stopwatch.GetTimestamp();
        _process = children.Start(cores, recipe.File, recipe.Arguments.Select(one => one
            .Replace("{port}", Text(Port), StringComparison.Ordinal)
            .Replace("{loops}", Text(loops), StringComparison.Ordinal)
            .Replace("{dir}", Folder, StringComparison.Ordinal)));
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

    public int ProcessId => _process.Id;

    /// <summary>What {dir} stands for. The next server of this name has the same.</summary>
    public string Folder { get; }

    /// <summary>From the start of the process to the first PONG.</summary>
    public TimeSpan StartTime { get; private set; }

    /// <summary>User and system time of the process so far, in microseconds.</summary>
    public double CpuMicroseconds => CpuClocks.OfProcess(_process.Id) / 1e3;

    /// <summary>User and system time of the processes that it has forked and that have ended, in microseconds; counted
    /// by the system in steps of 10 ms.</summary>
    public double EndedChildrenCpuMicroseconds
    {
        get
        {
            // Behind the name, which may hold blanks, the third field comes first; cutime and cstime are 16 and 17.
            var text = File.ReadAllText($"/proc/{Text(_process.Id)}/stat");
            var fields = text[(text.LastIndexOf(')') + 2)..].Split(' ');
            return 1e4 * (long.Parse(fields[13], CultureInfo.InvariantCulture)
                + long.Parse(fields[14], CultureInfo.InvariantCulture));
        }
    }

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

            if (StartTime.TotalMilliseconds > _patience.LimitMs)
                throw new ServerStartException($"{Name} has not answered for {_patience.LimitMs / 1000} s");
            Thread.Sleep(TimeSpan.FromMilliseconds(_patience.TryMs));
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

/// <summary>How a server's first PONG is waited for.</summary>
/// <param name="TryMs">The pause between two tries.</param>
/// <param name="LimitMs">After so long it is given up.</param>
internal readonly record struct StartPatience(double TryMs, int LimitMs);

/// <summary>A server did not start; the message says what it said.</summary>
internal sealed class ServerStartException(string message) : Exception(message);
