using System.Globalization;
using Id = (ulong Ms, ulong Seq);

namespace Millrace.Commands.Tests.Driver;

/// <summary>Streams and groups as sorted lists, and what commands on them have to answer.</summary>
internal sealed class StreamModel
{
    private readonly SortedDictionary<string, ModelStream> _streams = new(StringComparer.Ordinal);

    /// <summary>The clock.</summary>
    internal ulong NowMs { get; set; }

    /// <summary>Carries out a request and returns the reply as <see cref="CommandDriver.Render(string)"/> shows it; an
    /// error as its first word.</summary>
    internal string Run(string[] words) => words[0] switch
    {
        "XADD" => Add(words),
        "XDEL" => Find(words[1]) is { } one ? Count(words[2..].Count(id => Delete(one, Parse(id)))) : "0",
        "XLEN" => Count(Find(words[1])?.Entries.Count ?? 0),
        "XRANGE" => Range(words[1], words[2], words[3], words.Length > 5 ? words[5] : "0", isBackwards: false),
        "XREVRANGE" => Range(words[1], words[3], words[2], words.Length > 5 ? words[5] : "0", isBackwards: true),
        "XDELEX" => Bracketed(words[5..].Select(id => Count(DeleteWith(Find(words[1]), Parse(id), words[2])))),
        "XACKDEL" => Bracketed(words[6..].Select(id => Count(AckDelete(words[1], words[2], Parse(id), words[3])))),
        "XTRIM" => Find(words[1]) is { } one
            ? Count(Trim(one, words[2], words[3], words.Length > 4 ? words[4] : "KEEPREF")) : "0",
        "XREAD" => Read(words),
        "XGROUP" => Group(words),
        "XREADGROUP" => ReadGroup(words),
        "XACK" => FindGroup(words[1], words[2]) is { } group
            ? Count(words[3..].Count(id => group.Pending.Remove(Parse(id)))) : "0",
        "XNACK" => FindGroup(words[1], words[2]) is { } group
            ? Count(words[6..].Where(static id => char.IsDigit(id[0]))
                .Count(id => Release(Find(words[1])!, group, Parse(id), words[3], words[^1] == "FORCE"))) : "NOGROUP",
        "XPENDING" => Pending(words),
        "XCLAIM" => Claim(words),
        "XAUTOCLAIM" => AutoClaim(words),
        "DEL" => _streams.Remove(words[1]) ? "1" : "0",
        "COPY" => Copy(words[1], words[2]),
        "RENAME" => Rename(words[1], words[2]),
        _ => throw new InvalidOperationException(words[0]),
    };

    private static string Count(long count) => count.ToString(CultureInfo.InvariantCulture);

    private static string Text(Id id) => string.Create(CultureInfo.InvariantCulture, $"{id.Ms}-{id.Seq}");

    private static string Bracketed(IEnumerable<string> parts) => "[" + string.Join(' ', parts) + "]";

    private static Id Parse(string text)
    {
        var parts = text.Split('-');
        return (Number(parts[0]), Number(parts[1]));
    }

    private static ulong Number(string text) => ulong.Parse(text, CultureInfo.InvariantCulture);

    private ModelStream? Find(string key) => _streams.GetValueOrDefault(key);

    private ModelGroup? FindGroup(string key, string name) => Find(key)?.Groups.GetValueOrDefault(name);

    // XADD key [KEEPREF|DELREF|ACKED] [MAXLEN|MINID threshold] id field value ...
    private string Add(string[] words)
    {
        var references = words[2] is "KEEPREF" or "DELREF" or "ACKED" ? words[2] : "";
        if (references.Length > 0) words = [words[0], words[1], .. words[3..]];
        var trims = words[2] is "MAXLEN" or "MINID";
        var at = trims ? 4 : 2;
        var last = Find(words[1])?.Last ?? default;
        Id id;
        if (words[at] == "*") id = NowMs > last.Ms ? (NowMs, 0) : (last.Ms, last.Seq + 1);
        else if (words[at].EndsWith('*'))
            id = Number(words[at][..^2]) is var ms && ms == last.Ms ? (ms, last.Seq + 1) : (ms, 0);
        else id = Parse(words[at]);
        if (id.CompareTo(last) <= 0) return "ERR";
        if (Find(words[1]) is not { } stream) _streams.Add(words[1], stream = new ModelStream());
        stream.Last = id;
        stream.Entries.Add(id, Bracketed(words[(at + 1)..]));
        if (trims) Trim(stream, words[2], words[3], references);
        return Text(id);
    }

