using System.Globalization;

namespace Millrace.Commands.Tests.Driver;

/// <summary>Sorted sets done naively: what the commands of the model test answer, as <c>Render</c> shows it.</summary>
internal sealed class SortedSetModel
{
    private readonly Dictionary<string, Dictionary<string, double>> _sets = new(StringComparer.Ordinal);

    internal IEnumerable<string> State() =>
        _sets.OrderBy(set => set.Key, StringComparer.Ordinal)
            .Select(set => $"{set.Key} {Shown(Sorted(set.Key), withScores: true)}");

    internal string Run(string[] words)
    {
        var key = words[1];
        return words[0] switch
        {
            "ZADD" => Add(words),
            "ZINCRBY" => Increment(key, double.Parse(words[2], CultureInfo.InvariantCulture), words[3]),
            "ZREM" => Remove(key, words[2..]),
            "ZSCORE" => Of(key).TryGetValue(words[2], out var score) ? Text(score) : "(nil)",
            "ZCARD" => Of(key).Count.ToString(CultureInfo.InvariantCulture),
            "ZRANK" => RankOf(Sorted(key), words[2]),
            "ZREVRANK" => RankOf([.. Sorted(key).Reverse()], words[2]),
            "ZRANGE" => Range(words),
            "ZREVRANGE" => Shown(Slice([.. Sorted(key).Reverse()], words[2], words[3]), withScores: true),
            "ZRANGEBYSCORE" => Shown(Between(Sorted(key), words[2], words[3]), withScores: true),
            "ZREVRANGEBYSCORE" => Shown([.. Between(Sorted(key), words[3], words[2]).Reverse()], withScores: true),
            "ZCOUNT" => Between(Sorted(key), words[2], words[3]).Length.ToString(CultureInfo.InvariantCulture),
            "ZREMRANGEBYRANK" => Remove(key, Names(Slice(Sorted(key), words[2], words[3]))),
            "ZREMRANGEBYSCORE" => Remove(key, Names(Between(Sorted(key), words[2], words[3]))),
            "ZPOPMIN" => Pop(key, [.. Sorted(key).Take(int.Parse(words[2], CultureInfo.InvariantCulture))]),
            "ZPOPMAX" => Pop(key, [.. Sorted(key).Reverse().Take(int.Parse(words[2], CultureInfo.InvariantCulture))]),
            "ZMPOP" => PopFirst(words),
            "ZUNIONSTORE" => Store(key, Union(words[3], words[4], words[6], words[7])),
            "ZINTERSTORE" => Store(key, Of(words[3]).Where(member => Of(words[4]).ContainsKey(member.Key))
                .ToDictionary(member => member.Key, member => Math.Max(member.Value, Of(words[4])[member.Key]))),
            "ZDIFFSTORE" => Store(key, Of(words[3]).Where(member => !Of(words[4]).ContainsKey(member.Key))
                .ToDictionary(StringComparer.Ordinal)),
            "ZRANGESTORE" => Store(
                key, Slice(Sorted(words[2]), words[3], words[4]).ToDictionary(StringComparer.Ordinal)),
            "RENAME" => Rename(key, words[2]),
            "COPY" => Copy(key, words[2]),
            _ => _sets.Remove(key) ? "1" : "0",
        };
    }

    private static string Text(double score) =>
        double.IsInfinity(score) ? score > 0 ? "inf" : "-inf" : score.ToString(CultureInfo.InvariantCulture);

    private static string Shown(KeyValuePair<string, double>[] members, bool withScores) =>
        "[" + string.Join(' ', members.Select(member => withScores ? $"{member.Key} {Text(member.Value)}" : member.Key))
        + "]";

    private static string[] Names(KeyValuePair<string, double>[] members) => [.. members.Select(member => member.Key)];

    private static string RankOf(KeyValuePair<string, double>[] members, string member)
    {
        var rank = Array.FindIndex(members, one => one.Key == member);
        return rank < 0 ? "(nil)" : rank.ToString(CultureInfo.InvariantCulture);
    }

    private static KeyValuePair<string, double>[] Slice(KeyValuePair<string, double>[] members, string from, string to)
    {
        var start = int.Parse(from, CultureInfo.InvariantCulture);
        var stop = int.Parse(to, CultureInfo.InvariantCulture);
        start = start < 0 ? Math.Max(0, start + members.Length) : start;
        stop = stop < 0 ? stop + members.Length : stop;
        return [.. members.Skip(start).Take(Math.Max(0, stop - start + 1))];
    }

