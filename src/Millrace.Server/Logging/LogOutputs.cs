// Where log lines go: standard output, a file, or nowhere.

namespace Millrace.Server.Logging;

/// <summary>A place that log lines are appended to. Called by one thread at a time.</summary>
public interface ILogOutput
{
    /// <summary>Appends whole lines; drops them when that is impossible.</summary>
    /// <param name="lines">UTF-8 text that ends with a line feed; valid during the call.</param>
    void Write(ReadOnlySpan<byte> lines);
}

/// <summary>Standard output, or another stream.</summary>
/// <param name="stream">Kept open, not owned.</param>
public sealed class StreamLogOutput(Stream stream) : ILogOutput
{
    /// <inheritdoc/>
    public void Write(ReadOnlySpan<byte> lines)
    {
        try
        {
            stream.Write(lines);
            stream.Flush();
        }
        catch (Exception fault) when (fault is IOException or ObjectDisposedException)
        {
            // Whoever read our output has gone; the server goes on without a log.
            return;
        }
    }
}

/// <summary>A file that is opened for each write, so that it may be rotated away at any time.</summary>
public sealed class FileLogOutput : ILogOutput
{
    private readonly string _path;

    /// <summary>A log file.</summary>
    /// <param name="path">The file; a relative path starts at the working directory.</param>
    public FileLogOutput(string path) => _path = path;

    /// <summary>Tries whether the file can be written to; says why it cannot, or null.</summary>
    public string? WhyNotWritable()
    {
        try
        {
            using FileStream file = Open();
            return null;
        }
        catch (Exception fault) when (fault is DirectoryNotFoundException or FileNotFoundException)
        {
            return "No such file or directory";
        }
        catch (UnauthorizedAccessException)
        {
            return Directory.Exists(_path) ? "Is a directory" : "Permission denied";
        }
        catch (Exception fault) when (fault is IOException or ArgumentException or NotSupportedException)
        {
            return fault.Message;
        }
    }

    /// <inheritdoc/>
    public void Write(ReadOnlySpan<byte> lines)
    {
        try
        {
            using FileStream file = Open();
            file.Write(lines);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            // The disk is full or the directory has gone; the next line tries again.
            return;
        }
    }

    private FileStream Open() =>
        new(_path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
}

/// <summary>Nowhere.</summary>
public sealed class NoLogOutput : ILogOutput
{
    /// <inheritdoc/>
    public void Write(ReadOnlySpan<byte> lines)
    {
        // A server in the background without a log file does not log.
    }
}
