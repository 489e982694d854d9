namespace Millrace.Server.Tests.Observability;

public class LoneScriptCommandsTests
{
    [Theory]
    [InlineData("EVAL x 0", "ERR EVAL is refused: this version runs no scripts.")]
    [InlineData("EVAL_RO x 1 k", "ERR EVAL is refused: this version runs no scripts.")]
    [InlineData("EVAL x", "ERR wrong number of arguments for 'eval' command")]
    [InlineData("EVALSHA x 0", "NOSCRIPT No matching script. Please use EVAL.")]
    [InlineData("EVALSHA_RO x y", "NOSCRIPT No matching script. Please use EVAL.")]
    [InlineData("FCALL f 0", "ERR Function not found")]
    [InlineData("FCALL_RO f -1", "ERR Function not found")]
    [InlineData("SCRIPT EXISTS a b", "[0 0]")]
    [InlineData("SCRIPT FLUSH", "OK")]
    [InlineData("SCRIPT FLUSH async", "OK")]
    [InlineData("SCRIPT FLUSH now", "ERR SCRIPT FLUSH only support SYNC|ASYNC option")]
    [InlineData("SCRIPT FLUSH SYNC ASYNC", "ERR SCRIPT FLUSH only support SYNC|ASYNC option")]
    [InlineData("SCRIPT KILL", "NOTBUSY No scripts in execution right now.")]
    [InlineData("SCRIPT LOAD x", "ERR SCRIPT LOAD is refused: this version runs no scripts.")]
    [InlineData("SCRIPT DEBUG no", "OK")]
    [InlineData("SCRIPT DEBUG YES", "ERR SCRIPT DEBUG is refused: this version runs no scripts.")]
    [InlineData("SCRIPT DEBUG x", "ERR Use SCRIPT DEBUG YES/SYNC/NO")]
    [InlineData("MIGRATE 127.0.0.1 6379 k 0 1000",
        "ERR MIGRATE is refused: this version sends no keys to other servers. DUMP and RESTORE move them.")]
    [InlineData("COMMAND GETKEYS EVAL x 2 a b c", "[a b]")]
    [InlineData("COMMAND GETKEYS EVAL x 0", "[]")]
    [InlineData("COMMAND GETKEYS MIGRATE h 1 k 0 1", "[k]")]
    public void A_request_has_this_reply(string request, string reply)
    {
        using var server = new InProcessServer();
        using var client = new Conversation(server);
        Assert.Equal(reply, client.Say(request));
        Assert.Equal("PONG", client.Say("PING"));
    }
}
