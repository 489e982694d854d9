using System.Buffers.Binary;
using Millrace.Memory;

namespace Millrace.Engine.Values;

/// <summary>
/// The block by which a stream is known: what it remembers beside its entries, and where they are.
/// </summary>
/// <remarks>
/// <code>
///   byte  0  entries                         64  the index of the nodes
///         8  the last ID ever given          72  the index of the groups; 0: there are none
///        24  the first entry's ID            80  bytes of the blocks of all nodes
///        40  the greatest ID ever deleted    88  the last node's block; 0: there is no node
///        56  entries ever added              96  the ID that the last node stands under
/// </code>
/// An ID is 8 bytes of milliseconds and 8 of sequence. All numbers are little-endian. A view: valid until the next
/// change of the heap.
/// </remarks>
internal readonly ref struct StreamHeader(Span<byte> bytes)
{
    internal const int SizeBytes = 112;

    private readonly Span<byte> _bytes = bytes;

    internal long Length
    {
        get => Word(0);
        set => SetWord(0, value);
    }

    internal StreamId LastId
    {
        get => Id(8);
        set => SetId(8, value);
    }

    internal StreamId FirstId
    {
        get => Id(24);
        set => SetId(24, value);
    }

    internal StreamId MaxDeletedId
    {
        get => Id(40);
        set => SetId(40, value);
    }

    internal long EntriesAdded
    {
        get => Word(56);
        set => SetWord(56, value);
    }

    internal BlockRef Nodes
    {
        get => Reference(64);
        set => SetWord(64, (long)value.Value);
    }

    internal BlockRef Groups
    {
        get => Reference(72);
        set => SetWord(72, (long)value.Value);
    }

    internal long NodeBytes
    {
        get => Word(80);
        set => SetWord(80, value);
    }

    internal BlockRecord LastNode
    {
        get
        {
            var (ms, seq) = Id(96);
            return new BlockRecord(ms, seq, Reference(88));
        }

        set
        {
            SetWord(88, (long)value.Block.Value);
            SetId(96, new StreamId(value.High, value.Low));
        }
    }

    internal void Clear() => _bytes.Clear();

    private long Word(int at) => BinaryPrimitives.ReadInt64LittleEndian(_bytes[at..]);

    private void SetWord(int at, long value) => BinaryPrimitives.WriteInt64LittleEndian(_bytes[at..], value);

    private BlockRef Reference(int at) => BlockRef.FromValue((ulong)Word(at));

    private StreamId Id(int at) => new((ulong)Word(at), (ulong)Word(at + sizeof(long)));

    private void SetId(int at, StreamId id)
    {
        SetWord(at, (long)id.Ms);
        SetWord(at + sizeof(long), (long)id.Seq);
    }
}
