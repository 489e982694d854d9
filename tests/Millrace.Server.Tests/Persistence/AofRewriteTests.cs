using System.Text;
using Millrace.Histories.Crashing;

namespace Millrace.Server.Tests.Persistence;

/// <summary>Rewrites that stop anywhere, fail anywhere, or are in the way of something else.</summary>
public sealed class AofRewriteTests
{
    private const string Dead = "Input/output error";

    [Theory]
    [InlineData("create")]
    [InlineData("rename")]
    [InlineData("sync")]
    [InlineData("write")]
    public void One_that_fails_leaves_the_files_before_and_a_server_that_goes_on(string failing)
    {
        for (var fails = 0; fails < 3; fails++)
        {
            var files = new PowerFiles();
            using (var server = new InProcessServer(files, Fail, "--appendfsync", "no"))
            {
                using var client = new Conversation(server);
                client.Say("RPUSH before a b c");
                var at = files.Operations.GetValueOrDefault(failing) + fails;
                files.Faults = (operation, before) => operation == failing && before == at ? Dead : null;
                client.Say("BGREWRITEAOF");
                AwaitEnd(client);
                files.Faults = static (_, _) => null;
                Assert.True(SpinWait.SpinUntil(() => client.Say("SET after 1") == "OK", 20_000));
                client.Say("BGREWRITEAOF");
                AwaitEnd(client);
                Assert.Contains("\r\naof_last_bgrewrite_status:ok\r\n", client.Say("INFO persistence"));
            }

            using var next = new InProcessServer(files.AfterKill(), Fail);
            using var reader = new Conversation(next);
            Assert.Equal("[a b c]", reader.Say("LRANGE before 0 -1"));
            Assert.Equal("1", reader.Say("GET after"));
        }
    }

    [Theory]
    [InlineData("rename")]
    [InlineData("names")]
    [InlineData("write")]
    public void One_whose_last_step_fails_leaves_no_base_behind_for_good(string failing)
    {
        var files = new PowerFiles();
        using var server = new InProcessServer(files, Fail, "--appendfsync", "no");
        using var client = new Conversation(server);
        client.Say("RPUSH before a b c");
        for (var i = 0; i < 5; i++)
        {
            // What comes behind the base has its name.
            var failed = false;
            files.Faults = (operation, _) =>
            {
                if (failed || operation != failing || !files.Names.Contains($"appendonly.aof.{i + 2}.base.rdb"))
                    return null;
                failed = Thread.CurrentThread.Name == "millrace-rewrite";
                return failed ? Dead : null;
            };
            client.Say("BGREWRITEAOF");
            AwaitEnd(client);
            Assert.True(failed);
            Assert.Contains("\r\naof_last_bgrewrite_status:err\r\n", client.Say("INFO persistence"));
            Assert.InRange(Bases(files), 1, failing == "write" ? 1 : 2 + i);
        }

        files.Faults = static (_, _) => null;
        client.Say("BGREWRITEAOF");
        AwaitEnd(client);
        Assert.Contains("\r\naof_last_bgrewrite_status:ok\r\n", client.Say("INFO persistence"));
        Assert.Equal(1, Bases(files));
        Assert.Equal(3, files.Names.Length);
    }

    [Fact]
    public void History_that_cannot_be_removed_stays_in_the_manifest_until_it_can()
    {
        var files = new PowerFiles();
        using var server = new InProcessServer(files, Fail, "--appendfsync", "no");
        using var client = new Conversation(server);
        client.Say("SET a 1");
        files.Faults = static (operation, _) => operation == "delete" ? Dead : null;
        client.Say("BGREWRITEAOF");
        AwaitEnd(client);
        Assert.Contains("\r\naof_last_bgrewrite_status:ok\r\n", client.Say("INFO persistence"));
        Assert.Contains(" type h", Encoding.ASCII.GetString(files.ContentOf("appendonly.aof.manifest")));
        Assert.Equal(2, Bases(files));
        files.Faults = static (_, _) => null;
        client.Say("BGREWRITEAOF");
        AwaitEnd(client);
        Assert.DoesNotContain(" type h", Encoding.ASCII.GetString(files.ContentOf("appendonly.aof.manifest")));
        Assert.Equal(3, files.Names.Length);
    }

