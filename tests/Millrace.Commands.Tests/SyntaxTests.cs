using Millrace.Commands.Families;

namespace Millrace.Commands.Tests;

public class SyntaxTests
{
    [Theory]
    [InlineData("", "")]
    [InlineData("key", "key:key#0")]
    [InlineData("key value:string", "key:key#0 value:string")]
    [InlineData("pattern", "pattern:string")]
    [InlineData("key...", "key:key#0...")]
    [InlineData("parameter [parameter ...]", "parameter:string [parameter:string...]")]
    [InlineData("source:key destination:key", "source:key#0 destination:key#1")]
    [InlineData("[STORE storekey/key:key]", "[storekey/key:key#0=STORE]")]
    [InlineData("[NX | XX]", "[nx_xx:oneof(nx:pure-token=NX xx:pure-token=XX)]")]
    [InlineData("[GET]", "[get:pure-token=GET]")]
    [InlineData("[DB db:integer]", "[db:integer=DB]")]
    [InlineData("[EX s:integer | KEEPTTL]", "[s_keepttl:oneof(s:integer=EX keepttl:pure-token=KEEPTTL)]")]
    [InlineData("(key value:string)...", "key_value:block(key:key#0 value:string)...")]
    [InlineData("[ID id:integer...]", "[id:integer=ID...]")]
    [InlineData("[PREFIX prefix:string]...", "[prefix:string=PREFIX...+]")]
    [InlineData("[AUTH u:string p:string]", "[u_p:block=AUTH(u:string p:string)]")]
    [InlineData("[TYPE (A | B)]", "[a_b:oneof=TYPE(a:pure-token=A b:pure-token=B)]")]
    [InlineData("((h:string p:integer) | (NO ONE))",
        "h_p_no_one:oneof(h_p:block(h:string p:integer) no_one:block(no:pure-token=NO one:pure-token=ONE))")]
    [InlineData("[LIMIT offset:integer count:integer]", "[offset_count:block=LIMIT(offset:integer count:integer)]")]
    [InlineData("ip:port:string at:unix-time by:double like:pattern",
        "ip:port:string at:unix-time by:double like:pattern")]
    public void A_notation_stands_for_a_tree(string notation, string tree) =>
        Assert.Equal(tree, Render(Syntax.Parse(notation)));

    [Theory]
    [InlineData("[key")]
    [InlineData("key]")]
    [InlineData("(a | b]")]
    [InlineData("a | b")]
    [InlineData("[]")]
    [InlineData("[a |]")]
    [InlineData("value:strange")]
    [InlineData("...")]
    public void A_notation_that_is_not_well_formed_is_refused(string notation) =>
        Assert.Throws<FormatException>(() => Syntax.Parse(notation));

    [Fact]
    public void Every_data_command_is_well_formed_and_numbers_its_keys_within_its_specifications()
    {
        foreach (var command in DataCommands.All.SelectMany(static one => one.Subcommands.Prepend(one)))
        {
            var keys = Count(Syntax.Parse(command.Syntax));
            Assert.True(keys == 0 == (command.Keys.Length == 0), $"{command.FullName}: {command.Syntax}");
        }
    }

    private static int Count(IEnumerable<SyntaxArgument> arguments) =>
        arguments.Sum(static one => (one.KeyIndex >= 0 ? 1 : 0) + Count(one.Members));

    private static string Render(IEnumerable<SyntaxArgument> arguments) => string.Join(' ', arguments.Select(Render));

    private static string Render(SyntaxArgument one)
    {
        var text = $"{one.Name}{(one.Shown is null ? "" : "/" + one.Shown)}:{one.TypeName}";
        if (one.KeyIndex >= 0) text += "#" + one.KeyIndex;
        if (one.Token is not null) text += "=" + one.Token;
        if (one.Members.Count > 0) text += "(" + Render(one.Members) + ")";
        if (one.IsMultiple) text += "...";
        if (one.RepeatsToken) text += "+";
        return one.IsOptional ? "[" + text + "]" : text;
    }
}
