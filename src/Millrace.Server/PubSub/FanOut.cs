using Millrace.Net;

namespace Millrace.Server.PubSub;

/// <summary>
/// Brings messages to the subscribers of one loop: each is written once per protocol, whoever many read it.
/// </summary>
/// <remarks>One per loop. Also keeps used letters for the messages that the loop publishes itself.</remarks>
internal sealed class FanOut(EventLoop loop, PushWriter pushes)
{
    private const int MostKeptLetters = 256;
    private const int FrameBytes = 128; // array and string headers, the kind of the message

    private readonly Stack<Publication> _letters = new();
    private Push? _resp2;
    private Push? _resp3;

    /// <summary>The loop.</summary>
    public EventLoop Loop => loop;

    /// <summary>The client whose command runs now, when it hears what it causes itself; or null.</summary>
    public Client? Origin { get; set; }

    /// <summary>A letter to fill.</summary>
    public Publication Take() => _letters.TryPop(out var letter) ? letter : new Publication();

    /// <summary>Delivers a message. O(subscribers).</summary>
    public void Deliver(Publication publication)
    {
        pushes.BeginLetter();
        if (publication.Channel is { } channel) Deliver(publication, channel);
        foreach (var pattern in publication.Patterns) Deliver(publication, pattern);
        publication.Clear();
        if (_letters.Count < MostKeptLetters) _letters.Push(publication);
    }

    private void Deliver(Publication publication, Topic topic)
    {
        if (topic.On(loop) is not { } subscriptions) return;
        _resp2 = _resp3 = null;
        foreach (var one in subscriptions)
        {
            if (!one.IsOwed(publication.Moment)) continue;
            ref var push = ref one.Client.Protocol == 3 ? ref _resp3 : ref _resp2;
            push ??= Write(publication, topic, one.Client.Protocol);
            pushes.SendMessage(one.Client, push.Value, publication.Origin, one.IsFresh);
        }
    }

    private Push Write(Publication publication, Topic topic, int protocol)
    {
        var name = publication.Name;
        var message = publication.Message;
        var isPattern = topic.Kind == TopicKind.Pattern;
        var patternLength = isPattern ? topic.Name.Length : 0;
        var writer = pushes.Begin(checked(FrameBytes + patternLength + name.Length + message.Length), protocol);
        writer.Push(isPattern ? 4 : 3);
        writer.Bulk(WordOf(topic.Kind));
        if (isPattern) writer.Bulk(topic.Name);
        writer.Bulk(name);
        writer.Bulk(message);
        return pushes.End();
    }

    private static ReadOnlySpan<byte> WordOf(TopicKind kind)
    {
        if (kind == TopicKind.Pattern) return "pmessage"u8;
        return kind == TopicKind.Shard ? "smessage"u8 : "message"u8;
    }
}
