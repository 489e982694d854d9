using Millrace.Commands.Tests.Driver;
using Millrace.Engine;

namespace Millrace.Commands.Tests;

/// <summary>Deadlines of fields, in the packed form and in the table.</summary>
public sealed class HashExpiryCommandsTests : IDisposable
{
    private const string MissingFields = "ERR Mandatory argument FIELDS is missing or not at the right position";
    private const string Mismatch = "ERR The `numfields` parameter must match the number of arguments";
    private const string NotPositive = "ERR Parameter `numFields` should be greater than 0";
    private const string NoCount = "ERR Number of fields must be a positive integer";
    private const string WrongType = "WRONGTYPE Operation against a key holding the wrong kind of value";
    private const string SetArity = "ERR wrong number of arguments for 'hsetex' command";
    private const string OneCondition = "ERR Only one of FXX or FNX arguments can be specified";
    private const string OneExpiry =
        "ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified";

    private readonly CommandDriver _driver = new();

    public void Dispose() => _driver.Dispose();

    // redis.io/commands/hexpire, "Return information": -2, 0, 1, 2.
    [Theory]
    [InlineData(null, "HPEXPIRE h 100 FIELDS 1 f", "1", 100)]
    [InlineData(null, "HPEXPIRE h 0 FIELDS 1 f", "2", -2)]
    [InlineData(null, "HPEXPIREAT h 1 FIELDS 1 f", "2", -2)]
    [InlineData(null, "HEXPIREAT h 1 FIELDS 1 f", "2", -2)]
    [InlineData(null, "HEXPIRE h 0 FIELDS 1 f", "2", -2)]
    [InlineData(null, "HPEXPIRE h 100 FIELDS 1 none", "-2", -1)]
    [InlineData(null, "HPEXPIRE none 100 FIELDS 1 f", "-2", -1)]
    [InlineData(null, "HPEXPIRE h 0 FIELDS 1 none", "-2", -1)]
    [InlineData(null, "HEXPIRE h 7 FIELDS 1 f", "1", 7000)]
    [InlineData(null, "HPEXPIRE h 100 NX FIELDS 1 f", "1", 100)]
    [InlineData(null, "HPEXPIRE h 100 XX FIELDS 1 f", "0", -1)]
    [InlineData(null, "HPEXPIRE h 100 GT FIELDS 1 f", "0", -1)]
    [InlineData(null, "HPEXPIRE h 100 LT FIELDS 1 f", "1", 100)]
    [InlineData(500, "HPEXPIRE h 100 NX FIELDS 1 f", "0", 500)]
    [InlineData(500, "HPEXPIRE h 100 xx fields 1 f", "1", 100)]
    [InlineData(500, "HPEXPIRE h 100 GT FIELDS 1 f", "0", 500)]
    [InlineData(500, "HPEXPIRE h 500 GT FIELDS 1 f", "0", 500)]
    [InlineData(500, "HPEXPIRE h 900 GT FIELDS 1 f", "1", 900)]
    [InlineData(500, "HPEXPIRE h 900 LT FIELDS 1 f", "0", 500)]
    [InlineData(500, "HPEXPIRE h 500 LT FIELDS 1 f", "0", 500)]
    [InlineData(500, "HPEXPIRE h 100 LT FIELDS 1 f", "1", 100)]
    [InlineData(500, "HPEXPIRE h 0 LT FIELDS 1 f", "2", -2)]
    [InlineData(500, "HPEXPIRE h 0 GT FIELDS 1 f", "0", 500)]
    [InlineData(500, "HPEXPIRE h 0 NX FIELDS 1 f", "0", 500)]
    [InlineData(500, "HPERSIST h FIELDS 1 f", "1", -1)]
    [InlineData(null, "HPERSIST h FIELDS 1 f", "-1", -1)]
    [InlineData(500, "HPERSIST h FIELDS 1 none", "-2", 500)]
    [InlineData(500, "HPERSIST none FIELDS 1 f", "-2", 500)]
    public void Every_reply_code_of_setting_a_deadline(int? before, string request, string reply, int after)
    {
        foreach (var isLarge in (bool[])[false, true])
        {
            Prepare(isLarge);
            if (before is not null) _driver.Run($"HPEXPIRE h {before} FIELDS 1 f");
            Assert.Equal($"[{reply}]", _driver.Say(request));
            Assert.Equal(reply is "1" or "2" ? 1 : 0, _driver.Dirty);
            Assert.Equal($"[{after}]", _driver.Say("HPTTL h FIELDS 1 f"));
            Assert.Equal(after == -2 ? "(nil)" : "1", _driver.Say("HGET h f"));
            Assert.Equal("2", _driver.Say("HGET h g"));
        }
    }

