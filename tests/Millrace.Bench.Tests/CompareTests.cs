using Millrace.Bench.Compare;
using Millrace.Bench.Servers;

namespace Millrace.Bench.Tests;

/// <summary>A comparison from end to end, with tiny numbers: what is proved is that it measures, not what.</summary>
public class CompareTests
{
    [Fact]
    public void A_tiny_comparison_measures_all_rows_on_all_servers_and_leaves_nothing_behind()
    {
        // Any core: a test must not fight for one with what runs beside it.
        var cores = $"0-{Environment.ProcessorCount - 1}";
        var options = CompareOptions.From(new Arguments(
        [
            "--workload", "get,5,4,2000,8", "--workload", "set,1,1,2000,8", "--rounds", "1", "--requests", "2000",
            "--warm-up", "0", "--server-core", cores, "--load-core", cores,
        ]));
        string folder;
        Comparison comparison;
        using (var children = new ChildProcesses())
        {
            folder = children.Folder;
            comparison = new CompareBench(options, children).Run();
        }

        Assert.False(Directory.Exists(folder));
        Assert.Equal("millrace", comparison.Servers[^1]);
        Assert.Equal(2 * comparison.Servers.Count, comparison.Rows.Count);
        Assert.All(comparison.Rows, row =>
        {
            Assert.True(row.CpuUs > 0);
            Assert.True(row.RequestsPerSecond > 0);
            Assert.True(row.P50Us > 0 && row.P50Us <= row.P99Us && row.P99Us <= row.P999Us);
        });
        Assert.Equal(comparison.Servers.Count, comparison.Memory.Count);
        Assert.Contains("millrace", RatioChart.Of(comparison), StringComparison.Ordinal);
    }

    [Fact]
    public void A_server_that_does_not_start_is_reported_with_what_it_said()
    {
        using var children = new ChildProcesses();
        var recipe = new ServerRecipe("broken", "sh", ["-c", "echo no such luck; exit 3"]);
        var fault = Assert.Throws<ServerStartException>(() => new ServerUnderTest(children, recipe, cores: null, 1));
        Assert.Contains("no such luck", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void When_the_guard_loses_its_owner_the_children_die()
    {
        var children = new ChildProcesses();
        var process = children.Start(cores: null, "sleep", ["600"]);
        children.Abandon();
        Assert.True(process.WaitForExit(10_000));
        Assert.Equal(137, process.ExitCode);
    }
}
