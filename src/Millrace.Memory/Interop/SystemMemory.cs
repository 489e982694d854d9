using System.Runtime.InteropServices;

namespace Millrace.Memory.Interop;

/// <summary>
/// Address space from the operating system: reserve, commit, give back. Linux, macOS and Windows behind one face.
/// </summary>
/// <remarks>
/// On Unix a reservation can be used at once and takes memory only where it is touched (<c>MAP_NORESERVE</c>), so
/// <see cref="Commit"/> does nothing. On Windows pages must be committed before use. Reserved memory reads as zero
/// when it is first used, and again after <see cref="Discard"/> on Linux and Windows; nobody relies on that.
/// </remarks>
internal static unsafe class SystemMemory
{
    private const int ProtectReadWrite = 0x1 | 0x2;
    private const int MapPrivate = 0x2;
    private const int LinuxMapAnonymousNoReserve = 0x20 | 0x4000;
    private const int MacMapAnonymousNoReserve = 0x1000 | 0x40;
    private const int LinuxAdviseDontNeed = 4;
    private const int LinuxAdviseHugePage = 14;
    private const int LinuxAdviseNoHugePage = 15;
    private const int LinuxAdvisePopulateWrite = 23;
    private const int InvalidArgument = 22;
    private const int MacAdviseFree = 5;
    private const uint WindowsCommit = 0x1000;
    private const uint WindowsReserve = 0x2000;
    private const uint WindowsDecommit = 0x4000;
    private const uint WindowsRelease = 0x8000;
    private const uint WindowsReadWrite = 0x04;
    private const int SmallPageBytes = 4096;

    /// <summary>Reserves address space, or returns null when the system refuses.</summary>
    internal static byte* TryReserve(nuint sizeBytes)
    {
        // SAFETY: asks the system for a fresh mapping at an address of its choice; nothing of ours is replaced by it.
        if (OperatingSystem.IsWindows())
            return (byte*)VirtualAlloc(null, sizeBytes, WindowsReserve, WindowsReadWrite);
        var flags = MapPrivate | (OperatingSystem.IsMacOS() ? MacMapAnonymousNoReserve : LinuxMapAnonymousNoReserve);
        var address = Map(null, sizeBytes, ProtectReadWrite, flags, -1, 0);
        return (nint)address == -1 ? null : (byte*)address;
    }

    /// <summary>Makes reserved pages usable. Requires: the range lies in one reservation.</summary>
    internal static void Commit(byte* address, nuint sizeBytes)
    {
        if (!OperatingSystem.IsWindows()) return;
        // SAFETY: the caller owns the reservation; committing committed pages again is allowed and keeps their content.
        if (VirtualAlloc(address, sizeBytes, WindowsCommit, WindowsReadWrite) is null)
            throw new InsufficientMemoryException("The system refused to commit memory.");
    }

    /// <summary>
    /// Gives the memory behind pages back, keeping the addresses. Requires: nothing in the range is in use.
    /// </summary>
    internal static void Discard(byte* address, nuint sizeBytes)
    {
        // SAFETY: the caller owns the range and has no live block in it; the addresses stay reserved. A refusal only
        // means that the memory stays resident, so results are not looked at.
        if (OperatingSystem.IsWindows()) _ = VirtualFree(address, sizeBytes, WindowsDecommit);
        else _ = Advise(address, sizeBytes, OperatingSystem.IsMacOS() ? MacAdviseFree : LinuxAdviseDontNeed);
    }

    /// <summary>
    /// Asks for huge pages where the range has no memory yet, or for small ones. Requires: the range lies in one
    /// reservation. False when the system has no huge pages or refuses.
    /// </summary>
    internal static bool TryAdviseHuge(byte* address, nuint sizeBytes, bool huge)
    {
        if (!OperatingSystem.IsLinux()) return false;
        // SAFETY: advice about a range of our own reservation changes nothing that can be read there.
        return Advise(address, sizeBytes, huge ? LinuxAdviseHugePage : LinuxAdviseNoHugePage) == 0;
    }

    /// <summary>
    /// Gives every page of a range its memory now, so that the first who writes there does not wait for it. Keeps what
    /// is there. Requires: the range is committed, and nobody else uses it.
    /// </summary>
    /// <returns>False when the system says that it has no memory; it may still have given some.</returns>
    internal static bool TryPopulate(byte* address, nuint sizeBytes)
    {
        if (OperatingSystem.IsLinux())
        {
            // SAFETY: populating only makes pages of our own reservation resident.
            if (Advise(address, sizeBytes, LinuxAdvisePopulateWrite) == 0) return true;
            if (Marshal.GetLastPInvokeError() != InvalidArgument) return false; // before Linux 5.14
        }

        // SAFETY: the caller owns the range, so a byte that is read and written back is not changed by anybody else.
        for (nuint at = 0; at < sizeBytes; at += SmallPageBytes)
            Volatile.Write(ref address[at], Volatile.Read(ref address[at]));
        return true;
    }

    /// <summary>Ends a reservation. Requires: nothing points into it any more.</summary>
    internal static void Release(byte* address, nuint sizeBytes)
    {
        // SAFETY: the caller passes exactly what TryReserve returned, once.
        if (OperatingSystem.IsWindows()) _ = VirtualFree(address, 0, WindowsRelease);
        else _ = Unmap(address, sizeBytes);
    }

    [DllImport("libc", EntryPoint = "mmap")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern void* Map(
        void* address, nuint length, int protection, int flags, int descriptor, nint offset);

    [DllImport("libc", EntryPoint = "munmap")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Unmap(void* address, nuint length);

    [DllImport("libc", EntryPoint = "madvise", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Advise(void* address, nuint length, int advice);

    [DllImport("kernel32", EntryPoint = "VirtualAlloc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static extern void* VirtualAlloc(void* address, nuint size, uint type, uint protection);

    [DllImport("kernel32", EntryPoint = "VirtualFree")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static extern int VirtualFree(void* address, nuint size, uint type);
}
