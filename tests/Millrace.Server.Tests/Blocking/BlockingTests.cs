using System.Globalization;

namespace Millrace.Server.Tests.Blocking;

/// <summary>Blocking commands, mostly as scenes (<see cref="Scene"/>).</summary>
public class BlockingTests
{
    private const string WrongType = "WRONGTYPE Operation against a key holding the wrong kind of value";

    private static readonly string[] Loops = ["1", "4"];

    public static TheoryData<string, string> Scenes()
    {
        var all = new TheoryData<string, string>();
        foreach (var loops in Loops)
        {
            foreach (var scene in (IEnumerable<string>)[.. Texts, .. StreamScenes.Texts]) all.Add(loops, scene);
        }

        return all;
    }

    private static string[] Texts { get; } =
    [
        // One waiter, each command.
        "a> BLPOP k 0|b: RPUSH k 1 2 = 2|a< [k 1]|b: LRANGE k 0 -1 = [2]",
        "a> BRPOP k 0|b: RPUSH k 1 2 = 2|a< [k 2]|b: LRANGE k 0 -1 = [1]",
        "a> BLMOVE k m LEFT RIGHT 0|b: RPUSH k 1 2 = 2|a< 1|b: LRANGE m 0 -1 = [1]",
        "a> BRPOPLPUSH k m 0|b: RPUSH k 1 2 = 2|a< 2|b: LRANGE m 0 -1 = [2]",
        "a> BLMPOP 0 2 k m LEFT COUNT 2|b: RPUSH m 1 2 3 = 3|a< [m [1 2]]|b: LRANGE m 0 -1 = [3]",
        "a> BRPOPLPUSH k k 0|b: RPUSH k 1 = 1|a< 1|b: LRANGE k 0 -1 = [1]",
        "a> BLMOVEM k m LEFT RIGHT 0|b: RPUSH k 1 2 = 2|a< [1]|b: LRANGE m 0 -1 = [1]|b: LRANGE k 0 -1 = [2]",
        "a> BLMOVEM k m LEFT LEFT 0 COUNT 3 OBO|b: RPUSH k 1 2 = 2|a< [2 1]|b: LRANGE m 0 -1 = [2 1]|b: EXISTS k = 0",
        // Enough of them, however they come.
        "a> BLMOVEM k m LEFT LEFT 0 EXACTLY 3 BULK|b: RPUSH k 1 = 1|a? |b: RPUSH k 2 = 2|a? |b: RPUSH k 3 4 = 4"
            + "|a< [1 2 3]|b: LRANGE k 0 -1 = [4]|b: LRANGE m 0 -1 = [1 2 3]",
        "d: RPUSH k 1 = 1|a> BLMOVEM k k LEFT LEFT 0 EXACTLY 2 OBO|b: RPUSH k 2 3 = 3|a< [2 1]"
            + "|b: LRANGE k 0 -1 = [2 1 3]",
        "a> BLMOVEM k m LEFT LEFT 0 EXACTLY 2 BULK|b> BLPOP k 0|d: RPUSH k 1 = 1|b< [k 1]|a? |d: RPUSH k 2 3 = 2"
            + "|a< [2 3]",
        "a> BLMOVEM k m LEFT LEFT 0 EXACTLY 2 BULK|b: RPUSH k 1 = 1|b: DEL k = 1|b: RPUSH k 2 = 1|a? |b: LPUSH k 3 = 2"
            + "|a< [3 2]",
        "a> BLMOVEM k m LEFT LEFT 0 EXACTLY 2 BULK|b> BLMOVEM m n RIGHT RIGHT 0 EXACTLY 2 OBO|d: RPUSH k 1 2 = 2"
            + "|a< [1 2]|b< [2 1]|d: EXISTS k m = 0|d: LRANGE n 0 -1 = [2 1]",
        "d: SET m x = OK|a> BLMOVEM k m LEFT LEFT 0 EXACTLY 2 OBO|d: RPUSH k 1 = 1|a? |d: RPUSH k 2 = 2|a< " + WrongType
            + "|d: LLEN k = 2",
        "d: RPUSH k 1 = 1|a: BLMOVEM k m LEFT LEFT 0.01 EXACTLY 2 OBO = (nil)|a: BLMOVEM n m LEFT LEFT 0.01 = (nil)"
            + "|a: MULTI = OK|a: BLMOVEM n m LEFT LEFT 0 = QUEUED|a: BLMOVEM k m LEFT LEFT 0 EXACTLY 2 OBO = QUEUED"
            + "|a: BLMOVEM k m LEFT LEFT 0 = QUEUED|a: EXEC = [(nil) (nil) [1]]",
        // What comes behind the blocking command waits with it.
        "a> BLPOP k 0|a> PING|b: RPUSH k 1 = 1|a< [k 1]|a< PONG",
        // First come, first served; over several keys too.
        "a> BLPOP k 0|b> BLPOP k 0|c> BLPOP k 0|d: RPUSH k 1 2 = 2|a< [k 1]|b< [k 2]|d: RPUSH k 3 = 1|c< [k 3]",
        "a> BLPOP k m 0|b> BLPOP m k 0|d: RPUSH m 1 = 1|a< [m 1]|d: RPUSH k 2 = 1|b< [k 2]",
        "a> BLPOP k k 0|d: RPUSH k 1 2 = 2|a< [k 1]|d: LLEN k = 1",
        "a> BLPOP k m 0|d: MULTI = OK|d: RPUSH m 1 = QUEUED|d: RPUSH k 2 = QUEUED|d: EXEC = [1 1]|a< [k 2]"
            + "|d: LRANGE m 0 -1 = [1]",
        // Chains.
        "a> BLMOVE k m LEFT LEFT 0|b> BLMOVE m n LEFT LEFT 0|c> BLPOP n 0|d: RPUSH k 1 = 1|a< 1|b< 1|c< [n 1]"
            + "|d: EXISTS k m n = 0",
        "a> BLPOP n 0|b> BLMOVE m n LEFT LEFT 0|c> BLMOVE k m LEFT LEFT 0|d: RPUSH k 1 = 1|c< 1|b< 1|a< [n 1]",
        "a> BLMOVE k m LEFT LEFT 0|b> BLMOVE m k LEFT LEFT 0|d: RPUSH k 1 = 1|a< 1|b< 1|d: LRANGE k 0 -1 = [1]",
        // The other list has another type: an error, and the element stays for the next one.
        "d: SET m x = OK|a> BLMOVE k m LEFT LEFT 0|b> BLPOP k 0|d: RPUSH k 1 = 1"
            + "|a< WRONGTYPE Operation against a key holding the wrong kind of value|b< [k 1]",
        // Within a transaction the waiters are served at its end.
        "a> BLPOP k 0|d: MULTI = OK|d: RPUSH k 1 = QUEUED|d: DEL k = QUEUED|d: EXEC = [1 1]|a? "
            + "|d: RPUSH k 2 = 1|a< [k 2]",
        "a> BLPOP k 0|d: MULTI = OK|d: RPUSH k 1 = QUEUED|d: DEL k = QUEUED|d: SET k x = QUEUED|d: EXEC = [1 1 OK]|a? "
            + "|d: DEL k = 1|d: RPUSH k 2 = 1|a< [k 2]",
        "a> BLPOP k 0|d: MULTI = OK|d: RPUSH k 1 = QUEUED|d: RPUSH k 2 = QUEUED|d: LPOP k = QUEUED|d: EXEC = [1 2 1]"
            + "|a< [k 2]",
        "a: MULTI = OK|a: BLPOP k 0 = QUEUED|a: BLMOVE k m LEFT LEFT 0 = QUEUED|a: BLMPOP 0 1 k LEFT = QUEUED"
            + "|a: EXEC = [(nil) (nil) (nil)]",
        "a> BLPOP k 0|d: MULTI = OK|d: RPUSH k 1 = QUEUED|d: BLPOP k 0 = QUEUED|d: EXEC = [1 [k 1]]|a? ",
        // Other ways in which a key comes to hold a list.
        "d: RPUSH m 1 = 1|a> BLPOP k 0|d: RENAME m k = OK|a< [k 1]",
        "d: RPUSH m 1 = 1|a> BLPOP k 0|d: COPY m k = 1|a< [k 1]|d: LLEN m = 1",
        "a: SELECT 1 = OK|d: RPUSH k 1 = 1|a> BLPOP k 0|d: MOVE k 1 = 1|a< [k 1]",
        "a: SELECT 1 = OK|d: RPUSH k 1 = 1|a> BLPOP k 0|d: SWAPDB 0 1 = OK|a< [k 1]|d: DBSIZE = 0",
        "a> BLPOP k 0|d: RPUSH m 1 = 1|d: LMOVE m k LEFT LEFT = 1|a< [k 1]",
        "a: SELECT 1 = OK|a> BLPOP k 0|d: RPUSH k 1 = 1|a? |d: LLEN k = 1",
        // Other types do not wake, nor does expiry.
        "a> BLPOP k 0|d: SET k x = OK|a? |d: DEL k = 1|a? |d: RPUSH k 1 = 1|a< [k 1]",
        "a> BLPOP k 0|d: SET k x PX 1 = OK|a? |d: FLUSHALL = OK|a? |d: RPUSH k 1 = 1|a< [k 1]",
        // A watch is broken by what a waiter does, not by its waiting.
        "b: WATCH m = OK|a> BLMOVE k m LEFT LEFT 0|b: MULTI = OK|b: PING = QUEUED|b: EXEC = [PONG]|b: WATCH m = OK"
            + "|b: RPUSH k 1 = 1|a< 1|b: MULTI = OK|b: PING = QUEUED|b: EXEC = (nil)",
        // Time-outs.
        "a: BLPOP k 0.01 = (nil)|a: BLMOVE k m LEFT LEFT 0.01 = (nil)|a: BLMPOP 0.01 1 k LEFT = (nil)|a: PING = PONG",
        "a: BLPOP k -1 = ERR timeout is negative|a: BLPOP k x = ERR timeout is not a float or out of range"
            + "|a: BLPOP k inf = ERR timeout is out of range|a: BLPOP k 1e30 = ERR timeout is out of range"
            + "|a: BLPOP k 0x7FFFFFFFFFFFFF = ERR timeout is out of range|a: BLPOP k 9223372036854775.807 = "
            + "ERR timeout is out of range|a: BLPOP k -1e30 = ERR timeout is negative",
        "a> BLPOP k 1000000000000|d: RPUSH k 1 = 1|a< [k 1]",
        // Sorted sets.
        "a> BZPOPMIN k 0|d: ZADD k 1 x 2 y = 2|a< [k x 1]|d: ZRANGE k 0 -1 = [y]",
        "a> BZPOPMAX m k 0|d: ZADD k 1 x 2 y = 2|a< [k y 2]|d: ZRANGE k 0 -1 = [x]",
        "a> BZMPOP 0 2 k m MAX COUNT 2|d: ZADD m 1 x 2 y 3 z = 3|a< [m [[z 3] [y 2]]]|d: ZCARD m = 1",
        "a> BZPOPMIN k 0|b> BZPOPMAX k 0|c> BLPOP k 0|d: ZADD k 1 x 2 y 3 z = 3|a< [k x 1]|b< [k z 3]|d: DEL k = 1|a? "
            + "|d: RPUSH k 1 = 1|c< [k 1]",
        "a> BLPOP k 0|b> BZPOPMIN k 0|d: ZADD k 1 x = 1|b< [k x 1]|d: RPUSH k 1 = 1|a< [k 1]",
        "a> BZPOPMIN k 0|d: MULTI = OK|d: ZADD k 1 x = QUEUED|d: DEL k = QUEUED|d: EXEC = [1 1]|a? "
            + "|d: ZADD k 2 y = 1|a< [k y 2]",
        "a> BZPOPMIN k 0|d: ZADD m 1 x = 1|d: ZUNIONSTORE k 1 m = 1|a< [k x 1]",
        "a: BZPOPMIN k 0.01 = (nil)|a: BZMPOP 0.01 1 k MIN = (nil)|a: BZPOPMIN k x = ERR timeout is not a float or out "
            + "of range|a: BZMPOP -1 1 k MIN = ERR timeout is negative",
        "a: MULTI = OK|a: BZPOPMIN k 0 = QUEUED|a: BZMPOP 0 1 k MIN = QUEUED|a: EXEC = [(nil) (nil)]",
        // The first key that exists decides.
        "d: RPUSH l 1 2 = 2|d: SET s x = OK|a: BLPOP none s l 0 = " + WrongType + "|a: BLMPOP 0 3 none s l LEFT = "
            + WrongType + "|a: BRPOP none l s 0 = [l 2]|a: BLMPOP 0 2 l s LEFT = [l [1]]",
        "d: ZADD z 1 x 2 y = 2|d: SET s x = OK|a: BZPOPMIN none s z 0 = " + WrongType + "|a: BZMPOP 0 2 s z MIN = "
            + WrongType + "|a: BZPOPMAX none z s 0 = [z y 2]|a: BZMPOP 0 3 none z s MIN = [z [[x 1]]]",
        // Arguments are looked at before the time-out.
        "a: BLMPOP x 0 k LEFT = ERR numkeys should be greater than 0|a: BLMPOP x 1 k FOO = ERR syntax error"
            + "|a: BLMPOP x 1 k LEFT COUNT 0 = ERR count should be greater than 0"
            + "|a: BLMPOP x 1 k LEFT = ERR timeout is not a float or out of range",
        // Replies that the client does not want.
        "a; CLIENT REPLY SKIP|a> BLPOP k 0|d: RPUSH k 1 = 1|a: PING = PONG|d: LLEN k = 0",
    ];

