using System.Globalization;
using System.Text;
using Xunit.Abstractions;

namespace Millrace.Memory.Tests;

public class ChunkWalkTests(ITestOutputHelper output)
{
    private readonly ITestOutputHelper _output = output;

    [Fact]
    public void A_deque_without_elements_has_no_chunks()
    {
        using var source = new MemorySource();
        using var heap = new Heap(source);
        var deque = PackedDeque.Create(heap);
        var walk = deque.WalkChunks();
        Assert.False(walk.TryNext(out _));
        Assert.False(walk.TryNext(out _));
        deque.Free();
        heap.CheckLeaks();
    }

    [Fact]
    public void Chunks_that_are_appended_are_walked_in_their_order_compressed_or_not() =>
        Seeds.ForEach(_output, seed =>
        {
            var random = new Random(seed);
            using var source = new MemorySource();
            using var heap = new Heap(source);
            var limits = ChunkLimits.Of(-2, random.Next(3), 0);
            var deque = PackedDeque.Create(heap);
            var expected = new List<string>();
            var chunks = random.Next(1, 200);
            for (var i = 0; i < chunks; i++)
            {
                var texts = Enumerable.Range(0, random.Next(1, 60))
                    .Select(_ => random.Next(50).ToString(CultureInfo.InvariantCulture)).ToArray();
                expected.AddRange(texts);
                deque.AppendListpack(Listpacked(texts, isCountKnown: random.Next(2) == 0), limits);
                DequeInvariants.Check(deque);
            }

            Assert.Equal(chunks, deque.ChunkCount);
            Assert.Equal(expected, Walked(deque));
            deque.PushLast(ListpackElement.Of("behind"u8), limits);
            deque.PushFirst(ListpackElement.Of("in front"u8), limits);
            DequeInvariants.Check(deque);
            Assert.Equal(["in front", .. expected, "behind"], Walked(deque));
            deque.Free();
            heap.CheckLeaks();
        });

    private static List<string> Walked(PackedDeque deque)
    {
        var texts = new List<string>();
        var walk = deque.WalkChunks();
        while (walk.TryNext(out var chunk))
        {
            var bytes = chunk.Bytes.ToArray();
            if (chunk.IsCompressed)
            {
                bytes = new byte[chunk.RawBytes];
                Assert.True(Lzf.TryDecompress(chunk.Bytes, bytes));
            }

            Assert.True(Listpack.IsValid(bytes, deep: true));
            var scratch = new byte[ListpackElement.MaxIntegerBytes];
            for (var at = Listpack.First(bytes); at >= 0;)
                texts.Add(Encoding.ASCII.GetString(Listpack.Take(bytes, ref at).Text(scratch)));
        }

        return texts;
    }

    private static byte[] Listpacked(string[] texts, bool isCountKnown)
    {
        var room = new byte[64 * 1024];
        var builder = ListpackBuilder.Begin(room);
        foreach (var text in texts) builder.Append(Encoding.ASCII.GetBytes(text));
        var total = builder.Finish();
        if (!isCountKnown) (room[4], room[5]) = (0xff, 0xff);
        return room[..total];
    }
}
