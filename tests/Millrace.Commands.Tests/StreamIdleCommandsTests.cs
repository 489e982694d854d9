using Millrace.Commands.Tests.Driver;
using Millrace.Engine;
using Millrace.Engine.Values;

namespace Millrace.Commands.Tests;

/// <summary>XREADGROUP with CLAIM (redis.io/commands/xreadgroup, 8.4). The stream <c>s</c> has the entries 1-0 to 5-0.
/// Its group <c>g</c> has handed 2-0 to <c>b</c> 900 ms ago, 1-0 to <c>a</c> 500 ms ago and 3-0 to <c>a</c> 100 ms
/// ago.</summary>
public sealed class StreamIdleCommandsTests : IDisposable
{
    private readonly CommandDriver _driver = new();

    public StreamIdleCommandsTests()
    {
        for (var i = 1; i <= 5; i++) _driver.Run($"XADD s {i}-0 f v{i}");
        _driver.Run("XGROUP CREATE s g 0");
        _driver.Run("XREADGROUP GROUP g b COUNT 2 STREAMS s >");
        _driver.NowMs += 400;
        _driver.Run("XCLAIM s g a 0 1-0");
        _driver.NowMs += 400;
        _driver.Run("XREADGROUP GROUP g a COUNT 1 STREAMS s >");
        _driver.NowMs += 100;
        _driver.Run("SET t x");
    }

    public void Dispose() => _driver.Dispose();

    [Theory]
    [InlineData("XREADGROUP GROUP g c CLAIM 500 STREAMS s >",
        "[[s [[2-0 [f v2] 900 1] [1-0 [f v1] 500 2] [4-0 [f v4] 0 0] [5-0 [f v5] 0 0]]]]")]
    [InlineData("XREADGROUP GROUP g c CLAIM 0 STREAMS s >",
        "[[s [[2-0 [f v2] 900 1] [1-0 [f v1] 500 2] [3-0 [f v3] 100 1] [4-0 [f v4] 0 0] [5-0 [f v5] 0 0]]]]")]
    [InlineData("XREADGROUP GROUP g c COUNT 1 CLAIM -5 STREAMS s >", "[[s [[2-0 [f v2] 900 1]]]]")]
    [InlineData("XREADGROUP CLAIM 900 COUNT 2 GROUP g c STREAMS s >", "[[s [[2-0 [f v2] 900 1] [4-0 [f v4] 0 0]]]]")]
    [InlineData("XREADGROUP GROUP g c COUNT 1 CLAIM 901 STREAMS s >", "[[s [[4-0 [f v4] 0 0]]]]")]
    [InlineData("XREADGROUP GROUP g c CLAIM 9223372036854775807 COUNT 1 STREAMS s >", "[[s [[4-0 [f v4] 0 0]]]]")]
    [InlineData("XREADGROUP GROUP g a CLAIM 0 STREAMS s 0", "[[s [[1-0 [f v1]] [3-0 [f v3]]]]]")]
    [InlineData("XREADGROUP GROUP g b COUNT 1 CLAIM 0 STREAMS s >", "[[s [[2-0 [f v2] 900 1]]]]")]
    [InlineData("XREADGROUP GROUP g c CLAIM x STREAMS s >", "ERR Invalid min-idle-time argument for XREADGROUP")]
    [InlineData("XREADGROUP GROUP g c CLAIM STREAMS s >", "ERR Invalid min-idle-time argument for XREADGROUP")]
    [InlineData("XREAD COUNT 1 CLAIM 5 STREAMS s 0",
        "ERR The CLAIM option is only supported by XREADGROUP. You called XREAD instead.")]
    public void Idle_entries_come_first_the_longest_first(string request, string reply) =>
        Assert.Equal(reply, _driver.Say(request));

    [Fact]
    public void What_is_claimed_has_a_new_owner_and_new_entries_with_NOACK_are_not_pending()
    {
        _driver.Run("XREADGROUP GROUP g c NOACK CLAIM 500 STREAMS s >");
        Assert.Equal("[[1-0 c 0 3] [2-0 c 0 2] [3-0 a 100 1]]", _driver.Say("XPENDING s g - + 10"));
        Assert.Contains("name c pending 2 idle 0 inactive 0", _driver.Say("XINFO CONSUMERS s g"),
            StringComparison.Ordinal);
    }

