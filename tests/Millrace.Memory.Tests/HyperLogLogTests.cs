using System.Text;
using Xunit.Abstractions;

namespace Millrace.Memory.Tests;

/// <summary>HyperLogLogs: their bytes, and that nothing is read or written outside of them.</summary>
public class HyperLogLogTests(ITestOutputHelper output)
{
    // redis-server 7.0.15 gave these bytes for PFADD of the words (GET, behind the header).
    [Theory]
    [InlineData("", "7fff")]
    [InlineData("a", "71a6" + "84" + "4e57")]
    [InlineData("a b c", "60f3" + "80" + "50b1" + "84" + "4bfb" + "80" + "425a")]
    public void Elements_take_these_bytes(string words, string hex)
    {
        var hll = new SparseHll();
        foreach (var word in words.Split(' ', StringSplitOptions.RemoveEmptyEntries)) hll.Add(word);
        Assert.Equal(hex, Convert.ToHexStringLower(hll.Bytes[HyperLogLog.HeaderBytes..]));
    }

    [Theory]
    [InlineData("", 0xd8dfea6585bc9732)]
    [InlineData("a", 0x53d2470a9b43b1a7)]
    [InlineData("12345678", 0x95ebb86389132953)]
    [InlineData("the quick brown fox", 0xa9b9ed93197d7db3)]
    public void The_hash_is_that_of_the_format(string text, ulong hash) =>
        Assert.Equal(hash, MurmurHash64A.Hash(Encoding.Latin1.GetBytes(text), 0xadc83b19));

    [Fact]
    public void Sparse_registers_hold_what_a_model_holds() => Seeds.ForEach(output, seed =>
    {
        var random = new Random(seed);
        for (var round = Seeds.Volume(20, 400); round > 0; round--)
        {
            var hll = new SparseHll();
            var model = new byte[HyperLogLog.Registers];
            var spread = random.Next(3) == 0 ? 40 : HyperLogLog.Registers;
            for (var step = random.Next(1_500); step > 0; step--)
            {
                var element = new RankedElement(random.Next(spread), random.Next(1, random.Next(2) == 0 ? 3 : 33));
                Assert.Equal(model[element.Index] < element.Rank, hll.Add(element));
                model[element.Index] = Math.Max(model[element.Index], (byte)element.Rank);
            }

            var loose = new byte[HyperLogLog.Registers];
            Assert.True(HyperLogLog.TryMergeInto(hll.Bytes, loose));
            Assert.Equal(model, loose);
            Assert.True(HyperLogLog.TryCount(hll.Bytes, out var estimate));
            Assert.Equal(HyperLogLog.CountLoose(model), estimate);
        }
    });

    [Fact]
    public void Dense_registers_hold_what_a_model_holds() => Seeds.ForEach(output, seed =>
    {
        var random = new Random(seed);
        var model = new byte[HyperLogLog.Registers];
        var dense = new byte[HyperLogLog.DenseBytes];
        for (var step = 0; step < 50_000; step++)
        {
            var element = new RankedElement(random.Next(4) == 0 ? 16_383 : random.Next(16_384), random.Next(1, 64));
            Assert.Equal(model[element.Index] < element.Rank, HyperLogLog.AddToDense(dense, element));
            model[element.Index] = Math.Max(model[element.Index], (byte)element.Rank);
        }

        var loose = new byte[HyperLogLog.Registers];
        HyperLogLog.TryMergeInto(dense, loose);
        Assert.Equal(model, loose);
        var packed = new byte[HyperLogLog.DenseBytes];
        HyperLogLog.Pack(packed, model);
        Assert.Equal(dense, packed);
        HyperLogLog.TryCount(dense, out var estimate);
        Assert.Equal(HyperLogLog.CountLoose(model), estimate);
    });

    [Fact]
    public void Estimates_are_within_a_few_standard_errors() => Seeds.ForEach(output, seed =>
    {
        var dense = new byte[HyperLogLog.DenseBytes];
        var next = 100;
        for (var count = 1; count <= 200_000; count++)
        {
            HyperLogLog.AddToDense(dense, HyperLogLog.Rank(Encoding.ASCII.GetBytes($"{seed}:{count}")));
            if (count != next) continue;
            HyperLogLog.TryCount(dense, out var estimate);
            Assert.InRange(estimate, count * 0.95, count * 1.05);
            next *= 3;
        }
    });

