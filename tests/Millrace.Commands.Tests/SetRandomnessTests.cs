using Millrace.Commands.Tests.Driver;

namespace Millrace.Commands.Tests;

/// <summary>
/// Every member has the same chance: counts of many choices are compared with equal ones (Pearson's chi-square). Seeds
/// are fixed, and the bound is six standard deviations, so that a test fails when the choice is uneven and never by
/// chance.
/// </summary>
public sealed class SetRandomnessTests : IDisposable
{
    private readonly CommandDriver _driver = new(seed: 7);

    public void Dispose() => _driver.Dispose();

    [Theory]
    [InlineData("", 40)]
    [InlineData("m", 40)]
    [InlineData("m", 300)]
    [InlineData("m", 3000)]
    public void Srandmember_chooses_evenly(string prefix, int size)
    {
        Fill(prefix, size);
        var counts = Counts(prefix, size);
        for (var i = 0; i < size * 50; i++) counts[_driver.Say("SRANDMEMBER s")]++;
        AssertEven(counts);
    }

    [Theory]
    [InlineData("", 40, "-100")]
    [InlineData("m", 40, "-100")]
    [InlineData("m", 300, "-1000")]
    [InlineData("", 40, "5")]
    [InlineData("m", 40, "30")]
    [InlineData("m", 300, "20")]
    [InlineData("m", 300, "100")]
    [InlineData("m", 300, "101")]
    [InlineData("m", 300, "250")]
    [InlineData("m", 300, "1")]
    public void Srandmember_with_a_count_chooses_evenly(string prefix, int size, string count)
    {
        Fill(prefix, size);
        var counts = Counts(prefix, size);
        var chosen = Math.Abs(int.Parse(count));
        for (var i = 0; i < size * 60 / chosen; i++)
        {
            foreach (var member in _driver.Value("SRANDMEMBER", "s", count).Items)
                counts[CommandDriver.Render(member)]++;
        }

        AssertEven(counts);
    }

    [Theory]
    [InlineData("", 20, "1")]
    [InlineData("", 20, "18")]
    [InlineData("m", 20, "3")]
    [InlineData("m", 20, "18")]
    [InlineData("m", 200, "20")]
    [InlineData("m", 200, "190")]
    public void Spop_pops_evenly(string prefix, int size, string count)
    {
        var counts = Counts(prefix, size);
        for (var i = 0; i < 1_200; i++)
        {
            Fill(prefix, size);
            var popped = _driver.Value("SPOP", "s", count).Items.Select(CommandDriver.Render);

            // Of nearly all, those that stay say more.
            var shown = int.Parse(count) > size / 2
                ? _driver.Value("SMEMBERS", "s").Items.Select(CommandDriver.Render)
                : popped;
            foreach (var member in shown) counts[member]++;
        }

        AssertEven(counts);
    }

    [Theory]
    [InlineData("")]
    [InlineData("m")]
    public void Pairs_are_chosen_evenly_too(string prefix)
    {
        Fill(prefix, 12);
        var counts = new Dictionary<string, int>();
        for (var a = 0; a < 12; a++)
        {
            for (var b = a + 1; b < 12; b++) counts[$"{a} {b}"] = 0;
        }

        for (var i = 0; i < 66 * 60; i++)
        {
            var pair = _driver.Value("SRANDMEMBER", "s", "2").Items
                .Select(member => int.Parse(CommandDriver.Render(member)[prefix.Length..])).Order().ToList();
            counts[$"{pair[0]} {pair[1]}"]++;
        }

        AssertEven(counts);
    }

    private static void AssertEven(Dictionary<string, int> counts)
    {
        var expected = counts.Values.Sum() / (double)counts.Count;
        var chi = counts.Values.Sum(count => (count - expected) * (count - expected) / expected);
        var freedom = counts.Count - 1;
        Assert.True(expected >= 5, "enough choices");
        Assert.InRange(chi, 0, freedom + (6 * Math.Sqrt(2.0 * freedom)) + 8);
    }

    private void Fill(string prefix, int size)
    {
        _driver.Run("DEL s");
        _driver.Run("SADD s " + string.Join(' ', Enumerable.Range(0, size).Select(i => prefix + i)));
    }

    private static Dictionary<string, int> Counts(string prefix, int size) =>
        Enumerable.Range(0, size).ToDictionary(i => prefix + i, static _ => 0);
}
