using Millrace.Engine.Values;

namespace Millrace.Engine.Tests;

public class UnitTests
{
    private const long NowMs = 1_700_000_000_000;

    [Fact]
    public void Time_never_goes_back_in_a_partition()
    {
        using var engine = new EngineFixture(4);
        engine.Begin(NowMs);
        engine.Unit.End();
        Assert.True(engine.Unit.TryBegin(0b0100, NowMs + 50, patient: true, out _));
        engine.Unit.End();
        Assert.True(engine.Unit.TryBegin(0b1000, NowMs - 5, patient: true, out _));
        Assert.Equal(NowMs, engine.Unit.NowMs);
        engine.Unit.End();
        engine.Begin(NowMs - 5);
        Assert.Equal(NowMs + 50, engine.Unit.NowMs);
        engine.Unit.End();
    }

    [Fact]
    public void A_unit_that_cannot_have_a_partition_holds_nothing()
    {
        using var engine = new EngineFixture(4);
        var other = new Unit(engine.Keyspace, 2);
        Assert.True(other.TryBegin(0b0100, NowMs, patient: true, out _));
        Assert.False(engine.Unit.TryBegin(0b1111, NowMs, patient: false, out var contended));
        Assert.Equal((2, 0UL), (contended, engine.Unit.Held));
        other.End();
        Assert.True(engine.Unit.TryBegin(0b1111, NowMs, patient: false, out _));
        engine.Unit.End();
    }

    [Fact]
    public void A_key_is_there_up_to_its_deadline_and_is_removed_by_the_first_look_after_it()
    {
        using var engine = new EngineFixture();
        engine.Unit.RecordsRemovals = true;
        Store(engine, "key", NowMs + 10);
        engine.Begin(NowMs + 10);
        Assert.False(engine.Unit.Find(engine.Key("key"), Access.Read).IsMissing);
        engine.Unit.End();
        engine.Begin(NowMs + 11);
        Assert.True(engine.Unit.Find(engine.Key("key"), Access.Peek).IsMissing);
        Assert.Equal(1, engine.Unit.Removals.Count);
        Assert.True(engine.Unit.Removals.Key(0).SequenceEqual("key"u8));
        engine.Unit.End();
        Assert.Equal((1, 0, 1, 0), Counters(engine));
        Assert.Equal(0, engine.Keyspace[0].Table(0)!.Count);
    }

    [Fact]
    public void Looks_are_counted_and_touch_as_they_say()
    {
        using var engine = new EngineFixture();
        Store(engine, "key", -1);
        foreach (var (access, idle) in (IEnumerable<(Access, long)>)
                 [(Access.Peek, 9_000), (Access.ReadWithoutTouch, 9_000), (Access.Read, 0), (Access.Write, 0)])
        {
            engine.Begin(NowMs + 9_000);
            var entry = engine.Unit.Find(engine.Key("key"), access);
            Assert.Equal(idle, AccessClock.IdleMs(entry.AccessClock, engine.Unit.NowMs));
            engine.Unit.Find(engine.Key("none"), access);
            engine.Unit.End();
        }

        Assert.Equal((2, 2, 0, 0), Counters(engine));
    }

    [Fact]
    public void Due_keys_are_removed_in_the_order_of_their_deadlines()
    {
        using var engine = new EngineFixture();
        engine.Unit.RecordsRemovals = true;
        var random = new Random(4);
        for (var i = 0; i < 1000; i++) Store(engine, "key" + i, i % 3 == 0 ? -1 : NowMs + random.Next(1000), i % 4);
        var late = new LatenessHistogram();
        var removed = 0;
        for (var now = NowMs; now < NowMs + 1100; now += 100)
        {
            engine.Begin(now);
            int count;
            do removed += count = engine.Unit.RemoveDue(0, 7, late);
            while (count == 7);
            engine.Unit.End();
            Assert.True(engine.Keyspace[0].Line.NextDeadlineMs >= now);
        }

        Assert.Equal(666, removed);
        Assert.Equal(long.MaxValue, engine.Keyspace[0].Line.NextDeadlineMs);
        Assert.Equal(334, Enumerable.Range(0, 4).Sum(database => engine.Keyspace[0].Table(database)!.Count));
        Assert.Equal((0, 0, 666, 666), Counters(engine));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(64)]
    public void Moving_and_copying_between_partitions_loses_no_byte_and_leaks_none(int partitions)
    {
        using var engine = new EngineFixture(partitions);
        var empty = engine.Keyspace.UsedBytes;
        var value = new byte[100_000];
        new Random(1).NextBytes(value);
        for (var i = 0; i < 50; i++)
        {
            engine.Begin(NowMs);
            var unit = engine.Unit;
            var from = engine.Key("from" + i);
            StringValue.SetBytes(unit, from, default, value.AsSpan(0, i * 2000), NowMs + 500);
            unit.Copy(from, unit.Find(from, Access.Peek), engine.Key("copy" + i, 2));
            unit.Move(from, unit.Find(from, Access.Peek), engine.Key("to" + i));
            Assert.True(unit.Find(from, Access.Peek).IsMissing);
            foreach (var (name, database) in (IEnumerable<(string, int)>)[("copy" + i, 2), ("to" + i, 0)])
            {
                var entry = unit.Find(engine.Key(name, database), Access.Peek);
                Assert.Equal(NowMs + 500, entry.DeadlineMs);
                Assert.True(StringValue.Read(entry, default).SequenceEqual(value.AsSpan(0, i * 2000)));
                unit.Remove(engine.Key(name, database), entry);
            }

            unit.End();
        }

        for (var i = 0; i < partitions; i++)
        {
            for (var database = 0; database < 4; database++) engine.Keyspace[i].Discard(database, nowMs: 0);
            while (!engine.Keyspace[i].FreeDiscarded(3))
            {
            }
        }

        Assert.Equal(empty, engine.Keyspace.UsedBytes);
        for (var i = 0; i < engine.Keyspace.Shape.Loops; i++) Assert.Equal(0, engine.Keyspace.UpkeepOf(i).Discarded);
    }

