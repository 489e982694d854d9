// The mailbox: order, nested delivery, and no lost wake-up under stress. Loops of these tests sleep without bound, so a
// lost wake-up shows as a hang and not as a delay.

using System.Collections.Concurrent;

namespace Millrace.Net.Tests;

public class MailTests
{
    [Theory]
    [ClassData(typeof(Pollers))]
    public void Each_senders_mail_arrives_in_order_and_complete(PollerKind poller)
    {
        const int Senders = 4;
        const int Each = 20_000;
        using var server = new TestServer(poller, TestServer.Echo, loops: 1);
        EventLoop loop = server.Group.Loops[0];
        int[] next = new int[Senders];
        int faults = 0;
        using var done = new CountdownEvent(Senders);
        Thread[] threads = [.. Enumerable.Range(0, Senders).Select(sender => new Thread(() =>
        {
            for (int i = 0; i < Each; i++)
            {
                int number = i;
                loop.Post(new TestServer.ActionMail(() =>
                {
                    if (next[sender]++ != number) faults++;
                    if (number == Each - 1) done.Signal();
                }));
            }
        }))];
        foreach (Thread thread in threads) thread.Start();
        Assert.True(done.Wait(TestServer.PatienceMs));
        foreach (Thread thread in threads) thread.Join();
        Assert.Equal(0, faults);
        Assert.All(next, count => Assert.Equal(Each, count));
    }

    [Theory]
    [ClassData(typeof(Pollers))]
    public void No_wake_up_is_lost_when_loops_fall_asleep_while_mail_is_posted(PollerKind poller)
    {
        const int Rounds = 5_000;
        using var server = new TestServer(poller, TestServer.Echo, loops: 2);
        using var done = new CountdownEvent(2);
        EventLoop first = server.Group.Loops[0];
        EventLoop second = server.Group.Loops[1];
        // Each ball wakes a loop that has just gone, or is just going, to sleep.
        first.Post(new Ball(first, second, Rounds, done));
        second.Post(new Ball(second, first, Rounds, done));
        // Meanwhile this thread posts with pauses of all lengths around the time of falling asleep.
        int delivered = 0;
        for (int i = 0; i < Rounds; i++)
        {
            first.Post(new TestServer.ActionMail(() => Interlocked.Increment(ref delivered)));
            Thread.SpinWait(i % 200);
            if (i % 16 != 0) continue;
            int posted = i + 1;
            TestServer.Until(() => Volatile.Read(ref delivered) == posted, "delivered");
        }
        TestServer.Until(() => Volatile.Read(ref delivered) == Rounds, "delivered");
        Assert.True(done.Wait(TestServer.PatienceMs));
    }

    [Theory]
    [ClassData(typeof(Pollers))]
    public void Mail_delivered_from_within_a_delivery_keeps_its_order(PollerKind poller)
    {
        using var server = new TestServer(poller, TestServer.Echo, loops: 1);
        EventLoop loop = server.Group.Loops[0];
        var order = new ConcurrentQueue<string>();
        TestServer.RunOn(loop, () =>
        {
            loop.Post(new TestServer.ActionMail(() =>
            {
                order.Enqueue("first");
                loop.Post(new TestServer.ActionMail(() => order.Enqueue("posted by the first")));
                loop.DeliverMail();
                order.Enqueue("end of the first");
            }));
            loop.Post(new TestServer.ActionMail(() => order.Enqueue("second")));
            Assert.True(loop.HasMail);
            Assert.Empty(order);
        });
        TestServer.RunOn(loop, static () => { });
        Assert.Equal(["first", "second", "posted by the first", "end of the first"], order);
    }

    [Theory]
    [ClassData(typeof(Pollers))]
    public void Mail_posted_before_the_start_is_delivered(PollerKind poller)
    {
        using var delivered = new ManualResetEventSlim();
        var options = new LoopOptions { Count = 1, Poller = poller };
        using var group = new LoopGroup(options, static _ => new RefusingLoop());
        group.Loops[0].Post(new TestServer.ActionMail(delivered.Set));
        group.Start();
        Assert.True(delivered.Wait(TestServer.PatienceMs));
    }

    [Theory]
    [ClassData(typeof(Pollers))]
    public void Mail_that_comes_after_the_last_look_and_before_the_sleep_is_not_overslept(PollerKind poller)
    {
        // The handler is asked for its idle time after the loop has looked for mail and before it calls itself asleep.
        var options = new LoopOptions { Count = 1, Poller = poller };
        var handler = new PostingLoop();
        using var group = new LoopGroup(options, _ => handler);
        handler.Loop = group.Loops[0];
        group.Start();
        Assert.True(handler.Delivered.Wait(TestServer.PatienceMs));
    }

    private sealed class PostingLoop : LoopHandler
    {
        private int _posted;

        public EventLoop? Loop { get; set; }

        public CountdownEvent Delivered { get; } = new(1000);

        public override int MaxIdleMs
        {
            get
            {
                if (_posted++ < 1000) Loop!.Post(new TestServer.ActionMail(() => Delivered.Signal()));
                return -1;
            }
        }

        public override ConnectionHandler? Accepted(Connection connection) => null;
    }

    private sealed class Ball(EventLoop here, EventLoop there, int rounds, CountdownEvent done) : Mail
    {
        public override void Deliver(EventLoop loop)
        {
            if (!ReferenceEquals(loop, here)) throw new InvalidOperationException("a letter came to the wrong loop");
            if (rounds == 0) done.Signal();
            else there.Post(new Ball(there, here, rounds - 1, done));
        }
    }

    private sealed class RefusingLoop : LoopHandler
    {
        public override ConnectionHandler? Accepted(Connection connection) => null;
    }
}
