// Replaces a small file so that whoever reads it, now or after a power failure, finds the old content or the new one.
//
//   write a new file beside it -> fsync -> its mode -> rename over the old one -> fsync of the directory
//
// The mode of the old file stays; a file that was not there is for its owner alone, because it may hold a password. A
// symbolic link stays one, and the file that it names is replaced. Blocks for as long as the disk takes.

using System.ComponentModel;

namespace Millrace.Server.Config;

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
        string? temporary = null;
        try
        {
            string target = File.Exists(path)
                ? File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path
                : path;
            if (Directory.Exists(target)) return "Is a directory";
            string name = $"{target}.{Guid.NewGuid().ToString("N")[..NameLetters]}";
            using (FileStream file = Create(name, target))
            {
                temporary = name;
                file.Write(content);
                file.Flush(flushToDisk: true);
            }

            File.Move(name, target, overwrite: true);
            temporary = null;
            return DirectorySync.Run(Path.GetDirectoryName(target) is { Length: > 0 } directory ? directory : ".");
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or ArgumentException
            or NotSupportedException)
        {
            return Describe(fault);
        }
        finally
        {
            if (temporary is not null) Remove(temporary);
        }
    }

    /// <summary>A failure of a file operation in the system's words, without paths.</summary>
    /// <param name="fault">What was thrown.</param>
    internal static string Describe(Exception fault) => fault switch
    {
        FileNotFoundException or DirectoryNotFoundException => "No such file or directory",
        PathTooLongException => "File name too long",
        UnauthorizedAccessException { InnerException: IOException inner } => Describe(inner),
        UnauthorizedAccessException => "Permission denied",
        IOException { HResult: > 0 } => new Win32Exception(fault.HResult).Message,
        _ => fault.Message,
    };

    private static FileStream Create(string name, string old)
    {
        UnixFileMode mode = OwnerOnly;
        if (!OperatingSystem.IsWindows() && File.Exists(old)) mode = File.GetUnixFileMode(old);
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            Share = FileShare.None,
            BufferSize = 0,
        };
        if (OperatingSystem.IsWindows()) return new FileStream(name, options);
        options.UnixCreateMode = OwnerOnly;
        var file = new FileStream(name, options);
        try
        {
            // Not at its creation, where the umask would cut it.
            File.SetUnixFileMode(file.SafeFileHandle, mode);
            return file;
        }
        catch
        {
            file.Dispose();
            Remove(name);
            throw;
        }
    }

    private static void Remove(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            // It stays behind; nothing reads it.
            return;
        }
    }
}
