using Millrace.Commands.Tests.Driver;
using Millrace.Engine.Values;

namespace Millrace.Commands.Tests;

public sealed class ListCommandsTests : IDisposable
{
    private const string WrongType = "WRONGTYPE Operation against a key holding the wrong kind of value";
    private readonly CommandDriver _driver = new();

    public void Dispose() => _driver.Dispose();

    [Fact]
    public void Pushes_and_pops_write_the_bytes_of_the_protocol()
    {
        Assert.Equal(":3\r\n", _driver.Run("RPUSH l a 12 c"));
        Assert.Equal(3, _driver.Dirty);
        Assert.Equal(":5\r\n", _driver.Run("LPUSH l x y"));
        Assert.Equal(":5\r\n", _driver.Run("LLEN l"));
        Assert.Equal("*5\r\n$1\r\ny\r\n$1\r\nx\r\n$1\r\na\r\n$2\r\n12\r\n$1\r\nc\r\n", _driver.Run("LRANGE l 0 -1"));
        Assert.Equal("$1\r\ny\r\n", _driver.Run("LPOP l"));
        Assert.Equal("$1\r\nc\r\n", _driver.Run("RPOP l"));
        Assert.Equal(1, _driver.Dirty);
        Assert.Equal("*2\r\n$2\r\n12\r\n$1\r\na\r\n", _driver.Run("RPOP l 2"));
        Assert.Equal(2, _driver.Dirty);
        Assert.Equal("*1\r\n$1\r\nx\r\n", _driver.Run("LPOP l 100"));
        Assert.Equal(":0\r\n", _driver.Run("EXISTS l"));
        Assert.Equal(0, _driver.Keyspace[0].Heap.BlockCount - BlocksOfAnEmptyKeyspace());
    }

    [Fact]
    public void What_is_missing_has_a_null_of_the_kind_that_was_asked_for()
    {
        Assert.Equal("$-1\r\n", _driver.Run("LPOP none"));
        Assert.Equal("*-1\r\n", _driver.Run("LPOP none 2"));
        Assert.Equal("*-1\r\n", _driver.Run("LPOP none 0"));
        Assert.Equal("$-1\r\n", _driver.Run("LINDEX none 0"));
        Assert.Equal("$-1\r\n", _driver.Run("LPOS none x"));
        Assert.Equal("*0\r\n", _driver.Run("LPOS none x COUNT 1"));
        Assert.Equal("$-1\r\n", _driver.Run("RPOPLPUSH none other"));
        Assert.Equal("*-1\r\n", _driver.Run("LMPOP 2 none other LEFT"));
        _driver.Protocol = 3;
        foreach (var request in (string[])["RPOP none", "RPOP none 2", "LINDEX none 0", "LPOS none x",
            "LMOVE none other LEFT LEFT", "LMPOP 1 none RIGHT"])
            Assert.Equal("_\r\n", _driver.Run(request));
        _driver.Protocol = 2;
        Assert.Equal(0, _driver.Dirty);
        _driver.Run("RPUSH l a");
        Assert.Equal("*0\r\n", _driver.Run("RPOP l 0"));
        Assert.Equal("$-1\r\n", _driver.Run("LINDEX l 1"));
        Assert.Equal("$-1\r\n", _driver.Run("LINDEX l -2"));
        Assert.Equal("*0\r\n", _driver.Run("LPOS l x COUNT 0"));
    }

    [Theory]
    [InlineData("LPUSHX none a", "0")]
    [InlineData("RPUSHX none a b", "0")]
    [InlineData("LLEN none", "0")]
    [InlineData("LRANGE none 0 -1", "[]")]
    [InlineData("LREM none 0 a", "0")]
    [InlineData("LINSERT none BEFORE a b", "0")]
    [InlineData("LTRIM none 0 1", "OK")]
    [InlineData("LSET none 0 a", "ERR no such key")]
    public void A_missing_list_is_left_alone(string request, string reply)
    {
        Assert.Equal(reply, _driver.Say(request));
        Assert.Equal(0, _driver.Dirty);
        Assert.Equal("0", _driver.Say("EXISTS none"));
    }

