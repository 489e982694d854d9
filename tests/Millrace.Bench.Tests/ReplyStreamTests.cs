using System.Text;
using Millrace.Bench.Load;

namespace Millrace.Bench.Tests;

/// <summary>Replies are decoded and counted however they are split.</summary>
public class ReplyStreamTests
{
    public static TheoryData<string, int, int, int> Streams => new()
    {
        { "+OK\r\n", 1, 0, 0 },
        { "-ERR no\r\n:1\r\n:-7\r\n", 3, 1, 0 },
        { "$3\r\nxxx\r\n$-1\r\n$0\r\n\r\n", 3, 0, 1 },
        { "$12\r\n\r\n+OK\r\n-E\r\n\n\r\n", 1, 0, 0 },
        { "*2\r\n$1\r\na\r\n$-1\r\n*0\r\n*-1\r\n", 3, 0, 1 },
        { "*2\r\n*2\r\n:1\r\n-ERR inner\r\n*1\r\n$-1\r\n+after\r\n", 2, 0, 0 },
        { "%2\r\n+a\r\n:1\r\n+b\r\n*1\r\n_\r\n~1\r\n#t\r\n>2\r\n+p\r\n,1.5\r\n_\r\n", 4, 0, 1 },
        { "|1\r\n+ttl\r\n:3\r\n$1\r\nx\r\n=5\r\ntxt:a\r\n!3\r\nERR\r\n(123\r\n", 4, 1, 0 },
    };

    [Theory]
    [MemberData(nameof(Streams))]
    public void A_stream_split_anywhere_has_the_same_replies(string stream, int replies, int errors, int nulls)
    {
        var bytes = Encoding.Latin1.GetBytes(stream);
        for (var split = 0; split <= bytes.Length; split++)
        {
            var decoded = new ReplyStream();
            var first = Feed(decoded, bytes.AsSpan(0, split));
            Assert.Equal(replies, first + Feed(decoded, bytes.AsSpan(split)));
            Assert.Equal((errors, nulls), ((int)decoded.Errors, (int)decoded.Nulls));
        }

        var slow = new ReplyStream();
        Assert.Equal(replies, bytes.Sum(one => Feed(slow, [one])));
    }

    [Fact]
    public void A_reply_is_counted_when_its_last_byte_is_there_and_not_before()
    {
        var bytes = "*2\r\n$3\r\nabc\r\n:1\r\n"u8.ToArray();
        var decoded = new ReplyStream();
        Assert.Equal(0, Feed(decoded, bytes.AsSpan(0, bytes.Length - 1)));
        Assert.Equal(1, Feed(decoded, bytes.AsSpan(bytes.Length - 1)));
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\n")]
    [InlineData("$1x\r\n")]
    [InlineData("\0OK\r\n")]
    public void What_is_no_RESP_is_refused(string stream) => Assert.Throws<InvalidDataException>(
        () => Feed(new ReplyStream(), Encoding.Latin1.GetBytes(stream)));

    [Fact]
    public void A_line_longer_than_the_buffer_is_one_reply()
    {
        var bytes = Encoding.Latin1.GetBytes("-ERR " + new string('x', 100_000) + "\r\n:1\r\n");
        var decoded = new ReplyStream();
        Assert.Equal(2, Feed(decoded, bytes));
        Assert.Equal(1, decoded.Errors);
    }

    private static int Feed(ReplyStream stream, ReadOnlySpan<byte> bytes)
    {
        var replies = 0;
        while (!bytes.IsEmpty)
        {
            var room = stream.Room;
            var count = Math.Min(bytes.Length, room.Count);
            bytes[..count].CopyTo(room);
            replies += stream.Take(count);
            bytes = bytes[count..];
        }

        return replies;
    }
}