    [Fact]
    public void Its_form_is_that_of_the_moment_when_it_was_asked_for()
    {
        var files = new PowerFiles();
        using var server = new InProcessServer(files, Fail, "--appendfsync", "no");
        using var client = new Conversation(server);
        client.Say("SET a 1");
        var begun = 0;
        for (var i = 2; i < 10; i++)
        {
            var (now, later) = i % 2 == 0 ? ("no", "yes") : ("yes", "no");
            client.Say($"CONFIG SET aof-use-rdb-preamble {now}");
            client.SendText(Peer.Encode("BGREWRITEAOF") + Peer.Encode("CONFIG", "SET", "aof-use-rdb-preamble", later));
            var isBegun = client.Read().EndsWith("started"); // or the file before is not closed yet
            Assert.Equal("OK", client.Read());
            AwaitEnd(client);
            if (!isBegun) continue;
            begun++;
            Assert.Contains($"appendonly.aof.{i}.base.{(now == "yes" ? "rdb" : "aof")}", files.Names);
        }

        Assert.NotEqual(0, begun);
    }

    [Fact]
    public void One_that_was_scheduled_and_fails_is_not_tried_again()
    {
        var files = new PowerFiles();
        using var server = new InProcessServer(files, Fail, "--appendfsync", "no", "--rdb-key-save-delay", "100000000");
        using var client = new Conversation(server);
        client.Say("SET a 1");
        client.Say("BGSAVE");
        Assert.Equal("Background append only file rewriting scheduled", client.Say("BGREWRITEAOF"));
        var failed = false;
        files.Faults = (operation, _) =>
        {
            if (failed || operation != "create" || Thread.CurrentThread.Name != "millrace-rewrite") return null;
            failed = true;
            return Dead;
        };
        client.Say("BGSAVE CANCEL");
        AwaitEnd(client);
        Assert.True(failed);
        Assert.Contains("\r\naof_last_bgrewrite_status:err\r\n", client.Say("INFO persistence"));
        Thread.Sleep(1500); // it would be tried once a second
        Assert.Contains("\r\naof_rewrites:1\r\n", client.Say("INFO persistence"));
    }

    [Fact]
    public void WaitAof_right_behind_turning_it_on_waits_for_the_first_base()
    {
        var files = new PowerFiles { SyncMs = 50 };
        using var server = new InProcessServer(files, Fail, "--appendonly", "no", "--appendfsync", "always");
        using var client = new Conversation(server);
        client.Say("SET a 1");
        client.SendText(Peer.Encode("CONFIG", "SET", "appendonly", "yes") + Peer.Encode("WAITAOF", "1", "0", "0"));
        Assert.Equal("OK", client.Read());
        Assert.Equal("[1 0]", client.Read());
        using (var next = new InProcessServer(files.AfterPowerLoss(), Fail))
        using (var reader = new Conversation(next))
        {
            Assert.Equal("1", reader.Say("GET a"));
        }

        using var other = new Conversation(server);
        client.Say("CONFIG SET appendonly no");
        client.Say("BGREWRITEAOF"); // the first base has to wait for this one
        client.SendText(Peer.Encode("CONFIG", "SET", "appendonly", "yes") + Peer.Encode("WAITAOF", "1", "0", "0"));
        Assert.Equal("OK", client.Read());
        other.Say("CONFIG SET appendonly no");
        Assert.StartsWith("ERR WAITAOF cannot be used", client.Read());
    }

    [Fact]
    public void After_a_failed_fsync_WaitAof_waits_for_the_rewrite_that_mends_it()
    {
        var files = new PowerFiles { LosesFailedSyncs = true };
        using var server = new InProcessServer(files, Fail, "--appendfsync", "everysec");
        using var client = new Conversation(server);
        client.Say("SET before 1");
        Assert.Equal("[1 0]", client.Say("WAITAOF 1 0 0"));
        client.Say("CONFIG SET rdb-key-save-delay 100000000");
        var failed = false;
        files.Faults = (operation, _) =>
        {
            if (failed || operation != "sync") return null;
            failed = true;
            return Dead;
        };
        client.Say("SET lost 2");
        Assert.True(SpinWait.SpinUntil(() => Volatile.Read(ref failed), 20_000));
        Assert.True(SpinWait.SpinUntil(
            () => client.Say("INFO persistence").Contains("\r\naof_rewrite_in_progress:1\r\n"), 20_000));
        Assert.True(SpinWait.SpinUntil(() => client.Say("SET after 3") == "OK", 20_000));
        Assert.Equal("[0 0]", client.Say("WAITAOF 1 0 1000"));
        client.Say("CONFIG SET rdb-key-save-delay 0");
        Assert.Equal("[1 0]", client.Say("WAITAOF 1 0 0"));
        using var next = new InProcessServer(files.AfterPowerLoss(), Fail);
        using var reader = new Conversation(next);
        Assert.Equal("[1 2 3]", reader.Say("MGET before lost after"));
    }