    [Theory]
    [InlineData("LPOP l abc", "ERR value is out of range, must be positive")]
    [InlineData("LPOP l -1", "ERR value is out of range, must be positive")]
    [InlineData("LPOP l 1 2", "ERR wrong number of arguments for 'lpop' command")]
    [InlineData("RPOP l 1 2", "ERR wrong number of arguments for 'rpop' command")]
    [InlineData("LINDEX l abc", "ERR value is not an integer or out of range")]
    [InlineData("LINSERT l BESIDE a b", "ERR syntax error")]
    [InlineData("LMOVE l m UP LEFT", "ERR syntax error")]
    [InlineData("LMOVE l m LEFT UP", "ERR syntax error")]
    [InlineData("LMPOP 0 l LEFT", "ERR numkeys should be greater than 0")]
    [InlineData("LMPOP abc l LEFT", "ERR numkeys should be greater than 0")]
    [InlineData("LMPOP 2 l LEFT", "ERR syntax error")]
    [InlineData("LMPOP 9223372036854775807 l LEFT", "ERR syntax error")]
    [InlineData("LMPOP 1 l UP", "ERR syntax error")]
    [InlineData("LMPOP 1 l LEFT COUNT", "ERR syntax error")]
    [InlineData("LMPOP 1 l LEFT COUNT 0", "ERR count should be greater than 0")]
    [InlineData("LMPOP 1 l LEFT COUNT abc", "ERR count should be greater than 0")]
    [InlineData("LMPOP 1 l LEFT COUNT 1 COUNT 2", "ERR syntax error")]
    [InlineData("LPOS l a RANK", "ERR syntax error")]
    [InlineData("LPOS l a RANK 0", "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... "
        + "or use negative to start from the end of the list")]
    [InlineData("LPOS l a RANK -9223372036854775808",
        "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807")]
    [InlineData("LPOS l a COUNT -1", "ERR COUNT can't be negative")]
    [InlineData("LPOS l a MAXLEN -1", "ERR MAXLEN can't be negative")]
    [InlineData("LPOS l a NOTHING 1", "ERR syntax error")]
    [InlineData("LRANGE l a 1", "ERR value is not an integer or out of range")]
    [InlineData("LREM l a b", "ERR value is not an integer or out of range")]
    [InlineData("LREM l -9223372036854775808 b",
        "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807")]
    [InlineData("LSET l 3 x", "ERR index out of range")]
    [InlineData("LSET l -4 x", "ERR index out of range")]
    [InlineData("LSET l a x", "ERR value is not an integer or out of range")]
    [InlineData("LTRIM l 0 x", "ERR value is not an integer or out of range")]
    public void Bad_arguments_are_refused_and_change_nothing(string request, string error)
    {
        _driver.Run("RPUSH l a b c");
        Assert.Equal(error, _driver.Say(request));
        Assert.Equal(0, _driver.Dirty);
        Assert.Equal("[a b c]", _driver.Say("LRANGE l 0 -1"));
    }

    [Theory]
    [InlineData("LPUSH s a")]
    [InlineData("RPUSHX s a")]
    [InlineData("LPOP s")]
    [InlineData("RPOP s 3")]
    [InlineData("LLEN s")]
    [InlineData("LINDEX s 0")]
    [InlineData("LRANGE s 0 1")]
    [InlineData("LSET s 0 a")]
    [InlineData("LREM s 0 a")]
    [InlineData("LTRIM s 0 1")]
    [InlineData("LPOS s a")]
    [InlineData("LINSERT s BEFORE a b")]
    [InlineData("RPOPLPUSH s l")]
    [InlineData("RPOPLPUSH l s")]
    [InlineData("LMOVE l s LEFT LEFT")]
    [InlineData("LMPOP 2 none s LEFT")]
    [InlineData("GET l")]
    [InlineData("INCR l")]
    public void Another_type_is_WRONGTYPE_and_stays(string request)
    {
        _driver.Run("SET s text");
        _driver.Run("RPUSH l a b");
        Assert.Equal(WrongType, _driver.Say(request));
        Assert.Equal(0, _driver.Dirty);
        Assert.Equal("text", _driver.Say("GET s"));
        Assert.Equal("[a b]", _driver.Say("LRANGE l 0 -1"));
    }

