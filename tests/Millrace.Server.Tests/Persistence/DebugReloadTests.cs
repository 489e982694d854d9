using Millrace.Server.Config;
using Millrace.Server.Logging;

namespace Millrace.Server.Tests.Persistence;

public sealed class DebugReloadTests : IDisposable
{
    private const string NotLoaded = "ERR Error trying to load the RDB dump, check server logs.";

    private readonly SnapshotDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData("1")]
    [InlineData("4")]
    public void Data_is_as_after_a_restart(string loops)
    {
        using var server = _directory.Start("--io-threads", loops);
        using var client = new Conversation(server);
        for (var i = 0; i < 500; i++) client.Say($"SET key:{i} {i} EX {1000 + i}");
        client.Say("HSET hash f 1 g 2");
        client.Say("HEXPIRE hash 1000 FIELDS 1 f");
        client.Say("SADD set 1 2 3");
        client.Say("ZADD zset 1 a");
        client.SayWords("RESTORE", "idle", "0", client.Say("DUMP key:1"), "IDLETIME", "500");
        var digest = client.Say("DEBUG DIGEST");
        var deadline = client.Say("PEXPIRETIME key:7");
        var used = Field(client, "memory", "used_memory_dataset");
        for (var round = 0; round < 3; round++)
        {
            Assert.Equal("OK", client.Say("DEBUG RELOAD"));
            Assert.Equal(digest, client.Say("DEBUG DIGEST"));
            Assert.Equal(deadline, client.Say("PEXPIRETIME key:7"));
            Assert.Equal("intset", client.Say("OBJECT ENCODING set"));
            Assert.Equal("[1000]", client.Say("HTTL hash FIELDS 1 f").Replace("999", "1000", StringComparison.Ordinal));
            Assert.Equal("0", Field(client, "persistence", "rdb_changes_since_last_save"));
            // Expired keys were 500 and one hash with a field.
            Assert.Contains("expires=500", client.Say("INFO keyspace"), StringComparison.Ordinal);
        }

        Assert.InRange(long.Parse(Field(client, "memory", "used_memory_dataset")), 0, 2 * long.Parse(used));
    }

    [Fact]
    public void The_time_since_the_last_use_is_kept_where_the_policy_asks_for_it()
    {
        using var server = _directory.Start("--maxmemory-policy", "allkeys-lru");
        using var client = new Conversation(server);
        client.Say("SET a 1");
        client.SayWords("RESTORE", "b", "0", client.Say("DUMP a"), "IDLETIME", "500");
        Assert.Equal("OK", client.Say("DEBUG RELOAD"));
        Assert.InRange(int.Parse(client.Say("OBJECT IDLETIME b")), 498, 520);
        Assert.InRange(int.Parse(client.Say("OBJECT IDLETIME a")), 0, 20);
    }

    [Fact]
    public void Nosave_takes_the_file_that_is_there()
    {
        using var server = _directory.Start();
        using var client = new Conversation(server);
        client.Say("SET a 1");
        Assert.Equal("OK", client.Say("SAVE"));
        client.Say("SET a 2");
        client.Say("SET b 2");
        Assert.Equal("OK", client.Say("DEBUG reload nosave"));
        Assert.Equal("1", client.Say("DBSIZE"));
        Assert.Equal("1", client.Say("GET a"));
    }

    [Fact]
    public void Noflush_keeps_what_is_there_and_merge_lets_the_file_win()
    {
        using var server = _directory.Start();
        using var client = new Conversation(server);
        client.Say("MSET a 1 b 1");
        Assert.Equal("OK", client.Say("SAVE"));
        client.Say("MSET a 2 c 2");
        client.Say("DEL b");
        Assert.Equal("OK", client.Say("DEBUG RELOAD NOSAVE NOFLUSH MERGE"));
        Assert.Equal("[1 1 2]", client.Say("MGET a b c"));
        Assert.Equal(NotLoaded, client.Say("DEBUG RELOAD NOSAVE NOFLUSH"));
        Assert.Equal("[1 1 2]", client.Say("MGET a b c"));
    }

    [Fact]
    public void Without_a_file_or_with_a_wrong_one_nothing_is_left()
    {
        using var server = _directory.Start();
        using var client = new Conversation(server);
        client.Say("SET a 1");
        Assert.Equal(NotLoaded, client.Say("DEBUG RELOAD NOSAVE"));
        Assert.Equal("0", client.Say("DBSIZE"));
        client.Say("MSET a 1 b 2 c 3");
        Assert.Equal("OK", client.Say("SAVE"));
        var bytes = File.ReadAllBytes(_directory.File);
        bytes[^1] ^= 1;
        File.WriteAllBytes(_directory.File, bytes);
        Assert.Equal(NotLoaded, client.Say("DEBUG RELOAD NOSAVE"));
        Assert.Equal("0", client.Say("DBSIZE"));
        Assert.Equal("OK", client.Say("DEBUG SET-SKIP-CHECKSUM-VALIDATION 1"));
        Assert.Equal("OK", client.Say("DEBUG RELOAD NOSAVE"));
        Assert.Equal("3", client.Say("DBSIZE"));
        Assert.Equal("OK", client.Say("DEBUG SET-SKIP-CHECKSUM-VALIDATION 0"));
        Assert.Equal(NotLoaded, client.Say("DEBUG RELOAD NOSAVE"));
    }

    [Fact]
    public void A_file_that_could_not_be_loaded_is_not_replaced_by_what_is_left()
    {
        using var server = _directory.Start();
        using var client = new Conversation(server);
        client.Say("MSET a 1 b 2 c 3");
        Assert.Equal("OK", client.Say("SAVE"));
        var good = File.ReadAllBytes(_directory.File);
        byte[] wrong = [.. good[..^1], (byte)~good[^1]];
        File.WriteAllBytes(_directory.File, wrong);
        Assert.Equal(NotLoaded, client.Say("DEBUG RELOAD NOSAVE"));
        Assert.Equal("ERR", client.Say("SAVE"));
        Assert.Equal("ERR Errors trying to SHUTDOWN. Check logs.", client.Say("SHUTDOWN SAVE"));
        Assert.False(server.Server.RequestShutdown(ShutdownFlags.Save));
        Assert.Equal(wrong, File.ReadAllBytes(_directory.File));
        File.WriteAllBytes(_directory.File, good);
        Assert.Equal("OK", client.Say("DEBUG RELOAD NOSAVE"));
        Assert.Equal("OK", client.Say("SAVE"));
        File.WriteAllBytes(_directory.File, wrong);
        Assert.Equal(NotLoaded, client.Say("DEBUG RELOAD NOSAVE"));
        File.Delete(_directory.File);
        Assert.Equal("OK", client.Say("SAVE"));
    }

    [Fact]
    public void A_server_that_has_not_loaded_its_file_yet_ends_without_replacing_it()
    {
        using (var server = _directory.Start())
        using (var client = new Conversation(server))
        {
            client.Say("SET a 1");
            Assert.Equal("OK", client.Say("SAVE"));
        }

        var bytes = File.ReadAllBytes(_directory.File);
        var table = new DirectiveTable(1, _directory.FullPath);
        var file = new ConfigFile(table, new DiskConfigFiles());
        string[] directives = ["--dir", _directory.FullPath, "--io-threads", "1", "--port", "0"];
        Assert.Null(file.Load(CommandLine.From(directives), []));
        using var early = new MillraceServer(new Configuration(file.Values), Log.None());
        Assert.True(early.IsLoading);
        Assert.True(early.RequestShutdown(ShutdownFlags.Save));
        Assert.Null(early.Start());
        Assert.True(early.IsLoading);
        Assert.Equal(bytes, File.ReadAllBytes(_directory.File));
    }

    [Fact]
    public void What_cannot_be_saved_is_not_removed()
    {
        using var server = _directory.Start();
        using var client = new Conversation(server);
        client.Say("SET a 1");
        _directory.Obstruct();
        Assert.Equal("ERR", client.Say("DEBUG RELOAD"));
        Assert.Equal("1", client.Say("GET a"));
        Assert.Equal(
            "ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.", client.Say("DEBUG RELOAD NOW"));
    }

    [Fact]
    public void Whoever_watches_or_waits_for_a_key_or_listens_is_served_as_after_a_flush()
    {
        using var server = _directory.Start("--notify-keyspace-events", "KEAn");
        using var client = new Conversation(server);
        using var watcher = new Conversation(server);
        using var waiter = new Conversation(server);
        using var listener = new Conversation(server);
        client.Say("SET a 1");
        watcher.Say("WATCH a");
        listener.Say("PSUBSCRIBE *");
        waiter.Send("BLPOP", "list", "0");
        Assert.Equal("OK", client.Say("DEBUG RELOAD"));
        watcher.Say("MULTI");
        watcher.Say("GET a");
        Assert.Equal("(nil)", watcher.Say("EXEC"));
        client.Say("RPUSH list x");
        Assert.Equal("[list x]", waiter.Read());
        Assert.Equal("[pmessage * __keyspace@0__:list new]", listener.Read());
    }

    [Fact]
    public void In_a_transaction_it_is_a_command_like_others()
    {
        using var server = _directory.Start();
        using var client = new Conversation(server);
        foreach (var one in (string[])["MULTI", "SET a 1", "DEBUG RELOAD", "APPEND a 2"]) client.Say(one);
        Assert.Equal("[OK OK 2]", client.Say("EXEC"));
        Assert.Equal("12", client.Say("GET a"));
        Assert.Equal("1", Field(client, "persistence", "rdb_changes_since_last_save"));
        foreach (var one in (string[])["MULTI", "SAVE"]) client.Say(one);
        Assert.StartsWith("EXECABORT", client.Say("EXEC"), StringComparison.Ordinal);
    }

    private static string Field(Conversation client, string section, string name)
    {
        var text = client.Say("INFO " + section);
        var at = text.IndexOf(name + ":", StringComparison.Ordinal) + name.Length + 1;
        return text[at..text.IndexOf('\r', at)];
    }
}
