namespace Millrace.Memory.Tests;

public class OrderedIndexTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void It_agrees_with_a_sorted_set(int seed)
    {
        using var source = new MemorySource();
        using var heap = new Heap(source);
        var index = OrderedIndex.Create(heap);
        var model = new SortedSet<(ulong High, ulong Low)>();
        var random = new Random(seed);
        for (var i = 0; i < 60_000; i++)
        {
            var grows = i / 10_000 % 2 == 0;
            var key = ((ulong)random.Next(300), (ulong)random.Next(300));
            if (random.Next(10) < (grows ? 8 : 2)) Assert.Equal(model.Add(key), index.Insert(key.Item1, key.Item2));
            else Assert.Equal(model.Remove(key), index.Remove(key.Item1, key.Item2));
            Assert.Equal(model.Count > 0, index.TryFirst(out var high, out var low));
            if (model.Count > 0) Assert.Equal(model.Min, (high, low));
            if (i % 1000 == 0) index.CheckInvariants();
        }

        index.Free();
        heap.CheckLeaks();
    }
}
