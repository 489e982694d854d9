using Millrace.Engine.Values;
using Millrace.Memory;

namespace Millrace.Engine.Codec;

/// <summary>
/// A list or a stream of many pieces as it is at one moment, for who writes it piece by piece while it changes.
/// </summary>
/// <remarks>
/// <code>
///   Of: where each piece is, and what stands behind them -> WriteHead -> WritePiece, in order -> WriteRest
/// </code>
/// The pieces, chunks of a list or nodes of a stream, stay where they are; before one changes
/// <see cref="IEntrySaver.SaveContent"/> is told, and whoever listens gives what was there to <see cref="WritePiece"/>.
/// Written is what <see cref="ValueCodec.Write"/> writes. Used under the partition's lock.
/// </remarks>
public abstract class FrozenValue
{
    private protected FrozenValue(in Entry entry, BlockRef header)
    {
        Heap = entry.Heap;
        Type = entry.Type;
        Header = header;
    }

    /// <summary>The block that the value is known by.</summary>
    public BlockRef Header { get; }

    /// <summary>The type of the value.</summary>
    public ValueType Type { get; }

    /// <summary>How many pieces there are.</summary>
    public abstract int Count { get; }

    private protected Heap Heap { get; }

    /// <summary>Whether a value is a list or a stream of more pieces than so many.</summary>
    public static bool IsLonger(in Entry entry, int pieces) => entry.Type switch
    {
        ValueType.List => !ListValue.IsPacked(entry) && ListValue.Deque(entry).ChunkCount > pieces,
        ValueType.Stream => StreamValue.Log(entry).NodeCount > pieces,
        _ => false,
    };

    /// <summary>How a value is, when it has more pieces than so many; null for others. O(pieces), and O(what is
    /// pending) for a stream.</summary>
    /// <param name="entry">The entry.</param>
    /// <param name="pieces">The most that are none of ours.</param>
    public static FrozenValue? Of(in Entry entry, int pieces)
    {
        if (!IsLonger(entry, pieces)) return null;
        return entry.Type == ValueType.List
            ? new FrozenList(entry, ListValue.Deque(entry))
            : new FrozenStream(entry, StreamValue.Log(entry));
    }

    /// <summary>Writes what stands between the key and the first piece.</summary>
    public void WriteHead(ref ValueWriter writer) => writer.Length(Count);

    /// <summary>Writes what stands behind the last piece, as it is now: to be called before anything changes.</summary>
    /// <param name="writer">Where to.</param>
    /// <param name="type">How the value is written.</param>
    public abstract void WriteRest(ref ValueWriter writer, RdbType type);

    /// <summary>The block of a piece.</summary>
    public abstract BlockRef Block(int index);

    /// <summary>What a piece holds that has not changed.</summary>
    public abstract ReadOnlySpan<byte> Content(int index);

    /// <summary>Writes a piece.</summary>
    /// <param name="writer">Where to.</param>
    /// <param name="index">Which.</param>
    /// <param name="content">What it held.</param>
    public abstract void WritePiece(ref ValueWriter writer, int index, ReadOnlySpan<byte> content);

    private sealed class FrozenList(in Entry entry, PackedDeque deque) : FrozenValue(entry, deque.Header)
    {
        private readonly ChunkPlace[] _places = deque.Places();

        public override int Count => _places.Length;

        public override void WriteRest(ref ValueWriter writer, RdbType type)
        {
        }

        public override BlockRef Block(int index) => _places[index].Block;

        public override ReadOnlySpan<byte> Content(int index) => _places[index].Content(Heap);

        public override void WritePiece(ref ValueWriter writer, int index, ReadOnlySpan<byte> content) =>
            ListCodec.WriteChunk(ref writer, _places[index].View(content));
    }

    private sealed class FrozenStream : FrozenValue
    {
        private readonly StreamLog _log;
        private readonly BlockRecord[] _nodes;

        internal FrozenStream(in Entry entry, StreamLog log)
            : base(entry, log.Header)
        {
            _log = log;
            _nodes = log.NodesNow();
        }

        public override int Count => _nodes.Length;

        public override void WriteRest(ref ValueWriter writer, RdbType type) =>
            StreamCodec.WriteRest(ref writer, _log, type);

        public override BlockRef Block(int index) => _nodes[index].Block;

        public override ReadOnlySpan<byte> Content(int index) => StreamLog.Content(Heap, _nodes[index].Block);

        public override void WritePiece(ref ValueWriter writer, int index, ReadOnlySpan<byte> content) =>
            StreamCodec.WriteNode(ref writer, _nodes[index], content);
    }
}
