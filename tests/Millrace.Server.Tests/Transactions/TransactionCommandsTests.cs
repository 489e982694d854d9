using System.Globalization;

namespace Millrace.Server.Tests.Transactions;

public class TransactionCommandsTests
{
    private const string Aborted = "EXECABORT Transaction discarded because of previous errors.";

    // Requests, separated by |, and the reply of the last one.
    [Theory]
    [InlineData("MULTI", "OK")]
    [InlineData("MULTI|SET a 1", "QUEUED")]
    [InlineData("MULTI|EXEC", "[]")]
    [InlineData("MULTI|SET a 1|INCR a|GET a|EXEC", "[OK 2 2]")]
    [InlineData("MULTI|SET a 1|EXEC|EXEC", "ERR EXEC without MULTI")]
    [InlineData("MULTI|SET a x|INCR a|GET a|EXEC", "[OK ERR value is not an integer or out of range x]")]
    [InlineData("MULTI|INCR a|DISCARD", "OK")]
    [InlineData("MULTI|INCR a|DISCARD|GET a", "(nil)")]
    [InlineData("MULTI|INCR a|DISCARD|EXEC", "ERR EXEC without MULTI")]
    [InlineData("EXEC", "ERR EXEC without MULTI")]
    [InlineData("DISCARD", "ERR DISCARD without MULTI")]
    [InlineData("MULTI|MULTI", "ERR MULTI calls can not be nested")]
    [InlineData("MULTI|MULTI|EXEC", Aborted)]
    [InlineData("MULTI|WATCH a", "ERR WATCH inside MULTI is not allowed")]
    [InlineData("MULTI|INCR a|WATCH a|EXEC", "[1]")]
    [InlineData("MULTI|nothing x|INCR a|EXEC", Aborted)]
    [InlineData("MULTI|nothing x|INCR a|EXEC|GET a", "(nil)")]
    [InlineData("MULTI|GET|EXEC", Aborted)]
    [InlineData("MULTI|CLIENT nothing|EXEC", Aborted)]
    [InlineData("MULTI|SHUTDOWN", "ERR Command not allowed inside a transaction")]
    [InlineData("MULTI|SHUTDOWN|EXEC", Aborted)]
    [InlineData("MULTI|GET|EXEC|MULTI|PING|EXEC", "[PONG]")]
    [InlineData("EXEC x", "EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' command")]
    [InlineData("MULTI|EXEC x|EXEC", "ERR EXEC without MULTI")]
    [InlineData("MULTI|SELECT 3|SET a 1|EXEC|GET a", "1")]
    [InlineData("MULTI|SELECT 3|SET a 1|SELECT 0|EXEC|GET a", "(nil)")]
    [InlineData("MULTI|SELECT 99|SET a 1|EXEC|GET a", "1")]
    [InlineData("MULTI|RESET", "RESET")]
    [InlineData("MULTI|RESET|EXEC", "ERR EXEC without MULTI")]
    [InlineData("MULTI|QUIT", "OK")]
    [InlineData("MULTI|WAIT 1 0|EXEC", "[0]")]
    [InlineData("MULTI|UNWATCH|EXEC", "[OK]")]
    [InlineData("MULTI|DBSIZE|SET a 1|DBSIZE|FLUSHALL|DBSIZE|EXEC", "[0 OK 1 OK 0]")]
    [InlineData("SET a 1|MULTI|SCAN 0|RANDOMKEY|EXEC", "[[0 [a]] a]")]
    [InlineData("MULTI|CONFIG SET timeout 100|CONFIG GET timeout|SET a 1|EXEC", "[OK [timeout 100] OK]")]
    [InlineData("MULTI|CLIENT KILL ID 9999|GET a|EXEC", "[0 (nil)]")]
    public void The_last_request_has_this_reply(string requests, string reply) => Check(requests, reply);

