using Millrace.Commands.Tests.Driver;

namespace Millrace.Commands.Tests;

/// <summary>SORT and SORT_RO.</summary>
public sealed class SortCommandsTests : IDisposable
{
    private const string NotANumber = "ERR One or more scores can't be converted into double";
    private const string WrongType = "WRONGTYPE Operation against a key holding the wrong kind of value";

    private readonly CommandDriver _driver = new();

    public SortCommandsTests()
    {
        _driver.Run("RPUSH l 3 10 2 1");
        _driver.Run("SADD s 3 10 2");
        _driver.Run("ZADD z 5 a 1 b 3 c");
        _driver.Run("MSET w3 1 w10 4 w2 3 w1 2 t x");
        _driver.Run("HSET h3 f 9 g c");
        _driver.Run("HSET h10 f 8 g b");
        _driver.Run("HSET h2 f 7");
    }

    public void Dispose() => _driver.Dispose();

    [Theory]
    [InlineData("SORT l", "[1 2 3 10]")]
    [InlineData("SORT l DESC", "[10 3 2 1]")]
    [InlineData("SORT l DESC ASC", "[1 2 3 10]")]
    [InlineData("SORT l ALPHA", "[1 10 2 3]")]
    [InlineData("SORT l ALPHA DESC", "[3 2 10 1]")]
    [InlineData("SORT s", "[2 3 10]")]
    [InlineData("SORT z ALPHA", "[a b c]")]
    [InlineData("SORT none", "[]")]
    [InlineData("SORT_RO l", "[1 2 3 10]")]
    // LIMIT
    [InlineData("SORT l LIMIT 1 2", "[2 3]")]
    [InlineData("SORT l LIMIT 1 -1", "[2 3 10]")]
    [InlineData("SORT l LIMIT -5 2", "[1 2]")]
    [InlineData("SORT l LIMIT 4 2", "[]")]
    [InlineData("SORT l LIMIT 0 0", "[]")]
    [InlineData("SORT l LIMIT 2 9223372036854775807", "[3 10]")]
    [InlineData("SORT l LIMIT 9223372036854775807 9223372036854775807", "[]")]
    [InlineData("SORT none LIMIT 1 2", "[]")]
    // BY
    [InlineData("SORT l BY w*", "[3 1 2 10]")]
    [InlineData("SORT l BY w* DESC", "[10 2 1 3]")]
    [InlineData("SORT l BY h*->f", "[1 2 10 3]")]
    [InlineData("SORT l BY h*->g ALPHA", "[1 2 10 3]")]
    [InlineData("SORT l BY none*", "[1 10 2 3]")]
    [InlineData("SORT l BY h*", "[1 10 2 3]")]
    [InlineData("SORT l BY w*->f", "[1 10 2 3]")]
    [InlineData("SORT l BY w*->", "[1 10 2 3]")]
    // The order stays.
    [InlineData("SORT l BY nosort", "[3 10 2 1]")]
    [InlineData("SORT l BY nosort DESC", "[1 2 10 3]")]
    [InlineData("SORT l BY nosort LIMIT 1 2", "[10 2]")]
    [InlineData("SORT l BY nosort DESC LIMIT 1 2", "[2 10]")]
    [InlineData("SORT l BY # ALPHA", "[3 10 2 1]")]
    [InlineData("SORT l BY nosort BY w*", "[3 10 2 1]")]
    [InlineData("SORT z BY nosort", "[b c a]")]
    [InlineData("SORT z BY nosort DESC", "[a c b]")]
    [InlineData("SORT z BY nosort DESC LIMIT 1 5", "[c b]")]
    [InlineData("SORT s BY nosort", "[2 3 10]")]
    // GET
    [InlineData("SORT l GET #", "[1 2 3 10]")]
    [InlineData("SORT l GET w*", "[2 3 1 4]")]
    [InlineData("SORT l GET # GET h*->f", "[1 (nil) 2 7 3 9 10 8]")]
    [InlineData("SORT l LIMIT 0 2 GET w* BY w* GET # GET none*", "[1 3 (nil) 2 1 (nil)]")]
    [InlineData("SORT l GET const", "[(nil) (nil) (nil) (nil)]")]
    [InlineData("SORT l LIMIT 0 1 GET ## GET *", "[(nil) (nil)]")]
    // Errors
    [InlineData("SORT z", NotANumber)]
    [InlineData("SORT l BY h*->g", NotANumber)]
    [InlineData("SORT t", WrongType)]
    [InlineData("SORT h3 LIMIT", "ERR syntax error")]
    [InlineData("SORT l LIMIT 1", "ERR syntax error")]
    [InlineData("SORT l LIMIT 1 x", "ERR value is not an integer or out of range")]
    [InlineData("SORT l BY", "ERR syntax error")]
    [InlineData("SORT l GET", "ERR syntax error")]
    [InlineData("SORT l STORE", "ERR syntax error")]
    [InlineData("SORT l FOO", "ERR syntax error")]
    [InlineData("SORT_RO l STORE d", "ERR syntax error")]
    public void A_request_has_this_reply(string request, string reply)
    {
        Assert.Equal(reply, _driver.Say(request));
        Assert.Equal(0, _driver.Dirty);
        Assert.Equal("[3 10 2 1]", _driver.Say("LRANGE l 0 -1"));
    }

