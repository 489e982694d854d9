using System.Globalization;
using System.Text;
using Millrace.Compat.Tests.Generation;
using Millrace.Compat.Tests.Servers;
using Millrace.Compat.Tests.Wire;

namespace Millrace.Compat.Tests.Commands;

/// <summary>COMMAND INFO, LIST, GETKEYS and DOCS, and the errors that follow from the metadata, against
/// 7.0.15.</summary>
public sealed class MetadataTests(ServerPair pair) : IClassFixture<ServerPair>
{
    private static readonly string[] s_fields =
        ["name", "arity", "flags", "first key", "last key", "step", "ACL categories", "tips", "key specifications"];

    // Commands that came after 7.0.15: the table tests cite their documentation.
    private static readonly string[] s_laterCommands =
    [
        "msetex", "client|setinfo", "client|no-touch", "cluster|myshardid",
        "hexpire", "hexpireat", "hexpiretime", "hpersist", "hpexpire", "hpexpireat", "hpexpiretime", "hpttl", "httl",
        "hgetdel", "hgetex", "hsetex", "delex", "delifeq", "digest", "sdiffcard", "sunioncard",
        "xackdel", "xcfgset", "xdelex", "xidmprecord", "xnack",
        "increx", "lmovem", "blmovem", "waitaof",
    ];

    // Commands of 7.0.15 that are not here yet. Whoever brings one takes it out.
    private static readonly string[] s_missingCommands =
    [
        "acl", "acl|cat", "acl|deluser", "acl|dryrun", "acl|genpass", "acl|getuser", "acl|help", "acl|list", "acl|load",
        "acl|log", "acl|save", "acl|setuser", "acl|users", "acl|whoami",
        "failover", "psync", "replconf", "sync",
        "function|delete", "function|kill", "function|load", "function|restore",
        "module|load", "module|loadex", "module|unload",
    ];

    // Commands that take more arguments than in 7.0.15 (redis.io/commands/zrank, history 7.2.0: WITHSCORE).
    private static readonly string[] s_laterArities = ["zrank", "zrevrank"];

    // Where later documentation differs from 7.0.15: command and field (as the test names them), with the source.
    private static readonly Dictionary<string, string> s_knownDifferences = new(StringComparer.Ordinal)
    {
        ["config|resetstat: tips"] = "redis.io/commands/config-resetstat",
        ["setex: doc_flags"] = "redis.io/commands/setex: deprecated since 2.6.12",
        ["setex: deprecated_since"] = "redis.io/commands/setex",
        ["setex: replaced_by"] = "redis.io/commands/setex",
        ["psetex: doc_flags"] = "redis.io/commands/psetex: deprecated since 2.6.12",
        ["psetex: deprecated_since"] = "redis.io/commands/psetex",
        ["psetex: replaced_by"] = "redis.io/commands/psetex",
        ["setnx: doc_flags"] = "redis.io/commands/setnx: deprecated since 2.6.12",
        ["setnx: deprecated_since"] = "redis.io/commands/setnx",
        ["setnx: replaced_by"] = "redis.io/commands/setnx",
        ["zrank: arity"] = "redis.io/commands/zrank, history 7.2.0: WITHSCORE",
        ["zrevrank: arity"] = "redis.io/commands/zrevrank, history 7.2.0: WITHSCORE",
        ["quit: doc_flags"] = "redis.io/commands/quit: deprecated since 7.2.0",
        ["quit: deprecated_since"] = "redis.io/commands/quit",
        ["quit: replaced_by"] = "redis.io/commands/quit",
        ["xadd: arguments"] = "redis.io/commands/xadd, 8.2.0: KEEPREF, DELREF, ACKED; 8.6.0: IDMP, IDMPAUTO",
        ["xreadgroup: arguments"] = "redis.io/commands/xreadgroup, history 8.4.0: CLAIM",
        ["xtrim: arguments"] = "redis.io/commands/xtrim, 8.2.0: KEEPREF, DELREF, ACKED",
        ["pfmerge: arguments"] = "redis.io/commands/pfmerge, 7.2: the sources may be left out",
        ["command|getkeys: arguments"] = "redis.io/commands/command-getkeys: command and arguments",
        ["command|getkeysandflags: arguments"] = "redis.io/commands/command-getkeysandflags: command and arguments",
    };

