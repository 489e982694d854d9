using System.Globalization;
using Millrace.Server.Config;
using Millrace.Server.Persistence;

namespace Millrace.Server.Tests.Persistence;

/// <summary>What clients meet while an append-only file is loaded.</summary>
public sealed class AofLoadingTests : IDisposable
{
    private const string Loading = "LOADING Redis is loading the dataset in memory";
    private const int Keys = 2_000;

    private readonly SnapshotDirectory _directory = new();

    private string Files => Path.Combine(_directory.FullPath, "appendonlydir");

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData("1", "yes")]
    [InlineData("4", "yes")]
    [InlineData("1", "no")]
    [InlineData("4", "no")]
    public void Clients_are_told_so_and_find_everything_afterwards(string loops, string usesSnapshot)
    {
        var digest = Fill("--aof-use-rdb-preamble", usesSnapshot);
        using var server = Load("--io-threads", loops, "--key-load-delay", "100000");
        using var listener = server.Connect();
        using var client = server.Connect();
        string[] refused = ["GET key:1", "PING", "SET a 1", "BGREWRITEAOF", "WAITAOF 1 0 0", "DEBUG LOADAOF"];
        foreach (var request in refused) Assert.Equal(Loading, client.Say(request));
        Assert.Equal("OK", client.Say("CONFIG SET notify-keyspace-events KEA"));
        listener.Say("PSUBSCRIBE __key*");
        Assert.Equal("OK", client.Say("WATCH key:1 key:2"));
        AwaitProgress(client);
        var info = client.Say("INFO persistence");
        Assert.Contains("\r\nloading:1\r\n", info, StringComparison.Ordinal);
        Assert.Contains("\r\naof_enabled:1\r\n", info, StringComparison.Ordinal);
        Assert.Equal(AofBytes(), Number(info, "loading_total_bytes"));
        Assert.InRange(Number(info, "loading_loaded_bytes"), 1, AofBytes());
        Assert.Contains("db0:keys=", client.Say("INFO keyspace"), StringComparison.Ordinal);
        Assert.True(listener.IsSilent());
        Assert.Equal("OK", client.Say("CONFIG SET key-load-delay 0"));
        Assert.Null(server.WaitForStart());
        Assert.Equal(digest, client.Say("DEBUG DIGEST"));
        Assert.Equal("OK", client.Say("SET after 1"));
        Assert.Equal("[pmessage __key* __keyspace@0__:after set]", listener.Read());
        digest = client.Say("DEBUG DIGEST");
        server.Server.Stop();
        using var next = _directory.Start("--appendonly", "yes");
        using var last = new Conversation(next);
        Assert.Equal(digest, last.Say("DEBUG DIGEST"));
    }

    [Theory]
    [InlineData("SHUTDOWN", "1", "yes")]
    [InlineData("SHUTDOWN NOSAVE", "4", "no")]
    [InlineData("SHUTDOWN SAVE", "4", "yes")]
    [InlineData("SHUTDOWN SAVE", "1", "no")]
    public void Shutdown_ends_it_and_leaves_the_files_as_they_are(string request, string loops, string usesSnapshot)
    {
        var digest = Fill("--aof-use-rdb-preamble", usesSnapshot);
        var before = Content();
        using (var server = Load("--io-threads", loops, "--key-load-delay", "100000", "--save", "1 1"))
        {
            using var client = server.Connect();
            client.Send(request.Split(' '));
            Assert.True(client.IsClosed());
            Assert.Null(server.WaitForStart());
            Assert.True(server.Server.ShutdownRequested.IsCompleted);
            Assert.True(server.Server.IsLoading);
            server.Server.Stop();
        }

        Assert.Equal(before, Content());
        Assert.False(File.Exists(_directory.File));
        using var next = _directory.Start("--appendonly", "yes");
        using var last = new Conversation(next);
        Assert.Equal(digest, last.Say("DEBUG DIGEST"));
    }

    [Theory]
    [InlineData("1")]
    [InlineData("4")]
    public void A_shutdown_from_outside_ends_it_as_well(string loops)
    {
        Fill();
        var before = Content();
        using var server = Load("--io-threads", loops, "--key-load-delay", "100000");
        Assert.True(server.Server.RequestShutdown(ShutdownFlags.Save));
        Assert.Null(server.WaitForStart());
        Assert.Equal(before, Content());
    }

    [Theory]
    [InlineData("1")]
    [InlineData("4")]
    public void Files_that_turn_out_to_be_wrong_end_the_start_and_close_clients(string loops)
    {
        Fill();
        File.AppendAllText(Path.Combine(Files, "appendonly.aof.2.incr.aof"), "*1\r\n$9\r\nNOTHING:)\r\n");
        var before = Content();
        using var server = Load("--io-threads", loops, "--key-load-delay", "100000");
        using var client = server.Connect();
        Assert.Equal(Loading, client.Say("GET key:1"));
        Assert.Equal("OK", client.Say("CONFIG SET key-load-delay 0"));
        Assert.True(client.IsClosed());
        Assert.Equal(AppendOnly.FatalError, server.WaitForStart());
        Assert.Equal(before, Content());
    }

    [Theory]
    [InlineData("1")]
    [InlineData("4")]
    public void Clients_that_come_watch_look_and_go_do_no_harm(string loops)
    {
        var digest = Fill("--aof-use-rdb-preamble", "no");
        using var server = Load("--io-threads", loops, "--key-load-delay", "100000");
        var rounds = 0;
        var threads = Enumerable.Range(0, 3).Select(i => new Thread(() =>
        {
            var random = new Random(i);
            while (server.Server.IsLoading)
            {
                using var client = server.Connect();
                client.Say($"WATCH key:{random.Next(Keys)} key:{random.Next(Keys)}");
                client.Say("INFO all");
                client.Say("CONFIG SET maxmemory-policy allkeys-lru");
                client.Say("CLIENT LIST");
                Interlocked.Increment(ref rounds);
            }
        })).ToList();
        threads.ForEach(static one => one.Start());
        Assert.True(SpinWait.SpinUntil(() => Volatile.Read(ref rounds) > 0, 20_000));
        using (var client = server.Connect()) Assert.Equal("OK", client.Say("CONFIG SET key-load-delay -5"));
        Assert.Null(server.WaitForStart());
        threads.ForEach(static one => one.Join());
        using var last = server.Connect();
        Assert.Equal(digest, last.Say("DEBUG DIGEST"));
    }

    // A base, and an increment with transactions.
    private string Fill(params string[] directives)
    {
        using var server = _directory.Start(["--appendonly", "yes", .. directives]);
        using var client = new Conversation(server);
        for (var i = 0; i < Keys / 2; i++) client.Say($"SET key:{i} value:{i}");
        client.Say("RPUSH list a b c");
        Assert.StartsWith("Background", client.Say("BGREWRITEAOF"), StringComparison.Ordinal);
        while (Number(client.Say("INFO persistence"), "aof_rewrite_in_progress") == 1) Thread.Sleep(1);
        for (var i = Keys / 2; i < Keys; i++) client.Say($"SET key:{i} value:{i}");
        for (var i = 0; i < 100; i++)
        {
            client.Say("MULTI");
            client.Say($"HSET hash field:{i} {i}");
            client.Say("INCR counter");
            client.Say("EXEC");
        }

        return client.Say("DEBUG DIGEST");
    }

    private LoadingServer Load(params string[] directives) =>
        new(_directory, ["--appendonly", "yes", "--enable-protected-configs", "yes", .. directives]);

    private static void AwaitProgress(Conversation client)
    {
        while (Number(client.Say("INFO persistence"), "loading_loaded_bytes") == 0) Thread.Sleep(1);
        while (!client.Say("INFO keyspace").Contains("db0:keys=", StringComparison.Ordinal)) Thread.Sleep(1);
    }

    private long AofBytes() => Directory.GetFiles(Files)
        .Where(static path => !path.EndsWith(".manifest", StringComparison.Ordinal))
        .Sum(static path => new FileInfo(path).Length);

    private List<(string? Name, string Bytes)> Content() =>
    [
        .. Directory.GetFiles(Files).Order().Select(static path =>
            (Path.GetFileName(path), Convert.ToHexString(File.ReadAllBytes(path)))),
    ];

    private static long Number(string info, string name)
    {
        var at = info.IndexOf("\n" + name + ":", StringComparison.Ordinal);
        Assert.True(at >= 0, name);
        at += name.Length + 2;
        return long.Parse(info[at..info.IndexOf('\r', at)], CultureInfo.InvariantCulture);
    }
}
