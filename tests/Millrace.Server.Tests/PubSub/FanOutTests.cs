using System.Text;

namespace Millrace.Server.Tests.PubSub;

/// <summary>Messages that come in a pipeline are delivered together, and what a subscriber reads does not show
/// it.</summary>
public class FanOutTests
{
    private const int Messages = 100;

    [Theory]
    [InlineData("1")]
    [InlineData("4")]
    public void Subscribers_of_a_channel_hear_a_pipeline_in_order_in_their_protocol(string loops)
    {
        using var server = new InProcessServer("--io-threads", loops);
        using var second = Subscribed(server, 2, "SUBSCRIBE", "news");
        using var third = Subscribed(server, 3, "SUBSCRIBE", "news");
        Publish(server, 2, static _ => "news");
        AssertHears(second, Heard('*', static i => [("message", "news", "news", i)]));
        AssertHears(third, Heard('>', static i => [("message", "news", "news", i)]));
    }

    [Theory]
    [InlineData("1")]
    [InlineData("4")]
    public void A_subscriber_of_a_channel_and_a_pattern_hears_each_message_twice_before_the_next(string loops)
    {
        using var server = new InProcessServer("--io-threads", loops);
        using var both = Subscribed(server, 2, "SUBSCRIBE", "news");
        both.Ask(Acknowledged(2, "psubscribe", "n*", 2), "PSUBSCRIBE", "n*");
        using var one = Subscribed(server, 2, "PSUBSCRIBE", "ne*");
        Publish(server, 3, static _ => "news");
        AssertHears(both, Heard('*', static i => [("message", "news", "news", i), ("pmessage", "n*", "news", i)]));
        AssertHears(one, Heard('*', static i => [("pmessage", "ne*", "news", i)]));
    }

    [Theory]
    [InlineData("1")]
    [InlineData("4")]
    public void Patterns_of_different_subscribers_hear_messages_of_several_channels_in_order(string loops)
    {
        using var server = new InProcessServer("--io-threads", loops);
        using var all = Subscribed(server, 2, "PSUBSCRIBE", "n*");
        using var most = Subscribed(server, 3, "PSUBSCRIBE", "ne[0-5]*");
        using var longest = Subscribed(server, 2, "PSUBSCRIBE", "n" + new string('*', 300));
        Publish(server, 3, static i => "ne" + (i % 3));
        AssertHears(all, Heard('*', static i => [("pmessage", "n*", "ne" + (i % 3), i)]));
        AssertHears(most, Heard('>', static i => [("pmessage", "ne[0-5]*", "ne" + (i % 3), i)]));
        AssertHears(longest, Heard('*', static i => [("pmessage", "n" + new string('*', 300), "ne" + (i % 3), i)]));
    }

    [Fact]
    public void A_pattern_that_comes_or_goes_counts_for_the_next_message_to_the_same_channel()
    {
        using var server = new InProcessServer("--io-threads", "1");
        using var publisher = server.Connect();
        Assert.Equal(":0\r\n", publisher.Ask(":0\r\n", "PUBLISH", "news", "m"));
        using var one = Subscribed(server, 2, "PSUBSCRIBE", "n*");
        Assert.Equal(":1\r\n", publisher.Ask(":1\r\n", "PUBLISH", "news", "m"));
        using var other = Subscribed(server, 2, "PSUBSCRIBE", "ne*");
        Assert.Equal(":2\r\n", publisher.Ask(":2\r\n", "PUBLISH", "news", "m"));
        Assert.Equal(":2\r\n", publisher.Ask(":2\r\n", "PUBLISH", "news", "m"));
        Assert.Equal(":1\r\n", publisher.Ask(":1\r\n", "PUBLISH", "no", "m"));
        Assert.Equal(":0\r\n", publisher.Ask(":0\r\n", "PUBLISH", new string('x', 300), "m"));
        Assert.Equal(":1\r\n", publisher.Ask(":1\r\n", "PUBLISH", "n" + new string('x', 300), "m"));
        Assert.Equal(":0\r\n", publisher.Ask(":0\r\n", "PUBLISH", "", "m"));
        Assert.Equal(":0\r\n", publisher.Ask(":0\r\n", "SPUBLISH", "news", "m"));
    }

    private static void AssertHears(Peer peer, string text) => Assert.Equal(text, peer.Receive(text.Length));

    private static Peer Subscribed(InProcessServer server, int protocol, string command, string name)
    {
        var peer = server.Connect();
        if (protocol == 3) SayHello3(peer);
        var expected = Acknowledged(protocol, command.ToLowerInvariant(), name, 1);
        Assert.Equal(expected, peer.Ask(expected, command, name));
        return peer;
    }

    private static void SayHello3(Peer peer)
    {
        peer.Request("HELLO", "3");
        var answer = peer.Receive(1);
        while (!answer.EndsWith("modules\r\n*0\r\n", StringComparison.Ordinal)) answer += peer.Receive(1);
    }

    private static string Acknowledged(int protocol, string word, string name, int count) =>
        $"{(protocol == 3 ? '>' : '*')}3\r\n${word.Length}\r\n{word}\r\n${name.Length}\r\n{name}\r\n:{count}\r\n";

    private static void Publish(InProcessServer server, int receivers, Func<int, string> channelOf)
    {
        using var publisher = server.Connect();
        publisher.Send(string.Concat(
            Enumerable.Range(0, Messages).Select(i => Peer.Encode("PUBLISH", channelOf(i), $"m{i:D3}"))));
        var expected = string.Concat(Enumerable.Repeat($":{receivers}\r\n", Messages));
        Assert.Equal(expected, publisher.Receive(expected.Length));
    }

    private static string Heard(char kind, Func<int, (string Word, string Topic, string Channel, int Number)[]> of)
    {
        var text = new StringBuilder();
        foreach (var (word, topic, channel, number) in Enumerable.Range(0, Messages).SelectMany(of))
        {
            string[] words = word == "pmessage"
                ? [word, topic, channel, $"m{number:D3}"] : [word, channel, $"m{number:D3}"];
            text.Append(kind).Append(Peer.Encode(words)[1..]);
        }

        return text.ToString();
    }
}