    private static KeyValuePair<string, double>[] Between(
        KeyValuePair<string, double>[] members, string min, string max)
    {
        static double Number(string text) =>
            text.TrimStart('(') switch
            {
                "-inf" => double.NegativeInfinity,
                "inf" => double.PositiveInfinity,
                var digits => double.Parse(digits, CultureInfo.InvariantCulture),
            };
        return
        [
            .. members
                .Where(one => min[0] == '(' ? one.Value > Number(min) : one.Value >= Number(min))
                .Where(one => max[0] == '(' ? one.Value < Number(max) : one.Value <= Number(max)),
        ];
    }

    private Dictionary<string, double> Of(string key) => _sets.GetValueOrDefault(key) ?? [];

    private KeyValuePair<string, double>[] Sorted(string key) =>
        [.. Of(key).OrderBy(member => member.Value).ThenBy(member => member.Key, StringComparer.Ordinal)];

    private string Range(string[] words)
    {
        var members = Sorted(words[1]);
        if (words.Length < 6) return Shown(Slice(members, words[2], words[3]), withScores: false);

        // ZRANGE key max min BYSCORE REV LIMIT offset count
        var found = Between(members, words[3], words[2]).Reverse();
        var offset = int.Parse(words[7], CultureInfo.InvariantCulture);
        var count = int.Parse(words[8], CultureInfo.InvariantCulture);
        return Shown([.. found.Skip(offset).Take(count < 0 ? int.MaxValue : count)], withScores: false);
    }

    private string Add(string[] words)
    {
        var options = words.Skip(2).TakeWhile(word => word is "NX" or "XX" or "GT" or "LT" or "CH").ToArray();
        var set = Of(words[1]);
        var (added, changed) = (0, 0);
        for (var i = 2 + options.Length; i < words.Length; i += 2)
        {
            var score = double.Parse(words[i], CultureInfo.InvariantCulture);
            if (!set.TryGetValue(words[i + 1], out var old))
            {
                if (options.Contains("XX")) continue;
                set[words[i + 1]] = score;
                added++;
                continue;
            }

            var isRefused = options.Contains("NX")
                || (options.Contains("GT") && score <= old) || (options.Contains("LT") && score >= old);
            if (isRefused || score.Equals(old)) continue;
            set[words[i + 1]] = score;
            changed++;
        }

        if (set.Count > 0) _sets[words[1]] = set;
        return (options.Contains("CH") ? added + changed : added).ToString(CultureInfo.InvariantCulture);
    }

    private string Increment(string key, double increment, string member)
    {
        var set = Of(key);
        set[member] = set.GetValueOrDefault(member) + increment;
        _sets[key] = set;
        return Text(set[member]);
    }

    private string Remove(string key, string[] members)
    {
        var set = Of(key);
        var removed = members.Count(member => set.Remove(member));
        if (set.Count == 0) _sets.Remove(key);
        return removed.ToString(CultureInfo.InvariantCulture);
    }

    private string Pop(string key, KeyValuePair<string, double>[] members)
    {
        Remove(key, Names(members));
        return Shown(members, withScores: true);
    }

    // ZMPOP 2 key key MIN COUNT n
    private string PopFirst(string[] words)
    {
        var key = Of(words[2]).Count > 0 ? words[2] : words[3];
        if (Of(key).Count == 0) return "(nil)";
        KeyValuePair<string, double>[] members =
            [.. Sorted(key).Take(int.Parse(words[6], CultureInfo.InvariantCulture))];
        Remove(key, Names(members));
        return $"[{key} [{string.Join(' ', members.Select(member => $"[{member.Key} {Text(member.Value)}]"))}]]";
    }

    private Dictionary<string, double> Union(string first, string second, string weight, string otherWeight)
    {
        var sum = Of(first).ToDictionary(
            member => member.Key, member => member.Value * double.Parse(weight, CultureInfo.InvariantCulture));
        foreach (var (member, score) in Of(second))
        {
            var weighted = score * double.Parse(otherWeight, CultureInfo.InvariantCulture);
            sum[member] = sum.GetValueOrDefault(member) + weighted;
        }

        return sum;
    }

    private string Store(string key, Dictionary<string, double> set)
    {
        _sets.Remove(key);
        if (set.Count > 0) _sets[key] = new Dictionary<string, double>(set, StringComparer.Ordinal);
        return set.Count.ToString(CultureInfo.InvariantCulture);
    }

    private string Rename(string key, string other)
    {
        if (!_sets.Remove(key, out var set)) return "ERR no such key";
        _sets[other] = set;
        return "OK";
    }

    private string Copy(string key, string other)
    {
        if (!_sets.TryGetValue(key, out var set) || _sets.ContainsKey(other)) return "0";
        _sets[other] = new Dictionary<string, double>(set, StringComparer.Ordinal);
        return "1";
    }
}