    [Fact]
    public void Every_command_of_the_grammar_is_listed()
    {
        HashSet<string> listed = ListOf(pair.Millrace);
        IEnumerable<string> wanted = StreamGenerator.AllForms
            .Select(form => form.Name.ToLowerInvariant().Replace(' ', '|'))
            // DEBUG has no subcommands in the table, and a container is asked without one.
            .Select(name => name.StartsWith("debug|", StringComparison.Ordinal) ? "debug" : name)
            .Where(name => name is not "(unknown)")
            .Concat(s_laterCommands);
        Differences.AssertNone(wanted.Where(name => !listed.Contains(name)).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Every_command_of_redis_is_here_but_those_that_are_named() =>
        Assert.Equal(
            s_missingCommands.Order(StringComparer.Ordinal),
            ListOf(pair.Redis).Except(ListOf(pair.Millrace), StringComparer.Ordinal).Order(StringComparer.Ordinal));

    [Fact]
    public void Nothing_is_listed_that_no_Redis_has()
    {
        HashSet<string> known = ListOf(pair.Redis);
        Differences.AssertNone(ListOf(pair.Millrace).Except(known, StringComparer.Ordinal)
            .Except(s_laterCommands, StringComparer.Ordinal));
    }

    [Fact]
    public void Metadata_of_every_implemented_command_equals_redis()
    {
        using RawConnection redis = pair.Redis.Connect();
        using RawConnection millrace = pair.Millrace.Connect();
        var differences = new List<string>();
        foreach (string name in Common())
        {
            ReplyValue left = ReplyValue.Parse(redis.Call("COMMAND", "INFO", name)).Items[0];
            ReplyValue right = ReplyValue.Parse(millrace.Call("COMMAND", "INFO", name)).Items[0];
            Compare(name, left, right, differences);
        }
        Differences.AssertNone(differences);
    }

    [Fact]
    public void Types_of_metadata_are_those_of_RESP3()
    {
        using RawConnection redis = pair.Redis.Connect();
        using RawConnection millrace = pair.Millrace.Connect();
        redis.Call("HELLO", "3");
        millrace.Call("HELLO", "3");
        ReplyValue left = ReplyValue.Parse(redis.Call("COMMAND", "INFO", "get")).Items[0];
        ReplyValue right = ReplyValue.Parse(millrace.Call("COMMAND", "INFO", "get")).Items[0];
        Assert.Equal(left.Shape(), right.Shape());
    }

    [Fact]
    public void Commands_by_category_are_those_of_redis_as_far_as_implemented()
    {
        using RawConnection redis = pair.Redis.Connect();
        using RawConnection millrace = pair.Millrace.Connect();
        HashSet<string> common = [.. Common()];
        var differences = new List<string>();
        foreach (ReplyValue category in ReplyValue.Parse(redis.Call("ACL", "CAT")).Items)
        {
            IEnumerable<string> left = NamesOf(redis.Call("COMMAND", "LIST", "FILTERBY", "ACLCAT", category.Text))
                .Intersect(common, StringComparer.Ordinal);
            IEnumerable<string> right = NamesOf(millrace.Call("COMMAND", "LIST", "FILTERBY", "ACLCAT", category.Text))
                .Intersect(common, StringComparer.Ordinal);
            string less = string.Join(' ', left.Except(right, StringComparer.Ordinal).Order(StringComparer.Ordinal));
            string more = string.Join(' ', right.Except(left, StringComparer.Ordinal).Order(StringComparer.Ordinal));
            if (less.Length + more.Length > 0)
                differences.Add($"{category.Text}: missing [{less}], too many [{more}]");
        }
        Differences.AssertNone(differences);
    }

    [Fact]
    public void Commands_by_pattern_and_count_agree_with_the_list()
    {
        using RawConnection millrace = pair.Millrace.Connect();
        string[] all = NamesOf(millrace.Call("COMMAND", "LIST"));
        Assert.Equal(all.Where(name => name.StartsWith("get", StringComparison.Ordinal)).Order(StringComparer.Ordinal),
            NamesOf(millrace.Call("COMMAND", "LIST", "FILTERBY", "PATTERN", "get*")).Order(StringComparer.Ordinal));
        int containers = all.Count(name => !name.Contains('|', StringComparison.Ordinal));
        Assert.Equal(containers.ToString(CultureInfo.InvariantCulture),
            ReplyValue.Parse(millrace.Call("COMMAND", "COUNT")).Text);
        Assert.Equal(containers, ReplyValue.Parse(millrace.Call("COMMAND")).Items.Count);
    }

    [Fact]
    public void A_wrong_number_of_arguments_is_told_as_redis_tells_it()
    {
        using RawConnection redis = pair.Redis.Connect();
        using RawConnection millrace = pair.Millrace.Connect();
        var differences = new List<string>();
        foreach (string name in Common().Except(s_laterArities, StringComparer.Ordinal))
        {
            ReplyValue info = ReplyValue.Parse(redis.Call("COMMAND", "INFO", name)).Items[0];
            long arity = info.Items[1].Number;
            string[] words = name.Split('|');
            if (Math.Abs(arity) > words.Length)
                CompareReply(redis, millrace, [.. words, .. Fillers(Math.Abs(arity) - words.Length - 1)], differences);
            if (arity > 0)
                CompareReply(redis, millrace, [.. words, .. Fillers(arity - words.Length + 1)], differences);
        }
        Differences.AssertNone(differences);
    }

    [Fact]
    public void Keys_of_requests_are_extracted_as_redis_extracts_them()
    {
        using RawConnection redis = pair.Redis.Connect();
        using RawConnection millrace = pair.Millrace.Connect();
        var differences = new List<string>();
        foreach (string name in Common().Except(s_laterArities, StringComparer.Ordinal))
        {
            string[] words = name.Split('|');
            foreach (int fillers in (int[])[0, 1, 2, 3, 4, 5])
            {
                CompareReply(redis, millrace, ["COMMAND", "GETKEYS", .. words, .. Fillers(fillers)], differences);
                CompareReply(
                    redis, millrace, ["COMMAND", "GETKEYSANDFLAGS", .. words, .. Fillers(fillers)], differences);
            }
        }
        Differences.AssertNone(differences);
    }

    [Fact]
    public void Docs_name_the_group_and_the_version_of_every_command()
    {
        using RawConnection redis = pair.Redis.Connect();
        using RawConnection millrace = pair.Millrace.Connect();
        var differences = new List<string>();
        foreach (string name in Common())
        {
            ReplyValue left = ReplyValue.Parse(redis.Call("COMMAND", "DOCS", name)).Items[1];
            ReplyValue reply = ReplyValue.Parse(millrace.Call("COMMAND", "DOCS", name));
            if (reply.Items.Count != 2 || !string.Equals(reply.Items[0].Text, name, StringComparison.Ordinal))
            {
                differences.Add($"{name}: no docs");
                continue;
            }
            ReplyValue right = reply.Items[1];
            foreach (string field in (string[])["since", "group", "doc_flags", "deprecated_since", "replaced_by"])
            {
                string expected = left.Field(field)?.Render() ?? "";
                string actual = right.Field(field)?.Render() ?? "";
                if (!string.Equals(expected, actual, StringComparison.Ordinal)
                    && !s_knownDifferences.ContainsKey($"{name}: {field}"))
                    differences.Add($"{name}: {field} is {actual}, not {expected}");
            }
            if (string.IsNullOrEmpty(right.Field("summary")?.Text))
                differences.Add($"{name}: no summary");
            if ((left.Field("arguments") is null) != (right.Field("arguments") is null)
                && !s_knownDifferences.ContainsKey($"{name}: arguments"))
                differences.Add($"{name}: arguments are {(right.Field("arguments") is null ? "missing" : "too many")}");
        }
        Differences.AssertNone(differences);
    }

    private static IEnumerable<string> Fillers(long count) =>
        Enumerable.Range(1, (int)Math.Max(count, 0)).Select(i => $"x{i}");

    private static void CompareReply(
        RawConnection redis, RawConnection millrace, string[] request, List<string> differences)
    {
        string left = redis.Ask(request);
        string right = millrace.Ask(request);
        if (!string.Equals(left, right, StringComparison.Ordinal))
            differences.Add(
                $"{string.Join(' ', request)}: {Printable.Quote(Encoding.Latin1.GetBytes(right))}, "
                + $"not {Printable.Quote(Encoding.Latin1.GetBytes(left))}");
    }

    private static void Compare(string name, ReplyValue left, ReplyValue right, List<string> differences)
    {
        for (int i = 0; i < s_fields.Length; i++)
        {
            string field = $"{name}: {s_fields[i]}";
            string expected = Unordered(left.Items[i]);
            string actual = i < right.Items.Count ? Unordered(right.Items[i]) : "(nothing)";
            if (!string.Equals(expected, actual, StringComparison.Ordinal) && !s_knownDifferences.ContainsKey(field))
                differences.Add($"{field}: {actual}, not {expected}");
        }
    }

    // Flags, categories and tips are sets: their order says nothing.
    private static string Unordered(ReplyValue value) => value.Items.Count == 0
        ? value.Text
        : $"[{string.Join(", ", value.Items.Select(Unordered).Order(StringComparer.Ordinal))}]";

    private static string[] NamesOf(byte[] reply) => [.. ReplyValue.Parse(reply).Items.Select(item => item.Text)];

    private static HashSet<string> ListOf(ServerProcess server)
    {
        using RawConnection connection = server.Connect();
        return [.. NamesOf(connection.Call("COMMAND", "LIST"))];
    }

    private IEnumerable<string> Common() =>
        ListOf(pair.Millrace).Intersect(ListOf(pair.Redis), StringComparer.Ordinal).Order(StringComparer.Ordinal);
}