    [Theory]
    [MemberData(nameof(Scenes))]
    public void A_scene_plays_as_written(string loops, string text)
    {
        using var scene = new Scene(loops);
        foreach (var line in text.Split('|')) scene.Play(line);
    }

    [Theory]
    [InlineData("TIMEOUT", "(nil)")]
    [InlineData("ERROR", "UNBLOCKED client unblocked via CLIENT UNBLOCK")]
    public void A_blocked_client_can_be_unblocked(string reason, string reply)
    {
        using var scene = new Scene("4");
        scene.Play("d: RPUSH other 1 = 1");
        var id = scene["a"].Say("CLIENT ID");
        scene.Play("a> BLMOVE k m LEFT LEFT 0");
        scene.Play($"d: CLIENT UNBLOCK {id} {reason} = 1");
        scene.Play($"d: CLIENT UNBLOCK {id} {reason} = 0");
        scene.Play($"a< {reply}");
        scene.Play("d: RPUSH k 1 = 1");
        scene.Play("d: LLEN k = 1");
        scene.Play("a: BLPOP k 0 = [k 1]");
    }

    [Fact]
    public void Whoever_is_killed_or_leaves_while_blocked_takes_nothing()
    {
        using var scene = new Scene("4");
        var id = scene["a"].Say("CLIENT ID");
        scene.Play("a> BLPOP k 0");
        scene.Play("b> BLPOP k 0");
        scene.Play("c> BLPOP k 0");
        scene.Play($"d: CLIENT KILL ID {id} = 1");
        scene.Leave("b");
        scene.UntilBlocked(1);
        scene.Play("d: RPUSH k 1 = 1");
        scene.Play("c< [k 1]");
        scene.UntilInfo("total_blocking_keys:0");
        Assert.True(scene["a"].IsClosed());
    }

