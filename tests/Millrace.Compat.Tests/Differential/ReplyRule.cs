using Millrace.Compat.Tests.Wire;

namespace Millrace.Compat.Tests.Differential;

/// <summary>
/// How the replies of one command are compared when their bytes may rightly differ. Errors are always compared byte for
/// byte.
/// </summary>
/// <param name="Command">The command's name in the grammar.</param>
/// <param name="Reason">Why its replies may differ.</param>
/// <param name="Same">True when the two replies (reference first) say the same.</param>
public sealed record ReplyRule(string Command, string Reason, Func<ReplyValue, ReplyValue, bool> Same);

/// <summary>All commands whose replies are not compared byte for byte.</summary>
public static class ReplyRules
{
    private const long ToleranceMs = 3000;
    private const long ToleranceSeconds = 3;

    // What CLIENT LIST says of a connection that both servers must agree on.
    // (events has a w while replies wait for the socket: a matter of time.)
    private static readonly string[] s_comparedClientFields =
        ["name", "flags", "db", "sub", "psub", "ssub", "multi", "cmd", "user", "redir", "resp"];

    // Fields of CLIENT LIST that came after 7.0 (redis.io/commands/client-list: lib-name and lib-ver since 7.2.0, watch
    // since 7.4.0, io-thread and totals since 8.0).
    private static readonly string[] s_laterClientFields =
        ["lib-name", "lib-ver", "watch", "io-thread", "tot-net-in", "tot-net-out", "tot-cmds"];

    private static readonly string[] s_withScores =
    [
        "ZADD", "ZDIFF", "ZINCRBY", "ZINTER", "ZMPOP", "ZMSCORE", "ZPOPMAX", "ZPOPMIN", "ZRANGE", "ZRANGEBYSCORE",
        "ZREVRANGE", "ZREVRANGEBYSCORE", "ZSCORE", "ZUNION",
    ];

    /// <summary>The rules by command.</summary>
    public static IReadOnlyDictionary<string, ReplyRule> ByCommand { get; } = new ReplyRule[]
    {
        new("KEYS", "the order follows a random hash seed", SameElements),
        new("SCAN", "the order follows a random hash seed, and an element may come twice", SameElements),
        new("HGETALL", "the order of a table follows a random hash seed", SamePairs),
        new("HKEYS", "the order of a table follows a random hash seed", SameMembers),
        new("HVALS", "the order of a table follows a random hash seed", SameMembers),
        new("HSCAN", "the order follows a random hash seed, and an element may come twice", SameElements),
        new("HRANDFIELD", "random fields", SameShape),
        new("SMEMBERS", "the order follows a random hash seed", SameElements),
        new("SUNION", "the order follows a random hash seed", SameElements),
        new("SINTER", "the order follows a random hash seed", SameElements),
        new("SDIFF", "the order follows a random hash seed", SameElements),
        new("SSCAN", "the order follows a random hash seed", SamePage),
        new("SPOP", "random members", SameCount),
        new("SRANDMEMBER", "random members", SameCount),
        new("ZRANDMEMBER", "random members", SameShape),
        new("ZSCAN", "the order follows a random hash seed", ScoreRule.SamePage),
        new("RANDOMKEY", "a random key", SameKind),
        new("TIME", "the clock", SameShape),
        new("TTL", "each server's own clock at the time of the write", Near(ToleranceSeconds)),
        new("PTTL", "each server's own clock at the time of the write", Near(ToleranceMs)),
        new("EXPIRETIME", "each server's own clock at the time of the write", Near(ToleranceSeconds)),
        new("PEXPIRETIME", "each server's own clock at the time of the write", Near(ToleranceMs)),
        new("OBJECT IDLETIME", "Redis shares small integers, and these are idle since its start", SameKind),
        new("OBJECT REFCOUNT", "whether small integers are shared objects is a detail of the implementation", SameKind),
        new("MEMORY USAGE", "sizes are each server's own", SameKind),
        new("DEBUG OBJECT", "addresses, sizes and clocks; the encoding is compared", SameEncoding),
        new("HELLO", "version and connection id are each server's own", SameHello),
        new("CLIENT ID", "a counter that depends on all earlier connections", SameKind),
        new("CLIENT LIST", "ids, addresses, ages and sizes are each server's own", SameClients),
        new("CLIENT INFO", "ids, addresses, ages and sizes are each server's own", SameClients),
        new("CLIENT HELP", "lists the subcommands of each server's version", SameKind),
        new("COMMAND HELP", "wording of help is compared by the metadata tests", SameKind),
        new("COMMAND", "the set of commands differs by version; metadata has a test of its own", SameKind),
        new("COMMAND COUNT", "the set of commands differs by version; metadata has a test of its own", SameKind),
        new("COMMAND DOCS", "the texts differ by version; metadata has a test of its own", SameKind),
        new("COMMAND INFO", "metadata differs by version and has a test of its own", SameNulls),
        new("COMMAND LIST", "the set of commands differs by version; metadata has a test of its own", SameKind),
        new("INFO", "figures are each server's own; fields have a test of their own", SameKind),
        new("LOLWUT", "a drawing with the version below", SameKind),
        new("XINFO STREAM", "clocks, and counts of later versions", StreamRule.SameInfo),
        new("XINFO GROUPS", "clocks, and counts of later versions", StreamRule.SameInfo),
        new("XINFO CONSUMERS", "clocks, and fields of later versions", StreamRule.SameInfo),
        new("XPENDING", "how long an entry has been pending", StreamRule.SamePending),
        new("DUMP", "version and compression of the payload; payloads have a test of their own", SameKind),
        new("FUNCTION DUMP", "the version of the format and its checksum stand in the payload", SameKind),
    }
    .Concat(s_withScores.Select(name => new ReplyRule(name, "7.2 writes scores with fewer digits", ScoreRule.Same)))
    .ToDictionary(rule => rule.Command, StringComparer.Ordinal);

