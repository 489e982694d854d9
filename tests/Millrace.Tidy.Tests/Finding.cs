using System.Runtime.InteropServices;

namespace Millrace.Tidy.Tests;

/// <summary>A place that breaks a rule, and how.</summary>
[StructLayout(LayoutKind.Auto)]
public readonly record struct Finding(string Path, int Line, string Message)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Path}:{Line}: {Message}";

    /// <summary>Fails the test that calls it when a rule found anything, and names every place.</summary>
    public static void AssertNone(IEnumerable<Finding> findings)
    {
        string[] all = [.. findings.Select(finding => finding.ToString())];
        Assert.True(all.Length == 0, $"{all.Length} findings:\n{string.Join('\n', all)}");
    }
}
