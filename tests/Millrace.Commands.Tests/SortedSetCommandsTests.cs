using Millrace.Commands.Tests.Driver;
using Millrace.Engine;

namespace Millrace.Commands.Tests;

public sealed class SortedSetCommandsTests : IDisposable
{
    private const string WrongType = "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";
    private readonly CommandDriver _driver = new();

    public void Dispose() => _driver.Dispose();

    [Fact]
    public void Scores_are_doubles_in_RESP3_and_bulk_strings_in_RESP2()
    {
        Assert.Equal(":2\r\n", _driver.Run("ZADD z 1.5 a 2 b"));
        Assert.Equal("$3\r\n1.5\r\n", _driver.Run("ZSCORE z a"));
        Assert.Equal("*2\r\n$3\r\n1.5\r\n$-1\r\n", _driver.Run("ZMSCORE z a none"));
        Assert.Equal("*4\r\n$1\r\na\r\n$3\r\n1.5\r\n$1\r\nb\r\n$1\r\n2\r\n", _driver.Run("ZRANGE z 0 -1 WITHSCORES"));
        _driver.Protocol = 3;
        Assert.Equal(",1.5\r\n", _driver.Run("ZSCORE z a"));
        Assert.Equal("*2\r\n,1.5\r\n_\r\n", _driver.Run("ZMSCORE z a none"));
        Assert.Equal(
            "*2\r\n*2\r\n$1\r\na\r\n,1.5\r\n*2\r\n$1\r\nb\r\n,2\r\n", _driver.Run("ZRANGE z 0 -1 WITHSCORES"));
        Assert.Equal("*2\r\n:1\r\n,2\r\n", _driver.Run("ZRANK z b WITHSCORE"));
        Assert.Equal("_\r\n", _driver.Run("ZRANK z none WITHSCORE"));
        Assert.Equal(",3\r\n", _driver.Run("ZINCRBY z 1 b"));
        Assert.Equal("_\r\n", _driver.Run("ZADD z NX INCR 1 b"));
    }

    [Fact]
    public void Pops_have_the_shapes_of_both_protocols()
    {
        _driver.Run("ZADD z 1 a 2 b 3 c 4 d 5 e 6 f 7 g 8 h");
        Assert.Equal("*2\r\n$1\r\na\r\n$1\r\n1\r\n", _driver.Run("ZPOPMIN z"));
        Assert.Equal("*4\r\n$1\r\nh\r\n$1\r\n8\r\n$1\r\ng\r\n$1\r\n7\r\n", _driver.Run("ZPOPMAX z 2"));
        Assert.Equal("*2\r\n$1\r\nz\r\n*1\r\n*2\r\n$1\r\nb\r\n$1\r\n2\r\n", _driver.Run("ZMPOP 2 none z MIN"));
        Assert.Equal("*0\r\n", _driver.Run("ZPOPMIN z 0"));
        Assert.Equal("*-1\r\n", _driver.Run("ZMPOP 1 none MAX"));
        _driver.Protocol = 3;
        Assert.Equal("*2\r\n$1\r\nc\r\n,3\r\n", _driver.Run("ZPOPMIN z"));
        Assert.Equal("*1\r\n*2\r\n$1\r\nf\r\n,6\r\n", _driver.Run("ZPOPMAX z 1"));
        Assert.Equal("*2\r\n$1\r\nz\r\n*2\r\n*2\r\n$1\r\ne\r\n,5\r\n*2\r\n$1\r\nd\r\n,4\r\n",
            _driver.Run("ZMPOP 1 z MAX COUNT 5"));
        Assert.Equal("_\r\n", _driver.Run("ZMPOP 1 z MAX"));
        Assert.Equal(":0\r\n", _driver.Run("EXISTS z"));
    }

