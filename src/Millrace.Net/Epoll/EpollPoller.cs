// The poller on Linux epoll: level-triggered, one read per readable connection and turn, one send per connection with
// output.
//
// An event's data is the tag of a slot (PollerSlots), which names a connection, a listener, or, slot 0, the eventfd
// that wakes the loop. A connection is registered when it first wants something, and unregistered when the system
// reports a hang-up while nothing is wanted (level-triggered epoll would repeat it for ever); it is registered again
// when something is wanted, and meets the error then.
//
// The eventfd is edge-triggered and never read: each write is a new edge, and its counter cannot overflow in practice
// (2^64).

using Microsoft.Win32.SafeHandles;

namespace Millrace.Net;

internal struct EpollPoller : IPoller
{
    private const int EventsPerWait = 512;
    private const int AcceptsPerTurn = 128;
    private const uint Registered = 1u << 30;   // in Connection.PollerBits, beside the interest

    private readonly LoopGroup _group;
    private readonly SafeFileHandle _epoll;
    private readonly SafeFileHandle _wake;
    private readonly byte[] _events;
    private readonly PollerSlots _slots = new();
    private int _eventCount;

    public EpollPoller(LoopGroup group)
    {
        _group = group;
        _epoll = LinuxCalls.CreateEpoll();
        _wake = LinuxCalls.CreateEvent();
        _events = GC.AllocateUninitializedArray<byte>(EventsPerWait * LinuxCalls.EventBytes, pinned: true);
        int wakeSlot = _slots.Take(this);
        System.Diagnostics.Debug.Assert(wakeSlot == 0, "the first slot");
        int result = LinuxCalls.Control(_epoll, LinuxCalls.ControlAdd, (int)_wake.DangerousGetHandle(),
            LinuxCalls.In | LinuxCalls.EdgeTriggered, 0);
        if (result < 0) throw new IOException($"epoll_ctl: {LinuxCalls.TextOf(-result)}");
    }

    public static string Name => "epoll";

    public readonly void Wake() => LinuxCalls.Signal(_wake);

    public void Wait(int timeoutMs)
    {
        int count = LinuxCalls.Wait(_epoll, _events, timeoutMs);
        _eventCount = Math.Max(count, 0);   // an interrupted sleep is an empty one
        if (count < 0 && count != -LinuxCalls.Eintr) throw new IOException($"epoll_wait: {LinuxCalls.TextOf(-count)}");
    }

    public readonly void Submit()
    {
        // Nothing is collected.
    }

    public void Dispatch(PollerSink sink)
    {
        int stride = LinuxCalls.EventBytes;
        for (int i = 0; i < _eventCount; i++)
        {
            ReadOnlySpan<byte> item = _events.AsSpan(i * stride, stride);
            uint events = BitConverter.ToUInt32(item);
            ulong data = BitConverter.ToUInt64(item[(stride - sizeof(ulong))..]);
            object? owner = _slots.OwnerOf(data);
            if (owner is Connection connection) Dispatch(connection, events, sink);
            else if (owner is Listener listener) AcceptSome(listener, sink);
        }
        _eventCount = 0;
    }

    public void WatchListener(Listener listener, PollerSink sink)
    {
        bool isWatched = listener.PollerSlot >= 0;
        bool isWanted = !listener.IsClosed && !listener.IsResting;
        if (isWatched == isWanted) return;
        if (!isWanted)
        {
            RemoveListener(listener);
            return;
        }
        LinuxCalls.SetNonBlocking(listener.Descriptor);
        listener.PollerSlot = _slots.Take(listener);
        int result = LinuxCalls.Control(_epoll, LinuxCalls.ControlAdd, listener.Descriptor, LinuxCalls.In,
            _slots.TagOf(listener.PollerSlot));
        if (result >= 0) return;
        _slots.Free(listener.PollerSlot);
        listener.PollerSlot = -1;
        sink.AcceptFailed(listener, LinuxCalls.TextOf(-result));
    }

    public void RemoveListener(Listener listener)
    {
        if (listener.PollerSlot < 0) return;
        LinuxCalls.Control(_epoll, LinuxCalls.ControlDelete, listener.Descriptor, 0, 0);
        _slots.Free(listener.PollerSlot);
        listener.PollerSlot = -1;
    }

    public bool TryAdd(Connection connection, in AcceptedPeer peer)
    {
        if (!connection.IsUnixSocket) TcpOptions.Set(peer.Descriptor, _group.TcpKeepAliveSeconds);
        connection.LocalAddress = connection.Listener.TextOf(SocketEnds.LocalOf(connection));
        connection.PollerSlot = _slots.Take(connection);
        return true;
    }

