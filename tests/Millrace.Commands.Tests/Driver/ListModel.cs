namespace Millrace.Commands.Tests.Driver;

/// <summary>Lists of strings, by what the documentation of Redis 7.2 says of the commands. Requests are well
/// formed.</summary>
internal sealed class ListModel
{
    private const string None = "(nil)";
    private readonly Dictionary<string, List<string>> _lists = new(StringComparer.Ordinal);

    /// <summary>How many changes the last request made.</summary>
    public long Dirty { get; private set; }

    /// <summary>The reply, as <see cref="CommandDriver.Render(string)"/> shows it.</summary>
    public string Run(string[] words)
    {
        Dirty = 0;
        var list = _lists.GetValueOrDefault(words[1]) ?? [];
        var isMissing = list.Count == 0;
        var reply = words[0] switch
        {
            "RPUSH" => Push(words[1], words[2..], isFirst: false),
            "LPUSH" => Push(words[1], words[2..], isFirst: true),
            "RPUSHX" => isMissing ? "0" : Push(words[1], words[2..], isFirst: false),
            "LPUSHX" => isMissing ? "0" : Push(words[1], words[2..], isFirst: true),
            "LPOP" or "RPOP" => Pop(list, words[0] == "LPOP", words.Length > 2 ? int.Parse(words[2]) : null),
            "LLEN" => list.Count.ToString(),
            "LINDEX" => ElementAt(list, int.Parse(words[2])) ?? None,
            "LRANGE" => Shown(Range(list, int.Parse(words[2]), int.Parse(words[3]))),
            "LSET" => isMissing ? "ERR no such key" : Set(list, int.Parse(words[2]), words[3]),
            "LINSERT" => isMissing ? "0" : Insert(list, words[2] == "AFTER", words[3], words[4]),
            "LREM" => Remove(list, int.Parse(words[2]), words[3]),
            "LPOS" => Positions(list, words[2], int.Parse(words[4])),
            "LMOVE" => Move(words[1], words[2], words[3] == "LEFT", words[4] == "LEFT"),
            "LMOVEM" => MoveMany(words),
            "RPOPLPUSH" => Move(words[1], words[2], fromFirst: false, toFirst: true),
            "LMPOP" => PopMany(words),
            "LTRIM" => Trim(list, int.Parse(words[2]), int.Parse(words[3])),
            _ => throw new ArgumentException(words[0]),
        };
        foreach (var (key, one) in _lists)
        {
            if (one.Count == 0) _lists.Remove(key);
        }

        return reply;
    }

    private static string Shown(IEnumerable<string> texts) => $"[{string.Join(' ', texts)}]";

    private static string? ElementAt(List<string> list, int index)
    {
        if (index < 0) index += list.Count;
        return index >= 0 && index < list.Count ? list[index] : null;
    }

    private static List<string> Range(List<string> list, int start, int stop)
    {
        if (start < 0) start = Math.Max(0, start + list.Count);
        if (stop < 0) stop += list.Count;
        stop = Math.Min(stop, list.Count - 1);
        return start > stop ? [] : list.GetRange(start, stop - start + 1);
    }

    private string Push(string key, string[] texts, bool isFirst)
    {
        if (!_lists.TryGetValue(key, out var list)) _lists[key] = list = [];
        foreach (var text in texts) list.Insert(isFirst ? 0 : list.Count, text);
        Dirty = texts.Length;
        return list.Count.ToString();
    }

    private List<string> Take(List<string> list, bool isFirst, int count)
    {
        count = Math.Min(count, list.Count);
        var taken = isFirst ? list[..count] : Enumerable.Reverse(list[^count..]).ToList();
        list.RemoveRange(isFirst ? 0 : list.Count - count, count);
        Dirty = count;
        return taken;
    }

    private string Pop(List<string> list, bool isFirst, int? count)
    {
        if (list.Count == 0) return None;
        var taken = Take(list, isFirst, count ?? 1);
        return count is null ? taken[0] : Shown(taken);
    }

    private string PopMany(string[] words)
    {
        foreach (var key in words[2..4])
        {
            if (!_lists.TryGetValue(key, out var list) || list.Count == 0) continue;
            return $"[{key} {Shown(Take(list, words[4] == "LEFT", int.Parse(words[6])))}]";
        }

        return None;
    }

    private string Set(List<string> list, int index, string text)
    {
        if (ElementAt(list, index) is null) return "ERR index out of range";
        list[index < 0 ? index + list.Count : index] = text;
        Dirty = 1;
        return "OK";
    }

    private string Insert(List<string> list, bool isBehind, string pivot, string text)
    {
        var at = list.IndexOf(pivot);
        if (at < 0) return "-1";
        list.Insert(isBehind ? at + 1 : at, text);
        Dirty = 1;
        return list.Count.ToString();
    }

    private string Remove(List<string> list, int count, string text)
    {
        var max = count == 0 ? int.MaxValue : Math.Abs(count);
        while (Dirty < max)
        {
            var at = count < 0 ? list.LastIndexOf(text) : list.IndexOf(text);
            if (at < 0) break;
            list.RemoveAt(at);
            Dirty++;
        }

        return Dirty.ToString();
    }

    private static string Positions(List<string> list, string text, int rank)
    {
        var all = Enumerable.Range(0, list.Count).Where(i => list[i] == text);
        if (rank < 0) all = all.Reverse();
        return Shown(all.Skip(Math.Abs(rank) - 1).Select(i => i.ToString()));
    }

    // LMOVEM source target LEFT|RIGHT LEFT|RIGHT COUNT|EXACTLY n OBO|BULK
    private string MoveMany(string[] words)
    {
        var (isExact, count) = (words[5] == "EXACTLY", int.Parse(words[6]));
        var length = _lists.TryGetValue(words[1], out var list) ? list.Count : 0;
        if (isExact && length < count) return None;
        if (length == 0) return "[]";
        var (fromFirst, toFirst) = (words[3] == "LEFT", words[4] == "LEFT");
        var taken = Take(list!, fromFirst, count);
        if (!fromFirst) taken.Reverse();
        if (words[7] == "OBO" && fromFirst == toFirst) taken.Reverse();
        if (!_lists.TryGetValue(words[2], out var target)) _lists[words[2]] = target = [];
        target.InsertRange(toFirst ? 0 : target.Count, taken);
        return Shown(taken);
    }

    private string Move(string from, string to, bool fromFirst, bool toFirst)
    {
        if (!_lists.TryGetValue(from, out var list) || list.Count == 0) return None;
        var text = Take(list, fromFirst, 1)[0];
        Push(to, [text], toFirst);
        Dirty = 1;
        return text;
    }

    private string Trim(List<string> list, int start, int stop)
    {
        var kept = Range(list, start, stop);
        Dirty = list.Count - kept.Count;
        list.Clear();
        list.AddRange(kept);
        return "OK";
    }
}
