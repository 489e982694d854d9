using System.Text;
using Millrace.Commands;
using Millrace.Engine;
using Millrace.Net;
using Millrace.Resp;
using Millrace.Server.Config;
using Millrace.Server.Logging;
using Millrace.Server.Observability;

namespace Millrace.Server.Execution;

/// <summary>
/// What happens to the bytes of a connection: batches are cut, requests run, replies fill the connection's output.
/// </summary>
/// <remarks>
/// <code>
///   input  [ done | batch: request request request | incomplete ... ]
///            consumed      cut, hashed, prefetched; then run one by one
/// </code>
/// One per loop; the handler of all its connections, whose <see cref="Connection.Tag"/> is the <see cref="Client"/>. In
/// one turn a connection has at most <see cref="TurnBytes"/> or <see cref="TurnRequests"/> processed, and at most about
/// <see cref="TurnReplyBytes"/> of replies; then others have theirs. A request that parks leaves itself and everything
/// behind it as unread bytes.
/// </remarks>
public sealed class Pipeline : ConnectionHandler, IRequestTrail
{
    /// <summary>Input of one connection that a turn processes.</summary>
    public const int TurnBytes = 64 * 1024;

    /// <summary>Requests of one connection that a turn runs.</summary>
    public const int TurnRequests = 1000;

    /// <summary>Replies of one connection that a turn gathers before it lets the loop send them.</summary>
    public const long TurnReplyBytes = 1024 * 1024;

    private readonly Configuration _configuration;
    private readonly Executor _executor;
    private readonly RequestBatch _batch;
    private readonly ReplyWriter _reply = new();
    private readonly ClientOutput _output;
    private readonly OutputSegments _segments = new();
    private readonly Log _log;
    private readonly Action<Client> _closed;
    private Settings _settings;
    private RequestLimits _limits = new();
    private byte[] _input = []; // of the batch
    private Client? _client; // whose batch it is

    /// <summary>A pipeline for one loop.</summary>
    /// <param name="configuration">The settings in force.</param>
    /// <param name="executor">Runs the requests.</param>
    /// <param name="batch">Cuts them.</param>
    /// <param name="output">What else clients are sent.</param>
    /// <param name="log">Hears of attacks and of clients closed for their buffers.</param>
    /// <param name="closed">Told when a client is gone.</param>
    internal Pipeline(
        Configuration configuration,
        Executor executor,
        RequestBatch batch,
        ClientOutput output,
        Log log,
        Action<Client> closed)
    {
        _configuration = configuration;
        _executor = executor;
        _batch = batch;
        _output = output;
        _log = log;
        _closed = closed;
        _settings = configuration.Settings;
        Adopt(_settings);
        executor.Timer.Trail = this;
    }

    /// <summary>Clients closed because they had sent too much that could not be run yet.</summary>
    public long ClosedForInput { get; private set; }

    /// <summary>Clients closed because they had too much to read.</summary>
    public long ClosedForOutput => _output.Guard.Closed;

    /// <summary>Forgets how many were closed. While the loop stands still.</summary>
    public void ResetStatistics() => ClosedForInput = _output.Guard.Closed = 0;

    /// <inheritdoc/>
    public override void Received(Connection connection)
    {
        var client = (Client)connection.Tag!;
        if (client.IsParked)
        {
            CheckLimits(client, connection);
            return;
        }

        if (client.IsClosing)
        {
            connection.Consume(connection.InputEnd - connection.InputStart);
            return;
        }

        Adopt();
        _client = client;
        if (IsOverInputLimit(client, connection)) return;
        _executor.Evictor.BeginInput();
        _executor.ForgetPositions();
        var output = connection.Output;
        _segments.Begin(output, _reply, _output.Guard.HardBytesOf(client));
        _reply.Attach(_segments, output.Segment, output.Start, client.Protocol);
        if (client.ParkedRequest is null || RunParked(client)) RunInput(client, connection);
        output.Commit(_reply.Detach());
        if (_executor.ReadPosition > 0) output.Hold(_executor.ReadPosition, _executor.OwnPosition);
        CheckLimits(client, connection);
        connection.Loop.Steps.End(_executor.Timer.LastTicks);
    }

    /// <inheritdoc/>
    public override void Closed(Connection connection) => _closed((Client)connection.Tag!);

