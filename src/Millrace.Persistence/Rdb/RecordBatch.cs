using System.Runtime.InteropServices;
using Millrace.Engine.Codec;

namespace Millrace.Persistence.Rdb;

/// <summary>
/// Keys with their values as they are encoded, on their way from the thread that cuts them out of a file to the one
/// that makes them.
/// </summary>
/// <remarks>
/// <code>
///   bytes   | rest of a record that began before: HeadBytes | name, value | name, value | ... | name, value ...
///                                                           records[0]    records[1]           the last may go on
/// </code>
/// A record that is longer than a batch goes on in the batches that follow it (<see cref="GoesOn"/>). Written by one
/// thread, then read by another; the queue between them hands it over.
/// </remarks>
internal sealed class RecordBatch
{
    /// <summary>The bytes of a batch: with its records it fits the cache that the cores share, several times.</summary>
    public const int SizeBytes = 128 * 1024;

    /// <summary>The most records of a batch.</summary>
    public const int MaxRecords = 1024;

    /// <summary>The bytes of records.</summary>
    public byte[] Bytes { get; } = new byte[SizeBytes];

    /// <summary>The records that begin here.</summary>
    public CutRecord[] Records { get; } = new CutRecord[MaxRecords];

    /// <summary>How many records begin here.</summary>
    public int Count { get; set; }

    /// <summary>How many bytes there are.</summary>
    public int Filled { get; set; }

    /// <summary>How many of them belong to a record that began in a batch before.</summary>
    public int HeadBytes { get; set; }

    /// <summary>Whether the last record, or the one from before, goes on in the next batch.</summary>
    public bool GoesOn { get; set; }

    /// <summary>What is free.</summary>
    public Span<byte> Room => Bytes.AsSpan(Filled);

    /// <summary>Makes it an empty one.</summary>
    public void Clear() => (Count, Filled, HeadBytes, GoesOn) = (0, 0, 0, false);
}

/// <summary>A key whose value has been cut out of a file.</summary>
[StructLayout(LayoutKind.Auto)]
internal struct CutRecord
{
    /// <summary>The hash of the name.</summary>
    public ulong Hash;

    /// <summary>Where the record begins in the file.</summary>
    public long Offset;

    /// <summary>When the key expires, or -1.</summary>
    public long DeadlineMs;

    /// <summary>For how many seconds it was not used, or -1.</summary>
    public long IdleSeconds;

    /// <summary>How many bytes there are at most: no more can come, whatever the value says.</summary>
    public long MostBytes;

    /// <summary>The counter of its uses, or -1.</summary>
    public int Frequency;

    /// <summary>The database.</summary>
    public int Database;

    /// <summary>The type of the value.</summary>
    public RdbType Type;

    /// <summary>Where it begins in its batch.</summary>
    public int Start;

    /// <summary>How many bytes are its name.</summary>
    public int NameBytes;

    /// <summary>Where it ends in its batch, when it ends there.</summary>
    public int End;

    /// <summary>Keeps what is known of a key.</summary>
    public static CutRecord Of(in RdbKey key, ulong hash, long mostBytes, int start) => new()
    {
        Hash = hash,
        Offset = key.Offset,
        DeadlineMs = key.DeadlineMs,
        IdleSeconds = key.IdleSeconds,
        Frequency = key.Frequency,
        Database = key.Database,
        Type = key.Type,
        NameBytes = key.Name.Length,
        MostBytes = mostBytes,
        Start = start,
    };

    /// <summary>The key again.</summary>
    public readonly RdbKey Key(ReadOnlySpan<byte> name) => new(Database, name, Type)
    {
        DeadlineMs = DeadlineMs, IdleSeconds = IdleSeconds, Frequency = Frequency, Offset = Offset,
    };
}
