using System.Text.RegularExpressions;

namespace Millrace.Server.Tests.Observability;

public class MonitorTests
{
    [Theory]
    [InlineData("1")]
    [InlineData("4")]
    public void Every_command_of_others_is_shown_with_database_and_address_but_not_what_administers(string loops)
    {
        using var scene = new Scene(loops);
        scene.Play("a: MONITOR = OK");
        var (client, address) = (scene["d"], scene["d"].Address);
        client.Say("SELECT 3");
        client.SayWords("SET", "k", "a\n\"\\\x01ÿ");
        client.Say("CONFIG GET port");
        client.Say("GET");
        client.Say("nothing");
        client.Say("MULTI");
        client.Say("GET k");
        client.Say("EXEC");
        string[] expected =
        [
            "[3 A] \"SELECT\" \"3\"", "[3 A] \"SET\" \"k\" \"a\\n\\\"\\\\\\x01\\xff\"", "[3 A] \"MULTI\"",
            "[3 A] \"GET\" \"k\"", "[3 A] \"EXEC\"",
        ];
        Assert.Equal(expected, expected.Select(_ => Line(scene, "a", address)));
    }

    [Fact]
    public void Secrets_are_not_shown()
    {
        using var scene = new Scene("2");
        scene.Play("a: MONITOR = OK");
        scene["d"].Say("AUTH default secret");
        scene["d"].Say("HELLO 2 AUTH default secret SETNAME me");
        Assert.Equal("[0 A] \"AUTH\" \"(redacted)\" \"(redacted)\"", Line(scene, "a", scene["d"].Address));
        Assert.Equal(
            "[0 A] \"HELLO\" \"2\" \"AUTH\" \"(redacted)\" \"(redacted)\" \"SETNAME\" \"me\"",
            Line(scene, "a", scene["d"].Address));
    }

    [Fact]
    public void Whoever_watches_sees_itself_behind_its_replies_and_stops_with_RESET()
    {
        using var scene = new Scene("2");
        scene.Play("a: MONITOR = OK");
        scene.Play("a: PING = PONG");
        Assert.Equal("[0 A] \"PING\"", Line(scene, "a", scene["a"].Address));
        Assert.Contains(" flags=O ", scene["d"].Say("CLIENT LIST"), StringComparison.Ordinal);
        Assert.Equal("[0 A] \"CLIENT\" \"ID\"", Shown(scene, "CLIENT ID"));
        scene.Play("a: RESET = RESET");
        scene.Play("d: PING = PONG");
        scene.Play("a: PING = PONG");
    }

    [Fact]
    public void Within_a_transaction_nobody_begins_to_watch()
    {
        using var scene = new Scene("2");
        scene.Play("a: MULTI = OK");
        scene.Play("a: MONITOR = QUEUED");
        scene.Play("a: EXEC = [ERR MONITOR isn't allowed for DENY BLOCKING client]");
        scene.Play("d: PING = PONG");
        scene.Play("a: PING = PONG");
    }

    private static string Shown(Scene scene, string request)
    {
        scene["d"].Say(request);
        return Line(scene, "a", scene["d"].Address);
    }

    private static string Line(Scene scene, string client, string address)
    {
        var line = scene[client].Read();
        Assert.Matches(new Regex(@"^\d+\.\d{6} \["), line);
        return line[(line.IndexOf(' ') + 1)..].Replace(address, "A", StringComparison.Ordinal);
    }
}
