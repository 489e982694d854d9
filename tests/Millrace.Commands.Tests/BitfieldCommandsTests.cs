using Millrace.Commands.Tests.Driver;

namespace Millrace.Commands.Tests;

/// <summary>BITFIELD and BITFIELD_RO.</summary>
public sealed class BitfieldCommandsTests : IDisposable
{
    private const string WrongType = "WRONGTYPE Operation against a key holding the wrong kind of value";
    private const string NotAnInteger = "ERR value is not an integer or out of range";
    private const string BadOffset = "ERR bit offset is not an integer or out of range";
    private const string BadType =
        "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.";

    private readonly CommandDriver _driver = new();

    public BitfieldCommandsTests()
    {
        _driver.PlantList("list");
        _driver.Run("SET text abcdefgh");
        _driver.Run("SET number 12");
    }

    public void Dispose() => _driver.Dispose();

    [Theory]
    [InlineData("GET u8 0", "[97]")]
    [InlineData("GET u8 #1", "[98]")]
    [InlineData("GET i8 4", "[22]")]
    [InlineData("GET i1 1 GET u1 1 GET i1 0", "[-1 1 0]")]
    [InlineData("GET i64 0", "[7017280452245743464]")]
    [InlineData("GET u63 1", "[7017280452245743464]")]
    [InlineData("GET i64 1", "[-4412183169218064688]")]
    [InlineData("GET u16 56", "[26624]")] // half of it behind the end
    [InlineData("GET u8 64", "[0]")]
    [InlineData("GET u8 4294967295", "[0]")]
    [InlineData("OVERFLOW SAT", "[]")]
    [InlineData("OVERFLOW SAT GET u8 0 OVERFLOW FAIL", "[97]")]
    public void Reading_changes_nothing(string steps, string reply)
    {
        Assert.Equal(reply, _driver.Say("BITFIELD text " + steps));
        Assert.Equal(0, _driver.Dirty);
        Assert.Empty(_driver.Effects);
        Assert.Equal(reply, _driver.Say("BITFIELD_RO text " + steps));
        Assert.Equal("embstr", _driver.Say("OBJECT ENCODING text"));
    }

    [Theory]
    [InlineData("GET", "ERR syntax error")]
    [InlineData("GET u8", "ERR syntax error")]
    [InlineData("SET u8 0", "ERR syntax error")]
    [InlineData("INCRBY u8 0", "ERR syntax error")]
    [InlineData("OVERFLOW", "ERR syntax error")]
    [InlineData("NOTHING", "ERR syntax error")]
    [InlineData("SET u8 0 1 GET u8", "ERR syntax error")]
    [InlineData("OVERFLOW NONE GET u8 0", "ERR Invalid OVERFLOW type specified")]
    [InlineData("GET u64 0", BadType)]
    [InlineData("GET i65 0", BadType)]
    [InlineData("GET u0 0", BadType)]
    [InlineData("GET i-8 0", BadType)]
    [InlineData("GET 8 0", BadType)]
    [InlineData("GET I8 0", BadType)]
    [InlineData("GET u 0", BadType)]
    [InlineData("GET u08 0", BadType)]
    [InlineData("GET u8x 0", BadType)]
    [InlineData("GET i99999999999999999999 0", BadType)]
    [InlineData("GET u8 -1", BadOffset)]
    [InlineData("GET u8 x", BadOffset)]
    [InlineData("GET u8 #", BadOffset)]
    [InlineData("GET u8 ##1", BadOffset)]
    [InlineData("GET u8 #-1", BadOffset)]
    [InlineData("GET u8 #536870912", BadOffset)]
    [InlineData("GET u8 4294967296", BadOffset)]
    [InlineData("GET i64 #9223372036854775807", BadOffset)]
    [InlineData("GET u32 #576460752303423488", BadOffset)]
    [InlineData("SET u8 0 x", NotAnInteger)]
    [InlineData("SET u8 0 1 INCRBY u8 0 9223372036854775808", NotAnInteger)]
    public void Bad_arguments_are_refused_before_anything_is_done(string steps, string reply)
    {
        Assert.Equal(reply, _driver.Say("BITFIELD text " + steps));
        Assert.Equal(reply, _driver.Say("BITFIELD list " + steps));
        Assert.Equal(0, _driver.Dirty);
        Assert.Equal("abcdefgh", _driver.Say("GET text"));
        Assert.Equal(reply, _driver.Say("BITFIELD_RO none " + steps));
    }

