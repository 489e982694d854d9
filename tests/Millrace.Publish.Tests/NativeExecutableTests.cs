using System.Diagnostics;
using System.Globalization;
using Xunit.Abstractions;

namespace Millrace.Publish.Tests;

/// <summary>`./dev publish` makes one native executable that starts, answers and ends as a server does.</summary>
public class NativeExecutableTests(ITestOutputHelper output)
{
    private static readonly byte[] ElfMagic = [0x7f, (byte)'E', (byte)'L', (byte)'F'];
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(20);
    private readonly ITestOutputHelper _output = output;

    [Fact]
    public void The_published_executable_is_native_and_answers_redis_cli()
    {
        string root = RepositoryRoot();
        var clock = Stopwatch.StartNew();
        (int code, string text) = Run(Path.Combine(root, "dev"), "publish");
        Assert.True(code == 0, text);
        _output.WriteLine($"published in {clock.Elapsed.TotalSeconds:F0} s");

        string executable = Path.Combine(root, "artifacts", "publish", "millrace");
        byte[] first = new byte[ElfMagic.Length];
        using (FileStream file = File.OpenRead(executable))
            file.ReadExactly(first);
        Assert.Equal(ElfMagic, first);
        Assert.False(File.Exists(executable + ".dll"), "a native publish has no managed assembly beside it");
        Assert.Contains("7.", Run(executable, "--version").Text, StringComparison.Ordinal);
        Answers(executable);
    }

    private void Answers(string executable)
    {
        string port = Ports.Free().ToString(CultureInfo.InvariantCulture);
        DirectoryInfo folder = Directory.CreateTempSubdirectory("millrace-publish-");
        var start = new ProcessStartInfo(executable, ["--port", port, "--bind", "127.0.0.1", "--save", ""])
        {
            WorkingDirectory = folder.FullName,
            // No runtime is installed as far as this process can see.
            Environment = { ["DOTNET_ROOT"] = folder.FullName, ["PATH"] = "/usr/bin:/bin" },
        };
        using Process server = Process.Start(start)!;
        try
        {
            var clock = Stopwatch.StartNew();
            while (Run("redis-cli", "-p", port, "ping").Text.Trim() != "PONG")
            {
                Assert.False(server.HasExited, "the server ended at its start");
                Assert.True(clock.Elapsed < StartLimit, "no PONG");
                Thread.Sleep(50);
            }
            _output.WriteLine($"first PONG after {clock.Elapsed.TotalMilliseconds:F0} ms, redis-cli's start included");
            Assert.Equal("OK", Run("redis-cli", "-p", port, "set", "key", "value").Text.Trim());
            Assert.Equal("value", Run("redis-cli", "-p", port, "get", "key").Text.Trim());
            Assert.Equal("millrace", server.ProcessName);
            Run("redis-cli", "-p", port, "shutdown", "nosave");
            Assert.True(server.WaitForExit(StartLimit), "SHUTDOWN did not end the server");
            Assert.Equal(0, server.ExitCode);
        }
        finally
        {
            if (!server.HasExited)
                server.Kill();
            server.WaitForExit();
            folder.Delete(recursive: true);
        }
    }

    private static (int Code, string Text) Run(string file, params string[] arguments)
    {
        var start = new ProcessStartInfo(file, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string text = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, text + errors.Result);
    }

    private static string RepositoryRoot()
    {
        DirectoryInfo? root = new(AppContext.BaseDirectory);
        while (root is not null && !File.Exists(Path.Combine(root.FullName, "Millrace.slnx")))
            root = root.Parent;
        return root!.FullName;
    }
}
