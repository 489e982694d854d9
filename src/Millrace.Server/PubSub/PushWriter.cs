using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using Millrace.Net;
using Millrace.Resp;
using Millrace.Server.Effects;
using Millrace.Server.Execution;

namespace Millrace.Server.PubSub;

/// <summary>
/// Writes what clients of one loop get without having asked for it just now: messages, invalidations, lines of MONITOR.
/// </summary>
/// <remarks>
/// <code>
///   Begin -> Writer -> End      written once into a segment that all its readers share
///   Send(client, piece)         queued in the client's output, in front of the reply of the command that runs
/// </code>
/// What others had done when a client's command ended stands before its reply, so that the client knows of changes
/// before it reads what is newer. The pipeline sets the reply aside while mail is delivered (<see cref="Hold"/>).
/// Behind it stands what the command caused itself, what comes to a subscription that the command began, and then every
/// further message, so that the messages of a channel keep their order. One per loop.
/// </remarks>
internal sealed class PushWriter(EventLoop loop, OutputGuard guard, EffectLog log)
{
    private readonly ReplyWriter _writer = new() { AllowsLate = false };
    private readonly NoMoreSegments _source = new();
    private readonly List<SharedSegment> _full = []; // of the letter under way
    private SharedSegment? _segment;
    private int _start;
    private Client? _held;
    private OutputTail? _heldReply;
    private ArrayBufferWriter<byte> _behind = new();
    private bool _hasMessageBehind;

    /// <summary>A letter begins, and all that was written for the one before is queued where it has to go: its memory
    /// may be used again. Whoever delivers a letter says so first.</summary>
    public void BeginLetter()
    {
        foreach (var one in _full) one.Release();
        _full.Clear();
        if (_segment is not { IsUnshared: true }) return;
        _segment.Filled = 0;
        if (_segment.Array.Length <= SharedSegment.UsualBytes) return;
        _segment.Release();
        _segment = null;
    }

    /// <summary>Begins something to send, of at most so many bytes.</summary>
    /// <param name="mostBytes">A bound of its length.</param>
    /// <param name="protocol">2 or 3.</param>
    /// <returns>Writes it; until <see cref="End"/>.</returns>
    public ReplyWriter Begin(int mostBytes, int protocol)
    {
        if (_segment is null || _segment.Array.Length - _segment.Filled < mostBytes)
        {
            if (_segment is not null) _full.Add(_segment);
            _segment = new SharedSegment(loop, Math.Max(mostBytes, SharedSegment.UsualBytes));
        }

        _start = _segment.Filled;
        _writer.Attach(_source, _segment.Array, _start, protocol);
        return _writer;
    }

    /// <summary>Ends it.</summary>
    /// <returns>What to send; valid until the letter ends, and while somebody has it queued.</returns>
    public Push End()
    {
        _segment!.Filled = _writer.Detach();
        return new Push(_segment, _start, _segment.Filled);
    }

    /// <summary>Queues a push for a client, and closes the client when that is too much for it.</summary>
    /// <param name="client">A client of this loop.</param>
    /// <param name="push">What to send.</param>
    /// <param name="origin">The client whose command caused it, or null.</param>
    public void Send(Client client, in Push push, Client? origin)
    {
        if (client.IsClosing) return;
        if (log.IsAttached) HoldBack(client);
        if (ReferenceEquals(client, _held) && ReferenceEquals(client, origin)) SetBehind(push);
        else Queue(client, push);
    }

    /// <summary>The same for a message of a channel.</summary>
    /// <param name="client">A client of this loop.</param>
    /// <param name="push">What to send.</param>
    /// <param name="origin">The client whose command caused it, or null.</param>
    /// <param name="isFresh">Whether the command that runs has begun the subscription.</param>
    public void SendMessage(Client client, in Push push, Client? origin, bool isFresh)
    {
        if (client.IsClosing) return;
        if (log.IsAttached) HoldBack(client);
        var isHeld = ReferenceEquals(client, _held);
        if (isHeld && (isFresh || _hasMessageBehind || ReferenceEquals(client, origin)))
        {
            _hasMessageBehind = true;
            SetBehind(push);
        }
        else
        {
            Queue(client, push);
        }
    }

    /// <summary>A command of a client has run: its reply waits until the mail has been delivered.</summary>
    public void Hold(Client client, OutputTail reply)
    {
        _held = client;
        _heldReply = reply;
    }

    /// <summary>The mail has been delivered: the reply follows, and what has to stand behind it.</summary>
    public void Release()
    {
        var output = _held!.Connection.Output;
        output.Append(_heldReply!);
        output.Append(_behind.WrittenSpan);
        guard.Check(_held);
        _held = null;
        _heldReply = null;
        _hasMessageBehind = false;
        if (_behind.Capacity > Letter.KeptBytes) _behind = new ArrayBufferWriter<byte>();
        else _behind.ResetWrittenCount();
    }

    // It may tell of a write: whoever hears of that must find it after a crash. Whatever was appended before the letter
    // was posted is enough, and this is not less.
    private void HoldBack(Client client) => client.Connection.Output.Hold(log.Position, own: 0);

    private void SetBehind(in Push push) => _behind.Write(push.Segment.Array.AsSpan(push.Start, push.End - push.Start));

    private void Queue(Client client, in Push push)
    {
        client.Connection.Output.AppendShared(push.Segment, push.Start, push.End);
        guard.Check(client);
    }

    // The bound that was given holds.
    private sealed class NoMoreSegments : SegmentSource
    {
        public override byte[] Next(int filledInCurrent, int minimumFree, out int start) =>
            throw new InvalidOperationException("a push is longer than its bound");
    }
}

/// <summary>One thing to send in the forms that its readers need: written at most once per protocol.</summary>
internal struct Pushes
{
    private Push? _resp2;
    private Push? _resp3;

    /// <summary>The form of a protocol; null: nobody has written it yet.</summary>
    /// <param name="protocol">2 or 3.</param>
    [UnscopedRef]
    public ref Push? In(int protocol) => ref protocol == 3 ? ref _resp3 : ref _resp2;
}

/// <summary>Bytes to send to one client or to many.</summary>
/// <param name="Segment">Holds them.</param>
/// <param name="Start">Index of the first.</param>
/// <param name="End">Index one behind the last.</param>
internal readonly record struct Push(SharedSegment Segment, int Start, int End);
