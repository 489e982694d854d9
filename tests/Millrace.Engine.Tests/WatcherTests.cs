using Millrace.Engine.Values;

namespace Millrace.Engine.Tests;

public class WatcherTests
{
    private const long NowMs = 1_000_000;

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void A_change_a_removal_a_move_and_expiry_break_a_watch(int partitions)
    {
        using var engine = new EngineFixture(partitions);
        AssertBroken(engine, static (unit, key) => StringValue.SetBytes(unit, key, default, "1"u8, -1), broken: false);
        AssertBroken(engine, static (unit, key) => unit.Changed(key), broken: true);
        AssertBroken(engine, static (unit, key) => unit.Remove(key, Made(unit, key)), broken: true);
        AssertBroken(engine, static (unit, key) =>
        {
            var other = new Key(key.Database + 1, key.Hash, key.Bytes);
            unit.Move(key, Made(unit, key), other);
            unit.Remove(other, unit.Find(other, Access.Peek));
        }, broken: true);
        AssertBroken(engine, static (unit, key) =>
        {
            unit.SetDeadline(key, Made(unit, key), NowMs - 1);
            unit.Find(key, Access.Peek);
        }, broken: true);
        AssertBroken(engine, static (unit, key) => unit.Changed(key.In(1)), broken: false);
    }

    [Fact]
    public void Flushing_and_swapping_break_watches_of_keys_that_exist_before_or_after()
    {
        using var engine = new EngineFixture(4);
        AssertBroken(engine, static (unit, _) => unit.Discard(0), broken: false);
        AssertBroken(engine, static (unit, _) => unit.Swap(0, 1), broken: false);
        AssertBroken(engine, static (unit, key) =>
        {
            Made(unit, key);
            unit.Discard(0);
        }, broken: true);
        AssertBroken(engine, static (unit, key) =>
        {
            Made(unit, key.In(1));
            unit.Swap(0, 1);
            unit.Discard(0);
        }, broken: true);
    }

    [Fact]
    public void An_entry_that_had_expired_and_must_stay_breaks_nothing_when_it_goes_and_breaks_when_it_is_replaced()
    {
        using var engine = new EngineFixture(4);
        var key = engine.Key("k");
        engine.Begin(NowMs);
        engine.Unit.SetDeadline(key, Made(engine.Unit, key), NowMs - 1);
        engine.Unit.RemovesExpired = false;
        var watcher = new Watcher();
        watcher.Add(engine.Unit, key);
        watcher.Settle(engine.Unit);
        engine.Unit.End();
        Assert.False(watcher.IsBroken);

        engine.Begin(NowMs);
        engine.Unit.RemovesExpired = true;
        Assert.True(engine.Unit.Find(key, Access.Peek).IsMissing);
        Assert.False(watcher.IsBroken);
        engine.Unit.Changed(key);
        Assert.True(watcher.IsBroken);
        engine.Unit.End();
    }

    [Fact]
    public void What_expires_while_it_must_stay_breaks_the_watch_when_it_is_settled()
    {
        using var engine = new EngineFixture(4);
        var key = engine.Key("k");
        engine.Begin(NowMs);
        engine.Unit.RemovesExpired = false;
        engine.Unit.SetDeadline(key, Made(engine.Unit, key), NowMs + 10);
        var watcher = new Watcher();
        watcher.Add(engine.Unit, key);
        engine.Unit.End();
        engine.Begin(NowMs + 11);
        watcher.Settle(engine.Unit);
        Assert.True(watcher.IsBroken);
        engine.Unit.End();
    }

    [Fact]
    public void Whoever_forgets_is_in_no_partition_any_more()
    {
        using var engine = new EngineFixture(4);
        var watcher = new Watcher();
        engine.Begin(NowMs);
        for (var i = 0; i < 20; i++) watcher.Add(engine.Unit, engine.Key("k" + (i % 10)));
        Assert.Equal(10, watcher.Count);
        Assert.Equal(10, engine.Keyspace.SumOver(static one => one.Watched.Count));
        for (var i = 0; i < 4; i++) watcher.Forget(engine.Keyspace[i], engine.Keyspace);
        Assert.Equal((0, 0UL), (watcher.Count, watcher.Partitions));
        Assert.Equal(0, engine.Keyspace.SumOver(static one => one.Watched.Count + one.Line.Listeners));
        engine.Unit.End();
    }

    private static Entry Made(Unit unit, in Key key) => StringValue.SetBytes(unit, key, default, "v"u8, -1);

    private delegate void Change(Unit unit, Key key);

    private static void AssertBroken(EngineFixture engine, Change change, bool broken)
    {
        var key = engine.Key("watched");
        var watcher = new Watcher();
        engine.Begin(NowMs);
        watcher.Add(engine.Unit, key);
        engine.Unit.End();
        engine.Begin(NowMs);
        change(engine.Unit, key);
        Assert.Equal(broken, watcher.IsBroken);
        var left = engine.Unit.Find(key, Access.Peek);
        if (!left.IsMissing) engine.Unit.Remove(key, left);
        for (var i = 0; i < engine.Keyspace.Shape.Partitions; i++) watcher.Forget(engine.Keyspace[i], engine.Keyspace);
        engine.Unit.End();
    }
}
