using Millrace.Commands;
using Millrace.Server.Config;

namespace Millrace.Server.Tests.Observability;

public class ServerCommandsTests
{
    private const string NoCluster = "ERR This instance has cluster support disabled";

    [Theory]
    [InlineData("TIME x", "ERR wrong number of arguments for 'time' command")]
    [InlineData("LOLWUT VERSION x", "ERR value is not an integer or out of range")]
    [InlineData("LOLWUT VERSION 5 x", "ERR value is not an integer or out of range")]
    [InlineData("SHUTDOWN ABORT", "ERR No shutdown in progress.")]
    [InlineData("SHUTDOWN NOSAVE ABORT", "ERR syntax error")]
    [InlineData("SHUTDOWN SAVE NOSAVE", "ERR syntax error")]
    [InlineData("SHUTDOWN nothing", "ERR syntax error")]
    [InlineData("ROLE", "[master 0 []]")]
    [InlineData("ROLE x", "ERR wrong number of arguments for 'role' command")]
    [InlineData("WAIT 0 0", "0")]
    [InlineData("WAIT 3 10", "0")]
    [InlineData("WAIT x 0", "ERR value is not an integer or out of range")]
    [InlineData("WAIT 0 x", "ERR timeout is not an integer or out of range")]
    [InlineData("WAIT 0 -1", "ERR timeout is negative")]
    [InlineData("REPLICAOF no one", "OK")]
    [InlineData("SLAVEOF NO ONE", "OK")]
    [InlineData("REPLICAOF a b", "ERR Invalid master port")]
    [InlineData("REPLICAOF no two", "ERR Invalid master port")]
    [InlineData("REPLICAOF a 70000", "ERR Invalid master port")]
    [InlineData("REPLICAOF 127.0.0.1 6379",
        "ERR REPLICAOF is refused: this version cannot follow another server. REPLICAOF NO ONE is accepted.")]
    [InlineData("READONLY", NoCluster)]
    [InlineData("READWRITE", NoCluster)]
    [InlineData("ASKING", NoCluster)]
    [InlineData("CLUSTER INFO", NoCluster)]
    [InlineData("CLUSTER HELP", NoCluster)]
    [InlineData("CLUSTER", "ERR wrong number of arguments for 'cluster' command")]
    [InlineData("CLUSTER KEYSLOT", "ERR wrong number of arguments for 'cluster|keyslot' command")]
    [InlineData("CLUSTER nothing", "ERR unknown subcommand 'nothing'. Try CLUSTER HELP.")]
    [InlineData("MODULE LIST", "[]")]
    [InlineData("MODULE LOAD x", "ERR unknown subcommand 'LOAD'. Try MODULE HELP.")]
    [InlineData("FUNCTION FLUSH", "OK")]
    [InlineData("FUNCTION FLUSH async", "OK")]
    [InlineData("FUNCTION FLUSH now", "ERR FUNCTION FLUSH only supports SYNC|ASYNC option")]
    [InlineData("FUNCTION FLUSH SYNC x", "ERR unknown subcommand or wrong number of arguments for 'FLUSH'. Try "
        + "FUNCTION HELP.")]
    [InlineData("FUNCTION LIST", "[]")]
    [InlineData("FUNCTION LIST LIBRARYNAME a* WITHCODE", "[]")]
    [InlineData("FUNCTION LIST LIBRARYNAME", "ERR library name argument was not given")]
    [InlineData("FUNCTION LIST WITHCODE WITHCODE", "ERR Unknown argument WITHCODE")]
    [InlineData("FUNCTION STATS", "[running_script (nil) engines [LUA [libraries_count 0 functions_count 0]]]")]
    [InlineData("FUNCTION DUMP", "\n\0\x5d\x9b\\@\x0f\x7f\xa2\xda")]
    public void A_request_has_this_reply(string request, string reply)
    {
        using var server = new InProcessServer();
        using var client = new Conversation(server);
        Assert.Equal(reply, client.Say(request));
        Assert.Equal("PONG", client.Say("PING"));
    }

    [Fact]
    public void Lolwut_ends_with_the_version()
    {
        using var server = new InProcessServer();
        using var client = new Conversation(server);
        Assert.EndsWith("\nRedis ver. 7.2.4\n", client.Say("LOLWUT"), StringComparison.Ordinal);
        client.Say("HELLO 3");
        Assert.Matches(@"^=\d+\r\ntxt:", client.Bytes("LOLWUT VERSION 6 10 10"));
    }

    [Fact]
    public void Time_has_seconds_and_microseconds()
    {
        using var server = new InProcessServer();
        using var client = new Conversation(server);
        var parts = client.Say("TIME").Trim('[', ']').Split(' ');
        Assert.InRange(long.Parse(parts[0]) - DateTimeOffset.UtcNow.ToUnixTimeSeconds(), -5, 5);
        Assert.InRange(int.Parse(parts[1]), 0, 999_999);
    }

    [Theory]
    [InlineData("SHUTDOWN", ShutdownFlags.None)]
    [InlineData("SHUTDOWN nosave now", ShutdownFlags.NoSave | ShutdownFlags.Now)]
    public void Shutdown_asks_for_the_end_and_closes_without_a_reply(string request, ShutdownFlags flags)
    {
        using var server = new InProcessServer();
        using var client = new Conversation(server);
        client.Send(request.Split(' '));
        Assert.True(client.IsClosed());
        Assert.True(server.Server.ShutdownRequested.Wait(10_000));
        Assert.Equal(flags, server.Server.ShutdownRequested.Result);
    }

    [Fact]
    public void Every_command_has_its_metadata_and_a_well_formed_notation()
    {
        using var server = new InProcessServer();
        foreach (var command in server.Server.Parts.Table.Numbered)
        {
            _ = Syntax.Parse(command.Syntax);
            Assert.False(string.IsNullOrEmpty(command.Summary), command.FullName);
            Assert.False(string.IsNullOrEmpty(command.Group), command.FullName);
            Assert.Matches(@"^\d+\.\d+\.\d+$", command.Since);
            Assert.True(command.Handler is not null || command.Subcommands.Length > 0, command.FullName);
            Assert.NotEqual(0, command.Arity);
        }
    }

    [Theory]
    [InlineData("CLIENT")]
    [InlineData("COMMAND")]
    [InlineData("CONFIG")]
    [InlineData("FUNCTION")]
    [InlineData("MEMORY")]
    [InlineData("MODULE")]
    [InlineData("OBJECT")]
    public void Help_names_every_subcommand(string container)
    {
        using var server = new InProcessServer();
        using var client = new Conversation(server);
        var help = client.Say(container + " HELP");
        Assert.StartsWith($"[{container} <subcommand> [<arg> [value] [opt] ...]. Subcommands are: ", help,
            StringComparison.Ordinal);
        foreach (var one in server.Server.Parts.Table.Find(System.Text.Encoding.ASCII.GetBytes(container))!.Subcommands)
            Assert.Contains(" " + one.Name.ToUpperInvariant() + " ", help, StringComparison.Ordinal);
    }
}
