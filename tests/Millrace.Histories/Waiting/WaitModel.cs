// Strings and lists with transactions and waiters, as one would explain them: one command after the other, whoever
// waits stands in a line, and whoever makes a list serves the line before the next command has its turn.

using System.Globalization;
using System.Text;

namespace Millrace.Histories.Waiting;

/// <summary>What a command answers: a reply, or nothing yet.</summary>
/// <param name="Reply">The reply in RESP2; null: the client waits now.</param>
/// <param name="Served">The clients that were served by it, with their replies, in order.</param>
internal sealed record Answer(string? Reply, List<(int Client, string Reply)> Served);

/// <summary>A sequential keyspace with clients that watch and wait.</summary>
internal sealed class WaitModel
{
    /// <summary>Separates the commands of a recorded EXEC.</summary>
    public const string Next = ";";

    private const string Ok = "+OK\r\n";
    private const string Null = "$-1\r\n";
    private const string NullArray = "*-1\r\n";
    private const string WrongType =
        "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";

    private readonly SortedDictionary<string, string> _strings = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, List<string>> _lists = new(StringComparer.Ordinal);
    private readonly SortedDictionary<int, SortedDictionary<string, bool>> _watches = [];
    private readonly List<(int Client, string[] Args)> _line = [];
    private readonly List<string> _ready = [];
    private bool _mayWait;

    public WaitModel()
    {
    }

    private WaitModel(WaitModel other)
    {
        foreach (var (key, value) in other._strings) _strings.Add(key, value);
        foreach (var (key, list) in other._lists) _lists.Add(key, [.. list]);
        foreach (var (client, keys) in other._watches)
            _watches.Add(client, new SortedDictionary<string, bool>(keys, StringComparer.Ordinal));
        _line.AddRange(other._line);
    }

    /// <summary>An independent copy.</summary>
    public WaitModel Copy() => new(this);

    /// <summary>Whether a client waits.</summary>
    public bool Waits(int client) => _line.Exists(one => one.Client == client);

    /// <summary>The wait of a client ends without service.</summary>
    public void End(int client) => _line.RemoveAll(one => one.Client == client);

    /// <summary>A client is gone: it waits for nothing and watches nothing.</summary>
    public void Forget(int client)
    {
        End(client);
        _watches.Remove(client);
    }

    /// <summary>The keys and their values, equal exactly for equal states.</summary>
    public string Data()
    {
        var text = new StringBuilder();
        foreach (var (key, value) in _strings) text.Append(CultureInfo.InvariantCulture, $"{key}={value};");
        foreach (var (key, list) in _lists)
            text.Append(CultureInfo.InvariantCulture, $"{key}=[{string.Join(' ', list)}];");
        return text.ToString();
    }

    /// <summary>The whole state, those who watch and wait included.</summary>
    public string Text()
    {
        var text = new StringBuilder(Data());
        foreach (var (client, keys) in _watches)
        {
            text.Append(CultureInfo.InvariantCulture, $"w{client}:");
            foreach (var (key, isBroken) in keys) text.Append(key).Append(isBroken ? '!' : '.');
        }

        foreach (var (client, args) in _line)
            text.Append(CultureInfo.InvariantCulture, $"|{client} {string.Join(' ', args)}");
        return text.ToString();
    }

    /// <summary>A client runs a command.</summary>
    public Answer Run(int client, string[] args)
    {
        _ready.Clear();
        _mayWait = true;
        var reply = args[0] switch
        {
            "WATCH" => Watch(client, args),
            "UNWATCH" => Unwatch(client),
            "EXEC" => Exec(client, args),
            _ => One(args),
        };
        if (reply is null) _line.Add((client, args));
        return new Answer(reply, Serve());
    }

    /// <summary>Runs a command that nobody waits with: one of the log.</summary>
    public void Replay(string[] args)
    {
        _mayWait = false;
        One(args);
        _ready.Clear();
    }

    private static string Bulk(string value) => $"${value.Length}\r\n{value}\r\n";

    private static string Integer(long value) => $":{value}\r\n";

    private static string Array(IReadOnlyCollection<string> items) => $"*{items.Count}\r\n" + string.Concat(items);

    // Null: the command waits.
    private string? One(string[] args) => args[0] switch
    {
        "SET" => Set(args[1], args[2]),
        "GET" => _lists.ContainsKey(args[1]) ? WrongType
            : _strings.TryGetValue(args[1], out var value) ? Bulk(value) : Null,
        "INCR" => Incr(args[1]),
        "DEL" => Integer(Remove(args[1]) ? 1 : 0),
        "RPUSH" => Push(args[1], args[2..]),
        "LPOP" or "RPOP" => Pop(args[1], args[0] == "LPOP"),
        "LRANGE" => _strings.ContainsKey(args[1]) ? WrongType
            : Array([.. _lists.GetValueOrDefault(args[1], []).Select(Bulk)]),
        "LMOVE" => Move(args[1], args[2], waits: false),
        "BLMOVE" => Move(args[1], args[2], waits: true),
        "BLPOP" => PopFirst(args[1..^1]),
        "RENAME" => Rename(args[1], args[2]),
        "FLUSHALL" => Flush(),
        _ => throw new HistoryException("the model does not know " + args[0]),
    };

