using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Millrace.Host.Tests;

public sealed class StopTests
{
    [Theory]
    [InlineData("TERM", "SIGTERM")]
    [InlineData("INT", "SIGINT")]
    public void A_signal_shuts_down_in_order_and_removes_the_pid_file(string signal, string name)
    {
        using HostProcess host = Start("--pidfile", "pid");
        string pidFile = Path.Combine(host.WorkingDirectory, "pid");
        Assert.Equal($"{host.Id}\n", File.ReadAllText(pidFile));
        host.Signal(signal);
        Assert.Equal(0, host.WaitForExit());
        Assert.False(File.Exists(pidFile));
        Assert.Matches(
            $"# Received {name} scheduling shutdown...\n.* \\* User requested shutdown...\n"
            + ".* \\* Saving the final RDB snapshot before exiting.\n.* \\* DB saved on disk\n"
            + ".* \\* Removing the pid file.\n.* # Millrace is now ready to exit, bye bye...\n$",
            host.Output);
    }

    [Fact]
    public void A_second_SIGINT_ends_the_process_at_once_with_1()
    {
        int port = Ports.Free();
        using HostProcess host = HostProcess.Start("--port", $"{port}");
        host.WaitFor("Ready to accept connections tcp");

        // A client that takes none of its large reply makes the graceful way long.
        using var client = new TcpClient();
        client.ReceiveBufferSize = 4096;
        client.Connect(IPAddress.Loopback, port);
        byte[] value = new byte[32 * 1024 * 1024];
        client.Client.Send(Encoding.ASCII.GetBytes($"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n${value.Length}\r\n"));
        client.Client.Send(value);
        client.Client.Send("\r\nGET k\r\n"u8.ToArray());
        byte[] ok = new byte[5];
        client.GetStream().ReadExactly(ok);

        host.Signal("INT");
        host.WaitFor("Received SIGINT scheduling shutdown...");
        host.Signal("INT");
        Assert.Equal(1, host.WaitForExit());
        Assert.Contains("# You insist... exiting now.", host.Output);
    }

    [Fact]
    public void SIGHUP_is_ignored()
    {
        int port = Ports.Free();
        using HostProcess host = HostProcess.Start("--port", $"{port}");
        host.WaitFor("Ready to accept connections tcp");
        host.Signal("HUP");
        Thread.Sleep(200);
        Assert.Equal("+PONG", HostProcess.Ask(port, "PING"));
        host.Signal("TERM");
        Assert.Equal(0, host.WaitForExit());
    }

    [Fact]
    public void SHUTDOWN_ends_the_process_with_0()
    {
        int port = Ports.Free();
        using HostProcess host = HostProcess.Start("--port", $"{port}", "--pidfile", "pid");
        host.WaitFor("Ready to accept connections tcp");
        Assert.Equal("", HostProcess.Ask(port, "SHUTDOWN NOSAVE"));
        Assert.Equal(0, host.WaitForExit());
        Assert.Contains("Millrace is now ready to exit", host.Output);
        Assert.False(File.Exists(Path.Combine(host.WorkingDirectory, "pid")));
    }

    [Fact]
    public void CONFIG_SET_dir_does_not_lose_the_pid_file()
    {
        int port = Ports.Free();
        using HostProcess host = HostProcess.Start(
            "--port", $"{port}", "--pidfile", "pid", "--enable-protected-configs", "local");
        host.WaitFor("Ready to accept connections tcp");
        Assert.Equal("+OK", HostProcess.Ask(port, "CONFIG SET dir /"));
        Assert.StartsWith(
            "-ERR CONFIG SET failed (possibly related to argument 'dir') - No such",
            HostProcess.Ask(port, "CONFIG SET dir /nonexistent"));
        host.Signal("TERM");
        Assert.Equal(0, host.WaitForExit());
        Assert.False(File.Exists(Path.Combine(host.WorkingDirectory, "pid")));
    }

    private static HostProcess Start(params string[] arguments) =>
        HostProcess.Start(["--port", $"{Ports.Free()}", .. arguments])
            .WaitFor("Ready to accept connections tcp");
}
