using static Millrace.Server.Tests.InfoFields;

namespace Millrace.Server.Tests.Persistence;

/// <summary>What clients meet while an append-only file is loaded.</summary>
public sealed class AofLoadingTests
{
    [Theory]
    [InlineData(FileKind.Snapshot, "1")]
    [InlineData(FileKind.Snapshot, "4")]
    [InlineData(FileKind.Commands, "1")]
    [InlineData(FileKind.Commands, "4")]
    public void Clients_are_told_so_and_find_everything_afterwards(FileKind kind, string loops)
    {
        using var files = new LoadedFiles(kind);
        var digest = files.Fill();
        using var server = files.Load("--io-threads", loops);
        using var listener = server.Connect();
        using var client = server.Connect();
        string[] refused = ["GET key:1", "PING", "SET a 1", "BGREWRITEAOF", "WAITAOF 1 0 0", "DEBUG LOADAOF"];
        foreach (var request in refused) Assert.Equal(LoadedFiles.Loading, client.Say(request));
        Assert.Equal("OK", client.Say("CONFIG SET notify-keyspace-events KEA"));
        listener.Say("PSUBSCRIBE __key*");
        Assert.Equal("OK", client.Say("WATCH key:1 key:2"));
        AwaitProgress(client);
        var info = client.Say("INFO persistence");
        Assert.Contains("\r\nloading:1\r\n", info, StringComparison.Ordinal);
        Assert.Contains("\r\naof_enabled:1\r\n", info, StringComparison.Ordinal);
        Assert.Equal(files.Bytes, Number(info, "loading_total_bytes"));
        Assert.InRange(Number(info, "loading_loaded_bytes"), 1, files.Bytes);
        Assert.Contains("db0:keys=", client.Say("INFO keyspace"), StringComparison.Ordinal);
        Assert.True(listener.IsSilent());
        Assert.Equal("OK", client.Say("CONFIG SET key-load-delay 0"));
        Assert.Null(server.WaitForStart());
        Assert.Equal(digest, client.Say("DEBUG DIGEST"));
        Assert.Equal("OK", client.Say("SET after 1"));
        Assert.Equal("[pmessage __key* __keyspace@0__:after set]", listener.Read());
        digest = client.Say("DEBUG DIGEST");
        server.Server.Stop();
        using var next = files.Restart();
        using var last = new Conversation(next);
        Assert.Equal(digest, last.Say("DEBUG DIGEST"));
    }

    private static void AwaitProgress(Conversation client)
    {
        while (Number(client.Say("INFO persistence"), "loading_loaded_bytes") == 0) Thread.Sleep(1);
        while (!client.Say("INFO keyspace").Contains("db0:keys=", StringComparison.Ordinal)) Thread.Sleep(1);
    }
}