    [Theory]
    [InlineData("ZMPOP 2 none z MAX COUNT 7", "ZPOPMAX z 2")]
    [InlineData("ZMPOP 1 z MIN", "ZPOPMIN z 1")]
    [InlineData("ZPOPMIN z 5", "ZPOPMIN z 5")]
    [InlineData("ZADD z INCR 1 a", "ZADD z INCR 1 a")]
    [InlineData("ZRANGESTORE d z 0 0", "ZRANGESTORE d z 0 0")]
    [InlineData("ZADD z XX 1 a 5 new", "")]
    [InlineData("ZADD none XX 1 a", "")]
    [InlineData("ZREM z none", "")]
    [InlineData("ZUNIONSTORE d 1 none", "")]
    [InlineData("ZREMRANGEBYSCORE z 7 8", "")]
    public void The_effect_of_a_change_does_it_again_and_what_changes_nothing_has_none(string request, string effect)
    {
        _driver.Run("ZADD z 1 a 2 b");
        _driver.Run(request);
        Assert.Equal(effect, string.Join('|', _driver.Effects));
    }

    [Theory]
    [InlineData("ZADD z 1 a 2 b 2 c", 1)]
    [InlineData("ZADD z CH 9 a 9 b 9 new", 3)]
    [InlineData("ZREM z a b none", 2)]
    [InlineData("ZPOPMIN z 9", 3)]
    [InlineData("ZREMRANGEBYRANK z 0 1", 2)]
    [InlineData("ZUNIONSTORE d 2 z z", 1)]
    [InlineData("ZINTERSTORE z 2 z none", 1)]
    [InlineData("ZINCRBY z 0 a", 0)]
    public void Changes_are_counted_as_Redis_counts_them(string request, int dirty)
    {
        _driver.Run("ZADD z 1 a 2 b 3 x");
        _driver.Run(request);
        Assert.Equal(dirty, _driver.Dirty);
    }

    [Theory]
    [InlineData("ZADD z", "ERR no such command or wrong number of arguments")]
    [InlineData("ZADD z 1", "ERR no such command or wrong number of arguments")]
    [InlineData("ZADD z 1 a 2", "ERR syntax error")]
    [InlineData("ZADD z NX GT", "ERR syntax error")]
    [InlineData("ZADD z NX XX 1 a", "ERR XX and NX options at the same time are not compatible")]
    [InlineData("ZADD z GT LT 1 a", "ERR GT, LT, and/or NX options at the same time are not compatible")]
    [InlineData("ZADD z NX GT 1 a", "ERR GT, LT, and/or NX options at the same time are not compatible")]
    [InlineData("ZADD z INCR 1 a 2 b", "ERR INCR option supports a single increment-element pair")]
    [InlineData("ZADD z nan a", "ERR value is not a valid float")]
    [InlineData("ZADD z 1 a x b", "ERR value is not a valid float")]
    [InlineData("ZINCRBY z x a", "ERR value is not a valid float")]
    [InlineData("ZRANGE z a 1", "ERR value is not an integer or out of range")]
    [InlineData("ZRANGE z a 1 BYSCORE", "ERR min or max is not a float")]
    [InlineData("ZRANGE z a 1 BYLEX", "ERR min or max not valid string range item")]
    [InlineData("ZRANGE z 0 1 LIMIT 0 1",
        "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX")]
    [InlineData("ZRANGE z [a [b BYLEX WITHSCORES",
        "ERR syntax error, WITHSCORES not supported in combination with BYLEX")]
    [InlineData("ZRANGE z 0 1 REV REV", "ERR syntax error")]
    [InlineData("ZRANGE z 0 1 BYSCORE BYLEX", "ERR syntax error")]
    [InlineData("ZRANGE z 0 1 BYSCORE LIMIT 1", "ERR syntax error")]
    [InlineData("ZRANGE z 0 1 BYSCORE LIMIT 1 x", "ERR value is not an integer or out of range")]
    [InlineData("ZRANGESTORE d z 0 1 WITHSCORES", "ERR syntax error")]
    [InlineData("ZRANGEBYSCORE z 0 1 REV", "ERR syntax error")]
    [InlineData("ZREVRANGE z 0 1 BYSCORE", "ERR syntax error")]
    [InlineData("ZRANGEBYLEX z [a b", "ERR min or max not valid string range item")]
    [InlineData("ZRANGEBYLEX z -x +", "ERR min or max not valid string range item")]
    [InlineData("ZCOUNT z 1 (", null)]
    public void Bad_pairs_and_ranges_are_told_and_change_nothing(string request, string? error) =>
        Check(request, error);

