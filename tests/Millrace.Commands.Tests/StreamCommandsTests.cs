using Millrace.Commands.Tests.Driver;
using Millrace.Engine;
using Millrace.Engine.Values;

namespace Millrace.Commands.Tests;

/// <summary>Streams and consumer groups. The stream <c>s</c> has the entries 1-1, 1-2, 2-0 and 5-0; its group <c>g</c>
/// has handed 1-1 and 1-2 to <c>a</c> and 2-0 to <c>b</c>.</summary>
public sealed class StreamCommandsTests : IDisposable
{
    private const string WrongType = "WRONGTYPE Operation against a key holding the wrong kind of value";
    private const string InvalidId = "ERR Invalid stream ID specified as stream command argument";
    private const string NotAbove =
        "ERR The ID specified in XADD is equal or smaller than the target stream top item";
    private const string NotAnInteger = "ERR value is not an integer or out of range";

    private readonly CommandDriver _driver = new();

    public StreamCommandsTests()
    {
        _driver.Run("XADD s 1-1 f v1");
        _driver.Run("XADD s 1-2 f v2");
        _driver.Run("XADD s 2-0 f v3 g w");
        _driver.Run("XADD s 5-0 f v4");
        _driver.Run("XGROUP CREATE s g 0");
        _driver.Run("XREADGROUP GROUP g a COUNT 2 STREAMS s >");
        _driver.Run("XREADGROUP GROUP g b COUNT 1 STREAMS s >");
        _driver.Run("SET t x");
    }

    public void Dispose() => _driver.Dispose();

    [Theory]
    [InlineData("XADD s 5-1 f v", "5-1")]
    [InlineData("XADD s 7 f v", "7-0")]
    [InlineData("XADD s 5-* f v", "5-1")]
    [InlineData("XADD s 6-* f v", "6-0")]
    [InlineData("XADD s * f v", "1700000000000-0")]
    [InlineData("XADD s 18446744073709551615-18446744073709551615 f v", "18446744073709551615-18446744073709551615")]
    [InlineData("XADD s 5-0 f v", NotAbove)]
    [InlineData("XADD s 4-* f v", NotAbove)]
    [InlineData("XADD n 0-0 f v", "ERR The ID specified in XADD must be greater than 0-0")]
    [InlineData("XADD n 0-* f v", "0-1")]
    [InlineData("XADD n NOMKSTREAM * f v", "(nil)")]
    [InlineData("XADD t * f v", WrongType)]
    [InlineData("XADD s - f v", InvalidId)]
    [InlineData("XADD s 5-1-1 f v", InvalidId)]
    [InlineData("XADD s 5- f v", InvalidId)]
    [InlineData("XADD s *-5 f v", InvalidId)]
    [InlineData("XADD s 5--1 f v", InvalidId)]
    [InlineData("XADD s -5 f v", InvalidId)]
    [InlineData("XADD s 7-+8 f v", "7-8")]
    [InlineData("XADD s 7--08 f v", "7-18446744073709551608")]
    [InlineData("XADD s 18446744073709551616 f v", InvalidId)]
    [InlineData("XADD s * f v g", "ERR wrong number of arguments for 'xadd' command")]
    [InlineData("XADD s MAXLEN 2 5-1 f v", "5-1")]
    [InlineData("XADD s MAXLEN -1 * f v", "ERR The MAXLEN argument must be >= 0.")]
    [InlineData("XADD s MAXLEN x * f v", NotAnInteger)]
    [InlineData("XADD s MAXLEN 2 LIMIT 3 * f v", "ERR syntax error, LIMIT cannot be used without the special ~ option")]
    [InlineData("XADD s MAXLEN ~ 2 LIMIT -1 * f v", "ERR The LIMIT argument must be >= 0.")]
    [InlineData("XADD s LIMIT 3 * f v",
        "ERR syntax error, LIMIT cannot be used without specifying a trimming strategy")]
    [InlineData("XADD s MAXLEN 1 MINID 1 * f v",
        "ERR syntax error, MAXLEN and MINID options at the same time are not compatible")]
    public void Entries_are_added(string request, string reply) =>
        Assert.Equal(reply, _driver.Say(request));