    // CONFIG SET may have run on any loop, or in the request before.
    private void Adopt()
    {
        if (!ReferenceEquals(_settings, _configuration.Settings)) Adopt(_configuration.Settings);
    }

    private void Adopt(Settings settings)
    {
        _settings = settings;
        _limits = new RequestLimits { MaxBulkLength = settings.MaxBulkLength };
    }

    private void RunInput(Client client, Connection connection)
    {
        var stopAt = connection.InputStart + TurnBytes;
        var requests = TurnRequests;
        while (connection.InputStart < connection.InputEnd)
        {
            _batch.Cut(client, connection.InputArray, connection.InputStart, connection.InputEnd, _limits, requests);
            requests -= _batch.Count;
            if (!RunBatch(client, connection)) return;
            if (_batch.Ending == ParseStatus.Error)
            {
                BreakOff(client, connection);
                return;
            }

            if (_batch.Ending == ParseStatus.Incomplete)
            {
                if (client.Parser.BytesWanted > 0) connection.ExpectInput(client.Parser.BytesWanted);
                return;
            }

            // At least one batch has run: others may have their turn now.
            if (connection.InputStart < stopAt && requests > 0 && !connection.Loop.QuiesceRequested) continue;
            connection.Loop.MarkReady(connection);
            return;
        }
    }

    // False when the rest of the batch is not run now: the client parked, is to be closed, or has enough to read.
    private bool RunBatch(Client client, Connection connection)
    {
        var input = _input = connection.InputArray;
        var origin = connection.InputStart;
        for (var i = 0; i < _batch.Count; i++)
        {
            var request = _batch[i];
            _executor.Timer.Current = i;
            if (Run(client, request, input) == Outcome.Parked)
            {
                _executor.Timer.Current--;
                BreakBatch(client, connection, (request.IsInline ? request.End : request.Start) - origin);
                return false;
            }

            if (client.IsClosing)
            {
                BreakBatch(client, connection, connection.InputEnd - connection.InputStart);
                return false;
            }

            var hasEnough = _reply.Written > TurnReplyBytes && i < _batch.Count - 1;
            if (!hasEnough && !client.IsParked) continue;
            BreakBatch(client, connection, request.End - origin);
            if (!client.IsParked) connection.Loop.MarkReady(connection);
            return false;
        }

        _executor.Timer.EndRun(); // before the input goes
        connection.Consume(_batch.End - origin);
        return true;
    }

    private void BreakBatch(Client client, Connection connection, int consumed)
    {
        _executor.Timer.EndRun();
        client.Parser.Reset();
        connection.Consume(consumed);
    }

    private Outcome Run(Client client, Request request, byte[] input)
    {
        if (!client.IsListening)
        {
            var only = RunOne(client, request, input);
            client.Subscriptions?.Settle();
            return only;
        }

        _output.FanOut.Origin = client;
        _executor.IsForListener = true;
        var before = _reply.Written;
        var outcome = RunOne(client, request, input);
        _executor.IsForListener = false;
        _output.FanOut.Origin = null;
        SchedulePoint.Yield();
        var loop = client.Connection.Loop;
        if (PlantedFault.MailGatheredLate) loop.GatherMail();
        if (loop.HasMail && !PlantedFault.MailAfterReply) DeliverMail(client, _reply.Written - before);
        client.Subscriptions?.Settle();
        if (outcome == Outcome.Replied) client.EndCaching();
        return outcome;
    }

    // What others had done when the command's unit ended stands before its reply; what they did afterwards, and what it
    // did itself, stands behind it: it is newer than the reply.
    private void DeliverMail(Client client, long replyBytes)
    {
        var (output, loop) = (client.Connection.Output, client.Connection.Loop);
        output.Commit(_reply.Detach());
        if (loop.HasGathered)
        {
            _output.Pushes.Hold(client, output.TakeTail(replyBytes));
            loop.DeliverGathered();
            _output.Pushes.Release();
        }

        loop.DeliverMail();
        _reply.Attach(_segments, output.Segment, output.Start, client.Protocol);
    }

