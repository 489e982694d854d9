using System.Diagnostics;

namespace Millrace.Net.Tests;

public sealed class StepMeterTests
{
    private static readonly long Window = Stopwatch.Frequency * StepMeter.WindowMicroseconds / 1_000_000;

    private long _cpu;
    private long _now;

    [Fact]
    public void The_longest_step_is_kept_whatever_comes_after_it()
    {
        var meter = Started();
        Step(meter, Window * 30, 2_000_000);
        Step(meter, Window * 10, 700_000);
        Assert.Equal(2000, meter.LongestUs);
    }

    [Fact]
    public void Short_steps_are_taken_together_up_to_a_window()
    {
        var meter = Started();
        for (var i = 0; i < 100; i++) Step(meter, Window / 4, 25_000);
        Assert.InRange(meter.LongestUs, 25, 25 + StepMeter.WindowMicroseconds);
    }

    [Fact]
    public void A_long_step_behind_short_ones_is_measured_with_at_most_a_window_too_much()
    {
        var meter = Started();
        Step(meter, Window / 2, 50_000);
        Step(meter, Window * 9, 900_000);
        Assert.InRange(meter.LongestUs, 900, 900 + StepMeter.WindowMicroseconds);
    }

    [Fact]
    public void Time_that_the_thread_did_not_run_is_no_step()
    {
        var meter = Started();
        Step(meter, Window * 1000, 0);
        Assert.Equal(0, meter.LongestUs);
    }

    [Fact]
    public void Reset_forgets_and_a_new_step_counts_again()
    {
        var meter = Started();
        Step(meter, Window * 2, 3_000_000);
        meter.Reset();
        Assert.Equal(0, meter.LongestUs);
        Step(meter, Window * 2, 1_000_001);
        Assert.Equal(1001, meter.LongestUs);
    }

    [Fact]
    public void The_threads_own_clock_tells_work_from_sleep()
    {
        var meter = new StepMeter();
        meter.Start();
        var until = ThreadTime.Nanoseconds + 5_000_000;
        while (ThreadTime.Nanoseconds < until) Thread.SpinWait(100);
        meter.End(Stopwatch.GetTimestamp());
        Assert.True(meter.LongestUs >= 5000, $"{meter.LongestUs} us");
    }

    private StepMeter Started()
    {
        var meter = new StepMeter(() => _cpu);
        meter.Start();
        _now = Stopwatch.GetTimestamp();
        return meter;
    }

    private void Step(StepMeter meter, long ticks, long cpuNanoseconds)
    {
        _now += ticks;
        _cpu += cpuNanoseconds;
        meter.End(_now);
    }
}
