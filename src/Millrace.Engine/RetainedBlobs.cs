using Millrace.Memory;

namespace Millrace.Engine;

/// <summary>
/// Large values that a unit replies with: retained under its locks, copied to the reply after it. One per unit.
/// </summary>
public sealed class RetainedBlobs
{
    private readonly List<(Blob Blob, int Length)> _items = [];
    private readonly Blobs _blobs;

    internal RetainedBlobs(Blobs blobs) => _blobs = blobs;

    /// <summary>How many there are.</summary>
    public int Count => _items.Count;

    /// <summary>Keeps a blob from being changed or freed. Requires: the unit holds its partition.</summary>
    /// <param name="blob">The blob.</param>
    /// <param name="length">How many of its bytes are the value.</param>
    public void Add(Blob blob, int length)
    {
        _blobs.Retain(blob);
        _items.Add((blob, length));
    }

    /// <summary>The value at an index; valid until <see cref="Clear"/>.</summary>
    public ReadOnlySpan<byte> this[int index] => _blobs.Span(_items[index].Blob, 0, _items[index].Length);

    /// <summary>Releases all of them.</summary>
    public void Clear()
    {
        foreach (var item in _items) _blobs.Release(item.Blob);
        _items.Clear();
    }
}
