// The file that holds the process id while the server runs. Best effort, as in Redis: a server that cannot write it
// runs without. The path is fixed at start, so that a later change of the working directory does not lose it.

using Millrace.Server.Logging;

namespace Millrace.Host;

/// <summary>A pid file that exists.</summary>
internal sealed class PidFile
{
    private const string BackgroundDefault = "/var/run/millrace.pid";

    private readonly string _path;

    private PidFile(string path) => _path = path;

    /// <summary>Writes the file when one is asked for; null when there is none.</summary>
    /// <param name="path">The configured path, or null.</param>
    /// <param name="inBackground">A process in the background has one even if none is configured.</param>
    /// <param name="log">Where a failure is said.</param>
    internal static PidFile? Create(string? path, bool inBackground, Log log)
    {
        if (path is null && !inBackground) return null;
        try
        {
            string full = Path.GetFullPath(path ?? BackgroundDefault);
            File.WriteAllText(full, $"{Environment.ProcessId}\n");
            return new PidFile(full);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or ArgumentException)
        {
            log.Warning($"Failed to write PID file: {fault.Message}");
            return null;
        }
    }

    /// <summary>Removes the file; never fails.</summary>
    internal void Remove()
    {
        try
        {
            File.Delete(_path);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            // The directory is gone or no longer ours: there is nothing left to remove.
            return;
        }
    }
}