    [Fact]
    public void Elements_are_found_inserted_replaced_and_removed_by_value_and_index()
    {
        _driver.Run("RPUSH l a b c a 1 a 01");
        Assert.Equal("0", _driver.Say("LPOS l a"));
        Assert.Equal("3", _driver.Say("LPOS l a RANK 2"));
        Assert.Equal("5", _driver.Say("LPOS l a RANK -1"));
        Assert.Equal("[3 5]", _driver.Say("LPOS l a RANK 2 COUNT 0"));
        Assert.Equal("[5 3]", _driver.Say("LPOS l a RANK -1 COUNT 2"));
        Assert.Equal("[0]", _driver.Say("LPOS l a COUNT 0 MAXLEN 3"));
        Assert.Equal("4", _driver.Say("LPOS l 1"));
        Assert.Equal("6", _driver.Say("LPOS l 01"));
        Assert.Equal("8", _driver.Say("LINSERT l AFTER b new"));
        Assert.Equal(1, _driver.Dirty);
        Assert.Equal("9", _driver.Say("LINSERT l before a first"));
        Assert.Equal("-1", _driver.Say("LINSERT l AFTER nothing x"));
        Assert.Equal(0, _driver.Dirty);
        Assert.Equal("OK", _driver.Say("LSET l -1 last"));
        Assert.Equal("[first a b new c a 1 a last]", _driver.Say("LRANGE l 0 -1"));
        Assert.Equal("2", _driver.Say("LREM l -2 a"));
        Assert.Equal(2, _driver.Dirty);
        Assert.Equal("[first a b new c 1 last]", _driver.Say("LRANGE l -100 100"));
        Assert.Equal("OK", _driver.Say("LTRIM l 1 -2"));
        Assert.Equal(2, _driver.Dirty);
        Assert.Equal("[b new c]", _driver.Say("LRANGE l 1 3"));
        Assert.Equal("OK", _driver.Say("LTRIM l 5 4"));
        Assert.Equal(5, _driver.Dirty);
        Assert.Equal("0", _driver.Say("EXISTS l"));
    }

    [Fact]
    public void Elements_move_between_lists_and_within_one()
    {
        _driver.Run("RPUSH l a b 3");
        Assert.Equal("3", _driver.Say("RPOPLPUSH l m"));
        Assert.Equal(1, _driver.Dirty);
        Assert.Equal(["RPOPLPUSH l m"], _driver.Effects);
        Assert.Equal("a", _driver.Say("LMOVE l m LEFT RIGHT"));
        Assert.Equal("b", _driver.Say("LMOVE l l LEFT RIGHT"));
        Assert.Equal("b", _driver.Say("LMOVE l m RIGHT LEFT"));
        Assert.Equal("0", _driver.Say("EXISTS l"));
        Assert.Equal("[b 3 a]", _driver.Say("LRANGE m 0 -1"));
        Assert.Equal("a", _driver.Say("RPOPLPUSH m m"));
        Assert.Equal("a", _driver.Say("LMOVE m m LEFT LEFT"));
        Assert.Equal("[a b 3]", _driver.Say("LRANGE m 0 -1"));
        Assert.Equal("3", _driver.Say("LMOVE m m RIGHT LEFT"));
        Assert.Equal("[3 a b]", _driver.Say("LRANGE m 0 -1"));
    }

    [Theory]
    [InlineData(100)]
    [InlineData(600)]
    [InlineData(9000)]
    [InlineData(100_000)]
    public void Long_elements_rotate_in_their_list(int length)
    {
        string[] texts = [new('a', length), new('b', length), new('c', length)];
        _driver.RunWords("RPUSH", "l", texts[0], texts[1], texts[2]);
        Assert.Equal($"${length}\r\n{texts[2]}\r\n", _driver.Run("RPOPLPUSH l l"));
        Assert.Equal($"[{texts[2]} {texts[0]} {texts[1]}]", _driver.Say("LRANGE l 0 -1"));
        Assert.Equal($"${length}\r\n{texts[2]}\r\n", _driver.Run("LMOVE l l LEFT RIGHT"));
        Assert.Equal($"[{texts[0]} {texts[1]} {texts[2]}]", _driver.Say("LRANGE l 0 -1"));
        _driver.Run("DEL l");
    }

