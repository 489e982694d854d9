using System.Globalization;
using Millrace.Server.Config;
using static Millrace.Server.Tests.InfoFields;

namespace Millrace.Server.Tests.Persistence;

/// <summary>What clients meet while data is loaded.</summary>
public sealed class LoadingTests
{
    private const string Loading = LoadedFiles.Loading;

    [Theory]
    [InlineData("1")]
    [InlineData("4")]
    public void Commands_without_the_flag_are_refused_and_the_others_run(string loops)
    {
        using var files = new LoadedFiles(FileKind.Rdb);
        var digest = files.Fill();
        using var server = files.Load("--io-threads", loops);
        using (var client = server.Connect())
        {
            string[] refused =
            [
                "GET key:1", "PING", "SET a 1", "DBSIZE", "FLUSHALL", "SAVE", "KEYS *", "BLPOP a 0", "SCAN 0",
                "MEMORY USAGE key:1", "DEBUG RELOAD NOSAVE",
            ];
            foreach (var request in refused) Assert.Equal(Loading, client.Say(request));
            Assert.Equal("a", client.Say("ECHO a"));
            Assert.Equal("OK", client.Say("SELECT 1"));
            Assert.Equal("[maxclients 10000]", client.Say("CONFIG GET maxclients"));
            Assert.Equal("OK", client.Say("CLIENT SETNAME me"));
            Assert.Equal(Loading, client.Say("CONFIG SET maxclients 9000 dir asdf"));
            Assert.Equal("[maxclients 10000]", client.Say("CONFIG GET maxclients"));
            Assert.Equal(Loading, client.Say("CONFIG SET appendonly no"));
            Assert.Equal(Loading, client.Say("CONFIG SET repl-diskless-load disabled"));
            Assert.Equal("0", client.Say("PUBLISH a b"));
            Assert.Equal("0", client.Say("SPUBLISH a b"));
            Assert.Equal("OK", client.Say("WATCH a b"));
            Assert.Equal("OK", client.Say("UNWATCH"));
            Assert.StartsWith("id=", client.Say("CLIENT LIST"), StringComparison.Ordinal);
            Assert.Contains("\r\nloading:1\r\n", client.Say("INFO"), StringComparison.Ordinal);
            Assert.Equal("RESET", client.Say("RESET"));
            Assert.Equal("OK", client.Say("CONFIG SET key-load-delay 0"));
            Assert.Null(server.WaitForStart());
            Assert.Equal(digest, client.Say("DEBUG DIGEST"));
            Assert.Equal("PONG", client.Say("PING"));
            Assert.Equal("value:1", client.Say("GET key:1"));
            Assert.False(server.Server.IsLoading);
        }
    }

    [Theory]
    [InlineData("1")]
    [InlineData("4")]
    public void A_transaction_has_the_commands_that_run(string loops)
    {
        using var files = new LoadedFiles(FileKind.Rdb);
        files.Fill();
        using var server = files.Load("--io-threads", loops);
        using var client = server.Connect();
        Assert.Equal("OK", client.Say("WATCH key:1 key:2"));
        Assert.Equal("OK", client.Say("MULTI"));
        Assert.Equal(Loading, client.Say("GET key:1"));
        Assert.StartsWith("EXECABORT", client.Say("EXEC"), StringComparison.Ordinal);
        Assert.Equal("OK", client.Say("MULTI"));
        Assert.Equal("[]", client.Say("EXEC"));
        Assert.Equal("OK", client.Say("MULTI"));
        Assert.Equal("QUEUED", client.Say("PUBLISH a b"));
        Assert.Equal("QUEUED", client.Say("SELECT 2"));
        Assert.Equal("[0 OK]", client.Say("EXEC"));
        Assert.Equal("OK", client.Say("WATCH key:2999"));
        Assert.Equal("OK", client.Say("MULTI"));
        Assert.Equal("OK", client.Say("DISCARD"));
        Assert.Equal("OK", client.Say("WATCH key:2999"));
        Assert.Equal("OK", client.Say("CONFIG SET key-load-delay 0"));
        Assert.Null(server.WaitForStart());
        Assert.Equal("OK", client.Say("MULTI"));
        Assert.Equal("QUEUED", client.Say("DBSIZE"));
        Assert.Equal("[0]", client.Say("EXEC")); // in database 2; nobody has written
    }

