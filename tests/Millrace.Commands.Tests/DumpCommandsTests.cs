using System.Text;
using Millrace.Commands.Tests.Driver;
using Millrace.Engine;
using Millrace.Engine.Codec;

namespace Millrace.Commands.Tests;

public sealed class DumpCommandsTests : IDisposable
{
    private const string Ok = "+OK\r\n";
    private readonly CommandDriver _driver = new();

    public void Dispose() => _driver.Dispose();

    [Theory]
    [InlineData("bar", "\0\x03" + "bar")]
    [InlineData("", "\0\0")]
    [InlineData("7", "\0\xc0\x07")]
    [InlineData("-128", "\0\xc0\x80")]
    [InlineData("128", "\0\xc1\x80\0")]
    [InlineData("-32769", "\0\xc2\xff\x7f\xff\xff")]
    [InlineData("2147483648", "\0\x0a" + "2147483648")]
    [InlineData("007", "\0\x03" + "007")]
    public void Dump_of_a_string_is_its_bytes_version_and_checksum(string value, string expected)
    {
        _driver.RunWords("SET", "key", value);
        var payload = Payloads.Dump(_driver, "key");
        Assert.Equal(expected, payload[..^10]);
        Assert.Equal("\x0b\0", payload[^10..^8]);
    }

    [Fact]
    public void Dump_gives_the_very_bytes_that_redis_gives_in_version_10()
    {
        _driver.Keyspace.Format = new RdbFormat(10, Compresses: true);
        _driver.Run("SET foo bar");
        Assert.Equal("\0\x03" + "bar\n\0\xe6\xbe" + "I`\xee" + "f\xfd\x17", Payloads.Dump(_driver, "foo"));
    }

    [Fact]
    public void Dump_of_a_missing_key_is_null_and_changes_nothing()
    {
        Assert.Equal("$-1\r\n", _driver.Run("DUMP none"));
        _driver.Protocol = 3;
        Assert.Equal("_\r\n", _driver.Run("DUMP none"));
        _driver.Run("SET key value");
        _driver.Run("DUMP key");
        Assert.Equal(0, _driver.Dirty);
    }

    [Theory]
    [InlineData("SADD key a", 20, 2)]
    [InlineData("SADD key 1", 11, 11)]
    [InlineData("RPUSH key a", 18, 18)]
    [InlineData("ZADD key 1 a", 17, 17)]
    [InlineData("HSET key a 1", 16, 16)]
    public void The_version_decides_the_type(string request, int usual, int oldest)
    {
        _driver.Run(request);
        Assert.Equal(usual, Payloads.Dump(_driver, "key")[0]);
        Assert.Equal("\x0b\0", Payloads.Dump(_driver, "key")[^10..^8]);
        _driver.Keyspace.Format = new RdbFormat(10, Compresses: true);
        Assert.Equal(oldest, Payloads.Dump(_driver, "key")[0]);
        Assert.Equal("\x0a\0", Payloads.Dump(_driver, "key")[^10..^8]);
    }

    [Fact]
    public void A_hash_whose_fields_have_deadlines_is_written_in_version_12_or_not_at_all()
    {
        _driver.Run("HSET key a 1 b 2");
        _driver.Run("HPEXPIRE key 5000 FIELDS 1 b");
        var payload = Payloads.Dump(_driver, "key");
        Assert.Equal("\x19", payload[..1]);
        Assert.Equal("\x0c\0", payload[^10..^8]);
        Assert.Equal(Ok, _driver.RunWords("RESTORE", "copy", "0", payload));
        Assert.Equal("[5000]", _driver.Say("HPTTL copy FIELDS 1 b"));
        Assert.Equal("[-1]", _driver.Say("HPTTL copy FIELDS 1 a"));
        _driver.Keyspace.Format = new RdbFormat(10, Compresses: true);
        Assert.Equal("-ERR rdb-version has no form for the value of this key\r\n", _driver.Run("DUMP key"));
        _driver.Run("HPERSIST key FIELDS 1 b");
        Assert.Equal("\x04", Payloads.Dump(_driver, "key")[..1]);
    }

    [Fact]
    public void Fields_of_a_restored_hash_fall_due_as_those_of_any_other()
    {
        foreach (var size in (int[])[1, 100])
        {
            _driver.Run("DEL key copy");
            _driver.Run("HSET key a " + new string('x', size) + " b 2");
            _driver.Run("HPEXPIRE key 5000 FIELDS 1 b");
            Assert.Equal(Ok, _driver.RunWords("RESTORE", "copy", "0", Payloads.Dump(_driver, "key")));
            _driver.NowMs += 5001;
            Assert.Equal(1, _driver.Value("HLEN", "copy").Integer);
            Assert.Equal("[a]", _driver.Say("HKEYS copy"));
            Assert.Equal("[a]", _driver.Say("HKEYS key"));
        }
    }

