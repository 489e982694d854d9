using System.Globalization;
using System.Text;
using Millrace.Compat.Tests.Servers;
using Millrace.Compat.Tests.Wire;
using Xunit.Abstractions;

namespace Millrace.Compat.Tests.Tools;

/// <summary>Unchanged redis-cli and redis-benchmark against the server.</summary>
public sealed class RedisToolsTests(MillraceAlone fixture, ITestOutputHelper output) : IClassFixture<MillraceAlone>
{
    private static readonly int s_pipedSets = TestSettings.Long ? 1_000_000 : 50_000;
    private readonly string _port = fixture.Server.Port.ToString(CultureInfo.InvariantCulture);

    [Theory]
    [InlineData("SET greeting hello", "OK\n")]
    [InlineData("GET greeting", "hello\n")]
    [InlineData("--no-raw GET greeting", "\"hello\"\n")]
    [InlineData("--no-raw GET nothing-there", "(nil)\n")]
    [InlineData("--no-raw STRLEN greeting", "(integer) 5\n")]
    [InlineData("--no-raw MGET greeting nothing-there", "1) \"hello\"\n2) (nil)\n")]
    [InlineData("-3 --no-raw CONFIG GET timeout", "1# \"timeout\" => \"0\"\n")]
    [InlineData("-3 --no-raw DEBUG PROTOCOL double", "(double) 3.141\n")]
    [InlineData("-3 --no-raw DEBUG PROTOCOL true", "(true)\n")]
    [InlineData("-3 --no-raw DEBUG PROTOCOL set", "1~ (integer) 0\n2~ (integer) 1\n3~ (integer) 2\n")]
    [InlineData("-n 3 SET other 1", "OK\n")]
    [InlineData("-n 3 DBSIZE", "1\n")]
    [InlineData("--json GET greeting", "\"hello\"\n")]
    [InlineData("PING", "PONG\n")]
    public void One_shot_commands_print_what_they_print_for_redis(string arguments, string expected)
    {
        Cli("SET", "greeting", "hello");
        Cli("-n", "3", "FLUSHDB");
        if (arguments.Contains("DBSIZE", StringComparison.Ordinal))
            Cli("-n", "3", "SET", "other", "1");
        ToolRun run = Cli(arguments.Split(' '));
        Assert.Equal(expected, run.Output);
        Assert.Equal(0, run.ExitCode);
    }

    [Fact]
    public void An_error_is_printed_and_with_e_is_the_exit_code()
    {
        Assert.Contains("ERR unknown command 'nothing'", Cli("nothing").Output, StringComparison.Ordinal);
        Assert.NotEqual(0, Cli("-e", "nothing").ExitCode);
    }

    [Fact]
    public void Pipe_loads_all_its_sets()
    {
        using var input = new MemoryStream();
        for (int i = 0; i < s_pipedSets; i++)
            input.Write(RawConnection.Encode("SET", $"piped:{i}", $"value {i}"));
        ToolRun run = ToolRun.Run("redis-cli", ["-p", _port, "-n", "5", "--pipe"], input.ToArray());
        output.WriteLine(run.ToString());
        Assert.Contains($"errors: 0, replies: {s_pipedSets}", run.Output, StringComparison.Ordinal);
        Assert.Equal($"{s_pipedSets}\n", Cli("-n", "5", "DBSIZE").Output);
        Assert.Equal($"value {s_pipedSets - 1}\n", Cli("-n", "5", "GET", $"piped:{s_pipedSets - 1}").Output);
        Cli("-n", "5", "FLUSHDB");
    }

    [Fact]
    public void Scan_lists_every_key_of_a_pattern_once_or_more()
    {
        Cli("-n", "6", "DEBUG", "POPULATE", "3000", "scanned");
        Cli("-n", "6", "SET", "other", "1");
        ToolRun run = Cli("-n", "6", "--scan", "--pattern", "scanned:*");
        Assert.Equal(3000,
            run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Distinct(StringComparer.Ordinal).Count());
        run = Cli("-n", "6", "--scan");
        Assert.Equal(3001,
            run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Distinct(StringComparer.Ordinal).Count());
    }

