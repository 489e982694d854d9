using System.Text;

namespace Millrace.Resp.Tests;

/// <summary>The order of long doubles, their negation and their end.</summary>
public class LongDoubleOrderTests
{
    // In ascending order, each different from the next.
    private static readonly string[] s_ascending =
    [
        "-inf", "-1e4932", "-1e300", "-18446744073709551617", "-18446744073709551615", "-2", "-1.5", "-1e-300",
        "-3.7e-4951", "0", "3.7e-4951", "1e-4940", "1e-300", "0.1", "1", "1.0000000000000000002", "1.5", "3",
        "18446744073709551615", "18446744073709551617", "1e300", "1e4932", "1.1e4932", "inf",
    ];

    [Fact]
    public void Numbers_compare_as_they_lie_on_the_line()
    {
        for (var i = 0; i < s_ascending.Length; i++)
        {
            for (var j = 0; j < s_ascending.Length; j++)
            {
                var order = Math.Sign(Parse(s_ascending[i]).CompareTo(Parse(s_ascending[j])));
                Assert.True(order == i.CompareTo(j), $"{s_ascending[i]}, {s_ascending[j]}");
                var reversed = Parse(s_ascending[i]).Negated().CompareTo(Parse(s_ascending[j]).Negated());
                Assert.True(Math.Sign(reversed) == j.CompareTo(i), $"-{s_ascending[i]}, -{s_ascending[j]}");
            }
        }
    }

    [Fact]
    public void Doubles_compare_as_they_do_themselves()
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        for (var i = 0; i < 20_000; i++)
        {
            var (a, b) = (Any(random), Any(random));
            var order = LongDouble.FromDouble(a).CompareTo(LongDouble.FromDouble(b));
            Assert.True(Math.Sign(order) == a.CompareTo(b), $"seed {seed}: {a:R}, {b:R}");
        }
    }

    [Fact]
    public void Zeros_are_equal_whatever_their_sign() =>
        Assert.Equal(0, LongDouble.FromDouble(-0.0).CompareTo(LongDouble.FromDouble(0)));

    [Fact]
    public void Nothing_can_be_added_to_the_largest_number_but_what_is_lost_in_rounding()
    {
        var most = LongDouble.MaxValue;
        Assert.True(most.CompareTo(Parse("inf")) < 0 && most.CompareTo(Parse("1.18e4932")) > 0);
        Assert.False(most.TryAdd(most, out _));
        Assert.True(most.TryAdd(LongDouble.FromInt64(1), out var same) && same.Equals(most));
        Assert.True(most.TryAdd(most.Negated(), out var zero) && zero.CompareTo(default) == 0);
    }

    private static LongDouble Parse(string text)
    {
        Assert.True(LongDouble.TryParse(Encoding.ASCII.GetBytes(text), out var value), text);
        return value;
    }

    private static double Any(Random random)
    {
        if (random.Next(4) == 0) return random.Next(-3, 4);
        var value = BitConverter.Int64BitsToDouble(random.NextInt64(long.MinValue, long.MaxValue));
        return double.IsNaN(value) ? 1 : value;
    }
}
