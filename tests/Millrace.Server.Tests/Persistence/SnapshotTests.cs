using System.Globalization;
using Millrace.Server.Persistence;

namespace Millrace.Server.Tests.Persistence;

/// <summary>SAVE, LASTSAVE and what the next server finds.</summary>
public sealed class SnapshotTests : IDisposable
{
    private readonly SnapshotDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData("1", "2")]
    [InlineData("2", "1")]
    [InlineData("4", "4")]
    public void What_one_server_has_saved_the_next_one_has(string loops, string loopsOfNext)
    {
        string digest;
        using (var server = _directory.Start("--io-threads", loops))
        {
            using var client = new Conversation(server);
            Fill(client);
            Assert.Equal("OK", client.Say("SAVE"));
            digest = client.Say("DEBUG DIGEST");
            client.Say("SET later x");
        }

        using (var server = _directory.Start("--io-threads", loopsOfNext))
        {
            using var client = new Conversation(server);
            Assert.Equal(digest, client.Say("DEBUG DIGEST"));
            Assert.Equal("listpack", client.Say("OBJECT ENCODING list"));
            Assert.Equal("hashtable", client.Say("OBJECT ENCODING set"));
            Assert.InRange(long.Parse(client.Say("PTTL expiring"), CultureInfo.InvariantCulture), 900_000, 1_000_000);
            Assert.Equal("(nil)", client.Say("GET later"));
            client.Say("SELECT 7");
            Assert.Equal("x", client.Say("GET elsewhere"));
            Assert.Contains("\r\nrdb_last_load_keys_loaded:706\r\n", client.Say("INFO persistence"));
            Assert.Contains("\r\nrdb_changes_since_last_save:0\r\n", client.Say("INFO persistence"));
        }
    }

    [Fact]
    public void Save_counts_changes_anew_and_its_time_is_known()
    {
        using var server = _directory.Start();
        using var client = new Conversation(server);
        var started = long.Parse(client.Say("LASTSAVE"), CultureInfo.InvariantCulture);
        Assert.InRange(DateTimeOffset.UtcNow.ToUnixTimeSeconds() - started, 0, 60);
        client.Say("MSET a 1 b 2");
        var info = client.Say("INFO persistence");
        Assert.Contains("\r\nrdb_changes_since_last_save:2\r\n", info);
        Assert.Contains($"\r\nrdb_last_save_time:{started}\r\n", info);
        Assert.Contains("\r\nrdb_saves:0\r\n", info);
        while (DateTimeOffset.UtcNow.ToUnixTimeSeconds() == started) Thread.Sleep(50);

        Assert.Equal("OK", client.Say("SAVE"));
        var saved = long.Parse(client.Say("LASTSAVE"), CultureInfo.InvariantCulture);
        Assert.True(saved > started);
        info = client.Say("INFO persistence");
        Assert.Contains("\r\nrdb_changes_since_last_save:0\r\n", info);
        Assert.Contains($"\r\nrdb_last_save_time:{saved}\r\n", info);
        Assert.Contains("\r\nrdb_saves:1\r\n", info);
        client.Say("CONFIG RESETSTAT");
        Assert.Contains("\r\nrdb_saves:0\r\n", client.Say("INFO persistence"));
        client.Say("DEL a");
        Assert.Contains("\r\nrdb_changes_since_last_save:1\r\n", client.Say("INFO persistence"));
    }

    [Fact]
    public void Save_that_fails_says_ERR_and_leaves_everything_as_it_was()
    {
        using var server = _directory.Start();
        using var client = new Conversation(server);
        client.Say("SET a 1");
        _directory.Obstruct();
        Assert.Equal("ERR", client.Say("SAVE"));
        Assert.Contains("\r\nrdb_changes_since_last_save:1\r\n", client.Say("INFO persistence"));
        Assert.Empty(Directory.GetFiles(_directory.FullPath));
        Assert.Equal("1", client.Say("GET a"));
    }

    [Theory]
    [InlineData("yes", 12)]
    [InlineData("no", 300)]
    public void The_directives_say_where_and_how_it_is_written(string compresses, int mostOfText)
    {
        using var server = _directory.Start(
            "--dbfilename", "other.rdb", "--rdb-version", "10", "--rdbcompression", compresses, "--rdbchecksum", "no");
        using var client = new Conversation(server);
        client.SayWords("SET", "a", new string('x', 300));
        Assert.Equal("OK", client.Say("SAVE"));
        var bytes = File.ReadAllBytes(Path.Combine(_directory.FullPath, "other.rdb"));
        Assert.Equal("REDIS0010"u8, bytes.AsSpan(0, 9));
        Assert.Equal(new byte[8], bytes[^8..]);
        Assert.InRange(bytes.Length, mostOfText, mostOfText + 150);
        Assert.False(File.Exists(_directory.File));
    }

    [Fact]
    public void What_the_version_has_no_form_for_is_not_left_out()
    {
        using var server = _directory.Start("--rdb-version", "10");
        using var client = new Conversation(server);
        client.Say("HSET hash f 1");
        Assert.Equal("OK", client.Say("SAVE"));
        var before = File.ReadAllBytes(_directory.File);
        client.Say("HEXPIRE hash 1000 FIELDS 1 f");
        Assert.Equal("ERR", client.Say("SAVE"));
        Assert.Equal(before, File.ReadAllBytes(_directory.File));
        Assert.Single(Directory.GetFiles(_directory.FullPath));
    }

    [Fact]
    public void A_name_that_is_none_is_taken_as_in_Redis_and_nothing_is_saved_under_it()
    {
        using var server = _directory.Start("--enable-protected-configs", "yes");
        using var client = new Conversation(server);
        foreach (var path in (string[])["a/b", @"a\b", "../dump.rdb"])
        {
            Assert.EndsWith(
                "- dbfilename can't be a path, just a filename",
                client.SayWords("CONFIG", "SET", "dbfilename", path),
                StringComparison.Ordinal);
        }

        foreach (var name in (string[])["", ".."])
        {
            Assert.Equal("OK", client.SayWords("CONFIG", "SET", "dbfilename", name));
            Assert.Equal("ERR", client.Say("SAVE"));
        }

        Assert.Empty(Directory.GetFileSystemEntries(_directory.FullPath));
        using var nameless = _directory.Start("--dbfilename", "");
    }

    [Fact]
    public void Keys_and_fields_that_expire_before_the_next_start_are_not_there_then()
    {
        using (var server = _directory.Start())
        {
            using var client = new Conversation(server);
            client.Say("SET soon x PX 1500");
            client.Say("SET later x PX 300000");
            client.Say("HSET hash f 1 g 2");
            client.Say("HPEXPIRE hash 1500 FIELDS 1 f");
            Assert.Equal("OK", client.Say("SAVE"));
        }

        Thread.Sleep(1600);
        using (var server = _directory.Start())
        {
            using var client = new Conversation(server);
            Assert.Equal("2", client.Say("DBSIZE"));
            Assert.Equal("[g 2]", client.Say("HGETALL hash"));
            Assert.Contains("\r\nrdb_last_load_keys_expired:1\r\n", client.Say("INFO persistence"));
            Assert.Contains("\r\nrdb_last_load_keys_loaded:2\r\n", client.Say("INFO persistence"));
        }
    }

    [Theory]
    [InlineData("SAVE", "1")]
    [InlineData("BGSAVE", "1")]
    [InlineData("BGSAVE", "4")]
    public void Keys_that_have_expired_and_are_still_there_are_saved_and_dropped_by_who_loads_them(
        string command, string loops)
    {
        using (var server = _directory.Start("--io-threads", loops))
        {
            using var client = new Conversation(server);
            client.Say("DEBUG SET-ACTIVE-EXPIRE 0");
            for (var i = 0; i < 100; i++) client.Say($"SET gone:{i} x PX 1");
            client.Say("HSET hash f 1");
            client.Say("HPEXPIRE hash 1 FIELDS 1 f"); // nothing is left of it that could be saved
            client.Say("SET stays x");
            Thread.Sleep(20);
            client.Say(command);
            Assert.True(SpinWait.SpinUntil(() => File.Exists(_directory.File), 20_000));
        }

        using (var server = _directory.Start())
        {
            using var client = new Conversation(server);
            Assert.Equal("1", client.Say("DBSIZE"));
            Assert.Contains("\r\nrdb_last_load_keys_expired:100\r\n", client.Say("INFO persistence"));
        }
    }

    [Fact]
    public void Keys_that_were_loaded_expire_by_themselves()
    {
        using (var server = _directory.Start())
        {
            using var client = new Conversation(server);
            client.Say("SET soon x PX 3000");
            Assert.Equal("OK", client.Say("SAVE"));
        }

        using (var server = _directory.Start())
        {
            using var client = new Conversation(server);
            Assert.Equal("1", client.Say("DBSIZE"));
            var deadline = Environment.TickCount64 + 20_000;
            while (client.Say("DBSIZE") == "1") Assert.True(Environment.TickCount64 < deadline);
        }
    }

    [Fact]
    public void Save_is_of_one_moment_while_others_write()
    {
        using (var server = _directory.Start("--io-threads", "4"))
        {
            using var saver = new Conversation(server);
            var writers = Enumerable.Range(0, 4).Select(_ => new Conversation(server)).ToList();
            for (var round = 1; round <= 20; round++)
            {
                // Each transaction moves one from the one key to the other: the sum stays.
                foreach (var writer in writers) writer.SendText(Transfers());
                Assert.Equal("OK", saver.Say("SAVE"));
                foreach (var writer in writers)
                {
                    for (var i = 0; i < 50 * 4; i++) writer.Read();
                }
            }

            writers.ForEach(static one => one.Dispose());
        }

        using (var server = _directory.Start())
        {
            using var client = new Conversation(server);
            var values = client.Say("MGET from to").Trim('[', ']').Replace("(nil)", "0").Split(' ');
            Assert.Equal(0, values.Sum(static one => long.Parse(one, CultureInfo.InvariantCulture)));
        }

        static string Transfers() => string.Concat(Enumerable.Repeat(
            Peer.Encode("MULTI") + Peer.Encode("DECR", "from") + Peer.Encode("INCR", "to") + Peer.Encode("EXEC"), 50));
    }

    [Fact]
    public void A_file_that_cannot_be_loaded_ends_the_start_and_stays_as_it_is()
    {
        byte[] bytes = [.. "REDIS0011"u8, 0xFE, 0x00, 0x00, 0x01];
        File.WriteAllBytes(_directory.File, bytes);
        var fault = Assert.Throws<InvalidOperationException>(() => _directory.Start());
        Assert.Equal(Snapshots.FatalError, fault.Message);
        Assert.Equal(bytes, File.ReadAllBytes(_directory.File));
    }

    private static void Fill(Conversation client)
    {
        client.Say("RPUSH list a b 3");
        client.Say("SADD set " + string.Join(' ', Enumerable.Range(0, 600).Select(i => $"m{i}")));
        client.Say("ZADD zset 1 a 2.5 b");
        client.Say("XADD stream 1-1 f v");
        client.SayWords("SET", "expiring", new string('x', 100_000), "EX", "1000");
        for (var i = 0; i < 700; i++) client.Say($"SET key:{i} {i}");
        client.Say("SELECT 7");
        client.Say("SET elsewhere x");
        client.Say("SELECT 0");
    }
}
