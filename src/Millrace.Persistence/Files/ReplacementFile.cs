namespace Millrace.Persistence.Files;

/// <summary>
/// A file that takes the place of another when all of it is on the disk: whoever reads that name, now or after a power
/// failure, finds the old content or the new one.
/// </summary>
/// <remarks>
/// <code>
///   Begin -> Write ... -> Commit: fsync, close, rename over the old one, fsync of the directory
///                |           |
///                +-----------+-> Dispose: removed, unless it has its name
/// </code>
/// Until it is renamed the old file is untouched. A fault of the last step alone comes when the new file has its name
/// already: it may have either content after a power failure. Used by one thread; blocks for as long as the disk takes.
/// </remarks>
public sealed class ReplacementFile : IByteTarget, IDisposable
{
    private readonly IFileSystem _files;
    private readonly IWritableFile _file;
    private readonly string _path;
    private bool _isNamed;

    private ReplacementFile(IFileSystem files, IWritableFile file, string path)
    {
        _files = files;
        _file = file;
        _path = path;
    }

    /// <summary>Makes the file, empty, under a name of its own.</summary>
    /// <param name="files">The file system.</param>
    /// <param name="path">The name until it takes the other's place; in the same directory.</param>
    /// <param name="kind">How it is made.</param>
    /// <param name="file">The file; null when it could not be made.</param>
    public static DiskFault Begin(IFileSystem files, string path, NewFile kind, out ReplacementFile? file)
    {
        ArgumentNullException.ThrowIfNull(files);
        var reason = files.Create(path, kind, out var made);
        file = made is null ? null : new ReplacementFile(files, made, path);
        return DiskFault.Of(DiskStep.Create, reason);
    }

    /// <inheritdoc/>
    public DiskFault Write(ReadOnlySpan<byte> bytes) => DiskFault.Of(DiskStep.Write, _file.Write(bytes));

    /// <summary>Has it take the place of another. Once, after everything was written.</summary>
    /// <param name="target">The name that it gets.</param>
    public DiskFault Commit(string target)
    {
        var fault = DiskFault.Of(DiskStep.Sync, _file.Sync());
        if (fault.IsNone) fault = DiskFault.Of(DiskStep.Close, _file.Close());
        if (fault.IsNone) fault = DiskFault.Of(DiskStep.Rename, _files.Rename(_path, target));
        if (!fault.IsNone) return fault;
        _isNamed = true;
        var directory = Path.GetDirectoryName(target) is { Length: > 0 } name ? name : ".";
        return DiskFault.Of(DiskStep.SyncDirectory, _files.SyncDirectory(directory));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _file.Dispose();
        if (_isNamed) return;
        _isNamed = true;
        _ = _files.Delete(_path); // when that fails it stays behind; nothing reads it
    }
}
