// The poller on Linux io_uring: what a turn wants of the system is queued; few calls submit it, the last of which
// sleeps.
//
//   input     one receive per connection that goes on for ever and takes a buffer of the loop's when bytes have come
//             (ReceiveBuffers.cs). Bytes that come too early are held (HeldInput.cs), and a connection that holds too
//             much is not received from until it has caught up. A message that is large enough to have memory of its
//             own is read there with an ordinary call when the ring says that there is something: the kernel is never
//             given memory that a connection may let go of. So are the next ones, until some reads have been small
//   output    one send per connection at a time. A short reply counts as sent when it is queued: its send does not wait
//             for the peer, so it is over when it has been submitted, and has a completion only if the peer has not
//             taken all of it. The rest of it, and long output, is sent as the peer takes it
//   accept    one accept per listener, that goes on for ever
//   wake      an eventfd that is polled and never read: each write to it completes the poll once more
//
// The state of a connection is in Connection.PollerBits:
//
//     [ bulk 4 | share 4 | sending now | may wait | listed | closing | cancelling | sending | polling | receiving ]
//
// Operations end with a completion that says so, whatever happens: cancelled ones, too. Short sends that succeed are
// the exception: they have ended when the call that submitted them returns. Only after the last one of a connection its
// descriptor is closed, its slot freed and its memory given back.
//
// A listener's socket may be closed by another thread while the loop stands: shutting it down first ends the accept,
// which the loop notices when it goes on.
//
// Threads: see IPoller. Changes of listeners are noted and submitted by the loop's own thread in its next Wait.

using System.Diagnostics;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Millrace.Net;

internal struct IoUringPoller : IPoller
{
    private const uint Submissions = 512;
    private const uint Completions = 4096;
    private const int MostHeldPieces = 8;
    private const int SharesPerTurn = 4;
    private const int ShortOutputBytes = 16 * 1024;
    private const int BulkReadBytes = 16 * 1024;
    private const int LeaveTries = 200;
    private const int LeaveTryMs = 25;

    private const uint Receiving = 1 << 0;
    private const uint Polling = 1 << 1;
    private const uint Sending = 1 << 2;
    private const uint InFlight = Receiving | Polling | Sending;
    private const uint Cancelling = 1 << 3;     // the receive
    private const uint Closing = 1 << 4;
    private const uint Listed = 1 << 5;         // in _holding
    private const uint MayWait = 1 << 6;        // the current or next send
    private const uint SendingNow = 1 << 7;     // a short reply, beside Sending
    private const int ShareShift = 8;
    private const uint ShareOne = 1u << ShareShift;
    private const uint ShareMask = 0xFu << ShareShift;
    private const uint BulkOne = 1u << 12;      // small reads until a connection of large messages is taken for
    private const uint BulkMask = 0xFu << 12;   // a usual one again

    private readonly LoopGroup _group;
    private readonly Ring _ring;
    private readonly ReceiveBuffers _buffers;
    private readonly SafeFileHandle _wake;
    private readonly PollerSlots _slots = new();
    private readonly ConnectionList _holding = new();       // connections that can be given what they hold
    private readonly ConnectionList _sendingNow = new();    // connections with SendingNow, and some without it
    private readonly List<int> _changedListeners = [];      // slots
    private int _inFlight;
    private bool _isStarved;
    private bool _isLeaving;
    private bool _isAbandoned;

    private IoUringPoller(LoopGroup group, Ring ring, ReceiveBuffers buffers)
    {
        _group = group;
        _ring = ring;
        _buffers = buffers;
        _wake = LinuxCalls.CreateEvent();
        int wakeSlot = _slots.Take(_wake);
        Debug.Assert(wakeSlot == 0, "the first slot");
    }

    public static string Name => "io_uring";

    /// <summary>Makes a poller; null, and why, when the system refuses.</summary>
    /// <param name="group">The group of its loop.</param>
    /// <param name="bufferBytes">Bytes of one receive buffer.</param>
    /// <param name="taskRun">As <see cref="IoUringProbe.Refusal"/> has said.</param>
    /// <param name="refusal">Null, or why not.</param>
    public static IoUringPoller? TryCreate(LoopGroup group, int bufferBytes, uint taskRun, out string? refusal)
    {
        refusal = null;
        Ring? ring = Ring.TryCreate(Submissions, Completions, taskRun, out int error);
        if (ring is null)
        {
            refusal = IoUringProbe.TextOf("io_uring_setup", error);
            return null;
        }
        ReceiveBuffers? buffers = ReceiveBuffers.TryCreate(ring, bufferBytes, out error);
        if (buffers is not null) return new IoUringPoller(group, ring, buffers);
        ring.Dispose();
        refusal = IoUringProbe.TextOf("io_uring_register", error);
        return null;
    }

