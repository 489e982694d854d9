using Millrace.Commands.Tests.Driver;
using Millrace.Engine;

namespace Millrace.Commands.Tests;

public sealed class SetCommandsTests : IDisposable
{
    private const string WrongType = "WRONGTYPE Operation against a key holding the wrong kind of value";
    private const string LongMember = "a-member-of-more-than-sixty-four-bytes-for-which-a-set-becomes-a-hashtable";
    private readonly CommandDriver _driver = new();

    public void Dispose() => _driver.Dispose();

    [Fact]
    public void Members_come_and_go_and_the_key_goes_with_the_last_one()
    {
        Assert.Equal("2", _driver.Say("SADD s 1 2 1"));
        Assert.Equal(2, _driver.Dirty);
        Assert.Equal("1", _driver.Say("SADD s 2 x"));
        Assert.Equal("0", _driver.Say("SADD s x"));
        Assert.Equal(0, _driver.Dirty);
        Assert.Equal("3", _driver.Say("SCARD s"));
        Assert.Equal("[1 2 x]", Sorted("SMEMBERS s"));
        Assert.Equal("1", _driver.Say("SISMEMBER s x"));
        Assert.Equal("0", _driver.Say("SISMEMBER s y"));
        Assert.Equal("[1 0 1]", _driver.Say("SMISMEMBER s 1 3 x"));
        Assert.Equal("2", _driver.Say("SREM s 1 2 9"));
        Assert.Equal("1", _driver.Say("SREM s x y"));
        Assert.Equal("0", _driver.Say("EXISTS s"));
        Assert.Equal("0", _driver.Say("SREM s x"));
        Assert.Equal(0, _driver.Dirty);
    }

    [Fact]
    public void Missing_keys_are_empty_sets()
    {
        Assert.Equal(":0\r\n", _driver.Run("SCARD none"));
        Assert.Equal(":0\r\n", _driver.Run("SISMEMBER none x"));
        Assert.Equal("*0\r\n", _driver.Run("SMEMBERS none"));
        Assert.Equal("*1\r\n:0\r\n", _driver.Run("SMISMEMBER none x"));
        Assert.Equal("$-1\r\n", _driver.Run("SPOP none"));
        Assert.Equal("*0\r\n", _driver.Run("SPOP none 3"));
        Assert.Equal("$-1\r\n", _driver.Run("SRANDMEMBER none"));
        Assert.Equal("*0\r\n", _driver.Run("SRANDMEMBER none -3"));
        Assert.Equal("*2\r\n$1\r\n0\r\n*0\r\n", _driver.Run("SSCAN none 0 nonsense"));
        Assert.Equal(":0\r\n", _driver.Run("SMOVE none other x"));
        Assert.Equal("*0\r\n", _driver.Run("SINTER none"));
        Assert.Equal(":0\r\n", _driver.Run("SINTERCARD 1 none"));
        Assert.Equal(":0\r\n", _driver.Run("SDIFFSTORE to none"));
        Assert.Equal(0, _driver.Dirty);
    }

    [Fact]
    public void Sets_are_sets_in_RESP3()
    {
        _driver.Run("SADD s 1");
        _driver.Protocol = 3;
        Assert.Equal("~1\r\n$1\r\n1\r\n", _driver.Run("SMEMBERS s"));
        Assert.Equal("~1\r\n$1\r\n1\r\n", _driver.Run("SUNION s none"));
        Assert.Equal("~1\r\n$1\r\n1\r\n", _driver.Run("SDIFF s"));
        Assert.Equal("~1\r\n$1\r\n1\r\n", _driver.Run("SINTER s s"));
        Assert.Equal("~0\r\n", _driver.Run("SINTER s none"));
        Assert.Equal("*1\r\n$1\r\n1\r\n", _driver.Run("SRANDMEMBER s 2"));
        Assert.Equal(":1\r\n", _driver.Run("SISMEMBER s 1"));
        Assert.Equal("~1\r\n$1\r\n1\r\n", _driver.Run("SPOP s 2"));
        Assert.Equal("~0\r\n", _driver.Run("SPOP s 2"));
        Assert.Equal("_\r\n", _driver.Run("SPOP s"));
        Assert.Equal("_\r\n", _driver.Run("SRANDMEMBER s"));
    }

