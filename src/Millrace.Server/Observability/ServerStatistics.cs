using Millrace.Engine;
using Millrace.Net;
using Millrace.Server.Connections;

namespace Millrace.Server.Observability;

/// <summary>Sums over loops and partitions, for INFO and CONFIG RESETSTAT. All loops stand still while it is
/// used.</summary>
public sealed class ServerStatistics(ServerParts parts, ClientRegistry registry)
{
    private LoopCounters _before;

    /// <summary>The loops and clients that it sums over.</summary>
    public ClientRegistry Registry => registry;

    /// <summary>Connections taken in since the last reset, without those refused.</summary>
    public long ConnectionsReceived => parts.Loops.Counters.Accepted - _before.Accepted - parts.Admission.Refused;

    /// <summary>Reads, writes and bytes since the last reset.</summary>
    public LoopCounters Traffic
    {
        get
        {
            var now = parts.Loops.Counters;
            return new LoopCounters
            {
                BytesIn = now.BytesIn - _before.BytesIn,
                BytesOut = now.BytesOut - _before.BytesOut,
                Reads = now.Reads - _before.Reads,
                Writes = now.Writes - _before.Writes,
            };
        }
    }

    /// <summary>What all commands cost, over all loops.</summary>
    public CommandStatistics Commands()
    {
        var sum = new CommandStatistics(parts.Table);
        foreach (var loop in registry.Loops) loop.Executor.Statistics.AddTo(sum);
        return sum;
    }

    /// <summary>How late keys were removed, over all loops.</summary>
    public LatenessHistogram Lateness()
    {
        var sum = new LatenessHistogram();
        foreach (var loop in registry.Loops) loop.Lateness.AddTo(sum);
        return sum;
    }

    /// <summary>CPU time of the longest step of any loop, in microseconds (<see cref="StepMeter"/>).</summary>
    public long LongestStepUs => registry.Loops.Max(static one => one.Loop.Steps.LongestUs);

    /// <summary>Sets to zero what CONFIG RESETSTAT sets to zero.</summary>
    public void Reset()
    {
        foreach (var loop in registry.Loops)
        {
            loop.Executor.Statistics.Reset();
            loop.Executor.Timer.Reset();
            loop.Lateness.Clear();
            loop.Loop.Steps.Reset();
        }

        _before = parts.Loops.Counters;
        parts.Keyspace.ResetStatistics();
        parts.Admission.ResetStatistics();
    }
}
