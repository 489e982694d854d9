using System.Text;
using Xunit.Abstractions;

namespace Millrace.Memory.Tests;

public class RankTreeTests(ITestOutputHelper output)
{
    [Fact]
    public void It_agrees_with_a_sorted_list()
    {
        Seeds.ForEach(output, seed =>
        {
            using var source = new MemorySource();
            using var heap = new Heap(source);
            var pair = new RankModel(heap);
            var random = new Random(seed);
            var steps = Seeds.Volume(40_000, 1_000_000);
            for (var i = 0; i < steps; i++)
            {
                pair.Step(random, grows: i / 8_000 % 2 == 0);
                if (i % 2_000 == 0) pair.Check(random);
            }

            // Down to nothing in random order, so that every kind of join happens.
            while (pair.Count > 0)
            {
                pair.Remove(random.Next(pair.Count));
                if (pair.Count % 1_000 == 0) pair.Check(random);
            }

            pair.Tree.Free();
            heap.CheckLeaks();
        });
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Elements_in_order_are_packed_densely(bool ascending)
    {
        using var source = new MemorySource();
        using var heap = new Heap(source);
        var tree = RankTree.Create(heap);
        const int Elements = 50_000;
        for (var i = 0; i < Elements; i++)
        {
            var score = ascending ? i : Elements - 1 - i;
            tree.Insert(score, ScoredMember.Create(heap, score, "m"u8));
            if (i % 5_000 == 0) tree.CheckInvariants();
        }

        tree.CheckInvariants();
        var perElement = (double)tree.AllocatedBytes / Elements;
        output.WriteLine($"{perElement} bytes per element");
        if (!Heap.IsChecked) Assert.InRange(perElement, 16, 19);
        for (var i = 0; i < Elements; i += 777) Assert.Equal(i, tree.At(i).Score);
        FreeAll(heap, tree);
    }

    [Fact]
    public void Extreme_scores_are_ordinary_and_minus_zero_is_zero()
    {
        using var source = new MemorySource();
        using var heap = new Heap(source);
        var tree = RankTree.Create(heap);
        double[] scores =
        [
            double.NegativeInfinity, double.MinValue, -1, -double.Epsilon, -0.0, 0, double.Epsilon, 1, double.MaxValue,
            double.PositiveInfinity,
        ];
        var members = scores.Select((score, i) => ScoredMember.Create(heap, score, [(byte)('a' + i)])).ToArray();
        foreach (var i in (int[])[9, 3, 5, 0, 7, 4, 1, 8, 2, 6]) tree.Insert(scores[i], members[i]);
        for (var i = 0; i < scores.Length; i++)
        {
            Assert.Equal(members[i], tree.At(i).Member);
            Assert.Equal(i, tree.RankOf(scores[i], members[i]));
        }

        var minusZero = new ScoreProbe(-0.0, isBehind: true);
        var zero = new ScoreProbe(0, isBehind: false);
        Assert.Equal(6, tree.CountBefore(ref minusZero));
        Assert.Equal(4, tree.CountBefore(ref zero));
        FreeAll(heap, tree);
    }

    [Fact]
    public void Texts_decide_where_scores_are_equal_by_unsigned_bytes()
    {
        using var source = new MemorySource();
        using var heap = new Heap(source);
        var tree = RankTree.Create(heap);
        byte[][] texts = [[], [0], [0, 0], [0, 255], [1], [127], [128], [255], [255, 0]];
        foreach (var text in texts.Reverse()) tree.Insert(5, ScoredMember.Create(heap, 5, text));
        for (var i = 0; i < texts.Length; i++)
        {
            Assert.Equal(texts[i], ScoredMember.Text(heap, tree.At(i).Member).ToArray());
            var before = new TextProbe(texts[i], isBehind: false);
            var behind = new TextProbe(texts[i], isBehind: true);
            Assert.Equal(i, tree.CountBefore(ref before));
            Assert.Equal(i + 1, tree.CountBefore(ref behind));
        }

        FreeAll(heap, tree);
    }

    [Fact]
    public void Removing_what_is_not_there_throws_and_changes_nothing()
    {
        using var source = new MemorySource();
        using var heap = new Heap(source);
        var tree = RankTree.Create(heap);
        var member = ScoredMember.Create(heap, 1, "a"u8);
        Assert.Throws<InvalidOperationException>(() => tree.Remove(1, member));
        tree.Insert(1, member);
        Assert.Throws<InvalidOperationException>(() => tree.Remove(2, member));
        Assert.Throws<InvalidOperationException>(() => tree.Move(0, 5, member));
        var other = ScoredMember.Create(heap, 1, "a"u8);
        Assert.Throws<InvalidOperationException>(() => tree.Remove(1, other));
        Assert.Throws<ArgumentOutOfRangeException>(() => Remove(0, 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => Remove(-1, 1));
        Assert.Equal(1, tree.Count);
        heap.Free(other);
        FreeAll(heap, tree);

        void Remove(long first, long count)
        {
            var visitor = new FreeingElements(heap);
            tree.RemoveRange(first, count, ref visitor);
        }
    }

    [Fact]
    public void It_is_freed_in_slices_whatever_became_of_the_members()
    {
        using var source = new MemorySource();
        using var heap = new Heap(source);
        var tree = RankTree.Create(heap);
        var random = new Random(1);
        var members = new List<BlockRef>();
        for (var i = 0; i < 30_000; i++)
        {
            var score = random.NextDouble();
            members.Add(ScoredMember.Create(heap, score, "x"u8));
            tree.Insert(score, members[^1]);
        }

        foreach (var member in members) heap.Free(member);
        var slices = 0;
        var before = tree.Count;
        while (!tree.FreeSome(100))
        {
            Assert.InRange(before - tree.Count, 1, 200);
            Assert.Equal(heap.AllocatedBytes, tree.AllocatedBytes);
            before = tree.Count;
            slices++;
        }

        Assert.InRange(slices, 100, 600);
        Assert.True(tree.FreeSome(100));
        Assert.Equal(0, tree.Count);
        tree.Free();
        heap.CheckLeaks();
    }

    [Fact]
    public void Warm_changes_take_no_managed_memory()
    {
        using var source = new MemorySource();
        using var heap = new Heap(source);
        var tree = RankTree.Create(heap);
        Churn(heap, tree);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Churn(heap, tree);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Fact]
    public void A_member_is_read_as_it_was_written_whatever_its_length()
    {
        using var source = new MemorySource();
        using var heap = new Heap(source);
        foreach (var length in (int[])[0, 1, 127, 128, 129, 16_383, 16_384, 70_000, 2_097_152])
        {
            var text = new byte[length];
            new Random(length).NextBytes(text);
            var member = ScoredMember.Create(heap, -0.0, text);
            Assert.Equal(text, ScoredMember.Text(heap, member).ToArray());
            Assert.True(double.IsNegative(ScoredMember.Score(heap, member)));
            ScoredMember.SetScore(heap, member, 1.5);
            Assert.Equal(1.5, ScoredMember.Score(heap, member));
            Assert.Equal(text, ScoredMember.Text(heap, member).ToArray());
            heap.Free(member);
        }

        heap.CheckLeaks();
    }

    [Fact]
    public void A_damaged_length_is_refused()
    {
        using var source = new MemorySource();
        using var heap = new Heap(source);
        var member = ScoredMember.Create(heap, 1, new byte[20]);
        heap.Span(member, 8, 6).Fill(0xFF);
        Assert.Throws<HeapCorruptionException>(() => ScoredMember.Text(heap, member).Length);
        heap.Free(member);
    }

    private static void Churn(Heap heap, RankTree tree)
    {
        var member = ScoredMember.Create(heap, 0, "same"u8);
        for (var i = 0; i < 5_000; i++)
        {
            var score = i * 7919 % 5_003;
            tree.Insert(score, member);
            if (i % 3 == 0) tree.Move(score, score + 0.5, member);
        }

        for (var i = 0; i < 5_000; i++) tree.Remove((i * 7919 % 5_003) + (i % 3 == 0 ? 0.5 : 0), member);
        heap.Free(member);
    }

    private static void FreeAll(Heap heap, RankTree tree)
    {
        var visitor = new FreeingElements(heap);
        tree.RemoveRange(0, tree.Count, ref visitor);
        Assert.Equal(heap.UsableSize(tree.Header), tree.AllocatedBytes);
        tree.Free();
        heap.CheckLeaks();
    }

    private readonly struct FreeingElements(Heap heap) : IRankVisitor
    {
        public void Visit(double score, BlockRef member) => heap.Free(member);
    }
}

/// <summary>A tree beside a sorted list of the same elements.</summary>
internal sealed class RankModel
{
    private readonly Heap _heap;
    private readonly List<(double Score, string Text, BlockRef Member)> _elements = [];
    private readonly HashSet<string> _texts = new(StringComparer.Ordinal);

    internal RankModel(Heap heap)
    {
        _heap = heap;
        Tree = RankTree.Create(heap);
    }

    internal RankTree Tree { get; }

    internal int Count => _elements.Count;

    internal void Step(Random random, bool grows)
    {
        var action = random.Next(20);
        if (Count == 0 || action < (grows ? 13 : 5)) Add(random);
        else if (action < 15) Move(random.Next(Count), NextScore(random));
        else if (action < 19) Remove(random.Next(Count));
        else RemoveRange(random);
        Assert.Equal(Count, Tree.Count);
    }

    internal void Remove(int at)
    {
        var (score, text, member) = _elements[at];
        Assert.Equal(at, Tree.RankOf(score, member));
        Tree.Remove(score, member);
        _heap.Free(member);
        _texts.Remove(text);
        _elements.RemoveAt(at);
    }

    internal void Check(Random random)
    {
        Tree.CheckInvariants();
        _heap.CheckIntegrity();
        var members = _elements.Sum(element => (long)_heap.UsableSize(element.Member));
        Assert.Equal(_heap.AllocatedBytes, Tree.AllocatedBytes + members);
        var from = Count == 0 ? 0 : random.Next(Count);
        var cursor = Tree.At(from);
        for (var i = from; i < Count; i++, cursor.Next()) Assert.Equal(_elements[i].Member, cursor.Member);
        Assert.False(cursor.IsValid);
        cursor = Tree.At(from);
        for (var i = from; i >= 0 && Count > 0; i--, cursor.Previous()) Assert.Equal(_elements[i].Score, cursor.Score);
        Assert.False(cursor.IsValid);
        Assert.False(Tree.At(Count).IsValid);
        Assert.False(Tree.At(-1).IsValid);
        var bound = NextScore(random);
        var before = new ScoreProbe(bound, isBehind: false);
        var behind = new ScoreProbe(bound, isBehind: true);
        Assert.Equal(_elements.Count(element => element.Score < bound), Tree.CountBefore(ref before));
        Assert.Equal(_elements.Count(element => element.Score <= bound), Tree.CountBefore(ref behind));
        CheckWalk(_elements.Count(element => element.Score < bound), Tree.From(ref before));
        CheckWalk(_elements.Count(element => element.Score <= bound), Tree.From(ref behind));
    }

    private void CheckWalk(int from, RankCursor cursor)
    {
        for (; from < Count; from++, cursor.Pass()) Assert.Equal(_elements[from].Member, cursor.Member);
        Assert.False(cursor.IsValid);
    }

    private static double NextScore(Random random) => random.Next(6) switch
    {
        0 => random.Next(5),
        1 => random.NextDouble() * 100,
        2 => random.Next(2) == 0 ? double.PositiveInfinity : double.NegativeInfinity,
        3 => random.Next(2) == 0 ? 0 : -0.0,
        _ => random.Next(-2_000, 2_000),
    };

    private void Add(Random random)
    {
        var text = random.Next(200_000).ToString(System.Globalization.CultureInfo.InvariantCulture);
        if (!_texts.Add(text)) return;
        var score = NextScore(random);
        var member = ScoredMember.Create(_heap, score, Encoding.ASCII.GetBytes(text));
        Tree.Insert(score, member);
        _elements.Insert(PlaceOf(score, text), (score, text, member));
    }

    private void Move(int at, double score)
    {
        var (old, text, member) = _elements[at];

        // Every other move is a short one, which may stay in its place.
        if (at % 2 == 0 && double.IsFinite(old)) score = old + 0.001;
        Tree.Move(old, score, member);
        _elements.RemoveAt(at);
        var place = PlaceOf(score, text);
        _elements.Insert(place, (score, text, member));
        Assert.Equal(member, Tree.At(place).Member);
    }

    private void RemoveRange(Random random)
    {
        var first = random.Next(Count);
        var count = random.Next(Math.Min(Count - first, random.Next(10) == 0 ? 600 : 40) + 1);
        var visitor = new Expecting(_heap, _elements, first);
        Tree.RemoveRange(first, count, ref visitor);
        Assert.Equal(first + count, visitor.Next);
        foreach (var (_, text, _) in _elements.Skip(first).Take(count)) _texts.Remove(text);
        _elements.RemoveRange(first, count);
    }

    private int PlaceOf(double score, string text)
    {
        var low = 0;
        var high = Count;
        while (low < high)
        {
            var middle = (low + high) / 2;
            var (other, otherText, _) = _elements[middle];
            var isBefore = other < score || (other == score && string.CompareOrdinal(otherText, text) < 0);
            if (isBefore) low = middle + 1;
            else high = middle;
        }

        return low;
    }

    private struct Expecting(Heap heap, List<(double Score, string Text, BlockRef Member)> elements, int next)
        : IRankVisitor
    {
        internal int Next { get; private set; } = next;

        public void Visit(double score, BlockRef member)
        {
            Assert.Equal(elements[Next].Member, member);
            Assert.Equal(elements[Next].Score, score);
            heap.Free(member);
            Next++;
        }
    }
}
