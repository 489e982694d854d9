using System.Globalization;
using System.Numerics;
using Millrace.Commands.Tests.Driver;

namespace Millrace.Commands.Tests;

/// <summary>INCREX as the documentation of Redis 8.8 has it.</summary>
public sealed class BoundedIncrementTests : IDisposable
{
    private const string Syntax = "ERR syntax error";
    private const string NotAnInteger = "ERR value is not an integer or out of range";
    private const string NotAFloat = "ERR value is not a valid float";
    private const string NotFinite = "ERR increment would produce NaN or Infinity";
    private const string Crossed = "ERR LBOUND can't be greater than UBOUND";
    private const string BadExpiry = "ERR invalid expire time in 'increx' command";
    private const string Least = "-9223372036854775808";
    private const string Greatest = "9223372036854775807";

    private readonly CommandDriver _driver = new();

    public void Dispose() => _driver.Dispose();

    [Theory]
    [InlineData("", "INCREX k", "[1 1]", "1")]
    [InlineData("10", "INCREX k", "[11 1]", "11")]
    [InlineData("100", "INCREX k BYINT 5", "[105 5]", "105")]
    [InlineData("100", "increx k byint -10", "[90 -10]", "90")]
    [InlineData("", "INCREX k BYINT -10", "[-10 -10]", "-10")]
    [InlineData("5", "INCREX k BYINT 0", "[5 0]", "5")]
    [InlineData("99", "INCREX k BYINT 5 UBOUND 100", "[99 0]", "99")]
    [InlineData("99", "INCREX k BYINT 5 UBOUND 100 SATURATE", "[100 1]", "100")]
    [InlineData("95", "INCREX k BYINT 5 UBOUND 100", "[100 5]", "100")]
    [InlineData("100", "INCREX k UBOUND 100 SATURATE", "[100 0]", "100")]
    [InlineData("1", "INCREX k BYINT -5 LBOUND 0", "[1 0]", "1")]
    [InlineData("1", "INCREX k SATURATE LBOUND 0 BYINT -5", "[0 -1]", "0")]
    [InlineData("5", "INCREX k BYINT -5 LBOUND 0 UBOUND 0", "[0 -5]", "0")]
    [InlineData("200", "INCREX k BYINT -5 UBOUND 100", "[200 0]", "200")]
    [InlineData("200", "INCREX k BYINT -5 UBOUND 100 SATURATE", "[100 -100]", "100")]
    [InlineData("-200", "INCREX k BYINT 5 LBOUND -100 SATURATE", "[-100 100]", "-100")]
    [InlineData("", "INCREX k LBOUND 10", "[0 0]", "")]
    [InlineData("", "INCREX k LBOUND 10 SATURATE", "[10 10]", "10")]
    [InlineData(Greatest, "INCREX k", "[" + Greatest + " 0]", Greatest)]
    [InlineData(Greatest, "INCREX k SATURATE", "[" + Greatest + " 0]", Greatest)]
    [InlineData(Greatest, "INCREX k BYINT 9 SATURATE UBOUND -7", "ERR increment or decrement would overflow", Greatest)]
    [InlineData("9223372036854775800", "INCREX k BYINT 100 SATURATE", "[" + Greatest + " 7]", Greatest)]
    [InlineData(Least, "INCREX k BYINT -1", "[" + Least + " 0]", Least)]
    [InlineData("-9223372036854775800", "INCREX k BYINT -100 SATURATE", "[" + Least + " -8]", Least)]
    [InlineData("", "INCREX k BYINT " + Least, "[" + Least + " " + Least + "]", Least)]
    [InlineData(Least, "INCREX k LBOUND 1 SATURATE", "ERR increment or decrement would overflow", Least)]
    [InlineData(Least, "INCREX k BYINT -1 SATURATE LBOUND " + Least, "[" + Least + " 0]", Least)]
    [InlineData("1.5", "INCREX k", NotAnInteger, "1.5")]
    [InlineData("text", "INCREX k", NotAnInteger, "text")]
    [InlineData("1.5", "INCREX k BYFLOAT 0.25", "[1.75 0.25]", "1.75")]
    [InlineData("", "INCREX k BYFLOAT 0.5", "[0.5 0.5]", "0.5")]
    [InlineData("3", "INCREX k BYFLOAT 1.0", "[4 1]", "4")]
    [InlineData("10", "INCREX k BYFLOAT -2.5", "[7.5 -2.5]", "7.5")]
    [InlineData("1", "INCREX k BYFLOAT 1.5 UBOUND 2.25", "[1 0]", "1")]
    [InlineData("1.50", "INCREX k BYFLOAT 1.5 UBOUND 2.25", "[1.5 0]", "1.50")]
    [InlineData("1", "INCREX k BYFLOAT 1.5 UBOUND 2.25 SATURATE", "[2.25 1.25]", "2.25")]
    [InlineData("1", "INCREX k UBOUND 2.25 SATURATE BYFLOAT 1.25", "[2.25 1.25]", "2.25")]
    [InlineData("1", "INCREX k BYFLOAT -1.5 LBOUND -0.25 SATURATE", "[-0.25 -1.25]", "-0.25")]
    [InlineData("1", "INCREX k BYFLOAT -1.5 LBOUND 0", "[1 0]", "1")]
    [InlineData("1", "INCREX k BYFLOAT 1 LBOUND -inf UBOUND inf", "[2 1]", "2")]
    [InlineData("1", "INCREX k BYFLOAT 1 UBOUND -inf", "[1 0]", "1")]
    [InlineData("1", "INCREX k BYFLOAT 1 UBOUND -inf SATURATE", NotFinite, "1")]
    [InlineData("1", "INCREX k BYFLOAT inf", NotFinite, "1")]
    [InlineData("1", "INCREX k BYFLOAT -inf SATURATE", NotFinite, "1")]
    [InlineData("inf", "INCREX k BYFLOAT 1", NotFinite, "inf")]
    [InlineData("text", "INCREX k BYFLOAT 1", NotAFloat, "text")]
    public void Adds_between_bounds(string before, string request, string reply, string after)
    {
        if (before.Length > 0) _driver.RunWords("SET", "k", before);
        Assert.Equal(reply, _driver.Say(request));
        var isChanged = reply[0] == '[' && !(reply.EndsWith(" 0]", StringComparison.Ordinal)
            && !request.Contains("SATURATE", StringComparison.Ordinal)
            && !request.Contains("BYINT 0", StringComparison.Ordinal));
        Assert.Equal(isChanged ? 1 : 0, _driver.Dirty);
        Assert.Equal(isChanged ? [$"SET k {after}"] : [], _driver.Effects);
        Assert.Equal(after.Length == 0 ? "(nil)" : after, _driver.Say("GET k"));
    }