    public readonly void Wake() => LinuxCalls.Signal(_wake);

    public void Wait(int timeoutMs)
    {
        if (!_ring.IsEnabled) Enable();
        if (_changedListeners.Count > 0) WatchChangedListeners();
        _buffers.Publish();
        if (_holding.Count > 0 || _ring.HasCompletions) timeoutMs = 0;
        if (timeoutMs == 0 && !_ring.NeedsEnter) return;
        int result = _ring.Enter(timeoutMs == 0 ? 0u : 1u, timeoutMs);
        if (result < 0) throw new IOException($"io_uring_enter: {LinuxCalls.TextOf(-result)}");
    }

    public readonly void Submit()
    {
        _buffers.Publish();     // a receive that is submitted here looks for one at once
        _ring.Submit();
    }

    public void Dispatch(PollerSink sink)
    {
        // What was queued before Wait has been submitted by now; what there is to say of it is among the completions.
        bool areSent = _sendingNow.Count > 0 && _ring.IsSubmitted;
        if (_holding.Count > 0) DeliverHeld(sink);
        for (uint left = _ring.CompletionCount; left > 0 && _ring.TryTake(out CompletionEntry completion); left--)
            Dispatch(completion, sink);
        if (areSent) FinishShortSends(sink);
        if (!_isStarved) return;
        _isStarved = false;
        _buffers.Grow();
    }

    public readonly void WatchListener(Listener listener, PollerSink sink)
    {
        if (listener.IsClosed || listener.IsResting) return;    // a closed one was removed; one rests after its accept
        if (listener.PollerSlot < 0) listener.PollerSlot = _slots.Take(listener);
        _changedListeners.Add(listener.PollerSlot);
    }

    public readonly void RemoveListener(Listener listener)
    {
        if (listener.PollerSlot < 0) return;
        LinuxCalls.Shutdown(listener.Descriptor, RingCalls.ShutdownBoth);
        _changedListeners.Add(listener.PollerSlot);
        listener.PollerSlot = -1;
    }

    public readonly bool TryAdd(Connection connection, in AcceptedPeer peer)
    {
        if (!connection.IsUnixSocket) TcpOptions.Set(peer.Descriptor, _group.TcpKeepAliveSeconds);
        connection.LocalAddress = connection.Listener.TextOf(SocketEnds.LocalOf(connection));
        connection.PollerSlot = _slots.Take(connection);
        return true;
    }

    public readonly void Discard(in AcceptedPeer peer) => LinuxCalls.Close(peer.Descriptor);

    public void Watch(Connection connection)
    {
        if (connection.PrefersRoom) connection.PollerBits |= BulkMask;
        uint bits = connection.PollerBits;
        HeldInput? held = (connection.Transport as IoUringTransport)?.Held;
        bool isHolding = held is { IsEmpty: false };
        if (connection.WantsInput)
        {
            if ((bits & (Receiving | Polling)) == 0)
            {
                if (isHolding) List(connection);
                else StartReceiving(connection);
                return;
            }
            if (isHolding) List(connection);
            // It has fallen behind, or a large message is better read to where it belongs.
            bool isBetterOff = (bits & BulkMask) != 0 || (isHolding && held!.Count >= MostHeldPieces);
            if (isBetterOff) StopReceiving(connection);
        }
        else if (isHolding || connection.IsThrottled || connection.Stage == ConnectionStage.Draining)
        {
            // One that is only paused goes on being received from until something comes: most pauses are short.
            StopReceiving(connection);
            if (held is { BufferCount: > 0 }) FreeBuffers(connection, held);
        }
    }