    [Fact]
    public void DEBUG_LOADAOF_of_a_damaged_file_ends_the_process()
    {
        const string Incr = "appendonly.aof.1.incr.aof";
        var files = new PowerFiles();
        var exits = 0;
        using var server = new InProcessServer(
            files, () => exits++, "--appendfsync", "everysec", "--enable-debug-command", "yes");
        using var client = new Conversation(server);
        client.Say("SET a 1");
        Assert.Equal("[1 0]", client.Say("WAITAOF 1 0 0"));
        var content = files.ContentOf(Incr);
        content[content.Length / 2] ^= 1;
        files.Overwrite(Incr, content);
        Assert.StartsWith("ERR Error trying to load the AOF files", client.Say("DEBUG LOADAOF"));
        Assert.Equal(1, exits);
    }

    [Theory]
    [InlineData("SHUTDOWN")]
    [InlineData("SHUTDOWN NOSAVE")]
    public void The_server_can_end_while_one_is_under_way(string shutdown)
    {
        var files = new PowerFiles();
        using (var server = new InProcessServer(files, Fail, "--appendfsync", "everysec"))
        {
            using var client = new Conversation(server);
            client.Say("SET a 1");
            files.SyncMs = 300;
            client.Say("BGREWRITEAOF");
            client.Say("SET a 2");
            client.Send(shutdown.Split(' '));
            Assert.True(client.IsClosed());
            Assert.True(server.Server.ShutdownRequested.Wait(20_000));
        }

        using var next = new InProcessServer(files.AfterPowerLoss(), Fail);
        using var reader = new Conversation(next);
        Assert.Equal("2", reader.Say("GET a"));
    }

    [Fact]
    public void While_the_first_base_is_made_the_server_ends_only_by_force()
    {
        using var directory = new SnapshotDirectory();
        using var server = directory.Start();
        using var client = new Conversation(server);
        Directory.CreateDirectory(Path.Combine(directory.FullPath, "appendonlydir", "appendonly.aof.1.base.rdb", "x"));
        Assert.Equal("OK", client.Say("CONFIG SET appendonly yes")); // its base never gets its name
        Assert.True(SpinWait.SpinUntil(
            () => client.Say("INFO persistence").Contains("aof_last_bgrewrite_status:err"), 20_000));
        Assert.Equal("ERR Errors trying to SHUTDOWN. Check logs.", client.Say("SHUTDOWN"));
        client.Send("SHUTDOWN", "FORCE");
        Assert.True(client.IsClosed());
    }

