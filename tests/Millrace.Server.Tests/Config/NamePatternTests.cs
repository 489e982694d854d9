using System.Text;
using Millrace.Server.Config;

namespace Millrace.Server.Tests.Config;

public sealed class NamePatternTests
{
    [Theory]
    [InlineData("*", "", true)]
    [InlineData("", "", true)]
    [InlineData("", "a", false)]
    [InlineData("a*c", "abbc", true)]
    [InlineData("a*c", "abbd", false)]
    [InlineData("a?c", "abc", true)]
    [InlineData("a?c", "ac", false)]
    [InlineData("[a-c]x", "bx", true)]
    [InlineData("[c-a]x", "bx", true)]
    [InlineData("[^a-c]x", "bx", false)]
    [InlineData("[\\]]", "]", true)]
    [InlineData("[a", "a", true)]
    [InlineData("\\*", "*", true)]
    [InlineData("\\*", "a", false)]
    [InlineData("A*", "abc", true)]
    [InlineData("**a**", "xax", true)]
    public void Patterns_match_as_in_Redis(string pattern, string name, bool matches) =>
        Assert.Equal(
            matches,
            NamePattern.Matches(Encoding.ASCII.GetBytes(pattern), Encoding.ASCII.GetBytes(name), ignoreCase: true));

    [Fact]
    public void Many_stars_take_no_exponential_time()
    {
        byte[] pattern = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("a*", 1000)) + "b");
        byte[] name = Encoding.ASCII.GetBytes(new string('a', 5000));
        Assert.False(NamePattern.Matches(pattern, name, ignoreCase: false));
    }
}
