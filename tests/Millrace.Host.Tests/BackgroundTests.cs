using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Millrace.Host.Tests;

public sealed class BackgroundTests
{
    [Fact]
    public void Daemonize_exits_with_0_once_the_server_in_the_background_is_ready()
    {
        int port = Ports.Free();
        using HostProcess host = HostProcess.StartIn(
            HostProcess.NewDirectory(),
            $"port {port}\n",
            null,
            "--daemonize", "yes", "--pidfile", "pid", "--logfile", "log", "-");
        Assert.Equal(0, host.WaitForExit());
        string pidFile = Path.Combine(host.WorkingDirectory, "pid");
        int processId = int.Parse(File.ReadAllText(pidFile), CultureInfo.InvariantCulture);
        try
        {
            Assert.NotEqual(host.Id, processId);
            Assert.Equal("+PONG", HostProcess.Ask(port, "PING"));
            Assert.Equal("/dev/null", new FileInfo($"/proc/{processId}/fd/1").LinkTarget);
        }
        finally
        {
            HostProcess.Signal("TERM", processId);
        }

        HostProcess.WaitUntil(() => !File.Exists(pidFile), "the end of the background process");
        Assert.Contains("bye bye", WaitForLog(Path.Combine(host.WorkingDirectory, "log"), "bye bye"));
    }

    [Fact]
    public void The_server_in_the_background_finds_its_file_and_its_directory_where_the_first_one_was_started()
    {
        int port = Ports.Free();
        string directory = HostProcess.NewDirectory();
        string data = Directory.CreateDirectory(Path.Combine(directory, "data")).FullName;
        File.WriteAllText(
            Path.Combine(directory, "m.conf"), $"port {port}\ndir ./data\ndaemonize yes\npidfile pid\nlogfile log\n");
        using HostProcess host = HostProcess.StartIn(directory, null, null, "m.conf");
        Assert.Equal(0, host.WaitForExit());
        int processId = int.Parse(File.ReadAllText(Path.Combine(data, "pid")), CultureInfo.InvariantCulture);
        try
        {
            Assert.Equal("+OK", HostProcess.Ask(port, "CONFIG REWRITE"));
            Assert.Contains($"dir \"{data}\"", File.ReadAllText(Path.Combine(directory, "m.conf")));
        }
        finally
        {
            HostProcess.Signal("TERM", processId);
        }

        HostProcess.WaitUntil(() => !Directory.Exists($"/proc/{processId}"), "the end");
    }

    [Fact]
    public void Daemonize_finds_a_configuration_file_where_it_was_started_though_dir_leads_elsewhere()
    {
        int port = Ports.Free();
        string directory = HostProcess.NewDirectory();
        string sub = Directory.CreateDirectory(Path.Combine(directory, "sub")).FullName;
        File.WriteAllText(Path.Combine(directory, "further.conf"), "timeout 5\n");
        File.WriteAllText(
            Path.Combine(directory, "my.conf"),
            $"include further.conf\ndir sub\nport {port}\ndaemonize yes\npidfile pid\nlogfile log\n");
        using HostProcess host = HostProcess.StartIn(directory, null, null, "my.conf");
        Assert.Equal(0, host.WaitForExit());
        string pidFile = Path.Combine(sub, "pid");
        int processId = int.Parse(File.ReadAllText(pidFile), CultureInfo.InvariantCulture);
        try
        {
            Assert.Equal("+PONG", HostProcess.Ask(port, "PING"));
            Assert.Equal(sub, new FileInfo($"/proc/{processId}/cwd").LinkTarget);
            string log = File.ReadAllText(Path.Combine(sub, "log"));
            Assert.Matches($"{processId}:M .* \\* Server initialized\n.* \\* Ready to accept connections tcp\n", log);
        }
        finally
        {
            HostProcess.Signal("TERM", processId);
        }

        HostProcess.WaitUntil(() => !File.Exists(pidFile), "the end of the background process");
    }

    [Fact]
    public void Daemonize_passes_on_what_prevents_the_start()
    {
        using var other = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        other.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        other.Listen();
        int port = ((IPEndPoint)other.LocalEndPoint!).Port;
        using HostProcess host = HostProcess.Start("--daemonize", "yes", "--port", $"{port}", "--pidfile", "pid");
        Assert.Equal(1, host.WaitForExit());
        Assert.Contains($"Failed listening on port {port} (tcp), aborting.", host.Errors);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Systemd_is_told_of_readiness_and_of_the_end(bool isAbstract)
    {
        string directory = HostProcess.NewDirectory();
        string path = isAbstract ? $"millrace-test-{Environment.ProcessId}" : Path.Combine(directory, "notify");
        using var systemd = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        systemd.Bind(new UnixDomainSocketEndPoint(isAbstract ? "\0" + path : path));
        systemd.ReceiveTimeout = 20_000;
        var environment = new Dictionary<string, string> { ["NOTIFY_SOCKET"] = isAbstract ? "@" + path : path };
        using HostProcess host = HostProcess.StartIn(
            directory,
            null,
            environment,
            "--port", $"{Ports.Free()}", "--supervised", "auto", "--daemonize", "yes");
        Assert.Equal("STATUS=Millrace is loading...\n", Receive(systemd));
        Assert.Equal("STATUS=Ready to accept connections\nREADY=1\n", Receive(systemd));
        host.Signal("TERM");
        Assert.Equal("STOPPING=1\n", Receive(systemd));
        Assert.Equal(0, host.WaitForExit());
        Assert.Contains("Supervised by systemd.", host.Output);
    }

    [Fact]
    public void Supervision_that_is_not_there_is_said_and_the_server_runs()
    {
        using HostProcess host = HostProcess.Start("--port", $"{Ports.Free()}", "--supervised", "systemd");
        host.WaitFor("Ready to accept connections tcp");
        Assert.Contains("# systemd supervision requested, but NOTIFY_SOCKET not found!", host.Output);
    }

    [Fact]
    public void Under_upstart_the_process_stops_until_it_is_continued()
    {
        var environment = new Dictionary<string, string> { ["UPSTART_JOB"] = "millrace" };
        using HostProcess host = HostProcess.StartIn(
            HostProcess.NewDirectory(),
            null,
            environment,
            "--port", $"{Ports.Free()}", "--supervised", "auto");
        host.WaitFor("supervised by upstart, will stop to signal readiness.");
        HostProcess.WaitUntil(() => File.ReadAllText($"/proc/{host.Id}/stat").Contains(") T "), "the stop");
        Assert.DoesNotContain("Server initialized", host.Output);
        host.Signal("CONT");
        host.WaitFor("Ready to accept connections tcp");
    }

    private static string Receive(Socket socket)
    {
        byte[] bytes = new byte[256];
        return Encoding.UTF8.GetString(bytes, 0, socket.Receive(bytes));
    }

    private static string WaitForLog(string path, string text)
    {
        HostProcess.WaitUntil(() => File.ReadAllText(path).Contains(text), $"'{text}' in the log");
        return File.ReadAllText(path);
    }
}
