using System.Buffers.Binary;
using Millrace.Memory;

namespace Millrace.Fuzz;

/// <summary>
/// The restoring of compressed bytes, and their compression. Promises: nothing throws; nothing behind the destination
/// is written; what is restored makes exactly as many bytes as were asked for; bytes that are compressed come back.
/// </summary>
/// <remarks>The first two bytes of an input say how many bytes are to be restored.</remarks>
public sealed class LzfTarget : FuzzTarget
{
    /// <summary>The target's name.</summary>
    public const string TargetName = "lzf";

    private const int SizeBytes = 2;
    private const int MaxRestoredBytes = 4096;
    private const byte Mark = 0xA5;

    private readonly byte[] _restored = new byte[MaxRestoredBytes + 8];
    private readonly byte[] _compressed = new byte[2 * MaxRestoredBytes];
    private readonly byte[] _again = new byte[MaxRestoredBytes];

    /// <summary>A target with buffers of its own.</summary>
    public LzfTarget()
    {
        // The code is loaded here and not in the first execution, whose memory is measured.
        int length = Lzf.Compress("aaaaaaaaaaaaaaaa"u8, _compressed);
        Lzf.TryDecompress(_compressed.AsSpan(0, length), _again);
    }

    /// <inheritdoc/>
    public override string Name => TargetName;

    /// <inheritdoc/>
    public override string Assembly => "Millrace.Memory";

    /// <inheritdoc/>
    public override string[] SourceFiles => ["Lzf.cs"];

    /// <inheritdoc/>
    public override int MaxInputBytes => 512;

    /// <inheritdoc/>
    public override IReadOnlyList<byte[]> Tokens { get; } =
    [
        .. new[] { "0061", "2000", "4001", "e00000", "e0ff00", "ffffff", "1f", "3fff", "0062016364", "0300", "0009" }
            .Select(Convert.FromHexString),
    ];

    /// <inheritdoc/>
    public override long AllocationLimit(int inputBytes) => 16 * 1024;

    /// <inheritdoc/>
    public override void Run(ReadOnlySpan<byte> input)
    {
        CheckRoundTrip(input);
        if (input.Length < SizeBytes) return;
        int size = BinaryPrimitives.ReadUInt16BigEndian(input) % (MaxRestoredBytes + 1);
        ReadOnlySpan<byte> compressed = input[SizeBytes..];
        _restored.AsSpan(size).Fill(Mark);
        bool isRestored = Lzf.TryDecompress(compressed, _restored.AsSpan(0, size));
        Promise(_restored.AsSpan(size).IndexOfAnyExcept(Mark) < 0, "bytes behind the destination were written");
        if (!isRestored) return;
        if (size > 0)
            Promise(!Lzf.TryDecompress(compressed, _again.AsSpan(0, size - 1)), "fewer bytes were made of the same");
        CheckRoundTrip(_restored.AsSpan(0, size));
    }

    private void CheckRoundTrip(ReadOnlySpan<byte> bytes)
    {
        int length = Lzf.Compress(bytes, _compressed);
        Promise(length > 0 || bytes.Length < Lzf.MinBytes, "there was room enough");
        if (length == 0) return;
        Promise(Lzf.TryDecompress(_compressed.AsSpan(0, length), _again.AsSpan(0, bytes.Length)), "does not come back");
        Promise(bytes.SequenceEqual(_again.AsSpan(0, bytes.Length)), "other bytes come back");
        Promise(Lzf.Compress(bytes, _compressed.AsSpan(0, length - 1)) == 0, "more was written than there is room");
    }

    private static void Promise(bool kept, string sentence)
    {
        if (!kept) throw new BrokenPromiseException(sentence);
    }
}
