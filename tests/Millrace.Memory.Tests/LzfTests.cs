using System.Text;
using Xunit.Abstractions;

namespace Millrace.Memory.Tests;

public class LzfTests(ITestOutputHelper output)
{
    [Fact]
    public void What_was_compressed_is_restored()
    {
        Seeds.ForEach(output, seed =>
        {
            var random = new Random(seed);
            var compressed = 0;
            for (var i = 0; i < Seeds.Volume(3_000, 100_000); i++)
            {
                var source = Make(random);
                var packed = new byte[source.Length + (source.Length / 16) + 64];
                var length = Lzf.Compress(source, packed);
                if (length == 0) continue;
                if (length < source.Length) compressed++;
                var restored = new byte[source.Length];
                Assert.True(Lzf.TryDecompress(packed.AsSpan(0, length), restored));
                Assert.Equal(source, restored);

                // One byte less or more than it makes is refused.
                Assert.False(Lzf.TryDecompress(packed.AsSpan(0, length), new byte[source.Length - 1]));
                Assert.False(Lzf.TryDecompress(packed.AsSpan(0, length), new byte[source.Length + 1]));
            }

            Assert.True(compressed > 100);
        });
    }

    [Fact]
    public void What_does_not_fit_is_not_written_beyond_the_end()
    {
        var random = new Random(5);
        for (var i = 0; i < 2_000; i++)
        {
            var source = Make(random);
            var room = new byte[source.Length + 40];
            var whole = Lzf.Compress(source, room);
            if (whole == 0) continue;
            var limit = random.Next(whole);
            var guarded = new byte[limit + 8];
            guarded.AsSpan(limit).Fill(0xA5);
            Assert.Equal(0, Lzf.Compress(source, guarded.AsSpan(0, limit)));
            Assert.All(guarded[limit..], one => Assert.Equal(0xA5, one));
            Assert.Equal(whole, Lzf.Compress(source, room.AsSpan(0, whole)));
        }
    }

    [Fact]
    public void Damaged_and_random_bytes_are_restored_or_refused_but_nothing_is_thrown()
    {
        Seeds.ForEach(output, seed =>
        {
            var random = new Random(seed);
            var destination = new byte[700];
            var accepted = 0;
            for (var i = 0; i < Seeds.Volume(20_000, 1_000_000); i++)
            {
                var bytes = new byte[random.Next(80)];
                if (random.Next(2) == 0)
                {
                    random.NextBytes(bytes);
                }
                else
                {
                    var room = new byte[400];
                    bytes = room[..Lzf.Compress(Make(random).AsSpan(0, 64), room)];
                    if (bytes.Length > 0) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
                }

                destination.AsSpan().Fill(0xA5);
                var length = random.Next(destination.Length - 100);
                if (random.Next(2) == 0) length = 64;
                if (Lzf.TryDecompress(bytes, destination.AsSpan(0, length))) accepted++;
                Assert.Equal(-1, destination.AsSpan(length).IndexOfAnyExcept((byte)0xA5));
            }

            Assert.True(accepted > 0);
        });
    }

    [Theory]
    [InlineData("", 0, true)]
    [InlineData("", 1, false)]
    [InlineData("00", 1, false)]                // a literal is missing
    [InlineData("0061", 1, true)]
    [InlineData("1F61", 32, false)]             // 31 literals are missing
    [InlineData("2000", 3, false)]              // a repetition of what is not there
    [InlineData("00612000", 4, true)]           // "a", repeated three times
    [InlineData("00612001", 4, false)]          // from in front of the beginning
    [InlineData("0061E000", 10, false)]         // the offset is missing
    [InlineData("0061E00000", 10, true)]        // the shortest long repetition
    [InlineData("0061E0", 10, false)]           // its length is missing
    [InlineData("0061E0FF00", 265, true)]
    [InlineData("0061E0FF00", 264, false)]
    public void Each_kind_of_step_is_checked(string hex, int length, bool isValid)
    {
        var destination = new byte[length];
        Assert.Equal(isValid, Lzf.TryDecompress(Convert.FromHexString(hex), destination));
        if (isValid) Assert.All(destination, one => Assert.Equal((byte)'a', one));
    }

    [Fact]
    public void Repetitions_reach_as_far_back_as_the_format_allows()
    {
        var random = new Random(9);
        foreach (var distance in (int[])[8190, 8191, 8192, 8193])
        {
            var source = new byte[distance + 100];
            random.NextBytes(source);
            source.AsSpan(0, 100).CopyTo(source.AsSpan(distance));
            var packed = new byte[source.Length + 400];
            var length = Lzf.Compress(source, packed);
            var restored = new byte[source.Length];
            Assert.True(Lzf.TryDecompress(packed.AsSpan(0, length), restored));
            Assert.Equal(source, restored);
            Assert.Equal(distance <= 8192, length < distance + (distance / 32) + 60);
        }
    }

    [Fact]
    public void Text_becomes_a_fraction_and_noise_is_refused()
    {
        var words = Enumerable.Range(0, 200).Select(i => $"element number {i};");
        var text = Encoding.Latin1.GetBytes(string.Concat(words));
        var room = new byte[text.Length];
        Assert.InRange(Lzf.Compress(text, room), 1, text.Length / 2);
        new Random(1).NextBytes(text);
        Assert.Equal(0, Lzf.Compress(text, room));
        Assert.Equal(0, Lzf.Compress("aaaa"u8, room));
    }

    private static byte[] Make(Random random)
    {
        var bytes = new byte[random.Next(64, 600)];
        var letters = random.Next(1, 5);
        for (var i = 0; i < bytes.Length; i++)
        {
            if (i > 8 && random.Next(6) > 0) bytes[i] = bytes[i - 1 - random.Next(8)];
            else bytes[i] = (byte)random.Next(letters == 1 ? 256 : letters * 4);
        }

        return bytes;
    }
}
