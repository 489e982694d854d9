using System.Text;
using Millrace.Engine.Values;
using Millrace.Memory;

namespace Millrace.Engine.Tests;

public class ListValueTests
{
    [Theory]
    [InlineData(3, false)]
    [InlineData(3, true)]
    [InlineData(5_000, false)]
    [InlineData(5_000, true)]
    public void A_list_moves_and_is_copied_between_partitions(int elements, bool copies)
    {
        using var fixture = new EngineFixture(partitions: 16);
        var from = fixture.Key("from");
        fixture.Begin(1_000);
        var entry = Fill(fixture, from, elements);
        for (var i = 0; i < 20; i++)
        {
            var to = fixture.Key($"to{i}");
            var made = copies ? fixture.Unit.Copy(from, entry, to) : fixture.Unit.Move(from, entry, to);
            Assert.Equal(elements, ListValue.Length(made));
            Assert.Equal("element 0", TextOf(ListValue.Peek(made, ListEnd.Left)));
            Assert.Equal($"element {elements - 1}", TextOf(ListValue.Peek(made, ListEnd.Right)));
            if (copies)
            {
                Assert.Equal(elements, ListValue.Length(entry));
                continue;
            }

            Assert.True(fixture.Unit.Find(from, Access.Peek).IsMissing);
            entry = fixture.Unit.Move(to, made, from);
        }

        fixture.Unit.End();
        Assert.Equal(copies ? 21 : 1, Lists(fixture));
        Empty(fixture);
        Assert.Equal(0, fixture.Keyspace.UsedBytes);
    }

    [Fact]
    public void What_lies_outside_of_an_entry_counts_as_its_size()
    {
        using var fixture = new EngineFixture();
        fixture.Begin(1_000);
        var other = fixture.Key("other");
        StringValue.SetInteger(fixture.Unit, other, default, 1, -1);
        var before = fixture.Keyspace.UsedBytes;
        var entry = Fill(fixture, fixture.Key("list"), 3_000);
        Assert.False(ListValue.IsPacked(entry));
        Assert.Equal(fixture.Keyspace.UsedBytes - before, Value.SizeBytes(fixture.Heap, entry));
        fixture.Unit.End();
    }

    [Fact]
    public void A_walk_out_of_range_gives_nothing()
    {
        using var fixture = new EngineFixture();
        fixture.Begin(1_000);
        foreach (var elements in (int[])[2, 3_000])
        {
            var entry = Fill(fixture, fixture.Key($"list{elements}"), elements);
            foreach (var index in (long[])[-1, elements, long.MinValue, long.MaxValue])
            {
                using var cursor = ListValue.Walk(entry, index, isBackwards: index < 0);
                Assert.False(cursor.TryNext(out _));
            }
        }

        fixture.Unit.End();
    }

    private static Entry Fill(EngineFixture fixture, Key key, int elements)
    {
        var entry = fixture.Unit.Find(key, Access.Write);
        for (var i = 0; i < elements; i++)
        {
            var text = Encoding.Latin1.GetBytes($"element {i}");
            entry = ListValue.BeforeAdding(fixture.Unit, key, entry, text.Length, 1);
            entry = ListValue.Push(fixture.Unit, key, entry, ListEnd.Right, ListpackElement.Of(text));
        }

        return entry;
    }

    private static string TextOf(ListpackElement element)
    {
        Span<byte> scratch = stackalloc byte[ListpackElement.MaxIntegerBytes];
        return Encoding.Latin1.GetString(element.Text(scratch));
    }

    private static long Lists(EngineFixture fixture)
    {
        var sum = 0L;
        for (var i = 0; i < fixture.Keyspace.Shape.Partitions; i++) sum += fixture.Keyspace[i].Table(0)?.Count ?? 0;
        return sum;
    }

    private static void Empty(EngineFixture fixture)
    {
        for (var i = 0; i < fixture.Keyspace.Shape.Partitions; i++)
        {
            fixture.Keyspace[i].Discard(0, nowMs: 0);
            while (!fixture.Keyspace[i].FreeDiscarded(100)) continue;
        }
    }
}
