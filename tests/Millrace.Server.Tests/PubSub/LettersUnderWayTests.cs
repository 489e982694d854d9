using System.Globalization;
using Millrace.Commands;
using Millrace.Net;
using Millrace.Server.PubSub;

namespace Millrace.Server.Tests.PubSub;

/// <summary>A loop that is behind is not sent any amount: commands that may send it more wait for it.</summary>
public class LettersUnderWayTests
{
    private const int Messages = 4000;
    private const int MessageBytes = 16 * 1024;
    private const int Subscribers = 4;
    private const int PatienceMs = 30_000;

    [Fact]
    public void The_gate_closes_over_the_limit_and_opens_at_half_of_it()
    {
        var gates = new Gates();
        var underWay = new LettersUnderWay(gates);
        underWay.Add(LettersUnderWay.MostBytes);
        Assert.Equal(Gate.None, gates.Word);
        underWay.Add(1);
        Assert.Equal(Gate.TooMuchMail, gates.Word);
        underWay.Remove(LettersUnderWay.MostBytes / 2);
        Assert.Equal(Gate.TooMuchMail, gates.Word);
        underWay.Remove(1);
        Assert.Equal(Gate.None, gates.Word);
        Assert.Equal(LettersUnderWay.MostBytes / 2, underWay.Bytes);
    }

    [Fact]
    public async Task The_gate_is_open_whenever_nothing_is_under_way()
    {
        var gates = new Gates();
        var underWay = new LettersUnderWay(gates);
        void SendAndTakeUp()
        {
            for (var i = 0; i < 20_000; i++)
            {
                underWay.Add((LettersUnderWay.MostBytes / 2) + 1);
                underWay.Remove((LettersUnderWay.MostBytes / 2) + 1);
            }
        }

        await Task.WhenAll(Task.Run(SendAndTakeUp), Task.Run(SendAndTakeUp));
        Assert.Equal(0, underWay.Bytes);
        Assert.Equal(Gate.None, gates.Word);
    }

    [Fact]
    public async Task A_publisher_waits_while_another_loop_is_behind_and_every_message_arrives()
    {
        using var server = new InProcessServer("--io-threads", "2", "--client-output-buffer-limit", "pubsub 0 0 0");
        var peers = new Peer[Subscribers];
        for (var i = 0; i < Subscribers; i++)
        {
            peers[i] = server.Connect();
            peers[i].Ask("*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n", "SUBSCRIBE", "news");
        }

        using var stopped = new LoopStop();
        Peer[] others = [.. Enumerable.Range(0, Subscribers).Select(_ => server.Connect())];
        foreach (var other in others) other.Ask("+PONG\r\n", "PING");
        server.Server.Parts.Loops.Loops[0].Post(stopped);
        Assert.True(stopped.Began.Wait(PatienceMs));
        var publisher = OneThatIsServed(others);

        var request = Peer.Encode("PUBLISH", "news", new string('m', MessageBytes));
        var sending = Task.Run(() =>
        {
            for (var i = 0; i < Messages; i++) publisher.Send(request);
        });
        var (underWay, gates) = (server.Server.Parts.Channels.UnderWay, server.Server.Parts.Gates);
        Assert.True(SpinWait.SpinUntil(() => (gates.Word & Gate.TooMuchMail) != 0, PatienceMs));
        await Task.Delay(100);
        Assert.InRange(
            underWay.Bytes, LettersUnderWay.MostBytes / 2, LettersUnderWay.MostBytes + (64 * MessageBytes));
        Assert.False(sending.IsCompleted);

        Task<int>[] hearing = [.. peers.Select(static peer => Task.Run(() => Hear(peer)))];
        stopped.Dispose();
        await sending;
        var reply = string.Create(CultureInfo.InvariantCulture, $":{Subscribers}\r\n");
        Assert.Equal(string.Concat(Enumerable.Repeat(reply, Messages)), publisher.Receive(Messages * reply.Length));
        foreach (var heard in await Task.WhenAll(hearing)) Assert.Equal(Messages, heard);
        Assert.Equal(Gate.None, gates.Word);
        foreach (var peer in peers.Concat(others)) peer.Dispose();
    }

