// What loops count. Each loop writes its own; anyone may read them, a moment old.

namespace Millrace.Net;

/// <summary>Counts of one loop, or summed over all of a group.</summary>
public readonly record struct LoopCounters
{
    /// <summary>Turns of the loop.</summary>
    public long Turns { get; init; }

    /// <summary>Connections taken in.</summary>
    public long Accepted { get; init; }

    /// <summary>Connections open now.</summary>
    public long Connections { get; init; }

    /// <summary>Reads that brought bytes.</summary>
    public long Reads { get; init; }

    /// <summary>Writes that the system took bytes from.</summary>
    public long Writes { get; init; }

    /// <summary>Bytes received.</summary>
    public long BytesIn { get; init; }

    /// <summary>Bytes sent.</summary>
    public long BytesOut { get; init; }

    /// <summary>Times that accepting failed for want of a descriptor or memory.</summary>
    public long AcceptFailures { get; init; }

    /// <summary>Bytes of the buffers that connections hold now.</summary>
    public long BufferBytes { get; init; }

    /// <summary>The sum of two, field by field.</summary>
    /// <param name="other">The other one.</param>
    public LoopCounters Plus(in LoopCounters other) => new()
    {
        Turns = Turns + other.Turns,
        Accepted = Accepted + other.Accepted,
        Connections = Connections + other.Connections,
        Reads = Reads + other.Reads,
        Writes = Writes + other.Writes,
        BytesIn = BytesIn + other.BytesIn,
        BytesOut = BytesOut + other.BytesOut,
        AcceptFailures = AcceptFailures + other.AcceptFailures,
        BufferBytes = BufferBytes + other.BufferBytes,
    };
}
