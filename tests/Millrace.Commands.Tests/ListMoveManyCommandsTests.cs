using Millrace.Commands.Tests.Driver;

namespace Millrace.Commands.Tests;

/// <summary>LMOVEM and BLMOVEM as the documentation of Redis 8.10 has them.</summary>
public sealed class ListMoveManyCommandsTests : IDisposable
{
    private const string Syntax = "ERR syntax error";
    private const string BadCount = "ERR count should be greater than 0";
    private const string BadExactly = "ERR exactly should be greater than 0";
    private readonly CommandDriver _driver = new();

    public void Dispose() => _driver.Dispose();

    [Theory]
    [InlineData("LEFT LEFT", "[1]", "[2 3 4]", "[1 x y]")]
    [InlineData("LEFT RIGHT", "[1]", "[2 3 4]", "[x y 1]")]
    [InlineData("RIGHT LEFT", "[4]", "[1 2 3]", "[4 x y]")]
    [InlineData("right right", "[4]", "[1 2 3]", "[x y 4]")]
    [InlineData("LEFT LEFT COUNT 2 OBO", "[2 1]", "[3 4]", "[2 1 x y]")]
    [InlineData("LEFT LEFT COUNT 2 BULK", "[1 2]", "[3 4]", "[1 2 x y]")]
    [InlineData("LEFT RIGHT COUNT 2 OBO", "[1 2]", "[3 4]", "[x y 1 2]")]
    [InlineData("LEFT RIGHT COUNT 2 BULK", "[1 2]", "[3 4]", "[x y 1 2]")]
    [InlineData("RIGHT LEFT COUNT 2 OBO", "[3 4]", "[1 2]", "[3 4 x y]")]
    [InlineData("RIGHT LEFT COUNT 2 BULK", "[3 4]", "[1 2]", "[3 4 x y]")]
    [InlineData("RIGHT RIGHT COUNT 2 OBO", "[4 3]", "[1 2]", "[x y 4 3]")]
    [InlineData("RIGHT RIGHT COUNT 2 BULK", "[3 4]", "[1 2]", "[x y 3 4]")]
    [InlineData("left left exactly 3 obo", "[3 2 1]", "[4]", "[3 2 1 x y]")]
    [InlineData("LEFT LEFT EXACTLY 4 BULK", "[1 2 3 4]", "[]", "[1 2 3 4 x y]")]
    [InlineData("RIGHT RIGHT COUNT 9 OBO", "[4 3 2 1]", "[]", "[x y 4 3 2 1]")]
    [InlineData("RIGHT RIGHT COUNT 9223372036854775807 BULK", "[1 2 3 4]", "[]", "[x y 1 2 3 4]")]
    [InlineData("LEFT LEFT EXACTLY 5 BULK", "(nil)", "[1 2 3 4]", "[x y]")]
    public void Elements_move_to_another_list(string words, string reply, string source, string target)
    {
        _driver.Run("RPUSH l 1 2 3 4");
        _driver.Run("RPUSH m x y");
        var request = "LMOVEM l m " + words;
        Assert.Equal(reply, _driver.Say(request));
        var moved = reply == "(nil)" ? 0 : reply.Split(' ').Length;
        Assert.Equal(moved, _driver.Dirty);
        Assert.Equal(moved == 0 ? [] : [request], _driver.Effects);
        Assert.Equal(source, _driver.Say("LRANGE l 0 -1"));
        Assert.Equal(target, _driver.Say("LRANGE m 0 -1"));
        Assert.Equal(source == "[]" ? "0" : "1", _driver.Say("EXISTS l"));
    }

