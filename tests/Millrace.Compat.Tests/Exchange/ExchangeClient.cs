using System.Globalization;
using System.Text;
using Millrace.Compat.Tests.Generation;
using Millrace.Compat.Tests.Servers;
using Millrace.Compat.Tests.Wire;

namespace Millrace.Compat.Tests.Exchange;

/// <summary>A client of one of the two servers whose files are exchanged.</summary>
internal sealed class ExchangeClient : IDisposable
{
    private const int BatchBytes = 256 * 1024;
    private const int BatchRequests = 64;
    private const int PollMs = 5;
    private const int MostPolls = 4000;
    private readonly ServerProcess _server;
    private readonly RawConnection _client;

    /// <summary>A client of a server.</summary>
    public ExchangeClient(ServerProcess server) => (_server, _client) = (server, server.Connect());

    /// <summary>Where the server has its RDB file.</summary>
    public string File => Path.Combine(_client.Ask("CONFIG", "GET", "dir").Split("\r\n")[^2], "dump.rdb");

    /// <summary>Whether the server is the real one.</summary>
    public bool IsRedis => string.Equals(_server.Name, "redis", StringComparison.Ordinal);

    /// <summary>What the server holds.</summary>
    public KeyspaceView View() => KeyspaceView.Of(_server.Name, _client);

    /// <summary>Asks for something, which must be answered so.</summary>
    public void Expect(string reply, params string[] request) => Assert.Equal(reply, _client.Ask(request));

    /// <summary>Sets what is packed, and how.</summary>
    public void Configure(int seed) => Expect("+OK\r\n", ["CONFIG", "SET", .. Dataset.Settings(seed)]);

    /// <summary>Sends requests, none of which is refused.</summary>
    public void Fill(IEnumerable<byte[][]> requests) => Send(requests, mayBeRefused: false);

    /// <summary>Sends the sentences of a stream, whatever the replies are.</summary>
    public void Change(int seed, int sentences, params string[] leftOut)
    {
        Send(LastingSentences.Requests(seed, sentences, ["FLUSHDB", "DEBUG", .. leftOut]), mayBeRefused: true);
        RemoveZeros();
    }

    /// <summary>Saves, in the foreground or beside other work; a snapshot of ours while everything changes.</summary>
    /// <param name="draw">Decides how.</param>
    public void Save(int draw)
    {
        if (draw % 2 == 0)
        {
            Expect("+OK\r\n", "SAVE");
            return;
        }

        if (!IsRedis) Expect("+OK\r\n", "DEBUG", "PAUSE-CRON", "1");
        Expect("+Background saving started\r\n", "BGSAVE");
        if (!IsRedis)
        {
            Change(draw, 200);
            Expect("+OK\r\n", "DEBUG", "PAUSE-CRON", "0");
        }

        WaitFor("rdb_bgsave_in_progress:0");
        Assert.Contains("rdb_last_bgsave_status:ok", _client.Ask("INFO", "persistence"), StringComparison.Ordinal);
    }

    /// <summary>Rewrites the append-only file, while something happens.</summary>
    public void Rewrite(Action meanwhile)
    {
        Expect("+Background append only file rewriting started\r\n", "BGREWRITEAOF");
        meanwhile();
        WaitFor("aof_rewrite_in_progress:0");
        Assert.Contains("aof_last_bgrewrite_status:ok", _client.Ask("INFO", "persistence"), StringComparison.Ordinal);
    }

    /// <inheritdoc/>
    public void Dispose() => _client.Dispose();

    /// <summary>Acknowledges what is pending though it was deleted.</summary>
    public void AcknowledgeDeleted()
    {
        foreach (byte[] key in AllKeys("stream"))
        {
            byte[][] all = [[.. "XRANGE"u8], key, [.. "-"u8], [.. "+"u8]];
            HashSet<string> entries =
                [.. ReplyValue.Parse(_client.Call(all)).Items.Select(entry => entry.Items[0].Text)];
            byte[][] info = [[.. "XINFO"u8], [.. "GROUPS"u8], key];
            foreach (ReplyValue group in ReplyValue.Parse(_client.Call(info)).Items)
            {
                byte[] name = group.Field("name")!.Scalar;
                byte[][] pending = [[.. "XPENDING"u8], key, name, [.. "-"u8], [.. "+"u8], [.. "10000"u8]];
                byte[][] deleted = [.. ReplyValue.Parse(_client.Call(pending)).Items
                    .Select(one => one.Items[0]).Where(id => !entries.Contains(id.Text)).Select(id => id.Scalar)];
                if (deleted.Length > 0) _client.Call([[.. "XACK"u8], key, name, .. deleted]);
            }
        }
    }

    // The keys of a type in one database after the other, which is the client's meanwhile; in the end it is 0.
    private IEnumerable<byte[]> AllKeys(string type)
    {
        for (int database = 0; database < KeyspaceView.Databases; database++)
        {
            _client.Call("SELECT", database.ToString(CultureInfo.InvariantCulture));
            byte[][] keys = [.. ReplyValue.Parse(_client.Call("KEYS", "*")).Items.Select(key => key.Scalar)];
            foreach (byte[] key in keys)
            {
                if (_client.Call([[.. "TYPE"u8], key]).AsSpan().SequenceEqual(Encoding.ASCII.GetBytes($"+{type}\r\n")))
                    yield return key;
            }
        }

        _client.Call("SELECT", "0");
    }

    // A score of -0 becomes 0 in a sorted set that is packed, so it depends on the limits of whoever loads it.
    private void RemoveZeros()
    {
        foreach (byte[] key in AllKeys("zset"))
            _client.Call([[.. "ZREMRANGEBYSCORE"u8], key, [.. "0"u8], [.. "0"u8]]);
    }

    private void WaitFor(string field)
    {
        for (int i = 0; i < MostPolls; i++)
        {
            if (_client.Ask("INFO", "persistence").Contains(field, StringComparison.Ordinal)) return;
            Thread.Sleep(PollMs);
        }

        Assert.Fail($"{_server.Name} does not come to {field}");
    }

    private void Send(IEnumerable<byte[][]> requests, bool mayBeRefused)
    {
        using var batch = new MemoryStream();
        var sent = new List<byte[][]>();
        foreach (byte[][] request in requests)
        {
            batch.Write(RawConnection.Encode(request.AsSpan()));
            sent.Add(request);
            if (batch.Length >= BatchBytes || sent.Count == BatchRequests) Exchange(batch, sent, mayBeRefused);
        }

        Exchange(batch, sent, mayBeRefused);
    }

    private void Exchange(MemoryStream batch, List<byte[][]> sent, bool mayBeRefused)
    {
        _client.Send(batch.ToArray());
        batch.SetLength(0);
        foreach (byte[][] request in sent)
        {
            byte[] reply = _client.ReadReply();
            if (mayBeRefused || reply[0] != (byte)'-') continue;
            Assert.Fail($"{Encoding.Latin1.GetString(request[0])} {Printable.Quote(request[1])} is answered by "
                + Printable.Quote(reply));
        }

        sent.Clear();
    }
}
