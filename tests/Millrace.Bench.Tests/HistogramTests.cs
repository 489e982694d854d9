using Millrace.Bench.Load;

namespace Millrace.Bench.Tests;

/// <summary>Percentiles beside those of the sorted values.</summary>
public class HistogramTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(20261126)]
    public void A_percentile_is_never_below_the_exact_one_and_at_most_a_thousandth_above(int seed)
    {
        var random = new Random(seed);
        var histogram = new Histogram();
        var values = new List<long>();
        for (var i = 0; i < 20_000; i++)
        {
            values.Add(random.NextInt64(1L << random.Next(1, 62)));
            histogram.Record(values[^1]);
        }

        values.Sort();
        foreach (var percent in (double[])[0.01, 1, 25, 50, 75, 99, 99.9, 99.99, 100])
        {
            var exact = values[(int)Math.Ceiling(values.Count * percent / 100) - 1];
            Assert.InRange(histogram.Percentile(percent), exact, exact + (exact / 1000) + 1);
        }
    }

    [Fact]
    public void Values_at_the_edges_of_buckets_fall_into_their_own()
    {
        for (var bit = 0; bit < 63; bit++)
        {
            foreach (var value in (long[])[(1L << bit) - 1, 1L << bit, (1L << bit) + 1])
            {
                var histogram = new Histogram();
                histogram.Record(value);
                histogram.Record(long.MaxValue);
                Assert.InRange(histogram.Percentile(50), value, value + (value / 1000));
                Assert.Equal(long.MaxValue, histogram.Max);
            }
        }
    }

    [Fact]
    public void Counting_many_times_and_adding_histograms_is_counting_each_value()
    {
        var (one, other) = (new Histogram(), new Histogram());
        one.Record(5, 99);
        other.Record(1_000_000);
        other.Record(-3, 0);
        one.Add(other);
        Assert.Equal(100, one.Count);
        Assert.Equal(5, one.Percentile(99));
        Assert.Equal(1_000_000, one.Percentile(99.1));
    }

    [Fact]
    public void A_percentile_out_of_range_is_refused_and_an_empty_histogram_says_zero()
    {
        var histogram = new Histogram();
        Assert.Equal(0, histogram.Percentile(50));
        Assert.Throws<ArgumentOutOfRangeException>(() => histogram.Percentile(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => histogram.Percentile(100.1));
    }
}
