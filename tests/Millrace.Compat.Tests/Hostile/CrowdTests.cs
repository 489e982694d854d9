using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Millrace.Compat.Tests.Servers;
using Millrace.Compat.Tests.Wire;
using Xunit.Abstractions;

namespace Millrace.Compat.Tests.Hostile;

/// <summary>
/// Clients that misbehave beside one that does not: the good one is served throughout, and the server lives.
/// </summary>
public sealed class CrowdTests(ITestOutputHelper output)
{
    private static readonly string[] s_prefixes =
        ["*3\r\n$3\r\nSET\r\n", "*1\r\n$", "*", "PING\r\n", "GET ", "*2\r\n$4\r\nECHO\r\n$10\r\n", "*1048576\r\n",
            "HELLO 3\r\n", ""];

    [Fact]
    public void Half_requests_of_many_connections_harm_nobody()
    {
        using var server = ServerProcess.StartMillrace();
        int count = TestSettings.Long ? 5000 : 1000;
        var halves = new List<RawConnection>();
        try
        {
            for (int i = 0; i < count; i++)
            {
                var connection = new RawConnection(server.Port);
                halves.Add(connection);
                connection.Send(Encoding.Latin1.GetBytes(s_prefixes[i % s_prefixes.Length]));
            }
            using RawConnection good = server.Connect();
            Assert.Equal("+PONG\r\n", good.Ask("PING"));
            long clients = ReplyValue.Parse(good.Call("CLIENT", "LIST")).Text.Split('\n').Length - 1;
            Assert.Equal(count + 1, clients);
        }
        finally
        {
            foreach (RawConnection connection in halves)
                connection.Dispose();
        }
        AssertServes(server);
        AssertClientsBecome(server, 1);
    }

    [Fact]
    public void Announced_lengths_are_not_trusted_with_memory()
    {
        using var server = ServerProcess.StartMillrace();
        using RawConnection good = server.Connect();
        good.Call("PING");
        long before = server.ResidentBytes();
        var liars = new List<RawConnection>();
        try
        {
            for (int i = 0; i < 200; i++)
            {
                var liar = new RawConnection(server.Port);
                liars.Add(liar);
                liar.Send("*2\r\n$4\r\nECHO\r\n$536870912\r\nabc"u8);
                var many = new RawConnection(server.Port);
                liars.Add(many);
                many.Send("*1048576\r\n$1\r\na\r\n"u8);
            }
            Thread.Sleep(300);
            Assert.Equal("+PONG\r\n", good.Ask("PING"));
            long grown = server.ResidentBytes() - before;
            output.WriteLine($"400 liars: {grown / 1024} kB more resident");
            Assert.True(grown < 400L << 20, $"{grown} bytes for 400 connections that announced much and sent little");
        }
        finally
        {
            foreach (RawConnection liar in liars)
                liar.Dispose();
        }
        AssertServes(server);
    }

    [Fact]
    public void Readers_that_do_not_read_stop_being_read_and_harm_nobody()
    {
        using var server = ServerProcess.StartMillrace();
        using RawConnection good = server.Connect();
        good.Call("SET", "big", new string('b', 1_000_000));
        var slow = new List<RawConnection>();
        try
        {
            byte[] gets = [.. Enumerable.Repeat(RawConnection.Encode("GET", "big"), 100).SelectMany(bytes => bytes)];
            for (int i = 0; i < 8; i++)
            {
                var reader = new RawConnection(server.Port);
                slow.Add(reader);
                reader.Send(gets);
            }
            for (int i = 0; i < 100; i++)
                Assert.Equal("+PONG\r\n", good.Ask("PING"));
            // One of them reads at last, and gets every reply whole.
            for (int i = 0; i < 100; i++)
                Assert.Equal(1_000_000 + "$1000000\r\n\r\n".Length, slow[0].ReadReply().Length);
        }
        finally
        {
            foreach (RawConnection reader in slow)
                reader.Dispose();
        }
        AssertServes(server);
    }

    [Fact]
    public void A_client_over_its_output_limit_is_closed_and_others_are_not()
    {
        using var server = ServerProcess.StartMillrace("--client-output-buffer-limit", "normal 2mb 0 0");
        using RawConnection good = server.Connect();
        good.Call("SET", "big", new string('b', 1_000_000));
        using var greedy = new RawConnection(server.Port);
        greedy.Send([.. Enumerable.Repeat(RawConnection.Encode("GET", "big"), 200).SelectMany(bytes => bytes)]);
        Thread.Sleep(500);
        Assert.True(greedy.ReadToEnd().Length < 200_000_000);
        AssertServes(server);
        AssertClientsBecome(server, 2);
        Assert.Equal("+PONG\r\n", good.Ask("PING"));
    }

