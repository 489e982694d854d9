using System.Diagnostics;
using Millrace.Server.Observability;

namespace Millrace.Server.Tests.Observability;

public class TurnMeterTests
{
    [Fact]
    public void A_turn_with_commands_ends_when_the_loop_last_looked_at_the_clock()
    {
        var meter = new TurnMeter();
        meter.Begin(1000);
        meter.End(1500, processed: 3);
        meter.Begin(2000);
        meter.End(2100, processed: 10);
        Assert.Equal(600, meter.BusyTicks);
        Assert.Equal(500, meter.LongestTicks);
        Assert.Equal(7, meter.MostCommands);
        Assert.Equal(0, meter.PeriodicTicks);
    }

    [Fact]
    public void A_turn_without_commands_is_periodic_work()
    {
        var meter = new TurnMeter();
        var now = Stopwatch.GetTimestamp();
        meter.Begin(now);
        meter.End(now, processed: 0);
        Assert.True(meter.PeriodicTicks > 0);
        Assert.Equal(meter.PeriodicTicks, meter.BusyTicks);
        meter.Reset();
        meter.Begin(1000);
        meter.End(1500, processed: 2);
        Assert.Equal((500L, 0L, 2L), (meter.BusyTicks, meter.PeriodicTicks, meter.MostCommands));
    }
}
