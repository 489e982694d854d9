namespace Millrace.Engine;

/// <summary>
/// Faults that a test plants to prove that the history checker finds them. Outside of builds with
/// <c>SCHEDULE_POINTS</c> all are constants of the value false, which leave no code behind.
/// </summary>
/// <remarks>See docs/TESTING.md, "Histories". The environment variable MILLRACE_PLANTED_FAULT names the
/// fault.</remarks>
public static class PlantedFault
{
    /// <summary>A unit forgets to take the highest partition of its set.</summary>
    public static bool LockLeftOut => IsPlanted("lock-left-out");

    /// <summary>The gates are tested before the locks only.</summary>
    public static bool GateTestedOnlyBeforeLock => IsPlanted("gate-before-lock");

    /// <summary>A unit's effects are appended to the log after it has unlocked.</summary>
    public static bool EffectsAfterUnlock => IsPlanted("effects-after-unlock");

    /// <summary>Waiters are served in a unit of their own, after the unit that made their key ready.</summary>
    public static bool WaitersServedAfterUnlock => IsPlanted("waiters-after-unlock");

    /// <summary>EXEC does not hold the partitions of the watched keys, only those of the queued commands.</summary>
    public static bool WatchedNotLocked => IsPlanted("watched-not-locked");

    /// <summary>A client's mail is delivered at the end of the turn, behind the replies, and not before each of
    /// them.</summary>
    public static bool MailAfterReply => IsPlanted("mail-after-reply");

    /// <summary>What is told after a command's unit has ended stands before its reply as well.</summary>
    public static bool MailGatheredLate => IsPlanted("mail-gathered-late");

    /// <summary>Invalidations are posted after the unit has unlocked.</summary>
    public static bool InvalidationsAfterUnlock => IsPlanted("invalidations-after-unlock");

    /// <summary>Under <c>appendfsync always</c> a reply leaves when its write is in the file, not on the disk.
    /// </summary>
    public static bool AcknowledgedBeforeFsync => IsPlanted("acknowledged-before-fsync");

#if SCHEDULE_POINTS
    private static readonly string? Planted = Environment.GetEnvironmentVariable("MILLRACE_PLANTED_FAULT");

    private static bool IsPlanted(string fault) => fault == Planted;
#else
    [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.AggressiveInlining)]
    private static bool IsPlanted(string fault)
    {
        _ = fault;
        return false;
    }
#endif
}
