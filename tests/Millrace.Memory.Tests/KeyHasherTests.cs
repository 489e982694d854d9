using System.Buffers.Binary;
using System.Numerics;
using System.Text;

namespace Millrace.Memory.Tests;

public class KeyHasherTests
{
    [Fact]
    public void The_hash_depends_on_nothing_but_the_key_and_the_seed()
    {
        var one = new KeyHasher(1);
        var same = new KeyHasher(1);
        var bytes = new byte[400];
        new Random(1).NextBytes(bytes);
        for (var length = 0; length <= 300; length++)
        {
            var hash = one.Hash(bytes.AsSpan(0, length));
            Assert.Equal(hash, same.Hash(bytes.AsSpan(0, length)));
            var copy = new byte[400];
            bytes.AsSpan(0, length).CopyTo(copy.AsSpan(13));
            Assert.Equal(hash, one.Hash(copy.AsSpan(13, length)));
        }
    }

    [Fact]
    public void Different_seeds_and_different_hashers_give_different_hashes()
    {
        var random1 = new KeyHasher();
        var random2 = new KeyHasher();
        for (var length = 0; length <= 200; length++)
        {
            var key = new byte[length];
            var hashes = new HashSet<ulong> { random1.Hash(key), random2.Hash(key) };
            for (var seed = 0UL; seed < 64; seed++) hashes.Add(new KeyHasher(seed).Hash(key));
            Assert.Equal(66, hashes.Count);
        }
    }

    [Fact]
    public void Every_bit_of_a_key_of_any_length_changes_half_of_the_hash()
    {
        var hasher = new KeyHasher(7);
        var random = new Random(7);
        for (var length = 1; length <= 200; length += length < 70 ? 1 : 13)
        {
            var key = new byte[length];
            for (var bit = 0; bit < length * 8; bit++)
            {
                var flipped = 0;
                const int Trials = 16;
                for (var trial = 0; trial < Trials; trial++)
                {
                    random.NextBytes(key);
                    var before = hasher.Hash(key);
                    key[bit / 8] ^= (byte)(1 << (bit % 8));
                    flipped += BitOperations.PopCount(before ^ hasher.Hash(key));
                }

                Assert.True(flipped is > Trials * 24 and < Trials * 40, $"length {length}, bit {bit}: {flipped}");
            }
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(63)]
    [InlineData(64)]
    [InlineData(999)]
    public void Each_bit_of_the_key_flips_each_bit_of_the_hash_about_half_the_time(int sample)
    {
        var hasher = new KeyHasher((ulong)sample);
        var flips = new int[64 * 64];
        const int Trials = 2_000;
        for (var trial = 0; trial < Trials; trial++)
        {
            // Keys that count up are what real keys look like, and harder than random ones.
            var key = (ulong)trial;
            var before = TestEntries.Hash(hasher, key);
            for (var bit = 0; bit < 64; bit++)
            {
                var changed = before ^ TestEntries.Hash(hasher, key ^ (1UL << bit));
                for (var at = 0; at < 64; at++) flips[(bit * 64) + at] += (int)(changed >> at) & 1;
            }
        }

        // Six and a half standard deviations of a fair coin.
        var slack = (int)(6.5 * Math.Sqrt(Trials) / 2);
        for (var i = 0; i < flips.Length; i++)
            Assert.True(Math.Abs(flips[i] - (Trials / 2)) < slack, $"key bit {i / 64}, hash bit {i % 64}: {flips[i]}");
    }

    [Fact]
    public void Every_use_of_the_hash_is_spread_evenly_over_keys_that_count_up()
    {
        var hasher = new KeyHasher(3);
        var partition = new int[256];
        var fingerprint = new int[256];
        var bucket = new int[256];
        var fineBucket = new int[256];
        var directory = new int[256];
        var deepDirectory = new int[256];
        const int Keys = 256 * 400;
        for (var i = 0; i < Keys; i++)
        {
            var hash = hasher.Hash(Encoding.ASCII.GetBytes($"user:{i}"));
            partition[HashBits.Partition(hash)]++;
            fingerprint[HashBits.Fingerprint(hash)]++;
            bucket[HashBits.Bucket(hash, 8)]++;
            fineBucket[HashBits.Bucket(hash, 16) & 255]++;
            directory[HashBits.Directory(hash, 8)]++;
            deepDirectory[HashBits.Directory(hash, 32) & 255]++;
        }

        foreach (var counts in new[] { partition, fingerprint, bucket, fineBucket, directory, deepDirectory })
            AssertUniform(counts, Keys);
    }

    [Fact]
    public void Fingerprints_are_even_within_one_bucket_and_one_partition()
    {
        var hasher = new KeyHasher(4);
        var fingerprint = new int[16];
        var total = 0;
        for (var i = 0UL; i < 2_000_000; i++)
        {
            var hash = TestEntries.Hash(hasher, i);
            if (HashBits.Partition(hash) % 64 != 5 || HashBits.Bucket(hash, 6) != 9) continue;
            fingerprint[HashBits.Fingerprint(hash) & 15]++;
            total++;
        }

        Assert.InRange(total, 400, 600);
        AssertUniform(fingerprint, total);
    }

    [Fact]
    public void No_two_of_a_million_keys_collide_nor_do_zero_bytes_of_any_number()
    {
        var hasher = new KeyHasher(5);
        var seen = new HashSet<ulong>();
        for (var length = 0; length <= 300; length++) Assert.True(seen.Add(hasher.Hash(new byte[length])), $"{length}");
        Span<byte> key = stackalloc byte[40];
        for (var i = 0; i < 1_000_000; i++)
        {
            key.Clear();
            BinaryPrimitives.WriteInt32LittleEndian(key[(i % 36)..], i + 1);
            Assert.True(seen.Add(hasher.Hash(key)), $"{i}");
        }
    }

    [Fact]
    public void Hashing_takes_no_managed_memory()
    {
        var hasher = new KeyHasher();
        var key = new byte[1000];
        _ = hasher.Hash(key);
        var before = GC.GetAllocatedBytesForCurrentThread();
        var sum = 0UL;
        for (var length = 0; length < 1000; length++) sum += hasher.Hash(key.AsSpan(0, length));
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
        Assert.NotEqual(0UL, sum);
    }

    // Chi-square with a bound that chance passes once in some million runs.
    private static void AssertUniform(int[] counts, int total)
    {
        var expected = (double)total / counts.Length;
        var chi = counts.Sum(count => (count - expected) * (count - expected) / expected);
        var freedom = counts.Length - 1;
        Assert.InRange(chi, freedom - (5 * Math.Sqrt(2 * freedom)), freedom + (5.5 * Math.Sqrt(2 * freedom)));
    }
}
