// Tests of the client-side reader: every type, attributes, limits, resumption at any byte, survival of broken streams.

using System.Text;

namespace Millrace.Resp.Tests;

public sealed class RespReaderTests
{
    [Theory]
    [InlineData("+OK\r\n", "Simple:OK")]
    [InlineData("+\r\n", "Simple:")]
    [InlineData("-ERR bad\r\n", "Error:ERR bad")]
    [InlineData("!8\r\nERR\r\nbad\r\n", "Error:ERR\r\nbad")]
    [InlineData(":-42\r\n", "Integer:-42")]
    [InlineData(":+7\r\n", "Integer:7")]
    [InlineData("$0\r\n\r\n", "Bulk:")]
    [InlineData("$5\r\na\r\nbc\r\n", "Bulk:a\r\nbc")]
    [InlineData("$-1\r\n", "NullBulk")]
    [InlineData("*-1\r\n", "NullArray")]
    [InlineData("_\r\n", "Null")]
    [InlineData("#t\r\n", "Bool:1")]
    [InlineData("#f\r\n", "Bool:0")]
    [InlineData(",1.5\r\n", "Double:1.5")]
    [InlineData(",inf\r\n", "Double:inf")]
    [InlineData(",nan\r\n", "Double:nan")]
    [InlineData("(-123456789012345678901234567890\r\n", "BigNumber:-123456789012345678901234567890")]
    [InlineData("=8\r\ntxt:text\r\n", "Verbatim:txt:text")]
    [InlineData("*0\r\n", "Array[]")]
    [InlineData("*3\r\n:1\r\n*2\r\n+a\r\n$-1\r\n$1\r\nb\r\n", "Array[Integer:1 Array[Simple:a NullBulk] Bulk:b]")]
    [InlineData("%2\r\n+a\r\n:1\r\n+b\r\n~1\r\n:2\r\n", "Map[Simple:a Integer:1 Simple:b Set[Integer:2]]")]
    [InlineData(">2\r\n+pubsub\r\n+x\r\n", "Push[Simple:pubsub Simple:x]")]
    [InlineData("|1\r\n+k\r\n:1\r\n+v\r\n", "{Map[Simple:k Integer:1]}Simple:v")]
    [InlineData("*2\r\n|1\r\n+k\r\n*1\r\n:9\r\n+v\r\n:5\r\n",
        "Array[{Map[Simple:k Array[Integer:9]]}Simple:v Integer:5]")]
    [InlineData("|1\r\n+k\r\n:1\r\n*1\r\n+v\r\n", "{Map[Simple:k Integer:1]}Array[Simple:v]")]
    public void A_value_is_read_whole_and_byte_by_byte(string stream, string expected)
    {
        byte[] bytes = Encoding.Latin1.GetBytes(stream + stream);
        Assert.Equal([expected, expected], ReadAll(bytes, bytes.Length));
        for (int piece = 1; piece < 5; piece++) Assert.Equal([expected, expected], ReadAll(bytes, piece));
    }

    [Theory]
    [InlineData("x\r\n")]
    [InlineData("\r\n")]
    [InlineData("+OK\rX")]
    [InlineData(":x\r\n")]
    [InlineData(":\r\n")]
    [InlineData("$x\r\n")]
    [InlineData("$-2\r\n")]
    [InlineData("=-1\r\n")]
    [InlineData("$?\r\n")]
    [InlineData("*-2\r\n")]
    [InlineData("%-1\r\n")]
    [InlineData("*99999999999\r\n")]
    [InlineData("$1\r\nabc")]
    [InlineData("$1\r\na\rX")]
    [InlineData("=3\r\ntxt\r\n")]
    [InlineData("#x\r\n")]
    [InlineData("_x\r\n")]
    [InlineData(",x\r\n")]
    [InlineData("(1x\r\n")]
    [InlineData("(\r\n")]
    public void A_broken_stream_is_an_error_that_stays(string stream)
    {
        RespReader reader = new();
        byte[] bytes = Encoding.Latin1.GetBytes(stream);
        Assert.Equal(ReadStatus.Error, reader.Read(bytes, out _, out _));
        Assert.NotEmpty(reader.Error);
        Assert.Equal(ReadStatus.Error, reader.Read("+OK\r\n"u8, out RespValue? value, out int consumed));
        Assert.Null(value);
        Assert.Equal(0, consumed);
    }