    [Theory]
    [InlineData("1")]
    [InlineData("2")]
    public void A_base_can_be_made_of_commands(string loops)
    {
        using var directory = new SnapshotDirectory();
        string digest;
        string[] directives = ["--appendonly", "yes", "--aof-use-rdb-preamble", "no", "--io-threads", loops];
        using (var server = directory.Start(directives))
        {
            using var client = new Conversation(server);
            client.SayWords("SET", "large", new string('x', 100_000), "EX", "10000");
            client.Say("SADD set " + string.Join(' ', Enumerable.Range(0, 3000)));
            client.Say("HSET hash f 1 g 2");
            client.Say("HEXPIRE hash 10000 FIELDS 1 f");
            client.Say("XADD stream * f v");
            client.Say("ZADD zset 1 a");
            for (var i = 0; i < 5000; i++) client.Say($"SET key:{i} {i}");
            client.Say("SELECT 3");
            client.Say("RPUSH list a b");
            client.Say("BGREWRITEAOF");
            AwaitEnd(client);
            client.Say("RPUSH list c");
            digest = client.Say("DEBUG DIGEST");
        }

        var files = Path.Combine(directory.FullPath, "appendonlydir");
        Assert.Equal(
            ["appendonly.aof.2.base.aof", "appendonly.aof.2.incr.aof", "appendonly.aof.manifest"],
            Directory.GetFiles(files).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        using (var server = directory.Start(directives))
        {
            using var client = new Conversation(server);
            Assert.Equal(digest, client.Say("DEBUG DIGEST"));
        }
    }

    [Fact]
    public void Without_an_append_only_file_it_makes_a_base_alone()
    {
        using var directory = new SnapshotDirectory();
        using (var server = directory.Start())
        {
            using var client = new Conversation(server);
            client.Say("SET a 1");
            Assert.Equal("Background append only file rewriting started", client.Say("BGREWRITEAOF"));
            AwaitEnd(client);
        }

        var files = Path.Combine(directory.FullPath, "appendonlydir");
        Assert.Equal(
            ["appendonly.aof.1.base.rdb", "appendonly.aof.manifest"],
            Directory.GetFiles(files).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        using (var server = directory.Start("--appendonly", "yes"))
        {
            using var client = new Conversation(server);
            Assert.Equal("1", client.Say("GET a"));
        }
    }

    [Fact]
    public void One_that_is_asked_for_when_another_was_given_up_has_begun()
    {
        using var directory = new SnapshotDirectory();
        using var server = directory.Start("--appendonly", "yes");
        using var client = new Conversation(server);
        client.Say("DEBUG POPULATE 1000");
        for (var i = 0; i < 5; i++)
        {
            client.Say("CONFIG SET rdb-key-save-delay 1000000");
            Assert.Equal("Background append only file rewriting started", client.Say("BGREWRITEAOF"));
            Assert.StartsWith("ERR Background append only", client.Say("BGREWRITEAOF"));
            client.Say("CONFIG SET appendonly no rdb-key-save-delay 0");
            Assert.Equal("Background append only file rewriting started", client.Say("BGREWRITEAOF"));
            AwaitProgress(client);
            var info = client.Say("INFO persistence");
            Assert.Contains("\r\naof_rewrite_scheduled:0\r\n", info);
            Assert.Contains("\r\naof_last_bgrewrite_status:ok\r\n", info);
            client.Say($"SET a {i}");
            client.Say("CONFIG SET appendonly yes");
            AwaitProgress(client);
            Assert.Equal("OK", client.Say("DEBUG LOADAOF"));
            Assert.Equal($"{i}", client.Say("GET a"));
        }
    }

    [Fact]
    public void A_directory_that_cannot_be_made_leaves_it_off()
    {
        using var directory = new SnapshotDirectory();
        File.WriteAllText(Path.Combine(directory.FullPath, "appendonlydir"), "in the way");
        using var server = directory.Start();
        using var client = new Conversation(server);
        Assert.Equal(
            "ERR CONFIG SET failed (possibly related to argument 'appendonly') - Unable to turn on AOF. Check server "
            + "logs.",
            client.Say("CONFIG SET appendonly yes"));
        Assert.Equal("[appendonly no]", client.Say("CONFIG GET appendonly"));
        Assert.Equal("OK", client.Say("SET a 1"));
    }

    [Fact]
    public void Turned_on_and_off_quickly_while_clients_write_it_ends_with_all_data()
    {
        using var directory = new SnapshotDirectory();
        var last = "";
        using (var server = directory.Start("--io-threads", "2"))
        {
            using var client = new Conversation(server);
            using var writer = new Conversation(server);
            var isOver = false;
            var thread = new Thread(() =>
            {
                while (!Volatile.Read(ref isOver)) last = writer.Say("INCR counter");
            });
            thread.Start();
            for (var i = 0; i < 10; i++)
            {
                Assert.Equal("OK", client.Say("CONFIG SET appendonly yes"));
                if (i % 3 == 0) AwaitEnd(client);
                Assert.Equal("OK", client.Say("MULTI"));
                client.Say("CONFIG SET appendonly no");
                client.Say("CONFIG SET appendonly yes");
                Assert.Equal("[OK OK]", client.Say("EXEC"));
                Assert.Equal("OK", client.Say("CONFIG SET appendonly no"));
            }

            Assert.Equal("OK", client.Say("CONFIG SET appendonly yes"));
            AwaitEnd(client);
            Volatile.Write(ref isOver, true);
            thread.Join();
        }

        using var next = directory.Start("--appendonly", "yes");
        using var reader = new Conversation(next);
        Assert.Equal(last, reader.Say("GET counter"));
    }

    private static int Bases(PowerFiles files) => files.Names.Count(static one => one.Contains(".base."));

    private static void Fail() => Assert.Fail("it would have ended");

    // As clients do who know of no other line.
    private static void AwaitProgress(Conversation client) => Assert.True(
        SpinWait.SpinUntil(() => client.Say("INFO persistence").Contains("aof_rewrite_in_progress:0"), 20_000),
        "the rewrite does not end");

    private static void AwaitEnd(Conversation client) => Assert.True(
        SpinWait.SpinUntil(
            () => client.Say("INFO persistence") is { } text
                && text.Contains("\r\naof_rewrite_in_progress:0\r\naof_rewrite_scheduled:0\r\n")
                && (!text.Contains("aof_enabled:1") || text.Contains("aof_base_size:0") is false),
            20_000),
        "the rewrite does not end");
}
