using System.Diagnostics;

namespace Millrace.Server.Tests.Observability;

public class DebugCommandTests
{
    private const string NotAllowed =
        "ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\", you can run it from "
            + "a local connection, "
        + "otherwise you need to set this option in the configuration file, and then restart the server.";

    [Theory]
    [InlineData("no", NotAllowed)]
    [InlineData("local", "OK")]
    [InlineData("yes", "OK")]
    public void Debug_is_refused_unless_it_is_allowed(string setting, string reply)
    {
        using var server = new InProcessServer("--enable-debug-command", setting);
        using var client = new Conversation(server);
        Assert.Equal(reply, client.Say("DEBUG SLEEP 0"));
    }

    [Theory]
    [InlineData("DEBUG", "ERR wrong number of arguments for 'debug' command")]
    [InlineData("DEBUG nothing", "ERR unknown subcommand or wrong number of arguments for 'nothing'. Try DEBUG HELP.")]
    [InlineData("DEBUG SLEEP", "ERR unknown subcommand or wrong number of arguments for 'SLEEP'. Try DEBUG HELP.")]
    [InlineData("DEBUG SLEEP x", "OK")]
    [InlineData("DEBUG SLEEP -5", "OK")]
    [InlineData("DEBUG SLEEP 0.001x", "OK")]
    [InlineData("DEBUG SLEEP nan", "OK")]
    [InlineData("DEBUG OBJECT nothing", "ERR no such key")]
    [InlineData("DEBUG SET-ACTIVE-EXPIRE x", "OK")]
    [InlineData("DEBUG PAUSE-CRON 1", "OK")]
    [InlineData("DEBUG LOG hello", "OK")]
    [InlineData("DEBUG POPULATE x", "ERR value is out of range, must be positive")]
    [InlineData("DEBUG POPULATE -1", "ERR value is out of range, must be positive")]
    [InlineData("DEBUG POPULATE 1 k x", "ERR value is out of range, must be positive")]
    [InlineData("DEBUG POPULATE 1 k 9999999999999", "ERR string exceeds maximum allowed size (proto-max-bulk-len)")]
    [InlineData("DEBUG POPULATE 1 k 1 x",
        "ERR unknown subcommand or wrong number of arguments for 'POPULATE'. Try DEBUG HELP.")]
    [InlineData("DEBUG DICT-RESIZING 0", "OK")]
    [InlineData("DEBUG DICT-RESIZING", "ERR unknown subcommand or wrong number of arguments for 'DICT-RESIZING'. Try "
        + "DEBUG HELP.")]
    [InlineData("DEBUG DIGEST", "0000000000000000000000000000000000000000")]
    [InlineData("DEBUG DIGEST x", "ERR unknown subcommand or wrong number of arguments for 'DIGEST'. Try DEBUG HELP.")]
    [InlineData("DEBUG DIGEST-VALUE none", "[0000000000000000000000000000000000000000]")]
    [InlineData("DEBUG DIGEST-VALUE", "[]")]
    [InlineData("DEBUG HTSTATS x", "ERR value is not an integer or out of range")]
    [InlineData("DEBUG HTSTATS 16", "ERR Out of range database")]
    [InlineData("DEBUG HTSTATS-KEY none", "ERR no such key")]
    [InlineData("DEBUG STRINGMATCH-LEN a*[x-z] abz", "1")]
    [InlineData("DEBUG STRINGMATCH-LEN a?c xabc", "0")]
    [InlineData("DEBUG PROTOCOL nothing", "ERR Wrong protocol type name. Please use one of the following: string|"
        + "integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false")]
    public void A_request_has_this_reply(string request, string reply)
    {
        using var server = new InProcessServer("--enable-debug-command", "yes");
        using var client = new Conversation(server);
        Assert.Equal(reply, client.Say(request));
        Assert.Equal("PONG", client.Say("PING"));
    }