    [Theory]
    [InlineData("SADD list x", WrongType)]
    [InlineData("SCARD list", WrongType)]
    [InlineData("SDIFF s list", WrongType)]
    [InlineData("SDIFFSTORE to s list", WrongType)]
    [InlineData("SINTER none list", WrongType)]
    [InlineData("SINTERCARD 2 s list", WrongType)]
    [InlineData("SINTERSTORE to list s", WrongType)]
    [InlineData("SISMEMBER list x", WrongType)]
    [InlineData("SMEMBERS list", WrongType)]
    [InlineData("SMISMEMBER list x", WrongType)]
    [InlineData("SMOVE list s x", WrongType)]
    [InlineData("SMOVE s list x", WrongType)]
    [InlineData("SPOP list", WrongType)]
    [InlineData("SPOP list 2", WrongType)]
    [InlineData("SRANDMEMBER list", WrongType)]
    [InlineData("SRANDMEMBER list 0", WrongType)]
    [InlineData("SREM list x", WrongType)]
    [InlineData("SSCAN list 0", WrongType)]
    [InlineData("SUNION s list", WrongType)]
    [InlineData("SUNIONSTORE to list", WrongType)]
    [InlineData("SPOP s -1", "ERR value is out of range, must be positive")]
    [InlineData("SPOP s x", "ERR value is out of range, must be positive")]
    [InlineData("SPOP s 1 2", "ERR syntax error")]
    [InlineData("SRANDMEMBER s x", "ERR value is not an integer or out of range")]
    [InlineData("SRANDMEMBER s 1 2", "ERR syntax error")]
    [InlineData(
        "SRANDMEMBER s -9223372036854775808",
        "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807")]
    [InlineData("SINTERCARD x s", "ERR numkeys should be greater than 0")]
    [InlineData("SINTERCARD 0 s", "ERR numkeys should be greater than 0")]
    [InlineData("SINTERCARD 2 s", "ERR Number of keys can't be greater than number of args")]
    [InlineData("SINTERCARD 1 s LIMIT", "ERR syntax error")]
    [InlineData("SINTERCARD 1 s LIMIT -1", "ERR LIMIT can't be negative")]
    [InlineData("SINTERCARD 1 s LIMIT x", "ERR LIMIT can't be negative")]
    [InlineData("SINTERCARD 1 s AND", "ERR syntax error")]
    [InlineData("SSCAN s x", "ERR invalid cursor")]
    [InlineData("SSCAN s 0 COUNT 0", "ERR syntax error")]
    [InlineData("SSCAN s 0 COUNT x", "ERR value is not an integer or out of range")]
    [InlineData("SSCAN s 0 TYPE set", "ERR syntax error")]
    [InlineData("SSCAN s 0 MATCH", "ERR syntax error")]
    public void A_wrong_request_has_this_error_and_changes_nothing(string request, string error)
    {
        _driver.PlantList("list");
        _driver.Run("SADD s 1 2 3");
        Assert.Equal(error, _driver.Say(request));
        Assert.Equal(0, _driver.Dirty);
        Assert.Empty(_driver.Effects);
        Assert.Equal("3", _driver.Say("SCARD s"));
        Assert.Equal("2", _driver.Say("DBSIZE"));
    }

    [Theory]
    [InlineData("1 -5 9223372036854775807", "intset")]
    [InlineData("1 x", "listpack")]
    [InlineData("01", "listpack")]
    [InlineData("+1", "listpack")]
    [InlineData("-0", "listpack")]
    [InlineData("9223372036854775808", "listpack")]
    [InlineData("1234567890123456789012345678901", "hashtable")]
    public void Encodings_follow_the_members(string members, string encoding)
    {
        _driver.Keyspace.Encodings = new EncodingLimits { SetValueBytes = 30 };
        _driver.Run("SADD s " + members);
        Assert.Equal(encoding, _driver.Say("OBJECT ENCODING s"));
        foreach (var member in members.Split(' ')) Assert.Equal("1", _driver.Say("SISMEMBER s " + member));
    }

