namespace Millrace.Persistence.Rdb;

/// <summary>What can be wrong with an RDB file.</summary>
public enum RdbFaultKind
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>It is no RDB file.</summary>
    Signature,

    /// <summary>Its version is not known.</summary>
    Version,

    /// <summary>It ends before its end.</summary>
    EndsEarly,

    /// <summary>Its checksum is not that of its bytes.</summary>
    Checksum,

    /// <summary>A record is none of the format, or holds what cannot be.</summary>
    Record,

    /// <summary>A key comes twice.</summary>
    Duplicate,

    /// <summary>There are more databases in it than there are here.</summary>
    Database,

    /// <summary>It needs a module.</summary>
    Module,

    /// <summary>A library of functions was refused.</summary>
    Function,

    /// <summary>A value would take more memory than there is.</summary>
    Memory,

    /// <summary>It cannot be read from the disk.</summary>
    Disk,

    /// <summary>There is no such file.</summary>
    Missing,

    /// <summary>Nothing: whoever takes the records wants no more of them.</summary>
    Stopped,
}

/// <summary>What is wrong with an RDB file; the default value: nothing.</summary>
/// <param name="Kind">The kind.</param>
/// <param name="Text">A sentence for the log; what comes from the file is shown as printable ASCII.</param>
/// <param name="Offset">Where the record begins that shows it, in bytes from the beginning of the file.</param>
public readonly record struct RdbFault(RdbFaultKind Kind, string Text, long Offset)
{
    /// <summary>Whether nothing is wrong.</summary>
    public bool IsNone => Kind == RdbFaultKind.None;

    /// <summary>What is wrong with the value, in the words of Redis; null when it is no value that is wrong.</summary>
    public string? Detail { get; init; }

    /// <inheritdoc/>
    public override string ToString() =>
        IsNone ? "" : $"{Text} (at offset {Offset}){(Detail is null ? "" : ": " + Detail)}";
}

/// <summary>How the reading of an RDB file ended.</summary>
/// <param name="Fault">What was wrong.</param>
/// <param name="Magic">What the file says that it is.</param>
/// <param name="EndOffset">When nothing is wrong: where the RDB part ends, in bytes from the beginning of the file.
/// Whatever follows is somebody else's.</param>
/// <param name="IsVerified">Whether its checksum was compared.</param>
public readonly record struct RdbOutcome(RdbFault Fault, RdbMagic Magic, long EndOffset, bool IsVerified)
{
    /// <summary>Whether all of it was read and is right.</summary>
    public bool IsComplete => Fault.IsNone;
}
