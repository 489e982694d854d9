using System.Text;
using Millrace.Commands.Families;

namespace Millrace.Commands.Tests;

public sealed class CommandTableTests
{
    private readonly CommandTable _table = new(DataCommands.All);

    [Fact]
    public void Every_command_is_found_by_its_name_in_any_case()
    {
        foreach (var command in DataCommands.All)
        {
            Assert.Equal(command.Name, _table.Find(command.NameBytes)?.Name);
            Assert.Equal(command.Name, _table.Find(Encoding.ASCII.GetBytes(command.Name.ToUpperInvariant()))?.Name);
            var mixed = string.Concat(command.Name.Select((c, i) => i % 2 == 0 ? char.ToUpperInvariant(c) : c));
            Assert.Equal(command.Name, _table.Find(Encoding.ASCII.GetBytes(mixed))?.Name);
        }
    }

    [Fact]
    public void A_name_with_any_one_byte_changed_is_another_name()
    {
        foreach (var command in DataCommands.All)
        {
            for (var at = 0; at < command.NameBytes.Length; at++)
            {
                for (var value = 0; value < 256; value++)
                {
                    var name = (byte[])command.NameBytes.Clone();
                    name[at] = (byte)value;
                    var isSame = Words.Equal(name, command.NameBytes);
                    Assert.Equal(isSame, _table.Find(name)?.Name == command.Name);
                }
            }
        }
    }

    [Fact]
    public void A_member_that_is_fetched_ahead_is_always_there()
    {
        var naming = DataCommands.All.Where(static command => command.MemberAt > 0).ToList();
        Assert.NotEmpty(naming);
        Assert.All(naming, static command => Assert.InRange(command.MemberAt, 2, Math.Abs(command.Arity) - 1));
        Assert.All(naming, static command => Assert.Single(command.Keys));
    }

    [Theory]
    [InlineData("get", 2, true)]
    [InlineData("set", 5, true)]
    [InlineData("sadd", 3, true)]
    [InlineData("sadd", 4, false)]
    [InlineData("zadd", 4, true)]
    [InlineData("zpopmin", 2, true)]
    [InlineData("zpopmin", 3, false)]
    [InlineData("hset", 6, false)]
    [InlineData("mget", 3, false)]
    [InlineData("lrange", 4, false)]
    [InlineData("smembers", 2, false)]
    public void What_may_be_slow_is_timed_by_itself(string name, int count, bool isShort) =>
        Assert.Equal(isShort, _table.Find(Encoding.ASCII.GetBytes(name))!.IsShort(count));

    [Fact]
    public void Names_that_are_too_long_empty_or_a_part_are_not_found()
    {
        Assert.Null(_table.Find(default));
        Assert.Null(_table.Find("ge"u8));
        Assert.Null(_table.Find("gett"u8));
        Assert.Null(_table.Find(new byte[100_000]));
        foreach (var command in DataCommands.All)
            Assert.Null(_table.Find([.. command.NameBytes, .. "xxxxxxxxxxxxxxxxx"u8]));
    }

    [Theory]
    [InlineData("a-name-of-more-than-sixteen-bytes")]
    [InlineData("with-dash")]
    [InlineData("get")]
    public void Two_commands_of_one_name_are_refused(string name)
    {
        Assert.Equal(name, new CommandTable([Named(name)]).Find(Encoding.ASCII.GetBytes(name))?.Name);
        Assert.Throws<ArgumentException>(() => new CommandTable([Named(name), Named(name)]));
    }

    [Fact]
    public void Bytes_that_fold_to_a_dash_are_no_dash()
    {
        var table = new CommandTable([Named("with-dash"), Named("a-name-of-more-than-sixteen-bytes")]);
        Assert.Null(table.Find("with\rdash"u8));
        Assert.NotNull(table.Find("WITH-dash"u8));
        Assert.NotNull(table.Find("A-Name-Of-More-Than-Sixteen-Bytes"u8));
    }

    [Fact]
    public void The_only_key_is_where_the_key_specification_finds_it()
    {
        foreach (var command in DataCommands.All.Where(static one => one.OnlyKey > 0))
        {
            var keys = Assert.Single(command.Keys);
            Assert.Equal(keys.BeginIndex, command.OnlyKey);
            Assert.True(command.AcceptsCount(Math.Abs(command.Arity)) && Math.Abs(command.Arity) > command.OnlyKey);
        }

        Assert.Equal(1, _table.Find("get"u8)!.OnlyKey);
        Assert.Equal(0, _table.Find("mget"u8)!.OnlyKey);
        Assert.Equal(0, _table.Find("rename"u8)!.OnlyKey);
    }

    private static CommandSpec Named(string name) => new(name, 1, null)
    {
        Summary = "",
        Since = "",
        Complexity = "",
        Group = "",
    };
}
