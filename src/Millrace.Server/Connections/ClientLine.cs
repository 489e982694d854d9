using System.Globalization;
using System.Text;
using Millrace.Server.PubSub;

namespace Millrace.Server.Connections;

/// <summary>
/// One line of CLIENT LIST: what there is to know of a client.
/// </summary>
/// <remarks>
/// Names and order are those of Redis 8 (watch: 7.4, io-thread, which is the number of the event loop, and what follows
/// it: 8.0), since tools parse them. Sizes are what the connection really holds:
/// <code>
///   qbuf, qbuf-free       the connection's own input buffer: unread bytes and the rest; both 0 while it has
///                         none: nothing is unread, or requests run from the loop's shared buffer
///   argv-mem              arguments that are kept while the client is blocked; others are views of the input
///   multi-mem             what MULTI has queued
///   rbs, obl              one output segment: its size, and what of it waits to be sent
///   oll, omem, obl        several: their number, their size, and what of them waits
///   rbp                   0: peaks are not kept
///   tot-mem               all memory held for input, output and what is kept
///   tot-net-in, -out      bytes that the system has given us and has taken
///   tot-cmds              commands that have run: those of a transaction as well, one that waits when it is served
/// </code>
/// All loops stand still, or the client belongs to the loop that asks. Source: Redis 8 documentation, "CLIENT LIST".
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
        text.Append(CultureInfo.InvariantCulture, $" flags={FlagsOf(client)} db={client.Database}");
        AppendSubscriptions(text, client);
        text.Append(CultureInfo.InvariantCulture, $" multi={(client.IsQueueing ? client.Queue.Count : -1)}");
        text.Append(CultureInfo.InvariantCulture, $" watch={client.Watcher?.Count ?? 0}");
        AppendSizes(text, client);
        text.Append(" events=").Append(connection is { IsPaused: false, IsThrottled: false, IsOpen: true } ? "r" : "");
        if (connection.Output.PendingBytes > 0) text.Append('w');
        text.Append(CultureInfo.InvariantCulture,
            $" cmd={command ?? "NULL"} user={client.User} redir={RedirectOf(client)} resp={client.Protocol}");
        text.Append(" lib-name=").Append(client.LibraryName).Append(" lib-ver=").Append(client.LibraryVersion);
        text.Append(CultureInfo.InvariantCulture,
            $" io-thread={connection.Loop.Index} tot-net-in={connection.BytesIn} tot-net-out={connection.BytesOut}");
        text.Append(CultureInfo.InvariantCulture, $" tot-cmds={client.CommandsRun}");
    }

    /// <summary>What a client is in the middle of, a letter each, as the field <c>flags</c> has it; N when there is
    /// nothing.</summary>
    /// <remarks>Nobody sees A and u: who is to be closed is not listed any more, and a client that was unblocked goes
    /// on at once. c is the caller that has killed itself.</remarks>
    public static string FlagsOf(Client client)
    {
        Span<char> flags = stackalloc char[16];
        var count = 0;
        var tracking = client.Tracking is { IsOn: true } on ? on : null;
        if (client.IsMonitor) flags[count++] = 'O';
        if (client.IsSubscribed) flags[count++] = 'P';
        if (client.IsQueueing) flags[count++] = 'x';
        if (client.IsBlocked || client.IsPostponed) flags[count++] = 'b';
        if (tracking is not null) flags[count++] = 't';
        if (tracking is { IsRedirectBroken: true }) flags[count++] = 'R';
        if (tracking is { IsBroadcast: true }) flags[count++] = 'B';
        if (client.Watcher is { IsBroken: true }) flags[count++] = 'd';
        if (client.IsClosing) flags[count++] = 'c';
        if (client.Connection.IsUnixSocket) flags[count++] = 'U';
        if (client.NoEvict) flags[count++] = 'e';
        if (client.NoTouch) flags[count++] = 'T';
        return count == 0 ? "N" : new string(flags[..count]);
    }

    /// <summary>What a client is to the server. One that watches commands go by (MONITOR) is an ordinary one.</summary>
    public static ClientClass ClassOf(Client client) =>
        client.IsSubscribed ? ClientClass.PubSub : ClientClass.Normal;

    private static void AppendSubscriptions(StringBuilder text, Client client)
    {
        var mine = client.Subscriptions;
        text.Append(CultureInfo.InvariantCulture,
            $" sub={mine?.CountOf(TopicKind.Channel) ?? 0} psub={mine?.CountOf(TopicKind.Pattern) ?? 0}");
        text.Append(CultureInfo.InvariantCulture, $" ssub={mine?.CountOf(TopicKind.Shard) ?? 0}");
    }

    private static long RedirectOf(Client client) =>
        client.Tracking is { IsOn: true } tracking ? tracking.RedirectId : -1;

    private static void AppendSizes(StringBuilder text, Client client)
    {
        var connection = client.Connection;
        var output = connection.Output;
        var isList = output.SegmentCount > 1;
        var blocked = client.Blocked?.HeldBytes ?? 0;
        var queued = client.QueueHeldBytes;
        var kept = blocked + queued + (client.Subscriptions?.HeldBytes ?? 0);
        var unread = connection.InputBufferBytes - connection.InputBufferFree;
        text.Append(CultureInfo.InvariantCulture,
            $" qbuf={unread} qbuf-free={connection.InputBufferFree} argv-mem={blocked} multi-mem={queued}");
        text.Append(CultureInfo.InvariantCulture,
            $" rbs={(isList ? 0 : output.HeldBytes)} rbp=0 obl={output.PendingBytes}");
        text.Append(CultureInfo.InvariantCulture,
            $" oll={(isList ? output.SegmentCount : 0)} omem={(isList ? output.HeldBytes : 0)}");
        text.Append(CultureInfo.InvariantCulture, $" tot-mem={connection.InputBufferBytes + output.HeldBytes + kept}");
    }

    private static long Seconds(long microseconds) => Math.Max(microseconds, 0) / 1_000_000;
}
