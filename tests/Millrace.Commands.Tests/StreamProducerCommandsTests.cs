using System.Globalization;
using Millrace.Commands.Tests.Driver;
using Millrace.Engine;
using Millrace.Engine.Values;

namespace Millrace.Commands.Tests;

/// <summary>Messages that are sent again (redis.io/commands: xadd, xcfgset, xidmprecord; "Idempotent message
/// processing"). The stream <c>s</c> has the entry 1-0, and knows it as message <c>m</c> of <c>p</c>.</summary>
public sealed class StreamProducerCommandsTests : IDisposable
{
    private const string Syntax = "ERR syntax error";
    private const string Empty = "ERR producer ID and idempotent ID must not be empty";
    private const string NeedsAutoId =
        "ERR syntax error, IDMP and IDMPAUTO can be used with an auto-generated ID only";

    private readonly CommandDriver _driver = new();

    public StreamProducerCommandsTests()
    {
        _driver.Run("XADD s 1-0 f v");
        _driver.Run("XIDMPRECORD s p m 1-0");
        _driver.Run("SET t x");
    }

    public void Dispose() => _driver.Dispose();

    [Theory]
    [InlineData("XADD s IDMP p m * f other", "1-0")]
    [InlineData("XADD s IDMP q m * f v", "1700000000000-0")]
    [InlineData("XADD s IDMP p n * f v", "1700000000000-0")]
    [InlineData("XADD s IDMPAUTO p * f v", "1700000000000-0")]
    [InlineData("XADD s MAXLEN 1 KEEPREF IDMP p n NOMKSTREAM * f v", "1700000000000-0")]
    [InlineData("XADD n IDMP p m * f v", "1700000000000-0")]
    [InlineData("XADD n NOMKSTREAM IDMP p m * f v", "(nil)")]
    [InlineData("XADD t IDMP p m * f v", "WRONGTYPE Operation against a key holding the wrong kind of value")]
    [InlineData("XADD s IDMP p m 5-0 f v", NeedsAutoId)]
    [InlineData("XADD s IDMPAUTO p 5-* f v", NeedsAutoId)]
    [InlineData("XADD s IDMP p m IDMPAUTO p * f v", Syntax)]
    [InlineData("XADD s IDMP p m * f", "ERR wrong number of arguments for 'xadd' command")]
    [InlineData("XADD s IDMP  m * f v", Empty)]
    [InlineData("XADD s IDMP p  * f v", Empty)]
    [InlineData("XADD s IDMPAUTO  * f v", Empty)]
    public void A_message_is_added_once(string request, string reply) => Assert.Equal(reply, _driver.Say(request));

    [Theory]
    [InlineData("XIDMPRECORD s p m 1-0", "OK")]
    [InlineData("XIDMPRECORD s p o 1-0", "OK")]
    [InlineData("XIDMPRECORD s p m 2-0", "ERR no such entry in the stream")]
    [InlineData("XIDMPRECORD n p m 1-0", "ERR no such key")]
    [InlineData("XIDMPRECORD t p m 1-0", "WRONGTYPE Operation against a key holding the wrong kind of value")]
    [InlineData("XIDMPRECORD s p m x", "ERR Invalid stream ID specified as stream command argument")]
    [InlineData("XIDMPRECORD s  m 1-0", Empty)]
    [InlineData("XIDMPRECORD s p  1-0", Empty)]
    [InlineData("XCFGSET s IDMP-DURATION 86400 IDMP-MAXSIZE 10000", "OK")]
    [InlineData("XCFGSET s IDMP-DURATION 0", "ERR invalid duration")]
    [InlineData("XCFGSET s IDMP-DURATION 86401", "ERR invalid duration")]
    [InlineData("XCFGSET s IDMP-MAXSIZE 0", "ERR invalid maxsize")]
    [InlineData("XCFGSET s IDMP-MAXSIZE 10001", "ERR invalid maxsize")]
    [InlineData("XCFGSET s IDMP-MAXSIZE x", "ERR value is not an integer or out of range")]
    [InlineData("XCFGSET s IDMP-MAXSIZE", Syntax)]
    [InlineData("XCFGSET s", Syntax)]
    [InlineData("XCFGSET s MAXSIZE 5", Syntax)]
    [InlineData("XCFGSET n IDMP-MAXSIZE 5", "ERR no such key")]
    [InlineData("XCFGSET t IDMP-MAXSIZE 5", "WRONGTYPE Operation against a key holding the wrong kind of value")]
    public void What_a_stream_knows_is_set(string request, string reply) => Assert.Equal(reply, _driver.Say(request));

