using Millrace.Compat.Tests.Generation;

namespace Millrace.Compat.Tests.Notifications;

/// <summary>
/// The one list of where the messages of redis-server 7.0.15 and of the server under test may differ, each with its
/// reason. One object per run: what one server has told earlier the other may tell later.
/// </summary>
public sealed class EventDifferences
{
    /// <summary>Why two servers tell the misses of a sort in another order.</summary>
    public const string Seed = "SORT of a set walks it in the order of its table, which follows a random seed";

    private const string Met =
        "WATCH, EXEC and RESTORE with REPLACE tell that a key has expired, which 7.0.15 leaves or overwrites";

    private const string Stored =
        "a command that stores an empty result tells del of a key that has expired in 7.0.15, here expired";

    private const string EventPrefix = "__keyevent@";

    private static readonly string[] s_meeting = ["WATCH", "EXEC", "RESTORE"];

    private readonly HashSet<string> _toldEarlier = new(StringComparer.Ordinal);

    /// <summary>Whether a message went to the channel of an event.</summary>
    public static bool IsOfEvent(string message) => message.StartsWith(EventPrefix, StringComparison.Ordinal);

    /// <summary>The event of a message to the channel of one.</summary>
    public static string NameOf(string message)
    {
        int start = BehindColon(message);
        return message[start..message.IndexOf(' ', start)];
    }

    /// <summary>Why the messages of a sentence may differ as they do, or null.</summary>
    public string? ReasonFor(Sentence sentence, IReadOnlyList<string> expected, IReadOnlyList<string> actual)
    {
        string[] commands = [.. sentence.Requests.Select(request => request.Command)];
        if (commands.Any(command => command is "SORT" or "SORT_RO") && HaveSameMisses(expected, actual))
            return Seed;
        if (AreEqualBut(IsExpiry, expected, actual))
            return MayMeet(commands, expected, actual) ? Met : null;
        return AreStored(expected, actual) ? Stored : null;
    }

    private static int BehindColon(string message) => message.IndexOf("__:", StringComparison.Ordinal) + 3;

    private static bool IsMiss(string message) => IsEvent(message, "keymiss");

    private static bool IsExpiry(string message) => IsEvent(message, "expired");

    private static bool IsEvent(string message, string name) => IsOfEvent(message)
        ? string.Equals(NameOf(message), name, StringComparison.Ordinal)
        : message.EndsWith(" " + name, StringComparison.Ordinal);

    private static bool AreEqualBut(
        Func<string, bool> skips, IReadOnlyList<string> expected, IReadOnlyList<string> actual) =>
        expected.Where(message => !skips(message))
            .SequenceEqual(actual.Where(message => !skips(message)), StringComparer.Ordinal);

    private static bool HaveSameMisses(IReadOnlyList<string> expected, IReadOnlyList<string> actual) =>
        AreEqualBut(IsMiss, expected, actual)
        && expected.Where(IsMiss).Order(StringComparer.Ordinal)
            .SequenceEqual(actual.Where(IsMiss).Order(StringComparer.Ordinal), StringComparer.Ordinal);

    private static bool AreStored(IReadOnlyList<string> expected, IReadOnlyList<string> actual) =>
        expected.Count == actual.Count
        && expected.Zip(actual).All(pair => pair.First == pair.Second
            || (IsEvent(pair.First, "del") && IsExpiry(pair.Second) && KeyOf(pair.First) == KeyOf(pair.Second)));

    // The database is left out: it may have been exchanged for another meanwhile.
    private static string KeyOf(string message)
    {
        int start = BehindColon(message);
        return IsOfEvent(message)
            ? message[(message.IndexOf(' ', start) + 1)..]
            : message[start..message.LastIndexOf(' ')];
    }

    private bool MayMeet(string[] commands, IReadOnlyList<string> expected, IReadOnlyList<string> actual)
    {
        string[] early = [.. actual.Where(IsExpiry).Except(expected, StringComparer.Ordinal).Select(KeyOf)];
        string[] late = [.. expected.Where(IsExpiry).Except(actual, StringComparer.Ordinal).Select(KeyOf)];
        if (early.Length > 0 && !commands.Intersect(s_meeting, StringComparer.Ordinal).Any())
            return false;
        _toldEarlier.UnionWith(early);
        bool isOwed = late.All(_toldEarlier.Contains);
        _toldEarlier.ExceptWith(late);
        return isOwed;
    }
}
