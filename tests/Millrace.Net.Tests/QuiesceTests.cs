// Quiesce: nobody is inside a unit while the action runs, whoever calls it and however often.

namespace Millrace.Net.Tests;

public class QuiesceTests
{
    private const int Loops = 3;

    [Theory]
    [ClassData(typeof(Pollers))]
    public void No_unit_overlaps_an_action_and_everybody_gets_on(PollerKind poller)
    {
        const int PerCaller = 300;
        using var server = new TestServer(poller, TestServer.Echo, loops: Loops);
        var state = new Shared();
        using var loopsDone = new CountdownEvent(Loops);
        foreach (EventLoop loop in server.Group.Loops) loop.Post(new Worker(state, loopsDone, PerCaller));
        Thread[] outsiders = [.. Enumerable.Range(0, 2).Select(_ => new Thread(() =>
        {
            for (int i = 0; i < PerCaller; i++) server.Group.Quiesce(null, state.Exclusive);
        }))];
        foreach (Thread thread in outsiders) thread.Start();
        foreach (Thread thread in outsiders) Assert.True(thread.Join(TestServer.PatienceMs));
        Assert.True(loopsDone.Wait(TestServer.PatienceMs));
        Assert.Equal(0, state.Faults);
        Assert.Equal(PerCaller * (Loops + 2), state.Actions);
    }

    [Theory]
    [ClassData(typeof(Pollers))]
    public void Sleeping_loops_count_as_standing_and_notice_what_was_done_to_them(PollerKind poller)
    {
        using var server = new TestServer(poller, TestServer.Echo, loops: Loops);
        var clients = Enumerable.Range(0, Loops).Select(_ => server.Connect()).ToList();
        TestServer.Until(() => server.Opened.Count == Loops, "accepted");
        for (int round = 0; round < 200; round++)
        {
            server.Group.Quiesce(null, () =>
            {
                foreach (EventLoop loop in server.Group.Loops)
                {
                    foreach (Connection connection in loop.Connections) connection.Output.Append("!"u8);
                }
            });
            Assert.All(clients, client => client.ReceiveExactly(1));
        }
        server.Group.Quiesce(null, () =>
        {
            foreach (EventLoop loop in server.Group.Loops)
            {
                foreach (Connection connection in loop.Connections) connection.CloseAfterFlush();
            }
        });
        Assert.All(clients, client => Assert.Empty(client.ReceiveToEnd()));
        clients.ForEach(client => client.Dispose());
    }

    [Theory]
    [ClassData(typeof(Pollers))]
    public void A_loop_that_is_woken_during_an_action_waits_for_its_end(PollerKind poller)
    {
        using var server = new TestServer(poller, TestServer.Echo, loops: 1);
        EventLoop loop = server.Group.Loops[0];
        using var delivered = new ManualResetEventSlim();
        for (int round = 0; round < 5; round++)
        {
            delivered.Reset();
            TestServer.Until(() => loop.State == LoopState.Asleep, "asleep");
            server.Group.Quiesce(null, () =>
            {
                loop.Post(new TestServer.ActionMail(delivered.Set));
                Assert.False(delivered.Wait(20));   // a loop that does not wait delivers within microseconds
            });
            Assert.True(delivered.Wait(TestServer.PatienceMs));
        }
    }

    [Theory]
    [ClassData(typeof(Pollers))]
    public void Two_loops_that_call_at_once_are_served_in_turn(PollerKind poller)
    {
        using var server = new TestServer(poller, TestServer.Echo, loops: 2);
        using var both = new Barrier(2);
        using var done = new CountdownEvent(2);
        int running = 0;
        int most = 0;
        foreach (EventLoop loop in server.Group.Loops)
        {
            loop.Post(new TestServer.ActionMail(() =>
            {
                both.SignalAndWait();
                server.Group.Quiesce(loop, () =>
                {
                    most = Math.Max(most, Interlocked.Increment(ref running));
                    Interlocked.Decrement(ref running);
                });
                done.Signal();
            }));
        }
        Assert.True(done.Wait(TestServer.PatienceMs));
        Assert.Equal(1, most);
    }

    [Theory]
    [ClassData(typeof(Pollers))]
    public void A_call_from_within_an_action_is_refused_and_the_loops_go_on(PollerKind poller)
    {
        using var server = new TestServer(poller, TestServer.Echo, loops: 2);
        Assert.Throws<InvalidOperationException>(() =>
            server.Group.Quiesce(null, () => server.Group.Quiesce(null, static () => { })));
        EventLoop loop = server.Group.Loops[0];
        TestServer.RunOn(loop, () => Assert.Throws<InvalidOperationException>(() =>
            server.Group.Quiesce(loop, () => server.Group.Quiesce(loop, static () => { }))));
        // On a thread that is not the loop's:
        Assert.Throws<InvalidOperationException>(() => server.Group.Quiesce(loop, static () => { }));
        foreach (EventLoop each in server.Group.Loops)
            TestServer.RunOn(each, () => Assert.False(each.QuiesceRequested));
    }

    [Theory]
    [ClassData(typeof(Pollers))]
    public void Loops_that_have_not_been_started_or_have_ended_stand(PollerKind poller)
    {
        int actions = 0;
        var server = new TestServer(poller, TestServer.Echo);
        server.Dispose();
        server.Group.Quiesce(null, () => actions++);
        var options = new LoopOptions { Count = 2, Poller = poller };
        using var group = new LoopGroup(options, static _ => new SilentLoop());
        group.Quiesce(null, () => actions++);
        Assert.Equal(2, actions);
    }

    /// <summary>What units touch together, one flag per loop, and actions alone.</summary>
    private sealed class Shared
    {
        private readonly int[] _inside = new int[Loops];

        public int Faults;

        public int Actions;

        public void Unit(EventLoop loop)
        {
            Volatile.Write(ref _inside[loop.Index], 1);
            int before = Volatile.Read(ref Actions);
            Thread.SpinWait(20);
            if (Volatile.Read(ref Actions) != before) Interlocked.Increment(ref Faults);
            Volatile.Write(ref _inside[loop.Index], 0);
        }

        public void Exclusive()
        {
            int before = Actions;
            for (int i = 0; i < _inside.Length; i++)
            {
                if (Volatile.Read(ref _inside[i]) != 0) Interlocked.Increment(ref Faults);
            }
            Thread.SpinWait(50);
            Actions = before + 1;   // not atomic: two actions at once would lose one
        }
    }

    /// <summary>Runs units, some turns long and some short, calls Quiesce itself now and then, and sleeps in
    /// between.</summary>
    private sealed class Worker(Shared state, CountdownEvent done, int calls) : Mail
    {
        private readonly Random _random = new(calls);

        public override void Deliver(EventLoop loop)
        {
            int units = _random.Next(40);
            for (int i = 0; i < units; i++)
            {
                state.Unit(loop);
                if (loop.QuiesceRequested) loop.YieldToQuiesce();
            }
            loop.Group.Quiesce(loop, state.Exclusive);
            if (--calls == 0) done.Signal();
            else if (calls % 8 == 0) loop.StartTimer(1, _ => Deliver(loop));
            else loop.Post(this);
        }
    }

    private sealed class SilentLoop : LoopHandler
    {
        public override ConnectionHandler? Accepted(Connection connection) => null;
    }
}
