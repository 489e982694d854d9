using Millrace.Commands;
using Millrace.Engine;
using Millrace.Memory;
using Millrace.Net;
using Millrace.Server.Config;
using Millrace.Server.Effects;
using Millrace.Server.Logging;
using Millrace.Server.Observability;
using Millrace.Server.Persistence;
using Millrace.Server.PubSub;
using Millrace.Server.Tracking;

namespace Millrace.Server;

/// <summary>
/// What the parts of a running server share, handed to their constructors by the composition root.
/// </summary>
/// <remarks>Every member is thread-safe or says when it may be used.</remarks>
public sealed class ServerParts
{
    /// <summary>The settings in force.</summary>
    public required Configuration Configuration { get; init; }

    /// <summary>Where log lines go.</summary>
    public required Log Journal { get; init; }

    /// <summary>All keys.</summary>
    public required Keyspace Keyspace { get; init; }

    /// <summary>Where all native memory comes from.</summary>
    public required MemorySource Memory { get; init; }

    /// <summary>All commands. Set once they are built, before anything runs.</summary>
    public CommandTable Table { get; internal set; } = null!;

    /// <summary>The gates closed for everybody.</summary>
    public required Gates Gates { get; init; }

    /// <summary>The pause that CLIENT PAUSE asks for.</summary>
    public required ClientPause Pause { get; init; }

    /// <summary>What clients are subscribed to.</summary>
    public required Channels Channels { get; init; }

    /// <summary>What tells clients of stale keys, by loop.</summary>
    internal Invalidators Invalidators { get; init; } = null!;

    /// <summary>The clients that see every command.</summary>
    internal Monitors Monitors { get; init; } = null!;

    /// <summary>The stream of effects.</summary>
    public required EffectLog Log { get; init; }

    /// <summary>The RDB file.</summary>
    public required Snapshots Snapshots { get; init; }

    /// <summary>Takes snapshots while commands go on.</summary>
    public required SnapshotRunner SnapshotRunner { get; init; }

    /// <summary>Snapshots to the RDB file that are taken while commands go on.</summary>
    public required BackgroundSaves BackgroundSaves { get; init; }

    /// <summary>Whether changes can be made to last.</summary>
    public required Durability Durability { get; init; }

    /// <summary>Whether data is being loaded.</summary>
    public required LoadingState Loading { get; init; }

    /// <summary>The append-only file.</summary>
    public required AppendOnly AppendOnly { get; init; }

    /// <summary>The way to the server's end.</summary>
    public required Shutdown Shutdown { get; init; }

    /// <summary>What the loops' cheap generators start from.</summary>
    public required uint Seed { get; init; }

    /// <summary>Who may come in.</summary>
    public required Admission Admission { get; init; }

    /// <summary>Whether due keys are removed without being asked for.</summary>
    public required ActiveExpiry ActiveExpiry { get; init; }

    /// <summary>Whether loops do what they do once a second.</summary>
    public PeriodicWork PeriodicWork { get; } = new();

    /// <summary>The most memory that data has taken.</summary>
    public MemoryPeak MemoryPeak { get; } = new();

    /// <summary>The commands that took long.</summary>
    public SlowLog SlowLog { get; } = new();

    /// <summary>Whatever else took long.</summary>
    public LatencyMonitor LatencyMonitor { get; } = new();

    /// <summary>Counts values by their sizes.</summary>
    public required SizeCensus Sizes { get; init; }

    /// <summary>The event loops. Set once they exist, before they start.</summary>
    public LoopGroup Loops { get; internal set; } = null!;
}

/// <summary>The switch of active expiry (DEBUG SET-ACTIVE-EXPIRE). Thread-safe.</summary>
public sealed class ActiveExpiry
{
    private volatile bool _isEnabled = true;

    /// <summary>Whether due keys are removed without being asked for.</summary>
    public bool IsEnabled
    {
        get => _isEnabled;
        set => _isEnabled = value;
    }
}
