using Millrace.Bench.Load;
using Millrace.Bench.Servers;
using Millrace.Bench.Snapshot;

namespace Millrace.Bench.Tests;

/// <summary>The parts of `snapshot`, and both of its kinds from end to end with tiny numbers.</summary>
public class SnapshotTests
{
    [Fact]
    public void Lines_of_a_status_file_are_summed_by_their_names()
    {
        string[] lines = ["Name:\tserver", "VmRSS:\t    1024 kB", "Private_Clean:      8 kB", "Private_Dirty:    4 kB"];
        Assert.Equal(1024 * 1024, ResidentPeak.SumOf(lines, "VmRSS"));
        Assert.Equal(12 * 1024, ResidentPeak.SumOf(lines, "Private_Clean", "Private_Dirty"));
        Assert.Equal(0, ResidentPeak.SumOf([], "VmRSS"));
    }

    [Fact]
    public void Memory_that_comes_while_it_is_watched_is_in_the_peak_and_stays_there()
    {
        using var peak = new ResidentPeak(Environment.ProcessId);
        Assert.True(SpinWait.SpinUntil(() => peak.Bytes > 0, 10_000));
        var before = peak.Bytes;
        var block = new byte[64 << 20];
        Array.Fill(block, (byte)1);
        Assert.True(SpinWait.SpinUntil(() => peak.Bytes > before + (block.Length / 2), 10_000));
        GC.KeepAlive(block);
    }

    [Fact]
    public void A_field_of_info_is_found_by_its_whole_name()
    {
        const string Info = "# Persistence\r\nrdb_bgsave_in_progress:1\r\nrdb_bgsave:2\r\n";
        Assert.Equal("1", Saves.Field(Info, "rdb_bgsave_in_progress"));
        Assert.Equal("2", Saves.Field(Info, "rdb_bgsave"));
        Assert.Equal("-", Saves.Field(Info, "rdb"));
    }

    [Fact]
    public void Each_line_ends_one_phase_and_the_end_of_the_input_ends_the_load()
    {
        var output = new StringWriter();
        var phases = new PhaseLines(new StringReader("\n\n"), output);
        Assert.True(SpinWait.SpinUntil(() => phases.IsOver, 10_000));
        Assert.True(phases.TryTake());
        Assert.True(phases.TryTake());
        Assert.False(phases.TryTake());
        phases.Tell(new LoadResult { Requests = 7 });
        Assert.Contains("\"Requests\":7", output.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("load", "strings")]
    [InlineData("alone", "zsets")]
    public async Task A_tiny_run_measures_all_servers_and_leaves_nothing_behind(string part, string shape)
    {
        var cores = $"0-{Environment.ProcessorCount - 1}";
        var options = SnapshotOptions.From(new Arguments(
        [
            "--part", part, "--shape", shape, "--keys", "2000", "--seconds", "1", "--rounds", "1", "--load-core", cores,
        ]));
        string folder;
        using (var children = new ChildProcesses())
        {
            folder = children.Folder;
            Assert.Equal(0, await new SnapshotBench(options, children).RunAsync());
        }

        Assert.False(Directory.Exists(folder));
    }
}
