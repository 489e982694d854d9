namespace Millrace.Persistence.Files;

/// <summary>
/// The operations on files that persistence needs, so that a test can fail or cut any of them.
/// </summary>
/// <remarks>
/// Each blocks for as long as the disk takes, and returns null when it is done or why it could not be done, in the
/// system's words, without paths. None throws. Thread-safe; the files are used by one thread each.
/// </remarks>
public interface IFileSystem
{
    /// <summary>Makes a file to write to.</summary>
    /// <param name="path">Where.</param>
    /// <param name="kind">What becomes of a file that is there, and who may use the new one.</param>
    /// <param name="file">The empty file; null when it could not be made.</param>
    string? Create(string path, NewFile kind, out IWritableFile? file);

    /// <summary>Opens a file to read from.</summary>
    /// <param name="path">Where.</param>
    /// <param name="file">The file; null when it could not be opened.</param>
    string? Open(string path, out IReadableFile? file);

    /// <summary>Opens a file to append to; without one it is made.</summary>
    /// <param name="path">Where.</param>
    /// <param name="file">The file; null when it could not be opened.</param>
    string? OpenToAppend(string path, out IAppendFile? file);

    /// <summary>Makes a directory; one that is there is no fault.</summary>
    string? CreateDirectory(string path);

    /// <summary>Gives a file another name, in the place of what had it. One step: there is always one of the two.
    /// </summary>
    string? Rename(string from, string to);

    /// <summary>Deletes a file; one that is not there is no fault.</summary>
    string? Delete(string path);

    /// <summary>Waits until the names in a directory are on the disk.</summary>
    string? SyncDirectory(string path);
}

/// <summary>How a file is made.</summary>
/// <param name="Replaces">Whether a file that is there is emptied; otherwise it is a fault.</param>
/// <param name="Mode">Who may use it, whatever the umask says; null: what the system does.</param>
public readonly record struct NewFile(bool Replaces, UnixFileMode? Mode = null);

/// <summary>A file that is written from its beginning. To dispose of it closes it.</summary>
public interface IWritableFile : IDisposable
{
    /// <summary>Appends bytes: all of them, or why not.</summary>
    string? Write(ReadOnlySpan<byte> bytes);

    /// <summary>Waits until everything that was written is on the disk.</summary>
    string? Sync();

    /// <summary>Closes the file. Nothing else may follow but to dispose of it.</summary>
    string? Close();
}

/// <summary>A file that grows at its end, and can be cut there. To dispose of it closes it.</summary>
/// <remarks>One thread writes; <see cref="Sync"/> may run on another one at the same time.</remarks>
public interface IAppendFile : IDisposable
{
    /// <summary>How long it was when it was opened, in bytes.</summary>
    long Length { get; }

    /// <summary>Writes bytes: all of them, or why not; then some of them may be in the file.</summary>
    /// <param name="offset">Where, in bytes.</param>
    /// <param name="bytes">The bytes.</param>
    string? Write(long offset, ReadOnlySpan<byte> bytes);

    /// <summary>Cuts the file behind so many bytes.</summary>
    string? Truncate(long length);

    /// <summary>Waits until everything that was written before the call is on the disk.</summary>
    string? Sync();
}

/// <summary>A file that is read at any place. To dispose of it closes it.</summary>
public interface IReadableFile : IDisposable
{
    /// <summary>How long it was when it was opened, in bytes.</summary>
    long Length { get; }

    /// <summary>Reads some bytes, at least one unless the file ends there.</summary>
    /// <param name="offset">From where, in bytes.</param>
    /// <param name="to">Room for them.</param>
    /// <param name="bytes">How many were read; 0 at the end.</param>
    string? Read(long offset, Span<byte> to, out int bytes);
}
