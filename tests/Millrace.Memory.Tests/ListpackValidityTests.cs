using System.Buffers.Binary;
using Xunit.Abstractions;

namespace Millrace.Memory.Tests;

/// <summary>What comes from a file or a peer: the validator lets nothing through that cannot be walked.</summary>
public class ListpackValidityTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("", "nothing")]
    [InlineData("060000000000", "no end mark")]
    [InlineData("07000000000000", "another end mark")]
    [InlineData("080000000000ff", "a total that is too great")]
    [InlineData("060000000000ff", "a total that is too small")]
    [InlineData("ffffffff0000ff", "a total beyond 31 bits")]
    [InlineData("070000000000ffff", "a byte behind the end")]
    public void Even_a_shallow_look_refuses(string hex, string what)
    {
        var bytes = Convert.FromHexString(hex);
        Assert.False(Listpack.IsValid(bytes, deep: false), what);
        Assert.False(Listpack.IsValid(bytes, deep: true), what);
    }

    [Theory]
    [InlineData("070000000100ff", "a count of one without an element")]
    [InlineData("0b000000010001010201ff", "one element too many")]
    [InlineData("0b000000030001010201ff", "one element too few")]
    [InlineData("09000000010001" + "02" + "ff", "a backlen that is too long")]
    [InlineData("09000000010001" + "00" + "ff", "a backlen of nothing")]
    [InlineData("080000000100" + "01" + "ff", "no backlen")]
    [InlineData("090000000100" + "c080" + "ff", "no backlen behind 13 bits")]
    [InlineData("080000000100" + "c0" + "ff", "half of 13 bits")]
    [InlineData("090000000100" + "8261" + "ff", "a string beyond the end")]
    [InlineData("0a0000000100" + "826161" + "ff", "a string up to the end, without a backlen")]
    [InlineData("080000000100" + "e0" + "ff", "half a length")]
    [InlineData("0a0000000100" + "f00000" + "ff", "a part of a length")]
    [InlineData("0c0000000100" + "f0ffffffff" + "ff", "a length of four gigabytes")]
    [InlineData("0d0000000100" + "f0ffffff7f06" + "ff", "a length of two gigabytes")]
    [InlineData("0d0000000100" + "f0fbffffff06" + "ff", "a length that would wrap around")]
    [InlineData("090000000100" + "f102" + "ff", "an integer without bytes")]
    [InlineData("090000000100" + "f501" + "ff", "an encoding that is none")]
    [InlineData("090000000100" + "fe01" + "ff", "another encoding that is none")]
    [InlineData("0a0000000100" + "ff0101" + "ff", "an end mark before the end")]
    [InlineData("0a0000000100" + "010081" + "ff", "a backlen in two bytes that needs one")]
    public void A_deep_look_refuses(string hex, string what)
    {
        var bytes = Convert.FromHexString(hex);
        Assert.True(Listpack.IsValid(bytes, deep: false), what);
        Assert.False(Listpack.IsValid(bytes, deep: true), what);
    }

    [Fact]
    public void A_count_that_is_not_known_is_no_fault()
    {
        var bytes = Convert.FromHexString("0b000000ffff01010201ff");
        Assert.True(Listpack.IsValid(bytes, deep: true));
        Assert.Equal(2, Listpack.Count(bytes));
    }

    [Fact]
    public void What_passes_after_random_damage_can_be_walked_and_changed()
    {
        var rounds = Seeds.Volume(20_000, 400_000);
        Seeds.ForEach(output, seed =>
        {
            var random = new Random(seed);
            var passed = 0;
            for (var i = 0; i < rounds; i++)
            {
                var whole = new PackedList(
                    Enumerable.Range(0, random.Next(1, 6)).Select(_ => ListpackTests.NextElement(random)));
                var bytes = Damage(random, whole.Bytes);
                if (!Listpack.IsValid(bytes, deep: true)) continue;
                passed++;
                var texts = PackedList.Texts(bytes);
                if (texts.Count == 0) continue;
                var index = random.Next(texts.Count);
                var total = Listpack.DeleteRange(bytes, index, 1);
                texts.RemoveAt(index);
                PackedList.AssertSame(texts, PackedList.Texts(bytes.AsSpan(0, total)));
            }

            output.WriteLine($"{passed} of {rounds} passed");
            Assert.InRange(passed, rounds / 50, rounds - 1);
        });
    }

    // On what is no listpack the other methods may throw, but only these: nothing is read outside, nothing runs on.
    [Fact]
    public void Damage_that_was_not_looked_for_throws_at_worst()
    {
        Seeds.ForEach(output, seed =>
        {
            var random = new Random(seed);
            for (var i = 0; i < 20_000; i++)
            {
                var whole = new PackedList(
                    Enumerable.Range(0, random.Next(1, 6)).Select(_ => ListpackTests.NextElement(random)));
                var bytes = Damage(random, whole.Bytes);
                if (!Listpack.IsValid(bytes, deep: false)) continue;
                var fault = Record.Exception(() =>
                {
                    Listpack.Count(bytes);
                    Listpack.Find(bytes, Listpack.First(bytes), "no"u8);
                    Listpack.Seek(bytes, -2);
                    for (var at = Listpack.Last(bytes); at >= 0; at = Listpack.Previous(bytes, at))
                        Listpack.Get(bytes, at).CopyTo(new byte[bytes.Length + ListpackElement.MaxIntegerBytes]);
                });
                Assert.True(
                    fault is null or HeapCorruptionException or ArgumentOutOfRangeException or IndexOutOfRangeException,
                    fault?.ToString());
            }
        });
    }

    private static byte[] Damage(Random random, ReadOnlySpan<byte> whole)
    {
        var bytes = whole.ToArray();
        switch (random.Next(5))
        {
            case 0:
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
                break;
            case 1:
                bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
                break;
            case 2:
                var some = random.Next(1, 5);
                for (var i = 0; i < some; i++) bytes[random.Next(6, bytes.Length)] = (byte)random.Next(256);
                break;
            case 3:
                // A piece is left out and the total is put right, so that only the entries tell.
                var from = random.Next(6, bytes.Length);
                var to = random.Next(from, Math.Min(bytes.Length, from + 8));
                bytes = [.. bytes.AsSpan(0, from), .. bytes.AsSpan(to)];
                BinaryPrimitives.WriteInt32LittleEndian(bytes, bytes.Length);
                if (random.Next(2) == 0) bytes[4] = bytes[5] = 0xFF;
                break;
            default:
                // A lead becomes another one, most likely where an entry begins.
                bytes[6] = (byte)random.Next(0xF0, 0x100);
                break;
        }

        return bytes;
    }
}
