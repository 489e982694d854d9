namespace Millrace.Persistence.Files;

/// <summary>The steps in which a file takes the place of another.</summary>
public enum DiskStep
{
    /// <summary>None.</summary>
    None,

    /// <summary>The new file is made.</summary>
    Create,

    /// <summary>It is written to.</summary>
    Write,

    /// <summary>All of it is on the disk.</summary>
    Sync,

    /// <summary>It is closed.</summary>
    Close,

    /// <summary>It gets the name of the old one.</summary>
    Rename,

    /// <summary>The name is on the disk.</summary>
    SyncDirectory,
}

/// <summary>Which step failed and why; the default value: none did.</summary>
/// <param name="Step">The step.</param>
/// <param name="Reason">The system's words.</param>
public readonly record struct DiskFault(DiskStep Step, string Reason)
{
    /// <summary>Whether nothing failed.</summary>
    public bool IsNone => Step == DiskStep.None;

    /// <summary>The fault of a step, none when there is no reason.</summary>
    public static DiskFault Of(DiskStep step, string? reason) =>
        reason is null ? default : new DiskFault(step, reason);

    /// <summary>A text for the log: the system call and the reason.</summary>
    public override string ToString() => Step switch
    {
        DiskStep.None => "",
        DiskStep.Create => "open: " + Reason,
        DiskStep.Write => "write: " + Reason,
        DiskStep.Sync => "fsync: " + Reason,
        DiskStep.Close => "close: " + Reason,
        DiskStep.Rename => "rename: " + Reason,
        _ => "fsync of the directory: " + Reason,
    };
}

/// <summary>Takes bytes one after the other: a file, later a socket.</summary>
public interface IByteTarget
{
    /// <summary>Takes bytes: all of them, or why not.</summary>
    DiskFault Write(ReadOnlySpan<byte> bytes);
}
