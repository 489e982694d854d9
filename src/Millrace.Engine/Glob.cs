namespace Millrace.Engine;

/// <summary>
/// Glob patterns over bytes, as KEYS, SCAN, PSUBSCRIBE and CONFIG GET use them.
/// </summary>
/// <remarks>
/// <code>
///   *        any bytes, none included          [abc] [a-z] [^a]   one byte of the class, or not of it
///   ?        one byte                          \x                 x itself, within a class too
/// </code>
/// A class that is not closed ends with the pattern; a range may be given from its higher end.
/// Matching goes forward and, on a mismatch, back to the last star only: what stands between two stars matches best at
/// its first place. So it takes O(text * pattern) time and no memory, whatever a client sends.
/// Source: Redis documentation, "KEYS". Two of its habits are kept because clients can see them: a star needs a text
/// that is not empty to match (the callers of <c>*</c> alone ask first, <see cref="MatchesAll"/>), and a pattern that
/// needs more than <see cref="MaxStars"/> stars to go on matches nothing.
/// </remarks>
public static class Glob
{
    /// <summary>The most stars, runs of them counted once, that are followed within one match.</summary>
    public const int MaxStars = 1000;

    /// <summary>Whether the pattern is the lone star, which matches every text.</summary>
    public static bool MatchesAll(ReadOnlySpan<byte> pattern) => pattern.Length == 1 && pattern[0] == (byte)'*';

    /// <summary>Whether <paramref name="text"/> matches <paramref name="pattern"/>.</summary>
    /// <param name="pattern">Any bytes; every pattern means something.</param>
    /// <param name="text">The text.</param>
    /// <param name="ignoresCase">Whether ASCII letters match in any case.</param>
    public static bool Matches(ReadOnlySpan<byte> pattern, ReadOnlySpan<byte> text, bool ignoresCase = false)
    {
        if (text.IsEmpty) return pattern.IsEmpty;
        var p = 0;
        var t = 0;
        var afterStar = -1; // where the pattern goes on behind the last star
        var starAt = 0;     // the text position tried for it
        var stars = 0;
        while (t < text.Length)
        {
            if (p < pattern.Length && pattern[p] == (byte)'*')
            {
                while (p < pattern.Length && pattern[p] == (byte)'*') p++;
                if (p == pattern.Length) return true;
                if (++stars > MaxStars) return false;
                afterStar = p;
                starAt = t;
                continue;
            }

            if (p < pattern.Length && MatchesOne(pattern, p, text[t], ignoresCase, out var next))
            {
                p = next;
                t++;
                continue;
            }

            if (afterStar < 0) return false;
            p = afterStar;
            t = ++starAt;
        }

        while (p < pattern.Length && pattern[p] == (byte)'*') p++;
        return p == pattern.Length;
    }

    private static bool MatchesOne(ReadOnlySpan<byte> pattern, int at, byte one, bool ignoresCase, out int next)
    {
        next = at + 1;
        switch (pattern[at])
        {
            case (byte)'?':
                return true;
            case (byte)'[':
                return MatchesClass(pattern, at + 1, one, ignoresCase, out next);
            case (byte)'\\' when at + 1 < pattern.Length:
                next = at + 2;
                return AreEqual(pattern[at + 1], one, ignoresCase);
            default:
                return AreEqual(pattern[at], one, ignoresCase);
        }
    }

    private static bool MatchesClass(ReadOnlySpan<byte> pattern, int at, byte one, bool ignoresCase, out int next)
    {
        var isNegated = at < pattern.Length && pattern[at] == (byte)'^';
        if (isNegated) at++;
        var found = false;
        while (at < pattern.Length && pattern[at] != (byte)']')
        {
            if (pattern[at] == (byte)'\\' && at + 1 < pattern.Length)
            {
                found |= pattern[at + 1] == one;
                at += 2;
            }
            else if (at + 2 < pattern.Length && pattern[at + 1] == (byte)'-')
            {
                found |= IsBetween(pattern[at], pattern[at + 2], one, ignoresCase);
                at += 3;
            }
            else
            {
                found |= AreEqual(pattern[at], one, ignoresCase);
                at++;
            }
        }

        next = Math.Min(at + 1, pattern.Length);
        return found != isNegated;
    }

    private static bool IsBetween(byte first, byte last, byte one, bool ignoresCase)
    {
        if (first > last) (first, last) = (last, first);
        if (!ignoresCase) return one >= first && one <= last;
        var lower = Lower(one);
        return lower >= Lower(first) && lower <= Lower(last);
    }

    private static bool AreEqual(byte left, byte right, bool ignoresCase) =>
        left == right || (ignoresCase && Lower(left) == Lower(right));

    private static byte Lower(byte one) => one is >= (byte)'A' and <= (byte)'Z' ? (byte)(one | 0x20) : one;
}