    [Theory]
    [InlineData("SORT l STORE d", "[1 2 3 10]")]
    [InlineData("SORT l BY w* GET # GET h*->g STORE d", "[3 c 1  2  10 b]")]
    [InlineData("SORT l STORE l", "[3 10 2 1]")]
    [InlineData("SORT s BY nosort STORE d", "[10 2 3]")]
    [InlineData("SORT l BY nosort DESC LIMIT 0 2 STORE d", "[1 2]")]
    [InlineData("SORT l STORE none STORE d", "[1 2 3 10]")]
    public void What_is_stored_replaces_what_was_there(string request, string expected)
    {
        var target = request[^1] == 'd' ? "d" : "l";
        _driver.Run("SET d text EX 100");
        var count = int.Parse(_driver.Say(request), System.Globalization.CultureInfo.InvariantCulture);
        Assert.Equal(count, _driver.Dirty);
        Assert.Equal([request], _driver.Effects);
        if (target == "l") expected = "[1 2 3 10]";
        Assert.Equal(expected, _driver.Say($"LRANGE {target} 0 -1"));
        Assert.Equal("-1", _driver.Say($"TTL {target}"));
        Assert.Equal("0", _driver.Say("EXISTS none"));
    }

    [Fact]
    public void An_empty_result_removes_the_destination()
    {
        Assert.Equal("0", _driver.Say("SORT none STORE d"));
        Assert.Equal(0, _driver.Dirty);
        _driver.Run("SET d text");
        Assert.Equal("0", _driver.Say("SORT l LIMIT 9 1 STORE d"));
        Assert.Equal(1, _driver.Dirty);
        Assert.Equal("0", _driver.Say("EXISTS d"));
    }

    [Fact]
    public void What_is_stored_does_not_depend_on_how_a_set_lies()
    {
        _driver.Run("MSET w_a x w_b x w_c x");
        _driver.Run("SADD s1 a b c");
        _driver.Run("SADD s2 c b a");
        foreach (var set in (string[])["s1", "s2"])
        {
            Assert.Equal("3", _driver.Say($"SORT {set} BY w_* ALPHA STORE d"));
            Assert.Equal("[a b c]", _driver.Say("LRANGE d 0 -1"));
        }
    }

    [Fact]
    public void What_is_too_large_is_refused_and_changes_nothing()
    {
        _driver.Run("SET w_1 " + new string('x', 4_000_000));
        _driver.Run("RPUSH many " + string.Join(' ', Enumerable.Repeat("1", 300)));
        const string tooLarge = "ERR what is to be sorted takes more than 1 GB";
        Assert.Equal(tooLarge, _driver.Say("SORT many BY w_* ALPHA LIMIT 0 1"));
        Assert.Equal(tooLarge, _driver.Say("SORT many BY nosort GET w_* STORE d"));
        Assert.Equal("0", _driver.Say("EXISTS d"));
        Assert.Equal(NotANumber, _driver.Say("SORT many BY w_*"));
        Assert.Equal("[1]", _driver.Say("SORT many LIMIT 0 1"));
    }

    [Fact]
    public void Equal_numbers_are_ordered_by_their_texts()
    {
        _driver.Run("RPUSH e 1.0 1 01 1e0");
        Assert.Equal("[01 1 1.0 1e0]", _driver.Say("SORT e"));
        Assert.Equal("[1e0 1.0 1 01]", _driver.Say("SORT e DESC"));
    }

    [Fact]
    public void Numbers_are_those_of_c()
    {
        _driver.Run("RPUSH e inf -inf 0x10 1e3 .5");
        Assert.Equal("[-inf .5 0x10 1e3 inf]", _driver.Say("SORT e"));
        foreach (var text in (string[])["nan", "1x", "1e999", "1e-999", "5e-324", "--1"])
        {
            _driver.Run("DEL e");
            _driver.Run($"RPUSH e 1 {text}");
            Assert.Equal(NotANumber, _driver.Say("SORT e"));
        }
    }

    [Fact]
    public void Large_collections_are_sorted_and_stored_whole()
    {
        var numbers = Enumerable.Range(0, 5000).ToArray();
        new Random(7).Shuffle(numbers);
        _driver.Run("DEL l s");
        foreach (var chunk in numbers.Chunk(500))
        {
            _driver.Run("RPUSH l " + string.Join(' ', chunk));
            _driver.Run("SADD s " + string.Join(' ', chunk));
        }

        var sorted = $"[{string.Join(' ', numbers.Order())}]";
        Assert.Equal(sorted, _driver.Say("SORT l"));
        Assert.Equal(sorted, _driver.Say("SORT s"));
        Assert.Equal("5000", _driver.Say("SORT s DESC STORE d"));
        Assert.Equal($"[{string.Join(' ', numbers.OrderDescending())}]", _driver.Say("LRANGE d 0 -1"));
        Assert.Equal("quicklist", _driver.Say("OBJECT ENCODING d"));
    }

    [Fact]
    public void A_field_or_key_whose_time_has_passed_is_missing()
    {
        _driver.Run("HPEXPIRE h3 10 FIELDS 1 f");
        _driver.Run("PEXPIRE w3 10");
        _driver.NowMs += 11;
        Assert.Equal("[(nil) (nil)]", _driver.Say("SORT l LIMIT 2 1 GET h*->f GET w*"));
    }
}
