using System.Buffers;
using Millrace.Memory;

namespace Millrace.Engine.Values;

/// <summary>
/// A string that is computed apart from the key that it is for, and put in its place as a whole. A long one is computed
/// where it is going to stay: in a blob, that of the destination if it can be had.
/// </summary>
/// <remarks>
/// Until <see cref="Commit"/> nothing in the partition has changed, so views of other entries stay valid meanwhile.
/// Exactly one Commit ends a draft.
/// </remarks>
public readonly ref struct StringDraft
{
    private readonly Unit _unit;
    private readonly byte[]? _pooled;
    private readonly Blob _blob;
    private readonly bool _isOwn; // the blob is not that of the destination

    /// <summary>A draft for a key.</summary>
    /// <param name="unit">The unit that holds the key's partition.</param>
    /// <param name="key">The key that the string is for.</param>
    /// <param name="existing">What the key holds, of any type.</param>
    /// <param name="mayOverwrite">Whether the value that the key holds may be overwritten at once: nothing reads it
    /// before the draft is complete.</param>
    /// <param name="length">The exact length; at most <see cref="StringValue.MaxBytes"/>.</param>
    public StringDraft(Unit unit, in Key key, in Entry existing, bool mayOverwrite, int length)
    {
        _unit = unit;
        if (length <= StringValue.MaxInlineBytes)
        {
            _pooled = ArrayPool<byte>.Shared.Rent(length);
            Bytes = _pooled.AsSpan(0, length);
            return;
        }

        var heap = unit.PartitionFor(key).Heap;
        if (mayOverwrite) _blob = StringValue.ReusableBlob(heap, existing, length);
        _isOwn = _blob.IsNull;
        if (_isOwn) _blob = heap.Blobs.Create(length);
        Bytes = heap.Blobs.Span(_blob, 0, length);
    }

    /// <summary>The string's bytes, undefined at first. Valid until <see cref="Commit"/>.</summary>
    public Span<byte> Bytes { get; }

    /// <summary>Makes the key hold the string, without a deadline and as raw, however short it is.</summary>
    /// <param name="key">The key of the draft.</param>
    /// <param name="existing">What the key holds, as it was when the draft was made.</param>
    public void Commit(in Key key, in Entry existing)
    {
        if (_pooled is not null)
        {
            StringValue.SetRaw(_unit, key, existing, Bytes);
            ArrayPool<byte>.Shared.Return(_pooled);
            return;
        }

        if (_isOwn) _unit.PartitionFor(key).Heap.Adopt(_blob);
        StringValue.SetBlob(_unit, key, existing, _blob, Bytes.Length);
    }
}
