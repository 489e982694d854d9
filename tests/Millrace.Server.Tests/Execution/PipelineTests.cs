// What the pipeline promises beyond the replies: settings and time hold within one turn, order holds across parking.

using Millrace.Commands;

namespace Millrace.Server.Tests.Execution;

public sealed class PipelineTests
{
    [Fact]
    public void A_setting_binds_the_next_request_of_the_same_pipeline()
    {
        using var server = new InProcessServer();
        using var peer = server.Connect();
        peer.Send(
            Peer.Encode("CONFIG", "SET", "proto-max-bulk-len", "1mb") + Peer.Encode("SETRANGE", "k", "1048576", "x"));
        const string Expected =
            "+OK\r\n-ERR string exceeds maximum allowed size (proto-max-bulk-len)\r\n";
        Assert.Equal(Expected, peer.Receive(Expected.Length));
    }

    [Fact]
    public void Time_goes_on_within_one_pipeline()
    {
        using var server = new InProcessServer("--io-threads", "1", "--enable-debug-command", "yes");
        using var peer = server.Connect();
        peer.Send(
            Peer.Encode("SET", "k", "v", "PX", "20") + Peer.Encode("DEBUG", "SLEEP", "0.1") + Peer.Encode("GET", "k"));
        Assert.Equal("+OK\r\n+OK\r\n$-1\r\n", peer.Receive(15));
    }

    [Fact]
    public void Requests_behind_a_parked_one_keep_their_order_and_lose_nothing()
    {
        using var server = new InProcessServer();
        using var peer = server.Connect();
        Assert.Equal("+PONG\r\n", peer.Ask("+PONG\r\n", "PING"));
        server.Server.Parts.Gates.Close(Gate.WritesPaused);
        peer.Send(Peer.Encode("GET", "k") + "SET k \"a b\"\r\n" + Peer.Encode("GET", "k") + Peer.Encode("INCR", "n"));
        Assert.Equal("$-1\r\n", peer.Receive(5));
        server.Server.Parts.Gates.Open(Gate.WritesPaused);
        Assert.Equal("+OK\r\n$3\r\na b\r\n:1\r\n", peer.Receive(18));
    }

    [Fact]
    public void WAIT_for_a_replica_answers_after_its_time_and_then_what_came_behind_it()
    {
        using var server = new InProcessServer();
        using var peer = server.Connect();
        peer.Send(Peer.Encode("WAIT", "0", "0") + Peer.Encode("WAIT", "1", "50") + Peer.Encode("PING") + "PING\r\n");
        Assert.Equal(":0\r\n:0\r\n+PONG\r\n+PONG\r\n", peer.Receive(22));
        using var patient = server.Connect();
        patient.Send(Peer.Encode("WAIT", "1", "0") + Peer.Encode("PING"));
        while (!peer.Info("clients").Contains("blocked_clients:1")) Thread.Sleep(5);
        patient.Dispose();
        while (!peer.Info("clients").Contains("blocked_clients:0")) Thread.Sleep(5);
    }

    [Fact]
    public void A_client_that_leaves_while_it_is_parked_harms_nobody()
    {
        using var server = new InProcessServer();
        using var other = server.Connect();
        server.Server.Parts.Gates.Close(Gate.WritesPaused);
        for (var i = 0; i < 20; i++)
        {
            using var peer = server.Connect();
            peer.Request("SET", "k", "v");
        }

        Assert.Equal("+PONG\r\n", other.Ask("+PONG\r\n", "PING"));
        server.Server.Parts.Gates.Open(Gate.WritesPaused);
        Assert.Equal("+OK\r\n", other.Ask("+OK\r\n", "SET", "k", "v"));
    }
}
