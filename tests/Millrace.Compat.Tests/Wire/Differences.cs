namespace Millrace.Compat.Tests.Wire;

/// <summary>Fails with every difference that was found, not the first few.</summary>
public static class Differences
{
    /// <summary>Requires: nothing in the list.</summary>
    public static void AssertNone(IEnumerable<string> found)
    {
        string[] lines = [.. found.Order(StringComparer.Ordinal)];
        Assert.True(lines.Length == 0, $"{lines.Length} differences:\n{string.Join('\n', lines)}");
    }
}