    [Fact]
    public void LMPop_takes_from_the_first_list_that_is_there_and_its_effect_is_a_pop()
    {
        _driver.Run("RPUSH l a b c d");
        Assert.Equal("*2\r\n$1\r\nl\r\n*1\r\n$1\r\na\r\n", _driver.Run("LMPOP 2 none l LEFT"));
        Assert.Equal(["LPOP l 1"], _driver.Effects);
        Assert.Equal("[l [d c b]]", _driver.Say("LMPOP 2 none l RIGHT COUNT 10"));
        Assert.Equal(["RPOP l 3"], _driver.Effects);
        Assert.Equal(3, _driver.Dirty);
        Assert.Equal("0", _driver.Say("EXISTS l"));
        Assert.Equal("(nil)", _driver.Say("LMPOP 2 none l RIGHT"));
        Assert.Empty(_driver.Effects);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(-1)]
    public void A_list_becomes_a_quicklist_when_it_is_long_and_a_listpack_at_half_of_that(int chunk)
    {
        _driver.Keyspace.Encodings = _driver.Keyspace.Encodings with { ListChunk = chunk };
        var large = chunk > 0 ? "d" : new string('d', 4096);
        Expect("listpack", "RPUSH l a b c");
        Assert.Equal("quicklist", After("RPUSH l " + large));
        Assert.Equal("quicklist", After("LINSERT l AFTER b x", "LPOP l 2"));
        Assert.Equal("listpack", After($"LTRIM l 0 {(chunk > 0 ? 0 : 1)}"));
        Expect("quicklist", "DEL l", "RPUSH l a b c", "LINSERT l BEFORE b " + large);
        Expect("quicklist", "DEL l", "RPUSH l a b c", "LSET l 1 " + large);
        Expect("listpack", "LREM l 1 " + large, "LREM l 1 a");
        Expect("quicklist", "DEL l m", "RPUSH m a b c " + large, "RPUSH l a b c", "LMOVE m l RIGHT RIGHT");
        Assert.Equal($"[a b c {large}]", _driver.Say("LRANGE l 0 -1"));
        Expect("quicklist", "COPY l k", "RENAME k l");
        Assert.Equal($"[a b c {large}]", _driver.Say("LRANGE l 0 -1"));

        void Expect(string encoding, params string[] requests) => Assert.Equal(encoding, After(requests));
    }

    [Fact]
    public void A_deadline_outlives_changes_and_conversions()
    {
        _driver.Keyspace.Encodings = _driver.Keyspace.Encodings with { ListChunk = 4 };
        _driver.Run("RPUSH l a b c");
        _driver.Run("PEXPIRE l 5000");
        Assert.Equal("quicklist", After("RPUSH l d e f"));
        Assert.Equal("5000", _driver.Say("PTTL l"));
        Assert.Equal("listpack", After("LPOP l 4"));
        Assert.Equal("5000", _driver.Say("PTTL l"));
        _driver.NowMs += 5001;
        Assert.Equal("0", _driver.Say("LLEN l"));
    }

    [Theory]
    [InlineData("DEL l")]
    [InlineData("SET l text")]
    [InlineData("LTRIM l 1 0")]
    [InlineData("FLUSHALL ASYNC")]
    [InlineData("RENAME m l")]
    public void A_large_list_is_freed_whole_and_in_slices(string request)
    {
        _driver.Keyspace.Encodings = _driver.Keyspace.Encodings with { ListChunk = 2 };
        _driver.Run("SET m short");
        for (var i = 0; i < 500; i++) _driver.Run($"RPUSH l element{i} {i} other");
        Assert.True(_driver.Keyspace.UsedBytes > 20_000);
        _driver.Run(request);
        var slices = 1;
        while (!_driver.Keyspace[0].FreeDiscarded(100)) slices++;
        Assert.InRange(slices, 10, 100);
        _driver.Run("FLUSHALL SYNC");
        while (!_driver.Keyspace[0].FreeDiscarded(100)) continue;
        Assert.Equal(0, _driver.Keyspace.UsedBytes);
    }

    [Theory]
    [InlineData(10)]
    [InlineData(20_000)]
    public void The_size_of_a_list_is_what_it_takes_of_the_heap(int elements)
    {
        _driver.Run("SET x 1");
        var before = _driver.Keyspace.UsedBytes;
        for (var i = 0; i < elements; i++) _driver.Run($"LPUSH l element{i}");
        var partition = _driver.Keyspace[0];
        var entry = partition.Table(0)!.Find(_driver.Keyspace.HashOf("l"u8), "l"u8);
        Assert.Equal(_driver.Keyspace.UsedBytes - before, Value.SizeBytes(partition.Heap, entry));
    }

    private string After(params string[] requests)
    {
        foreach (var request in requests) Assert.DoesNotContain("ERR", _driver.Say(request), StringComparison.Ordinal);
        return _driver.Say("OBJECT ENCODING l");
    }

    private static long BlocksOfAnEmptyKeyspace()
    {
        using var other = new CommandDriver();
        other.Run("SET x 1");
        other.Run("DEL x");
        return other.Keyspace[0].Heap.BlockCount;
    }
}