    [Theory]
    [InlineData("WATCH", "ERR wrong number of arguments for 'watch' command")]
    [InlineData("WATCH a|SET a 1|MULTI|GET a|EXEC", "(nil)")]
    [InlineData("RPUSH a 1 2|WATCH a|LTRIM a 0 -1|MULTI|PING|EXEC", "(nil)")]
    [InlineData("WATCH a b c|MULTI|PING|EXEC", "[PONG]")]
    [InlineData("WATCH a|SET b 1|MULTI|PING|EXEC", "[PONG]")]
    [InlineData("WATCH a|GET a|MULTI|PING|EXEC", "[PONG]")]
    [InlineData("WATCH a|MULTI|SET a 1|EXEC", "[OK]")]
    [InlineData("WATCH a|MULTI|SET a 1|EXEC|SET a 2|MULTI|PING|EXEC", "[PONG]")]
    [InlineData("WATCH a|SET a 1|MULTI|PING|EXEC|MULTI|PING|EXEC", "[PONG]")]
    [InlineData("WATCH a|SET a 1|UNWATCH|MULTI|PING|EXEC", "[PONG]")]
    [InlineData("WATCH a|SET a 1|MULTI|DISCARD|MULTI|PING|EXEC", "[PONG]")]
    [InlineData("WATCH a|MULTI|DISCARD|SET a 1|MULTI|PING|EXEC", "[PONG]")]
    [InlineData("WATCH a|SET a 1|RESET|MULTI|PING|EXEC", "[PONG]")]
    [InlineData("WATCH a|SET a 1|WATCH b|MULTI|PING|EXEC", "(nil)")]
    [InlineData("WATCH a|SET a 1|MULTI|EXEC x|MULTI|PING|EXEC", "[PONG]")]
    [InlineData("WATCH a|SET a 1|MULTI|GET|EXEC", Aborted)]
    [InlineData("SET a 1|WATCH a|DEL a|MULTI|PING|EXEC", "(nil)")]
    [InlineData("WATCH a|DEL a|MULTI|PING|EXEC", "[PONG]")]
    [InlineData("SET a 1|WATCH a|EXPIRE a 100|MULTI|PING|EXEC", "(nil)")]
    [InlineData("SET a 1|WATCH a|RENAME a b|MULTI|PING|EXEC", "(nil)")]
    [InlineData("SET a 1|WATCH b|RENAME a b|MULTI|PING|EXEC", "(nil)")]
    [InlineData("SET a 1|WATCH a|COPY a b|MULTI|PING|EXEC", "[PONG]")]
    [InlineData("SET a 1|WATCH b|COPY a b|MULTI|PING|EXEC", "(nil)")]
    [InlineData("SET a 1|WATCH a|MOVE a 1|MULTI|PING|EXEC", "(nil)")]
    [InlineData("SET a 1|SELECT 1|WATCH a|SELECT 0|MOVE a 1|MULTI|PING|EXEC", "(nil)")]
    [InlineData("SET a 1|SELECT 1|WATCH a|SELECT 0|SET a 2|MULTI|PING|EXEC", "[PONG]")]
    [InlineData("SET a 1|WATCH a|FLUSHDB|MULTI|PING|EXEC", "(nil)")]
    [InlineData("SET a 1|WATCH a|FLUSHALL|MULTI|PING|EXEC", "(nil)")]
    [InlineData("SET a 1|WATCH b|FLUSHALL|MULTI|PING|EXEC", "[PONG]")]
    [InlineData("SET a 1|WATCH a|SELECT 1|FLUSHDB|MULTI|PING|EXEC", "[PONG]")]
    [InlineData("SET a 1|WATCH a|SWAPDB 0 1|MULTI|PING|EXEC", "(nil)")]
    [InlineData("SET a 1|SELECT 1|WATCH a|SWAPDB 0 1|MULTI|PING|EXEC", "(nil)")]
    [InlineData("SET a 1|WATCH b|SWAPDB 0 1|MULTI|PING|EXEC", "[PONG]")]
    [InlineData("SET a 1|WATCH a|SWAPDB 2 1|MULTI|PING|EXEC", "[PONG]")]
    [InlineData("SET a 1|WATCH a|SWAPDB 0 0|MULTI|PING|EXEC", "[PONG]")]
    [InlineData("SET a 1|WATCH a|SET a 1 NX|MULTI|PING|EXEC", "[PONG]")]
    [InlineData("SET a 1|WATCH a|MULTI|PING|PEXPIREAT a 1|EXEC", "[PONG 1]")]
    [InlineData("SET a 1|WATCH a|PEXPIREAT a 1|MULTI|PING|EXEC", "(nil)")]
    public void A_watch_is_broken_by_what_changes_its_keys_and_by_nothing_else(string requests, string reply) =>
        Check(requests, reply);

