using Microsoft.Win32.SafeHandles;

namespace Millrace.Persistence.Files;

/// <summary>
/// The file system of the machine: plain system calls (pwrite, pread, fsync, rename), each waited for.
/// </summary>
public sealed class DiskFileSystem : IFileSystem
{
    /// <inheritdoc/>
    public string? Create(string path, NewFile kind, out IWritableFile? file)
    {
        file = null;
        try
        {
            file = new WritableFile(Make(path, kind));
            return null;
        }
        catch (Exception fault) when (DiskReason.IsOne(fault))
        {
            return DiskReason.Of(fault);
        }
    }

    /// <inheritdoc/>
    public string? Open(string path, out IReadableFile? file)
    {
        file = null;
        try
        {
            if (Directory.Exists(path)) return DiskReason.IsDirectory;
            file = new ReadableFile(new FileStream(path, new FileStreamOptions
            {
                Access = FileAccess.Read,
                Share = FileShare.ReadWrite | FileShare.Delete,
                BufferSize = 0,
                Options = FileOptions.SequentialScan,
            }));
            return null;
        }
        catch (Exception fault) when (DiskReason.IsOne(fault))
        {
            return DiskReason.Of(fault);
        }
    }

    /// <inheritdoc/>
    public string? OpenToAppend(string path, out IAppendFile? file)
    {
        file = null;
        try
        {
            if (Directory.Exists(path)) return DiskReason.IsDirectory;
            var handle = File.OpenHandle(
                path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete);
            file = new AppendFile(handle, RandomAccess.GetLength(handle));
            return null;
        }
        catch (Exception fault) when (DiskReason.IsOne(fault))
        {
            return DiskReason.Of(fault);
        }
    }

    /// <inheritdoc/>
    public string? CreateDirectory(string path) => DiskReason.Try(path, static one =>
    {
        if (File.Exists(one)) throw new IOException("Not a directory");
        Directory.CreateDirectory(one);
    });

    /// <inheritdoc/>
    public string? Rename(string from, string to)
    {
        try
        {
            File.Move(from, to, overwrite: true);
            return null;
        }
        catch (Exception fault) when (DiskReason.IsOne(fault))
        {
            return DiskReason.Of(fault);
        }
    }

    /// <inheritdoc/>
    public string? Delete(string path)
    {
        try
        {
            File.Delete(path);
            return null;
        }
        catch (Exception fault) when (DiskReason.IsOne(fault))
        {
            return fault is DirectoryNotFoundException ? null : DiskReason.Of(fault);
        }
    }

    /// <inheritdoc/>
    public string? SyncDirectory(string path) => DirectorySync.Run(path);

    private static FileStream Make(string path, NewFile kind)
    {
        var options = new FileStreamOptions
        {
            Mode = kind.Replaces ? FileMode.Create : FileMode.CreateNew,
            Access = FileAccess.Write,
            Share = FileShare.ReadWrite | FileShare.Delete,
            BufferSize = 0,
        };
        if (OperatingSystem.IsWindows() || kind.Mode is not { } mode) return new FileStream(path, options);
        options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        var file = new FileStream(path, options);
        try
        {
            // Not at its creation, where the umask would cut it.
            File.SetUnixFileMode(file.SafeFileHandle, mode);
            return file;
        }
        catch
        {
            file.Dispose();
            File.Delete(path);
            throw;
        }
    }

    private sealed class WritableFile(FileStream file) : IWritableFile
    {
        public string? Write(ReadOnlySpan<byte> bytes)
        {
            try
            {
                file.Write(bytes);
                return null;
            }
            catch (Exception fault) when (DiskReason.IsOne(fault))
            {
                return DiskReason.Of(fault);
            }
        }

        public string? Sync()
        {
            try
            {
                file.Flush(flushToDisk: true);
                return null;
            }
            catch (Exception fault) when (DiskReason.IsOne(fault))
            {
                return DiskReason.Of(fault);
            }
        }

        public string? Close()
        {
            try
            {
                file.Dispose();
                return null;
            }
            catch (Exception fault) when (DiskReason.IsOne(fault))
            {
                return DiskReason.Of(fault);
            }
        }

        public void Dispose() => _ = Close();
    }

    private sealed class AppendFile(SafeFileHandle handle, long length) : IAppendFile
    {
        public long Length => length;

        public string? Write(long offset, ReadOnlySpan<byte> bytes)
        {
            try
            {
                RandomAccess.Write(handle, bytes, offset);
                return null;
            }
            catch (Exception fault) when (DiskReason.IsOne(fault))
            {
                return DiskReason.Of(fault);
            }
        }

        public string? Truncate(long to) =>
            DiskReason.Try((handle, to), static one => RandomAccess.SetLength(one.handle, one.to));

        public string? Sync() => DiskReason.Try(handle, RandomAccess.FlushToDisk);

        public void Dispose() => handle.Dispose();
    }

    private sealed class ReadableFile(FileStream file) : IReadableFile
    {
        public long Length { get; } = file.Length;

        public string? Read(long offset, Span<byte> to, out int bytes)
        {
            bytes = 0;
            try
            {
                bytes = RandomAccess.Read(file.SafeFileHandle, to, offset);
                return null;
            }
            catch (Exception fault) when (DiskReason.IsOne(fault))
            {
                return DiskReason.Of(fault);
            }
        }

        public void Dispose() => file.Dispose();
    }
}
