using System.Globalization;
using System.Text;

namespace Millrace.Server.Observability;

/// <summary>The report of LATENCY DOCTOR: what was seen of each event, and what can be done about it.</summary>
/// <remarks>
/// Only what is measured is advised on. Redis's advice on forks, disks, huge pages and <c>hz</c> is left out, as is
/// that on large objects, which are freed in slices here: none of them can be the cause of an event.
/// <code>
///   command          slow log off | its threshold above the monitor's | look into it
///   fast-command     very long requests or values, or the thread did not run
///   expire-cycle     the thread did not run: slices are short, whatever the data
///   eviction-cycle   sudden pressure | maxmemory-eviction-tenacity above its default
/// </code>
/// Source: Redis 7.2 documentation, "LATENCY DOCTOR".
/// </remarks>
internal static class LatencyDoctor
{
    private const int UsualTenacity = 10;

    /// <summary>Writes the report.</summary>
    /// <param name="events">What the monitor has seen.</param>
    /// <param name="settings">The settings in force.</param>
    /// <param name="tenacity">The setting of <c>maxmemory-eviction-tenacity</c>.</param>
    /// <param name="unixSeconds">Now.</param>
    public static string Report(
        IReadOnlyList<LatencySeries> events, LatencySettings settings, long tenacity, long unixSeconds)
    {
        if (events.Count == 0)
        {
            return settings.MonitorMilliseconds == 0
                ? "The latency monitor is off. CONFIG SET latency-monitor-threshold <milliseconds> switches it on.\n"
                : "No latency spike has been observed since the latency monitor was switched on or reset.\n";
        }

        var text = new StringBuilder("Latency spikes have been observed in this server.\n\n");
        for (var i = 0; i < events.Count; i++) Describe(text, i + 1, events[i], unixSeconds);
        text.Append("\nWhat can be done:\n\n");
        var seen = events.Select(static one => one.Event).ToHashSet();
        if (seen.Contains(LatencyEvent.Command)) AdviseOnCommands(text, settings);
        if (seen.Contains(LatencyEvent.FastCommand)) AdviseOnRequests(text);
        if (seen.Contains(LatencyEvent.FastCommand) || seen.Contains(LatencyEvent.ExpireCycle)) AdviseOnSystem(text);
        if (seen.Contains(LatencyEvent.EvictionCycle)) AdviseOnEviction(text, tenacity);
        return text.ToString();
    }

    private static void Describe(StringBuilder text, int number, LatencySeries series, long unixSeconds)
    {
        var samples = series.Samples;
        var average = samples.Sum(static one => one.Milliseconds) / samples.Count;
        var deviation = samples.Sum(one => Math.Abs(one.Milliseconds - average)) / samples.Count;
        var seconds = Math.Max(1, unixSeconds - samples[0].UnixSeconds);
        text.Append(
            CultureInfo.InvariantCulture,
            $"{number}. {LatencyMonitor.NameOf(series.Event)}: {samples.Count} latency spikes (average {average}ms, ");
        text.Append(
            CultureInfo.InvariantCulture,
            $"mean deviation {deviation}ms, period {seconds / (double)samples.Count:F2} sec). ");
        text.Append(CultureInfo.InvariantCulture, $"Worst all time event {series.MaxMilliseconds}ms.\n");
    }

    private static void AdviseOnCommands(StringBuilder text, LatencySettings settings)
    {
        var proposal = string.Create(
            CultureInfo.InvariantCulture,
            $"'CONFIG SET slowlog-log-slower-than {Math.Max(settings.MonitorMilliseconds, 1) * (Int128)1000}'");
        if (settings.SlowLogMicroseconds < 0)
        {
            text.Append("- The slow log is off, so nobody can tell which commands are slow. Switch it on with ")
                .Append(proposal).Append(".\n");
        }
        else if (settings.SlowLogLength == 0)
        {
            text.Append("- The slow log keeps no entry, so nobody can tell which commands are slow. Give it room with "
                + "'CONFIG SET slowlog-max-len 128'.\n");
        }
        else if (settings.SlowLogMicroseconds / 1000 > settings.MonitorMilliseconds)
        {
            text.Append("- The slow log leaves out commands that the latency monitor counts as slow. Lower its "
                + "threshold with ").Append(proposal).Append(".\n");
        }
        else
        {
            text.Append("- SLOWLOG GET tells which commands were slow. What takes time with the size of a value or of "
                + "the keyspace (KEYS, SORT, SUNIONSTORE, LRANGE of long lists, ...) can be asked for in parts, with "
                + "SCAN and its kin or with ranges.\n");
        }
    }

    private static void AdviseOnRequests(StringBuilder text) => text.Append(
        "- A command that is fast takes long nevertheless with thousands of arguments, or a value of many megabytes. "
        + "SLOWLOG GET shows whether it was such a request: send it in parts.\n");

    private static void AdviseOnSystem(StringBuilder text) => text.Append(
        "- Where work took long that is short whatever the data, the server's threads were kept from running. Lower "
        + "the load of the machine, give the server cores of its own, and see with 'redis-cli --intrinsic-latency 100' "
        + "how long the system withholds the processor from any program.\n");

    private static void AdviseOnEviction(StringBuilder text, long tenacity)
    {
        text.Append("- Much had to be evicted at once. Lower 'maxmemory' in small steps, and avoid commands that make "
            + "large values while memory is nearly used up (RESTORE, SUNIONSTORE, SORT with STORE, ...).\n");
        if (tenacity <= UsualTenacity) return;
        text.Append(
            CultureInfo.InvariantCulture,
            $"- 'maxmemory-eviction-tenacity' is {tenacity}, which lets one step of eviction take long. Steps are "
            + $"short again with 'CONFIG SET maxmemory-eviction-tenacity {UsualTenacity}'.\n");
    }
}