    [Fact]
    public void Fields_that_are_due_are_not_dumped_and_are_gone_where_they_are_restored_late()
    {
        _driver.Run("HSET key a 1 b 2 c 3");
        _driver.Run("HPEXPIRE key 5000 FIELDS 1 b");
        _driver.Run("HPEXPIRE key 9000 FIELDS 1 c");
        var early = Payloads.Dump(_driver, "key");
        _driver.NowMs += 6000;
        _driver.RunWords("RESTORE", "late", "0", early);
        Assert.Equal(2, _driver.Value("HLEN", "late").Integer);
        _driver.RunWords("RESTORE", "copy", "0", Payloads.Dump(_driver, "key"));
        Assert.Equal("[(nil)]", _driver.Say("HMGET copy b"));
        Assert.Equal("[3000]", _driver.Say("HPTTL copy FIELDS 1 c"));
    }

    [Fact]
    public void Restore_gives_a_time_to_live_and_records_a_point_in_time()
    {
        _driver.Run("SET key value");
        var payload = Payloads.Dump(_driver, "key");
        Assert.Equal(Ok, _driver.RunWords("RESTORE", "copy", "5000", payload));
        Assert.Equal(5000, _driver.Value("PTTL", "copy").Integer);
        _driver.RunWords("RESTORE", "copy", "5000", payload, "REPLACE", "IDLETIME", "7");
        Assert.Equal(
            [$"RESTORE copy {_driver.NowMs + 5000} {payload} REPLACE IDLETIME 7 ABSTTL"], _driver.Effects);
        Assert.Equal(1, _driver.Dirty);
        var at = (_driver.NowMs + 9000).ToString();
        _driver.RunWords("RESTORE", "copy", at, payload, "REPLACE", "ABSTTL");
        Assert.Equal(9000, _driver.Value("PTTL", "copy").Integer);
        _driver.RunWords("RESTORE", "copy", at, payload, "REPLACE", "ABSTTL");
        Assert.Equal([$"RESTORE copy {at} {payload} REPLACE ABSTTL"], _driver.Effects);
        _driver.RunWords("RESTORE", "copy", "0", payload, "REPLACE");
        Assert.Equal([$"RESTORE copy 0 {payload} REPLACE"], _driver.Effects);
        Assert.Equal(-1, _driver.Value("PTTL", "copy").Integer);
    }

    [Fact]
    public void A_deadline_that_has_passed_stores_nothing_and_with_replace_deletes()
    {
        _driver.Run("SET key value");
        var payload = Payloads.Dump(_driver, "key");
        var past = (_driver.NowMs - 1).ToString();
        Assert.Equal(Ok, _driver.RunWords("RESTORE", "copy", past, payload, "ABSTTL"));
        Assert.Equal(0, _driver.Dirty);
        Assert.Equal(0, _driver.Value("EXISTS", "copy").Integer);
        Assert.StartsWith("-BUSYKEY", _driver.RunWords("RESTORE", "key", past, payload, "ABSTTL"));
        Assert.Equal(Ok, _driver.RunWords("RESTORE", "key", past, payload, "ABSTTL", "REPLACE"));
        Assert.Equal(0, _driver.Value("EXISTS", "key").Integer);
        _driver.Run("SET key value");
        _driver.RunWords("RESTORE", "key", past, payload, "ABSTTL", "REPLACE");
        Assert.Equal(1, _driver.Dirty);
        Assert.Equal(["UNLINK key"], _driver.Effects);
    }

    [Fact]
    public void Restore_over_a_key_needs_replace_and_takes_its_place_whatever_it_held()
    {
        _driver.Run("SET key value");
        var payload = Payloads.Dump(_driver, "key");
        Assert.Equal("-BUSYKEY Target key name already exists.\r\n", _driver.RunWords("RESTORE", "key", "0", "..."));
        _driver.Run("HSET target f v");
        _driver.Run("HPEXPIRE target 1000 FIELDS 1 f");
        _driver.Run("PEXPIRE target 100");
        Assert.Equal(Ok, _driver.RunWords("RESTORE", "target", "0", payload, "replace"));
        Assert.Equal("value", _driver.Say("GET target"));
        Assert.Equal(-1, _driver.Value("TTL", "target").Integer);
        _driver.NowMs += 10_000;
        Assert.Equal("value", _driver.Say("GET target"));
        Assert.StartsWith("-ERR Bad", _driver.RunWords("RESTORE", "target", "0", Payloads.Seal([0]), "REPLACE"));
        Assert.Equal("value", _driver.Say("GET target"));
    }

