using Xunit.Abstractions;

namespace Millrace.Memory.Tests;

public class MemorySourceTests(ITestOutputHelper output)
{
    private const long MaxKeptBytes =
        (MemorySource.SpareChunks + AheadPace.MaxChunks + 1L) * MemorySource.ChunkBytes;

    [Fact]
    public void Runs_do_not_overlap_and_are_joined_when_they_are_returned()
    {
        Seeds.ForEach(output, seed =>
        {
            using var source = new MemorySource();
            var owner = source.Enter();
            var random = new Random(seed);
            var runs = new List<(int First, int Pages)>();
            var used = 0L;
            for (var i = 0; i < 4_000; i++)
            {
                if (runs.Count == 0 || random.Next(1_000) < (i < 2_000 ? 600 : 400))
                {
                    var pages = random.Next(1, random.Next(10) switch { < 7 => 5, < 9 => 100, _ => 700 });
                    var first = pages <= 4 ? source.TakeSpan(pages, 1, owner) : source.TakeBlob(pages, owner);
                    runs.Add((first, pages));
                    used += pages;
                }
                else
                {
                    var at = random.Next(runs.Count);
                    source.Return(runs[at].First);
                    used -= runs[at].Pages;
                    runs[at] = runs[^1];
                    runs.RemoveAt(runs.Count - 1);
                }

                Assert.Equal(used * MemorySource.PageBytes, source.UsedBytes);
                Assert.True(source.CommittedBytes >= source.UsedBytes, "what is used is committed");
                if (i % 500 == 0) CheckDisjoint(source, runs);
            }

            CheckDisjoint(source, runs);
            foreach (var (first, _) in runs) source.Return(first);
            source.CheckInvariants();
            Assert.Equal(0, source.UsedBytes);
            Eventually.Settles(source);
            Assert.InRange(source.CommittedBytes, 0, MaxKeptBytes);
            source.Trim();
            Eventually.Settles(source);
            source.Trim(); // a chunk may have been in preparation the first time
            source.CheckInvariants();
            Assert.InRange(source.CommittedBytes, 0, MemorySource.ChunkBytes);
            source.Leave();
        });
    }

    [Fact]
    public void A_run_of_more_than_512_MB_can_be_had_and_its_memory_goes_back()
    {
        using var source = new MemorySource();
        using var heap = new Heap(source);
        const int Pages = (512 * 64) + 100;
        var owner = source.Enter();
        var first = source.TakeBlob(Pages, owner);
        Assert.Equal(Pages * (long)MemorySource.PageBytes, source.UsedBytes);
        source.Return(first);
        Eventually.Settles(source);
        Assert.InRange(source.CommittedBytes, 0, MaxKeptBytes);
        Assert.Equal(first, source.TakeBlob(Pages, owner));
        source.Return(first);
        source.CheckInvariants();
        source.Leave();
    }

    [Fact]
    public void A_region_that_is_used_up_says_so_and_stays_usable()
    {
        using var source = new MemorySource(64 << 20);
        using var heap = new Heap(source);
        var blocks = new List<BlockRef>();
        Assert.Throws<InsufficientMemoryException>(() =>
        {
            for (var i = 0; i < 1_000; i++) blocks.Add(heap.Allocate(1_000_000));
        });
        Assert.InRange(blocks.Count, 60, 66); // of 62 pages each, 63 with guards
        source.CheckInvariants();
        heap.CheckIntegrity();
        foreach (var block in blocks) heap.Free(block);
        heap.Free(heap.Allocate(1_000_000));
        Assert.Equal(0, heap.AllocatedBytes);
    }

    [Fact]
    public void Heaps_on_several_threads_do_not_meet()
    {
        using var source = new MemorySource();
        Exception? failure = null;
        var threads = Enumerable.Range(0, 4).Select(number => new Thread(() =>
        {
            try
            {
                Churn(source, number);
            }
            catch (Exception e)
            {
                failure = e;
            }
        })).ToList();
        threads.ForEach(thread => thread.Start());
        threads.ForEach(thread => thread.Join());
        Assert.Null(failure);
        source.CheckInvariants();
        Assert.Equal(0, source.UsedBytes);
    }

    [Theory]
    [InlineData(0)]
    [InlineData((1L << 43) + 1)]
    public void Impossible_regions_are_refused(long bytes) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new MemorySource(bytes));

    private static void Churn(MemorySource source, int seed)
    {
        using var heap = new Heap(source);
        var random = new Random(seed);
        var blocks = new Queue<(BlockRef Block, int Size)>();
        var fill = (byte)(seed + 1);
        for (var i = 0; i < 10_000; i++)
        {
            var size = random.Next(50) == 0 ? random.Next(200_000) : random.Next(2_000);
            var block = heap.Allocate(size);
            heap.Span(block, 0, size).Fill(fill);
            blocks.Enqueue((block, size));
            if (blocks.Count < 300) continue;
            var (old, oldSize) = blocks.Dequeue();
            Assert.Equal(-1, heap.Span(old, 0, oldSize).IndexOfAnyExcept(fill));
            heap.Free(old);
        }

        heap.CheckIntegrity();
    }

    private static void CheckDisjoint(MemorySource source, List<(int First, int Pages)> runs)
    {
        source.CheckInvariants();
        var end = 1;
        foreach (var (first, pages) in runs.OrderBy(run => run.First))
        {
            Assert.True(first >= end, $"run at {first} begins before {end}");
            end = first + pages;
        }
    }
}
