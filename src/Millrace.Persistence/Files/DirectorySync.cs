// The names in a directory reach the disk when the directory itself is synchronized, which .NET does not offer. On
// systems other than Linux and macOS there is nothing to do.

using System.ComponentModel;
using System.Runtime.InteropServices;

namespace Millrace.Persistence.Files;

/// <summary>fsync of a directory.</summary>
internal static class DirectorySync
{
    private const string Library = "libc";
    private const int CloseOnExecLinux = 0x80000;
    private const int CloseOnExecMac = 0x1000000;

    /// <summary>Waits until the names in a directory are on the disk; says why they are not, or null.</summary>
    /// <param name="path">The directory.</param>
    internal static string? Run(string path)
    {
        if (OperatingSystem.IsWindows()) return null;
        int descriptor = Open(path, OperatingSystem.IsMacOS() ? CloseOnExecMac : CloseOnExecLinux);
        if (descriptor < 0) return LastError();
        string? fault = Sync(descriptor) < 0 ? LastError() : null;
        _ = Close(descriptor);
        return fault;
    }

    private static string LastError() => new Win32Exception().Message;

    [DllImport(Library, EntryPoint = "open", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Open([MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags);

    [DllImport(Library, EntryPoint = "fsync", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Sync(int descriptor);

    [DllImport(Library, EntryPoint = "close", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Close(int descriptor);
}
