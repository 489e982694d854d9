using Millrace.Commands;

namespace Millrace.Server.Tests;

/// <summary>When a pause ends.</summary>
public sealed class ClientPauseTests
{
    private readonly Gates _gates = new();

    [Fact]
    public void It_lasts_until_its_time_has_come_and_tells_how_long_that_is()
    {
        var pause = new ClientPause(_gates);
        Assert.Equal(0, pause.EndIfOver(5));
        Assert.Equal(1500, pause.Begin(stopsAll: false, 1500));
        Assert.Equal(600, pause.EndIfOver(900));    // a timer that fired early asks again
        Assert.Equal(Gate.WritesPaused, _gates.Word);
        Assert.Equal(0, pause.EndIfOver(1500));
        Assert.Equal(Gate.None, _gates.Word);
        Assert.Equal(0, pause.EndIfOver(1501));
    }

    [Fact]
    public void A_second_one_makes_it_longer_and_stricter_and_never_shorter()
    {
        var pause = new ClientPause(_gates);
        pause.Begin(stopsAll: true, 1500);
        Assert.Equal(1500, pause.Begin(stopsAll: false, 1200));
        Assert.Equal(Gate.WritesPaused | Gate.AllPaused, _gates.Word);
        Assert.Equal(300, pause.EndIfOver(1200));
        Assert.Equal(1700, pause.Begin(stopsAll: false, 1700));
        Assert.Equal(Gate.WritesPaused | Gate.AllPaused, _gates.Word);
        pause.End();
        Assert.Equal(Gate.None, _gates.Word);
        Assert.Equal(0, pause.EndIfOver(1000));
    }
}
