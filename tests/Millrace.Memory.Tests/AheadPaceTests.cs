namespace Millrace.Memory.Tests;

public class AheadPaceTests
{
    [Fact]
    public void It_begins_with_one_chunk_and_rests_after_a_while()
    {
        var pace = new AheadPace(1_000);
        pace.Observe(1_000, 0, 0);
        Assert.Equal(AheadPace.MinChunks, pace.Chunks);
        Assert.False(pace.IsResting);
        pace.Observe(1_000 + AheadPace.IdleMs - 1, 0, 0);
        Assert.False(pace.IsIdle);
        pace.Observe(1_000 + AheadPace.IdleMs, 0, 0);
        Assert.True(pace.IsResting);
    }

    [Fact]
    public void A_chunk_without_memory_doubles_it_at_once_up_to_the_limit()
    {
        var pace = new AheadPace(0);
        for (var i = 1; i <= 3; i++) pace.Observe(i, i, i);
        Assert.Equal(8, pace.Chunks);
        for (var i = 4; i <= 9; i++) pace.Observe(i, i, i);
        Assert.Equal(AheadPace.MaxChunks, pace.Chunks);
    }

    [Fact]
    public void It_follows_twice_what_a_tick_takes()
    {
        var pace = new AheadPace(0);
        pace.Observe(AheadPace.TickMs, 5, 0);
        Assert.Equal(10, pace.Chunks);
        pace.Observe(2 * AheadPace.TickMs, 1_000_000, 0);
        Assert.Equal(AheadPace.MaxChunks, pace.Chunks);
        pace.Observe(4 * AheadPace.TickMs, 1_000_002, 0); // a slow one: one fewer for each look
        Assert.Equal(AheadPace.MaxChunks - 1, pace.Chunks);
    }

    [Fact]
    public void It_comes_down_one_by_one_when_nothing_is_taken_and_then_rests()
    {
        var pace = new AheadPace(0);
        pace.Observe(AheadPace.TickMs, 100, 0);
        var now = AheadPace.TickMs;
        for (var left = AheadPace.MaxChunks - 1; left >= AheadPace.MinChunks; left--)
        {
            now += AheadPace.TickMs;
            pace.Observe(now, 100, 0);
            Assert.Equal(left, pace.Chunks);
        }

        pace.Observe(now + AheadPace.IdleMs, 100, 0);
        Assert.True(pace.IsResting);
        pace.Observe(now + AheadPace.IdleMs + 1, 101, 0);
        Assert.False(pace.IsResting);
    }

    [Fact]
    public void Chunks_that_come_and_go_do_not_raise_it()
    {
        var pace = new AheadPace(0);
        for (var now = 1; now < 10 * AheadPace.TickMs; now++) pace.Observe(now, 7 + (now % 2), 0);
        Assert.InRange(pace.Chunks, AheadPace.MinChunks, AheadPace.MaxChunks - 1);
        pace.Observe(10 * AheadPace.TickMs, 7, 0);
        Assert.False(pace.IsIdle);
    }
}
