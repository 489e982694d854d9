// Builds the server with schedule points, and with each planted fault, and runs histories on it.
//
// The builds go to folders of their own below artifacts/histories, so they never mix with ordinary ones.

using System.Diagnostics;
using System.Globalization;
using Xunit.Abstractions;

namespace Millrace.Histories.Tests;

public sealed class ScheduleTests(ITestOutputHelper output)
{
    private static bool IsLong => Environment.GetEnvironmentVariable("MILLRACE_TEST_LONG") == "1";

    [Fact]
    public void Histories_under_a_seeded_schedule_are_linearizable()
    {
        var count = IsLong ? 10_000 : 500;
        var fresh = Random.Shared.Next(1_000_000, 2_000_000);
        output.WriteLine($"fresh seed {fresh}");
        var executable = Build("");
        Assert.Equal(0, Run(executable, 1, count / 2));
        Assert.Equal(0, Run(executable, fresh, count / 2));
    }

    [Theory]
    [InlineData("FAULT_LOCK_LEFT_OUT")]
    [InlineData("FAULT_GATE_BEFORE_LOCK")]
    [InlineData("FAULT_EFFECTS_AFTER_UNLOCK")]
    public void A_planted_fault_is_found(string fault) => Assert.NotEqual(0, Run(Build(fault), 1, 500));

    private static string Root()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(directory!.FullName, "Directory.Build.props"))) directory = directory.Parent;
        return directory.FullName;
    }

    private string Build(string fault)
    {
        var name = fault.Length == 0 ? "sound" : fault;
        var artifacts = Path.Combine(Root(), "artifacts", "histories", name);
        var project = Path.Combine(Root(), "tests", "Millrace.Histories", "Millrace.Histories.csproj");
        var code = Start(
            "dotnet",
            [
                "build", project, "-c", "Release", "-v", "q", "--nologo", "-nodeReuse:false", "-p:ScheduleBuild=true",
                "-p:RunAnalyzers=false", "-p:PlantedFault=" + fault, "-p:ArtifactsPath=" + artifacts,
            ]);
        Assert.Equal(0, code);
        return Path.Combine(artifacts, "bin", "Millrace.Histories", "release", "Millrace.Histories.dll");
    }

    private int Run(string executable, int seed, int count) => Start(
        "dotnet",
        [executable, seed.ToString(CultureInfo.InvariantCulture), count.ToString(CultureInfo.InvariantCulture)]);

    private int Start(string file, string[] arguments)
    {
        var start = new ProcessStartInfo(file, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        process.OutputDataReceived += (_, line) => Write(line.Data);
        process.ErrorDataReceived += (_, line) => Write(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        process.WaitForExit();
        return process.ExitCode;
    }

    private void Write(string? line)
    {
        if (line is null) return;
        lock (output) output.WriteLine(line);
    }
}