    [Theory]
    [InlineData("ZUNION 0 z", "ERR at least 1 input key is needed for 'zunion' command")]
    [InlineData("ZUNION x z", "ERR value is not an integer or out of range")]
    [InlineData("ZUNION 2 z", "ERR syntax error")]
    [InlineData("ZUNION 1 z WEIGHTS x", "ERR weight value is not a float")]
    [InlineData("ZUNION 1 z WEIGHTS", "ERR syntax error")]
    [InlineData("ZUNION 1 z AGGREGATE AVG", "ERR syntax error")]
    [InlineData("ZUNIONSTORE d 1 z WITHSCORES", "ERR syntax error")]
    [InlineData("ZUNIONSTORE d 9223372036854775807 z", "ERR syntax error")]
    [InlineData("ZDIFF 1 z WEIGHTS 1", "ERR syntax error")]
    [InlineData("ZINTERCARD 1 z LIMIT -1", "ERR LIMIT can't be negative")]
    [InlineData("ZINTERCARD 1 z LIMIT", "ERR syntax error")]
    [InlineData("ZPOPMIN z -1", "ERR value is out of range, must be positive")]
    [InlineData("ZPOPMIN z x", "ERR value is out of range, must be positive")]
    [InlineData("ZPOPMIN z 1 2", "ERR syntax error")]
    [InlineData("ZMPOP 0 z MIN", "ERR numkeys should be greater than 0")]
    [InlineData("ZMPOP 9223372036854775807 z MIN", "ERR syntax error")]
    [InlineData("ZMPOP 1 z MID", "ERR syntax error")]
    [InlineData("ZMPOP 1 z MIN COUNT 0", "ERR count should be greater than 0")]
    [InlineData("ZMPOP 1 z MIN COUNT 0 COUNT 1", "ERR count should be greater than 0")]
    [InlineData("ZMPOP 1 z MIN COUNT 1 COUNT 1", "ERR syntax error")]
    [InlineData("ZMPOP 1 z MIN COUNT", "ERR syntax error")]
    [InlineData("ZRANDMEMBER z x", "ERR value is not an integer or out of range")]
    [InlineData("ZRANDMEMBER z 1 SCORES", "ERR syntax error")]
    [InlineData("ZRANDMEMBER z 1 WITHSCORES x", "ERR syntax error")]
    [InlineData("ZRANDMEMBER z -9223372036854775808",
        "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807")]
    [InlineData("ZRANDMEMBER z -9223372036854775807 WITHSCORES", "ERR value is out of range")]
    [InlineData("ZSCAN z x", "ERR invalid cursor")]
    [InlineData("ZSCAN z 0 COUNT 0", "ERR syntax error")]
    [InlineData("ZSCAN z 0 MATCH", "ERR syntax error")]
    [InlineData("ZSCAN z 0 TYPE string", "ERR syntax error")]
    [InlineData("ZRANK z a WITHSCORES", "ERR syntax error")]
    public void Bad_input_is_told_and_changes_nothing(string request, string error) => Check(request, error);