    [Fact]
    public void Several_fields_have_a_code_each_and_one_effect()
    {
        _driver.Run("HSET h a 1 b 2 c 3");
        Assert.Equal("[1 -2 1]", _driver.Say("HEXPIRE h 10 FIELDS 3 a none c"));
        Assert.Equal([$"HPEXPIREAT h {_driver.NowMs + 10_000} FIELDS 2 a c"], _driver.Effects);
        Assert.Equal("[10 -1 -2 10]", _driver.Say("HTTL h FIELDS 4 a b none c"));
        Assert.Equal("[2 -2 -2]", _driver.Say("HPEXPIREAT h 5 FIELDS 3 a a none"));
        Assert.Equal(["HDEL h a"], _driver.Effects);
        Assert.Equal("[-1 1]", _driver.Say("HPERSIST h FIELDS 2 b c"));
        Assert.Equal(["HPERSIST h FIELDS 2 b c"], _driver.Effects);
        Assert.Equal("[2 2]", _driver.Say("HEXPIRE h 0 FIELDS 2 b c"));
        Assert.Equal("0", _driver.Say("EXISTS h"));
    }

    [Fact]
    public void Deadlines_are_told_in_seconds_and_milliseconds()
    {
        _driver.Run("HSET h a 1");
        Assert.Equal("[-2 -2]", _driver.Say("HTTL none FIELDS 2 a b"));
        Assert.Equal("[-1 -2]", _driver.Say("HEXPIRETIME h FIELDS 2 a b"));
        _driver.Run("HPEXPIRE h 1499 FIELDS 1 a");
        Assert.Equal("[1499]", _driver.Say("HPTTL h FIELDS 1 a"));
        Assert.Equal("[2]", _driver.Say("HTTL h FIELDS 1 a"));
        Assert.Equal($"[{_driver.NowMs + 1499}]", _driver.Say("HPEXPIRETIME h FIELDS 1 a"));
        Assert.Equal($"[{(_driver.NowMs / 1000) + 2}]", _driver.Say("HEXPIRETIME h FIELDS 1 a"));
    }

