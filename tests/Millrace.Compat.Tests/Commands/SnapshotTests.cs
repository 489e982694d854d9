using System.Globalization;
using Millrace.Compat.Tests.Servers;
using Millrace.Compat.Tests.Wire;

namespace Millrace.Compat.Tests.Commands;

/// <summary>SAVE, LASTSAVE and DEBUG RELOAD beside redis-server, and files that go from each server to the other.
/// </summary>
public sealed class SnapshotTests : IDisposable
{
    private const string Ok = "+OK\r\n";
    private readonly ServerPair _pair = new();
    private readonly RawConnection _redis;
    private readonly RawConnection _millrace;

    /// <summary>Fresh servers: what they find at their start is part of the test.</summary>
    public SnapshotTests()
    {
        _redis = _pair.Redis.Connect();
        _millrace = _pair.Millrace.Connect();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _redis.Dispose();
        _millrace.Dispose();
        _pair.Dispose();
    }

    [Fact]
    public void Replies_are_those_of_Redis()
    {
        foreach (string request in (string[])[
            "SET a 1", "SAVE", "SAVE x", "LASTSAVE x", "DEBUG RELOAD", "GET a", "SET a 2", "DEBUG RELOAD NOSAVE",
            "GET a", "SET b 1", "SET a 3", "DEBUG RELOAD nosave noflush merge", "MGET a b", "DEBUG RELOAD now",
            "MULTI", "SAVE", "EXEC", "MULTI", "SET c 1", "DEBUG RELOAD", "INCR c", "EXEC", "DEBUG DIGEST",
            "DEBUG SET-SKIP-CHECKSUM-VALIDATION", "DEBUG SET-SKIP-CHECKSUM-VALIDATION 1",
            "RESTORE d 0 \0\u0003abc\n\0xxxxxxxx", "GET d", "DEBUG SET-SKIP-CHECKSUM-VALIDATION 0",
            "RESTORE e 0 \0\u0003abc\n\0xxxxxxxx", "CONFIG SET shutdown-on-sigint save",
            "CONFIG GET shutdown-on-sigint", "CONFIG GET rdbchecksum", "CONFIG GET dbfilename",
            "CONFIG SET dbfilename x", "CONFIG SET rdbchecksum no"])
        {
            string[] words = request.Split(' ');
            Assert.Equal(_redis.Ask(words), _millrace.Ask(words));
        }

        long theirs = Number(_redis.Ask("LASTSAVE"));
        Assert.InRange(Number(_millrace.Ask("LASTSAVE")) - theirs, -60, 60);
    }

    [Fact]
    public void Changes_since_the_last_save_are_counted_alike()
    {
        bool inTransaction = false;
        foreach (string request in (string[])[
            "MSET a 1 b 2", "SAVE", "SADD s 1 2 3", "FLUSHALL", "SET a 1", "DEBUG RELOAD", "DEL a", "CONFIG RESETSTAT",
            "SAVE", "SET a 1", "DEBUG RELOAD NOSAVE", "SAVE", "SAVE", "MULTI", "SET a 1", "DEBUG RELOAD", "SET a 2",
            "EXEC"])
        {
            string[] words = request.Split(' ');
            Assert.Equal(_redis.Ask(words), _millrace.Ask(words));
            inTransaction = words[0] switch { "MULTI" => true, "EXEC" => false, _ => inTransaction };
            if (inTransaction) continue;
            foreach (string field in (string[])[
                "rdb_changes_since_last_save", "rdb_saves", "rdb_last_bgsave_status", "rdb_last_load_keys_loaded",
                "rdb_last_load_keys_expired", "loading"])
                Assert.Equal((request, field, Field(_redis, field)), (request, field, Field(_millrace, field)));
        }
    }

    [Fact]
    public void Replies_where_the_file_cannot_be_written_or_read_are_those_of_Redis_7_2()
    {
        foreach (RawConnection one in (RawConnection[])[_redis, _millrace])
        {
            one.Ask("SET", "a", "1");
            Directory.CreateDirectory(Path.Combine(FileOf(one), "full"));
        }

        foreach (string request in (string[])[
            "SAVE", "DEBUG RELOAD", "GET a", "SHUTDOWN SAVE", "SHUTDOWN SAVE NOW", "GET a", "SHUTDOWN SAVE ABORT"])
        {
            string[] words = request.Split(' ');
            Assert.Equal(_redis.Ask(words), _millrace.Ask(words));
        }

        foreach (RawConnection one in (RawConnection[])[_redis, _millrace])
        {
            Directory.Delete(FileOf(one), recursive: true);
            File.WriteAllBytes(FileOf(one), [.. "no such file"u8]);
        }

        // 7.2 has more words than 7.0.15.
        Assert.Equal("-ERR Error trying to load the RDB dump\r\n", _redis.Ask("DEBUG", "RELOAD", "NOSAVE"));
        Assert.Equal(
            "-ERR Error trying to load the RDB dump, check server logs.\r\n",
            _millrace.Ask("DEBUG", "RELOAD", "NOSAVE"));
        Assert.Equal(_redis.Ask("DBSIZE"), _millrace.Ask("DBSIZE"));
    }

