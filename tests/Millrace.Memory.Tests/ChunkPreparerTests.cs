namespace Millrace.Memory.Tests;

public class ChunkPreparerTests
{
    private const long RegionBytes = 1L << 30;
    private const int ChunkPages = MemorySource.PagesPerChunk;

    [Fact]
    public void The_first_chunks_are_plain_and_start_no_thread()
    {
        using var system = new SystemPagesFake();
        using var source = new MemorySource(RegionBytes, system);
        var owner = source.Enter();
        var runs = new List<int>();
        for (var i = 0; i < MemorySource.PlainChunks - 1; i++) runs.Add(source.TakeBlob(ChunkPages - 1, owner));
        foreach (var run in runs) source.Return(run);
        Assert.Empty(system.Workers);
        Assert.Equal(0, system.HugeChunks);
        source.Leave();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Later_chunks_have_memory_before_they_are_taken(bool refusesHuge)
    {
        using var system = new SystemPagesFake { RefusesHuge = refusesHuge };
        using var source = new MemorySource(RegionBytes, system);
        var owner = source.Enter();
        for (var i = 0; i < MemorySource.PlainChunks; i++) source.TakeBlob(ChunkPages - 1, owner);
        var missed = source.ReadUse().Missed;
        for (var i = 0; i < 20; i++)
        {
            var needed = i + 1;
            Eventually.Holds(() => system.Populated >= needed && source.IsSettled, "the next chunk is prepared");
            source.TakeBlob(ChunkPages, owner);
        }

        Assert.Equal(missed, source.ReadUse().Missed);
        Assert.Equal(refusesHuge, system.HugeChunks == 0);
        Assert.DoesNotContain(Environment.CurrentManagedThreadId, system.Workers.Keys);
        source.CheckInvariants();
        const long MaxAheadBytes = (AheadPace.MaxChunks + 1L) * MemorySource.ChunkBytes;
        Assert.InRange(source.CommittedBytes - source.UsedBytes, 0, MaxAheadBytes);
        source.Leave();
    }

    [Fact]
    public void A_refusal_to_populate_leaves_chunks_that_can_be_used()
    {
        using var system = new SystemPagesFake { RefusesPopulate = true };
        using var source = new MemorySource(RegionBytes, system);
        using var heap = new Heap(source);
        var blocks = new List<BlockRef>();
        for (var i = 0; i < 40; i++)
        {
            var block = heap.Allocate(MemorySource.ChunkBytes - MemorySource.PageBytes);
            heap.Span(block, 0, 100_000).Fill((byte)i);
            blocks.Add(block);
        }

        Eventually.Holds(() => system.Populated > 0, "it was tried");
        Eventually.Settles(source);
        source.CheckInvariants();
        for (var i = 0; i < blocks.Count; i++)
        {
            Assert.Equal(-1, heap.Span(blocks[i], 0, 100_000).IndexOfAnyExcept((byte)i));
            heap.Free(blocks[i]);
        }
    }

    [Fact]
    public void A_chunk_that_is_being_prepared_is_not_handed_out()
    {
        using var system = new SystemPagesFake();
        using var source = new MemorySource(RegionBytes, system);
        var owner = source.Enter();
        system.Gate.Reset();
        for (var i = 0; i < MemorySource.PlainChunks; i++) source.TakeBlob(ChunkPages - 1, owner);
        Eventually.Holds(() => !system.Workers.IsEmpty, "the thread is at work");
        var next = source.TakeBlob(ChunkPages, owner);
        Assert.Equal((MemorySource.PlainChunks + 1) * ChunkPages, next); // it left one out
        source.CheckInvariants();
        system.Gate.Set();
        Eventually.Settles(source);
        var missed = source.ReadUse().Missed;
        source.TakeBlob(ChunkPages, owner);
        Assert.Equal(missed, source.ReadUse().Missed);
        source.Leave();
    }

    [Theory]
    [InlineData(MemorySource.PlainChunks - 2)]
    [InlineData(50)]
    public void A_trim_that_nobody_waits_for_gives_all_free_chunks_back(int chunks)
    {
        using var system = new SystemPagesFake();
        using var source = new MemorySource(RegionBytes, system);
        var owner = source.Enter();
        var runs = new List<int>();
        for (var i = 0; i < chunks; i++) runs.Add(source.TakeBlob(ChunkPages - 1, owner));
        Eventually.Settles(source);
        foreach (var run in runs) source.Return(run);
        Assert.True(source.CommittedBytes > MemorySource.ChunkBytes);
        system.Workers.Clear();
        source.TrimSoon();
        Eventually.Holds(() => source.CommittedBytes <= MemorySource.ChunkBytes, "only the chunk of page 0 is kept");
        Assert.Equal(chunks < MemorySource.PlainChunks, system.Workers.ContainsKey(Environment.CurrentManagedThreadId));
        source.CheckInvariants();
        source.Return(source.TakeBlob(3 * ChunkPages, owner));
        source.CheckInvariants();
        source.Leave();
    }

    [Fact]
    public void Memory_that_is_returned_is_discarded_by_the_thread_but_for_the_spare_chunks()
    {
        const int Chunks = 100;
        using var system = new SystemPagesFake();
        using var source = new MemorySource(RegionBytes, system);
        var owner = source.Enter();
        var runs = new List<int>();
        for (var i = 0; i < Chunks; i++) runs.Add(source.TakeBlob(ChunkPages, owner));
        foreach (var run in runs) source.Return(run);
        Eventually.Settles(source);
        Assert.Equal(0, source.UsedBytes);
        const int Kept = MemorySource.SpareChunks + AheadPace.MaxChunks + 1;
        Assert.InRange(source.CommittedBytes, 0, (long)Kept * MemorySource.ChunkBytes);
        Assert.InRange(system.Discarded, Chunks - Kept, int.MaxValue);
        Assert.DoesNotContain(Environment.CurrentManagedThreadId, system.Workers.Keys);
        source.CheckInvariants();
        source.Leave();
    }

    [Fact]
    public void What_waits_to_be_discarded_is_taken_again_with_its_memory()
    {
        const int Chunks = 100;
        using var system = new SystemPagesFake();
        using var source = new MemorySource(RegionBytes, system);
        var owner = source.Enter();
        var runs = new List<int>();
        for (var i = 0; i < Chunks; i++) runs.Add(source.TakeBlob(ChunkPages, owner));
        Eventually.Settles(source);
        system.Gate.Reset();
        foreach (var run in runs) source.Return(run);
        Eventually.Holds(() => !source.IsSettled, "some wait");
        var missed = source.ReadUse().Missed;
        for (var i = 0; i < Chunks / 2; i++) source.TakeBlob(ChunkPages, owner);
        Assert.Equal(missed, source.ReadUse().Missed);
        source.CheckInvariants();
        system.Gate.Set();
        Eventually.Settles(source);
        source.CheckInvariants();
        source.Leave();
    }

    [Fact]
    public void A_small_region_is_not_used_up_by_chunks_that_are_being_discarded()
    {
        const int Chunks = 31; // of 32; page 0 is nobody's
        using var system = new SystemPagesFake();
        using var source = new MemorySource(64 << 20, system);
        var owner = source.Enter();
        var runs = new List<int>();
        for (var i = 0; i < Chunks; i++) runs.Add(source.TakeBlob(ChunkPages, owner));
        Eventually.Settles(source);
        system.Gate.Reset();
        foreach (var run in runs) source.Return(run);
        using var opener = new Timer(_ => system.Gate.Set(), null, 50, Timeout.Infinite);
        for (var i = 0; i < Chunks; i++) source.TakeBlob(ChunkPages, owner);
        Assert.Throws<InsufficientMemoryException>(() => source.TakeBlob(ChunkPages, owner));
        source.CheckInvariants();
        source.Leave();
    }

    [Fact]
    public void Memory_beyond_what_is_to_be_kept_goes_back_one_chunk_at_a_time()
    {
        using var system = new SystemPagesFake();
        using var source = new MemorySource(RegionBytes, system);
        var owner = source.Enter();
        var run = source.TakeBlob(ChunkPages * 2, owner); // so few chunks that no thread prepares any
        source.Return(run);
        Assert.Equal(3 * MemorySource.ChunkBytes, source.CommittedBytes);
        while (source.DiscardBeyond(1, 1)) source.CheckInvariants();
        Assert.Equal(2 * MemorySource.ChunkBytes, source.CommittedBytes); // the one with page 0, and one
        Assert.False(source.DiscardBeyond(1, 1));
        source.Leave();
    }

    [Fact]
    public void A_refused_commit_is_told_to_who_asked_and_changes_nothing()
    {
        using var system = new SystemPagesFake();
        using var source = new MemorySource(RegionBytes, system);
        var owner = source.Enter();
        for (var i = 0; i < MemorySource.PlainChunks + 2; i++) source.TakeBlob(ChunkPages, owner);
        Eventually.Settles(source);
        system.RefusesCommit = true;
        Assert.Throws<InsufficientMemoryException>(() => source.TakeBlob(ChunkPages * 20, owner));
        source.CheckInvariants();
        system.RefusesCommit = false;
        source.Return(source.TakeBlob(ChunkPages * 20, owner));
        source.CheckInvariants();
        source.Leave();
    }

    [Fact]
    public void Disposal_waits_for_the_chunk_that_is_being_prepared()
    {
        using var system = new SystemPagesFake();
        var source = new MemorySource(RegionBytes, system);
        var owner = source.Enter();
        system.Gate.Reset();
        for (var i = 0; i < MemorySource.PlainChunks + 1; i++) source.TakeBlob(ChunkPages, owner);
        Eventually.Holds(() => !system.Workers.IsEmpty, "the thread is at work");
        source.Leave();
        var disposal = Task.Run(source.Dispose);
        Assert.False(disposal.Wait(20));
        system.Gate.Set();
        Assert.True(disposal.Wait(60_000), "disposal ends");
        source.Dispose();
    }
}