    private Outcome RunOne(Client client, Request request, byte[] input)
    {
        Adopt();
        client.MaxBulkLength = _settings.MaxBulkLength;
        if (client.Replies == ReplyMode.On) return _executor.Run(client, request, input, _reply);
        if (client.Replies == ReplyMode.SkipNext) client.Replies = ReplyMode.SkipCurrent;
        _reply.Muted = true;
        var outcome = _executor.Run(client, request, input, _reply);
        _reply.Muted = false;
        if (outcome == Outcome.Replied && client.Replies == ReplyMode.SkipCurrent) client.Replies = ReplyMode.On;
        return outcome;
    }

    // Runs a request that was kept in protocol form while it was parked; false when it parks again.
    private bool RunParked(Client client)
    {
        var bytes = client.ParkedRequest!;
        client.ParkedRequest = null;
        _batch.Cut(client, bytes, 0, bytes.Length, _limits, 1);
        if (_batch.Count == 0) throw new InvalidOperationException("a parked request can be parsed again");
        (_input, _executor.Timer.Current) = (bytes, 0);
        var outcome = Run(client, _batch[0], bytes);
        _executor.Timer.EndRun();
        if (outcome != Outcome.Parked) return !client.IsClosing && !client.IsParked;
        client.ParkedRequest = bytes;
        return false;
    }

    private void BreakOff(Client client, Connection connection)
    {
        if (client.Parser.SecurityAttack)
        {
            _log.Warning(
                "Possible SECURITY ATTACK detected. It looks like somebody is sending POST or Host: commands to " +
                "Redis. This is likely due to an attacker attempting to use Cross Protocol Scripting to compromise " +
                $"your Redis instance. Connection from {connection.RemoteAddress} aborted.");
        }
        else
        {
            _reply.Muted = client.Replies == ReplyMode.Off;
            _reply.Error(client.Parser.Error);
            _executor.Statistics.CountError(_reply.LastErrorCode);
            var reason = Encoding.Latin1.GetString(client.Parser.Error);
            _log.Verbose($"Protocol error ({reason}) from client: id={client.Id} addr={connection.RemoteAddress}");
        }

        connection.Consume(connection.InputEnd - connection.InputStart);
        client.CloseAfterReplies();
    }

    private void CheckLimits(Client client, Connection connection)
    {
        if (!IsOverInputLimit(client, connection)) _output.Guard.Check(client);
    }

    // Closes a client that has sent more than it may, be it one request that is complete.
    private bool IsOverInputLimit(Client client, Connection connection)
    {
        if (connection.InputEnd - connection.InputStart + (long)client.QueuedBytes <= _settings.QueryBufferLimit)
            return false;
        _log.Warning(
            "Closing client that reached max query buffer length: " +
            $"id={client.Id} addr={connection.RemoteAddress}");
        ClosedForInput++;
        client.CloseNow();
        return true;
    }

    /// <inheritdoc/>
    Client IRequestTrail.Client => _client!;

    // What is large is what took long; otherwise any of them may have, and the last one stands for all.
    bool IRequestTrail.TryFind(CommandSpec command, int first, int last, out Args args)
    {
        var found = _batch[first];
        for (var i = last; i > first && found.End - found.Start <= LargeValues.MinStagedBytes; i--)
        {
            var request = _batch[i];
            if (!ReferenceEquals(request.Spec, command) || !command.AcceptsCount(request.Slices.Count)) continue;
            if (ReferenceEquals(found, _batch[first]) || request.End - request.Start > LargeValues.MinStagedBytes)
                found = request;
        }

        args = new Args(_input.AsSpan(found.Start, found.End - found.Start), found.Slices.AsSpan());
        return true;
    }

    // Hands the segments of the current connection's output to the reply writer. Behind the hard limit nothing more is
    // kept: the client is going to be closed.
    private sealed class OutputSegments : SegmentSource
    {
        private OutputQueue? _queue;
        private ReplyWriter? _writer;
        private long _hardBytes;

        public void Begin(OutputQueue queue, ReplyWriter writer, long hardBytes)
        {
            _queue = queue;
            _writer = writer;
            _hardBytes = hardBytes;
        }

        public override byte[] Next(int filledInCurrent, int minimumFree, out int start)
        {
            var segment = _queue!.Next(filledInCurrent, minimumFree, out start);
            if (_hardBytes > 0 && _queue.PendingBytes > _hardBytes) _writer!.Muted = true;
            return segment;
        }
    }
}
