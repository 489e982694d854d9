// The system's limit of open files bounds maxclients. The runtime has raised the soft limit to the hard one already,
// so the limit in force is what /proc/self/limits says; on systems without that file nothing is known and nothing is
// bounded.

using System.Globalization;

namespace Millrace.Server.Config;

/// <summary>Keeps maxclients within what the system allows.</summary>
public sealed class OpenFileLimit : ISettingsListener
{
    /// <summary>Descriptors that are not clients: listeners, log, pollers, mailboxes.</summary>
    public const int ReservedDescriptors = 32;

    private readonly long _openFiles;

    /// <summary>A limit that is given, for tests.</summary>
    /// <param name="openFiles">How many descriptors there may be.</param>
    public OpenFileLimit(long openFiles) => _openFiles = openFiles;

    /// <summary>The limit of this process.</summary>
    public static OpenFileLimit OfProcess() => new(Read("/proc/self/limits"));

    /// <summary>How many descriptors there may be.</summary>
    public long OpenFiles => _openFiles;

    /// <summary>The most clients that the system can handle.</summary>
    public long MostClients => Math.Max(1, _openFiles - ReservedDescriptors);

    /// <inheritdoc/>
    public SettingsFault? Apply(Settings before, Settings after)
    {
        ArgumentNullException.ThrowIfNull(before);
        ArgumentNullException.ThrowIfNull(after);
        if (after.MaxClients <= Math.Max(before.MaxClients, MostClients)) return null;
        return new SettingsFault(
            "maxclients",
            "The operating system is not able to handle the specified number of clients, try with "
            + MostClients.ToString(CultureInfo.InvariantCulture));
    }

    private static long Read(string path)
    {
        try
        {
            foreach (string line in File.ReadLines(path))
            {
                if (!line.StartsWith("Max open files", StringComparison.Ordinal)) continue;
                string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
                return words.Length > 3 && long.TryParse(words[3], CultureInfo.InvariantCulture, out long soft)
                    ? soft
                    : long.MaxValue;
            }
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return long.MaxValue;
        }

        return long.MaxValue;
    }
}