    [Theory]
    [InlineData(0b0100UL)]
    [InlineData(0b0110UL)]
    public void What_was_staged_for_a_unit_that_cannot_begin_is_not_found_by_the_next_one(ulong mask)
    {
        using var engine = new EngineFixture(4);
        var other = new Unit(engine.Keyspace, 2);
        Assert.True(other.TryBegin(0b0100, NowMs, patient: true, out _));
        engine.Unit.Staged.Add(Enumerable.Repeat((byte)'a', 50_000).ToArray(), 10, 40_000);
        Assert.False(engine.Unit.TryBegin(mask, NowMs, patient: false, out _));
        Assert.Equal((0, 0), (engine.Unit.Staged.Count, engine.Keyspace.Blobs.LiveCount));
        other.End();

        var input = Enumerable.Repeat((byte)'b', 50_000).ToArray();
        engine.Begin(NowMs);
        var entry = StringValue.SetBytes(engine.Unit, engine.Key("k"), default, input.AsSpan(10, 40_000), -1);
        Assert.Equal(-1, StringValue.Read(entry, default).IndexOfAnyExcept((byte)'b'));
        engine.Unit.End();
    }

    [Fact]
    public void An_argument_is_taken_by_its_array_and_place_alone()
    {
        using var engine = new EngineFixture();
        var first = Enumerable.Repeat((byte)'a', 90_000).ToArray();
        var second = Enumerable.Repeat((byte)'b', 90_000).ToArray();
        engine.Unit.Staged.Add(first, 0, 40_000);
        engine.Unit.Staged.Add(first, 40_000, 40_000);
        engine.Unit.Staged.Add(second, 0, 40_000);
        engine.Begin(NowMs);
        (string Key, byte[] Input, int Start)[] order =
            [("b", second, 0), ("a2", first, 40_000), ("a1", first, 0), ("again", first, 0), ("not", second, 1)];
        foreach (var (key, input, start) in order)
        {
            var entry = StringValue.SetBytes(
                engine.Unit, engine.Key(key), default, input.AsSpan(start, 40_000), -1);
            Assert.Equal(-1, StringValue.Read(entry, default).IndexOfAnyExcept((byte)key[0] == 'b' || key == "not"
                ? (byte)'b' : (byte)'a'));
        }

        engine.Unit.End();
        Assert.Equal(order.Length, engine.Keyspace.Blobs.LiveCount);
    }

    [Fact]
    public void A_loop_knows_the_earliest_deadline_of_its_partitions()
    {
        using var engine = new EngineFixture(4);
        for (var i = 0; i < 40; i++) Store(engine, "key" + i, NowMs + 1000 + i);
        var (one, two) = (engine.Keyspace.UpkeepOf(0).SoonestMs, engine.Keyspace.UpkeepOf(1).SoonestMs);
        Assert.Equal(NowMs + 1000, Math.Min(one, two));

        var now = NowMs + 1020;
        for (var i = 0; i < 4; i++)
        {
            Assert.True(engine.Unit.TryBegin(1UL << i, now, patient: true, out _));
            while (engine.Unit.RemoveDue(i, 10, new LatenessHistogram()) == 10)
            {
            }

            engine.Unit.End();
        }

        for (var loop = 0; loop < 2; loop++)
        {
            Assert.True(engine.Keyspace.UpkeepOf(loop).SoonestMs <= NowMs + 1039, "never later than the next one");
            engine.Keyspace.SurveyUpkeep(loop);
            var expected = Math.Min(
                engine.Keyspace[loop].Line.NextDeadlineMs, engine.Keyspace[loop + 2].Line.NextDeadlineMs);
            Assert.Equal(expected, engine.Keyspace.UpkeepOf(loop).SoonestMs);
            Assert.True(expected >= now);
        }
    }

    [Fact]
    public async Task No_deadline_is_lost_between_a_survey_and_those_who_note_one()
    {
        using var engine = new EngineFixture(4);
        var isDone = false;
        var surveying = Task.Run(() =>
        {
            while (!Volatile.Read(ref isDone)) engine.Keyspace.SurveyUpkeep(0);
        });
        for (var i = 0; i < 3000; i++)
        {
            Store(engine, "key" + i, NowMs + 1_000_000 - i);
            var soonest = Math.Min(engine.Keyspace[0].Line.NextDeadlineMs, engine.Keyspace[2].Line.NextDeadlineMs);
            if (i % 100 != 99) continue;
            Assert.True(SpinWait.SpinUntil(() => engine.Keyspace.UpkeepOf(0).SoonestMs == soonest, 10_000));
        }

        Volatile.Write(ref isDone, true);
        await surveying;
        var last = Math.Min(engine.Keyspace[0].Line.NextDeadlineMs, engine.Keyspace[2].Line.NextDeadlineMs);
        Assert.Equal(last, engine.Keyspace.UpkeepOf(0).SoonestMs);
    }

    private static void Store(EngineFixture engine, string name, long deadlineMs, int database = 0)
    {
        engine.Begin(NowMs);
        StringValue.SetBytes(engine.Unit, engine.Key(name, database), default, "value"u8, deadlineMs);
        engine.Unit.End();
    }

    private static (long Hits, long Misses, long Expired, long Actively) Counters(EngineFixture engine)
    {
        ref var line = ref engine.Keyspace[0].Line;
        return (line.Hits, line.Misses, line.Expired, line.ExpiredActively);
    }
}