    public void Send(Connection connection, PollerSink sink)
    {
        OutputQueue output = connection.Output;
        connection.IsSending = true;
        if (output.SendablePieces == 1 && output.SendableBytes <= ShortOutputBytes &&
            connection.Stage == ConnectionStage.Open && (connection.PollerBits & MayWait) == 0)
        {
            SendShort(connection, sink);
            return;
        }
        SubmissionEntry entry = RingOperations.SendWhenPossible(connection.Descriptor);
        if (output.SendablePieces == 1)
        {
            OutputPiece piece = output.PieceAt(0);
            ulong address = RingCalls.AddressOf(piece.Array, piece.Start);
            entry = entry with { Address = address, Length = (uint)piece.Length };
        }
        else
        {
            byte[] block = TransportOf(connection).RentMessage(connection.Loop.Pool);
            ulong address = RingCalls.FillMessage(block, output);
            entry = entry with { Operation = RingOperation.SendMessage, Address = address, Length = 1 };
        }
        connection.PollerBits |= Sending | MayWait;
        Start(connection, RingStep.SendWhenPossible, entry);
    }

    public readonly void EndSending(Connection connection) =>
        LinuxCalls.Shutdown(connection.Descriptor, LinuxCalls.ShutdownWrite);

    public readonly void Close(Connection connection, PollerSink sink)
    {
        uint bits = connection.PollerBits |= Closing;
        if ((bits & InFlight) == 0)
        {
            Release(connection, sink);
            return;
        }
        StopReceiving(connection);
        if ((bits & Polling) != 0) Cancel(connection, RingStep.Poll);
        if ((bits & (Sending | MayWait)) == (Sending | MayWait)) Cancel(connection, RingStep.SendWhenPossible);
    }

    public void Leave(PollerSink sink)
    {
        _isLeaving = true;
        if (!_ring.IsEnabled) return;
        _ring.Queue(RingOperations.CancelEverything() with { UserData = TagOf(0, RingStep.Cancel) });
        for (int i = 0; i < LeaveTries && _inFlight > 0; i++)
        {
            _ring.Enter(1, LeaveTryMs);
            Dispatch(sink);
        }
        if (_inFlight == 0) return;
        // The kernel still holds addresses. Better that memory is never freed than that it is written to after its end.
        _isAbandoned = true;
        GCHandle.Alloc(_slots);
        GCHandle.Alloc(_buffers);
    }

    public readonly void Dispose()
    {
        _wake.Dispose();
        if (_isAbandoned) return;
        _ring.Dispose();
        _buffers.Dispose();
    }

    private void Enable()
    {
        int result = _ring.Enable();
        if (result < 0) throw new IOException($"io_uring_register: {LinuxCalls.TextOf(-result)}");
        _ring.RegisterWithThread();
        WatchWake();
    }

    private void WatchWake()
    {
        SubmissionEntry entry = RingOperations.PollForEver((int)_wake.DangerousGetHandle());
        _inFlight++;
        _ring.Queue(entry with { UserData = TagOf(0, RingStep.Wake) });
    }

    private void WatchChangedListeners()
    {
        foreach (int slot in _changedListeners)
        {
            if (_slots.OwnerAt(slot) is not Listener listener) continue;    // freed already
            ref bool isArmed = ref _slots.IsArmed(slot);
            if (listener.IsClosed)
            {
                if (isArmed) Cancel(TagOf(slot, RingStep.Accept));
                else _slots.Free(slot);
            }
            else if (!listener.IsResting && !isArmed)
            {
                isArmed = true;
                _inFlight++;
                SubmissionEntry entry = RingOperations.Accept(listener.Descriptor);
                _ring.Queue(entry with { UserData = TagOf(slot, RingStep.Accept) });
            }
        }
        _changedListeners.Clear();
    }

    private void Dispatch(in CompletionEntry completion, PollerSink sink)
    {
        var step = (RingStep)PollerSlots.StepOf(completion.UserData);
        if (step == RingStep.Cancel) return;    // there was nothing left to cancel
        if (!completion.GoesOn) _inFlight--;
        object? owner = _slots.OwnerOf(completion.UserData);
        Debug.Assert(owner is not null, "an owner outlives its operations");
        if (owner is Connection connection)
        {
            if (step == RingStep.Receive) Received(connection, completion, sink);
            else if (step == RingStep.Poll) Polled(connection, sink);
            else if (step == RingStep.SendNow) SentShort(connection, completion.Result, sink);
            else Sent(connection, completion.Result, sink);
        }
        else if (owner is Listener listener)
        {
            Accepted(listener, completion, sink);
        }
        else if (step == RingStep.Wake)
        {
            if (!completion.GoesOn && !_isLeaving) WatchWake();
        }
        else if (completion.HasBuffer)
        {
            _buffers.GiveBack(completion.BufferId);
        }
    }