    [Theory]
    [InlineData("HEXPIRE h x FIELDS 1 f", "ERR value is not an integer or out of range")]
    [InlineData("HEXPIRE h -1 FIELDS 1 f", "ERR invalid expire time, must be >= 0")]
    [InlineData("HEXPIRE h 9223372036854775807 FIELDS 1 f", "ERR invalid expire time in 'hexpire' command")]
    [InlineData("HPEXPIRE h 9223372036854775807 FIELDS 1 f", "ERR invalid expire time in 'hpexpire' command")]
    [InlineData("HEXPIRE h 10 NX XX FIELDS 1 f", MissingFields)]
    [InlineData("HEXPIRE h 10 FOO FIELDS 1 f", MissingFields)]
    [InlineData("HEXPIRE h 10 NX 1 f g", MissingFields)]
    [InlineData("HEXPIRE h 10 FIELDS 0 f", NotPositive)]
    [InlineData("HEXPIRE h 10 FIELDS -1 f", NotPositive)]
    [InlineData("HEXPIRE h 10 FIELDS x f", NotPositive)]
    [InlineData("HEXPIRE h 10 FIELDS 99999999999 f", Mismatch)]
    [InlineData("HEXPIRE h 10 FIELDS 9223372036854775808 f", NotPositive)]
    [InlineData("HEXPIRE h 10 FIELDS 2 f", Mismatch)]
    [InlineData("HEXPIRE h 10 FIELDS 1 f g", Mismatch)]
    [InlineData("HTTL h FIELDS 2 f", Mismatch)]
    [InlineData("HTTL h FIELD 1 f", MissingFields)]
    [InlineData("HTTL h FIELDS 0 f", NoCount)]
    [InlineData("HPERSIST h FIELDS 0 f", NoCount)]
    [InlineData("HEXPIRETIME h FIELDS x f", NoCount)]
    [InlineData("HGETDEL h FIELDS 2 f", Mismatch)]
    [InlineData("HGETDEL h FIELDS 1 f g", Mismatch)]
    [InlineData("HGETDEL h FIELDS 0 f", NoCount)]
    [InlineData("HGETDEL h FOO 1 f", MissingFields)]
    [InlineData("HGETEX h EX x FIELDS 1 f", "ERR value is not an integer or out of range")]
    [InlineData("HGETEX h EX -5 FIELDS 1 f", "ERR invalid expire time, must be >= 0")]
    [InlineData("HGETEX h EXAT 99999999999 FIELDS 1 f", "ERR invalid expire time in 'hgetex' command")]
    [InlineData("HGETEX h EX 1 PX 2 FIELDS 1 f", MissingFields)]
    [InlineData("HGETEX h EX 100 PERSIST FIELDS 1 f", MissingFields)]
    [InlineData("HGETEX h PERSIST 1 FIELDS 1 f", MissingFields)]
    [InlineData("HGETEX h KEEPTTL FIELDS 1 f", MissingFields)]
    [InlineData("HGETEX h FNX FIELDS 1 f", MissingFields)]
    [InlineData("HGETEX h PX 1 1", MissingFields)]
    [InlineData("HGETEX h FIELDS 0 f", NoCount)]
    [InlineData("HGETEX h FIELDS 9223372036854775808 f", NoCount)]
    [InlineData("HGETEX h FIELDS 2147483647 f", Mismatch)]
    [InlineData("HTTL h FIELDS 2147483648 f", Mismatch)]
    [InlineData("HGETDEL h FIELDS 9223372036854775807 f", Mismatch)]
    [InlineData("HSETEX h FIELDS 2147483648 f 1", "ERR invalid number of fields")]
    [InlineData("HGETEX h FIELDS 1 f g", Mismatch)]
    [InlineData("HGETEX h FIELDS 2 f g PERSIST", Mismatch)]
    public void Bad_arguments_are_refused_and_change_nothing(string request, string expected) =>
        AssertRefused(request, expected);

    [Theory]
    [InlineData("HSETEX h FNX FIELDS 1 f", SetArity)]
    [InlineData("HSETEX h FNX EX 1 FIELDS 0 f", SetArity)]
    [InlineData("HSETEX h FIELDS 2 f 1 g", SetArity)]
    [InlineData("HSETEX h FIELDS 3 f 1 g 2", SetArity)]
    [InlineData("HSETEX h FIELDS 2147483647 f 1 g 2", SetArity)]
    [InlineData("HSETEX h FIELDS 1 f 1 g 2", SetArity)]
    [InlineData("HSETEX h FIELDS 1 f 1 FNX", SetArity)]
    [InlineData("HSETEX h FIELDS x f 1", "ERR invalid number of fields")]
    [InlineData("HSETEX h FIELDS 0 f 1", "ERR invalid number of fields")]
    [InlineData("HSETEX h FIELDS -1 f 1 g", "ERR invalid number of fields")]
    [InlineData("HSETEX h NOTFIELDS 1 f 1", "ERR unknown argument: NOTFIELDS")]
    [InlineData("HSETEX h FNX EX 10 PERSIST", "ERR unknown argument: PERSIST")]
    [InlineData("HSETEX h FNX EX 10 EX", OneExpiry)]
    [InlineData("HSETEX h EX 60 KEEPTTL FIELDS 1 f 1", OneExpiry)]
    [InlineData("HSETEX h EX 60 EX 60 FIELDS 1 f 1", OneExpiry)]
    [InlineData("HSETEX h FNX FXX FIELDS 1 f 1", OneCondition)]
    [InlineData("HSETEX h FXX FXX FIELDS 1 f 1", OneCondition)]
    [InlineData("HSETEX h EX 10 FNX FNX FIELDS 1 f 1", OneCondition)]
    [InlineData("HSETEX h PXAT FIELDS 1 f 1", "ERR value is not an integer or out of range")]
    [InlineData("HSETEX h EX 1.2 FIELDS 1 f 1", "ERR value is not an integer or out of range")]
    [InlineData("HSETEX h PX -5 FIELDS 1 f 1", "ERR invalid expire time, must be >= 0")]
    [InlineData("HSETEX h EX 9223372036854775807 FIELDS 1 f 1", "ERR invalid expire time in 'hsetex' command")]
    [InlineData("HSETEX h PXAT 70368744177664 FIELDS 1 f 1", "ERR invalid expire time in 'hsetex' command")]
    [InlineData("HPEXPIREAT h 70368744177664 FIELDS 1 f", "ERR invalid expire time in 'hpexpireat' command")]
    [InlineData("HEXPIREAT h 70368744178 FIELDS 1 f", "ERR invalid expire time in 'hexpireat' command")]
    [InlineData("HPEXPIRE h 70368744177663 FIELDS 1 f", "ERR invalid expire time in 'hpexpire' command")]
    public void Bad_arguments_of_setting_and_bad_times_are_refused_too(string request, string expected) =>
        AssertRefused(request, expected);

