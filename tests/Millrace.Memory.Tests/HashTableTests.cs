using Xunit.Abstractions;

namespace Millrace.Memory.Tests;

public class HashTableTests(ITestOutputHelper output)
{
    [Fact]
    public void It_agrees_with_a_dictionary_through_growth_and_shrinkage()
    {
        Seeds.ForEach(output, seed =>
        {
            using var test = new TestTable((ulong)seed);
            var random = new Random(seed);
            var model = new Dictionary<ulong, BlockRef>();
            var keyRange = 50;
            for (var phase = 0; phase < 12; phase++)
            {
                keyRange = random.Next(4) == 0 ? random.Next(1, 60) : random.Next(1, 25_000);
                var growth = random.Next(1, 10);
                for (var i = 0; i < 8_000; i++) Step(test, model, random, keyRange, growth);
                CheckWhole(test, model);
            }
        });
    }

    [Fact]
    public void Big_tables_take_at_most_12_bytes_per_entry_on_average_over_growth()
    {
        using var test = new TestTable(5);
        var key = 0UL;
        for (; key < 60_000; key++) test.Insert(key);
        var sum = 0.0;
        var samples = 0;
        for (; key < 240_000; key++)
        {
            test.Insert(key);
            if (key % 500 != 0) continue;
            sum += BytesPerEntry(test);
            samples++;
        }

        output.WriteLine($"{sum / samples:F2} bytes per entry");
        Assert.InRange(sum / samples, 8, Heap.IsChecked ? 14 : 12); // guards are counted
        Assert.True(test.Table.SlotCount > test.Table.Count, "room for more");
    }

    [Fact]
    public void Segments_split_at_a_distance_though_all_are_full_at_about_the_same_time()
    {
        const int Distance = 32;
        const int SlotsOfManyOverflows = 300;
        using var test = new TestTable(5);
        var lastSplit = 0UL;
        var nearest = ulong.MaxValue;
        var slots = test.Table.SlotCount;
        for (var key = 0UL; key < 200_000; key++)
        {
            test.Insert(key);
            var hasSplit = test.Table.SlotCount > slots + SlotsOfManyOverflows;
            slots = test.Table.SlotCount;
            if (!hasSplit) continue;
            if (key > 1000) nearest = Math.Min(nearest, key - lastSplit);
            lastSplit = key;
        }

        Assert.Equal((ulong)Distance, nearest);
        for (var key = 0UL; key < 200_000; key++) Assert.False(test.Find(key).IsNull);
    }

    [Fact]
    public void Memory_returns_after_mass_deletion()
    {
        using var test = new TestTable(6);
        for (var key = 0UL; key < 50_000; key++) test.Insert(key);
        for (var key = 0UL; key < 45_000; key++) test.Remove(key);
        output.WriteLine($"{BytesPerEntry(test):F1} bytes per entry with a tenth left");
        Assert.InRange(BytesPerEntry(test), 8, 45);
        for (var key = 45_000UL; key < 50_000; key++) test.Remove(key);
        Assert.InRange(test.Table.TableBytes, 1, 200);
        for (var key = 0UL; key < 1_000; key++) test.Insert(key);
        Assert.Equal(1_000, test.Keys().Count);
    }

    [Fact]
    public void An_empty_table_is_two_small_blocks()
    {
        using var test = new TestTable(1);
        Assert.InRange(test.Table.TableBytes, 104, 112);
        Assert.Equal(10, test.Table.SlotCount);
        Assert.True(test.Table.RandomEntry(5).IsNull);
        Assert.Empty(test.Keys());
        Assert.True(test.Find(1).IsNull);
    }

    [Fact]
    public void Replace_changes_the_entry_and_nothing_else()
    {
        using var test = new TestTable(1);
        for (var key = 0UL; key < 3_000; key++) test.Insert(key);
        for (var key = 0UL; key < 3_000; key += 3)
        {
            var old = test.Find(key);
            var now = test.Heap.Allocate(100);
            test.Heap.WriteHeader(now, key);
            test.Table.Replace(test.HashOf(key), old, now);
            test.Heap.Free(old);
            Assert.Equal(now, test.Find(key));
        }

        Assert.Equal(3_000, test.Table.Count);
        Assert.Equal(3_000, test.Keys().Count);
    }

    [Fact]
    public void Removing_or_replacing_what_is_not_there_is_refused()
    {
        using var test = new TestTable(1);
        test.Insert(1);
        var stranger = test.Heap.Allocate(8);
        Assert.Throws<InvalidOperationException>(() => test.Table.Remove(test.HashOf(1), stranger));
        Assert.Throws<InvalidOperationException>(() => test.Table.Replace(test.HashOf(1), stranger, stranger));
        Assert.Throws<ArgumentException>(() => test.Table.Insert(test.HashOf(1), default));
        Assert.Throws<ArgumentException>(() => test.Table.Replace(test.HashOf(1), test.Find(1), default));
        Assert.Equal(1, test.Table.Count);
    }

    [Fact]
    public void Equal_hashes_are_found_all_the_same_and_do_not_blow_up_the_directory()
    {
        using var source = new MemorySource();
        using var heap = new Heap(source);
        var table = HashTable<SteeredLayout>.Create(heap, new KeyHasher(1));
        for (var i = 0UL; i < 2_000; i++) InsertSteered(heap, table, 0, i);
        Assert.InRange(table.TableBytes, 1, 60_000);
        for (var i = 0UL; i < 2_000; i++) Assert.False(FindSteered(table, 0, i).IsNull);
        Assert.True(FindSteered(table, 0, 2_000).IsNull);
        for (var i = 0UL; i < 2_000; i++) table.Remove(0, FindSteered(table, 0, i));
        Assert.Equal(0, table.Count);
        Assert.InRange(table.TableBytes, 1, 200);
    }

