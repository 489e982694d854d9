// The keyspace as one would explain it: databases of plain dictionaries, one command after the other.
//
// An entry whose deadline lies before the command's time is removed when the command looks at its key, as in the
// server; commands on whole databases (DBSIZE, FLUSHDB, SWAPDB) see what is physically there.

using System.Globalization;
using System.Text;

namespace Millrace.Histories;

/// <summary>A value with its deadline; -1 for none.</summary>
internal readonly record struct Item(string Value, long DeadlineMs);

/// <summary>A sequential keyspace.</summary>
internal sealed class Model
{
    private const string Ok = "+OK\r\n";
    private const string Null = "$-1\r\n";
    private readonly SortedDictionary<string, Item>[] _databases;
    private bool _removes = true;

    public Model(int databases) => _databases = [.. Enumerable.Range(0, databases).Select(_ => New())];

    private Model(Model other) =>
        _databases =
            [.. other._databases.Select(one => new SortedDictionary<string, Item>(one, StringComparer.Ordinal))];

    /// <summary>An independent copy.</summary>
    public Model Copy() => new(this);

    /// <summary>The whole state as text, equal exactly for equal states.</summary>
    public string Text()
    {
        var text = new StringBuilder();
        for (var i = 0; i < _databases.Length; i++)
        {
            foreach (var (key, item) in _databases[i])
                text.Append(CultureInfo.InvariantCulture, $"{i}/{key}={item.Value}@{item.DeadlineMs};");
        }

        return text.ToString();
    }

    /// <summary>Puts an entry in place.</summary>
    public void Put(int database, string key, Item item) => _databases[database][key] = item;

    /// <summary>Removes the due keys of those that <paramref name="isMeant"/> names: active expiry.</summary>
    public void RemoveDue(long nowMs, Func<string, bool> isMeant)
    {
        foreach (var database in _databases)
        {
            var due = database.Where(one => IsDead(one.Value, nowMs) && isMeant(one.Key)).ToList();
            foreach (var (key, _) in due) database.Remove(key);
        }
    }

    /// <summary>Runs a command and gives its reply in RESP2.</summary>
    public string Run(int database, string[] args, long nowMs, bool removes)
    {
        _removes = removes;
        return Run(database, args, nowMs);
    }

    private string Run(int database, string[] args, long nowMs) => args[0] switch
    {
        "SET" => Set(database, args, nowMs),
        "GET" => Live(database, args[1], nowMs) is { } item ? Bulk(item.Value) : Null,
        "MGET" => "*" + (args.Length - 1) + "\r\n" + string.Concat(
            args[1..].Select(key => Live(database, key, nowMs) is { } item ? Bulk(item.Value) : Null)),
        "MSET" => MSet(database, args, nowMs),
        "INCR" => Incr(database, args[1], nowMs),
        "DEL" or "UNLINK" => Integer(
            args[1..].Count(key => Live(database, key, nowMs) is not null && _databases[database].Remove(key))),
        "RENAME" => Rename(database, args, nowMs),
        "COPY" => CopyKey(database, args, nowMs),
        "PEXPIREAT" => Expire(database, args, nowMs),
        "DBSIZE" => Integer(_databases[database].Count),
        "FLUSHDB" => Flush(database),
        "SWAPDB" => Swap(args),
        _ => throw new HistoryException("the model does not know " + args[0]),
    };

    private static SortedDictionary<string, Item> New() => new(StringComparer.Ordinal);

    private static bool IsDead(Item item, long nowMs) => item.DeadlineMs >= 0 && item.DeadlineMs < nowMs;

    private static string Bulk(string value) => $"${value.Length}\r\n{value}\r\n";

    private static string Integer(long value) => $":{value}\r\n";

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);

    private Item? Live(int database, string key, long nowMs)
    {
        if (!_databases[database].TryGetValue(key, out var item)) return null;
        if (!IsDead(item, nowMs)) return item;
        if (_removes) _databases[database].Remove(key);
        return null;
    }

    private string Set(int database, string[] args, long nowMs)
    {
        Live(database, args[1], nowMs);
        var deadline = args.Length < 5 ? -1 : args[3] == "PX" ? nowMs + Number(args[4]) : Number(args[4]);
        Put(database, args[1], new Item(args[2], deadline));
        return Ok;
    }

    private string MSet(int database, string[] args, long nowMs)
    {
        for (var i = 1; i < args.Length; i += 2)
        {
            Live(database, args[i], nowMs);
            Put(database, args[i], new Item(args[i + 1], -1));
        }

        return Ok;
    }

    private string Incr(int database, string key, long nowMs)
    {
        var item = Live(database, key, nowMs) ?? new Item("0", -1);
        if (!long.TryParse(item.Value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number))
            return "-ERR value is not an integer or out of range\r\n";
        Put(database, key, item with { Value = (number + 1).ToString(CultureInfo.InvariantCulture) });
        return Integer(number + 1);
    }

    private string Rename(int database, string[] args, long nowMs)
    {
        if (Live(database, args[1], nowMs) is not { } item) return "-ERR no such key\r\n";
        if (args[1] == args[2]) return Ok;
        Live(database, args[2], nowMs);
        _databases[database].Remove(args[1]);
        Put(database, args[2], item);
        return Ok;
    }

    private string CopyKey(int database, string[] args, long nowMs)
    {
        if (args[1] == args[2]) return "-ERR source and destination objects are the same\r\n";
        if (Live(database, args[1], nowMs) is not { } item) return Integer(0);
        var replaces = args.Length > 3;
        if (Live(database, args[2], nowMs) is not null && !replaces) return Integer(0);
        Put(database, args[2], item);
        return Integer(1);
    }

    private string Expire(int database, string[] args, long nowMs)
    {
        if (Live(database, args[1], nowMs) is not { } item) return Integer(0);
        if (Number(args[2]) <= nowMs) _databases[database].Remove(args[1]);
        else Put(database, args[1], item with { DeadlineMs = Number(args[2]) });
        return Integer(1);
    }

    private string Flush(int database)
    {
        _databases[database] = New();
        return Ok;
    }

    private string Swap(string[] args)
    {
        var (first, second) = ((int)Number(args[1]), (int)Number(args[2]));
        (_databases[first], _databases[second]) = (_databases[second], _databases[first]);
        return Ok;
    }
}
