namespace Millrace.Memory.Tests;

/// <summary>Waits for what another thread does; the limit is there only so that a failure ends.</summary>
internal static class Eventually
{
    private const int LimitMs = 60_000;

    internal static void Holds(Func<bool> condition, string what) =>
        Assert.True(SpinWait.SpinUntil(condition, LimitMs), what);

    /// <summary>Waits until the source's thread has discarded and prepared what it was going to.</summary>
    internal static void Settles(MemorySource source) => Holds(() => source.IsSettled, "the source settles");
}