    [Theory]
    [InlineData("ZADD s 1 a")]
    [InlineData("ZCARD s")]
    [InlineData("ZSCORE s a")]
    [InlineData("ZMSCORE s a")]
    [InlineData("ZRANK s a")]
    [InlineData("ZREM s a")]
    [InlineData("ZRANGE s 0 1")]
    [InlineData("ZCOUNT s 0 1")]
    [InlineData("ZLEXCOUNT s - +")]
    [InlineData("ZREMRANGEBYRANK s 0 1")]
    [InlineData("ZRANGESTORE d s 0 1")]
    [InlineData("ZPOPMIN s")]
    [InlineData("ZMPOP 2 none s MIN")]
    [InlineData("ZUNION 2 z s")]
    [InlineData("ZINTERCARD 2 none s")]
    [InlineData("ZDIFFSTORE d 2 z s")]
    [InlineData("ZRANDMEMBER s")]
    [InlineData("ZSCAN s 0")]
    public void Another_type_is_WRONGTYPE_and_stays(string request)
    {
        _driver.Run("SET s text");
        _driver.Run("ZADD z 1 a");
        Assert.Equal(WrongType, _driver.Run(request));
        Assert.Equal("text", _driver.Say("GET s"));
        Assert.Equal("2", _driver.Say("DBSIZE"));
    }

    [Fact]
    public void A_result_that_is_no_number_is_refused()
    {
        _driver.Run("ZADD z inf a");
        Assert.Equal("-ERR resulting score is not a number (NaN)\r\n", _driver.Run("ZINCRBY z -inf a"));
        Assert.Equal("inf", _driver.Say("ZSCORE z a"));
        Assert.Equal("[a 0]", _driver.Say("ZUNION 2 z z WEIGHTS 1 -1 WITHSCORES"));
        Assert.Equal("[a 0]", _driver.Say("ZUNION 1 z WEIGHTS 0 WITHSCORES"));
    }

    [Fact]
    public void Stores_replace_any_type_and_its_deadline_and_may_be_their_own_source()
    {
        _driver.Run("ZADD z 1 a 2 b 3 c");
        _driver.Run("SET d text EX 1000");
        Assert.Equal("3", _driver.Say("ZUNIONSTORE d 1 z"));
        Assert.Equal("-1", _driver.Say("TTL d"));
        Assert.Equal("2", _driver.Say("ZRANGESTORE z z 0 1"));
        Assert.Equal("[a 1 b 2]", _driver.Say("ZRANGE z 0 -1 WITHSCORES"));
        Assert.Equal("2", _driver.Say("ZINTERSTORE z 2 z d WEIGHTS 1 10"));
        Assert.Equal("[a 11 b 22]", _driver.Say("ZRANGE z 0 -1 WITHSCORES"));
        Assert.Equal("1", _driver.Say("ZDIFFSTORE d 2 d z"));
        Assert.Equal("0", _driver.Say("ZDIFFSTORE z 2 d d"));
        Assert.Equal("0", _driver.Say("EXISTS z"));
    }

    [Fact]
    public void A_deadline_outlives_changes_and_conversion()
    {
        _driver.Keyspace.Encodings = new EncodingLimits { SortedSetEntries = 2 };
        _driver.Run("ZADD z 1 a");
        _driver.Run("EXPIRE z 1000");
        _driver.Run("ZADD z 2 b");
        Assert.Equal("listpack", _driver.Say("OBJECT ENCODING z"));
        _driver.Run("ZADD z 3 c");
        Assert.Equal("skiplist", _driver.Say("OBJECT ENCODING z"));
        Assert.Equal("1000", _driver.Say("TTL z"));
        _driver.Run("ZREM z b c");
        Assert.Equal("skiplist", _driver.Say("OBJECT ENCODING z"));
        _driver.Run("ZRANGESTORE d z 0 -1");
        Assert.Equal("listpack", _driver.Say("OBJECT ENCODING d"));
    }

    [Theory]
    [InlineData(1, "listpack")]
    [InlineData(64, "listpack")]
    [InlineData(65, "skiplist")]
    public void A_long_member_makes_the_set_large(int length, string encoding)
    {
        _driver.RunWords("ZADD", "z", "1", new string('m', length));
        Assert.Equal(encoding, _driver.Say("OBJECT ENCODING z"));
    }