    [Fact]
    public void Limits_hold_for_lines_bodies_counts_and_depth()
    {
        ReplyLimits limits = new() { MaxLineBytes = 10, MaxBulkBytes = 5, MaxElements = 3, MaxDepth = 2 };
        Assert.Equal(ReadStatus.Complete, Status(limits, "+123456789\r\n"));
        Assert.Equal(ReadStatus.Error, Status(limits, "+1234567890\r\n"));
        Assert.Equal(ReadStatus.Error, Status(limits, "+1234567890"));
        Assert.Equal(ReadStatus.Complete, Status(limits, "$5\r\n12345\r\n"));
        Assert.Equal(ReadStatus.Error, Status(limits, "$6\r\n"));
        Assert.Equal(ReadStatus.Incomplete, Status(limits, "*3\r\n"));
        Assert.Equal(ReadStatus.Error, Status(limits, "*4\r\n"));
        Assert.Equal(ReadStatus.Incomplete, Status(limits, "*1\r\n*1\r\n"));
        Assert.Equal(ReadStatus.Error, Status(limits, "*1\r\n*1\r\n*1\r\n"));
    }

    [Fact]
    public void Announced_lengths_allocate_nothing()
    {
        RespReader reader = new();
        byte[] bytes = Encoding.Latin1.GetBytes("*1000000000\r\n%1000000000\r\n$2000000000\r\n");
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Equal(ReadStatus.Incomplete, reader.Read(bytes, out _, out int consumed));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 16384);
        Assert.Equal(bytes.Length, consumed);
        Assert.True(reader.IsPending);
    }

    [Fact]
    public void Whatever_the_writer_writes_is_read_however_it_is_split()
    {
        for (int round = 0; round < 300; round++)
        {
            Random random = new(Seeds.Of(round));
            byte[] stream = RandomReplies.Make(random);
            List<string> whole = ReadAll(stream, stream.Length);
            Assert.DoesNotContain("(error)", whole);
            Assert.True(whole.SequenceEqual(ReadAll(stream, 1 + random.Next(20))), $"seed {Seeds.Of(round)}");
        }
    }

    [Fact]
    public void Mutated_streams_never_throw_and_give_the_same_however_they_are_split()
    {
        for (int round = 0; round < 2000; round++)
        {
            Random random = new(Seeds.Of(round));
            byte[] stream = RandomReplies.Make(random);
            for (int i = random.Next(6); i >= 0 && stream.Length > 0; i--)
                stream[random.Next(stream.Length)] = (byte)random.Next(random.Next(2) == 0 ? 256 : 64);
            List<string> whole = ReadAll(stream, stream.Length);
            Assert.True(whole.SequenceEqual(ReadAll(stream, 1 + random.Next(5))), $"seed {Seeds.Of(round)}");
        }
    }

    private static ReadStatus Status(ReplyLimits limits, string stream) =>
        new RespReader(limits).Read(Encoding.Latin1.GetBytes(stream), out _, out _);

    private static List<string> ReadAll(byte[] stream, int pieceBytes)
    {
        RespReader reader = new();
        List<string> values = [];
        int at = 0;
        for (int end = 0; end < stream.Length;)
        {
            end = Math.Min(stream.Length, end + pieceBytes);
            while (true)
            {
                ReadStatus status = reader.Read(stream.AsSpan(at, end - at), out RespValue? value, out int consumed);
                at += consumed;
                if (status == ReadStatus.Incomplete) break;
                values.Add(status == ReadStatus.Error ? "(error)" : Describe(value!));
                if (status == ReadStatus.Error) return values;
            }
        }

        return values;
    }

    private static string Describe(RespValue value)
    {
        string attributes = value.Attributes is null ? string.Empty : "{" + Describe(value.Attributes) + "}";
        if (value.IsAggregate) return $"{attributes}{value.Kind}[{string.Join(' ', value.Items.Select(Describe))}]";
        if (value.IsNull) return attributes + value.Kind;
        string text = value.Kind is RespKind.Integer or RespKind.Bool
            ? value.Integer.ToString(System.Globalization.CultureInfo.InvariantCulture)
            : Encoding.Latin1.GetString(value.Bytes.Span);
        return $"{attributes}{value.Kind}:{(value.Format.Length > 0 ? value.Format + ":" : string.Empty)}{text}";
    }
}
