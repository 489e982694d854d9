namespace Millrace.Engine.Tests;

public sealed class WideSumTests
{
    [Fact]
    public void It_is_the_sum_whatever_comes_and_goes()
    {
        var random = new Random(3);
        var sum = new WideSum();
        var numbers = new List<long>();
        var expected = Int128.Zero;
        for (var i = 0; i < 20_000; i++)
        {
            if (numbers.Count > 0 && random.Next(3) == 0)
            {
                var at = random.Next(numbers.Count);
                sum.Subtract(numbers[at]);
                expected -= numbers[at];
                numbers.RemoveAt(at);
            }
            else
            {
                var number = random.Next(4) == 0 ? long.MaxValue : random.NextInt64();
                sum.Add(number);
                expected += number;
                numbers.Add(number);
            }

            Assert.Equal(expected, sum.Value);
        }

        Assert.True(expected > ulong.MaxValue);
        foreach (var number in numbers) sum.Subtract(number);
        Assert.Equal(Int128.Zero, sum.Value);
    }
}
