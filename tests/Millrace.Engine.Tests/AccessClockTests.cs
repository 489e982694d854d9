namespace Millrace.Engine.Tests;

public class AccessClockTests
{
    private const long NowMs = 1_700_000_000_000;

    [Fact]
    public void Idle_time_is_counted_in_seconds_since_the_last_use()
    {
        var clock = new AccessClock();
        var made = clock.Initial(NowMs);
        Assert.Equal(0, AccessClock.IdleMs(made, NowMs));
        Assert.Equal(61_000, AccessClock.IdleMs(made, NowMs + 61_000));
        Assert.Equal(5_000, AccessClock.IdleMs(clock.Touched(made, NowMs + 56_000, 0), NowMs + 61_000));
        Assert.Equal(7_000, AccessClock.IdleMs(new AccessClock().Initial(NowMs - 7_000), NowMs));
    }

    [Fact]
    public void Idle_time_survives_the_wrap_of_24_bits()
    {
        const long WrapMs = (1L << 24) * 1000 * 101;
        var made = new AccessClock().Initial(WrapMs - 10_000);
        Assert.Equal(20_000, AccessClock.IdleMs(made, WrapMs + 10_000));
    }

    [Fact]
    public void A_counter_grows_ever_more_rarely_and_stops_at_255()
    {
        var clock = new AccessClock(countsFrequency: true);
        var random = new Random(3);
        var used = clock.Initial(NowMs);
        Assert.Equal(AccessClock.InitialFrequency, clock.Frequency(used, NowMs));
        var afterHundred = 0;
        for (var i = 0; i < 1_500_000; i++)
        {
            used = clock.Touched(used, NowMs, (uint)random.NextInt64(uint.MaxValue + 1L));
            if (i == 100) afterHundred = clock.Frequency(used, NowMs);
        }

        // Redis documentation, "LFU eviction": with factor 10, about 10 after 100 hits and 255 after a million.
        Assert.InRange(afterHundred, 7, 14);
        Assert.Equal(255, clock.Frequency(used, NowMs));
    }

    [Theory]
    [InlineData(1, 3, 2)]
    [InlineData(2, 3, 4)]
    [InlineData(0, 1000, 5)]
    [InlineData(1, 1000, 0)]
    public void A_counter_decays_with_the_minutes(int decayMinutes, int minutes, int expected)
    {
        var clock = new AccessClock(countsFrequency: true, decayMinutes: decayMinutes);
        Assert.Equal(expected, clock.Frequency(clock.Initial(NowMs), NowMs + (minutes * 60_000L)));
    }
}
