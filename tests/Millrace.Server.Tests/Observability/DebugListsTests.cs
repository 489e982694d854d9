namespace Millrace.Server.Tests.Observability;

public class DebugListsTests
{
    private const string NoThreshold = "ERR argument must be a memory value bigger than 1 and smaller than 4gb";

    [Theory]
    [InlineData("0", "OK")]
    [InlineData("1b", "OK")]
    [InlineData("4293918720", "OK")]
    [InlineData("4293918721", NoThreshold)]
    [InlineData("5gb", NoThreshold)]
    [InlineData("-1", NoThreshold)]
    [InlineData("abc", NoThreshold)]
    public void A_threshold_is_a_size_below_4gb(string size, string reply)
    {
        using var server = new InProcessServer("--enable-debug-command", "yes");
        using var client = new Conversation(server);
        Assert.Equal(reply, client.Say($"DEBUG QUICKLIST-PACKED-THRESHOLD {size}"));
    }

    [Fact]
    public void Elements_over_the_threshold_have_chunks_of_their_own_whatever_CONFIG_SET_does_after_it()
    {
        using var server = new InProcessServer("--enable-debug-command", "yes", "--list-max-listpack-size", "2");
        using var client = new Conversation(server);
        var packed = UsageOf(client, "packed");
        client.Say("DEBUG QUICKLIST-PACKED-THRESHOLD 5b");
        client.Say("CONFIG SET list-compress-depth 1");
        client.Say("CONFIG SET list-compress-depth 0");
        Assert.NotEqual(packed, UsageOf(client, "plains"), 64.0);
        Assert.Equal("[e e e e]", client.Say("LRANGE plains 0 3").Replace("eleven-byte", "e"));
        Assert.Equal("OK", client.Say("DEBUG QUICKLIST-PACKED-THRESHOLD 0"));
        Assert.Equal(packed, UsageOf(client, "again"), 64.0);
    }

    [Fact]
    public void A_listpack_is_told_from_what_is_none()
    {
        using var server = new InProcessServer("--enable-debug-command", "yes", "--list-max-listpack-size", "2");
        using var client = new Conversation(server);
        client.Say("RPUSH short 1 two");
        client.Say("RPUSH long 1 two 3");
        client.Say("SET text x");
        Assert.Equal("Listpack structure printed on stdout", client.Say("DEBUG LISTPACK short"));
        Assert.Equal("ERR Not a listpack encoded object.", client.Say("DEBUG LISTPACK long"));
        Assert.Equal("ERR Not a listpack encoded object.", client.Say("DEBUG LISTPACK text"));
        Assert.Equal("ERR no such key", client.Say("DEBUG LISTPACK none"));
        Assert.Equal("[1 two]", client.Say("LRANGE short 0 -1"));
    }

    private static double UsageOf(Conversation client, string key)
    {
        for (var i = 0; i < 40; i++) client.Say($"RPUSH {key} eleven-byte");
        return double.Parse(client.Say($"MEMORY USAGE {key}"), System.Globalization.CultureInfo.InvariantCulture);
    }
}
