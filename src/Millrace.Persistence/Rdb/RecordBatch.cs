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

    /// <summary>Where each of them ends, but the last when it goes on.</summary>
    public int[] Ends { get; } = new int[MaxRecords];

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
internal readonly struct CutRecord
{
    private readonly long _deadlineMs;
    private readonly long _idleSeconds;
    private readonly long _offset;
    private readonly int _frequency;
    private readonly RdbType _type;

    /// <summary>Keeps what is known of a key.</summary>
    /// <param name="key">The key.</param>
    /// <param name="hash">The hash of its name.</param>
    /// <param name="mostBytes">How long the record is at most: no more can come, whatever the value says.</param>
    /// <param name="start">Where it begins in its batch.</param>
    public CutRecord(in RdbKey key, ulong hash, long mostBytes, int start)
    {
        Hash = hash;
        MostBytes = mostBytes;
        Start = start;
        Database = key.Database;
        NameBytes = key.Name.Length;
        _deadlineMs = key.DeadlineMs;
        _idleSeconds = key.IdleSeconds;
        _offset = key.Offset;
        _frequency = key.Frequency;
        _type = key.Type;
    }

    /// <summary>The hash of the name.</summary>
    public ulong Hash { get; }

    /// <summary>How long the record is at most.</summary>
    public long MostBytes { get; }

    /// <summary>Where it begins in its batch: the name, and behind it the value.</summary>
    public int Start { get; }

    /// <summary>How many bytes are its name.</summary>
    public int NameBytes { get; }

    /// <summary>The database.</summary>
    public int Database { get; }

    /// <summary>The key again.</summary>
    public RdbKey Key(ReadOnlySpan<byte> name) => new(Database, name, _type)
    {
        DeadlineMs = _deadlineMs, IdleSeconds = _idleSeconds, Frequency = _frequency, Offset = _offset,
    };
}
