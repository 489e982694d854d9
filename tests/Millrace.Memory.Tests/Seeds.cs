using Xunit.Abstractions;

namespace Millrace.Memory.Tests;

/// <summary>
/// The seeds of property tests: some that are always the same and a fresh one, each printed before it is used; and how
/// much of each is run.
/// </summary>
internal static class Seeds
{
    private const int FixedSeeds = 3;
    private static readonly bool IsLong = Environment.GetEnvironmentVariable("MILLRACE_TEST_LONG") == "1";

    /// <summary>How many steps a test runs for one seed.</summary>
    internal static int Volume(int everyDay, int longForm) => IsLong ? longForm : everyDay;

    internal static void ForEach(ITestOutputHelper output, Action<int> test)
    {
        for (var seed = 1; seed <= FixedSeeds; seed++) Run(output, seed, test);
        Run(output, Random.Shared.Next(), test);
    }

    private static void Run(ITestOutputHelper output, int seed, Action<int> test)
    {
        output.WriteLine($"seed {seed}");
        test(seed);
    }
}