    [Theory]
    [InlineData("INCREX k BYINT", Syntax)]
    [InlineData("INCREX k BYFLOAT", Syntax)]
    [InlineData("INCREX k LBOUND", Syntax)]
    [InlineData("INCREX k UBOUND", Syntax)]
    [InlineData("INCREX k EX", Syntax)]
    [InlineData("INCREX k BYINT 1 BYFLOAT 1", Syntax)]
    [InlineData("INCREX k BYFLOAT 1 BYINT 1", Syntax)]
    [InlineData("INCREX k BYINT 1 BYINT 1", Syntax)]
    [InlineData("INCREX k LBOUND 1 LBOUND 1", Syntax)]
    [InlineData("INCREX k UBOUND 1 UBOUND 1", Syntax)]
    [InlineData("INCREX k 5", Syntax)]
    [InlineData("INCREX k KEEPTTL", Syntax)]
    [InlineData("INCREX k NX", Syntax)]
    [InlineData("INCREX k ENX", Syntax)]
    [InlineData("INCREX k ENX PERSIST", Syntax)]
    [InlineData("INCREX k EX 10 PX 10", Syntax)]
    [InlineData("INCREX k EX 10 PERSIST", Syntax)]
    [InlineData("INCREX k BYINT 1.5", NotAnInteger)]
    [InlineData("INCREX k BYINT x", NotAnInteger)]
    [InlineData("INCREX k LBOUND 1.5", NotAnInteger)]
    [InlineData("INCREX k UBOUND 9223372036854775808", NotAnInteger)]
    [InlineData("INCREX k BYFLOAT x", NotAFloat)]
    [InlineData("INCREX k BYFLOAT nan", NotAFloat)]
    [InlineData("INCREX k BYFLOAT 1 LBOUND x", NotAFloat)]
    [InlineData("INCREX k BYFLOAT 1 UBOUND nan", NotAFloat)]
    [InlineData("INCREX k LBOUND 2 UBOUND 1", Crossed)]
    [InlineData("INCREX k BYFLOAT 1 LBOUND 1.5 UBOUND 1.25", Crossed)]
    [InlineData("INCREX k EX 0", BadExpiry)]
    [InlineData("INCREX k PX -1", BadExpiry)]
    [InlineData("INCREX k EXAT 9223372036854775807", BadExpiry)]
    [InlineData("INCREX k EX x", NotAnInteger)]
    public void Bad_arguments_change_nothing(string request, string error)
    {
        _driver.Run("SET k 7");
        Assert.Equal("-" + error + "\r\n", _driver.Run(request));
        Assert.Equal(0, _driver.Dirty);
        Assert.Equal("7", _driver.Say("GET k"));
        Assert.Equal("-" + error + "\r\n", _driver.Run(request.Replace(" k", " none", StringComparison.Ordinal)));
        Assert.Equal("0", _driver.Say("EXISTS none"));
    }

