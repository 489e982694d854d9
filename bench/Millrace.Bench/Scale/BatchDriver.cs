// One loop's worth of server without sockets: the batch stage, an executor and a client, fed from an array. What a
// command costs here is parsing, dispatch, locks, table and reply; what the kernel costs is not.

using Millrace.Commands;
using Millrace.Commands.Families;
using Millrace.Engine;
using Millrace.Memory;
using Millrace.Resp;
using Millrace.Server;
using Millrace.Server.Blocking;
using Millrace.Server.Effects;
using Millrace.Server.Execution;

namespace Millrace.Bench.Scale;

/// <summary>The state that all drivers share: a keyspace and an effect log.</summary>
internal sealed class Ground : IDisposable
{
    private readonly MemorySource _memory = new();

    public Ground(KeyspaceShape shape)
    {
        Keyspace = new Keyspace(shape, _memory, new KeyHasher(1));
        Table = new CommandTable(DataCommands.All);
    }

    public Keyspace Keyspace { get; }

    public CommandTable Table { get; }

    public Gates Gates { get; } = new();

    public EffectLog Log { get; } = new();

    public void Dispose()
    {
        Keyspace.Dispose();
        _memory.Dispose();
    }
}

/// <summary>Runs batches as a loop's pipeline does. Used by one thread.</summary>
internal sealed class BatchDriver : ExecutionHost
{
    private readonly Server.Client _client;
    private readonly RequestBatch _batch;
    private readonly Executor _executor;
    private readonly ReplyWriter _reply = new();
    private readonly ReplySink _sink = new();
    private readonly Parked _parked = new();
    private long _unixMs = Now;

    public BatchDriver(Ground ground, int index)
    {
        _client = new Server.Client(index + 1, connection: null!, mustAuthenticate: false);
        _batch = new RequestBatch(ground.Table, ground.Keyspace);
        _executor = new Executor(
            ground.Keyspace, ground.Gates, ground.Log, this, ground.Table, seed: (uint)index + 1);
    }

    /// <summary>How often a command found its partition taken for so long that a server would have parked its
    /// connection.</summary>
    public long Parks { get; private set; }

    /// <summary>Error replies so far.</summary>
    public long Errors => _reply.ErrorCount;

    public override long UnixMs => _unixMs;

    private static long Now => DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();

    /// <summary>Cuts the requests that begin at an index into one batch and runs them.</summary>
    /// <param name="input">Whole requests, one behind the other.</param>
    /// <param name="start">Index of the first one's first byte.</param>
    /// <param name="requests">How many to run; at most the capacity of a batch.</param>
    /// <returns>Index behind the last one that ran.</returns>
    public int Run(byte[] input, int start, int requests)
    {
        _batch.Cut(_client, input, start, input.Length, RequestLimits.Default, requests);
        _reply.Attach(_sink, _sink.Segment, 0, protocol: 2);
        for (var i = 0; i < _batch.Count; i++)
        {
            while (_executor.Run(_client, _batch[i], input, _reply) == Outcome.Parked) WaitForRelease();
        }

        _executor.Timer.EndRun();
        _reply.Detach();
        return _batch.End;
    }

    public override void RefreshClock() => _unixMs = Now;

    public override void BeginQuiescence() => throw new NotSupportedException("no loops stand behind a driver");

    public override void EndQuiescence() => throw new NotSupportedException("no loops stand behind a driver");

    public override IParked Park(Server.Client client)
    {
        _parked.Reset();
        return _parked;
    }

    public override void RunNextTurn(Server.Client client) =>
        throw new NotSupportedException("no load of a driver meets a limit");

    public override void Wait(BlockedRequest request, long timeoutMs) =>
        throw new NotSupportedException("no load of a driver waits for keys");

    public override void Deliver(BlockedRequest request) =>
        throw new NotSupportedException("no load of a driver waits for keys");

    private void WaitForRelease()
    {
        Parks++;
        _parked.Wait();
        _client.IsParked = false;
    }

    private sealed class Parked : IParked
    {
        private readonly ManualResetEventSlim _released = new();

        public void Reset() => _released.Reset();

        public void Wait() => _released.Wait();

        public void Released() => _released.Set();
    }

    // Replies are written over one another; nobody reads them.
    private sealed class ReplySink : SegmentSource
    {
        private const int SegmentBytes = 64 * 1024;

        public byte[] Segment { get; private set; } = new byte[SegmentBytes];

        public override byte[] Next(int filledInCurrent, int minimumFree, out int start)
        {
            start = 0;
            if (Segment.Length < minimumFree) Segment = new byte[minimumFree];
            return Segment;
        }
    }
}