    [Theory]
    [InlineData("XRANGE s - + COUNT 2", "[[1-1 [f v1]] [1-2 [f v2]]]")]
    [InlineData("XRANGE s 1 1", "[[1-1 [f v1]] [1-2 [f v2]]]")]
    [InlineData("XRANGE s (1-1 (5-0", "[[1-2 [f v2]] [2-0 [f v3 g w]]]")]
    [InlineData("XRANGE s 3 4", "[]")]
    [InlineData("XRANGE s + -", "[]")]
    [InlineData("XRANGE s - + COUNT 0", "(nil)")]
    [InlineData("XRANGE s - + COUNT -1", "(nil)")]
    [InlineData("XRANGE n - +", "[]")]
    [InlineData("XRANGE t - +", WrongType)]
    [InlineData("XRANGE s (- +", InvalidId)]
    [InlineData("XRANGE s ( +", InvalidId)]
    [InlineData("XRANGE s (18446744073709551615-18446744073709551615 +", "ERR invalid start ID for the interval")]
    [InlineData("XRANGE s - (0-0", "ERR invalid end ID for the interval")]
    [InlineData("XRANGE s - + COUNT", "ERR syntax error")]
    [InlineData("XREVRANGE s + - COUNT 1", "[[5-0 [f v4]]]")]
    [InlineData("XREVRANGE s 2 1-2", "[[2-0 [f v3 g w]] [1-2 [f v2]]]")]
    [InlineData("XLEN s", "4")]
    [InlineData("XLEN n", "0")]
    [InlineData("XLEN t", WrongType)]
    public void Ranges_are_read(string request, string reply) =>
        Assert.Equal(reply, _driver.Say(request));

    [Fact]
    public void XTRIM_that_deletes_nothing_takes_no_memory()
    {
        _driver.Keyspace.Encodings = new EncodingLimits { StreamNodes = new StreamNodeLimits(128, MaxEntries: 3) };
        for (var i = 1; i <= 10; i++) _driver.Run($"XADD small {i / 3}-{1 + (i % 3)} f {i}");
        var before = _driver.Keyspace.UsedBytes;
        Assert.Equal("0", _driver.Say("XTRIM small MINID 0"));
        Assert.Equal(before, _driver.Keyspace.UsedBytes);
    }

    [Theory]
    [InlineData("XDEL s 1-1 3-3 5-0", "2")]
    [InlineData("XDEL s 1-1 x", InvalidId)]
    [InlineData("XDEL n x", "0")]
    [InlineData("XTRIM s MAXLEN 1", "3")]
    [InlineData("XTRIM s MAXLEN ~ 1", "0")]
    [InlineData("XTRIM s MINID 2", "2")]
    [InlineData("XTRIM s MINID = 2-1", "3")]
    [InlineData("XTRIM s MINID ~ 9", "4")]
    [InlineData("XTRIM s MINID ~ 9 LIMIT 3", "0")]
    [InlineData("XTRIM s MAXLEN =", NotAnInteger)]
    [InlineData("XTRIM s nothing 5", "ERR syntax error")]
    [InlineData("XTRIM s LIMIT 5", "ERR syntax error, LIMIT cannot be used without specifying a trimming strategy")]
    [InlineData("XTRIM s LIMIT 0", "ERR syntax error, XTRIM must be called with a trimming strategy")]
    [InlineData("XTRIM n MAXLEN 0", "0")]
    public void Entries_are_deleted_and_trimmed(string request, string reply) =>
        Assert.Equal(reply, _driver.Say(request));

