using System.Text;
using Xunit.Abstractions;

namespace Millrace.Memory.Tests;

public class Crc64Tests(ITestOutputHelper output)
{
    private readonly ITestOutputHelper _output = output;

    [Theory]
    [InlineData("", 0UL)]
    [InlineData("123456789", 0xE9C6D914C4B8D9CA)]
    public void The_check_value_of_the_polynomial_comes_out(string text, ulong crc) =>
        Assert.Equal(crc, Crc64.Of(Encoding.ASCII.GetBytes(text)));

    [Fact]
    public void Bytes_of_every_length_have_the_sum_that_is_made_bit_by_bit_whole_or_in_parts() =>
        Seeds.ForEach(_output, seed =>
        {
            var random = new Random(seed);
            var bytes = new byte[300];
            random.NextBytes(bytes);
            for (var length = 0; length <= bytes.Length; length++)
            {
                var expected = BitByBit(bytes.AsSpan(0, length));
                Assert.Equal(expected, Crc64.Of(bytes.AsSpan(0, length)));
                var cut = random.Next(length + 1);
                Assert.Equal(expected, Crc64.Update(Crc64.Of(bytes.AsSpan(0, cut)), bytes.AsSpan(cut, length - cut)));
            }
        });

    private static ulong BitByBit(ReadOnlySpan<byte> bytes)
    {
        var crc = 0UL;
        foreach (var one in bytes)
        {
            for (var bit = 0; bit < 8; bit++)
            {
                // The definition: the highest bit first, of bytes whose bits are turned round.
                var isSet = (crc >> 63 != 0) ^ ((one >> bit & 1) != 0);
                crc = (crc << 1) ^ (isSet ? 0xAD93D23594C935A9 : 0);
            }
        }

        var reflected = 0UL;
        for (var bit = 0; bit < 64; bit++) reflected |= (crc >> bit & 1) << (63 - bit);
        return reflected;
    }
}
