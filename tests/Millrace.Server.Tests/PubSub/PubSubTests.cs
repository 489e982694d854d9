using System.Globalization;

namespace Millrace.Server.Tests.PubSub;

public class PubSubTests
{
    private const string OnlyThese = "only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this "
        + "context";

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
        // A message goes to all subscribers, and the publisher hears how many.
        "a: SUBSCRIBE c = [subscribe c 1]|b: SUBSCRIBE c = [subscribe c 1]|d: PUBLISH c hi = 2"
            + "|a~ [message c hi]|b~ [message c hi]|d: PUBLISH other hi = 0|a? ",
        "a: PSUBSCRIBE c* = [psubscribe c* 1]|a: PSUBSCRIBE *t = [psubscribe *t 2]|d: PUBLISH cat hi = 2"
            + "|a~ [pmessage c* cat hi]|a~ [pmessage *t cat hi]|d: PUBLISH dog hi = 0",
        "a: SUBSCRIBE c = [subscribe c 1]|a: PSUBSCRIBE c = [psubscribe c 2]"
            + "|a: SUBSCRIBE c = [subscribe c 2]|d: PUBLISH c hi = 2|a~ [message c hi]|a~ [pmessage c c hi]",
        "a: SSUBSCRIBE c = [ssubscribe c 1]|a: SUBSCRIBE c = [subscribe c 1]"
            + "|a: PSUBSCRIBE * = [psubscribe * 2]|d: SPUBLISH c hi = 1|a~ [smessage c hi]|d: PUBLISH c ho = 2"
            + "|a~ [message c ho]|a~ [pmessage * c ho]",
        // Several names, several acknowledgements.
        "a: SUBSCRIBE x y x = [subscribe x 1]|a~ [subscribe y 2]|a~ [subscribe x 2]"
            + "|a: UNSUBSCRIBE y z = [unsubscribe y 1]|a~ [unsubscribe z 1]|a: UNSUBSCRIBE = [unsubscribe x 0]"
            + "|d: PUBLISH x hi = 0|a: PING = PONG",
        "a: SUBSCRIBE x = [subscribe x 1]|a: PUNSUBSCRIBE = [punsubscribe (nil) 1]"
            + "|a: SUNSUBSCRIBE = [sunsubscribe (nil) 0]|a: PUNSUBSCRIBE n = [punsubscribe n 1]"
            + "|a: UNSUBSCRIBE = [unsubscribe x 0]",
        "a: UNSUBSCRIBE = NOSUB 'unsubscribe' command executed not in subscribed mode"
            + "|a: PUNSUBSCRIBE x = NOSUB 'punsubscribe' command executed not in subscribed mode"
            + "|a: SUNSUBSCRIBE x = NOSUB 'sunsubscribe' command executed not in subscribed mode",
        // RESP2: what could be taken for a message is refused.
        "a: SUBSCRIBE c = [subscribe c 1]|a: GET k = ERR Can't execute 'get': " + OnlyThese
            + "|a: CLIENT ID = ERR Can't execute 'client|id': " + OnlyThese
            + "|a: MULTI = ERR Can't execute 'multi': " + OnlyThese
            + "|a: PING = [pong ]|a: PING hey = [pong hey]|a: UNSUBSCRIBE c = [unsubscribe c 0]"
            + "|a: PING hey = hey",
        "a: SSUBSCRIBE c = [ssubscribe c 1]|a: GET k = ERR Can't execute 'get': " + OnlyThese
            + "|a: RESET = RESET|a: GET k = (nil)|d: SPUBLISH c hi = 0|d: PUBSUB SHARDCHANNELS = []",
        "a: SUBSCRIBE c = [subscribe c 1]|a: QUIT = OK",
        // Within a transaction.
        "a: MULTI = OK|a: SUBSCRIBE c = QUEUED|a: PING = QUEUED|a: EXEC = [[subscribe c 1] [pong ]]"
            + "|d: PUBLISH c hi = 1|a~ [message c hi]",
        "a: MULTI = OK|a: SUBSCRIBE c = QUEUED|a: PUBLISH c self = QUEUED|a: UNSUBSCRIBE c = QUEUED"
            + "|a: PUBLISH c no = QUEUED|a: EXEC = [[subscribe c 1] 1 [unsubscribe c 0] 0]"
            + "|a: SUBSCRIBE c = [subscribe c 1]|d: PUBLISH c hi = 1|a~ [message c hi]",
        // What PUBSUB tells.
        "a: SUBSCRIBE x y = [subscribe x 1]|a~ [subscribe y 2]|b: SUBSCRIBE x = [subscribe x 1]"
            + "|b: SSUBSCRIBE s = [ssubscribe s 1]|b: PSUBSCRIBE p* = [psubscribe p* 2]"
            + "|a: PSUBSCRIBE p* = [psubscribe p* 3]|d: PUBSUB NUMSUB x y z = [x 2 y 1 z 0]"
            + "|d: PUBSUB NUMPAT = 1|d: PUBSUB CHANNELS y* = [y]|d: PUBSUB SHARDCHANNELS = [s]"
            + "|d: PUBSUB SHARDNUMSUB s x = [s 1 x 0]|d: PUBSUB NUMSUB = []|d: PUBSUB CHANNELS s = []",
        "d: PUBSUB nothing = ERR unknown subcommand 'nothing'. Try PUBSUB HELP."
            + "|d: PUBSUB CHANNELS a b = ERR unknown subcommand or wrong number of arguments for 'CHANNELS'."
            + " Try PUBSUB HELP."
            + "|d: PUBSUB NUMPAT x = ERR wrong number of arguments for 'pubsub|numpat' command"
            + "|d: PUBLISH c = ERR wrong number of arguments for 'publish' command"
            + "|d: SUBSCRIBE = ERR wrong number of arguments for 'subscribe' command",
        // Replies that are not wanted are not sent; messages are.
        "a: SUBSCRIBE c = [subscribe c 1]|a: UNSUBSCRIBE = [unsubscribe c 0]|a; CLIENT REPLY OFF"
            + "|a; SET k v|a; SUBSCRIBE c|a~ [subscribe c 1]|d: PUBLISH c hi = 1|a~ [message c hi]"
            + "|a; UNSUBSCRIBE|a~ [unsubscribe c 0]",
    ];

    [Theory]
    [MemberData(nameof(Scenes))]
    public void A_scene_plays_as_written(string loops, string text)
    {
        using var scene = new Scene(loops);
        foreach (var line in text.Split('|').Aggregate(new List<string>(), Join)) scene.Play(line);
    }

    [Theory]
    [InlineData("1")]
    [InlineData("4")]
    public void A_subscriber_of_protocol_3_runs_commands_and_hears_its_own_message_behind_the_reply(string loops)
    {
        using var scene = new Scene(loops);
        var a = scene["a"];
        a.Say("HELLO 3");
        Assert.Equal(">3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n", a.Bytes("SUBSCRIBE c"));
        scene.Play("a: PUBLISH c self = 1");
        scene.Play("a~ [message c self]");
        scene.Play("a: MULTI = OK");
        scene.Play("a: PING one = QUEUED");
        scene.Play("a: PUBLISH c x = QUEUED");
        scene.Play("a: PING two = QUEUED");
        scene.Play("a: EXEC = [one 1 two]");
        scene.Play("a~ [message c x]");
        Assert.Equal("+PONG\r\n", a.Bytes("PING"));
    }

    [Fact]
    public void What_was_published_before_stands_in_front_of_the_acknowledgement_of_unsubscribe()
    {
        using var server = new InProcessServer("--io-threads", "4");
        using var publisher = new Conversation(server);
        using var subscriber = new Conversation(server);
        for (var round = 0; round < 200; round++)
        {
            Assert.Equal("[subscribe c 1]", subscriber.Say("SUBSCRIBE c"));
            Assert.Equal("1", publisher.Say($"PUBLISH c {round}"));
            Assert.Equal($"[message c {round}]", subscriber.Say("UNSUBSCRIBE c"));
            Assert.Equal("[unsubscribe c 0]", subscriber.Read());
        }
    }

    [Fact]
    public void All_subscribers_see_the_messages_of_a_channel_in_one_order()
    {
        const int Publishers = 4;
        const int Messages = 500;
        using var server = new InProcessServer("--io-threads", "4");
        var subscribers = Enumerable.Range(0, 6).Select(_ => new Conversation(server)).ToList();
        for (var i = 0; i < subscribers.Count; i++)
            Assert.EndsWith(" 1]", subscribers[i].Say(i % 2 == 0 ? "SUBSCRIBE c" : "PSUBSCRIBE ?"));
        var threads = Enumerable.Range(0, Publishers).Select(number => new Thread(() =>
        {
            using var publisher = new Conversation(server);
            for (var i = 0; i < Messages; i++) publisher.Say($"PUBLISH c {number}-{i}");
        })).ToList();
        threads.ForEach(static one => one.Start());
        threads.ForEach(static one => one.Join());

        var orders = subscribers.ConvertAll(one => Enumerable.Range(0, Publishers * Messages)
            .Select(_ => one.Read().Replace("[message ", "", StringComparison.Ordinal)
                .Replace("[pmessage ? ", "", StringComparison.Ordinal)).ToList());
        foreach (var order in orders) Assert.Equal(orders[0], order);
        subscribers.ForEach(static one => one.Dispose());
    }

    [Fact]
    public void A_large_message_reaches_everybody_whole()
    {
        using var server = new InProcessServer("--io-threads", "2");
        using var publisher = new Conversation(server);
        var subscribers = Enumerable.Range(0, 20).Select(_ => new Conversation(server)).ToList();
        foreach (var one in subscribers) one.Say("SUBSCRIBE c");
        foreach (var length in (int[])[0, 1, 16 * 1024, 64 * 1024, 200_000, 3_000_000])
        {
            var message = new string((char)('a' + (length % 26)), length);
            Assert.Equal("20", publisher.Say("PUBLISH c " + message));
            foreach (var one in subscribers) Assert.Equal($"[message c {message}]", one.Read());
        }

        subscribers.ForEach(static one => one.Dispose());
    }

    [Fact]
    public void A_subscriber_that_does_not_read_is_closed_at_its_limit_and_harms_nobody()
    {
        using var server = new InProcessServer("--client-output-buffer-limit", "pubsub 2mb 0 0");
        using var publisher = new Conversation(server);
        using var reader = new Conversation(server);
        using var idler = server.Connect();
        reader.Say("SUBSCRIBE c");
        idler.Ask("*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n", "SUBSCRIBE", "c");
        var message = new string('x', 100_000);
        var sent = 0;
        while (publisher.Say("PUBLISH c " + message) == "2")
        {
            Assert.Equal($"[message c {message}]", reader.Read());
            Assert.True(++sent < 1000, "the idle subscriber is never closed");
        }

        Assert.Equal($"[message c {message}]", reader.Read());
        Assert.Equal("[c 1]", publisher.Say("PUBSUB NUMSUB c"));
        idler.WaitUntilClosed();
    }

    [Theory]
    [InlineData("1")]
    [InlineData("4")]
    public void Each_subscriber_gets_a_message_in_its_own_protocol_whoever_published_it(string loops)
    {
        using var scene = new Scene(loops);
        foreach (var modern in (string[])["a", "c"]) scene[modern].Say("HELLO 3");
        foreach (var one in (string[])["a", "b", "c", "d"]) scene[one].Say("SUBSCRIBE ch");
        for (var i = 0; i < 50; i++)
        {
            Assert.Equal(":4\r\n", scene["a"].Bytes("PUBLISH ch hello"));
            foreach (var one in (string[])["a", "b", "c", "d"])
            {
                var head = one is "a" or "c" ? ">3\r\n" : "*3\r\n";
                Assert.Equal(head + "$7\r\nmessage\r\n$2\r\nch\r\n$5\r\nhello\r\n", scene[one].ReadBytes());
            }
        }
    }

    [Fact]
    public void Large_replies_of_a_subscriber_and_messages_do_not_mix()
    {
        using var scene = new Scene("2");
        var value = new string('v', 300_000);
        scene["d"].Say("SET k " + value);
        scene["a"].Say("HELLO 3");
        scene["a"].Say("SUBSCRIBE ch");
        for (var i = 0; i < 20; i++)
        {
            scene["a"].Say("MULTI");
            scene["a"].Say("PUBLISH ch own");
            scene["a"].Say("GET k");
            scene["a"].Say("GET k");
            scene.Play($"a: EXEC = [1 {value} {value}]");
            scene.Play("a~ [message ch own]");
        }
    }

    [Fact]
    public void Whoever_leaves_with_many_channels_is_forgotten_soon()
    {
        const int Channels = 50_000;
        using var server = new InProcessServer();
        using var watcher = new Conversation(server);
        using (var one = new Conversation(server))
        {
            one.Send(["SUBSCRIBE", .. Enumerable.Range(0, Channels).Select(static i => $"c{i}")]);
            for (var i = 0; i < Channels; i++) one.Read();
        }

        var deadline = Environment.TickCount64 + 20_000;
        while (watcher.Say("PUBSUB CHANNELS") != "[]")
            Assert.True(Environment.TickCount64 < deadline, "somebody is still subscribed");
    }

    [Fact]
    public void Whoever_leaves_is_subscribed_to_nothing_any_more()
    {
        using var server = new InProcessServer("--io-threads", "4");
        using var watcher = new Conversation(server);
        for (var i = 0; i < 20; i++)
        {
            using var one = new Conversation(server);
            one.Say("SUBSCRIBE x y z");
            one.Say("PSUBSCRIBE p?");
            one.Say("SSUBSCRIBE s");
        }

        var deadline = Environment.TickCount64 + 20_000;
        while (watcher.Say("PUBSUB CHANNELS") != "[]" || watcher.Say("PUBSUB NUMPAT") != "0"
            || watcher.Say("PUBSUB SHARDCHANNELS") != "[]")
        {
            Assert.True(Environment.TickCount64 < deadline, "somebody is still subscribed");
        }

        Assert.Equal("0", watcher.Say("PUBLISH x hi"));
    }

    [Fact]
    public void Subscriptions_come_and_go_while_others_publish()
    {
        const int Rounds = 300;
        using var server = new InProcessServer("--io-threads", "4");
        var isOver = false;
        var publishers = Enumerable.Range(0, 2).Select(_ => new Thread(() =>
        {
            using var publisher = new Conversation(server);
            for (var i = 0; !Volatile.Read(ref isOver); i++)
                publisher.Say(string.Create(CultureInfo.InvariantCulture, $"PUBLISH c{i % 3} {i}"));
        })).ToList();
        publishers.ForEach(static one => one.Start());
        using var client = new Conversation(server);
        client.Say("HELLO 3");
        for (var round = 0; round < Rounds; round++)
        {
            client.Send("SUBSCRIBE", $"c{round % 3}");
            client.Send("PSUBSCRIBE", "c?");
            client.Send("UNSUBSCRIBE");
            client.Send("PUNSUBSCRIBE");
            client.Send("PING", $"end-{round}");
            var reply = client.Read();
            while (reply != $"[punsubscribe c? 0]") reply = client.Read();
            Assert.Equal($"end-{round}", client.Read());
        }

        Volatile.Write(ref isOver, true);
        publishers.ForEach(static one => one.Join());
        Assert.Equal("[]", client.Say("PUBSUB CHANNELS"));
    }

    // Texts of errors have the separator of lines in them.
    private static List<string> Join(List<string> lines, string part)
    {
        if (part.Length > 1 && ":>~;<?".Contains(part[1], StringComparison.Ordinal) && char.IsAsciiLetterLower(part[0]))
            lines.Add(part);
        else lines[^1] += "|" + part;
        return lines;
    }
}
