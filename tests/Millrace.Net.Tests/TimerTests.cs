// Timers: order, cancelling, starting again, against a naive model and on a running loop.

namespace Millrace.Net.Tests;

public class TimerTests
{
    [Fact]
    public void Timers_fire_in_order_of_time_and_then_of_start()
    {
        var time = new ManualTime();
        EventLoop loop = StillLoop(time);
        var fired = new List<string>();
        loop.StartTimer(20, timer => fired.Add("c"));
        loop.StartTimer(10, timer => fired.Add("a"));
        loop.StartTimer(10, timer => fired.Add("b"));
        loop.StartTimer(-5, timer => fired.Add("now"));
        Fire(loop);
        Assert.Equal(["now"], fired);
        time.Advance(9);
        Fire(loop);
        Assert.Equal(["now"], fired);
        time.Advance(1);
        Fire(loop);
        Assert.Equal(["now", "a", "b"], fired);
        time.Advance(100);
        Fire(loop);
        Assert.Equal(["now", "a", "b", "c"], fired);
    }

    [Fact]
    public void A_timer_started_by_a_callback_waits_for_the_next_turn()
    {
        EventLoop loop = StillLoop(new ManualTime());
        int count = 0;
        loop.StartTimer(0, timer =>
        {
            count++;
            timer.Start(0);
        });
        Fire(loop);
        Assert.Equal(1, count);
        Fire(loop);
        Assert.Equal(2, count);
    }

    [Fact]
    public void A_cancelled_timer_stays_silent_also_when_another_cancels_it_in_the_same_turn()
    {
        EventLoop loop = StillLoop(new ManualTime());
        int fired = 0;
        LoopTimer second = loop.CreateTimer(_ => fired++);
        loop.StartTimer(0, _ => second.Cancel());
        second.Start(0);
        Assert.True(second.IsActive);
        Fire(loop);
        Assert.False(second.IsActive);
        loop.Cancel(second);
        loop.Cancel(null);
        Assert.Equal(0, fired);
        second.Start(0);
        Fire(loop);
        Assert.Equal(1, fired);
    }

    [Fact]
    public void Many_timers_that_are_due_at_once_share_several_turns()
    {
        EventLoop loop = StillLoop(new ManualTime());
        var fired = new List<int>();
        for (int i = 0; i < 150; i++) loop.StartTimer(0, Note(i));
        Fire(loop);
        Assert.Equal(Enumerable.Range(0, 64), fired);
        Fire(loop);
        Assert.Equal(Enumerable.Range(0, 128), fired);
        Fire(loop);
        Fire(loop);
        Assert.Equal(Enumerable.Range(0, 150), fired);

        LoopTimerCallback Note(int number) => _ => fired.Add(number);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(0)]
    public void Random_starts_moves_and_cancels_agree_with_a_sorted_list(int fixedSeed)
    {
        int seed = fixedSeed == 0 ? Environment.TickCount : fixedSeed;
        var random = new Random(seed);
        var time = new ManualTime();
        EventLoop loop = StillLoop(time);
        var fired = new List<int>();
        var model = new List<(long Due, long Order, int Id)>();
        LoopTimer[] timers = [.. Enumerable.Range(0, 60).Select(id => loop.CreateTimer(_ => fired.Add(id), id))];
        for (int step = 0; step < 20_000; step++)
        {
            int id = random.Next(timers.Length);
            switch (random.Next(4))
            {
                case 0:
                case 1:
                    int due = random.Next(50);
                    timers[id].Start(due);
                    model.RemoveAll(entry => entry.Id == id);
                    model.Add((time.NowMs + due, step, id));
                    break;
                case 2:
                    timers[id].Cancel();
                    model.RemoveAll(entry => entry.Id == id);
                    break;
                default:
                    time.Advance(random.Next(10));
                    fired.Clear();
                    Fire(loop);
                    int[] expected =
                        [.. model.Where(entry => entry.Due <= time.NowMs).Order().Select(entry => entry.Id)];
                    Assert.True(expected.SequenceEqual(fired), $"seed {seed}, step {step}");
                    model.RemoveAll(entry => entry.Due <= time.NowMs);
                    break;
            }
            loop.RefreshClock();
            Assert.True(timers[id].IsActive == model.Exists(entry => entry.Id == id), $"seed {seed}, step {step}");
        }
    }

    [Theory]
    [ClassData(typeof(Pollers))]
    public void A_sleeping_loop_wakes_for_its_timer_and_never_too_early(PollerKind poller)
    {
        using var server = new TestServer(poller, TestServer.Echo, loops: 1);
        EventLoop loop = server.Group.Loops[0];
        using var fired = new CountdownEvent(20);
        bool isEarly = false;
        TestServer.RunOn(loop, () =>
        {
            for (int i = 0; i < 20; i++)
            {
                loop.StartTimer(i, timer =>
                {
                    isEarly |= timer.Loop.NowUs < timer.DueUs;
                    fired.Signal();
                });
            }
        });
        Assert.True(fired.Wait(TestServer.PatienceMs));
        Assert.False(isEarly);
    }

    [Fact]
    public void The_clock_is_cached_and_follows_its_source()
    {
        var time = new ManualTime();
        EventLoop loop = StillLoop(time);
        long nowUs = loop.NowUs;
        long unixMs = loop.UnixMs;
        time.Advance(1234);
        Assert.Equal(nowUs, loop.NowUs);
        loop.RefreshClock();
        Assert.Equal(1_234_000, loop.NowUs - nowUs);
        Assert.Equal(1234, loop.UnixMs - unixMs);
        Assert.Equal(loop.UnixMs, loop.UnixUs / 1000);
        Assert.Equal(ManualTime.Epoch.ToUnixTimeMilliseconds() + 1234, loop.UnixMs);
    }

    private static EventLoop StillLoop(TimeProvider time)
    {
        var options = new LoopOptions { Count = 1, Poller = PollerKind.Sockets, Time = time };
        return new LoopGroup(options, static _ => new SilentLoop()).Loops[0];
    }

    private static void Fire(EventLoop loop)
    {
        loop.RefreshClock();
        loop.Timers.FireDue(loop.NowUs);
    }

    private sealed class SilentLoop : LoopHandler
    {
        public override ConnectionHandler? Accepted(Connection connection) => null;
    }

    /// <summary>A time that moves only when told.</summary>
    private sealed class ManualTime : TimeProvider
    {
        public static readonly DateTimeOffset Epoch = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

        public long NowMs { get; private set; }

        public override long TimestampFrequency => 10_000_000;

        public void Advance(int ms) => NowMs += ms;

        public override long GetTimestamp() => NowMs * 10_000;

        public override DateTimeOffset GetUtcNow() => Epoch.AddMilliseconds(NowMs);
    }
}