    [Theory]
    [InlineData("0 ... IDLETIME -1", "-ERR Invalid IDLETIME value, must be >= 0\r\n")]
    [InlineData("0 ... FREQ 256", "-ERR Invalid FREQ value, must be >= 0 and <= 255\r\n")]
    [InlineData("0 ... FREQ -1", "-ERR Invalid FREQ value, must be >= 0 and <= 255\r\n")]
    [InlineData("0 ... FREQ 1 IDLETIME 1", "-ERR syntax error\r\n")]
    [InlineData("0 ... IDLETIME", "-ERR syntax error\r\n")]
    [InlineData("0 ... IDLETIME x", "-ERR value is not an integer or out of range\r\n")]
    [InlineData("0 ... invalid", "-ERR syntax error\r\n")]
    [InlineData("-1 ...", "-ERR Invalid TTL value, must be >= 0\r\n")]
    [InlineData("abc ...", "-ERR value is not an integer or out of range\r\n")]
    [InlineData("9223372036854775807 ...", "-ERR invalid expire time in 'restore' command\r\n")]
    [InlineData("0 ...", "-ERR DUMP payload version or checksum are wrong\r\n")]
    public void Bad_arguments_have_the_errors_of_redis(string rest, string error) =>
        Assert.Equal(error, _driver.Run("RESTORE key " + rest));

    [Fact]
    public void Restore_sets_how_long_ago_or_how_often_the_key_was_used()
    {
        _driver.Run("SET key value");
        var payload = Payloads.Dump(_driver, "key");
        _driver.RunWords("RESTORE", "idle", "0", payload, "IDLETIME", "1000");
        Assert.Equal(1000, _driver.Value("OBJECT", "IDLETIME", "idle").Integer);
        _driver.RunWords("RESTORE", "frequent", "0", payload, "FREQ", "100");
        Assert.Equal(0, _driver.Value("OBJECT", "IDLETIME", "frequent").Integer);
        _driver.RunWords("RESTORE", "mortal", "5000", payload);
        Assert.Equal(0, _driver.Value("OBJECT", "IDLETIME", "mortal").Integer);
        _driver.Keyspace.AccessClock = new AccessClock(countsFrequency: true);
        _driver.RunWords("RESTORE", "frequent", "5000", payload, "FREQ", "100", "REPLACE");
        Assert.Equal(100, _driver.Value("OBJECT", "FREQ", "frequent").Integer);
    }

    [Fact]
    public void A_packed_value_beyond_the_limits_becomes_large()
    {
        _driver.Run("SADD ints 1 2 3 4 5");
        _driver.Run("SADD set a b c d e");
        _driver.Run("ZADD zset 1 a 2 b 3 c 4 d 5 e");
        _driver.Run("HSET hash a 1 b 2 c 3 d 4 e 5");
        _driver.Run("RPUSH list a b c d e");
        string[] keys = ["ints", "set", "zset", "hash", "list"];
        var payloads = keys.Select(key => Payloads.Dump(_driver, key)).ToArray();
        _driver.Keyspace.Encodings = new EncodingLimits
        {
            IntSetEntries = 4, SetEntries = 4, SortedSetEntries = 4, HashEntries = 4, ListChunk = 4,
        };
        string[] encodings = ["hashtable", "hashtable", "skiplist", "hashtable", "quicklist"];
        for (var i = 0; i < keys.Length; i++)
        {
            var digest = ValueSurvey.Digest(_driver, keys[i]);
            Assert.Equal(Ok, _driver.RunWords("RESTORE", keys[i], "0", payloads[i], "REPLACE"));
            Assert.Equal(encodings[i], ValueSurvey.EncodingOf(_driver, keys[i]));
            Assert.Equal(digest, ValueSurvey.Digest(_driver, keys[i]));
        }
    }

    [Fact]
    public void Large_values_are_dumped_whole_and_are_freed()
    {
        foreach (var length in (int[])[32 * 1024, (32 * 1024) + 1, 100_000, 3_000_000])
        {
            var value = string.Concat(Enumerable.Range(0, length / 8).Select(i => i.ToString("x8")));
            _driver.RunWords("SET", "key", value);
            _driver.RunWords("RESTORE", "copy", "0", Payloads.Dump(_driver, "key"), "REPLACE");
            Assert.Equal(value, Encoding.Latin1.GetString(_driver.Value("GET", "copy").Bytes.Span));
        }

        _driver.Run("FLUSHALL SYNC");
        Assert.Equal(0, _driver.Keyspace.UsedBytes);
        Assert.Equal(0, _driver.Keyspace.Blobs.LiveCount);
    }

    [Fact]
    public void Text_is_compressed_only_where_that_is_asked_for_and_helps()
    {
        _driver.RunWords("SET", "key", new string('x', 1000));
        Assert.True(Payloads.Dump(_driver, "key").Length < 50);
        _driver.Keyspace.Format = new RdbFormat(11, Compresses: false);
        Assert.True(Payloads.Dump(_driver, "key").Length > 1000);
        _driver.Keyspace.Format = RdbFormat.Usual;
        _driver.RunWords("SET", "key", new string('x', 20));
        Assert.Equal(32, Payloads.Dump(_driver, "key").Length);
    }

    [Fact]
    public void Restore_asking_is_restore()
    {
        _driver.Run("SET key value");
        Assert.Equal(Ok, _driver.RunWords("RESTORE-ASKING", "copy", "0", Payloads.Dump(_driver, "key")));
        Assert.Equal("value", _driver.Say("GET copy"));
    }
}
