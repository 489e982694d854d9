namespace Millrace.Engine.Tests;

public class WaiterTests
{
    private const long NowMs = 1_000_000;

    [Fact]
    public void One_decision_is_taken_and_it_stays()
    {
        var served = new Waiting(0);
        Assert.True(served.IsWaiting);
        Assert.True(served.TryBeginService());
        Assert.False(served.TryBeginService());
        Assert.False(served.TryEnd(out var isInService));
        Assert.True(isInService);
        served.Resume();
        Assert.True(served.TryBeginService());
        served.EndService();
        Assert.False(served.TryEnd(out isInService));
        Assert.False(isInService || served.IsWaiting || served.HasEnded);

        var ended = new Waiting(0);
        Assert.True(ended.TryEnd(out _));
        Assert.False(ended.TryEnd(out _));
        Assert.False(ended.TryBeginService());
        Assert.True(ended.HasEnded);
    }

    [Fact]
    public void A_partition_counts_as_taken_when_one_is_that_its_waiters_need()
    {
        using var engine = new EngineFixture(4);
        var key = engine.Key("k");
        var own = 1UL << engine.Keyspace.PartitionOf(key.Hash);
        var other = own == 1 ? 2UL : 1UL;
        Assert.True(engine.Unit.TryBegin(other, NowMs, patient: true, out _));
        Assert.False(engine.Keyspace.IsTaken(own));
        Assert.True(engine.Keyspace.IsTaken(other));
        engine.Unit.End();
        Assert.False(engine.Keyspace.IsTaken(engine.Keyspace.AllPartitions));
        engine.Begin(NowMs);
        new Waiting(other).WaitFor(engine.Unit, key);
        engine.Unit.End();
        Assert.True(engine.Unit.TryBegin(other, NowMs, patient: true, out _));
        Assert.True(engine.Keyspace.IsTaken(own));
        engine.Unit.End();
        using var single = new EngineFixture();
        single.Begin(NowMs);
        Assert.False(single.Keyspace.IsTaken(1));
        single.Unit.End();
    }

    [Fact]
    public void Who_came_first_stands_first_and_whoever_leaves_leaves_no_gap()
    {
        using var engine = new EngineFixture(4);
        var key = engine.Key("k");
        engine.Begin(NowMs);
        var waiters = Enumerable.Range(0, 5).Select(_ => new Waiting(engine.Keyspace.AllPartitions)).ToList();
        foreach (var waiter in waiters)
        {
            waiter.WaitFor(engine.Unit, key);
            waiter.WaitFor(engine.Unit, key);
        }

        foreach (var gone in (int[])[2, 0, 4])
        {
            waiters[gone].Leave(engine.Keyspace[engine.Keyspace.PartitionOf(key.Hash)]);
            waiters[gone].Leave(engine.Keyspace[engine.Keyspace.PartitionOf(key.Hash)]);
        }

        engine.Unit.End();
        engine.Begin(NowMs); // who is registered is heard of by the units that begin after it
        engine.Unit.Changed(key);
        engine.Unit.Changed(key);
        Assert.True(engine.Unit.Ready.TryTake(out var queue));
        Assert.False(engine.Unit.Ready.TryTake(out _));
        Assert.Equal(2, queue.Count);
        Assert.Same(waiters[1], queue.First!.Waiter);
        Assert.Same(waiters[3], queue.First.Next!.Waiter);
        Assert.Null(queue.First.Next.Next);
        engine.Unit.End();
    }

    [Fact]
    public void The_lock_set_of_a_writer_is_closed_over_the_needs_of_waiters()
    {
        using var engine = new EngineFixture(4);
        var keys = new string[4];
        for (var i = 0; keys.Contains(null); i++)
            keys[engine.Keyspace.PartitionOf(engine.Key("k" + i).Hash)] = "k" + i;
        engine.Begin(NowMs);
        // Partition 1's waiter needs 3, and 3's needs 0.
        var first = new Waiting(0b1010);
        first.WaitFor(engine.Unit, engine.Key(keys[1]));
        var second = new Waiting(0b1001);
        second.WaitFor(engine.Unit, engine.Key(keys[3]));
        engine.Unit.End();
        Assert.Equal(0b0001UL, engine.Keyspace.ClosureOf(0b0001));
        Assert.Equal(0b1011UL, engine.Keyspace.ClosureOf(0b0010));
        Assert.Equal(0b1001UL, engine.Keyspace.ClosureOf(0b1000));
        Assert.True(engine.Unit.TryBeginWrite(0b0010, NowMs, patient: true, out _));
        Assert.Equal(0b1011UL, engine.Unit.Held);
        second.Leave(engine.Keyspace[3]);
        engine.Unit.End();
        Assert.True(engine.Unit.TryBeginWrite(0b0010, NowMs, patient: true, out _));
        Assert.Equal(0b1010UL, engine.Unit.Held);
        first.Leave(engine.Keyspace[1]);
        engine.Unit.End();
        Assert.Equal(0b0010UL, engine.Keyspace.ClosureOf(0b0010));
        Assert.Equal(0, engine.Keyspace.SumOver(static one => one.Awaited.Count + one.Line.Listeners));
    }

    [Fact]
    public void A_write_that_cannot_have_the_whole_set_holds_nothing()
    {
        using var engine = new EngineFixture(4);
        var keys = new string[4];
        for (var i = 0; keys.Contains(null); i++)
            keys[engine.Keyspace.PartitionOf(engine.Key("k" + i).Hash)] = "k" + i;
        engine.Begin(NowMs);
        var waiter = new Waiting(0b0110);
        waiter.WaitFor(engine.Unit, engine.Key(keys[1]));
        engine.Unit.End();
        var other = new Unit(engine.Keyspace, 2);
        Assert.True(other.TryBegin(0b0100, NowMs, patient: true, out _));
        Assert.False(engine.Unit.TryBeginWrite(0b0010, NowMs, patient: false, out var contended));
        Assert.Equal((2, 0UL), (contended, engine.Unit.Held));
        other.End();
    }

    private sealed class Waiting : Waiter
    {
        public Waiting(ulong partitions)
            : base(0, ValueType.List) => Partitions = partitions;
    }
}
