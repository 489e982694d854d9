// The messages of whole servers. What each command tells is the command tests' own; here it is by which channels, in
// which order, and from which units.

namespace Millrace.Server.Tests.PubSub;

public sealed class KeyspaceNotifierTests
{
    public static TheoryData<string> Loops => ["1", "4"];

    [Theory]
    [InlineData("KEA", "__keyspace@0__:k set,__keyevent@0__:set k,__keyspace@0__:k expire,__keyevent@0__:expire k")]
    [InlineData("K$", "__keyspace@0__:k set")]
    [InlineData("Eg", "__keyevent@0__:expire k")]
    [InlineData("KEl", "")]
    [InlineData("A", "")]
    [InlineData("", "")]
    [InlineData("En$", "__keyevent@0__:new k,__keyevent@0__:set k")]
    public void A_message_goes_to_the_channels_that_the_directive_names(string classes, string expected)
    {
        using var scene = new NotifyScene("1", classes);
        scene.Client.Say("SET k v EX 100");
        Assert.Equal(expected, string.Join(',', scene.Messages.Take()));
    }

    [Theory]
    [MemberData(nameof(Loops))]
    public void CONFIG_SET_turns_notifications_on_and_off(string loops)
    {
        using var scene = new NotifyScene(loops, "");
        scene.Client.Say("SET k v");
        Assert.Equal("OK", scene.Client.Say("CONFIG SET notify-keyspace-events E$"));
        scene.Client.Say("SET k v");
        Assert.Equal(["__keyevent@0__:set k"], scene.Messages.Take());
        scene.Client.SayWords("CONFIG", "SET", "notify-keyspace-events", "");
        scene.Client.Say("SET k v");
        Assert.Empty(scene.Messages.Take());
    }

    [Fact]
    public void An_event_goes_by_the_channels_of_its_moment_when_a_transaction_changes_them()
    {
        using var scene = new NotifyScene("4", "E$");
        scene.Client.Say("MULTI");
        scene.Client.Say("SET a 1");
        scene.Client.Say("CONFIG SET notify-keyspace-events K$");
        scene.Client.Say("SET b 1");
        Assert.Equal("[OK OK OK]", scene.Client.Say("EXEC"));
        Assert.Equal(["__keyevent@0__:set a", "__keyspace@0__:b set"], scene.Messages.Take());
    }

    [Theory]
    [MemberData(nameof(Loops))]
    public void Another_database_is_named_by_its_number(string loops)
    {
        using var scene = new NotifyScene(loops, "KEA");
        scene.Client.Say("SELECT 11");
        scene.Client.Say("SET k v");
        scene.Client.Say("MOVE k 3");
        Assert.Equal(
            "__keyspace@11__:k set,__keyevent@11__:set k,__keyspace@11__:k move_from,__keyevent@11__:move_from k,"
                + "__keyspace@3__:k move_to,__keyevent@3__:move_to k",
            string.Join(',', scene.Messages.Take()));
    }

    [Theory]
    [MemberData(nameof(Loops))]
    public void A_transaction_tells_its_events_in_their_order_and_what_it_served_behind_them(string loops)
    {
        using var scene = new NotifyScene(loops, "EA");
        using var waiter = new Conversation(scene.Server);
        waiter.Send("BLMOVE", "l", "k", "LEFT", "RIGHT", "0");
        scene.WaitUntilBlocked(1);
        scene.Client.Say("MULTI");
        scene.Client.Say("RPUSH l a");
        scene.Client.Say("SET x 1");
        scene.Client.Say("EXEC");
        Assert.Equal("a", waiter.Read());
        Assert.Equal(["rpush l", "set x", "rpush k", "lpop l", "del l"], scene.Messages.TakeShort());
    }

    [Theory]
    [MemberData(nameof(Loops))]
    public void Chains_of_waiters_are_told_in_the_order_of_their_service(string loops)
    {
        using var scene = new NotifyScene(loops, "EA");
        using var last = new Conversation(scene.Server);
        using var first = new Conversation(scene.Server);
        last.Send("BLPOP", "k", "0");
        scene.WaitUntilBlocked(1);
        first.Send("BLMOVE", "l", "k", "LEFT", "RIGHT", "0");
        scene.WaitUntilBlocked(2);
        scene.Client.Say("RPUSH l a");
        Assert.Equal("[k a]", last.Read());
        Assert.Equal(["rpush l", "rpush k", "lpop l", "del l", "lpop k", "del k"], scene.Messages.TakeShort());
    }

