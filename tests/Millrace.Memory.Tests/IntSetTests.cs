using System.Buffers.Binary;
using System.Globalization;
using Xunit.Abstractions;

namespace Millrace.Memory.Tests;

public class IntSetTests(ITestOutputHelper output)
{
    private const int MostIntegers = 600;

    // Redis 7.0.15 gave these bytes in DUMPs of sets, but for the empty one.
    [Theory]
    [InlineData("", "0200000000000000")]
    [InlineData("5", "0200000001000000" + "0500")]
    [InlineData("5 -1 3", "0200000003000000" + "ffff" + "0300" + "0500")]
    [InlineData("32767 -32768", "0200000002000000" + "0080" + "ff7f")]
    [InlineData("1 32768", "0400000002000000" + "01000000" + "00800000")]
    [InlineData("1 -32769", "0400000002000000" + "ff7fffff" + "01000000")]
    [InlineData("1 2147483647", "0400000002000000" + "01000000" + "ffffff7f")]
    [InlineData("-2147483648 7", "0400000002000000" + "00000080" + "07000000")]
    [InlineData("1 2147483648", "0800000002000000" + "0100000000000000" + "0000008000000000")]
    [InlineData("1 2 -2147483649", "0800000003000000" + "ffffff7fffffffff" + "0100000000000000" + "0200000000000000")]
    [InlineData("1 40000 9223372036854775807",
        "0800000003000000" + "0100000000000000" + "409c000000000000" + "ffffffffffffff7f")]
    [InlineData("-9223372036854775808 1", "0800000002000000" + "0000000000000080" + "0100000000000000")]
    public void Integers_take_these_bytes(string values, string hex)
    {
        var set = new byte[IntSet.EmptyBytes];
        IntSet.WriteEmpty(set);
        foreach (var word in values.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            Assert.True(Insert(ref set, long.Parse(word, CultureInfo.InvariantCulture)));
        Assert.Equal(hex, PackedList.Hex(set));
        Assert.Equal(values.Length > 0, IntSet.IsValid(set, deep: true));
    }

    [Fact]
    public void It_stays_wide_when_the_widest_integer_is_gone()
    {
        byte[] set = Of(1, 2, 1L << 40);
        Assert.Equal(32, set.Length);
        Assert.Equal(24, IntSet.Remove(set, 1L << 40));
        Assert.Equal("0800000002000000" + "0100000000000000" + "0200000000000000", PackedList.Hex(set.AsSpan(0, 24)));
        Assert.Equal(24, IntSet.Remove(set, 3));
        Assert.Equal(16, IntSet.RemoveAt(set, 0));
        Assert.Equal(2, IntSet.Get(set, 0));
    }

    [Fact]
    public void A_room_may_be_longer_and_what_lies_behind_stays()
    {
        var room = new byte[64];
        room.AsSpan().Fill(0xAB);
        IntSet.WriteEmpty(room);
        foreach (var value in (long[])[3, 1, 70_000, -70_000]) Assert.True(IntSet.Insert(room, value));
        Assert.False(IntSet.Insert(room, 3));
        Assert.Equal(24, IntSet.TotalBytes(room));
        Assert.Equal([-70_000, 1, 3, 70_000], Values(room));
        Assert.All(room[24..], one => Assert.Equal(0xAB, one));
    }

    [Fact]
    public void It_agrees_with_a_sorted_set()
    {
        var operations = Seeds.Volume(15_000, 300_000);
        Seeds.ForEach(output, seed =>
        {
            var random = new Random(seed);
            var model = new SortedSet<long>();
            var set = Of();
            for (var i = 0; i < operations; i++)
            {
                // It becomes wider in the course of a round, and starts again.
                var bits = 15 + (i % 5_000 / 1_000 * 12);
                if (i % 5_000 == 0)
                {
                    set = Of();
                    model.Clear();
                }

                var value = random.NextInt64() >> Math.Max(0, 63 - bits);
                if (random.Next(2) == 0) value = ~value;
                if (random.Next(3) > 0 && model.Count > 0) value = Near(random, set);
                Step(random, model, ref set, value);
                Assert.Equal(model.Count, IntSet.Count(set));
                Assert.Equal(model.Contains(value), IntSet.Contains(set, value));
                Assert.Equal(set.Length, IntSet.TotalBytes(set));
                if (i % 100 != 0) continue;
                Assert.Equal(model, Values(set));
                Assert.Equal(model.Count > 0, IntSet.IsValid(set, deep: true));
            }
        });
    }

    [Fact]
    public void Each_integer_is_drawn_as_often_as_the_others()
    {
        var set = Of(-5, 1, 2, 3, 100_000);
        Assert.Equal(-5, IntSet.Random(set, 0));
        Assert.Equal(100_000, IntSet.Random(set, ulong.MaxValue));
        var random = new Random(1);
        var drawn = new Dictionary<long, int>();
        const int Draws = 100_000;
        for (var i = 0; i < Draws; i++)
        {
            var value = IntSet.Random(set, (ulong)random.NextInt64(long.MinValue, long.MaxValue));
            drawn[value] = drawn.GetValueOrDefault(value) + 1;
        }

        Assert.Equal(5, drawn.Count);
        Assert.All(drawn.Values, count => Assert.InRange(count, Draws / 5 * 0.95, Draws / 5 * 1.05));
    }

    [Theory]
    [InlineData("", true)]
    [InlineData("02000000010000", true)]
    [InlineData("0200000000000000", true)]
    [InlineData("0000000001000000", true)]
    [InlineData("0300000001000000" + "010000", true)]
    [InlineData("0200000002000000" + "0100", true)]
    [InlineData("0200000001000000" + "01000200", true)]
    [InlineData("08000000ffffffff" + "0100000000000000", true)]
    [InlineData("0800000000000020", true)]
    [InlineData("0200000001000080" + "0100", true)]
    [InlineData("0200000002000000" + "0100" + "0100", false)]
    [InlineData("0200000002000000" + "0200" + "0100", false)]
    [InlineData("0400000002000000" + "01000000" + "ffffffff", false)]
    public void What_is_no_set_is_refused(string hex, bool shallow)
    {
        var bytes = Convert.FromHexString(hex);
        Assert.Equal(!shallow, IntSet.IsValid(bytes, deep: false));
        Assert.False(IntSet.IsValid(bytes, deep: true));
    }

    [Fact]
    public void What_passes_after_random_damage_is_in_order()
    {
        var rounds = Seeds.Volume(50_000, 1_000_000);
        Seeds.ForEach(output, seed =>
        {
            var random = new Random(seed);
            var passed = 0;
            for (var i = 0; i < rounds; i++)
            {
                var bits = random.Next(64);
                byte[] set = Of([.. Enumerable.Range(0, random.Next(6)).Select(_ => random.NextInt64() >> bits)]);
                var damage = random.Next(1, 3);
                for (var k = 0; k < damage; k++) set[random.Next(set.Length)] = (byte)random.Next(256);
                if (random.Next(4) == 0) set = set[..random.Next(set.Length)];
                if (!IntSet.IsValid(set, deep: true)) continue;
                passed++;
                var values = Values(set);
                Assert.Equal(values.Order().Distinct(), values);
                Assert.All(values, value => Assert.True(IntSet.Contains(set, value)));
            }

            output.WriteLine($"{passed} of {rounds} passed");
            Assert.InRange(passed, rounds / 50, rounds - 1);
        });
    }

    private static void Step(Random random, SortedSet<long> model, ref byte[] set, long value)
    {
        if (random.Next(5) < (model.Count > MostIntegers ? 1 : 3))
        {
            Assert.Equal(model.Add(value), Insert(ref set, value));
            return;
        }

        var before = set.Length;
        var size = IntSet.Remove(set, value);
        Assert.Equal(model.Remove(value), size < before);
        Array.Resize(ref set, size);
    }

    private static long Near(Random random, byte[] set)
    {
        var value = IntSet.Random(set, (ulong)random.NextInt64() << 1);
        return value is long.MinValue or long.MaxValue ? value : value + random.Next(-1, 2);
    }

    private static bool Insert(ref byte[] set, long value)
    {
        Array.Resize(ref set, IntSet.SizeAfterInsert(set, value));
        var inserted = IntSet.Insert(set, value);
        Assert.Equal(set.Length, IntSet.TotalBytes(set));
        return inserted;
    }

    private static byte[] Of(params long[] values)
    {
        var set = new byte[IntSet.EmptyBytes];
        IntSet.WriteEmpty(set);
        foreach (var value in values) Insert(ref set, value);
        Assert.Equal(set.Length, IntSet.EmptyBytes + (IntSet.Count(set) * IntSet.Width(set)));
        Assert.True(BinaryPrimitives.ReadInt32LittleEndian(set) is 2 or 4 or 8);
        return set;
    }

    private static List<long> Values(ReadOnlySpan<byte> set)
    {
        var values = new List<long>();
        for (var index = 0; index < IntSet.Count(set); index++) values.Add(IntSet.Get(set, index));
        return values;
    }
}