    [Theory]
    [InlineData("1")]
    [InlineData("4")]
    public void Info_tells_how_far_it_is_and_nothing_of_it_afterwards(string loops)
    {
        using var files = new LoadedFiles(FileKind.Rdb);
        files.Fill();
        var length = files.Bytes;
        using var server = files.Load("--io-threads", loops);
        using var client = server.Connect();
        while (Number(client.Say("INFO persistence"), "rdb_last_load_keys_loaded") == 0) Thread.Sleep(1);
        var info = client.Say("INFO persistence");
        Assert.Equal("1", Field(info, "loading"));
        Assert.Equal("0", Field(info, "async_loading"));
        var now = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        Assert.InRange(Number(info, "loading_start_time"), now - 30, now);
        Assert.Equal(length, Number(info, "loading_total_bytes"));
        Assert.InRange(Number(info, "loading_rdb_used_mem"), 1, 1L << 40);
        Assert.InRange(Number(info, "loading_loaded_bytes"), 0, length);
        var percent = double.Parse(Field(info, "loading_loaded_perc"), CultureInfo.InvariantCulture);
        Assert.InRange(percent, 0, 100);
        Assert.InRange(Number(info, "loading_eta_seconds"), 0, 1_000_000);
        Assert.EndsWith("\r\n", info, StringComparison.Ordinal);
        var keys = Number(info, "rdb_last_load_keys_loaded");
        Assert.InRange(keys, 0, LoadedFiles.Keys);
        while (Number(client.Say("INFO persistence"), "rdb_last_load_keys_loaded") == keys) Thread.Sleep(5);
        Assert.Contains("db0:keys=", client.Say("INFO keyspace"), StringComparison.Ordinal);
        Assert.Equal("OK", client.Say("CONFIG SET key-load-delay 0"));
        Assert.Null(server.WaitForStart());
        info = client.Say("INFO persistence");
        Assert.Equal("0", Field(info, "loading"));
        Assert.DoesNotContain("loading_", info, StringComparison.Ordinal);
        Assert.Equal(LoadedFiles.Keys + 4, Number(info, "rdb_last_load_keys_loaded"));
    }

    [Theory]
    [InlineData(FileKind.Rdb, "SHUTDOWN", "1")]
    [InlineData(FileKind.Rdb, "SHUTDOWN NOSAVE", "4")]
    [InlineData(FileKind.Rdb, "SHUTDOWN SAVE", "1")]
    [InlineData(FileKind.Rdb, "SHUTDOWN SAVE", "4")]
    [InlineData(FileKind.Snapshot, "SHUTDOWN", "1")]
    [InlineData(FileKind.Snapshot, "SHUTDOWN SAVE", "4")]
    [InlineData(FileKind.Commands, "SHUTDOWN NOSAVE", "4")]
    [InlineData(FileKind.Commands, "SHUTDOWN SAVE", "1")]
    public void Shutdown_ends_the_loading_and_leaves_the_files_as_they_are(
        FileKind kind, string request, string loops)
    {
        using var files = new LoadedFiles(kind);
        var digest = files.Fill();
        var before = files.Content();
        using (var server = files.Load("--io-threads", loops, "--save", "1 1"))
        {
            using var client = server.Connect();
            client.Send(request.Split(' '));
            Assert.True(client.IsClosed());
            Assert.Null(server.WaitForStart());
            Assert.True(server.Server.ShutdownRequested.IsCompleted);
            Assert.True(server.Server.IsLoading);
            server.Server.Stop();
        }

        Assert.Equal(before, files.Content());
        using var next = files.Restart();
        using var last = new Conversation(next);
        Assert.Equal(digest, last.Say("DEBUG DIGEST"));
    }

    [Theory]
    [InlineData(FileKind.Rdb, "1")]
    [InlineData(FileKind.Snapshot, "4")]
    [InlineData(FileKind.Commands, "1")]
    public void A_shutdown_from_outside_ends_it_as_well(FileKind kind, string loops)
    {
        using var files = new LoadedFiles(kind);
        files.Fill();
        var before = files.Content();
        using var server = files.Load("--io-threads", loops);
        Assert.True(server.Server.RequestShutdown(ShutdownFlags.Save));
        Assert.Null(server.WaitForStart());
        Assert.True(server.Server.ShutdownRequested.IsCompleted);
        Assert.Equal(before, files.Content());
    }

