using Millrace.Commands.Tests.Driver;

namespace Millrace.Commands.Tests;

public sealed class ExpiryCommandsTests : IDisposable
{
    private readonly CommandDriver _driver = new();

    public void Dispose() => _driver.Dispose();

    [Fact]
    public void Deadlines_are_set_asked_for_and_taken_away()
    {
        Assert.Equal("0", _driver.Say("EXPIRE k 10"));
        Assert.Equal("-2", _driver.Say("TTL k"));
        Assert.Equal("-2", _driver.Say("PEXPIRETIME k"));
        _driver.Run("SET k v");
        Assert.Equal("-1", _driver.Say("PTTL k"));
        Assert.Equal("-1", _driver.Say("EXPIRETIME k"));
        Assert.Equal("1", _driver.Say("EXPIRE k 10"));
        Assert.Equal([$"PEXPIREAT k {_driver.NowMs + 10_000}"], _driver.Effects);
        Assert.Equal(1, _driver.Dirty);
        Assert.Equal("10000", _driver.Say("PTTL k"));
        Assert.Equal($"{_driver.NowMs + 10_000}", _driver.Say("PEXPIRETIME k"));
        Assert.Equal($"{(_driver.NowMs / 1000) + 10}", _driver.Say("EXPIRETIME k"));
        Assert.Equal("1", _driver.Say("PEXPIRE k 1499"));
        Assert.Equal("1", _driver.Say("TTL k"));
        Assert.Equal("1", _driver.Say("PEXPIRE k 1500"));
        Assert.Equal("2", _driver.Say("TTL k"));
        Assert.Equal("1", _driver.Say("PERSIST k"));
        Assert.Equal("0", _driver.Say("PERSIST k"));
        Assert.Equal("0", _driver.Say("PERSIST none"));
        Assert.Equal("v", _driver.Say("GET k"));
    }

    [Theory]
    [InlineData("EXPIRE k x", "ERR value is not an integer or out of range")]
    [InlineData("EXPIRE k 10 foo", "ERR Unsupported option foo")]
    [InlineData("EXPIRE k x foo", "ERR Unsupported option foo")]
    [InlineData("EXPIRE k 10 NX GT", "ERR NX and XX, GT or LT options at the same time are not compatible")]
    [InlineData("EXPIRE k 10 GT LT", "ERR GT and LT options at the same time are not compatible")]
    [InlineData("EXPIRE k 9223372036854775807", "ERR invalid expire time in 'expire' command")]
    [InlineData("EXPIRE k -9223372036854776", "ERR invalid expire time in 'expire' command")]
    [InlineData("PEXPIRE k 9223372036854775807", "ERR invalid expire time in 'pexpire' command")]
    [InlineData("EXPIREAT k 9223372036854775807", "ERR invalid expire time in 'expireat' command")]
    [InlineData("EXPIRE none 9223372036854775807", "ERR invalid expire time in 'expire' command")]
    [InlineData("EXPIRE k 10 XX GT", "0")]
    public void Wrong_times_and_options(string request, string expected)
    {
        _driver.Run("SET k v");
        Assert.Equal(expected, _driver.Say(request));
        Assert.Equal("-1", _driver.Say("TTL k"));
    }

    [Theory]
    [InlineData(null, "NX", 200, true)]
    [InlineData(null, "XX", 200, false)]
    [InlineData(null, "GT", 200, false)]
    [InlineData(null, "LT", 200, true)]
    [InlineData(null, "XX LT", 200, false)]
    [InlineData(100, "NX", 200, false)]
    [InlineData(100, "XX", 200, true)]
    [InlineData(100, "GT", 200, true)]
    [InlineData(100, "GT", 100, false)]
    [InlineData(100, "LT", 200, false)]
    [InlineData(100, "LT", 100, false)]
    [InlineData(100, "XX LT", 50, true)]
    public void Conditions_look_at_the_deadline_before(int? before, string conditions, int seconds, bool isSet)
    {
        _driver.Run("SET k v");
        if (before is not null) _driver.Run($"EXPIRE k {before}");
        Assert.Equal(isSet ? "1" : "0", _driver.Say($"EXPIRE k {seconds} {conditions}"));
        Assert.Equal(isSet ? seconds : before ?? -1, int.Parse(_driver.Say("TTL k")));
    }

    [Theory]
    [InlineData("EXPIRE k -1")]
    [InlineData("EXPIRE k 0")]
    [InlineData("PEXPIREAT k -9223372036854775808")]
    [InlineData("EXPIREAT k 1 LT")]
    public void A_time_in_the_past_deletes(string request)
    {
        _driver.Run("SET k v");
        Assert.Equal("1", _driver.Say(request));
        Assert.Equal(["UNLINK k"], _driver.Effects);
        Assert.Equal("0", _driver.Say("DBSIZE"));
    }

    [Fact]
    public void The_last_point_in_time_can_be_a_deadline()
    {
        _driver.Run("SET k v");
        Assert.Equal("1", _driver.Say("PEXPIREAT k 9223372036854775807"));
        Assert.Equal("9223372036854775807", _driver.Say("PEXPIRETIME k"));
        Assert.Equal("9223372036854776", _driver.Say("EXPIRETIME k"));
    }

    [Theory]
    [InlineData("GET k", "(nil)")]
    [InlineData("MGET k", "[(nil)]")]
    [InlineData("EXISTS k", "0")]
    [InlineData("DEL k", "0")]
    [InlineData("TTL k", "-2")]
    [InlineData("TYPE k", "none")]
    [InlineData("EXPIRE k 10", "0")]
    [InlineData("PERSIST k", "0")]
    [InlineData("RENAME k other", "ERR no such key")]
    [InlineData("COPY k other", "0")]
    [InlineData("MOVE k 1", "0")]
    [InlineData("STRLEN k", "0")]
    [InlineData("GETDEL k", "(nil)")]
    [InlineData("OBJECT ENCODING k", "(nil)")]
    [InlineData("SET k w XX", "(nil)")]
    [InlineData("SCAN 0", "[0 []]")]
    [InlineData("RANDOMKEY", "(nil)")]
    public void An_expired_key_is_missing_and_its_removal_is_an_effect(string request, string expected)
    {
        _driver.Run("SET k v PX 5");
        _driver.NowMs += 5;
        Assert.Equal("v", _driver.Say("GET k"));
        _driver.NowMs++;
        Assert.Equal("1", _driver.Say("DBSIZE"));
        Assert.Equal(expected, _driver.Say(request));
        Assert.Equal(["-k"], _driver.Effects);
        Assert.Equal("0", _driver.Say("DBSIZE"));
    }

    [Theory]
    [InlineData("INCR k", "1")]
    [InlineData("APPEND k w", "1")]
    [InlineData("SETNX k w", "1")]
    [InlineData("SETRANGE k 1 w", "2")]
    [InlineData("GETSET k w", "(nil)")]
    [InlineData("MSETNX k w", "1")]
    public void A_write_begins_anew_after_expiry(string request, string expected)
    {
        _driver.Run("SET k 41 PX 5");
        _driver.NowMs += 6;
        Assert.Equal(expected, _driver.Say(request));
        Assert.Equal("-k", _driver.Effects[0]);
        Assert.Equal("-1", _driver.Say("TTL k"));
    }

    [Fact]
    public void Keys_skips_expired_keys_and_leaves_them()
    {
        _driver.Run("MSET a 1 b 2");
        _driver.Run("PEXPIRE a 1");
        _driver.NowMs += 2;
        Assert.Equal("[b]", _driver.Say("KEYS *"));
        Assert.Equal("2", _driver.Say("DBSIZE"));
    }
}
