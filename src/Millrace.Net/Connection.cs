// One connection: its addresses, its unread input, its unsent output and where it is in its life.
//
//     Open --CloseAfterFlush--> Draining --all sent--> Lingering --peer's end, time-out--> Closed
//       |                          |                      (reads and drops; the handler's Closed has been called)
//       +-- CloseNow, broken ------+-----------------------------------------------------> Closed
//
// All members are to be used on the connection's loop, or while all loops stand still. Nothing here makes a system
// call: a change marks the connection as touched, and the loop settles touched connections at the end of the turn.

using System.Diagnostics;

namespace Millrace.Net;

/// <summary>A connection of an <see cref="EventLoop"/>; it stays on that loop for life.</summary>
public sealed class Connection
{
    private readonly IpEndpoint _peer;
    private InputBuffer _input;
    private bool _isReceiving;

    internal Connection(EventLoop loop, Listener listener, in AcceptedPeer peer)
    {
        Loop = loop;
        Listener = listener;
        Descriptor = peer.Descriptor;
        _peer = peer.Address;
        CreatedAtUs = LastActivityUs = loop.NowUs;
        Output = new OutputQueue(this);
    }

    /// <summary>The loop that serves it.</summary>
    public EventLoop Loop { get; }

    /// <summary>The listener that it came in by.</summary>
    public Listener Listener { get; }

    /// <summary>The handler given by <see cref="LoopHandler.Accepted"/>; it may be replaced at any time. Null before,
    /// and for a refused connection.</summary>
    public ConnectionHandler? Handler { get; set; }

    /// <summary>The peer, such as <c>127.0.0.1:50312</c>, <c>[::1]:50312</c> or <c>/run/millrace.sock:0</c>;
    /// <c>?:0</c> when the system did not say. The text is made anew for each call.</summary>
    public string RemoteAddress => IsUnixSocket ? Listener.UnixAddress : _peer.IsNone ? "?:0" : _peer.ToString();

    /// <summary>This end, in the same form; empty when the system did not say.</summary>
    public string LocalAddress { get; internal set; } = "";

    /// <summary>It came through a Unix socket.</summary>
    public bool IsUnixSocket => Listener.Endpoint.IsUnix;

    /// <summary>The peer has a loopback address (127.0.0.0/8 or ::1).</summary>
    public bool IsLoopback => _peer.IsLoopback;

    /// <summary>The system's descriptor or handle of the socket, for display.</summary>
    public int Descriptor { get; }

    /// <summary>When it was taken in, on <see cref="EventLoop.NowUs"/>.</summary>
    public long CreatedAtUs { get; }

    /// <summary>When bytes last came in or the system last took output, on
    /// <see cref="EventLoop.NowUs"/>.</summary>
    public long LastActivityUs { get; internal set; }

    /// <summary>Bytes received.</summary>
    public long BytesIn { get; internal set; }

    /// <summary>Bytes sent.</summary>
    public long BytesOut { get; internal set; }

    /// <summary>Whatever the server wants to find here.</summary>
    public object? Tag { get; set; }

    /// <summary>Requests are still welcome: nobody has closed it.</summary>
    public bool IsOpen => Stage == ConnectionStage.Open && !IsCut;

    /// <summary>The array with the unread input. Valid until <see cref="ConnectionHandler.Received"/> returns; outside
    /// of it, until the loop's next turn.</summary>
    public byte[] InputArray => _input.Array;

    /// <summary>Index of the first unread byte.</summary>
    public int InputStart => _input.Start;

    /// <summary>Index one behind the last unread byte.</summary>
    public int InputEnd => _input.End;

    /// <summary>Bytes of memory that the connection holds for input; 0 when nothing is unread.</summary>
    public long InputBufferBytes => _input.HeldBytes;

    /// <summary>Bytes of <see cref="InputBufferBytes"/> that hold no unread input.</summary>
    public long InputBufferFree => _input.HeldBytes == 0 ? 0 : _input.HeldBytes - _input.Unread;

    /// <summary>What has to be sent.</summary>
    public OutputQueue Output { get; }

    /// <summary>It is not read because of <see cref="PauseReading"/>.</summary>
    public bool IsPaused { get; private set; }

    /// <summary>It is not read because too much output waits for the peer.</summary>
    public bool IsThrottled { get; internal set; }

    internal ConnectionStage Stage { get; set; }

    /// <summary>It is to be closed without further ado.</summary>
    internal bool IsCut { get; private set; }

    /// <summary>It is in the loop's list of connections to settle.</summary>
    internal bool IsTouched { get; set; }

    /// <summary>It is in the loop's list of connections whose output waits.</summary>
    internal bool IsHeld { get; set; }

    /// <summary>Its unread input is to be handed over again.</summary>
    internal bool IsReady { get; set; }

