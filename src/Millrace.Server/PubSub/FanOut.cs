using Millrace.Net;

namespace Millrace.Server.PubSub;

/// <summary>
/// Brings messages to the subscribers of one loop: each is written once per protocol, whoever many read it.
/// </summary>
/// <remarks>
/// <code>
///   letters set apart   [ a: news | b: news | c: news | d: sport ]
///                         `------- one run -------'                each subscriber of news is visited once
/// </code>
/// Messages that were published one right after the other to the same subscriptions are written one behind the other,
/// and every subscriber has them queued as one piece. So that this shows in no output, a run over several topics is
/// delivered message by message when somebody is subscribed to two of them. One per loop.
/// </remarks>
internal sealed class FanOut(EventLoop loop, PushWriter pushes)
{
    private const int RunBytes = 12 * 1024; // so little that a peer that does not read has it copied
    private const int RunLetters = 64;
    private const int RunWrites = 4096; // a run is one step of the loop
    private const int RunPatternBytes = 256;

    private readonly List<Publication> _run = [];
    private long _runs;
    private Pushes _forms; // of what is being delivered

    /// <summary>The loop.</summary>
    public EventLoop Loop => loop;

    /// <summary>Letters for the messages that the loop publishes itself.</summary>
    public LetterBox<Publication> Letters { get; } = new();

    /// <summary>The client whose command runs now, when it hears what it causes itself; or null.</summary>
    public Client? Origin { get; set; }

    /// <summary>Delivers a message, and those set apart behind it that go the same way. O(subscribers).</summary>
    public void Deliver(Publication publication)
    {
        pushes.BeginLetter();
        GatherRun(publication);
        if (_run.Count == 1 || IsApart(publication))
        {
            Deliver(0, _run.Count);
        }
        else
        {
            for (var i = 0; i < _run.Count; i++) Deliver(i, 1);
        }

        foreach (var letter in _run)
        {
            letter.Clear();
            Letters.Keep(letter);
        }

        _run.Clear();
    }

    private void GatherRun(Publication first)
    {
        _run.Add(first);
        var topics = first.Patterns.Count + (first.Channel is null ? 0 : 1);
        var most = Math.Min(RunLetters, RunWrites / topics);
        long bytes = first.WrittenBytes;
        while (_run.Count < most && loop.NextGathered is Publication next && next.GoesWith(first))
        {
            bytes += next.WrittenBytes;
            if (bytes > RunBytes) return;
            loop.TakeGathered();
            next.Arrive();
            _run.Add(next);
        }
    }

    // Whether nobody has two of its subscriptions, and all names are short.
    private bool IsApart(Publication publication)
    {
        if (publication.Patterns.Count == 0) return true;
        _runs++;
        if (publication.Channel is { } channel && !IsApart(channel)) return false;
        foreach (var pattern in publication.Patterns)
        {
            if (pattern.Name.Length > RunPatternBytes || !IsApart(pattern)) return false;
        }

        return true;
    }

    private bool IsApart(Topic topic)
    {
        if (topic.On(loop) is not { } subscriptions) return true;
        foreach (var one in subscriptions)
        {
            var all = one.Client.OwnSubscriptions;
            if (all.Run == _runs) return false;
            all.Run = _runs;
        }

        return true;
    }

    private void Deliver(int first, int count)
    {
        if (_run[first].Channel is { } channel) Deliver(first, count, channel);
        foreach (var pattern in _run[first].Patterns) Deliver(first, count, pattern);
    }

    private void Deliver(int first, int count, Topic topic)
    {
        if (topic.On(loop) is not { } subscriptions) return;
        var (moment, origin) = (_run[first].Moment, _run[first].Origin);
        _forms = default;
        foreach (var one in subscriptions)
        {
            if (!one.IsOwed(moment)) continue;
            ref var push = ref _forms.In(one.Client.Protocol);
            push ??= Write(first, count, topic, one.Client.Protocol);
            pushes.SendMessage(one.Client, push.Value, origin, one.IsFresh);
        }
    }

    private Push Write(int first, int count, Topic topic, int protocol)
    {
        var isPattern = topic.Kind == TopicKind.Pattern;
        var patternLength = isPattern ? topic.Name.Length : 0;
        var bound = 0;
        for (var i = 0; i < count; i++) bound = checked(bound + patternLength + _run[first + i].WrittenBytes);
        var writer = pushes.Begin(bound, protocol);
        for (var i = 0; i < count; i++)
        {
            writer.Push(isPattern ? 4 : 3);
            writer.Bulk(WordOf(topic.Kind));
            if (isPattern) writer.Bulk(topic.Name);
            writer.Bulk(_run[first + i].Name);
            writer.Bulk(_run[first + i].Message);
        }

        return pushes.End();
    }

    private static ReadOnlySpan<byte> WordOf(TopicKind kind)
    {
        if (kind == TopicKind.Pattern) return "pmessage"u8;
        return kind == TopicKind.Shard ? "smessage"u8 : "message"u8;
    }
}
