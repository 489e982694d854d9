using System.Net;
using System.Net.Sockets;

namespace Millrace.Host.Tests;

public sealed class StartTests
{
    [Theory]
    [InlineData("-v", "Millrace server v=")]
    [InlineData("--version", "redis_version=7.2.4")]
    [InlineData("-h", "Usage: millrace ")]
    [InlineData("--help", "--io auto|io_uring|epoll|sockets")]
    public void Version_and_help_are_printed_and_exit_with_0(string argument, string text)
    {
        using HostProcess host = HostProcess.Start(argument);
        Assert.Equal(0, host.WaitForExit());
        Assert.Contains(text, host.Output);
    }

    [Fact]
    public void An_unknown_directive_is_an_error_with_a_suggestion_and_exits_with_1()
    {
        using HostProcess host = HostProcess.Start("--maxclinets", "10");
        Assert.Equal(1, host.WaitForExit());
        Assert.Contains("*** FATAL CONFIG FILE ERROR (Millrace ", host.Errors);
        Assert.Contains(">>> 'maxclinets \"10\"'", host.Errors);
        Assert.Contains("did you mean 'maxclients'?", host.Errors);
    }

    [Fact]
    public void What_promises_copies_is_refused_at_start()
    {
        using HostProcess host = HostProcess.Start("--min-replicas-to-write", "1");
        Assert.Equal(1, host.WaitForExit());
        Assert.Contains("replication is not available yet", host.Errors);
    }

    [Fact]
    public void A_missing_configuration_file_exits_with_1()
    {
        using HostProcess host = HostProcess.Start("none.conf");
        Assert.Equal(1, host.WaitForExit());
        Assert.Contains("Fatal error, can't open config file 'none.conf': No such file or directory", host.Errors);
    }

    [Fact]
    public void A_log_file_in_a_missing_directory_exits_with_1()
    {
        using HostProcess host = HostProcess.Start("--logfile", "none/log");
        Assert.Equal(1, host.WaitForExit());
        Assert.Contains("Can't open the log file: No such file or directory", host.Errors);
    }

    [Fact]
    public void A_busy_port_is_said_as_in_Redis_and_exits_with_1()
    {
        using var other = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        other.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        other.Listen();
        int port = ((IPEndPoint)other.LocalEndPoint!).Port;
        using HostProcess host = HostProcess.Start(
            "--port", $"{port}", "--bind", "127.0.0.1", "--pidfile", "pid");
        Assert.Equal(1, host.WaitForExit());
        Assert.Contains(
            $"Warning: Could not create server TCP listening socket 127.0.0.1:{port}: bind: Address already in use",
            host.Output);
        Assert.Contains($"Failed listening on port {port} (tcp), aborting.", host.Output);
        Assert.False(File.Exists(Path.Combine(host.WorkingDirectory, "pid")));
    }

    [Fact]
    public void The_log_has_the_lines_that_tools_wait_for()
    {
        int port = Ports.Free();
        using HostProcess host = HostProcess.Start("--port", $"{port}", "--unixsocket", "s");
        host.WaitFor("Ready to accept connections unix");
        const string time = "\\d\\d [A-Z][a-z]{2} 20\\d\\d \\d\\d:\\d\\d:\\d\\d\\.\\d{3}";
        Assert.Matches($"(?m)^{host.Id}:C {time} \\* ", host.Output);
        Assert.Contains($", pid={host.Id}, just started\n", host.Output);
        Assert.Contains("* Configuration loaded\n", host.Output);
        Assert.Contains($"* Running mode=standalone, port={port}.\n", host.Output);
        Assert.Matches(
            $"{host.Id}:M .* \\* Server initialized\n.* \\* Ready to accept connections tcp\n", host.Output);
    }

    [Fact]
    public void The_banner_holds_the_process_id_before_Server_initialized()
    {
        using HostProcess host = HostProcess.Start("--port", $"{Ports.Free()}", "--always-show-logo", "yes");
        host.WaitFor("Server initialized");
        Assert.Matches($"(?s) PID: {host.Id}.*Server initialized", host.Output);
    }

    [Fact]
    public void Standard_input_and_arguments_override_the_file()
    {
        string directory = HostProcess.NewDirectory();
        int port = Ports.Free();
        File.WriteAllText(Path.Combine(directory, "my.conf"), "port 1\nlogfile none/x\n# comment\n\ntimeout 5\n");
        using HostProcess host = HostProcess.StartIn(
            directory, "logfile \"\"\nport 2\n", null, "my.conf", "--port", $"{port}", "-");
        host.WaitFor("Ready to accept connections tcp");
        Assert.Equal("+PONG", HostProcess.Ask(port, "PING"));
    }

    [Fact]
    public void Without_a_configuration_file_only_this_machine_is_served()
    {
        int port = Ports.Free();
        using HostProcess host = HostProcess.Start("--port", $"{port}");
        host.WaitFor("Ready to accept connections tcp");
        Assert.Equal("*2\r\n$4\r\nbind\r\n$14\r\n127.0.0.1 -::1\r\n", HostProcess.AskAll(port, "CONFIG GET bind"));
    }

    [Theory]
    [InlineData("my.conf", "timeout 5\n", "")]
    [InlineData("-", "", "timeout 5\n")]
    public void A_configuration_that_does_not_name_bind_means_all_addresses_as_in_Redis(
        string argument, string file, string input)
    {
        string directory = HostProcess.NewDirectory();
        File.WriteAllText(Path.Combine(directory, "my.conf"), file);
        int port = Ports.Free();
        using HostProcess host = HostProcess.StartIn(directory, input, null, argument, "--port", $"{port}");
        host.WaitFor("Ready to accept connections tcp");
        Assert.Equal("*2\r\n$4\r\nbind\r\n$6\r\n* -::*\r\n", HostProcess.AskAll(port, "CONFIG GET bind"));
    }

    [Fact]
    public void A_relative_log_file_starts_at_dir_and_the_password_is_never_logged()
    {
        string directory = HostProcess.NewDirectory();
        string sub = Directory.CreateDirectory(Path.Combine(directory, "sub")).FullName;
        using HostProcess host = HostProcess.StartIn(
            directory,
            null,
            null,
            "--dir", "sub", "--logfile", "log", "--loglevel", "debug", "--port", $"{Ports.Free()}",
            "--requirepass", "hunter2", "--pidfile", "pid");
        HostProcess.WaitUntil(
            () => File.Exists(Path.Combine(sub, "log"))
                && File.ReadAllText(Path.Combine(sub, "log")).Contains("Ready to accept connections tcp"),
            "the log file");
        Assert.Equal($"{host.Id}\n", File.ReadAllText(Path.Combine(sub, "pid")));
        host.Signal("TERM");
        Assert.Equal(0, host.WaitForExit());
        Assert.Equal("", host.Output);
        Assert.DoesNotContain("hunter2", File.ReadAllText(Path.Combine(sub, "log")));
    }

    [Fact]
    public void A_low_limit_of_open_files_lowers_maxclients()
    {
        int port = Ports.Free();
        using HostProcess host = HostProcess.StartInShell($"ulimit -n 200; exec \"$0\" --port {port}");
        host.WaitFor("Ready to accept connections tcp");
        Assert.Contains("# You requested maxclients of 10000 requiring at least 10032 max file", host.Output);
        Assert.Contains("maxclients has been reduced to 168", host.Output);
    }
}