    private readonly void Accepted(Listener listener, in CompletionEntry completion, PollerSink sink)
    {
        int slot = PollerSlots.SlotOf(completion.UserData);
        int result = completion.Result;
        if (!completion.GoesOn) _slots.IsArmed(slot) = false;
        if (result >= 0)
        {
            if (listener.IsClosed) LinuxCalls.Close(result);
            else sink.Accepted(listener, new AcceptedPeer(result, null, SocketEnds.PeerOf(listener, result)));
        }
        else if (!listener.IsClosed && result != -RingCalls.Ecanceled && !LinuxCalls.IsOneConnectionsFault(-result))
        {
            sink.AcceptFailed(listener, LinuxCalls.TextOf(-result));
        }
        if (!completion.GoesOn) _changedListeners.Add(slot);    // frees the slot of a closed one
    }

    private void Received(Connection connection, in CompletionEntry completion, PollerSink sink)
    {
        int result = completion.Result;
        if (!completion.GoesOn) connection.PollerBits &= ~(Receiving | Cancelling);
        if (completion.HasBuffer) TakeIn(connection, completion.BufferId, Math.Max(result, 0), sink);
        if (result == 0) TakeEnd(connection, HeldEnd.Ended, sink);
        else if (result == -RingCalls.Enobufs) _isStarved = true;
        else if (result < 0 && !IsPassing(-result)) TakeEnd(connection, HeldEnd.Broken, sink);
        if (!completion.GoesOn) OperationEnded(connection, sink);
    }

    private static bool IsPassing(int error) => error is RingCalls.Ecanceled or RingCalls.Eintr or RingCalls.Eagain;

    private readonly void OperationEnded(Connection connection, PollerSink sink)
    {
        uint bits = connection.PollerBits;
        if ((bits & Closing) == 0) connection.Touch();      // Watch decides what is next
        else if ((bits & InFlight) == 0) Release(connection, sink);
    }

    /// <summary>Hands received bytes over, or holds them.</summary>
    private readonly void TakeIn(Connection connection, int bufferId, int count, PollerSink sink)
    {
        byte[] array = _buffers.ArrayOf(bufferId, out int offset);
        bool isHolding = (connection.Transport as IoUringTransport)?.Held is { IsEmpty: false };
        if (count == 0 || connection.IsCut || connection.Stage == ConnectionStage.Closed)
        {
            _buffers.GiveBack(bufferId);
        }
        else if (connection.Stage != ConnectionStage.Open)
        {
            sink.Arrived(connection, array, offset, count);     // which counts and drops it
            _buffers.GiveBack(bufferId);
        }
        else if (!isHolding && MayHaveMore(connection, sink))
        {
            HandOver(connection, array, offset, count, sink);
            _buffers.GiveBack(bufferId);
        }
        else
        {
            Hold(connection, new HeldPiece(array, offset, count, bufferId));
        }
    }

    private readonly void TakeEnd(Connection connection, HeldEnd end, PollerSink sink)
    {
        if (connection.IsCut || connection.Stage == ConnectionStage.Closed) return;
        HeldInput? held = (connection.Transport as IoUringTransport)?.Held;
        if (held is null or { IsEmpty: true } && connection.WantsInput && !connection.IsReady)
        {
            TellEnd(connection, end, sink);
            return;
        }
        HeldOf(connection).End = end;
        connection.Touch();
    }

    private static void TellEnd(Connection connection, HeldEnd end, PollerSink sink)
    {
        if (end == HeldEnd.Ended) sink.Ended(connection);
        else sink.Broken(connection);
    }

    /// <summary>It can be given bytes now: it wants them, has none left from before, and has not yet had its share of
    /// the turn.</summary>
    private static bool MayHaveMore(Connection connection, PollerSink sink) =>
        connection.WantsInput && !connection.IsReady && (connection.ServedInTurn != sink.Turn ||
            (connection.PollerBits & ShareMask) < SharesPerTurn * ShareOne);

    private static void HandOver(Connection connection, byte[] array, int offset, int count, PollerSink sink)
    {
        uint bits = connection.PollerBits;
        if (connection.ServedInTurn != sink.Turn) bits &= ~ShareMask;
        connection.PollerBits = bits + ShareOne;
        sink.Arrived(connection, array, offset, count);
        if (connection.PrefersRoom) connection.Touch();
    }

