using System.Diagnostics;
using Millrace.Server.Observability;

namespace Millrace.Server.Tests.Observability;

public sealed class LatencyHistogramTests
{
    [Fact]
    public void A_percentile_is_at_most_a_32nd_too_long_and_never_too_short()
    {
        const int Seed = 20_260_731;
        var random = new Random(Seed);
        for (var round = 0; round < 50; round++)
        {
            var histogram = new LatencyHistogram();
            var times = new List<long>();
            var longest = 1L << random.Next(1, 30);
            for (var i = 0; i < 500; i++)
            {
                var time = random.NextInt64(Math.Min(longest, LatencyHistogram.MaxNanoseconds));
                var calls = random.Next(1, 4);
                histogram.Add(TicksOf(time), calls);
                times.AddRange(Enumerable.Repeat(time, calls));
            }

            times.Sort();
            Assert.Equal(times.Count, histogram.Calls);
            foreach (var percentile in (double[])[0, 1, 25, 50, 90, 99, 99.9, 100])
            {
                var rank = Math.Max(1, (int)((percentile / 100 * times.Count) + 0.5));
                var exact = times[rank - 1];
                Assert.InRange(histogram.Percentile(percentile), exact, exact + (exact / 32) + 1);
            }
        }
    }

    [Theory]
    [InlineData(-5)]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(63)]
    [InlineData(64)]
    [InlineData(65)]
    [InlineData(1023)]
    [InlineData(1024)]
    [InlineData(999_999_999)]
    [InlineData(1_000_000_000)]
    [InlineData(long.MaxValue / 4)]
    public void Every_time_has_a_bucket(long nanoseconds)
    {
        var histogram = new LatencyHistogram();
        histogram.Add(TicksOf(nanoseconds), 7);
        var kept = Math.Clamp(nanoseconds, 0, LatencyHistogram.MaxNanoseconds);
        Assert.InRange(histogram.Percentile(50), kept, kept + (kept / 32) + 1);
        Assert.Equal(7, histogram.CountUpTo(kept));
        Assert.Equal(7, histogram.CountUpTo(long.MaxValue));
        Assert.Equal(0, kept < 100 ? 0 : histogram.CountUpTo(kept / 2));
    }

    [Fact]
    public void A_sum_counts_what_its_parts_count()
    {
        var (first, second, sum) = (new LatencyHistogram(), new LatencyHistogram(), new LatencyHistogram());
        first.Add(TicksOf(100), 3);
        second.Add(TicksOf(100_000), 1);
        first.AddTo(sum);
        second.AddTo(sum);
        Assert.Equal(4, sum.Calls);
        Assert.InRange(sum.Percentile(50), 100, 103);
        Assert.InRange(sum.Percentile(100), 100_000, 103_200);
        Assert.Equal(0, new LatencyHistogram().Percentile(50));
    }

    private static long TicksOf(long nanoseconds) => (long)(nanoseconds * (Stopwatch.Frequency / 1e9));
}