    [Theory]
    [InlineData("string", "$11\r\nHello World\r\n", "$11\r\nHello World\r\n")]
    [InlineData("integer", ":12345\r\n", ":12345\r\n")]
    [InlineData("double", "$5\r\n3.141\r\n", ",3.141\r\n")]
    [InlineData("bignum", "$37\r\n1234567999999999999999999999999999999\r\n",
        "(1234567999999999999999999999999999999\r\n")]
    [InlineData("null", "$-1\r\n", "_\r\n")]
    [InlineData("array", "*3\r\n:0\r\n:1\r\n:2\r\n", "*3\r\n:0\r\n:1\r\n:2\r\n")]
    [InlineData("set", "*3\r\n:0\r\n:1\r\n:2\r\n", "~3\r\n:0\r\n:1\r\n:2\r\n")]
    [InlineData("map", "*6\r\n:0\r\n:0\r\n:1\r\n:1\r\n:2\r\n:0\r\n", "%3\r\n:0\r\n#f\r\n:1\r\n#t\r\n:2\r\n#f\r\n")]
    [InlineData(
        "attrib", "$39\r\nSome real reply following the attribute\r\n",
        "|1\r\n$14\r\nkey-popularity\r\n*2\r\n$7\r\nkey:123\r\n:90\r\n$39\r\nSome real reply following the "
            + "attribute\r\n")]
    [InlineData("verbatim", "$25\r\nThis is a verbatim\nstring\r\n", "=29\r\ntxt:This is a verbatim\nstring\r\n")]
    [InlineData("true", ":1\r\n", "#t\r\n")]
    [InlineData("FALSE", ":0\r\n", "#f\r\n")]
    public void Protocol_sends_each_type_as_redis_does(string type, string resp2, string resp3)
    {
        using var server = new InProcessServer("--enable-debug-command", "yes");
        using var client = new Conversation(server);
        Assert.Equal(resp2, client.Bytes("DEBUG PROTOCOL " + type));
        client.Say("HELLO 3");
        Assert.Equal(resp3, client.Bytes("DEBUG PROTOCOL " + type));
    }

    [Fact]
    public void A_push_is_followed_by_a_reply()
    {
        using var server = new InProcessServer("--enable-debug-command", "yes");
        using var client = new Conversation(server);
        Assert.Equal("ERR RESP2 is not supported by this command", client.Say("DEBUG PROTOCOL push"));
        client.Say("HELLO 3");
        Assert.Equal("[server-cpu-usage 42]", client.Say("DEBUG PROTOCOL push"));
        Assert.Equal("Some real reply following the push reply", client.Read());
    }

    [Fact]
    public void Sleep_stalls_all_loops()
    {
        using var server = new InProcessServer("--enable-debug-command", "yes", "--io-threads", "3");
        using var client = new Conversation(server);
        var others = Enumerable.Range(0, 6).Select(_ => new Conversation(server)).ToList();
        others.ForEach(static one => one.Say("PING"));
        var watch = Stopwatch.StartNew();
        client.Send("DEBUG", "SLEEP", "0.4");
        Thread.Sleep(100);
        foreach (var one in others) one.Send("PING");
        foreach (var one in others) Assert.Equal("PONG", one.Read());
        Assert.True(watch.ElapsedMilliseconds >= 390, $"{watch.ElapsedMilliseconds} ms");
        Assert.Equal("OK", client.Read());
        others.ForEach(static one => one.Dispose());
    }

    [Fact]
    public void Populate_makes_the_keys_that_are_missing()
    {
        using var server = new InProcessServer("--enable-debug-command", "yes");
        using var client = new Conversation(server);
        client.Say("SET key:1 mine");
        Assert.Equal("OK", client.Say("DEBUG POPULATE 1000"));
        Assert.Equal("1000", client.Say("DBSIZE"));
        Assert.Equal("mine", client.Say("GET key:1"));
        Assert.Equal("value:999", client.Say("GET key:999"));
        Assert.Equal("OK", client.Say("DEBUG POPULATE 3 p 10"));
        Assert.Equal("value:2\0\0\0", client.Say("GET p:2"));
        Assert.Equal("OK", client.Say("DEBUG POPULATE 1 q 3"));
        Assert.Equal("val", client.Say("GET q:0"));
        Assert.Equal("OK", client.Say("DEBUG POPULATE 1 r 0"));
        Assert.Equal("value:0", client.Say("GET r:0"));
    }

    [Theory]
    [InlineData("100", "int", 2)]
    [InlineData("-32768", "int", 3)]
    [InlineData("2147483647", "int", 5)]
    [InlineData("99999999999", "int", 12)]
    [InlineData("text", "embstr", 5)]
    public void Object_tells_how_a_value_is_stored(string value, string encoding, int length)
    {
        using var server = new InProcessServer("--enable-debug-command", "yes");
        using var client = new Conversation(server);
        client.Say("SET k " + value);
        Assert.Matches(
            $@"^Value at:0x[0-9a-f]+ refcount:1 encoding:{encoding} serializedlength:{length} lru:\d+ "
                + @"lru_seconds_idle:\d$",
            client.Say("DEBUG OBJECT k"));
    }