    private static bool Delete(ModelStream stream, Id id) => stream.Entries.Remove(id);

    private static bool IsNeeded(ModelStream stream, Id id) =>
        stream.Groups.Values.Any(group => group.Last.CompareTo(id) < 0 || group.Pending.ContainsKey(id));

    private static void Forget(ModelStream stream, Id id)
    {
        foreach (var group in stream.Groups.Values) group.Pending.Remove(id);
    }

    // XDELEX key policy IDS n id ...
    private static int DeleteWith(ModelStream? stream, Id id, string policy)
    {
        if (stream is null) return -1;
        if (policy == "DELREF") Forget(stream, id);
        if (!stream.Entries.ContainsKey(id)) return -1;
        if (policy == "ACKED" && (stream.Groups.Count == 0 || IsNeeded(stream, id))) return 2;
        Delete(stream, id);
        return 1;
    }

    // XACKDEL key group policy IDS n id ...
    private int AckDelete(string key, string name, Id id, string policy)
    {
        if (FindGroup(key, name) is not { } group) return -1;
        if (group.Pending.Remove(id)) return DeleteWith(Find(key), id, policy) == 2 ? 2 : 1;
        if (policy == "DELREF" && !Find(key)!.Entries.ContainsKey(id)) Forget(Find(key)!, id);
        return -1;
    }

    private static int Trim(ModelStream stream, string strategy, string threshold, string references)
    {
        var before = stream.Entries.Count;
        foreach (var id in stream.Entries.Keys.ToList())
        {
            var isLength = strategy == "MAXLEN";
            if (isLength && stream.Entries.Count <= int.Parse(threshold, CultureInfo.InvariantCulture)) break;
            if (!isLength && id.CompareTo(Parse(threshold)) >= 0) break;
            if (references == "ACKED" && IsNeeded(stream, id)) continue;
            if (references == "DELREF") Forget(stream, id);
            stream.Entries.Remove(id);
        }

        return before - stream.Entries.Count;
    }

    private static string Entry(ModelStream stream, Id id) => $"[{Text(id)} {stream.Entries[id]}]";

    private static IEnumerable<Id> Above(ModelStream stream, Id id) =>
        stream.Entries.Keys.Where(one => one.CompareTo(id) > 0);

    private string Range(string key, string from, string to, string count, bool isBackwards)
    {
        if (Find(key) is not { } stream) return "[]";
        var min = from == "-" ? default : Parse(from);
        var max = to == "+" ? (ulong.MaxValue, ulong.MaxValue) : Parse(to);
        var ids = stream.Entries.Keys.Where(id => id.CompareTo(min) >= 0 && id.CompareTo(max) <= 0);
        if (isBackwards) ids = ids.Reverse();
        var most = int.Parse(count, CultureInfo.InvariantCulture);
        if (most > 0) ids = ids.Take(most);
        return Bracketed(ids.Select(id => Entry(stream, id)));
    }

    // XREAD COUNT n STREAMS key id
    private string Read(string[] words)
    {
        if (Find(words[4]) is not { } stream) return "(nil)";
        var most = int.Parse(words[2], CultureInfo.InvariantCulture);
        var ids = Above(stream, Parse(words[5])).Take(most).ToList();
        return ids.Count == 0 ? "(nil)" : $"[[{words[4]} {Bracketed(ids.Select(id => Entry(stream, id)))}]]";
    }

