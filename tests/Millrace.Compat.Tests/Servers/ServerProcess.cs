using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Millrace.Compat.Tests.Wire;

namespace Millrace.Compat.Tests.Servers;

/// <summary>
/// A server running as a child process on a free port of 127.0.0.1: started and answering PING when the constructor
/// returns, killed by its process id when disposed. Its output is kept and given by <see cref="Log"/>.
/// </summary>
public sealed class ServerProcess : IDisposable
{
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(30);
    private readonly Process _process;
    private readonly StringBuilder _log = new();
    private readonly Thread[] _readers;
    private readonly string _directory;

    private ServerProcess(string name, string directory, string executable, int port, IEnumerable<string> arguments)
    {
        Name = name;
        Port = port;
        _directory = directory;
        var start = new ProcessStartInfo
        {
            FileName = executable,
            WorkingDirectory = directory,
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (string argument in arguments)
            start.ArgumentList.Add(argument);
        _process = Process.Start(start) ?? throw new InvalidOperationException($"{executable} did not start.");
        // Threads of their own: the pool's few would be held by these pipes, and tests need them.
        _readers = [
            new Thread(() => Collect(_process.StandardOutput)), new Thread(() => Collect(_process.StandardError))];
        foreach (Thread reader in _readers)
        {
            reader.IsBackground = true;
            reader.Start();
        }
    }

    /// <summary>The name used in messages: redis or millrace.</summary>
    public string Name { get; }

    /// <summary>The TCP port.</summary>
    public int Port { get; }

    /// <summary>The process id.</summary>
    public int Id => _process.Id;

    /// <summary>True when the process has ended.</summary>
    public bool HasExited => _process.HasExited;

    /// <summary>The exit code of a process that has ended.</summary>
    public int ExitCode => _process.ExitCode;

    /// <summary>Everything the process has written so far.</summary>
    public string Log
    {
        get
        {
            lock (_log)
                return _log.ToString();
        }
    }

    /// <summary>Starts the real redis-server.</summary>
    public static ServerProcess StartRedis(params string[] options)
    {
        string directory = Directory.CreateTempSubdirectory("millrace-compat-").FullName;
        return Start("redis", directory, ServerFiles.RedisServer(directory), [], options);
    }

    /// <summary>Starts the server under test.</summary>
    public static ServerProcess StartMillrace(params string[] options)
    {
        string directory = Directory.CreateTempSubdirectory("millrace-compat-").FullName;
        string file = ServerFiles.ServerUnderTest();
        bool isRedis = Path.GetFileName(file) == "redis-server";
        List<string> own = isRedis ? [] : ["--io-threads", TestSettings.Loops.ToString(CultureInfo.InvariantCulture)];
        bool choosesPoller = options.Contains("--io", StringComparer.Ordinal);
        if (isRedis)
            options = WithoutPoller(options);
        else if (TestSettings.Io is { } io && !choosesPoller)
            own.AddRange(["--io", io]);
        return file.EndsWith(".dll", StringComparison.Ordinal)
            ? Start("millrace", directory, "dotnet", [file], [.. own, .. options])
            : Start("millrace", directory, file, [], [.. own, .. options]);
    }

    /// <summary>A new connection to this server.</summary>
    public RawConnection Connect() => new(Port);

    /// <summary>Asks the process to end by SIGTERM and waits; false when it did not within the time.</summary>
    public bool Terminate(TimeSpan timeout)
    {
        using (Process kill = Process.Start("kill", ["-TERM", Id.ToString(CultureInfo.InvariantCulture)]))
            kill.WaitForExit();
        return _process.WaitForExit(timeout) && Array.TrueForAll(_readers, reader => reader.Join(timeout));
    }

    /// <summary>Memory that the process has in RAM, in bytes (Linux).</summary>
    public long ResidentBytes()
    {
        _process.Refresh();
        return _process.WorkingSet64;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill(entireProcessTree: true);
        _process.WaitForExit();
        foreach (Thread reader in _readers)
            reader.Join();
        _process.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private static string[] WithoutPoller(string[] options)
    {
        int at = Array.IndexOf(options, "--io");
        return at < 0 ? options : [.. options[..at], .. options[(at + 2)..]];
    }

    private static ServerProcess Start(string name, string directory, string file, string[] first, string[] options)
    {
        int port = Ports.Free();
        string[] common =
        [
            "--port", port.ToString(CultureInfo.InvariantCulture), "--bind", "127.0.0.1", "--save", "",
            "--enable-debug-command", "yes",
        ];
        var server = new ServerProcess(name, directory, file, port, [.. first, .. common, .. options]);
        try
        {
            server.WaitUntilReady();
            return server;
        }
        catch
        {
            server.Dispose();
            throw;
        }
    }

    private void WaitUntilReady()
    {
        var clock = Stopwatch.StartNew();
        while (clock.Elapsed < StartTimeout)
        {
            if (_process.HasExited)
                throw new InvalidOperationException($"{Name} ended with {_process.ExitCode} at its start:\n{Log}");
            try
            {
                using RawConnection connection = Connect();
                string reply = connection.Ask("PING");
                if (!reply.StartsWith("-LOADING", StringComparison.Ordinal))
                    return;
                Thread.Sleep(20);
            }
            catch (Exception fault) when (fault is SocketException or IOException)
            {
                Thread.Sleep(20);
            }
        }
        throw new TimeoutException($"{Name} did not answer within {StartTimeout}:\n{Log}");
    }

    private void Collect(StreamReader stream)
    {
        while (stream.ReadLine() is { } line)
        {
            lock (_log)
                _log.Append(line).Append('\n');
        }
    }
}