    /// <summary>Keeps bytes for later: where they are, when the connection will take them soon.</summary>
    private readonly void Hold(Connection connection, in HeldPiece piece)
    {
        HeldInput held = HeldOf(connection);
        if (connection.WantsInput && held.BufferCount < MostHeldPieces)
        {
            held.Add(piece);
        }
        else
        {
            held.Add(CopyOf(connection, piece));
            GiveBack(connection, piece);
        }
        connection.Touch();
    }

    /// <summary>Nobody knows when the connection will take what it holds: the others need the ring's buffers.</summary>
    private readonly void FreeBuffers(Connection connection, HeldInput held)
    {
        for (int i = 0; i < held.Count; i++)
        {
            HeldPiece piece = held.PieceAt(i);
            if (!piece.IsBuffer) continue;
            held.Replace(i, CopyOf(connection, piece));
            GiveBack(connection, piece);
        }
    }

    private static HeldPiece CopyOf(Connection connection, in HeldPiece piece)
    {
        byte[] copy = connection.Loop.Pool.Rent(piece.Count);
        piece.Array.AsSpan(piece.Offset, piece.Count).CopyTo(copy);
        return new HeldPiece(copy, 0, piece.Count, -1);
    }

    private readonly void GiveBack(Connection connection, in HeldPiece piece)
    {
        if (piece.IsBuffer) _buffers.GiveBack(piece.BufferId);
        else connection.Loop.Pool.Return(piece.Array);
    }

    private readonly void DeliverHeld(PollerSink sink)
    {
        Span<Connection?> connections = _holding.Take();
        for (int i = 0; i < connections.Length; i++)
        {
            Connection connection = connections[i]!;
            connections[i] = null;
            connection.PollerBits &= ~Listed;
            if ((connection.Transport as IoUringTransport)?.Held is { IsEmpty: false } held)
                DeliverHeld(connection, held, sink);
        }
    }

    private readonly void DeliverHeld(Connection connection, HeldInput held, PollerSink sink)
    {
        while (held.Count > 0 && !connection.IsCut && MayHaveMore(connection, sink))
        {
            HeldPiece piece = held.Take();
            HandOver(connection, piece.Array, piece.Offset, piece.Count, sink);
            GiveBack(connection, piece);
        }
        if (held.Count == 0 && held.End != HeldEnd.None && connection.WantsInput && !connection.IsReady)
        {
            HeldEnd end = held.End;
            held.End = HeldEnd.None;
            TellEnd(connection, end, sink);
        }
        connection.Touch();     // Watch lists it again, or receives more
    }

    private readonly void List(Connection connection)
    {
        if ((connection.PollerBits & Listed) != 0) return;
        connection.PollerBits |= Listed;
        _holding.Add(connection);
    }

    private void StartReceiving(Connection connection)
    {
        bool polls = (connection.PollerBits & BulkMask) != 0;
        connection.PollerBits |= polls ? Polling : Receiving;
        if (polls) Start(connection, RingStep.Poll, RingOperations.Poll(connection.Descriptor));
        else Start(connection, RingStep.Receive, RingOperations.Receive(connection.Descriptor));
    }

    private readonly void StopReceiving(Connection connection)
    {
        if ((connection.PollerBits & (Receiving | Cancelling)) != Receiving) return;
        connection.PollerBits |= Cancelling;
        Cancel(connection, RingStep.Receive);
    }

    /// <summary>There is something to read for a connection with memory of its own for it.</summary>
    private readonly void Polled(Connection connection, PollerSink sink)
    {
        connection.PollerBits &= ~Polling;
        OperationEnded(connection, sink);
        if (connection.IsCut || !connection.WantsInput || connection.IsReady) return;
        if (!sink.TryPrepareRead(connection, out byte[] array, out int offset, out int length)) return;
        int received = RingCalls.ReceiveNow(connection.Descriptor, array.AsSpan(offset, length));
        if (received >= BulkReadBytes) connection.PollerBits |= BulkMask;
        else if ((connection.PollerBits & BulkMask) != 0) connection.PollerBits -= BulkOne;
        if (received > 0) sink.Arrived(connection, array, offset, received);
        else if (received == 0) sink.Ended(connection);
        else if (received is not (-RingCalls.Eagain or -RingCalls.Eintr)) sink.Broken(connection);
    }