    [Theory]
    [InlineData("XADD s IDMP p n * f v", "XADD s 1700000000000-0 f v,XIDMPRECORD s p n 1700000000000-0")]
    [InlineData("XADD s MAXLEN ~ 9 IDMP p n * f v",
        "XADD s MAXLEN = 2 1700000000000-0 f v,XIDMPRECORD s p n 1700000000000-0")]
    [InlineData("XADD s MAXLEN 0 IDMP p n * f v", "XADD s MAXLEN = 0 1700000000000-0 f v")]
    [InlineData("XADD s IDMP p m * f v", "")]
    [InlineData("XCFGSET s IDMP-MAXSIZE 5", "XCFGSET s IDMP-DURATION 100 IDMP-MAXSIZE 5")]
    [InlineData("XCFGSET s IDMP-DURATION 7", "XCFGSET s IDMP-DURATION 7 IDMP-MAXSIZE 100")]
    public void A_change_is_recorded_as_what_it_did(string request, string effects)
    {
        _driver.Run(request);
        Assert.Equal(effects, string.Join(',', _driver.Effects));
    }

    [Fact]
    public void The_order_of_fields_makes_no_difference_to_a_message_without_a_name()
    {
        Assert.Equal("1700000000000-0", _driver.Say("XADD s IDMPAUTO p * a 1 b 2"));
        Assert.Equal("1700000000000-0", _driver.Say("XADD s IDMPAUTO p * b 2 a 1"));
        Assert.Equal("1700000000000-1", _driver.Say("XADD s IDMPAUTO p * a 2 b 1"));
        Assert.Equal("1700000000000-2", _driver.Say("XADD s IDMPAUTO p * a 1 a 1 b 2"));
        Assert.Equal("1700000000000-3", _driver.Say("XADD s IDMPAUTO q * a 1 b 2"));
        _driver.Run("XDEL s 1700000000000-0");
        Assert.Equal("1700000000000-0", _driver.Say("XADD s IDMPAUTO p * a 1 b 2"));
    }

    [Fact]
    public void XINFO_tells_of_producers_once_there_are_any()
    {
        _driver.Run("XADD s IDMP q n * f v");
        _driver.Run("XADD s IDMP q n * f v");
        Assert.Contains("recorded-first-entry-id 1-0 idmp-duration 100 idmp-maxsize 100 pids-tracked 2 iids-tracked 2 "
            + "iids-added 2 iids-duplicates 1 groups 0", _driver.Say("XINFO STREAM s"), StringComparison.Ordinal);
        Assert.Contains("iids-duplicates 1 entries [", _driver.Say("XINFO STREAM s FULL"), StringComparison.Ordinal);
        _driver.Run("XADD n * f v");
        Assert.DoesNotContain("idmp", _driver.Say("XINFO STREAM n"), StringComparison.Ordinal);
        _driver.Run("XCFGSET n IDMP-DURATION 5");
        Assert.Contains("idmp-duration 5 idmp-maxsize 100 pids-tracked 0 iids-tracked 0 iids-added 0 iids-duplicates 0",
            _driver.Say("XINFO STREAM n"), StringComparison.Ordinal);
    }

    [Fact]
    public void Messages_are_forgotten_after_their_time()
    {
        _driver.NowMs += 50_000;
        _driver.Run("XADD s IDMP q n * f v");
        _driver.NowMs += 50_000;
        Assert.Equal("1-0", _driver.Say("XADD s IDMP p m * f v"));
        _driver.NowMs++;
        Assert.Contains("pids-tracked 1 iids-tracked 1 iids-added 2", _driver.Say("XINFO STREAM s"),
            StringComparison.Ordinal);
        Assert.Equal("1700000100001-0", _driver.Say("XADD s IDMP p m * f v"));
        Assert.Equal("1700000050000-0", _driver.Say("XADD s IDMP q n * f v"));
    }

