// Tests of the reply writer: the form of each type in both protocols, segments, deferred aggregates, muting.

using System.Text;

namespace Millrace.Resp.Tests;

public sealed class ReplyWriterTests
{
    [Fact]
    public void Each_type_has_its_RESP2_form()
    {
        Assert.Equal("+OK\r\n", Write(2, w => w.Ok()));
        Assert.Equal("+PONG\r\n", Write(2, w => w.Simple("PONG"u8)));
        Assert.Equal("-ERR a  b\r\n", Write(2, w => w.Error("ERR a\r\nb"u8)));
        Assert.Equal(":-42\r\n", Write(2, w => w.Integer(-42)));
        Assert.Equal(":-9223372036854775808\r\n", Write(2, w => w.Integer(long.MinValue)));
        Assert.Equal("$0\r\n\r\n", Write(2, w => w.Bulk([])));
        Assert.Equal("$12\r\nhello\r\nworld\r\n", Write(2, w => w.Bulk("hello\r\nworld"u8)));
        Assert.Equal("$3\r\n-10\r\n", Write(2, w => w.BulkInteger(-10)));
        Assert.Equal("$-1\r\n", Write(2, w => w.Null()));
        Assert.Equal("*-1\r\n", Write(2, w => w.NullArray()));
        Assert.Equal("$5\r\n3.141\r\n", Write(2, w => w.Double(3.141)));
        Assert.Equal("$4\r\n-inf\r\n", Write(2, w => w.Double(double.NegativeInfinity)));
        Assert.Equal(":1\r\n:0\r\n", Write(2, w => { w.Bool(value: true); w.Bool(value: false); }));
        Assert.Equal("$4\r\n1234\r\n", Write(2, w => w.BigNumber("1234"u8)));
        Assert.Equal("$4\r\ntext\r\n", Write(2, w => w.Verbatim("txt"u8, "text"u8)));
        Assert.Equal("*2\r\n*12\r\n*4\r\n*3\r\n*1\r\n", Write(2, w =>
        {
            w.Array(2);
            w.Array(12);
            w.Map(2);
            w.Set(3);
            w.Push(1);
            w.Attribute(1);
        }));
    }

    [Fact]
    public void The_beginning_of_the_last_error_is_kept()
    {
        var writer = new ReplyWriter { Muted = true };
        string[] texts = ["ERR no such key", "NOCODE", "", new string('x', 100), "ERR " + new string('x', 100)];
        foreach (string text in texts)
        {
            writer.Error(Encoding.ASCII.GetBytes(text));
            string kept = text[..Math.Min(text.Length, 64)];
            Assert.Equal(kept, Encoding.ASCII.GetString(writer.LastErrorText));
            Assert.Equal(kept.Split(' ')[0], Encoding.ASCII.GetString(writer.LastErrorCode));
        }

        Assert.Equal(texts.Length, writer.ErrorCount);
    }

