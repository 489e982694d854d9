using Millrace.Engine.Values;

namespace Millrace.Engine.Tests;

public class LargeStringTests
{
    private const int Size = 100_000;

    [Fact]
    public void A_staged_argument_is_taken_and_what_is_not_taken_is_released()
    {
        using var fixture = new EngineFixture();
        var used = fixture.Keyspace.UsedBytes;
        var input = new byte[3 * Size];
        input.AsSpan(Size, Size).Fill(1);
        input.AsSpan(2 * Size, Size).Fill(2);
        var unit = fixture.Unit;
        unit.Staged.Add(input, Size, Size);
        unit.Staged.Add(input, 2 * Size, Size);
        Assert.Equal(used, fixture.Keyspace.UsedBytes);
        fixture.Begin(1);
        var key = fixture.Key("k");
        var entry = StringValue.SetBytes(unit, key, default, input.AsSpan(2 * Size, Size), -1);
        input.AsSpan().Clear(); // the bytes were copied when they were staged
        Assert.Equal(-1, StringValue.Read(entry, default).IndexOfAnyExcept((byte)2));
        unit.End();
        fixture.Begin(1);
        unit.Remove(key, unit.Find(key, Access.Write));
        unit.End();
        fixture.Heap.CheckIntegrity();
        fixture.CheckNoBlobs();
    }

    [Fact]
    public void Equal_bytes_elsewhere_are_not_the_staged_argument()
    {
        using var fixture = new EngineFixture();
        var input = new byte[Size];
        fixture.Unit.Staged.Add(input, 0, Size);
        fixture.Begin(1);
        var key = fixture.Key("k");
        StringValue.SetBytes(fixture.Unit, key, default, new byte[Size], -1);
        StringValue.SetBytes(fixture.Unit, fixture.Key("l"), default, input.AsSpan(0, Size - 1), -1);
        fixture.Unit.End();
        fixture.Begin(1);
        fixture.Unit.Remove(key, fixture.Unit.Find(key, Access.Write));
        fixture.Unit.Remove(fixture.Key("l"), fixture.Unit.Find(fixture.Key("l"), Access.Write));
        fixture.Unit.End();
        fixture.CheckNoBlobs();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(Size)]
    [InlineData(40 * Size)]
    public void What_is_retained_stays_as_it_was_when_the_string_is_written(int offset)
    {
        using var fixture = new EngineFixture();
        var unit = fixture.Unit;
        var key = fixture.Key("k");
        fixture.Begin(1);
        var entry = StringValue.SetBytes(unit, key, default, Filled(1), -1);
        StringValue.Retain(unit, entry);
        StringValue.WriteAt(unit, key, entry, offset, Filled(2));
        unit.End();
        Assert.True(unit.Retained[0].SequenceEqual(Filled(1)));
        fixture.Begin(1);
        entry = unit.Find(key, Access.Read);
        Assert.True(StringValue.Read(entry, default).Slice(offset, Size).SequenceEqual(Filled(2)));
        unit.Remove(key, entry);
        unit.End();
        Assert.True(unit.Retained[0].SequenceEqual(Filled(1)));
        unit.Retained.Clear();
        fixture.CheckNoBlobs();
    }

    [Fact]
    public void Moving_to_another_partition_takes_the_blob_along_and_copying_does_not()
    {
        using var fixture = new EngineFixture(partitions: 64);
        var unit = fixture.Unit;
        var from = fixture.Key("a");
        var to = fixture.Key("b");
        Assert.NotEqual(fixture.Keyspace.PartitionOf(from.Hash), fixture.Keyspace.PartitionOf(to.Hash));
        fixture.Begin(1);
        StringValue.SetBytes(unit, from, default, Filled(5), -1);
        var value = unit.Find(from, Access.Peek).Value.ToArray();
        var used = fixture.Keyspace.UsedBytes;
        var moved = unit.Move(from, unit.Find(from, Access.Peek), to);
        Assert.Equal(value, moved.Value.ToArray());
        Assert.True(unit.PartitionFor(to).Heap.AllocatedBytes > Size, "it is counted where it is");
        Assert.InRange(unit.PartitionFor(from).Heap.AllocatedBytes, 0, Size / 2);
        Assert.InRange(fixture.Keyspace.UsedBytes, used, used + 1_000); // the table of the other partition
        var copy = unit.Copy(to, moved, from);
        Assert.NotEqual(value, copy.Value.ToArray());
        Assert.True(StringValue.Read(copy, default).SequenceEqual(Filled(5)));
        unit.Remove(to, unit.Find(to, Access.Peek));
        Assert.True(StringValue.Read(copy, default).SequenceEqual(Filled(5)));
        unit.Remove(from, unit.Find(from, Access.Peek));
        unit.End();
        fixture.CheckNoBlobs();
    }

    private static byte[] Filled(byte with)
    {
        var bytes = new byte[Size];
        bytes.AsSpan().Fill(with);
        return bytes;
    }
}
