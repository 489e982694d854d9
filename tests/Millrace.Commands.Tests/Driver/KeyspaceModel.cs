// What the commands mean, in the plainest way: a dictionary of texts with deadlines, and one method per command.
// Replies are texts as CommandDriver.Say gives them.

namespace Millrace.Commands.Tests.Driver;

/// <summary>Sixteen databases of strings.</summary>
internal sealed class KeyspaceModel
{
    private const string NotAnInteger = "ERR value is not an integer or out of range";
    private readonly Dictionary<string, (string Text, long Deadline)>[] _databases =
        [.. Enumerable.Range(0, 16).Select(_ => new Dictionary<string, (string, long)>())];

    public int Database { get; set; }

    public long NowMs { get; set; }

    private Dictionary<string, (string Text, long Deadline)> Keys => _databases[Database];

    /// <summary>All that lives, as lines of database, key, text and deadline.</summary>
    public IEnumerable<string> State() =>
        from database in Enumerable.Range(0, 16)
        from key in _databases[database]
        where IsAlive(key.Value.Deadline)
        orderby database, key.Key
        select $"{database} {key.Key} {key.Value.Text} {key.Value.Deadline}";

    public string Run(string[] words) => words[0] switch
    {
        "SET" => Set(words),
        "GET" => Find(words[1])?.Text ?? "(nil)",
        "GETDEL" => GetDel(words[1]),
        "GETEX" => GetEx(words),
        "STRLEN" => (Find(words[1])?.Text.Length ?? 0).ToString(),
        "APPEND" => Write(words[1], (Find(words[1])?.Text ?? "") + words[2]).Length.ToString(),
        "SETRANGE" => SetRange(words[1], int.Parse(words[2]), words[3]),
        "GETRANGE" => GetRange(Find(words[1])?.Text ?? "", int.Parse(words[2]), int.Parse(words[3])),
        "INCRBY" => IncrBy(words[1], long.Parse(words[2])),
        "MSET" => MSet(words, 1),
        "MSETNX" => words.Where((_, i) => i % 2 == 1).Any(key => Find(key) is not null) ? "0" : MSet(words, 1, "1"),
        "MGET" => $"[{string.Join(' ', words.Skip(1).Select(key => Find(key)?.Text ?? "(nil)"))}]",
        "DEL" => words.Skip(1).Count(Remove).ToString(),
        "EXISTS" => words.Skip(1).Count(key => Find(key) is not null).ToString(),
        "PEXPIRE" => Expire(words, NowMs + long.Parse(words[2])),
        "EXPIREAT" => Expire(words, long.Parse(words[2]) * 1000),
        "PERSIST" => Persist(words[1]),
        "PEXPIRETIME" => (Find(words[1])?.Deadline ?? -2).ToString(),
        "RENAME" => Rename(words[1], words[2], replaces: true),
        "RENAMENX" => Rename(words[1], words[2], replaces: false),
        "COPY" => Copy(words[1], words[2], words.Length > 4 ? int.Parse(words[4]) : Database, words[^1] == "REPLACE"),
        "MOVE" => Move(words[1], int.Parse(words[2])),
        "SWAPDB" => Swap(int.Parse(words[1]), int.Parse(words[2])),
        "FLUSHDB" => Flush(),
        "KEYS" => $"[{string.Join(' ', Keys.Keys.Where(key => IsAlive(Keys[key].Deadline)).Order())}]",
        _ => throw new ArgumentException(words[0]),
    };

    private bool IsAlive(long deadline) => deadline < 0 || deadline >= NowMs;

    private (string Text, long Deadline)? Find(string key)
    {
        if (!Keys.TryGetValue(key, out var found)) return null;
        if (IsAlive(found.Deadline)) return found;
        Keys.Remove(key);
        return null;
    }

    private bool Remove(string key) => Find(key) is not null && Keys.Remove(key);

    private string Write(string key, string text)
    {
        Keys[key] = (text, Find(key)?.Deadline ?? -1);
        return text;
    }

    private void Store(string key, string text, long deadline)
    {
        if (deadline >= 0 && deadline <= NowMs) Keys.Remove(key);
        else Keys[key] = (text, deadline);
    }