    [Fact]
    public void Replies_of_the_third_protocol_version_are_those_of_the_commands()
    {
        using var server = new InProcessServer();
        using var client = new Conversation(server);
        client.Say("HELLO 3");
        client.Say("MULTI");
        client.Say("GET none");
        client.Say("CONFIG GET timeout");
        Assert.Equal("*2\r\n_\r\n%1\r\n$7\r\ntimeout\r\n$1\r\n0\r\n", client.Bytes("EXEC"));
        client.Say("WATCH a");
        client.Say("SET a 1");
        client.Say("MULTI");
        Assert.Equal("_\r\n", client.Bytes("EXEC"));
        client.Say("HELLO 2");
        client.Say("WATCH a");
        client.Say("SET a 1");
        client.Say("MULTI");
        Assert.Equal("*-1\r\n", client.Bytes("EXEC"));
    }

    [Fact]
    public void A_change_by_another_client_breaks_the_watch_wherever_it_is_served()
    {
        using var server = new InProcessServer("--io-threads", "4");
        var others = Enumerable.Range(0, 8).Select(_ => new Conversation(server)).ToList();
        using var client = new Conversation(server);
        foreach (var other in others)
        {
            client.Say("WATCH a b");
            client.Say("MULTI");
            client.Say("INCR n");
            other.Say("INCR b");
            Assert.Equal("(nil)", client.Say("EXEC"));
        }

        client.Say("WATCH a b");
        others.ForEach(static one => one.Say("GET b"));
        client.Say("MULTI");
        client.Say("INCR n");
        Assert.Equal("[1]", client.Say("EXEC"));
        others.ForEach(static one => one.Dispose());
    }

    [Fact]
    public void Increments_of_many_clients_with_watch_lose_nothing()
    {
        const int Clients = 4;
        const int Increments = 100;
        using var server = new InProcessServer("--io-threads", "4");
        var threads = Enumerable.Range(0, Clients).Select(_ => new Thread(() =>
        {
            using var client = new Conversation(server);
            for (var done = 0; done < Increments;)
            {
                client.Say("WATCH n");
                var text = client.Say("GET n");
                var next = text == "(nil)" ? 1 : int.Parse(text, CultureInfo.InvariantCulture) + 1;
                client.Say("MULTI");
                client.Say($"SET n {next}");
                if (client.Say("EXEC") == "[OK]") done++;
            }
        })).ToList();
        threads.ForEach(static one => one.Start());
        threads.ForEach(static one => one.Join());
        using var reader = new Conversation(server);
        Assert.Equal($"{Clients * Increments}", reader.Say("GET n"));
    }

    [Fact]
    public void Expiry_breaks_the_watch_whether_the_key_is_gone_or_only_due()
    {
        using var server = new InProcessServer("--enable-debug-command", "yes");
        using var client = new Conversation(server);
        client.Say("DEBUG SET-ACTIVE-EXPIRE 0");
        client.Say("SET a 1 PX 1");
        client.Say("WATCH a");
        client.Say("DEBUG SLEEP 0.01");
        client.Say("MULTI");
        client.Say("PING");
        var first = client.Say("EXEC");
        // The key may have been due when it was watched: then nothing has changed.
        if (first == "(nil)") Assert.Equal("(nil)", client.Say("GET a"));
        client.Say("SET a 1 PX 1");
        client.Say("DEBUG SLEEP 0.01");
        client.Say("WATCH a");
        client.Say("EXISTS a");
        client.Say("MULTI");
        client.Say("PING");
        Assert.Equal("[PONG]", client.Say("EXEC"));
        client.Say("SET a 1 PX 200");
        client.Say("WATCH a");
        client.Say("DEBUG SLEEP 0.3");
        client.Say("MULTI");
        client.Say("PING");
        Assert.Equal("(nil)", client.Say("EXEC"));
    }

