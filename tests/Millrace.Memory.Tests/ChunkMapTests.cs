namespace Millrace.Memory.Tests;

public class ChunkMapTests
{
    private const int PagesPerChunk = MemorySource.PagesPerChunk;

    [Fact]
    public void Chunks_are_counted_when_their_first_page_is_taken_and_their_last_one_returned()
    {
        using var system = new SystemPagesFake();
        var map = new ChunkMap(system, 0, 8);
        map.Take(PagesPerChunk - 1, PagesPerChunk + 2); // the end of 0, all of 1, the beginning of 2
        Assert.Equal(3 * MemorySource.ChunkBytes, map.CommittedBytes);
        Assert.Equal((3, 3, 0), (map.OpenedCount, map.MissedCount, map.FreeCount));
        map.Give(PagesPerChunk, PagesPerChunk);
        Assert.True(map.IsFree(1));
        Assert.False(map.IsFree(0));
        map.Take(PagesPerChunk, 1);
        Assert.Equal((4, 3, 0), (map.OpenedCount, map.MissedCount, map.FreeCount));
        Assert.Equal(3, map.InUseCount);
        Assert.True(map.IsSound());
    }

    [Fact]
    public void Held_chunks_are_not_free_and_come_back_with_or_without_memory()
    {
        using var system = new SystemPagesFake();
        var map = new ChunkMap(system, 0, 8);
        map.Hold(2, 4);
        Assert.Equal(2 * MemorySource.ChunkBytes, map.CommittedBytes);
        Assert.False(map.IsFree(2));
        map.Release(2, 3, withMemory: true);
        map.Release(3, 4, withMemory: false);
        Assert.True(map.IsFree(2));
        Assert.False(map.HasMemory(3));
        Assert.Equal(MemorySource.ChunkBytes, map.CommittedBytes);
        map.Take(2 * PagesPerChunk, 2 * PagesPerChunk);
        Assert.Equal(1, map.MissedCount);
        Assert.True(map.IsSound());
    }

    [Fact]
    public void What_the_system_refuses_is_not_counted()
    {
        using var system = new SystemPagesFake();
        var map = new ChunkMap(system, 0, 8);
        system.RefusesCommit = true;
        Assert.Throws<InsufficientMemoryException>(() => map.Take(0, PagesPerChunk * 2));
        Assert.Throws<InsufficientMemoryException>(() => map.Hold(0, 1));
        Assert.Equal((0, 0, 0), (map.OpenedCount, map.CommittedBytes, map.FreeCount));
        system.RefusesCommit = false;
        map.Take(0, PagesPerChunk);
        Assert.True(map.IsSound());
    }
}
