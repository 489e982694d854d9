// The start-up banner. Test harnesses wait for its line "PID: <pid>"; a log file or a pipe gets one plain line instead,
// unless always-show-logo says otherwise.

using System.Globalization;
using Millrace.Server;
using Millrace.Server.Config;
using Millrace.Server.Logging;

namespace Millrace.Host;

/// <summary>Shows what has started.</summary>
internal static class Banner
{
    /// <summary>Writes the banner, or the plain line.</summary>
    /// <param name="settings">The settings in force.</param>
    /// <param name="log">Where it goes.</param>
    /// <param name="version">The version of the executable.</param>
    internal static void Show(Settings settings, Log log, string version)
    {
        bool isTerminal = settings.LogFile is null && !settings.SyslogEnabled && !Console.IsOutputRedirected;
        if (!isTerminal && !settings.AlwaysShowLogo)
        {
            log.Notice($"Running mode=standalone, port={settings.Port}.");
            return;
        }

        log.WriteRaw(LogLevel.Notice, string.Create(CultureInfo.InvariantCulture, $"""

                    ._________.
                 .-'  \  |  /  '-.
               .'  .   \ | /   .  '.       Millrace {version} (Redis {MillraceServer.RedisVersion}) 64 bit
              /     '-._\|/_.-'     \
             |=========( O )=========|     Running in standalone mode
              \     .-' /|\ '-.     /      Port: {settings.Port}
               '.  '   / | \   '  .'       PID: {Environment.ProcessId}
            ~~~~~'-.__/__|__\__.-'~~~~~
            ~~~~~~~~~~~~~~~~~~~~~~~~~~~


            """));
    }
}
