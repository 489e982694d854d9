// Tests of the request parser: forms of requests, every protocol error, limits and resumption.

using System.Text;

namespace Millrace.Resp.Tests;

public sealed class RequestParserTests
{
    private static readonly string A16K = new('a', 16384);

    [Theory]
    [InlineData("*1\r\n$4\r\nPING\r\n", "PING")]
    [InlineData("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$0\r\n\r\n", "SET|k|")]
    [InlineData("*2\r\n$4\r\nECHO\r\n$12\r\n123456789012\r\n", "ECHO|123456789012")]
    [InlineData("PING\r\n", "PING")]
    [InlineData("PING\n", "PING")]
    [InlineData("  set\t k  v \r\n", "set|k|v")]
    [InlineData("set \"a b\" 'c d'\n", "set|a b|c d")]
    [InlineData("set \"\\n\\r\\t\\b\\a\\\\\\\"\\q\\x41\\x4g\" x\n", "set|\n\r\t\b\a\\\"qAx4g|x")]
    [InlineData("set 'it\\'s \\n' x\n", "set|it's \\n|x")]
    [InlineData("set pre\"fix ed\" x\n", "set|prefix ed|x")]
    [InlineData("get \"\"\n", "get|")]
    [InlineData("$5\r\n", "$5")]
    public void A_request_is_cut_into_its_arguments(string stream, string expected)
    {
        ParseTrace trace = ParseTrace.Whole(stream);
        Assert.Equal([expected], trace.Events);
        Assert.Equal(stream.Length, trace.Consumed);
    }

    [Theory]
    [InlineData("*0\r\n")]
    [InlineData("*-1\r\n")]
    [InlineData("*-10\r\n")]
    [InlineData("\r\n")]
    [InlineData("\n")]
    [InlineData("   \r\n")]
    public void An_empty_request_is_consumed_without_a_reply(string stream)
    {
        ParseTrace trace = ParseTrace.Whole(stream + "PING\r\n");
        Assert.Equal(["(empty)", "PING"], trace.Events);
    }

    [Theory]
    [InlineData("*3000000000\r\n", "invalid multibulk length")]
    [InlineData("*2147483648\r\n", "invalid multibulk length")]
    [InlineData("*x\r\n", "invalid multibulk length")]
    [InlineData("*\r\n", "invalid multibulk length")]
    [InlineData("*01\r\n", "invalid multibulk length")]
    [InlineData("*+1\r\n", "invalid multibulk length")]
    [InlineData("* 1\r\n", "invalid multibulk length")]
    [InlineData("*1 \r\n", "invalid multibulk length")]
    [InlineData("*99999999999999999999999999\r\n", "invalid multibulk length")]
    [InlineData("*1\r\nfoo\r\n", "expected '$', got 'f'")]
    [InlineData("*1\r\n\r\n", "expected '$', got ' '")]
    [InlineData("*1\r\n\nx\r\n", "expected '$', got ' '")]
    [InlineData("*3\r\n$3\r\nSET\r\n$1\r\nx\r\nfooz\r\n", "expected '$', got 'f'")]
    [InlineData("*1\r\n$-1\r\n", "invalid bulk length")]
    [InlineData("*1\r\n$-10\r\n", "invalid bulk length")]
    [InlineData("*1\r\n$2000000000\r\n", "invalid bulk length")]
    [InlineData("*1\r\n$536870913\r\n", "invalid bulk length")]
    [InlineData("*1\r\n$blabla\r\n", "invalid bulk length")]
    [InlineData("*1\r\n$\r\n", "invalid bulk length")]
    [InlineData("*1\r\n$01\r\na\r\n", "invalid bulk length")]
    [InlineData("set \"\"\"test-key\"\"\" test-value\r\n", "unbalanced quotes in request")]
    [InlineData("set \"a\r\n", "unbalanced quotes in request")]
    [InlineData("set 'a\r\n", "unbalanced quotes in request")]
    [InlineData("set \"a\"b\r\n", "unbalanced quotes in request")]
    [InlineData("set 'a'b\r\n", "unbalanced quotes in request")]
    [InlineData("set \"a\\\r\n", "unbalanced quotes in request")]
    public void A_broken_request_is_a_protocol_error(string stream, string text)
    {
        ParseTrace trace = ParseTrace.Whole("PING\r\n" + stream + "PING\r\n");
        Assert.Equal(["PING", "!ERR Protocol error: " + text], trace.Events);
    }

    [Fact]
    public void Lines_without_an_end_are_too_big_after_64_kB()
    {
        string a64K = new('1', 65536);
        Assert.Equal([], ParseTrace.Whole(a64K).Events);
        Assert.Equal(["!ERR Protocol error: too big inline request"], ParseTrace.Whole(a64K + "1").Events);
        Assert.Equal([], ParseTrace.Whole("*" + a64K[1..]).Events);
        Assert.Equal(["!ERR Protocol error: too big mbulk count string"], ParseTrace.Whole("*" + a64K).Events);
        Assert.Equal([], ParseTrace.Whole("*1\r\n$" + a64K[1..]).Events);
        Assert.Equal(["!ERR Protocol error: too big bulk count string"], ParseTrace.Whole("*1\r\n$" + a64K).Events);
        Assert.Equal(["!ERR Protocol error: too big inline request"], ParseTrace.Whole(a64K + "1\r\n").Events);
    }

    [Theory]
    [InlineData("\0", "too big inline request")]
    [InlineData("*\0", "too big mbulk count string")]
    [InlineData("$\0", "too big inline request")]
    [InlineData("*1\r\n\0", "too big bulk count string")]
    public void A_NUL_in_a_line_hides_its_end_as_in_the_C_servers(string start, string text)
    {
        string filler = string.Concat(Enumerable.Repeat("AAAA\r\n", 11000));
        Assert.Equal([], ParseTrace.Whole(start + "\r\n").Events);
        Assert.Equal(["!ERR Protocol error: " + text], ParseTrace.Whole(start + filler).Events);
    }

