using System.Globalization;

namespace Millrace.Server.Tests.Tracking;

/// <summary>Client-side caching, mostly as scenes (<see cref="Scene"/>). a and b speak RESP3, c and d RESP2.</summary>
public class TrackingTests
{
    private const string Switch = ", and then re-enabling it with a different mode.";

    private static readonly string[] Loops = ["1", "4"];

    public static TheoryData<string, string> Scenes()
    {
        var all = new TheoryData<string, string>();
        foreach (var loops in Loops)
        {
            foreach (var scene in Texts) all.Add(loops, scene);
        }

        return all;
    }

    private static string[] Texts { get; } =
    [
        // What was read is told once when it changes, by whomever; what was not read is not.
        "a: CLIENT TRACKING ON = OK|a: GET k = (nil)|d: SET other 1 = OK|d: SET k 1 = OK|a~ [invalidate [k]]"
            + "|d: SET k 2 = OK|a? |a: GET k = 2|d: DEL k = 1|a~ [invalidate [k]]",
        "a: CLIENT TRACKING ON = OK|a: MGET k l = [(nil) (nil)]|d: MSET k 1 l 2 = OK|a~ [invalidate [k]]"
            + "|a~ [invalidate [l]]",
        "a: CLIENT TRACKING ON = OK|d: RPUSH l 1 2 = 2|a: LRANGE l 0 -1 = [1 2]|d: LPOP l = 1|a~ [invalidate [l]]"
            + "|a: HGET h f = (nil)|d: HSET h f 1 = 1|a~ [invalidate [h]]",
        // A key is known by its name alone.
        "a: CLIENT TRACKING ON = OK|a: GET k = (nil)|d: SELECT 3 = OK|d: SET k 1 = OK|a~ [invalidate [k]]",
        // What the client changes itself stands behind the reply, or is not told.
        "a: CLIENT TRACKING ON = OK|a: GET k = (nil)|a: SET k 1 = OK|a~ [invalidate [k]]|a: GET k = 1",
        "a: CLIENT TRACKING ON NOLOOP = OK|a: GET k = (nil)|a: SET k 1 = OK|a? |a: GET k = 1|d: SET k 2 = OK"
            + "|a~ [invalidate [k]]",
        "a: CLIENT TRACKING ON = OK|a: GET k = (nil)|a: MULTI = OK|a: SET k 1 = QUEUED|a: PING = QUEUED"
            + "|a: EXEC = [OK PONG]|a~ [invalidate [k]]",
        // OPTIN and OPTOUT.
        "a: CLIENT TRACKING ON OPTIN = OK|a: GET k = (nil)|a: CLIENT CACHING YES = OK|a: GET l = (nil)"
            + "|a: GET m = (nil)|d: MSET k 1 l 1 m 1 = OK|a~ [invalidate [l]]|a? ",
        "a: CLIENT TRACKING ON OPTOUT = OK|a: CLIENT CACHING NO = OK|a: GET k = (nil)|a: GET l = (nil)"
            + "|d: MSET k 1 l 1 = OK|a~ [invalidate [l]]|a? ",
        "a: CLIENT TRACKING ON OPTIN = OK|a: CLIENT CACHING YES = OK|a: MULTI = OK|a: GET k = QUEUED"
            + "|a: GET l = QUEUED|a: EXEC = [(nil) (nil)]|a: GET m = (nil)|d: MSET k 1 l 1 m 1 = OK"
            + "|a~ [invalidate [k]]|a~ [invalidate [l]]|a? ",
        "a: CLIENT CACHING YES = ERR CLIENT CACHING can be called only when the client is in tracking mode with "
            + "OPTIN or OPTOUT mode enabled|a: CLIENT TRACKING ON OPTIN = OK"
            + "|a: CLIENT CACHING NO = ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode."
            + "|a: CLIENT CACHING maybe = ERR syntax error",
        // Prefixes: all changes of a unit in one message, read or not.
        "a: CLIENT TRACKING ON BCAST PREFIX x: PREFIX y: = OK|d: MSET x:1 1 y:1 1 x:2 2 z 1 = OK"
            + "|a~ [invalidate [x:1 x:2]]|a~ [invalidate [y:1]]|d: SET z 2 = OK|a? |a: CLIENT TRACKING OFF = OK"
            + "|d: SET x:1 2 = OK|a? ",
        "a: CLIENT TRACKING ON BCAST = OK|d: SET k 1 = OK|a~ [invalidate [k]]|a: SET k 2 = OK|a~ [invalidate [k]]"
            + "|b: CLIENT TRACKING ON BCAST NOLOOP = OK|b: SET k 3 = OK|b? |a~ [invalidate [k]]",
        "a: CLIENT TRACKING ON BCAST = OK|b: CLIENT TRACKING ON = OK|b: GET k = (nil)|d: SET k 1 = OK"
            + "|a~ [invalidate [k]]|b~ [invalidate [k]]",
        "a: CLIENT TRACKING ON BCAST PREFIX ab PREFIX a = ERR Prefix 'ab' overlaps with another provided prefix 'a'. "
            + "Prefixes for a single client must not overlap.|a: CLIENT TRACKING ON BCAST PREFIX ab = OK"
            + "|a: CLIENT TRACKING ON BCAST PREFIX abc = ERR Prefix 'abc' overlaps with an existing prefix 'ab'. "
            + "Prefixes for a single client must not overlap.",
        // Flushes make everything stale.
        "a: CLIENT TRACKING ON = OK|a: GET k = (nil)|d: FLUSHALL = OK|a~ [invalidate (nil)]|d: SET k 1 = OK|a? "
            + "|d: FLUSHDB = OK|a~ [invalidate (nil)]",
        // Keys whose time has come.
        "a: CLIENT TRACKING ON = OK|d: SET k 1 PX 20 = OK|a: GET k = 1|a~ [invalidate [k]]|a: GET k = (nil)",
        "a: CLIENT TRACKING ON BCAST NOLOOP = OK|a: SET k 1 PX 20 = OK|a~ [invalidate [k]]",
        // Options that do not go together.
        "a: CLIENT TRACKING ON PREFIX x = ERR PREFIX option requires BCAST mode to be enabled"
            + "|a: CLIENT TRACKING ON BCAST OPTIN = ERR OPTIN and OPTOUT are not compatible with BCAST"
            + "|a: CLIENT TRACKING ON OPTIN OPTOUT = ERR You can't specify both OPTIN mode and OPTOUT mode"
            + "|a: CLIENT TRACKING ON REDIRECT 999 = ERR The client ID you want redirect to does not exist"
            + "|a: CLIENT TRACKING ON nothing = ERR syntax error|a: CLIENT TRACKING maybe = ERR syntax error"
            + "|a: CLIENT TRACKING ON REDIRECT = ERR syntax error|a: CLIENT TRACKING ON PREFIX = ERR syntax error"
            + "|a: CLIENT TRACKING ON = OK|a: CLIENT TRACKING ON BCAST = ERR You can't switch BCAST mode on/off before "
            + "disabling tracking for this client" + Switch,
        "a: CLIENT TRACKING ON OPTIN = OK|a: CLIENT TRACKING ON OPTOUT = ERR You can't switch OPTIN/OPTOUT mode before "
            + "disabling tracking for this client" + Switch,
        // What is told of it.
        "a: CLIENT GETREDIR = -1|a: CLIENT TRACKING ON = OK|a: CLIENT GETREDIR = 0",
        "c: CLIENT TRACKINGINFO = [flags [off] redirect -1 prefixes []]"
            + "|c: CLIENT TRACKING ON BCAST PREFIX x NOLOOP = OK"
            + "|c: CLIENT TRACKINGINFO = [flags [on bcast noloop] redirect 0 prefixes [x]]|c: RESET = RESET"
            + "|c: CLIENT TRACKINGINFO = [flags [off] redirect -1 prefixes []]|c: CLIENT GETREDIR = -1",
        // RESP2 alone hears nothing; it stays a client like any other.
        "c: CLIENT TRACKING ON = OK|c: GET k = (nil)|d: SET k 1 = OK|c? |c: GET k = 1",
    ];

