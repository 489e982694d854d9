namespace Millrace.Engine;

/// <summary>
/// The 24 bits that tell how recently (LRU) or how often (LFU) an entry was used.
/// </summary>
/// <remarks>
/// LRU: seconds since the epoch, modulo 2^24 (194 days).
/// LFU: 16 bits of minutes of the last decay and an 8-bit logarithmic counter that starts at 5.
/// The numbers are those that <c>OBJECT IDLETIME</c> and <c>OBJECT FREQ</c> speak of; see the Redis documentation,
/// "Key eviction", "LFU eviction".
/// </remarks>
public sealed class AccessClock
{
    /// <summary>The counter of a fresh entry under LFU.</summary>
    public const int InitialFrequency = 5;

    private const int Bits = 24;
    private const uint Mask = (1u << Bits) - 1;

    private readonly bool _countsFrequency;
    private readonly int _logFactor;
    private readonly int _decayMinutes;

    /// <summary>A clock for recency, or for frequency when <paramref name="countsFrequency"/> is set.</summary>
    /// <param name="countsFrequency">Whether an LFU policy is selected.</param>
    /// <param name="logFactor"><c>lfu-log-factor</c>: how many hits saturate the counter.</param>
    /// <param name="decayMinutes"><c>lfu-decay-time</c>: minutes for the counter to lose one; 0 never decays.</param>
    public AccessClock(bool countsFrequency = false, int logFactor = 10, int decayMinutes = 1)
    {
        _countsFrequency = countsFrequency;
        _logFactor = logFactor;
        _decayMinutes = decayMinutes;
    }

    /// <summary>Whether entries carry a frequency instead of a time.</summary>
    public bool CountsFrequency => _countsFrequency;

    /// <summary>The clock of an entry made now.</summary>
    public uint Initial(long unixMs) =>
        _countsFrequency ? (Minutes(unixMs) << 8) | InitialFrequency : Seconds(unixMs);

    /// <summary>The clock of an entry last used so many seconds ago; more than the clock can tell count as half its
    /// span. For LRU.</summary>
    public static uint Idle(long seconds, long unixMs) =>
        (Seconds(unixMs) - (uint)Math.Min(seconds, Mask / 2)) & Mask;

    /// <summary>The clock of an entry with a counter from 0 to 255. For LFU.</summary>
    public static uint Used(int frequency, long unixMs) => (Minutes(unixMs) << 8) | (uint)frequency;

    /// <summary>The clock of an entry used now. <paramref name="random"/> decides the logarithmic increment.</summary>
    public uint Touched(uint clock, long unixMs, uint random)
    {
        if (!_countsFrequency) return Seconds(unixMs);
        var counter = Frequency(clock, unixMs);
        return (Minutes(unixMs) << 8) | (uint)Incremented(counter, random);
    }

    /// <summary>Milliseconds since the last use, for <c>OBJECT IDLETIME</c>. Meaningful under LRU.</summary>
    public static long IdleMs(uint clock, long unixMs) => ((Seconds(unixMs) - clock) & Mask) * 1000L;

    /// <summary>The decayed counter, for <c>OBJECT FREQ</c>. Meaningful under LFU.</summary>
    public int Frequency(uint clock, long unixMs)
    {
        var counter = (int)(clock & 0xFF);
        if (_decayMinutes == 0) return counter;
        var elapsed = (Minutes(unixMs) - (clock >> 8)) & 0xFFFF;
        return (int)Math.Max(0, counter - (elapsed / (uint)_decayMinutes));
    }

    private static uint Seconds(long unixMs) => (uint)(unixMs / 1000) & Mask;

    private static uint Minutes(long unixMs) => (uint)(unixMs / 60_000) & 0xFFFF;

    private int Incremented(int counter, uint random)
    {
        if (counter == 255) return counter;
        var above = Math.Max(0, counter - InitialFrequency);
        var probability = 1.0 / (((double)above * _logFactor) + 1);
        return random < probability * uint.MaxValue ? counter + 1 : counter;
    }
}
