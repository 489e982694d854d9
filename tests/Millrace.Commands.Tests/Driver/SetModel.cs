// What the commands on sets mean, in the plainest way. Random choices are not foretold: a reply is checked for being
// possible, and the model follows it.

using System.Globalization;
using Millrace.Resp;

namespace Millrace.Commands.Tests.Driver;

/// <summary>Keys that hold sets of texts.</summary>
internal sealed class SetModel
{
    private readonly Dictionary<string, HashSet<string>> _sets = [];

    /// <summary>All that lives, as lines of key and members.</summary>
    public IEnumerable<string> State() =>
        from pair in _sets
        orderby pair.Key
        select pair.Key + " " + string.Join(' ', pair.Value.Order(StringComparer.Ordinal));

    /// <summary>Applies a request; what is wrong with its reply, or null.</summary>
    public string? Check(string[] words, RespValue reply) => words[0] switch
    {
        "SADD" => Number(reply, Add(words[1], words[2..])),
        "SREM" => Number(reply, Remove(words[1], words[2..])),
        "SCARD" => Number(reply, Of(words[1]).Count),
        "SISMEMBER" => Number(reply, Of(words[1]).Contains(words[2]) ? 1 : 0),
        "SMEMBERS" => Same(reply, Of(words[1])),
        "SMISMEMBER" => List(reply, words[2..].Select(word => Of(words[1]).Contains(word) ? "1" : "0")),
        "SMOVE" => Number(reply, Move(words[1], words[2], words[3])),
        "SPOP" => Pop(words, reply),
        "SRANDMEMBER" => Choose(words, reply),
        "SUNION" => Same(reply, Unite(words[1..])),
        "SINTER" => Same(reply, Intersect(words[1..])),
        "SDIFF" => Same(reply, Subtract(words[1..])),
        "SUNIONSTORE" => Number(reply, Store(words[1], Unite(words[2..]))),
        "SINTERSTORE" => Number(reply, Store(words[1], Intersect(words[2..]))),
        "SDIFFSTORE" => Number(reply, Store(words[1], Subtract(words[2..]))),
        "SINTERCARD" => Number(reply, Limited(Intersect(words[2..4]).Count, Int(words[5]))),
        "DEL" => Number(reply, _sets.Remove(words[1]) ? 1 : 0),
        "RENAME" => Rename(words[1], words[2], reply),
        _ => "is unknown to the model",
    };

    private HashSet<string> Of(string key) => _sets.GetValueOrDefault(key) ?? [];

    private int Add(string key, string[] members)
    {
        _sets.TryAdd(key, []);
        return members.Count(_sets[key].Add);
    }

    private int Remove(string key, string[] members)
    {
        var removed = members.Count(Of(key).Remove);
        if (Of(key).Count == 0) _sets.Remove(key);
        return removed;
    }

    private int Move(string from, string to, string member)
    {
        if (!Of(from).Contains(member)) return 0;
        if (from == to) return 1;
        Remove(from, [member]);
        Add(to, [member]);
        return 1;
    }

    private string? Pop(string[] words, RespValue reply)
    {
        var set = Of(words[1]);
        if (words.Length == 2 && set.Count == 0) return reply.IsNull ? null : "nothing could be popped";
        var popped = words.Length == 2 ? [CommandDriver.Render(reply)] : Texts(reply);
        var count = words.Length == 2 ? 1 : Int(words[2]);
        if (popped.Count != Math.Min(count, set.Count)) return "the count is wrong";
        return Remove(words[1], [.. popped]) == popped.Count ? null : "something was no member, or came twice";
    }

    private string? Choose(string[] words, RespValue reply)
    {
        var set = Of(words[1]);
        if (words.Length == 2)
        {
            if (set.Count == 0) return reply.IsNull ? null : "nothing could be chosen";
            return set.Contains(CommandDriver.Render(reply)) ? null : "it is no member";
        }

        var count = Int(words[2]);
        var chosen = Texts(reply);
        if (chosen.Exists(member => !set.Contains(member))) return "something is no member";
        if (count >= 0 && chosen.Distinct().Count() != chosen.Count) return "something came twice";
        var expected = count >= 0 ? Math.Min(count, set.Count) : set.Count == 0 ? 0 : -count;
        return chosen.Count == expected ? null : "the count is wrong";
    }

    private HashSet<string> Unite(string[] keys) => [.. keys.SelectMany(Of)];

    private HashSet<string> Intersect(string[] keys) =>
        [.. Of(keys[0]).Where(member => Array.TrueForAll(keys, key => Of(key).Contains(member)))];

    private HashSet<string> Subtract(string[] keys) =>
        [.. Of(keys[0]).Where(member => !keys[1..].Any(key => Of(key).Contains(member)))];

    private int Store(string key, HashSet<string> result)
    {
        if (result.Count == 0) _sets.Remove(key);
        else _sets[key] = result;
        return result.Count;
    }

    private string? Rename(string from, string to, RespValue reply)
    {
        if (!_sets.ContainsKey(from)) return reply.Kind == RespKind.Error ? null : "there is no such key";
        if (from == to) return null;
        _sets.Remove(from, out var set);
        _sets[to] = set!;
        return null;
    }

    private static int Limited(int count, int limit) => limit == 0 ? count : Math.Min(count, limit);

    private static int Int(string word) => int.Parse(word, CultureInfo.InvariantCulture);

    private static List<string> Texts(RespValue reply) => [.. reply.Items.Select(CommandDriver.Render)];

    private static string? Number(RespValue reply, int expected) =>
        reply.Integer == expected ? null : $"it is {expected}";

    private static string? List(RespValue reply, IEnumerable<string> expected) =>
        Texts(reply).SequenceEqual(expected) ? null : "it is " + string.Join(' ', expected);

    private static string? Same(RespValue reply, HashSet<string> expected)
    {
        var members = Texts(reply);
        return members.Count == expected.Count && expected.SetEquals(members)
            ? null
            : "it is " + string.Join(' ', expected);
    }
}
