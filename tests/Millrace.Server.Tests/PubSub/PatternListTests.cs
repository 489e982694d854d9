using System.Text;
using Millrace.Engine;
using Millrace.Server.PubSub;

namespace Millrace.Server.Tests.PubSub;

/// <summary>The search for patterns against asking each of them.</summary>
public class PatternListTests
{
    private static readonly int[] Seeds = [1, 2, Environment.TickCount];

    [Theory]
    [InlineData("", "", true)]
    [InlineData("", "a", false)]
    [InlineData("abcdefgh", "abcdefgh", true)]
    [InlineData("abcdefghi", "abcdefgh", false)]
    [InlineData("abcdefgh*", "abcdefgh", true)]
    [InlineData("a\0*", "a", false)]
    [InlineData("a", "a\0", false)]
    [InlineData("\\a*", "ab", true)]
    [InlineData("[ab]c", "bc", true)]
    [InlineData("a?c", "abc", true)]
    public void A_pattern_is_found_as_it_matches(string pattern, string channel, bool isFound)
    {
        var list = new PatternList();
        list.Add(TopicOf(pattern));
        Assert.Equal(isFound, Matches(list, channel).Count == 1);
    }

    [Fact]
    public void Patterns_that_come_and_go_are_found_as_each_of_them_matches()
    {
        foreach (var seed in Seeds) RunModel(seed);
    }

    private static void RunModel(int seed)
    {
        var random = new Random(seed);
        var list = new PatternList();
        var model = new List<Topic>();
        for (var i = 0; i < 5000; i++)
        {
            var version = list.Version;
            if (model.Count > 0 && random.Next(3) == 0)
            {
                var place = random.Next(model.Count);
                list.Remove(model[place]);
                model.RemoveAt(place);
            }
            else
            {
                model.Add(TopicOf(Word(random, "ab*?[]\\c", 12)));
                list.Add(model[^1]);
            }

            Assert.NotEqual(version, list.Version);
            Assert.Equal(model.Count, list.Count);
            var channel = Word(random, "abc", 12);
            var expected = model.Where(one => Glob.Matches(one.Name, Encoding.Latin1.GetBytes(channel))).ToHashSet();
            Assert.True(expected.SetEquals(Matches(list, channel)), $"channel {channel}, seed {seed}");
        }
    }

    private static string Word(Random random, string letters, int most) =>
        string.Concat(Enumerable.Range(0, random.Next(most)).Select(_ => letters[random.Next(letters.Length)]));

    private static Topic TopicOf(string pattern) => new(TopicKind.Pattern, Encoding.Latin1.GetBytes(pattern), 0, 1);

    private static List<Topic> Matches(PatternList list, string channel)
    {
        var matches = new List<Topic>();
        list.Match(Encoding.Latin1.GetBytes(channel), matches);
        return matches;
    }
}
