using Millrace.Commands.Tests.Driver;
using Millrace.Engine;

namespace Millrace.Commands.Tests;

public sealed class HashCommandsTests : IDisposable
{
    private readonly CommandDriver _driver = new();

    public void Dispose() => _driver.Dispose();

    [Fact]
    public void Fields_are_set_read_counted_and_removed()
    {
        Assert.Equal("2", _driver.Say("HSET h a 1 b two"));
        Assert.Equal(2, _driver.Dirty);
        Assert.Equal("1", _driver.Say("HSET h a 3 c 4 a 5"));
        Assert.Equal(3, _driver.Dirty);
        Assert.Equal("5", _driver.Say("HGET h a"));
        Assert.Equal("(nil)", _driver.Say("HGET h none"));
        Assert.Equal("[5 (nil) two]", _driver.Say("HMGET h a none b"));
        Assert.Equal("[a 5 b two c 4]", _driver.Say("HGETALL h"));
        Assert.Equal("[a b c]", _driver.Say("HKEYS h"));
        Assert.Equal("[5 two 4]", _driver.Say("HVALS h"));
        Assert.Equal("3", _driver.Say("HLEN h"));
        Assert.Equal("1", _driver.Say("HEXISTS h b"));
        Assert.Equal("0", _driver.Say("HEXISTS h none"));
        Assert.Equal("3", _driver.Say("HSTRLEN h b"));
        Assert.Equal("0", _driver.Say("HSTRLEN h none"));
        Assert.Equal("0", _driver.Say("HSETNX h a x"));
        Assert.Equal(0, _driver.Dirty);
        Assert.Equal("1", _driver.Say("HSETNX h d x"));
        Assert.Equal("OK", _driver.Say("HMSET h e 1 f 2"));
        Assert.Equal("2", _driver.Say("HDEL h a none b"));
        Assert.Equal(2, _driver.Dirty);
        Assert.Equal("0", _driver.Say("HDEL h a"));
        Assert.Equal(0, _driver.Dirty);
        Assert.Equal("4", _driver.Say("HDEL h c d e f"));
        Assert.Equal("0", _driver.Say("EXISTS h"));
    }

    [Fact]
    public void A_missing_key_is_an_empty_hash()
    {
        Assert.Equal("[]", _driver.Say("HGETALL none"));
        Assert.Equal("[]", _driver.Say("HKEYS none"));
        Assert.Equal("[]", _driver.Say("HVALS none"));
        Assert.Equal("[(nil) (nil)]", _driver.Say("HMGET none a b"));
        Assert.Equal("0", _driver.Say("HLEN none"));
        Assert.Equal("0", _driver.Say("HSTRLEN none a"));
        Assert.Equal("0", _driver.Say("HEXISTS none a"));
        Assert.Equal("0", _driver.Say("HDEL none a"));
        Assert.Equal("(nil)", _driver.Say("HRANDFIELD none"));
        Assert.Equal("[]", _driver.Say("HRANDFIELD none 5"));
        Assert.Equal("[0 []]", _driver.Say("HSCAN none 0"));
        Assert.Equal("0", _driver.Say("EXISTS none"));
    }

    [Fact]
    public void RESP3_has_a_map_and_pairs()
    {
        _driver.Run("HSET h a 1");
        _driver.Protocol = 3;
        Assert.Equal("%1\r\n$1\r\na\r\n$1\r\n1\r\n", _driver.Run("HGETALL h"));
        Assert.Equal("%0\r\n", _driver.Run("HGETALL none"));
        Assert.Equal("*1\r\n$1\r\na\r\n", _driver.Run("HKEYS h"));
        Assert.Equal("*1\r\n*2\r\n$1\r\na\r\n$1\r\n1\r\n", _driver.Run("HRANDFIELD h 2 WITHVALUES"));
        Assert.Equal("_\r\n", _driver.Run("HGET h none"));
        Assert.Equal("_\r\n", _driver.Run("HRANDFIELD none"));
    }