    [Theory]
    [MemberData(nameof(Scenes))]
    public void A_scene_plays_as_written(string loops, string text)
    {
        using var scene = new Scene(loops);
        scene["a"].Say("HELLO 3");
        scene["b"].Say("HELLO 3");
        foreach (var line in text.Split('|')) scene.Play(line);
    }

    [Theory]
    [InlineData("1")]
    [InlineData("4")]
    public void Invalidations_go_to_another_client_of_either_protocol_and_its_end_is_told(string loops)
    {
        using var scene = new Scene(loops);
        scene["a"].Say("HELLO 3");
        var old = scene["c"].Say("CLIENT ID");
        scene.Play("c: SUBSCRIBE __redis__:invalidate = [subscribe __redis__:invalidate 1]");
        scene.Play($"d: CLIENT TRACKING ON REDIRECT {old} = OK");
        scene.Play($"d: CLIENT GETREDIR = {old}");
        scene.Play("d: GET k = (nil)");
        scene.Play("e: SET k 1 = OK");
        scene.Play("c~ [message __redis__:invalidate [k]]");
        scene.Play("e: FLUSHALL = OK");
        scene.Play("c~ [message __redis__:invalidate (nil)]");

        scene["b"].Say("HELLO 3");
        var modern = scene["b"].Say("CLIENT ID");
        scene.Play($"a: CLIENT TRACKING ON REDIRECT {modern} = OK");
        scene.Play("a: GET k = (nil)");
        scene.Play("e: SET k 1 = OK");
        scene.Play("b~ [invalidate [k]]");
        scene.Play("a: GET k = 1");
        scene.Leave("b");
        while (scene["e"].Say($"CLIENT LIST ID {modern}").Length > 0) Thread.Sleep(1);
        scene.Play("e: SET k 2 = OK");
        scene.Play($"a~ [tracking-redir-broken {modern}]");
        Assert.Contains("broken_redirect", scene["a"].Say("CLIENT TRACKINGINFO"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("1")]
    [InlineData("4")]
    public void No_more_keys_are_tracked_than_may_be_and_those_forgotten_are_told(string loops)
    {
        const int Keys = 300;
        const int Most = 100;
        using var scene = new Scene(loops);
        scene["a"].Say("HELLO 3");
        scene.Play("a: CLIENT TRACKING ON = OK");
        for (var i = 0; i < Keys; i++) scene.Play($"a: GET k{i} = (nil)");
        Assert.Contains($"tracking_total_keys:{Keys}", scene["d"].Say("INFO stats"), StringComparison.Ordinal);
        scene.Play($"d: CONFIG SET tracking-table-max-keys {Most} = OK");
        var told = new HashSet<string>();
        while (told.Count < Keys - Most) Assert.True(told.Add(scene["a"].Read()));
        Assert.InRange(Tracked(scene), Most - 4, Most); // each loop may have seen the same one too many

        for (var i = 0; i < Most; i++)
        {
            scene["a"].Send("GET", $"new{i}");
            var reply = scene["a"].Read();
            for (; reply is not "(nil)"; reply = scene["a"].Read()) Assert.StartsWith("[invalidate", reply);
        }

        Assert.InRange(Tracked(scene), Most - 4, Most);
    }

    private static int Tracked(Scene scene)
    {
        const string Field = "tracking_total_keys:";
        var info = scene["d"].Say("INFO stats");
        var start = info.IndexOf(Field, StringComparison.Ordinal) + Field.Length;
        return int.Parse(info.AsSpan(start, info.IndexOf('\r', start) - start), CultureInfo.InvariantCulture);
    }

    [Fact]
    public void Many_keys_that_go_at_once_are_told_one_by_one()
    {
        const int Keys = 30_000;
        using var scene = new Scene("2");
        scene["a"].Say("HELLO 3");
        scene.Play("a: CLIENT TRACKING ON = OK");
        string[] names = [.. Enumerable.Range(0, Keys).Select(static i => $"{new string('k', 60)}{i}")];
        scene["a"].SayWords(["MGET", .. names]);
        scene["d"].SayWords(["MSET", .. names.SelectMany(static name => (string[])[name, "1"])]);
        Assert.Equal(
            names.Select(static name => $"[invalidate [{name}]]").Order(StringComparer.Ordinal),
            names.Select(_ => scene["a"].Read()).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_copy_is_never_older_than_what_was_read_while_others_write()
    {
        const int Rounds = 2000;
        using var server = new InProcessServer("--io-threads", "4");
        using var reader = new Conversation(server);
        reader.Say("HELLO 3");
        reader.Say("CLIENT TRACKING ON");
        var isOver = false;
        var writer = new Thread(() =>
        {
            using var client = new Conversation(server);
            for (var i = 0; !Volatile.Read(ref isOver); i++)
                client.Say(string.Create(CultureInfo.InvariantCulture, $"MSET x v{i} y v{i}"));
        });
        writer.Start();
        var copies = new Dictionary<string, string>();
        for (var round = 0; round < Rounds; round++)
        {
            var key = round % 2 == 0 ? "x" : "y";
            reader.Send("GET", key);
            var reply = reader.Read();
            for (; reply.StartsWith("[invalidate", StringComparison.Ordinal); reply = reader.Read())
                copies.Remove(reply[^3..^2]);
            copies[key] = reply;
            Assert.All(copies.Values, copy => Assert.Equal(reply, copy));
        }

        Volatile.Write(ref isOver, true);
        writer.Join();
    }
}
