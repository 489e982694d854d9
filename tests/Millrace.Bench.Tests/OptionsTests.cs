using Millrace.Bench.Compare;
using Millrace.Bench.Load;
using Millrace.Bench.Scale;
using Millrace.Bench.Servers;
using Millrace.Bench.Snapshot;

namespace Millrace.Bench.Tests;

/// <summary>Command lines.</summary>
public class OptionsTests
{
    [Fact]
    public void Without_options_compare_measures_the_usual_table_with_its_own_generator()
    {
        var options = CompareOptions.From(new Arguments([]));
        Assert.Equal(9, options.Workloads.Count);
        Assert.All(options.Workloads, row => Assert.Equal("own", row.Load));
        Assert.Equal(("0", "1", 1), (options.ServerCores, options.LoadCores, options.Loops));
    }

    [Fact]
    public void Rows_replace_the_table_and_both_generators_double_them()
    {
        var options = CompareOptions.From(
            new Arguments(["--workload", "get,50,16,1000,3", "--load", "both", "--workload", "set,1,2,3,4"]));
        Assert.Equal(4, options.Workloads.Count);
        Assert.Equal(new Workload("get", 50, 16, 1000, 3), options.Workloads[0]);
        Assert.Equal(new Workload("set", 1, 2, 3, 4) { Load = "redis-benchmark" }, options.Workloads[3]);
    }

    [Theory]
    [InlineData("--rounds")]
    [InlineData("--rounds", "0")]
    [InlineData("--rounds", "x")]
    [InlineData("--turns", "3")]
    [InlineData("--rounds", "1", "--rounds", "2")]
    [InlineData("--nonsense", "1")]
    [InlineData("--table", "small")]
    [InlineData("--load", "memtier")]
    [InlineData("--load", "both", "--rate", "1000")]
    [InlineData("--native", "/no/such/file")]
    [InlineData("--peer", "valkey")]
    [InlineData("--peer", "=path")]
    [InlineData("--workload", "get,50,16,1000")]
    [InlineData("--workload", "flushall,50,16,1000,3")]
    [InlineData("--workload", "get,0,16,1000,3")]
    public void A_wrong_command_line_of_compare_is_a_usage_error(params string[] args) =>
        Assert.Throws<UsageException>(() => CompareOptions.From(new Arguments(args)));

    [Theory]
    [InlineData("--part", "both")]
    [InlineData("--shape", "lists")]
    [InlineData("--keys", "99")]
    [InlineData("--seconds", "0")]
    [InlineData("--native", "/no/such/file")]
    [InlineData("--nonsense")]
    public void A_wrong_command_line_of_snapshot_is_a_usage_error(params string[] args) =>
        Assert.Throws<UsageException>(() => SnapshotOptions.From(new Arguments(args)));

    [Theory]
    [InlineData(5_000_000, "get-set")]
    [InlineData(10_000_000, "get-set", "--part", "alone")]
    [InlineData(10_000_000, "zscore-zadd", "--shape", "zsets")]
    public void Snapshot_has_as_many_keys_as_its_part_and_shape_ask_for(int keys, string load, params string[] args)
    {
        var options = SnapshotOptions.From(new Arguments(args));
        Assert.Equal((keys, load, 3), (options.Keys, options.Load, options.Rounds));
    }

    [Theory]
    [InlineData("--partitions", "256")]
    [InlineData("--partitions", "3")]
    [InlineData("--batch", "33")]
    [InlineData("--load", "get,del")]
    public void A_wrong_command_line_of_scale_is_a_usage_error(params string[] args) =>
        Assert.Throws<UsageException>(() => ScaleOptions.From(new Arguments(args)));

    [Fact]
    public void Thread_counts_are_powers_of_two_and_the_number_of_cores()
    {
        Assert.Equal([1], ScaleOptions.PowersUpTo(1));
        Assert.Equal([1, 2], ScaleOptions.PowersUpTo(2));
        Assert.Equal([1, 2, 4, 6], ScaleOptions.PowersUpTo(6));
        Assert.Equal([1, 2, 4, 8], ScaleOptions.PowersUpTo(8));
    }

    [Fact]
    public void Load_options_survive_the_way_to_the_process_that_runs_them()
    {
        var options = new LoadOptions
        {
            Port = 1234,
            Command = "set",
            Connections = 7,
            Pipeline = 3,
            Requests = 100,
            Keys = 1000,
            ValueSize = 9,
            IsSequential = true,
            FirstKey = 900,
            Rate = 5,
        };
        Assert.Equal(options, LoadOptions.From(new Arguments(options.ToArguments())));
        Assert.Throws<UsageException>(
            () => LoadOptions.From(new Arguments((options with { FirstKey = 901 }).ToArguments())));
    }

    [Fact]
    public void Options_of_subscribers_survive_the_way_to_the_process_that_has_them()
    {
        var options = new HearOptions { Port = 1234, Shape = HearOptions.Patterns, Count = 1024, Size = 7 };
        Assert.Equal(options, HearOptions.From(new Arguments(options.ToArguments())));
    }

    [Theory]
    [InlineData("--shape", "all")]
    [InlineData("--shape", "patterns", "--count", "1025")]
    [InlineData("--shape", "few", "--count", "9")]
    [InlineData("--shape", "stopped", "--count", "1")]
    [InlineData("--count", "0")]
    public void A_wrong_command_line_of_subscribers_is_a_usage_error(params string[] args) =>
        Assert.Throws<UsageException>(() => HearOptions.From(new Arguments(args)));

    [Fact]
    public void Rows_of_publish_name_a_shape_and_a_pipeline()
    {
        Assert.Equal([new PublishRow("few", 16), new PublishRow("channel", 1)], PublishRow.AllOf("few/16,channel/1"));
        foreach (var wrong in (string[])["few", "few/0", "few/x", "stopped/1", "few/1,", ""])
            Assert.Throws<UsageException>(() => PublishRow.AllOf(wrong));
    }

    [Fact]
    public void A_peer_gets_the_options_of_redis_server_unless_it_says_where_the_port_goes()
    {
        var valkey = ServerRecipe.Peer("valkey=/opt/valkey-server --io-threads 2");
        Assert.Equal(("valkey", "/opt/valkey-server"), (valkey.Name, valkey.File));
        Assert.Equal(["--io-threads", "2"], valkey.Arguments.TakeLast(2));
        Assert.Contains("{port}", valkey.Arguments);
        var garnet = ServerRecipe.Peer("garnet=/opt/GarnetServer --port {port} --bind 127.0.0.1");
        Assert.Equal(["--port", "{port}", "--bind", "127.0.0.1"], garnet.Arguments);
    }
}
