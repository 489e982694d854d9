using Millrace.Memory;

namespace Millrace.Engine.Codec;

/// <summary>
/// A value encoded in native memory: what a unit replies with to DUMP.
/// </summary>
/// <remarks>
/// <code>
///   Begin -> written to -> Length, Bytes -> Clear
///
///   a block of a partition's heap, which doubles ... over 32 kB: a blob, which doubles
/// </code>
/// A blob may be read after the partition's lock is released (<see cref="RetainedBlobs"/>). Beyond
/// <see cref="MaxBytes"/> nothing is kept and <see cref="IsTooLong"/> says so. One per unit, used again and again;
/// nothing is allocated on the managed heap.
/// </remarks>
public sealed class EncodedValue : ValueSink
{
    /// <summary>The most bytes that are kept.</summary>
    public const int MaxBytes = int.MaxValue - (4 * 1024 * 1024);

    private const int FirstBytes = 256;

    private readonly Blobs _blobs;
    private Heap? _heap;
    private BlockRef _block;
    private Blob _blob;
    private int _room;

    internal EncodedValue(Blobs blobs) => _blobs = blobs;

    /// <summary>How many bytes were written.</summary>
    public int Length { get; private set; }

    /// <summary>Whether there was more than can be kept.</summary>
    public bool IsTooLong { get; private set; }

    /// <summary>Whether the bytes may be read after the unit.</summary>
    public bool IsBlob => !_blob.IsNull;

    /// <summary>What was written; valid until <see cref="Clear"/>.</summary>
    public ReadOnlySpan<byte> Bytes => Room[..Length];

    private Span<byte> Room =>
        _blob.IsNull ? _heap!.Span(_block, 0, _room) : _blobs.Span(_blob, 0, _room);

    /// <summary>Makes ready for a value.</summary>
    /// <param name="heap">A heap that the unit holds.</param>
    /// <param name="expectedBytes">About how long the value is.</param>
    public void Begin(Heap heap, long expectedBytes)
    {
        _heap = heap;
        Length = 0;
        IsTooLong = false;
        Take((int)Math.Clamp(expectedBytes, FirstBytes, MaxBytes));
    }

    /// <inheritdoc/>
    public override Span<byte> Next(int filled)
    {
        Length += filled;
        if (_room - Length < MinRoomBytes) Grow();
        return Room[Length..];
    }

    /// <inheritdoc/>
    public override void End(int filled) => Length += filled;

    /// <summary>Ends the payload of DUMP. Requires: ended.</summary>
    /// <param name="version">The RDB version of the value.</param>
    public void Seal(int version)
    {
        var room = Next(0);
        DumpFooter.Write(Bytes, version, room);
        End(DumpFooter.Bytes);
    }

    /// <summary>Has the bytes kept for a reply that is filled after the unit. Requires: a blob.</summary>
    public void Retain(RetainedBlobs retained) => retained.Add(_blob, Length);

    /// <summary>Gives the memory back.</summary>
    public void Clear()
    {
        if (!_block.IsNull) _heap!.Free(_block);
        if (!_blob.IsNull) _blobs.Release(_blob);
        (_block, _blob, _heap, _room) = (default, default, null, 0);
    }

    private void Grow()
    {
        if (_room >= MaxBytes)
        {
            IsTooLong = true;
            Length = 0; // what follows is written over what was written
            return;
        }

        var (block, blob, filled) = (_block, _blob, Length);
        var old = Room[..filled];
        Take((int)Math.Min(2L * _room, MaxBytes));
        old.CopyTo(Room);
        if (!block.IsNull) _heap!.Free(block);
        if (!blob.IsNull) _blobs.Release(blob);
    }

    private void Take(int bytes)
    {
        (_block, _blob) = (default, default);
        if (bytes <= Heap.MaxSmallBytes)
        {
            _block = _heap!.Allocate(bytes);
            _room = bytes;
            return;
        }

        _blob = _blobs.Create(bytes);
        _room = Math.Min(_blobs.UsableSize(_blob), MaxBytes);
    }
}
