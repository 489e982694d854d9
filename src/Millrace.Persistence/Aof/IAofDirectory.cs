namespace Millrace.Persistence.Aof;

/// <summary>
/// The directory of the append-only files, as far as a manifest needs it: what a test replaces to let a disk fail.
/// Names are file names without a path. Each method returns null when it has done its work, and otherwise the system's
/// words for what went wrong.
/// </summary>
public interface IAofDirectory
{
    /// <summary>Whether there is a regular file of that name.</summary>
    bool Exists(string name);

    /// <summary>Reads a whole file.</summary>
    /// <param name="name">The file.</param>
    /// <param name="maxBytes">At most so many bytes of it, and one more when there are more.</param>
    /// <param name="content">What it holds.</param>
    string? Read(string name, int maxBytes, out byte[] content);

    /// <summary>Makes a file with that content; one that was there is replaced.</summary>
    string? Write(string name, ReadOnlySpan<byte> content);

    /// <summary>Brings a file's content to the disk (fsync).</summary>
    string? Sync(string name);

    /// <summary>Gives a file another name; one that had that name is gone in the same instant.</summary>
    string? Rename(string from, string to);

    /// <summary>Brings the directory itself to the disk: which names there are and what they stand for.</summary>
    string? SyncDirectory();
}
