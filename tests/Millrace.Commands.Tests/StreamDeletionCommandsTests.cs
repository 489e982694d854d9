using Millrace.Commands.Tests.Driver;
using Millrace.Engine;
using Millrace.Engine.Values;

namespace Millrace.Commands.Tests;

/// <summary>Deleting entries with regard to groups (redis.io/commands: xdelex, xackdel, xadd, xtrim). The stream
/// <c>s</c> has the entries 1-0 to 6-0. The group <c>g</c> has read up to 4-0 and has 2-0 and 4-0 pending, <c>h</c> has
/// read up to 3-0 and has 2-0 pending.</summary>
public sealed class StreamDeletionCommandsTests : IDisposable
{
    private const string WrongType = "WRONGTYPE Operation against a key holding the wrong kind of value";
    private const string Syntax = "ERR syntax error";

    private readonly CommandDriver _driver = new();

    public StreamDeletionCommandsTests()
    {
        for (var i = 1; i <= 6; i++) _driver.Run($"XADD s {i}-0 f v{i}");
        _driver.Run("XGROUP CREATE s g 0");
        _driver.Run("XGROUP CREATE s h 0");
        _driver.Run("XREADGROUP GROUP g a COUNT 4 STREAMS s >");
        _driver.Run("XREADGROUP GROUP h b COUNT 3 STREAMS s >");
        _driver.Run("XACK s g 1-0 3-0");
        _driver.Run("XACK s h 1-0 3-0");
        _driver.Run("XADD alone 1-0 f v");
        _driver.Run("SET t x");
    }

    public void Dispose() => _driver.Dispose();

    [Theory]
    [InlineData("XDELEX s IDS 2 2-0 9-0", "[1 -1]", "1-0 3-0 4-0 5-0 6-0", "2-0 4-0", "2-0")]
    [InlineData("XDELEX s KEEPREF IDS 1 2-0", "[1]", "1-0 3-0 4-0 5-0 6-0", "2-0 4-0", "2-0")]
    [InlineData("XDELEX s DELREF IDS 2 2-0 5-0", "[1 1]", "1-0 3-0 4-0 6-0", "4-0", "")]
    [InlineData("XDELEX s ACKED IDS 6 1-0 2-0 3-0 4-0 5-0 1-0", "[1 2 1 2 2 -1]", "2-0 4-0 5-0 6-0", "2-0 4-0", "2-0")]
    [InlineData("XDELEX s IDS 1 1-0 ACKED", "[1]", "2-0 3-0 4-0 5-0 6-0", "2-0 4-0", "2-0")]
    [InlineData("XACKDEL s g IDS 2 2-0 3-0", "[1 -1]", "1-0 3-0 4-0 5-0 6-0", "4-0", "2-0")]
    [InlineData("XACKDEL s g DELREF IDS 1 2-0", "[1]", "1-0 3-0 4-0 5-0 6-0", "4-0", "")]
    [InlineData("XACKDEL s g ACKED IDS 3 2-0 4-0 5-0", "[2 2 -1]", "1-0 2-0 3-0 4-0 5-0 6-0", "", "2-0")]
    [InlineData("XACKDEL s z IDS 1 2-0", "[-1]", "1-0 2-0 3-0 4-0 5-0 6-0", "2-0 4-0", "2-0")]
    [InlineData("XTRIM s MAXLEN 3", "3", "4-0 5-0 6-0", "2-0 4-0", "2-0")]
    [InlineData("XTRIM s MAXLEN 3 DELREF", "3", "4-0 5-0 6-0", "4-0", "")]
    [InlineData("XTRIM s MAXLEN 0 ACKED", "2", "2-0 4-0 5-0 6-0", "2-0 4-0", "2-0")]
    [InlineData("XTRIM s ACKED MAXLEN = 5", "1", "2-0 3-0 4-0 5-0 6-0", "2-0 4-0", "2-0")]
    [InlineData("XTRIM s MINID 3 ACKED", "1", "2-0 3-0 4-0 5-0 6-0", "2-0 4-0", "2-0")]
    [InlineData("XTRIM s MINID ~ 9 DELREF", "6", "", "", "")]
    [InlineData("XTRIM s MAXLEN ~ 0 LIMIT 1 ACKED", "1", "2-0 3-0 4-0 5-0 6-0", "2-0 4-0", "2-0")]
    [InlineData("XADD s ACKED MAXLEN 2 7-0 f v", "7-0", "2-0 4-0 5-0 6-0 7-0", "2-0 4-0", "2-0")]
    [InlineData("XADD s MAXLEN 2 DELREF 7-0 f v", "7-0", "6-0 7-0", "", "")]
    [InlineData("XADD s DELREF 7-0 f v", "7-0", "1-0 2-0 3-0 4-0 5-0 6-0 7-0", "2-0 4-0", "2-0")]
    public void Entries_and_references_go_as_the_policy_says(
        string request, string reply, string entries, string pendingOfG, string pendingOfH)
    {
        Assert.Equal(reply, _driver.Say(request));
        Assert.Equal(entries, Ids("XRANGE", "s", "-", "+"));
        Assert.Equal(pendingOfG, Ids("XPENDING", "s", "g", "-", "+", "10"));
        Assert.Equal(pendingOfH, Ids("XPENDING", "s", "h", "-", "+", "10"));
    }

