using System.Text;
using Xunit.Abstractions;

namespace Millrace.Memory.Tests;

public class PackedDequeTests(ITestOutputHelper output)
{
    private static readonly ChunkLimits[] s_limits =
    [
        ChunkLimits.Of(-2, 0, 0),
        ChunkLimits.Of(-1, 1, 0),
        ChunkLimits.Of(4, 0, 0),
        ChunkLimits.Of(1, 2, 0),
        ChunkLimits.Of(7, 3, 10),
        new(64, 1000, 40, 0),
        new(200, 1000, 100, 2),
    ];

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    public void It_agrees_with_a_list(int kind)
    {
        Seeds.ForEach(output, seed =>
        {
            using var run = new Run(seed, s_limits[kind]);
            var steps = Seeds.Volume(4_000, 40_000);
            for (var i = 0; i < steps; i++)
            {
                run.Step(grows: i / 700 % 2 == 0);
                if (i % 250 == 0) run.Check();
            }

            run.Check();
            run.Empty();
        });
    }

    [Fact]
    public void Full_chunks_as_long_as_the_longest_small_block_are_set_aside()
    {
        using var source = new MemorySource();
        using var heap = new Heap(source);
        var limits = ChunkLimits.Of(-4, 0, 0);
        for (var length = 20; length < 300; length++)
        {
            var text = new byte[length];
            text.AsSpan().Fill((byte)'x');
            var deque = PackedDeque.Create(heap);
            for (var pushed = 0; deque.ChunkCount < 4; pushed++)
            {
                var element = ListpackElement.OfString(text);
                if (pushed % 2 == 0) deque.PushFirst(element, limits);
                else deque.PushLast(element, limits);
            }

            Assert.True(deque.Last().Bytes.SequenceEqual(text));
            deque.Free();
        }

        Assert.Equal(0, heap.AllocatedBytes);
    }

