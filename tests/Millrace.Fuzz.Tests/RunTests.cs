using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Xunit.Abstractions;

namespace Millrace.Fuzz.Tests;

/// <summary>
/// The fuzzer itself, as a process of its own: short runs with a fixed seed and a fresh one (5 million executions each
/// in the long form), the share of lines reached, and a planted bug that must be found.
/// </summary>
public partial class RunTests(ITestOutputHelper output)
{
    private const double LeastPercent = 90;
    private static readonly bool Long = Environment.GetEnvironmentVariable("MILLRACE_TEST_LONG") == "1";
    private readonly ITestOutputHelper _output = output;

    [Theory]
    [InlineData("request-parser", 200_000)]
    [InlineData("config-parser", 50_000)]
    [InlineData("listpack", 200_000)]
    [InlineData("intset", 200_000)]
    [InlineData("lzf", 200_000)]
    [InlineData("geosearch", 30_000)]
    [InlineData("bitfield", 100_000)]
    [InlineData("hyperloglog", 100_000)]
    [InlineData("restore", 50_000)]
    [InlineData("sort", 30_000)]
    [InlineData("xadd", 150_000)]
    [InlineData("zrange", 30_000)]
    [InlineData("rdb", 30_000)]
    [InlineData("aof", 50_000)]
    [InlineData("manifest", 100_000)]
    public void A_run_finds_no_crash_and_reaches_nine_lines_of_ten(string target, int executions)
    {
        string wanted = Long ? "5000000" : executions.ToString(CultureInfo.InvariantCulture);
        string fresh = Random.Shared.Next().ToString(CultureInfo.InvariantCulture);
        foreach (string seed in (string[])["1", fresh])
        {
            (int code, string text) = Fuzz(target, "--executions", wanted, "--seed", seed, "--lines");
            Assert.True(code == 0, text);
            double percent = double.Parse(Percent().Match(text).Groups[1].Value, CultureInfo.InvariantCulture);
            Assert.True(percent >= LeastPercent, text);
        }
    }

    [Theory]
    [InlineData("request-parser", "1")]
    [InlineData("config-parser", "1")]
    [InlineData("config-parser", "2")]
    [InlineData("restore", "1")]
    [InlineData("zrange", "1")]
    [InlineData("rdb", "1")]
    [InlineData("aof", "1")]
    [InlineData("manifest", "1")]
    public void A_planted_bug_is_found_by_following_coverage(string target, string seed)
    {
        (int code, string text) = Fuzz(target, "--planted", "--executions", "20000000", "--seed", seed);
        Assert.Equal(1, code);
        Assert.Contains("the planted bug", text, StringComparison.Ordinal);
    }

    [Fact]
    public void The_planted_bug_is_not_found_by_chance()
    {
        (int code, string text) = Fuzz(
            "request-parser", "--planted", "--blind", "--executions", "200000", "--seed", "1");
        Assert.True(code == 0, text);
    }

    private (int Code, string Text) Fuzz(params string[] arguments)
    {
        string fuzzer = typeof(FuzzTarget).Assembly.Location;
        var start = new ProcessStartInfo("dotnet", [fuzzer, .. arguments]) { RedirectStandardOutput = true };
        using Process process = Process.Start(start)!;
        string text = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        _output.WriteLine(text);
        return (process.ExitCode, text);
    }

    [GeneratedRegex(@"\(([0-9.]+) %\)")]
    private static partial Regex Percent();
}