    [Theory]
    [InlineData("XDELEX alone ACKED IDS 1 1-0", "[2]")]
    [InlineData("XDELEX alone DELREF IDS 1 1-0", "[1]")]
    [InlineData("XTRIM alone MAXLEN 0 ACKED", "1")]
    [InlineData("XDELEX n IDS 2 1-0 2-0", "[-1 -1]")]
    [InlineData("XACKDEL n g DELREF IDS 2 1-0 2-0", "[-1 -1]")]
    [InlineData("XDELEX t IDS 1 1-0", WrongType)]
    [InlineData("XACKDEL t g IDS 1 1-0", WrongType)]
    [InlineData("XDELEX s DELREF ACKED IDS 1 1-0", Syntax)]
    [InlineData("XDELEX s IDS 1 1-0 IDS 1 1-0", Syntax)]
    [InlineData("XDELEX s IDS 1 1-0 2-0", Syntax)]
    [InlineData("XDELEX s KEEPREF KEEPREF KEEPREF", Syntax)]
    [InlineData("XDELEX s 1-0 2-0 3-0", Syntax)]
    [InlineData("XDELEX s ACKED KEEPREF IDS", Syntax)]
    [InlineData("XDELEX s IDS x 1-0", "ERR value is not an integer or out of range")]
    [InlineData("XDELEX s IDS 0 1-0", "ERR The IDs argument must be a positive integer")]
    [InlineData("XDELEX s IDS -1 1-0", "ERR The IDs argument must be a positive integer")]
    [InlineData("XDELEX s IDS 9223372036854775807 1-0",
        "ERR The `numids` parameter must match the number of arguments")]
    [InlineData("XDELEX s IDS 2 1-0", "ERR The `numids` parameter must match the number of arguments")]
    [InlineData("XDELEX s IDS 1 x", "ERR Invalid stream ID specified as stream command argument")]
    [InlineData("XACKDEL s g IDS 1 x", "ERR Invalid stream ID specified as stream command argument")]
    [InlineData("XTRIM s MAXLEN 2 ACKED DELREF", Syntax)]
    [InlineData("XTRIM s ACKED KEEPREF", Syntax)]
    public void Requests_that_delete_nothing_or_are_wrong_are_told(string request, string reply) =>
        Assert.Equal(reply, _driver.Say(request));

    [Theory]
    [InlineData("XDELEX s ACKED IDS 2 1-0 2-0", "XDELEX s ACKED IDS 2 1-0 2-0")]
    [InlineData("XDELEX s ACKED IDS 1 2-0", "")]
    [InlineData("XDELEX s DELREF IDS 1 9-0", "")]
    [InlineData("XACKDEL s g ACKED IDS 1 2-0", "XACKDEL s g ACKED IDS 1 2-0")]
    [InlineData("XTRIM s MAXLEN 3 DELREF", "XTRIM s MAXLEN 3 DELREF")]
    [InlineData("XTRIM s MAXLEN ~ 0 LIMIT 1 ACKED", "XTRIM s MAXLEN = 5 ACKED")]
    [InlineData("XTRIM s MINID ~ 9 ACKED", "XTRIM s MAXLEN = 4 ACKED")]
    [InlineData("XTRIM s DELREF MINID ~ 9", "XTRIM s MINID = 18446744073709551615-18446744073709551615 DELREF")]
    [InlineData("XADD s ACKED MAXLEN 2 * f v", "XADD s MAXLEN = 2 ACKED 1700000000000-0 f v")]
    [InlineData("XADD s DELREF * f v", "XADD s 1700000000000-0 f v")]
    public void A_change_is_recorded_as_what_it_did(string request, string effects)
    {
        _driver.Run(request);
        Assert.Equal(effects, string.Join(',', _driver.Effects));
    }

