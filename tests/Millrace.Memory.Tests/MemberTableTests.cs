using System.Text;
using Xunit.Abstractions;

namespace Millrace.Memory.Tests;

public class MemberTableTests(ITestOutputHelper output)
{
    // Lengths at which the length itself takes a byte more, and at which a block leaves the size classes.
    private static readonly int[] s_lengths = [0, 1, 7, 16, 127, 128, 129, 16_383, 16_384, 40_000];

    [Fact]
    public void It_agrees_with_a_set_through_random_changes()
    {
        Seeds.ForEach(output, seed =>
        {
            using var source = new MemorySource();
            using var heap = new Heap(source);
            var table = MemberTable.Create(heap, new KeyHasher((ulong)seed));
            var model = new HashSet<string>();
            var random = new Random(seed);
            var range = 100;
            for (var step = Seeds.Volume(40_000, 1_000_000); step > 0; step--)
            {
                if (random.Next(5_000) == 0) range = random.Next(1, 20_000);
                var member = Member(random.Next(range));
                var bytes = Encoding.Latin1.GetBytes(member);
                Assert.Equal(model.Contains(member), table.Contains(bytes));
                if (random.Next(20) < (model.Count < range / 2 ? 12 : 8))
                    Assert.Equal(model.Add(member), table.TryAdd(bytes));
                else
                    Assert.Equal(model.Remove(member), table.TryRemove(bytes));
                if (step % 10_000 == 1) Check(heap, table, model, random);
            }

            Check(heap, table, model, random);
            while (!table.FreeSome(random.Next(1, 200)))
            {
            }

            Assert.Equal(0, heap.AllocatedBytes);
            heap.CheckLeaks();
        });
    }

    [Fact]
    public void Lengths_of_every_size_come_back()
    {
        using var source = new MemorySource();
        using var heap = new Heap(source);
        var table = MemberTable.Create(heap, new KeyHasher(1));
        foreach (var length in s_lengths.Append(3_000_000))
        {
            var member = new byte[length];
            new Random(length).NextBytes(member);
            Assert.True(table.TryAdd(member));
            Assert.False(table.TryAdd(member));
            Assert.True(table.Contains(member));
        }

        var read = new List<int>();
        foreach (var block in Blocks(table)) read.Add(MemberTable.Read(heap, block).Length);
        Assert.Equal(s_lengths.Append(3_000_000), read.Order());
        Assert.True(table.FreeSome(int.MaxValue));
        heap.CheckLeaks();
    }

    [Fact]
    public void Copies_in_the_same_heap_and_in_another_are_equal_and_independent()
    {
        using var source = new MemorySource();
        using var heap = new Heap(source);
        using var other = new Heap(source);
        var table = MemberTable.Create(heap, new KeyHasher(1));
        var model = new HashSet<string>();
        for (var i = 0; i < 3_000; i++) model.Add(Member(i));
        foreach (var member in model) table.TryAdd(Encoding.Latin1.GetBytes(member));
        var near = table.CopyTo(heap, new KeyHasher(1));
        var far = table.CopyTo(other, new KeyHasher(2));
        Assert.True(table.FreeSome(int.MaxValue));
        Check(heap, near, model, new Random(1));
        Check(other, far, model, new Random(1));
        Assert.True(near.FreeSome(int.MaxValue));
        Assert.True(far.FreeSome(int.MaxValue));
        heap.CheckLeaks();
        other.CheckLeaks();
    }

    [Fact]
    public void A_walk_ends_when_the_walker_has_enough()
    {
        using var source = new MemorySource();
        using var heap = new Heap(source);
        var table = MemberTable.Create(heap, new KeyHasher(1));
        for (var i = 0; i < 5_000; i++) table.TryAdd(Encoding.Latin1.GetBytes(i.ToString()));
        var walker = new Counting(10);
        table.Walk(ref walker);
        Assert.InRange(walker.Seen, 10, 40);
        Assert.True(table.FreeSome(int.MaxValue));
    }

