namespace Millrace.Memory.Tests;

/// <summary>Prefetching is a hint: it may be asked for without the lock, and reads what others are changing.</summary>
public sealed class HashTableHintTests
{
    [Fact]
    public async Task Hints_do_no_harm_while_another_thread_changes_the_table()
    {
        using var test = new TestTable(1);
        var isDone = false;
        var changing = Task.Run(() =>
        {
            for (var round = 0; round < 20; round++)
            {
                for (ulong key = 0; key < 3000; key++) test.Insert(key);
                for (ulong key = 0; key < 3000; key++) test.Remove(key);
            }

            Volatile.Write(ref isDone, true);
        });
        var asked = 0L;
        while (!Volatile.Read(ref isDone))
        {
            for (ulong key = 0; key < 3000; key += 7)
            {
                test.Table.PrefetchBucket(test.HashOf(key));
                test.Table.PrefetchEntries(test.HashOf(key));
                asked++;
            }
        }

        await changing;
        Assert.True(asked > 0);
        Assert.Equal(0, test.Table.Count);
    }

    [Fact]
    public void Hints_from_a_damaged_header_or_directory_lead_nowhere()
    {
        using var source = new MemorySource();
        using var heap = new Heap(source);
        var random = new Random(7);
        for (var round = 0; round < 2000; round++)
        {
            var header = heap.Allocate(TableHeader.SizeBytes);
            random.NextBytes(heap.Span(header, 0, TableHeader.SizeBytes));
            var table = new HashTable<TestLayout>(heap, new KeyHasher(1), header);
            for (var i = 0; i < 20; i++)
            {
                var hash = (ulong)random.NextInt64();
                table.PrefetchBucket(hash);
                table.PrefetchEntries(hash);
            }

            heap.Free(header);
        }

        new HashTable<TestLayout>(heap, new KeyHasher(1), default).PrefetchEntries(1);
        heap.Prefetch(default);
        heap.Prefetch(BlockRef.FromValue(BlockRef.Mask));
    }

    [Fact]
    public void Hints_at_a_heap_that_is_gone_lead_nowhere()
    {
        var source = new MemorySource();
        var heap = new Heap(source);
        var table = HashTable<TestLayout>.Create(heap, new KeyHasher(1));
        heap.Dispose();
        source.Dispose();
        table.PrefetchBucket(1);
        table.PrefetchEntries(1);
    }
}
