using System.Diagnostics;
using Millrace.Server.Tests.Config;

namespace Millrace.Server.Tests.Persistence;

/// <summary>Append-only files that a real redis-server loads and goes on with, and the other way round.</summary>
public sealed class AofExchangeTests : IDisposable
{
    private readonly SnapshotDirectory _directory = new();
    private string _preamble = "";

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData(false, "yes")]
    [InlineData(true, "yes")]
    [InlineData(true, "no")]
    public void Files_go_back_and_forth(bool rewrites, string usesSnapshots)
    {
        _preamble = usesSnapshots;
        string digest;
        using (var server = Start())
        {
            using var client = new Conversation(server);
            Fill(words => client.SayWords(words), round: 1);
            if (rewrites) RewriteHere(client);
            Fill(words => client.SayWords(words), round: 2);
            digest = client.Say("DEBUG DIGEST");
        }

        Check();
        using (var redis = StartRedis())
        {
            Assert.Equal("+" + digest, redis.Call("DEBUG", "DIGEST"));
            Fill(redis.Call, round: 3);
            if (rewrites) RewriteThere(redis);
            Fill(redis.Call, round: 4);
            digest = redis.Call("DEBUG", "DIGEST")[1..];
        }

        using (var server = Start())
        {
            using var client = new Conversation(server);
            Assert.Equal(digest, client.Say("DEBUG DIGEST"));
            Fill(words => client.SayWords(words), round: 5);
            digest = client.Say("DEBUG DIGEST");
        }

        Check();
        using (var redis = StartRedis()) Assert.Equal("+" + digest, redis.Call("DEBUG", "DIGEST"));
    }

    private InProcessServer Start() => _directory.Start(
        "--appendonly", "yes", "--appendfsync", "always", "--rdb-version", "10", "--auto-aof-rewrite-percentage", "0",
        "--aof-use-rdb-preamble", _preamble);

    private RedisServer StartRedis()
    {
        var redis = RedisServer.Start(
            $"dir {_directory.FullPath}\nappendonly yes\nappendfsync always\nenable-debug-command yes\n"
            + $"auto-aof-rewrite-percentage 0\naof-use-rdb-preamble {_preamble}\n");
        Assert.True(SpinWait.SpinUntil(() => !redis.Call("PING").StartsWith("LOADING"), 20_000));
        return redis;
    }

    private static void RewriteHere(Conversation client)
    {
        client.Say("BGREWRITEAOF");
        Assert.True(SpinWait.SpinUntil(
            () => client.Say("INFO persistence").Contains("aof_rewrite_in_progress:0"), 20_000));
    }

    private static void RewriteThere(RedisServer redis)
    {
        redis.Call("BGREWRITEAOF");
        Assert.True(SpinWait.SpinUntil(
            () => redis.Call("INFO", "persistence").Contains("aof_rewrite_in_progress:0"), 20_000));
    }

    // The checker of Redis finds nothing.
    private void Check()
    {
        var manifest = Path.Combine(_directory.FullPath, "appendonlydir", "appendonly.aof.manifest");
        using var process = Process.Start(new ProcessStartInfo("redis-check-aof", [manifest])
        {
            RedirectStandardOutput = true,
        })!;
        var text = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, text);
        Assert.Contains("All AOF files and manifest are valid", text);
    }

    private static void Fill(Func<string[], string> say, int round)
    {
        void Run(string words) => say(words.Split(' '));
        Run($"SET string:{round} {round}");
        Run($"APPEND text {new string('x', 5000)}");
        Run($"SETEX expiring:{round} 10000 v");
        Run($"RPUSH list a b {round}");
        Run("LPOP list");
        Run("SADD set " + string.Join(' ', Enumerable.Range(0, 300).Select(i => $"m{i * round}")));
        Run("SPOP set 2");
        Run($"SADD ints {round} 7 {round * 1000000}");
        Run($"HSET hash f{round} v g 2");
        Run("HINCRBYFLOAT hash real 0.25");
        Run($"ZADD zset {round} a 2.5 b{round}");
        Run("ZPOPMIN zset");
        Run($"XADD stream * f {round}");
        Run($"XADD stream MAXLEN ~ 1000 LIMIT 10 * f {round}");
        if (round == 1) Run("XGROUP CREATE stream g 0");
        Run("XREADGROUP GROUP g c COUNT 1 STREAMS stream >");
        Run("GEOADD geo 13.361389 38.115556 Palermo");
        Run($"PFADD hll a{round} b c");
        if (round % 2 == 1) Run("PFCOUNT hll");
        Run("MULTI");
        Run("INCR counter");
        Run($"SELECT {round}");
        Run("INCR counter");
        Run("EXEC");
        Run($"SET moved{round} x");
        Run($"MOVE moved{round} 0");
        Run("SELECT 0");
        Run($"COPY text copy:{round}");
        Run($"RENAME copy:{round} renamed");
        Run($"GETDEL string:{round}");
    }
}