    [Theory]
    [InlineData("noeviction")]
    [InlineData("allkeys-lru")]
    [InlineData("allkeys-lfu")]
    public void Files_go_from_each_server_to_the_other(string policy)
    {
        Assert.Equal(Ok, _millrace.Ask("CONFIG", "SET", "rdb-version", "10"));
        foreach (RawConnection one in (RawConnection[])[_redis, _millrace])
        {
            Assert.Equal(Ok, one.Ask("CONFIG", "SET", "maxmemory-policy", policy));
            Fill(one);
        }

        string digest = _redis.Ask("DEBUG", "DIGEST");
        Assert.Equal(digest, _millrace.Ask("DEBUG", "DIGEST"));
        foreach ((RawConnection from, RawConnection to) in (
            (RawConnection, RawConnection)[])[(_redis, _millrace), (_millrace, _redis), (_redis, _millrace)])
        {
            string[] before = Describe(from);
            Assert.Equal(Ok, from.Ask("SAVE"));
            to.Ask("FLUSHALL");
            File.Copy(FileOf(from), FileOf(to), overwrite: true);
            Assert.Equal(Ok, to.Ask("DEBUG", "RELOAD", "NOSAVE"));
            Assert.Equal(digest, to.Ask("DEBUG", "DIGEST"));
            Assert.Equal(before, Describe(to));
        }
    }

    [Fact]
    public void A_server_starts_with_the_file_of_the_other()
    {
        Fill(_redis);
        Assert.Equal(Ok, _redis.Ask("SAVE"));
        string digest = _redis.Ask("DEBUG", "DIGEST");
        string directory = Path.GetDirectoryName(FileOf(_redis))!;
        using ServerProcess next = ServerProcess.StartMillrace("--dir", directory, "--rdb-version", "10");
        using RawConnection started = next.Connect();
        Assert.Equal(digest, started.Ask("DEBUG", "DIGEST"));
        Assert.Contains("Loading RDB produced by version 7.0.15", next.Log, StringComparison.Ordinal);
        started.Ask("SET", "more", "x");
        Assert.Equal(Ok, started.Ask("SAVE"));
        digest = started.Ask("DEBUG", "DIGEST");
        using ServerProcess last = ServerProcess.StartRedis("--dir", directory);
        using RawConnection reread = last.Connect();
        Assert.Equal(digest, reread.Ask("DEBUG", "DIGEST"));
        Assert.Contains("Loading RDB produced by version 7.2.4", last.Log, StringComparison.Ordinal);
    }

    private static void Fill(RawConnection one)
    {
        one.Ask("FLUSHALL");
        foreach (string database in (string[])["0", "5"])
        {
            one.Ask("SELECT", database);
            one.Ask("SET", "text", "hello");
            one.Ask("SET", "number", "-12345");
            one.Ask("SET", "large", string.Concat(Enumerable.Range(0, 30_000)));
            one.Ask("SET", "expiring", "x", "PXAT", "32503680000000");
            one.Ask("RPUSH", "list", "a", "1", new string('x', 9_000));
            one.Ask("SADD", "integers", "1", "2", "-70000");
            one.Ask("ZADD", "scores", "1", "a", "2.5", "b");
            one.Ask("HSET", "hash", "f", "1", "g", "hello");
            for (int i = 0; i < 600; i++)
            {
                string text = i.ToString(CultureInfo.InvariantCulture);
                one.Ask("RPUSH", "longlist", text);
                one.Ask("SADD", "members", "m" + text);
                one.Ask("ZADD", "longscores", text, "m" + text);
                one.Ask("HSET", "longhash", "f" + text, text);
                one.Ask("XADD", "stream", $"{i + 1}-0", "field", text);
            }

            one.Ask("XGROUP", "CREATE", "stream", "group", "5-0");
            one.Ask("EXPIREAT", "longhash", "32503680000");
        }

        one.Ask("SELECT", "0");
    }

    // What the digest leaves out. In 7.0.15 short lists have an encoding that 7.2 keeps for long ones.
    private static string[] Describe(RawConnection one) =>
    [
        .. ((string[])["list", "integers", "members", "scores", "longscores", "hash", "longhash", "text"])
            .Select(key => key + one.Ask("OBJECT", "ENCODING", key)),
        one.Ask("PEXPIRETIME", "expiring"), one.Ask("PEXPIRETIME", "longhash"), one.Ask("PEXPIRETIME", "text"),
        one.Ask("XINFO", "GROUPS", "stream"),
    ];

    private static string FileOf(RawConnection one)
    {
        string directory = one.Ask("CONFIG", "GET", "dir").Split("\r\n")[4];
        return Path.Combine(directory, "dump.rdb");
    }

    private static long Number(string reply) => long.Parse(reply.Trim()[1..], CultureInfo.InvariantCulture);

    private static string Field(RawConnection one, string name)
    {
        string text = one.Ask("INFO", "persistence");
        int at = text.IndexOf("\n" + name + ":", StringComparison.Ordinal);
        return text[at..text.IndexOf('\r', at)];
    }
}
