namespace Millrace.Server.Tracking;

/// <summary>How a client wants to hear of keys that it keeps copies of (CLIENT TRACKING).</summary>
[Flags]
public enum TrackingModes
{
    /// <summary>Of each key that it has read.</summary>
    None = 0,

    /// <summary>Of each key with one of its prefixes, read or not.</summary>
    Broadcast = 1,

    /// <summary>Only of keys read right after CLIENT CACHING YES.</summary>
    OptIn = 2,

    /// <summary>Not of keys read right after CLIENT CACHING NO.</summary>
    OptOut = 4,

    /// <summary>Not of what it changes itself.</summary>
    NoLoop = 8,
}

/// <summary>
/// What one client tracks and where its invalidations go. Belongs to the client's loop.
/// </summary>
/// <remarks>
/// The client is known to <see cref="Engine.TrackedKeys"/> by <see cref="Word"/>: its number and its loop's. What was
/// tracked before tracking was switched off and on again counts again, as in Redis.
/// </remarks>
internal sealed class ClientTracking
{
    private const int LoopBits = 8;

    /// <summary>The tracking of a client on a loop.</summary>
    public ClientTracking(long clientId, int loop) => Word = WordOf(clientId, loop);

    /// <summary>What the client is known by where keys are tracked; never 0.</summary>
    public ulong Word { get; }

    /// <summary>Whether it is on.</summary>
    public bool IsOn { get; private set; }

    /// <summary>How.</summary>
    public TrackingModes Modes { get; private set; }

    /// <summary>Whether CLIENT CACHING was said for the next command.</summary>
    public bool IsCachingSaid { get; set; }

    /// <summary>The client that gets the invalidations; 0: this one.</summary>
    public long RedirectId { get; private set; }

    /// <summary>That client's loop.</summary>
    public int RedirectLoop { get; private set; }

    /// <summary>Whether that client is gone.</summary>
    public bool IsRedirectBroken { get; set; }

    /// <summary>Whether it hears of prefixes.</summary>
    public bool IsBroadcast => Has(TrackingModes.Broadcast);

    /// <summary>Whether what the client reads now is tracked.</summary>
    public bool TracksReads => IsOn && !IsBroadcast
        && (!Has(TrackingModes.OptIn) || IsCachingSaid) && !(Has(TrackingModes.OptOut) && IsCachingSaid);

    /// <summary>The number of the client that a word stands for.</summary>
    public static long IdOf(ulong word) => (long)(word >> LoopBits);

    /// <summary>The loop of the client that a word stands for.</summary>
    public static int LoopOf(ulong word) => (int)(word & ((1 << LoopBits) - 1));

    /// <summary>Whether it has a mode.</summary>
    public bool Has(TrackingModes mode) => (Modes & mode) != 0;

    /// <summary>Switches it on, or changes it.</summary>
    public void Begin(TrackingModes modes, long redirectId, int redirectLoop)
    {
        IsOn = true;
        Modes = modes;
        RedirectId = redirectId;
        RedirectLoop = redirectLoop;
        IsRedirectBroken = false;
    }

    /// <summary>Switches it off.</summary>
    public void End()
    {
        IsOn = IsCachingSaid = IsRedirectBroken = false;
        Modes = TrackingModes.None;
    }

    private static ulong WordOf(long clientId, int loop) => ((ulong)clientId << LoopBits) | (uint)loop;
}
