namespace Millrace.Engine.Tests;

public sealed class NotifyClassesTests
{
    [Theory]
    [InlineData("", "")]
    [InlineData("KEA", "AKE")]
    [InlineData("g$lshzxetd", "A")]
    [InlineData("KEAmn", "AnKEm")]
    [InlineData("AA", "A")]
    [InlineData("tlh", "lht")]
    [InlineData("mn", "nm")]
    public void Letters_are_read_in_any_order_and_written_in_one(string letters, string written)
    {
        Assert.True(NotifyLetters.TryParse(letters, out var classes));
        Assert.Equal(written, NotifyLetters.Write(classes));
        Assert.True(NotifyLetters.TryParse(written, out var again));
        Assert.Equal(classes, again);
    }

    [Theory]
    [InlineData("Q")]
    [InlineData("KEx ")]
    [InlineData("k")]
    [InlineData("\0")]
    public void A_letter_of_no_class_is_refused(string letters) =>
        Assert.False(NotifyLetters.TryParse(letters, out _));

    [Theory]
    [InlineData("A", NotifyClasses.All)]
    [InlineData("K", NotifyClasses.Keyspace)]
    [InlineData("E", NotifyClasses.KeyEvent)]
    [InlineData("$z", NotifyClasses.String | NotifyClasses.SortedSet)]
    [InlineData("xe", NotifyClasses.Expired | NotifyClasses.Evicted)]
    [InlineData("nm", NotifyClasses.New | NotifyClasses.KeyMiss)]
    public void Each_letter_is_its_class(string letters, NotifyClasses expected)
    {
        Assert.True(NotifyLetters.TryParse(letters, out var classes));
        Assert.Equal(expected, classes);
    }
}
