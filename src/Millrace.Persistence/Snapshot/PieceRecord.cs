using System.Buffers;
using System.Diagnostics;
using Millrace.Engine.Codec;
using Millrace.Memory;

namespace Millrace.Persistence.Snapshot;

/// <summary>
/// A list or a stream of many pieces: they are written in their order; one that is about to change before its turn is
/// copied.
/// </summary>
/// <remarks>
/// <code>
///   pieces at the cut    [ written | written |  here  |  copied  |  here  | ... ]  rest
///                                              ^ next
/// </code>
/// </remarks>
internal sealed class PieceRecord : LongRecord
{
    private readonly FrozenValue _value;
    private readonly Dictionary<BlockRef, (byte[] Bytes, int Length)> _copies = [];
    private readonly Dictionary<BlockRef, int> _places = []; // of the pieces of the cut
    private readonly RdbType _type;
    private long _copiedBytes;
    private SnapshotChunk? _rest;
    private int _next;

    internal PieceRecord(int database, FrozenValue value, RdbType type)
        : base(database, value.Type, value.Header)
    {
        _value = value;
        _type = type;
        _places.EnsureCapacity(value.Count);
        for (var i = 0; i < value.Count; i++) _places.Add(value.Block(i), i);
    }

    /// <summary>Keeps what stands behind the pieces, as it is now.</summary>
    internal void Begin(PartitionSaver saver)
    {
        _rest = saver.NewChunk(Database, this);
        var writer = saver.WriterTo(_rest);
        _value.WriteRest(ref writer, _type);
        writer.End();
        saver.Hold(_rest);
    }

    /// <inheritdoc/>
    internal override void Save(PartitionSaver saver, BlockRef member)
    {
    }

    /// <inheritdoc/>
    internal override void SaveContent(PartitionSaver saver, BlockRef block, ReadOnlySpan<byte> content)
    {
        // What came after the cut, and what is written, may change.
        if (!_places.TryGetValue(block, out var index) || index < _next || _copies.ContainsKey(block)) return;
        var copy = ArrayPool<byte>.Shared.Rent(content.Length);
        content.CopyTo(copy);
        _copies.Add(block, (copy, content.Length));
        _copiedBytes += copy.Length;
        saver.Queue.Hold(copy.Length);
    }

    /// <inheritdoc/>
    internal override bool Walk(PartitionSaver saver, long untilTicks)
    {
        while (_next < _value.Count && saver.IsEncoding)
        {
            if (Stopwatch.GetTimestamp() >= untilTicks) return false;
            var content = _copies.TryGetValue(_value.Block(_next), out var copy)
                ? copy.Bytes.AsSpan(0, copy.Length)
                : _value.Content(_next);
            var writer = saver.Continue(this);
            _value.WritePiece(ref writer, _next, content);
            writer.End();
            saver.Measure(this);
            saver.NoteWalked();
            if (copy.Bytes is not null) Return(saver.Queue, _value.Block(_next), copy.Bytes);
            _next++;
        }

        if (!saver.IsEncoding) return true;
        Waiting.Add(_rest!);
        _rest = null;
        return true;
    }

    private void Return(SnapshotQueue queue, BlockRef block, byte[] copy)
    {
        _copies.Remove(block);
        _copiedBytes -= copy.Length;
        queue.Hold(-copy.Length);
        ArrayPool<byte>.Shared.Return(copy);
    }

    /// <inheritdoc/>
    internal override void Free(SnapshotQueue queue)
    {
        if (_rest is not null) queue.Free(_rest);
        _rest = null;
        foreach (var (bytes, _) in _copies.Values) ArrayPool<byte>.Shared.Return(bytes);
        _copies.Clear();
        queue.Hold(-_copiedBytes);
        _copiedBytes = 0;
    }
}
