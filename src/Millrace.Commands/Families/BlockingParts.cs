namespace Millrace.Commands.Families;

/// <summary>What the tables of commands that wait have in common.</summary>
internal static class BlockingParts
{
    /// <summary>What a command does with the keys that it takes elements from.</summary>
    internal const KeyFlags Popped = KeyFlags.RW | KeyFlags.Access | KeyFlags.Delete;

    /// <summary>The history of the older ones.</summary>
    internal static (string Version, string Change)[] TimeoutIsDouble =>
        [("6.0.0", "`timeout` is interpreted as a double instead of an integer.")];
}
