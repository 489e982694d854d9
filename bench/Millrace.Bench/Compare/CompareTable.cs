// A comparison as text for a terminal.

using System.Globalization;
using System.Text;

namespace Millrace.Bench.Compare;

/// <summary>Prints the two tables: work per request, memory per key.</summary>
internal static class CompareTable
{
    public static string Of(Comparison comparison)
    {
        var text = new StringBuilder(comparison.Conditions).Append("\n\n");
        var loads = comparison.Rows.Max(row => row.Workload.Load.Length);
        var width = Math.Max(8, comparison.Servers.Max(name => name.Length));
        Line(
            text,
            $"command conns  pipe      keys  value  {"load".PadRight(loads)}  {"server".PadRight(width)}  " +
            "CPU us/req  ratio  requests/s   p50 us   p99 us  p99.9 us");
        foreach (var row in comparison.Rows)
        {
            var load = row.Workload;
            Line(
                text,
                $"{load.Command,-7} {load.Connections,5} {load.Pipeline,5} {load.Keys,9} {load.ValueSize,6}  " +
                $"{load.Load.PadRight(loads)}  {row.Server.PadRight(width)}  " +
                $"{row.CpuUs,10:F3} {row.CpuRatio,6:F2} {row.RequestsPerSecond,11:F0} " +
                $"{Latency(row.P50Us),8} {Latency(row.P99Us),8} {Latency(row.P999Us),9}");
        }

        Line(text, "");
        Line(text, $"     keys  value  {"server".PadRight(width)}  resident bytes/key  ratio");
        foreach (var row in comparison.Memory)
        {
            Line(
                text,
                $"{row.Keys,9} {row.ValueSize,6}  {row.Server.PadRight(width)}  {row.BytesPerKey,18:F1} " +
                $"{row.Ratio,6:F2}");
        }

        return text.ToString();
    }

    private static void Line(StringBuilder text, string line) => text.Append(line).Append('\n');

    private static string Latency(double? us) => us?.ToString("F0", CultureInfo.InvariantCulture) ?? "-";
}