    [Fact]
    public void A_waiter_is_served_at_the_time_when_the_push_has_ended()
    {
        using var scene = new Scene("1");
        string[] elements = [.. Enumerable.Repeat(new string('x', 8000), 1000)];
        for (var i = 1; i <= 10; i++) Assert.Equal($"{i * 1000}", scene["b"].SayWords(["RPUSH", "huge", .. elements]));
        scene.Play("b: RPUSH target old = 1");
        scene.Play("a> BLMOVE source target LEFT RIGHT 0");
        // Copying 80 MB takes longer than the target has to live: what comes to it then is a list of its own.
        scene["b"].SendText(Peer.Encode("PEXPIRE", "target", "1") + Peer.Encode("COPY", "huge", "source"));
        Assert.Equal("1", scene["b"].Read());
        Assert.Equal("1", scene["b"].Read());
        Assert.Equal(elements[0], scene["a"].Read());
        scene.Play("b: PTTL target = -1");
        scene.Play("b: LLEN target = 1");
    }

    [Fact]
    public void Clients_and_statistics_tell_of_the_blocked()
    {
        using var scene = new Scene("2");
        scene.Play("d: CONFIG RESETSTAT = OK");
        scene.Play("a> BLPOP k m 0");
        Assert.Matches(@" flags=b .* argv-mem=[1-9]\d* .* cmd=blpop ", scene["d"].Say("CLIENT LIST"));
        var info = scene["d"].Say("INFO clients");
        Assert.Contains("\r\nblocked_clients:1\r\n", info, StringComparison.Ordinal);
        Assert.Contains("\r\ntotal_blocking_keys:2\r\n", info, StringComparison.Ordinal);
        Assert.DoesNotContain("cmdstat_blpop", scene["d"].Say("INFO commandstats"), StringComparison.Ordinal);
        scene.Play("d: RPUSH m 1 = 1");
        scene.Play("a< [m 1]");
        Assert.Matches("cmdstat_blpop:calls=1,.*failed_calls=0\r\n", scene["d"].Say("INFO commandstats"));
        scene.Play("a: BLPOP k m 0.001 = (nil)");
        Assert.Matches("cmdstat_blpop:calls=2,.*failed_calls=0\r\n", scene["d"].Say("INFO commandstats"));
        scene.UntilInfo("total_blocking_keys:0");
    }

