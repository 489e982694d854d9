using Millrace.Commands.Families;
using Millrace.Memory;

namespace Millrace.Commands.Tests;

/// <summary>The kernels against the bits one by one, at every alignment and length around a vector's.</summary>
public class BitSpansTests
{
    private static readonly int s_seed = Environment.TickCount;

    [Fact]
    public void Bits_are_counted_and_found_from_any_bit_to_any_other()
    {
        var random = new Random(s_seed);
        for (var round = 0; round < 3_000; round++)
        {
            var bytes = Bytes(random, random.Next(1, random.Next(2) == 0 ? 12 : 1_500));
            var first = random.Next(bytes.Length * 8);
            var last = random.Next(first, bytes.Length * 8);
            var bits = Enumerable.Range(first, last - first + 1).Where(at => Bit(bytes, at)).ToList();
            var clear = Enumerable.Range(first, last - first + 1).Where(at => !Bit(bytes, at)).ToList();
            var where = $"seed {s_seed}, round {round}, bits {first} to {last} of {bytes.Length} bytes";
            Assert.True(bits.Count == BitSpans.CountOnes(bytes, first, last), where);
            Assert.True((bits.Count == 0 ? -1 : bits[0]) == BitSpans.Find(bytes, bit: true, first, last), where);
            Assert.True((clear.Count == 0 ? -1 : clear[0]) == BitSpans.Find(bytes, bit: false, first, last), where);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(31)]
    [InlineData(32)]
    [InlineData(992)]
    [InlineData(993)]
    [InlineData(100_001)]
    public void All_bits_of_all_ones_are_counted(int length)
    {
        var bytes = new byte[length];
        Array.Fill(bytes, (byte)0xFF);
        Assert.Equal(8L * length, BitSpans.CountOnes(bytes));
    }

    [Fact]
    public void Combinations_are_those_of_the_bytes_whatever_the_lengths()
    {
        var random = new Random(s_seed);
        for (var round = 0; round < 3_000; round++)
        {
            var left = Bytes(random, random.Next(200));
            var right = Bytes(random, random.Next(200));
            var length = Math.Max(left.Length, right.Length) + random.Next(3);
            Check<BitAnd>(left, right, length, (x, y) => x & y);
            Check<BitOr>(left, right, length, (x, y) => x | y);
            Check<BitXor>(left, right, length, (x, y) => x ^ y);
            Check<BitAndNot>(left, right, length, (x, y) => x & ~y);
            var inverted = new byte[left.Length];
            BitSpans.Invert(left, inverted);
            Assert.Equal(left.Select(one => (byte)~one), inverted);
        }
    }

    private static void Check<TOperator>(byte[] left, byte[] right, int length, Func<int, int, int> expected)
        where TOperator : struct, IBitOperator
    {
        var target = new byte[length + 1];
        Array.Fill(target, (byte)0xA5);
        BitSpans.Combine<TOperator>(left, right, target.AsSpan(0, length));
        var wanted = Enumerable.Range(0, length).Select(i => (byte)expected(At(left, i), At(right, i)));
        Assert.True(wanted.SequenceEqual(target[..length]), $"seed {s_seed}, {typeof(TOperator).Name}");
        Assert.Equal(0xA5, target[length]);
    }

    private static int At(byte[] bytes, int index) => index < bytes.Length ? bytes[index] : 0;

    private static bool Bit(byte[] bytes, int at) => (bytes[at / 8] & (0x80 >> (at % 8))) != 0;

    // Long runs of equal bits, so that searches skip something.
    private static byte[] Bytes(Random random, int length)
    {
        var bytes = new byte[length];
        if (random.Next(3) == 0) random.NextBytes(bytes);
        else Array.Fill(bytes, (byte)(random.Next(2) * 0xFF));
        if (length > 0 && random.Next(2) == 0) bytes[random.Next(length)] = (byte)random.Next(256);
        return bytes;
    }
}