    [Theory]
    [InlineData(0, 0L)]
    [InlineData(51, long.MinValue)] // no hash makes them: what C's rounding makes of infinity
    [InlineData(63, long.MinValue)]
    public void Registers_that_are_all_equal_have_an_estimate(byte value, long estimate)
    {
        var loose = new byte[HyperLogLog.Registers];
        Array.Fill(loose, value);
        Assert.Equal(estimate, HyperLogLog.CountLoose(loose));
    }

    [Theory]
    [InlineData("48594c4c01000000" + "0000000000000000", true)]
    [InlineData("48594c4c01000000" + "00000000000000", false)]
    [InlineData("48594c4c02000000" + "0000000000000000" + "7fff", false)]
    [InlineData("48594c4c00000000" + "0000000000000000" + "7fff", false)]
    [InlineData("48594c4d01000000" + "0000000000000000" + "7fff", false)]
    public void A_header_is_looked_at(string hex, bool isValid) =>
        Assert.Equal(isValid, HyperLogLog.IsValid(Convert.FromHexString(hex)));

    [Theory]
    [InlineData("", false)]
    [InlineData("7fff", true)]
    [InlineData("7ffe", false)]
    [InlineData("7fff00", false)]
    [InlineData("7ffe00", true)]
    [InlineData("7ffe80", true)]
    [InlineData("7ffe81", false)]
    [InlineData("7f", false)]
    [InlineData("7fbf7f", false)]
    [InlineData("7fff7fff7fff", false)]
    public void Registers_are_all_covered_or_in_no_order(string hex, bool isInOrder)
    {
        byte[] hll = [.. "HYLL\u0001"u8, .. new byte[11], .. Convert.FromHexString(hex)];
        Assert.Equal(isInOrder, HyperLogLog.TryCount(hll, out _));
        Assert.Equal(isInOrder, HyperLogLog.TryMergeInto(hll, new byte[HyperLogLog.Registers]));
    }

    [Fact]
    public void Any_bytes_are_read_and_changed_within_their_bounds() => Seeds.ForEach(output, seed =>
    {
        var random = new Random(seed);
        var loose = new byte[HyperLogLog.Registers];
        for (var round = Seeds.Volume(20_000, 400_000); round > 0; round--)
        {
            var runs = new byte[random.Next(40)];
            random.NextBytes(runs);
            byte[] hll = [.. "HYLL\u0001"u8, .. new byte[11], .. runs];
            Assert.Equal(HyperLogLog.TryCount(hll, out _), HyperLogLog.TryMergeInto(hll, loose));
            for (var at = HyperLogLog.HeaderBytes; HyperLogLog.TryReadRun(hll, ref at, out _, out _, out _);)
            {
            }

            var element = new RankedElement(random.Next(HyperLogLog.Registers), random.Next(1, 52));
            var addition = HyperLogLog.FindInSparse(hll, element);
            if (addition.IsCorrupted || addition.IsNone || addition.NeedsDense) continue;
            var grown = hll.Length + Math.Max(addition.Growth, 0);
            var room = new byte[grown + 4];
            room.AsSpan(grown).Fill(0xA5);
            hll.CopyTo(room, 0);
            var length = HyperLogLog.AddToSparse(room.AsSpan(0, grown), hll.Length, addition);
            Assert.InRange(length, HyperLogLog.HeaderBytes + 1, grown);
            Assert.Equal(4, room.AsSpan(grown).Count((byte)0xA5));
            Assert.True(HyperLogLog.FindInSparse(room.AsSpan(0, length), element).IsNone);
        }
    });

    /// <summary>A sparse one with room of its own.</summary>
    private sealed class SparseHll
    {
        private readonly byte[] _room = new byte[HyperLogLog.MaxSparseBytes];
        private int _length = HyperLogLog.EmptyBytes;

        public SparseHll() => HyperLogLog.WriteEmpty(_room);

        public ReadOnlySpan<byte> Bytes => _room.AsSpan(0, _length);

        public void Add(string word) => Add(HyperLogLog.Rank(Encoding.Latin1.GetBytes(word)));

        public bool Add(RankedElement element)
        {
            var addition = HyperLogLog.FindInSparse(Bytes, element);
            Assert.False(addition.IsCorrupted);
            if (addition.IsNone) return false;
            _length = HyperLogLog.AddToSparse(_room, _length, addition);
            return true;
        }
    }
}
