using Xunit.Abstractions;

namespace Millrace.Memory.Tests;

public class HashTableScanTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData(10, 40)]
    [InlineData(100, 100)]
    [InlineData(600, 3_000)]
    [InlineData(4_000, 12_000)]
    [InlineData(3, 20_000)]
    public void A_scan_meets_whatever_stays_while_the_table_grows_and_shrinks(int staying, int coming) =>
        Meet(staying, coming, static (test, cursor, met) => test.Scan(cursor, met));

    [Theory]
    [InlineData(10, 40)]
    [InlineData(600, 3_000)]
    [InlineData(4_000, 12_000)]
    [InlineData(3, 20_000)]
    public void A_visit_by_segments_meets_whatever_stays_too(int staying, int coming) =>
        Meet(staying, coming, static (test, point, met) => test.VisitSegment(point, met));

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_table_that_is_filled_in_the_order_of_another_is_as_lean_and_fast(bool bySegments)
    {
        using var first = new TestTable(1);
        for (var key = 0UL; key < 100_000; key++) first.Insert(key);
        var order = new List<ulong>();
        var cursor = 0UL;
        do cursor = bySegments ? first.VisitSegment(cursor, order) : first.Scan(cursor, order);
        while (cursor != 0);
        using var second = new TestTable(1);
        var longest = 0;
        foreach (var key in order)
        {
            second.Insert(key);
            if (second.Table.Count % 1000 == 0) longest = Math.Max(longest, LongestChain(second));
        }

        Assert.InRange(second.Table.TableBytes, 0, first.Table.TableBytes * 3 / 2);
        Assert.InRange(longest, 10, 1000);
        Assert.InRange(LongestChain(second), 1, 40);
        Assert.Equal(100_000, second.Keys().Count);
    }

    private static int LongestChain(TestTable test)
    {
        var (longest, cursor) = (0, 0UL);
        do
        {
            var chain = new List<ulong>();
            cursor = test.Scan(cursor, chain);
            longest = Math.Max(longest, chain.Count);
        }
        while (cursor != 0);
        return longest;
    }

    [Fact]
    public void A_visit_by_segments_of_a_table_that_only_grows_repeats_nothing()
    {
        using var test = new TestTable(1);
        for (var key = 0UL; key < 20_000; key++) test.Insert(key);
        var met = new List<ulong>();
        var next = 20_000UL;
        var point = 0UL;
        do
        {
            point = test.VisitSegment(point, met);
            for (var i = 0; i < 300; i++) test.Insert(next++);
        }
        while (point != 0);
        Assert.Equal(met.Count, met.Distinct().Count());
        Assert.Equal(20_000, met.Count(static key => key < 20_000));
        for (var i = 0UL; i < 1_000; i++)
            Assert.InRange(test.VisitSegment(i * 0x9E3779B97F4A7C15, []), 0UL, uint.MaxValue);
    }

    [Fact]
    public void A_scan_of_a_table_that_only_grows_stays_short()
    {
        using var test = new TestTable(1);
        for (var key = 0UL; key < 5_000; key++) test.Insert(key);
        var met = new List<ulong>();
        var next = 5_000UL;
        var cursor = 0UL;
        do
        {
            cursor = test.Scan(cursor, met);
            for (var i = 0; i < 3; i++) test.Insert(next++);
        }
        while (cursor != 0 && next < 100_000);
        Assert.Equal(0UL, cursor);
        Assert.Equal(met.Count, met.Distinct().Count()); // splits cut intervals and repeat nothing
    }

    [Fact]
    public void Any_cursor_is_harmless()
    {
        using var test = new TestTable(1);
        for (var key = 0UL; key < 2_000; key++) test.Insert(key);
        var random = new Random(1);
        for (var i = 0; i < 2_000; i++)
        {
            var cursor = (ulong)random.NextInt64() << random.Next(2);
            var met = new List<ulong>();
            for (var calls = 0; cursor != 0; calls++)
            {
                cursor = test.Scan(cursor, met);
                Assert.True(calls < 10_000, "the scan ends");
            }
        }
    }

    [Theory]
    [InlineData(7)]
    [InlineData(300)]
    [InlineData(2_000)]
    public void Every_entry_has_the_same_chance_to_be_the_random_one(int keys)
    {
        Seeds.ForEach(output, seed =>
        {
            using var test = new TestTable((ulong)seed);
            for (var key = 0UL; key < (ulong)keys; key++) test.Insert(key);
            AssertUniform(test, new Random(seed), Enumerable.Range(0, keys).Select(key => (ulong)key).ToList());
        });
    }

    [Fact]
    public void Random_entries_stay_even_and_cheap_after_mass_deletion()
    {
        using var test = new TestTable(3);
        for (var key = 0UL; key < 30_000; key++) test.Insert(key);
        var left = new List<ulong>();
        for (var key = 0UL; key < 30_000; key++)
        {
            if (key % 100 == 0) left.Add(key);
            else test.Remove(key);
        }

        AssertUniform(test, new Random(3), left);
        foreach (var key in left.Skip(1)) test.Remove(key);
        for (var i = 0UL; i < 100; i++) Assert.Equal(left[0], test.Heap.ReadHeader(test.Table.RandomEntry(i)));
    }

    private void Meet(int staying, int coming, Func<TestTable, ulong, ICollection<ulong>, ulong> visit) =>
        Seeds.ForEach(output, seed =>
        {
            using var test = new TestTable((ulong)seed);
            var random = new Random(seed);
            for (var key = 0UL; key < (ulong)staying; key++) test.Insert(key);
            var guests = new List<ulong>();
            var nextKey = 1_000_000UL;
            for (var round = 0; round < 6; round++)
            {
                var met = new HashSet<ulong>();
                var cursor = 0UL;
                var calls = 0;
                do
                {
                    cursor = visit(test, cursor, met);
                    Assert.InRange(cursor, 0UL, (1UL << 48) - 1);
                    Assert.True(++calls < 1_000_000, "the scan ends");
                    if (random.Next(8) == 0) ComeOrGo(test, random, guests, coming, ref nextKey);
                }
                while (cursor != 0);
                for (var key = 0UL; key < (ulong)staying; key++)
                    Assert.True(met.Contains(key), $"key {key} was missed in round {round} of seed {seed}");
            }
        });

    private static void AssertUniform(TestTable test, Random random, List<ulong> keys)
    {
        var counts = keys.ToDictionary(key => key, _ => 0);
        var draws = keys.Count * 50;
        for (var i = 0; i < draws; i++)
        {
            var entry = test.Table.RandomEntry((ulong)random.NextInt64());
            counts[test.Heap.ReadHeader(entry)]++;
        }

        var chi = counts.Values.Sum(count => (count - 50.0) * (count - 50.0) / 50);
        var freedom = keys.Count - 1;
        Assert.InRange(chi, 0, freedom + (6 * Math.Sqrt(2.0 * freedom)) + 8);
    }

    // A burst of insertions or of removals, sometimes all of them.
    private static void ComeOrGo(TestTable test, Random random, List<ulong> guests, int coming, ref ulong nextKey)
    {
        if (random.Next(2) == 0)
        {
            for (var i = random.Next(coming); i > 0 && guests.Count < coming; i--)
            {
                test.Insert(nextKey);
                guests.Add(nextKey++);
            }

            return;
        }

        var go = random.Next(3) == 0 ? guests.Count : random.Next(guests.Count + 1);
        for (; go > 0; go--)
        {
            var at = random.Next(guests.Count);
            test.Remove(guests[at]);
            guests[at] = guests[^1];
            guests.RemoveAt(guests.Count - 1);
        }
    }
}