    [Theory]
    [InlineData(512, "intset")]
    [InlineData(513, "hashtable")]
    public void Many_integers_become_a_table(int count, string encoding)
    {
        for (var i = 0; i < count; i++) _driver.Run("SADD s " + i);
        Assert.Equal(encoding, _driver.Say("OBJECT ENCODING s"));
        Assert.Equal(count.ToString(), _driver.Say("SCARD s"));
    }

    [Theory]
    [InlineData(128, "listpack")]
    [InlineData(129, "hashtable")]
    public void Many_texts_become_a_table(int count, string encoding)
    {
        for (var i = 0; i < count; i++) _driver.Run("SADD s m" + i);
        Assert.Equal(encoding, _driver.Say("OBJECT ENCODING s"));
        Assert.Equal(count.ToString(), _driver.Say("SCARD s"));
    }

    [Fact]
    public void What_one_request_brings_decides_the_encoding_before_the_members_do()
    {
        var same = string.Join(' ', Enumerable.Repeat("a", 129));
        Assert.Equal("1", _driver.Say("SADD s " + same));
        Assert.Equal("hashtable", _driver.Say("OBJECT ENCODING s"));
        _driver.Run("SADD small a");
        Assert.Equal("0", _driver.Say("SADD small " + same));
        Assert.Equal("hashtable", _driver.Say("OBJECT ENCODING small"));
        _driver.Run("SADD integers " + string.Join(' ', Enumerable.Range(0, 128)) + " x");
        Assert.Equal("hashtable", _driver.Say("OBJECT ENCODING integers"));
        Assert.Equal("129", _driver.Say("SCARD integers"));
    }

    [Fact]
    public void Integers_that_come_twice_in_one_request_count_once()
    {
        var all = string.Join(' ', Enumerable.Range(0, 512));
        Assert.Equal("512", _driver.Say($"SADD s {all} 511"));
        Assert.Equal("intset", _driver.Say("OBJECT ENCODING s"));
        Assert.Equal("0", _driver.Say($"SADD s {all} 511"));
        Assert.Equal("intset", _driver.Say("OBJECT ENCODING s"));
        Assert.Equal("1", _driver.Say($"SADD s {all} 512"));
        Assert.Equal("hashtable", _driver.Say("OBJECT ENCODING s"));
    }

    [Fact]
    public void Limits_that_changed_count_at_the_next_change()
    {
        _driver.Run("SADD s a b c");
        _driver.Keyspace.Encodings = new EncodingLimits { SetEntries = 2 };
        Assert.Equal("listpack", _driver.Say("OBJECT ENCODING s"));
        _driver.Run("SADD s d");
        Assert.Equal("hashtable", _driver.Say("OBJECT ENCODING s"));
        _driver.Run("SREM s b c d");
        Assert.Equal("hashtable", _driver.Say("OBJECT ENCODING s"));
    }

    [Fact]
    public void Smove_moves_a_member_between_encodings()
    {
        _driver.Run("SADD from 1 2");
        _driver.Run("SADD to x");
        Assert.Equal("1", _driver.Say("SMOVE from to 1"));
        Assert.Equal(2, _driver.Dirty);
        Assert.Equal(["SMOVE from to 1"], _driver.Effects);
        Assert.Equal("0", _driver.Say("SMOVE from to 9"));
        Assert.Equal("[1 x]", Sorted("SMEMBERS to"));
        Assert.Equal("1", _driver.Say("SMOVE from from 2"));
        Assert.Equal("0", _driver.Say("SMOVE from from 9"));
        Assert.Equal(0, _driver.Dirty);
        _driver.Run("SADD to 2");
        Assert.Equal("1", _driver.Say("SMOVE from to 2"));
        Assert.Equal(1, _driver.Dirty);
        Assert.Equal("0", _driver.Say("EXISTS from"));
        Assert.Equal("1", _driver.Say("SMOVE to new 2"));
        Assert.Equal("intset", _driver.Say("OBJECT ENCODING new"));
    }