    [Fact]
    public void A_stream_that_nobody_uses_gives_the_memory_back()
    {
        _driver.Run("XADD other * f v");
        var before = _driver.Keyspace.UsedBytes;
        _driver.Run("XCFGSET other IDMP-DURATION 10");
        var configured = _driver.Keyspace.UsedBytes;
        for (var i = 0; i < 500; i++) _driver.Run($"XIDMPRECORD other p{i % 7} {i} 1700000000000-0");
        Assert.True(_driver.Keyspace.UsedBytes > configured + 30_000);
        _driver.NowMs += 10_001;
        _driver.Run("EXISTS other");
        Assert.Contains("pids-tracked 7 iids-tracked 372", _driver.Say("XINFO STREAM other"), StringComparison.Ordinal);
        for (var i = 0; i < 8; i++) _driver.Run("EXISTS other");
        Assert.Equal(configured, _driver.Keyspace.UsedBytes);
        Assert.True(configured > before);
    }

    [Theory]
    [InlineData(30, false)]
    [InlineData(500, true)]
    public void New_limits_forget_all_at_once_and_free_many_apart(int messages, bool areMany)
    {
        _driver.Run("XADD other * f v");
        _driver.Run("XCFGSET other IDMP-DURATION 10");
        var before = _driver.Keyspace.UsedBytes;
        for (var i = 0; i < messages; i++) _driver.Run($"XIDMPRECORD other p{i % 7} {i} 1700000000000-0");
        _driver.Run("XCFGSET other IDMP-DURATION 9");
        Assert.Contains($"idmp-duration 9 idmp-maxsize 100 pids-tracked 0 iids-tracked 0 iids-added {messages} ",
            _driver.Say("XINFO STREAM other"), StringComparison.Ordinal);
        Assert.Equal(areMany, !_driver.Keyspace[0].Discards.IsEmpty);
        Assert.Equal("OK", _driver.Say("XIDMPRECORD other p1 1 1700000000000-0"));
        _driver.Run("XCFGSET other IDMP-DURATION 8");
        for (var i = 0; i < 1000 && !_driver.Keyspace[0].FreeDiscarded(10); i++) Assert.NotEqual(999, i);
        Assert.Equal(before, _driver.Keyspace.UsedBytes);
        _driver.NowMs += 20_000;
        Assert.Equal("1", _driver.Say("EXISTS other"));
    }

    [Fact]
    public void A_message_whose_time_has_passed_is_forgotten_without_all_that_are_older()
    {
        for (var i = 0; i < 1000; i++) _driver.Run($"XIDMPRECORD s q{i % 50} {i} 1-0");
        var name = "s"u8;
        var key = new Key(0, _driver.Keyspace.HashOf(name), name);
        Assert.True(_driver.Unit.TryBegin(1, _driver.NowMs + 200_000, patient: true, out _));
        var log = StreamValue.Log(_driver.Unit.Find(key, Access.Peek));
        var count = log.Producers.MessageCount;
        StreamValue.Remember(_driver.Unit, key, log, "q9"u8, "959"u8, StreamId.Max);
        Assert.InRange(log.Producers.MessageCount, count - 64 - 20, count - 64);
        Assert.True(log.Producers.TryFind("q9"u8, "959"u8, _driver.NowMs + 200_000, out var id));
        Assert.Equal(StreamId.Max, id);
        _driver.Unit.End();
        _driver.Run("FLUSHALL SYNC");
        Assert.Equal(0, _driver.Keyspace.UsedBytes);
    }

    [Fact]
    public void Each_producer_has_its_last_messages()
    {
        _driver.Run("XCFGSET s IDMP-MAXSIZE 3");
        for (var i = 0; i < 5; i++)
        {
            _driver.Run($"XIDMPRECORD s p {i} 1-0");
            _driver.Run($"XIDMPRECORD s q {i} 1-0");
        }

        Assert.Contains("pids-tracked 2 iids-tracked 6 iids-added 11", _driver.Say("XINFO STREAM s"),
            StringComparison.Ordinal);
        Assert.Equal("1-0", _driver.Say("XADD s IDMP p 2 * f v"));
        Assert.NotEqual("1-0", _driver.Say("XADD s IDMP p 1 * f v"));
        Assert.Equal("1-0", _driver.Say("XADD s IDMP q 2 * f v"));
    }

