using Millrace.Engine.Values;
using Millrace.Resp;

namespace Millrace.Commands.Families;

/// <summary>Reads the ends of ranges as clients write them.</summary>
/// <remarks>
/// <code>
///   scores    1.5    (1.5    -inf    +inf           "(": the score itself is outside
///   texts     [abc   (abc    -       +              "[": the text itself is inside
/// </code>
/// Source: Redis 7.2 documentation, "ZRANGE". Scores are read as strtod reads a C string: blanks in front are skipped,
/// the text ends at a NUL, nothing at all is 0, and what is too large is infinite.
/// </remarks>
internal static class SortedSetBounds
{
    /// <summary>Reads a range of scores; writes the error and returns false when it is none.</summary>
    internal static bool TryScores(in Call call, int minIndex, int maxIndex, out ScoreRange range)
    {
        range = default;
        if (TryScore(call.Args[minIndex], out var min, out var isMinExclusive)
            && TryScore(call.Args[maxIndex], out var max, out var isMaxExclusive))
        {
            range = new ScoreRange(min, max, isMinExclusive, isMaxExclusive);
            return true;
        }

        call.Reply.Error(ErrorTexts.RangeNotAFloat);
        return false;
    }

    /// <summary>Reads a range of texts; writes the error and returns false when it is none.</summary>
    internal static bool TryTexts(in Call call, int minIndex, int maxIndex, out LexBound min, out LexBound max)
    {
        max = default;
        if (TryText(call.Args[minIndex], out min) && TryText(call.Args[maxIndex], out max)) return true;
        call.Reply.Error(ErrorTexts.RangeNotATextRange);
        return false;
    }

    private static bool TryScore(ReadOnlySpan<byte> text, out double score, out bool isExclusive)
    {
        isExclusive = text is [(byte)'(', ..];
        if (isExclusive) text = text[1..];
        return Numbers.TryParseAnyDouble(text, out score);
    }

    private static bool TryText(ReadOnlySpan<byte> text, out LexBound bound)
    {
        bound = default;
        switch (text)
        {
            case [(byte)'-']:
                bound = new LexBound(-1, isExclusive: true, default);
                return true;
            case [(byte)'+']:
                bound = new LexBound(1, isExclusive: true, default);
                return true;
            case [(byte)'(' or (byte)'[', ..]:
                bound = new LexBound(0, text[0] == (byte)'(', text[1..]);
                return true;
            default:
                return false;
        }
    }
}
