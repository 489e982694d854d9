using System.Diagnostics;

namespace Millrace.Engine;

/// <summary>
/// The places where a test build lets a seeded scheduler choose which loop goes on: each lock, unlock and mailbox post.
/// </summary>
/// <remarks>
/// Only builds with <c>SCHEDULE_POINTS</c> contain the calls (see docs/TESTING.md, "Histories"). There the scheduler is
/// found through the thread, so that a test may run several schedules side by side.
/// </remarks>
public static class SchedulePoint
{
#if SCHEDULE_POINTS
    [ThreadStatic]
    private static ISchedule? current;

    /// <summary>Makes <paramref name="schedule"/> the one that this thread yields to; null ends it.</summary>
    public static void Attach(ISchedule? schedule) => current = schedule;
#endif

    /// <summary>Lets another participant run, if the scheduler says so.</summary>
    [Conditional("SCHEDULE_POINTS")]
    public static void Yield()
    {
#if SCHEDULE_POINTS
        current?.Yield();
#endif
    }
}

/// <summary>Decides at each schedule point who goes on. Implemented by tests.</summary>
public interface ISchedule
{
    /// <summary>Returns when the calling participant may go on.</summary>
    void Yield();
}
