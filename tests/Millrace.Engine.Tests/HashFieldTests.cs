using Millrace.Engine.Values;
using Millrace.Memory;

namespace Millrace.Engine.Tests;

public sealed class HashFieldTests : IDisposable
{
    private readonly MemorySource _source = new();
    private readonly Heap _heap;

    public HashFieldTests() => _heap = new Heap(_source);

    public void Dispose()
    {
        _heap.Dispose();
        _source.Dispose();
    }

    // The lengths at which the prefix changes its form, with and without a deadline.
    [Theory]
    [InlineData(0, 0, 2)]
    [InlineData(16, 16, 34)]
    [InlineData(63, 255, 320)]
    [InlineData(64, 0, 73)]
    [InlineData(0, 256, 265)]
    [InlineData(70_000, 300, 70_309)]
    public void A_field_is_read_as_it_was_written(int nameLength, int valueLength, int size)
    {
        var name = Bytes(nameLength, 1);
        var value = Bytes(valueLength, 2);
        foreach (var deadline in (long[])[-1, 0, 1, 1_700_000_000_000, long.MaxValue])
        {
            var hasDeadline = deadline >= 0;
            Assert.Equal(size + (hasDeadline ? 8 : 0), HashField.SizeOf(nameLength, valueLength, hasDeadline));
            var block = _heap.Allocate(HashField.SizeOf(nameLength, valueLength, hasDeadline));
            HashField.Write(_heap, block, name, value, deadline);
            var field = new HashField(_heap, block);
            Assert.Equal(name, field.Name.ToArray());
            Assert.Equal(value, field.Value.ToArray());
            Assert.Equal(deadline, field.DeadlineMs);
            Assert.Equal(hasDeadline, field.IsDue(long.MaxValue) || deadline == long.MaxValue);
            Assert.False(field.IsDue(Math.Max(deadline, 0)));
            _heap.Free(block);
        }

        _heap.CheckLeaks();
    }

    [Fact]
    public void Fields_of_a_table_are_found_due_in_order_and_freed_in_slices()
    {
        var hasher = new KeyHasher(5);
        var fields = HashFields.Create(_heap, hasher, hasIndex: true);
        for (var i = 0; i < 1000; i++)
        {
            var name = Bytes(8, i);
            fields.Add(hasher.Hash(name), name, Bytes(i % 300, i), i % 2 == 0 ? 1000 - i : -1);
        }

        Assert.Equal(1000, fields.Count);
        Assert.Equal(2, fields.EarliestMs);
        Assert.Equal(49, fields.CountDue(100));
        Assert.False(fields.IsAllDue(long.MaxValue));
        var before = 0L;
        var removed = 0;
        while (fields.TryFirstDue(501, out var hash, out var field))
        {
            Assert.True(field.DeadlineMs > before);
            before = field.DeadlineMs;
            fields.Remove(hash, field);
            removed++;
        }

        Assert.Equal(250, removed);
        Assert.Equal(750, fields.Count);
        var copy = fields.CopyTo(_heap, hasher);
        Assert.Equal(fields.Count, copy.Count);
        Assert.InRange(copy.SizeBytes(0), fields.SizeBytes(0) / 2, fields.SizeBytes(0));
        Assert.Equal(fields.EarliestMs, copy.EarliestMs);
        Free(fields);
        Free(copy);
        _heap.CheckLeaks();
        Assert.Equal(0, _heap.AllocatedBytes);
    }

    private static void Free(HashFields fields)
    {
        var slices = 1;
        while (!fields.FreeSome(16)) slices++;
        Assert.InRange(slices, 20, 750);
    }

    private static byte[] Bytes(int length, int seed)
    {
        var bytes = new byte[length];
        for (var i = 0; i < length; i++) bytes[i] = (byte)(seed >> (8 * (i % 4)));
        return bytes;
    }
}
