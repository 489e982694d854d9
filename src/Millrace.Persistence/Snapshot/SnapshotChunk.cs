using System.Buffers;
using Millrace.Engine.Codec;
using Millrace.Memory;

namespace Millrace.Persistence.Snapshot;

/// <summary>
/// Encoded records, or a piece of a long one, on the way from a partition to the file: texts are not compressed yet,
/// and the bytes of large strings are where they always were.
/// </summary>
/// <remarks>
/// <code>
///   bytes   [ ... | text | ... | ... ]
///                 ^ its length is to be written, and it may be compressed
///                              ^ a large string belongs here: its bytes are retained
/// </code>
/// Written under the partition's lock, read by the thread that writes the file, never by both. A short buffer is lent
/// by the shared pool, a longer one is a blob: arrays of that size would be garbage that a loop stops for. Both are
/// given back by <see cref="Free"/>.
/// </remarks>
internal sealed class SnapshotChunk : ValueSink
{
    /// <summary>A chunk that is this long is handed over.</summary>
    internal const int FullBytes = 64 * 1024;

    private const int ShortBytes = 1024;
    private const int LongestArrayBytes = 16 * 1024;
    private const int BlobBytes = FullBytes + (16 * 1024); // mostly enough for the record with which it gets full

    private readonly List<ChunkText> _texts = [];
    private readonly Blobs _blobs;
    private byte[] _array = [];
    private Blob _blob;
    private int _roomBytes;
    private int _filled;

    /// <summary>An empty one.</summary>
    /// <param name="blobs">Where large strings are, and the buffer.</param>
    /// <param name="database">The database of its keys.</param>
    /// <param name="isShort">Whether it may stay short.</param>
    internal SnapshotChunk(Blobs blobs, int database, bool isShort)
    {
        _blobs = blobs;
        Database = database;
        Take(isShort ? ShortBytes : BlobBytes);
    }

    /// <summary>The database of its keys.</summary>
    internal int Database { get; }

    /// <summary>The long record that all of it belongs to, or null: it holds whole records.</summary>
    internal LongRecord? Record { get; set; }

    /// <summary>Whether the long record ends here.</summary>
    internal bool EndsRecord { get; set; }

    /// <summary>How many keys it holds.</summary>
    internal int Keys { get; set; }

    /// <summary>How much memory it takes.</summary>
    internal long HeldBytes { get; private set; }

    internal bool IsEmpty => _filled == 0;

    internal bool IsFull => _filled + PinnedBytes >= FullBytes;

    /// <summary>The bytes of large strings that it keeps. They are the keyspace's own as long as nobody changes them.
    /// </summary>
    internal long PinnedBytes { get; private set; }

    /// <summary>What the thread that writes has to do for it, in bytes.</summary>
    internal long WorkBytes => HeldBytes + PinnedBytes;

    /// <summary>What was encoded.</summary>
    internal ReadOnlySpan<byte> Bytes => Room[.._filled];

    /// <summary>Texts to compress and large strings, in their order.</summary>
    internal List<ChunkText> Texts => _texts;

    /// <inheritdoc/>
    public override bool CompressesLater => true;

    /// <inheritdoc/>
    public override Span<byte> Next(int filled)
    {
        _filled += filled;
        if (_roomBytes - _filled < MinRoomBytes) Grow();
        return Room[_filled..];
    }

    /// <inheritdoc/>
    public override void End(int filled) => _filled += filled;

    /// <inheritdoc/>
    public override void NoteText(int at, int bytes) => _texts.Add(new ChunkText(_filled + at, bytes, default));

    /// <summary>A large string comes next.</summary>
    /// <param name="blob">Retained until <see cref="Free"/>. The partition that has it is held.</param>
    /// <param name="length">How many there are.</param>
    internal void AddBlob(Blob blob, int length)
    {
        _blobs.Retain(blob);
        _texts.Add(new ChunkText(_filled, length, blob));
        PinnedBytes += length;
    }

    /// <summary>The bytes of a text.</summary>
    internal ReadOnlySpan<byte> BytesOf(in ChunkText text) =>
        text.Blob.IsNull ? Room.Slice(text.At, text.Bytes) : _blobs.Span(text.Blob, 0, text.Bytes);

    /// <summary>Notes how much memory it takes from now on, and says how much more that is than before.</summary>
    internal long Measure()
    {
        var before = HeldBytes;
        HeldBytes = _roomBytes;
        return HeldBytes - before;
    }

    /// <summary>Gives everything back. Once.</summary>
    internal void Free()
    {
        foreach (var text in _texts)
        {
            if (!text.Blob.IsNull) _blobs.Release(text.Blob);
        }

        _texts.Clear();
        Return(_array, _blob);
        (_array, _blob, _roomBytes, _filled) = ([], default, 0, 0);
    }

    private Span<byte> Room => _blob.IsNull ? _array : _blobs.Span(_blob, 0, _roomBytes);

    private void Grow()
    {
        var bytes = Bytes;
        var (array, blob) = (_array, _blob);
        Take(checked(_roomBytes * 2));
        bytes.CopyTo(Room);
        Return(array, blob);
    }

    private void Take(int bytes)
    {
        if (bytes <= LongestArrayBytes || _blobs.IsScarce)
        {
            (_array, _blob) = (ArrayPool<byte>.Shared.Rent(bytes), default);
            _roomBytes = _array.Length;
            return;
        }

        (_array, _blob) = ([], _blobs.Create(Math.Max(bytes, BlobBytes)));
        _roomBytes = _blobs.UsableSize(_blob);
    }

    private void Return(byte[] array, Blob blob)
    {
        if (blob.IsNull) ArrayPool<byte>.Shared.Return(array);
        else _blobs.Release(blob);
    }
}

/// <summary>A text within a chunk that is not written as it stands there.</summary>
/// <param name="At">Where it belongs.</param>
/// <param name="Bytes">How long it is.</param>
/// <param name="Blob">Its bytes; null: they stand there.</param>
internal readonly record struct ChunkText(int At, int Bytes, Blob Blob);
