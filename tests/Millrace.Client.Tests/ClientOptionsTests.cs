// Tests of the URI form of a client's options.

namespace Millrace.Client.Tests;

public sealed class ClientOptionsTests
{
    [Theory]
    [InlineData("redis://", "127.0.0.1:6379", null, null, 0)]
    [InlineData("redis://example", "example:6379", null, null, 0)]
    [InlineData("redis://example:7000", "example:7000", null, null, 0)]
    [InlineData("redis://example/3", "example:6379", null, null, 3)]
    [InlineData("redis://example:7000/", "example:7000", null, null, 0)]
    [InlineData("redis://u:p@example:7000/15", "example:7000", "u", "p", 15)]
    [InlineData("redis://:p@example", "example:6379", null, "p", 0)]
    [InlineData("redis://p@example", "example:6379", null, "p", 0)]
    [InlineData("redis://u%40x:p%2F%3A@example", "example:6379", "u@x", "p/:", 0)]
    [InlineData("redis://u:a@b@example", "example:6379", "u", "a@b", 0)]
    [InlineData("redis://[::1]:7000/2", "[::1]:7000", null, null, 2)]
    [InlineData("redis://[::1]", "[::1]:6379", null, null, 0)]
    [InlineData("REDIS://example", "example:6379", null, null, 0)]
    [InlineData("unix:///tmp/r.sock", "/tmp/r.sock", null, null, 0)]
    [InlineData("unix://u:p@/tmp/r.sock?db=4", "/tmp/r.sock", "u", "p", 4)]
    [InlineData("unix:///tmp/a%20b", "/tmp/a b", null, null, 0)]
    public void A_URI_names_a_server(string uri, string address, string? user, string? password, int database)
    {
        ClientOptions options = ClientOptions.FromUri(uri);
        Assert.Equal(address, options.Address);
        Assert.Equal(user, options.User);
        Assert.Equal(password, options.Password);
        Assert.Equal(database, options.Database);
    }

    [Theory]
    [InlineData("rediss://example", "TLS")]
    [InlineData("http://example", "redis://")]
    [InlineData("example:6379", "redis://")]
    [InlineData("redis://example:x", "port")]
    [InlineData("redis://example:0", "port")]
    [InlineData("redis://example:65536", "port")]
    [InlineData("redis://example/x", "database")]
    [InlineData("redis://example/-1", "database")]
    [InlineData("redis://[::1", "brackets")]
    [InlineData("redis://[::1]x", "brackets")]
    [InlineData("unix://tmp/x", "absolute")]
    [InlineData("unix:///tmp/x?y=1", "db=")]
    public void Another_URI_is_refused_with_a_reason(string uri, string reason)
    {
        FormatException e = Assert.Throws<FormatException>(() => ClientOptions.FromUri(uri));
        Assert.Contains(reason, e.Message, StringComparison.Ordinal);
    }
}
