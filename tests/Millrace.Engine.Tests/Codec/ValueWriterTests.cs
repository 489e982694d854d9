using System.Text;
using Millrace.Engine.Codec;
using Millrace.Engine.Values;
using Millrace.Memory;

namespace Millrace.Engine.Tests.Codec;

public sealed class ValueWriterTests : IDisposable
{
    private readonly EngineFixture _engine = new();

    private delegate void Writing(ref ValueWriter writer);

    public void Dispose() => _engine.Dispose();

    [Theory]
    [InlineData(0, "00")]
    [InlineData(63, "3F")]
    [InlineData(64, "4040")]
    [InlineData(16383, "7FFF")]
    [InlineData(16384, "8000004000")]
    [InlineData(4294967295, "80FFFFFFFF")]
    [InlineData(4294967296, "810000000100000000")]
    [InlineData(long.MaxValue, "817FFFFFFFFFFFFFFF")]
    public void A_length_takes_as_few_bytes_as_it_can(long length, string expected) =>
        Assert.Equal(expected, Written((ref ValueWriter writer) => writer.Length(length)));

    [Theory]
    [InlineData("7", "C007")]
    [InlineData("-128", "C080")]
    [InlineData("128", "C18000")]
    [InlineData("-32768", "C10080")]
    [InlineData("32768", "C200800000")]
    [InlineData("-2147483648", "C200000080")]
    [InlineData("2147483648", "0A32313437343833363438")]
    [InlineData("-0", "022D30")]
    [InlineData("007", "03303037")]
    [InlineData("", "00")]
    public void The_text_of_an_integer_of_32_bits_is_an_integer(string text, string expected) =>
        Assert.Equal(expected, Written((ref ValueWriter writer) => writer.Text(Encoding.ASCII.GetBytes(text))));

    [Theory]
    [InlineData(20, false)]
    [InlineData(21, true)]
    [InlineData(1000, true)]
    [InlineData(5000, true)]
    public void Texts_of_more_than_20_bytes_are_compressed_where_that_helps(int length, bool isCompressed)
    {
        var text = new byte[length];
        var written = Convert.FromHexString(Written((ref ValueWriter writer) => writer.Text(text)));
        Assert.Equal(isCompressed, written[0] == 0xC3);
        new Random(1).NextBytes(text);
        written = Convert.FromHexString(Written((ref ValueWriter writer) => writer.Text(text)));
        Assert.NotEqual(0xC3, written[0]);
        Assert.Equal(text, written[^length..]);
    }

    [Fact]
    public void Nothing_depends_on_how_long_segments_are()
    {
        Writing all = (ref ValueWriter writer) =>
        {
            writer.Type(RdbType.SortedSet);
            for (var i = 0; i < 100; i++) writer.Length(1L << (i % 40));
            writer.Bytes(new byte[1000]);
            writer.Int64(0x0102030405060708);
            writer.Double(1.5);
            writer.Integer(long.MinValue);
            writer.Text(Encoding.ASCII.GetBytes(string.Concat(Enumerable.Range(0, 500))));
            writer.CompressedText([1, 2, 3], 100);
        };
        var whole = Written(all);
        for (var bytes = ValueSink.MinRoomBytes; bytes < 200; bytes += 7) Assert.Equal(whole, Written(all, bytes));
        Assert.Equal(0, _engine.Heap.BlockCount);
    }

    [Fact]
    public void An_encoded_value_grows_from_a_block_to_a_blob_and_gives_both_back()
    {
        _engine.Begin(1);
        foreach (var length in (int[])[10, 300, 5_000, 40_000, 300_000])
        {
            var bytes = new byte[length];
            new Random(length).NextBytes(bytes);
            var encoded = _engine.Unit.Encoded;
            encoded.Begin(_engine.Heap, expectedBytes: 1);
            var writer = new ValueWriter(encoded, _engine.Heap, RdbFormat.Usual);
            writer.Bytes(bytes);
            writer.End();
            Assert.Equal(bytes, encoded.Bytes);
            encoded.Seal(11);
            Assert.True(DumpFooter.TryOpen(encoded.Bytes, verifies: true, out var value));
            Assert.Equal(bytes, value);
            Assert.Equal(length > 20_000, encoded.IsBlob);
            encoded.Clear();
            Assert.Equal(0, _engine.Heap.BlockCount);
        }

        _engine.CheckNoBlobs();
    }

    [Fact]
    public void A_large_set_is_encoded_without_managed_memory()
    {
        _engine.Begin(1);
        var key = _engine.Key("set");
        var set = new SetWriter(_engine.Unit, key, default);
        set.Expect(ListpackElement.Of("m"u8), 100_000);
        for (var i = 0; i < 100_000; i++) set.Add(ListpackElement.Of(Encoding.ASCII.GetBytes("member" + i)));
        var entry = _engine.Unit.Find(key, Access.Peek);
        var encoded = _engine.Unit.Encoded;
        var allocated = 0L;
        for (var round = 0; round < 3; round++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            encoded.Begin(_engine.Heap, ValueCodec.ExpectedBytes(entry));
            var writer = new ValueWriter(encoded, _engine.Heap, RdbFormat.Usual);
            ValueCodec.Write(ref writer, entry, RdbType.Set, 1);
            writer.End();
            allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.InRange(encoded.Length, 1_000_000, 2_000_000);
            encoded.Clear();
        }

        Assert.Equal(0, allocated);
    }

    private string Written(Writing write, int segmentBytes = 1 << 16)
    {
        var sink = new SegmentSink(segmentBytes);
        var writer = new ValueWriter(sink, _engine.Heap, RdbFormat.Usual);
        write(ref writer);
        writer.End();
        return Convert.ToHexString(sink.Bytes);
    }
}
