using System.Text;
using Millrace.Server.Effects;

namespace Millrace.Server.Tests.Effects;

public class EffectRecorderTests
{
    [Fact]
    public void A_field_that_expires_unasked_is_removed_in_the_log_as_well()
    {
        using var server = new InProcessServer();
        using var peer = server.Connect();
        var log = new LogText();
        server.Server.Parts.Log.Attach(log);
        peer.Ask(":2\r\n", "HSET", "h", "a", "1", "b", "2");
        peer.Ask("*1\r\n:1\r\n", "HPEXPIRE", "h", "1", "FIELDS", "1", "a");
        Assert.True(SpinWait.SpinUntil(() => log.Read().Contains(Peer.Encode("HDEL", "h", "a")), 30_000), log.Read());
        Assert.Contains(Peer.Encode("HSET", "h", "a", "1", "b", "2"), log.Read());
        Assert.Contains("\r\nHPEXPIREAT\r\n", log.Read());
        Assert.DoesNotContain("\r\nHPEXPIRE\r\n", log.Read());
        peer.Ask(":1\r\n", "HLEN", "h");
        server.Server.Parts.Log.Detach(log);
    }

    [Fact]
    public void The_last_field_that_expires_leaves_no_key()
    {
        using var server = new InProcessServer();
        using var peer = server.Connect();
        peer.Ask(":1\r\n", "HSET", "h", "a", "1");
        peer.Ask("*1\r\n:1\r\n", "HPEXPIRE", "h", "1", "FIELDS", "1", "a");
        Assert.True(SpinWait.SpinUntil(() => CountKeys(peer) == 0, 30_000), "the key is still there");
    }

    // DBSIZE looks at no key: only active expiry removes one.
    private static int CountKeys(Peer peer)
    {
        peer.Request("DBSIZE");
        return peer.Receive(":0\r\n".Length)[1] - '0';
    }

    private sealed class LogText : IEffectConsumer
    {
        private readonly StringBuilder _text = new();

        public void Append(ReadOnlySpan<byte> block, long endPosition)
        {
            lock (_text) _text.Append(Encoding.Latin1.GetString(block));
        }

        public string Read()
        {
            lock (_text) return _text.ToString();
        }
    }
}
