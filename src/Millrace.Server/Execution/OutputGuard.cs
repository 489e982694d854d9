using Millrace.Server.Config;
using Millrace.Server.Logging;

namespace Millrace.Server.Execution;

/// <summary>
/// Closes clients that leave more unread than <c>client-output-buffer-limit</c> allows for their class. One per loop.
/// </summary>
public sealed class OutputGuard(Configuration configuration, Log log)
{
    // So much output no limit counts: clients of Redis have a buffer of this size that is not counted, and whoever sets
    // a limit of a few bytes relies on it.
    private const long UncountedBytes = 16 * 1024;

    /// <summary>Clients closed so far.</summary>
    public long Closed { get; internal set; }

    /// <summary>Beyond how much unsent output a client is closed at once; 0: it is not.</summary>
    public long HardBytesOf(Client client) =>
        Counted(configuration.Settings.OutputLimits.Of(client.OutputClass).HardBytes);

    /// <summary>Closes a client whose unsent output is over the hard limit of its class, or has been over the soft one
    /// for too long.</summary>
    /// <param name="client">A client of this loop.</param>
    public void Check(Client client)
    {
        var connection = client.Connection;
        var pending = connection.Output.PendingBytes;
        if (pending <= UncountedBytes)
        {
            client.OverSoftLimitSinceUs = 0;
            return;
        }

        if (client.IsClosing) return;
        var limit = configuration.Settings.OutputLimits.Of(client.OutputClass);
        var isOverHard = limit.HardBytes > 0 && pending > Counted(limit.HardBytes);
        var isOverSoft = limit.SoftBytes > 0 && pending > Counted(limit.SoftBytes);
        if (!isOverSoft) client.OverSoftLimitSinceUs = 0;
        else if (client.OverSoftLimitSinceUs == 0) client.OverSoftLimitSinceUs = connection.Loop.NowUs;
        var hasLasted = isOverSoft
            && connection.Loop.NowUs - client.OverSoftLimitSinceUs > limit.SoftSeconds * 1_000_000L;
        if (!isOverHard && !hasLasted) return;
        log.Warning(
            $"Client id={client.Id} addr={connection.RemoteAddress} scheduled to be closed ASAP for overcoming of " +
            "output buffer limits.");
        Closed++;
        client.CloseNow();
    }

    private static long Counted(long limitBytes) => limitBytes == 0 ? 0 : Math.Max(limitBytes, UncountedBytes);
}