    [Theory]
    [InlineData("XSETID s 9-9", "OK")]
    [InlineData("XSETID s 4-0", "ERR The ID specified in XSETID is smaller than the target stream top item")]
    [InlineData("XSETID s 9 ENTRIESADDED 3",
        "ERR The entries_added specified in XSETID is smaller than the target stream length")]
    [InlineData("XSETID s 9 ENTRIESADDED -1", "ERR entries_added must be positive")]
    [InlineData("XSETID s 9 MAXDELETEDID 10",
        "ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id")]
    [InlineData("XSETID s 9 MAXDELETEDID", "ERR syntax error")]
    [InlineData("XSETID n 9", "ERR no such key")]
    public void What_a_stream_remembers_is_set(string request, string reply) =>
        Assert.Equal(reply, _driver.Say(request));

    [Theory]
    [InlineData("XREAD STREAMS s 2", "[[s [[5-0 [f v4]]]]]")]
    [InlineData("XREAD COUNT 1 STREAMS s n 0 0", "[[s [[1-1 [f v1]]]]]")]
    [InlineData("XREAD STREAMS s $", "(nil)")]
    [InlineData("XREAD STREAMS s +", "[[s [[5-0 [f v4]]]]]")]
    [InlineData("XREAD COUNT 2 STREAMS s s 0 2", "[[s [[1-1 [f v1]] [1-2 [f v2]]]] [s [[5-0 [f v4]]]]]")]
    [InlineData("XREAD STREAMS s 18446744073709551615-18446744073709551615", "(nil)")]
    [InlineData("XREAD STREAMS s t 0",
        "ERR Unbalanced 'xread' list of streams: for each stream key an ID or '$' must be specified.")]
    [InlineData("XREAD STREAMS t 0", WrongType)]
    [InlineData("XREAD STREAMS s >",
        "ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.")]
    [InlineData("XREAD COUNT 1 s 0", "ERR syntax error")]
    [InlineData("XREAD NOACK STREAMS s 0", "ERR The NOACK option is only supported by XREADGROUP. You called XREAD "
        + "instead.")]
    [InlineData("XREAD GROUP g c STREAMS s 0", "ERR The GROUP option is only supported by XREADGROUP. You called XREAD "
        + "instead.")]
    public void New_entries_are_read(string request, string reply) =>
        Assert.Equal(reply, _driver.Say(request));

    [Theory]
    [InlineData("XREADGROUP GROUP g a STREAMS s >", "[[s [[5-0 [f v4]]]]]")]
    [InlineData("XREADGROUP GROUP g a STREAMS s 0", "[[s [[1-1 [f v1]] [1-2 [f v2]]]]]")]
    [InlineData("XREADGROUP GROUP g a COUNT 1 STREAMS s 1-1", "[[s [[1-2 [f v2]]]]]")]
    [InlineData("XREADGROUP GROUP g c STREAMS s 0", "[[s []]]")]
    [InlineData("XREADGROUP GROUP h a STREAMS s >",
        "NOGROUP No such key 's' or consumer group 'h' in XREADGROUP with GROUP option")]
    [InlineData("XREADGROUP GROUP g STREAMS STREAMS s >", "[[s [[5-0 [f v4]]]]]")]
    [InlineData("XREADGROUP NOACK COUNT 1 STREAMS s >", "ERR Missing GROUP option for XREADGROUP")]
    [InlineData("XREADGROUP GROUP g a STREAMS s n >",
        "ERR Unbalanced 'xreadgroup' list of streams: for each stream key an ID or '>' must be specified.")]
    public void Consumers_read_what_is_theirs(string request, string reply) =>
        Assert.Equal(reply, _driver.Say(request));