    public readonly void Discard(in AcceptedPeer peer) => LinuxCalls.Close(peer.Descriptor);

    public readonly void Watch(Connection connection)
    {
        uint wanted = (connection.WantsInput ? LinuxCalls.In : 0) | (connection.IsSending ? LinuxCalls.Out : 0);
        uint bits = connection.PollerBits;
        if (wanted == (bits & ~Registered)) return;
        bool isRegistered = (bits & Registered) != 0;
        int result = LinuxCalls.Control(_epoll, isRegistered ? LinuxCalls.ControlModify : LinuxCalls.ControlAdd,
            connection.Descriptor, wanted, _slots.TagOf(connection.PollerSlot));
        if (result < 0) connection.CloseNow();
        else connection.PollerBits = wanted | Registered;
    }

    public readonly void Send(Connection connection, PollerSink sink)
    {
        OutputQueue output = connection.Output;
        long pending = output.SendableBytes;
        int sent;
        if (output.SendablePieces == 1)
        {
            OutputPiece piece = output.PieceAt(0);
            sent = LinuxCalls.Send(connection.Descriptor, piece.Array.AsSpan(piece.Start, piece.Length));
        }
        else
        {
            sent = LinuxCalls.Send(connection.Descriptor, output);
        }
        if (sent > 0) sink.Sent(connection, sent);
        else if (sent is not (-LinuxCalls.Eagain or -LinuxCalls.Eintr or 0)) sink.Broken(connection);
        connection.IsSending = sent < pending;
    }

    public readonly void EndSending(Connection connection) =>
        LinuxCalls.Shutdown(connection.Descriptor, LinuxCalls.ShutdownWrite);

    public void Close(Connection connection, PollerSink sink)
    {
        _slots.Free(connection.PollerSlot);
        connection.PollerSlot = -1;
        connection.PollerBits = 0;
        connection.IsSending = false;
        LinuxCalls.Close(connection.Descriptor);    // closing unregisters
        sink.Released(connection);
    }

    public readonly void Leave(PollerSink sink)
    {
        // Nothing goes on behind our back.
    }

    public readonly void Dispose()
    {
        _epoll.Dispose();
        _wake.Dispose();
    }

    private readonly void Dispatch(Connection connection, uint events, PollerSink sink)
    {
        const uint End = LinuxCalls.Hup | LinuxCalls.Err;
        if (connection.IsCut) return;
        bool wasSending = connection.IsSending;
        if (wasSending && (events & (LinuxCalls.Out | End)) != 0) sink.MaySend(connection);
        if ((events & (LinuxCalls.In | End)) == 0) return;
        if (connection.WantsInput)
        {
            // What has been read and not processed comes first; the rest stays with the system.
            if (!connection.IsReady) Receive(connection, sink);
        }
        else if ((events & End) != 0 && !wasSending)
        {
            LinuxCalls.Control(_epoll, LinuxCalls.ControlDelete, connection.Descriptor, 0, 0);
            connection.PollerBits = 0;
        }
    }

    private static void Receive(Connection connection, PollerSink sink)
    {
        if (!sink.TryPrepareRead(connection, out byte[] array, out int offset, out int length)) return;
        int received = LinuxCalls.Receive(connection.Descriptor, array.AsSpan(offset, length));
        if (received > 0) sink.Arrived(connection, array, offset, received);
        else if (received == 0) sink.Ended(connection);
        else if (received is not (-LinuxCalls.Eagain or -LinuxCalls.Eintr)) sink.Broken(connection);
    }

    private static void AcceptSome(Listener listener, PollerSink sink)
    {
        Span<byte> address = stackalloc byte[LinuxCalls.AddressBytes];
        for (int i = 0; i < AcceptsPerTurn && !listener.IsClosed && !listener.IsResting; i++)
        {
            int descriptor = LinuxCalls.Accept(listener.Descriptor, address, out int length);
            if (descriptor >= 0)
            {
                sink.Accepted(listener, new AcceptedPeer(descriptor, null, IpEndpoint.Parse(address[..length])));
                continue;
            }
            if (descriptor == -LinuxCalls.Eagain) return;
            if (!LinuxCalls.IsOneConnectionsFault(-descriptor))
                sink.AcceptFailed(listener, LinuxCalls.TextOf(-descriptor));
        }
    }
}
