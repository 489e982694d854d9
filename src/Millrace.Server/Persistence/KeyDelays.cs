using Millrace.Persistence.Files;
using Millrace.Persistence.Loading;
using Millrace.Server.Config;

namespace Millrace.Server.Persistence;

/// <summary>The delays that directives ask for, as they are at each moment.</summary>
internal static class KeyDelays
{
    /// <summary><c>key-load-delay</c>, for each key or command that is loaded.</summary>
    /// <param name="configuration">Says how long.</param>
    /// <param name="progress">Ends it early.</param>
    public static KeyDelay OfLoading(Configuration configuration, ILoadProgress progress) =>
        new(() => configuration.Settings.KeyLoadDelayMicroseconds, () => progress.IsStopped);

    /// <summary><c>rdb-key-save-delay</c>, for each key that is saved, in microseconds.</summary>
    /// <param name="configuration">Says how long.</param>
    public static Func<int> OfSaving(Configuration configuration) =>
        () => configuration.Settings.Snapshots.KeyDelayMicroseconds;
}
