using Xunit.Abstractions;

namespace Millrace.Memory.Tests;

public class RecordIndexTests(ITestOutputHelper output)
{
    [Fact]
    public void It_agrees_with_a_sorted_list()
    {
        Seeds.ForEach(output, seed =>
        {
            using var source = new MemorySource();
            using var heap = new Heap(source);
            var index = RecordIndex<DeliveryRecord>.Create(heap);
            var model = new SortedList<(ulong High, ulong Low), DeliveryRecord>();
            var random = new Random(seed);
            for (var i = 0; i < 20_000; i++)
            {
                var grows = i / 4_000 % 2 == 0;
                var (high, low) = ((ulong)random.Next(40), (ulong)random.Next(i % 3 == 0 ? 20 : 2_000));
                var record = new DeliveryRecord(high, low, random.NextInt64(), i, default, 0);
                if (random.Next(10) < (grows ? 8 : 2))
                {
                    Assert.Equal(model.TryAdd((high, low), record), index.Insert(record));
                }
                else
                {
                    Assert.Equal(model.Remove((high, low), out var removed), index.TryRemove(high, low, out var seen));
                    Assert.Equal(removed, seen);
                }

                Replace(model, index, record with { Low = (ulong)random.Next(20) });
                CheckAround(model, index, (ulong)random.Next(41), (ulong)random.Next(2_000));
                if (i % 2_000 == 0) index.CheckInvariants();
            }

            Assert.Equal(model.Values, All(index));
            FreeAll(model.Count, index);
            heap.CheckLeaks();
        });
    }

    [Fact]
    public void Records_in_order_are_packed_densely()
    {
        using var source = new MemorySource();
        using var heap = new Heap(source);
        var index = RecordIndex<BlockRecord>.Create(heap);
        for (var i = 0UL; i < 20_000; i++) index.Insert(new BlockRecord(1, i, default));
        index.CheckInvariants();
        if (!Heap.IsChecked) Assert.InRange((double)index.AllocatedBytes / index.Count, 24, 28);
        index.Free();
        heap.CheckLeaks();
    }

    [Fact]
    public void An_empty_index_has_no_record_anywhere()
    {
        using var source = new MemorySource();
        using var heap = new Heap(source);
        var index = RecordIndex<BlockRecord>.Create(heap);
        index.Insert(new BlockRecord(5, 5, default));
        index.Remove(5, 5);
        Assert.False(index.TryFirst(out _) || index.TryLast(out _) || index.TryAtLeast(0, 0, out _));
        Assert.False(index.TryReplace(new BlockRecord(5, 5, default)) || index.TryFind(5, 5, out _));
        index.Free();
        heap.CheckLeaks();
    }

    private static void Replace(
        SortedList<(ulong, ulong), DeliveryRecord> model, RecordIndex<DeliveryRecord> index, in DeliveryRecord record)
    {
        var isThere = model.ContainsKey((record.High, record.Low));
        if (isThere) model[(record.High, record.Low)] = record;
        Assert.Equal(isThere, index.TryReplace(record));
    }

    private static void CheckAround(
        SortedList<(ulong High, ulong Low), DeliveryRecord> model,
        RecordIndex<DeliveryRecord> index,
        ulong high,
        ulong low)
    {
        var keys = model.Keys;
        var at = 0;
        for (var end = keys.Count; at < end;)
        {
            var middle = (at + end) / 2;
            if (keys[middle].CompareTo((high, low)) < 0) at = middle + 1;
            else end = middle;
        }

        Assert.Equal(at < keys.Count, index.TryAtLeast(high, low, out var next));
        if (at < keys.Count) Assert.Equal(model.Values[at], next);
        var isThere = at < keys.Count && keys[at] == (high, low);
        Assert.Equal(isThere, index.TryFind(high, low, out _));
        if (!isThere) at--;
        Assert.Equal(at >= 0, index.TryAtMost(high, low, out var last));
        if (at >= 0) Assert.Equal(model.Values[at], last);
    }

    private static List<DeliveryRecord> All(RecordIndex<DeliveryRecord> index)
    {
        var visitor = new Collector([]);
        index.VisitFrom(0, 0, ref visitor);
        return visitor.Records;
    }

    private static void FreeAll(int count, RecordIndex<DeliveryRecord> index)
    {
        var visitor = new Collector([]);
        while (!index.FreeSome(30, ref visitor)) Assert.Equal(count, index.Count + visitor.Records.Count);
        Assert.Equal(count, visitor.Records.Count);
        index.Free();
    }

    private readonly struct Collector(List<DeliveryRecord> records) : IRecordVisitor<DeliveryRecord>
    {
        internal List<DeliveryRecord> Records => records;

        public bool Visit(in DeliveryRecord record)
        {
            records.Add(record);
            return true;
        }
    }
}

public class NameIndexTests(ITestOutputHelper output)
{
    [Fact]
    public void It_agrees_with_a_sorted_dictionary()
    {
        Seeds.ForEach(output, seed =>
        {
            using var source = new MemorySource();
            using var heap = new Heap(source);
            var index = NameIndex.Create(heap);
            var model = new SortedDictionary<string, ulong>(StringComparer.Ordinal);
            var random = new Random(seed);
            for (var i = 0UL; i < 5_000; i++)
            {
                var name = random.Next(400).ToString(System.Globalization.CultureInfo.InvariantCulture);
                var bytes = System.Text.Encoding.ASCII.GetBytes(name);
                var block = index.Find(bytes);
                Assert.Equal(model.TryGetValue(name, out var word), !block.IsNull);
                if (!block.IsNull) Assert.Equal(word, NameIndex.Word(heap, block));
                if (!block.IsNull && random.Next(3) > 0)
                {
                    index.Remove(block);
                    model.Remove(name);
                }
                else if (block.IsNull)
                {
                    index.Add(bytes, i);
                    model.Add(name, i);
                }
            }

            var rank = 0;
            foreach (var (name, word) in model)
            {
                var block = index.At(rank++).Member;
                Assert.Equal(name, System.Text.Encoding.ASCII.GetString(NameIndex.Text(heap, block)));
                Assert.Equal(word, NameIndex.Word(heap, block));
            }

            while (index.Count > 0) index.Remove(index.At(0).Member);
            index.Free();
            heap.CheckLeaks();
        });
    }
}