    private void SendShort(Connection connection, PollerSink sink)
    {
        OutputPiece piece = connection.Output.TakeOnly();
        TransportOf(connection).Sending = piece;
        sink.Submitted(connection, piece.Length);
        connection.PollerBits |= Sending | SendingNow;
        _sendingNow.Add(connection);
        ulong address = RingCalls.AddressOf(piece.Array, piece.Start);
        SubmissionEntry entry = RingOperations.SendNow(connection.Descriptor);
        Start(connection, RingStep.SendNow, entry with { Address = address, Length = (uint)piece.Length });
    }

    /// <summary>Those that have not completed were taken by their peers.</summary>
    private void FinishShortSends(PollerSink sink)
    {
        Span<Connection?> connections = _sendingNow.Take();
        for (int i = 0; i < connections.Length; i++)
        {
            Connection connection = connections[i]!;
            connections[i] = null;
            if ((connection.PollerBits & SendingNow) == 0) continue;
            _inFlight--;
            SentShort(connection, ((IoUringTransport)connection.Transport!).Sending.Length, sink);
        }
    }

    private readonly void SentShort(Connection connection, int result, PollerSink sink)
    {
        var transport = (IoUringTransport)connection.Transport!;
        OutputPiece piece = transport.Sending;
        transport.Sending = default;
        connection.PollerBits &= ~(Sending | SendingNow);
        bool isWhole = result == piece.Length;
        bool isLeft = !isWhole && result is > 0 or 0 or -RingCalls.Eagain or -RingCalls.Eintr;
        if (isLeft && (connection.PollerBits & Closing) == 0)
        {
            sink.NotTaken(connection, piece with { Start = piece.Start + Math.Max(result, 0) });
            connection.PollerBits |= MayWait;
            connection.HasWaited = true;
            sink.MaySend(connection);
            return;
        }
        connection.Output.GiveBack(piece);
        if ((connection.PollerBits & Closing) != 0)
        {
            OperationEnded(connection, sink);
            return;
        }
        connection.IsSending = false;
        if (!isWhole) sink.Broken(connection);
        // Most connections have nothing left to settle.
        else if (connection.Output.PendingBytes > 0 || connection.Stage != ConnectionStage.Open) connection.Touch();
    }

    private readonly void Sent(Connection connection, int result, PollerSink sink)
    {
        connection.PollerBits &= ~Sending;
        if ((connection.PollerBits & Closing) != 0)
        {
            OperationEnded(connection, sink);
            return;
        }
        (connection.Transport as IoUringTransport)?.GiveBackMessage(connection.Loop.Pool);
        if (result > 0) sink.Sent(connection, result);
        else if (result is not (-RingCalls.Eagain or -RingCalls.Eintr or 0)) sink.Broken(connection);
        if (connection.Output.SendableBytes == 0) connection.PollerBits &= ~MayWait;
        sink.MaySend(connection);
    }

    /// <summary>Nothing is in flight any more: gives everything up.</summary>
    private readonly void Release(Connection connection, PollerSink sink)
    {
        Debug.Assert((connection.PollerBits & InFlight) == 0, "nothing is in flight");
        if (connection.Transport is IoUringTransport transport)
        {
            while (transport.Held is { Count: > 0 } held) GiveBack(connection, held.Take());
            transport.GiveBackMessage(connection.Loop.Pool);
            connection.Transport = null;
        }
        _slots.Free(connection.PollerSlot);
        connection.PollerSlot = -1;
        connection.PollerBits = 0;
        connection.IsSending = false;
        LinuxCalls.Close(connection.Descriptor);
        sink.Released(connection);
    }

    private void Start(Connection connection, RingStep step, in SubmissionEntry entry)
    {
        _inFlight++;
        _ring.Queue(entry with { UserData = TagOf(connection.PollerSlot, step) });
    }

    private readonly void Cancel(Connection connection, RingStep step) =>
        Cancel(TagOf(connection.PollerSlot, step));

    private readonly ulong TagOf(int slot, RingStep step) => _slots.TagOf(slot, (uint)step);

    private readonly void Cancel(ulong userData) =>
        _ring.Queue(RingOperations.Cancel(userData) with { UserData = TagOf(0, RingStep.Cancel) });

    private static IoUringTransport TransportOf(Connection connection)
    {
        if (connection.Transport is IoUringTransport transport) return transport;
        var made = new IoUringTransport();
        connection.Transport = made;
        return made;
    }

    private static HeldInput HeldOf(Connection connection) => TransportOf(connection).Held ??= new HeldInput();
}
