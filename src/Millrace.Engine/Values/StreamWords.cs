using System.Buffers.Binary;
using Millrace.Memory;

namespace Millrace.Engine.Values;

/// <summary>A block of a stream as 8-byte words, little-endian, at byte offsets: numbers, IDs (milliseconds, then the
/// sequence) and references to other blocks. A view: valid until the block is freed.</summary>
internal readonly ref struct StreamWords(Span<byte> bytes)
{
    private readonly Span<byte> _bytes = bytes;

    internal long Number(int at) => BinaryPrimitives.ReadInt64LittleEndian(_bytes[at..]);

    internal void SetNumber(int at, long value) => BinaryPrimitives.WriteInt64LittleEndian(_bytes[at..], value);

    internal StreamId Id(int at) => new((ulong)Number(at), (ulong)Number(at + sizeof(long)));

    internal void SetId(int at, StreamId id)
    {
        SetNumber(at, (long)id.Ms);
        SetNumber(at + sizeof(long), (long)id.Seq);
    }

    internal BlockRef Reference(int at) => BlockRef.FromValue((ulong)Number(at));

    internal void SetReference(int at, BlockRef block) => SetNumber(at, (long)block.Value);

    internal void Clear() => _bytes.Clear();
}