    /// <summary>True when two replies to a command say the same; <paramref name="reason"/> names the rule
    /// used.</summary>
    public static bool Same(string command, byte[] reference, byte[] actual, out string reason)
    {
        reason = "byte for byte";
        if (reference.AsSpan().SequenceEqual(actual))
            return true;
        if (!ByCommand.TryGetValue(command, out ReplyRule? rule))
            return false;
        reason = rule.Reason;
        ReplyValue left = ReplyValue.Parse(reference);
        ReplyValue right = ReplyValue.Parse(actual);
        return !left.IsError && !right.IsError && rule.Same(left, right);
    }

    /// <summary>What was compared of a reply that is one text with masked parts, or null.</summary>
    public static string? Masked(string command, byte[] reply) =>
        command is "CLIENT LIST" or "CLIENT INFO" && reply[0] is (byte)'$' or (byte)'='
            ? string.Join('\n', Clients(ReplyValue.Parse(reply)))
            : null;

    private static bool SameElements(ReplyValue left, ReplyValue right) =>
        left.Kind == right.Kind
        && left.Items.Select(item => item.Render()).ToHashSet(StringComparer.Ordinal)
            .SetEquals(right.Items.Select(item => item.Render()));

    private static bool SameMembers(ReplyValue left, ReplyValue right) =>
        left.Kind == right.Kind
        && left.Items.Select(item => item.Render()).Order(StringComparer.Ordinal)
            .SequenceEqual(right.Items.Select(item => item.Render()).Order(StringComparer.Ordinal));

    private static bool SamePairs(ReplyValue left, ReplyValue right) =>
        left.Kind == right.Kind && Pairs(left).SequenceEqual(Pairs(right), StringComparer.Ordinal);

    private static IEnumerable<string> Pairs(ReplyValue value) =>
        value.Items.Chunk(2).Select(pair => $"{pair[0].Render()} {pair[^1].Render()}").Order(StringComparer.Ordinal);
    // A scan's reply: the cursor and the elements behind it.
    private static bool SamePage(ReplyValue left, ReplyValue right) =>
        left.Items.Count == 2 && right.Items.Count == 2
        && string.Equals(left.Items[0].Render(), right.Items[0].Render(), StringComparison.Ordinal)
        && left.Items[1].Items.Count == right.Items[1].Items.Count
        && SameElements(left.Items[1], right.Items[1]);

    private static bool SameCount(ReplyValue left, ReplyValue right) =>
        SameKind(left, right) && left.Items.Count == right.Items.Count;

    private static bool SameKind(ReplyValue left, ReplyValue right) =>
        left.Kind == right.Kind && left.IsNull == right.IsNull;

    private static bool SameShape(ReplyValue left, ReplyValue right) =>
        string.Equals(left.Shape(), right.Shape(), StringComparison.Ordinal);

    private static bool SameNulls(ReplyValue left, ReplyValue right) =>
        left.Kind == right.Kind
        && left.Items.Select(item => item.IsNull).SequenceEqual(right.Items.Select(item => item.IsNull));

    private static Func<ReplyValue, ReplyValue, bool> Near(long tolerance) => (left, right) =>
        left.Kind == ':' && right.Kind == ':' && left.Number >= 0 && right.Number >= 0
        && Math.Abs(left.Number - right.Number) <= tolerance;

    private static bool SameEncoding(ReplyValue left, ReplyValue right) =>
        left.Kind == right.Kind
        && KnownDifferences.AreSameEncoding(Word(left.Text, "encoding:"), Word(right.Text, "encoding:"));

    private static bool SameHello(ReplyValue left, ReplyValue right)
    {
        if (left.Kind != right.Kind || left.Items.Count != right.Items.Count)
            return false;
        for (int i = 0; i < left.Items.Count; i++)
        {
            bool isOwn = i % 2 == 1 && left.Items[i - 1].Text is "version" or "id";
            if (isOwn ? left.Items[i].Kind != right.Items[i].Kind
                : !left.Items[i].Render().Equals(right.Items[i].Render(), StringComparison.Ordinal))
                return false;
        }
        return true;
    }

    private static bool SameClients(ReplyValue left, ReplyValue right) =>
        left.Kind == right.Kind && Clients(left).SequenceEqual(Clients(right), StringComparer.Ordinal);

    // With several loops the order of ids need not be the order of connecting: clients are compared as a set.
    private static IEnumerable<string> Clients(ReplyValue list) =>
        // A verbatim string begins with its format, "txt:".
        (list.Kind == '=' ? list.Text[4..] : list.Text).Split('\n').Select(Comparable).Order(StringComparer.Ordinal);

    // The names of all fields and the values of those that both must agree on.
    private static string Comparable(string client) => string.Join(' ', client.Split(' ')
        .Where(field => !s_laterClientFields.Contains(NameOf(field), StringComparer.Ordinal))
        .Select(field => IsCompared(field) ? field : NameOf(field)));

    private static bool IsCompared(string field) =>
        s_comparedClientFields.Contains(NameOf(field), StringComparer.Ordinal);

    private static string NameOf(string field) => field.Split('=')[0];

    private static string Word(string text, string prefix)
    {
        int at = text.IndexOf(prefix, StringComparison.Ordinal);
        return at < 0 ? "" : text[(at + prefix.Length)..].Split(' ')[0];
    }
}