    [Theory]
    [InlineData(FileKind.Rdb, "1")]
    [InlineData(FileKind.Rdb, "4")]
    [InlineData(FileKind.Snapshot, "1")]
    [InlineData(FileKind.Commands, "4")]
    public void Files_that_turn_out_to_be_wrong_end_the_start_and_close_clients(FileKind kind, string loops)
    {
        using var files = new LoadedFiles(kind);
        files.Fill();
        files.Damage();
        var before = files.Content();
        using var server = files.Load("--io-threads", loops);
        using var client = server.Connect();
        Assert.Equal(LoadedFiles.Loading, client.Say("GET key:1"));
        Assert.Equal("OK", client.Say("CONFIG SET key-load-delay 0"));
        Assert.True(client.IsClosed());
        Assert.Equal(files.FatalError, server.WaitForStart());
        Assert.Equal(before, files.Content());
    }

    [Fact]
    public void Nobody_is_told_of_keys_that_are_loaded_and_nothing_expires_or_is_evicted_meanwhile()
    {
        using var files = new LoadedFiles(FileKind.Rdb);
        files.Fill();
        using var server = files.Load(
            "--key-load-delay", "300", "--maxmemory", "100kb", "--maxmemory-policy", "allkeys-random");
        using var listener = server.Connect();
        using var client = server.Connect();
        Assert.Equal("OK", client.Say("CONFIG SET notify-keyspace-events KEAn"));
        listener.Say("PSUBSCRIBE __key*");
        const int Half = LoadedFiles.Keys / 2;
        while (Number(client.Say("INFO persistence"), "rdb_last_load_keys_loaded") < Half) Thread.Sleep(5);
        Assert.Equal("OK", client.Say("CONFIG SET key-load-delay 20000"));
        var info = client.Say("INFO stats");
        Assert.Equal("0", Field(info, "expired_keys"));
        Assert.Equal("0", Field(info, "evicted_keys"));
        Assert.True(listener.IsSilent());
        Assert.Equal("OK", client.Say("CONFIG SET notify-keyspace-events g"));
        Assert.Equal("OK", client.Say("CONFIG SET key-load-delay 0"));
        Assert.Null(server.WaitForStart());
        var deadline = Environment.TickCount64 + 20_000;
        while (Number(client.Say("INFO stats"), "evicted_keys") == 0) Assert.True(Environment.TickCount64 < deadline);
    }

    [Theory]
    [InlineData(FileKind.Rdb, "1")]
    [InlineData(FileKind.Rdb, "4")]
    [InlineData(FileKind.Snapshot, "4")]
    [InlineData(FileKind.Commands, "1")]
    [InlineData(FileKind.Commands, "4")]
    public void Clients_that_come_watch_look_and_go_do_no_harm(FileKind kind, string loops)
    {
        using var files = new LoadedFiles(kind);
        const int Keys = 200_000;
        var digest = files.Fill(Keys);
        using var server = files.Load("--io-threads", loops);
        var rounds = 0;
        var threads = Enumerable.Range(0, 4).Select(i => new Thread(() =>
        {
            var random = new Random(i);
            while (server.Server.IsLoading)
            {
                using var client = server.Connect();
                client.Say($"WATCH key:{Any(random)} key:{Any(random)}");
                client.Say("INFO all");
                client.Say("CONFIG SET maxmemory-policy allkeys-lru");
                client.Say("MULTI");
                client.Say("PUBLISH a b");
                client.Say("EXEC");
                client.Say($"WATCH key:{Any(random)}");
                client.Say("CLIENT LIST");
                Interlocked.Increment(ref rounds);
            }
        })).ToList();
        threads.ForEach(static one => one.Start());
        Assert.True(SpinWait.SpinUntil(() => Volatile.Read(ref rounds) > 0, 20_000));
        using (var client = server.Connect()) Assert.Equal("OK", client.Say("CONFIG SET key-load-delay 4"));
        Assert.Null(server.WaitForStart());
        threads.ForEach(static one => one.Join());
        using var last = server.Connect();
        Assert.Equal(digest, last.Say("DEBUG DIGEST"));
        var deadline = Environment.TickCount64 + 20_000;
        while (Field(last.Say("INFO clients"), "total_watched_keys") != "0")
            Assert.True(Environment.TickCount64 < deadline);

        static int Any(Random random) => random.Next(Keys);
    }
}
