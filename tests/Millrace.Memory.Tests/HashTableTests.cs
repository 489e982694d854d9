namespace Millrace.Memory.Tests;

public class HashTableTests
{
    [Fact]
    public void Keys_are_found_through_growth_and_shrinkage()
    {
        using var test = new TestTable(1);
        for (var key = 0UL; key < 30_000; key++) test.Insert(key);
        for (var key = 0UL; key < 30_000; key++) Assert.False(test.Find(key).IsNull);
        Assert.Equal(30_000, test.Keys().Count);
        for (var key = 0UL; key < 29_900; key++) test.Remove(key);
        for (var key = 0UL; key < 30_000; key++) Assert.Equal(key < 29_900, test.Find(key).IsNull);
        Assert.True(test.Table.TableBytes < 5000, $"{test.Table.TableBytes} bytes");
    }
}
