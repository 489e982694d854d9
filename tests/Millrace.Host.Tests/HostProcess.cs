// A server as its users start it: the built executable in a process and a directory of its own.
//
// The executable is the one that the Host project has built beside these tests, or the one that MILLRACE_EXECUTABLE
// names, for example the published native one.

using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Millrace.Host.Tests;

internal sealed class HostProcess : IDisposable
{
    private const int PatienceMs = 20_000;

    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly StringBuilder _errors = new();

    private HostProcess(ProcessStartInfo start, string directory, string? input)
    {
        WorkingDirectory = directory;
        start.UseShellExecute = false;
        start.WorkingDirectory = directory;
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        start.RedirectStandardInput = true;
        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, line) => Keep(_output, line.Data);
        _process.ErrorDataReceived += (_, line) => Keep(_errors, line.Data);
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        if (input is not null) _process.StandardInput.Write(input);
        _process.StandardInput.Close();
    }

    internal static string Executable { get; } = FindExecutable();

    internal string WorkingDirectory { get; }

    internal int Id => _process.Id;

    internal string Output => Text(_output);

    internal string Errors => Text(_errors);

    /// <summary>Starts the executable.</summary>
    internal static HostProcess Start(params string[] arguments) => StartIn(NewDirectory(), null, null, arguments);

    /// <summary>Starts the executable in a directory, with standard input and further environment variables.</summary>
    internal static HostProcess StartIn(
        string directory, string? input, Dictionary<string, string>? environment, params string[] arguments)
    {
        var start = new ProcessStartInfo(Executable, arguments);
        foreach ((string name, string value) in environment ?? []) start.Environment[name] = value;
        return new HostProcess(start, directory, input);
    }

    /// <summary>Starts the executable from a shell line in which $0 is the executable.</summary>
    internal static HostProcess StartInShell(string line) =>
        new(new ProcessStartInfo("/bin/sh", ["-c", line, Executable]), NewDirectory(), null);

    internal static string NewDirectory() => Directory.CreateTempSubdirectory("millrace-host-").FullName;

    /// <summary>Waits for a text on standard output.</summary>
    internal HostProcess WaitFor(string text)
    {
        WaitUntil(() => Output.Contains(text) || _process.HasExited, $"'{text}'");
        if (!Output.Contains(text)) _process.WaitForExit();
        Assert.True(Output.Contains(text), $"'{text}' never came; output: {Output}{Errors}");
        return this;
    }

    /// <summary>Waits for the end and answers the exit code.</summary>
    internal int WaitForExit()
    {
        Assert.True(_process.WaitForExit(PatienceMs), $"still running; output: {Output}{Errors}");
        _process.WaitForExit();
        return _process.ExitCode;
    }

    /// <summary>Sends a signal to the process.</summary>
    internal void Signal(string name) => Signal(name, Id);

    internal static void Signal(string name, int processId)
    {
        var start = new ProcessStartInfo("kill", [$"-{name}", $"{processId}"]) { UseShellExecute = false };
        using Process kill = Process.Start(start)!;
        kill.WaitForExit();
    }

    /// <summary>Sends an inline command to a server and answers the first line of the reply.</summary>
    internal static string Ask(int port, string command)
    {
        using var client = new TcpClient();
        client.Connect(IPAddress.Loopback, port);
        client.ReceiveTimeout = PatienceMs;
        client.Client.Send(Encoding.ASCII.GetBytes(command + "\r\n"));
        using var reader = new StreamReader(client.GetStream());
        return reader.ReadLine() ?? "";
    }

    /// <summary>All that a server answers to a command, until it closes the connection after QUIT.</summary>
    internal static string AskAll(int port, string command)
    {
        using var client = new TcpClient();
        client.Connect(IPAddress.Loopback, port);
        client.ReceiveTimeout = PatienceMs;
        client.Client.Send(Encoding.ASCII.GetBytes(command + "\r\nQUIT\r\n"));
        using var reader = new StreamReader(client.GetStream());
        string all = reader.ReadToEnd();
        const string quit = "+OK\r\n";
        Assert.EndsWith(quit, all);
        return all[..^quit.Length];
    }

    internal static void WaitUntil(Func<bool> condition, string what)
    {
        var watch = Stopwatch.StartNew();
        while (!condition())
        {
            Assert.True(watch.ElapsedMilliseconds < PatienceMs, $"waited in vain for {what}");
            Thread.Sleep(10);
        }
    }

    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
        if (WorkingDirectory.Contains("millrace-host-")) Directory.Delete(WorkingDirectory, recursive: true);
    }

    private static void Keep(StringBuilder text, string? line)
    {
        if (line is null) return;
        lock (text) text.Append(line).Append('\n');
    }

    private static string Text(StringBuilder text)
    {
        lock (text) return text.ToString();
    }

    private static string FindExecutable()
    {
        if (Environment.GetEnvironmentVariable("MILLRACE_EXECUTABLE") is { Length: > 0 } path) return path;
        string own = AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar);
        string binaries = Path.GetDirectoryName(Path.GetDirectoryName(own)!)!;
        return Path.Combine(binaries, "Millrace.Host", Path.GetFileName(own), "millrace");
    }
}
