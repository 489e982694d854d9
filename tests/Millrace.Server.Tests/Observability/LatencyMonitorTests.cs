using System.Diagnostics;
using Millrace.Server.Observability;

namespace Millrace.Server.Tests.Observability;

public sealed class LatencyMonitorTests
{
    private static readonly LatencySettings Settings = new()
    {
        SlowLogMicroseconds = 10_000,
        SlowLogLength = 128,
        MonitorMilliseconds = 10,
        Tracks = true,
        Percentiles = [],
    };

    [Fact]
    public void A_second_keeps_its_longest_event()
    {
        var monitor = Monitor();
        foreach (var (second, milliseconds) in ((long, long)[])[(5, 20), (5, 30), (5, 25), (6, 9), (7, 10)])
            Note(monitor, LatencyEvent.ExpireCycle, second, milliseconds);
        var series = Assert.Single(monitor.All());
        Assert.Equal([new LatencySample(5, 30), new LatencySample(7, 10)], series.Samples);
        Assert.Equal(30, series.MaxMilliseconds);
    }

    [Fact]
    public void The_last_160_seconds_are_kept_and_the_longest_of_all()
    {
        var monitor = Monitor();
        Note(monitor, LatencyEvent.Command, 1, 500);
        for (var second = 2; second <= 200; second++) Note(monitor, LatencyEvent.Command, second, second);
        var series = monitor.Find("command"u8)!;
        Assert.Equal(
            Enumerable.Range(41, LatencyMonitor.MaxSamples).Select(static one => new LatencySample(one, one)),
            series.Samples);
        Assert.Equal(500, series.MaxMilliseconds);
    }

    [Fact]
    public void Reset_forgets_by_name_in_any_case_or_all()
    {
        var monitor = Monitor();
        foreach (var what in Enum.GetValues<LatencyEvent>()) Note(monitor, what, 1, 10);
        Assert.Equal(1, monitor.Reset("Fast-Command"u8));
        Assert.Equal(0, monitor.Reset("fast-command"u8));
        Assert.Equal(0, monitor.Reset("nothing"u8));
        Assert.Null(monitor.Find("fast-command"u8));
        Assert.Null(monitor.Find("COMMAND"u8));
        Assert.NotNull(monitor.Find("command"u8));
        Assert.Equal(3, monitor.Reset());
        Assert.Empty(monitor.All());
    }

    [Fact]
    public void Nothing_is_remembered_while_the_threshold_is_0()
    {
        var monitor = new LatencyMonitor();
        Note(monitor, LatencyEvent.Command, 1, 10_000);
        Assert.Empty(monitor.All());
    }

    // redis-server 7.0.15 drew this of six DEBUG SLEEPs and, a minute later, a seventh.
    [Fact]
    public void A_graph_is_drawn_as_redis_draws_it()
    {
        var monitor = Monitor();
        (long Second, long Milliseconds)[] samples =
            [(3018, 100), (3019, 350), (3020, 200), (3022, 50), (3023, 500), (3025, 270), (3084, 150)];
        foreach (var (second, milliseconds) in samples) Note(monitor, LatencyEvent.Command, second, milliseconds);
        string[] expected =
        [
            "command - high 500 ms, low 50 ms (all time high 500 ms)",
            new('-', 80),
            "    #  ", " #  |  ", " |o |# ", "o||_||#", "       ", "1111150", "mmmmm9s", "     s ", "",
        ];
        Assert.Equal(string.Join('\n', expected), LatencyGraph.Of(monitor.Find("command"u8)!, 3084));
    }

    [Fact]
    public void A_graph_of_many_samples_has_several_bands()
    {
        var monitor = Monitor();
        for (var i = 0; i < 100; i++) Note(monitor, LatencyEvent.Command, i, 10);
        var lines = LatencyGraph.Of(monitor.Find("command"u8)!, 100).Split('\n');
        Assert.Equal(new string('_', 80), lines[5]);
        Assert.Equal("", lines[10]);
        Assert.Equal(new string('_', 20), lines[14]);
        Assert.Equal(lines.Length - 1, Array.FindLastIndex(lines, static line => line.Length == 0));
    }

    [Theory]
    [InlineData(59, "5")]
    [InlineData(3599, "5")]
    [InlineData(86_399, "2")]
    [InlineData(864_000, "1")]
    public void An_age_is_told_in_its_largest_unit(long seconds, string firstDigit)
    {
        var monitor = Monitor();
        Note(monitor, LatencyEvent.Command, 1000, 10);
        var lines = LatencyGraph.Of(monitor.Find("command"u8)!, 1000 + seconds).Split('\n');
        Assert.Equal(firstDigit, lines[7]);
        Assert.Contains(lines[^2], (string[])["s", "m", "h", "d"]);
    }

    private static LatencyMonitor Monitor()
    {
        var monitor = new LatencyMonitor();
        monitor.Adopt(Settings);
        return monitor;
    }

    private static void Note(LatencyMonitor monitor, LatencyEvent what, long second, long milliseconds) =>
        monitor.Note(what, milliseconds * Stopwatch.Frequency / 1000, second * 1000);
}
