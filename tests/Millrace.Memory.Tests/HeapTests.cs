using Xunit.Abstractions;

namespace Millrace.Memory.Tests;

public class HeapTests(ITestOutputHelper output)
{
    [Fact]
    public void Every_size_fits_and_small_blocks_lose_at_most_an_eighth_or_8_bytes()
    {
        using var source = new MemorySource();
        using var heap = new Heap(source);
        var overhead = Heap.IsChecked ? 16 : 0;
        for (var size = 0; size <= 8_000; size++)
        {
            var block = heap.Allocate(size);
            var usable = heap.UsableSize(block);
            Assert.True(usable >= size, $"{size} in {usable}");
            Assert.True(usable - size <= Math.Max(8, (size + overhead) / 8), $"{size} in {usable}");
            heap.Free(block);
        }

        Assert.Equal(0, heap.AllocatedBytes);
    }

    [Theory]
    [InlineData(8_001)]
    [InlineData(16_385)]
    [InlineData(21_761)]
    [InlineData(32_768)]
    [InlineData(32_769)]
    [InlineData(1_000_000)]
    [InlineData(5_000_000)]
    public void Large_sizes_fit_and_lose_at_most_half(int size)
    {
        using var source = new MemorySource();
        using var heap = new Heap(source);
        var block = heap.Allocate(size);
        Assert.InRange(heap.UsableSize(block), size, size * 3 / 2);
        Assert.Equal(heap.UsableSize(block), heap.AllocatedBytes);
        heap.Span(block, 0, size).Fill(7);
        heap.CheckIntegrity();
        heap.Free(block);
        heap.CheckLeaks();
    }

    [Fact]
    public void Blocks_keep_their_bytes_while_others_come_and_go()
    {
        Seeds.ForEach(output, seed =>
        {
            using var source = new MemorySource();
            using var heap = new Heap(source);
            var model = new HeapModel(heap, seed);
            for (var i = 0; i < 30_000; i++)
            {
                model.Step();
                if (i % 5_000 == 0) Check(source, heap, model);
            }

            Check(source, heap, model);
            model.FreeAll();
            heap.CheckLeaks();
            Assert.Equal(0, heap.AllocatedBytes);
            heap.Dispose();
            Assert.Equal(0, source.UsedBytes);
            source.CheckInvariants();
        });
    }

    [Fact]
    public void Allocated_bytes_without_checks_return_to_the_source_when_spans_are_empty()
    {
        using var source = new MemorySource();
        using var heap = new Heap(source);
        var blocks = new List<BlockRef>();
        for (var i = 0; i < 20_000; i++) blocks.Add(heap.Allocate(64));
        var full = source.UsedBytes;
        foreach (var block in blocks) heap.Free(block);
        const int Kept = Heap.MaxEmptySpans * MemorySource.PageBytes;
        Assert.InRange(source.UsedBytes, Kept, Kept + (Heap.IsChecked ? full / 10 : 0));
        heap.Trim();
        var left = Heap.IsChecked ? full / 10 : 0; // the quarantine holds the last thousand
        Assert.InRange(source.UsedBytes, 0, left);
    }

    [Fact]
    public void Setting_and_deleting_in_turns_stays_in_the_heap()
    {
        if (Heap.IsChecked) return; // the quarantine keeps the blocks, and with them the spans
        using var source = new MemorySource();
        using var heap = new Heap(source);
        heap.Free(heap.Allocate(64));
        var used = source.UsedBytes;
        var first = heap.Allocate(64);
        Assert.Equal(used, source.UsedBytes);
        heap.Free(first);
        for (var size = 8; size <= Heap.MaxSmallBytes; size += 8) heap.Free(heap.Allocate(size));
        Assert.InRange(source.UsedBytes, 1, Heap.MaxEmptySpans * 4L * MemorySource.PageBytes);
        Assert.Equal(0, heap.AllocatedBytes);
        Assert.Throws<HeapCorruptionException>(() => heap.Free(first));
        heap.CheckIntegrity();
        heap.Trim();
        Assert.Equal(0, source.UsedBytes);
        source.CheckInvariants();
    }

    [Fact]
    public void A_report_tells_spans_by_size_and_blobs_as_far_as_it_looks()
    {
        if (Heap.IsChecked) return; // guards make other sizes
        using var source = new MemorySource();
        using var heap = new Heap(source);
        var blocks = new List<BlockRef>();
        for (var i = 0; i < 1_000; i++) blocks.Add(heap.Allocate(1_000));
        for (var i = 0; i < 1_000; i += 4) heap.Free(blocks[i]);
        for (var i = 0; i < 3; i++) heap.Allocate(100_000);
        heap.Allocate(8);
        var report = new HeapReport(int.MaxValue);
        heap.AddTo(report);
        Assert.Equal([8, 1_024], report.Sizes.Keys);
        var sum = report.Sizes[1_024];
        Assert.Equal(750, sum.Used);
        Assert.True(sum.Capacity >= 1_000);
        Assert.Equal((3, 3 * 7 * MemorySource.PageBytes), (report.Blobs, report.BlobBytes));
        Assert.Equal(source.UsedBytes, report.Sizes.Values.Sum(static one => one.Bytes) + report.BlobBytes);
        Assert.False(report.IsPartial);

        var brief = new HeapReport(2);
        heap.AddTo(brief);
        Assert.Equal(2, brief.Looked);
        Assert.True(brief.IsPartial);
    }