    [Theory]
    [InlineData("HSET h a", "ERR no such command or wrong number of arguments")]
    [InlineData("HSET h a 1 b", "ERR wrong number of arguments for 'hset' command")]
    [InlineData("HMSET h a 1 b", "ERR wrong number of arguments for 'hmset' command")]
    [InlineData("HINCRBY h a 1.5", "ERR value is not an integer or out of range")]
    [InlineData("HINCRBY h text 1", "ERR hash value is not an integer")]
    [InlineData("HINCRBY h max 1", "ERR increment or decrement would overflow")]
    [InlineData("HINCRBYFLOAT h a x", "ERR value is not a valid float")]
    [InlineData("HINCRBYFLOAT h a nan", "ERR value is not a valid float")]
    [InlineData("HINCRBYFLOAT h a -inf", "ERR value is NaN or Infinity")]
    [InlineData("HINCRBYFLOAT h text 1", "ERR hash value is not a float")]
    [InlineData("HRANDFIELD h x", "ERR value is not an integer or out of range")]
    [InlineData("HRANDFIELD h 1 WITHSCORES", "ERR syntax error")]
    [InlineData("HRANDFIELD h 1 WITHVALUES x", "ERR syntax error")]
    [InlineData("HRANDFIELD h -9223372036854775807 WITHVALUES", "ERR value is out of range")]
    [InlineData("HRANDFIELD h 9223372036854775807 WITHVALUES", "ERR value is out of range")]
    [InlineData(
        "HRANDFIELD h -9223372036854775808",
        "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807")]
    [InlineData("HSCAN h x", "ERR invalid cursor")]
    [InlineData("HSCAN none x", "ERR invalid cursor")]
    [InlineData("HSCAN h 0 COUNT 0", "ERR syntax error")]
    [InlineData("HSCAN h 0 COUNT", "ERR syntax error")]
    [InlineData("HSCAN h 0 COUNT x", "ERR value is not an integer or out of range")]
    [InlineData("HSCAN h 0 TYPE hash", "ERR syntax error")]
    [InlineData("HSCAN none 0 TYPE hash", "[0 []]")]
    public void Bad_arguments_are_refused_and_change_nothing(string request, string expected)
    {
        _driver.Run("HSET h a 1 text x max 9223372036854775807");
        Assert.Equal(expected, _driver.Say(request));
        Assert.Equal(0, _driver.Dirty);
        Assert.Equal("[a 1 text x max 9223372036854775807]", _driver.Say("HGETALL h"));
    }

    [Theory]
    [InlineData("HDEL s a")]
    [InlineData("HEXISTS s a")]
    [InlineData("HGET s a")]
    [InlineData("HGETALL s")]
    [InlineData("HINCRBY s a 1")]
    [InlineData("HINCRBYFLOAT s a 1")]
    [InlineData("HKEYS s")]
    [InlineData("HLEN s")]
    [InlineData("HMGET s a")]
    [InlineData("HMSET s a 1")]
    [InlineData("HRANDFIELD s")]
    [InlineData("HRANDFIELD s 2")]
    [InlineData("HSCAN s 0")]
    [InlineData("HSET s a 1")]
    [InlineData("HSETNX s a 1")]
    [InlineData("HSTRLEN s a")]
    [InlineData("HVALS s")]
    [InlineData("HEXPIRE s 10 FIELDS 1 a")]
    [InlineData("HTTL s FIELDS 1 a")]
    [InlineData("HPERSIST s FIELDS 1 a")]
    [InlineData("HGETDEL s FIELDS 1 a")]
    [InlineData("HGETEX s FIELDS 1 a")]
    [InlineData("HSETEX s FIELDS 1 a 1")]
    public void A_string_is_WRONGTYPE_and_stays(string request)
    {
        _driver.Run("SET s v");
        Assert.Equal("WRONGTYPE Operation against a key holding the wrong kind of value", _driver.Say(request));
        Assert.Equal("v", _driver.Say("GET s"));
        _driver.Run("HSET h a 1");
        Assert.StartsWith("WRONGTYPE", _driver.Say("GET h"));
        Assert.Equal("OK", _driver.Say("SET h v"));
        Assert.Equal("v", _driver.Say("GET h"));
    }

