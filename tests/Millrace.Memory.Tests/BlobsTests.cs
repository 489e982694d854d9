namespace Millrace.Memory.Tests;

public class BlobsTests
{
    [Fact]
    public void A_blob_lives_until_its_last_reference_is_released()
    {
        using var source = new MemorySource();
        using var heap = new Heap(source);
        var blobs = source.Blobs;
        var blob = blobs.Create(100_000);
        Assert.InRange(blobs.UsableSize(blob), 100_000, 100_000 + MemorySource.PageBytes);
        Assert.Equal(blobs.UsableSize(blob), source.UsedBytes);
        blobs.Span(blob, 0, 100_000).Fill(7);
        blobs.Retain(blob);
        Assert.True(blobs.IsShared(blob));
        blobs.Release(blob);
        Assert.False(blobs.IsShared(blob));
        Assert.Equal(-1, blobs.Span(blob, 0, 100_000).IndexOfAnyExcept((byte)7));
        blobs.Release(blob);
        Assert.Equal((0L, 0), (source.UsedBytes, blobs.LiveCount));
        Assert.Throws<HeapCorruptionException>(() => blobs.Release(blob));
        Assert.Throws<HeapCorruptionException>(() => blobs.Span(blob, 0, 1));
        source.CheckInvariants();
    }

    [Fact]
    public void A_heap_counts_the_blobs_that_it_has_adopted()
    {
        using var source = new MemorySource();
        using var first = new Heap(source);
        using var second = new Heap(source);
        var blob = source.Blobs.Create(50_000);
        Assert.Equal(0, first.AllocatedBytes);
        first.Adopt(blob);
        Assert.Equal((source.UsedBytes, 1L), (first.AllocatedBytes, first.BlockCount));
        Assert.Throws<HeapCorruptionException>(() => second.Adopt(blob));
        Assert.Throws<HeapCorruptionException>(() => second.Drop(blob));
        first.GiveUp(blob);
        second.Adopt(blob);
        Assert.Equal((0L, 0L), (first.AllocatedBytes, first.BlockCount));
        Assert.Equal(source.UsedBytes, second.AllocatedBytes);
        first.CheckIntegrity();
        second.CheckIntegrity();
        second.Drop(blob);
        second.CheckLeaks();
        Assert.Equal(0, source.UsedBytes);
    }

    [Fact]
    public void Who_reads_a_blob_keeps_it_while_its_heap_frees_it_or_ends()
    {
        using var source = new MemorySource();
        var heap = new Heap(source);
        var freed = source.Blobs.Create(40_000);
        var left = source.Blobs.Create(40_000);
        source.Blobs.Span(freed, 0, 40_000).Fill(1);
        source.Blobs.Span(left, 0, 40_000).Fill(2);
        heap.Adopt(freed);
        heap.Adopt(left);
        source.Blobs.Retain(freed);
        source.Blobs.Retain(left);
        heap.Drop(freed);
        heap.Dispose();
        Assert.Equal(-1, source.Blobs.Span(freed, 0, 40_000).IndexOfAnyExcept((byte)1));
        Assert.Equal(-1, source.Blobs.Span(left, 0, 40_000).IndexOfAnyExcept((byte)2));
        source.Blobs.Release(freed);
        source.Blobs.Release(left);
        Assert.Equal(0, source.UsedBytes);
    }

    [Fact]
    public void A_blob_grows_where_it_is_while_the_pages_behind_are_free_and_nobody_else_reads_it()
    {
        using var source = new MemorySource();
        using var heap = new Heap(source);
        var blob = source.Blobs.Create(40_000);
        heap.Adopt(blob);
        source.Blobs.Span(blob, 0, 40_000).Fill(3);
        Assert.True(heap.TryResize(blob, 400_000));
        Assert.Equal(source.UsedBytes, heap.AllocatedBytes);
        Assert.Equal(-1, source.Blobs.Span(blob, 0, 40_000).IndexOfAnyExcept((byte)3));
        var behind = source.Blobs.Create(40_000);
        Assert.False(heap.TryResize(blob, 1_400_000));
        source.Blobs.Retain(blob);
        Assert.Throws<HeapCorruptionException>(() => heap.TryResize(blob, 100_000));
        source.Blobs.Release(blob);
        source.Blobs.Release(behind);
        heap.Drop(blob);
        Assert.Equal(0, source.UsedBytes);
    }

    [Fact]
    public void What_is_no_blob_is_refused_and_views_do_not_leave_theirs()
    {
        using var source = new MemorySource();
        using var heap = new Heap(source);
        var block = heap.Allocate(100_000);
        var blob = source.Blobs.Create(100_000);
        var size = source.Blobs.UsableSize(blob);
        Assert.Throws<HeapCorruptionException>(() => source.Blobs.Span(default, 0, 1));
        Assert.Throws<HeapCorruptionException>(() => source.Blobs.Retain(Blob.FromValue(int.MaxValue)));
        Assert.Throws<HeapCorruptionException>(() => source.Blobs.Release(Blob.FromValue(blob.Value + 1)));
        Assert.Throws<HeapCorruptionException>(() => source.Blobs.Span(Blob.FromValue(block.Value >> 11), 0, 1));
        Assert.Throws<HeapCorruptionException>(() => source.Blobs.Span(blob, 1, size));
        Assert.Throws<HeapCorruptionException>(() => source.Blobs.Span(blob, -1, 1));
        Assert.Throws<HeapCorruptionException>(() => source.Blobs.Span(blob, int.MaxValue, int.MaxValue));
        Assert.Throws<ArgumentOutOfRangeException>(() => Blob.FromValue(1UL << 31));
        Assert.Throws<ArgumentOutOfRangeException>(() => source.Blobs.Create(-1));
        source.Blobs.Release(blob);
        heap.Free(block);
    }

    [Fact]
    public void References_of_several_threads_add_up()
    {
        using var source = new MemorySource();
        using var heap = new Heap(source);
        var blob = source.Blobs.Create(40_000);
        heap.Adopt(blob);
        source.Blobs.Span(blob, 0, 40_000).Fill(9);
        var threads = Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
        {
            for (var i = 0; i < 20_000; i++)
            {
                source.Blobs.Retain(blob);
                Assert.Equal(9, source.Blobs.Span(blob, i, 1)[0]);
                source.Blobs.Release(blob);
            }
        })).ToArray();
        Assert.True(Task.WaitAll(threads, 60_000), "all threads end");
        Assert.False(source.Blobs.IsShared(blob));
        heap.Drop(blob);
        Assert.Equal(0, source.UsedBytes);
    }
}