    [Fact]
    public void A_type_ends_at_a_NUL_as_in_Redis()
    {
        Assert.Equal("[97]", CommandDriver.Render(_driver.RunWords("BITFIELD", "text", "GET", "u8\0x", "0")));
        Assert.Equal(BadType, CommandDriver.Render(_driver.RunWords("BITFIELD", "text", "GET", "", "0")));
    }

    [Fact]
    public void Bitfield_RO_only_reads()
    {
        const string refused = "ERR BITFIELD_RO only supports the GET subcommand";
        Assert.Equal(refused, _driver.Say("BITFIELD_RO text GET u8 0 SET u8 0 1"));
        Assert.Equal(refused, _driver.Say("BITFIELD_RO none INCRBY u8 0 1"));
        Assert.Equal(refused, _driver.Say("BITFIELD_RO list SET u8 0 1"));
        Assert.Equal(WrongType, _driver.Say("BITFIELD_RO list GET u8 0"));
        Assert.Equal("[0 0]", _driver.Say("BITFIELD_RO none GET u8 0 GET i64 #5"));
        Assert.Equal("[]", _driver.Say("BITFIELD_RO none"));
    }

    [Theory]
    [InlineData("BITFIELD none", "[]", 0)]
    [InlineData("BITFIELD list", WrongType, 0)]
    [InlineData("BITFIELD list SET u8 0 1", WrongType, 0)]
    [InlineData("BITFIELD none GET i8 0", "[0]", 0)]
    [InlineData("BITFIELD text SET u8 0 98 SET u8 8 97 GET u8 0", "[97 98 98]", 2)]
    [InlineData("BITFIELD text SET u8 0 97 INCRBY u8 8 0", "[97 98]", 0)]
    [InlineData("BITFIELD text SET u8 64 0", "[0]", 1)]
    [InlineData("BITFIELD none SET u8 0 0 SET u8 8 0", "[0 0]", 2)]
    [InlineData("BITFIELD text OVERFLOW FAIL SET u4 0 16", "[(nil)]", 0)]
    [InlineData("BITFIELD text OVERFLOW FAIL SET u4 64 16", "[(nil)]", 1)]
    [InlineData("BITFIELD number INCRBY u8 0 1", "[50]", 1)]
    public void Each_field_that_changes_is_a_change(string request, string reply, int changes)
    {
        Assert.Equal(reply, _driver.Say(request));
        Assert.Equal(changes, _driver.Dirty);
        Assert.Equal(changes == 0 ? [] : [request], _driver.Effects);
    }