    [Fact]
    public void Hashes_that_agree_in_their_first_bits_deepen_the_directory_only_so_far()
    {
        using var source = new MemorySource();
        using var heap = new Heap(source);
        var table = HashTable<SteeredLayout>.Create(heap, new KeyHasher(1));
        var random = new Random(1);
        var hashes = new List<ulong>();
        for (var i = 0; i < 20_000; i++)
        {
            // The first 12 bits of the directory are the same for nearly all.
            var hash = (ulong)random.NextInt64() << 1;
            if (i % 50 != 0) hash = (hash >> 12) | (0xABCUL << 52);
            hashes.Add(hash);
            InsertSteered(heap, table, hash, 0);
        }

        Assert.InRange(table.TableBytes, 1, 20_000 * 16);
        var visitor = new CountingVisitor();
        var cursor = 0UL;
        do cursor = table.Scan(cursor, ref visitor);
        while (cursor != 0);
        Assert.Equal(20_000, visitor.Count);
        foreach (var hash in hashes.OrderBy(_ => random.Next())) table.Remove(hash, FindSteered(table, hash, 0));
        Assert.InRange(table.TableBytes, 1, 200);
    }

    [Fact]
    public void It_is_taken_down_in_slices_and_every_entry_is_handed_out_once()
    {
        using var test = new TestTable(9);
        for (var key = 0UL; key < 20_000; key++) test.Insert(key);
        var freed = new List<ulong>();
        var visitor = new FreeingVisitor(test.Heap, freed);
        var slices = 1;
        var before = test.Table.Count;
        while (!test.Table.FreeSome(ref visitor, 100))
        {
            Assert.Equal(20_000 - freed.Count, test.Table.Count);
            Assert.InRange(before - test.Table.Count, 1, 140);
            before = test.Table.Count;
            slices++;
        }

        output.WriteLine($"{slices} slices");
        Assert.Equal(20_000, freed.Distinct().Count());
        Assert.Equal(20_000, freed.Count);
        test.Heap.CheckLeaks();
    }

    [Fact]
    public void A_handle_made_from_the_header_is_the_same_table()
    {
        using var test = new TestTable(1);
        test.Insert(5);
        var again = new HashTable<TestLayout>(test.Heap, test.Hasher, test.Table.Header);
        var probe = new TestProbe(5);
        Assert.False(again.Find(test.HashOf(5), ref probe).IsNull);
        again.PrefetchBucket(test.HashOf(5));
        again.PrefetchEntries(test.HashOf(5));
    }

    [Fact]
    public void Warm_operations_take_no_managed_memory()
    {
        using var test = new TestTable(1);
        Churn(test);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Churn(test);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    private static void Churn(TestTable test)
    {
        for (var key = 0UL; key < 3_000; key++) test.Insert(key);
        for (var key = 0UL; key < 3_000; key++) test.Remove(key);
    }

    private static void Step(TestTable test, Dictionary<ulong, BlockRef> model, Random random, int keyRange, int growth)
    {
        var key = (ulong)random.Next(keyRange);
        var found = test.Find(key);
        Assert.Equal(model.TryGetValue(key, out var expected), !found.IsNull);
        Assert.Equal(expected, found);
        if (found.IsNull)
        {
            if (random.Next(10) >= growth) return;
            test.Insert(key);
            model.Add(key, test.Find(key));
        }
        else if (random.Next(10) >= growth)
        {
            test.Remove(key);
            model.Remove(key);
        }

        Assert.Equal(model.Count, test.Table.Count);
    }

    private static void CheckWhole(TestTable test, Dictionary<ulong, BlockRef> model)
    {
        test.Heap.CheckIntegrity();
        var seen = new List<ulong>();
        var cursor = 0UL;
        do cursor = test.Scan(cursor, seen);
        while (cursor != 0);
        Assert.Equal(model.Keys.Order(), seen.Order()); // exactly once while nothing changes
        Assert.Equal(test.Heap.AllocatedBytes - test.EntryBytes, test.Table.TableBytes);
        foreach (var (key, entry) in model) Assert.Equal(entry, test.Find(key));
    }

    private static double BytesPerEntry(TestTable test) => (double)test.Table.TableBytes / test.Table.Count;

    private static void InsertSteered(Heap heap, HashTable<SteeredLayout> table, ulong hash, ulong number)
    {
        var entry = heap.Allocate(16);
        heap.WriteHeader(entry, hash);
        heap.Span(entry, 8, 1)[0] = (byte)number;
        heap.Span(entry, 9, 1)[0] = (byte)(number >> 8);
        table.Insert(hash, entry);
    }

    private static BlockRef FindSteered(HashTable<SteeredLayout> table, ulong hash, ulong number)
    {
        var probe = new SteeredProbe(hash, number);
        return table.Find(hash, ref probe);
    }

    // Entries that say themselves what their hash is.
    private readonly struct SteeredLayout : IEntryLayout
    {
        public static ulong HashOf(Heap heap, BlockRef entry, KeyHasher hasher) => heap.ReadHeader(entry);
    }

    private readonly struct SteeredProbe(ulong hash, ulong number) : IEntryProbe
    {
        public bool Matches(Heap heap, BlockRef entry) =>
            heap.ReadHeader(entry) == hash && heap.Span(entry, 8, 1)[0] == (byte)number
            && heap.Span(entry, 9, 1)[0] == (byte)(number >> 8);
    }

    private struct CountingVisitor : IEntryVisitor
    {
        internal int Count;

        public void Visit(BlockRef entry) => Count++;
    }
}