    [Fact]
    public void The_size_is_exact_when_all_are_looked_at_and_near_for_a_few()
    {
        using var source = new MemorySource();
        using var heap = new Heap(source);
        var table = MemberTable.Create(heap, new KeyHasher(1));
        for (var i = 0; i < 20_000; i++) table.TryAdd(Encoding.Latin1.GetBytes(new string('x', (i % 30) + 6) + i));
        Assert.Equal(heap.AllocatedBytes, table.SizeBytes(0));
        Assert.Equal(heap.AllocatedBytes, table.SizeBytes(1_000_000));
        Assert.InRange(table.SizeBytes(200), heap.AllocatedBytes * 8 / 10, heap.AllocatedBytes * 12 / 10);
        Assert.True(table.FreeSome(int.MaxValue));
    }

    [Fact]
    public void Members_of_16_bytes_take_at_most_36_bytes_each()
    {
        using var source = new MemorySource();
        using var heap = new Heap(source);
        var table = MemberTable.Create(heap, new KeyHasher(1));
        const int Count = 200_000;
        for (var i = 0; i < Count; i++) table.TryAdd(Encoding.Latin1.GetBytes($"member:{i:D9}"));
        var bytes = heap.AllocatedBytes / (double)Count;
        output.WriteLine($"{bytes:F1} bytes per member");
        Assert.InRange(bytes, 24, Heap.IsChecked ? 70 : 36);
        Assert.True(table.FreeSome(int.MaxValue));
    }

    [Fact]
    public void A_member_may_be_a_view_of_its_own_block()
    {
        using var source = new MemorySource();
        using var heap = new Heap(source);
        var table = MemberTable.Create(heap, new KeyHasher(1));
        var second = MemberTable.Create(heap, new KeyHasher(1));
        for (var i = 0; i < 500; i++) table.TryAdd(Encoding.Latin1.GetBytes(Member(i)));
        var moved = 0;
        while (table.Count > 0)
        {
            var member = MemberTable.Read(heap, table.Random((ulong)Random.Shared.NextInt64()));
            Assert.True(second.TryAdd(member));
            Assert.True(table.TryRemove(member));
            moved++;
        }

        Assert.Equal(moved, second.Count);
        Assert.True(table.FreeSome(1));
        Assert.True(second.FreeSome(int.MaxValue));
        heap.CheckLeaks();
    }

    // Few different texts for a number: long ones are rare.
    private static string Member(int number)
    {
        var length = number % 97 == 0 ? s_lengths[number / 97 % s_lengths.Length] : number % 40;
        return number.ToString().PadLeft(length, (char)('a' + (number % 26)));
    }

    private static void Check(Heap heap, MemberTable table, HashSet<string> model, Random random)
    {
        Assert.Equal(model.Count, table.Count);
        Assert.True(table.SlotCount >= table.Count);
        var walked = Blocks(table).ConvertAll(block => Encoding.Latin1.GetString(MemberTable.Read(heap, block)));
        Assert.Equal(model.Count, walked.Count);
        Assert.True(model.SetEquals(walked));
        var scanned = new HashSet<string>();
        var visitor = new Collecting(heap, scanned);
        var cursor = 0UL;
        do cursor = table.Scan(cursor, ref visitor);
        while (cursor != 0);
        Assert.True(model.SetEquals(scanned));
        var chosen = table.Random((ulong)random.NextInt64());
        Assert.Equal(model.Count == 0, chosen.IsNull);
        if (!chosen.IsNull) Assert.Contains(Encoding.Latin1.GetString(MemberTable.Read(heap, chosen)), model);
    }

    private static List<BlockRef> Blocks(MemberTable table)
    {
        var walker = new Listing([]);
        table.Walk(ref walker);
        return walker.Blocks;
    }

    private readonly struct Collecting(Heap heap, HashSet<string> members) : IEntryVisitor
    {
        public void Visit(BlockRef entry) => members.Add(Encoding.Latin1.GetString(MemberTable.Read(heap, entry)));
    }

    private readonly struct Listing(List<BlockRef> blocks) : IEntryWalker
    {
        internal List<BlockRef> Blocks => blocks;

        public bool IsDone => false;

        public void Visit(BlockRef entry) => blocks.Add(entry);
    }

    private struct Counting(int wanted) : IEntryWalker
    {
        internal int Seen;

        public readonly bool IsDone => Seen >= wanted;

        public void Visit(BlockRef entry) => Seen++;
    }
}