    /// <summary>The turn in which its handler was last called for input; it is called once per turn.</summary>
    internal long ServedInTurn { get; private set; }

    /// <summary>It is in the loop's list of ready connections.</summary>
    internal bool IsQueued { get; set; }

    /// <summary>The poller has output in its hands, or waits until the peer takes more.</summary>
    internal bool IsSending { get; set; }

    /// <summary>Output has had to wait since it was last all gone.</summary>
    internal bool HasWaited { get; set; }

    internal bool PeerEnded { get; set; }

    internal bool EndTold { get; set; }

    internal bool ClosedTold { get; set; }

    /// <summary>Its place in the loop's set of open or lingering connections.</summary>
    internal int Slot { get; set; } = -1;

    /// <summary>The poller's own: interest bits of epoll, operations in flight of io_uring.</summary>
    internal uint PollerBits { get; set; }

    /// <summary>The poller's own: its slot, or -1.</summary>
    internal int PollerSlot { get; set; } = -1;

    /// <summary>The poller's own: the socket and its operations, or what io_uring holds for it.</summary>
    internal object? Transport { get; set; }

    /// <summary>Cuts a peer that takes no output, or ends the lingering.</summary>
    internal LoopTimer? ClosingTimer { get; set; }

    /// <summary>Bytes that were unsent when <see cref="ClosingTimer"/> was started.</summary>
    internal long PendingAtTimer { get; set; }

    /// <summary>The loop wants to hear of input now.</summary>
    internal bool WantsInput => !IsCut && !PeerEnded &&
        (Stage == ConnectionStage.Lingering || (Stage == ConnectionStage.Open && !IsPaused && !IsThrottled));

    /// <summary>Its next bytes are better read to where <see cref="PrepareRead"/> says than taken from
    /// elsewhere.</summary>
    internal bool PrefersRoom =>
        Stage == ConnectionStage.Open && _input.PrefersRoom(Loop.Options.ReceiveBufferBytes);

    internal bool HasUnread => _input.Unread > 0;

    /// <summary>Drops the first bytes of the unread input: they have been processed.</summary>
    /// <param name="count">How many.</param>
    public void Consume(int count)
    {
        _input.Consume(count);
        if (!_isReceiving && _input.Unread == 0) _input.Release(Loop.Pool);
    }

    /// <summary>A hint for the growth of the input buffer: the message at <see cref="InputStart"/> will have so many
    /// bytes. Memory still follows the bytes that arrive, at no more than four times their number.</summary>
    /// <param name="totalBytes">Its whole length.</param>
    public void ExpectInput(int totalBytes) => _input.Expect(totalBytes);

    /// <summary>Stops reading until <see cref="ResumeReading"/>; the handler is not called for input meanwhile, and the
    /// end of the peer's stream is not noticed.</summary>
    public void PauseReading()
    {
        if (IsPaused) return;
        IsPaused = true;
        Touch();
    }

    /// <summary>Reads again; unread input is handed over again in the next turn.</summary>
    public void ResumeReading()
    {
        if (!IsPaused) return;
        IsPaused = false;
        Touch();
        Loop.RequeueIfWaiting(this);
    }

    /// <summary>No more requests are taken; what has been written is sent, then the connection is closed.</summary>
    public void CloseAfterFlush()
    {
        if (Stage != ConnectionStage.Open) return;
        Stage = ConnectionStage.Draining;
        Touch();
    }

    /// <summary>Closes at the end of the turn and drops unsent output.</summary>
    public void CloseNow()
    {
        if (IsCut || Stage == ConnectionStage.Closed) return;
        IsCut = true;
        Touch();
    }

    /// <summary>Has the loop look at it at the end of the turn.</summary>
    internal void Touch()
    {
        if (!IsTouched) Loop.AddTouched(this);
    }

    internal void PrepareRead(byte[] shared, out byte[] array, out int offset, out int length)
    {
        if (Stage == ConnectionStage.Open)
        {
            _input.PrepareRead(Loop.Pool, shared, out array, out offset, out length);
            return;
        }
        array = shared;
        offset = 0;
        length = shared.Length;
    }

    internal bool TryTakeIn(byte[] shared, byte[] array, int offset, int count) =>
        _input.TryTake(Loop.Pool, shared, array, offset, count);

    /// <summary>Lets the handler look at the unread input.</summary>
    internal void HandOver()
    {
        Debug.Assert(!_isReceiving, "one call at a time");
        IsReady = false;
        ServedInTurn = Loop.Tally.Turns;
        _isReceiving = true;
        Handler?.Received(this);
        _isReceiving = false;
        _input.Keep(Loop.Pool);
    }

    internal void ReleaseInput() => _input.Release(Loop.Pool);
}

/// <summary>Where a connection is in its life.</summary>
internal enum ConnectionStage : byte
{
    Open,
    Draining,
    Lingering,
    Closed,
}
