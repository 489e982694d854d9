// A picture of the ratios: one group of bars per workload, one bar per server but the first, whose 1.0 is a line.
//
//     title
//     1.5 |
//     1.0 |- - - - - - - - - - - - - -   the first server
//     0.5 |  ##        ##
//     0.0 +--##--##----##--##--------
//           get P1    get P16            legend below

using System.Net;
using System.Text;

namespace Millrace.Bench.Compare;

/// <summary>Draws the ratios of CPU per request as SVG.</summary>
internal static class RatioChart
{
    private const int Left = 150;
    private const int Top = 56;
    private const int PlotHeight = 300;
    private const int BarWidth = 26;
    private const int GroupGap = 30;
    private const int LabelHeight = 175;
    private const int LegendHeight = 24;
    private const double Step = 0.25; // between grid lines

    private static readonly string[] Colours = ["#2f6f9f", "#d98c2b", "#5a9e6f", "#a05195", "#8c6d46", "#666666"];

    /// <summary>The picture, as the text of an SVG file.</summary>
    public static string Of(Comparison comparison)
    {
        var rows = comparison.Rows;
        var workloads = rows.Select(row => row.Workload).Distinct().ToList();
        var others = comparison.Servers.Skip(1).DefaultIfEmpty(comparison.Servers[0]).ToList();
        var highest = Math.Ceiling(Math.Max(1.25, rows.Max(row => row.CpuRatio)) / Step) * Step;
        var group = (others.Count * BarWidth) + GroupGap;
        var width = Math.Max(420, Left + (workloads.Count * group) + GroupGap);
        var height = Top + PlotHeight + LabelHeight + (others.Count * LegendHeight);
        var svg = new StringBuilder();
        Line(svg, $"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" " +
            $"viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"12\">");
        Line(svg, $"<rect width=\"{width}\" height=\"{height}\" fill=\"white\"/>");
        Line(svg, $"<text x=\"{Left}\" y=\"22\" font-size=\"15\">Server CPU per request, as a ratio to " +
            $"{Escaped(comparison.Servers[0])}</text>");
        Line(svg, $"<text x=\"{Left}\" y=\"40\" fill=\"#555\">lower is better; medians of interleaved rounds</text>");
        Axis(svg, highest, width);
        for (var i = 0; i < workloads.Count; i++)
        {
            var x = Left + GroupGap + (i * group);
            for (var j = 0; j < others.Count; j++)
            {
                var row = rows.Single(one => one.Workload == workloads[i] && one.Server == others[j]);
                Bar(svg, x + (j * BarWidth), row.CpuRatio, highest, Colours[j % Colours.Length]);
            }

            Label(svg, x + (others.Count * BarWidth / 2), workloads[i]);
        }

        for (var j = 0; j < others.Count; j++)
        {
            var y = Top + PlotHeight + LabelHeight + (j * LegendHeight);
            Line(svg, $"<rect x=\"{Left}\" y=\"{y}\" width=\"12\" height=\"12\" " +
                $"fill=\"{Colours[j % Colours.Length]}\"/>");
            Line(svg, $"<text x=\"{Left + 18}\" y=\"{y + 11}\">{Escaped(others[j])}</text>");
        }

        return svg.Append("</svg>\n").ToString();
    }

    private static void Axis(StringBuilder svg, double highest, int width)
    {
        for (var ratio = 0.0; ratio <= highest; ratio += Step)
        {
            var y = Y(ratio, highest);
            var isOne = ratio is 1.0;
            var stroke = isOne ? "stroke=\"#b02020\" stroke-width=\"2\" stroke-dasharray=\"6 3\"" : "stroke=\"#ddd\"";
            Line(svg, $"<line x1=\"{Left}\" x2=\"{width - 10}\" y1=\"{y:F1}\" y2=\"{y:F1}\" {stroke}/>");
            Line(svg, $"<text x=\"{Left - 8}\" y=\"{y + 4:F1}\" text-anchor=\"end\">{ratio:F2}</text>");
        }

        Line(svg, $"<line x1=\"{Left}\" x2=\"{Left}\" y1=\"{Top}\" y2=\"{Top + PlotHeight}\" stroke=\"#333\"/>");
    }

    private static void Bar(StringBuilder svg, int x, double ratio, double highest, string colour)
    {
        var y = Y(ratio, highest);
        Line(svg, $"<rect x=\"{x}\" y=\"{y:F1}\" width=\"{BarWidth - 4}\" height=\"{Top + PlotHeight - y:F1}\" " +
            $"fill=\"{colour}\"/>");
        Line(svg, $"<text x=\"{x + ((BarWidth - 4) / 2)}\" y=\"{y - 4:F1}\" text-anchor=\"middle\" " +
            $"font-size=\"10\">{ratio:F2}</text>");
    }

    private static void Label(StringBuilder svg, int x, Workload workload)
    {
        var y = Top + PlotHeight + 14;
        Line(svg, $"<text x=\"{x}\" y=\"{y}\" text-anchor=\"end\" transform=\"rotate(-40 {x} {y})\">" +
            $"{Escaped(workload.ToString())}</text>");
    }

    private static double Y(double ratio, double highest) => Top + PlotHeight - (PlotHeight * ratio / highest);

    private static string Escaped(string text) => WebUtility.HtmlEncode(text);

    private static void Line(StringBuilder svg, string line) => svg.Append(line).Append('\n');
}