    [Fact]
    public void Several_streams_are_served_and_what_has_nothing_idle_is_left_out()
    {
        _driver.Run("XADD n 1-0 f v");
        _driver.Run("XGROUP CREATE n g $");
        Assert.Equal("[[s [[2-0 [f v2] 900 1]]]]",
            _driver.Say("XREADGROUP GROUP g c COUNT 1 CLAIM 700 STREAMS n s > >"));
        Assert.Equal("(nil)", _driver.Say("XREADGROUP GROUP g c CLAIM 0 STREAMS n >"));
    }

    [Fact]
    public void Entries_that_are_gone_are_pending_no_more()
    {
        _driver.Run("XDEL s 2-0 4-0 5-0");
        Assert.Equal("(nil)", _driver.Say("XREADGROUP GROUP g c CLAIM 600 STREAMS s >"));
        Assert.Equal(
            "XCLAIM s g b 0 2-0 TIME 1700000000000 RETRYCOUNT 1 FORCE JUSTID LASTID 3-0,"
            + "XGROUP CREATECONSUMER s g c", string.Join(',', _driver.Effects));
        Assert.Equal("[[1-0 a 500 2] [3-0 a 100 1]]", _driver.Say("XPENDING s g - + 10"));
    }

    [Theory]
    [InlineData("XREADGROUP GROUP g c COUNT 1 CLAIM 700 STREAMS s >",
        "XCLAIM s g c 0 2-0 TIME 1700000000900 RETRYCOUNT 2 FORCE JUSTID LASTID 3-0")]
    [InlineData("XREADGROUP GROUP g c NOACK COUNT 2 CLAIM 700 STREAMS s >",
        "XCLAIM s g c 0 2-0 TIME 1700000000900 RETRYCOUNT 2 FORCE JUSTID LASTID 3-0,"
        + "XGROUP SETID s g 4-0 ENTRIESREAD 4")]
    [InlineData("XREADGROUP GROUP g c NOACK COUNT 1 CLAIM 5000 STREAMS s >",
        "XGROUP CREATECONSUMER s g c,XGROUP SETID s g 4-0 ENTRIESREAD 4")]
    public void What_is_handed_out_is_recorded_as_claims(string request, string effects)
    {
        _driver.Run(request);
        Assert.Equal(effects, string.Join(',', _driver.Effects));
    }

    [Fact]
    public void Of_entries_that_are_gone_one_call_forgets_ten_for_each_that_it_may_claim()
    {
        for (var i = 6; i <= 40; i++) _driver.Run($"XADD s {i}-0 f v");
        _driver.Run("XREADGROUP GROUP g b STREAMS s >");
        _driver.Run("XTRIM s MAXLEN 0");
        Assert.Equal("(nil)", _driver.Say("XREADGROUP GROUP g c COUNT 1 CLAIM 0 STREAMS s >"));
        Assert.Equal("[30 11-0 40-0 [[b 30]]]", _driver.Say("XPENDING s g"));
        Assert.Equal("(nil)", _driver.Say("XREADGROUP GROUP g c COUNT 2 CLAIM 0 STREAMS s >"));
        Assert.Equal("[10 31-0 40-0 [[b 10]]]", _driver.Say("XPENDING s g"));
        Assert.Equal("(nil)", _driver.Say("XREADGROUP GROUP g c CLAIM 0 STREAMS s >"));
        Assert.Equal("[0 (nil) (nil) (nil)]", _driver.Say("XPENDING s g"));
    }

    [Fact]
    public void An_entry_that_the_group_has_not_come_to_is_told_once_when_it_is_claimed()
    {
        _driver.Run("XNACK s g FATAL IDS 1 4-0 FORCE");
        Assert.Equal("[[s [[4-0 [f v4] -1 9223372036854775807] [5-0 [f v5] 0 0]]]]",
            _driver.Say("XREADGROUP GROUP g c CLAIM 5000 STREAMS s >"));
        Assert.Equal("[[4-0 c 0 9223372036854775807] [5-0 c 0 1]]", _driver.Say("XPENDING s g 4-0 + 10"));
        Assert.Equal("(nil)", _driver.Say("XREADGROUP GROUP g c STREAMS s >"));
    }

