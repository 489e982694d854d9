// The log's level follows the loglevel directive.

using Millrace.Server.Config;

namespace Millrace.Server.Logging;

/// <summary>Changes the log's level when loglevel changes.</summary>
/// <param name="log">The log.</param>
public sealed class LogSettings(Log log) : ISettingsListener
{
    /// <inheritdoc/>
    public SettingsFault? Apply(Settings before, Settings after)
    {
        ArgumentNullException.ThrowIfNull(after);
        log.Level = after.LogLevel;
        return null;
    }
}
