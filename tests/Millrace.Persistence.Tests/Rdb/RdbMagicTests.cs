using System.Text;
using Millrace.Persistence.Rdb;

namespace Millrace.Persistence.Tests.Rdb;

public sealed class RdbMagicTests
{
    [Theory]
    [InlineData("REDIS0001", false, 1)]
    [InlineData("REDIS0012", false, 12)]
    [InlineData("VALKEY080", true, 80)]
    public void What_is_written_is_read(string text, bool isOfValkey, int version)
    {
        var magic = new RdbMagic(isOfValkey, version);
        Span<byte> bytes = stackalloc byte[RdbMagic.Bytes];
        magic.Write(bytes);
        Assert.Equal(text, Encoding.ASCII.GetString(bytes));
        Assert.True(RdbMagic.TryRead(bytes, out var read));
        Assert.Equal(magic, read);
    }

    [Theory]
    [InlineData("REDIS 011")]
    [InlineData("REDIS-001")]
    [InlineData("VALKEY0x0")]
    [InlineData("redis0011")]
    [InlineData("REDIS0011x")]
    [InlineData("REDIS")]
    public void Other_texts_are_none(string text) =>
        Assert.False(RdbMagic.TryRead(Encoding.ASCII.GetBytes(text), out _));
}