    [Fact]
    public void Another_type_is_WRONGTYPE()
    {
        _driver.PlantList("k");
        foreach (var request in (string[])["INCREX k", "INCREX k BYFLOAT 1", "INCREX k EX 5 ENX"])
            Assert.StartsWith("-WRONGTYPE ", _driver.Run(request), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("INCREX k", 500_000)]
    [InlineData("INCREX k BYFLOAT 0.5", 500_000)]
    [InlineData("INCREX k EX 10", 10_000)]
    [InlineData("INCREX k PX 10", 10)]
    [InlineData("INCREX k EXAT 1700000100", 100_000)]
    [InlineData("INCREX k PXAT 1700000100001", 100_001)]
    [InlineData("INCREX k EX 10 ENX", 500_000)]
    [InlineData("INCREX k ENX PXAT 1700000000009", 500_000)]
    [InlineData("INCREX k PERSIST", -1)]
    [InlineData("INCREX k UBOUND 0 EX 10", 500_000)]
    [InlineData("INCREX k UBOUND 0 PERSIST", 500_000)]
    [InlineData("INCREX k UBOUND 5 EX 10 SATURATE", 10_000)]
    public void The_deadline_of_a_key_that_has_one(string request, int leftMs)
    {
        _driver.Run("SET k 5 EX 500");
        _driver.Run(request);
        Assert.Equal(leftMs, _driver.Value("PTTL", "k").Integer);
    }

    [Theory]
    [InlineData("INCREX k", -1)]
    [InlineData("INCREX k EX 10", 10_000)]
    [InlineData("INCREX k EX 10 ENX", 10_000)]
    [InlineData("INCREX k PERSIST", -1)]
    public void The_deadline_of_a_key_that_has_none(string request, int leftMs)
    {
        _driver.Run("SET k 5");
        _driver.Run(request);
        Assert.Equal(leftMs, _driver.Value("PTTL", "k").Integer);
        _driver.Run("DEL k");
        _driver.Run(request);
        Assert.Equal(leftMs, _driver.Value("PTTL", "k").Integer);
    }

    [Fact]
    public void The_effect_is_the_value_with_its_deadline()
    {
        _driver.Run("INCREX k BYINT 5 EX 10");
        Assert.Equal(["SET k 5 PXAT 1700000010000"], _driver.Effects);
        _driver.Run("INCREX k EX 500 ENX");
        Assert.Equal(["SET k 6 PXAT 1700000010000"], _driver.Effects);
        _driver.Run("INCREX k BYFLOAT 0.5");
        Assert.Equal(["SET k 6.5 PXAT 1700000010000"], _driver.Effects);
        _driver.Run("INCREX k BYFLOAT 0.5 PERSIST");
        Assert.Equal(["SET k 7"], _driver.Effects);
        Assert.Equal("[8 1]", _driver.Say("INCREX k EXAT 1"));
        Assert.Equal(["UNLINK k"], _driver.Effects);
        Assert.Equal("0", _driver.Say("EXISTS k"));
        Assert.Equal("[1 1]", _driver.Say("INCREX k EXAT 1"));
        Assert.Empty(_driver.Effects);
        Assert.Equal("0", _driver.Say("EXISTS k"));
    }

    [Fact]
    public void Replies_have_the_types_of_the_protocol()
    {
        Assert.Equal("*2\r\n:1\r\n:1\r\n", _driver.Run("INCREX k"));
        Assert.Equal("*2\r\n$3\r\n1.5\r\n$3\r\n0.5\r\n", _driver.Run("INCREX k BYFLOAT 0.5"));
        _driver.Protocol = 3;
        Assert.Equal("*2\r\n,2\r\n,0.5\r\n", _driver.Run("INCREX k BYFLOAT 0.5"));
        Assert.Equal("*2\r\n,2\r\n,0\r\n", _driver.Run("INCREX k BYFLOAT 0.5 UBOUND 2"));
        Assert.Equal("*2\r\n:3\r\n:1\r\n", _driver.Run("INCREX k"));
        Assert.Equal("int", _driver.Say("OBJECT ENCODING k"));
    }

    [Fact]
    public void The_ends_of_long_double_are_bounds_too()
    {
        const string Huge = "1.1e4932";
        _driver.Run($"INCREX k BYFLOAT {Huge}");
        var before = _driver.Say("GET k");
        Assert.Equal($"[{before} 0]", _driver.Say($"INCREX k BYFLOAT {Huge}"));
        Assert.Equal(before, _driver.Say("GET k"));
        Assert.StartsWith("[118973149535723176502126385303", _driver.Say($"INCREX k BYFLOAT {Huge} SATURATE"));
        Assert.StartsWith("[-5 ", _driver.Say("INCREX k BYFLOAT -1 UBOUND -5 SATURATE"));
    }

    [Fact]
    public void Any_integers_give_what_wide_arithmetic_gives()
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        for (var i = 0; i < 5_000; i++)
        {
            var (value, increment) = (Any(random), Any(random));
            var (lower, upper) = (Any(random), Any(random));
            if (lower > upper) (lower, upper) = (upper, lower);
            var saturates = random.Next(2) == 0;
            _driver.RunWords("SET", "k", Text(value));
            var request = $"INCREX k BYINT {increment} LBOUND {lower} UBOUND {upper}" + (saturates ? " SATURATE" : "");
            var sum = BigInteger.Add(value, increment);
            var result = BigInteger.Clamp(sum, lower, upper);
            if (result != sum && !saturates) result = value;
            var added = result - value;
            var fits = added >= long.MinValue && added <= long.MaxValue;
            var expected = fits ? $"[{result} {added}]" : "ERR increment or decrement would overflow";
            Assert.True(expected == _driver.Say(request), $"seed {seed}: {value}, {request}");
            Assert.Equal(fits ? result.ToString(CultureInfo.InvariantCulture) : Text(value), _driver.Say("GET k"));
        }
    }

    private static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);

    private static long Any(Random random) => random.Next(4) switch
    {
        0 => random.NextInt64(-10, 10),
        1 => long.MaxValue - random.Next(3),
        2 => long.MinValue + random.Next(3),
        _ => random.NextInt64(long.MinValue, long.MaxValue),
    };
}