    // 20 elements of 3 bytes, an entry of 5, in chunks of 8: three chunks with a header of 7 bytes each.
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void Object_tells_the_chunks_of_a_long_list(int depth)
    {
        using var server = new InProcessServer(
            "--enable-debug-command", "yes", "--list-max-listpack-size", "8", "--list-compress-depth", $"{depth}");
        using var client = new Conversation(server);
        client.Say("RPUSH k " + string.Join(' ', Enumerable.Repeat("aaa", 20)));
        Assert.EndsWith(
            $" ql_nodes:3 ql_avg_node:6.67 ql_listpack_max:8 ql_compressed:{depth} ql_uncompressed_size:121",
            client.Say("DEBUG OBJECT k"),
            StringComparison.Ordinal);
    }

    // The digests of redis-server 7.0.15 for the same data.
    [Theory]
    [InlineData("SET a 1", "943d800368fb9c0e951138f1bc0e313ac769d91f", "b4fc66738120fba0b5aa500ab5c2bf89cea1c5da")]
    [InlineData("SADD a 2 1", "", "5d9842e5bd79f833c83b3535ec4a6836aba6d1fd")]
    public void Digests_are_those_of_redis(string request, string digest, string digestOfValue)
    {
        using var server = new InProcessServer("--enable-debug-command", "yes", "--io-threads", "2");
        using var client = new Conversation(server);
        client.Say(request);
        Assert.Equal($"[{digestOfValue} {new string('0', 40)}]", client.Say("DEBUG DIGEST-VALUE a b"));
        if (digest.Length > 0) Assert.Equal(digest, client.Say("DEBUG DIGEST"));
    }

    [Fact]
    public void Equal_data_have_equal_digests_and_different_ones_do_not()
    {
        using var server = new InProcessServer("--enable-debug-command", "yes", "--io-threads", "2");
        using var client = new Conversation(server);
        client.Say("SADD s a b 1");
        client.Say("SADD t " + string.Join(' ', Enumerable.Range(0, 300)) + " a");
        var digest = client.Say("DEBUG DIGEST");
        var value = client.Say("DEBUG DIGEST-VALUE s");
        client.Say("FLUSHALL");
        client.Say("SADD t a " + string.Join(' ', Enumerable.Range(0, 300).Reverse()));
        client.Say("SADD s 1 b a");
        Assert.Equal(digest, client.Say("DEBUG DIGEST"));
        client.Say("EXPIRE s 100");
        Assert.NotEqual(value, client.Say("DEBUG DIGEST-VALUE s"));
        client.Say("PERSIST s");
        Assert.Equal(value, client.Say("DEBUG DIGEST-VALUE s"));
        client.Say("MOVE s 1");
        Assert.NotEqual(digest, client.Say("DEBUG DIGEST"));
    }

    [Fact]
    public void Tables_tell_how_full_they_are()
    {
        using var server = new InProcessServer("--enable-debug-command", "yes");
        using var client = new Conversation(server);
        Assert.Contains("No stats available for empty dictionaries", client.Say("DEBUG HTSTATS 0"));
        client.Say("SADD s " + string.Join(' ', Enumerable.Range(0, 1_000)));
        client.Say("SADD small a");
        Assert.Contains("number of elements: 2\n", client.Say("DEBUG HTSTATS 0 full").ReplaceLineEndings("\n"));
        Assert.Matches(@"table size: [12]\d\d\d\n number of elements: 1000\n", client.Say("DEBUG HTSTATS-KEY s"));
        Assert.Equal(
            "ERR The value stored at the specified key is not represented using an hash table",
            client.Say("DEBUG HTSTATS-KEY small full"));
    }

    [Fact]
    public void Without_active_expiry_keys_stay_until_somebody_asks()
    {
        using var server = new InProcessServer("--enable-debug-command", "yes");
        using var client = new Conversation(server);
        client.Say("DEBUG SET-ACTIVE-EXPIRE 0");
        client.Say("SET k v PX 1");
        Thread.Sleep(300);
        Assert.Equal("1", client.Say("DBSIZE"));
        client.Say("DEBUG SET-ACTIVE-EXPIRE 1");
        var deadline = Environment.TickCount64 + 10_000;
        while (client.Say("DBSIZE") != "0") Assert.True(Environment.TickCount64 < deadline);
    }

    [Fact]
    public void Without_periodic_work_idle_clients_stay()
    {
        using var server = new InProcessServer("--enable-debug-command", "yes", "--timeout", "1");
        using var client = new Conversation(server);
        using var idle = new Conversation(server);
        idle.Say("PING");
        client.Say("DEBUG PAUSE-CRON 1");
        for (var i = 0; i < 5; i++)
        {
            Thread.Sleep(500);
            client.Say("PING");
        }

        Assert.Equal("PONG", idle.Say("PING"));
        client.Say("DEBUG PAUSE-CRON 0");
        Assert.True(idle.IsClosed());
    }
}
