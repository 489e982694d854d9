using System.Text;
using Millrace.Engine.Codec;

namespace Millrace.Engine.Tests.Codec;

public sealed class ValueReaderTests : IDisposable
{
    private readonly EngineFixture _engine = new();

    public void Dispose()
    {
        Assert.Equal(0, _engine.Heap.BlockCount);
        _engine.Dispose();
    }

    [Theory]
    [InlineData("3F", 63UL)]
    [InlineData("7FFF", 16383UL)]
    [InlineData("4000", 0UL)]
    [InlineData("80FFFFFFFF", 4294967295UL)]
    [InlineData("81FFFFFFFFFFFFFFFF", ulong.MaxValue)]
    public void A_length_is_read_from_whole_bytes_and_from_pieces(string hex, ulong expected)
    {
        var bytes = Convert.FromHexString(hex);
        for (var piece = 1; piece <= bytes.Length; piece++)
        {
            var reader = new ValueReader(new SegmentSource(bytes, piece), _engine.Heap);
            Assert.True(reader.TryLength(out var length));
            Assert.Equal(expected, length);
            Assert.Equal(0, reader.Left);
            Assert.False(reader.TryByte(out _));
        }

        for (var cut = 0; cut < bytes.Length; cut++)
        {
            var reader = new ValueReader(bytes.AsSpan(0, cut), _engine.Heap);
            Assert.False(reader.TryLength(out _));
        }
    }

    [Theory]
    [InlineData("82")]
    [InlineData("BF")]
    [InlineData("C0")]
    [InlineData("C3")]
    public void What_is_no_length_is_refused(string hex)
    {
        var reader = new ValueReader(Convert.FromHexString(hex + "0000000000000000"), _engine.Heap);
        Assert.False(reader.TryLength(out _));
    }

    [Theory]
    [InlineData("0000", 1, false)]
    [InlineData("0100", 1, true)]
    [InlineData("0200", 1, false)]
    [InlineData("0100", 2, false)]
    [InlineData("810000010000000000FF", 1, false)]
    public void A_count_is_no_more_than_what_can_come(string hex, int leastBytes, bool isRight)
    {
        var reader = new ValueReader(Convert.FromHexString(hex), _engine.Heap);
        Assert.Equal(isRight, reader.TryCount(leastBytes, out _));
    }

    [Theory]
    [InlineData("0568656C6C6F", "hello")]
    [InlineData("00", "")]
    [InlineData("C080", "-128")]
    [InlineData("C10080", "-32768")]
    [InlineData("C2FFFFFF7F", "2147483647")]
    [InlineData("C3050A0061E00000", "aaaaaaaaaa")]
    [InlineData("C3020161", null)] // ends early
    [InlineData("C3050B0061E00000", null)] // makes 10 bytes, claims 11
    [InlineData("C30205000A61", null)]
    [InlineData("C4", null)]
    [InlineData("FF", null)]
    [InlineData("0661", null)]
    [InlineData("80FFFFFFFF61", null)]
    public void A_text_is_the_same_in_one_piece_and_in_many(string hex, string? expected)
    {
        var bytes = Convert.FromHexString(hex);
        Check(new ValueReader(bytes, _engine.Heap), expected);
        for (var piece = 1; piece <= bytes.Length; piece++)
            Check(new ValueReader(new SegmentSource(bytes, piece), _engine.Heap), expected);
    }

    [Fact]
    public void A_length_that_nothing_stands_behind_takes_no_memory()
    {
        foreach (var hex in (string[])["8100000100000000000061", "C30280FFFFFFFF0061", "C381000001000000000001"])
        {
            var reader = new ValueReader(Convert.FromHexString(hex), _engine.Heap);
            Assert.False(reader.TryText(out _));
        }

        Assert.Equal(0, _engine.Heap.AllocatedBytes);
    }

    [Fact]
    public void A_view_outlives_what_is_read_behind_it()
    {
        byte[] bytes = [5, .. "hello"u8, 5, .. "world"u8, 1, 2, 3, 4, 5, 6, 7, 8];
        var reader = new ValueReader(new SegmentSource(bytes, 4), _engine.Heap);
        var first = default(TextRoom);
        var second = default(TextRoom);
        Assert.True(reader.TryReadText(ref first, out var one));
        Assert.True(reader.TryReadText(ref second, out var two));
        Assert.True(reader.TryInt64(out var number));
        Assert.Equal("hello", Encoding.ASCII.GetString(one));
        Assert.Equal("world", Encoding.ASCII.GetString(two));
        Assert.Equal(0x0807060504030201, number);
        first.Dispose();
        second.Dispose();
    }

    private static void Check(ValueReader reader, string? expected)
    {
        var room = default(TextRoom);
        var isRead = reader.TryReadText(ref room, out var text);
        Assert.Equal(expected is not null, isRead);
        if (isRead) Assert.Equal(expected, Encoding.ASCII.GetString(text));
        room.Dispose();
    }
}
