// CPU time as the kernel keeps it, in nanoseconds: of a whole process (threads that have ended included) and of the
// calling thread. /proc/PID/stat has the same sums in ticks of 10 ms, and its schedstat is the first thread's alone.

using System.ComponentModel;
using System.Runtime.InteropServices;

namespace Millrace.Bench;

/// <summary>Clocks of CPU time, and the place where the calling thread runs. Linux.</summary>
internal static class CpuClocks
{
    private const int ThreadClock = 3; // CLOCK_THREAD_CPUTIME_ID
    private const int ProcessClockBits = 2; // as clock_getcpuclockid(3) makes an id: ~pid, 3 bits, CPUCLOCK_SCHED

    /// <summary>User and system time of a process so far, in nanoseconds.</summary>
    public static long OfProcess(int processId) => Read((~processId << 3) | ProcessClockBits);

    /// <summary>User and system time of the calling thread so far, in nanoseconds.</summary>
    public static long OfThisThread() => Read(ThreadClock);

    /// <summary>Keeps the calling thread on one core, where the system has it.</summary>
    public static void PinThisThread(int core)
    {
        var mask = new ulong[16];
        mask[core / 64] = 1UL << (core % 64);
        _ = SetAffinity(0, mask.Length * sizeof(ulong), mask);
    }

    private static long Read(int clock)
    {
        if (GetTime(clock, out var time) != 0) throw new Win32Exception(Marshal.GetLastPInvokeError());
        return ((long)time.Seconds * 1_000_000_000) + (long)time.Nanoseconds;
    }

    [DllImport("libc", EntryPoint = "clock_gettime", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int GetTime(int clock, out TimeSpec time);

    [DllImport("libc", EntryPoint = "sched_setaffinity")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int SetAffinity(int threadId, nint sizeBytes, ulong[] mask);

    [StructLayout(LayoutKind.Sequential)]
    private struct TimeSpec
    {
        public nint Seconds;
        public nint Nanoseconds;
    }
}
