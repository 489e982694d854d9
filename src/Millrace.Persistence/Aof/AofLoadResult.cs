namespace Millrace.Persistence.Aof;

/// <summary>What is wrong with an append-only file.</summary>
public enum AofFault
{
    /// <summary>Nothing: all of it was delivered.</summary>
    None,

    /// <summary>It begins with an RDB file, which another reader has to read first.</summary>
    RdbPreamble,

    /// <summary>It ends within a command, a transaction or an annotation. All before that was delivered.</summary>
    TruncatedEnd,

    /// <summary>There is something that is no command.</summary>
    BadFormat,

    /// <summary>There are other bytes than were written.</summary>
    ChecksumMismatch,

    /// <summary>A command or a transaction is larger than the reader may keep in memory.</summary>
    TooLarge,

    /// <summary>The sink ended the reading.</summary>
    Refused,

    /// <summary>The system could not read the file.</summary>
    ReadFailed,

    /// <summary>It is not wanted any more; what came before was delivered.</summary>
    Stopped,
}

/// <summary>How the reading of one append-only file ended.</summary>
public sealed record AofLoadResult
{
    /// <summary>What is wrong with it.</summary>
    public required AofFault Fault { get; init; }

    /// <summary>Where: the first byte of what is wrong, or of what a wrong checksum covers. Without a fault, the end of
    /// the file.</summary>
    public required long FaultOffset { get; init; }

    /// <summary>What exactly is wrong, in a few words; null without a fault.</summary>
    public string? Reason { get; init; }

    /// <summary>The place behind the last whole command or transaction and the annotations that follow it: where a
    /// truncated file is to be cut, and where the writer goes on.</summary>
    public required AofTail Tail { get; init; }

    /// <summary>How many commands were delivered, those of transactions among them.</summary>
    public required long Commands { get; init; }

    /// <summary>Whether the end is missing of a transaction, which then was not delivered.</summary>
    public bool IsInTransaction { get; init; }

    /// <summary>Whether there was a right checksum: then everything up to the latest one is as it was
    /// written.</summary>
    public bool HasChecksums { get; init; }

    /// <summary>The latest timestamp, in seconds since 1970; 0 when there is none.</summary>
    public long TimestampSeconds { get; init; }

    /// <summary>What is to be logged for a fault that ends the loading: the words of Redis and the place.</summary>
    /// <param name="fileName">The file's name.</param>
    public string Describe(string fileName) => Fault switch
    {
        AofFault.None => $"{fileName} is complete",
        AofFault.TruncatedEnd => $"Unexpected end of file reading the append only file {fileName}. You can: "
            + "1) Make a backup of your AOF file, then use ./redis-check-aof --fix <filename.manifest>. "
            + "2) Alternatively you can set the 'aof-load-truncated' configuration option to yes and restart the "
            + $"server. (offset {FaultOffset}: {Reason})",
        AofFault.BadFormat => $"Bad file format reading the append only file {fileName}: make a backup of your AOF "
            + $"file, then use ./redis-check-aof --fix <filename.manifest> (offset {FaultOffset}: {Reason})",
        AofFault.ChecksumMismatch => $"Bad checksum reading the append only file {fileName}: the file was damaged "
            + $"after it was written (offset {FaultOffset}: {Reason})",
        AofFault.ReadFailed =>
            $"Unrecoverable error reading the append only file {fileName}: {Reason} (offset {FaultOffset})",
        _ => $"Error reading the append only file {fileName} at offset {FaultOffset}: {Reason}",
    };
}