    [Fact]
    public void An_entry_that_was_given_back_before_the_group_came_to_it_goes_on_counting()
    {
        _driver.Run("XNACK s g FATAL IDS 2 4-0 5-0 FORCE");
        _driver.Run("XNACK s g FAIL IDS 1 5-0 RETRYCOUNT 3");
        _driver.Run("XREADGROUP GROUP g c STREAMS s >");
        Assert.Equal("[[4-0 c 0 9223372036854775807] [5-0 c 0 4]]", _driver.Say("XPENDING s g 4-0 + 10"));
    }

    [Theory]
    [InlineData(long.MinValue, "9223372036854775807")]
    [InlineData(long.MinValue + 1, "9223372036854775807")]
    [InlineData(-1L, "1700000000901")]
    [InlineData(long.MaxValue, "0")]
    public void Times_of_delivery_beyond_all_measure_are_told_as_the_nearest_idle_time(long deliveredMs, string idle)
    {
        PlantDelivery(deliveredMs);
        Assert.Equal($"[[1-0 a {idle} 2]]", _driver.Say("XPENDING s g 1-0 1-0 1"));
        Assert.Equal(idle == "0" ? "[]" : "[1-0]", _driver.Say("XCLAIM s g a 1000000 1-0 JUSTID LASTID 0-0"));
        PlantDelivery(deliveredMs);
        var claimed = _driver.Say("XREADGROUP GROUP g c COUNT 1 CLAIM 901 STREAMS s >");
        Assert.Equal(idle == "0" ? "[[s [[4-0 [f v4] 0 0]]]]" : $"[[s [[1-0 [f v1] {idle} 2]]]]", claimed);
    }

    [Theory]
    [InlineData(long.MaxValue, 500, 500)]
    [InlineData(1_700_000_060_900, 0, 100)]
    [InlineData(1_700_000_060_900, 1000, 1000)]
    [InlineData(1_700_000_000_900, long.MaxValue, 3_600_000)]
    [InlineData(1_700_000_000_850, 150, 100)]
    [InlineData(1_700_000_000_850, 70, 20)]
    public void Who_waits_looks_again_when_an_entry_is_going_to_be_due(long deliveredMs, long minIdleMs, long retryMs)
    {
        _driver.Run("XACK s g 2-0 3-0");
        _driver.Run("XREADGROUP GROUP g c NOACK STREAMS s >");
        PlantDelivery(deliveredMs);
        _driver.Client.MayWait = true;
        _driver.Run($"XREADGROUP GROUP g c BLOCK 0 CLAIM {minIdleMs} STREAMS s >");
        Assert.Equal(retryMs, _driver.Client.Wait!.RetryMs);
    }

    [Fact]
    public void The_order_by_time_is_kept_through_all_that_happens_to_pending_entries()
    {
        _driver.Run("XREADGROUP GROUP g c CLAIM 5000 STREAMS s >"); // the order is kept from here on
        _driver.Run("COPY s copy");
        _driver.Run("XCLAIM s g b 0 3-0 IDLE 2000");
        _driver.Run("XACK s g 1-0");
        _driver.Run("XREADGROUP GROUP g b STREAMS s 2-0");
        _driver.NowMs += 50;
        Assert.Equal("[[s [[2-0 [f v2] 950 1] [4-0 [f v4] 50 1] [5-0 [f v5] 50 1] [3-0 [f v3] 50 3]]]]",
            _driver.Say("XREADGROUP GROUP g z CLAIM 50 STREAMS s >"));
        _driver.Run("XGROUP DELCONSUMER s g z");
        Assert.Equal("(nil)", _driver.Say("XREADGROUP GROUP g z CLAIM 0 STREAMS s >"));
        Assert.Equal("[[copy [[2-0 [f v2] 950 1] [1-0 [f v1] 550 2] [3-0 [f v3] 150 1]]]]",
            _driver.Say("XREADGROUP GROUP g z COUNT 3 CLAIM 50 STREAMS copy >"));
        _driver.Run("FLUSHALL SYNC");
        Assert.Equal(0, _driver.Keyspace.UsedBytes);
    }

    private void PlantDelivery(long deliveredMs)
    {
        var name = "s"u8;
        var key = new Key(0, _driver.Keyspace.HashOf(name), name);
        Assert.True(_driver.Unit.TryBegin(1, _driver.NowMs, patient: true, out _));
        var group = StreamValue.Log(_driver.Unit.Find(key, Access.Peek)).Groups.Find("g"u8);
        group.Deliver(new StreamId(1, 0), group.FindConsumer("a"u8), deliveredMs, 2);
        _driver.Unit.End();
    }
}
