using Millrace.Engine;

namespace Millrace.Persistence.Rdb;

/// <summary>What an RDB file says of how keys were used.</summary>
public enum UseKind
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>For how long each was not used.</summary>
    Idle,

    /// <summary>How often each was used.</summary>
    Frequency,
}

/// <summary>
/// What is written of how keys were used, and by which clock. As in Redis it is what the policy asks for under which
/// keys are evicted, and nothing under the others.
/// </summary>
/// <param name="Kind">What is written.</param>
/// <param name="Clock">The clock of the keyspace; null when nothing is written.</param>
public readonly record struct UseRecord(UseKind Kind, AccessClock? Clock)
{
    /// <summary>What the policy of a keyspace asks for.</summary>
    public static UseRecord For(Keyspace keyspace)
    {
        ArgumentNullException.ThrowIfNull(keyspace);
        var limits = keyspace.Budget.Limits;
        var clock = keyspace.AccessClock;
        if (limits.CountsFrequency && clock.CountsFrequency) return new UseRecord(UseKind.Frequency, clock);
        var isOfIdle = limits.Policy is EvictionPolicy.AllKeysLru or EvictionPolicy.VolatileLru;
        return isOfIdle && !clock.CountsFrequency ? new UseRecord(UseKind.Idle, clock) : default;
    }
}
