// LATENCY: what took long (the monitor), and how long commands take (histograms).
//
//     DOCTOR GRAPH HISTORY LATEST RESET    events that took longer than latency-monitor-threshold
//     HISTOGRAM                            all calls of commands, while latency-tracking is on
//
// Source: Redis 7.2 documentation, "LATENCY DOCTOR" and its kin.

using System.Text;
using Millrace.Commands;
using Millrace.Resp;
using static Millrace.Commands.CommandFlags;

namespace Millrace.Server.Observability;

/// <summary>The LATENCY family.</summary>
public sealed class LatencyCommands(ServerParts parts, ServerStatistics statistics)
{
    private const CommandFlags Usual = Admin | NoScript | Loading | Stale;

    // A bound of the histogram is 1.024 us times a power of two, to whose bucket Redis's histograms count this as well.
    private const long FirstBound = 1024;
    private const int BucketShift = 7;

    private static readonly string[] Special =
        ["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"];

    private readonly ServerParts _parts = parts;
    private readonly ServerStatistics _statistics = statistics;

    /// <summary>The family's commands.</summary>
    public IEnumerable<CommandSpec> All() =>
    [
        new("latency", -2, null)
        {
            Summary = "A container for latency diagnostics commands.",
            Since = "2.8.13",
            Complexity = "Depends on subcommand.",
            Group = "server",
            Subcommands =
            [
                Subcommand("doctor", 2, Doctor, "", "Returns a report about what took long.", Special),
                Subcommand("graph", 3, Graph, "event:string", "Draws how long an event took.", Special),
                new("help", 2, Help)
                {
                    Flags = Loading | Stale,
                    Summary = "Returns a short text about the subcommands.",
                    Since = "2.8.13",
                    Complexity = "O(1)",
                    Group = "server",
                },
                new("histogram", -2, Histogram)
                {
                    Flags = Usual,
                    Locks = LockScope.Quiesced,
                    Syntax = "[COMMAND:string...]",
                    Summary = "Returns how the times of commands are distributed.",
                    Since = "7.0.0",
                    Complexity = "O(N) where N is the number of commands with latency information being retrieved.",
                    Group = "server",
                    Tips = Special,
                },
                Subcommand("history", 3, History, "event:string", "Returns the times that an event took.", Special),
                Subcommand("latest", 2, Latest, "", "Returns the newest time of each event.", Special),
                Subcommand(
                    "reset", -2, Reset, "[event:string...]", "Forgets events.",
                    ["request_policy:all_nodes", "response_policy:all_succeeded"]),
            ],
        },
    ];

    private static CommandSpec Subcommand(
        string name, int arity, CommandHandler handler, string syntax, string summary, string[] tips) =>
        new(name, arity, handler)
        {
            Flags = Usual,
            Syntax = syntax,
            Summary = summary,
            Since = "2.8.13",
            Complexity = "O(1)",
            Group = "server",
            Tips = tips,
        };

    private void Doctor(ref Call call)
    {
        var settings = _parts.Configuration.Settings;
        var report = LatencyDoctor.Report(
            _parts.LatencyMonitor.All(), settings.Latency, settings.Memory.Tenacity, call.Unit.NowMs / 1000);
        call.Reply.Verbatim("txt"u8, Encoding.ASCII.GetBytes(report));
    }

    private void Graph(ref Call call)
    {
        if (_parts.LatencyMonitor.Find(call.Args[2]) is { } series)
        {
            var graph = LatencyGraph.Of(series, call.Unit.NowMs / 1000);
            call.Reply.Verbatim("txt"u8, Encoding.ASCII.GetBytes(graph));
        }
        else
        {
            ErrorTexts.WriteQuoting(call.Reply, "ERR No samples available for event '"u8, call.Args[2], "'"u8);
        }
    }

    private static void Help(ref Call call) => HelpText.Write(
        call.Reply,
        "LATENCY",
        [
            "DOCTOR", "A report about what took long, and what can be done.",
            "GRAPH <event>", "A picture of the times that an event took.",
            "HISTORY <event>", "The times that an event took, with the seconds.",
            "LATEST", "The newest and the longest time of each event.",
            "RESET [<event> ...]", "Forget these events, or all.",
            "HISTOGRAM [<command> ...]", "How the times of these commands, or of all, are distributed.",
        ]);

    private void Histogram(ref Call call)
    {
        var sum = _statistics.Commands();
        List<(CommandSpec Command, LatencyHistogram Times)> found = [];
        if (call.Args.Count == 2)
        {
            foreach (var command in _parts.Table.Numbered) Take(command);
        }

        for (var i = 2; i < call.Args.Count; i++)
        {
            if (Find(call.Args[i]) is not { } command) continue;
            Take(command);
            foreach (var sub in command.Subcommands) Take(sub);
        }

        call.Reply.Map(found.Count);
        foreach (var (command, times) in found) Write(call.Reply, command, times);

        void Take(CommandSpec command)
        {
            if (sum.LatencyOf(command) is { } times) found.Add((command, times));
        }
    }

    private void History(ref Call call)
    {
        var samples = _parts.LatencyMonitor.Find(call.Args[2])?.Samples ?? [];
        call.Reply.Array(samples.Count);
        foreach (var sample in samples)
        {
            call.Reply.Array(2);
            call.Reply.Integer(sample.UnixSeconds);
            call.Reply.Integer(sample.Milliseconds);
        }
    }

    private void Latest(ref Call call)
    {
        var all = _parts.LatencyMonitor.All();
        call.Reply.Array(all.Count);
        foreach (var series in all)
        {
            call.Reply.Array(4);
            call.Reply.Bulk(Encoding.ASCII.GetBytes(LatencyMonitor.NameOf(series.Event)));
            call.Reply.Integer(series.Samples[^1].UnixSeconds);
            call.Reply.Integer(series.Samples[^1].Milliseconds);
            call.Reply.Integer(series.MaxMilliseconds);
        }
    }

    private void Reset(ref Call call)
    {
        var count = call.Args.Count == 2 ? _parts.LatencyMonitor.Reset() : 0;
        for (var i = 2; i < call.Args.Count; i++) count += _parts.LatencyMonitor.Reset(call.Args[i]);
        call.Reply.Integer(count);
    }

    // A command, or a subcommand behind its container and a bar: client|list.
    private CommandSpec? Find(ReadOnlySpan<byte> name)
    {
        var bar = name.IndexOf((byte)'|');
        return bar < 0 ? _parts.Table.Find(name) : _parts.Table.Find(name[..bar])?.FindSubcommand(name[(bar + 1)..]);
    }

    // Counts up to each bound, where they grow; and all of them.
    private static void Write(ReplyWriter reply, CommandSpec command, LatencyHistogram times)
    {
        reply.Bulk(Encoding.ASCII.GetBytes(command.FullName));
        reply.Map(2);
        reply.Bulk("calls"u8);
        reply.Integer(times.Calls);
        reply.Bulk("histogram_usec"u8);
        List<(long Microseconds, long Count)> bounds = [];
        var counted = 0L;
        for (var bound = FirstBound; counted < times.Calls; bound *= 2)
        {
            var isLast = bound > LatencyHistogram.MaxNanoseconds;
            var count = times.CountUpTo(bound);
            var highest = isLast ? bound - 1 : bound + (bound >> BucketShift) - 1;
            if (count > counted) bounds.Add((highest / 1000, count));
            counted = count;
        }

        reply.Map(bounds.Count);
        foreach (var (microseconds, count) in bounds)
        {
            reply.Integer(microseconds);
            reply.Integer(count);
        }
    }
}