    [Fact]
    public void Sums_are_kept_and_their_effects_say_the_result()
    {
        Assert.Equal("5", _driver.Say("HINCRBY h a 5"));
        Assert.Equal(["HINCRBY h a 5"], _driver.Effects);
        Assert.Equal("-5", _driver.Say("HINCRBY h a -10"));
        Assert.Equal("-4.9", _driver.Say("HINCRBYFLOAT h a 0.1"));
        Assert.Equal(["HSET h a -4.9"], _driver.Effects);
        Assert.Equal("100000", _driver.Say("HINCRBYFLOAT h b 1e5"));
        Assert.Equal("100001", _driver.Say("HINCRBY h b 1"));
        _driver.Run("PEXPIRE h 5000");
        _driver.Run("HINCRBY h a2 1");
        Assert.Equal("5000", _driver.Say("PTTL h"));
    }

    [Theory]
    [InlineData("f", 64, "listpack")]
    [InlineData("f", 65, "hashtable")]
    [InlineData("0123456789012345678901234567890123456789012345678901234567890123", 1, "listpack")]
    [InlineData("01234567890123456789012345678901234567890123456789012345678901234", 1, "hashtable")]
    public void A_long_field_or_value_makes_a_table(string field, int valueLength, string encoding)
    {
        _driver.Run("HSET h a 1 b 2");
        _driver.RunWords("HSET", "h", field, new string('v', valueLength));
        Assert.Equal(encoding, _driver.Say("OBJECT ENCODING h"));
        Assert.Equal(new string('v', valueLength), _driver.Say("HGET h " + field));
        Assert.Equal("1", _driver.Say("HGET h a"));
        _driver.RunWords("HSET", "fresh", "c", "3", field, new string('v', valueLength));
        Assert.Equal(encoding, _driver.Say("OBJECT ENCODING fresh"));
        _driver.Run("HDEL h " + field);
        Assert.Equal(encoding, _driver.Say("OBJECT ENCODING h"));    // there is no way back
    }

    [Fact]
    public void One_field_more_than_the_limit_makes_a_table()
    {
        _driver.Keyspace.Encodings = new EncodingLimits { HashEntries = 3 };
        _driver.Run("HSET h a 1 b 2 c 3");
        Assert.Equal("listpack", _driver.Say("OBJECT ENCODING h"));
        _driver.Run("HSET h c 4");
        Assert.Equal("listpack", _driver.Say("OBJECT ENCODING h"));
        _driver.Run("HINCRBY h d 4");
        Assert.Equal("hashtable", _driver.Say("OBJECT ENCODING h"));
        Assert.Equal("[1 2 4 4]", _driver.Say("HMGET h a b c d"));
        _driver.Run("HSET many a 1 a 2 a 3 a 4");
        Assert.Equal("hashtable", _driver.Say("OBJECT ENCODING many"));    // decided by the number of arguments
        Assert.Equal("1", _driver.Say("HLEN many"));
    }

    [Fact]
    public void A_value_of_a_table_grows_and_shrinks()
    {
        _driver.RunWords("HSET", "h", "a", new string('x', 100), "b", "1");
        foreach (var length in (int[])[0, 1, 255, 256, 20, 70_000, 3, 300])
        {
            var value = new string((char)('a' + (length % 26)), length);
            _driver.RunWords("HSET", "h", "b", value);
            Assert.Equal(value, _driver.Say("HGET h b"));
            Assert.Equal(length.ToString(), _driver.Say("HSTRLEN h b"));
            Assert.Equal(new string('x', 100), _driver.Say("HGET h a"));
        }

        _driver.Run("DEL h");
        Assert.Equal(["0"], [_driver.Say("DBSIZE")]);
    }