    [Theory]
    [InlineData("SUNION a b none", "[1 2 3 4 x]")]
    [InlineData("SINTER a b", "[2 3]")]
    [InlineData("SINTER a a", "[1 2 3]")]
    [InlineData("SDIFF a b", "[1]")]
    [InlineData("SDIFF b a none", "[4 x]")]
    [InlineData("SDIFF a a", "[]")]
    [InlineData("SDIFF none a", "[]")]
    [InlineData("SDIFF a none", "[1 2 3]")]
    [InlineData("SUNION none", "[]")]
    public void Algebra_of_two_sets(string request, string members)
    {
        _driver.Run("SADD a 1 2 3");
        _driver.Run("SADD b 2 3 4 x");
        Assert.Equal(members, Sorted(request));
        var words = request.Split(' ');
        var count = members == "[]" ? 0 : members.Split(' ').Length;
        foreach (var destination in (string[])["to", "a", "b"])
        {
            var stored = _driver.Say($"{words[0]}STORE {destination} {string.Join(' ', words[1..])}");
            Assert.Equal(count.ToString(), stored);
            Assert.Equal(members, Sorted("SMEMBERS " + destination));
            Assert.Equal(count == 0 ? "0" : "1", _driver.Say("EXISTS " + destination));
            _driver.Run("DEL to a b");
            _driver.Run("SADD a 1 2 3");
            _driver.Run("SADD b 2 3 4 x");
        }
    }

    [Fact]
    public void Both_ways_of_subtracting_give_the_same()
    {
        var all = string.Join(' ', Enumerable.Range(0, 900));
        _driver.Run("SADD all " + all);
        for (var i = 0; i < 8; i++) _driver.Run($"SADD small{i} {i} {i + 100} x");
        var small = string.Join(' ', Enumerable.Range(0, 8).Select(i => "small" + i));
        var expected = Enumerable.Range(0, 900).Except(Enumerable.Range(0, 8)).Except(Enumerable.Range(100, 8));
        Assert.Equal(expected.Select(i => i.ToString()).Order(StringComparer.Ordinal), Words("SDIFF all " + small));
        Assert.Equal("884", _driver.Say($"SDIFFSTORE to all {small}"));
        _driver.Run("SADD most " + all[..^4]);
        Assert.Equal("[899]", _driver.Say("SDIFF all most"));
        Assert.Equal("1", _driver.Say("SDIFFSTORE to all most"));
    }

    [Fact]
    public void Storing_replaces_any_type_and_its_deadline_and_an_empty_result_removes()
    {
        _driver.PlantList("list");
        _driver.Run("SADD a 1");
        _driver.Run("EXPIRE list 100");
        Assert.Equal("1", _driver.Say("SUNIONSTORE list a"));
        Assert.Equal(1, _driver.Dirty);
        Assert.Equal("-1", _driver.Say("TTL list"));
        Assert.Equal("set", _driver.Say("TYPE list"));
        _driver.Run("SET text x");
        Assert.Equal("0", _driver.Say("SINTERSTORE text a none"));
        Assert.Equal(1, _driver.Dirty);
        Assert.Equal("0", _driver.Say("EXISTS text"));
        Assert.Equal("0", _driver.Say("SDIFFSTORE text none"));
        Assert.Equal(0, _driver.Dirty);
    }

    [Theory]
    [InlineData("1", "intset")]
    [InlineData("x", "listpack")]
    public void Results_are_as_small_as_they_can_be(string member, string encoding)
    {
        var many = string.Join(' ', Enumerable.Range(0, 600).Select(i => "m" + i));
        _driver.Run("SADD a " + member + " " + many);
        _driver.Run("SADD b " + member);
        Assert.Equal("hashtable", _driver.Say("OBJECT ENCODING a"));
        _driver.Run("SADD c x 1 " + string.Join(' ', Enumerable.Range(0, 600).Select(i => "n" + i)));
        Assert.Equal("1", _driver.Say("SINTERSTORE to a c"));
        Assert.Equal(encoding, _driver.Say("OBJECT ENCODING to"));
        Assert.Equal("1", _driver.Say("SDIFFSTORE to b none"));
        Assert.Equal(encoding, _driver.Say("OBJECT ENCODING to"));
    }

