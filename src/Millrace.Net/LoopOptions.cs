// The settings of a loop group, and every limit of this layer by name.

namespace Millrace.Net;

/// <summary>Settings of a <see cref="LoopGroup"/>, fixed when it is made.</summary>
public sealed record LoopOptions
{
    /// <summary>Event loops, one thread each; 0 means one per core.</summary>
    public int Count { get; init; }

    /// <summary>How the loops wait.</summary>
    public PollerKind Poller { get; init; }

    /// <summary>Bytes of the one receive buffer that a loop's connections share.</summary>
    public int ReceiveBufferBytes { get; init; } = 64 * 1024;

    /// <summary>Bytes of one output segment.</summary>
    public int SegmentBytes { get; init; } = 16 * 1024;

    /// <summary>A connection with more unsent output than this is not read until half of it is sent.</summary>
    public long PauseReadingAtOutputBytes { get; init; } = 64L * 1024 * 1024;

    /// <summary>Bytes that a loop keeps in its buffer pool; what comes back above that goes to the collector.</summary>
    public long PooledBytes { get; init; } = 32L * 1024 * 1024;

    /// <summary>Bytes of <see cref="SharedSegment"/>s that all loops together make when they start.</summary>
    public long ReservedBytes { get; init; } = 10L * 1024 * 1024;

    /// <summary>Seconds of silence before the first keep-alive probe of accepted TCP connections; 0 turns probes off.
    /// The value in force is <see cref="LoopGroup.TcpKeepAliveSeconds"/>.</summary>
    public int TcpKeepAliveSeconds { get; init; } = 300;

    /// <summary>After this pause a listener tries again that had found no free descriptor.</summary>
    public int AcceptPauseMs { get; init; } = 100;

    /// <summary>A connection that is being closed after its last reply, whose peer takes nothing for so long, is
    /// cut.</summary>
    public int DrainStallMs { get; init; } = 10_000;

    /// <summary>After the last reply a closed connection reads and drops what the peer still sends for at most so long:
    /// closing earlier would reset the connection and could destroy replies on their way.</summary>
    public int LingerMs { get; init; } = 500;

    /// <summary>Connections of one loop that may linger at once; further ones are closed at once.</summary>
    public int MaxLingering { get; init; } = 1024;

    /// <summary><see cref="LoopGroup.Stop"/> waits at most so long for peers to take the last replies.</summary>
    public int StopFlushMs { get; init; } = 1000;

    /// <summary>Bytes of one of the buffers that io_uring receives into: a pipelined batch should fit.</summary>
    internal int RingBufferBytes { get; init; } = 16 * 1024;

    /// <summary>For tests: io_uring is taken to be refused for this reason.</summary>
    internal string? IoUringRefusal { get; init; }

    /// <summary>Where the loops take the time from.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}
