using Millrace.Memory;

namespace Millrace.Engine.Tests;

public class EntryTests
{
    private static readonly int[] KeyLengths = [0, 1, 7, 254, 255, 256, 70_000];
    private static readonly int[] ValueLengths = [0, 1, 8, 200, 65_534, 65_535, 65_536, 100_000];
    private static readonly long[] Deadlines = [-1, 0, 1_700_000_000_000, long.MaxValue];

    [Fact]
    public void An_entry_tells_what_it_was_made_of()
    {
        using var source = new MemorySource();
        using var heap = new Heap(source);
        var random = new Random(1);
        foreach (var keyLength in KeyLengths)
        foreach (var valueLength in ValueLengths)
        foreach (var deadline in Deadlines)
        {
            var key = Bytes(random, keyLength);
            var value = Bytes(random, valueLength);
            var clock = (uint)random.Next(1 << 24);
            var entry = Entry.Create(heap, key, new EntryShape(ValueType.Hash, 9, valueLength, deadline, clock));
            value.CopyTo(entry.Value);
            Expect(new Entry(heap, entry.Block), key, value, deadline, clock);
            Assert.Equal((ValueType.Hash, 9), (entry.Type, entry.Encoding));
            entry = entry.WithAccessClock(clock ^ 0xFFFFFF);
            Expect(new Entry(heap, entry.Block), key, value, deadline, clock ^ 0xFFFFFF);
            Assert.Equal((ValueType.Hash, 9), (entry.Type, entry.Encoding));
            heap.Free(entry.Block);
        }

        Assert.Equal(0, heap.AllocatedBytes);
    }

    [Fact]
    public void A_reshaped_entry_keeps_its_key_and_what_it_was_told_to_keep()
    {
        var seed = Environment.TickCount;
        using var source = new MemorySource();
        using var heap = new Heap(source);
        var random = new Random(seed);
        for (var round = 0; round < 40; round++)
        {
            var key = Bytes(random, KeyLengths[random.Next(KeyLengths.Length)]);
            var value = Bytes(random, ValueLengths[random.Next(ValueLengths.Length)]);
            var entry = Entry.Create(heap, key, new EntryShape(ValueType.String, 2, value.Length, -1, 5));
            value.CopyTo(entry.Value);
            for (var step = 0; step < 20; step++)
            {
                var length = ValueLengths[random.Next(ValueLengths.Length)];
                var kept = random.Next(Math.Min(length, value.Length) + 1);
                var deadline = Deadlines[random.Next(Deadlines.Length)];
                entry = Entry.Reshape(heap, entry, new EntryShape(ValueType.String, 2, length, deadline, 6), kept);
                var next = Bytes(random, length);
                value.AsSpan(0, kept).CopyTo(next);
                next.AsSpan(kept).CopyTo(entry.Value[kept..]);
                value = next;
                Expect(new Entry(heap, entry.Block), key, value, deadline, 6);
            }

            heap.Free(entry.Block);
        }

        Assert.True(heap.AllocatedBytes == 0, $"seed {seed}");
    }

    private static void Expect(Entry entry, byte[] key, byte[] value, long deadline, uint clock)
    {
        Assert.True(entry.Key.SequenceEqual(key));
        Assert.True(entry.Value.SequenceEqual(value));
        Assert.Equal((key.Length, value.Length), (entry.KeyLength, entry.ValueLength));
        Assert.Equal((deadline, deadline >= 0, clock), (entry.DeadlineMs, entry.HasDeadline, entry.AccessClock));
    }

    private static byte[] Bytes(Random random, int length)
    {
        var bytes = new byte[length];
        random.NextBytes(bytes);
        return bytes;
    }
}