    [Theory]
    [InlineData(128, "listpack")]
    [InlineData(129, "skiplist")]
    public void Many_members_make_the_set_large(int count, string encoding)
    {
        for (var i = 0; i < count; i++) _driver.Run($"ZADD z {i} m{i}");
        Assert.Equal(encoding, _driver.Say("OBJECT ENCODING z"));
        Assert.Equal(count.ToString(), _driver.Say("ZCARD z"));
    }

    [Fact]
    public void Minus_zero_is_zero_in_order_and_kept_in_large_sets_only()
    {
        _driver.Run("ZADD z -0 b 0 a");
        Assert.Equal("[a b]", _driver.Say("ZRANGE z 0 0 BYSCORE"));
        Assert.Equal("0", _driver.Say("ZSCORE z b"));
        _driver.Keyspace.Encodings = new EncodingLimits { SortedSetEntries = 0 };
        _driver.Run("ZADD large -0 b 0 a");
        Assert.Equal("[a b]", _driver.Say("ZRANGE large 0 0 BYSCORE"));
        Assert.Equal("-0", _driver.Say("ZSCORE large b"));
        _driver.Run("ZRANGESTORE copy large 0 -1");
        Assert.Equal("[a 0 b -0]", _driver.Say("ZRANGE copy 0 -1 WITHSCORES"));
        _driver.Keyspace.Encodings = new EncodingLimits { SortedSetEntries = 1 };
        _driver.Run("ZADD large -0 a");
        _driver.Run("ZRANGESTORE copy large -inf inf BYSCORE REV");
        Assert.Equal("[]", _driver.Say("ZRANGE copy 0 -1 WITHSCORES"));
        _driver.Run("ZUNIONSTORE zeros 1 large WEIGHTS -0");
        _driver.Run("ZADD zeros -0 c -0 d");
        _driver.Run("ZRANGESTORE copy zeros -inf inf BYSCORE");
        Assert.Equal("0", _driver.Say("ZSCORE copy a"));
        Assert.Equal("-0", _driver.Say("ZSCORE copy d"));
        _driver.Run("ZRANGESTORE copy zeros inf -inf BYSCORE REV");
        Assert.Equal("0", _driver.Say("ZSCORE copy d"));
        _driver.Run("ZRANGESTORE copy zeros 0 0");
        Assert.Equal("[a 0]", _driver.Say("ZRANGE copy 0 -1 WITHSCORES"));
    }

    [Theory]
    [InlineData(128)]
    [InlineData(0)]
    public void Ranges_of_texts_are_by_bytes(int entries)
    {
        _driver.Keyspace.Encodings = new EncodingLimits { SortedSetEntries = entries };
        _driver.Run("ZADD z 0 a 0 b 0 c 0 10 0 2 0 aa");
        Assert.Equal("[10 2 a aa b c]", _driver.Say("ZRANGEBYLEX z - +"));
        Assert.Equal("[a aa b]", _driver.Say("ZRANGEBYLEX z [a [b"));
        Assert.Equal("[aa]", _driver.Say("ZRANGEBYLEX z (a (b"));
        Assert.Equal("[b aa]", _driver.Say("ZREVRANGEBYLEX z [b (a"));
        Assert.Equal("[aa b]", _driver.Say("ZRANGE z [a + BYLEX LIMIT 1 2"));
        Assert.Equal("[]", _driver.Say("ZRANGEBYLEX z + -"));
        Assert.Equal("[]", _driver.Say("ZRANGEBYLEX z [b [a"));
        Assert.Equal("2", _driver.Say("ZLEXCOUNT z - (a"));
        Assert.Equal("3", _driver.Say("ZREMRANGEBYLEX z (10 (b"));
        Assert.Equal("[10 b c]", _driver.Say("ZRANGE z 0 -1"));
    }

