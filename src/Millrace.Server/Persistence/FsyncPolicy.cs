namespace Millrace.Server.Persistence;

/// <summary>The directive <c>appendfsync</c>: when what is written to the append-only file has to be on the disk. The
/// numbers are those of the directive's names.</summary>
public enum FsyncPolicy
{
    /// <summary>Within a second.</summary>
    EverySecond = 0,

    /// <summary>Before the reply leaves.</summary>
    Always = 1,

    /// <summary>When the system likes.</summary>
    No = 2,
}
