using Millrace.Commands.Tests.Driver;
using Millrace.Engine;

namespace Millrace.Commands.Tests;

public sealed class KeyCommandsTests : IDisposable
{
    private readonly CommandDriver _driver = new(partitions: 8);

    public void Dispose() => _driver.Dispose();

    [Fact]
    public void Del_unlink_exists_and_touch_count_what_is_there()
    {
        _driver.Run("MSET a 1 b 2 c 3");
        Assert.Equal("3", _driver.Say("EXISTS a a b none"));
        Assert.Equal("2", _driver.Say("TOUCH a b none"));
        Assert.Equal("2", _driver.Say("DEL a none b a"));
        Assert.Equal(2, _driver.Dirty);
        Assert.Equal(["DEL a none b a"], _driver.Effects);
        Assert.Equal("0", _driver.Say("DEL a b"));
        Assert.Empty(_driver.Effects);
        Assert.Equal("1", _driver.Say("UNLINK c"));
        Assert.Equal("0", _driver.Say("DBSIZE"));
    }

    [Theory]
    [InlineData("COPY a a", "ERR source and destination objects are the same")]
    [InlineData("COPY none none", "ERR source and destination objects are the same")]
    [InlineData("COPY a b DB", "ERR syntax error")]
    [InlineData("COPY a b DB x", "ERR value is not an integer or out of range")]
    [InlineData("COPY a b DB 99", "ERR DB index is out of range")]
    [InlineData("COPY a b DB -1", "ERR DB index is out of range")]
    [InlineData("COPY a b DB 4294967296", "ERR value is out of range, value must between -2147483648 and 2147483647")]
    [InlineData("COPY a b REPLACED", "ERR syntax error")]
    [InlineData("COPY none b", "0")]
    [InlineData("MOVE a 0", "ERR source and destination objects are the same")]
    [InlineData("MOVE a x", "ERR value is not an integer or out of range")]
    [InlineData("MOVE a 16", "ERR DB index is out of range")]
    [InlineData("MOVE none 1", "0")]
    [InlineData("RENAME none none", "ERR no such key")]
    [InlineData("RENAMENX none a", "ERR no such key")]
    [InlineData("RENAME a a", "OK")]
    [InlineData("RENAMENX a a", "0")]
    [InlineData("OBJECT ENCODING none", "(nil)")]
    [InlineData("OBJECT FREQ none", "(nil)")]
    [InlineData("OBJECT IDLETIME none", "(nil)")]
    [InlineData("OBJECT REFCOUNT none", "(nil)")]
    [InlineData("OBJECT REFCOUNT a", "2147483647")]
    [InlineData("TYPE none", "none")]
    [InlineData("TYPE a", "string")]
    public void Corner_cases_that_change_nothing(string request, string expected)
    {
        _driver.Run("SET a 1");
        Assert.Equal(expected, _driver.Say(request));
        Assert.Equal(0, _driver.Dirty);
        Assert.Equal("1", _driver.Say("GET a"));
        Assert.Equal("1", _driver.Say("DBSIZE"));
    }

    [Theory]
    [InlineData("5")]
    [InlineData("a text")]
    [InlineData("BLOB")]
    public void Rename_takes_value_and_deadline_along_and_replaces(string value)
    {
        if (value == "BLOB") value = new string('b', 100_000);
        for (var i = 0; i < 20; i++)
        {
            _driver.RunWords("SET", "from" + i, value, "EX", "100");
            _driver.RunWords("SET", "to" + i, "old", "EX", "5");
            Assert.Equal("OK", _driver.Say($"RENAME from{i} to{i}"));
            Assert.Equal(1, _driver.Dirty);
            Assert.Equal([$"RENAME from{i} to{i}"], _driver.Effects);
            Assert.Equal(value, _driver.Say($"GET to{i}"));
            Assert.Equal("100", _driver.Say($"TTL to{i}"));
            Assert.Equal("0", _driver.Say($"EXISTS from{i}"));
        }
    }

