using System.Text;
using Millrace.Engine.Values;
using Millrace.Memory;

namespace Millrace.Engine.Tests;

public class DiscardsTests
{
    private const int Slice = 16;

    [Fact]
    public void A_flushed_table_is_freed_while_large_values_keep_coming()
    {
        const int Keys = 2_000;
        using var engine = new EngineFixture();
        engine.Begin(1_000);
        for (var i = 0; i < Keys; i++)
            StringValue.SetBytes(engine.Unit, engine.Key($"key:{i}", 1), default, "text"u8, -1);
        var partition = engine.Keyspace[0];
        partition.Discard(1, 1_000);
        var values = 0;
        for (; partition.Discards.Count > values; values++)
        {
            Assert.True(values < 10, "the table waits for the values");
            DiscardSet(engine);
            for (var slices = 0; slices < 60; slices++) partition.FreeDiscarded(Slice); // half of the set at most
        }

        engine.Unit.End();
    }

    [Fact]
    public void The_oldest_value_is_freed_first_and_all_of_them_in_the_end()
    {
        using var engine = new EngineFixture();
        engine.Begin(1_000);
        for (var i = 0; i < 10; i++) DiscardSet(engine);
        var discards = engine.Keyspace[0].Discards;
        Assert.Equal(10, discards.Count);
        discards.FreeSome(Slice); // some of the first
        for (var i = 0; i < 3; i++) DiscardSet(engine);
        var slices = 0;
        for (; discards.Count == 13; slices++) discards.FreeSome(Slice);
        Assert.InRange(slices, 1, 1_000 / Slice);
        for (; !discards.FreeSome(Slice); slices++) Assert.True(slices < 13 * 2_000 / Slice);
        Assert.Equal(0, discards.Count);
        engine.Unit.End();
    }

    [Fact]
    public void A_unit_pays_once_for_what_it_has_discarded()
    {
        using var engine = new EngineFixture();
        engine.Begin(1_000);
        Assert.False(engine.Unit.HasDiscarded);
        DiscardSet(engine);
        Assert.True(engine.Unit.HasDiscarded);
        engine.Unit.FreeDiscarded(0);
        Assert.False(engine.Unit.HasDiscarded);
        Assert.False(engine.Keyspace[0].Discards.IsEmpty);
        engine.Unit.FreeDiscarded(long.MaxValue);
        Assert.False(engine.Keyspace[0].Discards.IsEmpty);
        DiscardSet(engine);
        engine.Unit.FreeDiscarded(long.MaxValue);
        Assert.True(engine.Keyspace[0].Discards.IsEmpty);
        engine.Unit.End();
    }

    private static void DiscardSet(EngineFixture engine)
    {
        const int Members = 1_000;
        var writer = new SetWriter(engine.Unit, engine.Key("set"), default);
        writer.Expect(ListpackElement.Of("first"u8), Members);
        for (var i = 0; i < Members; i++) writer.Add(ListpackElement.Of(Encoding.ASCII.GetBytes("m" + i)));
        engine.Unit.Remove(engine.Key("set"), writer.Entry);
    }
}