    [Theory]
    [InlineData("XGROUP CREATE s g 0", "BUSYGROUP Consumer Group name already exists")]
    [InlineData("XGROUP CREATE s h $", "OK")]
    [InlineData("XGROUP CREATE s h x", InvalidId)]
    [InlineData("XGROUP CREATE n h $", "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you "
        + "may want to use the MKSTREAM option to create an empty stream automatically.")]
    [InlineData("XGROUP CREATE n h $ MKSTREAM", "OK")]
    [InlineData("XGROUP CREATE s h $ ENTRIESREAD -2", "ERR value for ENTRIESREAD must be positive or -1")]
    [InlineData("XGROUP CREATE s h $ nothing",
        "ERR unknown subcommand or wrong number of arguments for 'CREATE'. Try XGROUP HELP.")]
    [InlineData("XGROUP CREATE t h $", WrongType)]
    [InlineData("XGROUP CREATECONSUMER s g a", "0")]
    [InlineData("XGROUP CREATECONSUMER s g z", "1")]
    [InlineData("XGROUP CREATECONSUMER s h z", "NOGROUP No such consumer group 'h' for key name 's'")]
    [InlineData("XGROUP DELCONSUMER s g a", "2")]
    [InlineData("XGROUP DELCONSUMER s g z", "0")]
    [InlineData("XGROUP DESTROY s g", "1")]
    [InlineData("XGROUP DESTROY s h", "0")]
    [InlineData("XGROUP SETID s g 1-1", "OK")]
    [InlineData("XGROUP SETID s g x", InvalidId)]
    public void Groups_are_made_and_removed(string request, string reply) =>
        Assert.Equal(reply, _driver.Say(request));

    [Theory]
    [InlineData("XACK s g 1-1 2-0 7-7", "2")]
    [InlineData("XACK s g 1-1 x", InvalidId)]
    [InlineData("XACK s h x", "0")]
    [InlineData("XACK n g x", "0")]
    [InlineData("XPENDING s g", "[3 1-1 2-0 [[a 2] [b 1]]]")]
    [InlineData("XPENDING s g - + 10", "[[1-1 a 0 1] [1-2 a 0 1] [2-0 b 0 1]]")]
    [InlineData("XPENDING s g (1-1 + 1", "[[1-2 a 0 1]]")]
    [InlineData("XPENDING s g - + 10 b", "[[2-0 b 0 1]]")]
    [InlineData("XPENDING s g - + 10 z", "[]")]
    [InlineData("XPENDING s g IDLE 1 - + 10", "[]")]
    [InlineData("XPENDING s g - +", "ERR syntax error")]
    [InlineData("XPENDING s g IDLE 1 - +", "ERR syntax error")]
    [InlineData("XPENDING s g - + x", NotAnInteger)]
    [InlineData("XPENDING s h", "NOGROUP No such key 's' or consumer group 'h'")]
    public void Pending_entries_are_shown_and_acknowledged(string request, string reply) =>
        Assert.Equal(reply, _driver.Say(request));

    [Theory]
    [InlineData("XCLAIM s g c 0 1-1 2-0 5-0", "[[1-1 [f v1]] [2-0 [f v3 g w]]]")]
    [InlineData("XCLAIM s g c 0 5-0 FORCE JUSTID", "[5-0]")]
    [InlineData("XCLAIM s g c 1 1-1", "[]")]
    [InlineData("XCLAIM s g c x 1-1", "ERR Invalid min-idle-time argument for XCLAIM")]
    [InlineData("XCLAIM s g c 0 1-1 nothing", "ERR Unrecognized XCLAIM option 'nothing'")]
    [InlineData("XCLAIM s g c 0 1-1 TIME", "ERR Unrecognized XCLAIM option 'TIME'")]
    [InlineData("XCLAIM s g c 0 1-1 IDLE x", "ERR Invalid IDLE option argument for XCLAIM")]
    [InlineData("XCLAIM s h c 0 1-1", "NOGROUP No such key 's' or consumer group 'h'")]
    [InlineData("XAUTOCLAIM s g c 0 - COUNT 2 JUSTID", "[2-0 [1-1 1-2] []]")]
    [InlineData("XAUTOCLAIM s g c 0 (1-1", "[0-0 [[1-2 [f v2]] [2-0 [f v3 g w]]] []]")]
    [InlineData("XAUTOCLAIM s g c 1 -", "[0-0 [] []]")]
    [InlineData("XAUTOCLAIM s g c 0 - COUNT 0", "ERR COUNT must be > 0")]
    [InlineData("XAUTOCLAIM s g c x -", "ERR Invalid min-idle-time argument for XAUTOCLAIM")]
    public void Entries_are_claimed(string request, string reply) =>
        Assert.Equal(reply, _driver.Say(request));

