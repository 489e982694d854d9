using Millrace.Engine;
using Millrace.Server.Config;

namespace Millrace.Server;

/// <summary>Hands settings of data to the keyspace when they change.</summary>
public sealed class DataSettings(Keyspace keyspace) : ISettingsListener
{
    /// <inheritdoc/>
    public SettingsFault? Apply(Settings before, Settings after)
    {
        // What DEBUG has set is no directive and stays.
        keyspace.Encodings = after.Encodings with { ListPlainBytes = keyspace.Encodings.ListPlainBytes };
        keyspace.Format = after.Format;
        return null;
    }
}
