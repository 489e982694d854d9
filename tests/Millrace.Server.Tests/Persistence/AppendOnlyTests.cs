using System.Globalization;
using System.Text;
using Millrace.Server.Persistence;

namespace Millrace.Server.Tests.Persistence;

/// <summary>The append-only file on the disk: what one server has written the next one has.</summary>
public sealed class AppendOnlyTests : IDisposable
{
    private readonly SnapshotDirectory _directory = new();

    private string Files => Path.Combine(_directory.FullPath, "appendonlydir");

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData("1", "everysec")]
    [InlineData("2", "everysec")]
    [InlineData("4", "always")]
    [InlineData("1", "always")]
    [InlineData("2", "no")]
    public void What_was_acknowledged_is_there_after_a_restart(string loops, string policy)
    {
        string digest;
        using (var server = Start("--io-threads", loops, "--appendfsync", policy))
        {
            using var client = new Conversation(server);
            Fill(client);
            digest = client.Say("DEBUG DIGEST");
        }

        using (var server = Start("--io-threads", loops, "--appendfsync", policy))
        {
            using var client = new Conversation(server);
            Assert.Equal(digest, client.Say("DEBUG DIGEST"));
            client.Say("INCR counter");
            digest = client.Say("DEBUG DIGEST");
        }

        using (var server = Start("--io-threads", loops))
        {
            using var client = new Conversation(server);
            Assert.Equal(digest, client.Say("DEBUG DIGEST"));
            Assert.InRange(long.Parse(client.Say("PTTL expiring"), CultureInfo.InvariantCulture), 900_000, 1_000_000);
        }

        Assert.Equal(
            ["appendonly.aof.1.base.rdb", "appendonly.aof.1.incr.aof", "appendonly.aof.manifest"], FileNames());
    }

    [Theory]
    [InlineData("1")]
    [InlineData("4")]
    public void A_rewrite_leaves_a_base_and_an_increment_with_the_same_data(string loops)
    {
        string digest;
        using (var server = Start("--io-threads", loops))
        {
            using var client = new Conversation(server);
            Fill(client);
            Assert.Equal("Background append only file rewriting started", client.Say("BGREWRITEAOF"));
            for (var i = 0; i < 500; i++) client.Say($"INCR during:{i % 7}");
            AwaitRewrite(client);
            Assert.Contains("\r\naof_last_bgrewrite_status:ok\r\n", client.Say("INFO persistence"));
            client.Say("INCR after");
            digest = client.Say("DEBUG DIGEST");
        }

        Assert.Equal(
            ["appendonly.aof.2.base.rdb", "appendonly.aof.2.incr.aof", "appendonly.aof.manifest"], FileNames());
        using (var server = Start("--io-threads", loops))
        {
            using var client = new Conversation(server);
            Assert.Equal(digest, client.Say("DEBUG DIGEST"));
        }
    }

    [Theory]
    [InlineData("1")]
    [InlineData("4")]
    public void Turned_on_together_with_another_directory_it_is_there(string loops)
    {
        using var other = new SnapshotDirectory();
        string digest;
        using (var server = _directory.Start("--io-threads", loops, "--enable-protected-configs", "yes"))
        {
            using var client = new Conversation(server);
            Fill(client);
            Assert.Equal("OK", client.Say($"CONFIG SET dir {other.FullPath} appendonly yes"));
            AwaitRewrite(client);
            client.Say("SET after 1");
            digest = client.Say("DEBUG DIGEST");
        }

        Assert.False(Directory.Exists(Files));
        using var next = other.Start("--appendonly", "yes");
        using var last = new Conversation(next);
        Assert.Equal(digest, last.Say("DEBUG DIGEST"));
    }

    [Theory]
    [InlineData("1")]
    [InlineData("4")]
    public void It_can_be_turned_on_and_off_while_the_server_runs(string loops)
    {
        string digest;
        using (var server = _directory.Start("--io-threads", loops))
        {
            using var client = new Conversation(server);
            Fill(client);
            Assert.Equal("OK", client.Say("CONFIG SET appendonly yes"));
            Assert.Contains("\r\naof_enabled:1\r\n", client.Say("INFO persistence"));
            for (var i = 0; i < 500; i++) client.Say($"INCR during:{i % 7}");
            AwaitRewrite(client);
            Assert.Equal("OK", client.Say("CONFIG SET appendonly no"));
            Assert.Contains("\r\naof_enabled:0\r\n", client.Say("INFO persistence"));
            client.Say("SET only-in-memory x");
            Assert.Equal("OK", client.Say("CONFIG SET appendonly yes"));
            AwaitRewrite(client);
            client.Say("SET last x");
            digest = client.Say("DEBUG DIGEST");
        }

        using (var server = Start("--io-threads", loops))
        {
            using var client = new Conversation(server);
            Assert.Equal(digest, client.Say("DEBUG DIGEST"));
        }
    }

    [Fact]
    public void Debug_LoadAof_brings_back_what_is_in_the_file()
    {
        using var server = Start();
        using var client = new Conversation(server);
        Fill(client);
        var digest = client.Say("DEBUG DIGEST");
        client.Say("DEBUG POPULATE 10 unrecorded");
        Assert.NotEqual(digest, client.Say("DEBUG DIGEST"));
        Assert.Equal("OK", client.Say("DEBUG LOADAOF"));
        Assert.Equal(digest, client.Say("DEBUG DIGEST"));
    }

    [Theory]
    [InlineData("SAVE")]
    [InlineData("BGSAVE")]
    public void A_server_that_began_with_an_empty_one_can_be_saved_again_and_again(string command)
    {
        using var server = Start();
        using var client = new Conversation(server);
        for (var i = 0; i < 3; i++)
        {
            client.Say($"SET a {i}");
            Assert.Contains(client.Say(command), (string[])["OK", "Background saving started"]);
            Assert.True(SpinWait.SpinUntil(
                () => client.Say("INFO persistence").Contains("\r\nrdb_bgsave_in_progress:0\r\n"), 20_000));
            Assert.Contains("\r\nrdb_changes_since_last_save:0\r\n", client.Say("INFO persistence"));
        }
    }

    [Fact]
    public void WaitAof_waits_for_the_fsync()
    {
        using var server = Start("--appendfsync", "no");
        using var client = new Conversation(server);
        client.Say("SET a 1");
        Assert.Equal("[0 0]", client.Say("WAITAOF 1 0 50"));
        client.Say("CONFIG SET appendfsync everysec");
        client.Say("SET a 2");
        Assert.Equal("[1 0]", client.Say("WAITAOF 1 0 0"));
        client.Say("CONFIG SET appendfsync always");
        client.Say("SET a 3");
        Assert.Equal("[1 0]", client.Say("WAITAOF 1 0 0"));
        Assert.Equal("[1 0]", client.Say("WAITAOF 0 1 50"));
        client.Say("CONFIG SET appendfsync no");
        client.Send("SET", "a", "4");
        client.Send("WAITAOF", "1", "0", "0");
        Assert.Equal("OK", client.Read());
        using var other = new Conversation(server);
        Assert.Equal("OK", other.Say("CONFIG SET appendonly no"));
        const string off = "ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.";
        Assert.Equal(off, client.Read());
        Assert.Equal(off, client.Say("WAITAOF 1 0 0"));
        Assert.Equal("[0 0]", client.Say("WAITAOF 0 0 0"));
        Assert.Equal("ERR value is out of range, value must between 0 and 1", client.Say("WAITAOF 2 0 0"));
        Assert.Equal("ERR timeout is negative", client.Say("WAITAOF 0 0 -1"));
    }

    [Fact]
    public void A_list_that_had_expired_when_it_is_loaded_was_not_then()
    {
        Write("appendonly.aof.1.incr.aof", "RPUSH list foo", "PEXPIREAT list 1000", "RPUSH list bar");
        using var server = Start();
        using var client = new Conversation(server);
        Assert.Equal("0", client.Say("LLEN list"));
    }

    [Theory]
    [InlineData("yes", "1")]
    [InlineData("no", "1")]
    [InlineData("yes", "4")]
    public void A_key_that_had_expired_and_was_still_there_comes_into_a_base_and_does_no_harm(
        string usesSnapshot, string loops)
    {
        string[] directives = ["--aof-use-rdb-preamble", usesSnapshot, "--io-threads", loops];
        using (var server = Start(directives))
        {
            using var client = new Conversation(server);
            client.Say("DEBUG SET-ACTIVE-EXPIRE 0");
            client.Say("SET gone x PX 1");
            client.Say("SADD other a");
            client.Say("PEXPIRE other 1");
            Thread.Sleep(20);
            client.Say("BGREWRITEAOF");
            const string ended = "\r\naof_rewrite_in_progress:0\r\naof_rewrite_scheduled:0\r\n";
            Assert.True(SpinWait.SpinUntil(() => client.Say("INFO persistence").Contains(ended), 20_000));
            Assert.Equal("1", client.Say("RPUSH other b"));
        }

        using (var server = Start(directives))
        {
            using var client = new Conversation(server);
            Assert.Equal("(nil)", client.Say("GET gone"));
            Assert.Equal("[b]", client.Say("LRANGE other 0 -1"));
        }
    }

    [Fact]
    public void A_transaction_without_its_end_is_left_out_and_cut_away()
    {
        Write("appendonly.aof.1.incr.aof", "SET a 1", "MULTI", "SET a 2", "SET b 2");
        using (var server = Start())
        {
            using var client = new Conversation(server);
            Assert.Equal("[1 (nil)]", client.Say("MGET a b"));
            client.Say("SET c 3");
        }

        using (var server = Start("--aof-load-truncated", "no"))
        {
            using var client = new Conversation(server);
            Assert.Equal("[1 (nil) 3]", client.Say("MGET a b c"));
        }
    }

    [Theory]
    [InlineData("SET a 1|BLA a 1")]
    [InlineData("SET a 1|SET a")]
    [InlineData("SET a 1|LPUSH a 1")]
    [InlineData("SET a 1|EXEC")]
    [InlineData("SET a 1|CONFIG SET maxmemory 1")]
    public void What_cannot_be_run_ends_the_start_and_the_file_stays(string commands)
    {
        Write("appendonly.aof.1.incr.aof", commands.Split('|'));
        var path = Path.Combine(Files, "appendonly.aof.1.incr.aof");
        var before = File.ReadAllBytes(path);
        var fault = Assert.Throws<InvalidOperationException>(() => Start());
        Assert.Equal(AppendOnly.FatalError, fault.Message);
        Assert.Equal(before, File.ReadAllBytes(path));
    }

    [Fact]
    public void An_old_single_file_becomes_the_base()
    {
        File.WriteAllText(Path.Combine(_directory.FullPath, "appendonly.aof"), Peer.Encode("SET", "a", "1"));
        for (var i = 0; i < 2; i++)
        {
            using var server = Start();
            using var client = new Conversation(server);
            Assert.Equal("1", client.Say("GET a"));
        }

        Assert.Equal(["appendonly.aof", "appendonly.aof.1.incr.aof", "appendonly.aof.manifest"], FileNames());
        Assert.False(File.Exists(Path.Combine(_directory.FullPath, "appendonly.aof")));
    }

    [Fact]
    public void A_torn_end_leaves_the_exact_prefix()
    {
        using (var server = Start("--io-threads", "1"))
        {
            using var client = new Conversation(server);
            for (var i = 0; i < 40; i++) client.Say($"RPUSH list {i}");
        }

        var path = Path.Combine(Files, "appendonly.aof.1.incr.aof");
        var whole = File.ReadAllBytes(path);
        var text = Encoding.Latin1.GetString(whole);
        var step = Environment.GetEnvironmentVariable("MILLRACE_TEST_LONG") == "1" ? 1 : 17;
        for (var torn = 1; torn <= 200; torn += step)
        {
            File.WriteAllBytes(path, whole[..^torn]);
            var complete = CountWhole(text[..^torn]);
            using var server = Start("--io-threads", "1");
            using var client = new Conversation(server);
            Assert.Equal(
                "[" + string.Join(' ', Enumerable.Range(0, complete)) + "]", client.Say("LRANGE list 0 -1"));
        }
    }

    [Fact]
    public void A_flipped_bit_is_found()
    {
        using (var server = Start("--io-threads", "1"))
        {
            using var client = new Conversation(server);
            for (var i = 0; i < 40; i++) client.Say($"RPUSH list {i}");
        }

        var path = Path.Combine(Files, "appendonly.aof.1.incr.aof");
        var whole = File.ReadAllBytes(path);
        var random = new Random(4711);
        for (var i = 0; i < 40; i++)
        {
            var bytes = whole.ToArray();
            bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
            File.WriteAllBytes(path, bytes);
            Assert.Throws<InvalidOperationException>(() => Start("--aof-load-truncated", "no"));
        }
    }

    [Fact]
    public void Timestamps_stand_in_the_file_when_they_are_wanted()
    {
        using (var server = Start("--aof-timestamp-enabled", "yes"))
        {
            using var client = new Conversation(server);
            client.Say("SET a 1");
        }

        Assert.Contains("#TS:", File.ReadAllText(Path.Combine(Files, "appendonly.aof.1.incr.aof")));
        using (var server = Start())
        {
            using var client = new Conversation(server);
            Assert.Equal("1", client.Say("GET a"));
        }
    }

    [Fact]
    public void Keys_that_expire_by_themselves_are_removed_in_the_file_as_well()
    {
        using (var server = Start())
        {
            using var client = new Conversation(server);
            client.Say("SET a 1 PX 30");
            client.Say("SET b 1");
            Assert.True(SpinWait.SpinUntil(() => client.Say("DBSIZE") == "1", 20_000));
        }

        Assert.Contains("UNLINK\r\n$1\r\na\r\n", File.ReadAllText(Path.Combine(Files, "appendonly.aof.1.incr.aof")));
    }

    private static int CountWhole(string text)
    {
        var count = 0;
        while (text.Contains(Peer.Encode("RPUSH", "list", count.ToString(CultureInfo.InvariantCulture)))) count++;
        return count;
    }

    private InProcessServer Start(params string[] directives) =>
        _directory.Start(["--appendonly", "yes", "--auto-aof-rewrite-percentage", "0", .. directives]);

    private void Write(string name, params string[] commands)
    {
        Directory.CreateDirectory(Files);
        File.WriteAllText(
            Path.Combine(Files, name), string.Concat(commands.Select(static one => Peer.Encode(one.Split(' ')))));
        File.WriteAllText(Path.Combine(Files, "appendonly.aof.manifest"), $"file {name} seq 1 type i\n");
    }

    private string[] FileNames() =>
        [.. Directory.GetFiles(Files).Select(static one => Path.GetFileName(one)).Order(StringComparer.Ordinal)];

    private static void AwaitRewrite(Conversation client) => Assert.True(
        SpinWait.SpinUntil(
            () => client.Say("INFO persistence").Contains(
                "\r\naof_rewrite_in_progress:0\r\naof_rewrite_scheduled:0\r\n"),
            20_000),
        "the rewrite does not end");

    private static void Fill(Conversation client)
    {
        client.Say("RPUSH list a b 3");
        client.Say("SADD set " + string.Join(' ', Enumerable.Range(0, 600).Select(i => $"m{i}")));
        client.Say("SPOP set 5");
        client.Say("ZADD zset 1 a 2.5 b");
        client.Say("XADD stream * f v");
        client.Say("XGROUP CREATE stream g 0");
        client.Say("XREADGROUP GROUP g c COUNT 1 STREAMS stream >");
        client.SayWords("SET", "expiring", new string('x', 100_000), "EX", "1000");
        for (var i = 0; i < 200; i++) client.Say($"SET key:{i} {i}");
        client.Say("DEL key:7");
        client.Say("MULTI");
        client.Say("INCR counter");
        client.Say("INCRBYFLOAT real 0.5");
        client.Say("EXEC");
        client.Say("HSET hash f 1 g 2");
        client.Say("HPEXPIRE hash 1000000 FIELDS 1 f");
        client.Say("SELECT 7");
        client.Say("SET elsewhere x");
        client.Say("MOVE elsewhere 3");
        client.Say("SELECT 0");
    }
}
