using Millrace.Commands;

namespace Millrace.Server.Observability;

/// <summary>MONITOR: the connection sees every command that the server runs from now on.</summary>
internal sealed class MonitorCommand(Monitors monitors)
{
    private readonly Monitors _monitors = monitors;

    /// <summary>The command.</summary>
    public IEnumerable<CommandSpec> All() =>
    [
        new("monitor", 1, Monitor)
        {
            Flags = CommandFlags.Admin | CommandFlags.NoScript | CommandFlags.Loading | CommandFlags.Stale,
            Summary = "Shows every command that the server runs.",
            Since = "1.0.0",
            Complexity = "O(N) for every command of others, where N is the number of connections that watch.",
            Group = "server",
        },
    ];

    private void Monitor(ref Call call)
    {
        if (!call.Caller.MayWait)
        {
            call.Reply.Error("ERR MONITOR isn't allowed for DENY BLOCKING client"u8);
            return;
        }

        _monitors.Begin(call.Client());
        call.Reply.Ok();
    }
}