    [Fact]
    public void While_the_gate_is_closed_data_and_expiry_wait_and_administration_goes_on()
    {
        using var server = new InProcessServer("--io-threads", "2");
        using var data = server.Connect();
        using var other = server.Connect();
        data.Ask("+OK\r\n", "SET", "gone", "v", "PX", "1500");
        var gates = server.Server.Parts.Gates;
        gates.Close(Gate.TooMuchMail);
        Thread.Sleep(2000);
        data.Request("GET", "gone");
        Thread.Sleep(100);
        Assert.False(data.HasInput);
        Assert.Equal("+PONG\r\n", other.Ask("+PONG\r\n", "PING"));
        Assert.Equal(":1\r\n", other.Ask(":1\r\n", "DBSIZE"));
        Assert.Contains("millrace_mail_bytes:0\r\nmillrace_mail_limit_hits:0\r\n", other.Info("memory"));
        gates.Open(Gate.TooMuchMail);
        Assert.Equal("$-1\r\n", data.Receive("$-1\r\n".Length));
        Assert.Equal(":0\r\n", other.Ask(":0\r\n", "DBSIZE"));
    }

    [Fact]
    public void Everybody_who_redirects_to_a_client_of_another_loop_has_it_told_of_each_change()
    {
        const int trackers = 20;
        const int changes = 50;
        using var server = new InProcessServer("--io-threads", "2");
        using var redirect = server.Connect();
        redirect.Request("CLIENT", "ID");
        var id = redirect.Receive(":1\r\n".Length).Trim(':', '\r', '\n');
        redirect.Ask(
            "*3\r\n$9\r\nsubscribe\r\n$20\r\n__redis__:invalidate\r\n:1\r\n", "SUBSCRIBE", "__redis__:invalidate");
        Peer[] tracking = [.. Enumerable.Range(0, trackers).Select(_ => server.Connect())];
        foreach (var one in tracking)
            Assert.Equal("+OK\r\n", one.Ask("+OK\r\n", "CLIENT", "TRACKING", "ON", "BCAST", "REDIRECT", id));
        using var writer = server.Connect();
        for (var i = 0; i < changes; i++) writer.Ask("+OK\r\n", "SET", "k" + (i % 10), "v");
        const string message = "*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n*1\r\n$2\r\nk";
        var heard = redirect.Receive(trackers * changes * (message.Length + "0\r\n".Length));
        for (var i = 0; i < 10; i++)
            Assert.Equal(trackers * changes / 10, heard.Split($"{message}{i}\r\n").Length - 1);
        Assert.Equal(0, server.Server.Parts.Channels.UnderWay.Bytes);
        foreach (var one in tracking) one.Dispose();
    }

    // One whose loop goes on. The others have their answer when theirs does.
    private static Peer OneThatIsServed(Peer[] peers)
    {
        foreach (var peer in peers) peer.Request("PING");
        Assert.True(SpinWait.SpinUntil(() => Array.Exists(peers, static peer => peer.HasInput), PatienceMs));
        var served = peers.First(static peer => peer.HasInput);
        Assert.Equal("+PONG\r\n", served.Receive("+PONG\r\n".Length));
        return served;
    }

    private static int Hear(Peer peer)
    {
        var message = $"*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n${MessageBytes}\r\n{new string('m', MessageBytes)}\r\n";
        var heard = 0;
        while (heard < Messages && peer.Receive(message.Length) == message) heard++;
        return heard;
    }

    // Keeps a loop from doing anything until it is disposed.
    private sealed class LoopStop : Mail, IDisposable
    {
        private readonly ManualResetEventSlim _over = new();

        public ManualResetEventSlim Began { get; } = new();

        public override void Deliver(EventLoop loop)
        {
            Began.Set();
            _over.Wait(PatienceMs);
        }

        public void Dispose() => _over.Set();
    }
}
