namespace Millrace.Engine;

/// <summary>
/// Faults that a test build plants to prove that the history checker finds them. All are false in every other build.
/// </summary>
/// <remarks>See docs/TESTING.md, "Histories". A constant that is false leaves no code behind.</remarks>
public static class PlantedFault
{
    /// <summary>A unit forgets to take the highest partition of its set.</summary>
    public static bool LockLeftOut =>
#if FAULT_LOCK_LEFT_OUT
        true;
#else
        false;
#endif

    /// <summary>The gates are tested before the locks only.</summary>
    public static bool GateTestedOnlyBeforeLock =>
#if FAULT_GATE_BEFORE_LOCK
        true;
#else
        false;
#endif

    /// <summary>A unit's effects are appended to the log after it has unlocked.</summary>
    public static bool EffectsAfterUnlock =>
#if FAULT_EFFECTS_AFTER_UNLOCK
        true;
#else
        false;
#endif
}
