using System.Text;
using Millrace.Commands.Families;
using Millrace.Commands.Tests.Driver;
using Millrace.Engine;
using Millrace.Memory;
using Millrace.Resp;

namespace Millrace.Commands.Tests;

public sealed class CommandCommandsTests : IDisposable
{
    private readonly MemorySource _source = new();
    private readonly Keyspace _keyspace;
    private readonly Unit _unit;
    private readonly CommandTable _table;

    public CommandCommandsTests()
    {
        _keyspace = new Keyspace(new KeyspaceShape(1, 1, 1), _source, new KeyHasher(1));
        _unit = new Unit(_keyspace, 1);
        _table = new CommandTable([.. DataCommands.All, .. new CommandCommands(() => _table!).All(), .. Imagined()]);
    }

    public void Dispose()
    {
        _keyspace.Dispose();
        _source.Dispose();
    }

    [Fact]
    public void Count_counts_commands_without_their_subcommands() =>
        Assert.Equal($":{_table.Commands.Length}\r\n", Run("COMMAND COUNT"));

    [Fact]
    public void Info_of_a_command_has_the_shape_of_redis() => Assert.Equal(
        "*1\r\n*10\r\n$3\r\nget\r\n:2\r\n*2\r\n+readonly\r\n+fast\r\n:1\r\n:1\r\n:1\r\n*3\r\n+@read\r\n+@string\r\n"
            + "+@fast\r\n"
        + "*0\r\n*1\r\n*6\r\n$5\r\nflags\r\n*2\r\n+RO\r\n+access\r\n$12\r\nbegin_search\r\n*4\r\n$4\r\ntype\r\n$5\r\n"
            + "index\r\n"
        + "$4\r\nspec\r\n*2\r\n$5\r\nindex\r\n:1\r\n$9\r\nfind_keys\r\n*4\r\n$4\r\ntype\r\n$5\r\nrange\r\n$4\r\n"
            + "spec\r\n*6\r\n"
        + "$7\r\nlastkey\r\n:0\r\n$7\r\nkeystep\r\n:1\r\n$5\r\nlimit\r\n:0\r\n*0\r\n",
        Run("COMMAND INFO get"));

    [Fact]
    public void Info_in_RESP3_has_sets_and_maps() => Assert.Equal(
        "*1\r\n*10\r\n$7\r\ncounted\r\n:-3\r\n~2\r\n+no_mandatory_keys\r\n+movablekeys\r\n:0\r\n:0\r\n:0\r\n~1\r\n"
            + "+@slow\r\n~0\r\n"
        + "~1\r\n%4\r\n$5\r\nnotes\r\n$3\r\nwhy\r\n$5\r\nflags\r\n~2\r\n+RW\r\n+update\r\n$12\r\nbegin_search\r\n"
            + "%2\r\n$4\r\ntype\r\n"
        + "$7\r\nkeyword\r\n$4\r\nspec\r\n%2\r\n$7\r\nkeyword\r\n$4\r\nKEYS\r\n$9\r\nstartfrom\r\n:1\r\n$9\r\n"
            + "find_keys\r\n%2\r\n"
        + "$4\r\ntype\r\n$6\r\nkeynum\r\n$4\r\nspec\r\n%3\r\n$9\r\nkeynumidx\r\n:0\r\n$8\r\nfirstkey\r\n:1\r\n$7\r\n"
            + "keystep\r\n:1\r\n~0\r\n",
        Run("COMMAND INFO counted", 3));

    [Theory]
    [InlineData("COMMAND INFO nothing")]
    [InlineData("COMMAND INFO get|key")]
    [InlineData("COMMAND INFO object|nothing")]
    [InlineData("COMMAND INFO object|freq|key")]
    [InlineData("COMMAND INFO |")]
    public void Info_of_what_is_no_command_is_null(string request)
    {
        Assert.Equal("*1\r\n$-1\r\n", Run(request));
        Assert.Equal("*1\r\n_\r\n", Run(request, 3));
    }

    [Fact]
    public void Command_alone_tells_of_all_commands()
    {
        Assert.Equal(_table.Commands.Length, CommandDriver.Parse(Run("COMMAND")).Items.Count);
        Assert.Equal(_table.Commands.Length, CommandDriver.Parse(Run("COMMAND INFO", 3)).Items.Count);
        Assert.StartsWith($"%{_table.Commands.Length}\r\n", Run("COMMAND DOCS", 3), StringComparison.Ordinal);
    }

    [Fact]
    public void Docs_leave_unknown_names_out() => Assert.Equal("%0\r\n", Run("COMMAND DOCS nothing get|x", 3));