    [Fact]
    public void It_agrees_with_a_list_whose_limits_change_while_it_lives()
    {
        Seeds.ForEach(output, seed =>
        {
            using var run = new Run(seed, s_limits[0]);
            var random = new Random(seed);
            for (var i = 0; i < Seeds.Volume(6_000, 60_000); i++)
            {
                if (i % 300 == 0) run.Limits = s_limits[random.Next(s_limits.Length)];
                run.Step(grows: i / 900 % 2 == 0);
                if (i % 250 == 0) run.Check();
            }

            run.Check();
            run.Empty();
        });
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Chunks_that_were_filled_from_an_end_are_full(bool fromTail)
    {
        using var source = new MemorySource();
        using var heap = new Heap(source);
        var deque = PackedDeque.Create(heap);
        const int Elements = 500_000;
        for (var i = 0; i < Elements; i++) Push(deque, fromTail, $"element:{i,8:D8}", s_limits[0]);
        var bytes = (double)deque.AllocatedBytes / Elements;
        output.WriteLine($"{bytes} bytes per element of 16, {deque.ChunkCount} chunks");
        Assert.Equal(heap.AllocatedBytes, deque.AllocatedBytes);
        if (!Heap.IsChecked) Assert.InRange(bytes, 18, 18.2);
        for (var i = 0; i < Elements; i += 9973)
        {
            using var cursor = new ListCursor(deque, fromTail ? i : Elements - 1 - i, isBackwards: false);
            Assert.True(cursor.TryNext(out var element));
            Assert.Equal($"element:{i,8:D8}", TextOf(element));
        }

        deque.Free();
        heap.CheckLeaks();
    }

    [Fact]
    public void A_queue_of_steady_length_takes_no_managed_memory()
    {
        using var source = new MemorySource();
        using var heap = new Heap(source);
        var deque = PackedDeque.Create(heap);
        Churn(deque);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Churn(deque);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Fact]
    public void It_is_freed_in_slices_and_the_call_may_be_repeated()
    {
        using var source = new MemorySource();
        using var heap = new Heap(source);
        var deque = PackedDeque.Create(heap);
        for (var i = 0; i < 20_000; i++) Push(deque, i % 2 == 0, $"element {i}", ChunkLimits.Of(8, 1, 0));
        var chunks = deque.ChunkCount;
        var slices = 0;
        while (!deque.FreeSome(100))
        {
            Assert.Equal(100, chunks - deque.ChunkCount);
            chunks = deque.ChunkCount;
            slices++;
        }

        Assert.InRange(slices, 20, 30);
        Assert.True(deque.FreeSome(100));
        Assert.Equal(0, deque.Count);
        Assert.Equal(heap.AllocatedBytes, deque.AllocatedBytes);
        deque.Free();
        heap.CheckLeaks();
    }

    [Fact]
    public void Inner_chunks_are_compressed_and_outer_ones_are_not()
    {
        using var source = new MemorySource();
        using var heap = new Heap(source);
        var limits = ChunkLimits.Of(-1, 2, 0);
        var deque = PackedDeque.Create(heap);
        for (var i = 0; i < 5_000; i++) Push(deque, fromTail: true, $"the same words again and again {i}", limits);
        var compressed = 0;
        var at = ChunkAt.Head;
        for (var i = 0L; !at.IsNone; at = deque.Next(at), i++)
        {
            var isDeep = i >= 2 && i < deque.ChunkCount - 2;
            Assert.Equal(isDeep ? ChunkKind.Compressed : ChunkKind.Packed, deque.Chunk(at).Kind);
            if (isDeep) compressed++;
        }

        output.WriteLine($"{compressed} of {deque.ChunkCount} chunks, {deque.AllocatedBytes} bytes");
        Assert.True(compressed > 10);
        Assert.True(deque.AllocatedBytes < 5_000 * 20);
        deque.Free();
        heap.CheckLeaks();
    }

    [Fact]
    public void Limits_are_those_that_the_directives_describe()
    {
        Assert.Equal(new ChunkLimits(4096, ushort.MaxValue - 1, 4097, 0), ChunkLimits.Of(-1, 0, 0));
        Assert.Equal(8192, ChunkLimits.Of(-2, 0, 0).MaxBytes);
        Assert.Equal(65536, ChunkLimits.Of(-5, 0, 0).MaxBytes);
        Assert.Equal(65536, ChunkLimits.Of(int.MinValue, 0, 0).MaxBytes);
        Assert.Equal(1, ChunkLimits.Of(0, 0, 0).MaxCount);
        Assert.Equal(new ChunkLimits(8192, 128, 5, 3), ChunkLimits.Of(128, 3, 5));
    }

    private static void Churn(PackedDeque deque)
    {
        var limits = ChunkLimits.Of(-1, 1, 0);
        Span<byte> text = stackalloc byte[50];
        for (var i = 0; i < 10_000; i++)
        {
            text.Fill((byte)i);
            deque.PushFirst(ListpackElement.Of(text), limits);
            if (deque.Count > 2_000) deque.DropLast(1);
        }

        deque.DropFirst(deque.Count);
    }

    private static void Push(PackedDeque deque, bool fromTail, string text, ChunkLimits limits)
    {
        var element = ListpackElement.Of(Encoding.Latin1.GetBytes(text));
        if (fromTail) deque.PushLast(element, limits);
        else deque.PushFirst(element, limits);
    }

    private static string TextOf(ListpackElement element)
    {
        Span<byte> scratch = stackalloc byte[ListpackElement.MaxIntegerBytes];
        return Encoding.Latin1.GetString(element.Text(scratch));
    }

    /// <summary>Random operations on a deque and on a list of strings.</summary>
    private sealed class Run : IDisposable
    {
        private readonly MemorySource _source = new();
        private readonly Heap _heap;
        private readonly Random _random;
        private readonly List<string> _model = [];
        private PackedDeque _deque;

        public Run(int seed, ChunkLimits limits)
        {
            _heap = new Heap(_source);
            _random = new Random(seed);
            Limits = limits;
            _deque = PackedDeque.Create(_heap);
        }

        public ChunkLimits Limits { get; set; }

        public void Dispose()
        {
            _heap.Dispose();
            _source.Dispose();
        }

        public void Step(bool grows)
        {
            var kind = _random.Next(100);
            if (_model.Count == 0 || kind < (grows ? 50 : 20)) PushOne();
            else if (kind < 60) Pop();
            else if (kind < 75) Insert();
            else if (kind < 88) Set();
            else if (kind < 96) Remove();
            else if (kind < 98) Trim(grows);
            else Copy();
            Assert.Equal(_model.Count, _deque.Count);
        }

        public void Check()
        {
            _heap.CheckIntegrity();
            DequeInvariants.Check(_deque);
            Assert.Equal(_heap.AllocatedBytes, _deque.AllocatedBytes);
            Assert.Equal(_model, Walk(0, isBackwards: false));
            Assert.Equal(Enumerable.Reverse(_model), Walk(_model.Count - 1, isBackwards: true));
            var index = _random.Next(_model.Count + 1);
            Assert.Equal(_model.Skip(index), Walk(index, isBackwards: false));
            Assert.Equal(Enumerable.Reverse(_model.Take(index)), Walk(index - 1, isBackwards: true));
            if (_model.Count == 0) return;
            Assert.Equal(_model[0], TextOf(_deque.First()));
            Assert.Equal(_model[^1], TextOf(_deque.Last()));
        }

        public void Empty()
        {
            while (_model.Count > 0)
            {
                if (_random.Next(3) == 0) Remove();
                else Pop();
            }

            Assert.Equal(0, _deque.Count);
            Assert.Equal(0, _deque.ChunkCount);
            Assert.Equal(_heap.UsableSize(_deque.Header), _deque.AllocatedBytes);
            _deque.Free();
            _heap.CheckLeaks();
        }

        private void PushOne()
        {
            var text = NextText();
            var atTail = _random.Next(2) == 0;
            _model.Insert(atTail ? _model.Count : 0, text);
            Push(_deque, atTail, text, Limits);
        }

        private void Pop()
        {
            var count = Math.Min(_random.Next(10) == 0 ? _random.Next(1, 30) : 1, _model.Count);
            if (_random.Next(2) == 0)
            {
                _model.RemoveRange(0, count);
                _deque.DropFirst(count);
            }
            else
            {
                _model.RemoveRange(_model.Count - count, count);
                _deque.DropLast(count);
            }
        }

        private void Insert()
        {
            var pivot = _random.Next(8) == 0 ? "nowhere" : _model[_random.Next(_model.Count)];
            var isBehind = _random.Next(2) == 0;
            var text = NextText();
            var at = _model.IndexOf(pivot);
            if (at >= 0) _model.Insert(isBehind ? at + 1 : at, text);
            var done = DequeEdits.TryInsertBeside(
                _deque, Element(pivot), isBehind, Element(text), Limits);
            Assert.Equal(at >= 0, done);
        }

        private void Set()
        {
            var index = _random.Next(_model.Count);
            var text = NextText();
            _model[index] = text;
            DequeEdits.Set(_deque, index, Element(text), Limits);
        }

        private void Remove()
        {
            var text = _random.Next(8) == 0 ? "nowhere" : _model[_random.Next(_model.Count)];
            var max = _random.Next(3) == 0 ? long.MaxValue : _random.Next(1, 4);
            var fromTail = _random.Next(2) == 0;
            var removed = 0;
            for (var i = 0; i < _model.Count && removed < max;)
            {
                var at = fromTail ? _model.Count - 1 - i : i;
                if (_model[at] != text)
                {
                    i++;
                    continue;
                }

                _model.RemoveAt(at);
                removed++;
            }

            Assert.Equal(removed, DequeEdits.RemoveEqual(_deque, Element(text), max, fromTail, Limits));
        }

        private void Trim(bool grows)
        {
            var first = _random.Next(1 + (_model.Count / (grows ? 10 : 2)));
            var last = _random.Next(1 + ((_model.Count - first) / (grows ? 10 : 2)));
            _model.RemoveRange(0, first);
            _model.RemoveRange(_model.Count - last, last);
            _deque.DropFirst(first);
            _deque.DropLast(last);
        }

        private void Copy()
        {
            var copy = _deque.CopyTo(_heap);
            _deque.Free();
            _deque = copy;
            Assert.Equal(_heap.AllocatedBytes, _deque.AllocatedBytes);
        }

        private string NextText() => _random.Next(12) switch
        {
            < 3 => _random.Next(6).ToString(),
            < 6 => $"text {_random.Next(40)}",
            < 8 => (_random.NextInt64() >> _random.Next(60)).ToString(),
            8 => new string('x', _random.Next(300)),
            9 => new string((char)('a' + _random.Next(4)), _random.Next(30) == 0 ? _random.Next(20_000) : 50),
            10 => string.Concat(Enumerable.Range(0, _random.Next(30)).Select(_ => (char)_random.Next(256))),
            _ => "",
        };

        private List<string> Walk(long index, bool isBackwards)
        {
            var texts = new List<string>();
            using var cursor = new ListCursor(_deque, index, isBackwards);
            while (cursor.TryNext(out var element)) texts.Add(TextOf(element));
            return texts;
        }

        private static ListpackElement Element(string text) => ListpackElement.Of(Encoding.Latin1.GetBytes(text));
    }
}
