using System.Globalization;
using Millrace.Compat.Tests.Wire;

namespace Millrace.Compat.Tests.Differential;

/// <summary>
/// Compares replies with scores. 7.0.15 writes a score with 17 digits, 7.2 with the fewest that read back the same; and
/// a packed sorted set of 7.2 holds -0 as the integer 0.
/// </summary>
internal static class ScoreRule
{
    /// <summary>Whether the replies are the same but for such texts.</summary>
    internal static bool Same(ReplyValue left, ReplyValue right) =>
        left.Kind == right.Kind && left.IsNull == right.IsNull && left.Items.Count == right.Items.Count
        && (SameText(left.Text, right.Text)
            || (left.Items.Count == 0 && IsSameScore(left.Text, right.Text)))
        && left.Items.Zip(right.Items).All(pair => Same(pair.First, pair.Second));

    /// <summary>The same for a page of ZSCAN, whose members come in any order.</summary>
    internal static bool SamePage(ReplyValue left, ReplyValue right)
    {
        if (left.Items.Count != 2 || right.Items.Count != 2 || !Same(left.Items[0], right.Items[0]))
            return false;
        ReplyValue[][] pairs = Sorted(left.Items[1]);
        ReplyValue[][] others = Sorted(right.Items[1]);
        return pairs.Length == others.Length
            && pairs.Zip(others).All(both => both.First.Zip(both.Second).All(pair => Same(pair.First, pair.Second)));
    }

    private static ReplyValue[][] Sorted(ReplyValue page) =>
        [.. page.Items.Chunk(2).OrderBy(pair => pair[0].Text, StringComparer.Ordinal)];

    private static bool SameText(string left, string right) => string.Equals(left, right, StringComparison.Ordinal);

    private static bool IsSameScore(string left, string right)
    {
        const NumberStyles Style = NumberStyles.Float;
        if (!double.TryParse(right, Style, CultureInfo.InvariantCulture, out double score))
            return false;
        string written = score.ToString("G17", CultureInfo.InvariantCulture).Replace('E', 'e');
        return SameText(left, written) || (score == 0 && SameText(left, "-0"));
    }
}