    [Theory]
    [InlineData(10)]
    [InlineData(1000)]
    public void Random_fields_are_as_many_and_as_different_as_asked_for(int size)
    {
        Fill("h", size);
        Assert.StartsWith("f", _driver.Say("HRANDFIELD h"));
        Assert.Equal("[]", _driver.Say("HRANDFIELD h 0"));
        foreach (var count in (int[])[1, 5, size / 2, size - 1, size, size * 3])
        {
            var different = Items("HRANDFIELD h " + count);
            Assert.Equal(Math.Min(count, size), different.Distinct().Count());
            Assert.Equal(Math.Min(count, size), different.Length);
            Assert.Equal(count, Items("HRANDFIELD h -" + count).Length);
            var withValues = Items($"HRANDFIELD h -{count} WITHVALUES");
            Assert.Equal(count * 2, withValues.Length);
            for (var i = 0; i < withValues.Length; i += 2) Assert.Equal("v" + withValues[i][1..], withValues[i + 1]);
        }
    }

    // Chi-squared of n - 1 degrees of freedom stays below the 0.9999 quantile; the seed of the driver is fixed.
    [Theory]
    [InlineData(20, "HRANDFIELD h", 40.9)]
    [InlineData(20, "HRANDFIELD h 3", 40.9)]
    [InlineData(20, "HRANDFIELD h -7", 40.9)]
    [InlineData(600, "HRANDFIELD h", 736)]
    [InlineData(600, "HRANDFIELD h 30", 736)]
    [InlineData(600, "HRANDFIELD h 400", 736)]
    [InlineData(600, "HRANDFIELD h -30", 736)]
    public void Every_field_has_the_same_chance(int size, string request, double limit)
    {
        Fill("h", size);
        var counts = new Dictionary<string, int>();
        var drawn = 0;
        while (drawn < size * 200)
        {
            var value = CommandDriver.Parse(_driver.Run(request));
            foreach (var item in value.IsAggregate ? value.Items : [value])
            {
                var name = CommandDriver.Render(item);
                counts[name] = counts.GetValueOrDefault(name) + 1;
                drawn++;
            }
        }

        var expected = (double)drawn / size;
        var chiSquared = (counts.Values.Sum(count => (count - expected) * (count - expected)) / expected)
            + (expected * (size - counts.Count));
        Assert.True(chiSquared < limit, $"chi-squared is {chiSquared}");
    }

    [Theory]
    [InlineData(10, "")]
    [InlineData(2000, "")]
    [InlineData(2000, " COUNT 100")]
    public void A_whole_scan_shows_every_field_with_its_value(int size, string options)
    {
        Fill("h", size);
        var seen = new Dictionary<string, string>();
        var calls = 0;
        var cursor = "0";
        do
        {
            var page = CommandDriver.Parse(_driver.Run($"HSCAN h {cursor}{options}"));
            cursor = CommandDriver.Render(page.Items[0]);
            for (var i = 0; i < page.Items[1].Items.Count; i += 2)
                seen[CommandDriver.Render(page.Items[1].Items[i])] = CommandDriver.Render(page.Items[1].Items[i + 1]);
            calls++;
        }
        while (cursor != "0");
        Assert.Equal(size, seen.Count);
        Assert.All(seen, pair => Assert.Equal("v" + pair.Key[1..], pair.Value));
        Assert.Equal(size > 512, calls > 1);
    }

