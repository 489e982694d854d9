// The reports of a poller in orders that epoll never has, and a completion poller may: input in its own arrays, the end
// of the stream right behind input that is still being worked on, reports about a connection that is closing.

namespace Millrace.Net.Tests;

public sealed class PollerSinkTests : IDisposable
{
    private readonly LoopGroup _group;
    private readonly EventLoop _loop;
    private readonly PollerSink _sink;
    private readonly Recorder _handler = new();
    private readonly Connection _connection;

    public PollerSinkTests()
    {
        var options = new LoopOptions { Count = 1, Poller = PollerKind.Sockets };
        _group = new LoopGroup(options, static _ => new SilentLoop());
        _loop = _group.Loops[0];
        _sink = new PollerSink(_loop);
        Listener listener = _group.Listen(ListenEndpoint.Tcp(System.Net.IPAddress.Loopback, 0));
        _connection = new Connection(_loop, listener, new AcceptedPeer(1, null, default)) { Handler = _handler };
    }

    public void Dispose() => _group.Dispose();

    [Fact]
    public void The_end_is_told_after_the_requests_in_hand()
    {
        _handler.TakesPerCall = 1;
        byte[] own = [9, 9, 1, 2, 3];
        _sink.Arrived(_connection, own, 2, 3);
        _sink.Ended(_connection);
        _sink.Ended(_connection);
        Assert.Equal("r1", _handler.Log);
        PollerSink.HandOverAgain(_connection);
        Assert.Equal("r1r2", _handler.Log);
        PollerSink.HandOverAgain(_connection);
        Assert.Equal("r1r2r3e", _handler.Log);
        PollerSink.HandOverAgain(_connection);
        Assert.Equal("r1r2r3er", _handler.Log);    // the end is told once
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void The_end_is_held_back_while_reading_is_paused_or_throttled(bool isPaused)
    {
        if (isPaused) _connection.PauseReading();
        else _connection.IsThrottled = true;
        _sink.Ended(_connection);
        Assert.Equal("", _handler.Log);
        _connection.IsThrottled = false;
        _connection.ResumeReading();
        _loop.RequeueIfWaiting(_connection);
        Assert.Equal(1, _loop.Ready.Count);
        PollerSink.HandOverAgain(_connection);
        Assert.Equal("re", _handler.Log);
    }

    [Fact]
    public void Input_of_the_pollers_own_arrays_is_joined_to_what_was_kept()
    {
        _handler.TakesPerCall = 0;
        _sink.Arrived(_connection, [1, 2], 0, 2);
        _handler.TakesPerCall = 10;
        _sink.Arrived(_connection, [0, 3, 4], 1, 2);
        Assert.Equal("rr1234", _handler.Log);
        Assert.Equal(0, _loop.Pool.RentedBytes);
        Assert.Equal(4, _connection.BytesIn);
    }

    [Fact]
    public void Nothing_is_handed_over_once_the_connection_is_closing()
    {
        _connection.CloseAfterFlush();
        _sink.Arrived(_connection, [1, 2], 0, 2);
        _sink.Ended(_connection);
        Assert.Equal("", _handler.Log);
        Assert.Equal(2, _loop.Counters.BytesIn);
    }

    [Fact]
    public void A_peer_that_takes_output_is_active()
    {
        _connection.Output.Append("a long reply"u8);
        var before = _connection.LastActivityUs;
        while (_loop.NowUs == before) _loop.RefreshClock();
        _sink.Sent(_connection, 6);
        Assert.Equal(_loop.NowUs, _connection.LastActivityUs);
        Assert.Equal(6, _connection.Output.PendingBytes);
    }

    private sealed class Recorder : ConnectionHandler
    {
        public string Log { get; private set; } = "";

        public int TakesPerCall { get; set; }

        public override void Received(Connection connection)
        {
            Log += "r";
            for (int i = 0; i < TakesPerCall && connection.InputStart < connection.InputEnd; i++)
            {
                Log += connection.InputArray[connection.InputStart];
                connection.Consume(1);
            }
            if (TakesPerCall > 0 && connection.InputStart < connection.InputEnd) connection.Loop.MarkReady(connection);
        }

        public override void Closed(Connection connection) => Log += "c";

        public override void Ended(Connection connection) => Log += "e";
    }

    private sealed class SilentLoop : LoopHandler
    {
        public override ConnectionHandler? Accepted(Connection connection) => null;
    }
}
