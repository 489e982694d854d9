// The working directory of the process follows the dir directive.

namespace Millrace.Server.Config;

/// <summary>Changes the process's working directory when dir changes.</summary>
public sealed class WorkingDirectory : ISettingsListener
{
    /// <inheritdoc/>
    public SettingsFault? Apply(Settings before, Settings after)
    {
        ArgumentNullException.ThrowIfNull(before);
        ArgumentNullException.ThrowIfNull(after);
        if (before.WorkingDirectory == after.WorkingDirectory) return null;
        return Enter(after.WorkingDirectory) is { } reason ? new SettingsFault("dir", reason) : null;
    }

    /// <summary>Makes a directory the working directory; says why it cannot, or null.</summary>
    /// <param name="path">The directory.</param>
    public static string? Enter(string path)
    {
        try
        {
            Environment.CurrentDirectory = path;
            return null;
        }
        catch (Exception fault) when (fault is DirectoryNotFoundException or FileNotFoundException)
        {
            return "No such file or directory";
        }
        catch (Exception fault) when (fault is UnauthorizedAccessException or System.Security.SecurityException)
        {
            return "Permission denied";
        }
        catch (Exception fault) when (fault is IOException or ArgumentException)
        {
            return fault.Message;
        }
    }
}
