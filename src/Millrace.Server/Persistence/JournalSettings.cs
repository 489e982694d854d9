using Millrace.Server.Config;

namespace Millrace.Server.Persistence;

/// <summary>The settings that a <see cref="Journal"/> works by. Immutable.</summary>
/// <param name="Policy">The directive <c>appendfsync</c>.</param>
/// <param name="HasTimestamps">The directive <c>aof-timestamp-enabled</c>.</param>
/// <param name="SkipsFsync">Whether nothing is synced now, because a snapshot is being written and
/// <c>no-appendfsync-on-rewrite</c> says so.</param>
internal sealed record JournalSettings(FsyncPolicy Policy, bool HasTimestamps, bool SkipsFsync)
{
    /// <summary>Those of the configuration.</summary>
    public static JournalSettings Of(Settings settings, bool isSaving) =>
        new(settings.Aof.Fsync, settings.Aof.HasTimestamps, isSaving && settings.Aof.NoFsyncOnRewrite);
}