    [Fact]
    public void Commands_that_need_all_partitions_or_a_standstill_run_within_a_transaction()
    {
        using var server = new InProcessServer("--enable-debug-command", "yes", "--io-threads", "4");
        using var client = new Conversation(server);
        client.Say("WATCH t:1");
        client.Say("DEBUG POPULATE 3 t");
        client.Say("MULTI");
        Assert.Equal("(nil)", client.Say("EXEC"));
        client.Say("MULTI");
        client.Say("SET a 1");
        client.Say("DEBUG OBJECT a");
        client.Say("DEBUG POPULATE 5 t");
        client.Say("CLIENT LIST");
        client.Say("KEYS t:*");
        client.Say("INFO keyspace");
        client.Say("DBSIZE");
        var replies = client.Say("EXEC").Replace('\n', ' ');
        Assert.Matches(@"^\[OK Value at:.* OK .* \[(t:\d ?){5}\] .*keys=6,.* 6\]$", replies);
        Assert.Equal("6", client.Say("DBSIZE"));
    }

    [Theory]
    [InlineData("SELECT 1|SET x 1 PX 1|DEBUG SLEEP 0.01|WATCH x|SWAPDB 0 1")]
    [InlineData("SET x 1 PX 1|DEBUG SLEEP 0.01|SELECT 1|WATCH x|SWAPDB 0 1")]
    [InlineData("SELECT 1|SET x 1 PX 1|SELECT 0|SET x 2 PX 1|DEBUG SLEEP 0.01|SELECT 1|WATCH x|SWAPDB 0 1")]
    [InlineData("SET x 1 PX 1|DEBUG SLEEP 0.01|WATCH x|FLUSHDB")]
    public void Keys_whose_time_had_come_come_and_go_unseen(string requests)
    {
        using var server = new InProcessServer("--enable-debug-command", "yes");
        using var client = new Conversation(server);
        client.Say("DEBUG SET-ACTIVE-EXPIRE 0");
        foreach (var request in requests.Split('|')) client.Say(request);
        client.Say("MULTI");
        client.Say("PING");
        Assert.Equal("[PONG]", client.Say("EXEC"));
    }

    [Fact]
    public void Clients_and_info_show_transactions_and_watches()
    {
        using var server = new InProcessServer();
        using var client = new Conversation(server);
        using var other = new Conversation(server);
        client.Say("WATCH a b");
        other.Say("WATCH b");
        Assert.Contains(" flags=N db=0 sub=0 psub=0 ssub=0 multi=-1 watch=2 ", client.Say("CLIENT INFO"),
            StringComparison.Ordinal);
        client.Say("MULTI");
        client.Say("SET c 1");
        var line = other.Say("CLIENT LIST");
        Assert.Contains(" flags=x db=0 sub=0 psub=0 ssub=0 multi=1 watch=2 ", line, StringComparison.Ordinal);
        Assert.Matches(@" multi-mem=[1-9]\d* ", line);
        var info = other.Say("INFO clients");
        Assert.Contains(
            "\r\nwatching_clients:2\r\nclients_in_timeout_table:0\r\ntotal_watched_keys:2\r\n", info,
            StringComparison.Ordinal);
        other.Say("SET a 1");
        Assert.Contains(" flags=xd ", other.Say("CLIENT LIST"), StringComparison.Ordinal);
        client.Say("EXEC");
        other.Say("UNWATCH");
        info = other.Say("INFO clients");
        Assert.Contains(
            "\r\nwatching_clients:0\r\nclients_in_timeout_table:0\r\ntotal_watched_keys:0\r\n", info,
            StringComparison.Ordinal);
    }

    [Fact]
    public void What_a_client_leaves_behind_is_taken_out_of_the_partitions()
    {
        using var server = new InProcessServer("--io-threads", "4");
        using var reader = new Conversation(server);
        for (var i = 0; i < 8; i++)
        {
            using var client = new Conversation(server);
            client.Say("WATCH a b c d e f g h");
            if (i % 2 == 0) client.Say("QUIT");
        }

        var deadline = Environment.TickCount64 + 20_000;
        while (!reader.Say("INFO clients").Contains("\r\ntotal_watched_keys:0\r\n", StringComparison.Ordinal))
            Assert.True(Environment.TickCount64 < deadline, reader.Say("INFO clients"));
    }

