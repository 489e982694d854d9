using Millrace.Engine;
using Millrace.Persistence.Files;
using Millrace.Persistence.Loading;
using Millrace.Persistence.Rdb;

namespace Millrace.Server.Persistence;

/// <summary>
/// The keyspace that append-only files are loaded into: at the start, beside clients who look on
/// (<see cref="StartTarget"/>), or while all loops stand still (<see cref="ReloadTarget"/>).
/// </summary>
internal interface IReplayTarget
{
    /// <summary>Runs the commands.</summary>
    Unit Unit { get; }

    /// <summary>Hears how far it is, and ends it; or null.</summary>
    ILoadProgress? Progress { get; }

    /// <summary>Puts the keys of an RDB file, or of one that stands in front of commands, into the keyspace. Nothing
    /// of it has expired: the commands behind it were run on what it holds.</summary>
    /// <param name="file">The file.</param>
    RdbOutcome Load(IReadableFile file);

    /// <summary>The unit is going to work: it holds all partitions from now on, if it did not before.</summary>
    void Take();

    /// <summary>The disk may be waited for: others may have the partitions meanwhile.</summary>
    void LetGo();

    /// <summary>A command has run, or a whole transaction: others may have the partitions for a moment.</summary>
    void AfterCommand();
}
