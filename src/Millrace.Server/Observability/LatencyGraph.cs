using System.Globalization;
using System.Text;

namespace Millrace.Server.Observability;

/// <summary>The picture that LATENCY GRAPH draws of an event: a column to each sample, its age below it.</summary>
/// <remarks>
/// <code>
///   command - high 500 ms, low 101 ms (all time high 500 ms)
///   -------------------------------------------------------------------------------- (80)
///      #_        four rows, each of three heights: _ o #, and | below the top of a column
///     _||
///    _|||
///   o||||
///                one blank row
///   54321        the ages from top to bottom
///   sssss
/// </code>
/// Source: Redis 7.2 documentation, "LATENCY GRAPH"; heights and order of rows as redis-server 7.0.15 draws them.
/// </remarks>
internal static class LatencyGraph
{
    private const int Columns = 80;
    private const int Rows = 4;
    private const string Heights = "_o#";

    /// <summary>Draws an event.</summary>
    /// <param name="series">Its samples.</param>
    /// <param name="unixSeconds">Now.</param>
    public static string Of(LatencySeries series, long unixSeconds)
    {
        var samples = series.Samples;
        var (low, high) = (samples.Min(static one => one.Milliseconds), samples.Max(static one => one.Milliseconds));
        var text = new StringBuilder();
        text.Append(
            CultureInfo.InvariantCulture,
            $"{LatencyMonitor.NameOf(series.Event)} - high {high} ms, low {low} ms ");
        text.Append(CultureInfo.InvariantCulture, $"(all time high {series.MaxMilliseconds} ms)\n");
        text.Append('-', Columns).Append('\n');
        for (var first = 0; first < samples.Count; first += Columns)
        {
            if (first > 0) text.Append('\n');
            Band([.. samples.Skip(first).Take(Columns)], low, high, unixSeconds, text);
        }

        return text.ToString();
    }

    private static void Band(LatencySample[] samples, long low, long high, long unixSeconds, StringBuilder text)
    {
        var steps = Array.ConvertAll(samples, one => StepOf(one.Milliseconds, low, high));
        for (var row = Rows - 1; row >= 0; row--)
        {
            foreach (var step in steps) text.Append(Mark(step - (row * Heights.Length)));
            text.Append('\n');
        }

        text.Append(' ', samples.Length).Append('\n');
        var ages = Array.ConvertAll(samples, one => AgeOf(unixSeconds - one.UnixSeconds));
        for (var line = 0; line < ages.Max(static age => age.Length); line++)
        {
            foreach (var age in ages) text.Append(line < age.Length ? age[line] : ' ');
            text.Append('\n');
        }
    }

    private static int StepOf(long milliseconds, long low, long high)
    {
        const int Steps = Rows * 3;
        return high == low ? 0 : (int)Math.Min((milliseconds - low) * Steps / (double)(high - low), Steps - 1);
    }

    private static char Mark(int height) => height < 0 ? ' ' : height < Heights.Length ? Heights[height] : '|';

    private static string AgeOf(long seconds)
    {
        const int Minute = 60;
        const int Hour = 60 * Minute;
        const int Day = 24 * Hour;
        var (count, unit) = seconds switch
        {
            < Minute => (Math.Max(seconds, 0), 's'),
            < Hour => (seconds / Minute, 'm'),
            < Day => (seconds / Hour, 'h'),
            _ => (seconds / Day, 'd'),
        };
        return string.Create(CultureInfo.InvariantCulture, $"{count}{unit}");
    }
}
