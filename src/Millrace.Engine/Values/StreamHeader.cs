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
///       112  what is known of producers; 0: nothing
/// </code>
/// An ID is 8 bytes of milliseconds and 8 of sequence. All numbers are little-endian. A view: valid until the next
/// change of the heap.
/// </remarks>
internal readonly ref struct StreamHeader(Span<byte> bytes)
{
    internal const int SizeBytes = 120;

    private readonly StreamWords _words = new(bytes);

    internal long Length
    {
        get => _words.Number(0);
        set => _words.SetNumber(0, value);
    }

    internal StreamId LastId
    {
        get => _words.Id(8);
        set => _words.SetId(8, value);
    }

    internal StreamId FirstId
    {
        get => _words.Id(24);
        set => _words.SetId(24, value);
    }

    internal StreamId MaxDeletedId
    {
        get => _words.Id(40);
        set => _words.SetId(40, value);
    }

    internal long EntriesAdded
    {
        get => _words.Number(56);
        set => _words.SetNumber(56, value);
    }

    internal BlockRef Nodes
    {
        get => _words.Reference(64);
        set => _words.SetReference(64, value);
    }

    internal BlockRef Groups
    {
        get => _words.Reference(72);
        set => _words.SetReference(72, value);
    }

    internal BlockRef Producers
    {
        get => _words.Reference(112);
        set => _words.SetReference(112, value);
    }

    internal long NodeBytes
    {
        get => _words.Number(80);
        set => _words.SetNumber(80, value);
    }

    internal BlockRecord LastNode
    {
        get
        {
            var (ms, seq) = _words.Id(96);
            return new BlockRecord(ms, seq, _words.Reference(88));
        }

        set
        {
            _words.SetReference(88, value.Block);
            _words.SetId(96, new StreamId(value.High, value.Low));
        }
    }

    internal void Clear() => _words.Clear();
}
