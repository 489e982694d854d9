using System.Diagnostics;
using System.Globalization;
using System.Text;
using Millrace.Commands.Tests.Driver;
using Millrace.Compat.Tests.Servers;
using Millrace.Compat.Tests.Wire;
using Millrace.Engine;
using Millrace.Engine.Codec;
using Millrace.Persistence.Files;
using Millrace.Persistence.Rdb;

namespace Millrace.Persistence.Tests.Rdb;

/// <summary>Files from a real redis-server 7.0.15 to us, and from us to it: equal by DEBUG DIGEST, deadline by
/// deadline.</summary>
public sealed class RedisFileTests : IDisposable
{
    private const string Ok = "+OK\r\n";
    private readonly string _directory = Directory.CreateTempSubdirectory("millrace-redis-rdb-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Theory]
    [InlineData("noeviction", "yes", "yes")]
    [InlineData("allkeys-lru", "no", "yes")]
    [InlineData("allkeys-lfu", "yes", "no")]
    public void What_redis_has_saved_is_loaded(string policy, string compresses, string hasChecksum)
    {
        using var redis = ServerProcess.StartRedis(
            "--dir", _directory, "--maxmemory-policy", policy, "--rdbcompression", compresses,
            "--rdbchecksum", hasChecksum, "--maxmemory", "1000mb", "--lfu-decay-time", "0");
        using var connection = redis.Connect();
        Fill(connection, 500);
        Assert.Equal(Ok, connection.Ask("SAVE"));
        using var ours = new RdbKeyspace(partitions: 4);
        ours.Driver.NowMs = NowOf(connection);
        ours.Keyspace.AccessClock = new AccessClock(countsFrequency: policy == "allkeys-lfu");
        var outcome = Load(ours);
        Assert.True(outcome.IsComplete, outcome.Fault.ToString());
        Assert.Equal(hasChecksum == "yes", outcome.IsVerified);
        Assert.Equal(new FileInfo(Path.Combine(_directory, "dump.rdb")).Length, outcome.EndOffset);
        Assert.Contains(("redis-ver", "7.0.15"), ours.Loaded!.Fields);
        Compare(connection, ours);
        if (policy == "allkeys-lfu")
            Assert.Equal(connection.Ask("OBJECT", "FREQ", "used"), ours.Run(0, "OBJECT", "FREQ", "used"));
    }

    [Theory]
    [InlineData(1, true, true)]
    [InlineData(64, false, false)]
    public void What_we_have_saved_redis_checks_and_loads(int partitions, bool compresses, bool hasChecksum)
    {
        using var ours = new RdbKeyspace(partitions);
        ours.Driver.NowMs = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
        var limits = new MemoryLimits { Bytes = 1L << 40, Policy = EvictionPolicy.AllKeysLru };
        ours.Keyspace.Budget.Begin(limits, new Gate());
        var random = new Random(5);
        for (var i = 0; i < 200; i++)
        {
            var key = "key" + Text(i);
            foreach (var request in RandomValue.Draw(random, key))
                if (request[0] != "HPEXPIREAT") ours.Run(i % 4, request);
            if (i % 5 == 0) ours.Run(i % 4, "PEXPIRE", key, Text(1_000_000 + i));
        }

        var format = new RdbFormat(RdbFormat.OldestVersion, compresses);
        File.WriteAllBytes(Path.Combine(_directory, "dump.rdb"), ours.Save(format, hasChecksum: hasChecksum));
        Assert.Contains("RDB looks OK!", Check(), StringComparison.Ordinal);
        using var redis = ServerProcess.StartRedis("--dir", _directory);
        using var connection = redis.Connect();
        Compare(connection, ours);

        // And what redis makes of it comes back.
        Assert.Equal(Ok, connection.Ask("SAVE"));
        using var again = new RdbKeyspace();
        again.Driver.NowMs = ours.Driver.NowMs;
        Assert.True(Load(again).IsComplete);
        Assert.Equal(ours.Digest(), again.Digest());
        Assert.Equal(ours.Details(), again.Details());
    }

    [Fact]
    public void The_base_of_an_append_only_file_ends_where_its_commands_begin()
    {
        using (var redis = ServerProcess.StartRedis("--dir", _directory, "--appendonly", "yes"))
        {
            using var connection = redis.Connect();
            Fill(connection, 50);
            Assert.StartsWith("+", connection.Ask("BGREWRITEAOF"), StringComparison.Ordinal);
            const string Done = "aof_rewrite_in_progress:0";
            var clock = Stopwatch.StartNew();
            while (!connection.Ask("INFO", "persistence").Contains(Done, StringComparison.Ordinal)
                && clock.Elapsed < TimeSpan.FromSeconds(20))
                Thread.Sleep(50);
        }

        var path = Directory.GetFiles(Path.Combine(_directory, "appendonlydir"), "*.base.rdb")
            .Order(StringComparer.Ordinal).Last();
        var rdb = File.ReadAllBytes(path);
        File.WriteAllBytes(Path.Combine(_directory, "dump.rdb"), [.. rdb, .. "*1\r\n$4\r\nPING\r\n"u8]);
        using var ours = new RdbKeyspace();
        var outcome = Load(ours);
        Assert.True(outcome.IsComplete, outcome.Fault.ToString());
        Assert.Equal(rdb.Length, outcome.EndOffset);
        Assert.Contains(("aof-base", "1"), ours.Loaded!.Fields);
    }

    private static void Fill(RawConnection connection, int keys)
    {
        var random = new Random(3);
        for (var i = 0; i < keys; i++)
        {
            var key = "key" + Text(i);
            connection.Call("SELECT", Text(i % 4));
            foreach (var request in RandomValue.Draw(random, key))
                if (request[0] != "HPEXPIREAT") connection.Call(request);
            if (i % 5 == 0) connection.Call("PEXPIRE", key, Text(1_000_000 + i));
        }

        connection.Call("SELECT", "0");
        Assert.Equal(Ok, connection.Ask("SET", "used", "value"));
        for (var i = 0; i < 200; i++) connection.Call("GET", "used");
        connection.Call("FUNCTION", "LOAD", "#!lua name=one\nredis.register_function('f', function() return 1 end)");
    }

    private static void Compare(RawConnection redis, RdbKeyspace ours)
    {
        Assert.Equal($"+{ours.Digest().ToLowerInvariant()}\r\n", redis.Ask("DEBUG", "DIGEST"));
        for (var database = 0; database < 4; database++)
        {
            redis.Call("SELECT", Text(database));
            Assert.Equal(redis.Ask("DBSIZE"), ours.Run(database, "DBSIZE"));
            for (var i = database; i < 500; i += 4)
            {
                var key = "key" + Text(i);
                Assert.Equal(redis.Ask("PEXPIRETIME", key), ours.Run(database, "PEXPIRETIME", key));
                Assert.Equal(redis.Ask("TYPE", key), ours.Run(database, "TYPE", key));
            }
        }

        redis.Call("SELECT", "0");
    }

    private static long NowOf(RawConnection redis)
    {
        var parts = redis.Ask("TIME").Split("\r\n");
        return (long.Parse(parts[2], CultureInfo.InvariantCulture) * 1000)
            + (long.Parse(parts[4], CultureInfo.InvariantCulture) / 1000);
    }

    private RdbOutcome Load(RdbKeyspace keyspace)
    {
        var files = new DiskFileSystem();
        Assert.Null(files.Open(Path.Combine(_directory, "dump.rdb"), out var file));
        using (file) return keyspace.Load(new RdbInput(file!));
    }

    private string Check()
    {
        var start = new ProcessStartInfo(ServerFiles.Tool("redis-check-rdb")) { RedirectStandardOutput = true };
        start.ArgumentList.Add(Path.Combine(_directory, "dump.rdb"));
        using var process = Process.Start(start)!;
        var text = new StringBuilder(process.StandardOutput.ReadToEnd());
        process.WaitForExit();
        return text.ToString();
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private sealed class Gate : IMemoryGate
    {
        public bool IsClosed { get; set; }
    }
}
