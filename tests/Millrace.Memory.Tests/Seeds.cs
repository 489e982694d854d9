using Xunit.Abstractions;

namespace Millrace.Memory.Tests;

/// <summary>The seeds of property tests: some that are always the same and a fresh one, each printed before it is used.</summary>
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

/// <summary>A test that says something only about the checked heap.</summary>
public sealed class CheckedHeapFactAttribute : FactAttribute
{
    public CheckedHeapFactAttribute()
    {
        if (!Heap.IsChecked) Skip = "The heap is not checked in this run.";
    }
}

/// <summary>A test that says something only about the plain heap (MILLRACE_CHECKED_HEAP=0).</summary>
public sealed class PlainHeapFactAttribute : FactAttribute
{
    public PlainHeapFactAttribute()
    {
        if (Heap.IsChecked) Skip = "The heap is checked in this run.";
    }
}
