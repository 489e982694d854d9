using Millrace.Net;
using Millrace.Resp;
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
/// What comes from others while a client's command runs stands before the reply of that command, so that the client
/// knows of changes before it reads what is newer; what its own command caused stands behind it. The pipeline sets the
/// reply aside while mail is delivered (<see cref="Hold"/>), and the first push of its own command brings it back. One
/// per loop.
/// </remarks>
internal sealed class PushWriter(EventLoop loop, OutputGuard guard)
{
    private const int SegmentBytes = 64 * 1024;

    private readonly ReplyWriter _writer = new() { AllowsLate = false };
    private readonly NoMoreSegments _source = new();
    private SharedSegment? _segment;
    private int _start;
    private Client? _held;
    private byte[] _heldReply = [];

    /// <summary>Begins something to send, of at most so many bytes.</summary>
    /// <param name="mostBytes">A bound of its length.</param>
    /// <param name="protocol">2 or 3.</param>
    /// <returns>Writes it; until <see cref="End"/>.</returns>
    public ReplyWriter Begin(int mostBytes, int protocol)
    {
        if (_segment is { IsUnshared: true }) _segment.Filled = 0;
        if (_segment is null || _segment.Array.Length - _segment.Filled < mostBytes)
        {
            _segment?.Release();
            _segment = new SharedSegment(loop, Math.Max(mostBytes, SegmentBytes));
        }

        _start = _segment.Filled;
        _writer.Attach(_source, _segment.Array, _start, protocol);
        return _writer;
    }

    /// <summary>Ends it.</summary>
    /// <returns>What to send; valid until the next <see cref="Begin"/>, and as long as somebody has it queued.</returns>
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
        if (ReferenceEquals(client, _held) && ReferenceEquals(client, origin)) BringBack();
        client.Connection.Output.AppendShared(push.Segment, push.Start, push.End);
        guard.Check(client);
    }

    /// <summary>A command of a client has run: its reply waits until the mail has been delivered.</summary>
    public void Hold(Client client, byte[] reply)
    {
        _held = client;
        _heldReply = reply;
    }

    /// <summary>The mail has been delivered.</summary>
    public void Release()
    {
        if (_held is not null) BringBack();
    }

    private void BringBack()
    {
        if (_heldReply.Length > 0) _held!.Connection.Output.Append(_heldReply);
        _held = null;
        _heldReply = [];
    }

    // The bound that was given holds.
    private sealed class NoMoreSegments : SegmentSource
    {
        public override byte[] Next(int filledInCurrent, int minimumFree, out int start) =>
            throw new InvalidOperationException("a push is longer than its bound");
    }
}

/// <summary>Bytes to send to one client or to many.</summary>
/// <param name="Segment">Holds them.</param>
/// <param name="Start">Index of the first.</param>
/// <param name="End">Index one behind the last.</param>
internal readonly record struct Push(SharedSegment Segment, int Start, int End);