    [Fact]
    public void The_first_span_of_a_size_is_one_page_and_later_ones_lose_less()
    {
        if (Heap.IsChecked) return; // guards make other sizes
        using var source = new MemorySource();
        using var heap = new Heap(source);
        for (var i = 0; i < 3; i++) heap.Allocate(5_120);
        Assert.Equal(MemorySource.PageBytes, source.UsedBytes);
        heap.Allocate(5_120);
        Assert.Equal(5 * MemorySource.PageBytes, source.UsedBytes);
        for (var i = 0; i < 11; i++) heap.Allocate(5_120);
        Assert.Equal(5 * MemorySource.PageBytes, source.UsedBytes); // 12 of 5 kB in 64 kB
        heap.CheckIntegrity();
    }

    [Fact]
    public void Resize_keeps_the_block_while_the_class_stays_and_the_bytes_when_it_moves()
    {
        using var source = new MemorySource();
        using var heap = new Heap(source);
        var block = heap.Allocate(100);
        heap.Span(block, 0, 100).Fill(0x5A);
        Assert.Equal(block, heap.Resize(block, 100, heap.UsableSize(block)));
        var moved = heap.Resize(block, 90, 5_000);
        Assert.NotEqual(block, moved);
        Assert.Equal(-1, heap.Span(moved, 0, 90).IndexOfAnyExcept((byte)0x5A));
        Assert.Equal(heap.UsableSize(moved), heap.AllocatedBytes);
        Assert.Throws<ArgumentOutOfRangeException>(() => heap.Resize(moved, 4_000, 100));
        heap.Free(moved);
    }

    [Fact]
    public void A_page_run_grows_and_shrinks_where_it_is_while_the_pages_behind_are_free()
    {
        using var source = new MemorySource();
        using var heap = new Heap(source);
        var block = heap.Allocate(100_000);
        heap.Span(block, 0, 100_000).Fill(0x5A);
        block = Grow(heap, block, 100_000, 900_000, staysPlain: true);
        Assert.Equal(heap.UsableSize(block), heap.AllocatedBytes);
        Assert.Equal(-1, heap.Span(block, 0, 100_000).IndexOfAnyExcept((byte)0x5A));
        var behind = heap.Allocate(50_000);
        block = Grow(heap, block, 100_000, 1_500_000, staysPlain: false);
        block = Grow(heap, block, 100, 40_000, staysPlain: true);
        Assert.InRange(heap.UsableSize(block), 40_000, 48 * 1024);
        source.CheckInvariants();
        heap.Free(behind);
        heap.Free(block);
        heap.Trim();
        Assert.Equal(0, heap.AllocatedBytes);
        if (!Heap.IsChecked) Assert.Equal(0, source.UsedBytes);
    }

    [Fact]
    public void What_is_no_block_of_this_heap_is_not_freed()
    {
        using var source = new MemorySource();
        using var heap = new Heap(source);
        using var other = new Heap(source);
        var small = heap.Allocate(64);
        var large = heap.Allocate(200_000);
        Assert.Throws<HeapCorruptionException>(() => heap.Free(default));
        Assert.Throws<HeapCorruptionException>(() => heap.Free(BlockRef.FromValue(small.Value + 1)));
        Assert.Throws<HeapCorruptionException>(() => heap.Free(BlockRef.FromValue(small.Value + 80)));
        Assert.Throws<HeapCorruptionException>(() => heap.Free(BlockRef.FromValue(large.Value + 1)));
        Assert.Throws<HeapCorruptionException>(() => heap.Free(BlockRef.FromValue(large.Value + 2048)));
        Assert.Throws<HeapCorruptionException>(() => heap.Free(BlockRef.FromValue((1UL << 40) - 1)));
        Assert.Throws<HeapCorruptionException>(() => heap.UsableSize(BlockRef.FromValue(small.Value + 1)));
        Assert.Throws<HeapCorruptionException>(() => other.Free(small));
        Assert.Throws<HeapCorruptionException>(() => other.Free(large));
        heap.CheckIntegrity();
        heap.Free(small);
        heap.Free(large);
        Assert.Equal(0, heap.AllocatedBytes);
    }

    [Fact]
    public void A_view_never_leaves_the_region()
    {
        using var source = new MemorySource(64 << 20);
        using var heap = new Heap(source);
        var block = heap.Allocate(64);
        Assert.Throws<HeapCorruptionException>(() => heap.Span(default, 0, 1));
        Assert.Throws<HeapCorruptionException>(() => heap.Span(block, -1, 1));
        Assert.Throws<HeapCorruptionException>(() => heap.Span(block, 0, -1));
        Assert.Throws<HeapCorruptionException>(() => heap.Span(block, 0, 64 << 20));
        Assert.Throws<HeapCorruptionException>(() => heap.Span(block, int.MaxValue, int.MaxValue));
        Assert.Throws<HeapCorruptionException>(() => heap.Span(BlockRef.FromValue((1UL << 40) - 1), 0, 8));
        Assert.Throws<HeapCorruptionException>(() => heap.ReadHeader(default));
        Assert.Throws<HeapCorruptionException>(() => heap.WriteHeader(BlockRef.FromValue(8 << 20), 1));
        heap.Prefetch(BlockRef.FromValue((1UL << 40) - 1));
        heap.Free(block);
    }

