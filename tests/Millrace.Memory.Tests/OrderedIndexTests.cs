using Xunit.Abstractions;

namespace Millrace.Memory.Tests;

public class OrderedIndexTests(ITestOutputHelper output)
{
    [Fact]
    public void It_agrees_with_a_sorted_set()
    {
        Seeds.ForEach(output, seed =>
        {
            using var source = new MemorySource();
            using var heap = new Heap(source);
            var index = OrderedIndex.Create(heap);
            var model = new SortedSet<(ulong High, ulong Low)>();
            var random = new Random(seed);
            for (var i = 0; i < 60_000; i++)
            {
                var grows = i / 10_000 % 2 == 0;
                var key = NextKey(random, i % 3);
                if (random.Next(10) < (grows ? 8 : 2)) Assert.Equal(model.Add(key), index.Insert(key.High, key.Low));
                else Assert.Equal(model.Remove(key), index.Remove(key.High, key.Low));
                CheckFirst(model, index);
                if (i % 2_000 == 0) Check(heap, model, index, NextKey(random, 1));
            }

            // Down to nothing in random order, so that every kind of join happens.
            foreach (var key in model.OrderBy(_ => random.Next()).ToList())
            {
                Assert.True(index.Remove(key.High, key.Low));
                model.Remove(key);
                CheckFirst(model, index);
                if (model.Count % 1_000 == 0) Check(heap, model, index, default);
            }

            Assert.Equal(heap.UsableSize(index.Header), index.AllocatedBytes);
            index.Free();
            heap.CheckLeaks();
        });
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Keys_in_order_go_in_and_come_out_from_the_front(bool ascending)
    {
        using var source = new MemorySource();
        using var heap = new Heap(source);
        var index = OrderedIndex.Create(heap);
        const ulong Keys = 20_000;
        for (var i = 0UL; i < Keys; i++) Assert.True(index.Insert(ascending ? i : Keys - 1 - i, i));
        index.CheckInvariants();
        var bytesPerKey = (double)index.AllocatedBytes / Keys;
        output.WriteLine($"{bytesPerKey} bytes per key");
        if (ascending && !Heap.IsChecked) Assert.InRange(bytesPerKey, 16, 18);
        for (var i = 0UL; i < Keys; i++)
        {
            Assert.True(index.TryFirst(out var high, out var low));
            Assert.Equal(i, high);
            Assert.True(index.Remove(high, low));
            if (i % 1_000 == 0) index.CheckInvariants();
        }

        Assert.False(index.TryFirst(out _, out _));
        index.Free();
        heap.CheckLeaks();
    }

    [Fact]
    public void Extreme_keys_are_ordinary_and_the_order_is_unsigned()
    {
        using var source = new MemorySource();
        using var heap = new Heap(source);
        var index = OrderedIndex.Create(heap);
        (ulong, ulong)[] keys =
            [(0, 0), (0, ulong.MaxValue), (1, 0), (long.MaxValue, 5), (1UL << 63, 4), (ulong.MaxValue, ulong.MaxValue)];
        foreach (var (high, low) in keys.Reverse()) Assert.True(index.Insert(high, low));
        Assert.False(index.Insert(0, 0));
        Assert.Equal(keys, From(index, 0, 0));
        Assert.Equal(keys[^1..], From(index, ulong.MaxValue, ulong.MaxValue));
        Assert.False(index.Remove(5, 5));
        foreach (var (high, low) in keys) Assert.True(index.Remove(high, low));
        Assert.Equal(0, index.Count);
        Assert.Empty(From(index, 0, 0));
        Assert.False(index.Remove(0, 0));
    }

    [Fact]
    public void A_walk_ends_when_the_visitor_has_enough()
    {
        using var source = new MemorySource();
        using var heap = new Heap(source);
        var index = OrderedIndex.Create(heap);
        for (var i = 0UL; i < 1_000; i++) index.Insert(i, 0);
        var visitor = new Collector([], 50);
        index.VisitFrom(500, 1, ref visitor);
        Assert.Equal(Enumerable.Range(501, 50).Select(i => ((ulong)i, 0UL)), visitor.Keys);
    }

    // Ascending keys leave full nodes to the left and nearly empty ones to the right of the root: the latter are met
    // as often as the former.
    [Theory]
    [InlineData(1, true)]
    [InlineData(20, true)]
    [InlineData(700, true)]
    [InlineData(700, false)]
    [InlineData(14_000, true)]
    [InlineData(14_000, false)]
    public void A_key_by_chance_is_any_key_as_often_as_another(int count, bool ascending)
    {
        using var source = new MemorySource();
        using var heap = new Heap(source);
        var index = OrderedIndex.Create(heap);
        Assert.False(index.TryRandom(1, out _, out _));
        for (var i = 0; i < count; i++) index.Insert((ulong)(ascending ? i : count - 1 - i), (ulong)i);
        const int Groups = 10;
        const int Draws = 20_000;
        var drawn = new int[Groups];
        for (var i = 0; i < Draws; i++)
        {
            Assert.True(index.TryRandom((ulong)i * 0x9E3779B97F4A7C17, out var high, out var low));
            Assert.Equal((ulong)(ascending ? (int)high : count - 1 - (int)high), low);
            drawn[(int)high * Groups / count]++;
        }

        const double Fair = (double)Draws / Groups;
        if (count >= Groups) Assert.All(drawn, static number => Assert.InRange(number, Fair * 0.85, Fair * 1.15));
    }

    [Fact]
    public void It_is_freed_in_slices_and_the_call_may_be_repeated()
    {
        using var source = new MemorySource();
        using var heap = new Heap(source);
        var index = OrderedIndex.Create(heap);
        var random = new Random(1);
        for (var i = 0; i < 30_000; i++) index.Insert((ulong)random.NextInt64(), 1);
        var slices = 0;
        var before = index.Count;
        while (!index.FreeSome(100))
        {
            Assert.InRange(before - index.Count, 1, 200);
            before = index.Count;
            index.CheckInvariants();
            slices++;
        }

        Assert.InRange(slices, 100, 400);
        Assert.True(index.FreeSome(100));
        Assert.Equal(0, index.Count);
        index.Free();
        heap.CheckLeaks();
    }

    [Fact]
    public void A_handle_made_from_the_header_is_the_same_index()
    {
        using var source = new MemorySource();
        using var heap = new Heap(source);
        var index = OrderedIndex.Create(heap);
        index.Insert(1, 2);
        var again = new OrderedIndex(heap, index.Header);
        Assert.True(again.TryFirst(out var high, out var low));
        Assert.Equal((1UL, 2UL), (high, low));
    }

    [Fact]
    public void Warm_changes_take_no_managed_memory()
    {
        using var source = new MemorySource();
        using var heap = new Heap(source);
        var index = OrderedIndex.Create(heap);
        Churn(index);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Churn(index);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    private static void Churn(OrderedIndex index)
    {
        for (var i = 0UL; i < 5_000; i++) index.Insert(i * 7919 % 5_003, i);
        while (index.TryFirst(out var high, out var low)) index.Remove(high, low);
    }

    private static (ulong High, ulong Low) NextKey(Random random, int kind) => kind switch
    {
        0 => ((ulong)random.Next(300), (ulong)random.Next(100)),
        1 => ((ulong)random.Next(3_000), 7),
        _ => ((ulong)random.Next(3) << 62, (ulong)random.Next(9_000)),
    };

    private static void CheckFirst(SortedSet<(ulong High, ulong Low)> model, OrderedIndex index)
    {
        Assert.Equal(model.Count, index.Count);
        Assert.Equal(model.Count > 0, index.TryFirst(out var high, out var low));
        if (model.Count > 0) Assert.Equal(model.Min, (high, low));
    }

    private static void Check(
        Heap heap, SortedSet<(ulong High, ulong Low)> model, OrderedIndex index, (ulong High, ulong Low) from)
    {
        index.CheckInvariants();
        heap.CheckIntegrity();
        Assert.Equal(heap.AllocatedBytes, index.AllocatedBytes);
        Assert.Equal(model, From(index, 0, 0));
        Assert.Equal(model.GetViewBetween(from, (ulong.MaxValue, ulong.MaxValue)), From(index, from.High, from.Low));
    }

    private static List<(ulong, ulong)> From(OrderedIndex index, ulong high, ulong low)
    {
        var visitor = new Collector([], int.MaxValue);
        index.VisitFrom(high, low, ref visitor);
        return visitor.Keys;
    }

    private struct Collector(List<(ulong, ulong)> keys, int max) : IRecordVisitor<IndexKey>
    {
        internal readonly List<(ulong, ulong)> Keys => keys;

        public readonly bool Visit(in IndexKey record)
        {
            keys.Add((record.High, record.Low));
            return keys.Count < max;
        }
    }
}