    [Fact]
    public void Docs_show_arguments_with_their_key_specification() => Assert.Equal(
        "%1\r\n$8\r\nimagined\r\n%9\r\n$7\r\nsummary\r\n$2\r\nS.\r\n$5\r\nsince\r\n$5\r\n1.0.0\r\n$5\r\ngroup\r\n"
            + "$7\r\ngeneric\r\n"
        + "$10\r\ncomplexity\r\n$4\r\nO(1)\r\n$9\r\ndoc_flags\r\n~1\r\n+deprecated\r\n$16\r\ndeprecated_since\r\n"
            + "$5\r\n2.0.0\r\n"
        + "$11\r\nreplaced_by\r\n$5\r\n`GET`\r\n$7\r\nhistory\r\n~1\r\n*2\r\n$5\r\n1.1.0\r\n$2\r\nC.\r\n$9\r\n"
            + "arguments\r\n*2\r\n"
        + "%5\r\n$4\r\nname\r\n$3\r\nkey\r\n$4\r\ntype\r\n$3\r\nkey\r\n$12\r\ndisplay_text\r\n$3\r\nkey\r\n$14\r\n"
            + "key_spec_index\r\n:0\r\n"
        + "$5\r\nflags\r\n~1\r\n+multiple\r\n"
        + "%4\r\n$4\r\nname\r\n$3\r\na_b\r\n$4\r\ntype\r\n$5\r\noneof\r\n$5\r\nflags\r\n~1\r\n+optional\r\n$9\r\n"
            + "arguments\r\n*2\r\n"
        + "%4\r\n$4\r\nname\r\n$1\r\na\r\n$4\r\ntype\r\n$10\r\npure-token\r\n$12\r\ndisplay_text\r\n$1\r\na\r\n$5\r\n"
            + "token\r\n$1\r\nA\r\n"
        + "%4\r\n$4\r\nname\r\n$1\r\nb\r\n$4\r\ntype\r\n$10\r\npure-token\r\n$12\r\ndisplay_text\r\n$1\r\nb\r\n$5\r\n"
            + "token\r\n$1\r\nB\r\n",
        Run("COMMAND DOCS IMAGINED", 3));

    [Theory]
    [InlineData("COMMAND GETKEYS get key", "[key]")]
    [InlineData("COMMAND GETKEYS MSET a b c d", "[a c]")]
    [InlineData("COMMAND GETKEYS MSET a b c", "[a c]")]
    [InlineData("COMMAND GETKEYS lcs key1 key2", "[key1 key2]")]
    [InlineData("COMMAND GETKEYS object encoding k", "[k]")]
    [InlineData("COMMAND GETKEYS counted KEYS 0 x", "[]")]
    [InlineData("COMMAND GETKEYS counted KEYS 2 x y z", "[x y]")]
    [InlineData("COMMAND GETKEYS counted KEYS 9 x", "[]")]
    [InlineData("COMMAND GETKEYS sort store ALPHA", "[store]")]
    [InlineData("COMMAND GETKEYS sort k BY STORE d", "[k]")]
    [InlineData("COMMAND GETKEYS sort k GET STORE GET x", "[k]")]
    [InlineData("COMMAND GETKEYS sort k LIMIT 1 STORE d", "[k]")]
    [InlineData("COMMAND GETKEYS sort k store a store b store d", "[k d]")]
    [InlineData("COMMAND GETKEYS sort k STORE d BY STORE GET #", "[k d]")]
    [InlineData("COMMAND GETKEYS sort_ro k BY w_*", "[k]")]
    [InlineData("COMMAND GETKEYSANDFLAGS set k1 v1", "[[k1 [OW update]]]")]
    [InlineData("COMMAND GETKEYSANDFLAGS set k1 v1 get", "[[k1 [RW access update]]]")]
    [InlineData("COMMAND GETKEYSANDFLAGS mset k1 v1 k2 v2", "[[k1 [OW update]] [k2 [OW update]]]")]
    [InlineData("COMMAND GETKEYSANDFLAGS copy a b", "[[a [RO access]] [b [OW update]]]")]
    [InlineData("COMMAND GETKEYS get a b", "ERR Invalid number of arguments specified for command")]
    [InlineData("COMMAND GETKEYS nothing a", "ERR Invalid command specified")]
    [InlineData("COMMAND GETKEYS object nothing", "ERR Invalid command specified")]
    [InlineData("COMMAND GETKEYS command count", "ERR The command has no key arguments")]
    [InlineData("COMMAND GETKEYS msetex 5 a b", "ERR Invalid arguments specified for command")]
    [InlineData("COMMAND LIST bad", "ERR syntax error")]
    [InlineData("COMMAND LIST filterby bad", "ERR syntax error")]
    [InlineData("COMMAND LIST filterby bad bad", "ERR syntax error")]
    [InlineData("COMMAND LIST filterby pattern get bad", "ERR syntax error")]
    [InlineData("COMMAND LIST filterby module x", "[]")]
    [InlineData("COMMAND LIST filterby aclcat nothing", "[]")]
    [InlineData("COMMAND LIST filterby aclcat none", "[]")]
    [InlineData("COMMAND LIST filterby pattern SET", "[set]")]
    [InlineData("COMMAND LIST filterby pattern nothing*", "[]")]
    [InlineData("COMMAND LIST filterby pattern object|*e*q", "[object|freq]")]
    [InlineData("COMMAND nothing", "ERR unknown subcommand 'nothing'. Try COMMAND HELP.")]
    public void A_request_has_this_reply(string request, string reply) =>
        Assert.Equal(reply, CommandDriver.Render(Run(request)));