    [Theory]
    [InlineData("XINFO GROUPS s", "[[name g consumers 2 pending 3 last-delivered-id 2-0 entries-read 3 lag 1]]")]
    [InlineData("XINFO CONSUMERS s g",
        "[[name a pending 2 idle 0 inactive 0] [name b pending 1 idle 0 inactive 0]]")]
    [InlineData("XINFO STREAM s", "[length 4 radix-tree-keys 1 radix-tree-nodes 2 last-generated-id 5-0 "
        + "max-deleted-entry-id 0-0 entries-added 4 recorded-first-entry-id 1-1 groups 1 first-entry [1-1 [f v1]] "
        + "last-entry [5-0 [f v4]]]")]
    [InlineData("XINFO STREAM n", "ERR no such key")]
    [InlineData("XINFO STREAM s FULL COUNT",
        "ERR unknown subcommand or wrong number of arguments for 'STREAM'. Try XINFO HELP.")]
    [InlineData("XINFO CONSUMERS s h", "NOGROUP No such consumer group 'h' for key name 's'")]
    [InlineData("TYPE s", "stream")]
    [InlineData("OBJECT ENCODING s", "stream")]
    public void Streams_are_told_about(string request, string reply) =>
        Assert.Equal(reply, _driver.Say(request));

    [Theory]
    [InlineData("XADD s * f v", "XADD s 1700000000000-0 f v")]
    [InlineData("XADD s 5-* f v", "XADD s 5-1 f v")]
    [InlineData("XADD s MAXLEN ~ 2 LIMIT 100 NOMKSTREAM 6-0 f v", "XADD s MAXLEN = 5 6-0 f v")]
    [InlineData("XADD s MINID ~ 2 6-0 f v", "XADD s MINID = 1-1 6-0 f v")]
    [InlineData("XADD s MAXLEN 2 7-7 f v", "XADD s MAXLEN 2 7-7 f v")]
    [InlineData("XTRIM s MINID ~ 9", "XTRIM s MINID = 18446744073709551615-18446744073709551615")]
    [InlineData("XDEL s 1-1 9-9", "XDEL s 1-1 9-9")]
    [InlineData("XREADGROUP GROUP g a COUNT 1 STREAMS s >",
        "XCLAIM s g a 0 5-0 TIME 1700000000000 RETRYCOUNT 1 FORCE JUSTID LASTID 5-0,"
        + "XGROUP SETID s g 5-0 ENTRIESREAD 4")]
    [InlineData("XREADGROUP GROUP g z NOACK STREAMS s >",
        "XGROUP CREATECONSUMER s g z,XGROUP SETID s g 5-0 ENTRIESREAD 4")]
    [InlineData("XREADGROUP GROUP g z STREAMS s 9", "XGROUP CREATECONSUMER s g z")]
    [InlineData("XREADGROUP GROUP g a STREAMS s 0", "")]
    [InlineData("XCLAIM s g b 0 1-1 TIME 5 RETRYCOUNT 9",
        "XCLAIM s g b 0 1-1 TIME 5 RETRYCOUNT 9 FORCE JUSTID LASTID 2-0")]
    [InlineData("XCLAIM s g b 0 9-9 LASTID 4", "XGROUP SETID s g 4-0 ENTRIESREAD 3")]
    [InlineData("XAUTOCLAIM s g b 0 - COUNT 1 JUSTID",
        "XCLAIM s g b 0 1-1 TIME 1700000000000 RETRYCOUNT 1 FORCE JUSTID LASTID 2-0")]
    [InlineData("XACK s g 1-1", "XACK s g 1-1")]
    [InlineData("XACK s g 9-9", "")]
    public void A_change_is_recorded_as_what_it_did(string request, string effects)
    {
        _driver.Run(request);
        Assert.Equal(effects, string.Join(',', _driver.Effects));
    }

