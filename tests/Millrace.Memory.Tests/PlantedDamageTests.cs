namespace Millrace.Memory.Tests;

/// <summary>
/// Damage done on purpose, with writes that no view would allow; each kind must be found. What only the checked heap
/// promises is left out when the tests are run with MILLRACE_CHECKED_HEAP=0.
/// </summary>
public class PlantedDamageTests
{
    [Fact]
    public void An_overflow_is_caught_when_the_block_is_freed()
    {
        if (!Heap.IsChecked) return;
        using var source = new MemorySource();
        using var heap = new Heap(source);
        var block = heap.Allocate(64);
        heap.WriteRaw(block, heap.UsableSize(block), 1);
        var caught = Assert.Throws<HeapCorruptionException>(() => heap.Free(block));
        Assert.Contains("past its end", caught.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_overflow_is_caught_when_the_block_is_resized_and_when_integrity_is_checked()
    {
        if (!Heap.IsChecked) return;
        using var source = new MemorySource();
        using var heap = new Heap(source);
        var block = heap.Allocate(100_000);
        heap.WriteRaw(block, heap.UsableSize(block) + 7, 1);
        Assert.Throws<HeapCorruptionException>(heap.CheckIntegrity);
        Assert.Throws<HeapCorruptionException>(() => heap.Resize(block, 64, 500));
    }

    [Fact]
    public void An_underflow_is_caught()
    {
        if (!Heap.IsChecked) return;
        using var source = new MemorySource();
        using var heap = new Heap(source);
        var block = heap.Allocate(64);
        heap.WriteRaw(block, -1, 1);
        Assert.Throws<HeapCorruptionException>(heap.CheckIntegrity);
        Assert.Throws<HeapCorruptionException>(() => heap.Free(block));
    }

    [Fact]
    public void A_double_free_is_caught_at_once_and_after_others_were_freed()
    {
        if (!Heap.IsChecked) return;
        using var source = new MemorySource();
        using var heap = new Heap(source);
        var block = heap.Allocate(64);
        var other = heap.Allocate(64);
        heap.Free(block);
        Assert.Throws<HeapCorruptionException>(() => heap.Free(block));
        heap.Free(other);
        Assert.Throws<HeapCorruptionException>(() => heap.Free(block));
        for (var i = 0; i < 3_000; i++) heap.Free(heap.Allocate(500));
        Assert.Throws<HeapCorruptionException>(() => heap.Free(block));
    }

    [Fact]
    public void A_use_after_free_is_caught_when_it_goes_through_a_view()
    {
        if (!Heap.IsChecked) return;
        using var source = new MemorySource();
        using var heap = new Heap(source);
        var block = heap.Allocate(64);
        heap.Free(block);
        var caught = Assert.Throws<HeapCorruptionException>(() => heap.Span(block, 0, 8));
        Assert.Contains("after it was freed", caught.Message, StringComparison.Ordinal);
        Assert.Throws<HeapCorruptionException>(() => heap.ReadHeader(block));
        Assert.Throws<HeapCorruptionException>(() => heap.WriteHeader(block, 1));
        Assert.Throws<HeapCorruptionException>(() => heap.UsableSize(block));
        Assert.Throws<HeapCorruptionException>(() => heap.Resize(block, 0, 8));
    }

    [Fact]
    public void A_write_after_free_is_caught_when_integrity_is_checked()
    {
        if (!Heap.IsChecked) return;
        using var source = new MemorySource();
        using var heap = new Heap(source);
        var block = heap.Allocate(64);
        heap.Free(block);
        heap.CheckIntegrity();
        heap.WriteRaw(block, 20, 1);
        var caught = Assert.Throws<HeapCorruptionException>(heap.CheckIntegrity);
        Assert.Contains("after it was freed", caught.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_write_after_free_is_caught_when_the_quarantine_ends()
    {
        if (!Heap.IsChecked) return;
        using var source = new MemorySource();
        using var heap = new Heap(source);
        var block = heap.Allocate(64);
        heap.Free(block);
        heap.WriteRaw(block, 63, 1);
        Assert.Throws<HeapCorruptionException>(() =>
        {
            for (var i = 0; i < 2_000; i++) heap.Free(heap.Allocate(64));
        });
    }

    [Fact]
    public void A_write_after_the_quarantine_is_caught_before_the_block_is_used_again()
    {
        if (!Heap.IsChecked) return;
        using var source = new MemorySource();
        using var heap = new Heap(source);
        _ = heap.Allocate(64); // keeps the span
        var block = heap.Allocate(64);
        heap.Free(block);
        for (var i = 0; i < 1_100; i++) heap.Free(heap.Allocate(500));
        heap.CheckIntegrity();
        heap.WriteRaw(block, 30, 1);
        Assert.Throws<HeapCorruptionException>(() => heap.Allocate(64));
    }

    [Fact]
    public void A_view_past_the_end_of_its_block_is_caught()
    {
        if (!Heap.IsChecked) return;
        using var source = new MemorySource();
        using var heap = new Heap(source);
        var block = heap.Allocate(64);
        var usable = heap.UsableSize(block);
        _ = heap.Span(block, 0, usable);
        Assert.Throws<HeapCorruptionException>(() => heap.Span(block, 0, usable + 1));
        Assert.Throws<HeapCorruptionException>(() => heap.Span(block, usable, 1));
        Assert.Throws<HeapCorruptionException>(() => heap.Span(BlockRef.FromValue(block.Value + 1), 0, 1));
    }

    [Fact]
    public void Fresh_memory_is_poisoned()
    {
        if (!Heap.IsChecked) return;
        using var source = new MemorySource();
        using var heap = new Heap(source);
        var block = heap.Allocate(40);
        Assert.Equal(-1, heap.Span(block, 0, heap.UsableSize(block)).IndexOfAnyExcept((byte)0xCD));
    }

    [Fact]
    public void A_leak_is_caught_and_listed()
    {
        using var source = new MemorySource();
        using var heap = new Heap(source);
        heap.Free(heap.Allocate(100));
        heap.CheckLeaks();
        var lost = heap.Allocate(77);
        var size = heap.UsableSize(lost);
        var report = heap.FindLeaks();
        Assert.Equal((1, size), (report.Count, report.Bytes));
        var caught = Assert.Throws<HeapCorruptionException>(heap.CheckLeaks);
        Assert.Contains($"1 blocks of {size} bytes", caught.Message, StringComparison.Ordinal);
        if (Heap.IsChecked) Assert.Equal([new LeakedBlock(lost, 77)], report.Sample);
    }

    [Fact]
    public void A_double_free_in_a_row_is_caught_by_either_heap()
    {
        using var source = new MemorySource();
        using var heap = new Heap(source);
        _ = heap.Allocate(64);
        var block = heap.Allocate(64);
        heap.Free(block);
        Assert.Throws<HeapCorruptionException>(() => heap.Free(block));
    }

    [Fact]
    public void A_free_list_that_leads_out_of_its_span_is_caught_by_either_heap()
    {
        using var source = new MemorySource();
        using var heap = new Heap(source);
        _ = heap.Allocate(64);
        var first = heap.Allocate(64);
        var second = heap.Allocate(64);
        heap.Free(first);
        heap.Free(second);
        heap.WriteRaw(second, 0, 0xFF);
        heap.WriteRaw(second, 1, 0xFF);
        Assert.Throws<HeapCorruptionException>(heap.CheckIntegrity);
        if (Heap.IsChecked) return; // the block is in quarantine
        _ = heap.Allocate(64);
        Assert.Throws<HeapCorruptionException>(() => heap.Allocate(64));
    }
}
