using Millrace.Server.Config;

namespace Millrace.Server.Tests.Persistence;

public sealed class ShutdownTests : IDisposable
{
    private readonly SnapshotDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData("SHUTDOWN SAVE", true)]
    [InlineData("SHUTDOWN SAVE NOW", true)]
    [InlineData("SHUTDOWN NOSAVE", false)]
    [InlineData("SHUTDOWN", false)]
    public void Data_is_saved_when_that_is_asked_for(string request, bool saves)
    {
        using var server = _directory.Start();
        using var client = new Conversation(server);
        client.Say("SET a 1");
        client.Send(request.Split(' '));
        Assert.True(client.IsClosed());
        Assert.True(server.Server.ShutdownRequested.Wait(10_000));
        Assert.Equal(saves, File.Exists(_directory.File));
    }

    [Theory]
    [InlineData("SHUTDOWN SAVE")]
    [InlineData("SHUTDOWN SAVE NOW")]
    public void A_save_that_fails_keeps_the_server_unless_it_is_forced(string request)
    {
        using var server = _directory.Start();
        using var client = new Conversation(server);
        client.Say("SET a 1");
        _directory.Obstruct();
        for (var i = 0; i < 2; i++)
            Assert.Equal("ERR Errors trying to SHUTDOWN. Check logs.", client.Say(request));
        Assert.Equal("OK", client.Say("SET a 2"));
        Assert.False(server.Server.RequestShutdown(ShutdownFlags.Save));
        Assert.False(server.Server.ShutdownRequested.IsCompleted);
        client.Send("SHUTDOWN", "SAVE", "FORCE");
        Assert.True(client.IsClosed());
        Assert.True(server.Server.ShutdownRequested.Wait(10_000));
        Assert.Empty(Directory.GetFiles(_directory.FullPath));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Every_write_that_was_acknowledged_is_in_the_file(bool bySignal)
    {
        var acknowledged = new int[3];
        using (var server = _directory.Start("--io-threads", "3"))
        {
            var clients = Enumerable.Range(0, 3).Select(_ => new Conversation(server)).ToArray();
            var threads = clients.Select((client, i) => new Thread(() => acknowledged[i] = Write(client, i))).ToList();
            threads.ForEach(static one => one.Start());
            Thread.Sleep(200);
            if (bySignal)
            {
                Assert.True(server.Server.RequestShutdown(ShutdownFlags.Save));
            }
            else
            {
                using var last = new Conversation(server);
                last.Send("SHUTDOWN", "SAVE");
                Assert.True(last.IsClosed());
            }

            Thread.Sleep(100);
            server.Server.Stop();
            threads.ForEach(static one => one.Join());
            foreach (var client in clients) client.Dispose();
        }

        using (var server = _directory.Start())
        {
            using var client = new Conversation(server);
            for (var i = 0; i < acknowledged.Length; i++)
            {
                Assert.True(acknowledged[i] > 0);
                Assert.Equal($"{acknowledged[i]}", client.Say($"GET counter{i}"));
            }
        }
    }

    private static int Write(Conversation client, int i)
    {
        var last = 0;
        try
        {
            while (true) last = int.Parse(client.Say($"INCR counter{i}"));
        }
        catch (Exception fault) when (fault is EndOfStreamException or System.Net.Sockets.SocketException)
        {
            return last;
        }
    }
}