    [Fact]
    public void New_limits_make_a_stream_forget_and_the_same_ones_do_not()
    {
        _driver.Run("XCFGSET s IDMP-DURATION 100 IDMP-MAXSIZE 100");
        Assert.Equal("1-0", _driver.Say("XADD s IDMP p m * f v"));
        _driver.Run("XCFGSET s IDMP-DURATION 101");
        Assert.Contains(
            "idmp-duration 101 idmp-maxsize 100 pids-tracked 0 iids-tracked 0 iids-added 1 iids-duplicates 1",
            _driver.Say("XINFO STREAM s"), StringComparison.Ordinal);
        Assert.Equal("1700000000000-0", _driver.Say("XADD s IDMP p m * f v"));
    }

    [Fact]
    public void The_limits_of_the_directives_hold_from_the_first_message_on()
    {
        _driver.Keyspace.Encodings = new EncodingLimits { Producers = new ProducerLimits(7, 2) };
        for (var i = 0; i < 3; i++) _driver.Run($"XADD n IDMP p {i} * f v");
        Assert.Contains("idmp-duration 7 idmp-maxsize 2 pids-tracked 1 iids-tracked 2", _driver.Say("XINFO STREAM n"),
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_copy_knows_the_same_and_lives_on_its_own()
    {
        _driver.Run("COPY s copy");
        _driver.Run("RENAME s r");
        Assert.Equal("1-0", _driver.Say("XADD copy IDMP p m * f v"));
        Assert.Equal("1-0", _driver.Say("XADD r IDMP p m * f v"));
        _driver.Run("DEL r");
        Assert.Equal("1-0", _driver.Say("XADD copy IDMP p m * f v"));
        _driver.NowMs += 200_000;
        Assert.Contains("iids-tracked 0", _driver.Say("XINFO STREAM copy"), StringComparison.Ordinal);
    }

    [Fact]
    public void DUMP_leaves_out_what_is_known_of_producers()
    {
        Assert.Equal("+OK\r\n", _driver.RunWords("RESTORE", "copy", "0", Payloads.Dump(_driver, "s")));
        Assert.DoesNotContain("idmp", _driver.Say("XINFO STREAM copy"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1, 31)]
    [InlineData(4, 0)]
    public void Random_messages_are_known_as_a_model_knows_them(int partitions, int seed)
    {
        if (seed == 0) seed = Environment.TickCount;
        var random = new Random(seed);
        using var driver = new CommandDriver(partitions, seed);
        driver.Keyspace.Encodings = new EncodingLimits { Producers = new ProducerLimits(2, 4) };
        var known = new List<(string Producer, string Message, string Id, long AtMs)>();
        for (var i = 0; i < 4_000; i++)
        {
            driver.NowMs += random.Next(300);
            known.RemoveAll(one => one.AtMs + 2_000 < driver.NowMs);
            var (producer, message) = ($"p{random.Next(5)}", random.Next(9).ToString(CultureInfo.InvariantCulture));
            var id = driver.Say($"XADD s IDMP {producer} {message} * f v");
            var before = known.FirstOrDefault(one => one.Producer == producer && one.Message == message).Id;
            if (before is not null) Assert.True(before == id, $"seed {seed}, {i}: {before} expected, {id} said");
            else known.Add((producer, message, id, driver.NowMs));
            if (known.Count(one => one.Producer == producer) > 4)
                known.RemoveAt(known.FindIndex(one => one.Producer == producer));
            if (i % 50 > 0) continue;
            Assert.Contains($"iids-tracked {known.Count} ", driver.Say("XINFO STREAM s"), StringComparison.Ordinal);
            driver.Run("XTRIM s MAXLEN 5");
        }

        driver.Run("FLUSHALL SYNC");
        Assert.Equal(0, driver.Keyspace.UsedBytes);
    }

    [Fact]
    public void Memory_is_accounted_and_given_back()
    {
        for (var i = 0; i < 3_000; i++) _driver.Run($"XIDMPRECORD s producer{i % 40} message{i} 1-0");
        Assert.True(_driver.Keyspace.UsedBytes > 300_000);
        _driver.Run("COPY s copy");
        _driver.Run("DEL s t");
        while (!_driver.Keyspace[0].Discards.FreeSome(100))
        {
        }

        _driver.Run("FLUSHALL SYNC");
        Assert.Equal(0, _driver.Keyspace.UsedBytes);
    }
}