    [Theory]
    [MemberData(nameof(Loops))]
    public void Keys_that_expire_unasked_are_told(string loops)
    {
        using var scene = new NotifyScene(loops, "Ex");
        for (var i = 0; i < 20; i++) scene.Client.Say($"SET k{i} v PX 1");
        var told = scene.WaitForMessages(20);
        Assert.Equal(
            Enumerable.Range(0, 20).Select(i => $"expired k{i}").Order(StringComparer.Ordinal),
            told.Order(StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Loops))]
    public void Keys_that_go_to_make_room_are_told(string loops)
    {
        using var scene = new NotifyScene(loops, "Ee");
        scene.Client.Say("CONFIG SET maxmemory-policy allkeys-random");
        for (var i = 0; i < 50; i++) scene.Client.Say($"SET k{i} {new string('v', 1000)}");
        scene.Client.Say("CONFIG SET maxmemory 10000");
        scene.Client.Say("SET k v");
        var told = scene.WaitForMessages(10);
        Assert.All(told, one => Assert.StartsWith("evicted k", one, StringComparison.Ordinal));
        Assert.Equal(told.Length, told.Distinct().Count());
    }

    [Theory]
    [MemberData(nameof(Loops))]
    public void Emptying_and_exchanging_databases_tells_nothing(string loops)
    {
        using var scene = new NotifyScene(loops, "KEA");
        scene.Client.Say("SET k v");
        scene.Messages.Take();
        scene.Client.Say("SWAPDB 0 1");
        scene.Client.Say("FLUSHDB");
        scene.Client.Say("FLUSHALL");
        Assert.Empty(scene.Messages.Take());
    }

    [Theory]
    [MemberData(nameof(Loops))]
    public void SCAN_tells_of_what_it_finds_expired(string loops)
    {
        using var scene = new NotifyScene(loops, "Ex");
        scene.Client.Say("DEBUG SET-ACTIVE-EXPIRE 0");
        scene.Client.Say("SET k v PX 1");
        Thread.Sleep(5);
        for (var cursor = "0"; ;)
        {
            var reply = scene.Client.Say("SCAN " + cursor);
            cursor = reply[1..reply.IndexOf(' ', StringComparison.Ordinal)];
            if (cursor == "0") break;
        }

        Assert.Equal(["expired k"], scene.Messages.TakeShort());
    }

    [Fact]
    public void A_transaction_of_many_commands_is_told_whole_and_in_order()
    {
        const int commands = 5000;
        using var scene = new NotifyScene("1", "E$");
        scene.Client.Say("MULTI");
        for (var i = 0; i < commands; i++) scene.Client.Say($"SET key:number:{i} v");
        scene.Client.Say("EXEC");
        Assert.Equal(Enumerable.Range(0, commands).Select(i => $"set key:number:{i}"), scene.Messages.TakeShort());
    }

    private sealed class NotifyScene : IDisposable
    {
        public NotifyScene(string loops, string classes)
        {
            Server = new InProcessServer(
                "--io-threads", loops, "--notify-keyspace-events", classes, "--enable-debug-command", "yes");
            Messages = new MessageList(Server);
            Client = new Conversation(Server);
        }

        public InProcessServer Server { get; }

        public Conversation Client { get; }

        public MessageList Messages { get; }

        public void WaitUntilBlocked(int clients)
        {
            var line = $"blocked_clients:{clients}\r\n";
            while (!Client.Say("INFO clients").Contains(line, StringComparison.Ordinal)) Thread.Sleep(1);
        }

        public string[] WaitForMessages(int least)
        {
            List<string> all = [];
            for (var tries = 0; all.Count < least && tries < 1000; tries++)
            {
                Thread.Sleep(5);
                all.AddRange(Messages.TakeShort());
            }

            return [.. all];
        }

        public void Dispose()
        {
            Client.Dispose();
            Messages.Dispose();
            Server.Dispose();
        }
    }

    // The messages that a subscriber gets, in their order.
    private sealed class MessageList : IDisposable
    {
        private const string Begin = "[pmessage __key* ";
        private const string End = "__key-end";
        private readonly Conversation _subscriber;
        private readonly Conversation _publisher;

        public MessageList(InProcessServer server)
        {
            (_subscriber, _publisher) = (new Conversation(server), new Conversation(server));
            Assert.Equal("[psubscribe __key* 1]", _subscriber.Say("PSUBSCRIBE __key*"));
        }

        public string[] Take()
        {
            Assert.Equal("1", _publisher.Say($"PUBLISH {End} x"));
            List<string> all = [];
            for (var text = Next(); !text.StartsWith(End, StringComparison.Ordinal); text = Next()) all.Add(text);
            return [.. all];
        }

        // Of the channels of events in database 0 only what is behind the colon.
        public string[] TakeShort() => [.. Take().Select(text => text["__keyevent@0__:".Length..])];

        public void Dispose()
        {
            _subscriber.Dispose();
            _publisher.Dispose();
        }

        private string Next() => _subscriber.Read()[Begin.Length..^1];
    }
}
