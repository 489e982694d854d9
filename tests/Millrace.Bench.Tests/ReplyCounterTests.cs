using System.Text;
using Millrace.Bench.Load;

namespace Millrace.Bench.Tests;

/// <summary>Replies are counted however they are split.</summary>
public class ReplyCounterTests
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
            var counter = new ReplyCounter();
            var first = counter.Feed(bytes.AsSpan(0, split));
            Assert.Equal(replies, first + counter.Feed(bytes.AsSpan(split)));
            Assert.Equal((errors, nulls), ((int)counter.Errors, (int)counter.Nulls));
        }

        var slow = new ReplyCounter();
        Assert.Equal(replies, bytes.Sum(one => slow.Feed([one])));
    }

    [Fact]
    public void A_reply_is_counted_when_its_last_byte_is_there_and_not_before()
    {
        var bytes = "*2\r\n$3\r\nabc\r\n:1\r\n"u8.ToArray();
        var counter = new ReplyCounter();
        Assert.Equal(0, counter.Feed(bytes.AsSpan(0, bytes.Length - 1)));
        Assert.Equal(1, counter.Feed(bytes.AsSpan(bytes.Length - 1)));
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\n")]
    [InlineData("$1x\r\n")]
    [InlineData("+OK\r\n\0")]
    public void What_is_no_RESP_is_refused(string stream) => Assert.Throws<InvalidDataException>(
        () => new ReplyCounter().Feed(Encoding.Latin1.GetBytes(stream)));
}