    [Theory]
    [InlineData("SINTERCARD 2 a b", "3")]
    [InlineData("SINTERCARD 2 a b LIMIT 0", "3")]
    [InlineData("SINTERCARD 2 a b LIMIT 2", "2")]
    [InlineData("SINTERCARD 2 a b limit 9", "3")]
    [InlineData("SINTERCARD 1 a LIMIT 1 LIMIT 3", "3")]
    [InlineData("SINTERCARD 2 a none", "0")]
    public void Sintercard_counts_up_to_its_limit(string request, string count)
    {
        _driver.Run("SADD a 1 2 3 4");
        _driver.Run("SADD b 2 3 4 x");
        Assert.Equal(count, _driver.Say(request));
    }

    [Fact]
    public void Effects_of_spop_name_what_was_popped()
    {
        _driver.Run("SADD s " + string.Join(' ', Enumerable.Range(0, 3000)));
        var one = _driver.Say("SPOP s");
        Assert.Equal(["SREM s " + one], _driver.Effects);
        var popped = _driver.Value("SPOP", "s", "1500").Items.Select(CommandDriver.Render).ToList();
        Assert.Equal(1500, popped.Distinct().Count());
        Assert.Equal(1500, _driver.Dirty);
        Assert.Equal(2, _driver.Effects.Count);
        Assert.Equal(
            popped, _driver.Effects.SelectMany(static effect => effect.Split(' ')[2..]));
        Assert.Equal(1026, _driver.Effects[0].Split(' ').Length);
        Assert.Equal("1499", _driver.Say("SCARD s"));
        _driver.Run("SPOP s 1499");
        Assert.Equal(["DEL s"], _driver.Effects);
        Assert.Equal("0", _driver.Say("EXISTS s"));
        _driver.Run("SADD s 7");
        _driver.Run("SPOP s");
        Assert.Equal(["SREM s 7"], _driver.Effects);
        Assert.Equal("0", _driver.Say("EXISTS s"));
        _driver.Run("SPOP s");
        Assert.Empty(_driver.Effects);
    }

    [Fact]
    public void Popping_most_of_a_table_leaves_a_packed_rest()
    {
        var all = Enumerable.Range(0, 1000).Select(i => "m" + i).ToList();
        _driver.Run("SADD s " + string.Join(' ', all));
        _driver.Run("EXPIRE s 100");
        var popped = _driver.Value("SPOP", "s", "950").Items.Select(CommandDriver.Render).ToList();
        Assert.Equal(popped, _driver.Effects.SelectMany(static effect => effect.Split(' ')[2..]));
        Assert.Equal("listpack", _driver.Say("OBJECT ENCODING s"));
        Assert.Equal("100", _driver.Say("TTL s"));
        Assert.Equal(all.Order(), popped.Concat(Words("SMEMBERS s")).Order());
    }

    [Theory]
    [InlineData("3", 3)]
    [InlineData("10", 10)]
    [InlineData("11", 10)]
    [InlineData("9223372036854775807", 10)]
    [InlineData("0", 0)]
    [InlineData("-4", 4)]
    [InlineData("-25", 25)]
    public void Srandmember_returns_so_many(string count, int expected)
    {
        foreach (var prefix in (string[])["", "text", new string('x', 70)])
        {
            _driver.Run("DEL s");
            _driver.Run("SADD s " + string.Join(' ', Enumerable.Range(0, 10).Select(i => prefix + i)));
            var chosen = _driver.Value("SRANDMEMBER", "s", count).Items.Select(CommandDriver.Render).ToList();
            Assert.Equal(expected, chosen.Count);
            if (count[0] != '-') Assert.Equal(expected, chosen.Distinct().Count());
            Assert.Empty(chosen.Except(Words("SMEMBERS s")));
            Assert.Empty(_driver.Effects);
        }
    }

