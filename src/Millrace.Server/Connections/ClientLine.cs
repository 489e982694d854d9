using System.Globalization;
using System.Text;

namespace Millrace.Server.Connections;

/// <summary>
/// One line of CLIENT LIST: what there is to know of a client.
/// </summary>
/// <remarks>
/// Names and order are those of Redis 7.2 (watch: 7.4), since tools parse them. Sizes are what the connection really
/// holds:
/// <code>
///   qbuf, qbuf-free       the connection's own input buffer: unread bytes and the rest; both 0 while it has
///                         none: nothing is unread, or requests run from the loop's shared buffer
///   argv-mem              arguments that are kept while the client is blocked; others are views of the input
///   multi-mem             what MULTI has queued
///   rbs, obl              one output segment: its size, and what of it waits to be sent
///   oll, omem, obl        several: their number, their size, and what of them waits
///   rbp                   0: peaks are not kept
///   tot-mem               all memory held for input, output and what is kept
/// </code>
/// All loops stand still, or the client belongs to the loop that asks. Source: Redis 7.2 documentation, "CLIENT LIST".
/// </remarks>
internal static class ClientLine
{
    /// <summary>Adds the line of a client, without a line feed.</summary>
    /// <param name="text">What to add it to.</param>
    /// <param name="client">The client.</param>
    /// <param name="command">The command that it runs or ran last; null for none.</param>
    /// <param name="nowUs">The asking loop's monotonic clock.</param>
    public static void Append(StringBuilder text, Client client, string? command, long nowUs)
    {
        var connection = client.Connection;
        text.Append(CultureInfo.InvariantCulture,
            $"id={client.Id} addr={connection.RemoteAddress} laddr={connection.LocalAddress}");
        text.Append(CultureInfo.InvariantCulture, $" fd={connection.Descriptor} name={client.Name}");
        text.Append(CultureInfo.InvariantCulture, $" age={Seconds(nowUs - connection.CreatedAtUs)}");
        text.Append(CultureInfo.InvariantCulture, $" idle={Seconds(nowUs - connection.LastActivityUs)}");
        text.Append(" flags=");
        AppendFlags(text, client);
        text.Append(CultureInfo.InvariantCulture, $" db={client.Database} sub=0 psub=0 ssub=0");
        text.Append(CultureInfo.InvariantCulture, $" multi={(client.IsQueueing ? client.Queue.Count : -1)}");
        text.Append(CultureInfo.InvariantCulture, $" watch={client.Watcher?.Count ?? 0}");
        AppendSizes(text, client);
        text.Append(" events=").Append(connection is { IsPaused: false, IsThrottled: false, IsOpen: true } ? "r" : "");
        if (connection.Output.PendingBytes > 0) text.Append('w');
        text.Append(CultureInfo.InvariantCulture,
            $" cmd={command ?? "NULL"} user={client.User} redir=-1 resp={client.Protocol}");
        text.Append(" lib-name=").Append(client.LibraryName).Append(" lib-ver=").Append(client.LibraryVersion);
    }

    private static void AppendSizes(StringBuilder text, Client client)
    {
        var connection = client.Connection;
        var output = connection.Output;
        var isList = output.SegmentCount > 1;
        var blocked = client.Blocked?.HeldBytes ?? 0;
        var queued = client.QueueHeldBytes;
        var kept = blocked + queued;
        var unread = connection.InputBufferBytes - connection.InputBufferFree;
        text.Append(CultureInfo.InvariantCulture,
            $" qbuf={unread} qbuf-free={connection.InputBufferFree} argv-mem={blocked} multi-mem={queued}");
        text.Append(CultureInfo.InvariantCulture,
            $" rbs={(isList ? 0 : output.HeldBytes)} rbp=0 obl={output.PendingBytes}");
        text.Append(CultureInfo.InvariantCulture,
            $" oll={(isList ? output.SegmentCount : 0)} omem={(isList ? output.HeldBytes : 0)}");
        text.Append(CultureInfo.InvariantCulture, $" tot-mem={connection.InputBufferBytes + output.HeldBytes + kept}");
    }

    private static void AppendFlags(StringBuilder text, Client client)
    {
        var before = text.Length;
        if (client.IsQueueing) text.Append('x');
        if (client.IsBlocked || client.IsPostponed) text.Append('b');
        if (client.Watcher is { IsBroken: true }) text.Append('d');
        if (client.IsClosing) text.Append('c');
        if (client.Connection.IsUnixSocket) text.Append('U');
        if (client.NoEvict) text.Append('e');
        if (client.NoTouch) text.Append('T');
        if (text.Length == before) text.Append('N');
    }

    private static long Seconds(long microseconds) => Math.Max(microseconds, 0) / 1_000_000;
}