    [Fact]
    public void List_names_commands_and_subcommands_of_a_category()
    {
        var names = CommandDriver.Render(Run("COMMAND LIST FILTERBY ACLCAT KEYSPACE"));
        Assert.Contains("object|encoding", names, StringComparison.Ordinal);
        Assert.DoesNotContain(" get ", names, StringComparison.Ordinal);
        Assert.Contains(" object|freq", CommandDriver.Render(Run("COMMAND LIST")), StringComparison.Ordinal);
    }

    [Fact]
    public void Getkeys_finds_more_keys_than_any_fixed_buffer_holds()
    {
        var keys = Enumerable.Range(1, 3000).Select(static i => $"key{i}").ToArray();
        Assert.Equal($"[{string.Join(' ', keys)}]",
            CommandDriver.Render(Run("COMMAND GETKEYS DEL " + string.Join(' ', keys))));
    }

    [Fact]
    public void Ranges_that_follow_each_other_are_one_and_others_are_movable()
    {
        var (one, two, four) = (KeySpec.One(KeyFlags.RO), KeySpec.One(KeyFlags.RO, 2), KeySpec.One(KeyFlags.RO, 4));
        Assert.Equal(new KeyRange(0, 0, 0, false), KeyRange.Of([]));
        Assert.Equal(new KeyRange(1, 2, 1, false), KeyRange.Of([one, two]));
        Assert.Equal(new KeyRange(1, 1, 1, true), KeyRange.Of([one, four]));
        Assert.Equal(new KeyRange(1, -1, 2, false), KeyRange.Of([KeySpec.Rest(KeyFlags.RO, 1, 2)]));
        Assert.Equal(new KeyRange(1, 1, 1, true), KeyRange.Of([one, KeySpec.Counted(KeyFlags.RO, 2)]));
        Assert.Equal(new KeyRange(1, 1, 1, true), KeyRange.Of([KeySpec.One(KeyFlags.RO | KeyFlags.Incomplete)]));
    }

    private static CommandSpec[] Imagined() =>
    [
        new("imagined", -2, static (ref Call call) => call.Reply.Ok())
        {
            Keys = [KeySpec.Rest(KeyFlags.RO)],
            Syntax = "key... [A | B]",
            Summary = "S.",
            Since = "1.0.0",
            Complexity = "O(1)",
            Group = "generic",
            History = [("1.1.0", "C.")],
            DeprecatedSince = "2.0.0",
            ReplacedBy = "`GET`",
        },
        new("counted", -3, static (ref Call call) => call.Reply.Ok())
        {
            Flags = CommandFlags.NoMandatoryKeys,
            Keys =
            [
                new KeySpec
                {
                    Flags = KeyFlags.RW | KeyFlags.Update, Keyword = "KEYS", KeywordFrom = 1, IsCounted = true,
                        FirstKey = 1, Notes = "why",
                },
            ],
            Summary = "S.",
            Since = "1.0.0",
            Complexity = "O(1)",
            Group = "generic",
        },
    ];

    private string Run(string request, int protocol = 2)
    {
        var input = CommandDriver.Encode(request.Split(' '));
        var slices = new SliceList();
        Assert.Equal(ParseStatus.Complete,
            new RequestParser().Parse(input, RequestLimits.Default, true, slices, out _));
        var args = new Args(input, slices.AsSpan());
        var spec = _table.Find(args[0])!;
        if (args.Count > 1) spec = spec.FindSubcommand(args[1]) ?? spec;
        var output = new CollectingOutput();
        var reply = new ReplyWriter();
        reply.Attach(output, output.First, 0, protocol);
        var call = new Call(spec, args, [], reply, _unit, new DriverCaller([]), new EffectBuffer());
        spec.Handler!(ref call);
        return Encoding.Latin1.GetString(output.Finish(reply.Detach()));
    }
}