    [Fact]
    public void Random_bytes_end_in_errors_and_nothing_else()
    {
        int seed = TestSettings.Seed ?? RandomNumberGenerator.GetInt32(int.MaxValue);
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        using var server = ServerProcess.StartMillrace();
        using RawConnection good = server.Connect();
        good.Call("SET", "mine", "safe");
        int rounds = TestSettings.Long ? 5000 : 500;
        for (int i = 0; i < rounds; i++)
        {
            using var junk = new RawConnection(server.Port);
            byte[] bytes = Junk(random);
            try
            {
                junk.Send(bytes);
            }
            catch (SocketException)
            {
                // Closed in the middle of our junk: right.
            }
            if (i % 20 == 0)
                Assert.Equal("$4\r\nsafe\r\n", good.Ask("GET", "mine"));
        }
        AssertServes(server);
        AssertClientsBecome(server, 2);
        Assert.DoesNotContain("Unhandled", server.Log, StringComparison.Ordinal);
    }

    [Fact]
    public void Too_many_clients_are_told_so_as_redis_tells_them()
    {
        using var redis = ServerProcess.StartRedis("--maxclients", "5");
        using var millrace = ServerProcess.StartMillrace("--maxclients", "5");
        string left = SixthClient(redis);
        Assert.Equal("-ERR max number of clients reached\r\n", left);
        Assert.Equal(left, SixthClient(millrace));
        AssertServes(millrace);
    }

    [Fact]
    public void A_thousand_requests_in_one_write_are_answered_in_order()
    {
        using var server = ServerProcess.StartMillrace();
        using RawConnection connection = server.Connect();
        using var batch = new MemoryStream();
        for (int i = 0; i < 5000; i++)
            batch.Write(RawConnection.Encode("ECHO", $"{i}"));
        connection.Send(batch.ToArray());
        for (int i = 0; i < 5000; i++)
            Assert.Equal($"${$"{i}".Length}\r\n{i}\r\n", connection.ReadText());
    }

    [Fact]
    public void A_peer_that_has_shut_down_its_side_still_gets_its_replies()
    {
        using var server = ServerProcess.StartMillrace();
        using RawConnection connection = server.Connect();
        connection.Send("PING\r\nECHO a\r\n"u8);
        connection.Socket.Shutdown(SocketShutdown.Send);
        Assert.Equal("+PONG\r\n$1\r\na\r\n", Encoding.Latin1.GetString(connection.ReadToEnd()));
    }

    private static string SixthClient(ServerProcess server)
    {
        // The readiness check's own connection may still be closing.
        Thread.Sleep(100);
        var five = new List<RawConnection>();
        try
        {
            for (int i = 0; i < 5; i++)
            {
                five.Add(server.Connect());
                Assert.Equal("+PONG\r\n", five[i].Ask("PING"));
            }
            using RawConnection sixth = server.Connect();
            return Encoding.Latin1.GetString(sixth.ReadToEnd());
        }
        finally
        {
            foreach (RawConnection connection in five)
                connection.Dispose();
            Thread.Sleep(100);
        }
    }

    private static byte[] Junk(Random random)
    {
        byte[] bytes = new byte[random.Next(1, 3000)];
        random.NextBytes(bytes);
        if (random.Next(2) == 0)
            return bytes;
        // Half of it looks like a request: good beginnings, wrong continuations.
        byte[] alphabet = [.. "*$\r\n0123456789-+:GETSETPINGECHOhello3\0\xff"u8];
        for (int i = 0; i < bytes.Length; i++)
            bytes[i] = alphabet[bytes[i] % alphabet.Length];
        byte[] prefix = Encoding.Latin1.GetBytes(s_prefixes[random.Next(s_prefixes.Length)]);
        return [.. prefix, .. bytes];
    }

    private static void AssertServes(ServerProcess server)
    {
        Assert.False(server.HasExited, server.Log);
        using RawConnection connection = server.Connect();
        Assert.Equal("+OK\r\n", connection.Ask("SET", "after", "1"));
        Assert.Equal("$1\r\n1\r\n", connection.Ask("GET", "after"));
    }

    private static void AssertClientsBecome(ServerProcess server, int count)
    {
        using RawConnection connection = server.Connect();
        int seen = 0;
        for (int i = 0; i < 100; i++)
        {
            seen = ReplyValue.Parse(connection.Call("CLIENT", "LIST")).Text.Split('\n').Length - 1;
            if (seen == count)
                return;
            Thread.Sleep(50);
        }
        Assert.Equal(count, seen);
    }
}