    [Fact]
    public void Each_type_has_its_RESP3_form()
    {
        Assert.Equal("_\r\n_\r\n", Write(3, w => { w.Null(); w.NullArray(); }));
        Assert.Equal(",3.141\r\n,inf\r\n,nan\r\n", Write(3, w =>
        {
            w.Double(3.141);
            w.Double(double.PositiveInfinity);
            w.Double(double.NaN);
        }));
        Assert.Equal(",0.3\r\n", Write(3, w => w.DoubleText("0.3"u8)));
        Assert.Equal("#t\r\n#f\r\n", Write(3, w => { w.Bool(value: true); w.Bool(value: false); }));
        Assert.Equal("(1234567999999999999999999999999999999\r\n",
            Write(3, w => w.BigNumber("1234567999999999999999999999999999999"u8)));
        Assert.Equal("=29\r\ntxt:This is a verbatim\nstring\r\n",
            Write(3, w => w.Verbatim("txt"u8, "This is a verbatim\nstring"u8)));
        Assert.Equal("*0\r\n%2\r\n~3\r\n>1\r\n|10\r\n", Write(3, w =>
        {
            w.Array(0);
            w.Map(2);
            w.Set(3);
            w.Push(1);
            w.Attribute(10);
        }));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public void Deferred_aggregates_nest(int protocol)
    {
        string written = Write(protocol, w =>
        {
            w.Ok();
            int outer = w.BeginDeferred();
            w.Integer(1);
            int inner = w.BeginDeferred();
            for (int i = 0; i < 12; i++) w.BulkInteger(i);
            w.EndDeferredSet(inner, 12);
            int map = w.BeginDeferred();
            w.EndDeferredMap(map, 0);
            int forgotten = w.BeginDeferred();
            w.Integer(99);
            w.CancelDeferred(forgotten);
            int push = w.BeginDeferred();
            w.Integer(5);
            w.EndDeferredPush(push, 1);
            w.EndDeferredArray(outer, 4);
            w.Ok();
        });
        string items = string.Concat(Enumerable.Range(0, 12).Select(i => i < 10 ? $"$1\r\n{i}\r\n" : $"$2\r\n{i}\r\n"));
        Assert.Equal(
            protocol == 2
                ? $"+OK\r\n*4\r\n:1\r\n*12\r\n{items}*0\r\n*1\r\n:5\r\n+OK\r\n"
                : $"+OK\r\n*4\r\n:1\r\n~12\r\n{items}%0\r\n>1\r\n:5\r\n+OK\r\n",
            written);
    }

    [Fact]
    public void An_outermost_deferred_reply_can_be_cancelled_for_an_error()
    {
        Assert.Equal("-ERR x\r\n", Write(2, w =>
        {
            int mark = w.BeginDeferred();
            w.Bulk(new byte[10000]);
            w.CancelDeferred(mark);
            w.Error("ERR x"u8);
        }));
    }

    [Fact]
    public void Muted_replies_are_dropped()
    {
        Assert.Equal("+OK\r\n:1\r\n", Write(3, w =>
        {
            w.Ok();
            w.Muted = true;
            w.Ok();
            w.Simple("a"u8);
            w.Error("ERR"u8);
            w.Integer(1);
            w.Bulk(new byte[100000]);
            w.BulkInteger(1);
            w.Null();
            w.Double(1);
            w.Verbatim("txt"u8, "a"u8);
            w.Map(1);
            int outer = w.BeginDeferred();
            int inner = w.BeginDeferred();
            w.Integer(1);
            w.EndDeferredArray(inner, 1);
            w.EndDeferredArray(outer, 1);
            w.Muted = false;
            w.Integer(1);
        }));
    }

    [Fact]
    public void Random_replies_are_the_same_however_small_the_segments_are()
    {
        for (int round = 0; round < 200; round++)
        {
            int roundSeed = Seeds.Of(round);
            string expected = Write(3, w => WriteRandom(new Random(roundSeed), w, 0), segmentBytes: 1 << 20);
            string actual = Write(3, w => WriteRandom(new Random(roundSeed), w, 0), segmentBytes: 1 + (round % 40));
            Assert.True(string.Equals(expected, actual, StringComparison.Ordinal), $"seed {roundSeed}");
        }
    }

    [Fact]
    public void A_warm_writer_allocates_nothing()
    {
        FixedSource source = new();
        byte[] segment = new byte[64 * 1024];
        ReplyWriter writer = new();
        byte[] value = new byte[100];
        long allocated = 0;
        for (int i = 0; i < 20; i++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            writer.Attach(source, segment, 0, 3);
            for (int k = 0; k < 100; k++)
            {
                writer.Ok();
                writer.Bulk(value);
                writer.Integer(123456);
                writer.Null();
                int mark = writer.BeginDeferred();
                writer.Bulk(value);
                writer.EndDeferredArray(mark, 1);
            }

            writer.Detach();
            allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        }

        Assert.Equal(0, allocated);
    }

    private static void WriteRandom(Random random, ReplyWriter writer, int depth)
    {
        int count = random.Next(20);
        for (int i = 0; i < count; i++)
        {
            switch (random.Next(depth < 4 ? 9 : 7))
            {
                case 0: writer.Ok(); break;
                case 1: writer.Integer(random.NextInt64()); break;
                case 2: writer.Bulk(new byte[random.Next(100)]); break;
                case 3: writer.Error("ERR some\ntext"u8); break;
                case 4: writer.Double(random.NextDouble()); break;
                case 5: writer.Verbatim("txt"u8, new byte[random.Next(50)]); break;
                case 6: writer.Null(); break;
                default:
                    int mark = writer.BeginDeferred();
                    WriteRandom(random, writer, depth + 1);
                    writer.EndDeferredArray(mark, random.Next(30));
                    break;
            }
        }
    }

    private static string Write(int protocol, Action<ReplyWriter> write, int segmentBytes = 64)
    {
        CollectingSource source = new(segmentBytes);
        ReplyWriter writer = new();
        writer.Attach(source, source.First(out int start), start, protocol);
        write(writer);
        long written = writer.Written;
        source.Take(writer.Detach());
        Assert.Equal(written, source.Text.Length);
        return source.Text.ToString();
    }

    /// <summary>Segments that begin anywhere, so that a confusion of index and count shows.</summary>
    [Theory]
    [InlineData(16)]
    [InlineData(64)]
    [InlineData(4_096)]
    public void Late_bulk_strings_are_filled_in_order_wherever_segments_end(int segmentBytes)
    {
        var source = new KeepingSource(segmentBytes);
        var writer = new ReplyWriter();
        writer.Attach(source, source.First, 0, 2);
        writer.Array(3);
        Assert.True(writer.TryBeginLate(100));
        writer.Integer(7);
        Assert.True(writer.TryBeginLate(33));
        var written = writer.Written;
        writer.FillLate(Encoding.ASCII.GetBytes(new string('a', 100)));
        writer.FillLate(Encoding.ASCII.GetBytes(new string('b', 33)));
        Assert.Equal(written, writer.Written);
        Assert.True(writer.TryBeginLate(1));
        writer.FillLate("c"u8);
        var text = source.Text(writer.Detach());
        var expected = $"*3\r\n$100\r\n{new string('a', 100)}\r\n:7\r\n$33\r\n{new string('b', 33)}\r\n$1\r\nc\r\n";
        Assert.Equal(expected, text);
    }

    [Fact]
    public void Nothing_is_late_while_muted_or_deferred()
    {
        var source = new KeepingSource(256);
        var writer = new ReplyWriter();
        writer.Attach(source, source.First, 0, 2);
        writer.Muted = true;
        Assert.False(writer.TryBeginLate(10));
        writer.Muted = false;
        var mark = writer.BeginDeferred();
        Assert.False(writer.TryBeginLate(10));
        writer.EndDeferredArray(mark, 0);
        Assert.Equal("*0\r\n", source.Text(writer.Detach()));
    }

    // Segments that can still be written to after the next one was asked for.
    private sealed class KeepingSource(int segmentBytes) : SegmentSource
    {
        private readonly List<byte[]> _segments = [new byte[segmentBytes]];
        private readonly List<int> _filled = [];

        public byte[] First => _segments[0];

        public override byte[] Next(int filledInCurrent, int minimumFree, out int start)
        {
            start = 0;
            _filled.Add(filledInCurrent);
            _segments.Add(new byte[Math.Max(segmentBytes, minimumFree)]);
            return _segments[^1];
        }

        public string Text(int filledInLast)
        {
            _filled.Add(filledInLast);
            return string.Concat(_segments.Select((bytes, i) => Encoding.Latin1.GetString(bytes, 0, _filled[i])));
        }
    }

    private sealed class CollectingSource(int segmentBytes) : SegmentSource
    {
        private byte[] _segment = [];
        private int _start;

        public StringBuilder Text { get; } = new();

        public byte[] First(out int start)
        {
            _segment = new byte[segmentBytes + 3];
            start = _start = 3;
            return _segment;
        }

        public void Take(int filled) => Text.Append(Encoding.Latin1.GetString(_segment, _start, filled - _start));

        public override byte[] Next(int filledInCurrent, int minimumFree, out int start)
        {
            Take(filledInCurrent);
            start = _start = 5;
            _segment = new byte[Math.Max(segmentBytes, minimumFree) + 5];
            return _segment;
        }
    }

    private sealed class FixedSource : SegmentSource
    {
        public override byte[] Next(int filledInCurrent, int minimumFree, out int start) =>
            throw new InvalidOperationException("the segment is large enough");
    }
}
