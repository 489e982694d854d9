namespace Millrace.Commands;

/// <summary>Comparison of a client's words with ours: ASCII letters compare without case.</summary>
public static class Words
{
    /// <summary>Whether the word is <paramref name="expected"/>, in any case.</summary>
    public static bool Equal(ReadOnlySpan<byte> word, ReadOnlySpan<byte> expected) =>
        word.Length == expected.Length && System.Text.Ascii.EqualsIgnoreCase(word, expected);

    /// <summary>Whether the word is <paramref name="expected"/>, in any case.</summary>
    public static bool Equal(ReadOnlySpan<byte> word, string expected) =>
        word.Length == expected.Length && System.Text.Ascii.EqualsIgnoreCase(word, expected);
}
