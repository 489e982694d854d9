// Glob patterns over names: * any run, ? one byte, [abc] [a-z] [^x] one of a class, \ takes the next byte literally.
// Semantics of Redis's stringmatch. Steps are limited by backtracking to the last star only: O(pattern * name).

namespace Millrace.Server.Config;

/// <summary>Matches names against glob patterns.</summary>
public static class NamePattern
{
    /// <summary>Whether the whole name matches the pattern.</summary>
    /// <param name="pattern">The pattern.</param>
    /// <param name="name">The name.</param>
    /// <param name="ignoreCase">Letters match in any case.</param>
    public static bool Matches(ReadOnlySpan<byte> pattern, ReadOnlySpan<byte> name, bool ignoreCase)
    {
        int p = 0;
        int n = 0;
        int star = -1;
        int starName = 0;
        while (n < name.Length)
        {
            if (p < pattern.Length && pattern[p] == (byte)'*')
            {
                star = p++;
                starName = n;
                continue;
            }

            int next = p;
            if (p < pattern.Length && MatchesOne(pattern, ref next, name[n], ignoreCase))
            {
                p = next;
                n++;
                continue;
            }

            if (star < 0) return false;
            p = star + 1;
            n = ++starName;
        }

        while (p < pattern.Length && pattern[p] == (byte)'*') p++;
        return p == pattern.Length;
    }

    private static bool MatchesOne(ReadOnlySpan<byte> pattern, ref int p, byte value, bool ignoreCase)
    {
        byte c = pattern[p++];
        if (c == (byte)'?') return true;
        if (c == (byte)'[') return MatchesClass(pattern, ref p, value, ignoreCase);
        if (c == (byte)'\\' && p < pattern.Length) c = pattern[p++];
        return Fold(c, ignoreCase) == Fold(value, ignoreCase);
    }

    private static bool MatchesClass(ReadOnlySpan<byte> pattern, ref int p, byte value, bool ignoreCase)
    {
        bool negated = p < pattern.Length && pattern[p] == (byte)'^';
        if (negated) p++;
        bool found = false;
        byte folded = Fold(value, ignoreCase);
        while (p < pattern.Length && pattern[p] != (byte)']')
        {
            if (pattern[p] == (byte)'\\' && p + 1 < pattern.Length)
            {
                found |= pattern[p + 1] == value;
                p += 2;
            }
            else if (p + 2 < pattern.Length && pattern[p + 1] == (byte)'-')
            {
                byte low = Fold(pattern[p], ignoreCase);
                byte high = Fold(pattern[p + 2], ignoreCase);
                found |= folded >= Math.Min(low, high) && folded <= Math.Max(low, high);
                p += 3;
            }
            else
            {
                found |= Fold(pattern[p], ignoreCase) == folded;
                p++;
            }
        }

        if (p < pattern.Length) p++;
        return found != negated;
    }

    private static byte Fold(byte value, bool ignoreCase) =>
        ignoreCase && value is >= (byte)'A' and <= (byte)'Z' ? (byte)(value | 0x20) : value;
}