    [Fact]
    public void RenameNx_leaves_what_is_there()
    {
        _driver.Run("MSET a 1 b 2");
        Assert.Equal("0", _driver.Say("RENAMENX a b"));
        Assert.Equal("1", _driver.Say("RENAMENX a c"));
        Assert.Equal("[(nil) 2 1]", _driver.Say("MGET a b c"));
    }

    [Fact]
    public void Copies_are_independent()
    {
        var value = new string('x', 50_000);
        _driver.RunWords("SET", "a", value, "PX", "77");
        Assert.Equal("1", _driver.Say("COPY a b"));
        Assert.Equal("0", _driver.Say("COPY a b"));
        Assert.Equal("1", _driver.Say("COPY a b REPLACE"));
        Assert.Equal("1", _driver.Say("COPY a a DB 3"));
        _driver.Run("APPEND a !");
        Assert.Equal(value, _driver.Say("GET b"));
        Assert.Equal("77", _driver.Say("PTTL b"));
        _driver.Client.Database = 3;
        Assert.Equal(value, _driver.Say("GET a"));
        Assert.Equal("77", _driver.Say("PTTL a"));
    }

    [Fact]
    public void Move_takes_value_and_deadline_to_another_database()
    {
        _driver.Run("SET a 1 EX 100");
        Assert.Equal("1", _driver.Say("MOVE a 9"));
        Assert.Equal("-2", _driver.Say("TTL a"));
        _driver.Run("SET a 2");
        Assert.Equal("0", _driver.Say("MOVE a 9"));
        _driver.Client.Database = 9;
        Assert.Equal("1", _driver.Say("GET a"));
        Assert.Equal("100", _driver.Say("TTL a"));
    }

    [Fact]
    public void Object_tells_how_a_key_is_used()
    {
        _driver.Run("SET a 10000");
        Assert.Equal("1", _driver.Say("OBJECT REFCOUNT a"));
        _driver.NowMs += 7_000;
        Assert.Equal("7", _driver.Say("OBJECT IDLETIME a"));
        _driver.Run("TTL a");
        _driver.Run("EXISTS a");
        _driver.Run("TYPE a");
        Assert.Equal("7", _driver.Say("OBJECT IDLETIME a"));
        _driver.Client.NoTouch = true;
        _driver.Run("GET a");
        _driver.Run("GETEX a");
        Assert.Equal("7", _driver.Say("OBJECT IDLETIME a"));
        _driver.Run("TOUCH a");
        Assert.Equal("0", _driver.Say("OBJECT IDLETIME a"));
        Assert.StartsWith("-ERR An LFU maxmemory policy is not selected,", _driver.Run("OBJECT FREQ a"));
        Assert.Equal(15, _driver.Value("OBJECT", "HELP").Items.Count);
    }

    [Fact]
    public void Object_freq_counts_uses_under_an_lfu_policy()
    {
        _driver.Keyspace.AccessClock = new AccessClock(countsFrequency: true);
        _driver.Run("SET a v");
        Assert.Equal("5", _driver.Say("OBJECT FREQ a"));
        for (var i = 0; i < 50; i++) _driver.Run("GET a");
        var used = int.Parse(_driver.Say("OBJECT FREQ a"));
        Assert.InRange(used, 6, 20);
        _driver.Run("SET a w");
        Assert.InRange(int.Parse(_driver.Say("OBJECT FREQ a")), used, used + 1);
        used = int.Parse(_driver.Say("OBJECT FREQ a"));
        _driver.NowMs += 3 * 60_000;
        Assert.Equal(used - 3, int.Parse(_driver.Say("OBJECT FREQ a")));
        Assert.StartsWith("-ERR An LFU maxmemory policy is selected,", _driver.Run("OBJECT IDLETIME a"));
    }
}
