// The load: N connections, on each a pipeline of P requests, the next when the replies to the last are in.
//
//     turn:  epoll_wait -> a readable connection: receive, decode replies; are all in, watch until it can be written
//                       -> a writable connection: new keys, send its pipeline, watch until it can be read
//
// It is the loop of an ordinary client, and redis-benchmark's: a pipeline leaves in the turn after its connection's
// replies came. What the server does per wake-up depends on the portions in which requests come, so a generator that is
// quicker, or that sends for all connections in lock-step, makes every server look cheaper.
//
// Closed loop (the default): a connection waits for its replies before it sends again, so a slow server is asked less
// often, and latencies are those under the load that it can take. With a rate the loop is open: pipelines have intended
// start times, and a latency counts from there, also when no connection was free (no coordinated omission).
//
// The latency of each connection's first pipeline is left out: while it is under way this program is being compiled.
//
// A load in phases ends one, and tells what it saw in it, at each line of standard input; a reply counts in the phase
// in which it comes.

using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Millrace.Bench.Load;

/// <summary>Sends requests to a server on loopback and counts its replies. One thread.</summary>
internal sealed class LoadGenerator : IDisposable
{
    private const int SilenceMs = 30_000; // a server that answers nothing for so long is taken for dead

    private static readonly double TicksPerNs = Stopwatch.Frequency / 1e9;

    private readonly LoadOptions _options;
    private readonly RequestTemplate _template;
    private readonly Lane[] _lanes;
    private readonly PollSet _poll;
    private Histogram _latenciesNs = new();
    private readonly Queue<Lane> _free = new(); // connections of an open loop that wait for the next start
    private ulong _random = 0x9E3779B97F4A7C15;
    private int _nextKey;
    private int _toSend;
    private long _toReceive; // replies
    private double _nextDue; // in ticks, of an open loop
    private long _phaseBegan;
    private long _toReceiveThen; // when the phase began

    public LoadGenerator(LoadOptions options)
    {
        _options = options;
        _template = RequestTemplate.Of(options.Command, options.Keys, options.ValueSize);
        _nextKey = options.FirstKey;
        _toSend = options.Requests;
        _toReceive = (long)options.Requests * _template.Replies;
        _poll = new PollSet(options.Connections);
        _lanes = new Lane[options.Connections];
        for (var i = 0; i < _lanes.Length; i++)
        {
            _lanes[i] = new Lane(i, options.Port, _template.Repeat(options.Pipeline));
            _poll.WatchWritable(_lanes[i].Descriptor, i);
        }

    }

    /// <summary>Runs until every request has its reply.</summary>
    /// <param name="phases">Ends phases; null: all of it is one.</param>
    /// <returns>The figures of the last phase.</returns>
    public LoadResult Run(PhaseLines? phases = null)
    {
        BeginPhase();
        _nextDue = _phaseBegan;
        while (_toReceive > 0)
        {
            var count = _poll.Wait(phases is null ? WaitMs() : PhaseLines.LookMs);
            if (count == 0) CheckSilence();
            if (phases is not null) Look(phases);
            for (var i = 0; i < count; i++)
            {
                var lane = _lanes[_poll.TagAt(i)];
                if (_poll.IsWritableAt(i)) Offer(lane);
                else Take(lane);
            }

            while (_free.Count > 0 && IsDue) Send(_free.Dequeue());
        }

        return Seen();
    }

    public void Dispose()
    {
        foreach (var lane in _lanes) lane.Dispose();
        _poll.Dispose();
    }

    private void BeginPhase()
    {
        _phaseBegan = Stopwatch.GetTimestamp();
        _toReceiveThen = _toReceive;
        _latenciesNs = new Histogram();
    }

    private void Look(PhaseLines phases)
    {
        if (phases.TryTake())
        {
            phases.Tell(Seen());
            BeginPhase();
        }

        if (!phases.IsOver || _toSend == 0) return;
        var unsent = (long)_toSend * _template.Replies;
        _toSend = 0;
        _toReceive -= unsent;
        _toReceiveThen -= unsent;
    }

    private LoadResult Seen()
    {
        var seconds = Stopwatch.GetElapsedTime(_phaseBegan).TotalSeconds;
        var requests = (_toReceiveThen - _toReceive) / _template.Replies;
        return new LoadResult
        {
            Requests = requests,
            Errors = _lanes.Sum(lane => lane.Replies.Errors),
            Nulls = _lanes.Sum(lane => lane.Replies.Nulls),
            RequestsPerSecond = requests / seconds,
            P50Us = Microseconds(50),
            P99Us = Microseconds(99),
            P999Us = Microseconds(99.9),
            MaxUs = Microseconds(100),
        };
    }

