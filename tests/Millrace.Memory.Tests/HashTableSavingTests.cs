using Xunit.Abstractions;

namespace Millrace.Memory.Tests;

/// <summary>A table that is saved while it changes.</summary>
public sealed class HashTableSavingTests(ITestOutputHelper output)
{
    private static readonly int[] s_sizes = [30, 3_000, 40_000];

    [Fact]
    public void Each_entry_of_the_cut_is_shown_once_whatever_changes_meanwhile()
    {
        Seeds.ForEach(output, seed =>
        {
            using var test = new TestTable((ulong)seed);
            var random = new Random(seed);
            var keys = new HashSet<ulong>();
            for (var round = 0; round < 20; round++)
            {
                var size = random.Next(s_sizes[random.Next(s_sizes.Length)]);
                Resize(test, keys, random, size);
                var saver = new Collector(test.Heap);
                test.Heap.Saver = saver;
                test.Table.BeginSaving();
                var expected = keys.ToHashSet();
                SaveUnderChanges(test, keys, random, saver);
                Assert.False(test.Table.IsBeingSaved);
                Assert.Equal(expected.Count, saver.Shown.Count);
                Assert.True(expected.SetEquals(saver.Shown));
                test.Heap.Saver = null;
                foreach (var key in keys) Assert.False(test.Find(key).IsNull);
                Assert.Equal(keys.Count, test.Table.Count);
            }
        });
    }

    [Fact]
    public void What_was_shown_says_so_and_the_rest_does_not()
    {
        using var test = new TestTable(8);
        for (var key = 0UL; key < 5_000; key++) test.Insert(key);
        Assert.True(test.Table.IsSaved(test.HashOf(1)), "nobody wants it");
        var saver = new Collector(test.Heap);
        test.Heap.Saver = saver;
        test.Table.BeginSaving();
        Assert.False(test.Table.IsSaved(test.HashOf(1)));
        test.Table.BeforeChange(test.HashOf(1));
        Assert.True(test.Table.IsSaved(test.HashOf(1)));
        Assert.Contains(1UL, saver.Shown);
        Assert.InRange(saver.Shown.Count, 1, 30);
        var before = saver.Shown.Count;
        test.Table.BeforeChange(test.Find(1));
        Assert.Equal(before, saver.Shown.Count);
        var walker = new Walker(test.Heap, saver, most: int.MaxValue);
        Assert.True(test.Table.SaveSome(ref walker));
        Assert.Equal(5_000, saver.Shown.Count);
    }

    private static void Resize(TestTable test, HashSet<ulong> keys, Random random, int size)
    {
        while (keys.Count > size)
        {
            var key = keys.First();
            keys.Remove(key);
            test.Remove(key);
        }

        while (keys.Count < size) Add(test, keys, random);
    }

    private static void SaveUnderChanges(TestTable test, HashSet<ulong> keys, Random random, Collector saver)
    {
        var grows = random.Next(3);
        while (true)
        {
            for (var i = random.Next(200); i > 0; i--)
            {
                if (keys.Count == 0 || random.Next(3) <= grows) Add(test, keys, random);
                else Change(test, keys, random);
            }

            var walker = new Walker(test.Heap, saver, random.Next(400));
            if (test.Table.SaveSome(ref walker)) return;
        }
    }

    private static void Add(TestTable test, HashSet<ulong> keys, Random random)
    {
        var key = (ulong)random.NextInt64();
        if (keys.Add(key)) test.Insert(key);
    }

    private static void Change(TestTable test, HashSet<ulong> keys, Random random)
    {
        var key = keys.ElementAt(random.Next(Math.Min(keys.Count, 50)));
        if (random.Next(2) == 0)
        {
            keys.Remove(key);
            test.Remove(key);
            return;
        }

        var moved = test.Heap.Allocate(8);
        test.Heap.WriteHeader(moved, key);
        var old = test.Find(key);
        test.Table.Replace(test.HashOf(key), old, moved);
        test.Heap.Free(old);
    }

    private sealed class Collector(Heap heap) : IEntrySaver
    {
        internal List<ulong> Shown { get; } = [];

        public void Save(BlockRef table, BlockRef entry) => Shown.Add(heap.ReadHeader(entry));

        public void SaveContent(BlockRef owner, BlockRef block, ReadOnlySpan<byte> content)
        {
        }
    }

    private struct Walker(Heap heap, Collector saver, int most) : IEntryWalker
    {
        private int _left = most;

        public readonly bool IsDone => _left <= 0;

        public void Visit(BlockRef entry)
        {
            _left--;
            saver.Shown.Add(heap.ReadHeader(entry));
        }
    }
}