    [Fact]
    public void Replies_of_the_third_protocol_version_are_those_of_the_waiter()
    {
        using var scene = new Scene("4");
        scene["a"].Say("HELLO 3");
        Assert.Equal("_\r\n", scene["a"].Bytes("BLPOP k 0.001"));
        Assert.Equal("*-1\r\n", scene["b"].Bytes("BLPOP k 0.001"));
        Assert.Equal("*-1\r\n", scene["b"].Bytes("BLMOVE k m LEFT LEFT 0.001"));
    }

    [Fact]
    public void The_effects_of_push_and_waiters_are_one_block()
    {
        using var scene = new Scene("4");
        var log = new BlockList();
        var parts = scene.Server.Server.Parts;
        parts.Loops.Quiesce(null, () => parts.Log.Attach(log));
        scene["b"].Say("SELECT 1");
        scene.Play("a> BLMOVE k m LEFT RIGHT 0");
        scene.Play("c> BRPOP m 0");
        scene.Play("d: RPUSH k 1 2 = 2");
        scene.Play("c< [m 1]");
        string[] expected = ["SELECT 0", "MULTI RPUSH k 1 2 LMOVE k m LEFT RIGHT RPOP m EXEC"];
        Assert.Equal(expected, log.Blocks);
    }

    [Fact]
    public void Elements_pushed_by_some_and_awaited_by_others_are_served_once()
    {
        const int Workers = 6;
        const int Elements = 300;
        using var server = new InProcessServer("--io-threads", "4");
        var taken = new List<string>();
        var threads = Enumerable.Range(0, Workers).Select(_ => new Thread(() =>
        {
            using var client = new Conversation(server);
            for (var reply = client.Say("BLPOP q1 q2 0"); reply is not "[q1 end]"; reply = client.Say("BLPOP q1 q2 0"))
            {
                lock (taken) taken.Add(reply[4..^1]);
            }
        })).ToList();
        threads.ForEach(static one => one.Start());
        using var pusher = new Conversation(server);
        using var mover = new Conversation(server);
        for (var i = 0; i < Elements; i++)
        {
            pusher.Say(string.Create(CultureInfo.InvariantCulture, $"RPUSH q{1 + (i % 2)} {i}"));
            mover.Say("LMOVE q1 q2 LEFT RIGHT");
        }

        for (var i = 0; i < Workers; i++) pusher.Say("RPUSH q1 end");
        threads.ForEach(static one => one.Join());
        Assert.Equal(Enumerable.Range(0, Elements), taken.Select(int.Parse).Order());
    }
}