    [Fact]
    public void References_to_entries_that_are_gone_can_be_removed()
    {
        _driver.Run("XDEL s 2-0 4-0");
        Assert.Equal("[-1 -1]", _driver.Say("XDELEX s DELREF IDS 2 2-0 9-0"));
        Assert.Equal("4-0", Ids("XPENDING", "s", "g", "-", "+", "10"));
        Assert.Equal("", Ids("XPENDING", "s", "h", "-", "+", "10"));
        Assert.Equal("[-1]", _driver.Say("XACKDEL s h DELREF IDS 1 4-0"));
        Assert.Equal("", Ids("XPENDING", "s", "g", "-", "+", "10"));
    }

    [Fact]
    public void An_entry_that_is_gone_is_acknowledged_all_the_same()
    {
        _driver.Run("XDEL s 2-0");
        Assert.Equal("[1]", _driver.Say("XACKDEL s g ACKED IDS 1 2-0"));
        Assert.Equal("4-0", Ids("XPENDING", "s", "g", "-", "+", "10"));
    }

    [Fact]
    public void The_last_group_to_acknowledge_deletes()
    {
        Assert.Equal("[2]", _driver.Say("XACKDEL s g ACKED IDS 1 2-0"));
        Assert.Equal("[1]", _driver.Say("XACKDEL s h ACKED IDS 1 2-0"));
        Assert.Equal("1-0 3-0 4-0 5-0 6-0", Ids("XRANGE", "s", "-", "+"));
    }

    [Fact]
    public void Changes_are_counted()
    {
        _driver.Run("XDELEX s DELREF IDS 2 2-0 9-0");
        Assert.Equal(3, _driver.Dirty);
        _driver.Run("XACKDEL s g KEEPREF IDS 2 4-0 5-0");
        Assert.Equal(2, _driver.Dirty);
        _driver.Run("XDELEX s ACKED IDS 2 5-0 6-0");
        Assert.Equal(0, _driver.Dirty);
    }

    [Fact]
    public void Trimming_goes_on_behind_entries_that_stay_over_many_nodes()
    {
        _driver.Keyspace.Encodings = new EncodingLimits { StreamNodes = new StreamNodeLimits(4096, 5) };
        for (var i = 1; i <= 40; i++) _driver.Run($"XADD n {i}-0 f v");
        _driver.Run("XGROUP CREATE n g 0");
        _driver.Run("XREADGROUP GROUP g a COUNT 30 STREAMS n >");
        for (var i = 1; i <= 30; i++)
        {
            if (i is not (3 or 17 or 18)) _driver.Run($"XACK n g {i}-0");
        }

        Assert.Equal("17", _driver.Say("XTRIM n MAXLEN 23 ACKED"));
        Assert.Equal("3-0 17-0 18-0 21-0", Ids("XRANGE", "n", "-", "+", "COUNT", "4"));
        Assert.Equal("10", _driver.Say("XTRIM n MAXLEN ~ 0 ACKED"));
        Assert.Equal("3-0 17-0 18-0 31-0", Ids("XRANGE", "n", "-", "+", "COUNT", "4"));
        Assert.Contains("recorded-first-entry-id 3-0", _driver.Say("XINFO STREAM n"), StringComparison.Ordinal);
        Assert.Equal("13", _driver.Say("XTRIM n MINID ~ 99 DELREF"));
        Assert.Equal("[0 (nil) (nil) (nil)]", _driver.Say("XPENDING n g"));
    }

    private string Ids(params ReadOnlySpan<string> request) =>
        string.Join(' ', _driver.Value(request).Items.Select(entry => CommandDriver.Render(entry.Items[0])));
}
