namespace Millrace.Memory.Tests;

/// <summary>What a source says of the room that is left in its region.</summary>
public class MemoryRoomTests
{
    private const long RegionBytes = 64 << 20;
    private const long ReserveBytes = RegionBytes / 16;
    private const int PagesPerMegabyte = (1 << 20) / MemorySource.PageBytes;

    [Fact]
    public void Room_is_what_is_left_without_the_reserve()
    {
        using var source = new MemorySource(RegionBytes);
        Assert.True(source.HasPlentyFor(2));
        Assert.True(source.HasRoomFor(RegionBytes - ReserveBytes - MemorySource.ChunkBytes));
        Assert.False(source.HasRoomFor(RegionBytes - ReserveBytes + 1));
        Assert.Equal(RegionBytes - ReserveBytes, source.RoomBytes);
        var owner = source.Enter();
        var first = source.TakeBlob(30 * PagesPerMegabyte, owner);
        Assert.False(source.HasPlentyFor(2));
        Assert.Equal((34 << 20) - ReserveBytes, source.RoomBytes);
        Assert.True(source.HasRoomFor(20 << 20));
        Assert.False(source.HasRoomFor(31 << 20));
        source.Return(first);
        source.Leave();
    }

    [Fact]
    public void Room_for_one_piece_is_room_in_one_piece()
    {
        using var source = new MemorySource(RegionBytes);
        var owner = source.Enter();
        var blobs = Enumerable.Range(0, 58).Select(_ => source.TakeBlob(PagesPerMegabyte, owner)).ToArray();
        Assert.False(source.HasRoomFor(8 << 20));
        for (var i = 0; i < blobs.Length; i += 2) source.Return(blobs[i]);
        Assert.InRange(source.RoomBytes, 20 << 20, 40 << 20);
        Assert.True(source.HasRoomFor(1 << 20));
        Assert.False(source.HasRoomFor(8 << 20));
        for (var i = 1; i < blobs.Length; i += 2) source.Return(blobs[i]);
        Eventually.Settles(source);
        Assert.True(source.HasRoomFor(8 << 20));
        source.CheckInvariants();
        source.Leave();
    }

    [Fact]
    public void Scarcity_is_told_when_it_begins_and_when_it_ends()
    {
        using var source = new MemorySource(RegionBytes);
        var told = new List<bool>();
        source.TellScarcity(() => told.Add(source.IsScarce));
        var owner = source.Enter();
        var blobs = new List<int>();
        while (!source.IsScarce) blobs.Add(source.TakeBlob(PagesPerMegabyte, owner));
        Assert.InRange(RegionBytes - source.UsedBytes, ReserveBytes, 2 * ReserveBytes);
        Assert.Equal([true], told);
        blobs.Add(source.TakeBlob(PagesPerMegabyte, owner)); // who does not ask still gets
        foreach (var blob in blobs) source.Return(blob);
        Assert.Equal([true, false], told);
        Assert.False(source.IsScarce);
        source.Leave();
    }
}
