using Millrace.Commands;
using Millrace.Engine;
using Millrace.Net;
using Millrace.Persistence.Files;
using Millrace.Server.Config;
using Millrace.Server.Effects;
using Millrace.Server.Logging;

namespace Millrace.Server.Persistence;

/// <summary>What the append-only file needs of the server.</summary>
internal sealed record AppendOnlyParts
{
    /// <summary>All keys.</summary>
    public required Keyspace Keyspace { get; init; }

    /// <summary>The settings in force.</summary>
    public required Configuration Configuration { get; init; }

    /// <summary>Where log lines go.</summary>
    public required Log Journal { get; init; }

    /// <summary>The file system.</summary>
    public required IFileSystem Files { get; init; }

    /// <summary>The stream of effects.</summary>
    public required EffectLog Log { get; init; }

    /// <summary>The gates closed for everybody.</summary>
    public required Gates Gates { get; init; }

    /// <summary>Makes bases.</summary>
    public required ISnapshotMaker Snapshots { get; init; }

    /// <summary>All commands; there are some before anything is loaded.</summary>
    public required Func<CommandTable> Table { get; init; }

    /// <summary>The loops; there are some before anything runs.</summary>
    public required Func<LoopGroup> Loops { get; init; }

    /// <summary>Ends the process with 1.</summary>
    public required Action Exit { get; init; }

    /// <summary>Keeps replies back.</summary>
    public ReplyHold Hold() => Loops().Hold;
}