    [Theory]
    // SET
    [InlineData("SET i8 0 127", "[0]", "127")]
    [InlineData("SET i8 0 128", "[0]", "-128")]
    [InlineData("SET i8 0 -129", "[0]", "127")]
    [InlineData("OVERFLOW SAT SET i8 0 1000", "[0]", "127")]
    [InlineData("OVERFLOW SAT SET i8 0 -1000", "[0]", "-128")]
    [InlineData("SET u8 0 257", "[0]", "1")]
    [InlineData("SET u8 0 -1", "[0]", "255")]
    [InlineData("OVERFLOW SAT SET u8 0 -1", "[0]", "255")]
    [InlineData("OVERFLOW FAIL SET u8 0 -1", "[(nil)]", "0")]
    [InlineData("OVERFLOW SAT SET u63 0 -1", "[0]", "9223372036854775807")]
    [InlineData("SET u63 0 -9223372036854775808", "[0]", "0")]
    [InlineData("SET i64 0 -9223372036854775808", "[0]", "-9223372036854775808")]
    [InlineData("SET i1 0 1", "[0]", "-1")]
    [InlineData("OVERFLOW SAT SET i1 0 1", "[0]", "0")]
    // INCRBY
    [InlineData("SET i8 0 127 INCRBY i8 0 1", "[0 -128]", "-128")]
    [InlineData("SET i8 0 -128 INCRBY i8 0 -1", "[0 127]", "127")]
    [InlineData("OVERFLOW SAT SET i8 0 100 INCRBY i8 0 9223372036854775807", "[0 127]", "127")]
    [InlineData("OVERFLOW SAT SET i8 0 100 INCRBY i8 0 -9223372036854775808", "[0 -128]", "-128")]
    [InlineData("OVERFLOW FAIL SET i8 0 100 INCRBY i8 0 28", "[0 (nil)]", "100")]
    [InlineData("OVERFLOW FAIL SET i8 0 100 INCRBY i8 0 27", "[0 127]", "127")]
    [InlineData("SET u8 0 255 INCRBY u8 0 1", "[0 0]", "0")]
    [InlineData("INCRBY u8 0 -1", "[255]", "255")]
    [InlineData("OVERFLOW SAT INCRBY u8 0 -1", "[0]", "0")]
    [InlineData("OVERFLOW SAT SET u8 0 200 INCRBY u8 0 100", "[0 255]", "255")]
    [InlineData("SET i64 0 9223372036854775807 INCRBY i64 0 1",
        "[0 -9223372036854775808]", "-9223372036854775808")]
    [InlineData("OVERFLOW SAT SET i64 0 9223372036854775807 INCRBY i64 0 1",
        "[0 9223372036854775807]", "9223372036854775807")]
    [InlineData("OVERFLOW FAIL SET i64 0 -2 INCRBY i64 0 -9223372036854775808", "[0 (nil)]", "-2")]
    [InlineData("SET u63 0 9223372036854775807 INCRBY u63 0 2", "[0 1]", "1")]
    [InlineData("OVERFLOW SAT SET u63 0 9223372036854775807 INCRBY u63 0 2",
        "[0 9223372036854775807]", "9223372036854775807")]
    public void What_does_not_fit_wraps_or_saturates_or_fails(string steps, string reply, string stored)
    {
        Assert.Equal(reply, _driver.Say("BITFIELD key " + steps));
        var type = steps.Split(' ').First(word => word is [('i' or 'u'), >= '0' and <= '9', ..]);
        Assert.Equal($"[{stored}]", _driver.Say($"BITFIELD key GET {type} 0"));
    }

    [Fact]
    public void Overflow_holds_for_the_steps_behind_it()
    {
        Assert.Equal(
            "[0 0 (nil) 3 0]",
            _driver.Say("BITFIELD key SET u2 0 3 SET u3 8 12 OVERFLOW FAIL INCRBY u2 0 1 OVERFLOW SAT INCRBY u2 0 1 "
                + "OVERFLOW WRAP INCRBY u2 0 1"));
    }

    [Fact]
    public void Null_is_that_of_the_protocol()
    {
        Assert.Equal("*1\r\n$-1\r\n", _driver.Run("BITFIELD key OVERFLOW FAIL SET u1 0 2"));
        _driver.Protocol = 3;
        Assert.Equal("*1\r\n_\r\n", _driver.Run("BITFIELD key OVERFLOW FAIL SET u1 0 2"));
    }

    [Fact]
    public void A_string_that_has_only_grown_counts_as_changed()
    {
        Assert.Equal("[(nil)]", _driver.Say("BITFIELD key OVERFLOW FAIL SET u1 20 2"));
        Assert.Equal(1, _driver.Dirty);
        Assert.Equal("3", _driver.Say("STRLEN key"));
    }

    [Fact]
    public void Fields_cross_bytes_and_the_end_of_small_and_large_strings()
    {
        foreach (var start in (int[])[0, 250_000, 262_100, 300_000])
        {
            Assert.Equal("[0]", _driver.Say($"BITFIELD key SET i64 {start + 3} -2"));
            Assert.Equal("[-2]", _driver.Say($"BITFIELD key GET i64 {start + 3}"));
            Assert.Equal("63", _driver.Say("BITCOUNT key"));
            Assert.Equal("[-2]", _driver.Say($"BITFIELD key SET i64 {start + 3} 0"));
        }
    }
}
