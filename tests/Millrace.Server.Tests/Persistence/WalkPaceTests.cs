using System.Diagnostics;
using Millrace.Server.Persistence;

namespace Millrace.Server.Tests.Persistence;

/// <summary>What a loop gives to the walk of a snapshot, on a clock of the test's own.</summary>
public class WalkPaceTests
{
    private static readonly long Us = Stopwatch.Frequency / 1_000_000;

    [Fact]
    public void A_busy_loop_gives_the_walk_its_share()
    {
        var pace = new WalkPace(0);
        pace.NoteWalked(0, 100 * Us, walkedParts: 1000, unitParts: 0);
        var rested = 100 * Us * WalkPace.BusyShare;
        pace.NoteBusy(rested - 1);
        Assert.False(pace.IsDue(rested - 1));
        Assert.True(pace.IsDue(rested));
    }

    [Fact]
    public void What_commands_have_saved_counts_as_if_the_walk_had()
    {
        var pace = new WalkPace(0);
        pace.NoteWalked(0, 100 * Us, walkedParts: 1000, unitParts: 1000);
        var rested = 200 * Us * WalkPace.BusyShare;
        pace.NoteBusy(rested - 1);
        Assert.False(pace.IsDue(rested - 1));
        Assert.True(pace.IsDue(rested));
    }

    [Fact]
    public void No_rest_is_longer_than_its_limit_whatever_commands_have_saved()
    {
        var pace = new WalkPace(0);
        pace.NoteWalked(0, 100 * Us, walkedParts: 10, unitParts: long.MaxValue / 4);
        var rested = (100 + (WalkPace.LongestRestMs * 1000)) * Us;
        pace.NoteBusy(rested - 1);
        Assert.False(pace.IsDue(rested - 1));
        Assert.True(pace.IsDue(rested));
    }

    [Fact]
    public void A_loop_to_which_nothing_has_come_for_a_while_does_not_rest()
    {
        var pace = new WalkPace(0);
        pace.NoteWalked(0, 200 * Us, walkedParts: 1000, unitParts: 0);
        pace.NoteBusy(210 * Us);
        var idle = (210 + (WalkPace.IdleMs * 1000)) * Us;
        Assert.False(pace.IsDue(idle - 1));
        Assert.True(pace.IsDue(idle));
    }
}