    private string Group(string[] words)
    {
        if (words[1] == "CREATE")
        {
            if (Find(words[2]) is not { } made) _streams.Add(words[2], made = new ModelStream());
            return made.Groups.TryAdd(words[3], new ModelGroup { Last = Parse(words[4]) }) ? "OK" : "BUSYGROUP";
        }

        if (Find(words[2]) is not { } stream) return "ERR";
        if (words[1] == "DESTROY") return stream.Groups.Remove(words[3]) ? "1" : "0";
        if (!stream.Groups.TryGetValue(words[3], out var group)) return "NOGROUP";
        switch (words[1])
        {
            case "SETID":
                group.Last = Parse(words[4]);
                return "OK";
            case "CREATECONSUMER":
                return group.Consumers.Add(words[4]) ? "1" : "0";
            default:
                var ids = group.Pending.Where(one => one.Value.Owner == words[4]).Select(one => one.Key).ToList();
                foreach (var id in ids) group.Pending.Remove(id);
                group.Consumers.Remove(words[4]);
                return Count(ids.Count);
        }
    }

    // XREADGROUP GROUP g c COUNT n [CLAIM 0] STREAMS key id
    private string ReadGroup(string[] words)
    {
        var claims = words[6] == "CLAIM";
        var (key, above) = (words[^2], words[^1]);
        var most = int.Parse(words[5], CultureInfo.InvariantCulture);
        if (FindGroup(key, words[2]) is not { } group) return "NOGROUP";
        var stream = Find(key)!;
        group.Consumers.Add(words[3]);
        if (above != ">")
        {
            var own = group.Pending.Where(one => one.Value.Owner == words[3] && one.Key.CompareTo(Parse(above)) > 0)
                .Select(one => one.Key).Take(most).ToList();
            foreach (var id in own.Where(stream.Entries.ContainsKey))
                group.Deliver(id, words[3], OneMore(group.Pending[id].Times));
            return $"[[{key} {Bracketed(own.Select(id => Shown(stream, id)))}]]";
        }

        var claimed = new HashSet<Id>();
        var shown = claims ? ClaimIdle(stream, group, words[3], most, claimed) : [];
        foreach (var id in Above(stream, group.Last).ToList())
        {
            if (shown.Count == most) break;
            group.Last = id;
            if (claimed.Contains(id)) continue;
            var isUnowned = group.Pending.TryGetValue(id, out var before) && before.Owner.Length == 0;
            group.Deliver(id, words[3], isUnowned ? OneMore(before.Times) : 1);
            shown.Add(claims ? $"{Entry(stream, id)[..^1]} 0 0]" : Entry(stream, id));
        }

        return shown.Count == 0 ? "(nil)" : $"[[{key} {Bracketed(shown)}]]";
    }

    private static List<string> ClaimIdle(
        ModelStream stream, ModelGroup group, string consumer, int most, HashSet<Id> claimed)
    {
        var shown = new List<string>();
        var forgotten = 0;
        foreach (var (id, pending) in group.Pending
            .OrderBy(one => one.Value.Owner.Length > 0).ThenBy(one => one.Value.Turn).ToList())
        {
            if (shown.Count == most) break;
            if (!stream.Entries.ContainsKey(id))
            {
                if (forgotten++ == 10 * most) break;
                group.Pending.Remove(id);
                continue;
            }

            claimed.Add(id);
            shown.Add($"{Entry(stream, id)[..^1]} {Idle(pending.Owner)} {Count(pending.Times)}]");
            group.Deliver(id, consumer, OneMore(pending.Times));
        }

        return shown;
    }

    private static long OneMore(long times) => times < long.MaxValue ? times + 1 : times;

    private static string Shown(ModelStream stream, Id id) =>
        stream.Entries.ContainsKey(id) ? Entry(stream, id) : $"[{Text(id)} (nil)]";

    // XPENDING key g - + n [consumer], with idle times of 0: the clock stands.
    private string Pending(string[] words)
    {
        if (FindGroup(words[1], words[2]) is not { } group) return "NOGROUP";
        var all = group.Pending.Where(one => words.Length < 7 || one.Value.Owner == words[6])
            .Take(int.Parse(words[5], CultureInfo.InvariantCulture));
        return Bracketed(all.Select(one =>
            $"[{Text(one.Key)} {one.Value.Owner} {Idle(one.Value.Owner)} {Count(one.Value.Times)}]"));
    }

    // Nobody has what was given back.
    private static string Idle(string owner) => owner.Length > 0 ? "0" : "-1";