    [Fact]
    public void A_scan_matches_names_and_leaves_values_out()
    {
        _driver.Run("HSET h a 1 b 2 12 3");
        Assert.Equal("[0 [12 3]]", _driver.Say("HSCAN h 0 MATCH 1*"));
        Assert.Equal("[0 [a b 12]]", _driver.Say("HSCAN h 0 NOVALUES"));
        Assert.Equal("[0 [b]]", _driver.Say("HSCAN h 0 novalues match b count 1"));
        Fill("large", 2000);
        Assert.Equal("[0 [f1999]]", _driver.Say("HSCAN large 0 COUNT 100000 MATCH f1999 NOVALUES"));
        Assert.Equal("[0 [f1999 v1999]]", _driver.Say("HSCAN large 0 COUNT 100000 MATCH f1999"));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(16)]
    public void Copies_and_moves_keep_every_field(int partitions)
    {
        using var driver = new CommandDriver(partitions);
        foreach (var size in (int[])[3, 50, 3000])
        {
            driver.RunWords(["HSET", "h", .. Enumerable.Range(0, size).SelectMany(i => (string[])["f" + i, "v" + i])]);
            driver.RunWords("HSET", "h", "f0", size == 3 ? "v0" : new string('x', 100));
            var all = Sorted(driver, "h");
            for (var i = 0; i < 12; i++)
            {
                Assert.Equal("1", driver.Say($"COPY h copy{i}"));
                Assert.Equal("OK", driver.Say($"RENAME copy{i} renamed{i}"));
                Assert.Equal("1", driver.Say($"MOVE renamed{i} 1"));
                driver.Run("HDEL h none");
            }

            Assert.Equal(all, Sorted(driver, "h"));
            driver.Client.Database = 1;
            for (var i = 0; i < 12; i++) Assert.Equal(all, Sorted(driver, "renamed" + i));
            driver.Run("FLUSHALL SYNC");
            driver.Client.Database = 0;
            Assert.Equal(0, driver.Keyspace.UsedBytes);
        }
    }

    [Fact]
    public void A_large_hash_is_freed_in_slices_after_it_was_deleted()
    {
        Fill("h", 5000);
        var before = _driver.Keyspace.UsedBytes;
        _driver.Run("DEL h");
        Assert.Equal("0", _driver.Say("EXISTS h"));
        Assert.InRange(_driver.Keyspace.UsedBytes, before / 2, before);    // nothing but the entry is freed at once
        var slices = 0;
        while (!_driver.Keyspace[0].FreeDiscarded(16)) slices++;
        Assert.True(slices > 100, $"{slices} slices");
        _driver.Run("FLUSHALL SYNC");
        Assert.Equal(0, _driver.Keyspace.UsedBytes);
    }

    [Fact]
    public void The_size_of_a_hash_is_what_the_heap_has_given_for_it()
    {
        // The other key takes the bucket and the node of the index of deadlines in which there is room for both.
        _driver.Run("HSET other a 1");
        _driver.Run("HPEXPIRE other 5000 FIELDS 1 a");
        var empty = _driver.Keyspace.UsedBytes;
        Fill("h", 3000);
        _driver.Run("HPEXPIRE h 5000 FIELDS 2 f1 f2");
        var bytes = _driver.Keyspace.UsedBytes - empty;
        var entry = EntryOf("h");
        Assert.Equal(bytes, Engine.Values.Value.SizeBytes(_driver.Keyspace[0].Heap, entry));
        var sampled = Engine.Values.Value.SizeBytes(_driver.Keyspace[0].Heap, entry, samples: 5);
        Assert.InRange(sampled, bytes * 8 / 10, bytes * 12 / 10);
    }

    private Entry EntryOf(string name)
    {
        var bytes = System.Text.Encoding.Latin1.GetBytes(name);
        return _driver.Keyspace[0].Table(0)!.Find(_driver.Keyspace.HashOf(bytes), bytes);
    }

    private void Fill(string key, int size) =>
        _driver.RunWords(["HSET", key, .. Enumerable.Range(0, size).SelectMany(i => (string[])["f" + i, "v" + i])]);

    private string[] Items(string request) =>
        [.. CommandDriver.Parse(_driver.Run(request)).Items.Select(CommandDriver.Render)];

    private static string Sorted(CommandDriver driver, string key) =>
        string.Join(' ', CommandDriver.Parse(driver.Run("HGETALL " + key)).Items.Select(CommandDriver.Render).Order());
}
