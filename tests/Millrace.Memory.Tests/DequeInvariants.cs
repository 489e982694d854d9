namespace Millrace.Memory.Tests;

/// <summary>What must be true of the structure of a deque at any time.</summary>
internal static class DequeInvariants
{
    public static void Check(PackedDeque deque)
    {
        ref var head = ref deque.Head;
        if (head.Tail.IsNone) Assert.Equal(0, head.InnerChunks);
        if (head.Head.IsNone) Assert.True(head.Tail.IsNone);
        Assert.NotEqual(ChunkKind.Compressed, head.Head.Kind);
        Assert.NotEqual(ChunkKind.Compressed, head.Tail.Kind);
        var elements = 0L;
        var chunks = 0L;
        for (var at = head.Head.IsNone ? ChunkAt.None : ChunkAt.Head; !at.IsNone; at = deque.Next(at))
        {
            var chunk = deque.Chunk(at);
            Assert.True(chunk.Count > 0);
            if (chunk.IsPacked)
            {
                var listpack = deque.Chunks.Content(chunk);
                Assert.True(Listpack.IsValid(listpack, deep: true));
                Assert.Equal(chunk.Count, Listpack.Count(listpack));
            }

            elements += chunk.Count;
            chunks++;
            Assert.True(chunks <= deque.ChunkCount);
        }

        Assert.Equal(deque.Count, elements);
        Assert.Equal(deque.ChunkCount, chunks);
        CheckGroups(deque);
    }

    private static void CheckGroups(PackedDeque deque)
    {
        var directory = new DequeDirectory(deque.Heap, ref deque.Head);
        var inner = 0;
        for (var group = 0; group < directory.GroupCount; group++)
        {
            ref var one = ref directory.Group(group);
            Assert.InRange(one.Count, 1, one.Capacity);
            Assert.True(one.Start + one.Count <= one.Capacity);
            var elements = 0L;
            for (var slot = 0; slot < one.Count; slot++) elements += directory.Chunk(group, slot).Count;
            Assert.Equal(elements, one.Elements);
            inner += one.Count;
        }

        Assert.Equal(deque.Head.InnerChunks, inner);
    }
}