    [Fact]
    public void Statistics_count_queued_commands_when_they_run()
    {
        using var server = new InProcessServer();
        using var client = new Conversation(server);
        client.Say("CONFIG RESETSTAT");
        client.Say("MULTI");
        client.Say("SET a x");
        client.Say("INCR a");
        client.Say("DISCARD");
        client.Say("MULTI");
        client.Say("SET a x");
        client.Say("INCR a");
        client.Say("EXEC");
        var info = client.Say("INFO commandstats");
        Assert.Matches("cmdstat_set:calls=1,.*rejected_calls=0,failed_calls=0\r\n", info);
        Assert.Matches("cmdstat_incr:calls=1,.*rejected_calls=0,failed_calls=1\r\n", info);
        Assert.Matches("cmdstat_exec:calls=1,.*rejected_calls=0,failed_calls=0\r\n", info);
        Assert.Matches("cmdstat_multi:calls=2,", info);
        Assert.Matches("\r\ntotal_error_replies:1\r\n", client.Say("INFO stats"));
    }

    [Fact]
    public void What_is_queued_counts_as_unread_input()
    {
        using var server = new InProcessServer("--client-query-buffer-limit", "1mb");
        using var client = new Peer(server.Port);
        client.Request("MULTI");
        var value = new string('x', 100_000);
        try
        {
            for (var i = 0; i < 12; i++) client.Request("SET", "a", value);
            client.WaitUntilClosed();
        }
        catch (System.Net.Sockets.SocketException)
        {
            // Closed while it still sent.
        }

        using var other = new Peer(server.Port);
        Assert.Equal("$-1\r\n", other.Ask("$-1\r\n", "GET", "a"));
    }

    [Fact]
    public void The_effects_of_a_transaction_are_one_block()
    {
        using var server = new InProcessServer();
        using var client = new Conversation(server);
        var log = new BlockList();
        server.Server.Parts.Loops.Quiesce(null, () => server.Server.Parts.Log.Attach(log));
        foreach (var request in "MULTI|SET a 1|GET a|SELECT 2|INCR b|SET c x|INCR c|EXEC".Split('|'))
            client.Say(request);
        client.Say("MULTI");
        client.Say("DEL none");
        client.Say("EXEC");
        client.Say("MULTI");
        client.Say("SET a 2 PX 100000");
        client.Say("EXEC");
        var blocks = log.Blocks;
        Assert.Equal("SELECT 0", blocks[0]);
        Assert.Equal("MULTI SET a 1 SELECT 2 INCR b SET c x EXEC", blocks[1]);
        Assert.Matches("^SET a 2 PXAT [0-9]+$", blocks[2]);
        Assert.Equal(3, blocks.Count);
    }

    [Fact]
    public void Large_values_pass_through_a_transaction()
    {
        using var server = new InProcessServer();
        using var client = new Conversation(server);
        var value = new string('x', 200_000);
        client.Say("MULTI");
        client.SayWords("SET", "a", value);
        client.Say("GET a");
        client.Say("SETRANGE a 0 y");
        client.Say("GET a");
        Assert.Equal($"[OK {value} 200000 y{value[1..]}]", client.Say("EXEC"));
    }

    [Fact]
    public void Switched_off_replies_stay_away_and_a_skipped_one_too()
    {
        using var server = new InProcessServer();
        using var client = new Peer(server.Port);
        client.Request("CLIENT", "REPLY", "SKIP");
        client.Request("MULTI");
        client.Request("SET", "a", "1");
        client.Request("CLIENT", "REPLY", "SKIP");
        client.Request("EXEC");
        client.Request("PING", "skipped");
        const string all = "+QUEUED\r\n+QUEUED\r\n*2\r\n+OK\r\n+PONG\r\n";
        Assert.Equal(all, client.Ask(all, "PING"));
    }

    private static void Check(string requests, string reply)
    {
        using var server = new InProcessServer();
        using var client = new Conversation(server);
        var last = "";
        foreach (var request in requests.Split('|')) last = client.Say(request);
        Assert.Equal(reply, last);
    }
}