    private string Set(string[] words)
    {
        var old = Find(words[1]);
        var options = words.Skip(3).ToList();
        var gets = options.Remove("GET");
        var isRefused = (options.Remove("NX") && old is not null) || (options.Remove("XX") && old is null);
        var at = options.IndexOf("IFEQ");
        if (at >= 0) isRefused |= old?.Text != options[at + 1];
        at = options.IndexOf("IFNE");
        if (at >= 0) isRefused |= old?.Text == options[at + 1];
        if (isRefused) return gets ? old?.Text ?? "(nil)" : "(nil)";
        var deadline = options.Contains("KEEPTTL") ? old?.Deadline ?? -1 : DeadlineOf(options);
        Store(words[1], words[2], deadline);
        return gets ? old?.Text ?? "(nil)" : "OK";
    }

    private long DeadlineOf(IReadOnlyList<string> options)
    {
        if (options.Count < 2 || !long.TryParse(options[^1], out var number)) return -1;
        return options[^2] switch
        {
            "EX" => NowMs + (number * 1000),
            "PX" => NowMs + number,
            "EXAT" => number * 1000,
            "PXAT" => number,
            _ => -1,
        };
    }

    private string GetDel(string key)
    {
        var old = Find(key)?.Text ?? "(nil)";
        Keys.Remove(key);
        return old;
    }

    private string GetEx(string[] words)
    {
        if (Find(words[1]) is not { } old) return "(nil)";
        if (words.Length > 2) Store(words[1], old.Text, DeadlineOf(words));
        return old.Text;
    }

    private string SetRange(string key, int offset, string part)
    {
        var text = Find(key)?.Text ?? "";
        if (part.Length == 0) return text.Length.ToString();
        var padded = text.PadRight(offset + part.Length, '\0');
        return Write(key, padded[..offset] + part + padded[(offset + part.Length)..]).Length.ToString();
    }

    private static string GetRange(string text, int start, int end)
    {
        if (start < 0 && end < 0 && start > end) return "";
        if (start < 0) start = Math.Max(0, start + text.Length);
        if (end < 0) end = Math.Max(0, end + text.Length);
        end = Math.Min(end, text.Length - 1);
        return start > end ? "" : text[start..(end + 1)];
    }

    private string IncrBy(string key, long increment)
    {
        var text = Find(key)?.Text ?? "0";
        if (!long.TryParse(text, out var value) || value.ToString() != text) return NotAnInteger;
        var sum = (Int128)value + increment;
        if (sum < long.MinValue || sum > long.MaxValue) return "ERR increment or decrement would overflow";
        return Write(key, sum.ToString());
    }

    private string MSet(string[] words, int first, string reply = "OK")
    {
        for (var i = first; i < words.Length; i += 2) Keys[words[i]] = (words[i + 1], -1);
        return reply;
    }

    private string Expire(string[] words, long deadline)
    {
        if (Find(words[1]) is not { } old) return "0";
        var isMet = words.Length == 3 || words[3] switch
        {
            "NX" => old.Deadline < 0,
            "XX" => old.Deadline >= 0,
            "GT" => old.Deadline >= 0 && deadline > old.Deadline,
            _ => old.Deadline < 0 || deadline < old.Deadline,
        };
        if (!isMet) return "0";
        Store(words[1], old.Text, Math.Max(0, deadline));
        return "1";
    }

    private string Persist(string key)
    {
        if (Find(key) is not { Deadline: >= 0 } old) return "0";
        Keys[key] = (old.Text, -1);
        return "1";
    }

    private string Rename(string from, string to, bool replaces)
    {
        if (Find(from) is not { } value) return "ERR no such key";
        if (!replaces && Find(to) is not null) return "0";
        Keys.Remove(from);
        Keys[to] = value;
        return replaces ? "OK" : "1";
    }

    private string Copy(string from, string to, int database, bool replaces)
    {
        if (from == to && database == Database) return "ERR source and destination objects are the same";
        return Find(from) is { } value && Give(to, database, value, replaces) ? "1" : "0";
    }

    private string Move(string key, int database)
    {
        if (database == Database) return "ERR source and destination objects are the same";
        if (Find(key) is not { } value || !Give(key, database, value, replaces: false)) return "0";
        Keys.Remove(key);
        return "1";
    }

    private bool Give(string key, int database, (string Text, long Deadline) value, bool replaces)
    {
        var target = _databases[database];
        if (!replaces && target.TryGetValue(key, out var there) && IsAlive(there.Deadline)) return false;
        target[key] = value;
        return true;
    }

    private string Swap(int first, int second)
    {
        (_databases[first], _databases[second]) = (_databases[second], _databases[first]);
        return "OK";
    }

    private string Flush()
    {
        Keys.Clear();
        return "OK";
    }
}