    // Nothing is known when no connection had a second pipeline.
    private double? Microseconds(double percent) =>
        _latenciesNs.Count == 0 ? null : _latenciesNs.Percentile(percent) / 1e3;

    // Near the next intended start an open loop polls: a sleep would come back too late.
    private int WaitMs()
    {
        if (_options.Rate == 0 || _toSend == 0 || _free.Count == 0) return SilenceMs;
        var ns = (_nextDue - Stopwatch.GetTimestamp()) / TicksPerNs;
        return ns > 2e6 ? (int)(ns / 1e6) - 1 : 0;
    }

    private void CheckSilence()
    {
        var waiting = _lanes.Where(lane => lane.UnderWay > 0).ToList();
        if (waiting.Count == 0) return;
        if (Stopwatch.GetElapsedTime(waiting.Min(lane => lane.LastTicks)).TotalMilliseconds > SilenceMs)
            throw new IOException($"the server has not answered for {SilenceMs / 1000} s");
    }

    private void Take(Lane lane)
    {
        var count = PollSet.Receive(lane.Descriptor, lane.Replies.Room);
        if (count == 0) return;
        var replies = lane.Replies.Take(count);
        if (replies > lane.UnderWay) throw new InvalidDataException("the server sent more replies than requests");
        var now = Stopwatch.GetTimestamp();
        lane.LastTicks = now;
        if (replies > 0 && lane.IsWarm) _latenciesNs.Record((long)((now - lane.StartTicks) / TicksPerNs), replies);
        lane.UnderWay -= replies;
        _toReceive -= replies;
        if (lane.UnderWay > 0) return;
        lane.IsWarm = true;
        _poll.Remove(lane.Descriptor);
        _poll.WatchWritable(lane.Descriptor, lane.Index);
    }

    private bool IsDue => _options.Rate == 0 || _nextDue <= Stopwatch.GetTimestamp();

    // A connection has room for a pipeline: it is sent, or waits for its intended start, or there is none left.
    private void Offer(Lane lane)
    {
        _poll.Remove(lane.Descriptor);
        if (_free.Count == 0 && _toSend > 0 && IsDue) Send(lane);
        else _free.Enqueue(lane);
    }

    private void Send(Lane lane)
    {
        var count = Math.Min(_options.Pipeline, _toSend);
        if (count == 0) return;
        for (var i = 0; i < count; i++)
            _template.SetKey(lane.Requests, i, NextKey(), _template.HasOther ? NextKey() : 0);
        lane.LastTicks = Stopwatch.GetTimestamp();
        lane.StartTicks = _options.Rate > 0 ? (long)_nextDue : lane.LastTicks;
        if (_options.Rate > 0) _nextDue += Stopwatch.Frequency * (double)count / _options.Rate;
        lane.UnderWay = count * _template.Replies;
        _toSend -= count;
        PollSet.Send(lane.Descriptor, lane.Requests, count * _template.SizeBytes);
        _poll.WatchReadable(lane.Descriptor, lane.Index);
    }

    private uint NextKey()
    {
        if (_options.IsSequential) return (uint)_nextKey++;
        _random ^= _random << 13;
        _random ^= _random >> 7;
        _random ^= _random << 17;
        return (uint)(((_random >> 32) * (ulong)_options.Keys) >> 32);
    }

    // One connection and its pipeline.
    private sealed class Lane : IDisposable
    {
        private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

        public Lane(int index, int port, byte[] requests)
        {
            Index = index;
            _socket.NoDelay = true;
            _socket.Connect(IPAddress.Loopback, port);
            Descriptor = (int)_socket.Handle;
            Requests = requests;
        }

        public int Index { get; }

        public int Descriptor { get; }

        public byte[] Requests { get; }

        public ReplyStream Replies { get; } = new();

        /// <summary>Replies that are still to come.</summary>
        public int UnderWay { get; set; }

        /// <summary>Whether a pipeline has come back already.</summary>
        public bool IsWarm { get; set; }

        public long StartTicks { get; set; }

        public long LastTicks { get; set; }

        public void Dispose() => _socket.Dispose();
    }
}
