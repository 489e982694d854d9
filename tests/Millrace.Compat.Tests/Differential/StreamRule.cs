using Millrace.Compat.Tests.Wire;

namespace Millrace.Compat.Tests.Differential;

/// <summary>
/// Compares what is said of streams and groups without what each server's clock decides, and without what 7.0.15 does
/// not say or counts otherwise: times of consumers, what they gave back, nodes of its radix tree, and how many entries
/// a group has read, which later versions can tell more often (the public suite asks for that).
/// </summary>
internal static class StreamRule
{
    private static readonly string[] s_ownFields =
        ["radix-tree-nodes", "seen-time", "active-time", "idle", "inactive", "lag", "entries-read", "nacked-count"];

    /// <summary>Whether two replies to XINFO say the same.</summary>
    internal static bool SameInfo(ReplyValue left, ReplyValue right) => Told(left).SequenceEqual(Told(right));

    /// <summary>Whether two replies to XPENDING say the same.</summary>
    internal static bool SamePending(ReplyValue left, ReplyValue right) =>
        left.Items.Count == right.Items.Count
        && left.Items.Select(WithoutTimes).SequenceEqual(right.Items.Select(WithoutTimes), StringComparer.Ordinal);

    // The fields of all maps within a reply, each with what it says.
    private static IEnumerable<string> Told(ReplyValue value)
    {
        bool isMap = value.Items.Count > 1 && value.Items.Count % 2 == 0 && value.Items[0].Text is "length" or "name";
        if (!isMap) return value.Items.SelectMany(Told);
        return value.Items.Chunk(2)
            .Where(pair => !s_ownFields.Contains(pair[0].Text, StringComparer.Ordinal))
            .SelectMany(pair => (IEnumerable<string>)[pair[0].Text, .. Said(pair[0].Text, pair[1])]);
    }

    private static IEnumerable<string> Said(string field, ReplyValue value) => field switch
    {
        "pending" when value.Kind != ':' => value.Items.Select(WithoutTimes),
        "groups" or "consumers" when value.Kind != ':' => Told(value),
        _ => [value.Render()],
    };

    // An entry with its owner, a time and a count; of a consumer's own entries, without the owner.
    private static string WithoutTimes(ReplyValue entry) => entry.Items.Count switch
    {
        4 => $"{entry.Items[0].Render()} {entry.Items[1].Render()} {entry.Items[3].Render()}",
        3 => $"{entry.Items[0].Render()} {entry.Items[2].Render()}",
        _ => entry.Render(),
    };
}
