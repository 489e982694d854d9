using System.Runtime.CompilerServices;

namespace Millrace.Memory.Tests;

public class SmallTypesTests
{
    [Fact]
    public void Layouts_have_the_sizes_that_their_drawings_say()
    {
        Assert.Equal(64, Unsafe.SizeOf<Bucket>());
        Assert.Equal(64, Unsafe.SizeOf<PageRecord>());
        Assert.Equal(512, Unsafe.SizeOf<IndexNode>());
        Assert.Equal(48, Unsafe.SizeOf<TableHeader>());
        Assert.Equal(16, Unsafe.SizeOf<IndexKey>());
        Assert.Equal(8, Unsafe.SizeOf<BlockRef>());
    }

    [Fact]
    public void A_reference_takes_40_bits()
    {
        Assert.True(default(BlockRef).IsNull);
        Assert.Equal((1UL << 40) - 1, BlockRef.FromValue((1UL << 40) - 1).Value);
        Assert.Throws<ArgumentOutOfRangeException>(() => BlockRef.FromValue(1UL << 40));
    }

    [Fact]
    public void Size_classes_ascend_and_every_offset_in_a_span_finds_its_block()
    {
        var classes = new SizeClasses();
        for (var i = 0; i < classes.Count; i++)
        {
            ref readonly var shape = ref classes[i];
            Assert.True(i == 0 || shape.Bytes > classes[i - 1].Bytes, $"class {i}");
            Assert.Equal(i, classes.ClassOf(shape.Bytes));
            Assert.Equal(i, classes.ClassOf(i == 0 ? 0 : classes[i - 1].Bytes + 1));
            var spanBytes = shape.Pages * MemorySource.PageBytes;
            Assert.InRange(spanBytes % shape.Bytes, 0, spanBytes / 16);
            var units = (uint)(spanBytes / 8);
            for (var offset = 0u; offset < units; offset++)
                Assert.Equal(offset / shape.Units, (uint)(offset * shape.Reciprocal >> 32));
        }
    }

    [Fact]
    public void A_bucket_finds_its_fingerprints_and_no_others()
    {
        var bucket = default(Bucket);
        for (var slot = 0; slot < Bucket.Slots; slot++)
        {
            Assert.Equal(0u, bucket.Match(0) >> slot);
            bucket.Put(slot, (byte)(slot % 3), BlockRef.FromValue((1UL << 40) - 1 - (ulong)slot));
        }

        Assert.Equal(0b1001001001u, bucket.Match(0));
        Assert.Equal(0b0010010010u, bucket.Match(1));
        Assert.Equal(0u, bucket.Match(0xFF));
        Assert.Equal(0u, bucket.Free);
        for (var slot = 0; slot < Bucket.Slots; slot++)
            Assert.Equal((1UL << 40) - 1 - (ulong)slot, bucket.Reference(slot).Value);
        bucket.Clear(9);
        Assert.Equal(0b0001001001u, bucket.Match(0));
        bucket.Chain(BlockRef.FromValue(0xAB_CDEF_0123));
        Assert.Equal(0xAB_CDEF_0123u, bucket.Next.Value);
        Assert.Equal(0u, bucket.Free);
        Assert.False(bucket.MayFollow(5));
        bucket.AddToFilter(0x35);
        Assert.True(bucket.MayFollow(5));
        Assert.False(bucket.MayFollow(6));
        bucket.Unchain();
        Assert.Equal(1u << 9, bucket.Free);
    }

    [Fact]
    public void Uses_of_the_hash_share_no_bits()
    {
        for (var bit = 0; bit < 64; bit++)
        {
            var hash = 1UL << bit;
            var uses = 0;
            if (HashBits.Partition(hash) != 0) uses++;
            if (HashBits.Fingerprint(hash) != 0) uses++;
            if (HashBits.Bucket(hash, HashBits.MaxBucketBits) != 0) uses++;
            if (HashBits.Directory(hash, HashBits.MaxDirectoryBits) != 0) uses++;
            Assert.Equal(1, uses);
        }

        Assert.Equal(1, HashBits.Bucket(1UL << 31, 1));
        Assert.Equal(0, HashBits.Bucket(ulong.MaxValue, 0));
        Assert.Equal(1u, HashBits.Directory(1UL << 63, 1));
        Assert.Equal(0u, HashBits.Directory(ulong.MaxValue, 0));
    }

    [Fact]
    public void Lines_begin_at_multiples_of_128_and_are_zero()
    {
        using var lines = new AlignedLines<long>(5);
        for (var i = 0; i < 5; i++)
        {
            Assert.Equal(0, lines[i]);
            Assert.Equal(0, lines.AddressOf(i) % 128);
            Assert.Equal(128, i == 0 ? 128 : lines.AddressOf(i) - lines.AddressOf(i - 1));
            lines[i] = i + 1;
        }

        for (var i = 0; i < 5; i++) Assert.Equal(i + 1, lines[i]);
        Assert.Throws<ArgumentOutOfRangeException>(() => lines[5]);
        Assert.Throws<ArgumentOutOfRangeException>(() => lines[-1]);
        lines.Dispose();
        Assert.Throws<ArgumentOutOfRangeException>(() => lines[0]);
    }
}