    [Fact]
    public void A_stream_without_entries_stays_and_remembers_its_last_id()
    {
        _driver.Run("XTRIM s MAXLEN 0");
        Assert.Equal("1", _driver.Say("EXISTS s"));
        Assert.Equal(NotAbove, _driver.Say("XADD s 5-0 f v"));
        Assert.StartsWith(
            "[length 0 radix-tree-keys 0 radix-tree-nodes 1 last-generated-id 5-0", _driver.Say("XINFO STREAM s"),
            StringComparison.Ordinal);
        Assert.Contains("first-entry (nil) last-entry (nil)", _driver.Say("XINFO STREAM s"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_node_whose_last_entries_were_deleted_goes_with_the_others()
    {
        _driver.Run("XDEL s 5-0");
        Assert.Equal("3", _driver.Say("XTRIM s MINID 5-0"));
        Assert.Contains("length 0 radix-tree-keys 0", _driver.Say("XINFO STREAM s"), StringComparison.Ordinal);
        AssertRestorable("s");
        Assert.Equal("6-0", _driver.Say("XADD s 6-0 f v"));
        Assert.Equal("[[6-0 [f v]]]", _driver.Say("XRANGE s - +"));
    }

    [Fact]
    public void Entries_behind_deleted_ones_with_greater_ids_are_found()
    {
        _driver.Run("XDEL s 5-0");
        _driver.Run("XSETID s 5-0 MAXDELETEDID 1-0");
        _driver.Run("XSETID s 2-0");
        Assert.Equal("2-1", _driver.Say("XADD s 2-1 f w"));
        Assert.Equal("[[2-1 [f w]]]", _driver.Say("XRANGE s 2-1 2-1"));
        Assert.Equal("[[2-1 [f w]] [2-0 [f v3 g w]]]", _driver.Say("XREVRANGE s 3 2"));
        AssertRestorable("s");
        Assert.Equal("1", _driver.Say("XDEL s 2-1"));
        Assert.Equal("3", _driver.Say("XLEN s"));
    }

    [Fact]
    public void Counters_stop_at_the_greatest_number()
    {
        _driver.Run("XCLAIM s g a 0 1-1 RETRYCOUNT 9223372036854775807");
        _driver.Run("XCLAIM s g b 0 1-1");
        Assert.Equal("[[1-1 b 0 9223372036854775807]]", _driver.Say("XPENDING s g - + 1"));
        _driver.Run("XSETID s 5-0 ENTRIESADDED 9223372036854775807");
        _driver.Run("XADD s 6-0 f v");
        _driver.Run("XGROUP SETID s g 2-0 ENTRIESREAD 9223372036854775807");
        _driver.Run("XREADGROUP GROUP g a STREAMS s >");
        Assert.Contains("entries-read 9223372036854775807", _driver.Say("XINFO GROUPS s"), StringComparison.Ordinal);
        AssertRestorable("s");
    }

    [Fact]
    public void After_the_greatest_id_nothing_can_be_added()
    {
        _driver.Run("XSETID s 18446744073709551615-18446744073709551615");
        const string Exhausted = "ERR The stream has exhausted the last possible ID, unable to add more items";
        Assert.Equal(Exhausted, _driver.Say("XADD s * f v"));
        Assert.Equal(Exhausted, _driver.Say("XADD s 18446744073709551615-* f v"));
        _driver.Run("XSETID s 1700000000009-18446744073709551615");
        Assert.Equal(NotAbove, _driver.Say("XADD s 1700000000009-* f v"));
        Assert.Equal("1700000000010-0", _driver.Say("XADD s * f v"));
    }

    [Fact]
    public void A_clock_that_stands_or_goes_back_gives_ascending_ids()
    {
        _driver.Run("XADD c * f v");
        Assert.Equal("1700000000000-1", _driver.Say("XADD c * f v"));
        _driver.NowMs -= 5_000;
        Assert.Equal("1700000000000-2", _driver.Say("XADD c * f v"));
    }

    [Fact]
    public void Entries_that_are_gone_are_pending_until_somebody_asks_for_them()
    {
        _driver.Run("XDEL s 1-1 2-0");
        Assert.Equal("[[s [[1-1 (nil)] [1-2 [f v2]]]]]", _driver.Say("XREADGROUP GROUP g a STREAMS s 0"));
        Assert.Equal("[[1-2 [f v2]]]", _driver.Say("XCLAIM s g b 0 1-1 1-2"));
        Assert.Equal("[0-0 [1-2] [2-0]]", _driver.Say("XAUTOCLAIM s g a 0 - JUSTID"));
        Assert.Equal("[1 1-2 1-2 [[a 1]]]", _driver.Say("XPENDING s g"));
    }

    [Fact]
    public void Deliveries_are_counted_and_dated()
    {
        _driver.NowMs += 700;
        _driver.Run("XCLAIM s g b 500 1-1");
        _driver.Run("XCLAIM s g b 0 1-2 JUSTID IDLE 300");
        _driver.Run("XREADGROUP GROUP g b STREAMS s 2-0");
        _driver.NowMs += 50;
        Assert.Equal("[[1-1 b 50 2] [1-2 b 350 1] [2-0 b 750 1]]", _driver.Say("XPENDING s g - + 10"));
        Assert.Equal("[[2-0 b 750 1]]", _driver.Say("XPENDING s g IDLE 400 - + 10"));
        Assert.Contains(
            "name a pending 0 idle 750 inactive 750", _driver.Say("XINFO CONSUMERS s g"), StringComparison.Ordinal);
    }

    [Fact]
    public void XINFO_FULL_tells_all_of_groups_and_consumers()
    {
        var text = _driver.Say("XINFO STREAM s FULL COUNT 1");
        Assert.Contains("entries [[1-1 [f v1]]]", text, StringComparison.Ordinal);
        Assert.Contains(
            "groups [[name g last-delivered-id 2-0 entries-read 3 lag 1 pel-count 3 pending [[1-1 a 1700000000000 1]] "
            + "consumers [[name a seen-time 1700000000000 active-time 1700000000000 pel-count 2 pending "
            + "[[1-1 1700000000000 1]]] [name b", text, StringComparison.Ordinal);
    }

    [Fact]
    public void RESP3_gives_maps()
    {
        _driver.Protocol = 3;
        Assert.StartsWith(
            "%1\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n5-0\r\n", _driver.Run("XREAD STREAMS s 2"), StringComparison.Ordinal);
        Assert.StartsWith("%10\r\n", _driver.Run("XINFO STREAM s"), StringComparison.Ordinal);
        Assert.StartsWith("*1\r\n%6\r\n", _driver.Run("XINFO GROUPS s"), StringComparison.Ordinal);
    }

    [Fact]
    public void What_groups_are_given_breaks_no_watch_and_counts_as_a_change()
    {
        _driver.Run("XACK s g 1-1 1-2");
        Assert.Equal(2, _driver.Dirty);
        _driver.Run("XGROUP DESTROY s g");
        Assert.Equal(1, _driver.Dirty);
        _driver.Run("XDEL s 1-1 1-2 9-9");
        Assert.Equal(2, _driver.Dirty);
        _driver.Run("XADD s MAXLEN 1 * f v");
        Assert.Equal(1, _driver.Dirty);
    }

    [Fact]
    public void Nodes_are_cut_by_entries_and_bytes()
    {
        _driver.Keyspace.Encodings = new EncodingLimits { StreamNodes = new StreamNodeLimits(200, 3) };
        for (var i = 0; i < 7; i++) _driver.Run("XADD n * f v");
        Assert.Contains("radix-tree-keys 3", _driver.Say("XINFO STREAM n"), StringComparison.Ordinal);
        Assert.Equal("3", _driver.Say("XTRIM n MAXLEN ~ 4"));
        var large = new string('x', 300);
        for (var i = 0; i < 2; i++) _driver.RunWords("XADD", "m", "*", "f", large);
        Assert.Contains("radix-tree-keys 2", _driver.Say("XINFO STREAM m"), StringComparison.Ordinal);
        _driver.Keyspace.Encodings = new EncodingLimits { StreamNodes = new StreamNodeLimits(0, 0) };
        for (var i = 0; i < 500; i++) _driver.RunWords("XADD", "o", "*", "f", large);
        Assert.Contains("radix-tree-keys 1", _driver.Say("XINFO STREAM o"), StringComparison.Ordinal);
        Assert.Equal("500", _driver.Say("XLEN o"));
    }

    [Fact]
    public void Memory_is_accounted_and_given_back()
    {
        for (var i = 0; i < 3_000; i++) _driver.Run($"XADD large * field{i % 3} {i}");
        _driver.Run("XGROUP CREATE large g 0");
        _driver.Run("XREADGROUP GROUP g one COUNT 1000 STREAMS large >");
        _driver.Run("XREADGROUP GROUP g two COUNT 1000 STREAMS large >");
        _driver.Run("XREADGROUP GROUP g one COUNT 500 STREAMS large 0");
        _driver.Run("COPY large copy");
        Assert.Equal(_driver.Say("XINFO STREAM large FULL COUNT 0"), _driver.Say("XINFO STREAM copy FULL COUNT 0"));
        _driver.Run("XGROUP DELCONSUMER copy g one");
        _driver.Run("DEL large copy s t");
        while (!_driver.Keyspace[0].Discards.FreeSome(100))
        {
        }

        _driver.Run("FLUSHALL SYNC");
        Assert.Equal(0, _driver.Keyspace.UsedBytes);
    }

    private void AssertRestorable(string key)
    {
        Assert.Equal("+OK\r\n", _driver.RunWords("RESTORE", "copy", "0", Payloads.Dump(_driver, key), "REPLACE"));
        Assert.Equal(_driver.Say($"XINFO STREAM {key} FULL"), _driver.Say("XINFO STREAM copy FULL"));
    }

    [Theory]
    [InlineData(30, false)]
    [InlineData(500, true)]
    public void A_group_is_destroyed_at_once_and_a_large_one_freed_apart(int pending, bool isLarge)
    {
        for (var i = 1; i <= pending; i++) _driver.Run($"XADD large {i}-1 f v");
        _driver.Run("XGROUP CREATE large gone 0");
        for (var i = 0; i < 5; i++) _driver.Run($"XREADGROUP GROUP gone c{i} COUNT {pending / 5} STREAMS large >");
        _driver.Run("XREADGROUP GROUP gone c1 COUNT 1 CLAIM 1000 STREAMS large >");
        Assert.Equal("1", _driver.Say("XGROUP DESTROY large gone"));
        Assert.Equal("0", _driver.Say("XGROUP DESTROY large gone"));
        Assert.Equal(isLarge, !_driver.Keyspace[0].Discards.IsEmpty);
        Assert.Equal("OK", _driver.Say("XGROUP CREATE large gone 0"));
        Assert.Equal("[0 (nil) (nil) (nil)]", _driver.Say("XPENDING large gone"));
        for (var i = 0; i < 1000 && !_driver.Keyspace[0].FreeDiscarded(10); i++) Assert.NotEqual(999, i);
        Assert.Equal("[0 (nil) (nil) (nil)]", _driver.Say("XPENDING large gone"));
        _driver.Run("FLUSHALL SYNC");
        Assert.Equal(0, _driver.Keyspace.UsedBytes);
    }
}