    [Fact]
    public void Bigkeys_and_memkeys_find_the_biggest()
    {
        Cli("-n", "7", "DEBUG", "POPULATE", "200", "k");
        Cli("-n", "7", "SET", "biggest", new string('b', 5000));
        ToolRun big = Cli("-n", "7", "--bigkeys");
        Assert.Contains("Biggest string found '\"biggest\"' has 5000 bytes", big.Output, StringComparison.Ordinal);
        Assert.Contains("Sampled 201 keys in the keyspace!", big.Output, StringComparison.Ordinal);
        ToolRun memory = Cli("-n", "7", "--memkeys");
        Assert.Contains("Biggest string found '\"biggest\"' has", memory.Output, StringComparison.Ordinal);
        Assert.Contains("201 strings with", memory.Output, StringComparison.Ordinal);
        ToolRun hot = Cli("-n", "7", "--hotkeys");
        Assert.Contains("LFU", hot.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Latency_and_stat_print_figures()
    {
        ToolRun latency = ToolRun.Run("redis-cli", ["-p", _port, "--raw", "--latency", "-i", "1"], timeoutMs: 4000);
        output.WriteLine(latency.ToString());
        // Without a terminal it prints one line of four figures after the interval and ends.
        string[] figures = latency.Output.Trim().Split('\n')[0].Split(' ');
        Assert.Equal(4, figures.Length);
        Assert.True(int.Parse(figures[3], CultureInfo.InvariantCulture) > 10);

        // It never ends, and without a terminal it would keep its lines in a buffer.
        string endless = $"timeout 1 {ServerFiles.Tool("redis-cli")} -p {_port} --stat -i 0.1";
        ToolRun stat = ToolRun.Run("script", ["-qec", endless, "/dev/null"], timeoutMs: 5000);
        output.WriteLine(stat.ToString());
        Assert.Contains("------- data ------", stat.Output, StringComparison.Ordinal);
        string line = stat.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[2];
        Assert.Matches("^\\d+ +\\d+(\\.\\d+)?[KMGB]* +\\d+ +\\d+ +\\d+ \\(\\+\\d+\\) +\\d+", line);
    }

    [Fact]
    public void The_prompt_works_on_a_terminal()
    {
        string command = $"stty cols 150 rows 40; {ServerFiles.Tool("redis-cli")} -p {_port}";
        const string typed = "SET typed 1\rINCR typed\rGET typed\rSELECT 2\rDBSIZE\r"
            + "HELLO 3\rCONFIG GET timeout\rnothing\rexit\r";
        ToolRun run = ToolRun.Run("script", ["-qec", command, "/dev/null"], Encoding.ASCII.GetBytes(typed),
            timeoutMs: 15_000, typesSlowly: true);
        output.WriteLine(run.ToString());
        Assert.Contains($"127.0.0.1:{_port}>", run.Output, StringComparison.Ordinal);
        Assert.Contains("(integer) 2", run.Output, StringComparison.Ordinal);
        Assert.Contains("\"2\"", run.Output, StringComparison.Ordinal);
        Assert.Contains($"127.0.0.1:{_port}[2]>", run.Output, StringComparison.Ordinal);
        Assert.Contains("1# \"timeout\" => \"0\"", run.Output, StringComparison.Ordinal);
        Assert.Contains("(error) ERR unknown command 'nothing'", run.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(16)]
    [InlineData(64)]
    public void Benchmark_runs_without_an_error(int pipeline)
    {
        string requests = TestSettings.Long ? "200000" : "10000";
        ToolRun run = ToolRun.Run("redis-benchmark",
            ["-p", _port, "-t", "ping,set,get,incr,mset", "-n", requests, "-P", $"{pipeline}", "-c", "20", "--csv",
                "-r", "1000"]);
        output.WriteLine(run.ToString());
        Assert.Equal(0, run.ExitCode);
        Assert.DoesNotContain("rror", run.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("WARNING", run.ToString(), StringComparison.Ordinal);
        foreach (string test in (string[])["PING_INLINE", "PING_MBULK", "SET", "GET", "INCR", "MSET (10 keys)"])
            Assert.Contains($"\"{test}\"", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Benchmark_with_RESP3_and_threads_runs_without_an_error()
    {
        ToolRun run = ToolRun.Run("redis-benchmark",
            ["-p", _port, "-t", "set,get", "-n", "10000", "-P", "4", "-3", "--threads", "2", "-q"]);
        Assert.Equal(0, run.ExitCode);
        Assert.DoesNotContain("rror", run.ToString(), StringComparison.Ordinal);
    }

    private ToolRun Cli(params string[] arguments) => ToolRun.Run("redis-cli", ["-p", _port, .. arguments]);
}