    [Fact]
    public void A_disposed_heap_gives_everything_back_and_refuses_its_blocks()
    {
        using var source = new MemorySource();
        var heap = new Heap(source);
        var block = heap.Allocate(64);
        _ = heap.Allocate(1_000_000);
        Assert.Throws<InvalidOperationException>(source.Dispose);
        heap.Dispose();
        Assert.Equal(0, source.UsedBytes);
        Assert.Equal(0, heap.AllocatedBytes);
        Assert.Throws<HeapCorruptionException>(() => heap.Span(block, 0, 8));
        Assert.Throws<HeapCorruptionException>(() => heap.ReadHeader(block));
        Assert.Throws<HeapCorruptionException>(() => heap.Free(block));
        Assert.Throws<ObjectDisposedException>(() => heap.Allocate(64));
        Assert.Throws<ObjectDisposedException>(() => heap.Allocate(640_000));
    }

    [Fact]
    public void Warm_allocation_and_free_take_no_managed_memory()
    {
        using var source = new MemorySource();
        using var heap = new Heap(source);
        AllocateSome(heap);
        var before = GC.GetAllocatedBytesForCurrentThread();
        AllocateSome(heap);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    // The checked heap always moves a page run whose length changes, so that stale references are noticed.
    private static BlockRef Grow(Heap heap, BlockRef block, int keepBytes, int sizeBytes, bool staysPlain)
    {
        var now = heap.Resize(block, keepBytes, sizeBytes);
        Assert.Equal(staysPlain && !Heap.IsChecked, now == block);
        return now;
    }

    private static void AllocateSome(Heap heap)
    {
        for (var size = 1; size < 100_000; size += 997)
        {
            var block = heap.Allocate(size);
            heap.Span(block, 0, size)[0] = 1;
            block = heap.Resize(block, 1, size * 2);
            heap.Free(block);
        }
    }

    private static void Check(MemorySource source, Heap heap, HeapModel model)
    {
        model.CheckAll();
        heap.CheckIntegrity();
        source.CheckInvariants();
    }

    /// <summary>What the heap should hold: every block with its size and the byte it is filled with.</summary>
    private sealed class HeapModel(Heap heap, int seed)
    {
        private readonly Random _random = new(seed);
        private readonly List<(BlockRef Block, int Size, byte Fill)> _blocks = [];
        private byte _nextFill;

        internal void Step()
        {
            var grows = _random.Next(1_000) < (_blocks.Count < 1_500 ? 600 : 400);
            if (_blocks.Count == 0 || grows) Add();
            else if (_random.Next(3) == 0) Resize(_random.Next(_blocks.Count));
            else Remove(_random.Next(_blocks.Count));
        }

        internal void CheckAll()
        {
            long sum = 0;
            foreach (var (block, size, fill) in _blocks)
            {
                Assert.Equal(-1, heap.Span(block, 0, size).IndexOfAnyExcept(fill));
                sum += heap.UsableSize(block);
            }

            Assert.Equal(sum, heap.AllocatedBytes);
            Assert.Equal(_blocks.Count, heap.BlockCount);
        }

        internal void FreeAll()
        {
            while (_blocks.Count > 0) Remove(_blocks.Count - 1);
        }

        private int NextSize() => _random.Next(100) switch
        {
            < 70 => _random.Next(300),
            < 95 => _random.Next(8_000),
            < 99 => _random.Next(60_000),
            _ => _random.Next(600_000),
        };

        private void Add()
        {
            var size = NextSize();
            Set(_blocks.Count, heap.Allocate(size), size);
        }

        private void Set(int at, BlockRef block, int size)
        {
            var fill = ++_nextFill;
            heap.Span(block, 0, size).Fill(fill);
            if (at == _blocks.Count) _blocks.Add(default);
            _blocks[at] = (block, size, fill);
        }

        private void Resize(int at)
        {
            var (block, size, fill) = _blocks[at];
            var newSize = NextSize();
            var keep = _random.Next(Math.Min(size, newSize) + 1);
            var moved = heap.Resize(block, keep, newSize);
            Assert.Equal(-1, heap.Span(moved, 0, keep).IndexOfAnyExcept(fill));
            Set(at, moved, newSize);
        }

        private void Remove(int at)
        {
            var (block, size, fill) = _blocks[at];
            Assert.Equal(-1, heap.Span(block, 0, size).IndexOfAnyExcept(fill));
            heap.Free(block);
            _blocks[at] = _blocks[^1];
            _blocks.RemoveAt(_blocks.Count - 1);
        }
    }
}
