// The few system calls that the process needs and .NET does not offer. They take and return integers only; on systems
// without them nothing here is called.

using System.Runtime.InteropServices;

namespace Millrace.Host;

/// <summary>System calls of the process.</summary>
internal static class PosixCalls
{
    private const string Library = "libc";
    private const int SigStopLinux = 19;
    private const int SigStopMac = 17;

    /// <summary>Stops this process until somebody continues it.</summary>
    internal static void StopThisProcess()
    {
        if (OperatingSystem.IsWindows()) return;
        _ = Kill(Environment.ProcessId, OperatingSystem.IsMacOS() ? SigStopMac : SigStopLinux);
    }

    /// <summary>Leaves the session of the terminal.</summary>
    internal static void StartSession()
    {
        if (!OperatingSystem.IsWindows()) _ = SetSid();
    }

    /// <summary>Makes a descriptor another name of an open file.</summary>
    /// <param name="from">The descriptor of the open file.</param>
    /// <param name="to">The descriptor that names it too.</param>
    internal static void Duplicate(int from, int to)
    {
        if (!OperatingSystem.IsWindows()) _ = Dup2(from, to);
    }

    [DllImport(Library, EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Kill(int processId, int signal);

    [DllImport(Library, EntryPoint = "setsid")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int SetSid();

    [DllImport(Library, EntryPoint = "dup2")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Dup2(int from, int to);
}
