using Millrace.Persistence.Aof;

namespace Millrace.Persistence.Tests.Aof;

/// <summary>The lines between commands, written and read.</summary>
public class AofAnnotationTests
{
    [Fact]
    public void A_checksum_has_its_one_form()
    {
        var line = new byte[AofAnnotation.MaxWrittenBytes];
        var length = AofAnnotation.WriteChecksum(new AofTail(0, 0, 0).With("123456789"u8), line);
        Assert.Equal("#CRC:e9c6d914c4b8d9ca 9\r\n"u8, line.AsSpan(0, length));
        Assert.True(AofAnnotation.TryReadChecksum(line.AsSpan(0, length), out var crc, out var bytes));
        Assert.Equal((0xE9C6D914C4B8D9CA, 9), (crc, bytes));
    }

    [Fact]
    public void The_longest_lines_have_room()
    {
        var line = new byte[AofAnnotation.MaxWrittenBytes];
        var length = AofAnnotation.WriteChecksum(new AofTail(0, long.MaxValue, 1), line);
        Assert.Equal("#CRC:0000000000000001 9223372036854775807\r\n"u8, line.AsSpan(0, length));
        length = AofAnnotation.WriteTimestamp(long.MinValue, line);
        Assert.Equal("#TS:-9223372036854775808\r\n"u8, line.AsSpan(0, length));
        Assert.True(AofAnnotation.TryReadTimestamp(line.AsSpan(0, length), out var seconds));
        Assert.Equal(long.MinValue, seconds);
    }

    [Theory]
    [InlineData("")]
    [InlineData("#CRC:")]
    [InlineData("#CRC:e9c6d914c4b8d9c 9\r\n")]
    [InlineData("#CRC:e9c6d914c4b8d9cA 9\r\n")]
    [InlineData("#CRC:e9c6d914c4b8d9cg 9\r\n")]
    [InlineData("#CRC:e9c6d914c4b8d9ca-9\r\n")]
    [InlineData("#CRC:e9c6d914c4b8d9ca 0\r\n")]
    [InlineData("#CRC:e9c6d914c4b8d9ca -9\r\n")]
    [InlineData("#CRC:e9c6d914c4b8d9ca 09\r\n")]
    [InlineData("#CRC:e9c6d914c4b8d9ca \r\n")]
    [InlineData("#CRC:e9c6d914c4b8d9ca\r\n")]
    [InlineData("#CRC:e9c6d914c4b8d9ca 9\n")]
    [InlineData("#CRC:e9c6d914c4b8d9ca 9 \r\n")]
    [InlineData("#crc:e9c6d914c4b8d9ca 9\r\n")]
    public void No_other_form_is_a_checksum(string line) =>
        Assert.False(AofAnnotation.TryReadChecksum(Requests.Raw(line), out _, out _));

    [Theory]
    [InlineData("#TS:\r\n")]
    [InlineData("#TS:1\n")]
    [InlineData("#TS:1x\r\n")]
    [InlineData("#ts:1\r\n")]
    public void No_other_form_is_a_timestamp(string line) =>
        Assert.False(AofAnnotation.TryReadTimestamp(Requests.Raw(line), out _));
}
