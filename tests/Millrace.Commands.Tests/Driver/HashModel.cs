// What the commands on hashes mean, in the plainest way: dictionaries of fields with values and deadlines, and one
// method per command. Replies are texts as CommandDriver.Say gives them; those whose order is free are sorted.

namespace Millrace.Commands.Tests.Driver;

/// <summary>One database of hashes.</summary>
internal sealed class HashModel
{
    private readonly Dictionary<string, Dictionary<string, (string Value, long Deadline)>> _keys = [];

    public long NowMs { get; set; }

    /// <summary>All that lives, as lines of key, field, value and deadline.</summary>
    public IEnumerable<string> State()
    {
        foreach (var key in _keys.Keys.ToArray()) Drop(key);
        return
            from key in _keys
            from field in key.Value
            orderby key.Key, field.Key
            select $"{key.Key} {field.Key} {field.Value.Value} {field.Value.Deadline}";
    }

    public string Run(string[] words)
    {
        Drop(words[1]);
        var reply = Apply(words);
        Drop(words[1]);
        return reply;
    }

    private string Apply(string[] words)
    {
        var fields = _keys.GetValueOrDefault(words[1]);
        return words[0] switch
        {
            "HSET" => words.Skip(2).Chunk(2).Count(pair => Set(words[1], pair[0], pair[1], -1)).ToString(),
            "HSETNX" => fields?.ContainsKey(words[2]) == true ? "0" : Set(words[1], words[2], words[3], -1) ? "1" : "0",
            "HGET" => Value(fields, words[2]),
            "HMGET" => $"[{string.Join(' ', words.Skip(2).Select(name => Value(fields, name)))}]",
            "HDEL" => words.Skip(2).Count(name => fields?.Remove(name) == true).ToString(),
            "HLEN" => (fields?.Count ?? 0).ToString(),
            "HEXISTS" => fields?.ContainsKey(words[2]) == true ? "1" : "0",
            "HSTRLEN" => (fields?.GetValueOrDefault(words[2]).Value?.Length ?? 0).ToString(),
            "HINCRBY" => IncrBy(words[1], fields, words[2], long.Parse(words[3])),
            "HGETALL" => Sorted(fields?.Select(pair => pair.Key + "=" + pair.Value.Value)),
            "HKEYS" => Sorted(fields?.Keys),
            "HPEXPIRE" => Expire(fields, words),
            "HPERSIST" => Each(words, 4, name => Persist(fields, name)),
            "HPTTL" => Each(words, 4, name => Ttl(fields, name)),
            "HGETDEL" => Each(words, 4, name => GetDel(fields, name)),
            "HGETEX" => Each(words, 6, name => GetEx(fields, name, NowMs + long.Parse(words[3]))),
            "HSETEX" => SetEx(words),
            "DEL" => _keys.Remove(words[1]) ? "1" : "0",
            "RENAME" => Copy(words[1], words[2], moves: true),
            "COPY" => Copy(words[1], words[2], moves: false),
            _ => throw new ArgumentException(words[0], nameof(words)),
        };
    }

    private static string Value(Dictionary<string, (string Value, long Deadline)>? fields, string name) =>
        fields?.GetValueOrDefault(name).Value ?? "(nil)";

    private static string Sorted(IEnumerable<string>? items) => string.Join(' ', (items ?? []).Order());

    private static string Each(string[] words, int from, Func<string, string> one) =>
        $"[{string.Join(' ', words.Skip(from).Select(one))}]";

    private bool Set(string key, string name, string value, long deadline)
    {
        if (!_keys.TryGetValue(key, out var fields)) _keys[key] = fields = [];
        var isNew = !fields.TryGetValue(name, out var old);
        fields[name] = (value, deadline == -2 ? isNew ? -1 : old.Deadline : deadline);
        return isNew;
    }

    private string IncrBy(
        string key, Dictionary<string, (string Value, long Deadline)>? fields, string name, long increment)
    {
        var text = fields?.GetValueOrDefault(name).Value ?? "0";
        if (!long.TryParse(text, out var value) || value.ToString() != text) return "ERR hash value is not an integer";
        var sum = (Int128)value + increment;
        if (sum > long.MaxValue || sum < long.MinValue) return "ERR increment or decrement would overflow";
        Set(key, name, sum.ToString(), -2);
        return sum.ToString();
    }

    private string Expire(Dictionary<string, (string Value, long Deadline)>? fields, string[] words)
    {
        var condition = words[3] == "FIELDS" ? "" : words[3];
        var deadline = NowMs + long.Parse(words[2]);
        return Each(words, condition.Length == 0 ? 5 : 6, name =>
        {
            if (fields is null || !fields.TryGetValue(name, out var field)) return "-2";
            var isMet = condition switch
            {
                "NX" => field.Deadline < 0,
                "XX" => field.Deadline >= 0,
                "GT" => field.Deadline >= 0 && deadline > field.Deadline,
                "LT" => field.Deadline < 0 || deadline < field.Deadline,
                _ => true,
            };
            if (!isMet) return "0";
            if (deadline <= NowMs) fields.Remove(name);
            else fields[name] = (field.Value, deadline);
            return deadline <= NowMs ? "2" : "1";
        });
    }

    private static string Persist(Dictionary<string, (string Value, long Deadline)>? fields, string name)
    {
        if (fields is null || !fields.TryGetValue(name, out var field)) return "-2";
        fields[name] = (field.Value, -1);
        return field.Deadline < 0 ? "-1" : "1";
    }

    private string Ttl(Dictionary<string, (string Value, long Deadline)>? fields, string name)
    {
        if (fields is null || !fields.TryGetValue(name, out var field)) return "-2";
        return field.Deadline < 0 ? "-1" : (field.Deadline - NowMs).ToString();
    }

    private static string GetDel(Dictionary<string, (string Value, long Deadline)>? fields, string name)
    {
        var value = Value(fields, name);
        fields?.Remove(name);
        return value;
    }

    private static string GetEx(Dictionary<string, (string Value, long Deadline)>? fields, string name, long deadline)
    {
        if (fields is null || !fields.TryGetValue(name, out var field)) return "(nil)";
        fields[name] = (field.Value, deadline);
        return field.Value;
    }

    // HSETEX key FNX|FXX KEEPTTL|PX ms FIELDS 1 field value; words 3 and 4 are "PX" and a number, or "KEEPTTL" alone.
    private string SetEx(string[] words)
    {
        var fields = _keys.GetValueOrDefault(words[1]);
        var keeps = words[3] == "KEEPTTL";
        var name = words[^2];
        if ((fields?.ContainsKey(name) == true) != (words[2] == "FXX")) return "0";
        Set(words[1], name, words[^1], keeps ? -2 : NowMs + long.Parse(words[4]));
        return "1";
    }

    private string Copy(string from, string to, bool moves)
    {
        Drop(to);
        if (!_keys.TryGetValue(from, out var fields)) return moves ? "ERR no such key" : "0";
        if (!moves && _keys.ContainsKey(to)) return "0";
        if (moves) _keys.Remove(from);
        _keys[to] = moves ? fields : new(fields);
        return moves ? "OK" : "1";
    }

    private void Drop(string key)
    {
        if (!_keys.TryGetValue(key, out var fields)) return;
        foreach (var (name, field) in fields.ToArray())
        {
            if (field.Deadline >= 0 && field.Deadline < NowMs) fields.Remove(name);
        }

        if (fields.Count == 0) _keys.Remove(key);
    }
}
