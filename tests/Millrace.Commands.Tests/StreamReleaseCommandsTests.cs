using Millrace.Commands.Tests.Driver;

namespace Millrace.Commands.Tests;

/// <summary>XNACK (redis.io/commands/xnack). The stream <c>s</c> has the entries 1-0 to 4-0. Its group <c>g</c> has
/// handed 1-0, 2-0 and 3-0 to <c>a</c> 500 ms ago, and 1-0 once more.</summary>
public sealed class StreamReleaseCommandsTests : IDisposable
{
    private const string Syntax = "ERR syntax error";
    private const string Max = "9223372036854775807";

    private readonly CommandDriver _driver = new();

    public StreamReleaseCommandsTests()
    {
        for (var i = 1; i <= 4; i++) _driver.Run($"XADD s {i}-0 f v{i}");
        _driver.Run("XGROUP CREATE s g 0");
        _driver.Run("XREADGROUP GROUP g a COUNT 3 STREAMS s >");
        _driver.Run("XREADGROUP GROUP g a COUNT 1 STREAMS s 0");
        _driver.NowMs += 500;
        _driver.Run("SET t x");
    }

    public void Dispose() => _driver.Dispose();

    [Theory]
    [InlineData("XNACK s g SILENT IDS 2 1-0 2-0", "2", "[1-0  -1 1] [2-0  -1 0] [3-0 a 500 1]")]
    [InlineData("XNACK s g FAIL IDS 1 1-0", "1", "[1-0  -1 2] [2-0 a 500 1] [3-0 a 500 1]")]
    [InlineData("XNACK s g fatal IDS 1 1-0", "1", "[1-0  -1 " + Max + "] [2-0 a 500 1] [3-0 a 500 1]")]
    [InlineData("XNACK s g FATAL IDS 1 1-0 RETRYCOUNT 5", "1", "[1-0  -1 5] [2-0 a 500 1] [3-0 a 500 1]")]
    [InlineData("XNACK s g FAIL IDS 2 4-0 9-0", "0", "[1-0 a 500 2] [2-0 a 500 1] [3-0 a 500 1]")]
    [InlineData("XNACK s g FAIL IDS 2 4-0 9-0 FORCE", "1",
        "[1-0 a 500 2] [2-0 a 500 1] [3-0 a 500 1] [4-0  -1 0]")]
    [InlineData("XNACK s g FATAL FORCE IDS 1 4-0", "1",
        "[1-0 a 500 2] [2-0 a 500 1] [3-0 a 500 1] [4-0  -1 " + Max + "]")]
    [InlineData("XNACK s g SILENT IDS 1 4-0 FORCE RETRYCOUNT 3", "1",
        "[1-0 a 500 2] [2-0 a 500 1] [3-0 a 500 1] [4-0  -1 3]")]
    [InlineData("XNACK s g FAIL IDS 2 1-0 1-0", "2", "[1-0  -1 2] [2-0 a 500 1] [3-0 a 500 1]")]
    public void What_is_given_back_is_pending_and_nobodys(string request, string reply, string pending)
    {
        Assert.Equal(reply, _driver.Say(request));
        Assert.Equal($"[{pending}]", _driver.Say("XPENDING s g - + 10"));
    }

    [Theory]
    [InlineData("XNACK s h FAIL IDS 1 1-0", "NOGROUP No such key 's' or consumer group 'h'")]
    [InlineData("XNACK n g FAIL IDS 1 1-0", "NOGROUP No such key 'n' or consumer group 'g'")]
    [InlineData("XNACK t g FAIL IDS 1 1-0", "WRONGTYPE Operation against a key holding the wrong kind of value")]
    [InlineData("XNACK s g IDS 2 1-0 2-0", Syntax)]
    [InlineData("XNACK s g FAIL FATAL IDS 1 1-0", Syntax)]
    [InlineData("XNACK s g FAIL IDS 1 1-0 RETRYCOUNT", Syntax)]
    [InlineData("XNACK s g FAIL FORCE RETRYCOUNT 5", Syntax)]
    [InlineData("XNACK s g FAIL IDS 1 1-0 RETRYCOUNT -1", "ERR Invalid RETRYCOUNT option argument for XNACK")]
    [InlineData("XNACK s g FAIL IDS 1 1-0 RETRYCOUNT x", "ERR Invalid RETRYCOUNT option argument for XNACK")]
    [InlineData("XNACK s g FAIL IDS 0 1-0", "ERR The IDs argument must be a positive integer")]
    [InlineData("XNACK s g FAIL IDS 1 x", "ERR Invalid stream ID specified as stream command argument")]
    public void Wrong_requests_are_refused(string request, string reply) => Assert.Equal(reply, _driver.Say(request));