    // XNACK key g mode IDS n id ... [FORCE]
    private static bool Release(ModelStream stream, ModelGroup group, Id id, string mode, bool isForced)
    {
        var isPending = group.Pending.TryGetValue(id, out var before);
        if (!isPending && !(isForced && stream.Entries.ContainsKey(id))) return false;
        group.Deliver(id, "", mode switch
        {
            "SILENT" => Math.Max(before.Times - 1, 0),
            "FATAL" => long.MaxValue,
            _ => before.Times,
        });
        return true;
    }

    // XCLAIM key g c 0 id ... [FORCE] [JUSTID]
    private string Claim(string[] words)
    {
        if (FindGroup(words[1], words[2]) is not { } group) return "NOGROUP";
        var stream = Find(words[1])!;
        group.Consumers.Add(words[3]);
        var justIds = words.Contains("JUSTID");
        var shown = new List<string>();
        foreach (var id in words[5..].Where(word => char.IsDigit(word[0])).Select(Parse))
        {
            if (!stream.Entries.ContainsKey(id)) group.Pending.Remove(id);
            else if (group.Pending.ContainsKey(id) || words.Contains("FORCE"))
                shown.Add(Take(stream, group, id, words[3], justIds));
        }

        return Bracketed(shown);
    }

    private static string Take(ModelStream stream, ModelGroup group, Id id, string consumer, bool justId)
    {
        var times = group.Pending.TryGetValue(id, out var before) ? before.Times : 1;
        group.Deliver(id, consumer, justId ? times : OneMore(times));
        return justId ? Text(id) : Entry(stream, id);
    }

    // XAUTOCLAIM key g c 0 start COUNT n [JUSTID]
    private string AutoClaim(string[] words)
    {
        if (FindGroup(words[1], words[2]) is not { } group) return "NOGROUP";
        var stream = Find(words[1])!;
        group.Consumers.Add(words[3]);
        var most = int.Parse(words[7], CultureInfo.InvariantCulture);
        var left = group.Pending.Keys.Where(id => id.CompareTo(Parse(words[5])) >= 0).ToList();
        var seen = left.Take(most).ToList();
        var gone = seen.Where(id => !stream.Entries.ContainsKey(id)).ToList();
        foreach (var id in gone) group.Pending.Remove(id);
        var justIds = words.Contains("JUSTID");
        var claimed = seen.Except(gone).Select(id => Take(stream, group, id, words[3], justIds)).ToList();
        var next = left.Count > most ? Text(left[most]) : "0-0";
        return $"[{next} {Bracketed(claimed)} {Bracketed(gone.Select(Text))}]";
    }

    private string Copy(string from, string to)
    {
        if (from == to) return "ERR";
        if (Find(from) is not { } stream || Find(to) is not null) return "0";
        var copy = new ModelStream { Last = stream.Last };
        foreach (var (id, fields) in stream.Entries) copy.Entries.Add(id, fields);
        foreach (var (name, group) in stream.Groups)
        {
            var twin = new ModelGroup { Last = group.Last, Turns = group.Turns };
            twin.Consumers.UnionWith(group.Consumers);
            foreach (var (id, pending) in group.Pending) twin.Pending.Add(id, pending);
            copy.Groups.Add(name, twin);
        }

        _streams.Add(to, copy);
        return "1";
    }

    private string Rename(string from, string to)
    {
        if (!_streams.Remove(from, out var stream)) return "ERR";
        _streams[to] = stream;
        return "OK";
    }

    private sealed class ModelStream
    {
        internal SortedList<Id, string> Entries { get; } = [];

        internal SortedDictionary<string, ModelGroup> Groups { get; } = new(StringComparer.Ordinal);

        internal Id Last { get; set; }
    }

    private sealed class ModelGroup
    {
        internal SortedDictionary<Id, (string Owner, long Times, long Turn)> Pending { get; } = [];

        internal SortedSet<string> Consumers { get; } = new(StringComparer.Ordinal);

        internal Id Last { get; set; }

        internal long Turns { get; set; }

        internal void Deliver(Id id, string to, long times) => Pending[id] = (to, times, Turns++);
    }
}
