using Millrace.Server.Config;
using Millrace.Server.Logging;

namespace Millrace.Server.Execution;

/// <summary>
/// Closes clients that leave more unread than <c>client-output-buffer-limit</c> allows for their class. One per loop.
/// </summary>
public sealed class OutputGuard(Configuration configuration, Log log)
{
    /// <summary>Closes a client whose unsent output is over the hard limit of its class, or has been over the soft one
    /// for too long.</summary>
    /// <param name="client">A client of this loop.</param>
    public void Check(Client client)
    {
        var connection = client.Connection;
        var pending = connection.Output.PendingBytes;
        if (client.IsClosing || (pending == 0 && client.OverSoftLimitSinceUs == 0)) return;
        var limit = configuration.Settings.OutputLimits.Of(client.OutputClass);
        var isOverHard = limit.HardBytes > 0 && pending > limit.HardBytes;
        var isOverSoft = limit.SoftBytes > 0 && pending > limit.SoftBytes;
        if (!isOverSoft) client.OverSoftLimitSinceUs = 0;
        else if (client.OverSoftLimitSinceUs == 0) client.OverSoftLimitSinceUs = connection.Loop.NowUs;
        var hasLasted = isOverSoft
            && connection.Loop.NowUs - client.OverSoftLimitSinceUs > limit.SoftSeconds * 1_000_000L;
        if (!isOverHard && !hasLasted) return;
        log.Warning(
            $"Client id={client.Id} addr={connection.RemoteAddress} scheduled to be closed ASAP for overcoming of " +
            "output buffer limits.");
        client.CloseNow();
    }
}
