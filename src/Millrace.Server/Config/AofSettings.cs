using Millrace.Server.Persistence;

namespace Millrace.Server.Config;

/// <summary>The settings of the append-only file. Immutable.</summary>
public sealed record AofSettings
{
    /// <summary>Keep one.</summary>
    public required bool IsOn { get; init; }

    /// <summary>When what is written to it has to be on the disk.</summary>
    public required FsyncPolicy Fsync { get; init; }

    /// <summary>What the names of its files begin with.</summary>
    public required string FileName { get; init; }

    /// <summary>The name of its directory, in the working directory.</summary>
    public required string DirectoryName { get; init; }

    /// <summary>Nothing is synced while a snapshot is being written.</summary>
    public required bool NoFsyncOnRewrite { get; init; }

    /// <summary>By how many percent it grows before it is rewritten; 0: it is not.</summary>
    public required int RewritePercentage { get; init; }

    /// <summary>Up to how many bytes it is not rewritten by itself.</summary>
    public required long RewriteMinBytes { get; init; }

    /// <summary>A cut end of its last file is no fault.</summary>
    public required bool LoadsTruncated { get; init; }

    /// <summary>Its base is a snapshot; otherwise commands.</summary>
    public required bool UsesSnapshot { get; init; }

    /// <summary>It has timestamps.</summary>
    public required bool HasTimestamps { get; init; }

    /// <summary>Files that a rewrite has made needless stay.</summary>
    public required bool KeepsHistory { get; init; }

    /// <summary>Those of directive values.</summary>
    internal static AofSettings From(ConfigValues values)
    {
        return new AofSettings
        {
            IsOn = Is("appendonly"),
            Fsync = (FsyncPolicy)(int)values["appendfsync"].Number,
            FileName = ConfigText.ToDisplay(values["appendfilename"].Text),
            DirectoryName = ConfigText.ToDisplay(values["appenddirname"].Text),
            NoFsyncOnRewrite = Is("no-appendfsync-on-rewrite"),
            RewritePercentage = (int)values["auto-aof-rewrite-percentage"].Number,
            RewriteMinBytes = values["auto-aof-rewrite-min-size"].Number,
            LoadsTruncated = Is("aof-load-truncated"),
            UsesSnapshot = Is("aof-use-rdb-preamble"),
            HasTimestamps = Is("aof-timestamp-enabled"),
            KeepsHistory = Is("aof-disable-auto-gc"),
        };

        bool Is(string name) => values[name].Number != 0;
    }
}
