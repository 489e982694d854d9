using System.Globalization;
using Millrace.Compat.Tests.Servers;
using Millrace.Compat.Tests.Wire;

namespace Millrace.Compat.Tests.Notifications;

/// <summary>
/// The notifications of scenes that generated streams do not have, against a real redis-server: clients that wait, and
/// keys whose time has come while nobody looked.
/// </summary>
/// <remarks>Requests are separated by |. One with &gt; in front is sent by a client of its own, which then waits; a
/// number alone is a pause in milliseconds. Active expiry is off.</remarks>
public sealed class EventSceneTests(ServerPair pair) : IClassFixture<ServerPair>
{
    private const string Waiting = "RPUSH a x|";
    private const string Late = "SET a x|SET k v PX 2|10|";

    [Theory]
    [InlineData("> BLPOP l 0|LPUSH l a")]
    [InlineData("> BLPOP l 0|> BRPOP l 0|RPUSH l a b")]
    [InlineData("> BLMOVE l k LEFT RIGHT 0|RPUSH l a")]
    [InlineData("> BRPOPLPUSH l k 0|RPUSH l a b")]
    [InlineData("> BLPOP k 0|> BLMOVE l k LEFT RIGHT 0|RPUSH l a")]
    [InlineData("> BLMOVE l l LEFT RIGHT 0|RPUSH l a")]
    [InlineData("> BLMPOP 0 1 l LEFT COUNT 2|LPUSH l 1 2 3")]
    [InlineData("> BLPOP l 0|MULTI|RPUSH l a|SET x 1|RPUSH l b|EXEC")]
    [InlineData("> BLPOP l 0|MULTI|RPUSH l a|DEL l|EXEC")]
    [InlineData("> BZPOPMIN z 0|ZADD z 1 a")]
    [InlineData("> BZPOPMAX z 0|ZADD z 1 a 2 b")]
    [InlineData("> BZMPOP 0 1 z MAX COUNT 2|ZADD z 1 a 2 b")]
    [InlineData("> XREAD BLOCK 0 STREAMS s $|XADD s 1-1 f v")]
    [InlineData(Waiting + "> BLPOP l 0|RENAME a l")]
    [InlineData(Waiting + "> BLPOP l 0|COPY a l")]
    [InlineData(Waiting + "> BLPOP l 0|SORT a ALPHA STORE l")]
    [InlineData(Waiting + "> BLPOP l 0|SET l v")]
    [InlineData("SELECT 3|RPUSH l 1|SELECT 0|> BLPOP l 0|SWAPDB 0 3")]
    [InlineData(Late + "GET k")]
    [InlineData(Late + "SET k w")]
    [InlineData(Late + "SET k w GET")]
    [InlineData(Late + "DEL k a")]
    [InlineData(Late + "RENAME a k")]
    [InlineData(Late + "COPY a k")]
    [InlineData(Late + "COPY k b")]
    [InlineData(Late + "MOVE k 3")]
    [InlineData(Late + "EXPIRE k 10|PERSIST k|TTL k")]
    [InlineData(Late + "OBJECT ENCODING k")]
    [InlineData(Late + "KEYS *|DBSIZE|EXISTS k")]
    [InlineData(Late + "MSETNX a 1 k 2|MSETNX k 2")]
    [InlineData(Late + "PFMERGE k x")]
    [InlineData(Late + "SUNIONSTORE d k")]
    [InlineData(Late + "MULTI|GET k|SET k 1|EXEC")]
    [InlineData(Late + "SCAN 0 COUNT 1000")]
    public void Both_servers_tell_the_same(string scene) =>
        Assert.Equal(Play(pair.Redis.Port, scene), Play(pair.Millrace.Port, scene));

    private static string[] Play(int port, string scene)
    {
        using var listener = new EventListener(port);
        using var client = new RawConnection(port);
        var waiting = new List<RawConnection>();
        client.Call("DEBUG", "SET-ACTIVE-EXPIRE", "0");
        client.Call("FLUSHALL");
        foreach (string step in scene.Split('|'))
        {
            string[] words = step.Split(' ');
            if (words[0] == ">")
                Wait(port, client, waiting, words[1..]);
            else if (int.TryParse(step, CultureInfo.InvariantCulture, out int ms))
                Thread.Sleep(ms);
            else
                client.Call(words);
        }
        string[] told = [.. listener.Take()];
        foreach (RawConnection one in waiting)
            one.Dispose();
        while (Blocked(client) > 0)
            Thread.Sleep(1);
        return told;
    }

    private static void Wait(int port, RawConnection client, List<RawConnection> waiting, string[] words)
    {
        int before = Blocked(client);
        waiting.Add(new RawConnection(port));
        waiting[^1].Send(RawConnection.Encode(words));
        while (Blocked(client) == before)
            Thread.Sleep(1);
    }

    private static int Blocked(RawConnection client)
    {
        const string field = "blocked_clients:";
        string info = client.Ask("INFO", "clients");
        int start = info.IndexOf(field, StringComparison.Ordinal) + field.Length;
        return int.Parse(info.AsSpan(start, info.IndexOf('\r', start) - start), CultureInfo.InvariantCulture);
    }
}
