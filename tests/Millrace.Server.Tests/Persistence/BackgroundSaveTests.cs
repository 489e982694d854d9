namespace Millrace.Server.Tests.Persistence;

/// <summary>BGSAVE and save points: what is replied, what INFO says, what fails and what gives a snapshot up.</summary>
public sealed class BackgroundSaveTests : IDisposable
{
    private const string Misconf = "MISCONF Redis is configured to save RDB snapshots";
    private readonly SnapshotDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData("1")]
    [InlineData("4")]
    public void What_was_there_is_saved_while_commands_go_on(string loops)
    {
        string digest;
        using (var server = _directory.Start("--io-threads", loops))
        {
            using var client = new Conversation(server);
            client.Say("DEBUG POPULATE 20000 key 100");
            client.Say("SELECT 3");
            client.Say("SADD set a b c");
            digest = client.Say("DEBUG DIGEST");
            Assert.Equal("Background saving started", client.Say("BGSAVE"));
            for (var i = 0; i < 2_000; i++) client.Say($"SET key:{i} changed");
            client.Say("FLUSHDB");
            WaitForEnd(client);
            var info = client.Say("INFO persistence");
            Assert.Contains("\r\nrdb_last_bgsave_status:ok\r\n", info);
            Assert.DoesNotContain("\r\nrdb_last_bgsave_time_sec:-1\r\n", info);
            Assert.Contains("\r\nrdb_changes_since_last_save:4001\r\n", info); // those after the cut
        }

        using (var server = _directory.Start())
        {
            using var client = new Conversation(server);
            Assert.Equal(digest, client.Say("DEBUG DIGEST"));
        }
    }

    [Fact]
    public void One_is_taken_at_a_time_and_its_progress_is_told()
    {
        using var server = _directory.Start("--rdb-key-save-delay", "100000");
        using var client = new Conversation(server);
        client.Say("DEBUG POPULATE 1000");
        Assert.Equal("Background saving started", client.Say("BGSAVE"));
        Assert.Equal("ERR Background save already in progress", client.Say("BGSAVE"));
        Assert.Equal("ERR Background save already in progress", client.Say("BGSAVE SCHEDULE"));
        Assert.Equal("ERR Background save already in progress", client.Say("SAVE"));
        Assert.Equal("ERR syntax error", client.Say("BGSAVE NOW"));
        var info = client.Say("INFO persistence");
        Assert.Contains("\r\nrdb_bgsave_in_progress:1\r\n", info);
        Assert.Contains("\r\ncurrent_save_keys_total:1000\r\n", info);
        Assert.DoesNotContain("\r\nrdb_current_bgsave_time_sec:-1\r\n", info);
        Assert.Equal("OK", client.Say("FLUSHALL")); // gives it up
        WaitForEnd(client);
        Assert.Contains("\r\nrdb_last_bgsave_status:ok\r\n", client.Say("INFO persistence")); // on purpose
        Assert.Empty(Directory.GetFiles(_directory.FullPath));
    }

    [Fact]
    public void Flushall_leaves_one_that_is_put_off()
    {
        using var server = _directory.Start("--appendonly", "yes", "--rdb-key-save-delay", "100000000");
        using var client = new Conversation(server);
        client.Say("SET a 1");
        Assert.Equal("Background append only file rewriting started", client.Say("BGREWRITEAOF"));
        Assert.Equal("Background saving scheduled", client.Say("BGSAVE SCHEDULE"));
        Assert.Equal("OK", client.Say("FLUSHALL"));
        client.Say("CONFIG SET rdb-key-save-delay 0");
        Assert.True(SpinWait.SpinUntil(() => File.Exists(_directory.File), 20_000));
    }

    [Fact]
    public void The_delay_for_tests_may_change_while_one_is_taken()
    {
        using var server = _directory.Start("--rdb-key-save-delay", "10000000");
        using var client = new Conversation(server);
        client.Say("DEBUG POPULATE 1000");
        client.Say("BGSAVE");
        Thread.Sleep(50);
        Assert.Contains("rdb_bgsave_in_progress:1", client.Say("INFO persistence"));
        client.Say("CONFIG SET rdb-key-save-delay 0");
        WaitForEnd(client);
        Assert.Contains("\r\nrdb_last_bgsave_status:ok\r\n", client.Say("INFO persistence"));
    }

    [Fact]
    public void Cancel_gives_up_the_one_that_is_taken()
    {
        const string none = "ERR Background saving is currently not in progress or scheduled";
        using var server = _directory.Start("--rdb-key-save-delay", "1000000");
        using var client = new Conversation(server);
        client.Say("DEBUG POPULATE 1000");
        Assert.Equal(none, client.Say("BGSAVE CANCEL"));
        Assert.Equal("ERR syntax error", client.Say("BGSAVE CANCEL SCHEDULE"));
        client.Say("BGSAVE");
        Assert.Equal("Background saving cancelled", client.Say("BGSAVE CANCEL"));
        Assert.Equal(none, client.Say("BGSAVE CANCEL"));
        WaitForEnd(client);
        Assert.Contains("\r\nrdb_last_bgsave_status:ok\r\n", client.Say("INFO persistence")); // on purpose
        Assert.Empty(Directory.GetFiles(_directory.FullPath));
        Assert.Equal("Background saving started", client.Say("BGSAVE")); // nothing is left in its way
        client.Say("CONFIG SET rdb-key-save-delay 0");
        WaitForEnd(client);
        Assert.True(File.Exists(_directory.File));
    }

    [Fact]
    public void While_the_append_only_file_is_written_anew_it_waits_and_can_be_called_off()
    {
        using var server = _directory.Start("--rdb-key-save-delay", "1000000");
        using var client = new Conversation(server);
        client.Say("DEBUG POPULATE 1000");
        Assert.Equal("Background append only file rewriting started", client.Say("BGREWRITEAOF"));
        Assert.StartsWith("ERR Another child process is active (AOF?)", client.Say("BGSAVE"));
        Assert.Equal("Background saving scheduled", client.Say("BGSAVE SCHEDULE"));
        Assert.Equal("Scheduled background saving cancelled", client.Say("BGSAVE CANCEL"));
        Assert.StartsWith("ERR Background saving is currently not", client.Say("BGSAVE CANCEL"));
        Assert.Equal("Background saving scheduled", client.Say("BGSAVE SCHEDULE"));
        Assert.False(File.Exists(_directory.File));
        client.Say("CONFIG SET rdb-key-save-delay 0");
        for (var i = 0; i < 1_000 && !File.Exists(_directory.File); i++) Thread.Sleep(10);
        Assert.True(File.Exists(_directory.File));
        WaitForEnd(client);
    }

    [Fact]
    public void Within_a_transaction_it_is_put_off_to_its_end()
    {
        using var server = _directory.Start();
        using var client = new Conversation(server);
        client.Say("MULTI");
        client.Say("SET a 1");
        client.Say("BGSAVE");
        client.Say("SET a 2");
        Assert.Equal("[OK Background saving scheduled OK]", client.Say("EXEC"));
        for (var i = 0; i < 500 && !File.Exists(_directory.File); i++) Thread.Sleep(10);
        WaitForEnd(client);
        client.Say("DEBUG RELOAD NOSAVE");
        Assert.Equal("2", client.Say("GET a"));
    }

    [Fact]
    public void A_save_point_takes_one_when_it_is_reached()
    {
        using var server = _directory.Start("--save", "1 3");
        using var client = new Conversation(server);
        client.Say("MSET a 1 b 2");
        Thread.Sleep(2_300);
        Assert.False(File.Exists(_directory.File), "two changes are not three");
        client.Say("SET c 3");
        for (var i = 0; i < 1_000 && !File.Exists(_directory.File); i++) Thread.Sleep(10);
        WaitForEnd(client);
        Assert.Contains("\r\nrdb_changes_since_last_save:0\r\n", client.Say("INFO persistence"));
        client.Say("FLUSHALL");
        client.Say("DEBUG RELOAD NOSAVE");
        Assert.Equal("0", client.Say("DBSIZE"));
    }

    [Fact]
    public void When_saving_fails_writes_are_refused_where_that_is_asked_for()
    {
        using var server = _directory.Start("--save", "100000 1");
        using var client = new Conversation(server);
        client.Say("SET a 1");
        _directory.Obstruct();
        client.Say("BGSAVE");
        WaitForEnd(client);
        Assert.Contains("\r\nrdb_last_bgsave_status:err\r\n", client.Say("INFO persistence"));
        Assert.StartsWith(Misconf, client.Say("SET a 2"));
        Assert.StartsWith(Misconf, client.Say("PING"));
        Assert.Equal("1", client.Say("GET a"));
        client.Say("MULTI");
        Assert.StartsWith(Misconf, client.Say("SET a 2"));
        Assert.StartsWith("EXECABORT", client.Say("EXEC"));
        Assert.Equal("OK", client.Say("CONFIG SET stop-writes-on-bgsave-error no"));
        Assert.Equal("OK", client.Say("SET a 2"));
        Assert.Equal("OK", client.Say("CONFIG SET stop-writes-on-bgsave-error yes"));
        Assert.StartsWith(Misconf, client.Say("SET a 3"));
        Directory.Delete(_directory.File, recursive: true);
        Assert.Equal("Background saving started", client.Say("BGSAVE"));
        WaitForEnd(client);
        Assert.Equal("OK", client.Say("SET a 3"));
        Assert.Equal("PONG", client.Say("PING"));
    }

    [Fact]
    public void A_SAVE_that_succeeds_ends_the_refusal()
    {
        using var server = _directory.Start("--save", "100000 1");
        using var client = new Conversation(server);
        client.Say("SET a 1");
        _directory.Obstruct();
        client.Say("BGSAVE");
        WaitForEnd(client);
        Assert.StartsWith(Misconf, client.Say("SET a 2"));
        Directory.Delete(_directory.File, recursive: true);
        Assert.Equal("OK", client.Say("SAVE"));
        Assert.Equal("OK", client.Say("SET a 2"));
        Assert.Contains("\r\nrdb_last_bgsave_status:ok\r\n", client.Say("INFO persistence"));
    }

    [Fact]
    public void A_shutdown_that_saves_while_one_is_taken_leaves_the_newer_file()
    {
        using (var server = _directory.Start("--rdb-key-save-delay", "500"))
        {
            using var client = new Conversation(server);
            client.Say("DEBUG POPULATE 1000");
            client.Say("BGSAVE");
            client.Say("SET late 1");
            client.Send("SHUTDOWN", "SAVE");
            Assert.True(client.IsClosed());
            Assert.True(server.Server.ShutdownRequested.Wait(10_000));
        }

        Assert.Equal([_directory.File], Directory.GetFiles(_directory.FullPath));
        using (var server = _directory.Start())
        {
            using var client = new Conversation(server);
            Assert.Equal("1", client.Say("GET late"));
        }
    }

    [Fact]
    public void A_shutdown_gives_it_up_and_leaves_no_file_of_it_behind()
    {
        using (var server = _directory.Start("--rdb-key-save-delay", "1000000"))
        {
            using var client = new Conversation(server);
            client.Say("DEBUG POPULATE 1000");
            client.Say("BGSAVE");
            client.Send("SHUTDOWN", "NOSAVE");
            Assert.True(client.IsClosed());
            Assert.True(server.Server.ShutdownRequested.Wait(10_000));
        }

        Assert.Empty(Directory.GetFiles(_directory.FullPath));
    }

    [Fact]
    public void Save_points_make_a_shutdown_save()
    {
        using (var server = _directory.Start("--save", "3600 1"))
        {
            using var client = new Conversation(server);
            client.Say("SET a 1");
            client.Send("SHUTDOWN");
            Assert.True(client.IsClosed());
            Assert.True(server.Server.ShutdownRequested.Wait(10_000));
        }

        Assert.True(File.Exists(_directory.File));
    }

    [Fact]
    public void Writes_wait_while_more_is_held_than_may_be()
    {
        using var server = _directory.Start(
            "--rdb-key-save-delay", "500", "--snapshot-buffer-limit", "1mb", "--io-threads", "1");
        using var client = new Conversation(server);
        using var writer = new Conversation(server);
        client.Say("DEBUG POPULATE 3000 key 10000");
        client.Say("DEBUG PAUSE-CRON 1"); // the walk rests: what is held comes from writes
        client.Say("BGSAVE");
        for (var i = 0; i < 1_500; i++) writer.Send("APPEND", $"key:{i}", "x");
        client.Say("DEBUG PAUSE-CRON 0");
        for (var i = 0; i < 500 && !IsBehind(server); i++) Thread.Sleep(10);
        Assert.True(IsBehind(server), "writes wait");
        Assert.Equal("3000", client.Say("DBSIZE")); // who reads does not wait
        for (var i = 0; i < 1_500; i++) Assert.Equal("10001", writer.Read());
        WaitForEnd(client);
        Assert.False(IsBehind(server));
        Assert.Contains("\r\nrdb_last_bgsave_status:ok\r\n", client.Say("INFO persistence"));
    }

    private static bool IsBehind(InProcessServer server) =>
        (server.Server.Parts.Gates.Word & Millrace.Commands.Gate.SnapshotBehind) != 0;

    private static void WaitForEnd(Conversation client)
    {
        for (var i = 0; i < 1_000; i++)
        {
            if (client.Say("INFO persistence").Contains("rdb_bgsave_in_progress:0", StringComparison.Ordinal)) return;
            Thread.Sleep(10);
        }

        Assert.Fail("the snapshot does not end");
    }
}
