using System.IO.Hashing;
using System.Text;
using Millrace.Commands.Tests.Driver;

namespace Millrace.Commands.Tests;

/// <summary>DELEX, DELIFEQ, DIGEST, and the conditions of SET.</summary>
public sealed class ComparisonCommandsTests : IDisposable
{
    private const string Digest = "b6acb9d84a38ff74"; // redis.io/commands/digest: of "Hello world"
    private const string WrongType = "WRONGTYPE Operation against a key holding the wrong kind of value";

    private readonly CommandDriver _driver = new();

    public ComparisonCommandsTests()
    {
        _driver.RunWords("SET", "k", "Hello world", "EX", "100");
        _driver.Run("SET number 12345");
        _driver.Run("RPUSH list x");
    }

    public void Dispose() => _driver.Dispose();

    [Theory]
    [InlineData("DIGEST k", Digest)]
    [InlineData("DIGEST none", "(nil)")]
    [InlineData("DIGEST list", WrongType)]
    [InlineData("DELEX k", "1")]
    [InlineData("DELEX list", "1")]
    [InlineData("DELEX none", "0")]
    [InlineData("DELEX none IFNE x", "0")]
    [InlineData("DELEX number IFEQ 12345", "1")]
    [InlineData("DELEX number ifeq 012345", "0")]
    [InlineData("DELEX number IFNE 12345", "0")]
    [InlineData("DELEX number IFNE x", "1")]
    [InlineData("DELEX k IFDEQ " + Digest, "1")]
    [InlineData("DELEX k IFDEQ B6ACB9D84A38FF74", "1")]
    [InlineData("DELEX k IFDEQ " + Digest + "0", "0")]
    [InlineData("DELEX k IFDNE " + Digest, "0")]
    [InlineData("DELEX k IFDNE nothing", "1")]
    [InlineData("DELEX list IFEQ x", WrongType)]
    [InlineData("DELEX list IFDNE x", WrongType)]
    [InlineData("DELEX k IFEQ", "ERR syntax error")]
    [InlineData("DELEX k NX x", "ERR syntax error")]
    [InlineData("DELEX k IFEQ a IFNE b", "ERR syntax error")]
    [InlineData("DELIFEQ number 12345", "1")]
    [InlineData("DELIFEQ number 1", "0")]
    [InlineData("DELIFEQ none x", "0")]
    [InlineData("DELIFEQ list x", WrongType)]
    [InlineData("SET k v IFDEQ " + Digest, "OK")]
    [InlineData("SET k v IFDEQ 0", "(nil)")]
    [InlineData("SET k v IFDEQ " + Digest + " GET", "Hello world")]
    [InlineData("SET none v IFDEQ " + Digest, "(nil)")]
    [InlineData("SET k v IFDNE " + Digest, "(nil)")]
    [InlineData("SET none v IFDNE " + Digest, "OK")]
    [InlineData("SET list v IFDEQ x", WrongType)]
    [InlineData("SET k v IFDEQ", "ERR syntax error")]
    [InlineData("SET k v IFDEQ a IFDNE b", "ERR syntax error")]
    [InlineData("SET k v IFEQ a IFDEQ b", "ERR syntax error")]
    [InlineData("SET k v NX IFDEQ b", "ERR syntax error")]
    public void A_command_answers(string request, string reply) => Assert.Equal(reply, _driver.Say(request));

    [Theory]
    [InlineData("DELEX k IFDEQ " + Digest, "DEL k")]
    [InlineData("DELEX list", "DEL list")]
    [InlineData("DELIFEQ number 12345", "DEL number")]
    [InlineData("SET number 2 IFEQ 12345", "SET number 2")]
    [InlineData("SET k v IFDEQ " + Digest, "SET k v")]
    [InlineData("SET k v IFDEQ " + Digest + " KEEPTTL", "SET k v PXAT 1700000100000")]
    [InlineData("SET number 2 IFNE x PXAT 1800000000000", "SET number 2 PXAT 1800000000000")]
    [InlineData("SET number 2 IFNE x EX 7", "SET number 2 PXAT 1700000007000")]
    public void The_effect_is_what_was_done(string request, string effect)
    {
        _driver.Run(request);
        Assert.Equal(1, _driver.Dirty);
        Assert.Equal(effect, Assert.Single(_driver.Effects));
    }