    private string Watch(int client, string[] args)
    {
        if (!_watches.TryGetValue(client, out var keys))
            _watches.Add(client, keys = new SortedDictionary<string, bool>(StringComparer.Ordinal));
        if (!keys.ContainsValue(true))
        {
            foreach (var key in args[1..]) keys.TryAdd(key, false);
        }

        return Ok;
    }

    private string Unwatch(int client)
    {
        _watches.Remove(client);
        return Ok;
    }

    private string Exec(int client, string[] args)
    {
        var isBroken = _watches.TryGetValue(client, out var keys) && keys.ContainsValue(true);
        _watches.Remove(client);
        if (isBroken) return NullArray;
        _mayWait = false;
        var replies = new List<string>();
        for (var at = 1; at < args.Length;)
        {
            var end = System.Array.IndexOf(args, Next, at);
            replies.Add(One(args[at..end])!);
            at = end + 1;
        }

        _mayWait = true;
        return Array(replies);
    }

    private string Set(string key, string value)
    {
        _lists.Remove(key);
        _strings[key] = value;
        Touch(key);
        return Ok;
    }

    private string Incr(string key)
    {
        if (_lists.ContainsKey(key)) return WrongType;
        var number = long.Parse(_strings.GetValueOrDefault(key, "0"), CultureInfo.InvariantCulture) + 1;
        _strings[key] = number.ToString(CultureInfo.InvariantCulture);
        Touch(key);
        return Integer(number);
    }

    private bool Remove(string key)
    {
        if (!_strings.Remove(key) & !_lists.Remove(key)) return false;
        Touch(key);
        return true;
    }

    private string Push(string key, string[] values)
    {
        if (_strings.ContainsKey(key)) return WrongType;
        if (!_lists.TryGetValue(key, out var list)) _lists.Add(key, list = []);
        list.AddRange(values);
        Touch(key);
        return Integer(list.Count);
    }

    private string Pop(string key, bool isLeft)
    {
        if (_strings.ContainsKey(key)) return WrongType;
        return _lists.ContainsKey(key) ? Bulk(Take(key, isLeft)) : Null;
    }

    private string Take(string key, bool isLeft)
    {
        var list = _lists[key];
        var at = isLeft ? 0 : list.Count - 1;
        var value = list[at];
        list.RemoveAt(at);
        if (list.Count == 0) _lists.Remove(key);
        Touch(key);
        return value;
    }

    private string? Move(string from, string to, bool waits)
    {
        if (_strings.ContainsKey(from)) return WrongType;
        if (!_lists.ContainsKey(from)) return waits && _mayWait ? null : Null;
        if (_strings.ContainsKey(to)) return WrongType;
        var value = Take(from, isLeft: true);
        Push(to, [value]);
        return Bulk(value);
    }

    private string? PopFirst(string[] keys)
    {
        foreach (var key in keys)
        {
            if (_strings.ContainsKey(key)) return WrongType;
            if (_lists.ContainsKey(key)) return Array([Bulk(key), Bulk(Take(key, isLeft: true))]);
        }

        return _mayWait ? null : NullArray;
    }

    private string Rename(string from, string to)
    {
        var isString = _strings.TryGetValue(from, out var value);
        if (!isString && !_lists.ContainsKey(from)) return "-ERR no such key\r\n";
        if (from == to) return Ok;
        Remove(to);
        if (isString) _strings[to] = value!;
        else _lists[to] = _lists[from];
        _strings.Remove(from);
        _lists.Remove(from);
        Touch(from);
        Touch(to);
        return Ok;
    }

    private string Flush()
    {
        foreach (var keys in _watches.Values)
        {
            foreach (var key in keys.Keys.ToList()) keys[key] |= _strings.ContainsKey(key) || _lists.ContainsKey(key);
        }

        _strings.Clear();
        _lists.Clear();
        return Ok;
    }

    private void Touch(string key)
    {
        foreach (var keys in _watches.Values)
        {
            if (keys.ContainsKey(key)) keys[key] = true;
        }

        if (!_ready.Contains(key) && _line.Exists(one => KeysOf(one.Args).Contains(key))) _ready.Add(key);
    }

    private List<(int Client, string Reply)> Serve()
    {
        var served = new List<(int, string)>();
        while (_ready.Count > 0)
        {
            var key = _ready[0];
            _ready.RemoveAt(0);
            foreach (var (client, args) in _line.Where(one => KeysOf(one.Args).Contains(key)).ToList())
            {
                if (!_lists.ContainsKey(key)) break;
                var reply = One(args);
                if (reply is null) continue;
                End(client);
                served.Add((client, reply));
            }
        }

        return served;
    }

    private static string[] KeysOf(string[] args) => args[0] == "BLPOP" ? args[1..^1] : [args[1]];
}
