using System.Globalization;
using System.Text;
using Millrace.Compat.Tests.Generation;
using Millrace.Compat.Tests.Wire;

namespace Millrace.Compat.Tests.Notifications;

/// <summary>
/// Feeds one generated stream to two servers, sentence by sentence, and compares the keyspace notifications of each
/// sentence: channels and messages, in order. Replies are read and not looked at. Active expiry is off at both: when
/// it meets a key is a matter of time.
/// </summary>
public sealed class EventRun : IDisposable
{
    private const int HistoryLength = 12;
    private const int MaxMismatches = 40;
    private const int ShownMessages = 8;
    private readonly RawConnection _reference;
    private readonly RawConnection _subject;
    private readonly EventListener _referenceEvents;
    private readonly EventListener _subjectEvents;
    private readonly StreamGenerator _generator;
    private readonly EventDifferences _differences = new();
    private readonly Queue<string> _history = new();

    /// <summary>A run between two ports with a seed over some forms.</summary>
    public EventRun(int referencePort, int subjectPort, int seed, IEnumerable<Form> forms)
    {
        _reference = new RawConnection(referencePort);
        _subject = new RawConnection(subjectPort);
        _referenceEvents = new EventListener(referencePort);
        _subjectEvents = new EventListener(subjectPort);
        _generator = new StreamGenerator(seed, forms);
        _reference.Call("DEBUG", "SET-ACTIVE-EXPIRE", "0");
        _subject.Call("DEBUG", "SET-ACTIVE-EXPIRE", "0");
    }

    /// <summary>How many messages were equal, by event.</summary>
    public SortedDictionary<string, int> Told { get; } = new(StringComparer.Ordinal);

    /// <summary>How many sentences a rule has explained, by its reason.</summary>
    public SortedDictionary<string, int> Explained { get; } = new(StringComparer.Ordinal);

    /// <summary>The sentences whose messages differ, with what went before.</summary>
    public List<string> Mismatches { get; } = [];

    /// <summary>Sends so many sentences.</summary>
    public void Run(int sentences)
    {
        for (int i = 0; i < sentences && Mismatches.Count < MaxMismatches; i++)
        {
            Sentence sentence = _generator.NextSentence();
            if (sentence.Closes)
                continue;
            Step(sentence);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _reference.Dispose();
        _subject.Dispose();
        _referenceEvents.Dispose();
        _subjectEvents.Dispose();
    }

    private void Step(Sentence sentence)
    {
        byte[] bytes = [.. sentence.Requests.SelectMany(request => request.Encode())];
        _reference.Send(bytes);
        _subject.Send(bytes);
        foreach (Request request in sentence.Requests.Where(request => request.HasReply))
        {
            _reference.ReadReply();
            _subject.ReadReply();
        }
        if (sentence.PauseMs > 0)
            Thread.Sleep(sentence.PauseMs);
        IReadOnlyList<string> expected = _referenceEvents.Take();
        IReadOnlyList<string> actual = _subjectEvents.Take();
        string text = string.Join(" ; ", sentence.Requests.Select(request => request.ToString()));
        if (expected.SequenceEqual(actual, StringComparer.Ordinal))
            Count(expected);
        else if (_differences.ReasonFor(sentence, expected, actual) is { } reason)
            Explained[reason] = Explained.GetValueOrDefault(reason) + 1;
        else
            Mismatches.Add(Story(text, expected, actual));
        _history.Enqueue(text);
        if (_history.Count > HistoryLength)
            _history.Dequeue();
    }

    private void Count(IReadOnlyList<string> messages)
    {
        foreach (string message in messages.Where(EventDifferences.IsOfEvent))
        {
            string name = EventDifferences.NameOf(message);
            Told[name] = Told.GetValueOrDefault(name) + 1;
        }
    }

    private string Story(string sentence, IReadOnlyList<string> expected, IReadOnlyList<string> actual)
    {
        var story = new StringBuilder(sentence);
        int same = expected.Zip(actual).TakeWhile(pair => pair.First == pair.Second).Count();
        story.Append(CultureInfo.InvariantCulture, $"\n    {expected.Count} and {actual.Count} messages, {same} equal");
        foreach (string line in expected.Skip(same).Take(ShownMessages))
            story.Append("\n    redis:    ").Append(Shown(line));
        foreach (string line in actual.Skip(same).Take(ShownMessages))
            story.Append("\n    millrace: ").Append(Shown(line));
        foreach (string line in _history.Reverse())
            story.Append(CultureInfo.InvariantCulture, $"\n        after {line}");
        return story.ToString();
    }

    private static string Shown(string message) => Printable.Quote(Encoding.Latin1.GetBytes(message));
}
