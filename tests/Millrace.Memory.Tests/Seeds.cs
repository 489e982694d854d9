using Xunit.Abstractions;

namespace Millrace.Memory.Tests;

/// <summary>
/// The seeds of property tests: some that are always the same and a fresh one, each printed before it is used.
/// </summary>
internal static class Seeds
{
    private const int FixedSeeds = 3;

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
