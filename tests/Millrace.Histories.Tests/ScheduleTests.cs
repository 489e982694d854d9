// Builds the server with schedule points and runs histories on it, sound and with each planted fault.
//
// The build goes to a folder of its own below artifacts/histories, so it never mixes with the ordinary one.

using System.Diagnostics;
using System.Globalization;
using Xunit.Abstractions;

namespace Millrace.Histories.Tests;

public sealed class ScheduleTests(ITestOutputHelper output, ScheduledBuild build) : IClassFixture<ScheduledBuild>
{
    private const int Impossible = 3; // the exit code when a history is
    private const int Aborted = 134;  // SIGABRT: the runtime has met what cannot be

    private static bool IsLong => Environment.GetEnvironmentVariable("MILLRACE_TEST_LONG") == "1";

    [Fact]
    public void Histories_under_a_seeded_schedule_are_linearizable()
    {
        var count = IsLong ? 10_000 : 500;
        var fresh = Random.Shared.Next(1_000_000, 2_000_000);
        output.WriteLine($"fresh seed {fresh}");
        Assert.Equal(0, Run("", 1, count / 2));
        Assert.Equal(0, Run("", fresh, count / 2));
    }

    [Theory]
    [InlineData("lock-left-out")]
    [InlineData("gate-before-lock")]
    [InlineData("effects-after-unlock")]
    [InlineData("waiters-after-unlock")]
    [InlineData("watched-not-locked")]
    [InlineData("mail-after-reply")]
    [InlineData("mail-gathered-late")]
    [InlineData("invalidations-after-unlock")]
    public void A_planted_fault_is_found(string fault)
    {
        var code = Run(fault, 1, 500);
        if (fault == "lock-left-out" && code == Aborted) return; // two threads in one table, and it is damaged
        Assert.Equal(Impossible, code);
    }

    [Theory]
    [InlineData("crashing", 10, 1000)]
    [InlineData("late", 1, 300)]
    public void Nothing_acknowledged_is_lost_when_the_power_fails(string kind, int count, int countWhenLong)
    {
        var fresh = Random.Shared.Next(1_000_000, 2_000_000);
        output.WriteLine($"fresh seed {fresh}");
        Assert.Equal(0, Run("", fresh, IsLong ? countWhenLong : count, kind));
    }

    [Fact]
    public void A_reply_that_leaves_before_its_fsync_is_found() =>
        Assert.Equal(Impossible, Run("acknowledged-before-fsync", 1, 20, "crashing"));

    [Fact]
    public void Files_that_a_test_replaces_are_all_that_a_server_writes()
    {
        if (!File.Exists("/usr/bin/strace"))
        {
            output.WriteLine("not shown: there is no strace");
            return;
        }

        Assert.Equal(0, Start("", [build.Executable, "tracing"]));
    }

    private int Run(string fault, int seed, int count, string kind = "") => Start(
        fault,
        [
            build.Executable, seed.ToString(CultureInfo.InvariantCulture),
            count.ToString(CultureInfo.InvariantCulture), kind,
        ]);

    private int Start(string fault, string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", arguments) { RedirectStandardOutput = true };
        start.Environment["MILLRACE_PLANTED_FAULT"] = fault;
        using var process = Process.Start(start)!;
        output.WriteLine(process.StandardOutput.ReadToEnd());
        process.WaitForExit();
        return process.ExitCode;
    }
}

/// <summary>The executable with schedule points, built once for all tests.</summary>
public sealed class ScheduledBuild
{
    public ScheduledBuild()
    {
        var artifacts = Path.Combine(Root(), "artifacts", "histories");
        string[] arguments =
        [
            "build", Path.Combine(Root(), "tests", "Millrace.Histories", "Millrace.Histories.csproj"), "-c", "Release",
            "-v", "q", "--nologo", "-nodeReuse:false", "-p:ScheduleBuild=true", "-p:RunAnalyzers=false",
            "-p:ArtifactsPath=" + artifacts,
        ];
        using var process = Process.Start(new ProcessStartInfo("dotnet", arguments) { RedirectStandardOutput = true })!;
        var text = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0)
            throw new InvalidOperationException("the build with schedule points failed\n" + text);
        Executable = Path.Combine(artifacts, "bin", "Millrace.Histories", "release", "Millrace.Histories.dll");
    }

    public string Executable { get; }

    private static string Root()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(directory!.FullName, "Directory.Build.props"))) directory = directory.Parent;
        return directory.FullName;
    }
}
