using Millrace.Server.Config;
using Millrace.Server.Connections;

namespace Millrace.Server;

/// <summary>Hands settings of latency to whom they concern, at the start and when they change.</summary>
public sealed class LatencySettingsListener : ISettingsListener
{
    private readonly ServerParts _parts;
    private readonly ClientRegistry _registry;

    /// <summary>Puts the settings of the start into force, but for the loops, which begin with them.</summary>
    public LatencySettingsListener(ServerParts parts, ClientRegistry registry)
    {
        (_parts, _registry) = (parts, registry);
        parts.SlowLog.Adopt(parts.Configuration.Settings.Latency);
        parts.LatencyMonitor.Adopt(parts.Configuration.Settings.Latency);
    }

    /// <inheritdoc/>
    public SettingsFault? Apply(Settings before, Settings after)
    {
        _parts.SlowLog.Adopt(after.Latency);
        _parts.LatencyMonitor.Adopt(after.Latency);
        foreach (var loop in _registry.Loops) loop.Executor.Timer.Adopt(after.Latency);
        return null;
    }
}
