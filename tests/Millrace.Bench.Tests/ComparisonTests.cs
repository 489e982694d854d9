using System.Text.Json;
using System.Xml.Linq;
using Millrace.Bench.Compare;
using Millrace.Bench.Load;
using Millrace.Bench.Servers;

namespace Millrace.Bench.Tests;

/// <summary>Medians, ratios, the table, the JSON and the picture of a made-up comparison.</summary>
public class ComparisonTests
{
    private static readonly Workload Get = new("get", 50, 16, 1000, 3);
    private static readonly Workload Set = new("set", 50, 16, 1000, 3);

    [Fact]
    public void Figures_are_medians_and_ratios_are_to_the_first_server_within_a_turn()
    {
        var comparison = MadeUp();
        var row = comparison.Rows.Single(one => one.Workload == Get && one.Server == "<ours>");
        Assert.Equal(0.8, row.CpuUs);
        Assert.Equal(0.45, row.CpuRatio);
        Assert.Equal(200, row.P99Us);
        Assert.Null(row.P999Us);
        Assert.Equal(0.5, comparison.Memory[1].Ratio);
        Assert.Equal(1.5, Comparison.Median([2, 1]));
        Assert.Throws<ArgumentException>(() => Comparison.Median([]));
    }

    [Fact]
    public void The_table_has_a_line_for_each_workload_and_server()
    {
        var lines = CompareTable.Of(MadeUp()).Split('\n');
        Assert.Equal("how it was measured", lines[0]);
        Assert.Equal(2, lines.Count(line => line.StartsWith("get ", StringComparison.Ordinal)));
        Assert.Contains(lines, line => line.Contains("<ours>", StringComparison.Ordinal)
            && line.Contains("0.800   0.45", StringComparison.Ordinal));
    }

    [Fact]
    public void The_JSON_has_the_figures_and_the_turns_that_they_come_from()
    {
        using var document = JsonDocument.Parse(MadeUp().ToJson());
        var rows = document.RootElement.GetProperty("rows");
        Assert.Equal(4, rows.GetArrayLength());
        Assert.Equal("get", rows[1].GetProperty("workload").GetProperty("command").GetString());
        Assert.Equal(3, rows[1].GetProperty("cpuUsOfTurns").GetArrayLength());
        Assert.Equal(2, document.RootElement.GetProperty("memory").GetArrayLength());
    }

    [Fact]
    public void The_picture_is_XML_with_a_bar_per_workload_as_high_as_its_ratio_and_a_line_at_one()
    {
        XNamespace svg = "http://www.w3.org/2000/svg";
        var picture = XDocument.Parse(RatioChart.Of(MadeUp())).Root!;
        var texts = picture.Elements(svg + "text").Select(text => text.Value).ToList();
        Assert.Contains(Get.ToString(), texts);
        Assert.Contains("<ours>", texts);
        var one = picture.Elements(svg + "line").Single(line => line.Attribute("stroke-dasharray") is not null);
        var bars = picture.Elements(svg + "rect")
            .Where(bar => bar.Attribute("y")?.Value.Contains('.') == true).ToList();
        Assert.Equal(2, bars.Count);
        var bottom = Number(bars[0], "y") + Number(bars[0], "height");
        var unit = bottom - Number(one, "y1");
        Assert.Equal(0.45, Number(bars[0], "height") / unit, 2);
        Assert.Equal(1.5, Number(bars[1], "height") / unit, 2);
    }

    [Fact]
    public void The_output_of_redis_benchmark_is_read_with_and_without_latencies()
    {
        const string Now = "\"test\",\"rps\",\"avg\",\"min\",\"p50\",\"p95\",\"p99\",\"max\"\n" +
            "\"GET\",\"123456.78\",\"0.5\",\"0.1\",\"0.4\",\"0.9\",\"1.2\",\"3.5\"\n";
        var result = LoadProcess.ParseCsv(Now, 10);
        Assert.Equal((123456.78, 400.0, 1200.0, 3500.0),
            (result.RequestsPerSecond, result.P50Us, result.P99Us, result.MaxUs));
        Assert.Null(result.P999Us);
        Assert.Null(LoadProcess.ParseCsv("\"GET\",\"5.0\"\n", 10).P50Us);
        Assert.Throws<IOException>(() => LoadProcess.ParseCsv("", 10));
        Assert.Throws<IOException>(() => LoadProcess.ParseCsv("Could not connect", 10));
    }

    private static double Number(XElement element, string name) =>
        double.Parse(element.Attribute(name)!.Value, System.Globalization.CultureInfo.InvariantCulture);

    private static Comparison MadeUp()
    {
        ServerRecipe[] servers = [new("redis", "redis-server", []), new("<ours>", "millrace", [])];
        var comparison = new Comparison(servers, "how it was measured");
        foreach (var cpu in (double[])[2, 1, 5]) comparison.Add(Get, "redis", Sample(cpu));
        foreach (var cpu in (double[])[0.9, 0.8, 0.7]) comparison.Add(Get, "<ours>", Sample(cpu));
        comparison.Add(Set, "redis", Sample(2));
        comparison.Add(Set, "<ours>", Sample(3));
        comparison.AddMemory(1000, 3, "redis", 100);
        comparison.AddMemory(1000, 3, "<ours>", 50);
        return comparison;
    }

    private static Sample Sample(double cpuUs) =>
        new(cpuUs, new LoadResult { RequestsPerSecond = 1e6 / cpuUs, P50Us = 100, P99Us = 200 });
}
