namespace Millrace.Memory.Tests;

public class StreamingBitsTests
{
    private const byte Mark = 0xA5;

    [Fact]
    public void Whole_lines_are_combined_and_nothing_beside_them_changes()
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        using var source = new MemorySource();
        for (var round = 0; round < 3_000; round++)
        {
            var length = random.Next(random.Next(2) == 0 ? 200 : 10_000);
            var left = Bytes(random, length);
            var right = Bytes(random, length);
            var blob = source.Blobs.Create(length + 200);
            var target = source.Blobs.Span(blob, 0, length + 200);
            Check<BitAnd>(left, right, target, static (x, y) => x & y, seed);
            Check<BitOr>(left, right, target, static (x, y) => x | y, seed);
            Check<BitXor>(left, right, target, static (x, y) => x ^ y, seed);
            Check<BitAndNot>(left, right, target, static (x, y) => x & ~y, seed);
            source.Blobs.Release(blob);
        }
    }

    [Fact]
    public void A_target_that_is_not_aligned_is_left_alone()
    {
        using var source = new MemorySource();
        var blob = source.Blobs.Create(1_000);
        var target = source.Blobs.Span(blob, 0, 1_000);
        target.Fill(Mark);
        for (var at = 1; at < 64; at++)
            Assert.Equal(0, StreamingBits.Combine<BitOr>(new byte[200], new byte[200], target[at..]));
        Assert.True(target.IndexOfAnyExcept(Mark) < 0);
        source.Blobs.Release(blob);
    }

    [Theory]
    [InlineData(100, 99, 100)]
    [InlineData(99, 100, 100)]
    [InlineData(128, 128, 127)]
    public void Lengths_that_do_not_fit_are_refused(int left, int right, int target) =>
        Assert.Throws<ArgumentException>(
            () => StreamingBits.Combine<BitOr>(new byte[left], new byte[right], new byte[target]));

    private static void Check<TOperator>(
        byte[] left, byte[] right, Span<byte> target, Func<byte, byte, int> expected, int seed)
        where TOperator : struct, IBitOperator
    {
        target.Fill(Mark);
        var done = StreamingBits.Combine<TOperator>(left, right, target);
        var where = $"seed {seed}, {typeof(TOperator).Name} of {left.Length} bytes, {done} done";
        Assert.True(done == (StreamingBits.IsSupported ? left.Length / 64 * 64 : 0), where);
        for (var i = 0; i < done; i++) Assert.True(target[i] == (byte)expected(left[i], right[i]), where);
        Assert.True(target[done..].IndexOfAnyExcept(Mark) < 0, where);
    }

    private static byte[] Bytes(Random random, int length)
    {
        var bytes = new byte[length];
        random.NextBytes(bytes);
        return bytes;
    }
}