    [Fact]
    public void Before_authentication_the_limits_are_ten_arguments_of_16_kB()
    {
        ParseTrace ten = ParseTrace.Whole(Multibulk(10, "a"), authenticated: false);
        Assert.Equal(["a|a|a|a|a|a|a|a|a|a"], ten.Events);
        ParseTrace eleven = ParseTrace.Whole(Multibulk(11, "a"), authenticated: false);
        Assert.Equal(["!ERR Protocol error: unauthenticated multibulk length"], eleven.Events);
        ParseTrace longest = ParseTrace.Whole(Multibulk(1, A16K), authenticated: false);
        Assert.Equal([A16K], longest.Events);
        ParseTrace tooLong = ParseTrace.Whole(Multibulk(1, A16K + "a"), authenticated: false);
        Assert.Equal(["!ERR Protocol error: unauthenticated bulk length"], tooLong.Events);
        Assert.Equal([A16K + "a"], ParseTrace.Whole(Multibulk(1, A16K + "a")).Events);
    }

    [Theory]
    [InlineData("POST / HTTP/1.1\r\n")]
    [InlineData("post\n")]
    [InlineData("Host: localhost\r\n")]
    [InlineData("*1\r\n$5\r\nhOST:\r\n")]
    public void A_request_of_a_browser_is_a_security_attack_without_a_reply(string stream)
    {
        Assert.Equal(["(attack)"], ParseTrace.Whole(stream + "PING\r\n").Events);
        Assert.Equal(["(attack)"], ParseTrace.Split(stream + "PING\r\n", 1).Events);
    }

    [Fact]
    public void Names_like_those_of_a_browser_are_no_attack()
    {
        Assert.Equal(["PING", "host", "HINCR", "POSTS"], ParseTrace.Whole("PING\r\nhost\r\nHINCR\r\nPOSTS\r\n").Events);
    }

    [Fact]
    public void A_big_argument_asks_for_room_and_a_small_one_does_not()
    {
        RequestParser parser = new();
        SliceList args = new();
        byte[] start = Encoding.Latin1.GetBytes("*2\r\n$3\r\nGET\r\n$100000\r\nabc");
        Assert.Equal(ParseStatus.Incomplete, parser.Parse(start, RequestLimits.Default, true, args, out int consumed));
        Assert.Equal(0, consumed);
        Assert.Equal(0, args.Count);
        Assert.Equal(start.Length - 3 + 100000 + 2, parser.BytesWanted);
        parser.Reset();
        Assert.Equal(0, parser.BytesWanted);
        start = Encoding.Latin1.GetBytes("*2\r\n$3\r\nGET\r\n$100\r\nabc");
        Assert.Equal(ParseStatus.Incomplete, parser.Parse(start, RequestLimits.Default, true, args, out _));
        Assert.Equal(0, parser.BytesWanted);
    }

    [Fact]
    public void An_idle_parser_holds_no_slices_and_announced_lengths_allocate_nothing()
    {
        RequestParser parser = new();
        SliceList args = new();
        byte[] start = Encoding.Latin1.GetBytes("*2147483647\r\n$3\r\nabc\r\n$536870912\r\n");
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Equal(ParseStatus.Incomplete, parser.Parse(start, RequestLimits.Default, true, args, out _));
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.True(allocated < 4096, $"{allocated} bytes");
        Assert.InRange(parser.HeldBytes, 1, 1024);
        parser.Reset();
        Assert.Equal(0, parser.HeldBytes);
        Assert.False(parser.IsPending);
    }

    [Fact]
    public void A_lowered_bulk_limit_holds_for_whole_and_split_requests()
    {
        RequestLimits limits = new() { MaxBulkLength = 3 };
        Assert.Equal(["abc"], ParseTrace.Whole(Multibulk(1, "abc"), limits: limits).Events);
        Assert.Equal(
            ["!ERR Protocol error: invalid bulk length"],
            ParseTrace.Whole(Multibulk(1, "abcd"), limits: limits).Events);
        Assert.Equal(
            ["!ERR Protocol error: invalid bulk length"],
            ParseTrace.Split(Multibulk(1, "abcd"), 1, limits: limits).Events);
    }

    [Fact]
    public void Ten_thousand_arguments_arrive_byte_by_byte()
    {
        string stream = Multibulk(10000, "k");
        ParseTrace trace = ParseTrace.Split(stream, 1);
        Assert.Single(trace.Events);
        Assert.Equal(ParseTrace.Whole(stream).Events, trace.Events);
    }

    [Fact]
    public void A_warm_parser_allocates_nothing()
    {
        RequestParser parser = new();
        SliceList args = new();
        byte[] whole = Encoding.Latin1.GetBytes("*3\r\n$3\r\nSET\r\n$16\r\nkey:000000000001\r\n$5\r\nvalue\r\n");
        for (int i = 0; i < 10; i++) parser.Parse(whole, RequestLimits.Default, true, args, out _);
        parser.Parse(whole.AsSpan(0, 20), RequestLimits.Default, true, args, out _);
        parser.Parse(whole, RequestLimits.Default, true, args, out _);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++)
        {
            parser.Parse(whole, RequestLimits.Default, true, args, out _);
            parser.Parse(whole.AsSpan(0, 20), RequestLimits.Default, true, args, out _);
            parser.Parse(whole, RequestLimits.Default, true, args, out _);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static string Multibulk(int count, string argument) =>
        $"*{count}\r\n" + string.Concat(Enumerable.Repeat($"${argument.Length}\r\n{argument}\r\n", count));
}