    private void AssertRefused(string request, string expected)
    {
        Prepare(isLarge: false);
        Assert.Equal(expected, _driver.Say(request));
        Assert.Equal(0, _driver.Dirty);
        Assert.Equal("[-1 -1]", _driver.Say("HTTL h FIELDS 2 f g"));
        Assert.Equal("[f 1 g 2]", _driver.Say("HGETALL h"));
    }

    // HSETEX reads its arguments first.
    [Theory]
    [InlineData("HEXPIRE s abc FIELDS 1 f", WrongType)]
    [InlineData("HPEXPIREAT s -1 FIELDS 1 f", WrongType)]
    [InlineData("HEXPIRE s 1 FIELDS 0 f", WrongType)]
    [InlineData("HGETEX s EX x FIELDS 1 f", WrongType)]
    [InlineData("HGETDEL s FIELDS 0 f", WrongType)]
    [InlineData("HTTL s FIELDS 2 f", WrongType)]
    [InlineData("HPERSIST s FIELD 1 f", WrongType)]
    [InlineData("HSETEX s FIELDS 0 f 1", "ERR invalid number of fields")]
    [InlineData("HSETEX s FIELDS 1 f 1", WrongType)]
    public void Another_type_is_told_before_wrong_arguments(string request, string expected)
    {
        _driver.Run("SET s x");
        Assert.Equal(expected, _driver.Say(request));
        Assert.Equal("x", _driver.Say("GET s"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void An_expired_field_is_gone_for_every_command(bool isLarge)
    {
        foreach (var removes in (bool[])[true, false])
        {
            Prepare(isLarge);
            _driver.Run("HPEXPIRE h 10 FIELDS 1 f");
            _driver.NowMs += 10;
            Assert.Equal("1", _driver.Say("HGET h f"));    // not before its time has passed
            _driver.NowMs += 1;
            _driver.Unit.RemovesExpired = removes;
            Assert.Equal("(nil)", _driver.Say("HGET h f"));
            Assert.Equal(removes ? ["-h f"] : [], _driver.Effects);
            Assert.Equal(isLarge ? "2" : "1", _driver.Say("HLEN h"));
            Assert.Equal("0", _driver.Say("HEXISTS h f"));
            Assert.Equal("0", _driver.Say("HSTRLEN h f"));
            Assert.DoesNotContain("f", Names("HKEYS h"));
            Assert.DoesNotContain("f", Names("HGETALL h"));
            Assert.DoesNotContain("f", Names("HRANDFIELD h 10"));
            Assert.DoesNotContain("f", Names("HRANDFIELD h -100"));
            Assert.DoesNotContain("f", Names("HSCAN h 0 COUNT 1000"));
            Assert.Equal("[-2]", _driver.Say("HTTL h FIELDS 1 f"));
            Assert.Equal("[-2]", _driver.Say("HPERSIST h FIELDS 1 f"));
            Assert.Equal("[-2]", _driver.Say("HPEXPIRE h 100 FIELDS 1 f"));
            Assert.Equal("[(nil)]", _driver.Say("HGETDEL h FIELDS 1 f"));
            Assert.Equal("[(nil)]", _driver.Say("HGETEX h EX 10 FIELDS 1 f"));
            Assert.Equal("0", _driver.Say("HDEL h f"));
            Assert.Equal("0", _driver.Say("HSETEX h FXX FIELDS 1 f 1"));
            Assert.Equal("5", _driver.Say("HINCRBY h f 5"));
            Assert.Equal("[-1]", _driver.Say("HTTL h FIELDS 1 f"));    // a new field, without the old deadline
            _driver.Unit.RemovesExpired = true;
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_key_goes_with_its_last_field(bool isLarge)
    {
        foreach (var removes in (bool[])[true, false])
        {
            Prepare(isLarge);
            _driver.Run("HPEXPIRE h 10 FIELDS 2 f g");
            if (isLarge) _driver.Run("HPEXPIRE h 5 FIELDS 1 long");
            _driver.NowMs += 11;
            _driver.Unit.RemovesExpired = removes;
            Assert.Equal("[]", _driver.Say("KEYS *"));
            Assert.Equal("[0 []]", _driver.Say("SCAN 0"));
            Assert.Equal("0", _driver.Say("EXISTS h"));
            Assert.Equal("none", _driver.Say("TYPE h"));
            Assert.Equal("0", _driver.Say("HLEN h"));
            _driver.Unit.RemovesExpired = true;
            Assert.Equal("1", _driver.Say("HSET h x 1"));
            Assert.Equal("[x 1]", _driver.Say("HGETALL h"));
            Assert.Equal("[-1]", _driver.Say("HTTL h FIELDS 1 x"));
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Active_expiry_removes_fields_at_their_time(bool isLarge)
    {
        Prepare(isLarge);
        _driver.Run("HSET other a 1");
        _driver.Run("HPEXPIRE h 10 FIELDS 1 f");
        _driver.Run("HPEXPIRE other 20 FIELDS 1 a");
        _driver.Run("SET string v PX 30");
        Assert.Equal(_driver.NowMs + 10, _driver.Keyspace[0].Line.NextDeadlineMs);
        var lateness = new LatenessHistogram();
        Assert.Equal(0, RemoveDue(10, lateness));
        _driver.NowMs += 11;
        Assert.Equal(1, RemoveDue(10, lateness));
        Assert.Equal(_driver.NowMs + 9, _driver.Keyspace[0].Line.NextDeadlineMs);
        Assert.Equal("3", _driver.Say("DBSIZE"));
        _driver.NowMs += 100;
        Assert.Equal(2, RemoveDue(10, lateness));
        Assert.Equal("1", _driver.Say("DBSIZE"));
        Assert.Equal(long.MaxValue, _driver.Keyspace[0].Line.NextDeadlineMs);
        Assert.Equal(2, _driver.Keyspace.Sum(line => line.ExpiredMembers));
        Assert.Equal("2", _driver.Say("HGET h g"));
    }

    [Fact]
    public void Many_fields_that_fall_due_at_once_are_invisible_at_once_and_go_in_slices()
    {
        var names = Enumerable.Range(0, 2000).Select(i => "f" + i).ToArray();
        _driver.RunWords(["HSET", "h", .. names.SelectMany(name => (string[])[name, "v"]), "stays", "v"]);
        _driver.RunWords(["HPEXPIRE", "h", "10", "FIELDS", "2000", .. names]);
        _driver.NowMs += 11;
        Assert.Equal("1", _driver.Say("HLEN h"));
        Assert.InRange(_driver.Effects.Count, 1, 100);
        Assert.Equal("[stays v]", _driver.Say("HGETALL h"));
        Assert.Equal("stays", _driver.Say("HRANDFIELD h"));
        Assert.Equal("[stays stays]", _driver.Say("HRANDFIELD h -2"));
        Assert.Equal("[stays]", _driver.Say("HRANDFIELD h 5"));
        var lateness = new LatenessHistogram();
        var removed = 0;
        for (var slice = RemoveDue(16, lateness); slice > 0; slice = RemoveDue(16, lateness))
        {
            Assert.InRange(slice, 1, 16);
            removed += slice;
        }

        Assert.InRange(removed, 1000, 2000);
        Assert.Equal("1", _driver.Say("HLEN h"));
        _driver.Run("FLUSHALL SYNC");
        Assert.Equal(0, _driver.Keyspace.UsedBytes);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Overwriting_clears_a_deadline_and_arithmetic_keeps_it(bool isLarge)
    {
        Prepare(isLarge);
        _driver.Run("HPEXPIRE h 500 FIELDS 2 f g");
        Assert.Equal(isLarge ? "hashtable" : "listpackex", _driver.Say("OBJECT ENCODING h"));
        Assert.Equal("2", _driver.Say("HINCRBY h f 1"));
        Assert.Equal("2.5", _driver.Say("HINCRBYFLOAT h f 0.5"));
        Assert.Equal(["HSET h f 2.5", $"HPEXPIREAT h {_driver.NowMs + 500} FIELDS 1 f"], _driver.Effects);
        Assert.Equal("[500 500]", _driver.Say("HPTTL h FIELDS 2 f g"));
        Assert.Equal("0", _driver.Say("HSET h f 9"));
        Assert.Equal("[-1 500]", _driver.Say("HPTTL h FIELDS 2 f g"));
        Assert.Equal("1", _driver.Say("HSETEX h KEEPTTL FIELDS 2 f 10 g 11"));
        Assert.Equal("[-1 500]", _driver.Say("HPTTL h FIELDS 2 f g"));
        Assert.Equal("[10 11]", _driver.Say("HMGET h f g"));
        Assert.Equal("1", _driver.Say("HDEL h g"));
        Assert.Equal("1", _driver.Say("HSET h g 12"));
        Assert.Equal("[-1]", _driver.Say("HPTTL h FIELDS 1 g"));
    }

    [Fact]
    public void Getting_and_deleting()
    {
        _driver.Run("HSET h a 1 b 2 c 3");
        Assert.Equal("[1 (nil) 2 (nil)]", _driver.Say("HGETDEL h FIELDS 4 a none b a"));
        Assert.Equal(2, _driver.Dirty);
        Assert.Equal(["HDEL h a b"], _driver.Effects);
        Assert.Equal("[(nil)]", _driver.Say("HGETDEL none FIELDS 1 a"));
        Assert.Equal("[3]", _driver.Say("HGETDEL h FIELDS 1 c"));
        Assert.Equal("0", _driver.Say("EXISTS h"));
    }

    [Fact]
    public void Getting_and_setting_a_deadline()
    {
        _driver.Run("HSET h a 1 b 2");
        Assert.Equal("[1 (nil)]", _driver.Say("HGETEX h FIELDS 2 a none"));
        Assert.Equal(0, _driver.Dirty);
        Assert.Equal("[1 (nil)]", _driver.Say("HGETEX h PX 100 FIELDS 2 a none"));
        Assert.Equal([$"HPEXPIREAT h {_driver.NowMs + 100} FIELDS 1 a"], _driver.Effects);
        Assert.Equal("[100 -1]", _driver.Say("HPTTL h FIELDS 2 a b"));
        Assert.Equal("[1 2]", _driver.Say("HGETEX h PERSIST FIELDS 2 a b"));
        Assert.Equal(["HPERSIST h FIELDS 1 a"], _driver.Effects);
        Assert.Equal("[1]", _driver.Say($"HGETEX h EXAT {(_driver.NowMs / 1000) + 50} FIELDS 1 a"));
        Assert.Equal("[50]", _driver.Say("HTTL h FIELDS 1 a"));
        Assert.Equal("[1 2]", _driver.Say("HGETEX h PXAT 1 FIELDS 2 a b"));
        Assert.Equal(["HDEL h a b"], _driver.Effects);
        Assert.Equal("0", _driver.Say("EXISTS h"));
        Assert.Equal("[(nil)]", _driver.Say("HGETEX h EX 10 FIELDS 1 a"));
        _driver.Run("HSET h a 1 b 2");
        Assert.Equal("[1]", _driver.Say("HGETEX h EX 0 FIELDS 1 a"));
        Assert.Equal("[b 2]", _driver.Say("HGETALL h"));
        Assert.Equal("[2]", _driver.Say("HGETEX h PXAT 70368744177663 FIELDS 1 b"));
        Assert.Equal("[70368744177663]", _driver.Say("HPEXPIRETIME h FIELDS 1 b"));
    }

    [Fact]
    public void Setting_with_a_condition_and_a_deadline()
    {
        Assert.Equal("0", _driver.Say("HSETEX h FXX EX 10 FIELDS 1 a 1"));
        Assert.Equal("0", _driver.Say("EXISTS h"));
        Assert.Equal("1", _driver.Say("HSETEX h FNX EX 10 FIELDS 2 a 1 b 2"));
        Assert.Equal([$"HSETEX h PXAT {_driver.NowMs + 10_000} FIELDS 2 a 1 b 2"], _driver.Effects);
        Assert.Equal(2, _driver.Dirty);
        Assert.Equal("0", _driver.Say("HSETEX h FNX FIELDS 2 c 1 a 9"));
        Assert.Equal(0, _driver.Dirty);
        Assert.Equal("0", _driver.Say("HSETEX h FXX FIELDS 2 c 1 a 9"));
        Assert.Equal("1", _driver.Say("HSETEX h FXX KEEPTTL FIELDS 1 a 9"));
        Assert.Equal("[10 10]", _driver.Say("HTTL h FIELDS 2 a b"));
        Assert.Equal("1", _driver.Say("HSETEX h FIELDS 1 a 8"));
        Assert.Equal(["HSETEX h FIELDS 1 a 8"], _driver.Effects);
        Assert.Equal("[-1 10]", _driver.Say("HTTL h FIELDS 2 a b"));
        Assert.Equal("1", _driver.Say("HSETEX h PXAT 5 FIELDS 2 a 7 none 7"));
        Assert.Equal(["HDEL h a"], _driver.Effects);
        Assert.Equal("[b 2]", _driver.Say("HGETALL h"));
        Assert.Equal("1", _driver.Say("HSETEX h EX 0 FXX FIELDS 1 b 7"));
        Assert.Equal("0", _driver.Say("EXISTS h"));
        Assert.Equal("1", _driver.Say("HSETEX none PXAT 5 FIELDS 1 a 7"));
        Assert.Equal("0", _driver.Say("EXISTS none"));
    }

    [Theory]
    [InlineData(1, false)]
    [InlineData(16, false)]
    [InlineData(16, true)]
    public void Deadlines_go_with_a_key_that_is_renamed_copied_moved_or_swapped(int partitions, bool isLarge)
    {
        using var driver = new CommandDriver(partitions);
        driver.RunWords("HSET", "h", "a", "1", "b", isLarge ? new string('x', 100) : "2");
        driver.Run("HPEXPIRE h 100 FIELDS 1 a");
        for (var i = 0; i < 8; i++) driver.Run($"COPY h h{i}");
        driver.Run("PEXPIRE h0 5000");
        driver.Run("RENAME h0 renamed");
        driver.Run("MOVE h1 3");
        driver.Run("SET h2 v");
        driver.Run("DEL h3");
        driver.Run("SWAPDB 0 2");
        driver.Client.Database = 2;
        Assert.Equal("[100]", driver.Say("HPTTL renamed FIELDS 1 a"));
        Assert.Equal("5000", driver.Say("PTTL renamed"));
        driver.NowMs += 101;
        var removed = 0;
        for (var i = 0; i < partitions; i++) removed += RemoveDue(driver, i, 100, new LatenessHistogram());
        Assert.Equal(7, removed);    // h, h1, renamed, and h4 to h7
        Assert.Equal("1", driver.Say("HLEN renamed"));
        Assert.Equal("v", driver.Say("GET h2"));
        driver.Client.Database = 3;
        Assert.Equal("1", driver.Say("HLEN h1"));
        driver.Run("FLUSHALL SYNC");
        Assert.Equal(0, driver.Keyspace.UsedBytes);
    }

    private void Prepare(bool isLarge)
    {
        _driver.Run("FLUSHALL");
        _driver.Run("HSET h f 1 g 2");
        if (isLarge) _driver.RunWords("HSET", "h", "long", new string('x', 100));
    }

    private string[] Names(string request) =>
        CommandDriver.Render(_driver.Run(request)).Split(['[', ']', ' '], StringSplitOptions.RemoveEmptyEntries);

    private int RemoveDue(int max, LatenessHistogram lateness) => RemoveDue(_driver, 0, max, lateness);

    private static int RemoveDue(CommandDriver driver, int partition, int max, LatenessHistogram lateness)
    {
        Assert.True(driver.Unit.TryBegin(1UL << partition, driver.NowMs, patient: true, out _));
        var removed = driver.Unit.RemoveDue(partition, max, lateness);
        driver.Unit.End();
        return removed;
    }
}