    [Theory]
    [InlineData("LEFT LEFT", "[1]", "[1 2 3 4]")]
    [InlineData("LEFT RIGHT", "[1]", "[2 3 4 1]")]
    [InlineData("LEFT LEFT EXACTLY 2 OBO", "[2 1]", "[2 1 3 4]")]
    [InlineData("LEFT LEFT EXACTLY 2 BULK", "[1 2]", "[1 2 3 4]")]
    [InlineData("RIGHT RIGHT COUNT 3 OBO", "[4 3 2]", "[1 4 3 2]")]
    [InlineData("RIGHT RIGHT COUNT 3 BULK", "[2 3 4]", "[1 2 3 4]")]
    [InlineData("LEFT RIGHT COUNT 3 OBO", "[1 2 3]", "[4 1 2 3]")]
    [InlineData("LEFT RIGHT COUNT 3 BULK", "[1 2 3]", "[4 1 2 3]")]
    [InlineData("RIGHT LEFT COUNT 3 OBO", "[2 3 4]", "[2 3 4 1]")]
    [InlineData("RIGHT LEFT COUNT 3 BULK", "[2 3 4]", "[2 3 4 1]")]
    [InlineData("LEFT LEFT COUNT 10 OBO", "[4 3 2 1]", "[4 3 2 1]")]
    [InlineData("RIGHT RIGHT COUNT 10 OBO", "[4 3 2 1]", "[4 3 2 1]")]
    [InlineData("LEFT RIGHT COUNT 10 OBO", "[1 2 3 4]", "[1 2 3 4]")]
    [InlineData("RIGHT LEFT EXACTLY 4 BULK", "[1 2 3 4]", "[1 2 3 4]")]
    [InlineData("RIGHT LEFT EXACTLY 5 BULK", "(nil)", "[1 2 3 4]")]
    public void Elements_move_within_a_list_whose_deadline_stays(string words, string reply, string after)
    {
        _driver.Run("RPUSH l 1 2 3 4");
        _driver.Run("EXPIRE l 100");
        Assert.Equal(reply, _driver.Say("LMOVEM l l " + words));
        Assert.Equal(after, _driver.Say("LRANGE l 0 -1"));
        Assert.Equal("100", _driver.Say("TTL l"));
    }

    [Theory]
    [InlineData("LMOVEM l m LEFT", "ERR no such command or wrong number of arguments")]
    [InlineData("LMOVEM l m LEFT UP", Syntax)]
    [InlineData("LMOVEM l m UP LEFT", Syntax)]
    [InlineData("LMOVEM l m LEFT LEFT COUNT", Syntax)]
    [InlineData("LMOVEM l m LEFT LEFT COUNT 1", Syntax)]
    [InlineData("LMOVEM l m LEFT LEFT EXACTLY 1", Syntax)]
    [InlineData("LMOVEM l m LEFT LEFT OBO", Syntax)]
    [InlineData("LMOVEM l m LEFT LEFT OBO COUNT 1", Syntax)]
    [InlineData("LMOVEM l m LEFT LEFT COUNT 1 OTHER", Syntax)]
    [InlineData("LMOVEM l m LEFT LEFT OTHER 1 OBO", Syntax)]
    [InlineData("LMOVEM l m LEFT LEFT COUNT 1 OBO BULK", Syntax)]
    [InlineData("LMOVEM l m LEFT LEFT COUNT 0 OBO", BadCount)]
    [InlineData("LMOVEM l m LEFT LEFT COUNT -1 OBO", BadCount)]
    [InlineData("LMOVEM l m LEFT LEFT COUNT x OBO", BadCount)]
    [InlineData("LMOVEM l m LEFT LEFT EXACTLY 0 BULK", BadExactly)]
    [InlineData("LMOVEM l m LEFT LEFT EXACTLY 9223372036854775808 BULK", BadExactly)]
    [InlineData("BLMOVEM l m LEFT LEFT", "ERR no such command or wrong number of arguments")]
    [InlineData("BLMOVEM l m LEFT UP 0", Syntax)]
    [InlineData("BLMOVEM l m LEFT LEFT 0 COUNT 1", Syntax)]
    [InlineData("BLMOVEM l m LEFT LEFT 0 COUNT 0 BULK", BadCount)]
    [InlineData("BLMOVEM l m LEFT LEFT x", "ERR timeout is not a float or out of range")]
    [InlineData("BLMOVEM l m LEFT LEFT -1 COUNT 1 BULK", "ERR timeout is negative")]
    public void Bad_arguments_move_nothing(string request, string error)
    {
        _driver.Run("RPUSH l a b c");
        Assert.Equal("-" + error + "\r\n", _driver.Run(request));
        Assert.Equal(0, _driver.Dirty);
        Assert.Equal("3", _driver.Say("LLEN l"));
    }

    [Fact]
    public void What_is_missing_or_too_short_has_the_documented_reply()
    {
        Assert.Equal("*0\r\n", _driver.Run("LMOVEM none m LEFT LEFT"));
        Assert.Equal("*0\r\n", _driver.Run("LMOVEM none m LEFT LEFT COUNT 2 OBO"));
        Assert.Equal("*-1\r\n", _driver.Run("LMOVEM none m LEFT LEFT EXACTLY 2 OBO"));
        foreach (var words in (string[])["", " COUNT 2 OBO", " EXACTLY 2 BULK"])
            Assert.Equal("*-1\r\n", _driver.Run("BLMOVEM none m LEFT LEFT 0" + words));
        _driver.Protocol = 3;
        Assert.Equal("_\r\n", _driver.Run("LMOVEM none m LEFT LEFT EXACTLY 2 OBO"));
        Assert.Equal("_\r\n", _driver.Run("BLMOVEM none m LEFT LEFT 0"));
        Assert.Equal("0", _driver.Say("DBSIZE"));
    }

