using Millrace.Net;
using Millrace.Server.Logging;

namespace Millrace.Server.Persistence;

/// <summary>What a <see cref="Journal"/> needs of the server.</summary>
/// <param name="Gates">Stops writes that cannot be kept.</param>
/// <param name="Hold">Keeps replies back.</param>
/// <param name="Journal">Where log lines go.</param>
/// <param name="Time">The clock of timestamps.</param>
/// <param name="Exit">Ends the process with 1: nothing more may be acknowledged.</param>
internal sealed record JournalHost(Gates Gates, ReplyHold Hold, Log Journal, TimeProvider Time, Action Exit)
{
    /// <summary>The time in seconds since 1970.</summary>
    public long UnixSeconds => Time.GetUtcNow().ToUnixTimeSeconds();
}
