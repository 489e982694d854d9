using System.Diagnostics;
using Millrace.Compat.Tests.Servers;
using Millrace.Compat.Tests.Wire;

namespace Millrace.Compat.Tests.Commands;

/// <summary>Settings and commands whose effect is not in their reply, played on both servers.</summary>
public sealed class EffectTests
{
    [Fact]
    public void An_idle_client_is_closed_after_timeout() => Both((server, _) =>
    {
        using RawConnection connection = server.Connect();
        connection.Call("CONFIG", "SET", "timeout", "1");
        var clock = Stopwatch.StartNew();
        Assert.Empty(connection.ReadToEnd());
        Assert.InRange(clock.ElapsedMilliseconds, 900, 4000);
    });

    [Fact]
    public void A_new_password_binds_new_connections_only() => Both((server, _) =>
    {
        using RawConnection connection = server.Connect();
        Assert.Equal("+OK\r\n", connection.Ask("CONFIG", "SET", "requirepass", "secret"));
        Assert.Equal("+PONG\r\n", connection.Ask("PING"));
        using RawConnection other = server.Connect();
        Assert.Equal("-NOAUTH Authentication required.\r\n", other.Ask("PING"));
        Assert.Equal("-WRONGPASS invalid username-password pair or user is disabled.\r\n", other.Ask("AUTH", "wrong"));
        Assert.Equal("+OK\r\n", other.Ask("AUTH", "secret"));
        Assert.Equal("+PONG\r\n", other.Ask("PING"));
        connection.Call("CONFIG", "SET", "requirepass", "");
        using RawConnection third = server.Connect();
        Assert.Equal("+PONG\r\n", third.Ask("PING"));
    });

    [Fact]
    public void A_smaller_bulk_limit_binds_at_once() => Both((server, _) =>
    {
        using RawConnection connection = server.Connect();
        connection.Call("CONFIG", "SET", "proto-max-bulk-len", "1mb");
        Assert.Equal("-ERR string exceeds maximum allowed size (proto-max-bulk-len)\r\n",
            connection.Ask("SETRANGE", "a", "1048576", "x"));
        connection.Call("SET", "a", new string('a', 1_000_000));
        Assert.Equal("-ERR string exceeds maximum allowed size (proto-max-bulk-len)\r\n",
            connection.Ask("APPEND", "a", new string('b', 100_000)));
        connection.Send("*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1048577\r\n"u8);
        Assert.Equal("-ERR Protocol error: invalid bulk length\r\n", connection.ReadText());
        Assert.Empty(connection.ReadToEnd());
    });

    [Fact]
    public void Debug_sleep_holds_everybody_up() => Both((server, _) =>
    {
        using RawConnection sleeper = server.Connect();
        using RawConnection other = server.Connect();
        other.Call("PING");
        sleeper.Send(RawConnection.Encode("DEBUG", "SLEEP", "0.3"));
        Thread.Sleep(50);
        var clock = Stopwatch.StartNew();
        Assert.Equal("+PONG\r\n", other.Ask("PING"));
        Assert.InRange(clock.ElapsedMilliseconds, 150, 2000);
        Assert.Equal("+OK\r\n", sleeper.ReadText());
    });

    [Fact]
    public void Without_active_expiry_an_expired_key_stays_until_it_is_looked_at() => Both((server, _) =>
    {
        using RawConnection connection = server.Connect();
        connection.Call("DEBUG", "SET-ACTIVE-EXPIRE", "0");
        connection.Call("PSETEX", "a", "1", "x");
        Thread.Sleep(400);
        Assert.Equal(":1\r\n", connection.Ask("DBSIZE"));
        Assert.Equal("*0\r\n", connection.Ask("KEYS", "*"));
        Assert.Equal("$-1\r\n", connection.Ask("GET", "a"));
        Assert.Equal(":0\r\n", connection.Ask("DBSIZE"));
        connection.Call("PSETEX", "b", "1", "x");
        connection.Call("DEBUG", "SET-ACTIVE-EXPIRE", "1");
        Thread.Sleep(400);
        Assert.Equal(":0\r\n", connection.Ask("DBSIZE"));
    });

    [Fact]
    public void Debug_log_writes_a_warning_to_the_log() => Both((server, _) =>
    {
        using RawConnection connection = server.Connect();
        Assert.Equal("+OK\r\n", connection.Ask("DEBUG", "LOG", "a line of ours"));
        Thread.Sleep(200);
        Assert.Contains("DEBUG LOG: a line of ours", server.Log, StringComparison.Ordinal);
    });

    [Fact]
    public void Populate_makes_the_same_keys() => Both((server, _) =>
    {
        using RawConnection connection = server.Connect();
        connection.Call("SET", "key:1", "mine");
        Assert.Equal("+OK\r\n", connection.Ask("DEBUG", "POPULATE", "3"));
        Assert.Equal("*4\r\n$7\r\nvalue:0\r\n$4\r\nmine\r\n$7\r\nvalue:2\r\n$-1\r\n",
            connection.Ask("MGET", "key:0", "key:1", "key:2", "key:3"));
        connection.Call("DEBUG", "POPULATE", "2", "p", "12");
        Assert.Equal("$12\r\nvalue:1\0\0\0\0\0\r\n", connection.Ask("GET", "p:1"));
        connection.Call("DEBUG", "POPULATE", "2", "q", "3");
        Assert.Equal("$3\r\nval\r\n", connection.Ask("GET", "q:1"));
    });

    [Theory]
    [InlineData("SHUTDOWN NOSAVE")]
    [InlineData("SHUTDOWN")]
    [InlineData("SHUTDOWN NOW NOSAVE FORCE")]
    public void Shutdown_ends_the_process_without_a_reply(string request) => Both((server, _) =>
    {
        using RawConnection connection = server.Connect();
        connection.Send(RawConnection.Encode(request.Split(' ')));
        Assert.Empty(connection.ReadToEnd());
        Assert.True(SpinWait.SpinUntil(() => server.HasExited, 5000));
        Assert.Equal(0, server.ExitCode);
    });

    [Fact]
    public void A_termination_signal_ends_the_process_in_order() => Both((server, _) =>
    {
        using RawConnection connection = server.Connect();
        connection.Call("SET", "a", "1");
        Assert.True(server.Terminate(TimeSpan.FromSeconds(5)), "still there");
        Assert.Equal(0, server.ExitCode);
        Assert.Contains("Received SIGTERM scheduling shutdown", server.Log, StringComparison.Ordinal);
        Assert.Contains("is now ready to exit, bye bye...", server.Log, StringComparison.Ordinal);
    });

    [Fact]
    public void Readiness_lines_are_those_that_tools_wait_for() => Both((server, name) =>
    {
        Thread.Sleep(100);
        Assert.Contains("Ready to accept connections", server.Log, StringComparison.Ordinal);
        Assert.Contains("Server initialized", server.Log, StringComparison.Ordinal);
        Assert.Matches("(?m)^\\d+:M \\d\\d \\w\\w\\w \\d{4} \\d\\d:\\d\\d:\\d\\d\\.\\d{3} [*#.-] ", server.Log);
        Assert.NotEmpty(name);
    });

    // The real server is the proof that the scenario itself is right.
    private static void Both(Action<ServerProcess, string> scenario)
    {
        using (var redis = ServerProcess.StartRedis())
            scenario(redis, "redis");
        using var millrace = ServerProcess.StartMillrace();
        scenario(millrace, "millrace");
    }
}