    [Theory]
    [InlineData("SSCAN s 0", 100)]
    [InlineData("SSCAN s 0 COUNT 1", 100)]
    [InlineData("SSCAN s 0 MATCH *7", 10)]
    [InlineData("SSCAN s 0 MATCH nothing", 0)]
    public void A_packed_set_is_scanned_in_one_call(string request, int count)
    {
        foreach (var prefix in (string[])["", "m"])
        {
            _driver.Run("DEL s");
            _driver.Run("SADD s " + string.Join(' ', Enumerable.Range(0, 100).Select(i => prefix + i)));
            var reply = _driver.Value(request.Split(' '));
            Assert.Equal("0", CommandDriver.Render(reply.Items[0]));
            Assert.Equal(count, reply.Items[1].Items.Count);
        }
    }

    [Fact]
    public void A_scan_meets_every_member_whatever_changes_meanwhile()
    {
        var all = Enumerable.Range(0, 2_000).Select(i => "stays" + i).ToList();
        _driver.Run("SADD s " + string.Join(' ', all));
        var met = new HashSet<string>();
        var cursor = "0";
        var guests = 0;
        do
        {
            var reply = _driver.Value("SSCAN", "s", cursor, "COUNT", "50");
            cursor = CommandDriver.Render(reply.Items[0]);
            Assert.InRange(reply.Items[1].Items.Count, 0, 120);
            met.UnionWith(reply.Items[1].Items.Select(CommandDriver.Render));
            for (var i = 0; i < 100; i++) _driver.Run("SADD s guest" + guests++);
            if (guests % 500 == 0) _driver.Run("SREM s " + Guests(guests));
        }
        while (cursor != "0");
        Assert.Empty(all.Except(met));
    }

    [Theory]
    [InlineData("1 2 3", "intset")]
    [InlineData("a b c", "listpack")]
    [InlineData(LongMember + " b c", "hashtable")]
    public void Commands_on_keys_take_sets_along(string members, string encoding)
    {
        using var driver = new CommandDriver(partitions: 64);
        var sorted = $"[{string.Join(' ', members.Split(' ').Order(StringComparer.Ordinal))}]";
        string Members(string key) => $"[{string.Join(' ', driver.Value("SMEMBERS", key).Items
            .Select(CommandDriver.Render).Order(StringComparer.Ordinal))}]";
        driver.Run("SADD s " + members);
        driver.Run("EXPIRE s 100");
        Assert.Equal("set", driver.Say("TYPE s"));
        Assert.Equal("1", driver.Say("COPY s copy"));
        Assert.Equal("OK", driver.Say("RENAME s renamed"));
        Assert.Equal("1", driver.Say("RENAMENX renamed again"));
        Assert.Equal("1", driver.Say("COPY copy copy DB 1"));
        foreach (var key in (string[])["again", "copy"])
        {
            Assert.Equal(sorted, Members(key));
            Assert.Equal(encoding, driver.Say("OBJECT ENCODING " + key));
            Assert.Equal("100", driver.Say("TTL " + key));
        }

        driver.Run("SREM copy " + members.Split(' ')[0]);
        Assert.Equal(sorted, Members("again"));
        Assert.Equal("[0 [again]]", driver.Say("SCAN 0 TYPE set MATCH a*"));
        Assert.Equal("1", driver.Say("MOVE again 1"));
        driver.Client.Database = 1;
        Assert.Equal(sorted, Members("again"));
        Assert.Equal(sorted, Members("copy"));
        Assert.Equal("2", driver.Say("UNLINK again copy"));
        driver.Client.Database = 0;
        driver.NowMs += 101_000;
        Assert.Equal("0", driver.Say("EXISTS copy"));
        Assert.Equal("(nil)", driver.Say("RANDOMKEY"));
        driver.Run("FLUSHALL SYNC");
        Assert.Equal(0, driver.Keyspace.UsedBytes);
    }

    private static string Guests(int count) =>
        string.Join(' ', Enumerable.Range(0, count).Select(i => "guest" + i));

    private string Sorted(string request) => $"[{string.Join(' ', Words(request))}]";

    private IEnumerable<string> Words(string request) =>
        _driver.Value(request.Split(' ')).Items.Select(CommandDriver.Render).Order(StringComparer.Ordinal);
}
