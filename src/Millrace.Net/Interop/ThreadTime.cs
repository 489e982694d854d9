// The CPU time of the current thread, from the system.
//
// Linux only, where one call costs about a quarter of a microsecond (CLOCK_THREAD_CPUTIME_ID, clock_gettime(2)).
// Elsewhere the time that has passed stands in for it, which is never less.

using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Millrace.Net;

internal static class ThreadTime
{
    private const int ThreadCpuClock = 3;
    private const long NanosecondsPerSecond = 1_000_000_000;

    /// <summary>Nanoseconds that the current thread has run so far; the origin is arbitrary, but fixed for the
    /// thread.</summary>
    public static long Nanoseconds
    {
        get
        {
            bool isCpu = OperatingSystem.IsLinux() && Environment.Is64BitProcess;
            if (isCpu && clock_gettime(ThreadCpuClock, out TimeSpecification time) == 0)
                return (time.Seconds * NanosecondsPerSecond) + time.Nanoseconds;
            return Stopwatch.GetElapsedTime(0).Ticks * TimeSpan.NanosecondsPerTick;
        }
    }

#pragma warning disable IDE1006, SYSLIB1054 // The system's own name; blittable arguments need no generated code.
    [DllImport("libc")]
    private static extern int clock_gettime(int clock, out TimeSpecification time);
#pragma warning restore IDE1006, SYSLIB1054

    /// <summary>struct timespec of 64-bit Linux.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct TimeSpecification
    {
        public long Seconds;
        public long Nanoseconds;
    }
}