    [Theory]
    [InlineData("DELEX k IFEQ x")]
    [InlineData("DELEX none")]
    [InlineData("DELIFEQ k x")]
    [InlineData("SET k v IFDNE " + Digest)]
    [InlineData("DIGEST k")]
    public void Where_nothing_is_done_there_is_no_effect(string request)
    {
        _driver.Run(request);
        Assert.Equal(0, _driver.Dirty);
        Assert.Empty(_driver.Effects);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(16)]
    [InlineData(200)]
    [InlineData(40_000)] // in a block of its own
    public void A_digest_has_sixteen_digits_whatever_the_length(int length)
    {
        var text = new string('x', length);
        _driver.RunWords("SET", "text", text);
        var digest = XxHash3.HashToUInt64(Encoding.ASCII.GetBytes(text)).ToString("x16");
        Assert.Equal(digest, _driver.Say("DIGEST text"));
        Assert.Equal("1", _driver.Say("DELEX text IFDEQ " + digest));
    }

    [Theory]
    [InlineData("SUNIONCARD 2 a b", "6")]
    [InlineData("SUNIONCARD 1 a", "4")]
    [InlineData("SUNIONCARD 3 a none b LIMIT 3", "3")]
    [InlineData("SUNIONCARD 2 a b LIMIT 9", "6")]
    [InlineData("SUNIONCARD 2 a b LIMIT 0", "6")]
    [InlineData("SUNIONCARD 2 a b APPROX", "6")]
    [InlineData("SUNIONCARD 2 a b approx limit 2", "2")]
    [InlineData("SUNIONCARD 2 a b LIMIT 2 APPROX", "2")]
    [InlineData("SUNIONCARD 1 none", "0")]
    [InlineData("SUNIONCARD 2 a list", WrongType)]
    [InlineData("SUNIONCARD 0 a", "ERR numkeys should be greater than 0")]
    [InlineData("SUNIONCARD x a", "ERR numkeys should be greater than 0")]
    [InlineData("SUNIONCARD 3 a b", "ERR Number of keys can't be greater than number of args")]
    [InlineData("SUNIONCARD 2 a b LIMIT -1", "ERR LIMIT can't be negative")]
    [InlineData("SUNIONCARD 2 a b LIMIT", "ERR syntax error")]
    [InlineData("SUNIONCARD 2 a b x", "ERR syntax error")]
    [InlineData("SDIFFCARD 2 a b", "2")]
    [InlineData("SDIFFCARD 2 b a", "2")]
    [InlineData("SDIFFCARD 2 a b LIMIT 1", "1")]
    [InlineData("SDIFFCARD 1 a LIMIT 0", "4")]
    [InlineData("SDIFFCARD 2 a a", "0")]
    [InlineData("SDIFFCARD 2 none a", "0")]
    [InlineData("SDIFFCARD 3 a none b", "2")]
    [InlineData("SDIFFCARD 2 a list", WrongType)]
    [InlineData("SDIFFCARD 1 a APPROX", "ERR syntax error")]
    [InlineData("SDIFFCARD 9223372036854775807 a", "ERR Number of keys can't be greater than number of args")]
    public void Sets_are_counted(string request, string reply)
    {
        _driver.Run("SADD a 1 2 x y");
        _driver.Run("SADD b 2 y z 9");
        Assert.Equal(reply, _driver.Say(request));
        Assert.Equal(0, _driver.Dirty);
    }

    [Fact]
    public void Counting_a_union_leaves_no_memory_behind()
    {
        for (var i = 0; i < 500; i++) _driver.Run($"SADD big{i % 2} member{i}");
        var before = _driver.Keyspace.UsedBytes;
        Assert.Equal("500", _driver.Say("SUNIONCARD 2 big0 big1"));
        Assert.Equal("100", _driver.Say("SUNIONCARD 2 big0 big1 LIMIT 100"));
        Assert.InRange(_driver.Value("SUNIONCARD", "2", "big0", "big1", "APPROX").Integer, 480, 520);
        while (!_driver.Keyspace[0].FreeDiscarded(1_000))
        {
        }

        Assert.Equal(before, _driver.Keyspace.UsedBytes);
    }
}
