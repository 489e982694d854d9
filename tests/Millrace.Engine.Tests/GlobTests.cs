using System.Text;

namespace Millrace.Engine.Tests;

public class GlobTests
{
    [Theory]
    [InlineData("", "", true)]
    [InlineData("", "a", false)]
    [InlineData("*", "abc", true)]
    [InlineData("*", "", false)]
    [InlineData("**", "", false)]
    [InlineData("?", "a", true)]
    [InlineData("?", "", false)]
    [InlineData("h?llo", "hello", true)]
    [InlineData("h?llo", "hllo", false)]
    [InlineData("h*llo", "heeeello", true)]
    [InlineData("h*llo", "hllo", true)]
    [InlineData("h[ae]llo", "hallo", true)]
    [InlineData("h[ae]llo", "hillo", false)]
    [InlineData("h[^e]llo", "hello", false)]
    [InlineData("h[^e]llo", "hbllo", true)]
    [InlineData("h[a-b]llo", "hbllo", true)]
    [InlineData("h[b-a]llo", "hallo", true)]
    [InlineData("h\\*llo", "h*llo", true)]
    [InlineData("h\\*llo", "hello", false)]
    [InlineData("a\\", "a\\", true)]
    [InlineData("[\\]]", "]", true)]
    [InlineData("[]", "a", false)]
    [InlineData("[^]", "a", true)]
    [InlineData("[", "[", false)]
    [InlineData("[^", "a", true)]
    [InlineData("[a", "a", true)]
    [InlineData("[a-", "-", true)]
    [InlineData("[a-]", "a", true)]
    [InlineData("a*b*c", "aXbYc", true)]
    [InlineData("a*b*c", "aXcYb", false)]
    [InlineData("*aab", "aaaab", true)]
    [InlineData("*a?b*", "xxaabab", true)]
    [InlineData("a*", "a", true)]
    [InlineData("a**", "a", true)]
    [InlineData("*a*", "a", true)]
    public void A_pattern_matches_what_redis_says(string pattern, string text, bool matches) =>
        Assert.Equal(matches, Glob.Matches(Bytes(pattern), Bytes(text)));

    [Theory]
    [InlineData("HELLO", "hello", true)]
    [InlineData("[A-C]x", "bX", true)]
    [InlineData("[B]", "b", true)]
    [InlineData("h*O", "HELLo", true)]
    [InlineData("[", "@", false)]
    public void Case_can_be_ignored(string pattern, string text, bool matches)
    {
        Assert.Equal(matches, Glob.Matches(Bytes(pattern), Bytes(text), ignoresCase: true));
        if (matches) Assert.False(Glob.Matches(Bytes(pattern), Bytes(text)));
    }

    [Fact]
    public void Long_runs_of_stars_end_soon()
    {
        Assert.False(Glob.Matches(Bytes(Repeat("a*", 20) + "b"), Bytes(new string('a', 40))));
        Assert.False(Glob.Matches(Bytes(Repeat("*?", 50_000)), Bytes(new string('a', 50_000))));
        Assert.True(Glob.Matches(Bytes(Repeat("*?", Glob.MaxStars)), Bytes(new string('a', 5_000))));
        Assert.False(Glob.Matches(Bytes(Repeat("*?", Glob.MaxStars + 1)), Bytes(new string('a', 5_000))));
    }

    // The oracle tries every length for every star, which is what the documentation says in the plainest way.
    [Fact]
    public void Random_patterns_match_what_the_plain_definition_matches()
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        var matched = 0;
        for (var i = 0; i < 300_000; i++)
        {
            var pattern = Draw(random, "ab*?[]^-\\", 8);
            var text = Draw(random, "ab-]\\", 6);
            var expected = text.Length == 0 ? pattern.Length == 0 : Plain(pattern, text);
            var found = Glob.Matches(Bytes(pattern), Bytes(text));
            if (found) matched++;
            Assert.True(expected == found, $"seed {seed}: '{pattern}' on '{text}' should be {expected}");
        }

        Assert.InRange(matched, 10_000, 200_000);
    }

    private static bool Plain(string pattern, string text)
    {
        if (pattern.Length == 0) return text.Length == 0;
        if (pattern[0] == '*')
            return Enumerable.Range(0, text.Length + 1).Any(skipped => Plain(pattern[1..], text[skipped..]));
        if (text.Length == 0) return false;
        var length = 1;
        bool fits;
        if (pattern[0] == '[') (fits, length) = PlainClass(pattern, text[0]);
        else if (pattern[0] == '\\' && pattern.Length > 1) (fits, length) = (pattern[1] == text[0], 2);
        else fits = pattern[0] == '?' || pattern[0] == text[0];
        return fits && Plain(pattern[length..], text[1..]);
    }

    private static (bool Fits, int Length) PlainClass(string pattern, char one)
    {
        var at = 1;
        var isNegated = pattern.Length > 1 && pattern[1] == '^';
        if (isNegated) at++;
        var members = new HashSet<char>();
        while (at < pattern.Length && pattern[at] != ']')
        {
            if (pattern[at] == '\\' && at + 1 < pattern.Length)
            {
                members.Add(pattern[at + 1]);
                at += 2;
            }
            else if (at + 2 < pattern.Length && pattern[at + 1] == '-')
            {
                var (first, last) = (pattern[at], pattern[at + 2]);
                for (var c = Min(first, last); c <= Max(first, last); c++) members.Add(c);
                at += 3;
            }
            else
            {
                members.Add(pattern[at++]);
            }
        }

        return (members.Contains(one) != isNegated, Math.Min(at + 1, pattern.Length));
    }

    private static char Min(char left, char right) => left < right ? left : right;

    private static char Max(char left, char right) => left > right ? left : right;

    private static string Draw(Random random, string letters, int most) =>
        string.Concat(Enumerable.Range(0, random.Next(most + 1)).Select(_ => letters[random.Next(letters.Length)]));

    private static string Repeat(string text, int count) => new StringBuilder().Insert(0, text, count).ToString();

    private static byte[] Bytes(string text) => Encoding.Latin1.GetBytes(text);
}
