namespace Millrace.Net.Tests;

public sealed class LoopClockTests
{
    private readonly TwoClocks _time = new();

    [Fact]
    public void The_wall_clock_goes_on_with_the_monotonic_one_and_is_read_again_after_a_millisecond()
    {
        var clock = new LoopClock(_time);
        var start = clock.UnixUs;
        _time.Pass(300);
        clock.Refresh();
        Assert.Equal((start + 300, 1), (clock.UnixUs, _time.WallReads));
        _time.Pass(700);
        clock.Refresh();
        Assert.Equal((start + 1000, 2), (clock.UnixUs, _time.WallReads));
        Assert.Equal(clock.UnixUs / 1000, clock.UnixMs);
    }

    [Theory]
    [InlineData(5_000_000)]
    [InlineData(-5_000_000)]
    public void A_step_of_the_systems_clock_is_seen_after_a_millisecond_at_most(long stepUs)
    {
        var clock = new LoopClock(_time);
        var start = clock.UnixUs;
        _time.StepWall(stepUs);
        _time.Pass(999);
        clock.Refresh();
        Assert.Equal(start + 999, clock.UnixUs);
        _time.Pass(1);
        clock.Refresh();
        Assert.Equal(start + 1000 + stepUs, clock.UnixUs);
    }

    [Fact]
    public void Monotonic_time_is_that_of_the_provider_whatever_its_frequency()
    {
        var clock = new LoopClock(_time);
        var start = clock.NowUs;
        _time.Pass(123_456);
        clock.Refresh();
        Assert.Equal(start + 123_456, clock.NowUs);
    }

    private sealed class TwoClocks : TimeProvider
    {
        private long _us = 77;
        private long _wallUs = 1_700_000_000_000_000;

        public int WallReads { get; private set; }

        public override long TimestampFrequency => 10_000_000;

        public void Pass(long us)
        {
            _us += us;
            _wallUs += us;
        }

        public void StepWall(long us) => _wallUs += us;

        public override long GetTimestamp() => _us * 10;

        public override DateTimeOffset GetUtcNow()
        {
            WallReads++;
            return DateTimeOffset.UnixEpoch.AddTicks(_wallUs * 10);
        }
    }
}
