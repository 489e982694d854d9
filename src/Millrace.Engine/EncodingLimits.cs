using Millrace.Engine.Values;
using Millrace.Memory;

namespace Millrace.Engine;

/// <summary>
/// Up to where small collections are packed. Immutable: CONFIG SET exchanges the object while all loops stand still,
/// and a collection is looked at again when it changes next.
/// </summary>
/// <remarks>The names and defaults are those of Redis's directives, <c>hash-max-listpack-entries</c> and so
/// on.</remarks>
public sealed record EncodingLimits
{
    /// <summary>The longest packed value, whatever the limits say: with it, and a key of nearly as much
    /// (<see cref="Entry.MaxKeyBytes"/>), an entry is still a block. Redis's bound, too. Writers change to a table
    /// before it, and nothing longer is read.</summary>
    public const int MaxPackedBytes = 1 << 30;

    /// <summary>The most fields of a packed hash.</summary>
    public long HashEntries { get; init; } = 512;

    /// <summary>The longest field or value of a packed hash, in bytes.</summary>
    public long HashValueBytes { get; init; } = 64;

    /// <summary>The most members of a set of integers.</summary>
    public long IntSetEntries { get; init; } = 512;

    /// <summary>The most members of a packed set.</summary>
    public long SetEntries { get; init; } = 128;

    /// <summary>The longest member of a packed set, in bytes.</summary>
    public long SetValueBytes { get; init; } = 64;

    /// <summary>The most members of a packed sorted set.</summary>
    public long SortedSetEntries { get; init; } = 128;

    /// <summary>The longest member of a packed sorted set, in bytes.</summary>
    public long SortedSetValueBytes { get; init; } = 64;

    /// <summary>How large one chunk of a list is: a positive number of elements, or -1 to -5 for 4, 8, 16, 32 or 64
    /// kB.</summary>
    public int ListChunk { get; init; } = -2;

    /// <summary>How many chunks at either end of a list stay uncompressed; 0: none is compressed.</summary>
    public int ListCompressDepth { get; init; }

    /// <summary>From which length on an element of a list stands alone; 0: when it is longer than a chunk. For tests.
    /// </summary>
    public long ListPlainBytes { get; init; }

    /// <summary>When a node of a stream is full.</summary>
    public StreamNodeLimits StreamNodes { get; init; } = new(MaxBytes: 4096, MaxEntries: 100);

    /// <summary>For how long a stream knows the messages of its producers when nobody says so for that stream.
    /// </summary>
    public ProducerLimits Producers { get; init; } = new(DurationSeconds: 100, MaxSize: 100);

    /// <summary>The longest sparse HyperLogLog, in bytes.</summary>
    public long HyperLogLogSparseBytes { get; init; } = 3000;

    /// <summary>The limits of a list's chunks.</summary>
    public ChunkLimits ListChunks => ChunkLimits.Of(ListChunk, ListCompressDepth, ListPlainBytes);
}
