using Millrace.Engine;
using Millrace.Server.Config;
using Millrace.Server.Logging;

namespace Millrace.Server;

/// <summary>Hands settings of data to the keyspace, at the start and when they change.</summary>
public sealed class DataSettings : ISettingsListener
{
    private readonly Keyspace _keyspace;
    private readonly Gates _gates;
    private readonly Log _journal;

    /// <summary>Puts the settings of the start into force.</summary>
    public DataSettings(Keyspace keyspace, Gates gates, Settings settings, Log journal)
    {
        (_keyspace, _gates, _journal) = (keyspace, gates, journal);
        keyspace.Encodings = settings.Encodings;
        keyspace.Format = settings.Format;
        keyspace.Notifies = settings.NotifyClasses;
        keyspace.Tracking.MaxKeys = settings.TrackingTableMaxKeys;
        Limit(settings);
    }

    /// <inheritdoc/>
    public SettingsFault? Apply(Settings before, Settings after)
    {
        // What DEBUG has set is no directive and stays.
        _keyspace.Encodings = after.Encodings with { ListPlainBytes = _keyspace.Encodings.ListPlainBytes };
        _keyspace.Format = after.Format;
        _keyspace.Notifies = after.NotifyClasses;
        _keyspace.Tracking.MaxKeys = after.TrackingTableMaxKeys;
        Limit(after);
        if (after.Memory.Bytes != before.Memory.Bytes && _keyspace.Budget.IsExceeded)
        {
            _journal.Warning(
                $"WARNING: the new maxmemory value set via CONFIG SET ({after.Memory.Bytes}) is smaller than the "
                + $"current memory usage ({_keyspace.UsedBytes}). This will result in key eviction and/or the "
                + "inability to accept new write commands depending on the maxmemory-policy.");
        }

        return null;
    }

    private void Limit(Settings settings)
    {
        var limits = settings.Memory;
        _keyspace.AccessClock =
            new AccessClock(limits.CountsFrequency, settings.LfuLogFactor, settings.LfuDecayMinutes);
        _keyspace.Budget.Begin(limits, _gates);
    }
}
