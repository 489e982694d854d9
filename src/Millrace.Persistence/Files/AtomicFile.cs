// Replaces a small file so that whoever reads it, now or after a power failure, finds the old content or the new one
// (ReplacementFile).
//
// The mode of the old file stays; a file that was not there is for its owner alone, because it may hold a password. A
// symbolic link stays one, and the file that it names is replaced. Blocks for as long as the disk takes.

namespace Millrace.Persistence.Files;

/// <summary>Replaces files in one step.</summary>
public static class AtomicFile
{
    private const int NameLetters = 6;
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Replaces the content of a file, or makes it.</summary>
    /// <param name="path">The file.</param>
    /// <param name="content">The new content; not kept.</param>
    /// <returns>Why it could not, in the system's words; then the file is as it was.</returns>
    public static string? Replace(string path, ReadOnlySpan<byte> content)
    {
        if (Look(path, out var target, out var mode) is { } reason) return reason;
        var name = $"{target}.{Guid.NewGuid().ToString("N")[..NameLetters]}";
        var kind = new NewFile(Replaces: false, mode);
        var fault = ReplacementFile.Begin(new DiskFileSystem(), name, kind, out var file);
        if (file is null) return fault.Reason;
        using (file)
        {
            fault = file.Write(content);
            if (fault.IsNone) fault = file.Commit(target);
            return fault.IsNone ? null : fault.Reason;
        }
    }

    private static string? Look(string path, out string target, out UnixFileMode mode)
    {
        target = path;
        mode = OwnerOnly;
        try
        {
            var isThere = File.Exists(path);
            if (isThere) target = File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path;
            if (Directory.Exists(target)) return "Is a directory";
            if (!OperatingSystem.IsWindows() && isThere) mode = File.GetUnixFileMode(target);
            return null;
        }
        catch (Exception fault) when (DiskReason.IsOne(fault))
        {
            return DiskReason.Of(fault);
        }
    }
}