    [Fact]
    public void What_is_given_back_is_claimed_before_all_others_first_come_first_served()
    {
        _driver.Run("XNACK s g FAIL IDS 1 3-0");
        _driver.Run("XNACK s g FAIL IDS 1 1-0");
        Assert.Equal("[3 1-0 3-0 [[a 1]]]", _driver.Say("XPENDING s g"));
        Assert.Equal("[[s [[3-0 [f v3] -1 1] [1-0 [f v1] -1 2] [4-0 [f v4] 0 0]]]]",
            _driver.Say("XREADGROUP GROUP g b CLAIM 60000 STREAMS s >"));
        Assert.Equal("[[1-0 b 0 3] [2-0 a 500 1] [3-0 b 0 2] [4-0 b 0 1]]", _driver.Say("XPENDING s g - + 10"));
    }

    [Fact]
    public void The_other_commands_know_what_nobody_has()
    {
        _driver.Run("XNACK s g FAIL IDS 3 1-0 2-0 3-0");
        Assert.Equal("[[s []]]", _driver.Say("XREADGROUP GROUP g a STREAMS s 0"));
        Assert.Contains("pel-count 3 pending [[1-0  0 2] [2-0  0 1] [3-0  0 1]] consumers [[name a",
            _driver.Say("XINFO STREAM s FULL"), StringComparison.Ordinal);
        Assert.Contains("pel-count 0 pending []]] nacked-count 3]", _driver.Say("XINFO STREAM s FULL"),
            StringComparison.Ordinal);
        Assert.Equal("[1-0]", _driver.Say("XCLAIM s g b 90000 1-0 JUSTID"));
        Assert.Equal("[3-0 [2-0] []]", _driver.Say("XAUTOCLAIM s g b 90000 2-0 COUNT 1 JUSTID"));
        Assert.Equal("1", _driver.Say("XACK s g 3-0"));
        Assert.Contains("nacked-count 0", _driver.Say("XINFO STREAM s FULL"), StringComparison.Ordinal);
        Assert.Equal("[2 1-0 2-0 [[b 2]]]", _driver.Say("XPENDING s g"));
    }

    [Fact]
    public void What_nobody_has_and_is_gone_is_recorded_as_acknowledged()
    {
        _driver.Run("XNACK s g FAIL IDS 2 1-0 2-0");
        Assert.Equal("XNACK s g FAIL IDS 2 1-0 2-0", string.Join(',', _driver.Effects));
        _driver.Run("XDEL s 1-0 2-0");
        Assert.Equal("[]", _driver.Say("XCLAIM s g b 0 1-0"));
        Assert.Equal("XGROUP CREATECONSUMER s g b,XACK s g 1-0", string.Join(',', _driver.Effects));
        Assert.Equal("[[s [[4-0 [f v4] 0 0]]]]", _driver.Say("XREADGROUP GROUP g b CLAIM 9000 STREAMS s >"));
        Assert.StartsWith("XACK s g 2-0,XCLAIM s g b 0 4-0 ", string.Join(',', _driver.Effects),
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Copies_and_payloads_keep_what_nobody_has(bool hasUnnamedConsumer)
    {
        if (hasUnnamedConsumer) _driver.RunWords("XCLAIM", "s", "g", "", "0", "3-0");
        _driver.Run("XNACK s g FAIL IDS 2 1-0 2-0");
        _driver.Run("COPY s copy");
        Assert.Equal(_driver.Say("XINFO STREAM s FULL"), _driver.Say("XINFO STREAM copy FULL"));
        Assert.Equal("+OK\r\n", _driver.RunWords("RESTORE", "made", "0", Payloads.Dump(_driver, "s")));
        Assert.Equal(_driver.Say("XINFO STREAM s FULL"), _driver.Say("XINFO STREAM made FULL"));
        _driver.Run("XACK made g 1-0");
        Assert.Contains("nacked-count 1", _driver.Say("XINFO STREAM made FULL"), StringComparison.Ordinal);
        _driver.Run("FLUSHALL SYNC");
        Assert.Equal(0, _driver.Keyspace.UsedBytes);
    }
}
