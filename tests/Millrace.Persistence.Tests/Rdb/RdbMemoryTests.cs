using System.Buffers.Binary;
using Millrace.Persistence.Files;
using Millrace.Persistence.Rdb;
using Xunit.Abstractions;

namespace Millrace.Persistence.Tests.Rdb;

/// <summary>
/// How much memory a file can make a server take: files of the shortest records of each kind, looked at whenever bytes
/// are read, so that what a value takes while it is made counts as well.
/// </summary>
public sealed class RdbMemoryTests(ITestOutputHelper output) : IDisposable
{
    private const int Parts = 20_000;
    private const int Times = 10;

    // An empty stream and a group without anything pending have indexes of their own, and hardly a byte in the file.
    private const int TimesOfIndexes = 25;
    private static readonly string[] s_indexes = ["empty streams", "a stream of groups"];

    private readonly RdbKeyspace _keyspace = new();

    /// <summary>The names of files.</summary>
    public static TheoryData<string> Shapes => [.. s_shapes.Keys];

    private static readonly Dictionary<string, Func<byte[]>> s_shapes = new(StringComparer.Ordinal)
    {
        ["keys"] = () => Many(i => [0x00, .. Name(i), 0x00]),
        ["keys with integers"] = () => Many(i => [0x00, .. Name(i), 0xC0, 0x01]),
        ["keys with deadlines"] = () => Many(i => [0xFD, 0xFF, 0xFF, 0xFF, 0x7F, 0x00, .. Name(i), 0x00]),
        ["short lists"] = () => Many(i => [0x01, .. Name(i), 0x01, 0x00]),
        ["short sets"] = () => Many(i => [0x02, .. Name(i), 0x01, 0x00]),
        ["short sets of integers"] = () => Many(i => [0x02, .. Name(i), 0x01, 0xC0, 0x01]),
        ["short sorted sets"] = () => Many(i => [0x03, .. Name(i), 0x01, 0x00, 0x01, (byte)'1']),
        ["short hashes"] = () => Many(i => [0x04, .. Name(i), 0x01, 0x00, 0x00]),
        ["empty streams"] = () => Many(i => [0x0F, .. Name(i), 0x00, 0x00, 0x00, 0x00, 0x00]),
        ["a list of empty texts"] = () => One(0x01, i => [0x00]),
        ["a list of texts"] = () => One(0x01, Name),
        ["a list of single elements"] = () => One(0x12, i => [0x01, 0x01, (byte)'a']),
        ["a list of listpacks"] = () => One(
            0x12, i => [0x02, 0x0A, 0x0A, 0, 0, 0, 1, 0, 0x81, (byte)'a', 2, 0xFF]),
        ["a set"] = () => One(0x02, Name),
        ["a set of integers"] = () => One(0x02, i => [0xC1, (byte)i, (byte)(i >> 8)]),
        ["a sorted set of texts"] = () => One(0x03, i => [.. Name(i), 0x01, (byte)'1']),
        ["a sorted set"] = () => One(0x05, i => [.. Name(i), .. BitConverter.GetBytes((double)(Parts - i))]),
        ["a hash"] = () => One(0x04, i => [.. Name(i), 0x00]),
        ["a hash with deadlines"] = () => One(
            0x18, i => [0x01, .. Name(i), 0x00], BitConverter.GetBytes(long.MaxValue >> 20)),
        ["a hash with early deadlines"] = () => One(
            0x16, i => [0x81, 0, 0, 4, 0, 0, 0, 0, 0, .. Name(i), 0x00]),
        ["a stream of groups"] = () => Stream(i => [.. Name(i), 0x00, 0x00, 0x00, 0x00]),
        ["a group of consumers"] = () => Stream(
            one => one > 0 ? [] : [.. Name(0), 0x00, 0x00, 0x00, .. Length(Parts), .. Bytes(
                i => [.. Name(i), 1, 0, 0, 0, 0, 0, 0, 0, 0x00])], groups: 1),
    };

    public void Dispose() => _keyspace.Dispose();

    [Theory]
    [MemberData(nameof(Shapes))]
    public void A_file_takes_at_most_ten_times_its_bytes_but_for_empty_indexes(string shape)
    {
        var file = s_shapes[shape]();
        var most = 0L;
        var outcome = _keyspace.Load(new RdbInput(
            new WatchedFile(file, () => most = Math.Max(most, _keyspace.Keyspace.UsedBytes)), 4096));
        Assert.True(outcome.IsComplete, outcome.Fault.ToString());
        most = Math.Max(most, _keyspace.Keyspace.UsedBytes);
        output.WriteLine($"{shape}: {most} bytes for {file.Length}, {(double)most / file.Length:F1} times");
        var times = s_indexes.Contains(shape, StringComparer.Ordinal) ? TimesOfIndexes : Times;
        Assert.InRange(most, 0, (long)times * file.Length);
        _keyspace.CheckGivenBack(shape);
    }

    private static byte[] Many(Func<int, byte[]> part) => Whole([.. Bytes(part)]);

    private static byte[] One(byte type, Func<int, byte[]> part, byte[]? front = null) =>
        Whole([type, 0x01, (byte)'k', .. front ?? [], .. Length(Parts), .. Bytes(part)]);

    private static byte[] Stream(Func<int, byte[]> group, int groups = Parts) => Whole(
        [0x0F, 0x01, (byte)'k', 0x00, 0x00, 0x00, 0x00, .. Length(groups), .. Bytes(group)]);

    private static IEnumerable<byte> Bytes(Func<int, byte[]> part) => Enumerable.Range(0, Parts).SelectMany(part);

    // A text of its own for each number.
    private static byte[] Name(int number) => [0x03, (byte)number, (byte)(number >> 8), (byte)'n'];

    private static byte[] Length(int number)
    {
        byte[] length = [0x80, 0, 0, 0, 0];
        BinaryPrimitives.WriteInt32BigEndian(length.AsSpan(1), number);
        return length;
    }

    // Without a checksum.
    private static byte[] Whole(byte[] records) =>
        [.. "REDIS0012"u8, .. records, (byte)RdbOpcode.End, 0, 0, 0, 0, 0, 0, 0, 0];

    /// <summary>A file in memory, and somebody who hears of each read.</summary>
    private sealed class WatchedFile(byte[] content, Action reads) : IReadableFile
    {
        public long Length => content.Length;

        public string? Read(long offset, Span<byte> to, out int bytes)
        {
            reads();
            bytes = (int)Math.Min(to.Length, content.Length - offset);
            content.AsSpan((int)offset, bytes).CopyTo(to);
            return null;
        }

        public void Dispose()
        {
            // Nothing is held.
        }
    }
}
