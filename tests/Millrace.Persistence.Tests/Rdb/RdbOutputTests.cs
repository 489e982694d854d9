using Millrace.Engine.Codec;
using Millrace.Memory;
using Millrace.Persistence.Files;
using Millrace.Persistence.Rdb;

namespace Millrace.Persistence.Tests.Rdb;

public sealed class RdbOutputTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(1_000)]
    [InlineData(100_000)]
    [InlineData(500_000)]
    public void Bytes_come_in_order_with_the_checksum_of_all(int piece)
    {
        var random = new Random(piece);
        var all = new byte[1_000_001];
        random.NextBytes(all);
        var target = new Collector();
        var output = new RdbOutput(target);
        for (var at = 0; at < all.Length;)
        {
            var length = Math.Min(random.Next(1, piece + 1), all.Length - at);
            if (random.Next(2) == 0)
            {
                output.Append(all.AsSpan(at, length));
            }
            else
            {
                var writer = new ValueWriter(output);
                writer.Bytes(all.AsSpan(at, length));
                writer.End();
            }

            at += length;
            Assert.Equal(at, output.Length);
        }

        output.Seal(hasChecksum: true);
        Assert.Equal(HandMadeFile.Sealed(all), target.Bytes);
        Assert.Equal(all.Length + 8, output.Length);
    }

    [Fact]
    public void Without_a_checksum_there_are_eight_zeros()
    {
        var target = new Collector();
        var output = new RdbOutput(target);
        output.Append([1, 2, 3]);
        output.Seal(hasChecksum: false);
        Assert.Equal([1, 2, 3, 0, 0, 0, 0, 0, 0, 0, 0], target.Bytes);
    }

    [Fact]
    public void After_a_fault_there_is_room_and_nothing_is_written()
    {
        var target = new Collector { Fails = true };
        var output = new RdbOutput(target);
        for (var i = 0; i < 10; i++) output.Append(new byte[RdbOutput.BufferBytes]);
        Assert.Equal(DiskStep.Write, output.Fault.Step);
        Assert.Equal(1, target.Writes);
        output.Seal(hasChecksum: true);
        Assert.Equal(1, target.Writes);
    }

    [Fact]
    public void The_checksum_of_what_was_used_up_is_known_at_any_byte()
    {
        var bytes = new byte[1_000];
        new Random(1).NextBytes(bytes);
        var files = new Files.MemoryFiles { ["a"] = bytes };
        files.Open("a", out var file);
        var input = new RdbInput(file!, 7);
        var used = 0;
        while (input.Next() is { IsEmpty: false } given)
        {
            for (var unread = given.Length; unread >= 0; unread--)
                Assert.Equal(Crc64.Of(bytes.AsSpan(0, used + given.Length - unread)), input.ChecksumWithout(unread));
            used += given.Length;
            Assert.Equal(used, input.Given);
            Assert.Equal(bytes.Length - used, input.Left);
        }

        Assert.Equal(bytes.Length, used);
        Assert.Equal(Crc64.Of(bytes), input.ChecksumWithout(0));
    }

    private sealed class Collector : IByteTarget
    {
        private readonly MemoryStream _bytes = new();

        public bool Fails { get; init; }

        public int Writes { get; private set; }

        public byte[] Bytes => _bytes.ToArray();

        public DiskFault Write(ReadOnlySpan<byte> bytes)
        {
            Writes++;
            if (Fails) return new DiskFault(DiskStep.Write, "No space left on device");
            _bytes.Write(bytes);
            return default;
        }
    }
}
