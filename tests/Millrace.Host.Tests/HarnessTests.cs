using System.Net;
using System.Net.Sockets;

namespace Millrace.Host.Tests;

/// <summary>
/// What public test harnesses and supervisors rely on: they start a server by a script that becomes it, wait for lines
/// of its log, and end, restart and inspect it by the process id that the script had.
/// </summary>
public sealed class HarnessTests
{
    // The directives of the public suite's default configuration, in its order and its words, and more that supervisors
    // pass.
    private const string Directives =
        """
        always-show-logo yes
        daemonize no
        pidfile PLACE/run.pid
        port PORT
        timeout 0
        bind 127.0.0.1
        loglevel verbose
        logfile ''
        databases 16
        latency-monitor-threshold 1
        repl-diskless-sync-delay 0
        save ''
        rdbcompression yes
        dbfilename dump.rdb
        dir PLACE
        slave-serve-stale-data yes
        appendonly no
        appendfsync everysec
        no-appendfsync-on-rewrite no
        activerehashing yes
        enable-protected-configs yes
        enable-debug-command yes
        enable-module-command yes
        propagation-error-behavior panic
        shutdown-on-sigterm force
        unixsocket PLACE/socket
        hz 10
        shutdown-timeout 10
        supervised no

        """;

    [Fact]
    public void A_script_that_becomes_the_server_lets_a_harness_start_kill_and_restart_it()
    {
        int port = Ports.Free();
        string directory = HostProcess.NewDirectory();
        string configuration = Path.Combine(directory, "server.conf");
        File.WriteAllText(
            configuration,
            Directives.Replace("PLACE", directory, StringComparison.Ordinal)
                .Replace("PORT", $"{port}", StringComparison.Ordinal));
        string line = $"exec /usr/bin/env SOME_OPTION=1 \"$0\" {configuration} --loglevel debug";
        foreach (string signal in (string[])["TERM", "KILL", "TERM"])
        {
            using HostProcess host = HostProcess.StartInShell(line);
            host.WaitFor("Ready to accept connections unix");
            Assert.Matches($"(?s) PID: {host.Id}.*Server initialized.*Ready to accept connections tcp", host.Output);
            Assert.Equal($"{host.Id}\n", File.ReadAllText(Path.Combine(directory, "run.pid")));
            Assert.Equal("+PONG", HostProcess.Ask(port, "PING"));
            Assert.StartsWith("+Value at:", Answer("SET k v", "DEBUG OBJECT k"));
            Assert.Equal("+PONG", AskByPath(Path.Combine(directory, "socket")));
            host.Signal(signal);
            Assert.Equal(signal == "TERM" ? 0 : 128 + 9, host.WaitForExit());
            Assert.Equal(signal == "KILL", File.Exists(Path.Combine(directory, "run.pid")));
        }

        Directory.Delete(directory, recursive: true);

        string Answer(string first, string second)
        {
            HostProcess.Ask(port, first);
            return HostProcess.Ask(port, second);
        }
    }

    [Fact]
    public void A_stopped_server_goes_on_where_it_was()
    {
        int port = Ports.Free();
        using HostProcess host = HostProcess.Start("--port", $"{port}");
        host.WaitFor("Ready to accept connections tcp");
        using var client = new TcpClient();
        client.Connect(IPAddress.Loopback, port);
        client.ReceiveTimeout = 20_000;
        host.Signal("STOP");
        client.Client.Send("PING\r\n"u8);
        Thread.Sleep(200);
        Assert.Equal(0, client.Available);
        host.Signal("CONT");
        using var reader = new StreamReader(client.GetStream());
        Assert.Equal("+PONG", reader.ReadLine());
    }

    private static string AskByPath(string path)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Connect(new UnixDomainSocketEndPoint(path));
        socket.ReceiveTimeout = 20_000;
        socket.Send("PING\r\n"u8);
        using var reader = new StreamReader(new NetworkStream(socket));
        return reader.ReadLine() ?? "";
    }
}
