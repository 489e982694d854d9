using Millrace.Engine;
using Millrace.Net;
using Millrace.Server.Connections;

namespace Millrace.Server.Observability;

/// <summary>Sums over loops and partitions, for INFO and CONFIG RESETSTAT. All loops stand still while it is
/// used.</summary>
public sealed class ServerStatistics
{
    private readonly ServerParts _parts;
    private readonly ClientRegistry _registry;
    private LoopCounters _before;

    /// <summary>The sums of a server.</summary>
    public ServerStatistics(ServerParts parts, ClientRegistry registry)
    {
        (_parts, _registry) = (parts, registry);
        Memory = new MemoryBooks(parts, this);
    }

    /// <summary>The loops and clients that it sums over.</summary>
    public ClientRegistry Registry => _registry;

    /// <summary>Where memory is.</summary>
    internal MemoryBooks Memory { get; }

    /// <summary>Connections taken in since the last reset, without those refused.</summary>
    public long ConnectionsReceived => _parts.Loops.Counters.Accepted - _before.Accepted - _parts.Admission.Refused;

    /// <summary>Reads, writes, bytes and turns since the last reset.</summary>
    public LoopCounters Traffic
    {
        get
        {
            var now = _parts.Loops.Counters;
            return new LoopCounters
            {
                BytesIn = now.BytesIn - _before.BytesIn,
                BytesOut = now.BytesOut - _before.BytesOut,
                Reads = now.Reads - _before.Reads,
                Writes = now.Writes - _before.Writes,
                Turns = now.Turns - _before.Turns,
            };
        }
    }

    /// <summary>Who listens to channels, and to how many. O(clients).</summary>
    public SubscriptionCounts Subscriptions => new(
        _parts.Channels.ChannelCount,
        _parts.Channels.PatternCount,
        _parts.Channels.ShardChannelCount,
        _registry.Loops.Sum(static loop => loop.Clients.Count(static client => client.IsSubscribed)));

    /// <summary>Who is told of changes of keys that he has read, and of how many.</summary>
    public TrackingCounts Tracking
    {
        get
        {
            var totals = _parts.Keyspace.Tracking;
            return new TrackingCounts(totals.Clients, totals.Keys, totals.Items, totals.Prefixes);
        }
    }

    /// <summary>What all commands cost, over all loops.</summary>
    public CommandStatistics Commands()
    {
        var sum = new CommandStatistics(_parts.Table);
        foreach (var loop in _registry.Loops) loop.Executor.Statistics.AddTo(sum);
        return sum;
    }

    /// <summary>What the clients are in the middle of, over all loops. O(clients).</summary>
    internal ClientFigures Clients()
    {
        var figures = new ClientFigures();
        foreach (var loop in _registry.Loops)
        {
            foreach (var client in loop.Clients)
            {
                if (!client.IsClosing) figures.Add(client);
            }
        }

        return figures;
    }

    /// <summary>How late keys were removed, over all loops.</summary>
    public LatenessHistogram Lateness()
    {
        var sum = new LatenessHistogram();
        foreach (var loop in _registry.Loops) loop.Lateness.AddTo(sum);
        return sum;
    }

    /// <summary>CPU time of the longest step of any loop, in microseconds (<see cref="StepMeter"/>).</summary>
    public long LongestStepUs => _registry.Loops.Max(static one => one.Loop.Steps.LongestUs);

    /// <summary>Sets to zero what CONFIG RESETSTAT sets to zero.</summary>
    public void Reset()
    {
        foreach (var loop in _registry.Loops)
        {
            loop.Executor.Statistics.Reset();
            loop.Executor.Timer.Reset();
            loop.Lateness.Clear();
            loop.Turns.Reset();
            loop.Pipeline.ResetStatistics();
            loop.Loop.Steps.Reset();
        }

        _before = _parts.Loops.Counters;
        _parts.Keyspace.ResetStatistics();
        _parts.Snapshots.Status.ResetStatistics();
        _parts.Admission.ResetStatistics();
    }
}

/// <summary>Who listens to channels, and to how many.</summary>
/// <param name="Channels">Channels that somebody listens to.</param>
/// <param name="Patterns">Patterns of channels.</param>
/// <param name="ShardChannels">Channels of shards.</param>
/// <param name="Clients">Clients that listen to any of them.</param>
public readonly record struct SubscriptionCounts(long Channels, long Patterns, long ShardChannels, long Clients);

/// <summary>Who is told of changes of keys that he has read, and of how many.</summary>
/// <param name="Clients">Clients that are told.</param>
/// <param name="Keys">Keys that somebody is told of.</param>
/// <param name="Items">The sum of clients over those keys.</param>
/// <param name="Prefixes">Prefixes of keys.</param>
public readonly record struct TrackingCounts(long Clients, long Keys, long Items, long Prefixes);

/// <summary>What the clients are in the middle of.</summary>
internal struct ClientFigures
{
    /// <summary>How many there are.</summary>
    public long Count;

    /// <summary>Those that wait: for a key, for time, or for a pause to end.</summary>
    public long Blocked;

    /// <summary>Those of <see cref="Blocked"/> whose wait a timer ends.</summary>
    public long WithTimeout;

    /// <summary>Those that watch keys.</summary>
    public long Watching;

    /// <summary>The largest buffer of input.</summary>
    public long LargestInput;

    /// <summary>The most output that waits to be sent to one.</summary>
    public long LargestOutput;

    /// <summary>Bytes that are kept beside buffers: requests, while their client waits and between MULTI and EXEC, and
    /// subscriptions.</summary>
    public long KeptBytes;

    /// <summary>Counts a client.</summary>
    public void Add(Client client)
    {
        Count++;
        if (client.IsBlocked || client.IsPostponed) Blocked++;
        if (client.HasTimeout) WithTimeout++;
        if (client.Watcher is not null) Watching++;
        LargestInput = Math.Max(LargestInput, client.Connection.InputBufferBytes);
        LargestOutput = Math.Max(LargestOutput, client.Connection.Output.PendingBytes);
        KeptBytes += (client.Blocked?.HeldBytes ?? 0) + client.QueueHeldBytes;
        KeptBytes += client.Subscriptions?.HeldBytes ?? 0;
    }
}