    [Theory]
    [InlineData("LMOVEM l s LEFT LEFT")]
    [InlineData("LMOVEM s l LEFT LEFT")]
    [InlineData("LMOVEM s none LEFT LEFT EXACTLY 2 OBO")]
    [InlineData("LMOVEM l s LEFT LEFT COUNT 2 OBO")]
    [InlineData("BLMOVEM l s LEFT LEFT 0 COUNT 2 OBO")]
    [InlineData("BLMOVEM s l LEFT LEFT 0")]
    public void Another_type_is_WRONGTYPE_and_nothing_moves(string request)
    {
        _driver.Run("SET s text");
        _driver.Run("RPUSH l a b c");
        Assert.StartsWith("-WRONGTYPE ", _driver.Run(request), StringComparison.Ordinal);
        Assert.Equal("[a b c]", _driver.Say("LRANGE l 0 -1"));
        Assert.Equal("text", _driver.Say("GET s"));
    }

    [Fact]
    public void Another_type_does_not_matter_when_there_is_nothing_to_move()
    {
        _driver.Run("SET s text");
        _driver.Run("RPUSH l a");
        Assert.Equal("[]", _driver.Say("LMOVEM none s LEFT LEFT"));
        Assert.Equal("(nil)", _driver.Say("LMOVEM l s LEFT LEFT EXACTLY 2 OBO"));
    }

    [Theory]
    [InlineData("BLMOVEM l m LEFT LEFT 5", "LMOVEM l m LEFT LEFT")]
    [InlineData("BLMOVEM l m LEFT RIGHT 0.5 COUNT 2 OBO", "LMOVEM l m LEFT RIGHT COUNT 2 OBO")]
    [InlineData("BLMOVEM l m right LEFT 0 EXACTLY 3 BULK", "LMOVEM l m right LEFT EXACTLY 3 BULK")]
    public void The_effect_of_the_waiting_form_is_the_other(string request, string effect)
    {
        _driver.Run("RPUSH l a b c");
        _driver.Run(request);
        Assert.Equal([effect], _driver.Effects);
    }

    [Theory]
    [InlineData(1, 3)]
    [InlineData(40, 200)]
    [InlineData(3000, 60)]
    [InlineData(60_000, 8)]
    public void Long_lists_and_long_elements_move(int bytes, int count)
    {
        var texts = Enumerable.Range(0, count).Select(i => $"{i}" + new string('t', bytes)).ToArray();
        foreach (var depth in (int[])[0, 1])
        {
            _driver.Keyspace.Encodings = new() { ListCompressDepth = depth };
            _driver.RunWords(["RPUSH", "l", .. texts]);
            var half = count / 2;
            Expect([.. texts[..half].Reverse(), .. texts[half..]], $"LMOVEM l l LEFT LEFT EXACTLY {half} OBO");
            Expect(texts, $"LMOVEM l l LEFT LEFT EXACTLY {half} OBO");
            Expect([.. texts[half..], .. texts[..half]], $"LMOVEM l l LEFT RIGHT COUNT {half} BULK");
            Expect(texts, $"LMOVEM l l RIGHT LEFT COUNT {half} BULK");
            Expect([.. texts.Reverse()], $"LMOVEM l l RIGHT RIGHT COUNT {count} OBO");
            _driver.Run($"LMOVEM l m LEFT LEFT COUNT {count} OBO");
            _driver.Run($"LMOVEM m l LEFT LEFT COUNT {count} BULK");
            Expect(texts, "LLEN l");
            _driver.Run("DEL l");
            _driver.Run("FLUSHALL SYNC");
            Assert.Equal(0, _driver.Keyspace.UsedBytes);
        }
    }

    private void Expect(string[] texts, string request)
    {
        _driver.Run(request);
        Assert.Equal($"[{string.Join(' ', texts)}]", _driver.Say("LRANGE l 0 -1"));
        _driver.Keyspace[0].Heap.CheckIntegrity();
    }
}