    [Theory]
    [InlineData(128)]
    [InlineData(0)]
    public void Samples_are_members_and_distinct_unless_repeats_are_asked_for(int entries)
    {
        _driver.Keyspace.Encodings = new EncodingLimits { SortedSetEntries = entries };
        for (var i = 0; i < 100; i++) _driver.Run($"ZADD z {i} m{i}");
        foreach (var count in (int[])[1, 5, 24, 25, 26, 60, 99, 100, 1000])
        {
            var reply = _driver.Value("ZRANDMEMBER", "z", count.ToString());
            var sample = reply.Items.Select(CommandDriver.Render).ToList();
            Assert.Equal(Math.Min(count, 100), sample.Distinct().Count());
            Assert.Equal(Math.Min(count, 100), sample.Count);
        }

        var pairs = _driver.Value("ZRANDMEMBER", "z", "-500", "WITHSCORES");
        var repeated = pairs.Items.Select(CommandDriver.Render).ToList();
        Assert.Equal(1000, repeated.Count);
        Assert.All(repeated.Chunk(2), pair => Assert.Equal("m" + pair[1], pair[0]));
        Assert.InRange(repeated.Chunk(2).Select(pair => pair[0]).Distinct().Count(), 80, 100);
        Assert.StartsWith("m", _driver.Say("ZRANDMEMBER z"), StringComparison.Ordinal);
        Assert.Equal("[]", _driver.Say("ZRANDMEMBER z 0"));
        Assert.Equal("(nil)", _driver.Say("ZRANDMEMBER none"));
        Assert.Equal("[]", _driver.Say("ZRANDMEMBER none 5"));
    }

    [Fact]
    public void A_scan_of_a_large_set_meets_every_member()
    {
        for (var i = 0; i < 2000; i++) _driver.Run($"ZADD z {i} m{i}");
        var met = new Dictionary<string, string>();
        var cursor = "0";
        var calls = 0;
        do
        {
            var page = _driver.Value("ZSCAN", "z", cursor, "COUNT", "50");
            cursor = CommandDriver.Render(page.Items[0]);
            foreach (var pair in page.Items[1].Items.Chunk(2))
                met[CommandDriver.Render(pair[0])] = CommandDriver.Render(pair[1]);
            calls++;
        }
        while (cursor != "0");
        Assert.Equal(2000, met.Count);
        Assert.All(met, pair => Assert.Equal(pair.Key, "m" + pair.Value));
        Assert.InRange(calls, 10, 200);
        Assert.Equal("[0 [m1999 1999]]", _driver.Say("ZSCAN z 0 COUNT 100000 MATCH m1999"));
        Assert.Equal("[0 [m1999]]", _driver.Say("ZSCAN z 0 COUNT 100000 MATCH m1999 NOSCORES"));
    }

    [Fact]
    public void A_large_set_that_is_deleted_is_freed_in_slices()
    {
        for (var i = 0; i < 5000; i++) _driver.Run($"ZADD z {i} m{i}");
        _driver.Run("DEL z");
        var partition = _driver.Keyspace[0];
        var slices = 0;
        var before = partition.Heap.AllocatedBytes;
        while (!partition.FreeDiscarded(100))
        {
            Assert.InRange(before - partition.Heap.AllocatedBytes, 0, 100_000);
            before = partition.Heap.AllocatedBytes;
            slices++;
        }

        Assert.InRange(slices, 50, 500);
        _driver.Run("FLUSHALL SYNC");
        Assert.Equal(0, _driver.Keyspace.UsedBytes);
    }

    private void Check(string request, string? error)
    {
        _driver.Run("ZADD z 1 a 2 b");
        var said = _driver.Say(request);
        if (error is not null) Assert.Equal(error, said);
        else Assert.DoesNotContain("ERR", said, StringComparison.Ordinal);
        Assert.Equal(0, _driver.Dirty);
        Assert.Equal("[a 1 b 2]", _driver.Say("ZRANGE z 0 -1 WITHSCORES"));
        Assert.Equal("1", _driver.Say("DBSIZE"));
    }
}
